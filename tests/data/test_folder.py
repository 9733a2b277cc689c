import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganexp.config.build import build
from ganexp.config.errors import ConfigError
from ganexp.data import ImageFolder
from support.image_files import BLUE, GREEN, RED, WHITE, colours, only, save


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/ganexp/folders"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


def test_a_flat_folder_has_no_labels(folder: Path) -> None:
    for index in range(25):
        save(folder / f"{index:02}.png", (10 * index, 0, 0))
    data = ImageFolder(str(folder), size=4)
    data.prepare()
    assert data.shape == (3, 4, 4) and data.num_classes == 0 and data.class_names is data.class_weights is None
    (train, none), (test, also_none) = data.load("train"), data.load("test")
    assert none is also_none is None
    assert [red for red, _, _ in colours(train)] == [10 * index for index in range(25) if index not in (9, 19)]
    assert [red for red, _, _ in colours(test)] == [90, 190]


def test_sub_folders_are_classes_which_take_turns(folder: Path) -> None:
    for index in range(3):
        save(folder / f"pears/{index}.png", (0, index, 0))
    for index in range(2):
        save(folder / f"apples/deep/er/{index}.png", (index, 0, 9))
    (folder / "empty").mkdir()
    data = ImageFolder(str(folder), size=4, held_out=3)
    assert data.class_names == ("apples", "pears") and data.num_classes == 2
    images, labels = data.load("train")
    assert colours(images) == [(0, 0, 9), (0, 0, 0), (1, 0, 9), (0, 1, 0)]
    assert labels is not None and labels.dtype == torch.int64 and labels.tolist() == [0, 1, 0, 1]
    images, labels = data.load("test")
    assert colours(images) == [(0, 2, 0)] and labels is not None and labels.tolist() == [1]


def test_test_images_may_be_in_a_folder_of_their_own(folder: Path, tmp_path: Path) -> None:
    for name in ("apples/0", "pears/0", "pears/1"):
        save(folder / f"{name}.png")
    for name in ("pears/9", "figs/9"):
        save(tmp_path / f"other/{name}.png", (0, 0, 7))
    data = ImageFolder(str(folder), size=4, test=str(tmp_path / "other"))
    (train, _), (test, labels) = data.load("train"), data.load("test")
    assert len(train) == 3 and colours(test) == [(0, 0, 7)] and labels is not None and labels.tolist() == [1]
    assert any(key.endswith("figs") for key in data.found.left_out)
    with pytest.raises(ConfigError, match="does not exist"):
        ImageFolder(str(folder), test=str(tmp_path / "nowhere"))
    save(tmp_path / "strange/figs/9.png")
    with pytest.raises(ConfigError, match="no image of .*strange is of a training class"):
        ImageFolder(str(folder), test=str(tmp_path / "strange"))


def test_class_weights_are_those_of_the_images_that_are_used(folder: Path) -> None:
    for index in range(5):
        save(folder / f"many/{index}.png")
    save(folder / "few/0.png")
    assert ImageFolder(str(folder)).class_weights == (1, 5)
    assert ImageFolder(str(folder), held_out=2).class_weights == (1, 3)
    assert ImageFolder(str(folder), subset=3).class_weights == (1, 2)
    _, labels = ImageFolder(str(folder), subset=3).load("train")
    assert labels is not None and labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize("held_out", [None, 10])
def test_where_none_is_held_out_the_test_split_is_the_training_split(folder: Path, held_out: int | None) -> None:
    for index in range(9):
        save(folder / f"{index}.png", (index, 0, 0))
    data = ImageFolder(str(folder), size=4, held_out=held_out, subset=2)
    assert len(data.load("train")[0]) == 2 and len(data.load("test")[0]) == 9


@pytest.mark.parametrize("beside", [["one/0.png"], ["one/0.png", "two/0.png", "cover.png"]])
def test_one_sub_folder_or_images_beside_them_make_no_classes(folder: Path, beside: list[str]) -> None:
    for name in beside:
        save(folder / name)
    data = ImageFolder(str(folder), size=4)
    assert data.num_classes == 0 and len(data.load("train")[0]) == len(beside)


