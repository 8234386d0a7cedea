"""How the harmonic family learns: what its encoder and its decoders are taught.

The encoder is anchored on scores that we render ourselves: it is told which notes sound.
The decoders see only audio of their domain, heard by the frozen encoder, and learn to
make that audio again, judged by spectra of several resolutions.

B examples, T samples, F latent frames, P pitches, N notes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from umt_domains.harmonic import distort
from umt_domains.harmonic.config import (
    LATENT_HOP,
    LATENT_RATE,
    LOWEST_MIDI,
    NUM_PITCHES,
    SAMPLE_RATE,
    DecoderConfig,
    EncoderConfig,
    from_mapping,
    to_mapping,
)
from umt_domains.harmonic.decoder import DecoderNetwork
from umt_domains.harmonic.distance import band_distance, spectra, spectral_distance
from umt_domains.harmonic.encoder import EncoderNetwork, latent_space
from umt_domains.harmonic.front import (
    LEVEL_FUTURE_FRAMES,
    LEVEL_PAST_FRAMES,
    SPECTRUM_REACH,
    frame_level,
)
from umt_domains.harmonic.latents import LEVEL
from umtcli.bundle import Bundle
from umtcli.domain import LatentSpace
from umtcli.errors import TrainingError
from umtcli.fitting import load_weights
from umtcli.learning import Batch

ONSET_WIDTH_FRAMES = 1.5
VELOCITY_RANGE_DB = 40.0
QUIET = 0.1
"""A frame this far below the slow level, 20 dB, is a rest."""
HEARD = 0.5
"""A frame activation above this is a note."""
BANDS_WEIGHT = 2.0
"""Of the distance of mel bands, beside that of bins: 1 was worse in both, 0 far worse."""
REHEARD = 3  # keeps the draws of `rehear` apart from those of `distort`


class HarmonicLearning:
    """An `umtcli.learning.Learning`.

    Args:
        front_end_version: of the encoders.
        bend: whether their latents tell it.
    """

    family = "harmonic"
    sample_rate = SAMPLE_RATE
    hop_samples = LATENT_HOP
    hears_scores = True
    distortion: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, front_end_version: int = 1, bend: bool = False) -> None:
        self.front_end_version = front_end_version
        self._bend = bend

    def context_frames(self, decoder: nn.Module) -> tuple[int, int]:
        """What a decoder remembers and sees before the audio, and what it sees after it."""
        assert isinstance(decoder, DecoderNetwork)
        return decoder.before_frames, decoder.after_frames

    def new_encoder(self, config: Mapping[str, Any]) -> EncoderNetwork:
        """A fresh encoder; `config` as `EncoderConfig`."""
        return EncoderNetwork(from_mapping(EncoderConfig, config))

    def new_decoder(self, config: Mapping[str, Any]) -> DecoderNetwork:
        """A fresh decoder; `config` as `DecoderConfig`."""
        return DecoderNetwork(from_mapping(DecoderConfig, config))

    def config_of(self, network: nn.Module) -> dict[str, Any]:
        """The config that rebuilds a network."""
        assert isinstance(network, (EncoderNetwork, DecoderNetwork))
        return to_mapping(network.config)

    def encoder_space(self, name: str) -> LatentSpace:
        """The latent space of harmonic encoders."""
        return latent_space(name, self._bend)

    def from_bundle(self, bundle: Bundle) -> nn.Module:
        """The network of a bundle."""
        build = self.new_encoder if bundle.info.kind == "encoder" else self.new_decoder
        network = build(bundle.info.config)
        load_weights(network, bundle)
        return network

    def beginning(self, bundle: Bundle) -> nn.Module:
        """A decoder as another instrument may begin: without the range of its own."""
        own = ("lowest_midi", "highest_midi")
        network = self.new_decoder({k: v for k, v in bundle.info.config.items() if k not in own})
        load_weights(network, bundle)
        return network

    def encode(self, encoder: nn.Module, wav_BT: Tensor) -> Tensor:
        """Activations, level and bend, as the stream of a whole waveform gives them."""
        assert isinstance(encoder, EncoderNetwork)
        reach, num_frames = encoder.reach_frames, wav_BT.shape[-1] // LATENT_HOP
        before, after = (reach + LEVEL_PAST_FRAMES), (reach + LEVEL_FUTURE_FRAMES)
        frames = functional.pad(wav_BT, (before * LATENT_HOP, after * LATENT_HOP))
        valid_F = torch.arange(-before, num_frames + after, device=wav_BT.device) >= 0
        level_BF = frame_level(frames, valid_F)
        margin = reach * LATENT_HOP + SPECTRUM_REACH
        latents_BCF = encoder.latents(functional.pad(wav_BT, (margin, margin)), level_BF)
        return latents_BCF[..., reach : reach + num_frames]

    def distort(self, batch: Batch, seed: int, background: list[Tensor]) -> Batch:
        """Detuned, mixed with another piece, in rooms, with drums, equalized, dulled, noisy."""
        scores, others = _scores(batch), batch.others
        others_scores = _scores(others) if others is not None else []
        wavs, notes = [], []
        for i, (wav_T, own) in enumerate(zip(batch.wav_BT, scores, strict=True)):
            random = np.random.default_rng((seed, batch.index + i))
            if random.random() < 0.5:
                # a body moved with its notes is another instrument's
                semitones = int(random.integers(-5, 6)) if random.random() < 0.4 else 0
                cents = 100 * semitones + random.uniform(-45, 45)
                wav_T, own = distort.detuned(wav_T, own, cents)
            if others is not None and random.random() < 0.35:
                db = random.uniform(-12, 6)
                wav_T, own = distort.mixed(wav_T, own, others.wav_BT[i], others_scores[i], db)
            heard = distort.recorded(wav_T, random, background)
            wavs.append(heard * 10 ** (random.uniform(-30, 10) / 20))
            notes.append(own)
        return Batch(torch.stack(wavs), batch.index, tuple(notes))

    def rehear(self, wav_T: Tensor, seed: int, number: int) -> Tensor:
        """Through another room, equalizer, codec and noise."""
        return distort.recorded(wav_T, np.random.default_rng((seed, number, REHEARD)))

    def teachable(self, heard_CF: Tensor, clean_CF: Tensor) -> Tensor:
        """The notes as they were heard, at the level of the audio that is to be played."""
        return torch.cat([heard_CF[:LEVEL], clean_CF[LEVEL:]])

    def playable_share(self, latents_CF: Tensor, wav_T: Tensor) -> float:
        """The share of sounding frames in which at least one note is heard."""
        frames_FT = functional.pad(wav_T, (0, -len(wav_T) % LATENT_HOP)).unflatten(
            0, (-1, LATENT_HOP)
        )
        sounding_F = frames_FT.square().mean(-1).sqrt() > QUIET * latents_CF[LEVEL]
        heard_F = latents_CF[:NUM_PITCHES].amax(0) > HEARD
        return float(heard_F[sounding_F].float().mean()) if sounding_F.any() else 0.0

    def encoder_loss(self, encoder: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropies of frames and onsets, squared error of velocities.

        The first and last frames of each example have no context and are not judged.

        Raises:
            TrainingError: the examples are so short that nothing is left to judge.
        """
        assert isinstance(encoder, EncoderNetwork)
        logits, skipped = _hear_crop(encoder, batch.wav_BT)
        target = torch.stack(
            [note_targets(notes, logits.shape[-1], skipped) for notes in _scores(batch)]
        ).to(logits.device)
        margin = encoder.reach_frames
        if logits.shape[-1] <= 2 * margin:
            shortest_s = 2 * (margin + skipped) / LATENT_RATE
            raise TrainingError(
                f"Examples of {batch.wav_BT.shape[-1] / SAMPLE_RATE:g} s are too short for this "
                f"encoder, which judges only what lies inside: take more than {shortest_s:g} s."
            )
        logits, target = logits[..., margin:-margin], target[..., margin:-margin]
        frame, onset, velocity = logits.unbind(1)
        sounding, struck, level = target.unbind(1)
        losses = {
            "frame": functional.binary_cross_entropy_with_logits(
                frame, sounding, pos_weight=frame.new_tensor(2.0)
            ),
            # strikes are rare and decide what a plucked or struck domain plays
            "onset": 4
            * functional.binary_cross_entropy_with_logits(
                onset, struck, pos_weight=onset.new_tensor(3.0)
            ),
            "velocity": 0.5
            * ((torch.sigmoid(velocity) - level).square() * sounding).sum()
            / sounding.sum().clamp_min(1),
        }
        return losses | {
            "_frame_f1": _f1(frame > 0, sounding > 0.5),
            "_onset_f1": _f1(onset > 0, struck > 0.5),
        }

    def decoder_loss(
        self, decoder: nn.Module, latents_BCF: Tensor, wav_BT: Tensor
    ) -> dict[str, Tensor]:
        """Distances between the audio and its reconstruction, relative to the level."""
        before, _ = self.context_frames(decoder)
        played = decoder(latents_BCF)
        # judged as the ear does, by how far a sound lies below the music's level
        num_frames = wav_BT.shape[-1] // LATENT_HOP
        level = latents_BCF[:, LEVEL, before : before + num_frames].mean(-1, keepdim=True)
        scale = 1 / (level + 1e-3)
        both = spectra(played * scale, wav_BT * scale)
        return {
            "spectral": spectral_distance(both),
            "bands": BANDS_WEIGHT * band_distance(both),
        }


