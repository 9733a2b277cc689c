"""Samples are judged once for all that asks, and differentiated by the same pass where that is as exact as another one."""

import pytest
import torch
from torch import nn

from ganexp.models.judging import Judged, gradients, judge_together
from support.judging import Asked


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))


class Seen(list):
    """A critic that keeps what it was asked, and adds the label to the logit."""

    def __init__(self, network):
        self.network = network

    def __call__(self, x, y):
        self.append((x, y))
        return self.network(x)[:, 0] + y


def judged(critic, **options):
    generator = torch.Generator().manual_seed(1)
    asked = Asked(critic)
    return tuple(Judged(asked, torch.randn(n, 3, generator=generator), torch.full((n,), n), **options) for n in (4, 6))


def test_samples_that_are_judged_together_have_the_outputs_of_each(network):
    critic = Seen(network)
    apart, together = judged(critic), judged(critic)
    expected = [one.logits for one in apart]
    judge_together(*together)
    found = [one.logits for one in together]
    assert [len(x) for x, _ in critic] == [4, 6, 10], "asked again, nothing is judged again"
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("differentiated", "together", "passes"),
    [(True, True, [10]), (True, False, [4, 6]), (False, True, [10, 10]), (False, False, [4, 6, 4, 6])],
)
def test_gradients_are_those_of_each_sample_and_can_be_differentiated(network, differentiated, together, passes):
    critic = Seen(network)
    samples = judged(critic, differentiated=differentiated)
    if together:
        judge_together(*samples)
    _ = [one.logits for one in samples]
    found = gradients(*samples)
    assert [len(x) for x, _ in critic] == passes
    for one, gradient in zip(samples, found, strict=True):
        for x, row in zip(one.x, gradient, strict=True):
            torch.testing.assert_close(row, torch.func.grad(lambda x: network(x)[0])(x))
    (second,) = torch.autograd.grad(sum(gradient.square().sum() for gradient in found), network[0].weight)
    assert second.any()


def test_one_of_several_is_differentiated_alone(network):
    critic = Seen(network)
    samples = judged(critic)
    judge_together(*samples)
    (found,) = gradients(samples[1])
    assert found.shape == (6, 3) and [len(x) for x, _ in critic] == [6]


@pytest.mark.parametrize("where", ["mixed precision", "half precision"])
def test_gradients_are_of_full_precision_at_least(network, where):
    samples = judged(Seen(network), differentiated=False)[0]
    x = samples.x.bfloat16() if where == "half precision" else samples.x
    with torch.autocast("cpu", torch.bfloat16):
        one = Judged(Asked(Seen(network)), x, samples.y, differentiated=True)
        assert not one.differentiable and one.logits.dtype != torch.float64
        (found,) = gradients(one)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[0], torch.func.grad(lambda x: network(x)[0])(x.float()[0]))
