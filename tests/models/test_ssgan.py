"""The semi-supervised GAN's few labels."""

from collections import Counter

import pytest
import torch

from ganexp.models.ssgan import labelled_subset
from support.refused import refused
from support.tiny import POINTS, QUIET

CLASSES = 8


def test_the_labelled_subset_is_balanced_and_follows_the_seed():
    y = torch.arange(1000) % 10
    first, again, other = (labelled_subset(y, 100, 10, seed) for seed in (0, 0, 1))
    assert y[first].bincount().tolist() == [10] * 10
    assert len(first.unique()) == 100
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert sorted(y[labelled_subset(y, 23, 10, 0)].bincount().tolist()) == [2] * 7 + [3] * 3


def judged_by(training):
    """Train, and return every batch of points that the discriminator is shown."""
    seen = []
    training.model.discriminator.register_forward_hook(
        lambda module, inputs, output: seen.append(list(map(tuple, inputs[0].tolist())))
    )
    training.trainer.fit(training.model, datamodule=training.data)
    return seen


def test_few_labels_are_a_batch_of_their_own(ready):
    training = ready(*POINTS, "model=ssgan", "model.labels=16", "loss=minimax", "trainer.max_iterations=3", *QUIET)
    x, y = training.data.data.load("train")
    classes = dict(zip(map(tuple, training.data.data.decode(x).tolist()), y.tolist(), strict=True))
    seen = judged_by(training)
    (labelled,) = (points for points, times in Counter(map(frozenset, seen)).items() if times == 3)
    assert Counter(classes[point] for point in labelled) == dict.fromkeys(range(CLASSES), 2)
    assert len({tuple(points) for points in seen if labelled == set(points)}) == 3, "in another order each time"


def test_the_classifier_alone_sees_labelled_samples_alone(ready):
    alone = ("model.adversarial_weight=0.0", "loss=minimax", "trainer.max_iterations=4", *QUIET)
    training = ready(*POINTS, "model=ssgan", "model.labels=16", *alone)
    seen = judged_by(training)
    assert len(set(map(frozenset, seen[::2]))) == 1, "what the generator is judged for comes in between"


@pytest.mark.parametrize("labels", ["7", "65"])
def test_labels_that_are_not_there_are_refused(ready, tmp_path, labels):
    with refused("model.labels"):
        ready(*POINTS, "model=ssgan", f"model.labels={labels}")
    assert list(tmp_path.iterdir()) == []
