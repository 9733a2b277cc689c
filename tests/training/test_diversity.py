import pytest
import torch

from ganexp.training.diversity import generated_distance, mean_distance, real_distance
from support.tiny import TINY_IMAGES, TINY_MLP


def test_mean_distance_is_that_of_the_two_halves():
    x = torch.randn(10, 1, 2, 3, generator=torch.Generator().manual_seed(0))
    assert float(mean_distance(x)) == pytest.approx(sum(float((x[i] - x[i + 5]).norm()) for i in range(5)) / 5)


def test_images_of_one_class_are_compared_where_the_generator_is_told_it(ready):
    training = ready(*TINY_IMAGES, "model=cgan", "network=mlp", *TINY_MLP)
    model = training.model
    assert generated_distance(model) > 0
    for network in (model.generator, model.average.module):
        first = next(network.parameters()).data
        first[:, : model.latent_dim] = 0  # one image per class: the classes differ, so the samples do
        first[:, model.latent_dim :] *= 30
    y = torch.arange(10)
    assert model.sample(model.sample_latent(10), y).std(0).mean() > 0.05
    assert generated_distance(model) == 0


def test_real_images_of_one_class_lie_closer_together(ready):
    data = ready(*TINY_IMAGES).model.data
    x, y = data.load("train")
    batches = type("Stream", (), {"x": x, "y": y, "decode": staticmethod(data.decode)})
    assert (
        0.5 * real_distance(batches, same_class=False) < real_distance(batches, same_class=True) < real_distance(batches, False)
    )
