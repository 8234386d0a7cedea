"""The contract of learning: what a family tells the trainer.

The trainer owns the loop, the schedule, the checkpoints and the paper's confusion network.
Only the family knows how its networks are
built, how its losses are computed, and how the encoder's input is distorted so that it
learns the music and not the recording.

B examples, T samples, C latent channels, F latent frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from umtcli.bundle import Bundle
    from umtcli.domain import LatentSpace


@dataclass(frozen=True)
class Batch:
    """Examples to learn from.

    Attributes:
        wav_BT: audio, float32, mono, at the family's sample rate.
        index: global number of the first example; with the seed it keys every random
            draw, so that a run's examples do not depend on how many processes share them.
        notes: for each example its notes, float64 (N, 4): start and end in seconds from
            the example's first sample, MIDI pitch, and level in dB relative to the
            piece's loudest notes; None where no score is known, which is not the same as
            a score without notes.
        others: a second, unrelated cut for each example, drawn by the example's own
            number, so that music may be mixed without regard to what else is in the batch;
            None where there is none. It has no `others` itself.
    """

    wav_BT: Tensor
    index: int
    notes: tuple[np.ndarray[Any, Any] | None, ...]
    others: Batch | None = None


class Learning(Protocol):
    """How a family's networks are built and what they are taught."""

    @property
    def family(self) -> str:
        """Name of the family."""

    @property
    def front_end_version(self) -> int:
        """Of the code before the encoder's network; part of the encoder's fingerprint."""

    @property
    def sample_rate(self) -> int:
        """Of all training audio (Hz)."""

    @property
    def hop_samples(self) -> int:
        """Samples per latent frame."""

    @property
    def hears_scores(self) -> bool:
        """Whether `encoder_loss` compares what is heard with the notes of a score."""

    @property
    def distortion(self) -> Mapping[str, Any]:
        """What `distort` and `rehear` do that is not the family's usual, as plain values."""

    def context_frames(self, decoder: nn.Module) -> tuple[int, int]:
        """Latent frames that a decoder wants to see before and after the audio it makes."""

    def new_encoder(self, config: Mapping[str, Any]) -> nn.Module:
        """A fresh encoder network; unknown keys of the config are refused."""

    def new_decoder(self, config: Mapping[str, Any]) -> nn.Module:
        """A fresh decoder network; unknown keys of the config are refused."""

    def config_of(self, network: nn.Module) -> dict[str, Any]:
        """The config that rebuilds a network, as plain JSON values."""

    def encode(self, encoder: nn.Module, wav_BT: Tensor) -> Tensor:
        """What an encoder hears in whole waveforms, each a stream of its own, with gradient.

        Shape:
            wav: (B, F · hop_samples)
            returns: (B, C, F)
        """

    def distort(self, batch: Batch, seed: int, background: list[Tensor]) -> Batch:
        """What the encoder hears instead of the clean audio; notes follow if they move.

        What becomes of an example depends on it, its `others` and its number alone, never
        on the batch it is in.

        Args:
            batch: clean examples, each with another that may be mixed in.
            seed: of the run; draws are keyed by (seed, number of the example).
            background: (T,) sounds without notes, such as drums, that may be mixed in.
        """

    def rehear(self, wav_T: Tensor, seed: int, number: int) -> Tensor:
        """The same performance as another recording of it might sound: as long, and in time.

        Decoders are taught from several hearings of their music. One alone would carry the
        recording's own traces, which no other instrument leaves in the latents.

        Args:
            wav_T: clean audio.
            seed: of the run.
            number: of this hearing; with the seed it keys every draw.
        """

    def teachable(self, heard_CF: Tensor, clean_CF: Tensor) -> Tensor:
        """The latents of a `rehear`d recording, as they teach to play the clean one.

        What the distortion changed of what the decoder must know, such as the level, is
        taken from the latents of the clean recording.
        """

    def playable_share(self, latents_CF: Tensor, wav_T: Tensor) -> float:
        """How much of the music a decoder could play from its latents: 0 … 1.

        Of the time in which something sounds, the share in which the encoder heard what its
        family's decoders need. The trainer refuses recordings with little of it before it
        spends minutes on them.

        Args:
            latents_CF: what the encoder heard.
            wav_T: in this audio.
        """

    def encoder_loss(self, encoder: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Named losses of hearing the scores of a (distorted) batch; they are summed.

        Names that begin with `_` are measures to show, not losses.
        """

    def decoder_loss(
        self, decoder: nn.Module, latents_BCF: Tensor, wav_BT: Tensor
    ) -> dict[str, Tensor]:
        """Named losses of playing latents: the audio's, with `context_frames` on both sides."""

    def encoder_space(self, name: str) -> LatentSpace:
        """The latent space of this family's encoders, without a fingerprint."""

    def from_bundle(self, bundle: Bundle) -> nn.Module:
        """The network of a bundle, to run it or to go on training it."""
