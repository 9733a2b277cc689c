"""The report as its reader meets it: opened from a file, on any screen and on paper, with whatever is in it."""

import base64
import io
import re

import pytest
from PIL import Image

from support import example
from support.reading import RANKED, labels, picture

# The page takes up most of what is done to it in its next frame: to expect is to wait for that.
expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("width", [1280, 2560])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_looks_like_a_report_on_any_screen(report, pictures, width, scheme):
    page = report(width=width, height=width * 9 // 16, scheme=scheme)
    assert page.locator("h1").inner_text() == "loss, seed on mnist_dcgan_5x5"
    assert "r3gan has the lowest fid" in page.locator(".verdict .first").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the side"
    page.screenshot(path=pictures / f"report_{width}_{scheme}_top.png")
    page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
    picture(page, "metrics/fid")
    page.screenshot(path=pictures / f"report_{width}_{scheme}.png")


def test_the_theme_can_be_switched(report):
    page = report(scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light, drawn = page.evaluate(ground), picture(page, "metrics/fid")
    button = page.get_by_role("button", name="Dark")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(ground) != light
    assert picture(page, "metrics/fid") != drawn
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
    assert page.locator("script:not([type='application/json'])").count() == 2
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


DRAWN = "[...document.querySelectorAll('.chart:not([hidden]) .plot')].map(plot => plot.querySelector('.main-svg') !== null)"


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
        page.set_viewport_size({"width": 703, "height": 900})  # of A4, without the margins
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "tables fit the paper"
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


def test_a_tall_picture_is_shown_small(report):
    data = example.single()
    file = io.BytesIO()
    Image.new("L", (50, 6000)).save(file, "PNG")
    data["runs"][0]["picture"] = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    page = report(data)
    image = page.locator("#pictures img")
    image.scroll_into_view_if_needed()
    for size in ("180", "480"):
        page.get_by_label("Size of the samples").fill(size)
        expect(image).to_have_js_property("complete", True)
        assert 0 < image.bounding_box()["height"] < 1000
