import pytest

from ganexp.sweeps.search.outcome import outcome
from ganexp.sweeps.search.study import create
from ganexp.sweeps.search.trials import Trials


@pytest.fixture
def told(make_search):
    """Return a function that makes a search whose trials ended so: values, or why there are none."""

    def tell(*ends, **options):
        search = make_search(trials=len(ends), **options)
        create(search)
        trials = Trials(search, "a")
        for end in ends:
            number = trials.next().number
            if isinstance(end, str):
                trials.tell(number, "failed", reason=end)
            elif end is not None:
                trials.tell(number, "complete", end)
        return outcome(search)

    return tell


def test_the_best_trial_is_a_command(told):
    text = told([3.0], [1.0], "refused", [2.0])
    assert "4 of 4 trials: 3 complete, 1 failed" in text
    best, again, others = text.splitlines()[1:4]
    assert "trial=001" in best and best.endswith("fid 1")
    assert "python -m ganexp data=digits d_optimizer.lr=" in again
    assert "python -m ganexp -m data=digits" in others and others.endswith("seed=1,2,3")


def test_commands_have_the_flags_of_the_searchs_own(told, make_search):
    told([3.0], [1.0])
    text = outcome(make_search(trials=2), ("--config-dir", "my conf"))
    assert "python -m ganexp --config-dir 'my conf' data=digits" in text
    assert "python -m ganexp --config-dir 'my conf' -m data=digits" in text


def test_fewer_may_be_asked_for_than_there_are(told, make_search):
    told([3.0], [1.0])
    assert "2 of 2 trials: 2 complete" in outcome(make_search(trials=1))


def test_of_several_objectives_those_are_told_that_none_beats(told):
    text = told([1.0, 0.1], [2.0, 0.5], [3.0, 0.3], objectives={"fid": "minimize", "recall": "maximize"})
    best = [line for line in text.splitlines() if line.startswith("best")]
    assert [line.split()[-4:] for line in best] == [["fid", "1", "recall", "0.1"], ["fid", "2", "recall", "0.5"]]
    assert "seed=1,2,3" not in text


def test_where_nothing_is_complete_it_says_why(told):
    text = told("no cuda", "no cuda", None)
    assert "3 of 3 trials: 2 failed, 1 unfinished" in text
    assert "no cuda (2 times)" in text


def test_what_matters_is_told_when_enough_trials_tell(make_search):
    search = make_search(trials=12, space={"a": "interval(0,1)", "b": "choice(x,y)"})
    create(search)
    trials = Trials(search, "w")
    for number in range(12):
        trial = trials.next()
        trials.tell(trial.number, "complete", [trial.params["a"]])
        assert ("importance" in outcome(search)) == (number >= 7)
    line = outcome(search).splitlines()[-1]
    assert line.split()[:2] == ["importance", "a"]
    assert int(line.split()[2].rstrip("%,")) > 80
