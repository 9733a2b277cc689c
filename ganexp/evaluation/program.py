"""Measure trained runs after the fact: ``python -m ganexp.evaluate run=outputs/<name>/<time>-<id> metrics=full``.

Contract: all runs of one command are measured in the same way, as far as their data allow; what cannot be measured is refused
before anything is, and one bad run does not keep the others from being measured. Exit status: 0 done, 1 some runs were bad, 2
refused. Imports nothing heavy before the options are known to be good in themselves.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from ganexp.config.compose import compose_option
from ganexp.config.errors import ConfigError
from ganexp.config.options import command
from ganexp.config.paths import own_folder
from ganexp.evaluation.options import Options
from ganexp.evaluation.targets import Target, find

if TYPE_CHECKING:
    from ganexp.evaluation.table import Row

# The runs' own choice, in place of an option of a group.
_OWN = (None, "run")


@dataclass(frozen=True)
class Evaluations(Sequence["Row"]):
    """Measurements, one for each checkpoint; as text, the table of the command line.

    Attributes:
        rows: What was measured, each with its run, the name of the checkpoint, the numbers by name, and the file that keeps it.
        failures: Why others were not, by what was named.
    """

    rows: "list[Row]"
    failures: dict[str, str]

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        from ganexp.evaluation.table import table

        return table(self.rows) if self.rows else ""

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def main() -> None:
    """Run the command line and exit."""
    bad = 0

    def work(options: Options) -> None:
        nonlocal bad
        made = evaluate(options)
        if text := str(made):
            print(text, flush=True)
        bad = len(made.failures)

    status = command("python -m ganexp.evaluate", Options, work)
    sys.exit(status or min(bad, 1))


def evaluate(options: Options) -> Evaluations:
    """Measure what the options name, and report on the standard error what could not be measured.

    Raises:
        ConfigError: Nothing that is asked for can be measured.
    """
    targets = find(options)
    folder = own_folder(options.config_dir) if options.config_dir else None
    metrics = None if options.metrics in _OWN else compose_option("metrics", options.metrics, folder)
    extractor = None if options.extractor in _OWN else compose_option("extractor", options.extractor, folder)
    from ganexp.evaluation.evaluator import Evaluator  # imports Lightning: 5 s

    evaluator = Evaluator(options, metrics, extractor)
    refused: dict[Target, ConfigError] = {}
    jobs = evaluator.plan(targets, refused)
    if not jobs:
        raise _refusal(refused)
    made = Evaluations([], {})
    for target, error in refused.items():
        keys = "".join(f"{key}: " for key in error.keys if key != "run")
        made.failures[str(target)] = f"{keys}{error}"
        _report(f"{target}: {keys}{error}")
    for index, job in enumerate(jobs, 1):
        if len(jobs) > 1:
            _report(f"measuring {job.target}, {index} of {len(jobs)}")
        try:
            made.rows.append(evaluator.measure(job))
        except Exception as error:
            if len(targets) == 1:
                raise
            # The others are still worth their numbers.
            made.failures[str(job.target)] = f"{type(error).__name__}: {error}"
            _report(f"{job.target}: failed: {type(error).__name__}: {error}")
    return made


def _refusal(refused: dict[Target, ConfigError]) -> ConfigError:
    """Return one refusal for all."""
    (target, error), *others = refused.items()
    if not others:
        return error
    message = f"{target}: {error.message}; none of the {len(refused)} can be measured"
    return ConfigError(message, *error.keys, hint=error.hint)


def _report(text: str) -> None:
    print(f"ganexp: {' '.join(text.split())}", file=sys.stderr, flush=True)
