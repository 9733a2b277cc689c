"""Judge trained runs by means of their own, beside ganexp's: ``python scripts/judge.py RUN [RUN ...]``.

Points are measured by NumPy alone. Images are seen by a second classifier, another network with another seed than ganexp's: it
learns from the training split here and is kept in ``--cache``. Real held-out samples are judged in the same way.
"""

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import ganexp

SEED = 20_260
FEATURES = 96


def main() -> None:
    """Print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--cache", type=Path, default=Path("outputs") / "judge")
    chosen = parser.parse_args()
    for run in chosen.runs:
        model = ganexp.load(run, accelerator="cpu")
        data = model.module.data
        judge = judge_points if len(data.shape) == 1 else judge_images
        values = judge(model, data, chosen.samples, chosen.cache)
        print(run, " ".join(f"{name}={value:.4g}" for name, value in values.items()), flush=True)


def judge_points(model: Any, data: Any, count: int, cache: Path) -> dict[str, float]:
    """Return high quality, spread, reverse KL and coverage, and what real points score by them."""
    made, labels = model.sample(count, seed=SEED), data.load("test")
    real = labels[0][:count].numpy().astype(np.float64)
    reference = data.load("train")[0][:2500].numpy().astype(np.float64)
    values: dict[str, float] = {}
    # In any part of them, there are samples of all classes.
    made = made[torch.randperm(count, generator=torch.Generator().manual_seed(SEED))]
    for prefix, points in (("", made.numpy().astype(np.float64)), ("real_", real)):
        found = {"coverage": _coverage(reference, points[:2500])}
        if hasattr(data, "centres"):
            found |= _modes(points, data.centres.numpy().astype(np.float64), float(data.sd))
        values |= {prefix + name: value for name, value in found.items()}
    return values


def _modes(points: np.ndarray, centres: np.ndarray, sd: float) -> dict[str, float]:
    away = np.linalg.norm(points[:, None] - centres[None], axis=2)
    nearest, good = away.argmin(1), away.min(1) < 3 * sd
    counts = np.bincount(nearest, minlength=len(centres))
    smooth = (counts + 1) / (counts.sum() + len(centres))
    deviations = [
        points[good & (nearest == k)] - points[good & (nearest == k)].mean(0)
        for k in range(len(centres))
        if (nearest[good] == k).any()
    ]
    variance = np.concatenate(deviations).var() if deviations else 0.0
    cut = 1 - 4.5 / math.expm1(4.5)  # of a Gaussian in the plane within three standard deviations
    return {
        "modes": float(sum((nearest[good] == k).any() for k in range(len(centres)))),
        "high_quality": float(good.mean()),
        "spread": math.sqrt(variance / cut) / sd,
        "reverse_kl": float(-np.log(smooth * len(centres)).mean()),
        "largest_error": float(np.abs(counts / counts.mean() - 1).max()),
    }


def _coverage(real: np.ndarray, points: np.ndarray) -> float:
    """Return the share of real points with a sample within the distance of their fifth real neighbour."""
    hits = 0
    for part in np.array_split(real, 10):
        own = np.sort(np.linalg.norm(part[:, None] - real[None], axis=2), axis=1)[:, 5]
        hits += int((np.linalg.norm(part[:, None] - points[None], axis=2).min(1) <= own).sum())
    return hits / len(real)


def judge_images(model: Any, data: Any, count: int, cache: Path) -> dict[str, float]:
    """Return the FID in the second classifier's features, its classes' divergence and accuracy, and those of real images."""
    classifier = _classifier(data, cache)
    made, labels = model.sample(count, seed=SEED), model.labels(count)
    train, test = (_see(classifier, data.decode(data.load(split)[0])) for split in ("train", "test"))
    seen = _see(classifier, made)
    held_out = data.load("test")[1]
    values = {"fid": _fid(seen[0], train[0]), "real_fid": _fid(test[0], train[0])}
    values["class_kl"] = _kl(seen[1], data.load("train")[1], data.num_classes)
    values["classes"] = float((seen[1].bincount(minlength=data.num_classes) > count / data.num_classes / 4).sum())
    if model.module.conditional:
        values["accuracy"] = float((seen[1] == labels).double().mean())
    values["real_accuracy"] = float((test[1] == held_out).double().mean())
    return values


def _classifier(data: Any, cache: Path) -> nn.Sequential:
    channels, size, _ = data.shape
    network = nn.Sequential(
        *(nn.Conv2d(channels, 24, 3, padding=1), nn.ELU(), nn.BatchNorm2d(24), nn.AvgPool2d(2)),
        *(nn.Conv2d(24, 48, 3, padding=1), nn.ELU(), nn.BatchNorm2d(48), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(48 * (size // 4) ** 2, FEATURES), nn.ELU(), nn.Dropout(0.3), nn.Linear(FEATURES, data.num_classes)),
    )
    file = cache / f"{type(data).__name__}.pt"
    if file.exists():
        network.load_state_dict(torch.load(file, weights_only=True))
        return network.eval()
    torch.manual_seed(SEED)
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            layer.reset_parameters()
    raw, y = data.load("train")
    epochs = max(2, min(60, 200_000 // len(raw)))
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    steps = epochs * (len(raw) // 128)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for chosen in torch.randperm(len(raw)).split(128)[: len(raw) // 128]:
            loss = nn.functional.cross_entropy(network(data.decode(raw[chosen])), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            decay.step()
    cache.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), file)
    return network.eval()


@torch.no_grad()
def _see(classifier: nn.Sequential, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return features (N, F) and classes (N,)."""
    parts = [(features := classifier[:-2](part), classifier[-1](features).argmax(1)) for part in images.split(500)]
    return torch.cat([part[0] for part in parts]).double(), torch.cat([part[1] for part in parts])


def _fid(one: Tensor, other: Tensor) -> float:
    means, covariances = [x.mean(0) for x in (one, other)], [torch.cov(x.T) for x in (one, other)]
    roots = torch.linalg.eigvals(covariances[0] @ covariances[1]).real.clamp(min=0).sqrt().sum()
    return float((means[0] - means[1]).square().sum() + covariances[0].trace() + covariances[1].trace() - 2 * roots)


def _kl(classes: Tensor, labels: Tensor, total: int) -> float:
    made, real = (x.bincount(minlength=total).double() / len(x) for x in (classes, labels))
    return float(torch.special.xlogy(made, made / real).sum())


if __name__ == "__main__":
    main()
