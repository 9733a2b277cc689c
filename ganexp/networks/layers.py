"""Parts that the networks share: activations, the generator's last activation, labels as inputs, spectral norm."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from ganexp.config.errors import ConfigError
from ganexp.networks.players import ValueRange

Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "tanh"]
OutputActivation = Literal["auto", "identity", "tanh", "sigmoid"]

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}
# The open interval that each activation can reach; None: unbounded.
_REACH: dict[str, tuple[ValueRange, Callable[[], nn.Module]]] = {
    "identity": (None, nn.Identity),
    "tanh": ((-1.0, 1.0), nn.Tanh),
    "sigmoid": ((0.0, 1.0), nn.Sigmoid),
}


def make_activation(name: Activation, slope: float | None = None) -> nn.Module:
    """Build a hidden activation.

    Arguments:
        name: Which one.
        slope: Slope of leaky ReLU for negative inputs; None means 0.2.

    Raises:
        ConfigError: A slope is given for an activation that has none.
    """
    if slope is None:
        return _ACTIVATIONS[name]()
    if name != "leaky_relu":
        raise ConfigError(f"a slope is given, but activation={name} has none", "network", hint="use leaky_relu")
    return nn.LeakyReLU(slope)


def make_output_activation(name: OutputActivation, value_range: ValueRange) -> nn.Module:
    """Build a generator's last activation.

    Arguments:
        name: ``auto`` takes the activation that reaches exactly ``value_range``. ``identity`` fits all data: it reaches
            every value, also some that the data cannot have.
        value_range: Smallest and largest value in the data, None where it is unbounded.

    Raises:
        ConfigError: The activation cannot reach all values or, for ``auto``, no activation fits.
    """
    wanted = None if value_range is None else (float(value_range[0]), float(value_range[1]))
    if name == "auto":
        for reach, make in _REACH.values():
            if reach == wanted:
                return make()
        raise ConfigError(
            f"no output activation fits values in {wanted}", "network", "data", hint="use output_activation=identity"
        )
    reach, make = _REACH[name]
    if reach not in (None, wanted):
        raise ConfigError(
            f"the generator's output_activation={name} gives values in {reach}, but the data has "
            + ("unbounded values" if wanted is None else f"values in {wanted}"),
            "network",
            "data",
            hint="use output_activation=auto",
        )
    return make()


def join_labels(x: Tensor, y: Tensor | None) -> Tensor:
    """Append one-hot labels to the second dimension of an input.

    Arguments:
        x: Vectors with shape (B, D), or images with shape (B, C, H, W), to which labels become constant maps.
        y: One-hot labels with shape (B, num_classes), or None, which leaves x as it is.
    """
    if y is None:
        return x
    y = y.to(x.dtype)
    return torch.cat([x, y.reshape(*y.shape, *[1] * (x.dim() - 2)).expand(-1, -1, *x.shape[2:])], dim=1)


def add_spectral_norm(network: nn.Module) -> None:
    """Divide the weight of each linear and convolutional layer by its largest singular value, in place.

    One power iteration runs in every forward pass in training mode, also under ``torch.no_grad``. Such a network can be
    copied with ``copy.deepcopy``, but torch does not pickle it: save its ``state_dict``.

    References:
        Spectral Normalization for Generative Adversarial Networks (Miyato et al., 2018),
        https://arxiv.org/abs/1802.05957
    """
    # The layers are listed first: the parametrisation adds modules while it is applied.
    for layer in [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]:
        parametrizations.spectral_norm(layer)
