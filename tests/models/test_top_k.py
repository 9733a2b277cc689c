"""The generator learns from its best fakes, by hand."""

import copy

import pytest
import torch

from ganexp.models.losses import NonSaturating, Relativistic
from ganexp.models.top_k import TopK
from ganexp.models.turns import Turns
from support.playing import Counting, Table


@pytest.mark.parametrize("loss", [NonSaturating(), Relativistic()])
def test_the_generator_learns_from_the_fakes_that_seem_most_real(loss) -> None:
    everything = Counting("g")
    table = Table(Turns(), loss, seeing=everything)
    table.play.choose = TopK(0.4)
    g, d = copy.deepcopy(table.rules.generator), copy.deepcopy(table.rules.discriminator)
    table()
    torch.manual_seed(1)
    real, z = torch.randn(8, 2), torch.randn(8, 2)
    loss.discriminator(d(real).squeeze(1), d(g(z).detach()).squeeze(1)).backward()
    with torch.no_grad():
        for weight in d.parameters():
            weight -= 0.1 * weight.grad
    fakes = d(g(torch.randn(8, 2))).squeeze(1)
    best = fakes.argsort(descending=True)[:3]  # two fifths of 8
    steps = torch.autograd.grad(loss.generator(fakes[best], d(real[best]).squeeze(1)), list(g.parameters()))
    for weight, step, moved in zip(g.parameters(), steps, table.rules.generator.parameters(), strict=True):
        torch.testing.assert_close(moved, weight - 0.1 * step)
    assert everything.asked == [8], "regularizers see all fakes"
