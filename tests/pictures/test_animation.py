from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganexp.pictures import save_gif, save_png


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


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
    save_gif([], tmp_path / "empty.gif")
    assert not (tmp_path / "empty.gif").exists()
