"""`umt import-fair` at the command line, and what it installs at work."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from signals import lufs, noise, power_db, read, write
from umtcli.cli import main
from umtcli.media import probe

pytestmark = pytest.mark.usefixtures("only_umt")

Capture = pytest.CaptureFixture[str]
SIX = (
    "bach-cello",
    "beethoven-piano",
    "cambini-winds",
    "bach-piano",
    "beethoven-violin",
    "beethoven-quartet",
)
TWO = ["--to", "beethoven-piano+bach-cello", "--device", "cpu"]


def test_the_licence_is_shown_and_the_domains_are_listed(whole_zip: Path, capsys: Capture) -> None:
    assert main(["import-fair", str(whole_zip)]) == 0
    shown = capsys.readouterr()
    assert "CC BY-NC 4.0" in shown.err
    assert "beethoven-quartet" in shown.out
    assert main(["domains", "bach-cello"]) == 0
    assert "CC BY-NC 4.0" in capsys.readouterr().out


def test_json_is_one_object_a_domain(whole_zip: Path, capsys: Capture) -> None:
    assert main(["import-fair", str(whole_zip), "--which", "last", "--json", "--quiet"]) == 0
    shown = capsys.readouterr()
    rows = [json.loads(line) for line in shown.out.splitlines()]
    assert [row["domain"] for row in rows][:2] == ["bach-cello", "beethoven-piano"]
    assert {row["licence"] for row in rows} == {"CC BY-NC 4.0"}
    assert all(Path(row["path"]).exists() for row in rows)
    assert len(shown.err.splitlines()) == 1


def test_quiet_says_the_licence_alone(whole_zip: Path, capsys: Capture) -> None:
    assert main(["import-fair", str(whole_zip), "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    (said,) = shown.err.splitlines()
    assert "CC BY-NC 4.0: not for commercial use" in said
    assert "https://creativecommons.org/licenses/by-nc/4.0/" in said


def test_a_file_that_is_no_zip_fails_in_one_line(
    tmp_path: Path, home: Path, capsys: Capture
) -> None:
    song = write(tmp_path / "song.wav", noise(0.1))
    assert main(["import-fair", str(song)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert "song.wav is not a whole zip file" in shown.err
    assert not home.exists()


def test_another_state_than_best_or_last_is_wrong_usage(whole_zip: Path) -> None:
    assert main(["import-fair", str(whole_zip), "--which", "worst"]) == 2


def test_an_imported_domain_plays_a_stereo_song_in_step(
    whole_zip: Path, tmp_path: Path, capsys: Capture
) -> None:
    song = write(tmp_path / "song.flac", noise(0.25))
    assert main(["import-fair", str(whole_zip), "--quiet"]) == 0
    assert main(["convert", str(song), "--to", "beethoven-piano", "--device", "cpu"]) == 0
    output = Path(capsys.readouterr().out.splitlines()[-1])
    with soundfile.SoundFile(output) as played:
        assert (played.samplerate, played.channels) == (16_000, 2)
        assert len(played) == 4_000
    assert "CC BY-NC 4.0" in probe(output).tags["comment"]


@pytest.mark.parametrize(("left", "right"), [(1.0, 0.0), (0.0, 1.0), (1.0, 0.4), (0.3, 1.0)])
def test_a_stereo_song_keeps_its_panning_and_its_level(
    left: float, right: float, whole_zip: Path, tmp_path: Path
) -> None:
    wave = noise(1.0, 16_000) * np.float32([left, right])
    song, output = write(tmp_path / "song.wav", wave, 16_000), tmp_path / "out.wav"
    assert main(["import-fair", str(whole_zip), "--quiet"]) == 0
    asked = ["--to", "bach-cello", "--device", "cpu", "--bits", "32"]
    assert main(["convert", str(song), *asked, "-o", str(output)]) == 0
    played, rate = read(output)
    assert played.shape == (16_000, 2)
    wanted_db, difference_db = (power_db(w) @ [1, -1] for w in (wave, played))
    if 0 in (left, right):
        assert difference_db * np.sign(wanted_db) > 20
    else:
        assert difference_db == pytest.approx(wanted_db, abs=3)
    assert lufs(played, rate) == pytest.approx(lufs(wave, 16_000), abs=1)


def test_the_list_of_domains_shows_the_licence_of_each(whole_zip: Path, capsys: Capture) -> None:
    assert main(["import-fair", str(whole_zip), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["domains"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith(SIX)]
    assert len(rows) == 6
    assert all("CC BY-NC 4.0" in row for row in rows)


def test_a_mix_is_in_step_and_names_both_licences(whole_zip: Path, tmp_path: Path) -> None:
    song, output = write(tmp_path / "song.wav", noise(0.25)), tmp_path / "mix.flac"
    assert main(["import-fair", str(whole_zip), "--quiet"]) == 0
    assert main(["convert", str(song), *TWO, "-o", str(output)]) == 0
    check_two(output, num_samples=4_000)


def test_a_blend_is_in_step_and_names_both_licences(whole_zip: Path, tmp_path: Path) -> None:
    songs = [str(write(tmp_path / f"{name}.wav", noise(0.3))) for name in "ab"]
    output = tmp_path / "blend.flac"
    assert main(["import-fair", str(whole_zip), "--quiet"]) == 0
    times = ["--at", "0.15", "--crossfade", "0.1"]
    assert main(["blend", *songs, *TWO, *times, "-o", str(output)]) == 0
    check_two(output, num_samples=7_200)  # the second piece begins at 0.15 s and lasts 0.3 s


def check_two(output: Path, num_samples: int) -> None:
    with soundfile.SoundFile(output) as played:
        assert (played.samplerate, played.channels) == (16_000, 2)
        assert len(played) == num_samples
        assert np.abs(played.read()).max() > 0
    comment = probe(output).tags["comment"]
    assert "beethoven-piano" in comment
    assert "bach-cello" in comment
    assert comment.count("licence CC BY-NC 4.0") == 2


@pytest.mark.parametrize(("temperature", "equal"), [("0", True), ("1", False)])
def test_the_seed_decides_nothing_at_temperature_0(
    temperature: str, equal: bool, whole_zip: Path, tmp_path: Path
) -> None:
    song = write(tmp_path / "song.wav", noise(0.15))
    assert main(["import-fair", str(whole_zip), "--quiet"]) == 0
    played = []
    for seed in "12":
        output = tmp_path / f"{seed}.wav"
        asked = ["--to", "bach-cello", "--set", f"temperature={temperature}", "--seed", seed]
        # 32 bits: without dither, which has a seed of its own
        made = ["--bits", "32", "--device", "cpu", "-o", str(output)]
        assert main(["convert", str(song), *asked, *made]) == 0
        played.append(read(output)[0])
    assert np.array_equal(*played) == equal
