"""State that no module knows of: it is not trained, not moved to the device, and in no checkpoint.

PyTorch finds parameters, buffers and modules that are attributes of a module, but not those in a plain list or dict, and no
number or tensor that is a plain attribute.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

_INTERNAL = {*vars(nn.Module()), "training"}
_COLLECTIONS = (list, tuple, set, deque)

State = dict[tuple[str, str], Any]
"""Values by the place of a module in the model and the name of its attribute."""


def hidden_parameter(model: nn.Module) -> str | None:
    """Return the attribute that holds a parameter, or a module with parameters, which is none of the model's; None: no one."""
    known = {id(parameter) for parameter in model.parameters()}
    for place, module in model.named_modules():
        for name, value in _attributes(module):
            if any(id(parameter) not in known for parameter in _parameters(value)):
                return f"{place}.{name}".lstrip(".")
    return None


def plain_state(model: nn.Module) -> State:
    """Return all numbers and tensors that are plain attributes, or in collections that are, copied.

    A module that says itself what is saved of it (``get_extra_state``) is left out.
    """
    return {
        (place, name): _copied(value)
        for place, module in model.named_modules()
        if type(module).get_extra_state is nn.Module.get_extra_state
        for name, value in _attributes(module)
        if _copied(value) is not None
    }


def changed(before: State, after: State) -> Iterator[tuple[str, str]]:
    """Yield the places whose values differ, were added, or are gone."""
    for key in {**before, **after}:
        if not _equal(before.get(key), after.get(key)):
            yield key


def _attributes(module: nn.Module) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in list(vars(module).items()) if name not in _INTERNAL)


def _entries(value: Any) -> Iterator[Any]:
    yield from value.values() if isinstance(value, Mapping) else value if isinstance(value, _COLLECTIONS) else ()


def _parameters(value: Any) -> Iterator[nn.Parameter]:
    if isinstance(value, nn.Module):
        yield from (parameter for parameter in value.parameters() if parameter.requires_grad)
    elif isinstance(value, nn.Parameter):
        yield value
    for entry in _entries(value):
        yield from _parameters(entry)


def _copied(value: Any) -> Any:
    """Return a copy of the numbers and tensors in a value; None where there are none."""
    if isinstance(value, nn.Parameter):
        return None
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, int | float):
        return value
    copies = [copied for entry in _entries(value) if (copied := _copied(entry)) is not None]
    return copies or None


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.shape == b.shape and torch.equal(a.nan_to_num(), b.nan_to_num())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_equal, a, b))
    return type(a) is type(b) and (a == b or a != a)
