"""Trials that are shared: how many there are, whose they are, and what becomes of those that nobody finished."""

import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ganexp.runs.locks import hold
from ganexp.sweeps.search.study import create, discard, ended, load
from ganexp.sweeps.search.trials import Trials
from support.refused import refused


def states(search) -> list[str]:
    study = load(search.folder, search.options.storage)
    return [trial.state.name for trial in study.get_trials(deepcopy=False) if "name" in trial.user_attrs]


def all_by(search, worker: str) -> list[int]:
    """Work on trials until there are none."""
    trials, numbers = Trials(search, worker), []
    with hold(trials.lock):
        while (trial := trials.next()) is not None:
            numbers.append(trial.number)
            trials.tell(trial.number, "complete", [float(trial.number)])
    return numbers


def test_several_workers_begin_exactly_as_many_as_were_asked_for(make_search):
    search = make_search(trials=7)
    create(search)
    with ThreadPoolExecutor(4) as pool:
        numbers = [number for done in pool.map(lambda worker: all_by(search, worker), "abcd") for number in done]
    assert sorted(numbers) == list(range(7))
    assert states(search) == ["COMPLETE"] * 7


def test_more_can_be_asked_for(make_search):
    search = make_search(trials=2)
    create(search)
    assert all_by(search, "a") == [0, 1]
    create(make_search(trials=2))
    assert all_by(search, "b") == []
    create(make_search(trials=4))
    assert all_by(make_search(trials=4), "c") == [2, 3]


def test_a_trial_in_somebodys_hands_is_left_there(make_search):
    search = make_search(trials=2)
    create(search)
    first, second = Trials(search, "a"), Trials(search, "b")
    with hold(first.lock), hold(second.lock):
        assert first.next().number == 0
        assert second.next().number == 1
        assert first.next() is None
        second.give_back(1)
        assert first.next(without=[1]) is None
        assert first.next().number == 1
    assert first.study.get_trials()[1].user_attrs["worker"] == "a"


