"""Train presets on CIFAR-10, measure them as papers do, write ``docs/baselines.md``: ``python scripts/baselines.py --help``.

Each preset is trained for each seed, to the number of images that ``--images`` says or else to the preset's own, and measured
by the classifier of CIFAR-10's classes and, where ``--inception`` names its weights, by Inception, beside the FID that the
preset's header quotes. Everything is a process of its own. When ``--minutes`` are over, or on a signal, the one at work saves
and ends; the same command goes on from there, exactly. One that was killed goes on from its last checkpoint. After each part
the page is written from what the runs hold, so that only what was measured is on it.
"""

import argparse
import os
import re
import shlex
import signal
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gpu_check import NARROW, PATHS
from results import IMAGES, ROOT, spread

from ganexp.config.compose import compose, directory, quote
from ganexp.runs import protocol
from ganexp.runs.files import write_atomically
from ganexp.runs.jobs import Job
from ganexp.runs.records import EvaluationRecord, Summary, find
from ganexp.sweeps.supervisor import Launch, asked_to_stop, listening, pass_on, supervise

EXPERIMENTS = {path.stem: path.read_text() for path in sorted((directory() / "experiment").glob("cifar10_*.yaml"))}
PUBLISHED = {name: found[1] for name, text in EXPERIMENTS.items() if (found := re.search(r"FID ([\d.]+) as published", text))}
"""The FID that a preset's header quotes: 50,000 samples against the training images, by Inception."""

TINY = (*NARROW, "data._target_=support.one_update.RandomPhotographs")
COLUMNS = [column for column in IMAGES if column[0] in ("fid", "precision", "recall")]
_TICK = 0.2  # seconds between two looks at whether to stop

PAGE = """# Baselines

`python scripts/baselines.py {arguments}`, {dates}, {devices}, {versions}.

Presets of published systems on CIFAR-10, measured in their **final** state: the mean over the seeds and, after ±, the standard
deviation. Images are the real ones that the discriminator has seen, in millions; of a run that is not finished, with the number
that it was to see. Only what was measured is here.

{table}

## How the numbers are made

`python -m ganexp.evaluate metrics=images samples={samples}`: {samples:,} samples against all training images; precision and
recall look at 10,000 of each at most. An average is that of the generator's weights; without one, the weights themselves are
judged. The published FIDs are those that the presets' headers quote, of 50,000 samples in the features of Inception, which
`--inception FILE` measures, too. The classifier's features are those of a small network that learnt CIFAR-10's own classes: its
numbers rank models on this page, and cannot be compared with published ones. What real images score, those of the test split,
stands below.

The same command goes on where it was stopped, to the same bits; `--minutes` cuts the work into slices. On a GPU,
`python scripts/baselines.py --inception weights-inception-2015-12-05-6726825d.pth` trains every preset that quotes a figure,
for three seeds, as long as it says.
"""


@dataclass(frozen=True)
class Trained:
    """A run, as far as it has come."""

    preset: str
    folder: Path
    summary: Summary

    def record(self, extractor: str, samples: int) -> EvaluationRecord | None:
        """Return what was measured of its last state by an extractor; the newest where there are several."""
        files = sorted((self.folder / "evaluations").glob("[!.]*.json"), key=lambda file: file.stat().st_mtime)
        for record in filter(None, (find(file, EvaluationRecord) for file in reversed(files))):
            asked = (self.summary.iteration, samples, extractor)
            if (record.iteration, record.protocol["samples"], _seen_by(record)) == asked:
                return record
        return None

    @property
    def images(self) -> str:
        """How many millions of images it has seen, of how many where some are missing."""
        seen = self.summary.images_seen / 1e6
        whole = seen * self.summary.total_iterations / max(self.summary.iteration, 1)
        return f"{seen:.3g}" if self.summary.iteration == self.summary.total_iterations else f"{seen:.3g} of {whole:.3g}"


