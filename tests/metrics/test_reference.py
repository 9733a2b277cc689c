"""Real data as the measure: bytes only, whole training split, features computed once."""

import pytest
import torch

from ganexp.config.errors import ConfigError
from ganexp.data import Digits, Ring
from ganexp.metrics import Reference
from ganexp.metrics.reference import moments_of
from support.features import Projection


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def digits_reference(**options) -> Reference:
    reference = Reference(Digits(**options), Projection())
    reference.prepare(features=True)
    return reference


@pytest.mark.parametrize("value_range", [(-1, 1), (0, 1)])
def test_bytes_and_both_ranges_are_the_same_samples(value_range):
    reference = digits_reference(value_range=value_range)
    raw = reference.data.load("test")[0][:50]
    unit = raw.float() / 255
    expected = reference.samples(raw)
    for same in (
        reference.samples(unit, value_range=(0, 1)),
        reference.samples(unit.double(), value_range=(0, 1)),
        reference.samples(2 * unit - 1, value_range=(-1, 1)),
        reference.samples(255 * unit, value_range=(0, 255)),
    ):
        assert torch.equal(same.raw, expected.raw)
        assert torch.equal(same.features.vectors, expected.features.vectors)
        assert torch.equal(same.x, expected.x)


def test_what_cannot_be_meant_is_an_error():
    reference = digits_reference()
    raw = reference.data.load("test")[0][:50]
    symmetric = raw.float() / 127.5 - 1
    with pytest.raises(ValueError, match=r"values from -1 to 1 lie outside the range \[0, 1\]"):
        reference.samples(symmetric, value_range=(0, 1))
    with pytest.raises(ValueError, match="outside the range"):
        reference.samples(raw.float(), value_range=(0, 1))
    with pytest.raises(TypeError, match="with their range"):
        reference.samples(symmetric)
    with pytest.raises(TypeError, match="bytes have no value range"):
        reference.samples(raw, value_range=(0, 1))
    with pytest.raises(TypeError):
        reference.samples(raw.int(), value_range=(0, 255))
    with pytest.raises(ValueError, match="shape"):
        reference.samples(raw.repeat(1, 3, 1, 1))


def test_values_that_are_no_numbers_are_still_bytes():
    reference = digits_reference()
    x = torch.full((4, 1, 8, 8), float("nan"))
    x[1], x[2] = float("inf"), -float("inf")
    assert reference.samples(x, value_range=(-1, 1)).raw.dtype == torch.uint8


def test_moments_are_those_of_the_whole_training_split_whatever_the_subset():
    whole, part = digits_reference(), digits_reference(subset=100)
    vectors = whole.extractor(whole.data.load("train")[0]).vectors.double()
    assert whole.moments.size == part.moments.size == len(vectors) == 1442
    torch.testing.assert_close(whole.moments.mean, vectors.mean(0))
    torch.testing.assert_close(whole.moments.covariance, vectors.T.cov())
    assert torch.equal(part.moments.mean, whole.moments.mean)


def test_moments_of_parts_are_those_of_the_whole():
    x = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0)) * 0.1 + 50
    parts, whole = moments_of(*x.split(130)), moments_of(x)
    assert parts.size == whole.size == 1000
    torch.testing.assert_close(parts.covariance, x.double().T.cov(), rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(parts.mean, whole.mean)


def test_features_are_computed_once_and_kept_on_the_disk():
    first = digits_reference()
    assert first.extractor.seen == 1797
    second = digits_reference()
    assert second.extractor.seen == 0
    assert torch.equal(second.moments.mean, first.moments.mean)
    real = second.real("test", 100)
    assert torch.equal(real.features.vectors, first.real("test", 100).features.vectors)
    assert second.extractor.seen == 0, "those of real samples too"
    fresh = second.extractor(real.raw).vectors
    torch.testing.assert_close(real.features.vectors, fresh)


def test_another_extractor_or_other_data_are_computed_anew(tmp_path):
    digits_reference()
    other = Reference(Digits(), Projection(seed=1))
    other.prepare(features=True)
    resized = digits_reference(size=16)
    assert other.extractor.seen == resized.extractor.seen == 1797


def test_damaged_statistics_are_made_anew(tmp_path):
    digits_reference()
    (file,) = (tmp_path / "cache").rglob("features-*.pt")
    file.write_bytes(file.read_bytes()[:100])
    assert digits_reference().extractor.seen == 1797


def test_statistics_that_cannot_be_kept_are_used_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert digits_reference().moments.size == 1442


def test_real_samples_are_always_the_same_and_more_contain_fewer():
    reference = digits_reference()
    few, many, all_of_them = (reference.real("test", n) for n in (10, 50, 10**6))
    assert torch.equal(few.raw, many.raw[:10]) and torch.equal(few.y, many.y[:10])
    assert len(all_of_them) == len(reference.data.load("test")[0])
    assert len(all_of_them.features.vectors) == len(all_of_them)
    assert few.without_labels().y is None


def test_points_are_taken_as_they_are():
    reference = Reference(Ring(size=100))
    x = torch.tensor([[0.5, float("nan")], [1e9, 0.0]])
    assert torch.equal(reference.samples(x).x.nan_to_num(7.0), x.nan_to_num(7.0))
    with pytest.raises(ConfigError):
        reference.check_features()
    assert reference.describe()["extractor"] is None


def test_equal_data_have_equal_fingerprints():
    assert Reference(Digits(subset=50)).describe() == Reference(Digits()).describe()
    assert Reference(Digits(size=16)).describe() != Reference(Digits()).describe()
    assert Reference(Ring()).describe() == Reference(Ring(batch_size=3)).describe()
    assert Reference(Ring(sd=0.02)).describe() != Reference(Ring()).describe()
