"""Measure trained runs after the fact: ``python -m ganexp.evaluate run=outputs/<name>/<time>-<id> metrics=full``.

Contract: all runs of one command are measured in the same way, as far as their data allow; what cannot be measured is refused
before anything is, and one bad run does not keep the others from being measured. Exit status: 0 done, 1 some runs were bad, 2
refused. Imports nothing heavy before the options are known to be good in themselves.
"""

import sys

from ganexp.config.compose import compose_option
from ganexp.config.errors import ConfigError
from ganexp.config.options import command
from ganexp.evaluation.options import Options
from ganexp.evaluation.targets import Target, find

# The runs' own choice, in place of an option of a group.
_OWN = (None, "run")


def main() -> None:
    """Run the command line and exit."""
    bad = 0

    def work(options: Options) -> None:
        nonlocal bad
        bad = evaluate(options)

    status = command("python -m ganexp.evaluate", Options, work)
    sys.exit(status or min(bad, 1))


def evaluate(options: Options) -> int:
    """Measure what the options name, print it as a table, and return how many of the checkpoints were bad.

    Raises:
        ConfigError: Nothing that is asked for can be measured.
    """
    targets = find(options)
    metrics = None if options.metrics in _OWN else compose_option("metrics", options.metrics)
    extractor = None if options.extractor in _OWN else compose_option("extractor", options.extractor)
    from ganexp.evaluation.evaluator import Evaluator  # imports Lightning: 5 s
    from ganexp.evaluation.table import table

    evaluator = Evaluator(options, metrics, extractor)
    refused: dict[Target, ConfigError] = {}
    jobs = evaluator.plan(targets, refused)
    if not jobs:
        raise _refusal(refused)
    for target, error in refused.items():
        keys = "".join(f"{key}: " for key in error.keys if key != "run")
        _report(f"{target}: {keys}{error}")
    bad, rows = len(refused), []
    for index, job in enumerate(jobs, 1):
        if len(jobs) > 1:
            _report(f"measuring {job.target}, {index} of {len(jobs)}")
        try:
            rows.append(evaluator.measure(job))
        except Exception as error:
            if len(targets) == 1:
                raise
            # The others are still worth their numbers.
            _report(f"{job.target}: failed: {type(error).__name__}: {error}")
            bad += 1
    if rows:
        print(table(rows), flush=True)
    return bad


def _refusal(refused: dict[Target, ConfigError]) -> ConfigError:
    """Return one refusal for all."""
    (target, error), *others = refused.items()
    if not others:
        return error
    message = f"{target}: {error.message}; none of the {len(refused)} can be measured"
    return ConfigError(message, *error.keys, hint=error.hint)


def _report(text: str) -> None:
    print(f"ganexp: {' '.join(text.split())}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
