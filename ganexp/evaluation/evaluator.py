"""Measurements of trained runs: made, kept in the runs, and found again.

Contract: ``<run>/evaluations/<iteration>-<digest of the protocol>.json`` is complete or not there. One that is found is taken
in place of a new measurement only when the protocol, the weights and the versions of all that computes are equal.
"""

import json
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar, cast

from torch import Tensor

from ganexp.config.build import build
from ganexp.config.classes import Trust, admit
from ganexp.config.errors import ConfigError
from ganexp.config.hardware import describe_hardware
from ganexp.config.options import arguments
from ganexp.data.base import digest as fingerprint
from ganexp.evaluation.options import Options
from ganexp.evaluation.table import Row
from ganexp.evaluation.targets import Target
from ganexp.metrics import Metric, Reference
from ganexp.metrics.measurement import collapses, enough, fitting, goals, measure, narrownesses, prepare, protocol
from ganexp.models import GAN
from ganexp.runs.files import strict
from ganexp.runs.protocol import digest
from ganexp.runs.records import EvaluationRecord, Goal, Protocol, find
from ganexp.runs.run import Run
from ganexp.runs.versions import versions
from ganexp.sampling.drawing import choose_device
from ganexp.training.restore import Restored, restore

Made = TypeVar("Made")

# What a number may depend on besides the protocol.
_PACKAGES = ("torch", "torchvision", "torchmetrics", "torch-fidelity", "scipy", "scikit-learn", "numpy")


@dataclass(frozen=True)
class Job:
    """What is to be measured, against what and by which metrics, with their options; the model is not kept."""

    target: Target
    reference: Reference
    metrics: dict[str, Metric]
    settings: dict[str, Any]


class Evaluator:
    """Measures runs; those of equal data share metrics and references.

    Arguments:
        options: What is asked for.
        metrics: Settings of the metrics; None: the run's own.
        extractor: Settings of the extractor; None: the run's own.

    Raises:
        ConfigError: There is no such device.
    """

    def __init__(self, options: Options, metrics: dict[str, Any] | None, extractor: dict[str, Any] | None) -> None:
        self.options, self._metrics, self._extractor = options, metrics, extractor
        self.device = choose_device(options.accelerator)
        self._made: dict[str, Any] = {}

    def plan(self, targets: Sequence[Target], refused: dict[Target, ConfigError]) -> list[Job]:
        """Return what can be measured, with all that it needs prepared; add to ``refused`` what cannot."""
        jobs = []
        for target in targets:
            try:
                jobs.append(self._check(target))
            except ConfigError as error:
                refused[target] = error
        ready = []
        for job in jobs:  # only now: a run that is refused is so before a classifier is trained
            try:
                self._prepare(job)
                ready.append(job)
            except ConfigError as error:
                refused[job.target] = error
        return ready

    def measure(self, job: Job) -> Row:
        """Measure, or find what was measured in the same way before, and keep it.

        Raises:
            ConfigError: The run has changed meanwhile, or what was measured cannot be written.
        """
        options, restored = self.options, self._restore(job.target)
        model, run = restored.model.to(self.device), restored.run
        weights = weights_digest(model)
        how = protocol(model, job.metrics, job.reference, job.settings, options.samples, options.seed)
        file = run.path / "evaluations" / f"{restored.iteration:08d}-{digest(how)}.json"
        record = None if options.overwrite else _read(file, weights)
        if record is None:
            made = measure(model, job.metrics, job.reference, job.settings, options.samples, options.seed, options.batch_size)
            record = EvaluationRecord(
                run=str(run.path),
                iteration=made.iteration,
                checkpoint=restored.checkpoint.name,
                weights=weights,
                protocol=cast(Protocol, made.protocol),
                metrics=strict(made.values),
                real=strict(made.real),
                goals=cast(dict[str, Goal], goals(job.metrics)),
                warnings=[*collapses(job.metrics, made), *narrownesses(job.metrics, made)],
                versions=versions(_PACKAGES),
                device=describe_hardware(self.device),
                ended=datetime.now(timezone.utc).isoformat(timespec="seconds"),
                command=shlex.join(["python", "-m", "ganexp.evaluate", *arguments(options)]),
            )
            try:
                record.write(file)
            except OSError as error:
                raise ConfigError(f"{file} cannot be written: {error.strerror or error}", "run") from error
        return Row(run.path, restored.checkpoint.stem, file, record)

    def _check(self, target: Target) -> Job:
        restored = self._restore(target)
        config, options = restored.config, self.options
        for section in ("metrics", "extractor"):
            if not isinstance(config.get(section), dict):
                raise ConfigError(f"its configuration has no section {section}", "run")
        own = {"metrics": self._metrics is None, "extractor": self._extractor is None}
        admit({section: config[section] for section, is_own in own.items() if is_own}, Trust.of(options.trusted))
        extractor = {**(self._extractor or config["extractor"]), **options.extractor_options}
        settings = config["metrics"] if self._metrics is None else self._metrics
        metrics = self._once(lambda: build(settings, "metrics"), settings)
        data = {**config["data"], **options.data}
        made = self._once(lambda: Reference(restored.data, build(extractor, "extractor")), data, extractor)
        metrics = fitting(metrics, made)
        if not metrics and type(restored.model).evaluate is GAN.evaluate:
            raise ConfigError("this is no metric to measure", "metrics", hint="use metrics=full")
        # Features are part of a protocol only where they are used: such runs have a reference of their own.
        sees = any(metric.needs_features for metric in metrics.values())
        reference = made if sees else self._once(lambda: Reference(restored.data), data)
        self._once(restored.data.prepare, "prepared", data)
        metrics = self._once(
            lambda: enough(metrics, reference, options.samples, "samples"), "enough", sorted(metrics), id(reference)
        )
        _check_writable(restored.run)
        return Job(target, reference, metrics, settings)

    def _prepare(self, job: Job) -> None:
        names = sorted(job.metrics)
        self._once(lambda: prepare(job.metrics, job.reference), "measured", names, id(job.reference))

    def _restore(self, target: Target) -> Restored:
        restored = restore(target.path, self.options.data, target.checkpoint, self.options.trusted)
        if not self.options.ema:
            restored.model.average = None
        return restored

    def _once(self, make: Callable[[], Made], *key: Any) -> Made:
        """Return what was made for an equal key before, or make it; what was refused before is refused again."""
        text = json.dumps(key, sort_keys=True, default=str)
        if text not in self._made:
            try:
                self._made[text] = make()
            except ConfigError as error:
                self._made[text] = error
        if isinstance(found := self._made[text], ConfigError):
            raise found
        return found


def weights_digest(model: GAN) -> str:
    """Return 16 hexadecimal digits that are equal for equal weights and buffers."""
    state = {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}
    return fingerprint(*(part for name, value in state.items() for part in (name, value.cpu().reshape(-1))))


def _read(file: Path, weights: str) -> EvaluationRecord | None:
    """Return a kept measurement if it is still valid; its protocol is in its name."""
    record = find(file, EvaluationRecord)
    return record if record and (record.weights, record.versions) == (weights, versions(_PACKAGES)) else None


def _check_writable(run: Run) -> None:
    folder = run.path / "evaluations"
    above = folder if folder.exists() else run.path
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(f"cannot write to {folder}: {above} is not writable", "run")
