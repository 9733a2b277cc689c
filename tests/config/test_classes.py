"""Which classes a configuration may name, and which of them only when they are trusted."""

import sys

import pytest

from ganexp.config.build import build
from ganexp.config.classes import BASES, MANY, PARTIAL, Trust, admit, trusted
from ganexp.config.compose import compose, directory
from support.refused import refused

DOUBT = Trust()


@pytest.mark.parametrize("section", sorted(BASES))
def test_a_class_of_another_kind_is_refused_wherever_it_stands(section):
    for target in ("builtins.int", "ganexp.models.streams.Streams"):
        with refused(f"{section}._target_"):
            build({"_target_": target}, section)


@pytest.mark.parametrize("section", sorted(BASES.keys() - MANY))
def test_a_section_without_a_class_is_refused_where_it_needs_one(section):
    with refused(f"{section}._target_"):
        build({}, section)


@pytest.mark.parametrize("section", sorted(MANY))
def test_a_section_of_many_may_be_empty_and_each_of_them_names_a_class(section):
    assert build({}, section) == {}
    for wrong in ({}, {"_target_": "builtins.int"}):
        with refused(f"{section}.one._target_"):
            build({"one": wrong}, section)


def test_a_function_stands_where_one_is_needed_and_nowhere_else():
    for section, target in (("loss", "ganexp.models.losses.Hinge"), ("d_optimizer", "torch.optim.SGD")):
        with refused(f"{section}._partial_"):
            build({"_target_": target, "_partial_": section not in PARTIAL}, section)


def number():
    """Make something of no use."""
    return 3


def test_a_function_may_make_an_object_and_what_it_makes_is_looked_at():
    with refused("loss._target_"):
        build({"_target_": f"{__name__}.number"}, "loss")


def shipped():
    groups = ("model", "data", "network", "loss", "penalty", "augmentation", "lr_schedule", "optimizer", "metrics", "extractor")
    files = ((group, path.stem) for group in groups for path in sorted((directory() / group).glob("*.yaml")))
    return [f"{group}={name}" for group, name in files]


def test_all_that_is_shipped_is_admitted():
    for choice in shipped():
        path = directory() / f"{choice.replace('=', '/')}.yaml"
        needed = ("data.path=x",) if "path: ???" in path.read_text() else ()
        config = compose(choice, *needed)
        admit({section: config[section] for section in BASES if section in config}, DOUBT)


def test_numbers_with_a_schedule_and_second_regularizers_are_admitted():
    second = ("+penalty@regularizers.lecam=lecam", "+lr_schedule@regularizers.lecam.weight=linear")
    config = compose("penalty=r1", "+lr_schedule@penalty.gamma=cosine", *second, "+lr_schedule@d_optimizer.weight_decay=cosine")
    admit({section: config[section] for section in BASES if section in config}, DOUBT)


def test_a_part_is_of_the_kinds_that_stand_inside_nodes():
    inside = {"penalty": {"_target_": "ganexp.models.regularizers.R1", "gamma": {"_target_": "ganexp.data.Ring"}}}
    with refused("penalty.gamma._target_"):
        admit(inside, DOUBT)


FOREIGN = [
    "builtins.open", "pathlib.Path.write_text", "logging.FileHandler", "shutil.copyfile", "os.system", "subprocess.Popen",
    "setuptools._distutils.spawn.spawn", "torch.load", "torch.hub.load", "numpy.load", "joblib.load", "evil.Loss",
    # What can be reached through the names of modules that are known.
    "ganexp.training.train.os.system", "ganexp.config.compose.Path.write_text", "ganexp.runs.files.shutil.rmtree",
    "torch.optim.optimizer.torch.load", "lightning.pytorch.loggers.csv_logs.os.makedirs",
    # What belongs to this package, but is of another kind or of no room from which a run is built.
    "ganexp.runs.run.Run", "ganexp.runs.files.write_atomically", "ganexp.sweeps.search.trial.Trial",
    "ganexp.data.Ring", "torch.optim.Adam",
]  # fmt: skip
PLACES = {
    "callbacks.x": lambda node: {"callbacks": {"x": node}},
    "loss": lambda node: {"loss": node},
    "loss._args_[0]": lambda node: {"loss": {"_target_": "ganexp.models.losses.Hinge", "_args_": [node]}},
    "data.size.a.b[0]": lambda node: {"data": {"_target_": "ganexp.data.Ring", "size": {"a": {"b": [node]}}}},
    "trainer.plugins[0]": lambda node: {"trainer": {"plugins": [node]}},
    "anything": lambda node: {"anything": node},
}


@pytest.mark.parametrize("target", FOREIGN)
@pytest.mark.parametrize("place", PLACES)
def test_what_is_foreign_is_refused_by_its_place_and_nothing_of_it_is_imported(target, place, tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with refused(f"{place}._target_") as caught:
        admit(PLACES[place]({"_target_": target}), DOUBT)
    assert target in str(caught.value) and "trust=" in caught.value.hint
    assert "evil" not in sys.modules and not (tmp_path / "imported").exists()


def test_what_is_trusted_is_admitted_by_itself_and_with_all_that_is_in_it():
    section = {"callbacks": {"x": {"_target_": "mine.parts.Watch"}}}
    for option in (True, "mine", ["other", "mine.parts"], ["mine.parts.Watch"]):
        admit(section, Trust.of(option))
    for option in (False, "min", [], ["mine.part"], "mine.parts.Watch.x"):
        with refused("callbacks.x._target_"):
            admit(section, Trust.of(option))


def test_a_place_that_is_too_deep_is_refused():
    node = {}
    for _ in range(1000):
        node = {"a": node}
    with pytest.raises(ValueError, match="deep"):
        admit({"loss": node}, DOUBT)


def test_what_yaml_files_of_ones_own_name_is_trusted(tmp_path):
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss/x.yaml").write_text("_target_: mine.parts.Watch\nother:\n  _target_: 'theirs.B'\n  of: ${oc.env:HOME}\n")
    assert trusted(False, None) == () and trusted(True, str(tmp_path)) is True
    assert trusted("third", str(tmp_path)) == ("third", "mine.parts", "theirs")
    admit({"callbacks": {"x": {"_target_": "mine.parts.Other"}}}, Trust.of(trusted(False, str(tmp_path))))
    with refused("callbacks.x._target_"):
        admit({"callbacks": {"x": {"_target_": "mine.more.Other"}}}, Trust.of(trusted(False, str(tmp_path))))
    with refused("--config-dir"):
        trusted(False, str(tmp_path / "nowhere"))
