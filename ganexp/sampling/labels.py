"""Labels to sample from: classes by name or number, mixtures of two, and values of attributes."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ganexp.config.compose import near_miss
from ganexp.config.errors import ConfigError
from ganexp.models import GAN
from ganexp.models.functional import label_vectors


def class_names(model: GAN) -> tuple[str, ...]:
    """Return what the classes of a model's generator are called, their numbers if they have no names."""
    return model.label_names or tuple(map(str, range(model.label_classes)))


def choose_classes(model: GAN, wanted: str | list[str] | None, key: str = "classes") -> list[int]:
    """Return the numbers of the classes that are meant; [0] for a generator that takes no classes.

    Arguments:
        model: The model.
        wanted: A name, a list of them, or ``"all"``; None is all, too. Where no class is named by a number, a number, too.
        key: The option that names them.

    Raises:
        ConfigError: There is no such class, or no class at all.
    """
    if not model.label_classes:
        if wanted is not None:
            raise ConfigError("this run's generator takes no classes", key, hint="leave it out")
        return [0]
    numbers = {_composed(name): number for number, name in enumerate(class_names(model))}
    if wanted is None or (wanted == "all" and "all" not in numbers):
        return list(range(model.label_classes))
    if not any(name.isdecimal() for name in numbers):  # else a number would be two classes, by its name and by its place
        numbers |= {str(number): number for number in range(model.label_classes)}
    chosen = []
    for one in map(_composed, wanted if isinstance(wanted, list) else [wanted]):
        if one not in numbers:
            meant, names = near_miss(one, numbers), class_names(model)
            listed = f"choices: {', '.join(names)}" if model.label_names else f"they are 0 to {model.label_classes - 1}"
            raise ConfigError(f"there is no class {one}", key, hint=f"did you mean {meant}?" if meant else listed)
        chosen.append(numbers[one])
    if not chosen:
        raise ConfigError("at least one class is needed", key)
    return list(dict.fromkeys(chosen))


def mixtures(model: GAN, wanted: Sequence[str], steps: int) -> tuple[Tensor, list[str]]:
    """Return labels on the way from one class to another, float32 with shape (steps, label_size), and the names of the two.

    Raises:
        ConfigError: They are not two classes of the generator.
    """
    classes = choose_classes(model, list(wanted), "mix")
    if len(classes) != 2 or not model.label_classes:
        raise ConfigError("should be two classes, such as [3,7]", "mix")
    ends = label_vectors(torch.tensor(classes), model.label_size, torch.zeros(()))
    t = torch.linspace(0, 1, steps)[:, None]
    return (1 - t) * ends[0] + t * ends[1], [class_names(model)[number] for number in classes]


def choose_conditions(model: GAN, n: int, wanted: Mapping[str, Any], generator: torch.Generator) -> tuple[Tensor, list[str]]:
    """Return vectors of attributes to sample from: those of training samples, but for what is asked for.

    Arguments:
        model: The model, whose generator takes attributes.
        n: How many training samples lend theirs.
        wanted: Values by name; of one attribute it may be a list. An attribute that was made of a column of text is asked for
            by that column: ``species: cat``.
        generator: Draws the training samples.

    Returns:
        Vectors with shape (n, label_size), or (n * len(list), label_size), those of a training sample one after the other; and
        the list, as text.

    Raises:
        ConfigError: There is no such attribute, a value is none, or there are several lists.
    """
    attributes = model.data.attributes
    if attributes is None or model.label_classes or not model.label_size:
        raise ConfigError("this run's generator takes no attributes", *_keys(wanted), hint="leave it out")
    values = attributes.decode(model.sample_labels(n, generator).cpu())
    lists = {name: value for name, value in wanted.items() if isinstance(value, list)}
    if len(lists) > 1 or not all(lists.values()):
        raise ConfigError("one attribute may have a list of values, which is not empty", *_keys(lists))
    several = next(iter(lists.values()), [None])
    values = values.repeat_interleave(len(several), 0)
    for name, value in wanted.items():
        each = list(value) * n if isinstance(value, list) else [value] * len(values)
        _set(values, attributes.names, name, each)
    titles = [f"{name} {value}" for name in lists for value in several]
    return attributes.encode(values), titles


def _set(values: Tensor, names: Sequence[str], name: str, each: Sequence[Any]) -> None:
    """Give an attribute its value in each row of ``values``."""
    key, parts = (
        f"conditions.{name}",
        {other.partition("=")[2]: k for k, other in enumerate(names) if other.startswith(f"{name}=")},
    )
    if name not in names and not parts:
        meant = near_miss(name, names)
        listed = f"choices: {', '.join(names)}"
        raise ConfigError("there is no such attribute", key, hint=f"did you mean conditions.{meant}?" if meant else listed)
    if parts and name not in names:
        if strange := [value for value in each if str(value) not in parts]:
            raise ConfigError(f"there is no {name} {strange[0]}", key, hint=f"choices: {', '.join(parts)}")
        values[:, list(parts.values())] = 0
        values[torch.arange(len(values)), torch.tensor([parts[str(value)] for value in each])] = 1
        return
    if (
        not all(isinstance(value, int | float) for value in each)
        or not torch.tensor(each, dtype=torch.float64).isfinite().all()
    ):
        raise ConfigError("should be a number", key)
    values[:, names.index(name)] = torch.tensor(each, dtype=values.dtype)


def _keys(wanted: Mapping[str, Any]) -> list[str]:
    return [f"conditions.{name}" for name in wanted]


def _composed(name: str) -> str:
    """Return a name as it is usually typed: macOS names files by letters and their accents apart."""
    return unicodedata.normalize("NFC", name)
