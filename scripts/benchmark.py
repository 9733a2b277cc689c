"""What ganexp's loop costs, beside the same algorithm written by hand: ``python scripts/benchmark.py --help``.

Three ways to train the same networks on the same data, in one process on one thread of the CPU:

* *ganexp*: real training, with Lightning, TensorBoard, CSV, progress bar, checkpoints (no pictures, no metrics);
* *bare*: the plain loop of :mod:`bare`, by someone who knows PyTorch;
* *textbook*: the loop of most tutorials: a DataLoader over single, transformed samples, PyTorch's default optimiser and memory
  format, a generator's update that also computes the discriminator's gradient, both losses read in every iteration.

``--option`` adds one more: the bare loop, whose players compute as an option of the trainer says.

All make the same updates: one of D, one of G, each on fakes of its own, non-saturating loss, Adam, no penalty. Only ganexp and
bare average G's weights (EMA) or train in bf16, and only they train the recipes ``sngan`` and ``stylegan2``, the presets
mnist_sngan_small and digits_stylegan2_small. The loops take turns: ganexp trains a block of iterations, then a callback
stops the clock and lets the others train as many, in an order that changes, so whatever else the machine does meets all of
them. A time is the median over the blocks, a ratio the median of the ratios in each block; the quartiles are in brackets.
MNIST is read from the folder named by GANEXP_DATA; without it, random bytes take its place.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import lightning
import torch
from bare import Loop, bare, players
from hydra import compose, initialize_config_dir
from lightning.pytorch import Callback, Trainer
from PIL import Image
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision import transforms

from ganexp import __version__
from ganexp.config import compose as config
from ganexp.config.hardware import describe_hardware
from ganexp.runs.run import Run
from ganexp.training.execution import Execution
from ganexp.training.experiment import Experiment, assemble
from ganexp.training.train import train

LOG_EVERY = 50  # a block of ganexp has whole log windows, or some blocks would hold none of that cost
SAVE_EVERY = 500  # as in a run of 5,000 iterations; the default, ten times in a run, is far more often in one as short as these

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}

ALGORITHM = ["optimizer=adam", "lr_schedule=constant", "penalty=none", "metrics=none", "loss=non_saturating"]
POINTS = ["model=gan", "network=mlp", "data=ring", "data.batch_size=256", "model.latent_dim=100", "model.noise=normal"]
IMAGES = ["model=dcgan", "network=dcgan", "data=mnist", "data.batch_size=64", "model.latent_dim=100"]
CASES: dict[str, list[str]] = {
    "points": [*ALGORITHM, *POINTS],
    "images": [*ALGORITHM, *IMAGES],
    "images-bf16": [*ALGORITHM, *IMAGES, "trainer.precision=bf16-mixed"],
    "sngan": ["experiment=mnist_sngan_small", "metrics=none"],
    "stylegan2": ["experiment=digits_stylegan2_small", "metrics=none"],
}
RECIPES = ("sngan", "stylegan2")
"""Cases that no tutorial's loop trains."""


class Photographs(Dataset[Any]):
    """Images from memory, one at a time and transformed by torchvision, as in ``torchvision.datasets.MNIST``."""

    def __init__(self, x: Tensor) -> None:
        self.x = x
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.x[index, 0].numpy())), 0


def textbook(experiment: Experiment, x: Tensor) -> Loop:
    """Train as tutorials do."""
    networks, latent_dim = players(experiment), experiment.model.latent_dim
    generator, discriminator = networks["generator"], networks["discriminator"]
    for player in (generator, discriminator):
        player.to(memory_format=torch.contiguous_format)  # PyTorch's default, which ganexp's images do not use
    d_optimizer, g_optimizer = (Adam(player.parameters(), 2e-4, (0.5, 0.999)) for player in (discriminator, generator))
    criterion = nn.BCEWithLogitsLoss()
    dataset: Dataset[Any] = Photographs(x) if x.dim() == 4 else TensorDataset(x, torch.zeros(len(x)))
    loader = DataLoader(dataset, experiment.game.data.batch_size, shuffle=True, drop_last=True)
    d_losses, g_losses = [], []
    while True:
        for real, _ in loader:
            ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)

            d_optimizer.zero_grad()
            fake = generator(torch.randn(len(real), latent_dim))
            d_loss = criterion(discriminator(real), ones) + criterion(discriminator(fake.detach()), zeros)
            d_loss.backward()
            d_optimizer.step()

            g_optimizer.zero_grad()
            g_loss = criterion(discriminator(generator(torch.randn(len(real), latent_dim))), ones)
            g_loss.backward()
            g_optimizer.step()

            d_losses.append(d_loss.item())
            g_losses.append(g_loss.item())
            yield


