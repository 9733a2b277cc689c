"""What every trained model needs around its algorithm: optimisers, steps, counters, and a state that resumes exactly."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from ganexp.models.game import MakeOptimizer
from ganexp.models.state import Counters, Window, random_state, set_random_state
from ganexp.runs.checkpoint import Position


class TwoPlayerModule(LightningModule):
    """Abstract LightningModule of two players ``d`` and ``g``, each with an optimiser, moved by hand.

    Lightning's own counters count optimiser steps and its loops cannot describe a place inside an epoch, so the module keeps
    its own counters and saves them, with every random state, in the checkpoint: a resumed run is the same run.

    Arguments:
        lr_schedule: Factor of all learning rates as a function of progress through the budget, in [0, 1].
        gradient_clip: Largest L2 norm of a player's gradient, or ``None``.
    """

    def __init__(self, lr_schedule: Callable[[float], float], gradient_clip: float | None) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.lr_schedule, self.gradient_clip = lr_schedule, gradient_clip
        self.counters = Counters()
        self.window = Window()
        self.watch_every = 0
        """Iterations between measurements of gradient norms; 0: nobody watches, and nothing is kept in the window."""
        self._seed, self.total_iterations = 0, 1
        self._restored: Position | None = None

    def set_players(self, players: dict[str, nn.Module], optimizers: dict[str, MakeOptimizer]) -> None:
        """Say whose weights each optimiser moves.

        Arguments:
            players: Each player's network.
            optimizers: Makes each player's optimiser from its parameters.
        """
        self._make_optimizers = optimizers
        self._parameters_of = {player: list(network.parameters()) for player, network in players.items()}
        if set(self._parameters_of["d"]) & set(self._parameters_of["g"]):
            raise ValueError("the players share parameters: a step of one would move the other")

    def begin(self, seed: int, total_iterations: int) -> None:
        """Set what a run adds to the model: the seed of its noise and the budget, in iterations, of its learning rates."""
        self._seed, self.total_iterations = seed, total_iterations

    # What the algorithm uses ----------------------------------------------------------------------------------------------

    def observe(self, tag: str, value: Tensor) -> None:
        """Keep a value for the next log entry; see :class:`ganexp.models.state.Window`."""
        if self.watch_every:
            self.window.add(tag, value)

    def accumulate(self, loss: Tensor) -> None:
        """Add the gradient of ``loss`` to those that the players have gathered."""
        # `manual_backward` would also call a hook of every callback, twice; the strategy and the scaler are what matters.
        self.trainer.strategy.pre_backward(loss)
        (loss if self._scaler is None else self._scaler.scale(loss)).backward()

    def step(self, *players: str) -> None:
        """Move players along the gradients that they have gathered, and drop these."""
        for player in players:
            optimizer = self._optimizers[player]
            if self._scaler is not None:
                self._scaler.unscale_(optimizer)
            self._clip(player)
            optimizer.step() if self._scaler is None else self._scaler.step(optimizer)
            optimizer.zero_grad()
            self.counters.count(player)
        if self._scaler is not None:
            self._scaler.update()

    def set_frozen(self, player: str, frozen: bool) -> None:
        """Stop (or let) a player's weights gather gradients; gradients still pass through it to its input."""
        for parameter in self._parameters_of[player]:
            parameter.requires_grad_(not frozen)

    def set_learning_rates(self) -> None:
        """Give every optimiser the rate of the present iteration."""
        factor = self.lr_schedule(self.counters.iteration / self.total_iterations)
        for optimizer in self._optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor

    def learning_rates(self) -> dict[str, float]:
        """Return each player's present learning rate."""
        return {player: float(optimizer.param_groups[0]["lr"]) for player, optimizer in self._optimizers.items()}

    def count_iteration(self, images: int) -> None:
        """Count an iteration that saw ``images`` real samples in this process."""
        self.counters.iteration += 1
        self.counters.images_seen += images * self._world_size
        # Lightning counts the steps of its own optimiser wrapper; this makes its `global_step` our iteration.
        self._lightning_steps.increment_ready()
        self._lightning_steps.increment_completed()

    def _clip(self, player: str) -> None:
        watched = self.watch_every and (self.counters.iteration + 1) % self.watch_every == 0
        if self.gradient_clip is None and not watched:
            return
        parameters = self._parameters_of[player]
        norm = nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
        if watched:
            self.observe(f"gradient_norm/{player}", norm)
        if self.gradient_clip is not None:
            nn.utils.clip_grads_with_norm_(parameters, self.gradient_clip, norm)

    # What Lightning asks of a module ---------------------------------------------------------------------------------------

    def configure_optimizers(self) -> list[Optimizer]:
        """Return the optimisers in the order of the players."""
        optimizers = [make(self._parameters_of[player]) for player, make in self._make_optimizers.items()]
        # Kept apart from the optimisers' state, so that a run can be resumed with another rate.
        self._configured_lr = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
        return optimizers

    def on_train_start(self) -> None:
        """Bind what every step needs."""
        optimizers = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizers, list)
        for optimizer, rates in zip(optimizers, self._configured_lr, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["initial_lr"] = rate
        self._optimizers = dict(zip(self._make_optimizers, optimizers, strict=True))
        self._scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        self._world_size, self._rank = self.trainer.world_size, self.trainer.global_rank
        self._lightning_steps = self.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        self._lightning_steps.total.ready = self._lightning_steps.total.completed = self.counters.iteration
        self._noise = torch.Generator(self.device).manual_seed(self._seed)
        if self._rank > 0:
            # Processes share the latents' generator; dropout and penalties draw from the global one, each process its own.
            torch.manual_seed(torch.initial_seed() + self._rank)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Restore the random states at the last moment before they are used."""
        if self._restored:
            self._noise.set_state(self._restored.noise.cpu())
            self.window.load_state_dict(self._restored.observations, self.device)
            if self._rank < len(self._restored.random):
                set_random_state(self._restored.random[self._rank])
            self._restored = None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the counters, every random state and the unfinished log window."""
        states: list[Any] = [random_state()] * self._world_size
        if self._world_size > 1:
            torch.distributed.all_gather_object(states, random_state())
        position = Position(asdict(self.counters), self._noise.get_state(), states, self.window.state_dict())
        position.put_into(checkpoint)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the counters; the rest waits until the devices are ready."""
        self._restored = Position.of(checkpoint)
        self.counters = Counters(**self._restored.counters)
        checkpoint.pop("loops", None)  # our counters say where we are
