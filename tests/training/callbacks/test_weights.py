import pytest
import torch

from ganexp.training.train import train
from support.crashes import StopAt
from support.tiny import CONVOLUTIONS, TINY_IMAGES, TINY_RING


@pytest.mark.parametrize("overrides", [TINY_RING, (*TINY_IMAGES, "model=dcgan", *CONVOLUTIONS)])
def test_the_networks_are_saved_alone_and_load_into_bare_ones(trained, overrides):
    training = trained(*overrides, "schedule.ema_decay=0.9")
    model, folder = training.model, training.run.path / "weights"
    networks = {"generator": model.generator, "discriminator": model.discriminator, "generator_ema": model.average.module}
    assert {path.name for path in folder.iterdir()} == {f"{name}-00000006.pt" for name in networks}
    for name, network in networks.items():
        content = torch.load(folder / f"{name}-00000006.pt", weights_only=True)
        expected = {key: value.clone() for key, value in network.state_dict().items()}
        for parameter in network.parameters():
            parameter.data.zero_()
        network.load_state_dict(content, strict=True)
        assert all(torch.equal(value, expected[key]) for key, value in network.state_dict().items())


def test_without_an_average_there_are_two_networks(trained):
    training = trained(*TINY_RING, "schedule.ema_decay=null", "callbacks.weights.every=4")
    assert sorted(path.name for path in (training.run.path / "weights").iterdir()) == [
        "discriminator-00000004.pt", "discriminator-00000006.pt", "generator-00000004.pt", "generator-00000006.pt",
    ]  # fmt: skip


def test_a_stopped_run_saves_none_and_the_rest_of_it_does(ready):
    stopped = ready(*TINY_RING, "callbacks.checkpoints.every=1")
    stopped.trainer.callbacks.append(StopAt(3))
    with pytest.raises(RuntimeError):
        train(stopped, [])
    assert not (stopped.run.path / "weights").exists()
    train(ready(*TINY_RING), [])
    assert len(list((stopped.run.path / "weights").iterdir())) == 3


def test_what_is_saved_again_replaces_what_was_there(trained, ready):
    folder = trained(*TINY_RING, "callbacks.weights.every=3").run.path
    (folder / "weights/generator-00000006.pt").write_bytes(b"torn")
    for path in (folder / "checkpoints").iterdir():
        path.unlink()
    train(ready(*TINY_RING, "callbacks.weights.every=3"), [])
    assert torch.load(folder / "weights/generator-00000006.pt", weights_only=True)
    assert all(path.suffix == ".pt" for path in (folder / "weights").iterdir())
