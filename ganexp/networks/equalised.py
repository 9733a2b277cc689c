"""Layers with an equalised learning rate: weights begin as N(0, 1), and their scale is a constant of the layer.

An optimiser whose steps do not depend on the size of gradients, such as Adam, then changes all layers equally fast.

References:
    Progressive Growing of GANs for Improved Quality, Stability, and Variation (Karras et al., 2018), section 4.1,
    https://arxiv.org/abs/1710.10196
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganexp.networks.precision import full, unmixed


class Scaled(nn.Module, ABC):
    """A layer that computes with other weights than it learns."""

    @abstractmethod
    def used(self) -> Tensor:
        """Return the weights with which it computes, in float32 at least and in the shape of those that it learns."""


class EqualLinear(Scaled, nn.Linear):
    """Map x with shape (B, inputs) to (B, outputs), in float32 at least.

    Arguments:
        inputs: Length of x.
        outputs: Length of the result.
        bias: What the bias is at first; None: there is none.
        rate: Factor of the learning rate of weight and bias; what the layer computes at first does not depend on it.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: float | None = 0.0, rate: float = 1.0) -> None:
        super().__init__(inputs, outputs, bias=bias is not None)
        self.rate, self.scale = rate, rate / math.sqrt(inputs)
        with torch.no_grad():
            self.weight.div_(rate)
            if bias is not None:
                self.bias.fill_(bias / rate)

    def reset_parameters(self) -> None:
        """Draw the weights."""
        nn.init.normal_(self.weight)

    def used(self) -> Tensor:
        return full(self.weight) * self.scale

    def forward(self, x: Tensor) -> Tensor:
        with unmixed(x):
            bias = None if self.bias is None else full(self.bias) * self.rate
            return F.linear(full(x), self.used(), bias)


class EqualConv2d(Scaled, nn.Conv2d):
    """Convolve maps, with a kernel of odd size and zeros around them that keep the size.

    Arguments:
        inputs: Channels of the maps.
        outputs: Channels of the result.
        kernel: Size of the kernel.
        bias: Whether there is one, 0 at first.
        stride: Step of the kernel; with 2, there are no zeros around the maps.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2 if stride == 1 else 0, bias=bias)
        self.scale = 1 / math.sqrt(inputs * kernel**2)

    def reset_parameters(self) -> None:
        """Draw the weights."""
        nn.init.normal_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def used(self) -> Tensor:
        return full(self.weight) * self.scale

    def forward(self, input: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.to(input.dtype)
        return self._conv_forward(input, self.weight.to(input.dtype) * self.scale, bias)


def activate(x: Tensor) -> Tensor:
    """Return the leaky ReLU of x with slope 0.2, times sqrt(2): it keeps the variance."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


class Activation(nn.Module):
    """:func:`activate` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        return activate(x)


def normalise(x: Tensor) -> Tensor:
    """Divide vectors with shape (B, D) by the root of their mean square."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()