def _scores(batch: Batch) -> list[distort.Notes]:
    """The scores of all examples.

    Raises:
        TrainingError: naming the first example that has none.
    """
    scores = [notes for notes in batch.notes if notes is not None]
    if len(scores) < len(batch.notes):
        number = batch.index + [notes is None for notes in batch.notes].index(True)
        raise TrainingError(f"Example {number} has no score; harmonic encoders learn from scores.")
    return scores


def note_targets(notes: distort.Notes, num_frames: int, skipped_frames: int) -> Tensor:
    """A piano roll of what the encoder should say: (3, P, F) of frame, onset, velocity.

    Args:
        notes: (N, 4) start_s, end_s, MIDI pitch, level_db relative to the piece.
        num_frames: F.
        skipped_frames: latent frames between the notes' time zero and the first frame.
    """
    target = np.zeros((3, NUM_PITCHES, num_frames), dtype=np.float32)
    for start_s, end_s, midi, level_db in notes:
        pitch = _nearest(midi) - LOWEST_MIDI
        # the middle of frame f lies at (f + 1/2) / rate
        start = start_s * LATENT_RATE - skipped_frames - 0.5
        end = end_s * LATENT_RATE - skipped_frames - 0.5
        first, last = _nearest(start), max(_nearest(end), _nearest(start) + 1)
        first, last = max(0, first), min(num_frames, last)
        if not 0 <= pitch < NUM_PITCHES or first >= last:
            continue
        target[0, pitch, first:last] = 1
        target[2, pitch, first:last] = np.clip(1 + level_db / VELOCITY_RANGE_DB, 0, 1)
        near = np.arange(max(0, int(start) - 2), min(num_frames, int(start) + 4))
        nearness = 1 - np.abs(near - start) / ONSET_WIDTH_FRAMES
        target[1, pitch, near] = np.maximum(target[1, pitch, near], nearness)
    return torch.from_numpy(target)


