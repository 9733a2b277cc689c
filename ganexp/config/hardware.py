"""Check the hardware before Lightning is imported, so that a missing GPU is refused at once; limit the threads of the CPU."""

import os
import platform
import re
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ganexp.config.errors import ConfigError

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")
PRECISIONS = ("32-true", "32", "bf16-mixed", "bf16", "16-mixed", "16", "64-true", "64")

_TRIAL = 2  # processes that any machine can run, to try out what several do
# Variables by which those who start processes on several machines tell each where the others are.
_CLUSTERS = ("MASTER_ADDR", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "LSB_DJOB_RANKFILE", "KUBERNETES_PORT")


def check_hardware(trainer: Mapping[str, Any]) -> None:
    """Refuse a ``trainer`` node that this machine cannot run.

    Raises:
        ConfigError: Accelerator, number of devices or precision are not available on this machine.
    """
    accelerator, precision = str(trainer.get("accelerator", "auto")), str(trainer.get("precision", "32-true"))
    cuda, mps = torch.cuda.device_count() if torch.cuda.is_available() else 0, torch.backends.mps.is_available()
    if accelerator not in ACCELERATORS:
        raise ConfigError("unknown accelerator", "trainer.accelerator", hint=f"choices: {', '.join(ACCELERATORS)}")
    absent = {"gpu": not (cuda or mps), "cuda": not cuda, "mps": not mps}
    if absent.get(accelerator, False):
        built = "" if torch.version.cuda or accelerator == "mps" else ", and was built without CUDA"
        raise ConfigError(
            f"not available: torch {torch.__version__} finds no such device{built}",
            "trainer.accelerator",
            hint="use trainer.accelerator=auto or trainer.accelerator=cpu",
        )
    _check_devices(trainer.get("devices", 1), cuda if accelerator in ("auto", "gpu", "cuda") else 0)
    _check_nodes(trainer.get("num_nodes", 1))
    if precision not in PRECISIONS:
        raise ConfigError("unknown precision", "trainer.precision", hint=f"choices: {', '.join(PRECISIONS)}")
    if precision.startswith("16") and (accelerator == "cpu" or not (cuda or mps)):
        raise ConfigError("half precision needs a GPU", "trainer.precision", hint="use trainer.precision=bf16-mixed on a CPU")
    strategy = trainer.get("strategy", "auto")
    if isinstance(strategy, str) and strategy != "auto" and not strategy.startswith("ddp"):
        raise ConfigError(
            "a model with two optimisers is trained with auto or ddp",
            "trainer.strategy",
            hint="use trainer.strategy=ddp",
        )


def check_compiler() -> None:
    """Refuse a machine on which torch cannot compile: it makes C++, and needs a compiler and the headers of Python.

    Raises:
        ConfigError: There is no compiler, or there are no headers.
    """
    named = os.environ.get("CXX") or {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")
    if shutil.which(shlex.split(named)[0]) is None:
        hint = "install one, name it by the variable CXX, or use trainer.compile=false"
        raise ConfigError(f"torch compiles with {named}, which this machine has not", "trainer.compile", hint=hint)
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        hint = "install them, often a package python3-dev, or use trainer.compile=false"
        raise ConfigError("torch compiles with the headers of Python, which this machine has not", "trainer.compile", hint=hint)


@contextmanager
def cpu_threads(number: int | None) -> Iterator[None]:
    """Let torch use so many threads of the CPU; None: as many as it would, ``OMP_NUM_THREADS`` or all cores."""
    before = torch.get_num_threads()
    if number is not None:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _check_devices(devices: Any, gpus: int) -> None:
    if isinstance(devices, str) and re.fullmatch(
        r"[\d,]*\d[\d,]*", devices
    ):  # as Lightning reads it: "2" is a number, "0,2" are indices
        devices = [int(index) for index in devices.split(",") if index] if "," in devices else int(devices)
    indices = devices if isinstance(devices, list) else []
    if not (devices == "auto" or type(devices) is int or (indices and all(type(index) is int for index in indices))):
        raise ConfigError("should be a number, a list of indices, or auto", "trainer.devices")
    if type(devices) is int and (devices == 0 or devices < -1):
        raise ConfigError("the number of devices is 1 or more, or -1 for all", "trainer.devices")
    wanted = devices if type(devices) is int else max(indices, default=0) + 1
    if gpus and wanted > gpus:
        raise ConfigError(f"this machine has {gpus} GPU{'s' * (gpus > 1)}", "trainer.devices", hint=f"at most {gpus}")
    most = max(_cores(), _TRIAL)
    if not gpus and wanted > most:
        text = f"each device is a process, and this machine has {_cores()} cores"
        raise ConfigError(text, "trainer.devices", hint=f"at most {most}")


def _check_nodes(nodes: Any) -> None:
    """Refuse machines for which the first one would wait, and never find them."""
    if type(nodes) is not int or nodes < 1:
        raise ConfigError("the number of machines is 1 or more", "trainer.num_nodes")
    if nodes > 1 and not any(name in os.environ for name in _CLUSTERS):
        hint = "start the processes by torchrun, MPI or your cluster"
        raise ConfigError("nothing says where the other machines are", "trainer.num_nodes", hint=hint)


def _cores() -> int:
    """Return the processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe_hardware(device: torch.device) -> str:
    """Return the device's name as its maker writes it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({platform.processor() or platform.machine()}, {torch.get_num_threads()} threads)"
