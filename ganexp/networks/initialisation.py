"""Initial weights of linear and convolutional layers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

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
    """Draw the weights of every linear and convolutional layer of a network, and set their biases to zero or draw them, too.

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

    def __call__(self, network: nn.Module) -> None:
        """Initialise a network in place."""
        if self.weight == "default":
            return
        draw, scale = _DISTRIBUTIONS[self.weight]
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                # Fans are counted as (outputs, inputs, ...), but transposed convolutions store (inputs, outputs, ...).
                transposed = isinstance(layer, nn.ConvTranspose2d)
                weight = layer.weight.data.transpose(0, 1) if transposed else layer.weight.data
                weight.copy_(draw(torch.empty_like(weight, memory_format=torch.contiguous_format), self.scale or scale))
                if layer.bias is not None and self.bias == "same":
                    draw(layer.bias, self.scale or scale)
                elif layer.bias is not None:
                    nn.init.zeros_(layer.bias)


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

TORCH_DEFAULT = Initialisation()
DCGAN_NORMAL = Initialisation("normal")
GLOROT_UNIFORM = Initialisation("xavier_uniform")
