"""A first GAN in two minutes: handwritten digits of 8x8 pixels, conditional on the digit; no download.

Run it with ``python examples/first_gan.py``, or paste it into a notebook, where ``run`` shows itself. Overrides may follow the
script's name, such as ``trainer.max_epochs=5``.
"""

import sys
from pathlib import Path

from PIL import Image

import ganexp

# The same as: python -m ganexp model=cgan data=digits trainer.max_epochs=60 seed=1
run = ganexp.train("model=cgan", "data=digits", "trainer.max_epochs=60", *sys.argv[1:], seed=1)
summary = run.summary
print(f"{summary.status}, {summary.health.verdict if summary.health else 'not judged'}; pictures in {run.path}")
print(f"FID {summary.metrics['fid']:.1f}; that of as many real digits, held out: {summary.real['fid']:.1f}")

# The curves: a pandas DataFrame where pandas is installed, else a dict of arrays.
curves = run.metrics
print(f"the discriminator's last loss was {float(curves['loss/d'][len(curves['loss/d']) - 1]):.2f}")

# The trained model: as many of each class as of any other, in the range of the data, [-1, 1].
model = ganexp.load(run)
sevens = model.sample(16, classes=7, seed=0)
print(f"{len(sevens)} sevens with shape {tuple(sevens.shape[1:])}")
probabilities = model.discriminate(sevens, classes=7).sigmoid()
print(f"the discriminator takes them for real with probability {float(probabilities.mean()):.2f}")

# From one seven to another, as a strip of pixels.
strip = model.interpolate(1, steps=10, classes=7, path="spherical")[0]
pixels = strip.squeeze(1).add(1).mul(127.5).round().byte().permute(1, 0, 2).reshape(8, -1)
picture = Path(run.path, "sevens.png")
Image.fromarray(pixels.numpy()).resize((640, 64), Image.Resampling.NEAREST).save(picture)
print(f"from one seven to another: {picture}")