def test_all_formats_are_found_and_hidden_and_other_files_ignored(folder: Path) -> None:
    endings = ["png", "jpg", "JPEG", "webp", "bmp", "gif", "tif", "TIFF", "ppm"]
    for ending in endings:
        save(folder / f"image.{ending}", (200, 60, 30))
    save(folder / ".hidden.png")
    save(folder / ".thumbnails/image.png")
    (folder / "readme.txt").write_text("no image")
    images = ImageFolder(str(folder), size=8, workers=3).load("train")[0]
    assert len(images) == len(endings)
    difference = images.float() - torch.tensor([200.0, 60.0, 30.0]).view(3, 1, 1)
    assert difference.abs().max() < 8


def test_links_are_followed_and_circles_are_not(folder: Path, tmp_path: Path) -> None:
    save(tmp_path / "elsewhere/0.png")
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(folder)
    assert len(ImageFolder(str(folder), size=4).load("train")[0]) == 1


@pytest.mark.parametrize("size", [(40, 16), (16, 40), (17, 40)])
def test_the_largest_centred_square_is_resized(folder: Path, size: tuple[int, int]) -> None:
    width, height = size
    side = min(size)
    left, top = (width - side) // 2, (height - side) // 2
    image = Image.new("RGB", size, RED)
    image.paste(GREEN, (left, top, left + side, top + side))
    image.paste(BLUE, (left, top, left + side // 2, top + side))
    folder.mkdir()
    image.save(folder / "image.png")
    square = only(folder, size=8)
    # What lies around the square may shine through at its rim, where the filter reaches over it.
    assert square[0].max() < 25 and square[2, :, :3].min() > 230 and square[1, :, 5:].min() > 230


def test_transparency_becomes_white(folder: Path) -> None:
    folder.mkdir()
    save(folder / "rgba.png", (255, 0, 0, 0), mode="RGBA")
    save(folder / "half.png", (255, 0, 0, 128), mode="RGBA")
    save(folder / "grey.png", (0, 0), mode="LA")
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, *BLUE])
    palette.save(folder / "palette.png", transparency=1)
    palette.save(folder / "solid.png")
    images = ImageFolder(str(folder), size=4).load("train")[0]
    assert colours(images) == [WHITE, (255, 127, 127), WHITE, WHITE, BLUE]


def test_grey_and_rgb_read_each_other(folder: Path) -> None:
    save(folder / "grey.png", 77, mode="L")
    assert colours(only(folder)[None]) == [(77, 77, 77)]
    assert colours(only(folder, colour="grey")[None]) == [(77,)]
    save(folder / "grey.png", (77, 77, 77))
    assert ImageFolder(str(folder), size=6, colour="grey").shape == (1, 6, 6)
    assert only(folder, colour="grey", size=6).shape == (1, 6, 6)


def test_a_binary_image_and_inks_are_converted(folder: Path) -> None:
    save(folder / "a.png", 1, mode="1")
    save(folder / "b.tif", (255, 255, 0, 0), mode="CMYK")
    assert colours(ImageFolder(str(folder), size=4).load("train")[0]) == [WHITE, BLUE]


def test_images_are_turned_as_the_camera_says(folder: Path) -> None:
    image = Image.new("RGB", (8, 8), RED)
    image.paste(BLUE, (0, 0, 8, 4))  # blue above red
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    folder.mkdir()
    image.save(folder / "photo.png", exif=exif)
    turned = only(folder, size=8)
    assert colours(turned[None, :, :, :2]) == [RED] and colours(turned[None, :, :, 6:]) == [BLUE]


def test_the_first_frame_of_an_animation_counts(folder: Path) -> None:
    folder.mkdir()
    Image.new("RGB", (8, 8), RED).save(folder / "a.gif", save_all=True, append_images=[Image.new("RGB", (8, 8), BLUE)])
    assert colours(only(folder)[None]) == [RED]


def test_large_photographs_keep_their_brightness(folder: Path) -> None:
    ramp = np.linspace(0, 255, 512).astype(np.uint8)
    folder.mkdir()
    Image.fromarray(np.broadcast_to(ramp, (512, 512))).save(folder / "photo.jpg", quality=95)
    small = only(folder, size=8, colour="grey").float()
    torch.testing.assert_close(small[0], torch.arange(16.0, 256, 32).expand(8, 8), atol=4, rtol=0)


