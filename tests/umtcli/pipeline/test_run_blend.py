"""What a blend promises: length, level, channels, sameness, and what is refused."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conversions import MakeCatalog, MidFamily
from signals import lufs, noise, power_db, read, write
from toy import DECODER_RATE, ToyDecoder, ToyFamily
from umtcli.catalog import Catalog
from umtcli.errors import DecodeError, OutputExists, PluginError, UnknownDomain, UsageError
from umtcli.media import AudioWriter, probe
from umtcli.pipeline import BlendRequest, Request, Result, blend, convert, run_blend
from umtcli.pipeline.events import Event
from umtcli.pipeline.runner import FILE_BLOCK_S


@pytest.fixture
def pieces(tmp_path: Path) -> tuple[Path, Path]:
    """Five seconds and four, neither a whole number of frames."""
    a = write(tmp_path / "a.wav", noise(5.0, 8_000)[:39_999], 8_000)
    return a, write(tmp_path / "b.wav", 0.5 * noise(4.0, 8_000)[:31_977], 8_000)


def play(pieces: tuple[Path, Path], catalog: Catalog, **options: object) -> Result:
    settings: dict[str, object] = {"to": "low", "at_s": 2.0, "crossfade_s": 1.0, **options}
    return blend(*pieces, catalog=catalog, **settings)


def test_it_lasts_until_the_crossfade_and_all_of_the_second(
    pieces: tuple[Path, Path], catalog: Catalog
) -> None:
    result = play(pieces, catalog)
    assert result.error is None
    assert result.output == str(pieces[0].with_name("a-b-low.wav"))
    assert result.input == f"{pieces[0]} + {pieces[1]}"
    out, rate = read(Path(result.output))
    assert (rate, out.shape) == (DECODER_RATE, (2 * (16_000 + 31_977), 2))


def test_the_rate_can_be_chosen(pieces: tuple[Path, Path], catalog: Catalog) -> None:
    out, rate = read(Path(play(pieces, catalog, rate=44_100).output))
    assert (rate, len(out)) == (44_100, round((16_000 + 31_977) * 44_100 / 8_000))


@pytest.mark.parametrize("family", [ToyFamily, MidFamily])
def test_outside_the_crossfade_it_plays_what_conversions_play(
    tmp_path: Path,
    pieces: tuple[Path, Path],
    make_catalog: MakeCatalog,
    family: Callable[[], ToyFamily],
) -> None:
    # one channel: with two, the stereo image looks around itself
    catalog = make_catalog(family())
    mono = tuple(write(path, read(path)[0][:, :1], 8_000) for path in pieces)
    wholes = [read(Path(r.output))[0] for r in convert(mono, "low", bits=32, catalog=catalog)]
    out, _ = read(Path(play((mono[0], mono[1]), catalog, bits=32).output))
    edge = 2_000  # the decoder goes straight from frame to frame, and its noise has its place
    before, after = slice(0, 32_000 - edge), slice(48_000 + edge, len(out))
    for played, whole in (
        (out[before], wholes[0][before]),
        (out[after], wholes[1][48_000 + edge - 32_000 :]),
    ):
        # a file has one gain of its own, and a tone its phase: the envelopes must agree
        ratio = envelope(played) / envelope(whole)
        np.testing.assert_allclose(ratio, ratio.mean(), rtol=0.03)


def envelope(wave: np.ndarray) -> np.ndarray:
    num = len(wave) // 1_600
    return np.sqrt(np.square(wave[: num * 1_600]).reshape(num, -1).mean(axis=1))


def test_it_is_as_loud_as_the_pieces_would_be_together(
    pieces: tuple[Path, Path], catalog: Catalog
) -> None:
    (a, _), (b, _) = (read(path) for path in pieces)
    weight = np.arange(8_000, dtype=np.float32)[:, None] / 8_000
    crossfaded = (1 - weight) * a[16_000:24_000] + weight * b[:8_000]
    wave = np.concatenate([a[:16_000], crossfaded, b[8_000:]])
    result = play(pieces, catalog, bits=32)
    out, rate = read(Path(result.output))
    assert not result.limited_by_ceiling
    assert lufs(out, rate) == pytest.approx(lufs(wave, 8_000), abs=0.1)


@pytest.mark.parametrize("mono", [0, 1])
def test_it_is_stereo_if_one_piece_is(
    tmp_path: Path, pieces: tuple[Path, Path], catalog: Catalog, mono: int
) -> None:
    wave, _ = read(pieces[mono])
    write(pieces[mono], wave[:, :1], 8_000)
    panned, _ = read(pieces[1 - mono])
    panned[:, 1] = 0
    write(pieces[1 - mono], panned, 8_000)
    out, rate = read(Path(play(pieces, catalog).output))
    assert out.shape[1] == 2
    sides = [power_db(part) @ [1, -1] for part in (out[: rate + rate // 2], out[4 * rate :])]
    assert sides[mono] == pytest.approx(0, abs=0.5)
    assert sides[1 - mono] > 20


def test_two_mono_pieces_stay_mono(pieces: tuple[Path, Path], catalog: Catalog) -> None:
    for path in pieces:
        write(path, read(path)[0][:, :1], 8_000)
    assert read(Path(play(pieces, catalog).output))[0].shape[1] == 1


def test_the_same_request_gives_the_same_bytes(
    tmp_path: Path, pieces: tuple[Path, Path], catalog: Catalog
) -> None:
    paths = [tmp_path / f"out{number}.flac" for number in range(3)]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        assert play(pieces, catalog, output=path, seed=seed).ok
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes() != paths[2].read_bytes()


def test_a_mix_may_play_it(pieces: tuple[Path, Path], catalog: Catalog) -> None:
    result = play(pieces, catalog, to="low*3+high")
    assert result.ok
    assert result.output == str(pieces[0].with_name("a-b-low@3+high.wav"))


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_piece_fails_it(
    pieces: tuple[Path, Path], catalog: Catalog, missing: int
) -> None:
    pieces[missing].unlink()
    result = play(pieces, catalog)
    assert isinstance(result.error, DecodeError)
    assert str(pieces[missing]) in str(result.error)
    assert list(pieces[0].parent.glob("a-b*")) == []


def test_a_piece_that_is_too_short_fails_it(pieces: tuple[Path, Path], catalog: Catalog) -> None:
    result = play(pieces, catalog, at_s=4.5)
    assert "first piece ends after 5.00 s" in str(result.error)
    assert list(pieces[0].parent.glob("a-b*")) == []


def test_a_decoder_that_fails_is_blamed(
    pieces: tuple[Path, Path], make_catalog: MakeCatalog
) -> None:
    class Failing(ToyFamily):
        def load_decoder(self, *arguments: object) -> ToyDecoder:
            raise RuntimeError("shapes do not match")

    result = play(pieces, make_catalog(Failing()))
    assert isinstance(result.error, PluginError)
    assert "shapes do not match" in str(result.error)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"at_s": -1.0}, "--at takes seconds from 0 on, not -1"),
        ({"crossfade_s": float("nan")}, "--crossfade takes seconds from 0 on, not nan"),
        ({"at_s": float("inf")}, "--at takes seconds from 0 on"),
        ({"to": "low,high"}, "one domain or one mix"),
        ({"to": ""}, "Say what to play it with"),
        ({"seed": -1}, "--seed"),
        ({"output": "a.xyz"}, "Cannot write .xyz"),
    ],
)
def test_wrong_usage_is_refused_before_any_work(
    pieces: tuple[Path, Path], catalog: Catalog, options: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        play(pieces, catalog, **options)


def test_only_files_are_blended(
    tmp_path: Path, pieces: tuple[Path, Path], catalog: Catalog
) -> None:
    for other in (Path("-"), tmp_path):
        with pytest.raises(UsageError, match="two files"):
            play((pieces[0], other), catalog)


def test_an_unknown_domain_carries_suggestions(pieces: tuple[Path, Path], catalog: Catalog) -> None:
    with pytest.raises(UnknownDomain):
        play(pieces, catalog, to="lowe")


@pytest.mark.parametrize("number", [0, 1])
def test_neither_piece_is_overwritten(
    pieces: tuple[Path, Path], catalog: Catalog, number: int
) -> None:
    with pytest.raises(UsageError, match="is an input"):
        play(pieces, catalog, output=pieces[number], overwrite=True)


def test_what_is_done_is_not_done_again(pieces: tuple[Path, Path], catalog: Catalog) -> None:
    first = play(pieces, catalog)
    assert (first.ok, first.state) == (True, "done")
    made = Path(first.output).stat()
    again = play(pieces, catalog)
    assert (again.ok, again.state, again.duration_s) == (True, "skipped", first.duration_s)
    assert Path(first.output).stat() == made


@pytest.mark.parametrize("change", [{"at_s": 2.5}, {"crossfade_s": 0.5}, {"seed": 1}])
def test_another_blend_is_another_output(
    pieces: tuple[Path, Path], catalog: Catalog, change: dict[str, object]
) -> None:
    assert play(pieces, catalog).ok
    other = play(pieces, catalog, **change)
    assert isinstance(other.error, OutputExists)


@pytest.mark.parametrize("number", [0, 1])
def test_other_pieces_are_another_output(
    pieces: tuple[Path, Path], catalog: Catalog, number: int
) -> None:
    assert play(pieces, catalog).ok
    wave, rate = read(pieces[number])
    write(pieces[number], wave[::-1].copy(), rate)
    assert isinstance(play(pieces, catalog).error, OutputExists)


def test_what_exists_is_kept(pieces: tuple[Path, Path], catalog: Catalog) -> None:
    output = pieces[0].with_name("a-b-low.wav")
    output.write_text("precious")
    assert isinstance(play(pieces, catalog).error, OutputExists)
    assert output.read_text() == "precious"
    assert play(pieces, catalog, overwrite=True).ok


def test_it_carries_the_tags_that_both_share(tmp_path: Path, catalog: Catalog) -> None:
    for name in "ab":
        tags = {"title": f"Prélude {name}", "artist": "Debussy"}
        with AudioWriter(
            tmp_path / f"{name}.flac", sample_rate=8_000, num_channels=1, tags=tags
        ) as writer:
            writer.write(noise(3.5, 8_000, channels=1))
    result = play((tmp_path / "a.flac", tmp_path / "b.flac"), catalog)
    tags = dict(probe(Path(result.output)).tags)
    assert tags["artist"] == "Debussy"
    assert "title" not in tags
    assert "domain low" in tags["comment"]


def test_a_pipe_carries_it(pieces: tuple[Path, Path], catalog: Catalog, tmp_path: Path) -> None:
    request = Request(tuple(map(str, pieces)), ("low",), output="-")
    stdout = io.BytesIO()
    result = run_blend(BlendRequest(request, 2.0, 1.0), catalog, stdout=stdout)
    assert result.ok
    (tmp_path / "piped.wav").write_bytes(stdout.getvalue())
    assert len(read(tmp_path / "piped.wav")[0]) == 2 * (16_000 + 31_977)


def test_events_tell_the_whole_story(pieces: tuple[Path, Path], catalog: Catalog) -> None:
    events: list[Event] = []
    play(pieces, catalog, listener=events.append)
    kinds = [type(event).__name__ for event in events]
    assert kinds[:2] == ["RunPlanned", "JobStarted"]
    assert set(kinds[2:-2]) == {"JobAdvanced"}
    assert kinds[-2:] == ["OutputFinished", "JobFinished"]
    assert events[-3].done_s == pytest.approx(2 + 31_977 / 8_000)


def test_memory_does_not_grow_with_the_pieces(tmp_path: Path, catalog: Catalog) -> None:
    peaks = []
    for blocks in (4, 4, 14):  # the first one pays for what is made once
        path = write(tmp_path / "piece.wav", noise(blocks * FILE_BLOCK_S, 8_000), 8_000)
        tracemalloc.start()
        assert play((path, path), catalog, at_s=blocks * 3.0, overwrite=True).ok
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.2 * peaks[1]
