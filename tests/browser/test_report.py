"""The report as its reader meets it: opened from a file, pointed at, clicked and typed on."""

import base64
import io
import re

import pytest
from PIL import Image

from comparison import example
from ganexp.comparison.page import page as written

# The page takes up most of what is done to it in its next frame: to expect is to wait for that.
expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.slow

RANKED = ".protocol >> nth=0 >> table"


@pytest.fixture
def report(tmp_path, visit):
    """Return a function that writes a comparison and opens it."""

    def make(data=None, **options):
        file = tmp_path / "report.html"
        file.write_text(written(example.example() if data is None else data))
        page = visit(file.as_uri(), **options)
        page.wait_for_selector("#runs", state="attached")
        return page

    return make


def labels(page):
    return page.locator(f"{RANKED} tbody th button").all_inner_texts()


def chart(page, tag):
    """Return a chart's plot, on the screen and drawn."""
    plot = page.locator(f'figure[data-tag="{tag}"] .plot')
    plot.scroll_into_view_if_needed()
    # What was just pressed is taken up in the next frame.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_selector(f'figure[data-tag="{tag}"] .plot[aria-busy="false"]')
    return plot


def tooltip(page, tag, part=0.5):
    """Point at a place of a chart and return the names and values that it shows."""
    plot = chart(page, tag)
    box = plot.bounding_box()
    plot.hover(position={"x": box["width"] * part, "y": box["height"] / 2})
    shown = plot.locator(".tooltip")
    shown.wait_for()
    rows = shown.locator("tr")
    return shown.locator(".at").inner_text(), {
        row.get_attribute("data-row"): row.locator("td").nth(1).inner_text() for row in rows.all()
    }


def pixels(page, tag):
    """Return what is drawn in a chart to which nothing points."""
    page.mouse.move(5, 5)
    return chart(page, tag).locator("canvas").evaluate("canvas => canvas.toDataURL()")


