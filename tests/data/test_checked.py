import pytest
import torch

from ganexp.data import Digits, Points, Ring
from ganexp.data.checked import load
from support.refused import refused


class Given(Points):
    """Loads what it was given."""

    def __init__(self, loaded, num_classes=0):
        super().__init__()
        self.loaded, self.num_classes = loaded, num_classes

    def load(self, split):
        return self.loaded


@pytest.mark.parametrize(
    "data", [Ring(size=100), Digits(), Given((torch.zeros(3, 2), None))], ids=lambda data: type(data).__name__
)
def test_what_a_data_set_declares_is_loaded(data):
    assert all(
        found is None or torch.equal(found, made) for found, made in zip(load(data, "test"), data.load("test"), strict=True)
    )


@pytest.mark.parametrize(
    ("loaded", "classes", "says"),
    [
        (torch.zeros(3, 2), 0, "samples and labels"),
        (([[0.0, 0.0]], None), 0, "not list"),
        ((torch.zeros(3, 2).double(), None), 0, "not a tensor of float64"),
        ((torch.zeros(3, 5), None), 0, "shape = (5,)"),
        ((torch.zeros(0, 2), None), 0, "not (0, 2)"),
        ((torch.tensor([[0.0, 0.0], [0.0, torch.nan]]), None), 0, "sample 1"),
        ((torch.zeros(3, 2), None), 2, "no labels"),
        ((torch.zeros(3, 2), torch.tensor([0, 1, 4])), 0, "num_classes = 5"),
        ((torch.zeros(3, 2), torch.tensor([0, -1, 1])), 2, "from -1"),
        ((torch.zeros(3, 2), torch.tensor([0, 1])), 2, "shape (2,)"),
        ((torch.zeros(3, 2), torch.tensor([0.0, 1, 1])), 2, "float32"),
    ],
)
def test_anything_else_is_refused(loaded, classes, says):
    with refused("data") as caught:
        load(Given(loaded, classes), "train")
    assert says in f"{caught.value} {caught.value.hint}"
