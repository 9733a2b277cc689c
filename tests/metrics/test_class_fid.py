import math

import pytest
import torch

from ganexp.data import Digits
from ganexp.metrics import FID, ClassFID
from support.features import reference_of


@pytest.fixture(scope="module")
def reference():
    return reference_of(Digits())


def test_it_is_the_mean_of_the_fids_to_the_images_of_each_class(reference):
    train, test = reference.real("train", 10_000), reference.real("test", 300)
    values = ClassFID()(test, reference)
    for name in reference.data.class_names:
        one = reference.data.class_names.index(name)
        real = train.features.vectors[train.y == one].double()
        made = test.features.vectors[test.y == one].double()
        a, b = made.T.cov(), real.T.cov()
        root = torch.linalg.eigvals(a @ b).sqrt().real.sum()
        expected = (made.mean(0) - real.mean(0)).square().sum() + a.trace() + b.trace() - 2 * root
        assert values[f"class_fid/{name}"] == pytest.approx(float(expected), rel=1e-3, abs=1e-4)
    assert values["class_fid"] == pytest.approx(sum(values[f"class_fid/{name}"] for name in reference.data.class_names) / 10)


def test_samples_of_other_classes_than_asked_for_are_far_away(reference):
    test = reference.real("test", 300)
    wrong = reference.samples(test.raw, (test.y + 1) % 10)
    assert FID()(wrong, reference) == FID()(test, reference)
    assert ClassFID()(wrong, reference)["class_fid"] > 2 * ClassFID()(test, reference)["class_fid"]


def test_classes_without_samples_do_not_count_and_samples_without_labels_have_none(reference):
    test = reference.real("test", 300)
    zeros = reference.samples(test.raw[test.y == 0], test.y[test.y == 0])
    values = ClassFID()(zeros, reference)
    assert set(values) == {"class_fid", f"class_fid/{reference.data.class_names[0]}"} and len(set(values.values())) == 1
    assert math.isnan(ClassFID()(reference.samples(test.raw[:1], test.y[:1]), reference)["class_fid"])
    assert not ClassFID()(test.without_labels(), reference)
