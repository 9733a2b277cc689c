import math

import pytest
import torch

from ganexp.config.errors import ConfigError
from ganexp.data import Digits, Ring
from ganexp.metrics import Classes, Reference
from ganexp.metrics.extractors import Classifier
from support.features import Projection, ShadeReader, Shades, reference_of, with_features


@pytest.fixture
def measure():
    """Return a function that measures so many samples of each class, by the class frequencies of the data."""

    def values(due, counts, names=None, **options):
        data = Shades(*due, names=names)
        reference, metric = reference_of(data, ShadeReader()), Classes(**options)
        scores = metric(reference.samples(data.draw(*counts)[0]), reference)
        return scores, metric.collapse(scores)

    return values


def test_values_are_those_of_the_formulas(measure):
    scores, _ = measure((40, 40, 10, 10), (70, 9, 11, 10), names=("oak", "elm", "ash", "yew"))
    expected = sum(g * math.log(g / r) for g, r in [(0.7, 0.4), (0.09, 0.4), (0.11, 0.1), (0.10, 0.1)])
    assert scores["class_kl"] == pytest.approx(expected)
    assert scores["classes_covered"] == 3 and scores["largest_class"] == pytest.approx(0.7)
    assert scores["classes/total"] == 4 and scores["classes/expected"] == pytest.approx(4, abs=0.01)
    assert scores["classes/held"] == pytest.approx(0.91) and scores["due/largest_class"] == pytest.approx(0.4)
    assert [scores[f"share/{name}"] for name in ("oak", "elm", "ash", "yew")] == pytest.approx([0.7, 0.09, 0.11, 0.1])
    assert [scores[f"covered/{name}"] for name in ("oak", "elm", "ash", "yew")] == [1, 0, 1, 1]
    assert not any(name.startswith("label_accuracy") for name in scores)
    assert measure((40, 40, 10, 10), (70, 10, 10, 10))[0]["classes_covered"] == 4
    assert measure((40, 40, 10, 10), (40, 40, 10, 10))[0]["class_kl"] == pytest.approx(0)


def test_a_collapsed_model_costs_the_logarithm_of_the_classes(measure):
    scores, sentence = measure((10,) * 10, (500,) + (0,) * 9)
    assert scores["class_kl"] == pytest.approx(math.log(10)) and scores["classes_covered"] == 1
    assert sentence == "mode collapse: 1 of 10 classes (0) holds 100 % of the samples"


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
def test_collapses_are_called_by_name(measure, counts, sentence):
    assert measure((25, 25, 25, 25), counts, names=("oak", "elm", "ash", "yew"))[1] == sentence


def test_thresholds_are_options(measure):
    options = {"least_covered": 0.5, "most_in_one": 0.9}
    assert measure((25,) * 4, (48, 48, 2, 2), **options)[1] is None
    assert measure((25,) * 4, (80, 7, 7, 6), **options)[1] is None
    assert measure((25,) * 4, (94, 6, 0, 0), **options)[1] == "mode collapse: 1 of 4 classes (0) holds 94 % of the samples"


def test_what_is_no_collapse(measure):
    assert measure((10, 10, 10), (30, 0, 0))[1] is None  # too few classes
    assert measure((70, 10, 10, 10), (70, 10, 10, 10))[1] is None  # uneven as the data is
    assert measure((10,) * 10, (1,) + (0,) * 9)[1] is None  # too few samples
    assert measure((10, 10, 10, 10, 0), (5, 5, 5, 5, 0))[1] is None  # a class without images


def test_long_lists_of_classes_are_left_out(measure):
    assert measure((5,) * 12, (5,) * 6 + (0,) * 6)[1] == "mode collapse: 6 of 12 classes hold 100 % of the samples"


def test_of_many_classes_as_many_are_expected_as_real_samples_cover():
    data = Shades(*[3] * 1000)
    data.draw = lambda *counts: (torch.zeros(3000, 1, 2, 2, dtype=torch.uint8), torch.arange(1000).repeat(3))
    reference, metric = reference_of(data, ShadeReader()), Classes()
    generator = torch.Generator().manual_seed(0)

    def measured(classes):
        logits = torch.nn.functional.one_hot(classes, 1000).float()
        return metric(with_features(reference, logits, logits), reference)

    real = measured(torch.randint(1000, (1000,), generator=generator))
    assert real["classes/expected"] == pytest.approx(1000 * (1 - math.exp(-1)), rel=1e-6)
    assert real["classes_covered"] == real["classes_seen"] == pytest.approx(real["classes/expected"], rel=0.05)
    assert metric.collapse(real) is None and not any(name.startswith("share/") for name in real)
    real = measured(torch.randint(1000, (20_000,), generator=generator))
    assert real["classes/expected"] == pytest.approx(1000, abs=2) and real["class_kl"] == pytest.approx(999 / 40_000, rel=0.1)
    few = measured(torch.randint(300, (1000,), generator=generator))
    assert few["classes_covered"] < 300
    assert metric.collapse(few) == f"mode collapse: {few['classes_covered']:.0f} of 1,000 classes hold 100 % of the samples"
    one = measured(torch.cat([torch.arange(1000), torch.zeros(1100, dtype=torch.int64)]))
    assert metric.collapse(one) == "mode collapse: 1 of 1,000 classes holds 52 % of the samples"


def test_labels_that_were_asked_for():
    data = Shades(10, 10, 10, names=("oak", "elm", "ash"))
    reference = reference_of(data, ShadeReader())
    images, labels = data.draw(5, 5, 0)
    asked = labels.clone()
    asked[:1] = 1
    scores = Classes()(reference.samples(images, asked), reference)
    assert scores["label_accuracy"] == 0.9
    assert scores["label_accuracy/oak"] == 1 and scores["label_accuracy/elm"] == pytest.approx(5 / 6)
    assert "label_accuracy/ash" not in scores


def test_the_classifier_sees_missing_digits():
    reference = reference_of(Digits(), Classifier())
    test, metric = reference.real("test", 360), Classes()
    real = metric(test, reference)
    assert real["classes_covered"] == 10 and real["class_kl"] < 0.02 and real["label_accuracy"] > 0.95
    assert metric.collapse(real) is None
    kept = test.y < 2
    scores = metric(reference.samples(test.raw[kept]), reference)
    assert scores["class_kl"] > 1.2
    sentence = metric.collapse(scores)
    assert sentence is not None and sentence.startswith("mode collapse: 2 of 10 classes (0 and 1) hold ")


def test_what_cannot_be_judged_is_refused():
    Classes().check(Reference(Digits(), Classifier()))
    unlabelled = Shades()
    for data, extractor, key in (
        (Ring(), None, "data"),
        (unlabelled, ShadeReader(), "data"),
        (Digits(), Projection(), "extractor"),
        (Digits(), None, "data"),
    ):
        with pytest.raises(ConfigError) as caught:
            Classes().check(Reference(data, extractor))
        assert caught.value.keys == ("metrics", key) and caught.value.hint
