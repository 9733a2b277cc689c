"""Which modules have a weight matrix, and how these matrices begin."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveFloat

Distribution = Literal[
    "default",
    "normal",
    "truncated_normal",
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
    "orthogonal",
]


@dataclass(frozen=True)
class Initialisation:
    """Draw the weight matrices of a network, and set the biases beside them to zero or draw them, too.

    References:
        Understanding the difficulty of training deep feedforward neural networks (Glorot, Bengio, 2010),
        https://proceedings.mlr.press/v9/glorot10a.html

        Delving Deep into Rectifiers (He et al., 2015), https://arxiv.org/abs/1502.01852

        Exact solutions to the nonlinear dynamics of learning in deep linear neural networks (Saxe et al., 2014),
        https://arxiv.org/abs/1312.6120

    Arguments:
        weight: ``default`` leaves weights and biases as torch draws them. The Kaiming ones have a rectifier's gain, and
            truncated normal is cut at two standard deviations (of the normal before the cut).
        scale: Standard deviation of the two normal distributions, a factor on the weights of the others. None means
            DCGAN's 0.02 for the former and 1 for the latter.
        bias: ``zeros``, or ``same`` for the distribution of the weights, which must be one of the two normal ones: the others
            depend on a matrix. Without effect on ``default``.

    Raises:
        ConfigError: A scale is given for torch's own initialisation, which has none, or biases cannot be drawn as weights are.
    """

    weight: Distribution = "default"
    scale: PositiveFloat | None = None
    bias: Literal["zeros", "same"] = "zeros"

    def __post_init__(self) -> None:
        if self.weight == "default" and self.scale is not None:
            raise ConfigError(
                "torch's default initialisation takes no scale",
                "network",
                hint="set init.weight as well, for example to normal",
            )
        if self.bias == "same" and self.weight not in ("normal", "truncated_normal"):
            raise ConfigError(
                f"biases cannot be drawn as weights are with init.weight={self.weight}",
                "network",
                hint="use init.bias=zeros, or init.weight=normal or truncated_normal",
            )

    def __call__(self, network: nn.Module, gains: Mapping[nn.Module, float] | None = None) -> None:
        """Initialise a network in place.

        Arguments:
            network: The network.
            gains: Factors of the weights of some modules, which make up for the activation before them. Only the Xavier
                distributions take them: the others know activations themselves, or have a standard deviation of their own.
        """
        if self.weight == "default":
            return
        draw, default = _DISTRIBUTIONS[self.weight]
        for module in weighted(network):
            scale = self.scale or default
            if gains is not None and self.weight in _WITH_GAINS:
                scale *= gains.get(module, 1.0)
            # Fans are counted as (outputs, inputs, ...), but transposed convolutions store (inputs, outputs, ...).
            weight = module.weight.data.transpose(0, 1) if isinstance(module, _ConvTransposeNd) else module.weight.data
            weight.copy_(draw(torch.empty_like(weight, memory_format=torch.contiguous_format), scale))
            bias = getattr(module, "bias", None)
            if bias is not None and self.bias == "same":
                draw(bias, scale)
            elif bias is not None:
                nn.init.zeros_(bias)


def weighted(network: nn.Module) -> list[nn.Linear | nn.Embedding | _ConvNd]:
    """List the modules with a weight matrix, or a kernel that is one when flattened, in the order of registration."""
    return [module for module in network.modules() if isinstance(module, nn.Linear | nn.Embedding | _ConvNd)]


# Each draws into a tensor with shape (outputs, inputs, ...), given a scale, and has that scale's default.
_DISTRIBUTIONS: dict[str, tuple[Callable[[Tensor, float], Tensor], float]] = {
    "normal": (lambda w, std: nn.init.normal_(w, std=std), 0.02),
    "truncated_normal": (lambda w, std: nn.init.trunc_normal_(w, std=std, a=-2 * std, b=2 * std), 0.02),
    "xavier_uniform": (lambda w, scale: nn.init.xavier_uniform_(w, gain=scale), 1.0),
    "xavier_normal": (lambda w, scale: nn.init.xavier_normal_(w, gain=scale), 1.0),
    "kaiming_uniform": (lambda w, scale: nn.init.kaiming_uniform_(w, nonlinearity="relu").mul_(scale), 1.0),
    "kaiming_normal": (lambda w, scale: nn.init.kaiming_normal_(w, nonlinearity="relu").mul_(scale), 1.0),
    "orthogonal": (lambda w, scale: nn.init.orthogonal_(w, gain=scale), 1.0),
}

_WITH_GAINS = ("xavier_uniform", "xavier_normal")

TORCH_DEFAULT = Initialisation()
DCGAN_NORMAL = Initialisation("normal")
GLOROT_UNIFORM = Initialisation("xavier_uniform")
