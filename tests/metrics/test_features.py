import copy
import gc
import weakref

import torch

from ganexp.metrics.features import FeatureMetric, fixed_draws, kept, some
from support.features import Shades, reference_of


class Counting(FeatureMetric):
    """Counts how often it works something out."""

    def __init__(self):
        self.calls = 0

    def __call__(self, samples, reference):
        return {"value": self.result(reference, 2) + self.result(reference, 3)}

    @kept
    def result(self, reference, factor):
        self.calls += 1
        return float(factor * len(reference.data.counts))


def test_results_are_kept_per_reference_and_arguments():
    metric, one, other = Counting(), reference_of(Shades(1, 1)), reference_of(Shades(1, 1, 1))
    assert [metric(one.real("test", 2), one)["value"] for _ in range(2)] == [10, 10] and metric.calls == 2
    assert metric(other.real("test", 2), other) == {"value": 15} and metric.calls == 4
    twin = copy.deepcopy(metric)
    assert twin(one.real("test", 2), one) == {"value": 10} and (metric.calls, twin.calls) == (4, 6)


def test_what_is_kept_holds_nobody():
    metric, reference = Counting(), reference_of(Shades(1, 1))
    metric.result(reference, 1)
    dead = weakref.ref(reference)
    del reference
    gc.collect()
    assert dead() is None
    dead = weakref.ref(metric)
    del metric
    gc.collect()
    assert dead() is None


def test_draws_are_fixed_and_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    with fixed_draws():
        first = torch.randperm(50)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(1)
    with fixed_draws():
        assert torch.equal(torch.randperm(50), first)
    with fixed_draws(1):
        assert not torch.equal(torch.randperm(50), first)


def test_some_are_from_all_over():
    chosen = some(1000, 100)
    assert len(chosen.unique()) == 100 and chosen.min() < 100 and chosen.max() >= 900
    assert torch.equal(chosen, some(1000, 100))
    assert some(5, 10).tolist() == [0, 1, 2, 3, 4]
