"""An iteration at a table of its own: two small players and what they were seen to do, without a Trainer."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganexp.models import GAN
from ganexp.models.iteration import Iteration
from ganexp.models.losses import NonSaturating
from ganexp.models.player import Player
from ganexp.models.regularizers import Regularizer
from ganexp.models.state import Counters
from ganexp.models.turns import Turns


class Rules(nn.Module):
    """What :class:`GAN` asks, in a module that is none of Lightning's."""

    realness, critic, discriminator_terms, generator_terms, adversarial, score = (
        getattr(GAN, name) for name in ("realness", "critic", "discriminator_terms", "generator_terms", "adversarial", "score")
    )

    augmentation = None

    def __init__(self, loss=None) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))
        self.discriminator = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
        self.loss = loss or NonSaturating()
        self.passes: list[bool] = []

    def generate(self, generator: nn.Module, z: Tensor, y: Tensor) -> Tensor:
        self.passes.append(torch.is_grad_enabled())
        return generator(z)

    def judge(self, x: Tensor, y: Tensor) -> Tensor:
        return self.discriminator(x)

    def observe(self, tag: str, value: Tensor) -> None:
        pass


class Table:
    """An iteration with all that it needs; plain gradient descent, so that steps can be recomputed."""

    def __init__(self, turns: Turns, loss=None, rate: float = 0.1, together: bool = False, **regularizers: Regularizer) -> None:
        torch.manual_seed(0)
        self.rules, self.counters, self.turns = Rules(loss), Counters(), turns
        self.networks = {"d": self.rules.discriminator, "g": self.rules.generator}
        self.players = {name: self._player(name, rate, regularizers) for name in "dg"}
        self.latents: list[Tensor] = []
        self.observed: dict[str, list[Tensor]] = {}
        self.play = Iteration(self.rules, turns, self.players["d"], self.players["g"], self._draw, together=together)

    def __call__(self, times: int = 1, norms: bool = False) -> None:
        torch.manual_seed(1)
        for _ in range(times):
            batches = [(torch.randn(8, 2), torch.zeros(8, dtype=torch.int64)) for _ in range(self.turns.d_steps)]
            self.play(batches, lambda tag, value: self.observed.setdefault(tag, []).append(value.detach()), norms)

    def _player(self, name: str, rate: float, regularizers: dict[str, Regularizer]) -> Player:
        parameters = list(self.networks[name].parameters())
        own = {key: made for key, made in regularizers.items() if made.player == name}
        optimizer = torch.optim.SGD(parameters, lr=rate)
        return Player(name, self.networks[name], parameters, optimizer, own, self.counters, self.turns.gradient_clip)

    def _draw(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        self.latents.append(torch.randn(len(batch[1]), 2))
        return self.latents[-1], batch[1]


def watched(table: Table, name: str, move: Callable, moved: list[str], norms: bool) -> Tensor | None:
    """Move a player, and check that nobody else moves or, unless it is about to move too, has gathered a gradient."""
    other = {"d": "g", "g": "d"}[name]
    before = copy.deepcopy(table.rules.state_dict())
    gradients = any(weight.grad is not None and bool(weight.grad.any()) for weight in table.networks[other].parameters())
    assert gradients == (table.turns.update == "simultaneous" and name == "d")
    norm = move(norms)
    changed = {key.partition(".")[0] for key, value in table.rules.state_dict().items() if not torch.equal(value, before[key])}
    assert changed == {{"d": "discriminator", "g": "generator"}[name]}
    moved.append(name)
    return norm


class Counting(Regularizer):
    """One for D and one for G: a constant term, and what they were asked."""

    def __init__(self, player: str, every: int = 1) -> None:
        super().__init__()
        self.player, self.every = player, every
        self.asked: list[int] = []
        self.seen: list[int] = []

    def forward(self, judgement):
        self.asked.append(len(judgement.real.y))
        return judgement.fake.logits.mean() * 0 + 2.0

    def after_update(self, network, judgements):
        self.seen.append(len(judgements))
