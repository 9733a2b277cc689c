"""The curves of the report: pointed at, zoomed, drawn in other ways."""

import pytest

from support import example
from support.reading import RANKED, chart, first_table, picture, pointed_at

# The page takes up most of what is done to it in its next frame: to expect is to wait for that.
expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.slow


def iteration(page, part):
    """Return the iteration at a place of a chart."""
    return int(pointed_at(page, "metrics/fid", part)[0].split()[1].replace(",", ""))


def test_pointing_at_a_chart_names_the_values_of_all_groups(report, pictures):
    page = report()
    at, values = pointed_at(page, "metrics/fid", 0.9)
    assert at.startswith("iteration 4,")
    assert list(values) == ["r3gan", "hinge", "wgan", "non_saturating", "least_squares", "minimax"], "the best first"
    assert 3 < float(values["r3gan"]) < 5
    text = chart(page, "metrics/fid").locator(".hoverlayer").text_content()
    assert "2 of 3" in text, "one run of minimax diverged"
    page.screenshot(path=pictures / "report_pointed_at.png")


def test_missing_values_break_a_line(report):
    data = example.single()
    data["curves"]["metrics/fid"]["0"]["y"][28:34] = [None, float("nan"), float("inf"), None, None, None]
    page = report(data)
    assert chart(page, "metrics/fid").locator(".trace").last.locator("path.js-line").count() == 2


def test_the_legend_hides_and_isolates_in_all_charts(report):
    page = report()
    entry = page.locator(".legend").get_by_role("button", name="hinge")
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "false")
    for tag in ("metrics/fid", "loss/d"):
        assert "hinge" not in pointed_at(page, tag)[1]
    entry.dblclick()
    for tag in ("metrics/fid", "loss/g"):
        assert list(pointed_at(page, tag)[1]) == ["hinge"]
    page.get_by_role("button", name="Show all").click()
    assert len(pointed_at(page, "metrics/fid")[1]) == 6


def test_what_is_dragged_over_is_zoomed_to(report):
    page = report()
    whole = picture(page, "loss/d")
    box = chart(page, "metrics/fid").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.4, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Reset zoom").wait_for()
    assert picture(page, "loss/d") != whole, "all charts share the x axis"
    first, last = iteration(page, 0.2), iteration(page, 0.95)
    assert 1400 < first < last < 3000
    chart(page, "metrics/fid").locator(".nsewdrag").dblclick(position={"x": 150, "y": 100})
    assert iteration(page, 0.95) > 4300
    assert picture(page, "loss/d") == whole


def test_how_curves_are_drawn_can_be_changed(report):
    page = report()
    seen = [picture(page, "loss/d")]
    for control in ("Seeds", "Ignore outliers"):
        button = page.get_by_role("button", name=control, exact=True)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false")
        seen.append(picture(page, "loss/d"))
    page.get_by_label("Smoothing").fill("0.8")
    seen.append(picture(page, "loss/d"))
    page.locator('figure[data-tag="loss/d"]').get_by_role("button", name="log y").click()
    seen.append(picture(page, "loss/d"))
    assert len(set(seen)) == 5


def test_more_charts_can_be_chosen(report):
    page = report()
    assert page.locator("figure.chart:visible").count() == 3
    page.get_by_text("Charts 3 of 4").click()
    page.locator("#curves").get_by_role("checkbox", name="metrics/precision").check()
    chart(page, "metrics/precision")
    assert page.locator("figure.chart:visible").count() == 4
    expect(page.locator("#curves .menu summary")).to_have_text("Charts 4 of 4")


def test_two_hundred_runs_are_drawn_where_one_looks(report, pictures):
    page = report(example.many())
    assert page.locator(f"{RANKED} tbody tr").count() == 40
    page.get_by_text("Charts 3 of 10").click()
    for box in page.locator("#curves .sheet input[type=checkbox]").all():
        box.check()
    page.keyboard.press("Escape")
    page.evaluate("scrollTo(0, 0)")
    assert page.locator("figure.chart:visible").count() == 10
    assert page.locator(".chart .main-svg").count() < 20, "what is off the screen waits"
    chart(page, "metrics/share/5")
    page.screenshot(path=pictures / "report_many.png")


def test_real_data_is_drawn_beside_what_was_measured_like_it(report):
    data = example.example()
    data["tables"] = data["tables"][:1]
    line = ".shapelayer path"
    expect(chart(report(data), "metrics/fid").locator(line)).to_have_count(1)
    expect(chart(report(data | {"numbers": "evaluations"}), "metrics/fid").locator(line)).to_have_count(0)
    first_table(data)["real"] = {}
    expect(chart(report(data), "metrics/fid").locator(line)).to_have_count(0)


def test_seeds_or_means_are_always_drawn(report):
    page = report()
    seeds, mean = (page.get_by_role("button", name=name, exact=True) for name in ("Seeds", "Mean"))
    for off, on in ((seeds, mean), (mean, seeds)):
        off.click()
        expect(off).to_have_attribute("aria-pressed", "false")
        expect(on).to_have_attribute("aria-pressed", "true")


def test_a_logarithmic_axis_says_what_it_leaves_out(report):
    data = example.single()
    data["curves"]["loss/d"]["0"]["y"][3] = -0.5
    page = report(data)
    figure = page.locator('figure[data-tag="loss/d"]')
    note = figure.get_by_text("values of 0 or less are not shown")
    expect(note).to_be_hidden()
    figure.get_by_role("button", name="log y").click()
    expect(note).to_be_visible()
