"""Probes: what small networks can tell from single latents, of lines that they did not learn from.

F frames, C latent channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from starter.lines import DOMAINS, PROBED, music, pieces
from umt_trainer.hearing import hear
from umt_trainer.score.midi import read_midi
from umt_trainer.score.notes import Note
from umt_trainer.score.sound import load_sound, resample
from umtcli.domain import Encoder

NUM_PITCHES = 128
"""Of MIDI; domains are told by the first of them."""
STEPS, BATCH, HIDDEN, RATE = 600, 512, 128, 3e-3


@dataclass(frozen=True)
class Probed:
    """How much a small network makes of single latents, in music that it did not learn from."""

    pitch: float
    """Share of the sounding frames whose pitch it tells."""
    domain: float
    """Share of them whose domain it tells, of three."""


def probe(out: Path, encoder: Encoder, seed: int) -> Probed:
    """Teach two probes on latents of the domains' music; try them on the domains' other pieces.

    Args:
        out: the recipe's folder.
        encoder: whose latents they see.
        seed: of what they begin with and see.

    Raises:
        TrainingError: there is not enough music.
    """

    def latents(path: Path, notes: Sequence[Note]) -> tuple[Tensor, Tensor]:
        """Of the frames in which a note sounds: (F, C), and its pitch."""
        sound = load_sound(path)
        wav_T = torch.from_numpy(resample(sound.wav, sound.sample_rate, encoder.sample_rate))
        heard_FC = hear(encoder, wav_T).T
        pitch_F = torch.zeros(len(heard_FC), dtype=torch.long)
        for note in notes:
            first, end = (round(s * encoder.space.frame_rate) for s in (note.start_s, note.end_s))
            pitch_F[first:end] = note.pitch
        return heard_FC[pitch_F > 0], pitch_F[pitch_F > 0]

    def joined(parts: Iterable[tuple[str, Path, Sequence[Note]]]) -> tuple[Tensor, ...]:
        heard = [(*latents(path, notes), DOMAINS.index(name)) for name, path, notes in parts]
        return (
            torch.cat([x for x, _, _ in heard]),
            torch.cat([pitch for _, pitch, _ in heard]),
            torch.cat([torch.full((len(x),), which) for x, _, which in heard]),
        )

    learned = joined(
        (name, path, read_midi(path.with_suffix(".mid")))
        for name, paths in music(out).items()
        for path in paths[:PROBED]
    )
    tried = joined((p.source, p.audio, p.score) for p in pieces(out) if p.source in DOMAINS)
    mean, scale = learned[0].mean(0), learned[0].std(0) + 1e-6
    x, y = (learned[0] - mean) / scale, (tried[0] - mean) / scale
    right = [
        _told(x, wanted, y, seed) == true
        for wanted, true in zip(learned[1:], tried[1:], strict=True)
    ]
    return Probed(*(float(r.float().mean()) for r in right))


def _told(x_FC: Tensor, wanted_F: Tensor, tried_FC: Tensor, seed: int) -> Tensor:
    """What a network of one hidden layer tells of frames, after it learned from others."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Linear(x_FC.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, NUM_PITCHES)
        )
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    for _ in range(STEPS):
        chosen = torch.randint(len(x_FC), (BATCH,), generator=generator)
        loss = functional.cross_entropy(network(x_FC[chosen]), wanted_F[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        told: Tensor = network(tried_FC).argmax(1)
    return told