def _nearest(x: float) -> int:
    """The nearest integer, halves up: `round` would send them to even numbers."""
    return math.floor(x + 0.5)


def _hear_crop(encoder: EncoderNetwork, wav_BT: Tensor) -> tuple[Tensor, int]:
    """Logits of the frames of a crop that have their whole spectrum; frames skipped before.

    The level is that of the crop's frames alone: a crop is a short stream.
    """
    skipped = -(-SPECTRUM_REACH // LATENT_HOP)
    num_frames = wav_BT.shape[-1] // LATENT_HOP - 2 * skipped
    padding = (LEVEL_PAST_FRAMES * LATENT_HOP, LEVEL_FUTURE_FRAMES * LATENT_HOP)
    whole = functional.pad(wav_BT[:, : (num_frames + 2 * skipped) * LATENT_HOP], padding)
    valid = torch.zeros(whole.shape[-1] // LATENT_HOP)
    valid[LEVEL_PAST_FRAMES : len(valid) - LEVEL_FUTURE_FRAMES] = 1
    level = frame_level(whole, valid)[:, skipped : skipped + num_frames]
    first = skipped * LATENT_HOP - SPECTRUM_REACH
    near = wav_BT[:, first : first + num_frames * LATENT_HOP + 2 * SPECTRUM_REACH]
    return encoder.hear(near, level), skipped


def _f1(said: Tensor, true: Tensor) -> Tensor:
    return 2 * (said & true).sum() / (said.sum() + true.sum()).clamp_min(1)
