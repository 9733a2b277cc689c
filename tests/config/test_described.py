"""Options and objects of Python as overrides."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from ganexp.config.described import node, overrides, text
from ganexp.models.f_divergence import FDivergence
from ganexp.models.losses import Hinge
from support.own import Bounded, Forgetful
from support.refused import refused


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, 1e-5, -2.5, "a", "", "null", "True", "1e3", "a b", "it's", "a,b", "x=1", "{}", "~/home", "back\\slash",
        "${seed}", "umlaut ä", [1, "a"], [], [[8], [16, 8]], {"a": 1, "b": ["c", None]},
    ],
    ids=repr,
)  # fmt: skip
def test_a_value_is_read_as_it_was(value):
    (read,) = OverridesParser.create().parse_overrides([f"key={text(value)}"])
    given = read.value()
    plain = getattr(given, "text", given)
    assert plain == value if not isinstance(value, dict | list) else read.get_value_element_as_str() != ""
    if isinstance(value, list):
        assert [getattr(one, "text", one) for one in given] == value


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"seed": np.int32(3), "optimizer": {"lr": np.float64(0.5)}}, ["seed=3", "optimizer.lr=0.5"]),
        ({"data": {"path": Path("/a b"), "value_range": (0, 1)}}, ["data.path='/a b'", "data.value_range=[0,1]"]),
        ({"loss": Bounded(2.0)}, ["~loss", "+loss={_target_:support.own.Bounded,c:2.0}"]),
        ({"penalty": Bounded}, ["~penalty", "+penalty={_target_:support.own.Bounded}"]),
        ({"callbacks": {"mine": partial(Forgetful, scale=1)}}, ["+callbacks.mine={_target_:support.own.Forgetful,scale:1}"]),
    ],
)
def test_options_become_overrides(options, expected):
    assert overrides(["a=1"], options) == ["a=1", *expected]


def test_a_list_is_several_values_only_in_a_sweep():
    options = {"seed": range(2), "widths": [[8], [16, 8]], "data": {"root": [None, "a b"]}}
    assert overrides([], options, sweeps=True) == ["seed=0,1", "widths=[8],[16,8]", "data.root=null,'a b'"]
    assert overrides([], {"widths": [8]}) == ["widths=[8]"]
    with refused("seed"):
        overrides([], {"seed": ()}, sweeps=True)


def test_an_object_is_its_class_and_its_arguments():
    assert node(Hinge(), "loss") == {"_target_": "ganexp.models.losses.Hinge"}
    assert node(partial(FDivergence, divergence="kl"), "loss")["divergence"] == "kl"
    for thing in (Forgetful(2.0), partial(Bounded, 2.0), lambda: None):
        with refused("loss"):
            node(thing, "loss")
