"""What a system sounds like by now: held-out music of every domain, played by every decoder.

    OUT/previews/step-5000/piano-as-strings.wav

They are made by the bundles and streams that `umt convert` uses, so they are what a user
would hear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile
import torch
from torch import Tensor

from umt_trainer.examples import Domain
from umt_trainer.export import write_bundles
from umt_trainer.hearing import hear
from umt_trainer.journal import Journal
from umt_trainer.recipe import Recipe
from umt_trainer.translation import TranslationNetwork
from umtcli.bundle import read_bundle
from umtcli.domain import Decoder, Family, resolve_options


@dataclass(frozen=True)
class Previews:
    """Plays each domain's first held-out seconds by every decoder.

    Attributes:
        family: of the networks.
        domains: with held-out music.
        recipe: of the run.
        folder: for the files.
        journal: lets them be heard in TensorBoard.
    """

    family: Family
    domains: Sequence[Domain]
    recipe: Recipe
    folder: Path
    journal: Journal

    @torch.no_grad()
    def __call__(self, network: TranslationNetwork, num_steps: int) -> None:
        """Write the previews of a network."""
        learning = self.family.learning(self.recipe.encoder)
        names = [domain.name for domain in self.domains]
        how = f"{num_steps} steps"
        bundles = self.folder / "bundles"
        encoder_info, *infos = write_bundles(bundles, network, names, learning, self.recipe, how)
        device = str(next(network.parameters()).device)
        encoder = self.family.load_encoder(read_bundle(encoder_info.path), device)
        length = round(self.recipe.watch.preview_s * learning.sample_rate)
        latents = {}
        for domain in self.domains:
            wav_T, _ = domain.recordings[0].crop(0, length, learning.sample_rate)
            latents[domain.name] = hear(encoder, wav_T)
        folder = self.folder / f"step-{num_steps}"
        folder.mkdir(parents=True, exist_ok=True)
        for info in infos:
            options = resolve_options(self.family, {})
            decoder = self.family.load_decoder(read_bundle(info.path), device, options)
            for name, wav_T in zip(names, _played(decoder, list(latents.values())), strict=True):
                title = f"{name}-as-{info.name}"
                soundfile.write(folder / f"{title}.wav", wav_T.numpy(), decoder.sample_rate)
                self.journal.play(title, num_steps, wav_T, decoder.sample_rate)


def _played(decoder: Decoder, latents: Sequence[Tensor]) -> list[Tensor]:
    """Whole streams, side by side."""
    streams = decoder.streams()
    ids = [streams.open() for _ in latents]
    starts = streams.push(dict(zip(ids, latents, strict=True)))
    ends = streams.finish(ids)
    return [torch.cat([starts[i], ends[i]]).cpu() for i in ids]
