"""What else the named experiments are made of: noise, optimisers, loss, data, budget and traces."""

import pytest
import torch
from torch import nn
from torch.optim import Adadelta, Adam

from ganexp.config.compose import compose
from ganexp.models.losses import Minimax, NonSaturating
from ganexp.models.schedules import Constant
from ganexp.training.callbacks import Checkpoints, Samples, Weights
from support.one_update import play, whole

KERAS = {"betas": (0.9, 0.999), "eps": 1e-7}
TORCH = {"lr": 2e-4, "betas": (0.5, 0.999), "eps": 1e-8}

# Class and options of the discriminator's optimiser, then of the generator's.
OPTIMIZERS = {
    "mnist_dcgan_5x5": 2 * [(Adam, {"lr": 1e-4, **KERAS})],
    "mnist_gan_mlp": 2 * [(Adam, {"lr": 1e-3, **KERAS})],
    "mnist_dcgan_upsample": 2 * [(Adam, {"lr": 1e-3, **KERAS})],
    "mnist_ssgan": 2 * [(Adam, {"lr": 1e-3, **KERAS})],
    "mnist_cgan_class": 2 * [(Adam, {"lr": 1e-3, **KERAS})],
    "cifar10_dcgan": 2 * [(Adam, TORCH)],
    "dcgan_64": 2 * [(Adam, TORCH)],
    "mnist_gan_deep_mlp": [(Adam, {**TORCH, "betas": (0.1, 0.999)}), (Adam, TORCH)],
    "density_gan": 2 * [(Adadelta, {"lr": 1.0, "rho": 0.9, "eps": 1e-6})],
    "density_cgan": 2 * [(Adadelta, {"lr": 1.0, "rho": 0.9, "eps": 1e-6})],
}

# Length and distribution of z; batch, range and number of training samples; batches of an epoch, the last one smaller or left
# out. How many photographs of 64x64 there are is not said; whoever plays with few gives 500.
FEEDS = {
    "mnist_dcgan_5x5": (100, "normal", 256, (-1, 1), 60_000, 234 + 1),
    "mnist_gan_mlp": (100, "uniform", 64, (0, 1), 60_000, 937 + 1),
    "mnist_dcgan_upsample": (100, "uniform", 64, (0, 1), 60_000, 937 + 1),
    "mnist_ssgan": (100, "uniform", 64, (0, 1), 60_000, 937 + 1),
    "mnist_cgan_class": (100, "uniform", 64, (0, 1), 60_000, 937 + 1),
    "cifar10_dcgan": (100, "normal", 2048, (-1, 1), 50_000, 24 + 1),
    "dcgan_64": (100, "uniform", 128, (-1, 1), 500, 3),
    "mnist_gan_deep_mlp": (100, "uniform", 100, (0, 1), 55_000, 550),
    "density_gan": (2, "normal", 2000, (0, 1), 1_000_000, 500),
    "density_cgan": (2, "normal", 2000, (0, 1), 1_000_000, 500),
}

# In iterations; the others' is theirs to choose.
BUDGETS = {
    "mnist_dcgan_5x5": 50 * 235,  # 60,000 = 234 * 256 + 96
    "mnist_gan_mlp": 20_000,
    "mnist_dcgan_upsample": 10_000,
    "mnist_ssgan": 10_000,
    "mnist_cgan_class": 10_000,
    "mnist_gan_deep_mlp": 70 * 550,  # 55,000 = 550 * 100
    "density_gan": 2000,
    "density_cgan": 2000,
}

# Iterations between two pictures, two files of the networks, two checkpoints.
CADENCES = [
    ("mnist_dcgan_5x5", Samples, 235),  # an epoch
    ("mnist_dcgan_5x5", Weights, 25 * 235),
    ("mnist_gan_mlp", Samples, 100),
    ("mnist_dcgan_upsample", Samples, 100),
    ("cifar10_dcgan", Samples, 25),  # an epoch
    ("cifar10_dcgan", Weights, 2 * 25),
    ("mnist_gan_deep_mlp", Samples, 10 * 550),
    ("mnist_gan_deep_mlp", Checkpoints, 550),
    ("density_gan", Samples, 10),
    ("density_cgan", Samples, 10),
]


def callback(name, kind):
    (found,) = (callback for callback in whole(name).trainer.callbacks if isinstance(callback, kind))
    return found


