import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganexp.data import Digits, Ring
from ganexp.pictures.images import draw, fewest_gaps, image_grid, save_gif, save_png


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


NAMES = ("airplane", "automobile", "b")


@pytest.mark.parametrize("side", [8, 28, 64])
def test_titles_stand_above_their_images(side: int) -> None:
    images = torch.zeros(3, 3, side, side)
    picture = image_grid(images, (0, 1), columns=3, titles=NAMES)
    height, width, _ = picture.shape
    ink = (picture > 150).any(2)
    assert ink[: height // 3].any() and not ink[height // 3 :].any()
    thirds = [ink[:, k * width // 3 : (k + 1) * width // 3].any(0) for k in range(3)]
    spans = [int(np.ptp(np.flatnonzero(third))) for third in thirds]
    assert spans[1] > spans[0] > spans[2]
    assert not ink[:, [0, width // 3, 2 * width // 3, -1]].any(), "no title runs into the next"


@pytest.mark.parametrize("side", [8, 28, 64])
def test_row_titles_stand_beside_their_rows(side: int) -> None:
    images = torch.zeros(6, 1, side, side)
    plain = image_grid(images, (0, 1), columns=2)
    picture = image_grid(images, (0, 1), columns=2, row_titles=NAMES)
    margin = picture.shape[1] - plain.shape[1]
    assert (picture[:, margin:] == plain).all()
    ink = (picture[:, :margin] > 150).any(2)
    rows = np.array_split(ink, 3)
    assert all(row.any() and not row[[0, -1]].any() for row in rows) and not ink[:, [0, -1]].any()


def test_titles_that_are_too_long_are_cut_off() -> None:
    images = torch.zeros(2, 1, 8, 8)
    endless, longer = ["x" * 500, "b"], ["x" * 600, "b"]
    assert (image_grid(images, (0, 1), titles=endless) == image_grid(images, (0, 1), titles=longer)).all()
    assert image_grid(images, (0, 1), columns=1, row_titles=endless).shape[1] < 400


def test_titles_must_be_as_many_as_what_they_name() -> None:
    with pytest.raises(ValueError, match="zip"):
        image_grid(torch.zeros(3, 1, 8, 8), (0, 1), titles=("a", "b"))
    with pytest.raises(ValueError, match="zip"):
        image_grid(torch.zeros(3, 1, 8, 8), (0, 1), columns=1, row_titles=("a", "b"))


def test_a_compact_grid_has_few_gaps() -> None:
    for count in range(1, 101):
        columns, square = fewest_gaps(count), math.ceil(math.sqrt(count))
        assert square <= columns <= 2 * square
        assert -count % columns <= -count % square
    assert [fewest_gaps(count) for count in (1, 4, 10, 12, 100)] == [1, 2, 5, 4, 10]


def test_the_data_decides_what_is_drawn() -> None:
    digits = Digits()
    images = torch.zeros(4, 1, 8, 8, requires_grad=True)
    assert (draw(images, None, digits) == image_grid(images.detach(), (-1, 1))).all()
    assert draw(images, None, digits, columns=1, row_titles="abcd").shape[0] > draw(images, None, digits).shape[0]
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


@pytest.mark.parametrize("count", [1, 2, 12])
def test_an_animation_of_few_frames_keeps_all_and_holds_its_end(count: int, tmp_path: Path) -> None:
    path = tmp_path / "training.gif"
    save_gif([np.full((40, 40, 3), 8 * k, dtype=np.uint8) for k in range(count)], path, seconds=6)
    times = frame_times(path)
    assert len(times) == count and sum(times) == pytest.approx(6000, rel=0.05)
    assert len(set(times[:-1])) <= 1 and (count == 1 or times[-1] == 1500)


def test_an_animation_of_many_frames_thins_towards_its_end(tmp_path: Path) -> None:
    path = tmp_path / "training.gif"
    paint = [np.zeros((600, 720, 3), dtype=np.uint8) for _ in range(180)]
    for k, frame in enumerate(paint):
        frame[:, 4 * k : 4 * k + 4] = 255
    save_gif(paint, path)
    assert len(frame_times(path)) < 60 and path.stat().st_size < 1_000_000
    shown = []
    with Image.open(path) as animation:
        width, height = animation.size
        assert width / height == pytest.approx(1.2, rel=0.01) and 0.95 * 600**2 < width * height < 1.05 * 600**2
        for index in range(frame_count(animation)):
            animation.seek(index)
            bright = np.asarray(animation.convert("L"))[5].astype(float)
            shown.append(round(float(bright @ np.arange(width) / bright.sum()) * 720 / width / 4 - 0.5))
    assert shown[0] == 0 and shown[-1] == 179
    steps = np.diff(shown)
    assert steps.min() == 1 and (np.diff(steps) >= -2).all() and steps[-1] > 5
    assert sum(frame < 90 for frame in shown) > 2 * sum(frame >= 90 for frame in shown) > 0


def test_an_animation_is_made_of_files_too(tmp_path: Path) -> None:
    paths = [tmp_path / f"{k}.png" for k in range(3)]
    for k, path in enumerate(paths):
        save_png(np.full((16, 16, 3), 90 * k, dtype=np.uint8), path)
    save_gif(paths, tmp_path / "training.gif")
    assert len(frame_times(tmp_path / "training.gif")) == 3
    with pytest.raises(ValueError, match="at least one"):
        save_gif([], tmp_path / "empty.gif")
    assert not (tmp_path / "empty.gif").exists()
