"""The three operations of DiffAugment: their ranges, and that gradients pass through all of them."""

import pytest
import torch

from ganexp.models.augmentations.diffaugment import DiffAugment
from support.refused import refused


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_colour_moves_brightness_saturation_and_contrast_within_their_ranges():
    grey = torch.zeros(4000, 3, 2, 2)  # neither saturation nor contrast shows
    shift = DiffAugment("color")(grey)[:, 0, 0, 0]
    assert -0.5 <= shift.min() < -0.49 and 0.49 < shift.max() <= 0.5
    tinted = torch.tensor([1.0, 0.0, -1.0])[None, :, None, None].expand(4000, -1, 2, 2)
    out = DiffAugment("color")(tinted)
    spread = (out[:, 0] - out[:, 1])[:, 0, 0]  # saturation U(0, 2) times contrast U(0.5, 1.5)
    assert 0 <= spread.min() < 0.05 and 2.5 < spread.max() <= 3
    assert spread.mean().item() == pytest.approx(1, abs=0.05)
    two_tone = torch.tensor([1.0, -1.0]).repeat(2)[None, None].reshape(1, 1, 2, 2).expand(4000, -1, -1, -1)
    out = DiffAugment("color")(two_tone)
    contrast = (out[..., 0] - out[..., 1])[:, 0, 0] / 2
    assert 0.5 <= contrast.min() < 0.52 and 1.48 < contrast.max() <= 1.5


def test_translation_shifts_by_up_to_an_eighth_and_brings_zeros():
    image = torch.arange(1.0, 257).reshape(1, 1, 16, 16)
    padded = torch.nn.functional.pad(image, (2, 2, 2, 2))[0, 0]
    expected = [padded[i : i + 16, j : j + 16] for i in range(5) for j in range(5)]
    moved = DiffAugment("translation")(image.expand(500, -1, -1, -1))
    found = {next(k for k, wanted in enumerate(expected) if torch.equal(one[0], wanted)) for one in moved}
    assert found == set(range(25))


@pytest.mark.parametrize("side", [8, 9, 32])
def test_cutout_zeroes_a_square_of_half_the_side_clipped_by_the_border(side):
    cut = DiffAugment("cutout")(torch.ones(2000, 1, side, side))
    rows, columns = (cut[:, 0] == 0).any(2).sum(1), (cut[:, 0] == 0).any(1).sum(1)
    assert torch.equal((cut[:, 0] == 0).sum((1, 2)), rows * columns), "what is zero is a rectangle"
    size = int(side * 0.5 + 0.5)
    assert rows.max() == columns.max() == size and rows.min() == size // 2 + size % 2


def test_the_order_is_the_policys_and_the_probability_chooses_samples():
    image = torch.ones(400, 1, 16, 16)
    changed = (DiffAugment("cutout", probability=0.25)(image) != image).flatten(1).any(1)
    assert changed.float().mean().item() == pytest.approx(0.25, abs=0.08)
    assert torch.equal(DiffAugment(probability=0.0)(image), image)
    assert (DiffAugment("cutout,color")(image) == 0).sum() < (DiffAugment("color,cutout")(image) == 0).sum()


def test_gradients_pass_through_and_twice():
    augment = DiffAugment()
    x = torch.randn(4, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(augment(x).square().sum(), x, create_graph=True)
    assert gradient.abs().sum() > 0
    gradient.square().sum().backward()
    assert x.grad.isfinite().all() and x.grad.abs().sum() > 0


def test_unknown_operations_are_refused():
    with refused("augmentation.policy"):
        DiffAugment("colour")
