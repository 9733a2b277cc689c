"""A generator alone, as a file that is used without ganexp.

Contract: the file maps latents z, float32 with shape (B, latent_dim), and, where the generator takes labels, y, classes (int64,
    (B,)) or the values of K attributes (float32, (B, K)), to samples, float32 with shape (B, *shape) in the data's range, for
    every B from 1, as `GAN.sample` does. The file brings a description of these as JSON with it.
"""

import copy
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganexp.config.errors import ConfigError
from ganexp.models import GAN
from ganexp.models.latents import written
from ganexp.training.restore import Restored

Format = Literal["torch_export", "onnx"]

DESCRIPTION = "generator.json"
"""Name of the description: an extra file of a ``.pt2``, an entry of the metadata of an ``.onnx``."""


class Sampler(nn.Module):
    """A model's generator, the averaged one where there is one, as a function of plain tensors in evaluation mode.

    Arguments:
        model: The model; it stays as it is.
    """

    def __init__(self, model: GAN) -> None:
        super().__init__()
        network = copy.deepcopy(model.generator if model.average is None else model.average.module).cpu().eval()
        self.network = network.to(memory_format=torch.contiguous_format).requires_grad_(False)
        self._attributes = model.data.attributes if model.label_size and not model.label_classes else None
        self._generate: Callable[[nn.Module, Tensor, Tensor], Tensor] = model.generate

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Map z with shape (B, latent_dim), and y with shape (B,) or (B, K), to samples with shape (B, *shape)."""
        if y is None:
            y = z.new_zeros(z.shape[0], dtype=torch.int64)
        return self._generate(self.network, z, y if self._attributes is None else self._attributes.encode(y))


def export(restored: Restored, path: Path, format: Format) -> None:
    """Write the generator.

    Arguments:
        restored: The trained model.
        path: The file to write.
        format: What to write: a program of `torch.export`, or ONNX.

    Raises:
        ConfigError: ONNX is asked for and cannot be written here.
    """
    check_installed(format)
    model, description = restored.model, json.dumps(describe(restored), indent=2)
    # Two samples, because torch takes the size 1 for a constant.
    inputs: tuple[Tensor, ...] = (torch.zeros(2, model.latent_dim),)
    names = ["z"]
    if model.label_classes:
        inputs, names = (*inputs, torch.zeros(2, dtype=torch.int64)), ["z", "y"]
    elif model.label_size:
        inputs, names = (*inputs, torch.zeros(2, model.label_size - 1)), ["z", "y"]
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(Sampler(model), inputs, dynamic_shapes={name: {0: batch} for name in names})
    if format == "torch_export":
        torch.export.save(program, path, extra_files={DESCRIPTION: description})
        return
    onnx = torch.onnx.export(program, dynamo=True, input_names=names, output_names=["samples"], verbose=False)
    assert onnx is not None
    onnx.model.metadata_props[DESCRIPTION] = description
    onnx.save(path, external_data=False)


def check_installed(format: Format) -> None:
    """Refuse a format whose packages are not installed.

    Raises:
        ConfigError: One is missing.
    """
    missing = [name for name in ("onnx", "onnxscript") if format == "onnx" and find_spec(name) is None]
    if missing:
        raise ConfigError(f"{' and '.join(missing)} cannot be imported", "export", hint="pip install 'ganexp[onnx]'")


def describe(restored: Restored) -> dict[str, Any]:
    """Return what a user of the file needs to know, in types that JSON has."""
    model = restored.model
    return {
        "latent_dim": model.latent_dim,
        "noise": model.noise,
        "classes": model.label_classes,
        "class_names": model.label_names,
        "attributes": model.data.attributes.names if model.data.attributes and model.label_size else None,
        "shape": model.data.shape,
        "value_range": model.data.value_range,
        "averaged": model.average is not None,
        "iteration": restored.iteration,
        "run": restored.run.path.name,
    }


def usage(restored: Restored, path: Path, format: Format) -> str:
    """Return two lines of Python that load the file and use it."""
    model = restored.model
    draw = written(model.noise, 16, model.latent_dim)
    labels = f"torch.randint({model.label_classes}, (16,))" if model.label_classes else ""
    if model.label_size and not model.label_classes:
        labels = f"torch.zeros(16, {model.label_size - 1})"
    if format == "torch_export":
        inputs = f"{draw}, {labels}" if labels else draw
        return f'generator = torch.export.load("{path}").module()\nsamples = generator({inputs})'
    feed = f'"z": {draw}.numpy()' + (f', "y": {labels}.numpy()' if labels else "")
    return f'session = onnxruntime.InferenceSession("{path}")\n(samples,) = session.run(None, {{{feed}}})'
