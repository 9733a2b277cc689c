"""Two players as a LightningModule: who owns which weights, optimisers, counters, and a state that resumes exactly."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, cast

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from ganexp.config.errors import ConfigError
from ganexp.models.augmentations import Augmentation
from ganexp.models.game import Game
from ganexp.models.hidden import State, hidden_parameter, plain_state
from ganexp.models.iteration import Batch, Iteration, Latents, Rules
from ganexp.models.player import Player
from ganexp.models.regularizers import Regularizer
from ganexp.models.schedules import Clock, Follow, attributes, make, moves, present
from ganexp.models.state import Counters, Observations, follow_layout, random_state, set_random_state
from ganexp.models.streams import SHARED, Streams
from ganexp.models.top_k import TopK
from ganexp.runs.checkpoint import Position


class TwoPlayerModule(LightningModule):
    """Abstract LightningModule of two players ``d`` and ``g``, each with an optimiser, moved by hand.

    Lightning's own counters count optimiser steps and its loops cannot describe a place inside an epoch, so the module keeps
    its own counters and saves them, with every random state, in the checkpoint: a resumed run is the same run.

    Arguments:
        game: The objects of the other config groups.
    """

    generator: nn.Module
    discriminator: nn.Module

    def __init__(self, game: Game) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.turns, self._lr_schedule = game.schedule, game.lr_schedule
        self._make_optimizers = {"d": game.d_optimizer, "g": game.g_optimizer}
        self.regularizers = nn.ModuleDict(game.all_regularizers)
        chooses = moves(self.turns.top_k) or self.turns.top_k < 1
        self.top_k = TopK(self.turns.top_k) if chooses else None
        self.counters = Counters()
        self.observations = Observations()
        self.watch_every = 0
        """Iterations between measurements of gradient norms; 0: nothing is observed."""
        self._seed, self.total_iterations = 0, 1
        self.judges_together = False
        """Whether the discriminator judges real and fake samples in one pass; found out when a run begins."""
        self._owned: dict[str, list[nn.Parameter]] = {}
        self._optimizers: dict[str, Optimizer] = {}
        self._paces: dict[str, float] = {}
        self._follow: list[Follow] = []
        self._scheduled: set[tuple[str, str]] = set()
        self._restored: Position | None = None

    # Who owns what ---------------------------------------------------------------------------------------------------------

    def owners(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """Return what each player's optimiser moves: modules, with all their weights, and single parameters.

        A model with parameters of its own redefines it, and adds them to those of a player::

            owners = super().owners()
            owners["g"].append(self.mixture)
            return owners
        """
        owners: dict[str, list[nn.Module | nn.Parameter]] = {"d": [self.discriminator], "g": [self.generator]}
        for regularizer in self.regularizers.values():
            owners[regularizer.player].append(regularizer)  # type: ignore[index]
        return owners

    def begin(self, seed: int, total_iterations: int) -> None:
        """Set the seed of the noise and the budget, in iterations; check that every parameter has one owner.

        Raises:
            ConfigError: A parameter belongs to no player, or to both; or it is hidden in a list.
        """
        self._seed, self.total_iterations = seed, total_iterations
        if hidden := hidden_parameter(self):
            hint = "use nn.ModuleList, nn.ModuleDict, nn.ParameterList or nn.ParameterDict"
            raise ConfigError(f"{hidden} hides parameters: they would never be trained or saved", "model", hint=hint)
        self._owned = {player: list(_parameters(owned)) for player, owned in self.owners().items()}
        names = {id(parameter): name for name, parameter in self.named_parameters() if parameter.requires_grad}
        d, g = ({id(parameter) for parameter in self._owned[player]} for player in ("d", "g"))
        if shared := [name for number, name in names.items() if number in d & g]:
            raise ConfigError(f"both players own {shared[0]}: a step of one would move the other", "model")
        if orphans := [name for number, name in names.items() if number not in d | g]:
            hint = f"add it to those of a player in {type(self).__name__}.owners"
            raise ConfigError(f"no player owns the parameter {orphans[0]}: it would never be trained", "model", hint=hint)
        self._scheduled = {
            (place, name) for place, module in self.named_modules() for name, value in vars(module).items() if moves(value)
        }
        self._follow = attributes(self.modules())
        self.set_numbers()

    def plain_state(self) -> State:
        """Return the numbers and tensors of all parts that are in no checkpoint, without those that follow a schedule."""
        return {place: value for place, value in plain_state(self).items() if place not in self._scheduled}

    # What an iteration needs -----------------------------------------------------------------------------------------------

    @abstractmethod
    def draw(self, batch: Batch) -> Latents:
        """Draw one latent and one label per real sample."""

    def training_step(self, group: Iterable[Sequence[Batch]], batch_idx: int) -> None:
        """Play the iterations of a group; each brings one batch per discriminator update."""
        for batches in group:
            self.set_numbers()
            self.iteration(batches, self.observe, norms=self._watches_norms())
            self.count_iteration(images=sum(len(y) for _, y in batches))

    def observe(self, tag: str, value: Tensor) -> None:
        """Keep a value for the next log entry; see :class:`ganexp.models.state.Observations`."""
        if self.watch_every:
            self.observations.add(tag, value)

    def set_numbers(self) -> None:
        """Give every number that has a schedule its present value."""
        clock = Clock(self.counters.iteration / self.total_iterations, self.counters.images_seen)
        for follow in self._follow:
            follow(clock)
        factor = self._lr_schedule(clock)
        for player, optimizer in self._optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = present(group["initial_lr"], clock) * factor * self._paces[player]

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

    def _watches_norms(self) -> bool:
        return bool(self.watch_every) and (self.counters.iteration + 1) % self.watch_every == 0

    def _accumulate(self, loss: Tensor, inputs: Sequence[Tensor] | None) -> None:
        """Add the gradient of ``loss`` to those that the players have gathered; of all their weights, or of some."""
        # `manual_backward` would also call a hook of every callback, twice; the strategy and the scaler are what matters.
        self.trainer.strategy.pre_backward(loss)
        (loss if self._scaler is None else self._scaler.scale(loss)).backward(inputs=inputs)

    # What Lightning asks of a module ---------------------------------------------------------------------------------------

    def configure_optimizers(self) -> list[Optimizer]:
        """Return the optimisers in the order of the players."""
        optimizers = []
        for player, factory in self._make_optimizers.items():
            every = [made.every for made in self._regularizers(player).values()]
            self._paces[player] = self.turns.pace(every)
            optimizer, follow = make(factory, self._owned[player], self._paces[player])
            optimizers.append(optimizer)
            self._follow += follow
        # Kept apart from the optimisers' state, so that a run can be resumed with another rate.
        self._rates = [[group["initial_lr"] for group in optimizer.param_groups] for optimizer in optimizers]
        return optimizers

    def on_train_start(self) -> None:
        """Bind what every step needs."""
        optimizers = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizers, list)
        for optimizer, rates in zip(optimizers, self._rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["initial_lr"] = rate
            follow_layout(optimizer)
        self._optimizers = dict(zip(self._make_optimizers, optimizers, strict=True))
        self._scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        self._world_size, self._rank = self.trainer.world_size, self.trainer.global_rank
        self._lightning_steps = self.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        self._lightning_steps.total.ready = self._lightning_steps.total.completed = self.counters.iteration
        self.streams = Streams(self._seed, self.device, self._rank)
        for module in self.modules():
            if isinstance(module, Regularizer | Augmentation):
                module.random = self.streams["regularizers" if isinstance(module, Regularizer) else "augmentation"]
        if self._rank > 0:
            # What is left to the global generator is dropout, of each process its own.
            torch.manual_seed(torch.initial_seed() + self._rank)
        self.iteration = Iteration(
            cast(Rules, self),
            self.turns,
            self._player("d"),
            self._player("g"),
            self.draw,
            self._accumulate,
            self.top_k,
            self.judges_together,
        )

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Restore the random states at the last moment before they are used."""
        if self._restored:
            self.observations.load_state_dict(self._restored.observations, self.device)
            states = self._restored.random
            if self._rank < len(states):
                set_random_state(states[self._rank])
                self.streams.load_state_dict(states[self._rank]["streams"])
            else:  # more processes than before: this one begins streams of its own
                self.streams.load_state_dict(states[0]["streams"], SHARED)
            self._restored = None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the counters, every random state and the values since the last log entry."""
        state = random_state() | {"streams": self.streams.state_dict()}
        states: list[Any] = [state] * self._world_size
        if self._world_size > 1:
            torch.distributed.all_gather_object(states, state)
        position = Position(asdict(self.counters), states, self.observations.state_dict())
        position.put_into(checkpoint)
        checkpoint.pop("loops", None)  # our counters say where we are
        for optimizer in checkpoint["optimizer_states"]:
            for group in optimizer["param_groups"]:
                group.pop("initial_lr")  # a schedule is no plain value, which is all that a checkpoint may hold

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the counters; the rest waits until the devices are ready."""
        self._restored = Position.of(checkpoint)
        self.counters = Counters(**self._restored.counters)

    def _regularizers(self, player: str) -> dict[str, Regularizer]:
        return {name: made for name, made in self.regularizers.items() if made.player == player}  # type: ignore[misc]

    def _player(self, name: str) -> Player:
        return Player(
            name,
            {"d": self.discriminator, "g": self.generator}[name],
            self._owned[name],
            self._optimizers[name],
            self._regularizers(name),
            self.counters,
            self.turns.gradient_clip,
            self._scaler,
        )


def _parameters(owned: Iterable[nn.Module | nn.Parameter]) -> Iterable[nn.Parameter]:
    """Return the parameters that are trained."""
    for one in owned:
        parameters = one.parameters() if isinstance(one, nn.Module) else [one]
        yield from (parameter for parameter in parameters if parameter.requires_grad)
