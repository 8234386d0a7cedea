"""Small untrained networks that tests of a file share."""

import pytest

from tiny_harmonic import make_decoder, make_encoder
from umt_domains.harmonic.decoder import HarmonicDecoder
from umt_domains.harmonic.encoder import HarmonicEncoder


@pytest.fixture(scope="module")
def encoder() -> HarmonicEncoder:
    return make_encoder()


@pytest.fixture(scope="module")
def decoder() -> HarmonicDecoder:
    return make_decoder()
