"""What a run needs of the machine and its GPU, estimated without a weight: meta tensors have shapes but no memory."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganexp.config.memory import check_memory
from ganexp.models.game import Game, MakeOptimizer
from ganexp.models.schedules import make
from ganexp.networks.recompute import Recomputable

# Bytes of a batch below which its maps are not worth a look.
SMALL = 2**20

# Elements of the parameter by which an optimiser shows how much it remembers.
PROBE = 3


def check_needs(game: Game, players: Sequence[nn.Module], latent_dim: int, trainer: dict[str, Any]) -> None:
    """Refuse data, players and batches that need more memory than there is, of the machine's or of the GPU's.

    On a GPU, everything is on the card while weights are made, and the data are read, in the machine's own memory. What this
    counts was checked against stated amounts only, not on a card; what CUDA takes for itself is not counted.

    Arguments:
        game: The objects of the run.
        players: Generator and discriminator, on the meta device.
        latent_dim: Length of the latent vector.
        trainer: Options of the trainer.

    Raises:
        ConfigError: They do.
    """
    generator, discriminator = players
    weights = learnt = 0
    for player, make_optimizer in ((generator, game.g_optimizer), (discriminator, game.d_optimizer)):
        size = sum(parameter.numel() * parameter.element_size() for parameter in player.parameters())
        weights += size
        learnt += size * (2 + _remembered(make_optimizer))
    data = (game.data.memory, "the data")
    trained = {
        "network": (learnt, "weights, gradients and optimisers"),
        "data.size": data,
        "data.batch_size": (_maps(game, generator, discriminator, latent_dim, trainer), "one batch"),
    }
    if on_cpu(trainer):
        check_memory(trained)
        return
    check_memory({"network": (weights, "weights"), "data.size": data})
    if (free := device_memory()) is not None:
        check_memory(trained, free, "the GPU's memory")


def on_cpu(trainer: dict[str, Any]) -> bool:
    """Return whether a trainer's options put everything into the machine's own memory."""
    return trainer.get("accelerator") == "cpu" or not torch.accelerator.is_available()


def device_memory() -> int | None:
    """Return how many bytes of the present GPU are free; None where there is none, or it does not say."""
    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else None


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
        recompute = bool(trainer.get("recompute"))
        made = _results(generator, torch.empty(batch, latent_dim, device="meta"), recompute)
        judged = _results(discriminator, torch.empty(batch, *game.data.shape, device="meta"), recompute)
    except Exception:  # a network of a user's own may do what has no meaning without numbers
        return 0
    # The discriminator judges real and generated samples before either is let go; the generator learns through both players.
    return width * max(2 * judged, made + judged)


def _results(network: nn.Module, x: Tensor, recompute: bool = False) -> int:
    """Return the number of values that the layers of a network compute of an input, those that overwrite theirs left out.

    With ``recompute``, of a block that is computed again only its result counts, and the inside of the largest block once.
    """
    counts = dict.fromkeys(network.modules(), 0)

    def count(module: nn.Module, _: Any, result: Any) -> None:
        if isinstance(result, Tensor) and not getattr(module, "inplace", False):
            counts[module] += result.numel()

    leaves = [module for module in network.modules() if not list(module.children())]
    blocks = [module for module in network.modules() if recompute and isinstance(module, Recomputable)]
    hooks = [module.register_forward_hook(count) for module in {*leaves, *blocks}]
    try:
        network(x)
    finally:
        for hook in hooks:
            hook.remove()
    inside = [[leaf for leaf in block.modules() if leaf is not block and leaf in leaves] for block in blocks]
    again = {leaf for leaves in inside for leaf in leaves}
    largest = max((sum(counts[leaf] for leaf in leaves) for leaves in inside), default=0)
    return sum(number for module, number in counts.items() if module not in again) + largest
