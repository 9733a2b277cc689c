"""A real browser, for what only it can tell; without one, or without its driver, these tests are skipped."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ganexp.comparison.page import page as written
from support import example

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start the browser that is installed on this machine."""
    driver = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    driver.expect.set_options(timeout=30_000)
    with driver.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where photographs of pages go."""
    folder = Path(os.environ.get("GANEXP_PICTURES", tmp_path / "pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Return a function that opens an address in a fresh profile; at the end no page may have complained."""
    contexts, complaints = [], []

    def go(address: str, *, width: int = 1280, height: int = 900, scheme: str = "light", **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if address.startswith("file:"):
            page.on("request", lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url))
        page.goto(address)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def report(tmp_path: Path, visit: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that writes a comparison and opens it."""

    def make(data: Any = None, **options: Any) -> Any:
        file = tmp_path / "report.html"
        file.write_text(written(example.example() if data is None else data))
        page = visit(file.as_uri(), **options)
        page.wait_for_selector("#runs", state="attached")
        return page

    return make
