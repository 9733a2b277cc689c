"""Arrays and tables of a user's own, whatever their layout and type."""

import numpy as np
import pytest
import torch

from ganexp.data import ArrayImages, Digits, PointFile
from support.refused import refused

BYTES = np.random.default_rng(0).integers(0, 256, (20, 6, 8, 3), dtype=np.uint8)


@pytest.fixture
def saved(tmp_path):
    """Return a function that saves arrays, and gives the file's name."""

    def save(**arrays: np.ndarray) -> str:
        np.savez(tmp_path / "a.npz", **arrays)
        return str(tmp_path / "a.npz")

    return save


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (BYTES, BYTES),
        (BYTES.transpose(0, 3, 1, 2), BYTES),
        (BYTES.astype(np.uint16) * 257, BYTES),
        (BYTES.astype(np.int64), BYTES),
        (BYTES.astype(np.float32) / 255, BYTES),
        (BYTES.astype(np.float64) / 127.5 - 1, BYTES),
        (BYTES[..., 0], BYTES[..., :1]),
        (BYTES[..., 0] > 127, (BYTES[..., :1] > 127) * np.uint8(255)),
    ],
    ids=["NHWC", "NCHW", "16 bits", "integers", "0 to 1", "-1 to 1", "NHW", "true or false"],
)
def test_images_of_any_layout_and_type_are_the_same_bytes(saved, array, expected):
    data = ArrayImages(saved(images=array), held_out=None)
    images, labels = data.load("train")
    assert labels is None and data.num_classes == 0
    assert images.dtype == torch.uint8 and data.shape == images.shape[1:]
    np.testing.assert_array_equal(images.numpy(), expected.transpose(0, 3, 1, 2))


def test_every_so_many_th_of_each_class_is_held_out(saved):
    data = ArrayImages(saved(x_train=BYTES, y_train=np.array(["cat", "ant"] * 10)), held_out=5)
    (images, labels), (test, test_labels) = data.load("train"), data.load("test")
    assert data.class_names == ("ant", "cat") and (len(images), len(test)) == (16, 4)
    assert labels.bincount().tolist() == [8, 8] and test_labels.bincount().tolist() == [2, 2]
    assert (data.found.train, data.found.held_out, data.found.classes) == (16, 4, {"ant": 8, "cat": 8})


def test_a_file_may_have_its_own_test_images(saved):
    file = saved(x_train=BYTES, y_train=np.eye(2)[np.arange(20) % 2], x_test=BYTES[:4], y_test=np.array([1, 1, 0, 1]))
    data = ArrayImages(file)
    assert data.load("test")[1].tolist() == [1, 1, 0, 1] and len(data.load("train")[0]) == 20


@pytest.mark.parametrize(
    ("arrays", "keys"),
    [
        ({"pictures": BYTES}, ("data.path",)),
        ({"images": BYTES.astype(np.float32)}, ("data.path",)),
        ({"images": np.full((4, 8, 8), np.nan)}, ("data.path",)),
        ({"images": BYTES, "labels": np.arange(3)}, ("data.path",)),
        ({"images": np.zeros((4, 3, 8, 3), np.uint8)}, ("data.layout",)),
        ({"images": np.zeros((4, 8, 8, 9), np.uint8)}, ("data.layout",)),
        ({"images": np.zeros((0, 8, 8), np.uint8)}, ("data.path", "data.layout")),
        ({"images": np.zeros(4)}, ("data.path", "data.layout")),
        ({"images": np.array([{}])}, ("data.path",)),
        ({"images": BYTES, "x_test": BYTES[:, :5]}, ("data.path",)),
        ({"images": BYTES, "labels": np.arange(20), "x_test": BYTES}, ("data.path",)),
        ({"images": BYTES, "labels": np.arange(20), "x_test": BYTES, "y_test": np.arange(1, 21)}, ("data.path",)),
    ],
)
def test_what_holds_no_images_is_refused(saved, arrays, keys):
    with refused(*keys):
        ArrayImages(saved(**arrays))


def test_limits_are_black_and_white_for_what_is_no_bytes(saved):
    for array in (np.array([-1000.0, 0, 1000, 3000, 9000, -2000]), np.array([-1000, 0, 1000, 3000, 9000, -2000], np.int16)):
        images = ArrayImages(saved(images=array.reshape(6, 1, 1)), held_out=None, limits=(-1000, 3000)).load("train")[0]
        assert images.flatten().tolist() == [0, 64, 128, 255, 255, 0]
    assert ArrayImages(saved(images=BYTES), limits=(0, 10), held_out=None).load("train")[0].max() == BYTES.max()
    for array, limits, keys in ((BYTES, (1, 0), "data.limits"), (np.full((4, 8, 8), np.nan), (0, 1), "data.path")):
        with refused(keys):
            ArrayImages(saved(images=array), limits=limits)


