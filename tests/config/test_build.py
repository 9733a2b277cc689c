"""Objects from nodes: values are checked against signatures, and refused by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypedDict

import pytest
import torch
from pydantic import Field
from typing_extensions import Unpack

from ganexp.config.build import build, check_value, mentioned, refusal, try_out
from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt, Probability
from support.refused import refused

HERE = __name__
SGD = {"_target_": "torch.optim.SGD", "_partial_": True}


@dataclass(frozen=True)
class Part:
    """Something that another object is made of."""

    size: PositiveInt = 1


class Whole:
    """Something made of a part."""

    def __init__(self, given: object, part: Part, chance: Probability = 0.5, widths: Sequence[PositiveInt] = (1,)) -> None:
        self.given, self.part, self.chance, self.widths = given, part, chance, widths


class Fussy:
    """Something that refuses by itself, as foreign classes do."""

    def __init__(self, **options: object) -> None:
        raise RuntimeError("No, not\n  like this")


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    """Let this file be found by its name, however pytest has imported it."""
    import sys

    monkeypatch.setitem(sys.modules, HERE, sys.modules.get(HERE) or __import__(HERE))


def node(name: str, **options: object) -> dict:
    return {"_target_": f"{HERE}.{name}", **options}


def keys_and_text(call: Callable[[], object]) -> tuple[tuple[str, ...], str]:
    with pytest.raises(ConfigError) as caught:
        call()
    return caught.value.keys, str(caught.value)


def test_builds_what_a_node_describes_with_what_is_given():
    marker = object()
    whole = build(node("Whole", part=node("Part", size=3), widths=[4, 5]), "whole", given=marker)
    assert type(whole).__name__ == "Whole" and whole.given is marker
    assert (whole.part.size, list(whole.widths), whole.chance) == (3, [4, 5], 0.5)


def test_builds_a_dict_of_nodes():
    parts = build({"a": node("Part"), "b": node("Part", size=2)}, "parts")
    assert [part.size for part in parts.values()] == [1, 2]
    assert build({}, "parts") == {}


def test_a_partial_node_is_called_later():
    weight = torch.nn.Parameter(torch.zeros(1))
    assert isinstance(build(SGD | {"lr": 0.5}, "optimizer")([weight]), torch.optim.SGD)


@pytest.mark.parametrize(
    ("description", "key"),
    [
        (node("Part", sise=2), "x.sise"),
        (node("Part", colour=2), "x.colour"),
        (node("Whole", part=node("Part", size=0)), "x.part.size"),
        (node("Whole", chance=2), "x.chance"),
        (node("Whole"), "x"),
        ({"part": 5}, "x.part"),
        (node("Fussy"), "x"),
        ({"_target_": "nowhere.at.all"}, "x._target_"),
        ({"_target_": "torch.optim"}, "x._target_"),
        ({"_target_": 5}, "x._target_"),
    ],
)
def test_refuses_by_name(description, key):
    with refused(key):
        build(description, "x")


def test_names_a_class_that_is_nearly_meant():
    _, text = keys_and_text(lambda: build({"_target_": "ganexp.models.losses.Hing"}, "loss"))
    assert text.endswith("(did you mean ganexp.models.losses.Hinge?)")


@pytest.mark.parametrize(
    ("value", "annotation", "path", "text"),
    [
        ("two", int, "x", "should be a whole number"),
        (1.5, int, "x", "should be a whole number"),
        (None, int, "x", "should be a whole number"),
        (2.0, int, "x", "should be a whole number (write 2)"),
        ("2", int, "x", "should be a whole number (write 2)"),
        (True, int, "x", "should be a whole number (write 1)"),
        ("abc", float, "x", "should be a number"),
        ("0.5", float | None, "x", "should be a number (write 0.5)"),
        (1, bool, "x", "should be true or false (write true)"),
        (3, bool | Literal["warn"], "x", "should be true or false or 'warn'"),
        (3, str, "x", "should be text"),
        (3, Sequence[int], "x", "should be a list"),
        (3, list[int] | str | None, "x", "should be a list or text"),
        ([1, "x"], Sequence[int], "x[1]", "should be a whole number"),
        ([1, 2, 3], PositiveInt | tuple[PositiveInt, PositiveInt], "x", "should be a whole number or a list of 2"),
        ([1], PositiveInt | tuple[PositiveInt, PositiveInt], "x", "should be a list of 2"),
        ([0, 2], PositiveInt | tuple[PositiveInt, PositiveInt], "x[0]", "should be at least 1"),
        ([1, 2.0], Sequence[int], "x[1]", "should be a whole number (write 2)"),
        ([0.5], tuple[float, float], "x", "should be a list of 2"),
        ("abc", float | torch.Tensor, "x", "should be a number"),
        ("c", Literal["a", "b"], "x", "should be 'a' or 'b'"),
        (float("nan"), Annotated[float, Field(ge=0, allow_inf_nan=False)], "x", "should be a finite number"),
    ],
)
def test_wrong_values_are_refused_in_the_users_words(value, annotation, path, text):
    assert keys_and_text(lambda: check_value(value, annotation, "x")) == ((path,), text)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [(2, int), (2, float), (2.5, float), (None, int | None), ([1, 2], tuple[float, float]), ([], Sequence[int]), ("a", str)],
)
def test_right_values_pass(value, annotation):
    check_value(value, annotation, "x")


def test_an_annotation_that_says_nothing_checkable_passes():
    check_value(5, "Undefined", "x")


@pytest.mark.parametrize(
    ("options", "keys"), [({"lr": -1.0, "momentum": 0.5}, ("o.lr",)), ({"lr": 0.1, "nesterov": True}, ("o.nesterov",))]
)
def test_a_foreign_refusal_is_traced_to_its_option(options, keys):
    make, weights = build(SGD | options, "o"), [torch.nn.Parameter(torch.zeros(1))]
    assert keys_and_text(lambda: try_out(make, SGD | options, "o", weights))[0] == keys


def test_what_can_be_called_passes():
    options = SGD | {"lr": 0.1}
    try_out(build(options, "o"), options, "o", [torch.nn.Parameter(torch.zeros(1))])


def test_options_that_a_text_names_or_quotes():
    options = {"nodes": 0, "strategy": "abc", "other": 1}
    assert mentioned(ValueError("`nodes` must be positive"), "t", options) == ["t.nodes"]
    assert mentioned(ValueError("there is no 'abc'"), "t", options) == ["t.strategy"]
    assert mentioned(ValueError("no"), "t", options) == ["t"]


def test_a_refusal_stays_as_it_is():
    error = ConfigError("no", "a")
    assert refusal(error, "b") is error
    assert str(refusal(ValueError(), "b")) == "valueError"


class Shared(TypedDict, total=False):
    """Options that several classes take."""

    size: PositiveInt
    kind: Literal["a", "b"]


class Sharing:
    def __init__(self, own: int = 1, **shared: Unpack[Shared]):
        self.own, self.shared = own, shared


SHARING = {"_target_": f"{HERE}.Sharing"}


def test_shared_options_are_checked_like_own_ones():
    made = build({**SHARING, "own": 2, "size": 3}, "x")
    assert (made.own, made.shared) == (2, {"size": 3})


@pytest.mark.parametrize(("option", "value"), [("size", 0), ("kind", "c"), ("sise", 1)])
def test_shared_options_are_refused_like_own_ones(option, value):
    with refused(f"x.{option}"):
        build({**SHARING, option: value}, "x")
