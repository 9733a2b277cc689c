"""Compare runs: ``python -m ganexp.compare outputs/sweeps/<name>`` ranks them and writes a page and a table.

Contract: one damaged, refused or unfinished run never keeps the others from being compared. Exit status: 0 done, 2 refused.
Imports neither torch nor Lightning, unless the runs were made by a version that did not say the goals of their values, or were
not all measured in the same way.
"""

import sys
from dataclasses import asdict, dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any, Literal

from ganexp.config.errors import ConfigError
from ganexp.config.options import POSITIONAL, command
from ganexp.config.paths import user_path


@dataclass(frozen=True)
class Options:
    """Rank runs over their seeds, say what can be said of them, and write a page with curves, pictures and failures.

    Runs that were measured in different ways are ranked apart. Works while runs are still running.

    Arguments:
        paths: Run directories, folders of runs at any depth, or patterns such as outputs/*/2026-*.
        by: The value by which runs are ranked, such as fid; by default that by which their best states were chosen.
        on: final: the last measurement of a run counts; best: that of its best state. By default what a search looked at, or
            else final.
        numbers: training: what runs measured themselves; evaluations: what ganexp.evaluate measured of their last and best
            states, where it did.
        config_dir: Not needed: nothing of a run is built. It may be given as to the other programs.
        output: The page, an .html file; the table lies beside it as .csv. By default report.html in the folder of the runs.
    """

    paths: list[str] = field(metadata=POSITIONAL)
    by: str | None = None
    on: Literal["final", "best"] | None = None
    numbers: Literal["training", "evaluations"] = "training"
    output: str | None = None
    config_dir: str | None = None


@dataclass(frozen=True)
class Report:
    """A comparison that has been written.

    Attributes:
        text: Tables and verdict for the terminal.
        html: The page.
        csv: The table of all runs.
        content: All that they show, in plain types.
    """

    text: str
    html: Path
    csv: Path
    content: dict[str, Any]

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f'<pre>{escape(self.text)}</pre><a href="{escape(self.html.absolute().as_uri())}">{escape(str(self.html))}</a>'


def main() -> None:
    """Run the command line and exit."""

    def work(options: Options) -> None:
        made = report(options)
        print(f"{made.text}\n\n{made.html}\n{made.csv}", flush=True)

    sys.exit(command("python -m ganexp.compare", Options, work))


def report(options: Options) -> Report:
    """Compare runs and write the page and the table.

    Raises:
        ConfigError: A path holds no runs, nothing has the value ``by``, nothing was measured after training, or the report
            cannot be written.
    """
    from ganexp.comparison.collect import collect
    from ganexp.comparison.content import content
    from ganexp.comparison.evaluations import evaluated
    from ganexp.comparison.page import page
    from ganexp.comparison.tables import spreadsheet, terminal
    from ganexp.runs.files import write_atomically

    output = user_path(options.output) if options.output else None
    if output is not None and output.suffix != ".html":
        raise ConfigError("the page is an .html file", "output", hint=f"write output={output.with_suffix('.html')}")
    found = collect(options.paths)
    state = options.on or found.on
    if options.numbers == "evaluations":
        found = replace(found, outcomes=evaluated(found.outcomes, state))
    html = output or found.folder / "report.html"
    given = {key: value for key, value in asdict(options).items() if key not in ("paths", "config_dir")}
    asked = [f"{key}={value}" for key, value in given.items() if value not in (None, "training")]
    data = content(found, [*options.paths, *asked], options.by, state, options.numbers)
    table = html.with_suffix(".csv")
    try:
        write_atomically(html, page(data))
        write_atomically(table, spreadsheet(data))
    except OSError as error:
        raise ConfigError(f"{html} cannot be written: {error.strerror or error}", "output") from error
    return Report(terminal(data), html, table, data)
