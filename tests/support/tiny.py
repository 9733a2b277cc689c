"""Experiments small enough for a test, and what they end with."""

from pathlib import Path

import torch
from lightning.pytorch import Callback

TINY = (
    "trainer.accelerator=cpu",
    "trainer.max_epochs=null",
    "trainer.max_iterations=6",
    "model.latent_dim=3",
    "callbacks.scalars.every=2",
    "callbacks.samples.times=1",
)
TINY_MLP = ("network.generator.widths=[8]", "network.discriminator.widths=[8]")
TINY_RING = ("data=ring", "data.size=64", "data.batch_size=16", *TINY_MLP)
POINTS = (*TINY_RING, "network=mlp", "augmentation=none", "recipe.octaves=0", "recipe.latent_octaves=0")
QUIET = tuple(f"~callbacks.{name}" for name in ("samples", "evaluation", "checkpoints", "progress", "weights"))
CONVOLUTIONS = ("network.generator.channels=8", "network.discriminator.channels=8")
TINY_IMAGES = ("data=digits", "data.batch_size=16", "metrics=none")


class DumpWeights(Callback):
    """Save what each process of a run ends with."""

    def on_train_end(self, trainer, pl_module):
        torch.save(pl_module.state_dict(), Path(trainer.default_root_dir) / f"rank{trainer.global_rank}.pt")
