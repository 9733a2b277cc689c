"""Files of samples: complete or not there."""

import os

import numpy as np
import pytest
from PIL import Image

from ganexp.sampling.writers import check_output, output, save_images, save_npz
from support.refused import refused


def test_what_cannot_be_written_is_refused_and_what_was_there_stays(tmp_path):
    (tmp_path / "file").write_text("old")
    with refused("output"), output(tmp_path / "file"):
        raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize(
    ("name", "suffix", "overwrite"),
    [
        ("new.txt", ".png", False),
        ("old.png", ".png", False),
        ("folder.png", ".png", True),
        ("mixed", "", True),
        ("old.png", "", True),
        ("old.png/new.png", ".png", False),
    ],
)
def test_an_output_that_cannot_be_made_is_refused_beforehand(tmp_path, name, suffix, overwrite):
    (tmp_path / "old.png").touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "thesis.txt").touch()
    before = sorted(tmp_path.rglob("*"))
    with refused("output"):
        check_output(tmp_path / name, suffix, overwrite)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with refused("output"):
        check_output(tmp_path / "new.png", ".png", False)


def test_what_can_be_made_or_replaced_is_not_refused(tmp_path):
    (tmp_path / "old.png").touch()
    check_output(tmp_path / "a" / "new.png", ".png", False)
    check_output(tmp_path / "old.png", ".png", True)
    check_output(tmp_path, "", True)


def test_an_archive_holds_the_batches_one_after_the_other(tmp_path):
    batches = [np.arange(6, dtype=np.float32).reshape(3, 2), np.full((1, 2), 7, dtype=np.float32)]
    seen = []

    def stream():
        for batch in batches:
            seen.append(len(batch))
            yield batch

    for name in ("one", "two"):
        save_npz(tmp_path / name, (4, 2), stream(), lambda: {"seen": np.array(seen[:2])})
    with np.load(tmp_path / "one") as archive:
        assert archive["samples"].dtype == np.float32
        np.testing.assert_array_equal(archive["samples"], np.concatenate(batches))
        assert archive["seen"].tolist() == [3, 1]
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_images_are_pixel_for_pixel(tmp_path, channels, mode):
    levels = np.array([-1.0, -0.5, 0.0, 1.0, 2.0, -np.inf, np.nan, np.inf], dtype=np.float32)
    image = np.broadcast_to(levels, (channels, 2, 8))
    save_images(tmp_path / "images", [np.stack([image, -image]), image[None]], (-1.0, 1.0), ["a", "b", "c"])
    assert sorted(os.listdir(tmp_path / "images")) == ["a.png", "b.png", "c.png"]
    with Image.open(tmp_path / "images" / "a.png") as file:
        assert (file.mode, file.size) == (mode, (8, 2))
        pixels = np.asarray(file).reshape(2, 8, channels)
    np.testing.assert_array_equal(pixels[0, :, 0], [0, 64, 128, 255, 255, 0, 0, 255])
