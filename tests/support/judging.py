"""What a regularizer is given, from a critic and samples."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganexp.models.judging import Judged, Judgement
from ganexp.networks.players import Styled

Critic = Callable[[Tensor, Tensor], Tensor]


class Asked:
    """A judge whose outputs are a critic's logits."""

    def __init__(self, critic: Critic) -> None:
        self.critic = critic

    def judge(self, x: Tensor, y: Tensor) -> Tensor:
        return self.critic(x, y)[:, None]

    def realness(self, outputs: Tensor, y: Tensor) -> Tensor:
        return outputs.squeeze(1)


class Straight(Styled):
    """A generator whose latents are its samples, and its only styles."""

    def draw(self, styles: Tensor) -> Tensor:
        return styles[:, 0]


def _styles(z: Tensor, y: Tensor) -> Tensor:
    return z[:, None]


def judged_latents(
    critic: Critic,
    generate: Callable[[Tensor, Tensor], Tensor],
    z: Tensor,
    y: Tensor,
    styles: Callable[[Tensor, Tensor], Tensor] = _styles,
    network: nn.Module | None = None,
) -> Judgement:
    """Judge what a generator makes of latents and labels, as fakes and as real samples alike."""
    asked = Asked(critic)
    x = generate(z, y)
    return Judgement(Judged(asked, x, y), Judged(asked, x, y, z), critic, generate, styles, network or Straight())


def judgement(critic: Critic, real: Tensor, fake: Tensor, y: Tensor | None = None, fake_y: Tensor | None = None) -> Judgement:
    """Judge samples, by default without labels; the generator returns its latents."""
    labels = [torch.zeros(len(x), dtype=torch.int64) if given is None else given for x, given in ((real, y), (fake, fake_y))]
    asked = Asked(critic)
    judged = Judged(asked, real, labels[0]), Judged(asked, fake, labels[1], z=fake)
    return Judgement(*judged, critic, lambda z, y: z, _styles, Straight())
