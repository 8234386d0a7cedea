"""The pipeline: inputs become jobs, jobs become streams, streams become files.

Importing this brings torch; `umtcli.convert` does so when first used.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from umtcli.catalog import Catalog, installed_catalog
from umtcli.config import BLEND_AT_S, BLEND_CROSSFADE_S
from umtcli.domain import Value
from umtcli.pipeline.events import Listener, ignore
from umtcli.pipeline.jobs import BlendRequest, Limits, Request, Selection
from umtcli.pipeline.result import Result
from umtcli.pipeline.run import run
from umtcli.pipeline.run_blend import run_blend

__all__ = [
    "BlendRequest",
    "Limits",
    "Request",
    "Result",
    "Selection",
    "blend",
    "convert",
    "run",
    "run_blend",
]

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
    mix: float = 0.0,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
    midi: bool = False,
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
        mix: share of the original in the outputs, in amplitude, 0 … 1.
        seed: of all randomness; the same seed gives the same music.
        device: `auto`, `cpu` or `cuda:N`.
        overwrite: whether to replace outputs that exist.
        midi: whether to write the notes that were heard, too: `INPUT.mid` beside the outputs.
        listener: told what happens, as it happens.
        catalog: what can be played; None: everything installed.

    Returns:
        One result for each input and domain, in the order of the inputs; with `midi`, one more
        for each input, whose domain is `midi`.

    Raises:
        UsageError: the request itself is wrong, e.g. an unknown domain; nothing was done.
    """
    files = [inputs] if isinstance(inputs, str | os.PathLike) else inputs
    request = Request(
        inputs=tuple(os.fspath(path) for path in files),
        to=(to,) if isinstance(to, str) else tuple(to),
        output=None if output is None else os.fspath(output),
        format=format,
        rate=rate,
        bits=bits,
        options={name: str(value) for name, value in (options or {}).items()},
        mix=mix,
        seed=seed,
        device=device,
        overwrite=overwrite,
        midi=midi,
    )
    return run(request, installed_catalog() if catalog is None else catalog, listener)


def blend(
    first: StrPath,
    second: StrPath,
    to: str,
    output: StrPath | None = None,
    *,
    at_s: float = BLEND_AT_S,
    crossfade_s: float = BLEND_CROSSFADE_S,
    format: str | None = None,  # noqa: A002 - the flag is called so
    rate: int | None = None,
    bits: int = 16,
    options: Mapping[str, Value] | None = None,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
    listener: Listener = ignore,
    catalog: Catalog | None = None,
) -> Result:
    """Crossfade two pieces in latent space and play the result, as `umt blend` does.

    The first piece is heard until `at_s`; over the next `crossfade_s` its latents give way,
    in a straight line, to those of the second, whose beginning lies at `at_s`; then the
    rest of the second is heard. Both times are rounded to frames of the latent space.

    A failing input does not raise: look at the result's `error`.

    Args:
        first: the file that begins; it must last until the end of the crossfade.
        second: the file that goes on; at least as long as the crossfade.
        to: a domain or a mix.
        output: a file or a folder; None: `FIRST-SECOND-DOMAIN.ext` beside the first.
        at_s: where the crossfade starts, in seconds.
        crossfade_s: how long it is, in seconds; 0 for a hard cut.
        format: as for `convert`, as all that follow.
        rate: sample rate of the output in Hz; None: the decoder's.
        bits: of PCM formats.
        options: family options.
        seed: of all randomness.
        device: `auto`, `cpu` or `cuda:N`.
        overwrite: whether to replace an output that exists.
        listener: told what happens, as it happens.
        catalog: what can be played; None: everything installed.

    Shape:
        the output lasts `at_s` and the whole of the second piece.

    Raises:
        UsageError: the request itself is wrong, e.g. an unknown domain; nothing was done.
    """
    request = Request(
        inputs=(os.fspath(first), os.fspath(second)),
        to=(to,),
        output=None if output is None else os.fspath(output),
        format=format,
        rate=rate,
        bits=bits,
        options={name: str(value) for name, value in (options or {}).items()},
        seed=seed,
        device=device,
        overwrite=overwrite,
    )
    catalog = installed_catalog() if catalog is None else catalog
    return run_blend(BlendRequest(request, at_s, crossfade_s), catalog, listener)
