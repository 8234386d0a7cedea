"""Devices are resolved by name, threads by what the machine really grants."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from umtcli.errors import UsageError
from umtcli.pipeline import device
from umtcli.pipeline.device import num_threads, resolve_device, torch_threads, usable_cores


def see_gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


@pytest.mark.parametrize(
    ("name", "gpus", "resolved"),
    [
        ("auto", 0, "cpu"),
        ("auto", 2, "cuda:0"),
        ("cpu", 2, "cpu"),
        ("cuda", 2, "cuda:0"),
        ("cuda:1", 2, "cuda:1"),
    ],
)
def test_a_name_becomes_a_device(
    monkeypatch: pytest.MonkeyPatch, name: str, gpus: int, resolved: str
) -> None:
    see_gpus(monkeypatch, gpus)
    assert resolve_device(name) == resolved


@pytest.mark.parametrize(
    ("name", "gpus", "said"),
    [
        ("cuda:0", 0, "no GPU"),
        ("cuda:2", 2, "cuda:0 … cuda:1"),
        ("gpu", 2, "not 'gpu'"),
        ("cuda:x", 2, "not 'cuda:x'"),
        ("cuda:²", 2, "not 'cuda:²'"),
    ],
)
def test_a_device_that_is_not_there_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, name: str, gpus: int, said: str
) -> None:
    see_gpus(monkeypatch, gpus)
    with pytest.raises(UsageError, match=said):
        resolve_device(name)


def grant(
    monkeypatch: pytest.MonkeyPatch, folder: Path, limit: str | None, *, version: int = 2
) -> None:
    """Sixteen cores, of which a container grants so many microseconds a period."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    names = {2: ["CGROUP_V2_LIMIT"], 1: ["CGROUP_V1_QUOTA", "CGROUP_V1_PERIOD"]}[version]
    for name in ("CGROUP_V2_LIMIT", "CGROUP_V1_QUOTA", "CGROUP_V1_PERIOD"):
        monkeypatch.setattr(device, name, folder / name)
    if limit is not None:
        texts = [limit] if version == 2 else limit.split()
        for name, text in zip(names, texts, strict=True):
            (folder / name).write_text(text + "\n")


@pytest.mark.parametrize(
    ("limit", "version", "cores"),
    [
        (None, 2, 16),
        ("max 100000", 2, 16),
        ("250000 100000", 2, 3),
        ("50000 100000", 2, 1),
        ("9900000 100000", 2, 16),
        ("200000 100000", 1, 2),
        ("-1 100000", 1, 16),
        ("garbage", 2, 16),
    ],
)
def test_a_containers_quota_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str | None, version: int, cores: int
) -> None:
    grant(monkeypatch, tmp_path, limit, version=version)
    assert usable_cores() == cores


def test_the_environment_overrides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    grant(monkeypatch, tmp_path, None)
    monkeypatch.delenv("UMT_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert num_threads() == 16
    monkeypatch.setenv("OMP_NUM_THREADS", "4,2")
    assert num_threads() == 4
    monkeypatch.setenv("UMT_THREADS", "3")
    assert num_threads() == 3


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_nonsense_in_the_environment_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("UMT_THREADS", text)
    with pytest.raises(UsageError, match="UMT_THREADS"):
        num_threads()


def test_the_callers_threads_come_back() -> None:
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
