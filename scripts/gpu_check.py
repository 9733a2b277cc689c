"""Whether ganexp holds on this machine's GPU, and how fast it is there: ``python scripts/gpu_check.py --help``.

First the tests that are marked ``gpu``; then, for each preset, ganexp's loop and the bare one of :mod:`bare`, each in a
process of its own. What is done is kept in a file of state, so that a run that was cut off, by ``--minutes`` or by whoever
lends the GPU, goes on with what is missing. After each part, one table is written into a page between two markers.

Images are the real ones that the discriminator has seen. Busy is the share of the time in which the device computes: the time
of all kernels by PyTorch's profiler, in iterations of their own, over the time of as many iterations without it. Memory is
PyTorch's peak on the GPU. With ``--device cpu`` busy is that of operators, and there is no memory.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from bare import PRESETS, bare, players
from lightning.pytorch import Callback, Trainer
from operations import ROOT, ready
from torch.profiler import ProfilerActivity, profile

from ganexp import __version__
from ganexp.config.hardware import describe_hardware
from ganexp.runs.files import write_atomically, write_json

CHOSEN = ["ring", "MNIST DCGAN", *(f"CIFAR-10 {name}" for name in ("DCGAN", "SNGAN", "StyleGAN2", "R3GAN"))]
LOOPS = ("ganexp", "bare")
TESTS = "tests/gpu/test_gpu.py"
BEGIN, END = "<!-- gpu_check -->\n", "<!-- gpu_check ends -->"
LONGEST = 360.0  # seconds of a part
PROFILED = 16  # iterations, as many as the laziest penalty waits
# Of processes that find this ganexp, and tests/support.
PATHS = os.pathsep.join((str(ROOT), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])))
NARROW = ("data.batch_size=8", "network.generator.channels=8", "network.discriminator.channels=8")


class Watch:
    """Time iterations, then profile some: :meth:`tick` is called after one or a few of them.

    Arguments:
        device: Where they run.
        warm: Iterations before.
        seconds: How long to time them.

    Attributes:
        done: Whether all is measured.
        iterations: How many were timed.
        elapsed: In how many seconds.
        computing: Seconds of the device's work in an iteration.
    """

    def __init__(self, device: torch.device, warm: int, seconds: float) -> None:
        self.done, self.iterations, self.elapsed, self.computing = False, 0, 0.0, 0.0
        self._device, self._warm, self._seconds, self._begun, self._since = device, warm, seconds, 0, 0.0
        # The device's own activity, too, where there is a device.
        self._profile = profile(activities=[one for one in ProfilerActivity.__members__.values() if _recorded(one, device)])

    def tick(self, iteration: int) -> None:
        """Note how many iterations have ended, one or several more than the last time."""
        if not self._begun:
            if iteration >= self._warm:
                self._begun, self._since = iteration, self._now()
        elif not self.iterations:
            if time.perf_counter() - self._since > self._seconds:
                self.elapsed, self.iterations = self._now() - self._since, iteration - self._begun
                self._profile.__enter__()
        elif (profiled := iteration - self._begun - self.iterations) >= PROFILED:
            self._now()
            self._profile.__exit__(None, None, None)
            total = f"self_{'cpu' if self._device.type == 'cpu' else 'device'}_time_total"
            self.computing = sum(getattr(one, total) for one in self._profile.key_averages()) / 1e6 / profiled
            self.done = True

    def _now(self) -> float:
        """Return the time at which the device has nothing left to do: a value made last has been read."""
        torch.zeros(1, device=self._device).item()
        return time.perf_counter()


def _recorded(activity: ProfilerActivity, device: torch.device) -> bool:
    return activity.name in ("CPU", device.type.upper())


class Watched(Callback):
    """Let a watch see a training, and end it when all is measured."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *arguments: Any) -> None:
        """Look at the model's own count: Lightning's batch is a group of iterations."""
        self.watch.tick(pl_module.counters.iteration)
        trainer.should_stop = trainer.should_stop or self.watch.done


def measure(name: str, loop: str, accelerator: str, tiny: bool) -> dict[str, float]:
    """Train a preset by one of the loops and return what it took."""
    device = torch.device("cpu" if accelerator == "cpu" else "cuda")
    overrides = (*PRESETS[name], *(NARROW if tiny and name != "ring" else ()))
    watch = Watch(device, *((2, 0.1) if tiny else (50, 10.0)))
    with tempfile.TemporaryDirectory() as folder:
        experiment = ready(Path(folder, "run"), *overrides, accelerator=accelerator)
        if loop == "ganexp":
            experiment.trainer.callbacks.append(Watched(watch))  # type: ignore[attr-defined]
            experiment.trainer.fit(experiment.model, datamodule=experiment.data)
        else:
            x, y = experiment.game.data.load("train")
            steps = bare(experiment, players(experiment).to(device), x.to(device), None if y is None else y.to(device))
            for iteration, _ in enumerate(steps, 1):
                watch.tick(iteration)
                if watch.done:
                    break
    images = experiment.game.data.batch_size * experiment.game.schedule.d_steps * watch.iterations
    return {
        "images": images / watch.elapsed,
        "milliseconds": 1e3 * watch.elapsed / watch.iterations,
        "busy": watch.computing * watch.iterations / watch.elapsed,
        "MiB": torch.cuda.max_memory_allocated() / 2**20,
    }