def job(options: argparse.Namespace, preset: str, seed: int) -> Job:
    """Return the run of a preset with a seed."""
    overrides = [f"experiment={preset}", f"seed={seed}", "metrics=none", f"trainer.accelerator={options.device}"]
    if options.tiny:
        overrides += TINY
    if options.root:
        overrides.append(f"data.root={quote(str(options.root.absolute()))}")
    if options.images:
        config = compose(*overrides)
        each = config["data"]["batch_size"] * config["schedule"]["d_steps"]
        overrides += ["trainer.max_epochs=null", f"trainer.max_iterations={-(-options.images // each)}"]
    name = f"{preset}-{options.images or 'whole'}-{seed}"
    return Job(options.folder.absolute(), name, tuple(overrides), name)


def measure(options: argparse.Namespace, run: Trained, extractor: str) -> bool:
    """Measure the last state of a run by an extractor, unless that was done; return whether there is a measurement."""
    if run.record(extractor, options.samples) is None and not asked_to_stop():
        command = ["-m", "ganexp.evaluate", f"run={quote(str(run.folder))}", "metrics=images", f"extractor={extractor}"]
        command += [f"samples={options.samples}", f"accelerator={options.device}", f"trust={str(options.tiny).lower()}"]
        if extractor == "inception":
            command.append(f"extractor_options.weights={quote(str(options.inception.absolute()))}")
        # A session of its own: a request to stop reaches it through this process, once.
        environment = os.environ | {"PYTHONPATH": PATHS}
        with subprocess.Popen(
            [sys.executable, *command], start_new_session=True, stdout=subprocess.DEVNULL, env=environment
        ) as child:
            sent = 0
            while child.poll() is None:
                sent = pass_on(child, sent)
                with suppress(subprocess.TimeoutExpired):
                    child.wait(_TICK)
    return run.record(extractor, options.samples) is not None


def work(options: argparse.Namespace) -> list[str]:
    """Train and measure what is missing, and write the page after each part; return what is missing still."""
    jobs = {(preset, seed): job(options, preset, seed) for seed in options.seeds for preset in options.presets}
    extractors, missing = ["classifier", *(["inception"] if options.inception else [])], []
    for (preset, seed), each in jobs.items():
        if not options.measure:
            supervise(each, Launch(environment={"PYTHONPATH": PATHS}, retry=True))
        summary = each.run.summary
        if summary is None or not (options.measure or each.reached == "finished"):
            missing.append(f"{preset} with seed {seed}: not trained, see {each.log}")
            continue
        run = Trained(preset, each.run.path, summary)
        for extractor in extractors:
            if measure(options, run, extractor):
                write(options, jobs)
            else:
                missing.append(f"{preset} with seed {seed}: not measured by {extractor}")
    return missing


def write(options: argparse.Namespace, jobs: Mapping[tuple[str, int], Job]) -> None:
    """Write the page from all that was measured of these runs.

    Raises:
        ConfigError: They were not measured in the same way.
    """
    runs = [Trained(preset, each.run.path, found) for (preset, _), each in jobs.items() if (found := each.run.summary)]
    groups: dict[tuple[str, str], list[Trained]] = {}
    for preset in options.presets:
        for run in runs:
            if run.preset == preset:
                groups.setdefault((preset, run.images), []).append(run)
    by = {name: [run.record(name, options.samples) for run in runs] for name in ("inception", "classifier")}
    made: dict[str, list[EvaluationRecord]] = {name: [one for one in records if one] for name, records in by.items()}
    for records in made.values():  # with or without an average is a part of each recipe
        protocol.require_same({record.run: {**record.protocol, "ema": True} for record in records}, "fid")
    every = [record for records in made.values() for record in records]
    text = PAGE.format(
        arguments=shlex.join(_shown(options)),
        dates=_span([record.ended[:10] for record in every]),
        devices=", ".join(sorted({run.summary.device for run in runs})),
        versions=", ".join(sorted({f"{name} {run.summary.versions[name]}" for run in runs for name in ("ganexp", "torch")})),
        table="\n".join(_table(groups, made, options.samples)),
        samples=options.samples,
    )
    write_atomically(options.output, text)


