"""What an iteration costs, counted by scripts/operations.py: an operation more, or memory, is seen in review.

Counts are those of PyTorch 2.14 and 2.15, whose operators are the same here; of another version only the comparison is held.
"""

from pathlib import Path

import pytest
import torch

COUNTED = torch.__version__.startswith(("2.14.", "2.15."))
LAYERS, UPDATES, RANDOM, REST = "layers", "updates", "random", "rest"
COSTS = {
    "ring": {LAYERS: 41, UPDATES: 5, RANDOM: 10, REST: 124},
    "MNIST DCGAN": {LAYERS: 59, UPDATES: 6, RANDOM: 2, REST: 94},
    "CIFAR-10 WGAN-GP": {LAYERS: 192, UPDATES: 14, RANDOM: 11, REST: 1321},
    "CIFAR-10 SNGAN": {LAYERS: 263, UPDATES: 12, RANDOM: 6, REST: 1941},
    "CIFAR-10 StyleGAN2": {LAYERS: 404, UPDATES: 6, RANDOM: 16, REST: 1130},
}
"""Operations of an iteration, by kind, rounded: lazy penalties and common batches make parts."""


@pytest.mark.parametrize("name", COSTS)
def test_an_iteration_costs_no_more_than_by_hand(monkeypatch, tmp_path, name):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "scripts")
    import operations

    cost = operations.ours(operations.PRESETS[name], tmp_path / "ours")
    by_hand = operations.by_hand(operations.PRESETS[name], tmp_path / "bare")
    assert cost.total <= by_hand.total
    assert all(count <= by_hand.kinds()[kind] for kind, count in cost.kinds().items())
    assert cost.peak <= 1.05 * by_hand.peak  # batches that are made together, and the joint one of the discriminator
    if COUNTED:
        assert {kind: round(count) for kind, count in cost.kinds().items()} == COSTS[name]
