"""Two iterations of systems written in PyTorch and in TensorFlow 1 against plain PyTorch, made from their description alone.

Running statistics of batch norm are compared, too: the discriminator judges real samples, then fakes, then fakes again for the
generator; a generator in training mode moves them each time that it makes fakes.
"""

from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import Adadelta, Adam

from support.one_update import Reference, bce, from_map, play, to_map, with_label


def cifar():
    """G: 100 -> 4x4x256 -> 8x8x128 -> 16x16x64 -> 32x32x3; D: the way back; no bias anywhere."""

    def up(inputs, outputs, stride, padding):
        return nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False)

    def down(inputs, outputs):
        return nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)

    generator = nn.Sequential(
        nn.Unflatten(1, (100, 1, 1)), up(100, 256, 1, 0), nn.BatchNorm2d(256), nn.ReLU(),
        up(256, 128, 2, 1), nn.BatchNorm2d(128), nn.ReLU(), up(128, 64, 2, 1), nn.BatchNorm2d(64), nn.ReLU(),
        up(64, 3, 2, 1), nn.Tanh(),
    )  # fmt: skip
    last = nn.Conv2d(256, 1, 4, 1, 0, bias=False)
    return generator, nn.Sequential(*down(3, 64), *down(64, 128), *down(128, 256), last, nn.Flatten())


def paper():
    """Batch norm everywhere but at the images, and no biases that it would take away."""

    def up(inputs, outputs):
        return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()

    def down(inputs, outputs):
        return nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)

    generator = nn.Sequential(
        nn.Linear(100, 4 * 4 * 1024, bias=False), to_map(4), nn.BatchNorm2d(1024), nn.ReLU(),
        *up(1024, 512), *up(512, 256), *up(256, 128), nn.ConvTranspose2d(128, 3, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(3, 128, 4, 2, 1), nn.LeakyReLU(0.2), *down(128, 256), *down(256, 512), *down(512, 1024),
        from_map(), nn.Linear(4 * 4 * 1024, 1),
    )  # fmt: skip
    return generator, discriminator


def deep_perceptrons():
    """G: 100 -> 256 -> 512 -> 1024 -> 784, normalised after the activations; D: 784 -> 1024 -> 512 -> 256 -> 1."""

    def hidden(inputs, outputs):
        return nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)

    def normed(inputs, outputs):
        return *hidden(inputs, outputs), nn.BatchNorm1d(outputs, eps=1e-3, momentum=0.01)

    generator = nn.Sequential(
        *normed(100, 256), *normed(256, 512), *normed(512, 1024), nn.Dropout(0.5),
        nn.Linear(1024, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Flatten(), *hidden(784, 1024), *hidden(1024, 512), *hidden(512, 256), nn.Linear(256, 1)
    )  # fmt: skip
    return generator, discriminator


def points(classes=0):
    """One hidden layer in each: of 50 in G, of 100 in D."""
    generator = nn.Sequential(nn.Linear(2 + classes, 50), nn.LeakyReLU(0.1), nn.Linear(50, 2), nn.Sigmoid())
    return generator, nn.Sequential(nn.Linear(2 + classes, 100), nn.LeakyReLU(0.1), nn.Linear(100, 1))


def adam(d_beta=0.5):
    make = partial(Adam, lr=2e-4, eps=1e-8)
    return partial(make, betas=(d_beta, 0.999)), partial(make, betas=(0.5, 0.999))


def same_fakes(ref, batches, z, random):
    """One pass of G per iteration, judged by D before and after D moves."""
    ((real, _),) = batches
    fake = ref.g(next(z))
    ref.learn("d", adversarial=bce(ref.d(real), 1.0) + bce(ref.d(fake.detach()), 0.0))
    ref.step("d")
    ref.learn("g", adversarial=bce(ref.d(fake), 1.0))
    ref.step("g")


def fresh_fakes(ref, batches, z, random):
    """Each player learns from latents of its own."""
    ((real, _),) = batches
    ref.learn("d", adversarial=bce(ref.d(real), 1.0) + bce(ref.d(ref.g(next(z)).detach()), 0.0))
    ref.step("d")
    ref.learn("g", adversarial=bce(ref.d(ref.g(next(z))), 1.0))
    ref.step("g")


def evaluated_fakes(ref, batches, z, random):
    """D meets fakes of G in evaluation mode, that is, of its running statistics and without dropout; then G learns."""
    ((real, _),) = batches
    fake = ref.g.eval()(next(z)).detach()
    ref.learn("d", adversarial=bce(ref.d(real), 1.0) + bce(ref.d(fake), 0.0))
    ref.step("d")
    latents = next(z)
    torch.set_rng_state(next(random))  # so that dropout takes the same units
    ref.learn("g", adversarial=bce(ref.d(ref.g.train()(latents)), 1.0))
    ref.step("g")


def three_to_one(ref, batches, z, random, classes=0):
    """Three steps of D, each on points and latents of its own, then one of G; fakes have the classes of the real points."""

    def labelled(x, y):
        return with_label(x, y, classes) if classes else x

    assert len(batches) == 3
    for real, y in batches:
        fake = ref.g(labelled(next(z), y)).detach()
        ref.learn("d", adversarial=bce(ref.d(labelled(real, y)), 1.0) + bce(ref.d(labelled(fake, y)), 0.0))
        ref.step("d")
    fake = ref.g(labelled(next(z), y))
    ref.learn("g", adversarial=bce(ref.d(labelled(fake, y)), 1.0))
    ref.step("g")


ADADELTA = (partial(Adadelta, lr=1.0), partial(Adadelta, lr=1.0))
SMALL = ("data.batch_size=4",)
POINTS = ("data.batch_size=100", "data.size=1000")


@pytest.mark.parametrize(
    ("name", "small", "players", "optimizers", "iterate"),
    [
        ("cifar10_dcgan", SMALL, cifar, adam(), same_fakes),
        pytest.param("dcgan_64", ("data.batch_size=2",), paper, adam(), fresh_fakes, marks=pytest.mark.slow),
        ("mnist_gan_deep_mlp", ("data.subset=null", *SMALL), deep_perceptrons, adam(d_beta=0.1), evaluated_fakes),
        ("density_gan", POINTS, points, ADADELTA, three_to_one),
        ("density_cgan", POINTS, partial(points, classes=2), ADADELTA, partial(three_to_one, classes=2)),
    ],
)
def test_two_iterations_are_those_of_plain_pytorch(tmp_path, name, small, players, optimizers, iterate):
    played = play(tmp_path, name, *small)
    reference = Reference(played, *players(), optimizers)
    z, random = iter(played.z), iter(played.random)
    for batches in played.batches:
        iterate(reference, batches, z, random)
    assert next(z, None) is None, "more was drawn than is needed"
    reference.check(played)