@pytest.mark.parametrize("content", [b"", b"no image", "cut"])
def test_a_broken_image_is_named_before_training_and_leaves_nothing(folder: Path, content: Any, cache: Path) -> None:
    save(folder / "a.png")
    save(folder / "sub/broken.png", size=(64, 64))
    whole = (folder / "sub/broken.png").read_bytes()
    (folder / "sub/broken.png").write_bytes(whole[: len(whole) // 2] if content == "cut" else content)
    data = ImageFolder(str(folder))
    with pytest.raises(ConfigError, match="sub/broken.png") as caught:
        data.prepare()
    assert caught.value.keys == ("data.path",) and "\n" not in str(caught.value)
    assert {file.suffix for file in cache.iterdir()} == {".content"}
    (folder / "sub/broken.png").write_bytes(whole)
    ImageFolder(str(folder)).prepare()


def test_an_image_that_has_gone_is_named(folder: Path) -> None:
    save(folder / "a.png")
    data = ImageFolder(str(folder))
    (folder / "a.png").unlink()
    with pytest.raises(ConfigError, match="a.png: No such file") as caught:
        data.prepare()
    assert caught.value.keys == ("data.path",)


def test_a_folder_that_is_missing_or_empty_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty/sub").mkdir(parents=True)
    (tmp_path / "file.png").touch()
    cases = (("missing", "does not exist"), ("empty", "there are no images"), ("file.png", "is not a folder"))
    for name, message in cases:
        with pytest.raises(ConfigError, match=message) as caught:
            ImageFolder(str(tmp_path / name))
        assert caught.value.keys == ("data.path",) and caught.value.hint


@pytest.mark.parametrize("wrong", [{"colour": "cmyk"}, {"held_out": 1}, {"size": 0}, {"workers": 0}, {"subset": 0}])
def test_wrong_options_are_refused(folder: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        build({"_target_": "ganexp.data.ImageFolder", "path": str(folder), **wrong}, "data")
    assert caught.value.keys == (f"data.{next(iter(wrong))}",)


def test_the_fingerprint_is_that_of_the_content_and_of_how_it_is_read(folder: Path) -> None:
    for index in range(12):
        save(folder / f"{index:02}.png", WHITE)
    fingerprint = ImageFolder(str(folder), size=8).fingerprint
    assert fingerprint == ImageFolder(str(folder), size=8, value_range=(0, 1), batch_size=3).fingerprint
    part = ImageFolder(str(folder), size=8, subset=5)
    others = {
        part.fingerprint,
        ImageFolder(str(folder), size=4).fingerprint,
        ImageFolder(str(folder), size=8, held_out=3).fingerprint,
        ImageFolder(str(folder), size=8, limits=(0, 4095)).fingerprint,
    }
    assert part.whole().fingerprint == fingerprint
    status = os.stat(folder / "11.png")
    save(folder / "11.png", RED)
    os.utime(folder / "11.png", ns=(status.st_atime_ns, status.st_mtime_ns))  # other content of the same age
    others.add(ImageFolder(str(folder), size=8).fingerprint)
    save(folder / "12.png", WHITE)
    others.add(ImageFolder(str(folder), size=8).fingerprint)
    assert fingerprint not in others and len(others) == 6


@pytest.mark.parametrize("names", [("0.png", "1.png"), ("cat/0.png", "dog/0.png")])
def test_a_copied_a_moved_and_a_touched_folder_are_the_same(folder: Path, cache: Path, names: tuple[str, ...]) -> None:
    for index, name in enumerate(names):
        save(folder / name, (index, 0, 0))
    first = ImageFolder(str(folder), size=4)
    first.prepare()
    shutil.copytree(folder, folder.with_name("copy"))
    os.utime(folder / names[0], ns=(5, 5))
    folder.rename(folder.with_name("moved"))
    for name in ("copy", "moved"):
        again = ImageFolder(str(folder.with_name(name)), size=4)
        again.prepare()
        assert again.fingerprint == first.fingerprint
    assert len(list(cache.glob("*.npy"))) == 1


def test_other_classes_of_the_same_images_are_other_data(folder: Path) -> None:
    for index in range(4):
        save(folder / f"{'ab'[index % 2]}/{index}.png", (index, 0, 0))
    fingerprint = ImageFolder(str(folder), size=4).fingerprint
    (folder / "b").rename(folder / "c")
    assert ImageFolder(str(folder), size=4).fingerprint != fingerprint


def test_a_model_that_needs_labels_is_refused_with_the_file_in_the_way(folder: Path) -> None:
    for name in ("cat/0.png", "dog/0.png", "cover.png"):
        save(folder / name)
    data = ImageFolder(str(folder), size=4)
    assert data.unlabelled is not None and "cover.png" in data.unlabelled and data.unlabelled in str(data.found)
