"""What the networks are taught, against cases whose answer is known."""

import math

import numpy as np
import pytest
import torch

from umt_domains.harmonic import encoder
from umt_domains.harmonic.config import LATENT_HOP, SAMPLE_RATE
from umt_domains.harmonic.encoder import HarmonicEncoder
from umt_domains.harmonic.learning import HarmonicLearning, note_targets
from umtcli.errors import TrainingError
from umtcli.learning import Batch

A4 = 69 - 21


def tone(hertz: float, length: int = SAMPLE_RATE) -> torch.Tensor:
    return 0.3 * torch.sin(2 * torch.pi * hertz * torch.arange(length) / SAMPLE_RATE)


def level_db(wav_T: torch.Tensor, hertz: float) -> float:
    """Amplitude of a sinusoid in a waveform, by a windowed correlation."""
    n = torch.arange(len(wav_T), dtype=torch.float64)
    window = torch.hann_window(len(wav_T), dtype=torch.float64)
    turn = torch.exp(-2j * math.pi * hertz * n / SAMPLE_RATE)
    amplitude = 2 * (wav_T.double() * window * turn).sum().abs() / window.sum()
    return 20 * math.log10(float(amplitude) + 1e-12)


def test_targets_mark_the_frames_of_a_note_its_strike_and_its_level() -> None:
    notes = np.array([[0.1, 0.3, 69.0, -10.0]])
    frame, onset, velocity = note_targets(notes, num_frames=20, skipped_frames=0)
    # frame f covers 20 f … 20 f + 20 ms
    assert frame[A4].nonzero().flatten().tolist() == list(range(5, 15))
    assert velocity[A4, 5:15].tolist() == pytest.approx([0.75] * 10)
    # the strike lies between the middles of frames 4 and 5
    assert onset[A4, 3:7].tolist() == pytest.approx([0, 2 / 3, 2 / 3, 0])
    assert float(frame.sum()) == float((velocity > 0).sum()) == 10


def test_notes_on_the_edge_of_a_frame_all_begin_after_it() -> None:
    """Rounding halves to even numbers would pull every other note a frame ahead."""
    for f in range(1, 9):
        notes = np.array([[f * 0.02, f * 0.02 + 0.06, 69.0, 0.0]])
        frame = note_targets(notes, 20, 0)[0, A4]
        assert frame.nonzero().flatten().tolist() == [f, f + 1, f + 2]


def test_targets_ignore_what_is_outside_the_keyboard_or_the_crop() -> None:
    notes = np.array([[0.1, 0.3, 110.0, 0.0], [5.0, 6.0, 69.0, 0.0], [-2.0, -1.0, 69.0, 0.0]])
    assert float(note_targets(notes, 20, 0).sum()) == 0


def test_a_tiny_encoder_learns_which_of_two_notes_sounds() -> None:
    """Gradient steps on two sines get their frames right, and no others."""
    learning = HarmonicLearning()
    torch.manual_seed(0)
    encoder = learning.new_encoder({"channels": 8, "blocks": [[1, 1]]})
    optimizer = torch.optim.Adam(encoder.parameters(), 0.02)
    length = 30 * LATENT_HOP
    wav = torch.stack([tone(440.0, length), tone(523.25, length)])
    notes = tuple(np.array([[-1.0, 9.0, midi, 0.0]]) for midi in (69.0, 72.0))
    for _ in range(80):
        losses = learning.encoder_loss(encoder, Batch(wav, 0, notes))
        optimizer.zero_grad()
        (losses["frame"] + losses["onset"] + losses["velocity"]).backward()
        optimizer.step()
    assert losses["_frame_f1"].item() > 0.95


def test_latents_of_waveforms_are_those_of_their_streams_and_teach_the_encoder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encoder, "multiplies_bfloat16", lambda: False)
    learning = HarmonicLearning()
    torch.manual_seed(0)
    network = learning.new_encoder({"channels": 8, "blocks": [[1, 1]]})
    with torch.no_grad():
        network.heads.weight.mul_(20)
    wav = torch.stack([tone(440.0, 40 * LATENT_HOP), tone(523.25, 40 * LATENT_HOP)])
    latents = learning.encode(network, wav)
    assert latents.shape == (2, 265, 40)
    streams = HarmonicEncoder(network, learning.encoder_space("harmonic/test"), "cpu").streams()
    stream = streams.open()
    heard = [streams.push({stream: wav[1]})[stream], streams.finish([stream])[stream]]
    assert torch.allclose(latents[1], torch.cat(heard, dim=-1), atol=1e-4)
    latents.sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_a_tiny_decoder_learns_to_play_a_tone_and_its_overtone() -> None:
    learning = HarmonicLearning()
    torch.manual_seed(0)
    decoder = learning.new_decoder({"channels": 8, "dilations": [1], "noise_bands": 8})
    optimizer = torch.optim.Adam(decoder.parameters(), 0.05)
    length = 8 * LATENT_HOP
    wav = (tone(440.0, length) + 0.5 * tone(1320.0, length))[None]
    before, after = learning.context_frames(decoder)
    latents = torch.zeros(1, 265, before + 8 + after)
    latents[:, A4], latents[:, 2 * 88 + A4], latents[:, -1] = 1.0, 0.8, 0.2
    for _ in range(240):
        loss = sum(learning.decoder_loss(decoder, latents, wav).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        played = decoder(latents)[0]
    assert level_db(played, 440.0) == pytest.approx(level_db(wav[0], 440.0), abs=3)
    assert level_db(played, 1320.0) == pytest.approx(level_db(wav[0], 1320.0), abs=3)
    for other_hz in (466.16, 880.0, 1760.0):
        assert level_db(played, other_hz) < level_db(wav[0], 440.0) - 30


def test_the_playable_share_is_that_of_sounding_frames_with_a_note() -> None:
    latents = torch.zeros(3 * 88 + 1, 4)
    latents[-1] = 0.2  # the slow level
    latents[A4, 0] = latents[3, 2] = 0.9
    wav = torch.full((4 * LATENT_HOP,), 0.2)
    wav[2 * LATENT_HOP : 3 * LATENT_HOP] = 0.01  # a rest, 26 dB down: what is heard there is naught
    assert HarmonicLearning().playable_share(latents, wav) == pytest.approx(1 / 3)
    assert HarmonicLearning().playable_share(latents, wav[:-5]) == pytest.approx(1 / 3)
    assert HarmonicLearning().playable_share(latents, torch.zeros(4 * LATENT_HOP)) == 0


def test_examples_too_short_to_judge_are_refused_with_the_length_they_need() -> None:
    learning = HarmonicLearning()
    encoder = learning.new_encoder({"channels": 8, "blocks": [[1, 10]]})
    wav = tone(440.0, 44 * LATENT_HOP)[None]
    with pytest.raises(TrainingError, match=r"more than 0\.88 s"):
        learning.encoder_loss(encoder, Batch(wav, 0, (np.zeros((0, 4)),)))


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_a_config_with_an_unknown_key_names_it(kind: str) -> None:
    learning = HarmonicLearning()
    build = learning.new_encoder if kind == "encoder" else learning.new_decoder
    with pytest.raises(ValueError, match="'chanels'"):
        build({"chanels": 8})
