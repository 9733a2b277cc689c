import copy
import math
import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganexp.build import build
from ganexp.data import MNIST, Data, Digits, Images, Ring, Split
from ganexp.errors import ConfigError
from ganexp.metrics import ClassCoverage


class Shades(Images):
    """One shade of grey per class, as frequent as told."""

    shape = (1, 2, 2)

    def __init__(self, *counts: int, names: tuple[str, ...] | None = None):
        super().__init__((-1, 1), 1, True)
        self.num_classes, self.class_names, self.counts, self.reads = len(counts), names, counts, 0

    def read(self, split: Split) -> tuple[Tensor, Tensor]:
        self.reads += 1
        labels = torch.arange(self.num_classes).repeat_interleave(torch.tensor(self.counts))
        return (20 * labels).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2), labels

    def draw(self, *counts: int) -> Tensor:
        labels = torch.arange(self.num_classes).repeat_interleave(torch.tensor(counts))
        return self.decode((20 * labels).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2))


def test_real_data_covers_every_class() -> None:
    data, metric = Digits(), ClassCoverage()
    images, labels = data.load("test")
    scores = metric(data.decode(images), data)
    assert scores["classes_covered"] == 10 and scores["class_kl"] < 0.01 and scores["largest_class"] < 0.13
    assert metric.verdict(scores) is None
    assert (metric.classify(data.decode(images), data) == labels).float().mean() > 0.95


def test_collapse_is_called_by_name() -> None:
    data, metric = Digits(), ClassCoverage()
    images, labels = data.load("test")
    scores = metric(data.decode(images[(labels == 1) | (labels == 9)]), data)
    assert scores["classes_covered"] == 2 and scores["class_kl"] > 1.2
    verdict = metric.verdict(scores)
    assert verdict is not None and verdict.startswith("mode collapse: 2 of 10 classes (1 and 9) hold 9")
    assert verdict.endswith(" % of the samples")


def test_values_are_those_of_the_formulas() -> None:
    data, metric = Shades(40, 40, 10, 10), ClassCoverage(references=8, neighbours=1)
    scores = metric(data.draw(70, 9, 11, 10), data)
    expected = sum(g * math.log(g / r) for g, r in [(0.7, 0.4), (0.09, 0.4), (0.11, 0.1), (0.10, 0.1)])
    assert scores["class_kl"] == pytest.approx(expected, abs=1e-5)
    assert scores["classes_covered"] == 3 and scores["largest_class"] == pytest.approx(0.7)
    assert metric(data.draw(70, 10, 10, 10), data)["classes_covered"] == 4
    assert metric(data.draw(40, 40, 10, 10), data)["class_kl"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ((51, 17, 16, 16), "mode collapse: 1 of 4 classes (oak) holds 51 % of the samples"),
        ((50, 17, 17, 16), None),
        ((0, 95, 0, 5), "mode collapse: 1 of 4 classes (elm) holds 95 % of the samples"),
        ((48, 45, 4, 3), "mode collapse: 2 of 4 classes (oak and elm) hold 93 % of the samples"),
        ((48, 45, 7, 0), None),
    ],
)
def test_the_verdict(counts: tuple[int, ...], sentence: str | None) -> None:
    data, metric = Shades(25, 25, 25, 25, names=("oak", "elm", "ash", "yew")), ClassCoverage(neighbours=1)
    assert metric.verdict(metric(data.draw(*counts), data)) == sentence


def test_thresholds_are_options() -> None:
    data, metric = Shades(25, 25, 25, 25), ClassCoverage(neighbours=1, least_covered=0.5, most_in_one=0.9)
    assert metric.verdict(metric(data.draw(48, 48, 2, 2), data)) is None
    assert metric.verdict(metric(data.draw(80, 7, 7, 6), data)) is None
    assert metric.verdict(metric(data.draw(94, 6, 0, 0), data)) == (
        "mode collapse: 1 of 4 classes (0) holds 94 % of the samples"
    )


def test_what_is_no_collapse() -> None:
    metric = ClassCoverage(neighbours=1)
    assert metric.verdict({}) is None
    few = Shades(10, 10, 10)
    assert metric.verdict(metric(few.draw(30, 0, 0), few)) is None
    uneven = Shades(70, 10, 10, 10)
    assert metric.verdict(metric(uneven.draw(70, 10, 10, 10), uneven)) is None


def test_long_lists_of_classes_are_left_out() -> None:
    data, metric = Shades(*[5] * 12), ClassCoverage(neighbours=1)
    scores = metric(data.draw(*[5] * 6, *[0] * 6), data)
    assert metric.verdict(scores) == "mode collapse: 6 of 12 classes hold 100 % of the samples"


