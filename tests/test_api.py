"""From Python: the same runs, samples, numbers and refusals as from the command line, and a process left as it was."""

import os
import signal
import subprocess
import sys
import threading
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import ganexp
from ganexp.__main__ import main
from ganexp.config.hardware import cpu_threads
from ganexp.runs.checkpoint import last_good
from ganexp.sampling.program import main as sample
from support.own import Bounded, Forgetful, Interrupt, Radius, Threads
from support.refused import refused
from support.tiny import TINY, TINY_IMAGES, TINY_RING

FEW = ("callbacks.evaluation.times=1", "callbacks.evaluation.samples=100")
RING, DIGITS = (*TINY, *TINY_RING, *FEW), (*TINY, *TINY_IMAGES)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(monkeypatch, capsys):
    """Return a function that runs a command line in this process, and gives what it printed and its exit status."""

    def run(*arguments: str, program=main):
        monkeypatch.setattr(sys, "argv", ["ganexp", *arguments])
        capsys.readouterr()
        status = 0
        try:
            program()
        except SystemExit as end:
            status = end.code
        return *capsys.readouterr(), status

    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A conditional run on digits, which no test changes."""
    return ganexp.train(*DIGITS, model="cgan", output_dir=tmp_path_factory.mktemp("run"), seed=1)


def state() -> dict:
    number = torch.random.get_rng_state()
    return {
        "random": (number.tolist(), np.random.get_state()[1].tolist()), "environment": dict(os.environ),
        "arguments": sys.argv[:],
        "signals": [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "deterministic": torch.are_deterministic_algorithms_enabled(), "filters": list(warnings.filters),
    }  # fmt: skip


def weights(run: ganexp.Run) -> bytes:
    saved = last_good(run).weights
    return b"".join(saved[name].numpy().tobytes() for name in sorted(saved) if torch.is_tensor(saved[name]))


def test_a_run_is_the_command_lines_byte_for_byte_whatever_ran_before(command):
    first = ganexp.train(*RING, seed=3, output_dir="first")
    before, made = state(), []
    ganexp.train(*DIGITS, "loss=hinge", "+trainer.deterministic=true", output_dir="other")
    thread = threading.Thread(target=lambda: made.append(ganexp.train(*RING, "seed=3", output_dir="thread")))
    thread.start()
    thread.join()
    assert state() == before
    command(*RING, "seed=3", "output_dir=command")
    (folder,) = Path("command").glob("*/*")
    runs = [first, *made, ganexp.Run(folder)]
    assert len({weights(run) for run in runs}) == 1 and len(runs) == 3
    curves = [{key: np.asarray(x) for key, x in run.metrics.items() if not key.startswith("progress/")} for run in runs]
    for other in curves[1:]:
        np.testing.assert_equal(other, curves[0])


@pytest.mark.parametrize(
    "overrides",
    [
        ["loss=hinje"],
        ["trainer.max_iterationz=3"],
        ["model=dcgan", "data=ring"],
        ["data.batch_size=-1"],
        ["data.batch_size="],
        ["seed=1,2"],
        ["seed"],
        ["launcher=joblib"],
        ["resume=nowhere"],
        ["--config-dir", "nowhere"],
        ["hydra.run.dir=here"],
    ],
    ids=" ".join,
)
def test_a_refusal_says_what_the_command_line_says_and_leaves_nothing(command, folder, overrides):
    printed, told, status = command(*overrides)
    with pytest.raises(ganexp.ConfigError) as caught:
        ganexp.train(*overrides)
    assert (printed, told, status) == ("", f"ganexp: {caught.value}\n", 2)
    assert list(folder.iterdir()) == []


def test_options_by_name_are_overrides(run):
    again = ganexp.train(
        *DIGITS, model="cgan", trainer={"max_iterations": np.int64(2), "accelerator": "cpu"}, seed=1, name="1e3",
        output_dir=Path("a b"), schedule={"ema_decay": None}, data={"value_range": (0, 1)},
    )  # fmt: skip
    assert again.config["data"]["value_range"] == [0, 1]
    assert (again.summary.iteration, again.path.parent.name) == (2, "1e3")
    assert [text for text in again.overrides if text not in DIGITS] == [
        "model=cgan", "trainer.max_iterations=2", "seed=1", "name='1e3'", "output_dir='a b'",
        "schedule.ema_decay=null", "data.value_range=[0,1]",
    ]  # fmt: skip


def test_a_run_is_repeated_bit_for_bit_in_a_folder_of_its_own(run, monkeypatch):
    monkeypatch.chdir(run.path.parents[1])
    before = weights(run)
    again, other = ganexp.repeat(run), ganexp.repeat(run.path, seed=2, trainer={"max_iterations": 2})
    assert weights(again) == weights(run) == before and (again.path / "final.png").read_bytes() == run.samples[-1].read_bytes()
    assert again.path.parent == run.path.parent and again.overrides == run.overrides
    assert (other.summary.seed, other.overrides) == (2, [*run.overrides, "seed=2", "trainer.max_iterations=2"])
    for wrong in (["loss=hinge"], [f"resume={run.path}"], ["-m"], ["data.batch_size=0"]):
        with pytest.raises(ganexp.ConfigError):
            ganexp.repeat(run, *wrong)
    with refused("repeat"):
        ganexp.repeat("nowhere")
    assert len(list(run.path.parent.iterdir())) == 3


def test_classes_of_ones_own_are_what_the_run_is_made_by(command):
    run = ganexp.train(*RING, loss=Bounded(2.0), metrics={"radius": Radius()}, trainer={"max_iterations": 2})
    assert run.config["loss"] == {"_target_": "support.own.Bounded", "c": 2.0}
    assert run.summary.metrics["radius"] > 0
    assert run.path.parent.name == "gan-ring-Bounded"
    assert ganexp.load(run).sample(3).shape == (3, 2)  # this process made it, so it is trusted
    with refused("metrics.radius._target_"):
        ganexp.evaluate(run.path, metrics="run", samples=10)
    _, told, status = command(*run.overrides, "output_dir=typed")
    assert status == 0, told
    (typed,) = Path("typed").glob("*/*")
    assert weights(ganexp.Run(typed)) == weights(run)


def test_a_run_has_its_own_number_of_threads():
    with cpu_threads(3):
        for threads, expected in ((2, 2), (None, 3)):
            Threads.seen.clear()
            ganexp.train(*RING, loss=Threads(), trainer={"max_iterations": 2, "threads": threads})
            assert Threads.seen[-2:] == [expected, expected]  # before, it is tried out
            assert torch.get_num_threads() == 3
    with refused("trainer.threads"):
        ganexp.train(*RING, trainer={"threads": 0})


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"loss": Forgetful(2.0)}, ("loss",)),
        ({"loss": partial(Bounded, 2.0)}, ("loss",)),
        ({"loss": partial(Bounded, c=torch.zeros(2))}, ("loss.c",)),
        ({"loss": lambda: None}, ("loss",)),
        ({"loss": Radius()}, ("loss._target_",)),
        ({"metrics": Radius()}, ("metrics",)),
        ({"model": Bounded}, ("model",)),
        ({"seed": object()}, ("seed",)),
    ],
)
def test_objects_that_no_run_could_be_made_by_are_refused(folder, options, keys):
    with refused(*keys):
        ganexp.train(*RING, **options)
    assert list(folder.iterdir()) == []


def test_a_folder_of_ones_own_is_found():
    Path("my_conf/loss").mkdir(parents=True)
    Path("my_conf/loss/bounded.yaml").write_text("_target_: support.own.Bounded\nc: 3.0\n")
    run = ganexp.train(*RING, "loss=bounded", config_dir="my_conf", trainer={"max_iterations": 2})
    assert run.config["loss"]["c"] == 3.0
    assert ganexp.resume(run, trainer={"max_iterations": 3}).summary.iteration == 3


def test_an_interrupted_run_has_saved_and_goes_on():
    with pytest.raises(KeyboardInterrupt):
        ganexp.train(*RING, callbacks={"interrupt": Interrupt(3)})
    (folder,) = Path("outputs").glob("*/*")
    assert ganexp.Run(folder).summary.status == "stopped"
    with refused("callbacks.interrupt._target_"):
        ganexp.resume(folder)
    whole = ganexp.train(*RING, output_dir="whole")
    run = ganexp.Run(folder)
    run.trusted = True
    assert weights(ganexp.resume(run)) == weights(whole)


def test_a_run_shows_its_curves_pictures_and_numbers(run, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run.summary.status == "finished"
    assert len(run.metrics["loss/d"]) == len(run.metrics["iteration"]) == 3
    assert [path.name for path in run.samples] == ["00000000.png", "00000006.png", "final.png"]
    assert "data:image/png;base64,iVBOR" in run._repr_html_() and "finished" in run._repr_html_()


def test_a_loaded_model_makes_the_command_lines_samples(run, command):
    model = ganexp.load(run)
    _, told, status = command(
        f"run={run.path}", "n=12", "classes=[3,7]", "seed=4", "format=npz", "output=a.npz", program=sample
    )
    assert status == 0, told
    with np.load("a.npz") as arrays:
        x = model.sample(12, classes=[3, 7], seed=4)
        np.testing.assert_array_equal(x.numpy(), arrays["samples"])
        np.testing.assert_array_equal(model.labels(12, classes=["3", "7"]), arrays["labels"])
    rows = model.interpolate(2, steps=5, classes=3, path="spherical")
    assert rows.shape == (2, 5, 1, 8, 8) and model.classes == tuple("0123456789")
    logits = model.discriminate(x, classes=model.labels(12, [3, 7]))
    assert logits.shape == (12,) and logits.isfinite().all()
    torch.testing.assert_close(model.discriminate(x[:6], classes=3), logits[:6])
    with refused("classes"):
        model.discriminate(x)
    with refused("x"):
        model.discriminate(x[:, :, 1:])
    with refused("n"):
        model.sample(0)


def test_comparisons_and_pictures_are_those_of_the_programs(run):
    report = ganexp.compare(run.path.parent, output=Path("report.html"))
    assert Path("report.html").is_file() and str(report) == report.text
    picture = ganexp.sample(run, n=4)
    assert picture.is_file()
    with refused("sample"):
        ganexp.sample(run, sample=4)
    for wrong in (lambda: ganexp.evaluate("nowhere"), lambda: ganexp.load("nowhere"), lambda: ganexp.sample("nowhere")):
        with refused("run"):
            wrong()


def test_points_are_measured():
    run = ganexp.train(*RING)
    (row,) = ganexp.evaluate(run, metrics="points", samples=100)
    assert row.run == run.path and row.metrics["coverage"] >= 0
    table = ganexp.evaluate([run.path], metrics="points", samples=100)
    assert "coverage" in str(table) and table[0].file == row.file


@pytest.mark.slow
def test_a_sweep_gives_its_runs():
    swept = ganexp.sweep(*RING, loss=["hinge"], seed=range(3, 4))
    assert swept.complete and [run.config["seed"] for run in swept.runs] == [3]
    assert "coverage" in swept.compare().text


def test_the_package_is_light_until_it_is_used():
    code = "import sys, ganexp; assert 'train' in dir(ganexp); print(*{'torch', 'hydra', 'lightning'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
