"""Trainings on a device that is not there: its tensors have a shape, a type and a place, but no values.

They are torch's fake tensors. Two of different devices in one operation raise an error, as on a GPU. Where a value would be
copied between devices or read, which makes the host wait for a GPU, the place in the code is noted. The device has the type
``lazy``, because that one needs no driver; it is none for fused optimisers, which are told that it is, and for generators of
random numbers, which draw no numbers here.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from lightning.pytorch.accelerators import CPUAccelerator
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ganexp.runs.run import Run
from ganexp.training.experiment import Experiment, assemble

AWAY = torch.device("lazy", 0)
FUSED = "_get_fused_kernels_supported_devices"


class Waits(TorchDispatchMode):
    """Count the waits for the device by what is waited for and by the function that waits, such as ``read scalars.act``."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten._local_scalar_dense.default:
            if args[0].device == AWAY:
                self._note("read")
            return 0.5  # what has no value must have one on the host
        found = function(*args, **(kwargs or {}))
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        places = {tensor.device for tensor in inputs if tensor.dim()}
        if isinstance(found, Tensor) and (AWAY in places or found.device == AWAY) and len({*places, found.device}) > 1:
            self._note("read" if found.device != AWAY else "copy")
        return found

    def _note(self, what: str) -> None:
        frame = sys._getframe()
        while frame is not None and not frame.f_globals.get("__name__", "").startswith("ganexp."):
            frame = frame.f_back
        place = "?" if frame is None else f"{frame.f_globals['__name__'].rpartition('.')[2]}.{frame.f_code.co_name}"
        self.counted[f"{what} {place}"] += 1


class _Accelerator(CPUAccelerator):
    def setup_device(self, device):
        pass


class _Generator(torch.Generator):
    def __new__(cls, device="cpu"):
        made = super().__new__(cls)
        made.place = torch.device(device)
        return made

    @property
    def device(self):
        return self.place


@contextmanager
def elsewhere() -> Iterator[Waits]:
    """Let tensors have no values, and yield what counts the waits."""
    waits = Waits()
    fused = getattr(torch.utils._foreach_utils, FUSED)()
    holders = [module for name, module in sys.modules.items() if name.startswith("torch.") and hasattr(module, FUSED)]
    value_by_value = FakeTensor.tolist
    with ExitStack() as changes:
        changes.enter_context(patch.object(torch, "Generator", _Generator))
        # Gradient checkpointing keeps the state of a device's generator, if that has been used.
        changes.enter_context(patch.object(torch, AWAY.type, SimpleNamespace(_initialized=False), create=True))
        # A GPU's tensor becomes a list by one copy.
        changes.enter_context(patch.object(FakeTensor, "tolist", lambda tensor: value_by_value(tensor.cpu())))
        for module in holders:
            changes.enter_context(patch.object(module, FUSED, lambda: [*fused, AWAY.type]))
        changes.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        changes.enter_context(waits)
        yield waits


def move(model: nn.Module) -> dict[nn.Parameter, nn.Parameter]:
    """Replace all parameters and buffers by those of the device, as ``model.to`` would do; return the old with the new ones."""
    moved = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                moved[parameter] = module._parameters[name] = nn.Parameter(_moved(parameter), parameter.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = _moved(buffer)
    model._device = AWAY
    return moved


def _moved(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device=AWAY)


@contextmanager
def displaced(training: Experiment) -> Iterator[None]:
    """Let a training that has not begun train there."""
    model, strategy = training.model, training.trainer.strategy

    def model_to_device():
        moved = move(model)
        model._owned = {player: [moved[parameter] for parameter in owned] for player, owned in model._owned.items()}

    strategy._root_device, strategy.accelerator = AWAY, _Accelerator()
    with patch.object(strategy, "model_to_device", model_to_device), patch.object(strategy, "teardown"):
        yield


def train_elsewhere(config: dict[str, Any], folder: Path) -> Counter[str]:
    """Train a configuration on the device to the end, and return the waits."""
    training = assemble(config, Run(folder))
    with elsewhere() as waits, displaced(training):
        training.trainer.fit(training.model, datamodule=training.data)
    assert training.model.counters.iteration == training.model.total_iterations
    return waits.counted


def once(epochs: int = 1) -> dict[str, int]:
    """Return the waits of a run with one log entry: copies of samples, labels and the order of each epoch, and a read."""
    return {"copy feed.train_dataloader": 2, "copy batches._order": epochs, "read scalars.act": 1}
