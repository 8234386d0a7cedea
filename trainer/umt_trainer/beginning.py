"""Where a new instrument begins to learn: as the known domain that is most like it.

Every decoder on an encoder has learned what its latents mean. One that plays the recordings
half well already saves most of the steps that a network of random weights takes.
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
from umtcli.fitting import load_weights

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


def begin(task: DecoderTask, known: Sequence[Path]) -> str:
    """Give a task's network the weights of the known domain that plays its music best.

    Domains whose networks are built otherwise, or whose bundles are damaged, are passed over.

    Args:
        task: that is about to begin.
        known: bundles of decoders on the task's encoder.

    Returns:
        The name of the domain that was taken; empty if none was, and the weights are random.
    """
    best, name = decoder_loss(task, EXAMPLES), ""
    weights = task.network.state_dict()
    for path in known:
        network = task.learning.new_decoder(task.learning.config_of(task.network))
        try:
            bundle = read_bundle(path, "decoder")
            load_weights(network, bundle)
        except BundleError:
            continue
        loss = decoder_loss(replace(task, network=network), EXAMPLES)
        if loss < best:
            best, name, weights = loss, bundle.info.name, network.state_dict()
    task.network.load_state_dict(weights)
    return name