def cadence(name, kind):
    training = whole(name)
    return callback(name, kind).cadence(training.model.total_iterations, training.data.iterations_per_epoch)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_player_has_its_optimiser_at_a_constant_rate(name):
    model = whole(name).model
    for optimizer, (kind, options) in zip(model.configure_optimizers(), OPTIMIZERS[name], strict=True):
        (group,) = optimizer.param_groups
        assert type(optimizer) is kind
        expected = {**options, "weight_decay": 0, "maximize": False}
        assert {key: tuple(group[key]) if key == "betas" else group[key] for key in expected} == expected
        assert not group.get("amsgrad", False)
    assert type(whole(name).game.lr_schedule) is Constant


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_loss_is_the_logistic_one_and_nothing_is_added(name):
    model = whole(name).model
    assert type(model.loss) is (Minimax if name == "mnist_ssgan" else NonSaturating)
    assert model.loss.label_smoothing == 0
    assert not model.regularizers and model.augmentation is None
    assert model.average is None and model.turns.gradient_clip is None and model.turns.micro_batches == 1
    assert not any("spectral" in type(module).__name__.lower() for module in model.modules())


@pytest.mark.parametrize("name", FEEDS)
def test_noise_is_that_of_the_description(name):
    latent_dim, distribution, *_ = FEEDS[name]
    z = whole(name).model.sample_latent(200_000 // latent_dim, torch.Generator().manual_seed(0))
    assert z.shape[1] == latent_dim
    assert abs(float(z.mean())) < 0.01
    if distribution == "uniform":
        assert -1 <= z.min() < -0.999 and 0.999 < z.max() <= 1
        assert float(z.var()) == pytest.approx(1 / 3, rel=0.02)
    else:
        assert float(z.var()) == pytest.approx(1, rel=0.02)
        assert float(z.pow(4).mean()) == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("name", FEEDS)
def test_batches_are_those_of_the_description(name):
    _, _, batch_size, value_range, number, batches = FEEDS[name]
    training = whole(name)
    data, d_steps = training.data.data, 3 if name.startswith("density") else 1
    assert (data.batch_size, data.value_range, training.model.turns.d_steps) == (batch_size, value_range, d_steps)
    assert len(data.load("train")[0]) == number
    assert training.data.iterations_per_epoch * d_steps == pytest.approx(batches)
    if len(data.shape) == 3:
        assert data.decode(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == list(value_range)


@pytest.mark.parametrize("name", BUDGETS)
def test_the_budget_is_that_of_the_description(name):
    assert whole(name).model.total_iterations == BUDGETS[name]


@pytest.mark.parametrize(("name", "kind", "iterations"), CADENCES)
def test_traces_are_left_as_often_as_described(name, kind, iterations):
    assert cadence(name, kind) == iterations


def test_what_the_first_system_saves_in_the_middle_can_be_resumed():
    assert 25 * 235 % cadence("mnist_dcgan_5x5", Checkpoints) == 0


@pytest.mark.parametrize(
    ("name", "columns", "images"), [("mnist_dcgan_5x5", 4, 16), ("cifar10_dcgan", 6, 36), ("mnist_gan_deep_mlp", 5, 5)]
)
def test_pictures_show_as_many_images_as_described(name, columns, images):
    samples = callback(name, Samples)
    assert (samples.columns, samples.count or samples.columns**2) == (columns, images)


def test_digits_are_shown_under_their_names():
    assert callback("mnist_cgan_class", Samples).layout == "titled"
    assert whole("mnist_cgan_class").model.label_names == tuple("0123456789")


@pytest.mark.parametrize(
    ("name", "value"), [("mnist_dcgan_5x5", "classes"), ("density_gan", "outside"), ("density_cgan", "outside")]
)
def test_a_run_measures_what_its_original_is_known_for(name, value):
    assert value in compose(f"experiment={name}")["metrics"]


def test_images_are_enlarged_to_64():
    assert whole("dcgan_64").model.data.shape == (3, 64, 64)


def test_every_epoch_has_an_order_of_its_own(tmp_path):
    played = play(tmp_path, "mnist_gan_mlp", "data.batch_size=16", iterations=4)
    first, second = (torch.cat([batch[0][0] for batch in played.batches[i : i + 2]]) for i in (0, 2))
    assert not torch.equal(first, second)
    assert torch.equal(first.flatten(1).sum(1).sort().values, second.flatten(1).sum(1).sort().values)


def test_labels_of_generated_digits_are_uniform():
    y = whole("mnist_cgan_class").model.sample_labels(20_000, torch.Generator().manual_seed(0))
    assert (y.bincount(minlength=10) / 2000 - 1).abs().max() < 0.1


def test_classes_of_generated_points_are_as_frequent_as_those_of_the_pictures():
    model = whole("density_cgan").model
    _, real = model.data.load("train")
    y = model.sample_labels(20_000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(y.bincount() / 20_000, real.bincount() / len(real), atol=0.02, rtol=0)


def test_a_point_is_judged_alone():
    for name in ("density_gan", "density_cgan"):
        discriminator = whole(name).model.discriminator
        assert not any(isinstance(module, nn.BatchNorm1d) for module in discriminator.modules())
        x = torch.rand(5, discriminator.layers[0].in_features)
        torch.testing.assert_close(discriminator(x)[2:3], discriminator(x[2:3]))
