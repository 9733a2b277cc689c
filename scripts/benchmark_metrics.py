"""What measuring costs a training on points: ``python scripts/benchmark_metrics.py --help``.

The default recipe of each data set is trained on one thread of the CPU, with everything but pictures. Blocks of iterations take
turns: one ends with an evaluation by the metrics, the next has none, in an order that changes, so whatever else the machine
does meets both. A time is the median over the blocks, a ratio the median over neighbouring blocks; the quartiles are in
brackets. The first evaluation also draws the real points and is reported alone.
"""

import argparse
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import lightning
import torch
from benchmark import quartiles
from hydra import compose, initialize_config_dir
from lightning.pytorch import Callback, Trainer

from ganexp import __version__
from ganexp.config import compose as config
from ganexp.config.hardware import describe_hardware
from ganexp.runs.run import Run
from ganexp.training.callbacks import Evaluation
from ganexp.training.experiment import assemble
from ganexp.training.train import train

CASES = ["ring", "grid", "density"]
NEVER = 10**9


class Timed(Evaluation):
    """An evaluation that notes its seconds."""

    seconds: list[float]

    def act(self, trainer: Trainer, model: Any) -> None:
        """Measure, and note how long it takes."""
        start = time.perf_counter()
        super().act(trainer, model)
        self.seconds.append(time.perf_counter() - start)


class Turns(Callback):
    """Switch the evaluation on and off; ``blocks`` holds the seconds of pairs of blocks, without and with it.

    Arguments:
        evaluation: What is switched.
        every: Iterations in a block.
    """

    def __init__(self, evaluation: Evaluation, every: int) -> None:
        self.evaluation, self.every = evaluation, every
        self.blocks: list[list[float]] = []
        self._since = 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Note the time of a block that ends, and decide about the next one."""
        done, rest = divmod(pl_module.counters.iteration, self.every)
        if rest:
            return
        seconds, measured = time.perf_counter() - self._since, self.evaluation.every != NEVER
        # The first block prepares: it belongs to no pair.
        if done > 1:
            if done % 2 == 0:
                self.blocks.append([0.0, 0.0])
            self.blocks[-1][measured] = seconds
        pair, second = divmod(done - 1, 2)
        self.evaluation.every = self.every if (pair + second) % 2 == 0 else NEVER
        self._since = time.perf_counter()


def measure(case: str, every: int, pairs: int, options: list[str], folder: Path) -> tuple[list[list[float]], list[float]]:
    """Train on a data set; return the seconds of pairs of blocks, without and with an evaluation, and of each evaluation."""
    overrides = [
        f"data={case}", "accelerator=cpu", "~callbacks.samples", f"callbacks.evaluation.every={every}",
        f"callbacks.evaluation._target_={Timed.__module__}.Timed", "trainer.max_epochs=null",
        f"trainer.max_iterations={(2 * pairs + 2) * every}", *options,
    ]  # fmt: skip
    with initialize_config_dir(str(config.directory()), version_base="1.3"):
        content = config.plain(compose("config", overrides)) | {"choices": {}, "name": case, "resume": None}
    training = assemble(content, Run(folder / case))
    callbacks: list[Callback] = training.trainer.callbacks  # type: ignore[attr-defined]
    (evaluation,) = (callback for callback in callbacks if isinstance(callback, Timed))
    evaluation.seconds = []
    turns = Turns(evaluation, every)
    callbacks.append(turns)
    train(training, [])
    return turns.blocks[:pairs], evaluation.seconds


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, action="append", help="can be repeated; default: all")
    parser.add_argument("--every", type=int, default=300, help="iterations between two evaluations")
    parser.add_argument("--pairs", type=int, default=10, help="pairs of blocks, 2 or more")
    parser.add_argument("options", nargs="*", help="options of the run, such as callbacks.evaluation.samples=10000")
    arguments = parser.parse_args()
    if arguments.pairs < 2 or arguments.every < 1:
        parser.error("--pairs is 2 or more, --every 1 or more")
    torch.set_num_threads(1)
    config.register_resolvers()
    print(f"{describe_hardware(torch.device('cpu'))}, Python {platform.python_version()}, ganexp {__version__}, ", end="")
    print(f"torch {torch.__version__}, lightning {lightning.__version__}")
    print(f"\nAn evaluation every {arguments.every} iterations; milliseconds and ratios: median [quartiles].\n")
    print("| data | iteration | first evaluation | evaluation | with / without | pairs |\n" + 6 * "|---" + "|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for case in arguments.case or CASES:
            blocks, (first, *rest) = measure(case, arguments.every, arguments.pairs, arguments.options, Path(folder))
            iteration = quartiles([without / arguments.every * 1e3 for without, _ in blocks], "{:.2f}")
            evaluation = quartiles([seconds * 1e3 for seconds in rest], "{:.0f}")
            ratio = quartiles([measured / without for without, measured in blocks], "{:.3f}")
            row = (case, iteration, f"{first * 1e3:.0f}", evaluation, ratio, str(len(blocks)))
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
