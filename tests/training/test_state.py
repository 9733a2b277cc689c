"""What the callbacks of a run share, and how one of them ends the run."""

from types import SimpleNamespace

import pytest
from lightning.pytorch import Callback

from ganexp.config.build import build
from ganexp.training.state import Ending, RunState
from ganexp.training.train import train
from support.refused import refused
from support.tiny import TINY_RING


class Stop(Callback):
    """End a run at an iteration; for :func:`test_any_callback_gets_the_state_and_may_end_the_run`."""

    def __init__(self, state: RunState, at: int, other: RunState | None = None) -> None:
        self.state, self.at, self.other = state, at, other

    def on_train_batch_end(self, trainer, pl_module, *arguments):
        if pl_module.counters.iteration >= self.at:
            self.state.end(trainer, Ending("stopped", "enough", 3))


STOP = f"{__name__}.Stop"


def test_a_constructor_gets_what_it_asks_for_by_its_annotations():
    state = RunState()
    made = build({"_target_": STOP, "at": 3}, "callbacks.stop", [state, "something else"])
    assert made.state is made.other is state
    with refused("callbacks.stop"):
        build({"_target_": STOP, "at": 3}, "callbacks.stop")


@pytest.mark.parametrize(
    ("at", "ending"), [(4, ("stopped", "enough", 3, 4)), (6, ("finished", None, 0, 6)), (9, ("finished", None, 0, 6))]
)
def test_any_callback_gets_the_state_and_may_end_the_run(ready, at, ending):
    training = ready(*TINY_RING, "metrics=none", f"+callbacks.stop_here._target_={STOP}", f"+callbacks.stop_here.at={at}")
    summary = train(training, [])
    assert tuple(getattr(summary, key) for key in ("status", "reason", "exit_status", "iteration")) == ending


def test_the_first_reason_counts():
    counters = SimpleNamespace(iteration=1)
    trainer = SimpleNamespace(should_stop=False, lightning_module=SimpleNamespace(counters=counters, total_iterations=9))
    state, first = RunState(), Ending("pruned", "one", 0)
    state.end(trainer, first)
    state.end(trainer, Ending("stopped", "two", 1))
    assert trainer.should_stop and state.ending is first
