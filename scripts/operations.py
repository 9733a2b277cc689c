"""Operations and memory of an iteration, beside the same algorithm written by hand: ``python scripts/operations.py --help``.

Counted are the calls of PyTorch's operators that compute or copy: on a GPU each starts a kernel or a few. Views of a tensor and
allocations are none. Memory is that of all tensors that live at a time, at most: weights, gradients, states of the optimisers,
averages and activations, without the data and without what an operator needs inside itself. Both are averages over (memory: the
maximum of) as many iterations as lazy penalties need, without a log entry.

Tensors have no values here, only shapes (PyTorch's fake tensors), so the numbers depend neither on the machine nor on chance,
and networks of 20 million weights take seconds. They do depend on PyTorch, whose version is printed.
"""

import argparse
import math
import sys
import tempfile
import weakref
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from bare import PRESETS, UNWRITTEN, bare, players
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from ganexp.config.compose import compose  # noqa: E402 (found by the path above)
from ganexp.runs.run import Run  # noqa: E402
from ganexp.training.experiment import Experiment, assemble  # noqa: E402
from support.elsewhere import AWAY, displaced, elsewhere, move  # type: ignore[import-not-found] # noqa: E402

KINDS = {
    "layers": ("convolution", "mm", "addmm", "bmm", "baddbmm", "native_batch_norm", "native_layer_norm", "grid_sampler"),
    "updates": ("_fused", "_foreach"),
    "random": ("rand", "normal_", "uniform_", "bernoulli", "multinomial", "native_dropout"),
}
"""Kinds of operators by the beginnings of their names; all others are elementwise, reductions and copies: ``rest``."""

_WARM = 2  # iterations in which optimisers and averages make their states


@dataclass
class Cost:
    """What iterations cost.

    Attributes:
        operations: Calls by operator, per iteration.
        peak: Bytes of tensors that lived at a time, at most.
    """

    operations: dict[str, float]
    peak: int

    @property
    def total(self) -> float:
        """All operations of an iteration."""
        return sum(self.operations.values())

    def kinds(self) -> dict[str, float]:
        """Return the operations by their kind."""
        found: Counter[str] = Counter()
        for name, count in self.operations.items():
            found[next((kind for kind, begins in KINDS.items() if name.startswith(begins)), "rest")] += count  # type: ignore[assignment]
        return dict(found)


