"""Distortions change how music sounds, never when or what is played."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from umt_domains.harmonic import distort
from umt_domains.harmonic.config import SAMPLE_RATE
from umt_domains.harmonic.learning import HarmonicLearning
from umtcli.errors import TrainingError
from umtcli.learning import Batch

Distortion = Callable[[Tensor, np.random.Generator], Tensor]
LENGTH = SAMPLE_RATE // 4


def tone(hertz: float, length: int = SAMPLE_RATE) -> Tensor:
    return 0.3 * torch.sin(2 * torch.pi * hertz * torch.arange(length) / SAMPLE_RATE)


@pytest.mark.parametrize("distortion", [distort.reverberated, distort.equalized, distort.dulled])
@pytest.mark.parametrize("place", [1000, 5003, LENGTH - 2000])
def test_an_impulse_stays_at_its_sample(distortion: Distortion, place: int) -> None:
    impulse = torch.zeros(LENGTH)
    impulse[place] = 0.5
    for seed in range(10):
        wav = distortion(impulse, np.random.default_rng(seed))
        assert wav.shape == impulse.shape
        assert not torch.equal(wav, impulse)
        assert int(wav.abs().argmax()) == place


def test_a_room_is_silent_before_it_is_excited() -> None:
    impulse = torch.zeros(LENGTH)
    impulse[4000] = 1.0
    wet = distort.reverberated(impulse, np.random.default_rng(1))
    assert float(wet[:4000].abs().max()) < 1e-5
    assert float(wet[4001:].abs().max()) > 1e-3


def test_detuning_moves_pitch_and_times_together() -> None:
    notes = np.array([[0.5, 0.8, 69.0, 0.0]])
    wav, moved = distort.detuned(tone(440.0), notes, cents=100)
    spectrum = torch.fft.rfft(wav[:36_000] * torch.hann_window(36_000)).abs()
    assert float(spectrum.argmax()) * SAMPLE_RATE / 36_000 == pytest.approx(466.16, abs=1.3)
    assert moved[0, :2] == pytest.approx([0.5 / 2 ** (1 / 12), 0.8 / 2 ** (1 / 12)])
    assert notes[0, 0] == 0.5


def test_notes_follow_to_the_nearest_pitch_and_end_with_the_music() -> None:
    notes = np.array([[0.1, 9.0, 69.0, 0.0], [1.5, 9.0, 72.0, 0.0]])
    wav, moved = distort.detuned(tone(440.0), notes, cents=520)
    assert moved[:, 2].tolist() == [74.0]  # the second begins after the music has ended
    end = moved[0, 1] * SAMPLE_RATE
    assert end == pytest.approx(len(wav) / 2 ** (520 / 1200), abs=1)
    assert wav[int(end) - 1000 : int(end)].abs().max() > 0.1
    assert not wav[int(end) + 1 :].any()


def test_mixing_keeps_levels_relative_to_the_sum() -> None:
    a, b = tone(440.0), tone(880.0)
    notes = np.array([[0.0, 1.0, 69.0, 0.0]])
    wav, mixed = distort.mixed(a, notes, b, notes, b_db=6.0)
    assert torch.allclose(wav, a + b * 10 ** (6 / 20))
    gap_db = mixed[1, 3] - mixed[0, 3]
    power = 10 ** (mixed[:, 3] / 10)
    assert gap_db == pytest.approx(6.0)
    assert power.sum() == pytest.approx(1.0)


def test_a_recording_keeps_its_length_and_stays_finite() -> None:
    drums = [torch.randn(2 * SAMPLE_RATE)]
    for seed in range(30):
        wav = distort.recorded(tone(440.0), np.random.default_rng(seed), drums)
        assert wav.shape == (SAMPLE_RATE,)
        assert bool(wav.isfinite().all())


@pytest.mark.parametrize("cents", [-45.0, 37.0])
def test_detuning_reads_between_samples_exactly(cents: float) -> None:
    """In the float32 of a minute's positions, a sample's place is off by a quarter of one."""
    length = 60 * SAMPLE_RATE
    wav = 0.3 * np.sin(2 * np.pi * 440 * np.arange(length) / SAMPLE_RATE).astype(np.float32)
    moved, _ = distort.detuned(torch.from_numpy(wav), np.zeros((0, 4)), cents)
    position = np.arange(length) * 2 ** (cents / 1200)
    wanted = np.interp(position, np.arange(length), wav.astype(np.float64), right=0.0)
    inside = position < length - 1
    assert np.abs(moved.numpy() - wanted)[inside].max() < 1e-6


def test_a_background_exactly_as_long_as_the_music_is_mixed_in() -> None:
    wav, drums = tone(440.0, 1000), tone(2000.0, 1000)
    mixed = distort.accompanied(wav, [drums], np.random.default_rng(1)) - wav
    assert torch.allclose(mixed / mixed.norm(), drums / drums.norm(), atol=1e-4)


def test_a_background_is_heard_to_its_last_sample() -> None:
    wav, drums = torch.ones(2), torch.tensor([1.0, 2.0, 3.0, 4.0])
    ratios = set()
    for seed in range(60):
        mixed = distort.accompanied(wav, [drums], np.random.default_rng(seed)) - wav
        ratios.add(round(float(mixed[1] / mixed[0]), 2))
    assert ratios == {2.0, 1.5, 1.33}


SECONDS = 2 * SAMPLE_RATE


def numbered_batch(numbers: range) -> Batch:
    """Example n: a tone and a note of its own, another tone and note beside it."""

    def wavs(hertz: float) -> Tensor:
        return torch.stack([tone(hertz + 10 * n, SECONDS) for n in numbers])

    def notes(midi: float) -> tuple[np.ndarray, ...]:
        return tuple(np.array([[0.1, 0.5, midi + 20 * n, 0.0]]) for n in numbers)

    others = Batch(wavs(1000.0), numbers[0], notes(89.0))
    return Batch(wavs(200.0), numbers[0], notes(40.0), others)


def test_an_example_is_distorted_alike_in_every_batch() -> None:
    learning, drums = HarmonicLearning(), [torch.randn(SECONDS)]
    whole = learning.distort(numbered_batch(range(10, 22)), 1, drums)
    mixed = [notes is not None and len(notes) == 2 for notes in whole.notes]
    assert 2 <= sum(mixed) <= 10
    for first, last in ((10, 11), (11, 14), (14, 20), (20, 22)):
        part = learning.distort(numbered_batch(range(first, last)), 1, drums)
        place = slice(first - 10, last - 10)
        assert torch.equal(part.wav_BT, whole.wav_BT[place])
        for mine, theirs in zip(part.notes, whole.notes[place], strict=True):
            assert np.array_equal(mine, theirs)


def test_another_seed_distorts_otherwise() -> None:
    one, two = (HarmonicLearning().distort(numbered_batch(range(3)), s, []) for s in (1, 2))
    assert not torch.equal(one.wav_BT, two.wav_BT)


def test_only_an_examples_own_other_is_mixed_in() -> None:
    heard = HarmonicLearning().distort(numbered_batch(range(30)), 1, [])
    moved = []
    for n, notes in enumerate(heard.notes):
        assert notes is not None
        own, *other = notes[:, 2].tolist()
        moved.append(own - (40 + 20 * n))
        assert other in ([], [89 + 20 * n])
    assert max(map(abs, moved)) <= 5
    assert 2 <= sum(semitones != 0 for semitones in moved) <= 15  # some are played elsewhere


def test_music_without_a_score_is_named() -> None:
    batch = Batch(torch.zeros(2, SECONDS), 7, (np.zeros((0, 4)), None))
    with pytest.raises(TrainingError, match="Example 8 has no score"):
        HarmonicLearning().distort(batch, 1, [])


def test_a_recording_heard_again_is_as_long_and_keyed_by_seed_and_number() -> None:
    learning, wav = HarmonicLearning(), tone(440.0)
    again = {(s, n): learning.rehear(wav, s, n) for s in (1, 2) for n in range(12)}
    assert all(x.shape == wav.shape and bool(x.isfinite().all()) for x in again.values())
    assert torch.equal(again[1, 3], learning.rehear(wav, 1, 3))
    assert len({round(float(x.double().norm()), 6) for x in again.values()}) > 18


def test_what_is_heard_again_teaches_the_clean_level() -> None:
    heard, clean = torch.rand(265, 7), torch.rand(265, 7)
    taught = HarmonicLearning().teachable(heard, clean)
    assert torch.equal(taught[:-1], heard[:-1])
    assert torch.equal(taught[-1], clean[-1])
