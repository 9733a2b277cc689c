"""Path lengths against derivatives of single samples, their moving mean, and who has styles."""

import copy
import math

import pytest
import torch
from torch import nn

from ganexp.config.compose import compose
from ganexp.models.regularizers.path_length import PathLength
from ganexp.networks.stylegan2 import StyleGAN2Generator
from ganexp.training.components import build_components
from support.crashes import whole_and_resumed
from support.judging import judged_latents
from support.processes import in_two, measure_a_part
from support.refused import refused
from support.tiny import TINY, TINY_IMAGES


def critic(x, y):
    return x.flatten(1).sum(1)


def generator(**options):
    torch.manual_seed(0)
    return StyleGAN2Generator(5, (2, 8, 8), channels=3, style_dim=4, mapping_layers=1, **options).double().eval()


def given(network, count=6):
    z, y = torch.randn(count, 5, dtype=torch.double), torch.zeros(count, dtype=torch.int64)
    return judged_latents(critic, lambda z, y: network(z), z, y, lambda z, y: network.mapping(z), network)


def by_hand(network, z, random):
    """Differentiate each sample by each of its styles."""
    noise = torch.randn(len(z), 2, 8, 8, dtype=torch.double, generator=random)
    lengths = []
    for one, n in zip(z, noise, strict=True):
        w = [network.mapping(one[None])[:, 0].detach().requires_grad_() for _ in range(network.mapping.copies)]
        slopes = torch.autograd.grad((network.draw(torch.stack(w, 1)) * n).sum() / 8, w)
        lengths.append(math.sqrt(sum(float(slope.square().sum()) for slope in slopes) / len(w)))
    return torch.tensor(lengths, dtype=torch.double)


def test_the_term_is_that_of_single_samples():
    network = generator()
    judgement = given(network)
    penalty = PathLength(weight=3.0, decay=0.75).double()
    penalty.mean.fill_(0.5)
    penalty.random = torch.Generator().manual_seed(1)
    term = penalty(judgement)
    lengths = by_hand(network, judgement.fake.z[:3], torch.Generator().manual_seed(1))
    mean = 0.75 * 0.5 + 0.25 * lengths.mean()
    torch.testing.assert_close(term, 3 * (lengths - mean).square().mean(), rtol=1e-9, atol=1e-12)
    assert penalty.mean == 0.5, "the mean moves with the update"
    penalty.after_update(network, [judgement])
    torch.testing.assert_close(penalty.mean, mean, rtol=1e-9, atol=0)
    penalty.after_update(network, [judgement])
    torch.testing.assert_close(penalty.mean, mean, rtol=1e-9, atol=0)  # an update without a term


def test_its_gradient_is_that_of_the_weights():
    network = generator()
    judgement, penalty = given(network), PathLength().double()
    weight = network.layers[0].conv.weight

    def term():
        penalty.random = torch.Generator().manual_seed(2)
        return penalty(judgement)

    # The moving mean is no part of the graph: with a decay of 1 it is a constant.
    penalty.decay = 1.0
    (slope,) = torch.autograd.grad(term(), weight)
    step = 1e-5 * torch.randn_like(weight)
    with torch.no_grad():
        weight += step
    higher = term()
    with torch.no_grad():
        weight -= 2 * step
    torch.testing.assert_close((higher - term()).detach() / 2, (slope * step).sum(), rtol=1e-5, atol=0)


def test_micro_batches_are_one_batch():
    network, penalties = generator(), [PathLength(shrink=1).double() for _ in range(2)]
    judgement = given(network)
    z = judgement.fake.z
    parts = [copy.copy(judgement.fake) for _ in range(2)]
    for penalty in penalties:
        penalty.random = torch.Generator().manual_seed(3)
    penalties[0](judgement)
    for part, piece in zip(parts, z.tensor_split([2]), strict=True):
        part.z, part.y = piece, judgement.fake.y[: len(piece)]
        penalties[1](judged_latents(critic, lambda z, y: network(z), piece, part.y, judgement.styles, network))
    for penalty in penalties:
        penalty.after_update(network, [judgement])
    torch.testing.assert_close(*(penalty.mean for penalty in penalties), rtol=1e-9, atol=0)


def test_the_lengths_of_all_processes_have_one_mean(tmp_path):
    (own, mean), (others, same) = in_two(measure_a_part, tmp_path)
    assert own[1] == 2 and others[1] == 3
    torch.testing.assert_close(mean, 0.01 * (own + others)[0] / 5)
    assert torch.equal(mean, same)


def test_it_comes_with_styles_and_lasts(trained):
    overrides = (
        *TINY_IMAGES,
        "model=cgan",
        "network=stylegan2",
        "network.generator.channels=4",
        "network.generator.style_dim=4",
    )
    overrides += ("network.generator.mapping_layers=1", "network.discriminator.channels=4", "network.generator.mixing=0.9")
    lazy = ("penalty=r1", "+penalty@regularizers.path_length=path_length", "regularizers.path_length.every=2")
    model = trained(*overrides, *lazy, "schedule.micro_batches=2").model
    assert model.state_dict()["regularizers.path_length.mean"] > 0
    assert isinstance(model.generator, nn.Module)


@pytest.mark.parametrize("network", ["dcgan", "resnet"])
def test_networks_without_styles_are_refused(network):
    size = () if network == "dcgan" else ("data.size=32",)
    with refused("penalty", "network"):
        build_components(compose(*TINY, *TINY_IMAGES, *size, f"network={network}", "penalty=path_length"))


def test_what_remembers_and_moves_resumes_in_the_middle_exactly(ready):
    linear = "_target_:ganexp.models.schedules.Linear"
    overrides = (
        *TINY_IMAGES, "model=cgan", "network=stylegan2", "network.generator.channels=4", "network.generator.style_dim=4",
        "network.generator.mapping_layers=1", "network.generator.mixing=0.5", "network.discriminator.channels=4",
        "augmentation=ada", "augmentation.probability=0.2", "augmentation.images=1000", "augmentation.every=2",
        "penalty=r1", "penalty.every=3", "+penalty@regularizers.path_length=path_length", "regularizers.path_length.every=2",
        "schedule.lazy_terms=apart", "schedule.fakes_at_once=true",
        "schedule.d_steps=2", f"schedule.top_k={{{linear},initial:1.0,final:0.4}}", "callbacks.checkpoints.every=2",
        "trainer.max_iterations=4", "~callbacks.samples",
    )  # fmt: skip
    whole, resumed = whole_and_resumed(ready, *overrides, at=3)
    states = [dict(training.model.named_parameters()) | dict(training.model.named_buffers()) for training in (whole, resumed)]
    assert [name for name, value in states[0].items() if not torch.equal(value, states[1][name])] == []
    assert states[0]["augmentation.p"] not in (0.0, 0.2) and states[0]["regularizers.path_length.mean"] > 0
