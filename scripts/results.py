"""Train the models of a table on MNIST, measure them and write ``docs/results.md``: ``python scripts/results.py --help``.

Run again, it goes on where it was: finished runs are kept, begun ones resumed, and what was measured in the same way is not
measured again. A run is a process of its own, so that one that fails leaves the others alone. Every number in the table comes
from ``python -m ganexp.evaluate`` with one protocol for all; where protocols differ, no table is written.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ganexp.config.compose import compose_option
from ganexp.evaluation.evaluator import Evaluator
from ganexp.evaluation.options import Options
from ganexp.evaluation.table import Row
from ganexp.evaluation.targets import Target, find
from ganexp.runs import protocol
from ganexp.runs.jobs import Job
from ganexp.runs.records import Numbers, Summary, read
from ganexp.runs.run import SUMMARY
from ganexp.runs.signals import is_headline
from ganexp.sweeps.supervisor import Launch, listening, supervise

ROOT = Path(__file__).resolve().parents[1]

# What all models share, but for the rate of the fully connected one, which collapses with the others'.
COMMON = ["data=mnist", "model.latent_dim=32", "lr_schedule=cosine", "schedule.ema_decay=0.995"]
RATE = "optimizer.lr=0.001"
# Small convolutional players: the whole table is made on two CPU cores. Batch norm, but where the penalty refuses it.
SMALL = ["network.generator.channels=16", "network.discriminator.channels=16"]
BATCH = [*SMALL, "network.discriminator.norm=batch"]
BY_SHAPE = [option.replace("network.", "network.images.") for option in BATCH]
MODELS = {
    "gan": ["model=gan", "optimizer.lr=0.0002"],
    "dcgan": ["model=dcgan", RATE, *BATCH],
    "cgan": ["model=cgan", RATE, *BY_SHAPE],
    "acgan": ["model=acgan", RATE, *BY_SHAPE],
    "ssgan": ["model=ssgan", RATE, *BY_SHAPE],
    "wgan_gp": ["model=dcgan", "loss=wgan_gp", RATE, *SMALL],
    "r3gan": ["model=dcgan", "loss=r3gan", RATE, *SMALL],
}
MODELS["cgan_long"] = MODELS["cgan"]
# How many times as long as the others a model trains.
LONGER = {"cgan_long": 2}

# Columns of the two tables: a value, its heading, its decimals.
QUALITY = [("fid", "FID", 2), ("kid", "KID", 3), ("precision", "precision", 3), ("recall", "recall", 3)]
QUALITY += [("density", "density", 3), ("coverage", "coverage", 3)]
CLASSES = [("class_kl", "class KL", 4), ("label_accuracy", "label accuracy", 3)]

PAGE = """# Seven models on MNIST

`python scripts/results.py --epochs {epochs}`, {date}, {machine}, one thread for each run.

Every model sees each of the 60,000 training images {epochs} times, 64 in each update of the discriminator, with seeds
{seeds}; `wgan_gp` takes five of these for each update of the generator, so it makes a fifth of the iterations;
`cgan_long` is `cgan` trained twice as long. The tables show the mean over the seeds and, after ±, the standard deviation,
of the **final** state; the FID of the **best** state is that of the checkpoint which had the lowest FID of 1,000 samples
while it trained, at the iteration given for each seed.

{quality}

{classes}

Health is the verdict at the end of each run, in the order of the seeds. Minutes are of training beside other work on the same
machine: they rank nothing.

## What was run

| model | options of `python -m ganexp` |
|---|---|
{options}

## How the numbers were made

`python -m ganexp.evaluate metrics=full checkpoint=both`: {samples:,} samples of the {averaged}generator, from latents of seed
{seed}. Features and classes are those of the classifier `{hash}`, which is right for {accuracy:.2%} of the test images. The
reference is the whole training split (data `{data}`); the row *real* is {held_out:,} held-out images, measured in the same way.

