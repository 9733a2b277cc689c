"""The summary of a run: ``summary.json`` and the table on the terminal."""

import shlex
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import cast

from ganexp.config.hardware import describe_hardware
from ganexp.runs.records import Best, Goal, Health, Protocol, Summary
from ganexp.runs.resumed import command
from ganexp.runs.run import BEST
from ganexp.runs.saved import flags
from ganexp.runs.signals import is_headline, signal, text
from ganexp.runs.versions import versions
from ganexp.training.experiment import Experiment
from ganexp.training.state import stopped_by

_PACKAGES = ("torch", "torchvision", "lightning", "hydra-core", "omegaconf", "torchmetrics", "numpy")


def summarise(experiment: Experiment) -> Summary:
    """Return status, metrics and how they were measured, and where, when and on what the run was made."""
    config, run, model, trainer = experiment.config, experiment.run, experiment.model, experiment.trainer
    state, found = experiment.state, experiment.game.data.found
    counters, total, latest = model.counters, model.total_iterations, state.latest
    losses = {tag: value for tag, value in state.curves.items() if signal(tag).headline}
    seconds, per_epoch = state.seconds, trainer.datamodule.iterations_per_epoch  # type: ignore[attr-defined]
    ending = state.ending or (stopped_by(None) if counters.iteration < total else None)
    by, best = state.best_by or "", state.best
    return Summary(
        status=ending.status if ending else "finished",
        reason=ending.reason if ending else state.spent,
        exit_status=ending.exit_status if ending else 0,
        name=config["name"],
        metrics={**(latest.values if latest else {}), **losses},
        best=Best(by, best.iteration, f"checkpoints/{BEST}", dict(best.values)) if best else None,
        real=dict(latest.real) if latest else {},
        goals=cast(dict[str, Goal], state.goals),
        measured=cast(Protocol, {"iteration": latest.iteration, **latest.protocol}) if latest else None,
        health=state.health.report() if state.health else None,
        iteration=counters.iteration,
        total_iterations=total,
        d_updates=counters.d_updates,
        g_updates=counters.g_updates,
        images_seen=counters.images_seen,
        training_seconds=round(seconds, 3),
        seconds_per_epoch=round(seconds / counters.iteration * per_epoch, 3) if seconds else None,
        images_per_second=round(counters.images_seen / seconds, 1) if seconds else None,
        data=asdict(found) if found else None,
        seed=config["seed"],
        parameters={
            "generator": sum(parameter.numel() for parameter in model.generator.parameters()),
            "discriminator": sum(parameter.numel() for parameter in model.discriminator.parameters()),
        },
        device=describe_hardware(trainer.strategy.root_device),
        processes=trainer.world_size,
        precision=str(trainer.precision),
        versions=versions(_PACKAGES),
        ended=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        directory=str(run.path),
        command=shlex.join(["python", "-m", "ganexp", *flags(config), *run.overrides]),
    )


def table(summary: Summary, kept: bool = True) -> str:
    """Return the few lines for the terminal when a run has ended, with its directory where that is kept."""
    status = summary.status + (f" ({summary.reason})" if summary.reason else "")
    done, total = summary.iteration, summary.total_iterations
    time = f"{summary.training_seconds:,.1f} s of training"
    if summary.seconds_per_epoch:
        time += f", {_few_digits(summary.seconds_per_epoch)} s per epoch"
    if summary.images_per_second:
        time += f", {summary.images_per_second:,.0f} images per second"
    rows = [
        ("status", f"{status} at iteration {done:,} of {total:,}"),
        ("time", time),
        *_numbers(summary),
        *_health(summary.health),
    ]
    if kept:
        rows.append(("directory", summary.directory))
        rows.append(("curves", f"tensorboard --logdir {shlex.quote(summary.directory)}"))
    if kept and summary.status not in ("finished", "pruned"):
        rows.append(("continue", command(Path(summary.directory))))
    width = max(len(key) for key, _ in rows)
    return "\n".join(f"{key:<{width}}  {value}" for key, value in rows)


def _numbers(summary: Summary) -> list[tuple[str, str]]:
    """Return a row for each number: that of the final state, of the best one, and of real data; details are left out."""
    final, best, real = summary.metrics, summary.best, summary.real
    names = [name for name in final if is_headline(name)]
    if not best:
        return [(name, text(final[name])) for name in names]
    measured = summary.measured.get("iteration", 0) if summary.measured else 0
    heads = [f"final @ {measured:,}", f"best {best.by} @ {best.iteration:,}", "real, held out"]
    columns = [final, best.metrics, real]
    cells = [[text(column.get(name)) for column in columns] for name in names]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    rows = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (heads, *cells)]
    return list(zip(["metric", *names], rows, strict=True))


def _health(health: Health | None) -> list[tuple[str, str]]:
    if health is None:
        return []
    returns = health.rollbacks
    after = f", after {returns} roll-back{'s' * (returns > 1)}" if returns else ""
    if health.reason is None:
        past = len(health.alarms)
        again = f" again, after {past} alarm{'s' * (past > 1)}" if past else ""
        return [("health", f"{health.verdict}{again}{after}")]
    return [("health", f"{health.verdict} since iteration {health.iteration:,}{after}: {health.reason}")]


def _few_digits(seconds: float) -> str:
    return f"{seconds:,.0f}" if seconds >= 100 else f"{seconds:.2g}"
