"""The pipeline: inputs become jobs, jobs become streams, streams become files.

Importing this brings torch; `umtcli.convert` does so when first used.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from umtcli.catalog import Catalog, installed_catalog
from umtcli.domain import Value
from umtcli.pipeline.events import Listener, ignore
from umtcli.pipeline.jobs import Request
from umtcli.pipeline.result import Result
from umtcli.pipeline.run import run

__all__ = ["Request", "Result", "convert", "run"]

StrPath = str | os.PathLike[str]


def convert(
    inputs: StrPath | Iterable[StrPath],
    to: str | Iterable[str],
    output: StrPath | None = None,
    *,
    format: str | None = None,  # noqa: A002 - the flag is called so
    rate: int | None = None,
    bits: int = 16,
    options: Mapping[str, Value] | None = None,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
    listener: Listener = ignore,
    catalog: Catalog | None = None,
) -> list[Result]:
    """Play music again in other domains, as `umt convert` does.

    A failing input does not raise: look at each result's `error`.

    Args:
        inputs: files and folders.
        to: domains or mixes (`piano*0.7+strings*0.3`), as a list or separated by commas.
        output: a file for one input and one domain, else a folder; None: beside each input.
        format: container of the outputs, e.g. `flac`; None: by name, else as the input.
        rate: sample rate of the outputs in Hz; None: the decoder's.
        bits: of PCM formats: 16 (dithered), 24, or 32 for float.
        options: family options, e.g. `{"brightness": 0.3}`.
        seed: of all randomness; the same seed gives the same music.
        device: `auto`, `cpu` or `cuda:N`.
        overwrite: whether to replace outputs that exist.
        listener: told what happens, as it happens.
        catalog: what can be played; None: everything installed.

    Returns:
        One result for each input and domain, in the order of the inputs.

    Raises:
        UsageError: the request itself is wrong, e.g. an unknown domain; nothing was done.
    """
    request = Request(
        inputs=tuple(os.fspath(path) for path in _as_list(inputs)),
        to=tuple(name for text in _as_list(to) for name in _split(os.fspath(text))),
        output=None if output is None else os.fspath(output),
        format=format,
        rate=rate,
        bits=bits,
        options={name: str(value) for name, value in (options or {}).items()},
        seed=seed,
        device=device,
        overwrite=overwrite,
    )
    return run(request, installed_catalog() if catalog is None else catalog, listener)


def _as_list(value: StrPath | Iterable[StrPath]) -> list[StrPath]:
    return [value] if isinstance(value, (str, os.PathLike)) else list(value)


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
