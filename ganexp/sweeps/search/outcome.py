"""What a search has found: its best trial, or the Pareto-optimal ones, as text and as commands."""

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganexp.runs.signals import text
from ganexp.sweeps.search import optuna
from ganexp.sweeps.search.plan import Search
from ganexp.sweeps.search.space import overrides
from ganexp.sweeps.search.study import NAME, REASON, counted, load

if TYPE_CHECKING:
    import optuna as package
    from optuna.trial import FrozenTrial

_WORDS = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "unfinished"}
_ENOUGH = 8  # complete trials from which the importance of their parameters is worth a line
_MOST = 5  # trials in a list


def outcome(search: Search, flags: Sequence[str] = ()) -> str:
    """Return the lines that stand on the terminal when a search has ended, or has been stopped.

    Arguments:
        search: The search.
        flags: What its command had before the overrides, such as ``--config-dir``; commands that are shown have it, too.
    """
    study = load(search.folder, search.options.storage)
    begun = counted(study)
    states = Counter(_WORDS.get(trial.state.name, "waiting") for trial in begun)
    counts = ", ".join(f"{states[word]} {word}" for word in _WORDS.values() if states[word])
    asked = max(search.options.trials, len(begun))  # an earlier command may have asked for more
    rows = [("search", f"{len(begun)} of {asked} trials" + (f": {counts}" if counts else ""))]
    best = best_trials(study)
    if not best:
        reasons = Counter(str(trial.user_attrs[REASON]) for trial in begun if trial.user_attrs.get(REASON))
        rows += [("none", f"{one} ({count} times)" if count > 1 else one) for one, count in reasons.most_common(_MOST)]
    for trial in best[:_MOST]:
        scored = zip(search.objectives, trial.values, strict=True)
        rows.append(("best", f"{trial.user_attrs[NAME]}  {'  '.join(f'{name} {text(value)}' for name, value in scored)}"))
        rows.append(("again", command(search, trial, flags)))
    if len(best) > _MOST:
        rows.append(("", f"and {len(best) - _MOST} more Pareto-optimal trials"))
    if len(best) == 1:
        rows.append(("other seeds", command(search, best[0], flags, several=True)))
    if matters := importance(study):
        rows.append(("importance", ", ".join(f"{key} {share:.0%}" for key, share in matters.items())))
    width = max(len(key) for key, _ in rows)
    return "\n".join(f"{key:<{width}}  {value}" for key, value in rows)


def best_trials(study: "package.Study") -> "list[FrozenTrial]":
    """Return the best complete trial; of several objectives the Pareto-optimal ones; empty if none is complete."""
    if not study.get_trials(deepcopy=False, states=(optuna().trial.TrialState.COMPLETE,)):
        return []
    return [study.best_trial] if len(study.directions) == 1 else study.best_trials


def command(search: Search, trial: "FrozenTrial", flags: Sequence[str] = (), several: bool = False) -> str:
    """Return the command that repeats a trial as a run by itself, or with several other seeds."""
    line = [*search.overrides, *overrides(trial.params)]
    return shlex.join(["python", "-m", "ganexp", *flags, *(["-m", *line, "seed=1,2,3"] if several else line)])


def importance(study: "package.Study") -> dict[str, float]:
    """Return the share of each parameter in how much trials differ, largest first; empty where they do not suffice to say."""
    package = optuna()
    complete = study.get_trials(deepcopy=False, states=(package.trial.TrialState.COMPLETE,))
    if len(study.directions) > 1 or len(complete) < _ENOUGH or len(complete[0].params) < 2:
        return {}
    return package.importance.get_param_importances(study, evaluator=package.importance.FanovaImportanceEvaluator(seed=0))
