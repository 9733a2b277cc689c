r"""A small convolutional classifier of images, and how it is trained: seconds on one core of a CPU.

Contract: training is a function of images, labels and arguments alone, up to how a device rounds; it leaves every random state
and setting as it was. A trained network sees bytes, and its features have no negative values.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganexp.config.hardware import cpu_threads
from ganexp.metrics.extractors.base import Features

# Entries of a feature vector.
WIDTH = 128

# Sides in pixels between which the network works; larger images are averaged down first, smaller ones enlarged.
SMALLEST, LARGEST = 16, 32

# Images per step, fewer where there are few.
LARGEST_BATCH, SMALLEST_BATCH = 256, 32
LEARNING_RATE = 0.01
WEIGHT_DECAY = 0.01
SMOOTHING = 0.1

# Images from which the mean and standard deviation of each channel are taken.
STATISTICS = 10_000

# Images per forward pass without gradients.
CHUNK = 500


class ConvNet(nn.Module):
    """Three convolutions and two linear layers, with batch norm: logits of the classes from bytes.

    Arguments:
        shape: Shape (C, H, W) of an image.
        classes: Number of classes.
    """

    mean: Tensor
    sd: Tensor

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels, *sides = shape
        self.sides = [min(max(side, SMALLEST), LARGEST) for side in sides]
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("sd", torch.ones(channels, 1, 1))
        pixels = math.prod((side + 1) // 8 for side in self.sides)
        # Pooling comes before batch norm: a quarter of the cost, the same accuracy.
        self.features = nn.Sequential(
            nn.Conv2d(channels, 16, 5, 2, 2, bias=False),
            *_activation(nn.BatchNorm2d(16)),
            nn.Conv2d(16, 32, 3, 1, 1, bias=False),
            nn.MaxPool2d(2),
            *_activation(nn.BatchNorm2d(32)),
            nn.Conv2d(32, 64, 3, 1, 1, bias=False),
            nn.MaxPool2d(2),
            *_activation(nn.BatchNorm2d(64)),
            nn.Flatten(),
            nn.Linear(64 * pixels, WIDTH, bias=False),
            *_activation(nn.BatchNorm1d(WIDTH)),
        )
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, images: Tensor) -> Features:
        """Return the features of bytes with shape (N, C, H, W)."""
        x = (images.float() - self.mean) / self.sd
        if list(x.shape[2:]) != self.sides:
            x = F.interpolate(x, self.sides, mode="area")
        vectors = self.features(x.contiguous(memory_format=torch.channels_last))
        return Features(vectors, self.head(vectors))

    @torch.no_grad()
    def see(self, images: Tensor) -> Features:
        """Return the features of bytes with shape (N, C, H, W), in pieces, for any N; for a network in evaluation mode."""
        return Features.concatenate([self(part) for part in images.split(CHUNK)])


def _activation(norm: nn.Module) -> tuple[nn.Module, nn.Module]:
    return norm, nn.ReLU(inplace=True)


def train(images: Tensor, labels: Tensor, classes: int, seen: int, seed: int = 0) -> ConvNet:
    """Train a network, on a GPU if there is one, else on the CPU, where it ends up.

    AdamW with one cycle of the learning rate, smoothed labels, and images shifted by up to a 14th of their side.

    References:
        Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates (Smith & Topin, 2018)
        https://arxiv.org/abs/1708.07120
        Rethinking the Inception Architecture for Computer Vision (Szegedy et al., 2016), for the smoothed labels
        https://arxiv.org/abs/1512.00567

    Arguments:
        images: Bytes with shape (N, C, H, W), at least one, on the CPU.
        labels: Their classes (int64, (N,)).
        classes: Number of classes; some may have no image.
        seen: Images that the network sees, repetitions counted.
        seed: Of the weights, the order of the images and their shifts.

    Returns:
        The network, in evaluation mode.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = torch.Generator().manual_seed(seed)
    size = min(max(len(images) // 16, SMALLEST_BATCH), LARGEST_BATCH)
    steps = max(seen // size, 1)
    with (
        torch.random.fork_rng(devices=[]),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
        cpu_threads(1),  # more would change how sums are rounded, and wait for each other where it is busy
    ):
        # torch.manual_seed would seed the GPUs as well.
        torch.default_generator.manual_seed(seed)
        network = ConvNet(tuple(images.shape[1:]), classes)
        some = images[:: max(len(images) // STATISTICS, 1)].float()
        network.mean.copy_(some.mean((0, 2, 3))[:, None, None])
        network.sd.copy_(some.std((0, 2, 3), correction=0).clamp_min(1)[:, None, None])
        network = network.to(device).to(memory_format=torch.channels_last).train()
        optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps + 1, pct_start=0.25)
        order = torch.empty(0, dtype=torch.int64)
        for _ in range(steps):
            while len(order) < size:
                order = torch.cat([order, torch.randperm(len(images), generator=generator)])
            batch, order = order[:size], order[size:]
            x = _shift(images[batch], generator).to(device)
            loss = F.cross_entropy(network(x).logits, labels[batch].to(device), label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.requires_grad_(False).eval().cpu()


def accuracy(network: ConvNet, images: Tensor, labels: Tensor) -> float:
    """Return the share of images (uint8, (N, C, H, W)) whose label (int64, (N,)) has the largest logit."""
    return float((network.see(images).logits.argmax(1) == labels).double().mean())


def _shift(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift every image by its own random number of pixels; its edges are repeated where it leaves."""
    indices = []
    for side in images.shape[2:]:
        most = side // 14
        offsets = torch.randint(-most, most + 1, (len(images), 1), generator=generator)
        indices.append((torch.arange(side) + offsets).clamp(0, side - 1))
    rows, columns = indices
    return images[torch.arange(len(images))[:, None, None], :, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)
