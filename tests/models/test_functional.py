import pytest
from torch import nn

from ganexp.models.functional import in_mode


@pytest.mark.parametrize(
    ("mode", "inside"), [("train", [True, True, False]), ("no_dropout", [True, False, False]), ("eval", [False, False, False])]
)
def test_a_mode_lasts_for_a_while_and_every_layer_gets_its_own_back(mode, inside):
    layers = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(), nn.Linear(2, 2))
    layers[2].eval()
    with pytest.raises(KeyError), in_mode(layers, mode):
        assert [layer.training for layer in layers] == inside
        raise KeyError
    assert [layer.training for layer in layers] == [True, True, False]
