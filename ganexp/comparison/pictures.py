"""What a run's samples look like, small enough to stand in a page beside those of many other runs."""

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

from ganexp.comparison.collect import Outcome
from ganexp.runs.files import read_inside

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH = 400
"""Largest width of a picture in pixels."""

BYTES = 45_000
"""Largest size of a file; as text it takes a third more."""

_MOST_BYTES = 100_000_000
_MOST_PIXELS = 80_000_000

_LAYOUT = ("points", "columns", "count", "layout")
_QUALITIES = (85, 70, 50, 30, 10)


def newest(run: Path) -> Path | None:
    """Return the picture of the end of a run, or the last one before it; None if there is none."""
    final = run / "final.png"
    return final if final.is_file() else max((run / "samples").glob("[!.]*.png"), default=None)


def embedded(run: Path, file: Path) -> str | None:
    """Return a picture of a run as a data URI: as it is if small, else shrunk; None if it is damaged or elsewhere."""
    from PIL import Image

    try:
        content, kind = read_inside(run, file.relative_to(run), _MOST_BYTES), "png"
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                return None
            picture.load()
            if picture.width > WIDTH or len(content) > BYTES:
                content, kind = _packed(picture.convert("RGB")), "webp"
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def latents(outcome: Outcome, file: Path) -> str | None:
    """Return what decides which latents a picture is drawn from: equal texts mean equal latents, in the same places.

    They come from a generator of fixed seed on the device of the run, as many as the layout needs. None where the device or
    the layout is not known.
    """
    config = outcome.config or {}
    model, data = config.get("model") or {}, config.get("data") or {}
    layout = (config.get("callbacks") or {}).get("samples") or {}
    # Of a run that has not ended, the host stands for its device.
    device = outcome.summary.device if outcome.summary else outcome.record and outcome.record.host
    if not (model and data and layout and device):
        return None
    kinds = [str(node.get("_target_")).rpartition(".")[2] for node in (model, data)]
    what = f"{model.get('latent_dim')} {model.get('noise')} latents of {kinds[0]} on {kinds[1]}"
    options = [f"{key} {value}" for key in _LAYOUT if (value := layout.get(key)) is not None]
    when = "at the end" if file.name == "final.png" else "on the way"
    return ", ".join([what, *options, "cpu" if device.startswith("cpu") else device, when])


def _packed(picture: "Image") -> bytes:
    picture.thumbnail((WIDTH, picture.height))
    for quality in _QUALITIES:
        stream = io.BytesIO()
        picture.save(stream, "WEBP", quality=quality, method=2)  # faster than the usual 4, hardly larger
        if stream.tell() <= BYTES:
            break
    return stream.getvalue()
