"""ADA: what its changes do to images, twice differentiable, and how p moves."""

import pytest
import torch

from ganexp.models.augmentations.ada import ADA
from ganexp.models.augmentations.warp import Warp
from ganexp.models.schedules import Linear
from support.processes import in_two, look_at_a_part
from support.refused import refused

SAME = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def smooth(count, channels, side):
    return torch.nn.functional.interpolate(torch.rand(count, channels, 4, 4) * 2 - 1, side, mode="bicubic")


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 28, 28), (4, 7, 12)])
def test_nothing_changes_with_probability_zero(shape):
    x = torch.randn(5, *shape)
    torch.testing.assert_close(ADA(cutout=1.0)(x), x, atol=1e-4, rtol=1e-4)
    half = ADA(cutout=1.0)(x.bfloat16())
    assert half.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("inverse", "expected"),
    [
        ([[-1, 0, 0], [0, 1, 0]], lambda x: x.flip(3)),
        ([[1, 0, -2], [0, 1, 1]], lambda x: x.roll((2, -1), (3, 2))),
        ([[0, 1, 0], [-1, 0, 0]], lambda x: x.rot90(-1, (2, 3))),
    ],
)
def test_pixels_come_from_where_the_matrix_says(inverse, expected):
    x = smooth(2, 3, 32)
    moved = Warp()(x, torch.tensor(inverse, dtype=x.dtype).expand(2, -1, -1))
    inside = (..., slice(4, -4), slice(4, -4))
    torch.testing.assert_close(moved[inside], expected(x)[inside], atol=0.05, rtol=0)


def test_borders_are_reflected():
    x = smooth(1, 1, 16)
    moved = Warp()(x, torch.tensor([[[1.0, 0.0, 5.0], [0.0, 1.0, 0.0]]]))
    torch.testing.assert_close(moved[..., 4:-4, -5:-1], x.flip(3)[..., 4:-4, 1:5], atol=0.1, rtol=0)


def test_it_can_be_differentiated_twice():
    inverse = SAME.double().expand(2, -1, -1) + 0.2 * torch.randn(2, 2, 3, dtype=torch.double)
    x = torch.randn(2, 1, 7, 8, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: Warp()(x, inverse), x)
    assert torch.autograd.gradgradcheck(lambda x: Warp()(x, inverse), x)
    ada = ADA(1.0, None, cutout=1.0)
    x = torch.randn(4, 3, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(ada(x).pow(3).sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert x.grad.isfinite().all() and x.grad.any()


def test_each_image_is_changed_by_itself_and_from_its_own_stream():
    x = smooth(1, 3, 16).expand(6, -1, -1, -1)
    ada = ADA(1.0, None)
    ada.random = torch.Generator().manual_seed(1)
    first = ada(x)
    assert len({tuple(image.flatten().tolist()) for image in first}) == 6
    ada.random.manual_seed(1)
    assert torch.equal(ada(x), first)
    x = x[:1].expand(200, -1, -1, -1)
    untouched = (ADA(0.02, None)(x) - x).flatten(1).abs().amax(1) < 1e-3
    assert 0.6 < untouched.float().mean() < 0.97


def test_colours_are_mixed_by_their_definition():
    ada = ADA(1.0, None, geometry=0.0)
    x = torch.randn(1000, 3, 1, 1).expand(-1, -1, 8, 8)
    maps = ada._colours(x, torch.tensor(1.0))
    grey = torch.ones(3) / 3**0.5
    # Whatever happens to a colour, grey stays grey, and the distance from grey is scaled by one number for all hues.
    turned = maps[..., :3] @ grey
    torch.testing.assert_close(turned, turned.mean(1, keepdim=True).expand(-1, 3), atol=1e-4, rtol=1e-4)
    singular = torch.linalg.svdvals(maps[..., :3] - torch.einsum("bi,j->bij", turned, grey))
    torch.testing.assert_close(singular[:, 0], singular[:, 1], atol=1e-3, rtol=1e-3)
    assert (maps[..., :3].sum((1, 2)) < 0).float().mean().item() == pytest.approx(0.5, abs=0.07)
    assert ADA(1.0, None)(torch.randn(3, 1, 8, 8)).shape == (3, 1, 8, 8)


def test_a_square_of_half_the_side_is_cut_out():
    x = torch.ones(400, 2, 16, 16)
    cut = ADA(1.0, None, geometry=0.0, colour=0.0, cutout=1.0)(x)
    lost = cut.eq(0).all(1).flatten(1).sum(1)
    assert lost.max() <= 81 and lost.min() >= 16 and set(cut.unique().tolist()) == {0.0, 1.0}
    assert ADA(0.0, None, geometry=0.0, colour=0.0, cutout=1.0)(x).all()


def test_p_follows_the_sign_of_the_logits():
    ada = ADA(0.0, 0.6, images=100, every=2)
    sure, unsure = torch.ones(10), torch.tensor([1.0, -1.0]).repeat(5)
    seen = []
    for logits in (sure, sure, sure, unsure, sure, sure, unsure, unsure, unsure, unsure):
        seen.append(ada.look(logits)["augmentation/p"].item())
    assert seen == pytest.approx([0, 0.2, 0.2, 0, 0, 0.2, 0.2, 0, 0, 0], abs=1e-6)
    ada.look(sure)
    other = ADA(0.0, 0.6, images=100, every=2)
    other.load_state_dict(ada.state_dict())
    assert other.look(sure)["augmentation/p"] == ada.look(sure)["augmentation/p"] > 0


def test_p_follows_the_signs_of_all_processes(tmp_path):
    first, second = in_two(look_at_a_part, tmp_path)
    # Signs of 1/8 above 0: up by 16 of 160 images; of 0 below 0.1: down, though one process alone would go up.
    torch.testing.assert_close(torch.stack(first), torch.tensor([0.6, 0.125, 0.4, 0.0]))
    assert all(map(torch.equal, first, second))


def test_what_is_refused():
    with refused("augmentation.probability", "augmentation.target"):
        ADA(Linear(initial=0.0, final=0.5))
    ADA(Linear(initial=0.0, final=0.5), target=None)
    for shape in ((2,), (1, 4, 4)):
        with refused("augmentation", "data"):
            ADA().check(shape)
