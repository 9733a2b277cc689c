"""The parameters in the report: as parallel coordinates, and the effect of each."""

import re

import pytest

from support import example
from support.reading import RANKED, drawn, first_table

# The page takes up most of what is done to it in its next frame: to expect is to wait for that.
expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.slow


def test_parameters_are_brushed_and_named(report, pictures):
    page = report(example.search())
    plot = drawn(page, page.locator(".parallel-plot"))
    lines = plot.locator(".scatterlayer .trace")
    expect(lines).to_have_count(40)
    box = plot.locator(".nsewdrag").bounding_box()
    x, top = box["x"] + box["width"] - 8, box["y"] + box["height"] * 0.14
    page.mouse.move(x - 4, top)
    page.mouse.down()
    page.mouse.move(x + 4, top + box["height"] * 0.3, steps=4)
    page.mouse.up()
    readout = page.locator(".readout")
    expect(readout).to_contain_text("runs pass through the brushed parts")
    kept = int(readout.inner_text().split()[0])
    assert 0 < kept < 40
    passing = "all => all.filter(line => getComputedStyle(line).opacity > 0.5).length"
    assert lines.evaluate_all(passing) == kept
    page.screenshot(path=pictures / "report_brushed.png")
    page.get_by_role("button", name="Clear filters").click()
    expect(readout).to_contain_text("40 runs, blue the best")
    assert drawn(page, plot).locator(".scatterlayer .trace").evaluate_all(passing) == 40
    page.mouse.move(box["x"] + 12, box["y"] + box["height"] * 0.17)
    page.mouse.move(box["x"] + 9, box["y"] + box["height"] * 0.17, steps=3)
    expect(plot.locator(".hoverlayer")).to_contain_text("seed=0")
    assert page.locator("figure.effect").count() == 3


def test_one_parameter_has_its_effect_alone(report):
    page = report()
    assert page.locator(".parallel").count() == 0
    label = page.locator("figure.effect .plot").first.get_attribute("aria-label")
    assert re.search(r"loss r3gan: 4\.\d+ \[3\.\d+, \d\.\d+\]", label)


def test_the_best_state_ranks_parameters_against_each_other(report):
    data = example.search() | {"on": "best"}
    for run in data["runs"]:
        run["final"] = {}
    plot = report(data).locator(".parallel-plot")
    expect(plot).to_have_attribute("aria-label", re.compile("of 40 runs: .*, best fid"))


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
    plot = drawn(page, page.locator("figure.effect .plot").first)
    assert f"loss hinge: {mean:.4g} [" in plot.get_attribute("aria-label")
    expect(plot.locator(".scatterlayer .trace").nth(1).locator("path.point")).to_have_count(4)
    column = page.locator(f"{RANKED} thead th").all_inner_texts().index("seeds")
    expect(page.locator(f'{RANKED} tr[data-group="hinge"] > *').nth(column)).to_have_text("3")
