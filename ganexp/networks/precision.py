"""What stays in float32 while the rest of a network computes in half precision."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full(x: Tensor) -> Tensor:
    """Return half-precision values as float32, and others as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def mixed(x: Tensor) -> bool:
    """Return whether operations on the device of ``x`` compute in lower precision than they are given."""
    device = x.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def unmixed(x: Tensor) -> AbstractContextManager[object]:
    """Let operations on the device of ``x`` compute in the precision of what they are given, whatever autocast is on."""
    device = x.device.type
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()
