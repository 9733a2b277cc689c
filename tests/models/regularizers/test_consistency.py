"""A second look at images: what it changes, and the term by hand."""

import pytest
import torch

from ganexp.models.regularizers.consistency import Consistency
from support.judging import judgement


def test_the_term_squares_the_difference_between_two_looks():
    torch.manual_seed(0)
    real, fake = torch.randn(5, 1, 8, 8), torch.randn(5, 1, 8, 8)
    looks = []

    def critic(x, y):
        looks.append(x)
        return x[:, 0, 0, 0]

    term = Consistency(weight=2.0, fake_weight=3.0)(judgement(critic, real, fake))
    first, second, third, fourth = (x[:, 0, 0, 0] for x in looks)
    torch.testing.assert_close(term, 2 * (first - second).square().mean() + 3 * (third - fourth).square().mean())
    assert torch.equal(looks[0], real) and torch.equal(looks[2], fake)


def test_only_the_real_part_costs_a_pass_where_the_other_has_no_weight():
    looks = []
    critic = lambda x, y: looks.append(x) or x.mean((1, 2, 3))  # noqa: E731
    Consistency()(judgement(critic, torch.zeros(2, 1, 8, 8), torch.ones(2, 1, 8, 8)))
    assert len(looks) == 2


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_images_are_turned_over_and_shifted_with_their_border_reflected(flip):
    torch.manual_seed(0)
    image = torch.arange(64.0).reshape(1, 1, 8, 8)
    changed = Consistency(flip=flip).change(image.expand(200, -1, -1, -1))
    source = image.flip(3) if flip else image
    padded = torch.nn.functional.pad(source, (1, 1, 1, 1), mode="reflect")
    expected = [padded[0, 0, i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
    found = {next(k for k, wanted in enumerate(expected) if torch.equal(one[0], wanted)) for one in changed}
    assert found == set(range(9)), "every shift occurs, and nothing else"
