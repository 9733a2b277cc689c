"""A function in two processes that share a group, as those of a run do."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from ganexp.models.augmentations.ada import ADA
from ganexp.models.regularizers.lecam import LeCam
from ganexp.models.regularizers.path_length import PathLength
from ganexp.networks.stylegan2 import StyleGAN2Generator
from support.judging import judged_latents, judgement

Work = Callable[[int], list[Tensor]]
"""Maps the number of a process, 0 or 1, to what it found."""


def in_two(work: Work, folder: Path) -> tuple[list[Tensor], list[Tensor]]:
    """Return what either process found; ``work`` is a function of a module."""
    spawn(_join, (work, folder), nprocs=2)
    first, second = (torch.load(folder / f"{rank}.pt") for rank in range(2))
    return first, second


def _join(rank: int, work: Work, folder: Path) -> None:
    torch.distributed.init_process_group("gloo", f"file://{folder / 'group'}", rank=rank, world_size=2)
    torch.save(work(rank), folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


# Work; each process has a part of the samples ---------------------------------------------------------------------------------


def judge_a_part(rank: int) -> list[Tensor]:
    """Return LeCam's means and its term."""
    real, fake = [([1.0, 5.0], [2.0, -4.0]), ([6.0], [0.0])][rank]
    part = judgement(lambda x, y: x.squeeze(1), torch.tensor(real)[:, None], torch.tensor(fake)[:, None])
    lecam = LeCam(start=0, decay=0.5)
    term = lecam(part)
    lecam.after_update(nn.Identity(), [part])
    return [lecam.anchors, term]


def measure_a_part(rank: int) -> list[Tensor]:
    """Return the sum and the number of a process's own path lengths, and the moving mean."""
    torch.manual_seed(rank)
    network = StyleGAN2Generator(5, (2, 8, 8), channels=3, style_dim=4, mapping_layers=1).eval()
    z, y = torch.randn(2 + rank, 5), torch.zeros(2 + rank, dtype=torch.int64)
    part = judged_latents(
        lambda x, y: x.flatten(1).sum(1), lambda z, y: network(z), z, y, lambda z, y: network.mapping(z), network
    )
    penalty = PathLength(shrink=1)
    penalty(part)
    own = penalty.lengths.clone()
    penalty.after_update(network, [part])
    return [own, penalty.mean]


def look_at_a_part(rank: int) -> list[Tensor]:
    """Return p and the sign of eight logits, of which six are positive in the first process, and three or two in the other."""
    found = []
    for target, positive in ((0.0, (6, 3)), (0.1, (6, 2))):
        ada = ADA(probability=0.5, target=target, images=160, every=1)
        seen = ada.look(torch.tensor([1.0] * positive[rank] + [-1.0] * (8 - positive[rank])))
        found += [ada.p, seen["augmentation/sign"]]
    return found
