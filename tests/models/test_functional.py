import pytest
import torch
from torch import nn

from ganexp.models.functional import LabelVectors, eagerly, in_mode


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


def test_vectors_of_labels_are_made_once_while_these_are_the_same():
    vectors, like = LabelVectors(), torch.zeros(())
    y, others = torch.tensor([2, 0]), torch.tensor([1, 1, 1])
    first = vectors(y, 3, like)
    assert first.tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    vectors(others, 3, like)
    assert vectors(y, 3, like) is first
    assert vectors(y, 4, like).shape == (2, 4) and vectors(y, 3, like.double()).dtype == torch.double
    y[0] = 1
    assert vectors(y, 3, like).tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    between = torch.tensor([[0.5, 0.5, 0.0]])
    assert vectors(between, 3, like) is between


def test_a_compiled_network_computes_as_if_it_were_not_for_a_while():
    network, compiled = nn.Linear(2, 3), []

    def backend(graph, inputs):
        compiled.append(graph)
        return graph.forward

    network.compile(backend=backend)
    x = torch.randn(4, 2)
    with eagerly(network):
        eager = network(x)
    assert not compiled
    assert torch.equal(network(x), eager) and len(compiled) == 1
