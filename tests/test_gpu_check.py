"""scripts/gpu_check.py, tried on the CPU: what it measures, and that it goes on where it was cut off."""

import argparse
from pathlib import Path

import pytest


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "scripts")
    import gpu_check

    return gpu_check


@pytest.mark.parametrize("loop", ["ganexp", "bare"])
def test_a_loop_is_timed(script, loop):
    found = script.measure("ring", loop, "cpu", tiny=True)
    # One thread or more computes, beside what the host does.
    assert 0 < found["busy"] < 64 and found["MiB"] == 0
    assert found["images"] == pytest.approx(256 * 1e3 / found["milliseconds"])


def test_what_was_cut_off_is_done_the_next_time(script, monkeypatch, tmp_path):
    page, asked, cut = tmp_path / "speed.md", [], ["ring/bare"]
    page.write_text(f"Before.\n\n{script.BEGIN}{script.END}\n\nAfter.\n")

    def part(key, options, limit):
        asked.append(key)
        if key in cut:
            return None
        return "1 passed" if key.startswith(script.TESTS) else {"images": 9.0, "milliseconds": 2.0, "busy": 0.25, "MiB": 3.0}

    monkeypatch.setattr(script, "part", part)
    options = argparse.Namespace(
        device="cpu", tiny=True, tests="resumed", preset=["ring"], minutes=1.0, state=tmp_path / "state.json", page=page
    )
    assert script.check(options) == 1
    assert asked == [f"{script.TESTS}::test_a_resumed_run_ends_with_the_same_bits", "ring/ganexp", "ring/bare"]
    text = page.read_text()
    assert "| ring | ganexp | 9 | 2.00 | 0.25 | 3 |" in text and "| ring | bare | not finished | | | |" in text
    assert "| test_a_resumed_run_ends_with_the_same_bits | 1 passed |" in text
    assert text.startswith("Before.\n") and text.endswith("\nAfter.\n")
    cut.clear()
    asked.clear()
    assert script.check(options) == 0 and asked == ["ring/bare"]
    assert "| ring | bare | 9 | 2.00 | 0.25 | 3 |" in page.read_text()
    options.state.unlink()
    options.minutes = 0.0
    asked.clear()
    assert script.check(options) == 3 and not asked
