"""Decoders that play a file long after they took it: nothing is lost, and users see them work."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor

from conversions import MakeCatalog, bytes_of, each_alone
from signals import noise, write
from toy import FRAME_RATE, ToyDecoder, ToyDecoderStreams, ToyFamily
from umtcli.bundle import Bundle
from umtcli.catalog import Catalog
from umtcli.domain import Value
from umtcli.optional import patient_streams
from umtcli.pipeline import BlendRequest, Request, convert, run
from umtcli.pipeline.events import Event, JobAdvanced, Noticed
from umtcli.pipeline.machines import Machines
from umtcli.pipeline.run_blend import run_blend
from umtcli.pipeline.voices import Turn, Voices, abandon, advance

FRAMES_A_CALL = 30


class Patient:
    """Takes everything, and plays it only when the stream was ended: a few frames a call."""

    def __init__(self, decoder: ToyDecoder, seed: int) -> None:
        self._toys = ToyDecoderStreams(decoder.frequency_hz, 0.0, seed)
        self._waiting: dict[int, Tensor] = {}
        self.notice = ""
        self.most_owed_s = 0.0
        self.dropped: list[int] = []

    def open(self, key: int = 0) -> int:
        stream_id = self._toys.open(key)
        self._waiting[stream_id] = self._toys.empty
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        self.notice = "This takes its time."
        for stream_id, block_CF in blocks.items():
            self._waiting[stream_id] = torch.cat([self._waiting[stream_id], block_CF], dim=1)
            self.most_owed_s = max(self.most_owed_s, self.owed_s(stream_id))
        return dict.fromkeys(blocks, torch.zeros(0))

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        return {stream_id: self._some(stream_id) for stream_id in ids}

    def owed_s(self, stream_id: int) -> float:
        waiting = self._waiting.get(stream_id, self._toys.empty)
        return waiting.shape[1] / FRAME_RATE

    def drop(self, ids: Iterable[int]) -> None:
        self.dropped += ids

    def _some(self, stream_id: int) -> Tensor:
        waiting = self._waiting[stream_id]
        self._waiting[stream_id] = waiting[:, FRAMES_A_CALL:]
        played = self._toys.push({stream_id: waiting[:, :FRAMES_A_CALL]})[stream_id]
        if self.owed_s(stream_id):
            return played
        del self._waiting[stream_id]
        return torch.cat([played, self._toys.finish([stream_id])[stream_id]])


class PatientFamily(ToyFamily):
    def __init__(self) -> None:
        self.made: list[Patient] = []

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        decoder = super().load_decoder(bundle, device, options)

        def patient_streams(seed: int) -> Patient:
            self.made.append(Patient(decoder, seed))
            return self.made[-1]

        decoder.patient_streams = patient_streams  # beyond the contract
        return decoder


@pytest.fixture
def told() -> list[Event]:
    return []


def test_files_are_what_ordinary_streams_make_of_them(
    songs: list[Path], make_catalog: MakeCatalog, told: list[Event]
) -> None:
    whole = each_alone(songs, make_catalog())
    (songs[0].parent / "plugin").rename(songs[0].parent / "plugin-before")
    family = PatientFamily()
    results = convert(
        songs, "low", songs[0].parent / "out", catalog=make_catalog(family), listener=told.append
    )
    assert bytes_of(results) == whole
    (patient,) = family.made  # all files have gone through these streams
    assert patient.most_owed_s == pytest.approx(5.7 - 2 / 8_000, abs=0.02)
    assert [event.message for event in told if isinstance(event, Noticed)] == [
        "This takes its time."
    ]


def test_progress_is_of_what_was_played(
    tmp_path: Path, make_catalog: MakeCatalog, told: list[Event]
) -> None:
    song = write(tmp_path / "long.wav", noise(9.0, 8_000, 1), 8_000)
    catalog = make_catalog(PatientFamily())
    (result,) = convert(song, "low", tmp_path / "o.wav", catalog=catalog, listener=told.append)
    assert result.error is None
    seconds = [event.done_s for event in told if isinstance(event, JobAdvanced)]
    assert all(before <= after for before, after in pairwise(seconds))
    # of 9 s nothing is done when all was heard, but what the encoder had not given yet
    assert max(seconds[:-8]) < 0.1
    assert list(map(int, seconds[-8:])) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_stereo_file_is_as_long_as_it_was(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    song = write(tmp_path / "wide.wav", noise(2.3, 44_100), 44_100)
    whole = each_alone([song], make_catalog())
    (tmp_path / "plugin").rename(tmp_path / "plugin-before")
    catalog = make_catalog(PatientFamily())
    assert bytes_of(convert(song, "low", tmp_path / "out.wav", catalog=catalog)) == whole


def test_a_pipe_has_ordinary_streams(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    family = PatientFamily()
    song = write(tmp_path / "in.wav", noise(1.0, 8_000, 1), 8_000)
    pipe = io.BytesIO()
    request = Request(inputs=(str(song),), to=("low",), output="-")
    (result,) = run(request, make_catalog(family), stdout=pipe)
    assert result.error is None
    assert len(pipe.getvalue()) > 10_000
    assert family.made == []


def test_a_blend_is_played_to_its_end_too(
    tmp_path: Path, make_catalog: MakeCatalog, told: list[Event]
) -> None:
    pieces = [write(tmp_path / f"{n}.wav", noise(1.0 + n, 8_000, 1), 8_000) for n in (1, 2)]

    def blended(catalog: Catalog) -> bytes:
        request = Request(inputs=tuple(map(str, pieces)), to=("low",), overwrite=True)
        result = run_blend(BlendRequest(request, 1.0, 0.5), catalog, told.append)
        assert result.error is None
        return Path(result.output).read_bytes()

    whole = blended(make_catalog())
    (tmp_path / "plugin").rename(tmp_path / "plugin-before")
    assert blended(make_catalog(PatientFamily())) == whole
    assert Noticed("This takes its time.") in told


def test_what_is_given_up_is_dropped(make_catalog: MakeCatalog) -> None:
    family = PatientFamily()
    catalog = make_catalog(family)
    voices = Voices(1)
    (domain,) = [domain for domain in catalog.domains if domain.name == "low"]
    decoder = Machines(catalog, "cpu").decoder(domain, {"gain_db": 0.0})
    streams = patient_streams(decoder, seed=0)
    advance(streams, [Turn(voices, [torch.zeros(2, 50)])])
    (stream_id,) = voices.ids
    abandon(streams, [voices])
    assert family.made[0].dropped == [stream_id]
    assert voices.ids == []
