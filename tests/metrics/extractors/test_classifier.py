import os
import subprocess
import sys

import pytest
import torch

from ganexp.config.errors import ConfigError
from ganexp.data import MNIST, Digits
from ganexp.metrics.extractors import Classifier
from support.stripes import Made, stripes

pytestmark = pytest.mark.usefixtures("cache")


def prepared(data):
    classifier = Classifier()
    classifier.check(data)
    classifier.prepare(data)
    return classifier


def test_it_learns_the_classes_and_its_features_tell_them_apart():
    data = stripes()
    classifier, other = prepared(data), stripes(seed=1)
    vectors, logits = classifier(other.images)
    assert vectors.shape == (100, 128) and logits.shape == (100, 4)
    assert vectors.dtype == logits.dtype == torch.float32 and not vectors.requires_grad
    assert torch.equal(logits.argmax(1), other.labels)
    assert classifier.identity["test_accuracy"] == 1.0 and classifier.identity["name"] == "classifier"
    centres = torch.stack([vectors[other.labels == c].mean(0) for c in range(4)])
    assert torch.equal(torch.cdist(vectors, centres).argmin(1), other.labels)


@pytest.fixture
def threads():
    """Return a function that sets the number of torch's threads for this test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_training_is_deterministic_and_leaves_no_trace(cache, threads):
    data, identities = stripes(), []
    for count, name in enumerate(("first", "second"), start=1):
        cache(name)
        threads(count)
        torch.rand(3)  # another state each time
        before = torch.get_rng_state()
        with torch.inference_mode():  # as in an evaluation
            identities.append(prepared(data).identity)
        assert torch.equal(torch.get_rng_state(), before) and torch.get_num_threads() == count
        assert not torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.deterministic
    assert identities[0] == identities[1]


def test_the_hash_tells_networks_apart():
    assert prepared(stripes()).identity["hash"] != prepared(stripes(seed=1)).identity["hash"]


def test_a_second_one_reads_what_the_first_has_made(cache, capsys):
    data = stripes()
    first = prepared(data)
    assert [line[:8] for line in capsys.readouterr().err.splitlines()] == ["ganexp: "] * 2
    before = torch.get_rng_state()
    second = prepared(data)
    assert torch.equal(torch.get_rng_state(), before)
    assert capsys.readouterr().err == ""
    assert second.identity == first.identity
    assert all(torch.equal(a, b) for a, b in zip(first(data.images), second(data.images), strict=True))
    assert len(list(cache("cache").glob("classifier-*.pt"))) == 1


@pytest.mark.parametrize("damage", ["truncated", "garbage", "other weights"])
def test_a_damaged_file_is_made_anew(cache, capsys, damage):
    data = stripes()
    right = prepared(data).identity
    (path,) = cache("cache").glob("classifier-*.pt")
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "garbage":
        path.write_bytes(b"garbage")
    else:
        kept = torch.load(path)
        kept["state"]["head.bias"] += 1e-3
        torch.save(kept, path)
    capsys.readouterr()
    assert prepared(data).identity == right
    assert "training" in capsys.readouterr().err
    assert prepared(data).identity == right and capsys.readouterr().err == ""


def test_a_folder_that_cannot_be_written_costs_only_time(cache):
    right = prepared(stripes()).identity
    folder = cache("other")
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    assert prepared(stripes()).identity == right


def test_it_learns_from_the_whole_training_split():
    assert prepared(stripes(subset=20)).identity == prepared(stripes()).identity


def test_data_without_labels_is_refused():
    data = Made(stripes().images, None)
    for step in (Classifier().check, Classifier().prepare):
        with pytest.raises(ConfigError, match="learns from labels") as caught:
            step(data)
        assert caught.value.keys == ("extractor", "data") and "inception" in caught.value.hint


def test_it_sees_only_bytes_and_any_number_of_them():
    data = stripes()
    classifier = prepared(data)
    for images in (data.decode(data.images), data.images.int()):
        with pytest.raises(TypeError, match="bytes"):
            classifier(images)
    many = data.images.repeat(6, 1, 1, 1)[:501]
    vectors, logits = classifier(many)
    torch.testing.assert_close(vectors[-1:], classifier(many[-1:]).vectors)
    torch.testing.assert_close(logits[0], logits[400])
    none = classifier(many[:0])
    assert none.vectors.shape == (0, 128) and none.logits.shape == (0, 4)


@pytest.mark.parametrize(
    ("count", "classes", "shape"),
    [
        (50, 10, (1, 8, 8)),
        (50, 3, (3, 64, 64)),
        (40, 2, (3, 32, 32)),
        (30, 2, (1, 28, 20)),
        (9, 2, (2, 3, 5)),
        (1, 1, (1, 8, 8)),
        (20, 1, (1, 9, 9)),
    ],
)
def test_silly_data_does_no_harm(count, classes, shape):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, *shape), generator=generator).to(torch.uint8)
    labels = torch.arange(count) % max(classes - 1, 1)  # the last class has no image, unless it is the only one
    vectors, logits = prepared(Made(images, labels, classes))(images)
    assert vectors.shape == (count, 128) and logits.shape == (count, classes)
    assert vectors.isfinite().all() and logits.isfinite().all()


def test_constant_images_do_no_harm():
    images = torch.zeros(20, 1, 8, 8, dtype=torch.uint8)
    assert all(part.isfinite().all() for part in prepared(Made(images, torch.arange(20) % 2, 2))(images))


def test_channels_that_are_images_are_seen_one_by_one():
    layers = stripes()
    order = torch.randint(100, (50, 3), generator=torch.Generator().manual_seed(0))
    labels = layers.labels[order] @ torch.tensor([16, 4, 1])
    data = Made(layers.images[order].squeeze(2), labels, 64)
    data.layers = layers
    classifier, single = prepared(data), prepared(layers)
    assert classifier.identity == single.identity
    vectors, logits = classifier(data.images)
    assert vectors.shape == (50, 3 * 128) and logits.shape == (50, 64)
    torch.testing.assert_close(vectors[:, 128:256], single(layers.images[order[:, 1]]).vectors)
    assert torch.equal(logits.argmax(1), labels)
    torch.testing.assert_close(logits.exp().sum(1), torch.ones(50))
    last = logits.exp().view(50, 4, 4, 4).sum((1, 2))
    torch.testing.assert_close(last, single(layers.images[order[:, 2]]).logits.softmax(1))


def test_the_digits_are_told_apart():
    assert prepared(Digits()).identity["test_accuracy"] > 0.98


PREPARE = """
from ganexp.data import Digits
from ganexp.metrics.extractors import Classifier
classifier = Classifier()
classifier.prepare(Digits())
print(classifier.identity)
"""


@pytest.mark.slow
def test_processes_that_need_the_same_network_end_up_with_the_same(cache):
    command = [sys.executable, "-c", PREPARE]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ended = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ended
    assert ended[0][0] == ended[1][0] == f"{prepared(Digits()).identity}\n"
    assert sum("training" in errors for _, errors in ended) == 1


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("GANEXP_DATA"), reason="needs the files of MNIST")
def test_the_classifier_of_mnist_is_right_for_993_in_a_thousand(tmp_path):
    (tmp_path / "MNIST").symlink_to(os.path.join(os.environ["GANEXP_DATA"], "MNIST"))
    assert prepared(MNIST(str(tmp_path))).identity["test_accuracy"] >= 0.993
