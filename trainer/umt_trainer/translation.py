"""The paper's task: one encoder for all domains, a decoder for each, and who confuses whom.

A step has two updates. First the confusion network learns to tell domains by the latents
of the clean music; the encoder has no part in that. Then encoder and decoders learn to
play each domain's music again from its distorted form, and the encoder to confuse:

    clean ──── encoder ─ (detached) ─ confusion ─ cross-entropy                   update 1
    distorted ─ encoder ─┬─ confusion (fixed) ── −λ · cross-entropy ─┐
                         └─ the domain's decoder ─ reconstruction ───┴──────────── update 2

B examples, C latent channels, D domains, F latent frames, T samples.

Source: arXiv:1805.07848, section 3.2, equations 1 and 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from umt_trainer.ahead import Ahead
from umt_trainer.config import HearingConfig, RunConfig
from umt_trainer.confusion import ConfusionConfig, ConfusionNetwork, drop
from umt_trainer.data import fingerprint
from umt_trainer.examples import Domain, Examples, Music
from umt_trainer.tasks import Phase, fingerprint_sounds, total
from umtcli.errors import TrainingError
from umtcli.learning import Batch, Learning

FAR = 1 << 40
"""From here on there are examples for further updates, beyond those of any run."""


class TranslationNetwork(nn.Module):
    """All that is trained together.

    Args:
        encoder: hears every domain.
        decoders: one for each domain, in the domains' order.
        confusion: guesses the domain, by the same order.
    """

    def __init__(
        self, encoder: nn.Module, decoders: Sequence[nn.Module], confusion: ConfusionNetwork
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoders = nn.ModuleList(decoders)
        self.confusion = confusion


@dataclass(frozen=True)
class TranslationTask:
    """Encoder, decoders and confusion network together.

    Attributes:
        network: with one decoder for each domain.
        learning: of its family.
        domains: two or more.
        config: of the run.
        confusion: how much confusion counts.
        background: (T,) sounds without notes, for families whose encoder hears scores.
        distorted: whether the encoder hears the music a little out of tune, or whatever else
            its family does to it, or as it is.
        begun: tells what weights the networks began with; empty: random ones.
        hearing: how the encoder begins and how fast it learns.

    Raises:
        TrainingError: domains and decoders do not match, or there is nothing to confuse.
    """

    network: TranslationNetwork
    learning: Learning
    domains: Sequence[Domain]
    config: RunConfig
    confusion: ConfusionConfig = field(default_factory=ConfusionConfig)
    background: list[Tensor] = field(default_factory=list)
    distorted: bool = True
    begun: str = ""
    hearing: HearingConfig = field(default_factory=HearingConfig)
    _heard: dict[tuple[int, int], Tensor] = field(default_factory=dict, init=False, repr=False)
    """Clean latents that the confusion network was just taught by, for the second update: by
    (index, size) of their examples, for the encoder is the same in both."""

    def __post_init__(self) -> None:
        if len(self.domains) < 2:
            raise TrainingError("Translation needs two or more domains to be learned.")
        if len(self.domains) != len(self.network.decoders):
            raise TrainingError(
                f"There are {len(self.domains)} domains, but {len(self.network.decoders)} decoders."
            )

    def identity(self) -> dict[str, Any]:
        """The networks, the family and every domain's music."""
        config_of = self.learning.config_of
        how: dict[str, Any] = {} if self.distorted else {"distorted": False}
        if self.begun:
            how["begun"] = self.begun
        if self.hearing != HearingConfig():
            how["hearing"] = asdict(self.hearing)
        if self.learning.distortion:
            how["distortion"] = dict(self.learning.distortion)
        if self.background:
            how["background"] = fingerprint_sounds(self.background)
        return how | {
            "kind": "translation",
            "family": self.learning.family,
            "front_end_version": self.learning.front_end_version,
            "encoder": config_of(self.network.encoder),
            "decoders": [config_of(decoder) for decoder in self.network.decoders],
            # in their order, by which decoders are kept
            "domains": [[d.name, fingerprint(d.recordings)] for d in self.domains],
            "confusion": asdict(self.confusion) | {"channels": self.network.confusion.channels},
        }

    def phases(self) -> list[Phase]:
        """The confusion network's updates, then the autoencoders'."""
        network, confusion = self.network, self.confusion
        guessing = [
            replace(
                Phase.of("confusion", network.confusion, partial(self._guessing_again, again)),
                rate=confusion.rate,
            )
            for again in range(confusion.updates)
        ]
        autoencoders = nn.ModuleList([network.encoder, *network.decoders])
        playing = Phase.of("autoencoders", autoencoders, self.playing)
        if self.hearing != HearingConfig():
            slower = list(network.encoder.parameters())
            playing = replace(playing, slower=slower, pace=self.hearing.pace)
        return [*guessing, playing]

    def _guessing_again(self, again: int, index: int, size: int) -> dict[str, Tensor]:
        if again == 0:
            return self.guessing(index, size)
        clean = self.music.clean(index + again * len(self.domains) * FAR, size)
        return self._guess(clean, self._clean(clean))

    def guessing(self, index: int, size: int) -> dict[str, Tensor]:
        """What the confusion network is taught: the domain of the clean music's latents."""
        clean = self._ahead.get(index, size).clean
        clean_BCF = self._heard[index, size] = self._clean(clean)
        return self._guess(clean, clean_BCF)

    def _guess(self, clean: Batch, clean_BCF: Tensor) -> dict[str, Tensor]:
        index, size = clean.index, len(clean.wav_BT)
        numbers = range(index, index + size)
        seen_BCF = drop(clean_BCF, self.confusion.input_dropout, self.config.seed, numbers)
        logits_BD = self.network.confusion(seen_BCF)
        domain_B = self._domains(index, size)
        return {
            "guess": functional.cross_entropy(logits_BD, domain_B),
            "_guessed": (logits_BD.argmax(1) == domain_B).float().mean(),
        }

    def playing(self, index: int, size: int) -> dict[str, Tensor]:
        """What encoder and decoders are taught: to play again, and to confuse.

        For each domain there is a measure: what its own decoder's losses add up to.
        """
        examples = self._ahead.get(index, size)
        batch = examples.clean
        heard_BCF = self._hear(examples)
        logits_BD = self.network.confusion(heard_BCF)
        guess = functional.cross_entropy(logits_BD, self._domains(index, size))
        losses = self._reconstruction(heard_BCF, batch)
        losses["confusion"] = -self.confusion.weight * guess
        if self.music.scored:
            distorted = self.learning.distort(batch, self.config.seed, self.background)
            distorted = replace(distorted, wav_BT=distorted.wav_BT.to(self._device))
            losses |= self.learning.encoder_loss(self.network.encoder, distorted)
        return losses

    def _reconstruction(self, heard_BCF: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Each domain's examples by its own decoder; the mean over examples.

        Before and after an example there is silence.
        """
        num_domains, size = len(self.domains), len(heard_BCF)
        losses: dict[str, Tensor] = {}
        # the same names whatever the examples: processes add up what they have
        shown = {f"_loss/{d.name}": heard_BCF.new_tensor(math.nan) for d in self.domains}
        for which, decoder in enumerate(self.network.decoders):
            own = slice((which - batch.index) % num_domains, None, num_domains)
            wav_BT, latents_BCF = batch.wav_BT[own].to(self._device), heard_BCF[own]
            if len(wav_BT) == 0:
                continue
            played = self.play(decoder, latents_BCF, wav_BT)
            shown[f"_loss/{self.domains[which].name}"] = total(played).detach()
            for name, loss in played.items():
                share = loss * (len(wav_BT) / size)
                losses[name] = losses[name] + share if name in losses else share
        return losses | shown

    def play(self, decoder: nn.Module, latents_BCF: Tensor, wav_BT: Tensor) -> dict[str, Tensor]:
        """A decoder's losses on examples with silence before and after them."""
        around = self.learning.context_frames(decoder)
        return self.learning.decoder_loss(decoder, functional.pad(latents_BCF, around), wav_BT)

    def _hear(self, examples: Examples) -> Tensor:
        """Latents of what the encoder is given, as they teach to play the clean audio."""
        learning, batch = self.learning, examples.clean
        clean_BCF = self._heard.pop((batch.index, len(batch.wav_BT)), None)
        heard_BCF = learning.encode(self.network.encoder, examples.heard_BT.to(self._device))
        if not self.distorted:
            return heard_BCF
        if clean_BCF is None:
            clean_BCF = self._clean(batch)
        pairs = zip(heard_BCF, clean_BCF, strict=True)
        return torch.stack([learning.teachable(heard, clean) for heard, clean in pairs])

    @torch.no_grad()
    def _clean(self, batch: Batch) -> Tensor:
        return self.learning.encode(self.network.encoder, batch.wav_BT.to(self._device))

    @cached_property
    def _ahead(self) -> Ahead[Examples]:
        config = self.config
        end = config.steps * config.batch_size
        return Ahead(self.music.ready, config.batch_size, end, config.loaders)

    @cached_property
    def music(self) -> Music:
        """What it learns from."""
        return Music(self.domains, self.learning, self.config, self.distorted)

    def _domains(self, index: int, size: int) -> Tensor:
        numbers_B = torch.arange(index, index + size, device=self._device)
        return numbers_B % len(self.domains)

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device
