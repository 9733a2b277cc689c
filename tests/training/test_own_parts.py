"""Parts of a user's own: what they learn has an owner, what they remember is saved, and their callbacks see each iteration."""

from pathlib import Path

import pytest
import torch

from support.callbacks import callback
from support.foreign import EachIteration
from support.refused import refused
from support.tiny import TINY_RING


@pytest.mark.parametrize(
    "part",
    [
        ("model._target_=support.foreign.Mixture", "+model.where=nobody"),
        ("model._target_=support.foreign.Mixture", "+model.where=list"),
        ("loss._target_=support.foreign.LearningLoss",),
        ("augmentation=none", "+augmentation._target_=support.foreign.LearningAugmentation"),
    ],
)
def test_a_parameter_that_no_player_owns_is_refused(ready, part):
    with refused("model"):
        ready(*TINY_RING, *part)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("model._target_=support.foreign.Mixture", "means"),
        ("+regularizers.x._target_=support.foreign.LearningRegularizer", "regularizers.x.scale"),
    ],
)
def test_a_parameter_with_an_owner_is_trained(ready, trained, part, name):
    before = ready(*TINY_RING, part, folder="before").model.get_parameter(name).detach().clone()
    assert not torch.equal(trained(*TINY_RING, part).model.get_parameter(name), before)


@pytest.mark.parametrize("kind", ["number", "tensor", "list"])
def test_state_that_no_checkpoint_has_is_refused_after_the_first_iterations(trained, tmp_path: Path, kind):
    with refused("loss"):
        trained(*TINY_RING, "loss._target_=support.foreign.MeanLoss", f"+loss.kind={kind}")
    assert not (tmp_path / "run").exists()


def test_state_in_buffers_and_numbers_with_a_schedule_are_no_hidden_state(trained):
    mean = ("loss._target_=support.foreign.MeanLoss", "+loss.kind=buffer")
    scheduled = ("penalty=r1", "+lr_schedule@penalty.gamma=cosine", "penalty.gamma.initial=0.05")
    assert trained(*TINY_RING, *mean, *scheduled).run.summary.status == "finished"


def test_a_term_that_is_no_scalar_leaves_nothing(trained, tmp_path: Path):
    with refused("regularizers.x"):
        trained(*TINY_RING, "+regularizers.x._target_=support.foreign.VectorRegularizer")
    assert not (tmp_path / "run").exists()


def test_a_callback_with_hooks_of_a_batch_sees_each_iteration(trained):
    seen = callback(trained(*TINY_RING, "+callbacks.x._target_=support.foreign.EachIteration"), EachIteration).seen
    assert seen == [(i, i) for i in range(1, 7)]
