"""What a reader wants to know first, in a few sentences that claim no more than the runs show."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ganexp.comparison.statistics import differ
from ganexp.comparison.words import count, number

_MOST = 5  # sentences
_NAMED = 3  # kinds in a sentence
_FAR = 1.5  # times as good as the final state is a best state that is worth a sentence
_UNSOUND = ("diverged", "collapsed", "saturated", "narrow", "overfitting", "declining")
_WORKING = ("running", "waiting")
_WITHOUT = ("refused", "failed", "killed", "unfinished", "pruned", "stopped")
_VERBS = {"saturated": "was saturated", "narrow": "was narrow", "overfitting": "overfitted", "declining": "declined"}


def sentences(tables: Sequence[Mapping[str, Any]], statuses: Sequence[str], on: str = "final") -> list[str]:
    """Return at most five sentences: which kind is best, which did not go well, what was better on the way, what failed.

    Whether the best one differs from others is decided by Welch's t-test at 5 %, without correction for many comparisons.

    Arguments:
        tables: What :func:`ganexp.comparison.ranking.tables` returns.
        statuses: What became of each run.
        on: Whether the final state counts or the best one.
    """
    found = [
        f"{start}{sentence}" for start, table in zip(_starts(tables), tables, strict=True) for sentence in _best(table, on)
    ]
    groups = [group for table in tables for group in table["groups"]]
    if not found and any(table["by"] for table in tables):
        found = ["no run has finished"]
    found = found or ["nothing was measured by which runs are ranked" if tables else "no run has numbers"]
    after = [*_health(groups), *(_on_the_way(tables) if on == "final" else []), *_statuses(statuses)]
    kept = max(1, _MOST - len(after))
    return [*found[:kept], *after][:_MOST]


def _starts(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what sentences about each table begin with: as much of what tells it from the others as it takes."""
    first = [table["differs"].partition(";")[0] for table in tables]
    starts = first if len(set(first)) == len(first) else [table["differs"] for table in tables]
    return [f"{words}: " if words else "" for words in starts]


def _best(table: Mapping[str, Any], on: str) -> list[str]:
    """Return who is best, by what, and from which others it does not differ measurably."""
    by, ranked = table["by"], [group for group in table["groups"] if group["rank"] is not None]
    if not ranked:
        return []
    first, *others = ranked
    which = "lowest" if table["goal"] == "min" else "highest"
    value = first[on][by]
    state = "" if on == "final" else " of the best state"
    if not others:
        return [f"{by}{state} of {first['label']}: {_interval(value)}"]
    sentence = f"{first['label']} has the {which} {by}{state}: {_interval(value)}"
    # A kind with runs that did not finish may have the better number and stands behind all the same.
    sign = 1 if table["goal"] == "min" else -1
    better = [group for group in others if sign * group[on][by]["mean"] < sign * value["mean"]]
    if better:
        sentence = f"{first['label']} ranks first with {by}{state} {_interval(value)}"
    tests = [(group, differ(value["values"], group[on][by]["values"])) for group in others]
    alike = [group for group, answer in tests if answer is False]
    if tests[0][1] is None:
        single = "one seed each says" if max(value["n"], others[0][on][by]["n"]) == 1 else "a single seed says"
        follows = f"{others[0]['label']} follows with {_interval(others[0][on][by])}; {single} nothing about chance"
    elif alike:
        numbers = sorted({group[on][by]["n"] for group in (first, *alike)})
        n = " to ".join(dict.fromkeys(map(str, (numbers[0], numbers[-1]))))
        follows = f"no difference shown to {_names([group['label'] for group in alike])} at n = {n} seeds (Welch's t-test, 5 %)"
    else:
        follows = f"{others[0]['label']} follows with {_interval(others[0][on][by])}, a difference by Welch's t-test at 5 %"
    found = [f"{sentence}; {follows}"]
    if better:
        means = [f"{group['label']} ({number(group[on][by]['mean'])})" for group in better]
        behind = "with a better mean, but behind because of runs that did not finish"
        found.append(f"{behind}: {_names(means)}")
    return found


def _health(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return which kinds collapsed or diverged, and on how many of their runs."""
    parts = []
    for word in _UNSOUND:
        for group in groups:
            if some := max(group["health"].get(word, 0), group["status"].get(word, 0)):
                unit = "seed" if len(set(map(str, group["seeds"]))) == len(group["runs"]) else "run"
                parts.append(f"{group['label']} {_VERBS.get(word, word)} on {some} of {count(len(group['runs']), unit)}")
    return [f"{'; '.join(parts[:_NAMED])}{f'; and {len(parts) - _NAMED} more' if len(parts) > _NAMED else ''}"] if parts else []


def _on_the_way(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return which kinds were much better before their end."""
    parts = []
    for table in tables:
        by, goal = table["by"], table["goal"]
        for group in table["groups"]:
            final, best = (group[state].get(by, {}).get("mean") for state in ("final", "best"))
            if final is None or best is None or best <= 0:  # then nothing is so many times as good
                continue
            if final >= _FAR * best if goal == "min" else best >= _FAR * final:
                parts.append(f"{group['label']} ({by} {number(best)} at best, {number(final)} at the end)")
    return [f"much better on the way than at the end: {_names(parts)}"] if parts else []


def _statuses(statuses: Sequence[str]) -> list[str]:
    """Return how many runs did not finish, or have not yet."""
    counts = Counter(statuses)
    found = []
    if bad := [f"{counts[word]} {word}" for word in _WITHOUT if counts[word]]:
        found.append(f"of {count(len(statuses), 'run')} these did not finish: {', '.join(bad)}")
    if busy := sum(counts[word] for word in _WORKING):
        found.append(f"{busy} of {count(len(statuses), 'run')} {'is' if busy == 1 else 'are'} still running or waiting")
    return found


def _interval(value: Mapping[str, Any]) -> str:
    if value["low"] is None:
        return f"{number(value['mean'])} (one seed)"
    return f"{number(value['mean'])} [{number(value['low'])}, {number(value['high'])}] over {count(value['n'], 'seed')}"


def _names(labels: Sequence[str]) -> str:
    shown = list(labels[:_NAMED]) + ([f"{len(labels) - _NAMED} more"] if len(labels) > _NAMED else [])
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
