"""Where the networks run: which device, and how many CPU threads."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from umtcli.errors import UsageError

CGROUP_V2_LIMIT = Path("/sys/fs/cgroup/cpu.max")
CGROUP_V1_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
CGROUP_V1_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def resolve_device(name: str = "auto") -> str:
    """The torch device for what a user asked for.

    Args:
        name: `auto` (the first GPU if there is one), `cpu`, `cuda` or `cuda:N`.

    Raises:
        UsageError: the name means nothing, or there is no such GPU.

    >>> resolve_device("cpu")
    'cpu'
    """
    if name == "cpu":
        return name
    if name == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind != "cuda" or (index and not index.isascii()) or (index and not index.isdigit()):
        raise UsageError(f"--device takes auto, cpu or cuda:N, not {name!r}.")
    if not torch.cuda.is_available():
        raise UsageError(f"--device {name}: this torch sees no GPU. Try --device cpu.")
    num_gpus = torch.cuda.device_count()
    if int(index or 0) >= num_gpus:
        raise UsageError(f"--device {name}: the GPUs here are cuda:0 … cuda:{num_gpus - 1}.")
    return f"cuda:{int(index or 0)}"


def resolve_devices(names: str = "auto") -> tuple[str, ...]:
    """The torch devices for what a user asked for: one, or several separated by commas.

    Raises:
        UsageError: as `resolve_device`.

    >>> resolve_devices("cpu,cpu")
    ('cpu', 'cpu')
    """
    return tuple(resolve_device(name.strip()) for name in names.split(","))


def usable_cores() -> int:
    """CPU cores that this process may really use: affinity and container quota counted.

    >>> usable_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _cgroup_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def num_threads() -> int:
    """Threads for the networks: `UMT_THREADS`, else `OMP_NUM_THREADS`, else all usable cores.

    Raises:
        UsageError: the variable is no positive number.
    """
    for variable in ("UMT_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(variable, "")
        if text:
            # OpenMP allows a list, one entry a nesting level
            first = text.split(",")[0].strip()
            if not (first.isascii() and first.isdigit() and int(first) > 0):
                raise UsageError(f"{variable} must be a positive number, not {text!r}.")
            return int(first)
    return usable_cores()


@contextmanager
def torch_threads(num: int) -> Iterator[None]:
    """Let torch use this many CPU threads, and put the caller's setting back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(num)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cgroup_quota() -> float | None:
    """Cores granted by the container's CPU quota; None when there is none."""
    try:
        if CGROUP_V2_LIMIT.exists():
            quota, period = CGROUP_V2_LIMIT.read_text().split()
        else:
            quota, period = CGROUP_V1_QUOTA.read_text(), CGROUP_V1_PERIOD.read_text()
        # v2 says `max` and v1 says -1 when there is no limit
        return None if quota == "max" or int(quota) <= 0 else int(quota) / int(period)
    except (OSError, ValueError):
        return None
