"""The device of the tests that are marked ``gpu``: the machine's GPU, or what GANEXP_DEVICE says."""

import os

import pytest
import torch

from ganexp.config.hardware import check_hardware


@pytest.fixture
def device() -> str:
    """Return the accelerator to train on: ``gpu``, or ``cpu`` where GANEXP_DEVICE=cpu; without a GPU, the test is skipped."""
    asked = os.environ.get("GANEXP_DEVICE", "gpu")
    if asked == "gpu" and not torch.cuda.is_available():
        pytest.skip("there is no GPU (GANEXP_DEVICE=cpu runs these tests at a tiny size)")
    check_hardware({"accelerator": asked})
    return asked


@pytest.fixture
def anywhere() -> str:
    """Return the accelerator of the few tests that are cheap enough to run on the CPU where there is no GPU."""
    return os.environ.get("GANEXP_DEVICE", "gpu" if torch.cuda.is_available() else "cpu")
