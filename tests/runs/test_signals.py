import subprocess
import sys

import pytest

from ganexp.runs.signals import OTHER, SIGNALS, is_headline, labelled, signal, text


@pytest.mark.parametrize(
    ("name", "headline"),
    [("fid", True), ("loss/d", True), ("share/7", False), ("classes/total", False), ("loss/d/penalty", False)],
)
def test_details_are_not_shown_in_tables(name, headline):
    assert is_headline(name) == headline


@pytest.mark.parametrize(
    ("value", "written"), [(None, ""), (0.123456, "0.1235"), (12345.6, "1.235e+04"), (8.0, "8"), (float("nan"), "nan")]
)
def test_values_have_four_digits(value, written):
    assert text(value) == written


def test_a_value_is_written_with_its_unit_or_its_tag():
    assert labelled("progress/images_per_second", 12345.6) == "12,346 img/s"
    assert labelled("loss/d", 0.123456) == "loss d 0.1235"


def test_every_pattern_counts_for_a_tag_and_others_have_the_default():
    for pattern, known in SIGNALS.items():
        assert signal(pattern.replace("*", "x")) is known, f"{pattern} is hidden by one before it"
        assert known.about and text(1.5, pattern.replace("*", "x"))
    assert signal("my/own/tag") is OTHER


def test_the_table_needs_no_torch():
    code = "import sys, ganexp.runs.signals; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
