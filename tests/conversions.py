"""Conversions with toy domains, for tests that look at what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from signals import Wave, read
from toy import ToyDecoder, ToyFamily
from umtcli.bundle import Bundle
from umtcli.catalog import Catalog
from umtcli.domain import Value
from umtcli.pipeline import Result, convert

MakeCatalog = Callable[..., Catalog]
"""What the fixture `make_catalog` of the pipeline's tests gives."""


class MidFamily(ToyFamily):
    """Plays the mid once, as decoders do that sample."""

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        decoder = super().load_decoder(bundle, device, options)
        decoder.mid_only = True
        return decoder


def convert_one(path: Path, catalog: Catalog, **options: object) -> tuple[Wave, int, Result]:
    """Play a file with the domain `low` into `out.wav` beside it; give wave, rate and result."""
    output = path.with_name("out.wav")
    (result,) = convert(path, "low", output, catalog=catalog, bits=32, **options)
    assert result.error is None
    return *read(output), result


def bytes_of(results: Sequence[Result]) -> list[bytes]:
    """What the outputs hold, none of which failed."""
    assert [result.error for result in results] == [None] * len(results)
    return [Path(result.output).read_bytes() for result in results]


def each_alone(songs: Sequence[Path], catalog: Catalog) -> list[bytes]:
    """What `low` makes of each song in a run of its own, into the folder `alone` beside them."""
    folder = songs[0].parent / "alone"
    return [
        data
        for song in songs
        for data in bytes_of(convert(song, "low", f"{folder}/", catalog=catalog))
    ]
