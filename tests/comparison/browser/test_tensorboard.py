"""A sweep's folder as TensorBoard shows it: curves of all runs in one chart, and a table of what they ended with."""

import json
import os
import re
import subprocess
import sys

import pytest

from support.tiny import TINY_RING

pytestmark = pytest.mark.slow

NAMES = ("loss=hinge,seed=0", "loss=r3gan,seed=0")


@pytest.fixture
def board(trained, tmp_path):
    """Train two tiny runs of a sweep, and return the address of a TensorBoard that shows their folder."""
    for name in NAMES:
        overrides = name.split(",")
        trained(*TINY_RING, *overrides, "callbacks.evaluation.times=2", folder=f"sweep/{name}")
    command = [
        sys.executable,
        "-m",
        "tensorboard.main",
        "--logdir",
        str(tmp_path / "sweep"),
        "--port",
        "0",
        "--host",
        "127.0.0.1",
    ]
    quiet = os.environ | {"PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=quiet) as process:
        try:
            # It says where it listens once it does.
            address = next(found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+/", line)))
            yield address
        finally:
            process.terminate()
            process.stderr.read()


def test_a_sweep_is_shown_with_its_curves_and_its_results(board, browser, pictures, tmp_path):
    page = browser.new_page(viewport={"width": 1920, "height": 900})
    page.goto(f"{board}#scalars")
    for name in NAMES:
        page.locator("tf-runs-selector").get_by_text(name).wait_for()
    page.locator("tf-tag-filterer input").fill("^loss/[dg]$")
    for tag in ("loss/d", "loss/g"):
        chart = page.locator("tf-scalar-card").filter(has_text=f"tag: {tag}").first
        chart.locator('.line-plot:not(.ghost) path[d*="L"]').nth(len(NAMES) - 1).wait_for(state="attached")
    page.screenshot(path=pictures / "tensorboard_scalars.png")
    page.goto(f"{board}#hparams")
    page.reload()
    table = page.locator("tf-hparams-table-view vaadin-grid-cell-content")
    for text in (*NAMES, "loss"):
        table.get_by_text(text, exact=True).wait_for()
    cells = table.all_inner_texts()
    assert cells[cells.index("loss") + 1].startswith("final/")
    for name in NAMES:
        row = cells[cells.index(name) :][:20]
        metrics = json.loads((tmp_path / "sweep" / name / "summary.json").read_text())["metrics"]
        assert f"{metrics['sliced_wasserstein']:#.5g}" in row, "what the final state scores"
        assert name.split(",")[0].removeprefix("loss=") in row
    page.screenshot(path=pictures / "tensorboard_hparams.png")
    page.close()
