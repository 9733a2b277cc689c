"""A player as the iteration knows it: weights that move together, what moves them, and what regularizes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganexp.models.judging import Judgement
from ganexp.models.regularizers import Regularizer
from ganexp.models.state import Counters


@dataclass(frozen=True)
class Step:
    """What a step of a player's optimiser goes down.

    Attributes:
        loss: Whether the player's loss is a part of it.
        due: The regularizers whose terms are.
        looking: Those that look at it afterwards, due or not.
    """

    loss: bool
    due: Mapping[str, Regularizer]
    looking: Mapping[str, Regularizer]


class Player:
    """Weights that move together, and what moves them.

    Arguments:
        name: ``d`` or ``g``.
        network: The player's network.
        parameters: All weights that the player owns.
        optimizer: Moves them.
        regularizers: The player's regularizers, by the name of the term.
        counters: Count its updates.
        clip: Largest L2 norm of the gradient; None: any.
        scaler: Scales losses where half precision needs it.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        parameters: Sequence[nn.Parameter],
        optimizer: Optimizer,
        regularizers: Mapping[str, Regularizer],
        counters: Counters,
        clip: float | None = None,
        scaler: torch.amp.GradScaler | None = None,
    ) -> None:
        self.name, self.network, self.parameters, self.optimizer = name, network, list(parameters), optimizer
        self.regularizers, self.counters, self.clip, self.scaler = dict(regularizers), counters, clip, scaler
        self._judgements: dict[str, list[Judgement]] = {}

    def freeze(self, frozen: bool) -> None:
        """Stop (or let) the weights gather gradients; gradients still pass through the network to its input."""
        for parameter in self.parameters:
            parameter.requires_grad_(not frozen)

    def steps(self, apart: bool) -> list[Step]:
        """Return the steps of the next update, of which only the first counts.

        Arguments:
            apart: Whether lazy terms that are due have one of their own.
        """
        updates, every = self.counters.updates(self.name), self.regularizers.items()
        lazy = {name: made for name, made in every if apart and made.every > 1 and updates % made.every == 0}
        others = {name: made for name, made in every if name not in lazy}
        due = {name: made for name, made in others.items() if updates % made.every == 0}
        return [Step(True, due, others), *([Step(False, lazy, lazy)] if lazy else [])]

    def terms(self, judgement: Judgement, step: Step) -> dict[str, Tensor]:
        """Return the terms of the regularizers that are due."""
        found = {}
        for name in step.looking:
            self._judgements.setdefault(name, []).append(judgement)
        for name, regularizer in step.due.items():
            if (term := regularizer(judgement)) is not None:
                # Applied less often, it weighs more (lazy regularisation, Karras et al., 2020).
                found[name] = term * regularizer.every
        return found

    def move(self, watched: bool, counts: bool = True) -> Tensor | None:
        """Take a step, which may count as an update, along the gathered gradient and forget it; return its norm if watched."""
        norm = None
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        if watched or self.clip is not None:
            norm = nn.utils.get_total_norm([weight.grad for weight in self.parameters if weight.grad is not None])
            if self.clip is not None:
                nn.utils.clip_grads_with_norm_(self.parameters, self.clip, norm)
        self.optimizer.step() if self.scaler is None else self.scaler.step(self.optimizer)
        self.optimizer.zero_grad()
        if counts:
            self.counters.count(self.name)
        return norm if watched else None

    def look_back(self) -> None:
        """Let the regularizers look at the step that has just been made."""
        for name, judgements in self._judgements.items():
            self.regularizers[name].after_update(self.network, judgements)
        self._judgements = {}
