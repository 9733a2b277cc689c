import pytest
import torch

from ganexp.config.errors import ConfigError
from ganexp.data import Digits, Ring
from ganexp.metrics import CAS, Reference
from support.features import Projection, Shades


@pytest.fixture(scope="module")
def digits():
    return Reference(Digits(), Projection())


def test_what_the_samples_teach(digits):
    metric, train = CAS(seen=10_000), digits.real(CAS.floor, 700)
    score = metric(train, digits)["cas"]
    assert score > 0.9
    assert metric(train, digits) == {"cas": score}
    few = train.y < 3
    taught = digits.data.load("test")[1] < 3
    assert metric(digits.samples(train.raw[few], train.y[few]), digits)["cas"] == pytest.approx(
        float(taught.double().mean()), abs=0.03
    )


def test_wrong_labels_teach_nothing(digits):
    train = digits.real("train", 700)
    assert CAS(seen=3000)(digits.samples(train.raw, (train.y + 1) % 10), digits)["cas"] < 0.1


def test_what_has_no_labels_scores_nothing(digits):
    train = digits.real("train", 700)
    assert CAS()(train.without_labels(), digits) == {}
    assert CAS()(digits.samples(train.raw[:0], train.y[:0]), digits) == {}
    assert CAS(seen=1)(digits.samples(train.raw[:1], train.y[:1]), digits)["cas"] >= 0


def test_other_data_is_refused():
    CAS().check(Reference(Digits(), Projection()))
    for data in (Ring(), Shades()):
        with pytest.raises(ConfigError) as caught:
            CAS().check(Reference(data))
        assert caught.value.keys == ("metrics", "data") and caught.value.hint


def test_the_global_generator_stays(digits):
    before = torch.get_rng_state()
    CAS(seen=256)(digits.real("train", 100), digits)
    assert torch.equal(torch.get_rng_state(), before)
