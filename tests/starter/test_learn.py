"""The recipe's learning, on a few seconds of music made here."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch

import umt_domains
from starter import learn
from starter.learn import train_decoder, train_encoder
from starter.score import Score, write_midi
from swelling import swelling
from umt_domains.harmonic import HarmonicFamily
from umt_domains.harmonic.config import SAMPLE_RATE
from umt_domains.harmonic.decoder import DecoderNetwork
from umt_domains.harmonic.keys import keys
from umt_trainer.config import RunConfig
from umt_trainer.data import Recording
from umt_trainer.midi import Note
from umtcli import Domain, convert
from umtcli.bundle import read_bundle, read_info
from umtcli.catalog import Catalog
from umtcli.errors import TrainingError, UsageError

SHIPPED_ENCODER = Path(umt_domains.__path__[0]) / "weights" / "encoders" / "harmonic-1.safetensors"
TINY = RunConfig(steps=2, batch_size=2, crop_s=1.6, shards=1, workers=1, warmup_steps=1)
DURATION_S = 2.0


def quiet(step: int, losses: dict[str, float]) -> None:
    del step, losses


def play(path: Path, pitches: list[int], seed: int, apart_s: float = 0.5) -> None:
    """0.4 s of each pitch, one every `apart_s`, with its score beside it."""
    notes = tuple(
        Note(apart_s * k, apart_s * k + 0.4, pitch, 90) for k, pitch in enumerate(pitches)
    )
    duration_s = max(DURATION_S, apart_s * len(pitches))
    time_T = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    wav_T = np.random.default_rng(seed).normal(0, 1e-3, len(time_T))
    for note in notes:
        sounds = (time_T >= note.start_s) & (time_T < note.end_s)
        wav_T += 0.2 * sounds * np.sin(2 * np.pi * 440 * 2 ** ((note.pitch - 69) / 12) * time_T)
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, wav_T, SAMPLE_RATE)
    write_midi(Score(notes, duration_s), path.with_suffix(".mid"))


def make_music(out: Path) -> None:
    for k in range(2):
        play(out / "practice" / f"{k}.flac", [60 + k, 64, 67, 72], k)
        play(out / "domains" / "piano" / f"{k}.flac", [48, 55 + k, 60, 64], k)
    wav_T = np.random.default_rng(9).normal(0, 0.1, round(SAMPLE_RATE * DURATION_S))
    (out / "drums").mkdir()
    sf.write(out / "drums" / "0.flac", wav_T, SAMPLE_RATE)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the whole recipe was followed, in seconds."""
    out = tmp_path_factory.mktemp("recipe")
    make_music(out)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    train_encoder(out, TINY, quiet)
    train_decoder(out, "piano", TINY, quiet)
    torch.set_num_threads(before)
    return out


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def loudest_pitch(wav_T: np.ndarray) -> float:
    """Of the strongest partial, as a MIDI number."""
    size = 1 << 17
    spectrum = np.abs(np.fft.rfft(wav_T * np.hanning(len(wav_T)), size))
    hertz = np.argmax(spectrum) * SAMPLE_RATE / size
    return float(69 + 12 * np.log2(hertz / 440))


@pytest.mark.usefixtures("one_thread")
def test_what_the_recipe_makes_plays_the_notes_of_its_source(tmp_path: Path) -> None:
    make_music(tmp_path)
    learn.encoder_path(tmp_path).parent.mkdir(parents=True)
    shutil.copy(SHIPPED_ENCODER, learn.encoder_path(tmp_path))
    train_decoder(tmp_path, "piano", replace(TINY, steps=10), quiet)
    encoder = read_info(learn.encoder_path(tmp_path), "encoder")
    catalog = Catalog(
        families={"harmonic": HarmonicFamily()},
        encoders={encoder.space.fingerprint: encoder},
        domains=(Domain.from_bundle(tmp_path / "weights" / "piano.safetensors"),),
        plugins=(),
    )
    source, out = tmp_path / "source.flac", tmp_path / "out.wav"
    # so far apart that none rings into the next: nobody has taught them to fade
    play(source, [60, 64, 67, 72], 0, apart_s=1.0)
    (result,) = convert(source, "piano", out, bits=32, device="cpu", catalog=catalog)
    assert result.error is None
    wav_TC, rate = sf.read(out, always_2d=True)
    assert (len(wav_TC), rate) == (sf.info(source).frames, SAMPLE_RATE)
    for k, pitch in enumerate([60, 64, 67, 72]):
        middle = slice(round((k + 0.1) * rate), round((k + 0.35) * rate))
        assert loudest_pitch(wav_TC[middle, 0]) == pytest.approx(pitch, abs=0.3)


