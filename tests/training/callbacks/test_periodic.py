import pytest
from lightning.pytorch import Trainer

from ganexp.data import Ring
from ganexp.metrics import Reference
from ganexp.runs.checkpoint import load
from ganexp.training.callbacks import Checkpoints, Evaluation, Measures, Periodic, Samples, Weights
from ganexp.training.feed import DataModule
from ganexp.training.state import RunState
from support.refused import refused
from support.tiny import TINY_RING


class Recorder(Periodic):
    """Remember when it was due."""

    def __init__(self, **options):
        super().__init__(**options)
        self.acted = []

    def act(self, trainer: Trainer, model):
        self.acted.append(model.counters.iteration)


@pytest.mark.parametrize(
    ("options", "cadence"),
    [
        ({}, 500),
        ({"times": 3}, 3334),
        ({"times": 20_000}, 1),
        ({"every": 7}, 7),
        ({"every": 7, "times": 3}, 7),
        ({"epochs": 2}, 469),
        ({"epochs": 2, "times": 3}, 469),
    ],
)
def test_every_comes_before_epochs_and_epochs_before_times(options, cadence):
    assert Recorder(**options).cadence(10_000, 234.5) == cadence


def test_a_cadence_of_epochs_is_exact_or_nearest():
    assert [Recorder(epochs=epochs).cadence(100, 235.0) for epochs in (1, 5)] == [235, 1175]
    # 10 batches and 3 discriminator steps: epochs end after 3 1/3, 6 2/3 and 10 iterations.
    assert [Recorder(epochs=epochs).cadence(100, 10 / 3) for epochs in (1, 2, 3)] == [3, 7, 10]
    assert Recorder(epochs=1).cadence(100, 0.2) == 1


@pytest.mark.parametrize("kind", [Samples, Checkpoints, Weights, Evaluation])
def test_a_cadence_is_given_once(kind):
    given = {"state": RunState()} if kind in (Checkpoints, Evaluation) else {}
    given |= {"measures": Measures({}, Reference(Ring()), {})} if kind is Evaluation else {}
    section = f"callbacks.{kind.__name__.lower()}"
    with refused(f"{section}.every", f"{section}.epochs"):
        kind(**given, every=3, epochs=1)


@pytest.mark.parametrize(
    ("d_steps", "expected"), [(1, [4, 8, 10]), (3, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), (2, [2, 4, 6, 8, 10])]
)
def test_epochs_are_counted_in_the_batches_that_iterations_take(ready, d_steps, expected):
    # An epoch has 4 batches.
    training = ready(*TINY_RING, "trainer.max_iterations=10", f"schedule.d_steps={d_steps}")
    recorder = Recorder(epochs=1)
    training.trainer.callbacks.append(recorder)
    training.data.stop_at([recorder.cadence(10, training.data.iterations_per_epoch)])
    training.trainer.fit(training.model, datamodule=training.data)
    assert recorder.acted == expected


def test_an_epoch_is_batches_over_discriminator_steps(ready):
    data = ready(*TINY_RING).data.data
    module = DataModule(data, d_steps=3, seed=0)
    module.plan(2, None)
    assert module.iterations_per_epoch == 4 / 3


def test_all_callbacks_take_epochs_from_the_command_line(trained):
    names = ("samples", "evaluation", "checkpoints", "weights")
    training = trained(*TINY_RING, "trainer.max_iterations=10", *(f"callbacks.{name}.epochs=1" for name in names))
    folder = training.run.path
    assert [path.stem for path in sorted((folder / "samples").iterdir())] == [f"{k:08d}" for k in (0, 4, 8, 10)]
    assert [path.stem[-8:] for path in sorted(folder.glob("weights/generator-*"))] == [f"{k:08d}" for k in (4, 8, 10)]
    assert load(folder / "checkpoints/previous.ckpt").iteration == 8
