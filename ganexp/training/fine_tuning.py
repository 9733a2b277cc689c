"""Fine-tuning: a model that begins with the weights of another one.

Contract: a tensor of the same name and shape is taken over. Where it differs only in how many classes it is for, the entries of
the classes that both have, by their numbers, are taken over, and the others are those of a new model, as is whatever does not
fit. Nothing else of the other run counts: optimisers, regularizers and counters begin anew.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganexp.config.build import check_value
from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.models import GAN
from ganexp.models.game import Game
from ganexp.runs.archive import Damaged
from ganexp.runs.checkpoint import last_good, load
from ganexp.runs.files import open_regular
from ganexp.runs.run import Run
from ganexp.training.restore import TRAINING

PLAYERS = ("generator", "discriminator")

_NAMED = 6  # tensors that a line names
_AVERAGE = "average.module."

State = Mapping[str, Any]


@dataclass
class Inherited:
    """What a model has taken over.

    Attributes:
        source: Where it comes from.
        kept: The tensors that were taken over as a whole.
        parts: Those of which some entries were drawn newly, with how many of how many.
        drawn: Those that were drawn newly.
        share: The share of the players' weights that were taken over, between 0 and 1.
    """

    source: Path
    kept: list[str] = field(default_factory=list)
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)
    drawn: list[str] = field(default_factory=list)
    share: float = 0.0

    def __str__(self) -> str:
        parts = [f"{total - kept} of {total} classes' entries of {name}" for name, (kept, total) in self.parts.items()]
        whole = [player for player in PLAYERS if not any(name.startswith(player) for name in (*self.kept, *self.parts))]
        singly = [name for name in self.drawn if not name.startswith(tuple(whole))]
        new = [*(f"all of the {player}" for player in whole), *parts, *singly]
        more = [f"{len(new) - _NAMED} more"] if len(new) > _NAMED else []
        drawn = f"drawn newly: {', '.join([*new[:_NAMED], *more])}" if new else "nothing is drawn newly"
        return f"kept {100 * self.share:.4g} % of the players' weights from {self.source}; {drawn}"


def inherit(model: GAN, game: Game, source: Any) -> Inherited | None:
    """Let a new model begin with the weights of another one.

    Arguments:
        model: The model, just built.
        game: What it was made from.
        source: A run directory, for its newest good checkpoint; a checkpoint file in it; or a file with the ``state_dict`` of
            one network, as a run leaves it in ``weights/``. None: the model stays as it is.

    Raises:
        ConfigError: There is nothing like that, or nothing of it fits.
    """
    check_value(source, str | None, "init_from")
    if source is None:
        return None
    path = user_path(source).absolute()
    own = {name: value for name, value in model.state_dict().items() if not name.startswith(TRAINING)}
    given = _read(path, own)
    found, axes = Inherited(path), _class_axes(model, game)
    with torch.no_grad():
        for name, value in own.items():
            if isinstance(value, Tensor):
                _take(name, value, given.get(name), axes, found)
    if model.average is not None and isinstance(counts := given.get("average._extra_state"), dict):
        model.average.set_extra_state(counts)
    weights = {name: x for name, x in model.named_parameters() if name.startswith(PLAYERS)}
    if not any(weights[name].ndim > 1 for name in (*found.kept, *found.parts) if name in weights):
        names = " or ".join(PLAYERS)
        hint = "use the same network, latent_dim and size of the samples as far as possible"
        raise ConfigError(f"nothing in {path} fits the {names} of this run", "init_from", "network", hint=hint)
    shares = [found.parts.get(name, (int(name in found.kept), 1)) for name in weights]
    counts = [x.numel() * kept / total for x, (kept, total) in zip(weights.values(), shares, strict=True)]
    found.share = sum(counts) / sum(x.numel() for x in weights.values())
    return found


def _take(name: str, own: Tensor, given: Any, axes: Mapping[str, tuple[int, int]], found: Inherited) -> None:
    """Overwrite a tensor as far as the given one fits; what was done is told, except of the average, which repeats it."""
    told = Inherited(found.source) if name.startswith(_AVERAGE) else found
    if not isinstance(given, Tensor) or given.ndim != own.ndim:
        told.drawn.append(name)
    elif not given.isfinite().all():
        raise ConfigError(f"{name} of {found.source} is not finite", "init_from", hint="use an earlier checkpoint")
    elif given.shape == own.shape:
        own.copy_(given)
        told.kept.append(name)
    elif fitting := _fitting(own, given, axes.get(name)):
        axis, kept, classes = fitting
        own.narrow(axis, 0, kept).copy_(given.narrow(axis, 0, kept))
        if new := own.shape[axis] - kept:
            told.parts[name] = (classes - new, classes)
        else:
            told.kept.append(name)
    else:
        told.drawn.append(name)


def _fitting(own: Tensor, given: Tensor, axis: tuple[int, int] | None) -> tuple[int, int, int] | None:
    """Return along which axis two tensors differ, how many entries both have, and the classes; None if that is another axis."""
    if axis is None:
        return None
    place, classes = axis
    others = [(a, b) for at, (a, b) in enumerate(zip(own.shape, given.shape, strict=True)) if at != place]
    fits = all(a == b for a, b in others) and given.shape[place] >= own.shape[place] - classes
    return (place, min(own.shape[place], given.shape[place]), classes) if fits else None


def _class_axes(model: GAN, game: Game) -> dict[str, tuple[int, int]]:
    """Return the tensors that have entries for each class, behind the others of an axis, with the axis and the classes.

    They are those that would be larger with one class more; of what belongs to no player, those with a row per class.
    """
    shape, classes = game.data.shape, {"generator": model.label_size, "discriminator": model.judged_classes}

    def make(player: str, number: int) -> nn.Module:
        if player == "discriminator":
            return game.network.discriminator(shape, number, model.outputs)
        return game.network.generator(model.latent_dim, shape, number, game.data.value_range)

    found = {}
    for player, number in classes.items():
        if number:
            for name, axis in _growing(make, player, number):
                found[f"{player}.{name}"] = axis, number
                if player == "generator":
                    found[_AVERAGE + name] = axis, number
    others = ((name, x) for name, x in model.named_parameters() if not name.startswith((*PLAYERS, "average.", *TRAINING)))
    rows = {name: (0, len(x)) for name, x in others if x.ndim > 1 and len(x) == model.num_classes}
    return found | rows


def _growing(make: Callable[[str, int], nn.Module], player: str, number: int) -> Iterator[tuple[str, int]]:
    with torch.device("meta"):  # shapes only: no weight is drawn
        few, many = (make(player, count).state_dict() for count in (number, number + 1))
    for name, value in few.items():
        if isinstance(value, Tensor) and name in many and value.ndim == many[name].ndim:
            differing = [axis for axis, (a, b) in enumerate(zip(value.shape, many[name].shape, strict=True)) if a != b]
            if len(differing) == 1 and many[name].shape[differing[0]] == value.shape[differing[0]] + 1:
                yield name, differing[0]


def _read(path: Path, own: State) -> State:
    """Return the tensors in a run, a checkpoint or a file of weights, by the names that a model has for them.

    Raises:
        ConfigError: There is none, or it cannot be read.
    """
    if not path.exists():
        raise ConfigError("no such run or file", "init_from", hint="expected outputs/<name>/<time>-<id>")
    if path.is_dir() or path.suffix == ".ckpt":
        given = dict(_saved(path))
        # A run without an average: its generator is what an average begins with.
        live = {_AVERAGE + name.removeprefix("generator."): x for name, x in given.items() if name.startswith("generator.")}
        return {**live, **given}
    try:
        with open_regular(path) as file:
            network = torch.load(file, map_location="cpu", weights_only=True)
        if not isinstance(network, dict) or not any(isinstance(value, Tensor) for value in network.values()):
            raise ValueError
    except Exception as error:  # whatever damage provokes
        reason = getattr(error, "strerror", None) or "it is no file of weights"
        raise ConfigError(f"{path} cannot be read: {reason}", "init_from", hint="name a run, or a file of weights") from error
    player = max(PLAYERS, key=lambda player: _matching(network, player, own))
    names = [f"{player}.", *([_AVERAGE] if player == "generator" else [])]
    return {prefix + name: value for prefix in names for name, value in network.items()}


def _saved(path: Path) -> State:
    try:
        run = Run.open(path)
        checkpoint = last_good(run) if path.is_dir() else load(path)
    except ConfigError as error:  # some speak of the option by which training is resumed
        raise ConfigError(error.message, "init_from", hint=error.hint) from error
    except Damaged as error:
        hint = "name the run directory to use its newest good checkpoint"
        raise ConfigError(str(error), "init_from", hint=hint) from error
    if checkpoint is None:
        raise ConfigError("this run has not saved a checkpoint yet", "init_from")
    return checkpoint.weights


def _matching(network: State, player: str, own: State) -> int:
    """Count the entries of the tensors of a network that fit a player as they are."""
    pairs = ((value, own.get(f"{player}.{name}")) for name, value in network.items() if isinstance(value, Tensor))
    return sum(x.numel() for x, mine in pairs if isinstance(mine, Tensor) and mine.shape == x.shape)
