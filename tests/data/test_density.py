import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganexp.config.build import build
from ganexp.data import Density
from ganexp.data.density import EXAMPLES
from support.refused import refused


def save(path: Path, values: object, mode: str | None = None) -> str:
    """Write uint8 (or other) values as a picture, converted to a mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.array(values))
    (image.convert(mode) if mode else image).save(path)
    return str(path)


def noise(height: int, width: int) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (height, width))
    return np.where(values < 100, 0, values).astype(np.uint8)


def pixels(points: torch.Tensor, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row (0 at the top) and column of each point."""
    x, y = points.double().numpy().T
    return height - 1 - (y * height).astype(int), (x * width).astype(int)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (5, 1), (13, 20), (300, 7)])
def test_pixels_are_hit_in_proportion_to_their_values(tmp_path: Path, height: int, width: int) -> None:
    values = noise(height, width) + np.uint8(height * width == 1)
    size = 400 * height * width
    data = Density(save(tmp_path / "a.png", values), size=size)
    for split in ("train", "test"):
        x, y = data.load(split)
        assert x.shape == (size, 2) and x.dtype == torch.float32 and y is None
        hits = np.zeros((height, width), dtype=int)
        np.add.at(hits, pixels(x, height, width), 1)
        lit = values > 0
        assert not hits[~lit].any()
        expected = size * (values[lit] / values.sum())
        freedom = max(1, lit.sum() - 1)
        chi_square = ((hits[lit] - expected) ** 2 / expected).sum()
        assert chi_square < freedom + 6 * np.sqrt(2 * freedom)


def test_points_are_uniform_within_a_pixel(tmp_path: Path) -> None:
    x, _ = Density(save(tmp_path / "a.png", noise(3, 5)), size=100_000).load("train")
    inside = x.double() * torch.tensor([5, 3]) % 1
    counts = torch.histogramdd(inside, [4, 4], range=[0.0, 1.0, 0.0, 1.0]).hist
    assert counts.sum() == 100_000
    torch.testing.assert_close(counts / 100_000, torch.full((4, 4), 1 / 16, dtype=torch.float64), atol=0.005, rtol=0)


def test_row_zero_is_the_top(tmp_path: Path) -> None:
    values = np.zeros((10, 20), np.uint8)
    values[0, 1] = 7
    data = Density(save(tmp_path / "a.png", values), size=1000)
    x, y = data.load("train")[0].unbind(1)
    assert 0.05 <= x.min() < 0.055 and 0.095 < x.max() <= 0.1
    assert 0.9 <= y.min() < 0.905 and 0.995 < y.max() <= 1
    assert data.density(torch.tensor([[0.07, 0.95], [0.07, 0.05]])).tolist() == [200.0, 0.0]


def test_a_point_is_never_rounded_out_of_its_pixel(tmp_path: Path) -> None:
    values = np.zeros((1, 9999), np.uint8)
    values[0, 1::2] = 255
    data = Density(save(tmp_path / "a.png", values), size=500_000)
    assert data.density(data.load("train")[0]).min() > 0


def test_samples_depend_on_the_arguments_alone(tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, test = (Density("moons", size=100).load(split) for split in ("train", "test"))
    assert torch.equal(state, torch.get_rng_state())
    again = Density("moons", size=100).load("train")
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], test[0])


GREY = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "CMYK"])
def test_grey_is_the_same_in_every_mode(tmp_path: Path, mode: str) -> None:
    grey = Density(save(tmp_path / "grey.png", GREY), size=1000)
    other = Density(save(tmp_path / ("other.tif" if mode == "CMYK" else "other.png"), GREY, mode), size=1000)
    assert torch.equal(other.load("train")[0], grey.load("train")[0])


@pytest.mark.parametrize("scale", [257, 200])
def test_the_depth_of_a_picture_does_not_matter(tmp_path: Path, scale: int) -> None:
    shallow = Density(save(tmp_path / "8.png", GREY), size=1000)
    deep = Density(save(tmp_path / "16.png", GREY.astype(np.uint16) * scale), size=1000)
    real = Density(save(tmp_path / "32.tif", GREY.astype(np.float32) / 255), size=1000)
    for other in (deep, real):
        assert (other.load("train")[0] - shallow.load("train")[0]).abs().max() < 1e-5
    folder = Density(str(Path(save(tmp_path / "both" / "8.png", GREY)).parent), size=1)
    assert folder.class_weights is None
    save(tmp_path / "both" / "16.png", GREY.astype(np.uint16) * 257)
    assert Density(str(tmp_path / "both")).class_weights == pytest.approx((0.5, 0.5))


