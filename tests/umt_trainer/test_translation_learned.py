"""The paper's system, tiny, learns to translate between two instruments: by measurement.

Two domains of melodies that share nothing but their pitches, sines and sawtooths, are
learned twice, with the domain confusion and without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from melodies import INSTRUMENTS, NOTE_S, PITCHES_HZ, RATE, melody
from umt_domains.wavenet.choice import Choice
from umt_domains.wavenet.folded import fold
from umt_domains.wavenet.learning import WavenetLearning
from umt_domains.wavenet.playing import SampledStreams
from umt_trainer.config import RunConfig
from umt_trainer.confusion import ConfusionConfig, ConfusionNetwork
from umt_trainer.data import Recording
from umt_trainer.examples import Domain
from umt_trainer.loop import train
from umt_trainer.translation import TranslationNetwork, TranslationTask
from umtcli.pipeline.device import torch_threads

pytestmark = pytest.mark.slow

HOP, LATENTS = 25, 4
LEARNING = WavenetLearning(RATE, HOP, LATENTS)
RUN = RunConfig(
    steps=500,
    batch_size=8,
    crop_s=0.5,
    learning_rate=1e-2,
    weight_decay=0.0,
    warmup_steps=20,
    average_decay=0.99,
    shards=1,
    workers=1,
)
CONFUSION = ConfusionConfig(updates=10, rate=0.3)
"""λ is the paper's. In so short a run a classifier of one update guesses too badly to help."""
CROP_FRAMES = round(RUN.crop_s * RATE / HOP)


@dataclass(frozen=True)
class Learned:
    """A trained system, and how well it plays unheard melodies (nats a sample)."""

    network: TranslationNetwork
    before: float
    after: float


def new_network() -> TranslationNetwork:
    torch.manual_seed(1)
    encoder = LEARNING.new_encoder({"blocks": 1, "layers": 6, "channels": 16})
    sizes = {"blocks": 2, "layers": 4, "residual_channels": 16, "skip_channels": 32}
    decoders = [LEARNING.new_decoder(sizes) for _ in INSTRUMENTS]
    return TranslationNetwork(encoder, decoders, ConfusionNetwork(LATENTS, len(INSTRUMENTS)))


def music(seed: int, num_melodies: int) -> list[Tensor]:
    """For each instrument melodies of 60 notes: (melodies, T)."""
    return [
        torch.stack(
            [
                torch.from_numpy(melody(name, 1000 * which + seed + k, 60)[0]).float() / 32768
                for k in range(num_melodies)
            ]
        )
        for which, name in enumerate(INSTRUMENTS)
    ]


@torch.no_grad()
def reconstruction(network: TranslationNetwork) -> float:
    """Mean cross-entropy of unheard melodies, each by its own decoder."""
    losses = []
    for decoder, wav_BT in zip(network.decoders, music(500, 4), strict=True):
        latents_BCF = LEARNING.encode(network.encoder, wav_BT)
        losses.append(LEARNING.decoder_loss(decoder, latents_BCF, wav_BT)["cross_entropy"].item())
    return sum(losses) / len(losses)


def learn(folder: Path, confusion: ConfusionConfig) -> Learned:
    network = new_network()
    before = reconstruction(network)
    domains = [
        Domain(name, [Recording(melody(name, 1000 * which + k, 60)[0]) for k in range(10)])
        for which, name in enumerate(INSTRUMENTS)
    ]
    task = TranslationTask(network, LEARNING, domains, RUN, confusion)
    trained = train(task, RUN, folder / f"{confusion.weight}.pt", lambda *_: None)
    assert isinstance(trained, TranslationNetwork)
    return Learned(trained, before, reconstruction(trained))