def test_a_class_that_the_subset_leaves_out_is_not_missed() -> None:
    data, metric = Shades(10, 10, 10, 10, 0), ClassCoverage(neighbours=1)
    scores = metric(data.draw(5, 5, 5, 5, 0), data)
    assert scores["classes_covered"] == 4 and scores["class_kl"] == pytest.approx(0, abs=1e-6)


def test_the_majority_decides_and_the_nearer_ones_where_it_is_equal() -> None:
    data = Shades(2, 3)
    sample = data.decode(torch.full((1, 1, 2, 2), 8, dtype=torch.uint8))  # shades are 0 and 20
    assert ClassCoverage(neighbours=1).classify(sample, data).tolist() == [0]
    assert ClassCoverage(neighbours=4).classify(sample, data).tolist() == [0]
    assert ClassCoverage(neighbours=5).classify(sample, data).tolist() == [1]
    assert ClassCoverage(neighbours=50).classify(sample, data).tolist() == [1]


def test_references_are_even_over_the_classes() -> None:
    data = Shades(10, 1000)
    sample = data.decode(torch.full((1, 1, 2, 2), 9, dtype=torch.uint8))
    # Of all images, the first class has ten; of twenty references, too.
    assert ClassCoverage(references=20, neighbours=20).classify(sample, data).tolist() == [0]
    assert ClassCoverage(references=1010, neighbours=30).classify(sample, data).tolist() == [1]


def test_noise_is_measured() -> None:
    data = Digits()
    noise = torch.rand(500, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    scores = ClassCoverage()(noise, data)
    assert scores["class_kl"] > 0.1 and all(map(math.isfinite, scores.values()))


def test_samples_that_are_not_finite_have_no_class() -> None:
    data, metric = Shades(10, 10, 10, 10), ClassCoverage(neighbours=1)
    samples = data.draw(10, 10, 10, 10)
    samples[5:10] = math.nan
    samples[39] = math.inf
    scores = metric(samples, data)
    assert scores["classes_covered"] == 4 and scores["largest_class"] == 0.25 and 0 < scores["class_kl"] < 0.1
    scores = metric(samples * math.nan, data)
    assert scores == {"classes_covered": 0, "class_kl": pytest.approx(math.log(4)), "largest_class": 0}
    assert metric.verdict(scores) == "100 % of the samples are not finite"
    assert metric.classify(torch.full((1, 1, 2, 2), 1e38), data).tolist() == [3]


def test_references_are_read_once_and_left_behind_by_copies() -> None:
    data, metric = Shades(10, 10), ClassCoverage(neighbours=1)
    scores = [metric(data.draw(3, 3), data) for _ in range(2)]
    assert data.reads == 1 and scores[0] == scores[1]
    assert len(pickle.dumps(metric)) < 2000
    for other in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert other(data.draw(3, 3), data) == scores[0] and other.verdict({}) == metric.verdict({})
    assert data.reads == 3
    another = Shades(10, 10, 10)
    assert metric(another.draw(1, 1, 1), another)["classes_covered"] == 3


@pytest.mark.parametrize("data", [Ring(), Shades()])
def test_other_data_is_refused(data: Data) -> None:
    ClassCoverage().check(Digits())
    for refuse in (ClassCoverage().check, lambda data: ClassCoverage()(torch.zeros(1, 2), data)):
        with pytest.raises(ConfigError) as caught:
            refuse(data)
        assert caught.value.keys == ("metrics", "data") and caught.value.hint


@pytest.mark.parametrize("wrong", [{"references": 0}, {"neighbours": 0}, {"least_covered": 2}, {"most_in_one": -1}])
def test_wrong_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError) as caught:
        build({"_target_": "ganexp.metrics.ClassCoverage", **wrong}, "metrics.classes")
    assert caught.value.keys == (f"metrics.classes.{next(iter(wrong))}",)


@pytest.mark.skipif(
    not (Path(os.environ.get("GANEXP_DATA", "/nonexistent")) / "MNIST/raw").is_dir(),
    reason="GANEXP_DATA names no folder with MNIST",
)
@pytest.mark.slow
def test_the_accuracy_on_mnist_is_as_documented() -> None:
    data, metric = MNIST(), ClassCoverage()
    images, labels = data.load("test")
    samples = data.decode(images)
    assert float((metric.classify(samples, data) == labels).float().mean()) == pytest.approx(0.941, abs=0.001)
    scores = metric(samples, data)
    assert scores["classes_covered"] == 10 and scores["class_kl"] < 0.002 and metric.verdict(scores) is None