def test_music_is_heard_as_often_as_it_is_written_as_it_is_played() -> None:
    notes = np.array([[0.51, 0.91, 60, 0.0], [1.01, 1.61, 64, -20.0]])
    heard = [np.zeros((3 * 88 + 1, 100), np.float16) for _ in range(2)]
    heard[0][39, 25:45], heard[0][176 + 39, 25:45] = 0.8, 0.48  # heard at a velocity of 0.6
    heard[0][50, 45:90], heard[0][176 + 50, 45:90] = 1, 0.4  # a wrong key
    heard[0][-1] = np.random.default_rng(1).random(100)
    silence = np.zeros(2 * SAMPLE_RATE, np.int16)
    recording = learn.with_score(Recording(silence, notes, tuple(heard)))
    assert [np.array_equal(a, b) for a, b in zip(recording.latents, heard, strict=False)] == [1, 1]
    _, _, once, twice = recording.latents
    assert once is twice
    assert np.array_equal(once[-1], heard[0][-1])  # the level is the audio's
    activations = torch.from_numpy(once[:-1].astype(np.float32)).unflatten(0, (3, 88))
    played = keys(activations[None], memory=500)
    # 50 frames a second, the middle of frame 25 at 0.51 s; the lowest key is MIDI 21
    assert (played.strike[0] == 1).nonzero().tolist() == [[39, 25], [43, 50]]
    assert played.down[0].sum(-1).nonzero().flatten().tolist() == [39, 43]
    assert played.down[0, 39].nonzero().flatten().tolist() == list(range(25, 45))
    assert played.down[0, 43].nonzero().flatten().tolist() == list(range(50, 80))
    # as hard as the key was heard, or as all that was heard around it
    assert played.velocity[0, 39, 30].item() == pytest.approx(0.6, abs=0.01)
    around = (20 * 0.8 * 0.48 + 31 * 0.4) / (20 * 0.8**2 + 31)  # the second about frame 50
    assert played.velocity[0, 43, 75].item() == pytest.approx(around, abs=0.005)


