r"""The nearest samples that a generator can make of given images: their latents, by optimisation.

Contract: for an image x, the latent z minimises :math:`\lVert G(z, y) - x \rVert^2`, averaged over the entries, as far as
    gradient descent finds it from the best of some random latents; the label y is that of the best one. The same seed gives the
    same latents.

References:
    Inverting the Generator of a Generative Adversarial Network (Creswell and Bharath, 2018), https://arxiv.org/abs/1611.05644
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.data import Images
from ganexp.data.decoding import Decoder, own_limit, reason_of
from ganexp.data.scan import scan, shown
from ganexp.models import GAN

TRIED = 256  # random latents, of which the best one begins
RATE = 0.05
LARGEST = 179.0  # megapixels of an image


@dataclass(frozen=True)
class Projection:
    """Images, and what is nearest to them, on the CPU.

    Attributes:
        names: The names of the images.
        images: The images with shape (N, *shape), in the data's range.
        z: Latents with shape (N, latent_dim).
        y: Labels: classes with shape (N,), or vectors with shape (N, label_size).
        distances: Root mean squares of the differences, with shape (N,), in units of the data's range.
    """

    names: list[str]
    images: Tensor
    z: Tensor
    y: Tensor
    distances: Tensor


def read_images(folder: str, data: Images) -> tuple[list[str], Tensor]:
    """Return the names of the images in a folder, and the images as those of the data, with shape (N, *shape).

    Raises:
        ConfigError: There are none, one cannot be read, or files have other channels than the data.
    """
    channels, height, width = data.shape
    if channels not in (1, 3, 4):
        raise ConfigError(f"images in files have no {channels} channels", "project", "data")
    path = user_path(folder).absolute()
    try:
        found = scan(path)
    except ConfigError as error:
        raise ConfigError(error.message, "project", hint=error.hint) from error
    names = sorted(name for part in (found.train, found.test or []) for group in part for name in group)
    decoder, raw = Decoder(channels, (width, height), None, LARGEST), []
    with own_limit():
        for name in names:
            made = decoder(path / name)
            if isinstance(made, Exception):
                raise ConfigError(f"{shown(path / name)} cannot be read: {reason_of(made)}", "project") from made
            raw.append(torch.from_numpy(made[0].copy()))
    return names, data.decode(torch.stack(raw))


def project(
    model: GAN,
    names: list[str],
    images: Tensor,
    labels: Tensor,
    iterations: int,
    generator: torch.Generator,
    batch_size: int = 64,
) -> Projection:
    """Find the latents whose samples are nearest to images.

    Arguments:
        model: The model, on any device.
        names: The names of the images.
        images: Images with shape (N, *shape), in the data's range.
        labels: Labels to choose from, with shape (M,) or (M, label_size).
        iterations: Steps of the optimiser.
        generator: Draws the latents that are tried first, on the CPU.
        batch_size: Images that are worked on at a time.
    """
    device = model.device
    tried = model.sample_latent(TRIED, generator)
    chosen = labels[torch.randint(len(labels), (TRIED,), generator=generator)].to(device)
    made = torch.cat([model.sample(z, y) for z, y in zip(tried.split(batch_size), chosen.split(batch_size), strict=True)])
    found = [_descend(model, part.to(device), tried, chosen, made, iterations) for part in images.split(batch_size)]
    z, y, distances = (torch.cat(parts) for parts in zip(*found, strict=True))
    return Projection(names, images, z, y, distances)


def _descend(
    model: GAN, images: Tensor, tried: Tensor, labels: Tensor, made: Tensor, iterations: int
) -> tuple[Tensor, Tensor, Tensor]:
    best = torch.cdist(images.flatten(1), made.flatten(1).to(images.dtype)).argmin(1)
    z, y = tried[best].clone().requires_grad_(True), labels[best]
    network = (model.generator if model.average is None else model.average.module).eval()
    optimizer = torch.optim.Adam([z], lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations)
    for _ in range(iterations):
        optimizer.zero_grad()
        # A sum over the images: each has its own latent, so they do not see each other.
        (model.generate(network, z, y) - images).square().flatten(1).mean(1).sum().backward()
        optimizer.step()
        schedule.step()
        if model.noise == "uniform":
            with torch.no_grad():
                z.clamp_(-1, 1)
    z = z.detach()
    apart = (model.sample(z, y) - images).square().flatten(1).mean(1).sqrt()
    return z.cpu(), y.cpu(), apart.cpu()


def check_projectable(model: GAN) -> Images:
    """Return the images that a model learnt.

    Raises:
        ConfigError: It learnt something else.
    """
    if not isinstance(model.data, Images):
        raise ConfigError("images are projected, and this run has points", "project", "data")
    return model.data
