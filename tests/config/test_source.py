"""Files of options are parsed once, and again when they changed."""

import os

from ganexp.config.compose import compose


def test_a_file_that_changed_is_read_again(tmp_path):
    mine = tmp_path / "loss" / "mine.yaml"
    mine.parent.mkdir()
    options = (f"hydra.searchpath=[file://{tmp_path}]", "loss=mine")

    mine.write_text("_target_: ganexp.models.losses.Hinge\n")
    before = compose(*options)["loss"]
    assert before == {"_target_": "ganexp.models.losses.Hinge"}

    mine.write_text("_target_: ganexp.models.losses.Wasserstein\n")
    assert compose(*options)["loss"] == {"_target_": "ganexp.models.losses.Wasserstein"}

    mine.write_text("_target_: ganexp.models.losses.Hinge\n")  # as it was, but for its time
    assert compose(*options)["loss"] == before

    other = tmp_path / "other.yaml"
    other.write_text("_target_: ganexp.models.losses.Paced\n")
    os.utime(other, ns=(0, mine.stat().st_mtime_ns))
    os.replace(other, mine)  # of another file with the same size and time
    assert compose(*options)["loss"] == {"_target_": "ganexp.models.losses.Paced"}


def test_what_a_configuration_changes_is_not_in_the_next(tmp_path):
    changed = compose("loss=hinge", "+loss.margin=2", "~data.size", "seed=3")
    assert changed["loss"]["margin"] == 2 and "size" not in changed["data"]
    fresh = compose("loss=hinge")
    assert "margin" not in fresh["loss"] and "size" in fresh["data"] and fresh["seed"] == 0
    assert fresh == compose("loss=hinge") | {"output_dir": fresh["output_dir"]}
