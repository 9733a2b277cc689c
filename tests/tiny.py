"""Overrides of experiments small enough for a test."""

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