def _table(
    groups: Mapping[tuple[str, str], Sequence[Trained]], made: Mapping[str, Sequence[EvaluationRecord]], samples: int
) -> Iterator[str]:
    """Yield the lines of the table: a row for each preset and number of images."""
    shown = [(name, *column) for name, records in made.items() if records for column in COLUMNS]
    heads = [f"{heading}, {name}" for name, _, heading, _ in shown]
    yield "| " + " | ".join(["preset", "images", "seeds", "average", "published FID", *heads, "minutes"]) + " |"
    yield "|---" * (6 + len(shown)) + "|"
    for (preset, images), runs in groups.items():
        found = {name: [record for run in runs if (record := run.record(name, samples))] for name in made}
        some = next((records for records in found.values() if records), [])
        if not some:
            continue
        numbers = [spread([one.metrics.get(key) for one in found[name]], places) for name, key, _, places in shown]
        minutes = statistics.mean(run.summary.training_seconds for run in runs) / 60
        average = "yes" if some[0].protocol["ema"] else "no"
        cells = [preset, images, str(max(map(len, found.values()))), average, PUBLISHED.get(preset, "–"), *numbers]
        yield f"| {' | '.join(cells)} | {minutes:.1f} |"
    real = [spread([made[name][0].real.get(key)], places) for name, key, _, places in shown]
    yield f"| *real* |  |  |  |  | {' | '.join(real)} |  |"


def _shown(options: argparse.Namespace) -> list[str]:
    """Return the options that the numbers depend on."""
    found = ["--presets", *options.presets, "--seeds", *map(str, options.seeds), "--samples", str(options.samples)]
    return found + (["--images", str(options.images)] if options.images else []) + (["--tiny"] if options.tiny else [])


def _seen_by(record: EvaluationRecord) -> str | None:
    extractor = record.protocol["extractor"]
    return None if extractor is None else extractor["name"]


def _span(dates: Sequence[str]) -> str:
    return min(dates) if min(dates) == max(dates) else f"{min(dates)} to {max(dates)}"


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Ask this process to stop after some seconds, as Ctrl-C or a queue would."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM))
    with listening():
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def main() -> None:
    """Train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    named = list(PUBLISHED)
    parser.add_argument(
        "--presets", nargs="+", default=named, choices=EXPERIMENTS, metavar="PRESET", help=", ".join(EXPERIMENTS)
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="seeds of each")
    parser.add_argument("--images", type=int, help="real images that each sees; default: as many as its preset says")
    parser.add_argument("--samples", type=int, default=50_000, help="samples that are measured")
    parser.add_argument(
        "--inception", type=Path, metavar="FILE", help="torch-fidelity's weights of Inception; default: not by it"
    )
    parser.add_argument("--minutes", type=float, default=20.0, help="when to stop; the same command goes on from there")
    parser.add_argument("--measure", action="store_true", help="train nothing, measure runs as far as they have come")
    parser.add_argument("--root", type=Path, help="the folder that has cifar-10-batches-py; default: where ganexp keeps it")
    parser.add_argument("--folder", type=Path, default=ROOT / "outputs" / "baselines", help="where the runs are")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "baselines.md", help="what to write")
    parser.add_argument("--device", choices=["auto", "gpu", "cpu"], default="auto")
    parser.add_argument("--tiny", action="store_true", help="narrow networks on a few random images: to see that it runs")
    options = parser.parse_args()
    if options.inception and not options.inception.is_file():
        parser.error(f"--inception: there is no file {options.inception}")
    if options.images is not None and options.images < 1:
        parser.error("--images is 1 or more")
    with limited(60 * options.minutes):
        missing = work(options)
    print(*missing, sep="\n", file=sys.stderr)
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