def test_images_are_cut_to_the_aspect_that_they_are_resized_to(saved):
    images = np.zeros((4, 20, 40), np.uint8)
    images[:, :, 10:30] = 200
    assert ArrayImages(saved(images=images), size=10).load("train")[0].unique().tolist() == [200]
    assert ArrayImages(saved(images=images), size=(8, 16)).load("train")[0].shape == (4, 1, 8, 16)


def test_many_channels_have_a_named_layout(saved):
    assert ArrayImages(saved(images=np.zeros((4, 8, 6, 9), np.uint8)), layout="NHWC").shape == (9, 8, 6)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"x,y\n1,2\n"])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with refused("data.path"):
        ArrayImages(str(tmp_path / "a.npz"))
    with refused("data.path"):
        ArrayImages(str(tmp_path / "nowhere.npz"))


def test_mirrored_images_stand_beside_the_others():
    plain, flipped = Digits(subset=5), Digits(subset=5, flip=True)
    (images, labels), (twice, both) = plain.load("train"), flipped.load("train")
    assert torch.equal(twice, torch.cat([images, images.flip(-1)])) and both.tolist() == labels.tolist() * 2
    assert torch.equal(plain.load("test")[0], flipped.load("test")[0])
    assert plain.fingerprint != flipped.fingerprint


TABLE = "x, y ,kind\n" + "".join(f"{i},{i / 2},{'ab'[i % 2]}\n" for i in range(40))


def test_points_are_read_from_a_table(tmp_path, saved):
    (tmp_path / "a.csv").write_text(TABLE)
    data = PointFile(str(tmp_path / "a.csv"), columns=("y", 0), labels="kind")
    (points, labels), (test, _) = data.load("train"), data.load("test")
    assert points.dtype == torch.float32 and points[1].tolist() == [0.5, 1.0]
    assert data.class_names == ("a", "b") and labels[:3].tolist() == [0, 1, 0] and (len(points), len(test)) == (36, 4)
    values = np.random.default_rng(0).normal(size=(30, 2))
    from_array = PointFile(saved(points=values, y=np.arange(30) % 3), held_out=None)
    torch.testing.assert_close(from_array.load("train")[0], torch.from_numpy(values).float())
    assert from_array.num_classes == 3
    np.save(tmp_path / "b.npy", values)
    assert PointFile(str(tmp_path / "b.npy")).num_classes == 0
    line = PointFile(str(tmp_path / "a.csv"), columns=("x",))
    assert line.shape == (1,) and line.load("train")[0][:2].tolist() == [[0.0], [1.0]]


@pytest.mark.parametrize(
    ("content", "options", "keys"),
    [
        ("", {}, ("data.path",)),
        ("1,2\n3\n", {}, ("data.path",)),
        ("1,2\n3,x\n", {}, ("data.path", "data.columns")),
        ("1,2\n3,nan\n", {}, ("data.path",)),
        ("x,y\n", {}, ("data.path",)),
        (TABLE, {"columns": ("x", "z")}, ("data.columns",)),
        (TABLE, {"columns": (0, 7)}, ("data.columns",)),
        (TABLE, {"labels": "sort"}, ("data.labels",)),
    ],
)
def test_what_holds_no_points_is_refused(tmp_path, content, options, keys):
    (tmp_path / "a.csv").write_text(content)
    with refused(*keys):
        PointFile(str(tmp_path / "a.csv"), **options)


def test_test_samples_may_be_in_a_file_of_their_own(tmp_path, saved):
    labels = np.array(["cat", "ant"] * 10)
    np.savez(tmp_path / "test.npz", images=BYTES[:3], labels=labels[:3])
    data = ArrayImages(saved(images=BYTES, labels=labels), test=str(tmp_path / "test.npz"))
    assert len(data.load("train")[0]) == 20 and data.load("test")[1].tolist() == [1, 0, 1]
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "b.csv").write_text("x,y,kind\n5,6,b\n")
    points = PointFile(str(tmp_path / "a.csv"), labels="kind", test=str(tmp_path / "b.csv"))
    (test, classes), (train, _) = points.load("test"), points.load("train")
    assert (test.tolist(), classes.tolist(), len(train)) == ([[5, 6]], [1], 40)
    (tmp_path / "b.csv").write_text("x,y,kind\n5,6,c\n")
    with refused("data.test"):
        PointFile(str(tmp_path / "a.csv"), labels="kind", test=str(tmp_path / "b.csv"))
    with refused("data.test"):
        ArrayImages(saved(images=BYTES), test=str(tmp_path / "test.npz"))
    with refused("data.test"):
        ArrayImages(saved(images=BYTES), test=str(tmp_path / "nowhere.npz"))
    np.savez(tmp_path / "odd.npz", images=BYTES[:3], labels=labels[:2])
    with refused("data.test"):
        ArrayImages(saved(images=BYTES), test=str(tmp_path / "odd.npz"))
