"""The memory that a run needs at least, and the memory that there is: what cannot fit is refused before any work is done.

Contract: needs are lower bounds, so that nothing is refused that could run; what is available is the least of what the machine,
the control groups of the process (as of a container or a cluster's job) and its limits leave.
"""

import os
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path

from ganexp.config.errors import ConfigError

_ROOT = Path("/")


def check_memory(needs: Mapping[str, tuple[int, str]], available: int | None = None, where: str = "memory") -> None:
    """Refuse what needs more memory than there is.

    Arguments:
        needs: By the option that is to blame: at least so many bytes, and what for.
        available: Bytes that there are; by default what this process may still take.
        where: What it would be taken from.

    Raises:
        ConfigError: The sum is larger.
    """
    there = available_memory() if available is None else available
    total = sum(count for count, _ in needs.values())
    if there is None or total <= there:
        return
    parts = ", ".join(f"{_size(count)} for {what}" for count, what in needs.values() if count > total // 100)
    keys = [key for key, (count, _) in needs.items() if count > total // 4]
    message = f"this needs at least {_size(total)} of {where}, and {_size(there)} are available: {parts}"
    raise ConfigError(message, *keys, hint="use smaller values, or a machine with more memory")


def available_memory(root: Path = _ROOT) -> int | None:
    """Return how many bytes this process may still take; None where the system does not say.

    Arguments:
        root: The folder in which `proc` and `sys` are.
    """
    found = [*_machine(root), *_groups(root), *_limits(root)]
    return max(0, min(found)) if found else None


def _machine(root: Path) -> Iterator[int]:
    lines = (line.split() for line in _read(root / "proc/meminfo").splitlines())
    free = {line[0]: int(line[1]) * 1024 for line in lines if line[0] in ("MemAvailable:", "SwapFree:")}
    if "MemAvailable:" in free:
        yield sum(free.values())
    elif root == _ROOT and "SC_PHYS_PAGES" in os.sysconf_names:
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _groups(root: Path) -> Iterator[int]:
    """Yield what is left of the limit of each control group that the process is in, of version 2 or 1."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        base, most, used, cached = (
            (root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")
            if not controllers
            else (root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )
        group = base / path.strip("/")
        # In a container, the path may be that of the host, and the group the root.
        for folder in (group, *group.parents[: len(group.parts) - len(base.parts)]) if group.is_dir() else (base,):
            limit, taken = _read(folder / most).strip(), _read(folder / used).strip()
            if limit.isdecimal() and taken.isdecimal():
                statistics = dict(line.split() for line in _read(folder / "memory.stat").splitlines())
                yield int(limit) - int(taken) + int(statistics.get(cached, 0))  # cached files make room


def _limits(root: Path) -> Iterator[int]:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = _read(root / "proc/self/statm").split()
    if limit != resource.RLIM_INFINITY and pages:
        yield limit - int(pages[0]) * resource.getpagesize()


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, ValueError):  # no such system, or nobody's business
        return ""


def _size(count: int) -> str:
    size = float(count)
    for unit in ("MB", "GB", "TB"):
        size /= 1000 if unit != "MB" else 1e6
        if size < 1000:
            break
    return f"{size:,.3g} {unit}" if size < 1000 else f"{size:,.0f} {unit}"
