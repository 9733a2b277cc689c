from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from ganexp.data import LSUN, Data, HuggingFace, ImageFolder, Published

CONF = Path(__file__).parents[2] / "conf" / "data"


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def build(name: str, folder: Path) -> Data:
    config = OmegaConf.load(CONF / f"{name}.yaml")
    assert isinstance(config, DictConfig)
    config = config.get("data", config)
    if config._target_.endswith(HuggingFace.__name__):
        pytest.importorskip("datasets")
    if config._target_.endswith((ImageFolder.__name__, HuggingFace.__name__)):
        config.path = str(images(folder))
    if OmegaConf.is_missing(config, "path"):
        config.path = str(arrays(folder, (64, 64) if "layout" in config else (2,)))
    data = instantiate(config)
    if isinstance(data, Published | LSUN):
        pytest.skip("needs files")
    return data


def arrays(folder: Path, shape: tuple[int, ...]) -> Path:
    """Write 700 images or points of two classes."""
    values = np.random.default_rng(0).random((700, *shape)).astype(np.float32)
    np.savez(f"{folder}.npz", samples=values, labels=np.arange(700) % 2)
    return Path(f"{folder}.npz")


def images(folder: Path) -> Path:
    """Write 350 images of 2x2 pixels into each of two sub-folders."""
    for name in ("a", "b") if not folder.exists() else ():
        (folder / name).mkdir(parents=True)
        for index in range(350):
            (folder / name / f"{index}.ppm").write_bytes(b"P6 2 2 255\n" + bytes(range(index % 200, index % 200 + 12)))
    return folder


@pytest.mark.parametrize("name", sorted(path.stem for path in CONF.glob("*.yaml")))
def test_every_config_keeps_the_contract(name: str, tmp_path: Path) -> None:
    data = build(name, tmp_path / "images")
    data.prepare()
    splits = [data.load("train"), data.load("test")]
    for x, y in splits:
        assert x.shape[1:] == data.shape and x.dtype in (torch.uint8, torch.float32)
        decoded = data.decode(x[:100])
        assert decoded.dtype == torch.float32 and decoded.shape == (min(100, len(x)), *data.shape)
        if data.value_range is not None:
            low, high = data.value_range
            assert low <= decoded.min() and decoded.max() <= high
        if data.num_classes:
            assert y is not None and y.shape == x.shape[:1] and y.dtype == torch.int64
            assert y.unique().tolist() == list(range(data.num_classes))
        assert data.batch_size <= len(x)
    x, y = splits[0]
    again, y_again = build(name, tmp_path / "images").load("train")
    assert torch.equal(x, again) and (y is y_again is None or torch.equal(y, y_again))  # type: ignore[arg-type]
    assert len(x) != len(splits[1][0]) or not torch.equal(x, splits[1][0])


@pytest.mark.parametrize("name", sorted(path.stem for path in CONF.glob("*.yaml")))
def test_every_config_can_be_measured(name: str, tmp_path: Path) -> None:
    data, again = build(name, tmp_path / "images"), build(name, tmp_path / "images")
    for one in (data, again):
        one.prepare()
    raw = data.load("test")[0][:300]
    assert torch.equal(data.encode(data.decode(raw)), raw) and data.encode(data.decode(raw)).dtype == raw.dtype
    state = torch.get_rng_state()
    assert data.fingerprint == again.fingerprint and len(data.fingerprint) == 16
    assert torch.equal(torch.get_rng_state(), state)
    assert data.few >= 1000 and data.whole().fingerprint == data.fingerprint
    assert data.derived.is_absolute() and not data.derived.exists()


@pytest.mark.parametrize("name", sorted(path.stem for path in CONF.glob("*.yaml")))
def test_every_config_opens_with_a_comment(name: str) -> None:
    assert (CONF / f"{name}.yaml").read_text().startswith("# ")