class Turns(Callback):
    """Time ganexp in blocks, and the other loops between two of them; ``blocks`` holds each loop's seconds per iteration."""

    def __init__(self, others: dict[str, Loop], iterations: int, clock: Callable[[], float]) -> None:
        self.others, self.iterations, self._clock = others, iterations, clock
        self.blocks: list[dict[str, float]] = []
        self._since = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        self._since = self._clock()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Stop the clock at the end of a block, let the others run, and start it again."""
        if pl_module.counters.iteration % self.iterations:
            return
        times = {"ganexp": (self._clock() - self._since) / self.iterations}
        names = list(self.others)
        for name in names if len(self.blocks) % 2 else reversed(names):
            start = self._clock()
            for _ in range(self.iterations):
                next(self.others[name])
            times[name] = (self._clock() - start) / self.iterations
        self.blocks.append(times)
        self._since = self._clock()


def measure(
    case: str, ema: bool, blocks: int, iterations: int, folder: Path, options: dict[str, bool], clock: Callable[[], float]
) -> list[dict[str, float]]:
    """Train a case in all ways and return seconds per iteration, for each block and loop."""
    overrides = [
        *CASES[case], "accelerator=cpu", "~callbacks.samples", "~callbacks.evaluation", f"callbacks.scalars.every={LOG_EVERY}",
        f"trainer.max_iterations={(blocks + 1) * iterations}", "trainer.max_epochs=null",
        f"callbacks.checkpoints.every={SAVE_EVERY}",
        "schedule.ema_images=null", f"schedule.ema_decay={0.999 if ema else 'null'}",
    ]  # fmt: skip
    if case not in ("points", "stylegan2") and not os.environ.get("GANEXP_DATA"):
        overrides.append("data._target_=bare.RandomDigits")
    with initialize_config_dir(str(config.directory()), version_base="1.3"):
        content = config.plain(compose("config", overrides)) | {"choices": {}, "name": case, "resume": None}
    experiment = assemble(content, Run(folder / f"{case}-{ema}"))
    x, y = experiment.game.data.load("train")
    others = {"bare": bare(experiment, players(experiment), x, y)}
    if options:
        networks = players(experiment)
        Execution(**options).apply([networks["generator"], networks["discriminator"]])
        others["option"] = bare(experiment, networks, x, y)
    if case not in RECIPES:
        others["textbook"] = textbook(experiment, x)
    turns = Turns(others, iterations, clock)
    experiment.trainer.callbacks.append(turns)  # type: ignore[attr-defined]
    train(experiment, [])
    return turns.blocks[1:]  # the first one warms up


def row(case: str, ema: bool, blocks: list[dict[str, float]]) -> str:
    """Return a row of the table, in milliseconds."""
    loops = ("ganexp", "bare", "textbook", "option")
    pairs = (("ganexp", "bare"), ("ganexp", "textbook"), ("option", "bare"))
    times = [quartiles([block[loop] * 1e3 for block in blocks if loop in block], "{:.2f}") for loop in loops]
    ratios = [quartiles([block[a] / block[b] for block in blocks if {a, b} <= block.keys()], "{:.3f}") for a, b in pairs]
    return " | ".join([f"| {case}", "on" if ema else "off", *times, *ratios, f"{len(blocks)} |"])


def quartiles(values: list[float], form: str) -> str:
    """Return the median, and the quartiles in brackets; nothing of no values."""
    if not values:
        return ""
    low, middle, high = map(form.format, statistics.quantiles(values, n=4, method="inclusive"))
    return f"{middle} [{low}, {high}]"


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, action="append", help="can be repeated; default: all")
    parser.add_argument("--ema", choices=["on", "off"], action="append", help="average of G's weights; default: both")
    parser.add_argument("--blocks", type=int, default=20, help="blocks of each loop, 2 or more")
    parser.add_argument("--iterations", type=int, help=f"in a block, a multiple of {LOG_EVERY}; default: 200 points, 50 images")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: time of this process, where others are at work")
    parser.add_argument("--option", choices=[field.name for field in fields(Execution)], help="of the trainer, turned over")
    options = parser.parse_args()
    turned = {options.option: not getattr(Execution(), options.option)} if options.option else {}
    if options.blocks < 2 or (options.iterations or LOG_EVERY) % LOG_EVERY:
        parser.error(f"--blocks is 2 or more, --iterations a multiple of {LOG_EVERY}")
    torch.set_num_threads(1)
    config.register_resolvers()
    print(f"{describe_hardware(torch.device('cpu'))}, Python {platform.python_version()}, ganexp {__version__}, ", end="")
    print(f"torch {torch.__version__}, lightning {lightning.__version__}")
    print("\nMilliseconds per iteration and ratios: median [quartiles].\n")
    print(
        "| case | EMA | ganexp | bare | textbook | option | ganexp / bare | ganexp / textbook | option / bare | blocks |\n"
        + 10 * "|---"
        + "|",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        for case in options.case or CASES:
            for ema in options.ema or ["off", "on"]:
                iterations = options.iterations or (200 if case == "points" else 50)
                blocks = measure(case, ema == "on", options.blocks, iterations, Path(folder), turned, CLOCKS[options.clock])
                print(row(case, ema == "on", blocks), flush=True)


if __name__ == "__main__":
    main()
