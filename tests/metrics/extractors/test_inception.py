import pytest
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchmetrics.image.fid import NoTrainInceptionV3

from ganexp.config.errors import ConfigError
from ganexp.metrics.extractors import Inception, inception
from support.inception import untrained
from support.refused import refused
from support.stripes import stripes

LAYERS = ["2048", "logits_unbiased"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file with the weights of a network that was not trained."""
    return untrained(tmp_path_factory.mktemp("inception") / "weights.pth")


@pytest.fixture(scope="module")
def prepared(weights):
    extractor = Inception(str(weights))
    before = torch.get_rng_state()
    extractor.prepare(stripes())
    assert torch.equal(torch.get_rng_state(), before)
    return extractor


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Let torch's downloads be in a folder of the test's own, and return the path of the weights there."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints" / inception.URL.rpartition("/")[2]


def test_features_are_those_of_torch_fidelity_and_torchmetrics(prepared, weights):
    images = torch.randint(0, 256, (2, 3, 32, 32), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    vectors, logits = prepared(images)
    assert vectors.shape == (2, 2048) and logits.shape == (2, 1008)
    expected = FeatureExtractorInceptionV3("inception", LAYERS, str(weights))(images)
    torch.testing.assert_close((vectors, logits), tuple(expected))
    assert (vectors[0] - vectors[1]).norm() > 1e-2 * vectors.norm()
    # By default torchmetrics resizes otherwise.
    other = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(weights), antialias=False)(images)
    torch.testing.assert_close(vectors, other)


def test_grey_images_are_repeated(prepared):
    grey = torch.randint(0, 256, (1, 1, 28, 28), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    assert torch.equal(prepared(grey).vectors, prepared(grey.repeat(1, 3, 1, 1)).vectors)


def test_it_sees_only_bytes(prepared):
    with pytest.raises(TypeError, match="bytes"):
        prepared(torch.zeros(1, 3, 32, 32))


def test_the_hash_is_that_of_the_weights(prepared, weights, tmp_path):
    state = torch.load(weights)
    state["fc.bias"] += 1
    torch.save(state, tmp_path / "other.pth")
    other = Inception(str(tmp_path / "other.pth"))
    other.prepare(stripes())
    assert prepared.identity["name"] == other.identity["name"] == "inception"
    assert prepared.identity["hash"] != other.identity["hash"]
    assert prepared.identity.keys() == {"name", "hash"}


def test_weights_are_downloaded_once(hub, weights, monkeypatch, capsys, prepared):
    monkeypatch.setattr(inception, "URL", f"file://{weights.parent}/{hub.name}")
    (weights.parent / hub.name).unlink(missing_ok=True)
    (weights.parent / hub.name).symlink_to(weights)
    first = Inception()
    first.prepare(stripes())
    assert first.identity == prepared.identity and "downloading" in capsys.readouterr().err
    assert hub.read_bytes() == weights.read_bytes()
    (weights.parent / hub.name).unlink()
    Inception().prepare(stripes())
    assert capsys.readouterr().err == ""


def test_without_a_network_the_refusal_says_what_to_do(hub, monkeypatch):
    monkeypatch.setattr(inception, "URL", f"http://127.0.0.1:9/{hub.name}")
    with pytest.raises(ConfigError) as caught:
        Inception().prepare(stripes())
    assert str(hub) in caught.value.message and inception.URL in caught.value.message
    assert "extractor=auto" in caught.value.hint and caught.value.keys == ("extractor",)
    assert not hub.exists()


@pytest.mark.parametrize("content", ["garbage", "truncated", "other network", "code"])
def test_a_wrong_file_is_refused(tmp_path, weights, content):
    path = tmp_path / "weights.pth"
    if content == "garbage":
        path.write_bytes(b"<html>no such file</html>")
    elif content == "truncated":
        path.write_bytes(weights.read_bytes()[:100_000])
    elif content == "other network":
        torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    else:
        torch.save({"weights": Refused()}, path)
    with pytest.raises(ConfigError, match="does not hold the weights") as caught:
        Inception(str(path)).prepare(stripes())
    assert str(path) in caught.value.message and "extractor=auto" in caught.value.hint


class Refused:
    """What must not be unpickled."""

    def __reduce__(self):
        return pytest.fail, ("code of the file was run",)


def test_what_it_cannot_see_is_refused_before_any_work(tmp_path):
    Inception().check(stripes())
    Inception().check(stripes(shape=(3, 8, 8)))
    with refused("extractor", "data"):
        Inception().check(stripes(shape=(2, 8, 8)))
    with refused("extractor.weights"):
        Inception(str(tmp_path / "absent.pth")).check(stripes())
