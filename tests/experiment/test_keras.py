"""Two iterations of systems written in Keras against plain PyTorch, made from their description alone.

In training mode batch norm takes the statistics of the batch and moves its running ones at every pass. These are compared, too:
the discriminator judges real samples, then fakes, then fakes again for the generator, which makes them twice.
"""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import Adam

from support.one_update import Apply, Reference, bce, from_map, play, to_map, with_label

KERAS_NORM = {"eps": 1e-3, "momentum": 0.01}
FAKE = 10


class Same(nn.Conv2d):
    """A convolution with TensorFlow's padding "same": an odd zero comes after the image."""

    def forward(self, x):
        (stride, _), (kernel, _), side = self.stride, self.kernel_size, x.shape[-1]
        zeros = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        first, last = zeros // 2, zeros - zeros // 2
        return super().forward(F.pad(x, (first, last, first, last)))


class SameTransposed(nn.ConvTranspose2d):
    """A transposed convolution with the padding "same": all of it, cut to the input's side times the stride."""

    def forward(self, x):
        whole, side = super().forward(x), x.shape[-1] * self.stride[0]
        first = (whole.shape[-1] - side) // 2
        return whole[..., first : first + side, first : first + side]


def strided():
    """G: 100 -> 7x7x128 -> 14x14x64 -> 28x28x1; D: 28x28x1 -> 14x14x64 -> 7x7x128 -> 4x4x256 -> 1."""
    slope = partial(nn.LeakyReLU, 0.3)
    generator = nn.Sequential(
        nn.Linear(100, 7 * 7 * 128, bias=False), slope(), to_map(7),
        SameTransposed(128, 64, 5, 2), slope(), SameTransposed(64, 1, 5, 2), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        Same(1, 64, 5, 2), slope(), Same(64, 128, 5, 2), slope(), Same(128, 256, 5, 2), slope(),
        from_map(), nn.Linear(4 * 4 * 256, 1),
    )  # fmt: skip
    return generator, discriminator


def perceptrons():
    """One hidden layer of 128 in each."""
    generator = nn.Sequential(
        nn.Linear(100, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))
    )  # fmt: skip
    return generator, nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 1))


def resampled(inputs=100, outputs=1):
    """G doubles the side by repeating pixels, D halves it by keeping the largest of each 2x2."""

    def vector(layer):
        return layer, nn.BatchNorm1d(layer.out_features, **KERAS_NORM), nn.LeakyReLU(0.3)

    def maps(layer):
        return layer, nn.BatchNorm2d(layer.out_channels, **KERAS_NORM), nn.LeakyReLU(0.3)

    def repeat():
        return Apply(lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3))

    generator = nn.Sequential(
        *vector(nn.Linear(inputs, 7 * 7 * 64)), to_map(7),
        repeat(), *maps(SameTransposed(64, 64, 3)), repeat(), SameTransposed(64, 1, 3), nn.Sigmoid(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        *maps(Same(1, 64, 3)), nn.MaxPool2d(2), *maps(Same(64, 64, 3)), nn.MaxPool2d(2),
        from_map(), *vector(nn.Linear(7 * 7 * 64, 128)), nn.Linear(128, outputs),
    )  # fmt: skip
    return generator, discriminator


def adam(lr):
    make = partial(Adam, lr=lr, betas=(0.9, 0.999), eps=1e-7)
    return make, make


def together(ref, real, labels, z, y):
    """Both losses come from the same fakes and the same weights; then both players move."""
    fake = ref.g(next(z))
    ref.learn("d", adversarial=bce(ref.d(real), 1.0) + bce(ref.d(fake), 0.0))
    ref.learn("g", adversarial=bce(ref.d(fake), 1.0))
    ref.step("d")
    ref.step("g")


def in_turns(ref, real, labels, z, y):
    """-log D(x) - log(1 - D(G(z))), then -log D(G(z)) with the same z."""
    latents = next(z)
    on_real, on_fake = ref.d(real).sigmoid(), ref.d(ref.g(latents)).sigmoid()
    ref.learn("d", adversarial=-on_real.log().mean() - (1 - on_fake).log().mean())
    ref.step("d")
    ref.learn("g", adversarial=-ref.d(ref.g(latents)).sigmoid().log().mean())
    ref.step("g")


def semi_supervised(ref, real, labels, z, y):
    """-log(1 - P(n|x)) - log P(n|G(z)) - log P(y|x), then log P(n|G(z))."""
    latents = next(z)
    on_real, on_fake = F.log_softmax(ref.d(real), 1), F.log_softmax(ref.d(ref.g(latents)), 1)
    adversarial = -(1 - on_real[:, FAKE].exp()).log().mean() - on_fake[:, FAKE].mean()
    ref.learn("d", adversarial=adversarial, **{"class": -on_real[torch.arange(len(labels)), labels].mean()})
    ref.step("d")
    ref.learn("g", adversarial=F.log_softmax(ref.d(ref.g(latents)), 1)[:, FAKE].mean())
    ref.step("g")


def by_class(ref, real, labels, z, y):
    """-log P(y|x) - log(1 - P(y'|G(z, y'))), then -log P(y'|G(z, y')) with the same z and y'."""
    fake_labels = next(y)
    latents, rows = with_label(next(z), fake_labels, 10), torch.arange(len(labels))
    on_real, on_fake = F.log_softmax(ref.d(real), 1), F.log_softmax(ref.d(ref.g(latents)), 1)
    ref.learn("d", adversarial=-on_real[rows, labels].mean() - (1 - on_fake[rows, fake_labels].exp()).log().mean())
    ref.step("d")
    ref.learn("g", adversarial=-F.log_softmax(ref.d(ref.g(latents)), 1)[rows, fake_labels].mean())
    ref.step("g")


@pytest.mark.parametrize(
    ("name", "players", "optimizers", "iterate"),
    [
        ("mnist_dcgan_5x5", strided, adam(1e-4), together),
        ("mnist_gan_mlp", perceptrons, adam(1e-3), in_turns),
        ("mnist_dcgan_upsample", resampled, adam(1e-3), in_turns),
        ("mnist_ssgan", partial(resampled, outputs=11), adam(1e-3), semi_supervised),
        ("mnist_cgan_class", partial(resampled, inputs=110, outputs=11), adam(1e-3), by_class),
    ],
)  # fmt: skip
def test_two_iterations_are_those_of_plain_pytorch(tmp_path, name, players, optimizers, iterate):
    played = play(tmp_path, name, "data.batch_size=4")
    reference = Reference(played, *players(), optimizers)
    z, y = iter(played.z), iter(played.y)
    for ((real, labels),) in played.batches:
        iterate(reference, real, labels, z, y)
    assert next(z, None) is None and next(y, None) is None, "more was drawn than is needed"
    reference.check(played)
