"""Where a new instrument begins to learn: as the known domain that is most like it.

Every decoder on an encoder has learned what its latents mean. One that plays the recordings
half well already saves most of the steps that a network of random weights takes. How its network
is built, e.g. whether its notes fade by themselves, is taken over as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from umt_trainer.tasks import DecoderTask
from umt_trainer.validation import decoder_loss
from umtcli.bundle import read_bundle
from umtcli.catalog import Catalog
from umtcli.errors import BundleError
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
