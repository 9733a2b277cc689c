"""Your own images and a conditional model: a folder with a sub-folder for each class, and a metric of your own.

The images are drawn here, so that the script runs anywhere: discs and crosses. For yours, set FOLDER. Overrides may follow the
script's name, such as ``trainer.max_epochs=5``.
"""

import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw
from torch import Tensor

import ganexp
from ganexp.metrics import Reference, Samples

FOLDER = Path("shapes")


def draw(folder: Path, count: int = 300) -> None:
    """Draw discs and crosses of many sizes, places and shades."""
    chance = random.Random(0)
    for kind in ("cross", "disc"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            picture = Image.new("L", (24, 24), 0)
            x, y, size, shade = chance.randint(8, 16), chance.randint(8, 16), chance.randint(4, 7), chance.randint(160, 255)
            pen = ImageDraw.Draw(picture)
            if kind == "disc":
                pen.ellipse((x - size, y - size, x + size, y + size), fill=shade)
            else:
                pen.line((x - size, y, x + size, y), fill=shade, width=3)
                pen.line((x, y - size, x, y + size), fill=shade, width=3)
            picture.save(folder / kind / f"{index:04d}.png")


class Ink(ganexp.Metric):
    """The mean brightness of samples, beside that of real images: (0, 1)."""

    def __call__(self, samples: Samples, reference: Reference) -> dict[str, float]:
        """Return it for the samples."""
        return {"ink": float(brightness(samples.x))}


def brightness(x: Tensor) -> Tensor:
    """Map images in [-1, 1] to their mean brightness."""
    return x.float().add(1).div(2).mean()


if __name__ == "__main__":
    if not FOLDER.exists():
        draw(FOLDER)
    run = ganexp.train(
        "model=cgan",
        "network=dcgan",
        "data=folder",
        "trainer.max_epochs=40",
        *sys.argv[1:],
        data={"path": FOLDER, "size": 16, "colour": "grey"},
        metrics={"ink": Ink()},  # beside FID and the others, which stay
    )
    print(f"found {run.summary.data}")
    print(f"mean brightness {run.summary.metrics['ink']:.3f}; real images, held out: {run.summary.real['ink']:.3f}")
    model = ganexp.load(run)
    for name in model.classes:
        print(f"{name}: mean brightness {float(brightness(model.sample(50, classes=name))):.3f}")
    print(f"a picture with a row for each class: {ganexp.sample(run, n=20)}")
