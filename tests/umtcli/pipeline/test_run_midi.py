"""The notes that were heard, beside the outputs: once an input, and never over anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch

from conversions import MakeCatalog, MidFamily
from noting import LoudNotes, NotingFamily, notes_in
from signals import noise, write
from toy import ToyPlugin, ToyStreams, make_toy, write_decoder, write_encoder
from umtcli.catalog import Catalog
from umtcli.domain import LatentSpace
from umtcli.errors import EncodeError, OutputExists, UsageError
from umtcli.pipeline import Request, Result, convert, run
from umtcli.plugins import make_plugin_manager


class NotingMidFamily(NotingFamily, MidFamily):
    """Plays the mid once."""


class Unused(NotingFamily):
    name = "unused"


BURSTS_S = (0.25, 0.75), (1.5, 3.0), (4.25, 5.0)


@pytest.fixture
def catalog(make_catalog: MakeCatalog) -> Catalog:
    return make_catalog(NotingFamily())


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Bursts of noise, the last of which lasts to the end; longer than a block."""
    return write(tmp_path / "song.wav", bursts(), 8_000)


def bursts(channels: int = 1) -> np.ndarray:
    wave = noise(5.0, 8_000, channels, level=0.2)
    at_s = np.arange(len(wave)) / 8_000
    wave[~np.any([(first <= at_s) & (at_s < last) for first, last in BURSTS_S], axis=0)] = 0
    return wave


def states(results: list[Result]) -> list[str]:
    return [result.as_json()["status"] for result in results]


def check_bursts(path: Path) -> None:
    """The toy hears a frame of 10 ms and the next."""
    notes = notes_in(path)
    assert [(note.pitch, note.velocity) for note in notes] == [(69, 80)] * 3
    for note, (start_s, end_s) in zip(notes, BURSTS_S, strict=True):
        assert note.start_s == pytest.approx(start_s, abs=0.0101)
        assert note.end_s == pytest.approx(end_s, abs=0.0101)


def test_notes_are_written_beside_the_outputs(song: Path, tmp_path: Path, catalog: Catalog) -> None:
    results = convert(song, "low,high", tmp_path / "out", midi=True, catalog=catalog)
    assert [result.error for result in results] == [None] * 3
    assert [Path(result.output).name for result in results] == [
        "song-low.wav",
        "song-high.wav",
        "song.mid",
    ]
    assert results[-1].domain == "midi"
    assert results[-1].duration_s == 5.0
    check_bursts(tmp_path / "out" / "song.mid")


@pytest.mark.parametrize("family", [NotingFamily, NotingMidFamily])
def test_the_mid_of_stereo_is_heard(
    tmp_path: Path, make_catalog: MakeCatalog, family: type[NotingFamily]
) -> None:
    wave = np.concatenate([bursts(), 0.5 * bursts()], axis=1)
    song = write(tmp_path / "song.wav", wave, 8_000)
    convert(song, "low", tmp_path / "out.wav", midi=True, catalog=make_catalog(family()))
    check_bursts(tmp_path / "out.mid")


def test_silence_has_a_score_without_notes(tmp_path: Path, catalog: Catalog) -> None:
    song = write(tmp_path / "song.wav", 0 * noise(1.0, 8_000), 8_000)
    convert(song, "low", midi=True, catalog=catalog)
    assert notes_in(tmp_path / "song.mid") == []


def test_what_is_done_is_not_done_again(song: Path, catalog: Catalog) -> None:
    score = song.with_suffix(".mid")
    assert states(convert(song, "low", midi=True, catalog=catalog)) == ["done"] * 2
    first = score.read_bytes()
    # another domain and other options hear the same notes
    again = convert(song, "high", midi=True, catalog=catalog, options={"gain_db": -3}, bits=24)
    assert states(again) == ["done", "skipped"]
    score.unlink()
    assert states(convert(song, "low", midi=True, catalog=catalog)) == ["skipped", "done"]
    assert score.read_bytes() == first
    write(song, noise(1.0, 8_000), 8_000)
    changed = convert(song, "low", midi=True, catalog=catalog)
    assert [type(result.error) for result in changed] == [OutputExists] * 2


