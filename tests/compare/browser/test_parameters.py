"""The parameters in the report: as parallel coordinates, and the effect of each."""

import re

import pytest

from support import example
from support.reading import RANKED, first_table

# The page takes up most of what is done to it in its next frame: to expect is to wait for that.
expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.slow


def test_parameters_are_brushed_and_named(report, pictures):
    page = report(example.search())
    plot = page.locator(".parallel-plot")
    plot.scroll_into_view_if_needed()
    expect(page.locator(".parallel path.run")).to_have_count(40)
    handle = page.locator('.handle[data-axis="fid"]')
    box = handle.bounding_box()
    x = box["x"] + box["width"] / 2
    page.mouse.move(x, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(x, box["y"] + box["height"] * 0.3, steps=4)
    page.mouse.up()
    page.mouse.move(5, 5)
    expect(page.locator(".readout")).to_contain_text("runs within the brushed parts")
    kept = 40 - page.locator(".parallel path.run.out").count()
    assert 0 < kept < 40
    assert page.locator(".readout").inner_text() == f"{kept} of 40 runs within the brushed parts."
    page.screenshot(path=pictures / "report_brushed.png")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator(".parallel path.run.out")).to_have_count(0)
    line = page.locator(".parallel path.run").last
    x, y = line.evaluate("path => { const p = path.getPointAtLength(4); const b = path.ownerSVGElement.getBoundingClientRect();"
                         " return [p.x + b.left, p.y + b.top]; }")  # fmt: skip
    page.mouse.move(x, y)
    expect(page.locator(".readout")).to_contain_text("seed=0")
    assert page.locator("figure.effect").count() == 3


def test_one_parameter_has_its_effect_alone(report):
    page = report()
    assert page.locator(".parallel").count() == 0
    label = page.locator("figure.effect svg").get_attribute("aria-label")
    assert re.search(r"loss r3gan: 4\.\d+ \[3\.\d+, \d\.\d+\]", label)


def test_the_best_state_ranks_parameters_against_each_other(report):
    data = example.search() | {"on": "best"}
    for run in data["runs"]:
        run["final"] = {}
    page = report(data)
    expect(page.locator(".parallel path.run")).to_have_count(40)
    expect(page.locator('.handle[data-axis="best fid"]')).to_have_count(1)


def test_parameters_agree_with_the_ranking(report):
    data = example.example()
    runs = [run for run in data["runs"] if run["group"] == "hinge" and run["table"] == 0]
    values = [run["final"]["fid"] for run in runs]
    # The first seed was run twice, and once more up to an interruption.
    again = {"id": 900, "final": runs[0]["final"] | {"fid": values[0] + 2}}
    stopped = {"id": 901, "final": runs[0]["final"] | {"fid": 500.0}, "counts": False}
    data["runs"] += [runs[0] | again, runs[0] | stopped]
    group = next(group for group in first_table(data)["groups"] if group["label"] == "hinge")
    group["runs"] += [900, 901]
    page = report(data)
    mean = (values[0] + 1 + values[1] + values[2]) / 3
    label = page.locator("figure.effect svg").first.get_attribute("aria-label")
    assert f"loss hinge: {mean:.4g} [" in label
    expect(page.locator('figure.effect .dot[data-group="hinge"]')).to_have_count(4)
    column = page.locator(f"{RANKED} thead th").all_inner_texts().index("seeds")
    expect(page.locator(f'{RANKED} tr[data-group="hinge"] > *').nth(column)).to_have_text("3")
