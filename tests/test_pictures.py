import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganexp.data import Digits, Ring
from ganexp.pictures import draw, image_grid, save_gif, save_png


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_shows_every_image_in_order(channels: int) -> None:
    images = torch.arange(6, dtype=torch.uint8).mul(40).view(6, 1, 1, 1).expand(6, channels, 8, 8)
    picture = image_grid(images, (-1, 1), columns=3)
    height, width, _ = picture.shape
    assert width > height
    centres = picture[[height // 4, 3 * height // 4]][:, [width // 6, width // 2, 5 * width // 6]]
    assert centres.reshape(6, 3).tolist() == [[40 * k] * 3 for k in range(6)]


def test_small_images_are_enlarged_and_large_grids_stay_bounded() -> None:
    assert image_grid(torch.zeros(1, 1, 8, 8), (0, 1)).shape[0] >= 64
    assert max(image_grid(torch.zeros(900, 1, 8, 8), (0, 1)).shape) < 2000
    assert image_grid(torch.zeros(1, 3, 100, 50), (0, 1)).shape[0] >= 100


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0)])
def test_floats_are_drawn_over_their_range(low: float, high: float) -> None:
    values = torch.tensor([low, (low + high) / 2, high, low - 5, high + 5, math.nan, math.inf, -math.inf])
    picture = image_grid(values.view(8, 1, 1, 1).expand(8, 1, 8, 8), (low, high), columns=8)
    middle = picture[len(picture) // 2, [(2 * k + 1) * picture.shape[1] // 16 for k in range(8)], 0]
    assert middle.tolist() == [0, 128, 255, 0, 255, 0, 255, 0]


def test_images_that_cannot_be_shown_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or 3 channels"):
        image_grid(torch.zeros(4, 2, 8, 8), (0, 1))
    with pytest.raises(ValueError, match="one or more"):
        image_grid(torch.zeros(0, 1, 8, 8), (0, 1))


def test_the_data_decides_what_is_drawn() -> None:
    digits = Digits()
    images = torch.zeros(4, 1, 8, 8, requires_grad=True)
    assert (draw(images, None, digits) == image_grid(images.detach(), (-1, 1))).all()
    points = torch.zeros(4, 2, requires_grad=True)
    assert draw(points, None, Ring()).shape == (512, 512, 3)


def test_a_png_holds_the_exact_picture(tmp_path: Path) -> None:
    picture = noise(20, 30, 3)
    path = tmp_path / "new" / "picture.png"
    save_png(picture, path)
    assert (np.asarray(Image.open(path)) == picture).all()
    save_png(255 - picture, path)
    assert (np.asarray(Image.open(path)) == 255 - picture).all()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["picture.png", "training.gif"])
def test_a_failed_write_keeps_the_old_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")

    def full(*args: object, **options: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="no space"):
        save_png(noise(8, 8, 3), path) if name.endswith("png") else save_gif([noise(8, 8, 3)], path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def frame_count(animation: Image.Image) -> int:
    count = getattr(animation, "n_frames")  # noqa: B009 (only some formats have it)
    assert isinstance(count, int)
    return count


def frame_times(path: Path) -> list[int]:
    with Image.open(path) as animation:
        times = []
        for index in range(frame_count(animation)):
            animation.seek(index)
            times.append(animation.info["duration"])
        assert animation.info["loop"] == 0
    return times


def test_an_animation_starts_slowly_and_holds_its_end(tmp_path: Path) -> None:
    path = tmp_path / "training.gif"
    frames = [np.full((40, 40, 3), 8 * k, dtype=np.uint8) for k in range(30)]
    save_gif(frames, path, seconds=6)
    times = frame_times(path)
    assert len(times) == 30 and sum(times) == pytest.approx(6000, rel=0.05)
    assert times[:-1] == sorted(times[:-1], reverse=True) and times[0] > times[-2] and times[-1] == 1500


def test_an_animation_is_bounded_and_keeps_both_ends(tmp_path: Path) -> None:
    path = tmp_path / "training.gif"
    frames = [np.full((300, 610, 3), k + 20, dtype=np.uint8) for k in range(180)]
    save_gif(frames, path)
    assert len(frame_times(path)) < 60 and path.stat().st_size < 1_000_000
    with Image.open(path) as animation:
        assert max(animation.size) <= 600
        assert abs(int(np.asarray(animation.convert("RGB"))[5, 5, 0]) - 20) < 8
        animation.seek(frame_count(animation) - 1)
        assert abs(int(np.asarray(animation.convert("RGB"))[5, 5, 0]) - 199) < 8


def test_an_animation_is_made_of_files_too(tmp_path: Path) -> None:
    paths = [tmp_path / f"{k}.png" for k in range(3)]
    for k, path in enumerate(paths):
        save_png(np.full((16, 16, 3), 90 * k, dtype=np.uint8), path)
    save_gif(paths, tmp_path / "training.gif")
    assert len(frame_times(tmp_path / "training.gif")) == 3
    with pytest.raises(ValueError, match="at least one"):
        save_gif([], tmp_path / "empty.gif")
    assert not (tmp_path / "empty.gif").exists()
