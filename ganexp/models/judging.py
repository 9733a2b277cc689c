"""The discriminator's outputs for samples: computed once, for all terms of an update."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor, nn

from ganexp.networks.precision import full, mixed, unmixed

Critic = Callable[[Tensor, Tensor], Tensor]
"""Maps samples with shape (B, *shape) and labels with shape (B,) to the logits of "real" with shape (B,)."""


class Judge(Protocol):
    """The only access to the discriminator."""

    def judge(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the discriminator's outputs with shape (B, outputs)."""

    def realness(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the logit of "real" with shape (B,) that the outputs stand for."""


class _Pass:
    """A forward pass over one or several lots of samples.

    It refers to none of those who ask for it: what refers in a circle keeps its memory until Python looks for such circles.
    """

    def __init__(self, judge: Judge, x: Sequence[Tensor], y: Sequence[Tensor]) -> None:
        self.judge, self.x, self.y = judge, x, y

    @cached_property
    def outputs(self) -> Sequence[Tensor]:
        """The discriminator's outputs for each lot."""
        if len(self.y) == 1:
            return [self.judge.judge(self.x[0], self.y[0])]
        return self.judge.judge(torch.cat(list(self.x)), torch.cat(list(self.y))).split([len(y) for y in self.y])


class Judged:
    """Samples and the discriminator's outputs for them: one forward pass, at the first access.

    Arguments:
        judge: Gives the outputs.
        x: Samples with shape (B, *shape), or what makes them at the first access.
        y: Their labels with shape (B,), zeros where there are none.
        z: The latents with shape (B, latent_dim) that generated samples come from; None for real ones.
        fixed: Whether no gradient is wanted.
        differentiated: Whether :func:`gradients` will be asked for, which then costs no other forward pass. In mixed or half
            precision it does: gradients are of float32 at least.
    """

    def __init__(
        self, judge: Judge, x: Tensor | Callable[[], Tensor], y: Tensor, z: Tensor | None = None, fixed: bool = False,
        differentiated: bool = False,
    ) -> None:  # fmt: skip
        self.differentiable = differentiated and isinstance(x, Tensor) and full(x) is x and not mixed(x)
        self._x, self.y, self.z = x, y, z
        self._fixed, self._judge, self._index = fixed, judge, 0

    @cached_property
    def x(self) -> Tensor:
        """The samples with shape (B, *shape)."""
        x = self._x if isinstance(self._x, Tensor) else self._x()
        return x.detach().requires_grad_() if self.differentiable else x

    @cached_property
    def _pass(self) -> _Pass:
        return _Pass(self._judge, [self.x], [self.y])

    @cached_property
    def outputs(self) -> Tensor:
        """The discriminator's outputs with shape (B, outputs)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self._fixed):
            return self._pass.outputs[self._index]

    @cached_property
    def logits(self) -> Tensor:
        """The logits of "real" with shape (B,)."""
        return self._judge.realness(self.outputs, self.y)

    def take(self, places: Tensor) -> "Judged":
        """Return the samples at some places with shape (n,), with their outputs if there are any yet."""
        taken = Judged(
            self._judge, self.x[places], self.y[places], None if self.z is None else self.z[places], fixed=self._fixed
        )
        if "outputs" in vars(self):
            taken.outputs = self.outputs[places]
        return taken


def judge_together(*samples: Judged) -> None:
    """Let the discriminator judge samples in one pass: half as many kernels as in two, where it judges each by itself."""
    common = _Pass(samples[0]._judge, [judged.x for judged in samples], [judged.y for judged in samples])
    for index, judged in enumerate(samples):
        judged._pass, judged._index = common, index


def gradients(*samples: Judged) -> Sequence[Tensor]:
    """Differentiate each logit by its own sample.

    Returns:
        For each argument a tensor with shape (B, values of a sample), of float32 at least, that can be differentiated again.
    """
    if all(judged.differentiable for judged in samples):
        logits, inputs = [judged.logits.sum() for judged in samples], [judged.x for judged in samples]
        return [one.flatten(1) for one in torch.autograd.grad(logits, inputs, create_graph=True)]
    if any(judged._pass is not samples[0]._pass for judged in samples):
        return [found for judged in samples for found in gradients(judged)]  # apart, as before
    judge = samples[0]._judge
    x, y = torch.cat([full(judged.x) for judged in samples]), torch.cat([judged.y for judged in samples])
    found = gradient(lambda x, y: judge.realness(judge.judge(x, y), y), x, y)
    return found.split([len(judged.y) for judged in samples])


def gradient(critic: Critic, x: Tensor, y: Tensor) -> Tensor:
    """Judge samples and differentiate each logit by its own: see :func:`gradients`."""
    with unmixed(x):
        x = full(x.detach()).requires_grad_()
        found: Tensor = torch.autograd.grad(critic(x, y).sum(), x, create_graph=True)[0]
    return found.flatten(1)


@dataclass(frozen=True)
class Judgement:
    """All that a regularizer may look at in an update.

    Attributes:
        real: Real samples.
        fake: As many generated ones; in the discriminator's update no gradient reaches their generator.
        critic: Judges other samples, with another forward pass.
        generate: Generates other samples from latents (B, latent_dim) and labels (B,), with the generator as it trains; in the
            discriminator's update no gradient reaches it.
        styles: Maps latents (B, latent_dim) and labels (B,) to the styles (B, layers, style_dim) of a generator that is
            :class:`~ganexp.networks.players.Styled`, from which ``network.draw`` makes samples.
        network: The network of the player whose loss it is: its weights can be a part of a term.
    """

    real: Judged
    fake: Judged
    critic: Critic
    generate: Callable[[Tensor, Tensor], Tensor]
    styles: Callable[[Tensor, Tensor], Tensor]
    network: nn.Module
