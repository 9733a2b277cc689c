import pytest

from ganexp.runs.signals import is_headline, text


@pytest.mark.parametrize(
    ("name", "headline"),
    [("fid", True), ("loss/d", True), ("share/7", False), ("label_accuracy/7", False), ("classes/total", False)],
)
def test_details_are_not_shown_in_tables(name, headline):
    assert is_headline(name) == headline


@pytest.mark.parametrize(
    ("value", "written"), [(None, ""), (0.123456, "0.1235"), (12345.6, "1.235e+04"), (8.0, "8"), (float("nan"), "nan")]
)
def test_values_have_four_digits(value, written):
    assert text(value) == written
