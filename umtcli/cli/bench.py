"""`umt bench`: how fast every family runs on this machine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from umtcli import console
from umtcli.catalog import Catalog
from umtcli.domain import Decoder, Encoder, Family, resolve_options
from umtcli.optional import engines, precision

if TYPE_CHECKING:
    from torch import Tensor

    from umtcli.bundle import Bundle

STREAMS = (1, 16)
"""Played at once. One is heard."""
AT_LEAST_S = 2.0
"""Music of twice the length is tried until it takes so long."""
UNTRAINED = {"licence": "CC0-1.0", "description": "untrained"}


@dataclass(frozen=True)
class Speed:
    """One row of the table."""

    family: str
    part: str
    """`hear` (the encoder) or `play` (a decoder)."""
    engine: str
    precision: str
    streams: int
    real_time_factor: float
    """Seconds of music, of all streams together, in a second."""


def bench(
    ctx: typer.Context,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Measure how many times as fast as real time each family hears and plays here.

    A family without a domain is measured with untrained networks of its own sizes, which take
    as long. It takes a minute or two; numbers are honest only while nothing else runs.
    """
    from umtcli.pipeline.device import num_threads, resolve_device, torch_threads

    catalog = Catalog.from_manager(ctx.obj)
    resolved = resolve_device(device)
    speeds = []
    with console.make_progress() as progress, torch_threads(num_threads()):
        for family in catalog.families.values():
            task = progress.add_task(f"Measuring {family.name} …", total=None)
            for speed in _measure(catalog, family, resolved):
                speeds.append(speed)
                if json:
                    console.print_json(asdict(speed))
            progress.remove_task(task)
    if not json:
        console.print_table(
            ("family", "part", "engine", "precision", "streams", "× real time"),
            (
                (s.family, s.part, s.engine, s.precision, str(s.streams), _rounded(s))
                for s in speeds
            ),
        )


def _rounded(speed: Speed) -> str:
    return f"{speed.real_time_factor:.3g}"


def _measure(catalog: Catalog, family: Family, device: str) -> Iterator[Speed]:
    from umtcli.pipeline.machines import blame

    try:
        with tempfile.TemporaryDirectory(prefix="umt-bench-") as folder:
            heard, played = _bundles(catalog, family, Path(folder))
            encoder = family.load_encoder(heard, device)
            latents_CF = _latents(encoder)
            factor = _hearing(encoder)
            yield Speed(family.name, "hear", "torch", precision(encoder), 1, factor)
            for engine in _engines(family, device):
                given = {} if engine is None else {"engine": engine}
                decoder = family.load_decoder(played, device, resolve_options(family, given))
                for num_streams in STREAMS:
                    factor = _playing(decoder, latents_CF, encoder.space.frame_rate, num_streams)
                    used = engine or "torch"
                    yield Speed(family.name, "play", used, precision(decoder), num_streams, factor)
    except Exception as e:
        raise blame(e, f"Measuring the {family.name} family") from e


def _engines(family: Family, device: str) -> tuple[str | None, ...]:
    """Values of the family's option `engine`; None where it has no such choice."""
    return (engines(family) if device == "cpu" else ()) or (None,)


def _bundles(catalog: Catalog, family: Family, folder: Path) -> tuple[Bundle, Bundle]:
    """An encoder and a decoder: of the family's first domain, else untrained."""
    from umtcli.bundle import read_bundle
    from umtcli.learned import write_decoder, write_encoder

    for domain in catalog.domains:
        if domain.family == family.name:
            return read_bundle(catalog.encoder_for(domain)), read_bundle(domain.decoder)
    learning = family.learning()
    name, provenance = "untrained", UNTRAINED
    heard = write_encoder(
        folder / "encoder", learning.new_encoder({}), learning, name=name, provenance=provenance
    )
    played = write_decoder(
        folder / "decoder",
        learning.new_decoder({}),
        learning,
        name=name,
        space=heard.space,
        provenance=provenance,
    )
    return read_bundle(heard.path), read_bundle(played.path)


def _latents(encoder: Encoder) -> Tensor:
    """What the encoder hears in a second of a chord: (C, F)."""
    import torch

    streams = encoder.streams()
    stream = streams.open()
    pushed = streams.push({stream: _chord(encoder.sample_rate, 1.0)})[stream]
    return torch.cat([pushed, streams.finish([stream])[stream]], dim=1)


def _chord(sample_rate: int, seconds: float) -> Tensor:
    import torch

    time_T = torch.arange(round(seconds * sample_rate)) / sample_rate
    notes = [torch.sin(2 * torch.pi * hertz * time_T) for hertz in (220.0, 277.2, 329.6)]
    return 0.1 * torch.stack(notes).sum(dim=0)


def _hearing(encoder: Encoder) -> float:
    def hear(seconds: float) -> None:
        streams = encoder.streams()
        stream = streams.open()
        streams.push({stream: _chord(encoder.sample_rate, seconds)})
        streams.finish([stream])

    return _real_time(hear, shortest_s=1.0)


def _playing(decoder: Decoder, latents_CF: Tensor, frame_rate: float, num_streams: int) -> float:
    def play(seconds: float) -> None:
        num_frames = max(1, round(seconds * frame_rate))
        repeats = -(-num_frames // latents_CF.shape[1])
        block_CF = latents_CF.repeat(1, repeats)[:, :num_frames]
        streams = decoder.streams()
        ids = [streams.open(key) for key in range(num_streams)]
        streams.push(dict.fromkeys(ids, block_CF))
        streams.finish(ids)

    return num_streams * _real_time(play, shortest_s=1 / frame_rate)


def _real_time(work: Callable[[float], None], shortest_s: float) -> float:
    """Seconds of music in a second, at a length that takes long enough to be measured."""
    seconds, took_s = shortest_s, 0.0
    while took_s < AT_LEAST_S:
        seconds *= 2 if took_s else 1
        started = time.perf_counter()
        work(seconds)
        took_s = time.perf_counter() - started
    return seconds / took_s
