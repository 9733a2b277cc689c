"""What tests of the page look at: where it is, in the browser and in the data."""

RANKED = ".protocol >> nth=0 >> table"


def first_table(data):
    return data["tables"][0]


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
