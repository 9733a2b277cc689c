"""What a run needs of the machine, estimated without a weight: on torch's meta device, tensors have shapes but no memory."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganexp.config.memory import check_memory
from ganexp.models.game import Game, MakeOptimizer
from ganexp.models.schedules import make

# Bytes of a batch below which its maps are not worth a look.
SMALL = 2**20

# Elements of the parameter by which an optimiser shows how much it remembers.
PROBE = 3


def check_needs(game: Game, players: Sequence[nn.Module], latent_dim: int, trainer: dict[str, Any]) -> None:
    """Refuse data, players and batches that need more memory than there is.

    Arguments:
        game: The objects of the run.
        players: Generator and discriminator, on the meta device.
        latent_dim: Length of the latent vector.
        trainer: Options of the trainer.

    Raises:
        ConfigError: They do.
    """
    generator, discriminator = players
    on_cpu = trainer.get("accelerator") == "cpu" or not torch.accelerator.is_available()
    weights = 0
    for player, make_optimizer in ((generator, game.g_optimizer), (discriminator, game.d_optimizer)):
        size = sum(parameter.numel() * parameter.element_size() for parameter in player.parameters())
        # Weights are made on the CPU; their gradients and what the optimiser remembers are where they are trained.
        weights += size * (2 + _remembered(make_optimizer) if on_cpu else 1)
    needs = {
        "network": (weights, "weights, gradients and optimisers"),
        "data.size": (game.data.memory, "the data"),
        "data.batch_size": (_maps(game, generator, discriminator, latent_dim, trainer) if on_cpu else 0, "one batch"),
    }
    check_memory(needs)


def _remembered(make_optimizer: MakeOptimizer) -> int:
    """Return how many numbers an optimiser remembers of each weight."""
    parameter = nn.Parameter(torch.zeros(PROBE))
    parameter.grad = torch.zeros(PROBE)
    optimizer, _ = make(make_optimizer, [parameter])
    optimizer.step()
    return sum(isinstance(value, Tensor) and value.numel() == PROBE for value in optimizer.state[parameter].values())


def _maps(game: Game, generator: nn.Module, discriminator: nn.Module, latent_dim: int, trainer: dict[str, Any]) -> int:
    """Return the bytes that the results of all layers take for one batch, which the backward pass needs."""
    devices, pieces = trainer.get("devices", 1), game.schedule.micro_batches
    batch = -(-game.data.batch_size // ((devices if type(devices) is int and devices > 0 else 1) * pieces))
    width = 2 if "16" in str(trainer.get("precision", "32-true")) else 4
    if batch * torch.Size(game.data.shape).numel() * width < SMALL:
        return 0
    try:
        made = _results(generator, torch.empty(batch, latent_dim, device="meta"))
        judged = _results(discriminator, torch.empty(batch, *game.data.shape, device="meta"))
    except Exception:  # a network of a user's own may do what has no meaning without numbers
        return 0
    # The discriminator judges real and generated samples before either is let go; the generator learns through both players.
    return width * max(2 * judged, made + judged)


def _results(network: nn.Module, x: Tensor) -> int:
    """Return the number of values that the layers of a network compute of an input, those that overwrite theirs left out."""
    counts: list[int] = []

    def count(module: nn.Module, _: Any, result: Any) -> None:
        if isinstance(result, Tensor) and not getattr(module, "inplace", False):
            counts.append(result.numel())

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [leaf.register_forward_hook(count) for leaf in leaves]
    try:
        network(x)
    finally:
        for hook in hooks:
            hook.remove()
    return sum(counts)
