"""The configuration in a run directory is read and resolved within bounds, whoever wrote it."""

import os
import time

import pytest
import yaml

from ganexp.config.compose import register_resolvers
from ganexp.runs import saved
from support.made_runs import make_run
from support.refused import refused


@pytest.fixture(autouse=True)
def _resolvers():
    register_resolvers()


def write(folder, content):
    (folder / ".hydra").mkdir(exist_ok=True)
    text = content if isinstance(content, str | bytes) else yaml.safe_dump(content)
    (folder / saved.CONFIG).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def aliases(depth=40):
    lines = ["a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, depth))]
    return "\n".join([*lines, "choices: {}"])


OUT_OF_BOUNDS = {
    "aliases": aliases(),
    "merge": "a: &a {x: 1}\nb: {<<: *a}\nchoices: {}",
    "flow": "choices: " + "[" * 100_000,
    "blocks": "choices:\n  " + "- " * 100_000,
    "size": "choices: {}\na: " + "x " * 600_000,
    "value": "choices: {}\na: " + "1:" * 100_000 + "1",
    "object": "choices: {}\na: !!python/object/apply:os.system [exit]",
    "keys": "choices: {}\na: {1: {2: 3}}",
    "bytes": b"\xff\xfe\x00",
    "tab": "choices:\n\t- a",
    "hydra": "choices: {}\nhydra: {callbacks: {x: {_target_: os.system}}}",
    "defaults": "choices: {}\ndefaults: [hydra/job_logging: default]",
    "no choices": "a: 1",
    "a list": "[1]",
    "nothing": "",
}


@pytest.mark.parametrize("name", OUT_OF_BOUNDS)
def test_what_is_damaged_or_out_of_bounds_is_refused_at_once(tmp_path, name):
    write(tmp_path, OUT_OF_BOUNDS[name])
    with refused("resume"):
        saved.read(tmp_path)


def test_pipes_and_links_are_no_configuration(tmp_path):
    (tmp_path / ".hydra").mkdir()
    os.mkfifo(tmp_path / saved.CONFIG)
    with refused("resume"):
        saved.read(tmp_path)
    elsewhere = write(tmp_path / "elsewhere", {"choices": {}}) if (tmp_path / "elsewhere").mkdir() is None else None
    (tmp_path / saved.CONFIG).unlink()
    (tmp_path / saved.CONFIG).symlink_to(elsewhere / saved.CONFIG)
    with refused("resume"):
        saved.read(tmp_path)


def test_what_is_written_is_read_equal_lists_included(tmp_path):
    betas = [0.5, 0.9]
    content = {"choices": {}, "d": {"betas": betas}, "g": {"betas": betas}, "lr": 1e-5, "day": "2001-01-01"}
    assert saved.read(write(tmp_path, saved.dump(content))) == content
    assert saved.read(write(tmp_path, "choices: {}\nlr: 1e-3\nday: 2001-01-01")) == {
        "choices": {}, "lr": 0.001, "day": "2001-01-01",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "${oc.env:HOME}", "a ${oc.env:HOME} b", "${ oc.env : HOME }", "${oc.env:${x}}",
        "${oc.decode:'1'}", "${hydra:runtime.cwd}",
        "${${x}:HOME}", "${x.${y}}", "${oc.create:{}}", "\\${oc.env:HOME}", "${", "${ganexp.unless:${oc.env:HOME},1}",
    ],
)  # fmt: skip
def test_references_to_anything_but_itself_are_refused_by_their_place_and_shown_as_text(tmp_path, text, monkeypatch):
    monkeypatch.setenv("HOME", "/a/secret")
    content = {"choices": {}, "data": {"root": text, "other": "${data.root}"}, "x": "oc.env"}
    with refused("data.root"):
        saved.check_references(content)
    assert "secret" not in str(saved.resolve(saved.mute(content)))


def test_references_to_itself_are_followed(tmp_path):
    content = {
        "choices": {}, "a": {"lr": "${b.lr}", "kept": "${..b}", "list": ["${.[1]}", 2]}, "b": {"lr": 3},
        "c": "${ganexp.unless:${a.lr},5}", "d": "${ganexp.unless:null,${b.lr}} of ${b.lr}",
    }  # fmt: skip
    saved.check_references(content)
    made = saved.resolve(content)
    assert made["a"] == {"lr": 3, "kept": {"lr": 3}, "list": [2, 2]}
    assert (made["c"], made["d"]) == (None, "3 of 3")
    saved.check_resolved(made)


def doubling(kind, depth=40):
    links = {
        "texts": lambda i: f"${{a{i - 1}}}${{a{i - 1}}}",
        "lists": lambda i: [f"${{a{i - 1}}}", f"${{a{i - 1}}}"],
        "sections": lambda i: {"x": f"${{a{i - 1}}}", "y": f"${{..a{i - 1}}}"},
    }
    return {"choices": {}, "a0": "text"} | {f"a{i}": links[kind](i) for i in range(1, depth)}


ENDLESS = [
    *map(doubling, ("texts", "lists", "sections")),
    {"choices": {}, "a": "${a}"},
    {"choices": {}, "a": "${b}", "b": "${a}"},
    {"choices": {}, "a": {"b": "${a}"}},
    {"choices": {}} | {f"a{i}": f"${{a{i + 1}}}" for i in range(1000)},
]


@pytest.mark.parametrize("content", ENDLESS)
def test_what_would_grow_without_end_is_refused_before_it_does(content):
    began = time.process_time()
    with pytest.raises(ValueError, match="saved configuration"):
        saved.resolve(content)
    assert time.process_time() - began < 5  # it would take years


def test_values_that_come_out_as_references_are_refused():
    with refused("a.b.0"):
        saved.check_resolved({"output_dir": "/a/${b}", "a": {"b": ["${oc.env:HOME}"]}})


def test_a_run_is_read_as_it_was_composed(tmp_path):
    run = make_run(tmp_path, "data=digits", "loss=r3gan")
    content = saved.read(run)
    saved.check_references(content)
    saved.check_resolved(saved.resolve(content))


def test_a_look_at_a_place_that_may_be_missing_is_a_reference_like_any_other():
    content = {"a": {"b": "${oc.select:c.d,null}", "e": "${ganexp.unless:${oc.select:c.d,null},1,2}"}, "choices": {}}
    saved.check_references(content)
    saved.check_size(content)
    with refused("a"):
        saved.check_references({"a": "${oc.select:${oc.env:HOME},1}"})
    bomb = {"a0": "x", **{f"a{i + 1}": [f"${{oc.select:a{i},1}}"] * 20 for i in range(6)}}
    with pytest.raises(ValueError, match="too large"):
        saved.check_size(bomb)
