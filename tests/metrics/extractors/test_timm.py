import pytest
import torch

from ganexp.metrics.extractors import Timm
from support.refused import refused
from support.stripes import stripes

timm = pytest.importorskip("timm")
safetensors = pytest.importorskip("safetensors.torch")
NAME, TRANSFORMER = "resnet10t", "vit_tiny_patch16_224"


def saved(name, tmp_path):
    """A file with the weights of a network that was not trained, and the network."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = timm.create_model(name).eval()
    torch.save(network.state_dict(), tmp_path / f"{name}.pth")
    return str(tmp_path / f"{name}.pth"), network


def images(channels=3, side=32):
    return torch.randint(0, 256, (2, channels, side, side), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


@pytest.mark.parametrize(("name", "size"), [(NAME, None), (NAME, 96), (TRANSFORMER, None)])
def test_features_are_those_before_the_last_layer(tmp_path, name, size):
    weights, network = saved(name, tmp_path)
    extractor = Timm(name, weights, size)
    before = torch.get_rng_state()
    extractor.prepare(stripes())
    assert torch.equal(torch.get_rng_state(), before)
    vectors, logits = extractor(images())
    config = timm.data.resolve_model_data_config(network)
    side = size or config["input_size"][1]
    mean, std = (torch.tensor(config[key]).view(3, 1, 1) for key in ("mean", "std"))
    large = torch.nn.functional.interpolate(images() / 255, (side, side), mode=config["interpolation"], antialias=True)
    with torch.no_grad():
        expected = network((large.clamp(0, 1) - mean) / std)
        torch.testing.assert_close(network.get_classifier()(vectors), expected)
    assert logits.shape == (2, 0)
    assert extractor.identity["name"] == name and extractor.identity["size"] == f"{side}x{side}"


def test_a_transformer_of_another_size_is_told_so(tmp_path):
    weights, _ = saved(TRANSFORMER, tmp_path)
    extractor = Timm(TRANSFORMER, weights, 64)
    extractor.prepare(stripes())
    assert extractor(images(1)).vectors.shape == (2, 192)


def test_grey_images_are_repeated(tmp_path):
    extractor = Timm(NAME, saved(NAME, tmp_path)[0], 64)
    extractor.prepare(stripes())
    grey = images(1, 28)
    assert torch.equal(extractor(grey).vectors, extractor(grey.repeat(1, 3, 1, 1)).vectors)


def test_what_is_not_there_is_refused(tmp_path):
    with refused("extractor.model"):
        Timm("resnet10tt").check(stripes())
    with refused("extractor.weights"):
        Timm(NAME, str(tmp_path / "none.pth")).check(stripes())
    (tmp_path / "other.pth").write_bytes(b"no weights")
    with refused("extractor.weights"):
        Timm(NAME, str(tmp_path / "other.pth")).prepare(stripes())


def test_weights_that_cannot_be_downloaded_are_refused_at_once(monkeypatch, tmp_path):
    def unreached(*_, **__):
        raise OSError("no connection")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", unreached)
    with refused("extractor") as caught:
        Timm("resnet10t.c3_in1k").prepare(stripes())
    assert "no connection" in str(caught.value)


def test_weights_that_were_downloaded_need_no_network(monkeypatch, tmp_path):
    snapshot = tmp_path / "models--timm--resnet10t.c3_in1k" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc")
    weights, network = saved(NAME, tmp_path)
    safetensors.save_file(network.state_dict(), snapshot / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", None)
    kept, given = Timm("resnet10t.c3_in1k"), Timm(NAME, weights)
    for extractor in (kept, given):
        extractor.prepare(stripes())
    assert kept.identity["hash"] == given.identity["hash"]
