"""What tests of the page look at: where it is in the browser and in the data."""

RANKED = ".protocol >> nth=0 >> table"
_DRAWN = "plot => [...plot.querySelectorAll('svg path, svg text, svg rect')].map(node => node.outerHTML).join('')"


def first_table(data):
    return data["tables"][0]


def labels(page):
    return page.locator(f"{RANKED} tbody th button").all_inner_texts()


def drawn(page, plot):
    """Return a plot that is on the screen, as it was drawn after what was done to it last."""
    plot.scroll_into_view_if_needed()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_function("plot => plot.getAttribute('aria-busy') === 'false'", arg=plot.element_handle())
    return plot


def chart(page, tag):
    return drawn(page, page.locator(f'figure[data-tag="{tag}"] .plot'))


def picture(page, tag):
    """Return all that is drawn in a chart."""
    return chart(page, tag).locator(".main-svg").first.evaluate(_DRAWN)


def pointed_at(page, tag, part=0.5):
    """Point at a place of a chart; return the title of what it shows there, and the values of the groups by their names."""
    plot = chart(page, tag)
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] * part - 9, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] * part, box["y"] + box["height"] / 2, steps=3)
    layer = plot.locator(".hoverlayer .legend")
    layer.wait_for()
    rows = [row.split(" : ") for row in layer.locator("text.legendtext").all_text_contents()]
    return layer.locator("text.legendtitletext").text_content(), {row[0]: row[1].split()[0] for row in rows}