class Meter(TorchDispatchMode):
    """Count operators, and the bytes of all tensors that they have seen and that live."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: Counter[str] = Counter()
        self.live = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = function(*args, **(kwargs or {}))
        there = [leaf for leaf in tree_leaves((args, kwargs, found)) if isinstance(leaf, Tensor) and leaf.device == AWAY]
        for tensor in there:
            self._see(tensor)
        name = function.overloadpacket.__name__
        if there and function.namespace != "prim" and not _is_view(function) and not name.startswith(("empty", "new_empty")):
            self.operations[name] += 1
        return found

    def ignore(self, tensor: Tensor) -> None:
        """Leave a tensor's memory out, which has been seen."""
        self.live -= tensor.untyped_storage().nbytes()

    def cost(self, iterations: int) -> Cost:
        """Return what so many iterations cost since all was forgotten."""
        return Cost({name: count / iterations for name, count in self.operations.items()}, self.peak)

    def forget(self) -> None:
        """Begin anew, with what lives now."""
        self.operations.clear()
        self.peak = self.live

    def _see(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if (key := storage._cdata) not in self._known:
            self._known.add(key)
            self.live += (size := storage.nbytes())
            self.peak = max(self.peak, self.live)
            weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size


def _is_view(function: Any) -> bool:
    """Return whether an operator returns only other views of what it is given."""
    results = function._schema.returns
    return bool(results) and all(one.alias_info is not None and not one.alias_info.is_write for one in results)


def ready(folder: Path, *overrides: str, iterations: int = 10**6, accelerator: str = "cpu") -> Experiment:
    """Prepare a training that measures, draws, saves and logs nothing."""
    quiet = [f"~callbacks.{name}" for name in ("samples", "evaluation", "health", "checkpoints", "weights", "progress", "stop")]
    config = compose(
        *overrides, *quiet, "metrics=none", "logger=csv", f"trainer.accelerator={accelerator}",
        "callbacks.scalars.every=1000000", "trainer.max_epochs=null", f"trainer.max_iterations={iterations}",
    )  # fmt: skip
    return assemble(config, Run(folder))


def period(experiment: Experiment) -> int:
    """Return in how many iterations the cost repeats itself: lazy penalties, and batches that are made together."""
    part = experiment.data._groups(0, 1).part
    return math.lcm(part, *(regularizer.every for regularizer in experiment.game.all_regularizers.values()))


def ours(overrides: tuple[str, ...], folder: Path) -> Cost:
    """Return what ganexp's iteration costs."""
    count = period(ready(folder / "asked", *overrides))
    warm = -(-_WARM // count) * count
    experiment, meter = ready(folder / "counted", *overrides, iterations=warm + count), Meter()
    counted, costs = experiment.model.count_iteration, list[Cost]()

    def count_iteration(images: int) -> None:
        counted(images)
        if experiment.model.counters.iteration == warm:
            meter.forget()
        elif experiment.model.counters.iteration == warm + count:
            costs.append(meter.cost(count))

    experiment.model.count_iteration = count_iteration  # type: ignore[method-assign]
    with elsewhere(), displaced(experiment), meter:
        for tensor in _data(experiment):
            meter.ignore(tensor)
        experiment.trainer.fit(experiment.model, datamodule=experiment.data)
    return costs[0]


def by_hand(overrides: tuple[str, ...], folder: Path) -> Cost:
    """Return what the same iteration costs in the bare loop."""
    experiment, meter = ready(folder, *overrides), Meter()
    count, networks = period(experiment), players(experiment)
    with elsewhere(), meter:
        move(networks)
        x, y = _data(experiment)
        meter.ignore(x)
        meter.ignore(y)
        loop = bare(experiment, networks, x, y)
        for _ in range(-(-_WARM // count) * count):
            next(loop)
        meter.forget()
        for _ in range(count):
            next(loop)
        return meter.cost(count)


def _data(experiment: Experiment) -> tuple[Tensor, Tensor]:
    """Return the training data, on the device."""
    x, y = experiment.game.data.load("train")
    x, y = x.to(AWAY), torch.zeros(len(x), dtype=torch.int64, device=AWAY) if y is None else y.to(AWAY)
    experiment.data._loaded = x, y
    return x, y


def row(name: str, cost: Cost, other: Cost | None) -> str:
    """Return a row of the table."""
    both = [cost, *([other] if other else [])]
    kinds = [" / ".join(f"{one.kinds()[kind]:,.0f}" for one in both) for kind in (*KINDS, "rest")]
    totals = [f"{one.total:,.0f}" for one in both] + [f"{cost.total / other.total:.2f}" if other else "–"]
    memory = [f"{one.peak / 2**20:,.1f}" for one in both] + [f"{cost.peak / other.peak:.2f}" if other else "–"]
    if other is None:
        totals, memory = ([numbers[0], "–", numbers[1]] for numbers in (totals, memory))
    return f"| {' | '.join([name, *totals, *kinds, *memory])} |"


def main() -> None:
    """Count, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, action="append", help="can be repeated; default: all")
    parser.add_argument("--names", action="store_true", help="also print each operator's number")
    parser.add_argument("--option", action="append", help="compare ganexp with and without this option, key=value, instead")
    options = parser.parse_args()
    print(f"torch {torch.__version__}\n")
    sides = ("with", "without") if options.option else ("ganexp", "bare")
    print("| preset", *sides, "ratio", *KINDS, "rest", *(f"MiB, {side}" for side in sides), "ratio |", sep=" | ")
    print("|---" * (8 + len(KINDS)) + "|", flush=True)
    names = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.preset or PRESETS:
            cost = ours((*PRESETS[name], *(options.option or ())), Path(folder, name, "ours"))
            other = None
            if options.option or name not in UNWRITTEN:
                other = (ours if options.option else by_hand)(PRESETS[name], Path(folder, name, "other"))
            print(row(name, cost, other), flush=True)
            seconds = other.operations if other else {}
            names += [
                f"{name}: {key} {cost.operations.get(key, 0):g} / {seconds.get(key, 0):g}"
                for key in sorted({**cost.operations, **seconds})
            ]
    if options.names:
        print("", *names, sep="\n")


if __name__ == "__main__":
    main()
