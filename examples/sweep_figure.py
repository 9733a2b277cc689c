"""From a sweep to a figure with error bars: which loss is better on digits, over three seeds?

Each run is a process of its own, several at a time. The script can be stopped and started again: it runs what is missing.
Overrides may follow its name, such as ``launcher.n_jobs=4``.
"""

import sys
from collections.abc import Iterable

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import ganexp

LOSSES = ("non_saturating", "hinge", "r3gan")


def main(overrides: Iterable[str], losses: tuple[str, ...] = LOSSES, seeds: range = range(3)) -> None:
    """Train, compare, and draw."""
    sweep = ganexp.sweep(
        "data=digits", "trainer.max_epochs=30", "launcher=joblib", *overrides, loss=losses, seed=seeds, name="which_loss"
    )
    report = sweep.compare(by="fid")
    print(report.text)
    print(f"the page, with curves and samples: {report.html}")

    # The means over the seeds, with their 95 % intervals (Student's t), as they stand in the report.
    groups = report.content["tables"][0]["groups"]
    scores = [group["final"]["fid"] for group in groups]
    below = [score["mean"] - (score["mean"] if score["low"] is None else score["low"]) for score in scores]
    above = [(score["mean"] if score["high"] is None else score["high"]) - score["mean"] for score in scores]
    figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
    names = [group["label"] for group in groups]
    axes.errorbar(names, [score["mean"] for score in scores], yerr=[below, above], fmt="o", capsize=4)
    axes.set_ylabel("FID (lower is better)")
    axes.set_title(f"digits, {len(seeds)} seeds")
    figure.savefig(sweep.folder / "fid.png", dpi=150)
    print(f"the figure: {sweep.folder / 'fid.png'}")


if __name__ == "__main__":
    main(sys.argv[1:])