def tests() -> list[str]:
    """Return the tests that are marked ``gpu``, each a part: ``tests/gpu/test_gpu.py::NAME``."""
    return [f"{TESTS}::{name}" for name in re.findall(r"^def (test_\w+)", (ROOT / TESTS).read_text(), re.MULTILINE)]


def part(key: str, options: argparse.Namespace, limit: float) -> Any:
    """Run a part in a process of its own for at most some seconds; return what it found, or why it found nothing.

    Returns:
        The numbers of :func:`measure`, pytest's closing line, or ``None`` when time was up or the process failed.
    """
    environment = os.environ | {"GANEXP_DEVICE": options.device, "PYTHONPATH": PATHS}
    if key.startswith(TESTS):
        command = ["-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", key]
    else:
        command = [__file__, "--device", options.device, "--measure", key, *(["--tiny"] if options.tiny else [])]
    try:
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        print(f"{key}: not finished in {limit:.0f} seconds", file=sys.stderr)
        return None
    if done.returncode:
        print(f"{key}: failed\n{done.stdout[-4000:]}{done.stderr[-4000:]}", file=sys.stderr)
        return None
    last = done.stdout.strip().splitlines()[-1]
    return last if key.startswith(TESTS) else json.loads(last)


def table(state: dict[str, Any]) -> str:
    """Return what is written between the markers."""
    found = state["parts"]
    lines = [f"{state['machine']}, {state['date']}.", "", "| test | result |", "|---|---|"]
    lines += [f"| {key.partition('::')[2]} | {found.get(key, 'not passed')} |" for key in tests()]
    lines += ["", "| preset | loop | images/s | ms per iteration | busy | MiB |", "|---" * 6 + "|"]
    for name in CHOSEN:
        for loop in LOOPS:
            if one := found.get(f"{name}/{loop}"):
                memory = f"{one['MiB']:,.0f}" if one["MiB"] else ""
                numbers = f"{one['images']:,.0f} | {one['milliseconds']:.2f} | {one['busy']:.2f} | {memory}"
            else:
                numbers = "not finished | | |"
            lines.append(f"| {name} | {loop} | {numbers} |")
    return "\n".join(lines) + "\n"


def write(page: Path, text: str) -> None:
    """Put a text between the markers of a page, at whose end they are added where it has none."""
    content = page.read_text() if page.exists() else ""
    if BEGIN not in content:
        content += f"{BEGIN}{END}\n"
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    write_atomically(page, re.sub(pattern, lambda _: BEGIN + text + END, content, count=1, flags=re.DOTALL))


def check(options: argparse.Namespace) -> int:
    """Run what is missing, and write the table after each part; return how many parts are missing still."""
    device = torch.device("cpu" if options.device == "cpu" else "cuda")
    machine = (
        f"{describe_hardware(device)}, torch {torch.__version__}, Python {platform.python_version()}, ganexp {__version__}"
    )
    state: dict[str, Any] = json.loads(options.state.read_text()) if options.state.exists() else {}
    if (state.get("machine"), state.get("tiny")) != (machine, options.tiny):
        state = {"machine": machine, "tiny": options.tiny, "parts": {}}
    chosen = [key for key in tests() if not options.tests or options.tests in key]
    parts = [*chosen, *(f"{name}/{loop}" for name in options.preset or CHOSEN for loop in LOOPS)]
    end, missing = time.monotonic() + 60 * options.minutes, 0
    for key in parts:
        if key not in state["parts"]:
            left = end - time.monotonic()
            found = part(key, options, min(left, LONGEST)) if left > 0 else None
            if found is None:
                missing += 1
                continue
            state["parts"][key] = found
            state["date"] = datetime.date.today().isoformat()
            write_json(options.state, state)
            write(options.page, table(state))
        print(f"{key}: {state['parts'][key]}", flush=True)
    return missing


def main() -> None:
    """Check, or measure a single part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["gpu", "cpu"], default="gpu")
    parser.add_argument("--tiny", action="store_true", help="narrow networks, and hardly any time: to see that it runs")
    parser.add_argument("--preset", choices=CHOSEN, action="append", help="can be repeated; default: all")
    parser.add_argument("--tests", help="only those whose name has this in it")
    parser.add_argument("--minutes", type=float, default=20.0, help="when to stop; what is missing then is for the next time")
    parser.add_argument("--state", type=Path, default=Path("gpu_check.json"), help="what is done already")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "speed.md", help="where the table is written")
    parser.add_argument("--measure", metavar="PRESET/LOOP", help="measure this alone, and print the numbers")
    options = parser.parse_args()
    if options.device == "gpu" and not torch.cuda.is_available():
        parser.error("there is no GPU here; --device cpu --tiny tries the script without one")
    if options.measure:
        name, _, loop = options.measure.rpartition("/")
        print(json.dumps(measure(name, loop, options.device, options.tiny)))
        return
    sys.exit(1 if check(options) else 0)


if __name__ == "__main__":
    main()
