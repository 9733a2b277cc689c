"""A discriminator that learns few digits by heart, and one that has too many to do so; to ask does not disturb either."""

import pytest
import torch

from ganexp.training.train import train
from support.curves import rows

DIGITS = (
    "model=gan",
    "data=digits",
    "metrics=none",
    "trainer.max_iterations=800",
    "callbacks.evaluation.every=100",
    "~callbacks.samples",
)
FEW = (
    "data=digits", "network=mlp", "metrics=none", "data.batch_size=16", "augmentation=none",
    "network.discriminator.dropout=0.5", "callbacks.evaluation.every=2",
)  # fmt: skip


@pytest.mark.parametrize(("subset", "verdict"), [("64", "overfitting"), ("null", "healthy")])
def test_the_verdict_on_a_discriminator_is_that_on_images_it_has_not_seen(ready, subset, verdict):
    training = ready(*DIGITS, f"data.subset={subset}")
    training.model.evaluate = lambda: {"asked": 1.0}
    health = train(training, []).health
    last = rows(training.run.path)[-1]
    assert health.verdict == verdict
    if subset == "64":
        assert float(last["health/held_out"]) < 0.4 < 0.8 < float(last["health/recognised"])
    else:
        assert float(last["health/held_out"]) == pytest.approx(float(last["health/recognised"]), abs=0.1)


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
