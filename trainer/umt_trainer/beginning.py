"""Where networks begin to learn, if not at random: a new instrument, and a whole system.

A new instrument begins as the known domain that is most like it. Every decoder on an encoder has
learned what its latents mean, and one that plays the recordings half well already saves most of
the steps that a network of random weights takes. How its network is built, e.g. whether its
notes fade by themselves, is taken over as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from umt_trainer.examples import Music
from umt_trainer.export import decoder_path
from umt_trainer.tasks import DecoderTask
from umt_trainer.translation import TranslationNetwork
from umt_trainer.validation import decoder_loss
from umtcli.bundle import read_bundle
from umtcli.catalog import Catalog
from umtcli.errors import BundleError, UsageError
from umtcli.fitting import check_front_end, load_weights
from umtcli.learning import Learning
from umtcli.optional import beginning, settle

EXAMPLES = 16
"""That each known domain is judged by."""
SETTLING_S = 30.0
"""Of each domain's music, that a fresh encoder is settled on."""


def known_domains(catalog: Catalog, fingerprint: str) -> list[Path]:
    """Decoders on an encoder that a new one may begin as: those of the encoder's licence."""
    encoder = catalog.encoders[fingerprint]
    return [
        domain.decoder
        for domain in catalog.domains
        if domain.space.fingerprint == fingerprint
        and domain.licence == encoder.provenance.get("licence")
    ]


def begin(task: DecoderTask, known: Sequence[Path]) -> tuple[DecoderTask, str]:
    """The task with the network of the known domain that plays its music best.

    Damaged bundles, and those of other versions, are passed over.

    Args:
        task: that is about to begin, with a fresh network.
        known: bundles of decoders on the task's encoder.

    Returns:
        The task, and the name of the domain that was taken; empty if the fresh network is
        better than all.
    """
    best, name, loss = task, "", decoder_loss(task, EXAMPLES)
    for path in known:
        try:
            bundle = read_bundle(path, "decoder")
            candidate = replace(task, network=beginning(task.learning, bundle))
        except (BundleError, ValueError):  # e.g. a size that this version has not
            continue
        its_loss = decoder_loss(candidate, EXAMPLES)
        if its_loss < loss:
            best, name, loss = candidate, bundle.info.name, its_loss
    return best, name


def begin_system(
    network: TranslationNetwork, learning: Learning, folder: Path, names: Sequence[str]
) -> str:
    """Give a system the weights of an earlier run's bundles; decoders without one stay random.

    Args:
        network: with a decoder for each name.
        learning: of its family.
        folder: of bundles, as a run leaves them: one encoder, and domains by their names.
        names: of the domains.

    Returns:
        What tells these weights from others: the digests of their bundles.

    Raises:
        UsageError: there is no encoder in the folder, or several.
        BundleError: weights do not fit the sizes, or are of another family or front end.
    """
    encoders = sorted((folder / "encoders").glob("*.safetensors"))
    if len(encoders) != 1:
        raise UsageError(
            f"{folder}/encoders holds {len(encoders)} encoders, and a run begins with one. Name "
            "the folder `bundles` of an earlier run."
        )
    heard = read_bundle(encoders[0], "encoder")
    check_front_end(heard.info, learning.front_end_version)
    wanted = [(network.encoder, heard)]
    for name, decoder in zip(names, network.decoders, strict=True):
        if decoder_path(folder, name).exists():
            wanted.append((decoder, read_bundle(decoder_path(folder, name), "decoder")))
    for part, bundle in wanted:
        if bundle.info.family != learning.family:
            raise BundleError(f"{bundle.info.path} is of the family {bundle.info.family}.")
        load_weights(part, bundle)
    return " ".join(bundle.info.digest for _, bundle in wanted)


def settle_encoder(encoder: nn.Module, music: Music) -> None:
    """Let a fresh encoder hear what decoders can begin with, where its family can.

    Args:
        encoder: changed in place.
        music: that it is to learn from; the first examples of each domain are heard.

    Raises:
        UsageError: its family cannot.
    """
    num_examples = len(music.domains) * math.ceil(SETTLING_S / music.config.crop_s)
    if not settle(music.learning, encoder, music.clean(0, num_examples).wav_BT):
        raise UsageError(
            f"The {music.learning.family} family cannot settle an encoder: leave settled out of "
            "[hearing]."
        )
