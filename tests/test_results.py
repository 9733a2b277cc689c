"""The page of results: what is measured again replaces its row, and the other rows stay."""

import argparse
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "results.md").read_text()


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import results

    return results


def rows(page):
    return [line for line in page.splitlines() if line.startswith("|")]


def test_rows_that_are_not_measured_again_stay(script):
    asked = argparse.Namespace(seeds=[0, 1, 2], samples=10_000)
    assert rows(PAGE) and rows(script.document(asked, {}, PAGE)) == rows(PAGE)


@pytest.mark.parametrize("other", [{"seeds": [3]}, {"samples": 500}])
def test_rows_of_another_protocol_do_not_stay(script, other):
    asked = argparse.Namespace(**({"seeds": [0, 1, 2], "samples": 10_000} | other))
    assert rows(script.document(asked, {}, PAGE)) == []


@pytest.mark.parametrize(("seeds", "named"), [([0, 1, 2], True), ([3], False)])
def test_the_machines_of_the_rows_that_stay_are_named(script, monkeypatch, seeds, named):
    monkeypatch.setattr(script, "_machine", lambda: "9 cores of a new one")
    asked = argparse.Namespace(seeds=seeds, samples=10_000)
    page = script.document(asked, {}, PAGE)
    assert "9 cores of a new one, one thread" in page and ("AMD EPYC" in page) is named
    again = script.document(asked, {}, page)
    assert again.count("9 cores of a new one") == 1 and ("AMD EPYC" in again) is named
