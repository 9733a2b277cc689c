"""The tables of the report: in order, sorted, chosen from."""

import re

import pytest

from support import example
from support.reading import RANKED, first_table, labels, picture

# The page takes up most of what is done to it in its next frame: to expect is to wait for that.
expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.slow


def test_ranks_each_protocol_apart(report):
    page = report()
    assert page.locator("#ranking table").count() == 2
    assert "do not compare" in page.locator("#ranking .warning").inner_text()
    assert labels(page) == ["r3gan", "hinge", "wgan", "non_saturating", "least_squares", "minimax"]
    assert page.locator(f"{RANKED} tbody th button").first.get_attribute("title") == "loss: r3gan"
    row = page.locator(f'{RANKED} tr[data-group="minimax"]').inner_text()
    assert "1 collapsed" in row
    assert "1 diverged" in row
    assert page.locator(f"{RANKED} tfoot").inner_text().split()[:3] == ["real", "data", "0.273"]


def test_sorts_by_any_column(report):
    page = report()
    ranked = labels(page)
    head = page.locator(f"{RANKED} thead")
    head.get_by_role("button", name="best fid").click()
    assert head.locator("[aria-sort]").get_attribute("aria-sort") == "ascending"
    head.get_by_role("button", name="best fid").click()
    assert labels(page) == ranked[::-1]
    head.get_by_role("button", name="precision").press("Enter")  # the most precise first
    assert head.locator("[aria-sort]").get_attribute("aria-sort") == "descending"
    assert labels(page)[0] == "r3gan"
    head.get_by_role("button", name="group").click()
    assert labels(page) == sorted(ranked)


def test_shows_the_metrics_and_the_state_that_are_chosen(report):
    page = report()
    first = page.locator("#ranking .protocol").first
    assert "largest_class" not in first.locator("thead").inner_text()
    first.get_by_text("Metrics 3 of 6").click()
    first.get_by_label("largest_class").check()
    assert "largest_class" in first.locator("thead").inner_text()
    page.keyboard.press("Escape")
    before = first.locator("tbody").inner_text()
    first.get_by_role("button", name="best state").click()
    assert first.get_by_role("button", name="best state").get_attribute("aria-pressed") == "true"
    assert first.locator("tbody").inner_text() == before, "in this example all but fid stay as they were"


def test_a_row_makes_its_group_stand_out_everywhere(report):
    page = report()
    before = picture(page, "metrics/fid")
    page.locator(f'{RANKED} tr[data-group="wgan"] td').nth(2).click()
    expect(page.locator(f'{RANKED} tr[data-group="wgan"] button')).to_have_attribute("aria-pressed", "true")
    expect(page.locator('#pictures .card.focused[data-group="wgan"]')).to_be_attached()
    assert picture(page, "metrics/fid") != before
    page.locator(f'{RANKED} tr[data-group="wgan"] button').click()
    assert picture(page, "metrics/fid") == before


def test_the_best_state_ranks_everywhere(report):
    data = example.example() | {"on": "best"}
    group = first_table(data)["groups"][0]
    # The state that ranks has other numbers, and another order, than the last one.
    for other in first_table(data)["groups"]:
        other["final"]["fid"] = {"mean": 100 - other["best"]["fid"]["mean"], "low": None, "high": None, "values": [], "n": 1}
    for run in data["runs"]:
        run["final"] = dict.fromkeys(run["final"], 77.0)
    page = report(data)
    mean = f"{group['best']['fid']['mean']:.4g}"
    expect(page.locator("#ranking .words").first).to_contain_text("By fid of the best state, lower is better.")
    row = page.locator(f'{RANKED} tr[data-group="r3gan"]')
    expect(row.locator("b")).to_have_text(mean)
    expect(row.locator("svg[role=img]")).to_have_attribute("aria-label", re.compile(f"^r3gan: {re.escape(mean)} "))
    expect(row).not_to_contain_text("at ")
    head = page.locator(f"{RANKED} thead")
    expect(head.get_by_role("button", name="final fid")).to_have_count(1)
    head.get_by_role("button", name="mean").click()
    expect(page.locator(f"{RANKED} tbody th").first).to_have_text("r3gan")
    head.get_by_role("button", name="final fid").click()
    expect(page.locator(f"{RANKED} tbody th").first).to_have_text("minimax")
    effect = page.locator("figure.effect").first
    expect(effect).to_contain_text("best fid by loss")
    expect(effect.locator(".plot")).to_have_attribute("aria-label", re.compile(f"loss r3gan: {re.escape(mean)} "))
    page.get_by_text("Show 22 runs").click()
    run = next(run for run in data["runs"] if run["group"] == "r3gan")
    expect(page.locator(".runs .entry", has_text=run["name"]).first).to_contain_text(f"best fid {run['best']['fid']:.4g}")
