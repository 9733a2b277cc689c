"""The curves of the report: pointed at, zoomed, drawn in other ways."""

import re

import pytest

from support import example
from support.reading import RANKED, chart, first_table, pixels, tooltip

# The page takes up most of what is done to it in its next frame: to expect is to wait for that.
expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.slow


def test_the_crosshair_names_the_values_of_all_groups(report, pictures):
    page = report()
    at, values = tooltip(page, "metrics/fid", 0.9)
    assert re.fullmatch(r"iteration 4,\d{3}", at)
    assert list(values) == ["r3gan", "hinge", "wgan", "non_saturating", "least_squares", "minimax"], "the best first"
    assert 3 < float(values["r3gan"]) < 5
    page.screenshot(path=pictures / "report_crosshair.png")
    plot = chart(page, "metrics/fid")
    plot.focus()
    plot.press("ArrowLeft")
    expect(plot.locator(".at")).not_to_have_text(at)
    plot.press("Escape")
    expect(plot.locator(".tooltip")).to_be_hidden()


def test_missing_values_break_a_line(report):
    data = example.single()
    curve = data["curves"]["metrics/fid"]["0"]
    curve["y"][28:34] = [None, float("nan"), float("inf"), None, None, None]
    page = report(data)
    assert tooltip(page, "metrics/fid", 0.2)[1]
    assert tooltip(page, "metrics/fid", 0.56)[1] == {}


def test_the_legend_hides_and_isolates_in_all_charts(report):
    page = report()
    entry = page.locator(".legend").get_by_role("button", name="hinge")
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "false")
    for tag in ("metrics/fid", "loss/d"):
        assert "hinge" not in tooltip(page, tag)[1]
    entry.dblclick()
    for tag in ("metrics/fid", "loss/g"):
        assert list(tooltip(page, tag)[1]) == ["hinge"]
    page.get_by_role("button", name="Show all").click()
    assert len(tooltip(page, "metrics/fid")[1]) == 6


def test_what_is_dragged_over_is_zoomed_to(report):
    page = report()
    plot = chart(page, "metrics/fid")
    whole = pixels(page, "loss/d")
    box = plot.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.4, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=4)
    expect(plot.locator(".brush")).to_be_visible()
    page.mouse.up()
    page.get_by_role("button", name="Reset zoom").wait_for()
    assert pixels(page, "loss/d") != whole, "all charts share the x axis"
    first, last = (int(tooltip(page, "metrics/fid", part)[0].split()[1].replace(",", "")) for part in (0.2, 0.95))
    assert 1400 < first < last < 3000
    plot.dblclick(position={"x": 200, "y": 100})
    assert int(tooltip(page, "metrics/fid", 0.99)[0].split()[1].replace(",", "")) > 4500
    assert pixels(page, "loss/d") == whole


@pytest.mark.parametrize("control", ["Seeds", "Mean", "Ignore outliers"])
def test_how_curves_are_drawn_can_be_changed(report, control):
    page = report()
    before = pixels(page, "loss/d")
    button = page.get_by_role("button", name=control, exact=True)
    pressed = button.get_attribute("aria-pressed")
    button.click()
    expect(button).not_to_have_attribute("aria-pressed", pressed)
    assert pixels(page, "loss/d") != before


def test_smoothing_and_a_logarithmic_axis(report):
    page = report()
    before = pixels(page, "loss/d")
    page.get_by_label("Smoothing").fill("0.8")
    smooth = pixels(page, "loss/d")
    assert smooth != before
    page.locator('figure[data-tag="loss/d"]').get_by_role("button", name="log y").click()
    assert pixels(page, "loss/d") != smooth


def test_more_charts_can_be_chosen(report):
    page = report()
    assert page.locator("figure.chart").count() == 3
    page.get_by_text("Charts 3 of 4").click()
    page.locator("#curves").get_by_label("metrics/precision").check()
    chart(page, "metrics/precision")
    assert page.locator("figure.chart").count() == 4


def test_two_hundred_runs_are_drawn_where_one_looks(report, pictures):
    page = report(example.many())
    assert page.locator(f"{RANKED} tbody tr").count() == 40
    page.get_by_text("Charts 3 of 10").click()
    for box in page.locator("#curves .sheet input[type=checkbox]").all():
        box.check()
    page.keyboard.press("Escape")
    drawn = "[...document.querySelectorAll('.chart canvas')].filter(canvas => canvas.width !== 300).length"
    page.evaluate("scrollTo(0, 0)")
    assert page.locator("figure.chart").count() == 10
    assert page.evaluate(drawn) < 10, "what is off the screen waits"
    assert len(tooltip(page, "metrics/share/5")[1]) == 14
    assert "and 26 more" in page.locator('figure[data-tag="metrics/share/5"] .tooltip').inner_text()
    page.screenshot(path=pictures / "report_many.png")


def test_real_data_is_drawn_beside_what_was_measured_like_it(report):
    data = example.example()
    data["tables"] = data["tables"][:1]
    first_table(data)["real"] = {"fid": 0.001}
    in_training = pixels(report(data), "metrics/fid")
    without = pixels(report(data | {"numbers": "evaluations"}), "metrics/fid")
    first_table(data)["real"] = {}
    assert in_training != without
    assert pixels(report(data), "metrics/fid") == without


def test_seeds_or_means_are_always_drawn(report):
    page = report()
    seeds, mean = (page.get_by_role("button", name=name, exact=True) for name in ("Seeds", "Mean"))
    seeds.click()
    expect(seeds).to_have_attribute("aria-pressed", "false")
    expect(mean).to_have_attribute("aria-pressed", "true")
    means = pixels(page, "loss/d")
    mean.click()
    expect(mean).to_have_attribute("aria-pressed", "false")
    expect(seeds).to_have_attribute("aria-pressed", "true")
    assert pixels(page, "loss/d") != means


def test_a_logarithmic_axis_says_what_it_leaves_out(report):
    data = example.single()
    data["curves"]["loss/d"]["0"]["y"][3] = -0.5
    page = report(data)
    chart(page, "loss/d")
    figure = page.locator('figure[data-tag="loss/d"]')
    expect(figure.locator(".note")).not_to_contain_text("not shown")
    figure.get_by_role("button", name="log y").click()
    expect(figure.locator(".note")).to_contain_text("values of 0 or less are not shown")
    figure.get_by_role("button", name="log y").click()
    expect(figure.locator(".note")).not_to_contain_text("not shown")
