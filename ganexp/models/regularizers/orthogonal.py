"""Orthogonal regularization: the filters of a layer do not resemble each other."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.parametrize import is_parametrized

from ganexp.config.types import NonNegativeFloat, PositiveInt
from ganexp.models.judging import Judgement
from ganexp.models.regularizers.base import Regularizer
from ganexp.networks.equalised import Scaled
from ganexp.networks.precision import full, unmixed


class Orthogonal(Regularizer):
    r"""Keep the filters of each layer at right angles, whatever their norms.

    .. math:: \lambda \sum_W \lVert (W W^\top) \odot (1 - I) \rVert_F^2,

    summed over all linear layers, convolutions and embeddings of the player, the rows of W being the weights of one output
    (one unit, one channel). Where a layer scales the weights that it learns, as StyleGAN2's do, they are those with which it
    computes, kernels for a style of ones. Under spectral norm, they are the weights before it divides them.

    References:
        Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock et al., 2019), equation 3,
        https://arxiv.org/abs/1809.11096

    Arguments:
        weight: The factor :math:`\lambda`.
        player: Whose weights: the generator's (``g``), as published, or the discriminator's (``d``).
        every: Updates of that player per application.
    """

    def __init__(self, weight: NonNegativeFloat = 1e-4, player: Literal["d", "g"] = "g", every: PositiveInt = 1) -> None:
        super().__init__()
        self.weight, self.player, self.every = weight, player, every

    def forward(self, judgement: Judgement) -> Tensor:
        found = judgement.fake.y.new_zeros((), dtype=torch.float32)
        with unmixed(found):
            for layer in judgement.network.modules():
                if not isinstance(layer, Scaled | nn.Linear | nn.Embedding | _ConvNd):
                    continue
                filters = full(_filters(layer))
                products = filters @ filters.T
                found = found + (products - products.diagonal().diag()).square().sum()
        return self.weight * found


def _filters(layer: nn.Module) -> Tensor:
    """Return the weights of a layer as a matrix with a row for each output."""
    if isinstance(layer, Scaled):
        return layer.used().flatten(1)
    weight = layer.get_parameter("parametrizations.weight.original" if is_parametrized(layer, "weight") else "weight")
    # Transposed convolutions store (inputs, outputs, ...), embeddings (entries, outputs).
    outputs_second = isinstance(layer, _ConvTransposeNd | nn.Embedding)
    return (weight.transpose(0, 1) if outputs_second else weight).flatten(1)