def test_colours_and_transparency_are_weighed(tmp_path: Path) -> None:
    colours = [(255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255), (255, 255, 255, 51), (255, 255, 255, 0)]
    data = Density(save(tmp_path / "a.png", np.array([colours], np.uint8)))
    masses = data.density(torch.tensor([[0.1, 0.5], [0.3, 0.5], [0.5, 0.5], [0.7, 0.5], [0.9, 0.5]])) / 5
    torch.testing.assert_close(masses, torch.tensor([0.299, 0.587, 0.114, 0.2, 0]) / 1.2)


def test_a_rotation_noted_in_the_file_is_respected(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(np.array([[255], [0]], np.uint8)).save(tmp_path / "a.jpg", exif=exif, quality=100)
    data = Density(str(tmp_path / "a.jpg"))
    below, above = data.density(torch.tensor([[0.5, 0.2], [0.5, 0.8]]))
    assert below > above


def test_a_folder_has_a_class_per_picture_in_proportion_to_its_mass(tmp_path: Path) -> None:
    # The small picture is as bright as the others; its size says nothing about its mass.
    for name, brightness, side in (("c", 40, 8), ("a", 80, 2), ("b", 80, 8)):
        save(tmp_path / f"{name}.PNG", np.full((side, side), brightness, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden.png").write_text("not one either")
    data = Density(str(tmp_path), size=100_000)
    assert data.num_classes == 3 and data.class_names == ("a", "b", "c")
    assert data.class_weights == pytest.approx((0.4, 0.4, 0.2))
    x, y = data.load("train")
    assert y is not None and y.dtype == torch.int64 and y.shape == (100_000,)
    assert (y.bincount() / 100_000).tolist() == pytest.approx([0.4, 0.4, 0.2], abs=0.01)
    for k in range(3):
        assert (x[y == k].mean(0) - 0.5).abs().max() < 0.01


def test_points_of_a_class_come_from_its_picture() -> None:
    whole = Density("letters", size=20_000)
    x, y = whole.load("train")
    for k, file in enumerate(whole.files):
        alone = Density(str(file))
        assert alone.num_classes == 0 and alone.class_names is None and alone.class_weights is None
        assert alone.density(x[y == k]).min() > 0 and alone.density(x[y != k]).eq(0).float().mean() > 0.95


@pytest.mark.parametrize("path", sorted(entry.stem for entry in EXAMPLES.iterdir()))
def test_the_density_of_every_example_sums_to_one(path: str) -> None:
    data = Density(path, size=256)
    data.prepare()
    ticks = (torch.arange(256) + 0.5) / 256
    density = data.density(torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), dim=-1))
    assert density.shape == (256, 256) and density.dtype == torch.float32
    torch.testing.assert_close(density.mean(), torch.tensor(1.0))
    assert (data.num_classes > 1) == (EXAMPLES / path).is_dir()


def test_the_density_of_pictures_of_different_sizes_is_their_mixture(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.array([[255, 0]], np.uint8))
    save(tmp_path / "b.png", np.array([[0], [0], [255]], np.uint8))
    density = Density(str(tmp_path)).density(torch.tensor([[0.2, 0.2], [0.2, 0.8], [0.8, 0.2], [0.8, 0.8]]))
    torch.testing.assert_close(density * (1 / 2 + 1 / 3), torch.tensor([2.0, 1.0, 1.0, 0.0]))


def test_there_is_no_density_off_the_square(tmp_path: Path) -> None:
    data = Density(save(tmp_path / "a.png", np.full((3, 3), 9, np.uint8)))
    strays = [[-1e-6, 0.5], [0.5, 1.000001], [np.nan, 0.5], [0.5, -np.inf], [np.inf, np.inf]]
    assert data.density(torch.tensor(strays)).tolist() == [0.0] * 5
    assert data.density(torch.tensor([[0.0, 0.0], [1.0, 1.0]])).tolist() == [1.0, 1.0]


def test_a_level_bounds_the_smallest_region_that_holds_the_mass(tmp_path: Path) -> None:
    data = Density(save(tmp_path / "a.png", np.array([[10, 20, 30, 40]], np.uint8)))
    levels = {0.1: 1.6, 0.39: 1.6, 0.41: 1.2, 0.69: 1.2, 0.71: 0.8, 0.91: 0.4, 1.0: 0.4}
    assert {mass: data.level(mass) for mass in levels} == pytest.approx(levels)


def test_a_level_takes_in_pictures_of_different_sizes(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.array([[255, 0]], np.uint8))
    save(tmp_path / "b.png", np.array([[255, 0, 255]], np.uint8))
    # Brightness 2 up to 1/3, 1 up to 1/2, 0 up to 2/3, then 1: masses 4, 1, 0 and 2 sevenths.
    data = Density(str(tmp_path))
    assert [data.level(mass) * 7 / 6 for mass in (0.57, 0.58, 0.99)] == pytest.approx([2, 1, 1])


def test_paths_are_relative_to_the_working_directory_or_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(save(tmp_path / "mine" / "spiral.png", GREY))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("mine/spiral.png", "~/mine/spiral.png", str(path)):
        assert Density(name).files == (path,)
    path.rename(tmp_path / "spiral")
    assert Density("./spiral").files == (tmp_path / "spiral",)
    assert Density("spiral").files == (EXAMPLES / "spiral.png",)


def test_a_missing_path_is_refused_with_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with refused("data.path") as caught:
        Density("two_blob")
    assert str(caught.value.hint).startswith("did you mean data.path=two_blobs?")
    for path in ("nothing/like/it.png", "x" * 5000, "~nobody/a.png", "a\0b"):
        with refused("data.path") as caught:
            Density(path)
        assert "checkerboard, letters, moons" in str(caught.value)
    for nothing in ("", None, 5):
        with refused("data.path"):
            build({"_target_": "ganexp.data.Density", "path": nothing}, "data")


def test_a_folder_without_pictures_or_with_two_of_a_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with refused("data.path"):
        Density(str(tmp_path))
    save(tmp_path / "a.png", GREY)
    save(tmp_path / "a.jpg", GREY)
    with refused("data.path"):
        Density(str(tmp_path))


WHOLE = Image.fromarray(noise(64, 64))
BAD = {
    "empty.png": b"",
    "text.png": b"not a picture",
    "black.png": Image.new("L", (4, 4)),
    "black_in_colour.png": Image.new("RGB", (4, 4)),
    "transparent.png": Image.new("RGBA", (4, 4), (255, 255, 255, 0)),
    "negative.tif": Image.fromarray(np.array([[1.0, -1.0]], np.float32)),
    "nan.tif": Image.fromarray(np.array([[1.0, np.nan]], np.float32)),
    "torn.png": WHOLE,
}


@pytest.mark.parametrize("name", BAD)
def test_a_picture_without_a_density_is_refused_by_name(tmp_path: Path, name: str) -> None:
    bad, path = BAD[name], tmp_path / "folder" / name
    save(path.parent / "good.png", GREY)
    path.write_bytes(bad) if isinstance(bad, bytes) else bad.save(path)
    if name == "torn.png":
        path.write_bytes(path.read_bytes()[:1000])
    for given in (path, path.parent):
        with refused("data.path") as caught:
            Density(str(given)).prepare()
        assert name in str(caught.value)


@pytest.mark.skipif("GANEXP_DATA" not in os.environ, reason="needs the sample pictures")
@pytest.mark.parametrize("path", ["zig.jpg", "batman.jpg", "binary.jpg", "binary"])
def test_photographs_have_the_mass_that_they_show(path: str) -> None:
    data = Density(os.path.join(os.environ["GANEXP_DATA"], "density", path), size=1000)
    x, y = data.load("train")
    assert data.density(x).min() > 0
    assert (y is None) == (path != "binary")
    if y is not None:
        assert data.class_names == ("0", "1") and data.class_weights == pytest.approx((0.714, 0.286), abs=0.001)


def test_the_fingerprint_is_that_of_the_pictures_and_the_number_of_points(tmp_path: Path) -> None:
    values = noise(5, 4)
    paths = [save(tmp_path / "a.tif", values), save(tmp_path / "b.tif", values), save(tmp_path / "c.tif", 2 * values)]
    first, same, other = (Density(path).fingerprint for path in paths)
    assert first == same == Density(paths[0], batch_size=3).fingerprint
    assert len({first, other, Density(paths[0], size=9).fingerprint, Density(size=9).fingerprint}) == 4