DIE = """
import os, pickle, signal, sys
from ganexp.runs.locks import hold
from ganexp.sweeps.search.trials import Trials
trials = Trials(pickle.loads(sys.stdin.buffer.read()), sys.argv[1])
with hold(trials.lock):
    trials.next()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_dead_workers_trial_is_taken_over_with_its_values(make_search):
    search = make_search(trials=1)
    create(search)
    values = []
    for worker in ("first", "second"):
        died = subprocess.run([sys.executable, "-c", DIE, worker], input=pickle.dumps(search), check=False)
        assert died.returncode == -signal.SIGKILL
        values.append(load(search.folder, None).get_trials()[0].params)
    assert states(search) == ["RUNNING"]
    taken = Trials(search, "b").next()
    assert taken.number == 0
    assert [taken.params, taken.params] == values
    assert taken.user_attrs["kills"] == 2


def test_a_trial_that_is_killed_again_and_again_is_given_up(make_search):
    search = make_search(trials=1)
    create(search)
    trials = Trials(search, "a")
    for _ in range(3):
        assert states(search) in ([], ["RUNNING"])
        trials.killed(trials.next().number, "by SIGKILL")
    assert states(search) == ["FAIL"]
    assert trials.study.get_trials()[0].user_attrs["reason"] == "3 times; by SIGKILL"
    assert trials.next() is None


def test_a_trial_whose_worker_died_before_it_had_values_does_not_count(make_search):
    search = make_search(trials=2)
    create(search)
    load(search.folder, None).ask()
    assert all_by(search, "a") == [1, 2]
    assert states(search) == ["COMPLETE", "COMPLETE"]


def test_the_same_seed_makes_the_same_search_also_when_it_was_interrupted(make_search, tmp_path):
    def params(folder: str, *workers: int, **options):
        search = make_search(trials=6, sampler={"_target_": "optuna.samplers.TPESampler", "n_startup_trials": 3}, **options)
        search = type(search)(tmp_path / folder, search.options, search.overrides)
        create(search)
        for number, count in enumerate(workers):
            trials = Trials(search, str(number))
            for _ in range(count):
                trial = trials.next()
                trials.tell(trial.number, "complete", [trial.params["d_optimizer.lr"]])
        return [trial.params for trial in load(search.folder, None).get_trials()]

    whole = params("a", 6)
    assert params("b", 2, 4) == whole
    assert params("c", 6, seed=1) != whole
    assert len({str(point) for point in whole}) == 6


def test_another_search_is_refused_where_there_is_one(make_search):
    create(make_search())
    create(make_search(trials=99, workers=3, pruner={"_target_": "optuna.pruners.MedianPruner"}))
    others = {
        "space": {"loss": "hinge,minimax"}, "objectives": {"recall": "maximize"}, "value": "best", "seed": 1, "fixed": {"a": 1},
    }  # fmt: skip
    for key, other in others.items():
        with refused(f"search.{key}"):
            create(make_search(**{key: other}))


def test_trials_of_another_configuration_are_refused_by_what_differs(make_search):
    there = {"data._target_": "Digits", "trainer.max_iterations": 2000, "betas": [0, 0.9]}
    create(make_search(shared=there))
    create(make_search(shared=dict(reversed(there.items()))))
    others = {
        "data._target_": there | {"data._target_": "Ring", "r1_gamma": 0.1},  # named first: it is on the command line
        "trainer.max_iterations": there | {"trainer.max_iterations": 100},
        "penalty": there | {"penalty": "r1"},
        "betas": {key: value for key, value in there.items() if key != "betas"},
    }
    for key, other in others.items():
        with refused(key) as caught:
            create(make_search(shared=other))
        assert (f"{key}={there[key]}" if key in there else f"without {key}") in str(caught.value)


def test_others_are_made_in_place_of_failed_trials_where_that_is_wanted(make_search):
    search = make_search(trials=2)
    create(search)
    trials = Trials(search, "a")
    while (trial := trials.next()) is not None:
        trials.tell(trial.number, "failed", reason="no data")
    create(search)
    assert all_by(search, "b") == []
    create(search, retry=True)
    assert all_by(search, "c") == [2, 3]
    create(search)
    assert all_by(search, "d") == []


def test_what_was_made_can_be_deleted(make_search):
    search = make_search()
    create(search)
    discard(search.folder)
    assert list(search.folder.iterdir()) == []


def test_what_was_made_can_be_deleted_from_a_database(make_search, tmp_path):
    search = make_search(storage=f"sqlite:///{tmp_path}/studies.db", trials=2)
    other = type(search)(tmp_path / "other", search.options, search.overrides)
    for each in (search, other):
        create(each)
        all_by(each, "a")
    discard(search.folder, search.options.storage)
    assert list(search.folder.iterdir()) == []
    assert (ended(search), ended(other)) == (0, 2)
    create(search)
    assert all_by(search, "a") == [0, 1]


def test_to_look_for_what_has_ended_makes_no_database(make_search, tmp_path):
    file = tmp_path / "studies.db"
    assert ended(make_search(storage=f"sqlite:///{file}")) == ended(make_search()) == 0
    assert not list(tmp_path.iterdir())
    file.touch()
    assert ended(make_search(storage=f"sqlite:///{file}")) == 0
    assert file.stat().st_size == 0


@pytest.mark.parametrize("url", ["foo", "nosuch://x", "sqlite:///{}/missing/x.db"])
def test_a_storage_that_cannot_be_used_is_refused_by_whoever_asks(make_search, tmp_path, url):
    search = make_search(storage=url.format(tmp_path))
    for ask in (ended, create):
        with refused("search.storage"):
            ask(search)


def test_a_folder_may_be_moved(make_search, tmp_path):
    search = make_search(trials=2)
    create(search)
    search.folder.rename(tmp_path / "moved")
    moved = type(search)(tmp_path / "moved", search.options, search.overrides)
    create(moved)
    assert all_by(moved, "a") == [0, 1]


def test_a_study_may_be_in_a_database(make_search, tmp_path):
    search = make_search(storage=f"sqlite:///{tmp_path}/studies.db", trials=2)
    create(search)
    assert all_by(search, "a") == [0, 1]
    assert states(search) == ["COMPLETE"] * 2
    assert not (search.folder / "study.journal").exists()
    for opened in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):  # the one that lists them
            assert "studies.db" not in os.readlink(opened), "no connection is left open"
    with refused("search.storage"):
        create(make_search(storage="nosuch://x"))


def test_a_half_written_entry_is_cut_off(make_search):
    search = make_search(trials=2)
    create(search)
    trials = Trials(search, "a")
    trials.tell(trials.next().number, "complete", [1.0])
    journal = search.folder / "study.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"wor')
    create(search)
    assert journal.read_bytes().startswith(whole)
    assert all_by(search, "b") == [1]


@pytest.mark.parametrize("sampler", ["NSGAIISampler", "QMCSampler", "RandomSampler", "TPESampler"])
def test_several_objectives_and_any_sampler(make_search, sampler):
    node = {"_target_": f"optuna.samplers.{sampler}"} | ({"seed": 1} if sampler == "QMCSampler" else {})
    search = make_search(trials=4, sampler=node, objectives={"fid": "minimize", "recall": "maximize"})
    create(search)
    trials = Trials(search, "a")
    ends = ([1.0, 2.0], None, [2.0, 1.0])
    for values in ends:
        trials.tell(trials.next().number, "complete" if values else "bad", values)
    trials.tell(trials.next().number, "failed", reason="reason")
    assert states(search) == ["COMPLETE", "PRUNED", "COMPLETE", "FAIL"]
