"""What is drawn for one purpose never shifts what is drawn for another."""

import pytest
import torch

from ganexp.models.streams import NAMES, SHARED, Streams, own
from support.crashes import whole_and_resumed
from support.tiny import TINY_RING

CPU = torch.device("cpu")


def draws(streams: Streams) -> dict[str, float]:
    return {name: float(torch.rand((), generator=streams[name])) for name in NAMES}


def test_streams_are_functions_of_seed_name_and_process():
    first = draws(Streams(3, CPU))
    assert draws(Streams(3, CPU)) == first
    assert len(set(first.values()) | set(draws(Streams(4, CPU)).values())) == 2 * len(NAMES)
    other = draws(Streams(3, CPU, rank=1))
    assert {name for name in NAMES if other[name] == first[name]} == set(SHARED)


def test_a_stream_continues_where_it_stood():
    streams, again = Streams(0, CPU), Streams(0, CPU)
    draws(streams)
    states = streams.state_dict()
    expected = draws(streams)
    again.load_state_dict(states)
    assert draws(again) == expected


def test_drawing_weights_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    with own("weights of something"):
        torch.rand(10)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    "override", ["network.discriminator.widths=[16,16]", "network.discriminator.dropout=0.5", "penalty=gradient"]
)
def test_what_the_discriminator_is_or_obeys_shifts_neither_the_generators_weights_nor_the_latents(ready, override):
    drawn = []
    for folder, overrides in (("plain", ()), ("other", (override,))):
        training = ready(*TINY_RING, "loss=hinge", "penalty=none", *overrides, folder=folder)
        weights = [parameter.clone() for parameter in training.model.generator.parameters()]
        training.trainer.fit(training.model, datamodule=training.data)
        drawn.append([*weights, training.model.sample_latent(5, training.model.streams["latents"])])
    assert all(map(torch.equal, *drawn))


def test_random_regularizers_and_augmentations_resume_exactly(ready):
    overrides = (
        "data=digits", "data.batch_size=16", "metrics=none", "network.generator.widths=[8]", "network.discriminator.widths=[8]",
        "loss=wgan_gp", "schedule.d_steps=2", "augmentation=diffaugment", "callbacks.checkpoints.every=2",
        "network.discriminator.dropout=0.2",
    )  # fmt: skip
    whole, resumed = whole_and_resumed(ready, *overrides, at=3)
    assert all(map(torch.equal, whole.model.parameters(), resumed.model.parameters()))
