"""Pixels of every kind as bytes, and what is said of them."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganexp.config.errors import ConfigError
from ganexp.data import ImageFolder
from support.image_files import save
from support.refused import refused


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def png(colour: int, channels: int, value: int, alpha: int = 65535) -> bytes:
    """Return a PNG of 8x8 pixels of 16 bits, of which Pillow writes grey ones only."""
    pixel = [value] * (channels - (colour in (4, 6))) + [alpha] * (colour in (4, 6))
    rows = b"".join(b"\0" + np.array(pixel * 8, ">u2").tobytes() for _ in range(8))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 16, colour, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def stored(values: Any, ending: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.asarray(values)).save(stream, ending, **options)
    return stream.getvalue()


def pgm(largest: int, value: int) -> bytes:
    return b"P5\n8 8\n%d\n" % largest + np.full(64, value, ">u2").tobytes()


def read(folder: Path, content: bytes, name: str, **options: Any) -> tuple[list[int], ImageFolder]:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    data = ImageFolder(str(folder), **{"size": 4, "colour": "grey", **options})
    data.prepare()
    return sorted(set(data.load("train")[0].flatten().tolist())), data


def full(value: int, kind: Any = np.uint16) -> np.ndarray:
    return np.full((8, 8), value, kind)


@pytest.mark.parametrize(
    ("name", "content", "bits"),
    [
        ("grey.png", stored(full(32896), "PNG"), 16),
        ("rgb.png", png(2, 3, 32896), 16),
        ("grey_alpha.png", png(4, 2, 32896), 16),
        ("rgb_alpha.png", png(6, 4, 32896), 16),
        ("grey.tif", stored(full(32896), "TIFF"), 16),
        ("long.tif", stored(full(1 << 30, np.int32), "TIFF"), 31),
        ("sixteen.pgm", pgm(65535, 32896), 16),
        ("twelve.pgm", pgm(4095, 2056), 16),  # Pillow brings it to 16 bits, by the largest value that it states
    ],
)
def test_more_than_eight_bits_are_scaled_as_the_file_says(tmp_path: Path, name: str, content: bytes, bits: int) -> None:
    values, data = read(tmp_path / "x", content, name)
    assert values == [128] and data.found.deep == {str(bits): 1}


def test_twelve_bits_in_sixteen_are_dark_and_said_to_be_so_and_white_with_limits(tmp_path: Path) -> None:
    content = stored(np.linspace(0, 4095, 64).astype(np.uint16).reshape(8, 8), "PNG")
    values, data = read(tmp_path / "x", content, "a.png", size=8)
    assert max(values) == 16 and data.found.brightest == {"16": 4095} and "data.limits=[0,4095]" in str(data.found)
    values, data = read(tmp_path / "x", content, "a.png", size=8, limits=(0, 4095))
    assert (min(values), max(values)) == (0, 255) and "data.limits=" not in str(data.found)
    assert "read from 0 to 4,095" in str(data.found)
    assert read(tmp_path / "x", content, "a.png", size=8, limits=(1000, 1001))[0] == [0, 255], "what is beyond is clipped"
    with refused("data.limits"):
        read(tmp_path / "x", content, "a.png", limits=(3, 3))


@pytest.mark.parametrize(("kind", "value"), [(np.float32, 0.0), (np.int32, -5)])
def test_limits_say_the_range_of_what_states_none(tmp_path: Path, kind: Any, value: float) -> None:
    values, data = read(tmp_path / "x", stored(full(0, kind) + kind(value), "TIFF"), "a.tif", limits=(value - 1, value + 1))
    assert values == [128] and sum(data.found.deep.values()) == 1


def test_images_have_any_aspect_and_may_keep_their_opacity(tmp_path: Path) -> None:
    pixels = np.zeros((40, 80, 4), np.uint8)
    pixels[:, 10:70] = (255, 0, 0, 255)  # what is left of 40x80 as 2x3
    content = stored(pixels, "PNG")
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.png").write_bytes(content)
    opaque, seen = (ImageFolder(str(tmp_path / "x"), size=(32, 48), colour=colour) for colour in ("rgb", "rgba"))
    assert (opaque.shape, seen.shape) == ((3, 32, 48), (4, 32, 48))
    for data, colour in ((opaque, [255, 0, 0]), (seen, [255, 0, 0, 255])):
        image = data.load("train")[0][0]
        assert [image[channel, 16, 24].item() for channel in range(len(image))] == colour
        inner = image[:, 2:-2, 2:-2].flatten(1)
        assert (inner == inner[:, :1]).all(), "nothing beside the part with that aspect is left"
    square = ImageFolder(str(tmp_path / "x"), size=8, colour="rgba")
    assert square.load("train")[0][0, 3].tolist() == [[255] * 8] * 8
    assert len({data.fingerprint for data in (opaque, seen, square)}) == 3


def test_limits_leave_eight_bits_as_they_are(tmp_path: Path) -> None:
    values, data = read(tmp_path / "x", stored(full(200, np.uint8), "PNG"), "a.png", limits=(0, 4095))
    assert values == [200] and data.found.deep == {}


@pytest.mark.parametrize(
    ("name", "content", "limits"),
    [
        ("float.tif", stored(full(0, np.float32) + 0.5, "TIFF"), None),
        ("nan.tif", stored(full(0, np.float32) + np.nan, "TIFF"), (0, 1)),
        ("rgb.png", png(2, 3, 2056), (0, 4095)),
        ("below.tif", stored(full(-5, np.int32), "TIFF"), None),
    ],
)
def test_a_range_that_nothing_states_is_refused(tmp_path: Path, name: str, content: bytes, limits: tuple | None) -> None:
    with refused("data.path"):
        read(tmp_path / "x", content, name, limits=limits)


def test_a_large_image_is_refused_with_the_option_that_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "x/a.png", 1, size=(3000, 1000), mode="1")
    save(tmp_path / "x/b.png", 1, size=(8, 8), mode="1")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow's own limit, which would refuse more than twice as many
    with refused("data.path", "data.largest") as caught:
        ImageFolder(str(tmp_path / "x"), largest=2.5).prepare()
    assert "data.largest=3" in str(caught.value) and "a.png" in str(caught.value) and "b.png" not in str(caught.value)
    assert Image.MAX_IMAGE_PIXELS == 1000
    data = ImageFolder(str(tmp_path / "x"), size=4, largest=3)
    data.prepare()
    assert len(data.load("train")[0]) == 2 and Image.MAX_IMAGE_PIXELS == 1000
    assert (data.found.smallest, data.found.largest) == ([8, 8], [3000, 1000])


def test_all_broken_files_are_named_up_to_a_few(tmp_path: Path) -> None:
    save(tmp_path / "x/good.png")
    for count, named in ((3, 3), (20, 5)):
        for index in range(count):
            (tmp_path / f"x/broken{index:02}.png").write_bytes(b"")
        with refused("data.path") as caught:
            ImageFolder(str(tmp_path / "x")).prepare()
        assert str(caught.value).count(".png") == named and "good" not in str(caught.value)


def test_a_format_that_another_program_would_read_is_no_image_whatever_its_ending(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")
    with refused("data.path"):
        ImageFolder(str(tmp_path / "x")).prepare()


def test_sizes_are_those_that_are_shown(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned
    (tmp_path / "x").mkdir()
    Image.new("RGB", (400, 200)).save(tmp_path / "x/large.jpg", exif=exif)  # which its decoder makes smaller
    Image.new("RGB", (20, 30)).save(tmp_path / "x/small.png", exif=exif)
    data = ImageFolder(str(tmp_path / "x"), size=8)
    data.prepare()
    assert (data.found.smallest, data.found.largest) == ([30, 20], [200, 400])


def test_what_was_found_is_one_line(tmp_path: Path) -> None:
    for index in range(10):
        save(tmp_path / f"x/cat/{index}.png", size=(9, 7))
    save(tmp_path / "x/dog/0.png", size=(30, 20))
    (tmp_path / "x/bird").mkdir()
    (tmp_path / "x/notes.txt").touch()
    data = ImageFolder(str(tmp_path / "x"), size=4, subset=5)
    assert data.found.smallest is None  # before anything is read
    data.prepare()
    found = ImageFolder(str(tmp_path / "x"), size=4, batch_size=3).found
    assert found == data.found and "\n" not in str(found)
    assert (found.images, found.train, found.held_out, found.classes) == (11, 10, 1, {"cat": 10, "dog": 1})
    for said in ("11 images", "cat 10", "dog 1", "9x7 to 30x20", "4x4", "bird (no images)", ".txt (1)"):
        assert said in str(found)


def test_a_disk_without_space_is_refused_before_anything_is_decoded(tmp_path: Path) -> None:
    save(tmp_path / "x/a.png")
    with pytest.raises(ConfigError) as caught:
        ImageFolder(str(tmp_path / "x"), size=30_000_000).prepare()
    assert caught.value.keys == ("data.size",)
