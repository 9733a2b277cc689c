"""Layers of the discriminator that keep their weights, as for fine-tuning."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ganexp.config.build import check_value
from ganexp.config.errors import ConfigError
from ganexp.config.types import NonNegativeInt
from ganexp.models import GAN
from ganexp.training.fine_tuning import Inherited

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def freeze(model: GAN, count: Any, inherited: Inherited | None, given: bool) -> None:
    """Let the first layers of the discriminator, from the image on, keep their weights.

    A block of a residual network is a layer, and a norm belongs to the layer before it. Statistics of batch norm still follow
    the batches.

    References:
        Freeze the Discriminator: a Simple Baseline for Fine-Tuning GANs (Mo et al., 2020), https://arxiv.org/abs/2002.10964

    Arguments:
        model: The model, before it knows what its optimisers move.
        count: How many layers.
        inherited: What has just been taken over; None where a run continues.
        given: Whether the run began with weights of another one.

    Raises:
        ConfigError: There are none to keep, it has not more layers than that, or one of them was drawn newly.
    """
    check_value(count, NonNegativeInt, "freeze_d")
    if not count:
        return
    if not given:
        hint = "name the run that they come from"
        raise ConfigError(
            "layers keep the weights that they begin with, which are random here", "freeze_d", "init_from", hint=hint
        )
    layers = layers_in_order(model)
    if count >= len(layers):
        there = f"{len(layers)} layer{'s' * (len(layers) != 1)}"
        raise ConfigError(f"the discriminator has {there}, of which one at least has to learn", "freeze_d")
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for number, layer in enumerate(layers[:count], 1):
        for parameter in layer:
            if inherited is not None and names[id(parameter)] not in inherited.kept:
                message = f"layer {number} of the discriminator cannot keep its weights: {names[id(parameter)]} was drawn newly"
                raise ConfigError(message, "freeze_d", "init_from")
            parameter.requires_grad_(False)


@torch.no_grad()
def layers_in_order(model: GAN) -> list[list[nn.Parameter]]:
    """Return the parameters of each layer of the discriminator, in the order in which a sample goes through them."""
    discriminator, called = model.discriminator, dict[nn.Module, None]()
    pieces = list(_pieces(discriminator))
    hooks = [piece.register_forward_pre_hook(lambda piece, _: called.setdefault(piece)) for piece in pieces]
    was_training, x = discriminator.training, torch.zeros(2, *model.data.shape)
    y = [torch.zeros(2, model.judged_classes)] if model.judged_classes else []
    discriminator.eval()(x, *y)
    discriminator.train(was_training)
    for hook in hooks:
        hook.remove()
    layers: list[list[nn.Parameter]] = []
    for parameters in filter(None, (list(piece.parameters()) for piece in called)):
        if layers and all(parameter.ndim < 2 for parameter in parameters):
            layers[-1] += parameters
        else:
            layers.append(parameters)
    return layers


def _pieces(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if type(child) in _CONTAINERS:
            yield from _pieces(child)
        else:
            yield child
