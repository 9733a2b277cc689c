"""Measurements of runs: what was printed and kept."""

import json
import re
from pathlib import Path

import yaml

POINTS = ("metrics=points", "samples=50")


def records(folder: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("evaluations/*.json"))]


def change(run: Path, edit) -> None:
    file = run / ".hydra" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    edit(config)
    file.write_text(yaml.safe_dump(config))


def rows(printed: str) -> dict[str, list[str]]:
    """Return the cells of the rows of runs, and of real samples, by their first cell."""
    lines = [re.split(r" {2,}", line) for line in printed.splitlines() if "  " in line]
    return {line[0]: line[1:] for line in lines}
