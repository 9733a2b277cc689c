"""A discriminator that learns few digits by heart, and one that has too many to do so; to ask does not disturb either."""

import pytest
import torch

from ganexp.training.train import train
from support.curves import rows

DIGITS = (
    "model=gan", "network=mlp", "data=digits", "metrics=none", "recipe=none", "loss=non_saturating", "penalty=none",
    "augmentation=none", "data.batch_size=32", "network.generator.widths=[8]", "network.discriminator.widths=[128,128]",
    "d_optimizer.lr=1e-3", "g_optimizer.lr=0", "trainer.max_iterations=240", "callbacks.evaluation.every=40",
    "callbacks.health.diversity=0", "~callbacks.samples",
)  # fmt: skip
FEW = (
    "data=digits", "network=mlp", "metrics=none", "data.batch_size=16", "augmentation=none",
    "network.discriminator.dropout=0.5", "callbacks.evaluation.every=2",
)  # fmt: skip


def perfect(training) -> None:
    """Let the generator draw digits that the discriminator has not seen, and only learn what it adds to them."""
    raw, _ = training.data.data.load("test")
    digits = training.data.data.decode(raw)

    def generate(generator, z, y):
        return digits[(1000 * z[:, 0]).long() % len(digits)] + 0.01 * generator(z)

    training.model.generate = generate
    training.model.evaluate = lambda: {"asked": 1.0}


@pytest.mark.parametrize(("subset", "verdict"), [("32", "overfitting"), ("null", "healthy")])
def test_the_verdict_on_a_discriminator_is_that_on_images_it_has_not_seen(ready, subset, verdict):
    training = ready(*DIGITS, f"data.subset={subset}")
    perfect(training)
    health = train(training, []).health
    last = rows(training.run.path)[-1]
    assert health.verdict == verdict
    assert float(last["health/held_out"]) == pytest.approx(0.5, abs=0.15)
    assert float(last["health/recognised"]) > 0.9 if subset == "32" else float(last["health/recognised"]) < 0.8


@pytest.mark.parametrize("model", ["gan", "cgan", "acgan", "ssgan"])
def test_to_ask_does_not_disturb_training(ready, model):
    runs = []
    for asked in (False, True):
        training = ready(*FEW, f"model={model}", folder=str(asked))
        training.model.evaluate = lambda asked=asked: {"asked": 1.0} if asked else {}
        train(training, [])
        runs.append(training)
    assert ["health/held_out" in rows(training.run.path)[0] for training in runs] == [False, True]
    for mine, its in zip(*(training.model.parameters() for training in runs), strict=True):
        assert torch.equal(mine, its)
