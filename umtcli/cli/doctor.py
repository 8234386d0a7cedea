"""`umt doctor`: is everything here that a conversion needs?"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from umtcli import __version__, console
from umtcli.catalog import Catalog
from umtcli.optional import engines


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    essential: bool = True
    """False if conversions work without it."""


def doctor(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Look at everything that a conversion needs, and try one second of it."""
    findings = []
    for finding in _examine(Catalog.from_manager(ctx.obj)):
        findings.append(finding)
        if json:
            console.print_json(asdict(finding))
    if not json:
        console.print_table(
            ("what", "state", "detail"), ((f.name, _state(f), f.detail) for f in findings)
        )
    if any(finding.essential and not finding.ok for finding in findings):
        raise typer.Exit(1)


def _state(finding: Finding) -> str:
    if finding.ok:
        return "ok"
    return "MISSING" if finding.essential else "note"


def _examine(catalog: Catalog) -> Iterator[Finding]:
    yield Finding("umt", ok=True, detail=__version__)
    yield Finding("python", ok=True, detail=f"{platform.python_version()} on {platform.platform()}")
    yield _distribution("torch")
    yield _ffmpeg()
    yield _distribution("soundfile")
    yield from _devices()
    yield from _engines(catalog)
    for info in catalog.plugins:
        yield Finding(
            f"plugin {info.name}",
            ok=not info.off_because,
            detail=info.off_because or info.version or "on",
            essential=False,
        )
    names = ", ".join(domain.name for domain in catalog.domains)
    yield Finding("domains", ok=bool(names), detail=names or "none is installed")
    if names:
        yield _self_test(catalog)


def _distribution(name: str) -> Finding:
    try:
        return Finding(name, ok=True, detail=version(name))
    except PackageNotFoundError:
        return Finding(name, ok=False, detail=f"not installed; try pip install {name}")


def _ffmpeg() -> Finding:
    from umtcli.errors import MediaError
    from umtcli.media.ffmpeg import ffmpeg_version, find_ffmpeg

    try:
        return Finding("ffmpeg", ok=True, detail=f"{ffmpeg_version()} at {find_ffmpeg()}")
    except MediaError as e:
        return Finding("ffmpeg", ok=False, detail=str(e))


def _devices() -> Iterator[Finding]:
    import torch

    from umtcli.pipeline.device import num_threads, usable_cores

    cores = f"{usable_cores()} cores usable, {num_threads()} threads used"
    yield Finding("cpu", ok=True, detail=cores)
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    detail = ", ".join(gpus) or "none, which conversions do not need"
    yield Finding("gpu", ok=bool(gpus), detail=detail, essential=False)


def _engines(catalog: Catalog) -> Iterator[Finding]:
    """What computes on the CPU, for families that have a choice."""
    for family in catalog.families.values():
        if found := engines(family):
            used, *others = found
            detail = f"{used} is used" + (f"; also here: {', '.join(others)}" if others else "")
            yield Finding(f"{family.name} engine", ok=True, detail=detail, essential=False)


def _self_test(catalog: Catalog) -> Finding:
    """Translate one second of a tone with the first domain."""
    import torch

    from umtcli.pipeline.subject import Subject, feed

    domain = catalog.domains[0]
    name = f"one second as {domain.name}"
    try:
        subject = Subject(catalog, domain, "cpu")
        rate = subject.encoder.sample_rate
        tone_T = 0.1 * torch.sin(2 * math.pi * 440 * torch.arange(rate) / rate)
        started = time.perf_counter()
        out_T = feed(subject.decoder.streams(), feed(subject.encoder.streams(), tone_T))
        took_s = time.perf_counter() - started
    except Exception as e:
        return Finding(name, ok=False, detail=f"{type(e).__name__}: {e}")
    if not out_T.isfinite().all() or not out_T.any():
        return Finding(name, ok=False, detail="the result is silent or not finite")
    return Finding(name, ok=True, detail=f"took {took_s:.2f} s")
