"""What stands around the weights of a hidden layer: its bias, its norm and its activation.

A hidden layer computes activation(norm(W x + b)), or norm(activation(W x + b)) where the norm comes after. Every norm ends in
a shift of its own, so that b is left out directly before one unless it is asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from ganexp.networks.layers import Activation, make_activation

Norm = Literal["none", "batch", "layer"]
MapNorm = Literal["none", "batch", "instance", "layer"]
NormPosition = Literal["before", "after"]
Bias = Literal["auto", "all", "none"]
Momentum = Annotated[float, Field(gt=0, le=1)]

# Each makes a norm for a width, given the weight of a new batch in the running statistics and the term under the root.
_VECTOR_NORMS: dict[str, Callable[[int, float, float], nn.Module]] = {
    "batch": lambda width, momentum, eps: nn.BatchNorm1d(width, eps, momentum),
    "layer": lambda width, momentum, eps: nn.LayerNorm(width, eps),
}
_MAP_NORMS: dict[str, Callable[[int, float, float], nn.Module]] = {
    "batch": lambda width, momentum, eps: nn.BatchNorm2d(width, eps, momentum),
    "instance": lambda width, momentum, eps: nn.InstanceNorm2d(width, eps, affine=True),
    # Over channels and space, with a scale and shift for each channel.
    "layer": lambda width, momentum, eps: nn.GroupNorm(1, width, eps),
}


@dataclass(frozen=True)
class Hidden:
    """Make the parts of a network's hidden layers other than their weights.

    Arguments:
        activation: Which one.
        slope: Slope of ``leaky_relu`` for negative inputs; None means 0.2.
        norm: Which one; ``none`` makes no module. Vectors have no ``instance`` norm.
        momentum: Weight of a new batch in batch norm's running statistics (TensorFlow counts that of the old ones).
        eps: What is added to the variance.
        position: Whether the norm comes before or after the activation.
        bias: ``auto`` leaves out the biases that a norm follows directly; ``all`` and ``none`` concern every layer.
    """

    activation: Activation
    slope: float | None
    norm: MapNorm
    momentum: float
    eps: float
    position: NormPosition
    bias: Bias

    @property
    def output_bias(self) -> bool:
        """Whether the last layer of the network has a bias."""
        return self.bias != "none"

    def has_bias(self, normed: bool = True) -> bool:
        """Whether a hidden layer has a bias; ``normed`` is False for a layer that is left without the norm."""
        if self.bias != "auto":
            return self.bias == "all"
        return not normed or self.norm == "none" or self.position == "after"

    def after_vector(self, width: int) -> list[nn.Module]:
        """Make what follows a linear layer: modules on vectors with shape (B, width)."""
        return self._after(_VECTOR_NORMS, width)

    def after_map(self, width: int, normed: bool = True) -> list[nn.Module]:
        """Make what follows a convolution: modules on maps with shape (B, width, H, W), ``normed`` or not."""
        return self._after(_MAP_NORMS if normed else {}, width)

    def _after(self, norms: dict[str, Callable[[int, float, float], nn.Module]], width: int) -> list[nn.Module]:
        modules = [make_activation(self.activation, self.slope)]
        if self.norm in norms:
            modules.insert(0 if self.position == "before" else 1, norms[self.norm](width, self.momentum, self.eps))
        return modules