FID and KID of these features rank models of MNIST by this page's protocol; they cannot be compared with those of Inception.
"""


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "outputs" / "results", help="where the runs are")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS), metavar="MODEL", help="which")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="seeds of each")
    parser.add_argument("--epochs", type=int, default=5, help="passes of each run over the training images")
    parser.add_argument("--samples", type=int, default=10_000, help="samples that are measured")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, one thread each")
    parser.add_argument("--train-only", action="store_true", help="train what is missing, measure and write nothing")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "results.md", help="what to write")
    chosen = parser.parse_args()
    wanted = [(model, seed) for seed in chosen.seeds for model in chosen.models]
    with listening(), ThreadPoolExecutor(chosen.jobs) as pool:
        folders = list(pool.map(lambda run: train(chosen, *run), wanted))
    if missing := [run for run, folder in zip(wanted, folders, strict=True) if folder is None]:
        sys.exit(f"not trained: {', '.join(f'{model} with seed {seed}' for model, seed in missing)}")
    if not chosen.train_only:
        rows = measure([str(folder) for folder in folders], chosen.samples)
        chosen.output.write_text(document(chosen, wanted, rows))
        print(chosen.output)


def train(chosen: argparse.Namespace, model: str, seed: int) -> Path | None:
    """Train a run unless that was done; return its folder, or None if it did not finish."""
    budget = f"trainer.max_epochs={chosen.epochs * LONGER.get(model, 1)}"
    job = Job(chosen.folder.absolute(), f"{model}-{seed}", (*options(model), f"seed={seed}", budget), f"{model}-{seed}")
    supervise(job, Launch(environment={"OMP_NUM_THREADS": "1"}, retry=True))
    return job.run.path if job.reached == "finished" else None


def options(model: str) -> list[str]:
    """Return the overrides of a model."""
    return [*MODELS[model], *COMMON]


def measure(folders: Sequence[str], samples: int) -> list[tuple[Row, Row]]:
    """Return the measurements of the last and the best state of each run, all made in the same way."""
    settings = Options(run=list(folders), checkpoint="both", samples=samples)
    evaluator = Evaluator(settings, compose_option("metrics", "full"), None)
    refused: dict[Target, Any] = {}
    rows = {}
    for job in evaluator.plan(find(settings), refused):
        print(f"{time.strftime('%H:%M:%S')} measuring {job.target}", flush=True)
        rows[job.target.path, job.target.checkpoint] = evaluator.measure(job)
    if refused:
        sys.exit("\n".join(f"{target}: {error}" for target, error in refused.items()))
    for value, _, _ in QUALITY:
        protocol.require_same({f"{path} ({checkpoint})": row.protocol for (path, checkpoint), row in rows.items()}, value)
    return [(rows[folder, "last"], rows[folder, "best"]) for folder in folders]


def document(chosen: argparse.Namespace, wanted: Sequence[tuple[str, int]], rows: Sequence[tuple[Row, Row]]) -> str:
    """Return the page: what was run, the tables, and how the numbers were made."""
    by_model: dict[str, list[tuple[Row, Row]]] = {}
    for (model, _), pair in zip(wanted, rows, strict=True):
        by_model.setdefault(model, []).append(pair)
    how = rows[0][0].protocol
    extractor = how["extractor"]
    assert extractor is not None
    real = {name: value for last, _ in rows for name, value in last.record.real.items()}
    return PAGE.format(
        epochs=chosen.epochs,
        seeds=", ".join(map(str, chosen.seeds)),
        date=time.strftime("%Y-%m-%d"),
        machine=_machine(),
        quality="\n".join(_table(by_model, real, QUALITY, best=True)),
        classes="\n".join(_table(by_model, real, [*CLASSES, *_present(rows, "cas", "nearest")], best=False)),
        options="\n".join(f"| {model} | `{' '.join(options(model))}` |" for model in by_model),
        samples=how["samples"],
        held_out=how["real"],
        averaged="averaged " if how["ema"] else "",
        seed=how["seed"],
        hash=extractor["hash"],
        accuracy=extractor["test_accuracy"],
        data=how["data"]["fingerprint"],
    )


def _present(rows: Sequence[tuple[Row, Row]], *parts: str) -> list[tuple[str, str, int]]:
    """Return columns for the values whose names contain one of these parts, in the order in which they are measured."""
    names = dict.fromkeys(name for last, _ in rows for name in last.record.metrics if is_headline(name))
    return [
        (name, {"cas": "CAS"}.get(name, name.replace("_", " ")), 3) for name in names if any(part in name for part in parts)
    ]


def _table(
    by_model: dict[str, list[tuple[Row, Row]]], real: Numbers, columns: Sequence[tuple[str, str, int]], best: bool
) -> list[str]:
    extra = ["FID of the best", "at iteration"] if best else ["health", "minutes"]
    lines = ["| model | " + " | ".join([heading for _, heading, _ in columns] + extra) + " |"]
    lines.append("|---" * (1 + len(columns) + len(extra)) + "|")
    for model, pairs in by_model.items():
        finals = [last.record.metrics for last, _ in pairs]
        cells = [_spread([final[name] for final in finals if name in final], decimals) for name, _, decimals in columns]
        if best:
            cells.append(_spread([row.record.metrics["fid"] for _, row in pairs], 2))
            cells.append(", ".join(f"{row.record.iteration:,}" for _, row in pairs))
        else:
            summaries = [read(last.run / SUMMARY, Summary) for last, _ in pairs]
            cells.append(", ".join(summary.health.verdict for summary in summaries if summary.health))
            cells.append(f"{statistics.mean(summary.training_seconds for summary in summaries) / 60:.1f}")
        lines.append(f"| {model} | " + " | ".join(cells) + " |")
    floor = [f"{real[name]:.{decimals}f}" if name in real else "" for name, _, decimals in columns]
    lines.append("| *real* | " + " | ".join([*floor, "", ""]) + " |")
    return lines


def _spread(numbers: Sequence[float | None], decimals: int) -> str:
    values = [value for value in numbers if value is not None]
    if not values:
        return "–"
    spread = f" ± {statistics.stdev(values):.{decimals}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{decimals}f}{spread}"


def _machine() -> str:
    """Return what the runs were made on, in words."""
    names = [line.partition(":")[2].strip() for line in _read("/proc/cpuinfo") if line.startswith("model name")]
    return f"{os.cpu_count()} cores of {names[0] if names else platform.processor() or platform.machine()}"


def _read(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    main()