def test_a_score_of_somebody_else_is_replaced_only_if_asked(song: Path, catalog: Catalog) -> None:
    score = song.with_suffix(".mid")
    score.write_bytes(b"years of work")
    played, refused = convert(song, "low", midi=True, catalog=catalog)
    assert played.ok
    assert isinstance(refused.error, OutputExists)
    assert score.read_bytes() == b"years of work"
    assert states(convert(song, "low", midi=True, overwrite=True, catalog=catalog)) == ["done"] * 2
    check_bursts(score)


def test_a_dry_run_names_the_score_and_writes_nothing(song: Path, catalog: Catalog) -> None:
    results = run(Request((str(song),), ("low",), midi=True, dry_run=True), catalog)
    assert states(results) == ["planned"] * 2
    assert results[1].output == str(song.with_suffix(".mid"))
    assert [path.name for path in song.parent.iterdir() if path.is_file()] == ["song.wav"]


def test_a_family_without_notes_is_refused(song: Path, make_catalog: MakeCatalog) -> None:
    with pytest.raises(UsageError, match="the toy family, which plays low, hears no notes"):
        convert(song, "low", midi=True, catalog=make_catalog())
    assert not song.with_name("song-low.wav").exists()


def test_a_pipe_has_no_place_for_notes(song: Path, catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="--midi writes a file beside the output"):
        convert(song, "low", "-", midi=True, catalog=catalog)


def test_two_songs_of_one_name_are_told_apart(song: Path, catalog: Catalog) -> None:
    other = write(song.with_suffix(".flac"), noise(1.0, 8_000), 8_000)
    with pytest.raises(UsageError, match=r"would both be written to .*song\.mid.*--name"):
        convert([song, other], "low", midi=True, catalog=catalog)


def test_each_latent_space_has_a_score(song: Path, tmp_path: Path) -> None:
    manager = make_plugin_manager()
    manager.add(make_toy(tmp_path, {"low": 110.0}, NotingFamily()), "one")
    encoder = write_encoder(tmp_path / "other.safetensors", (0.5, 1.0), "toy/2")
    decoder = write_decoder(tmp_path / "far.safetensors", encoder.space, "far")
    manager.add(ToyPlugin(encoder.path, (decoder.path,), Unused()), "two")
    results = convert(song, "low,far", midi=True, catalog=Catalog.from_manager(manager))
    names = [Path(result.output).name for result in results]
    assert names[2:] == ["song-midi-toy-1.mid", "song-midi-toy-2.mid"]
    assert all(result.ok for result in results)


class Nonsense(LoudNotes):
    def finish(self, ids: Iterable[int]) -> dict[int, torch.Tensor]:
        return {i: torch.tensor([[0.0], [300.0], [64.0]]) for i in ids}


def test_a_broken_score_leaves_the_music(song: Path, make_catalog: MakeCatalog) -> None:
    class Broken(NotingFamily):
        def note_streams(self, space: LatentSpace) -> ToyStreams:
            return Nonsense()

    played, failed = convert(song, "low", midi=True, catalog=make_catalog(Broken()))
    assert played.ok
    assert "told a note that is none" in str(failed.error)
    assert not song.with_suffix(".mid").exists()


def test_a_full_disk_is_told_in_one_line(
    song: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("umtcli.pipeline.notes.MidiWriter.note", full)
    played, failed = convert(song, "low", midi=True, catalog=catalog)
    assert played.ok
    assert isinstance(failed.error, EncodeError)
    assert str(failed.error).startswith(f"Cannot write {song.with_suffix('.mid')}: No space left")
    assert not song.with_suffix(".mid").exists()