def test_bundles_tell_what_they_were_made_of(learned: Path) -> None:
    encoder = read_info(learn.encoder_path(learned)).provenance
    piano = read_info(learned / "weights" / "piano.safetensors").provenance
    assert encoder["data"].startswith("2 pieces, and 1 drum loops and noises, composed")
    assert piano["data"].startswith("2 pieces composed")
    described = subprocess.run(
        ["git", "describe", "--always"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if described.returncode == 0:
        assert f"commit {described.stdout.strip().split('-')[0]}" in encoder["recipe"]


@pytest.mark.usefixtures("one_thread")
def test_a_decoder_is_not_passed_off_as_taught_by_another_encoder(
    learned: Path, tmp_path: Path
) -> None:
    """The finished runs/piano.pt belongs to the encoder that its music was heard by."""
    out = tmp_path / "again"
    make_music(out)
    (out / "runs").mkdir()
    (out / "runs" / "piano.pt").write_bytes((learned / "runs" / "piano.pt").read_bytes())
    train_encoder(out, replace(TINY, seed=2), quiet)
    with pytest.raises(TrainingError, match=r"piano\.pt belongs to another run: encoder was"):
        train_decoder(out, "piano", TINY, quiet)
    assert not (out / "weights" / "piano.safetensors").exists()


@pytest.mark.usefixtures("one_thread")
def test_a_run_of_another_seed_does_not_return_the_old_weights(learned: Path) -> None:
    with pytest.raises(TrainingError, match=r"encoder\.pt belongs to another run: seed was 1"):
        train_encoder(learned, replace(TINY, seed=2), quiet)
    with pytest.raises(TrainingError, match=r"piano\.pt belongs to another run: seed was 1"):
        train_decoder(learned, "piano", replace(TINY, seed=2), quiet)


def test_what_is_missing_is_named_with_the_step_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no music in .*practice\. Run .* starter practice"):
        train_encoder(tmp_path, TINY, quiet)
    play(tmp_path / "practice" / "0.flac", [60], 0)
    with pytest.raises(TrainingError, match=r"no music in .*drums\. Run .* starter drums"):
        train_encoder(tmp_path, TINY, quiet)
    with pytest.raises(TrainingError, match=r"harmonic-2.* is missing\. Run .* starter encoder"):
        train_decoder(tmp_path, "piano", TINY, quiet)
    learn.encoder_path(tmp_path).parent.mkdir(parents=True)
    learn.encoder_path(tmp_path).touch()
    with pytest.raises(TrainingError, match=r"no music in .*piano\. Run .* starter domains"):
        train_decoder(tmp_path, "piano", TINY, quiet)


@pytest.mark.usefixtures("one_thread")
def test_a_domain_begins_as_another(learned: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(learned, out)
    play(out / "domains" / "harp" / "0.flac", [48, 55, 60, 64], 0)
    play(out / "domains" / "flute" / "0.flac", [60, 67, 72, 64], 0)
    with pytest.raises(TrainingError, match=r"begins as strings\. Run .* decoder .* strings first"):
        train_decoder(out, "flute", TINY, quiet)
    harp = train_decoder(out, "harp", replace(TINY, learning_rate=1e-9), quiet)
    piano = read_bundle(learn.decoder_path(out, "piano"))
    for name, weights in read_bundle(harp.path).tensors.items():
        assert torch.allclose(weights, piano.tensors[name], atol=1e-6), name
    assert f"begun as piano ({piano.info.digest[:12]})" in harp.provenance["recipe"]


@pytest.mark.parametrize("num_frames", [10, 200])
def test_what_is_written_where_nothing_is_heard_is_as_loud_as_written(num_frames: int) -> None:
    notes = np.array([[0.0, 0.2, 60, -10.0]])
    recording = Recording(np.zeros(1, np.int16), notes, (np.zeros((265, num_frames), np.float16),))
    _, score = learn.with_score(recording).latents
    assert score[176 + 39, 1] == 0.75  # 10 of 40 dB below the loudest


def test_who_begins_as_the_third_generation_plays_as_it_did(learned: Path) -> None:
    start = read_bundle(learn.decoder_path(learned, "piano"))
    torch.manual_seed(1)
    sizes = {**start.info.config, "generation": 3}
    third = HarmonicFamily().learning({}).new_decoder(sizes)
    fourth = HarmonicFamily().learning({}).new_decoder({**sizes, "generation": 4})
    assert isinstance(third, DecoderNetwork)
    assert isinstance(fourth, DecoderNetwork)
    earlier = replace(start, tensors=third.state_dict(), info=replace(start.info, config=sizes))
    fourth.load_state_dict(dict(learn.fitted(earlier, fourth).tensors))
    latents = swelling(7, third.before_frames + 100 + fourth.after_frames).flatten(1, 2)
    latents = torch.cat([latents, torch.full_like(latents[:, :1], 0.1)], 1)
    known = latents[..., : latents.shape[-1] - fourth.after_frames + third.after_frames]
    played = third(known)
    assert played.abs().max() > 1e-4
    assert torch.allclose(fourth(latents), played, atol=1e-6)
    # keys are not what the second generation was told of
    second = replace(earlier, info=replace(start.info, config={**sizes, "generation": 2}))
    assert learn.fitted(second, fourth) is second
    assert learn.fitted(start, third) is start


def test_a_mistyped_domain_is_told_the_choices(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no domain 'pinao'; it has piano, electric-piano, "):
        train_decoder(tmp_path, "pinao", TINY, quiet)


@pytest.mark.usefixtures("one_thread")
def test_a_decoder_is_done_for_its_own_encoder_alone(learned: Path, tmp_path: Path) -> None:
    assert learn.is_trained(learned, "piano")
    assert not learn.is_trained(learned, "strings")
    weights = tmp_path / "weights"
    shutil.copytree(learned / "weights", weights)
    assert learn.is_trained(tmp_path, "piano")
    shutil.copy(SHIPPED_ENCODER, learn.encoder_path(tmp_path))
    assert not learn.is_trained(tmp_path, "piano")
    learn.encoder_path(tmp_path).unlink()
    assert not learn.is_trained(tmp_path, "piano")