@pytest.mark.parametrize("width", [1280, 2560])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_looks_like_a_report_on_any_screen(report, pictures, width, scheme):
    page = report(width=width, height=width * 9 // 16, scheme=scheme)
    assert page.locator("h1").inner_text() == "loss, seed on mnist_dcgan_5x5"
    assert "r3gan has the lowest fid" in page.locator(".verdict .first").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the side"
    page.screenshot(path=pictures / f"report_{width}_{scheme}_top.png")
    page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
    pixels(page, "metrics/fid")
    page.screenshot(path=pictures / f"report_{width}_{scheme}.png")


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
    before = pixels(page, "metrics/fid")
    page.locator(f'{RANKED} tr[data-group="wgan"] td').nth(2).click()
    expect(page.locator(f'{RANKED} tr[data-group="wgan"] button')).to_have_attribute("aria-pressed", "true")
    expect(page.locator('#pictures .card.focused[data-group="wgan"]')).to_be_attached()
    expect(page.locator("#parameters circle.focused")).to_have_count(2)
    assert pixels(page, "metrics/fid") != before
    page.locator(f'{RANKED} tr[data-group="wgan"] button').click()
    assert pixels(page, "metrics/fid") == before


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


def test_the_theme_can_be_switched(report):
    page = report(scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light, drawn = page.evaluate(ground), pixels(page, "metrics/fid")
    button = page.get_by_role("button", name="Dark")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(ground) != light
    assert pixels(page, "metrics/fid") != drawn
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert page.evaluate(ground) == light


def test_pictures_of_the_same_latents_stand_together_and_can_be_enlarged(report, pictures):
    page = report()
    assert page.locator("#pictures h3 small").all_inner_texts() == ["64 latents, seed 0", "64 latents, seed 7"]
    page.locator("#pictures").get_by_role("button", name="Enlarge hinge, seed 1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("hinge, seed 1")
    image = dialog.locator("img.whole")
    image.wait_for()
    assert image.evaluate("image => [image.clientWidth % image.naturalWidth, getComputedStyle(image).imageRendering]") == [
        0,
        "pixelated",
    ]
    page.screenshot(path=pictures / "report_enlarged.png")
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("heading")).to_have_text("hinge, seed 2")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


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


def test_failures_say_why_and_how_to_go_on(report):
    page = report(permissions=["clipboard-read", "clipboard-write"])
    killed = page.locator("article.failure").filter(has_text="loss=wgan,seed=1")
    assert "killed by signal 9" in killed.inner_text()
    log = killed.locator("pre")
    expect(log).to_be_hidden()
    killed.get_by_text("Last lines of the log").click()
    expect(log).to_be_visible()
    expect(log).to_contain_text("iteration 3200")
    killed.get_by_role("button", name="Copy").click()
    killed.get_by_text("Copied").wait_for()
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == "python -m ganexp resume=outputs/sweeps/mnist-losses/loss=wgan,seed=1"
    )


def test_every_run_is_listed_with_its_command(report):
    page = report()
    page.get_by_text("Show 22 runs").click()
    page.get_by_label("Filter runs").fill("minimax collapsed")
    entries = page.locator(".runs .entry:visible")
    expect(entries).to_have_count(1)
    entries.locator("summary").click()
    assert "python -m ganexp loss=minimax seed=0 data=mnist" in entries.inner_text()
    assert "largest_class" in entries.inner_text()


def test_text_of_the_data_stays_text(report):
    data = example.example()
    evil = '<img src=x onerror="document.title=1"></script><script>document.title=2</script>{{data}}'
    data |= {"title": evil, "verdict": [evil], "commands": [evil], "folder": evil}
    data["runs"][0] |= {"name": evil, "reason": evil, "log": evil, "picture": "javascript:document.title=3"}
    data["failures"].append({"run": 0})
    name = data["tables"][0]["groups"][0]["label"]
    for group in (group for table in data["tables"] for group in table["groups"] if group["label"] == name):
        group["label"] = evil
    for run in (run for run in data["runs"] if run["group"] == name):
        run["group"], run["parameters"] = evil, {"loss": evil}
    page = report(data)
    assert page.title() == page.locator("h1").inner_text() == evil
    assert labels(page)[0] == evil
    assert page.locator("script").count() == 2
    assert page.locator('img[src="x"]').count() == 0


def test_nothing_measured_is_said_plainly(report, pictures):
    page = report(example.only_failures())
    assert "nothing to rank" in page.locator("#ranking").inner_text()
    assert page.locator("section").evaluate_all("all => all.map(one => one.id)") == ["ranking", "failures", "runs"]
    page.screenshot(path=pictures / "report_failures.png")


def test_one_run_without_goals_or_intervals(report, pictures):
    page = report(example.single())
    assert labels(page) == ["default"]
    assert "The run finished." in page.locator("#failures").inner_text()
    assert "[" not in page.locator(f"{RANKED} tbody").inner_text()
    assert page.locator("#parameters").count() == 0
    page.screenshot(path=pictures / "report_single.png")


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


def first_table(data):
    return data["tables"][0]


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
    effect = page.locator("figure.effect")
    expect(effect).to_contain_text("best fid by loss")
    expect(effect.locator("svg").first).to_have_attribute("aria-label", re.compile(f"loss r3gan: {re.escape(mean)} "))
    page.get_by_text("Show 22 runs").click()
    run = next(run for run in data["runs"] if run["group"] == "r3gan")
    expect(page.locator(".runs .entry", has_text=run["name"]).first).to_contain_text(f"best fid {run['best']['fid']:.4g}")


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


def test_real_data_is_drawn_beside_what_was_measured_like_it(report):
    data = example.example()
    data["tables"] = data["tables"][:1]
    first_table(data)["real"] = {"fid": 0.001}
    in_training = pixels(report(data), "metrics/fid")
    without = pixels(report(data | {"numbers": "evaluations"}), "metrics/fid")
    first_table(data)["real"] = {}
    assert in_training != without
    assert pixels(report(data), "metrics/fid") == without


DRAWN = """() => [...document.querySelectorAll('.chart canvas')].map(canvas => {
    const blank = document.createElement('canvas');
    [blank.width, blank.height] = [canvas.width, canvas.height];
    return canvas.toDataURL() !== blank.toDataURL();
})"""


@pytest.mark.parametrize("way", ["event", "media", "pdf"])
def test_what_was_never_on_the_screen_is_printed(report, pictures, way):
    page = report(height=300, scheme="dark")
    assert page.evaluate(DRAWN) == [False] * 3
    if way == "event":
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
    elif way == "media":
        page.emulate_media(media="print")
        expect(page.locator("html")).to_have_class(re.compile("printing"))
        assert page.locator("#bar").evaluate("bar => getComputedStyle(bar).position") == "static"
    else:
        page.pdf(path=pictures / "report.pdf")
    assert page.evaluate(DRAWN) == [True] * 3
    if way == "event":
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"


def renamed(label):
    """Return an example whose best group has another name."""
    data = example.example()
    for group in (group for table in data["tables"] for group in table["groups"] if group["label"] == "r3gan"):
        group["label"] = label
    for run in (run for run in data["runs"] if run["group"] == "r3gan"):
        run |= {"group": label, "name": f"{label},seed={run['seed']}", "parameters": {"loss": label}}
    data["verdict"] = [f"{label} has the lowest fid.", f"{label} follows."]
    return data


@pytest.mark.parametrize("width", [800, 1280])
@pytest.mark.parametrize("label", ["x" * 150, "loss=hinge, " * 13])
def test_long_names_do_not_hang_over_the_side(report, width, label):
    page = report(renamed(label), width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    over = "node => node.getBoundingClientRect().right > innerWidth"
    for place in (".verdict", ".card", ".card > .group"):
        assert not any(page.locator(place).evaluate_all(f"all => all.map({over})")), place


def test_names_have_the_width_that_is_free(report, pictures):
    label = "loss=hinge, optimizer.lr=0.0002, penalty.weight=10, network.generator.width=64"
    heights = []
    for width in (1280, 2560):
        page = report(renamed(label), width=width)
        page.screenshot(path=pictures / f"report_{width}_long_name.png")
        heights.append(page.locator(f"{RANKED} tbody th .group span").first.bounding_box()["height"])
    assert heights[1] < heights[0] * 0.75, "in one line rather than two"


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


def test_a_tall_picture_is_shown_small(report):
    data = example.single()
    file = io.BytesIO()
    Image.new("L", (50, 6000)).save(file, "PNG")
    data["runs"][0]["picture"] = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    page = report(data)
    image = page.locator("#pictures img")
    image.scroll_into_view_if_needed()
    for size in ("M", "L"):
        page.locator("#pictures").get_by_role("button", name=size, exact=True).click()
        expect(image).to_have_js_property("complete", True)
        assert 0 < image.bounding_box()["height"] < 700
