"""What is said first: true of the numbers, and no more than they show."""

import pytest

from ganexp.comparison.statistics import interval
from ganexp.comparison.verdict import sentences


def group(label, *values, rank=1, best=None, health=None, status=None):
    return {
        "label": label,
        "rank": rank,
        "runs": list(range(len(values))),
        "seeds": list(range(len(values))),
        "final": {"fid": interval(values)},
        "best": {"fid": interval(values if best is None else best)},
        "health": health or {"healthy": len(values)},
        "status": status or {"finished": len(values)},
    }


def table(*groups, goal="min", by="fid", differs=""):
    return {"by": by, "goal": goal, "differs": differs, "groups": list(groups)}


def said(*groups, **changes):
    runs = sum(len(group["runs"]) for group in groups)
    return sentences([table(*groups, **changes)], ["finished"] * runs)


def test_the_best_is_named_with_its_interval():
    (first,) = said(group("a", 1.0, 1.1, 1.2), group("b", 5.0, 5.1, 5.2, rank=2))
    assert first == (
        "a has the lowest fid: 1.1 [0.8516, 1.348] over 3 seeds; b follows with 5.1 [4.852, 5.348] over 3 seeds, "
        "a difference by Welch's t-test at 5 %"
    )
    assert said(group("a", 9.0, 9.1), group("b", 1.0, rank=2), goal="max")[0].startswith("a has the highest fid: 9.05 [8.4")
    assert said(group("all runs", 9.0, 9.1)) == ["fid of all runs: 9.05 [8.415, 9.685] over 2 seeds"]


def test_what_does_not_differ_is_not_said_to():
    (first,) = said(group("a", 1.0, 3.0, 2.0), group("b", 5.0, 1.0, 2.0, rank=2), group("c", 90.0, 91.0, 92.0, rank=3))
    assert first.endswith("; no difference shown to b at n = 3 seeds (Welch's t-test, 5 %)")
    many = [group(name, 1.0, 3.0 + i, 2.0, rank=i + 2) for i, name in enumerate("bcdef")]
    assert "no difference shown to b, c, d and 2 more at n" in said(group("a", 1.0, 2.9, 2.0), *many)[0]


def test_one_seed_claims_nothing():
    (first,) = said(group("a", 1.0), group("b", 5.0, rank=2))
    assert first == "a has the lowest fid: 1 (one seed); b follows with 5 (one seed); one seed each says nothing about chance"
    assert "a single seed says nothing about chance" in said(group("a", 1.0, 1.1), group("b", 5.0, rank=2))[0]


def test_a_better_mean_of_a_kind_that_broke_is_reported():
    first, second, _ = said(group("a", 4.0, 4.1), group("b", 1.0, 1.1, rank=2, status={"finished": 1, "diverged": 1}))
    assert first.startswith("a ranks first with fid 4.05")
    assert second == "with a better mean, but behind because of runs that did not finish: b (1.05)"


def test_who_collapsed_is_reported_with_counts():
    sick = group("gan", 90.0, 91.0, 92.0, rank=2, health={"collapsed": 2, "diverged": 1}, status={"finished": 2, "diverged": 1})
    assert said(group("a", 1.0, 1.0, 1.0), sick)[1] == "gan diverged on 1 of 3 seeds; gan collapsed on 2 of 3 seeds"
    assert said(group("a", 1.0, 1.0, 1.0), sick | {"seeds": [0, 0, 1]})[1].endswith("collapsed on 2 of 3 runs")


def test_a_best_state_far_from_the_final_one_is_reported():
    lost = group("a", 4.0, 6.0, best=[2.0, 2.0])
    assert said(lost)[1] == "much better on the way than at the end: a (fid 2 at best, 5 at the end)"
    assert len(said(group("a", 4.0, 6.0, best=[4.0, 5.0]))) == 1
    assert len(said(group("a", 0.2, 0.2, best=[0.8, 0.9]), goal="max")) == 2
    assert len(sentences([table(lost)], ["finished"] * 2, on="best")) == 1
    assert "a (fid 0.9 at best, 0 at the end)" in said(group("a", 0.0, best=[0.9]), goal="max")[1], "all is lost"
    assert len(said(group("a", 0.002, best=[-0.001]))) == 1, "nothing is so many times as good as nothing"


def test_sentences_about_several_tables_begin_with_what_tells_these_apart():
    differ = ["data Ring; samples 64", "data MNIST; samples 1000"]
    made = [table(group("a", 1.0, 1.1), differs=words) for words in differ]
    assert [sentence.partition(":")[0] for sentence in sentences(made, ["finished"] * 4)] == ["data Ring", "data MNIST"]
    made = [table(group("a", 1.0, 1.1), differs=words) for words in ("data Ring; samples 64", "data Ring; samples 9")]
    assert sentences(made, ["finished"] * 4)[1].startswith("data Ring; samples 9: fid of a")


def test_runs_that_were_all_interrupted_have_not_come_to_their_end():
    early = group("a") | {"rank": None}
    assert sentences([table(early)], ["stopped"])[0] == "no run has finished"
    assert sentences([table(early, by=None)], ["stopped"])[0] == "nothing was measured by which runs are ranked"


@pytest.mark.parametrize(
    ("statuses", "says"),
    [
        (["finished", "killed", "refused", "refused"], ["of 4 runs these did not finish: 2 refused, 1 killed"]),
        (["running", "waiting"], ["2 of 2 runs are still running or waiting"]),
        (["running", "failed"], ["of 2 runs these did not finish: 1 failed", "1 of 2 runs is still running or waiting"]),
        (["finished"], []),
    ],
)
def test_what_did_not_finish_is_counted(statuses, says):
    assert sentences([], statuses) == ["no run has numbers", *says]


def test_there_are_at_most_five_and_each_says_of_which_table():
    tables = [table(group("a", 1.0), differs=f"samples {n}") for n in range(9)]
    found = sentences(tables, ["killed", "running"])
    assert len(found) == 5
    assert found[0] == "samples 0: fid of a: 1 (one seed)"
    assert found[-1].endswith("still running or waiting")


def test_a_table_that_is_not_ranked_says_nothing():
    assert said(group("a", rank=None), by=None, goal=None) == ["nothing was measured by which runs are ranked"]
