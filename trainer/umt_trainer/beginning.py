"""Where networks begin to learn, if not at random: a new instrument, and a whole system.

A new instrument begins as the known domain that is most like it. Every decoder on an encoder has
learned what its latents mean, and one that plays the recordings half well already saves most of
the steps that a network of random weights takes. How its network is built, e.g. whether its
notes fade by themselves, is taken over as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from umt_trainer.export import decoder_path, encoder_path
from umt_trainer.tasks import DecoderTask
from umt_trainer.translation import TranslationNetwork
from umt_trainer.validation import decoder_loss
from umtcli.bundle import read_bundle
from umtcli.catalog import Catalog
from umtcli.errors import BundleError
from umtcli.fitting import load_weights
from umtcli.optional import beginning

EXAMPLES = 16
"""That each known domain is judged by."""


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
        except BundleError:
            continue
        its_loss = decoder_loss(candidate, EXAMPLES)
        if its_loss < loss:
            best, name, loss = candidate, bundle.info.name, its_loss
    return best, name


def begin_system(
    network: TranslationNetwork, folder: Path, space: str, names: Sequence[str]
) -> str:
    """Give a system the weights of an earlier run's bundles; decoders without one stay random.

    Args:
        network: with a decoder for each name.
        folder: of bundles, as a run leaves them.
        space: the latent space's name in its recipe.
        names: of the domains.

    Returns:
        What tells these weights from others: the digests of their bundles.

    Raises:
        BundleError: the encoder's bundle is missing, or weights do not fit the sizes.
    """
    wanted = [(network.encoder, encoder_path(folder, space), "encoder")]
    for name, decoder in zip(names, network.decoders, strict=True):
        if decoder_path(folder, name).exists():
            wanted.append((decoder, decoder_path(folder, name), "decoder"))
    digests = []
    for part, path, kind in wanted:
        bundle = read_bundle(path, kind)
        load_weights(part, bundle)
        digests.append(bundle.info.digest)
    return " ".join(digests)