def probe(network: TranslationNetwork) -> float:
    """How often a fresh classifier, taught on frozen latents, tells unheard examples apart."""

    @torch.no_grad()
    def crops(seed: int, num_melodies: int) -> tuple[Tensor, Tensor]:
        latents = [LEARNING.encode(network.encoder, wav_BT) for wav_BT in music(seed, num_melodies)]
        parts = [
            x[..., : x.shape[-1] // CROP_FRAMES * CROP_FRAMES]
            .unflatten(-1, (-1, CROP_FRAMES))
            .transpose(1, 2)
            .flatten(0, 1)
            for x in latents
        ]
        label = torch.arange(len(parts)).repeat_interleave(len(parts[0]))
        return torch.cat(parts), label

    known_NCF, label_N = crops(0, 10)
    unheard_NCF, truth_N = crops(500, 8)
    # however small its differences are, a probe sees them
    mean, scale = known_NCF.mean((0, 2), keepdim=True), known_NCF.std((0, 2), keepdim=True)
    torch.manual_seed(7)
    classifier = ConfusionNetwork(LATENTS, len(INSTRUMENTS))
    optimizer = torch.optim.Adam(classifier.parameters(), 3e-3)
    for _ in range(400):
        chosen = torch.randint(len(known_NCF), (64,))
        logits = classifier((known_NCF[chosen] - mean) / scale)
        optimizer.zero_grad()
        functional.cross_entropy(logits, label_N[chosen]).backward()
        optimizer.step()
    guessed_N = classifier((unheard_NCF - mean) / scale).argmax(1)
    return float((guessed_N == truth_N).float().mean())


@torch.no_grad()
def translated(network: TranslationNetwork, wav_T: Tensor, instrument: str) -> np.ndarray:
    """A waveform as another instrument plays it, sampled a little safer than learned."""
    latents_CF = LEARNING.encode(network.encoder, wav_T[None])[0]
    decoder = network.decoders[list(INSTRUMENTS).index(instrument)]
    streams = SampledStreams(fold(decoder, "cpu"), Choice(temperature=0.7), seed=1, num_rows=8)
    stream = streams.open()
    played: np.ndarray = streams.push({stream: latents_CF})[stream].numpy()
    return played


def notes_of(wav: np.ndarray) -> list[np.ndarray]:
    """Its notes without their beginnings: encoder and sampler both need a moment."""
    num_samples = round(NOTE_S * RATE)
    return [note[num_samples // 4 :] for note in wav.reshape(-1, num_samples)]


def loudest_pitch(note: np.ndarray) -> float:
    """Of the pitches that melodies are made of (Hz)."""
    return max(PITCHES_HZ, key=lambda hertz: partial_amplitude(note, hertz))


def partial_amplitude(wav: np.ndarray, hertz: float) -> float:
    turn = np.exp(-2j * np.pi * hertz * np.arange(len(wav)) / RATE)
    return float(abs((wav * np.hanning(len(wav)) * turn).sum()))


@pytest.fixture(scope="module")
def confused(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    with torch_threads(1):
        return learn(tmp_path_factory.mktemp("confused"), CONFUSION)


@pytest.fixture(scope="module")
def unconfused(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    with torch_threads(1):
        return learn(tmp_path_factory.mktemp("unconfused"), ConfusionConfig(weight=0.0))


def test_reconstruction_falls(confused: Learned) -> None:
    assert confused.before > 5
    assert confused.after < 2.9


def test_confusion_takes_the_instrument_and_leaves_the_music(
    confused: Learned, unconfused: Learned
) -> None:
    with torch_threads(1):
        assert probe(confused.network) <= 0.6
        assert probe(unconfused.network) > 0.9
    assert confused.after < 1.05 * unconfused.after


@pytest.mark.parametrize(
    ("instrument", "overtones_db"), [("sawtooth", (-6.0, -9.5, -12.0)), ("sine", None)]
)
def test_a_melody_keeps_its_notes_and_gets_the_instruments_overtones(
    confused: Learned, instrument: str, overtones_db: tuple[float, ...] | None
) -> None:
    right, partials_db = [], []
    for seed in (997, 998, 999):
        wav, notes_hz = melody("sine", seed, 16)
        with torch_threads(1):
            played = translated(confused.network, torch.from_numpy(wav).float() / 32768, instrument)
        for hertz, note in zip(notes_hz, notes_of(played), strict=True):
            right.append(loudest_pitch(note) == hertz)
            first, *others = [partial_amplitude(note, k * hertz) for k in (1, 2, 3, 4)]
            partials_db.append([20 * np.log10(other / first) for other in others])
    assert np.mean(right) > 0.9  # in so short a training a note in twenty goes wrong
    median_db = np.median(partials_db, axis=0)
    if overtones_db is None:
        assert median_db.max() < -25
    else:
        assert median_db == pytest.approx(overtones_db, abs=3)
