import pytest
import torch

from ganexp.data import Digits
from ganexp.errors import ConfigError


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 1)])
def test_decode_is_affine_and_exact_at_both_ends(low: float, high: float) -> None:
    raw = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
    before = raw.clone()
    decoded = Digits(value_range=(low, high)).decode(raw)
    assert decoded.min() == low and decoded.max() == high
    torch.testing.assert_close(decoded, torch.linspace(low, high, 256).view(4, 1, 8, 8))
    assert torch.equal(raw, before)


def test_other_ranges_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        Digits(value_range=(0, 255))
    assert caught.value.keys == ("data.value_range",)


def test_digits_are_split_by_class() -> None:
    data = Digits()
    (train, train_labels), (test, test_labels) = data.load("train"), data.load("test")
    assert len(train) + len(test) == 1797
    shares = test_labels.bincount() / (train_labels.bincount() + test_labels.bincount())
    assert (shares - 0.2).abs().max() < 0.01
    seen = {image.numpy().tobytes() for image in train}
    assert not any(image.numpy().tobytes() in seen for image in test)
    assert train.min() == 0 and train.max() == 255
