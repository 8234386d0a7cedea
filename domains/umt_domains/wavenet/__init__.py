"""The wavenet family: the paper's own system, mono, one class after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from umtcli.domain import Option, Value

if TYPE_CHECKING:
    from umt_domains.wavenet.hearing import WavenetEncoder
    from umt_domains.wavenet.learning import WavenetLearning
    from umt_domains.wavenet.playing import WavenetDecoder
    from umtcli.bundle import Bundle


class WavenetFamily:
    """The `wavenet` family; see `umtcli.domain.Family`."""

    name = "wavenet"
    options: tuple[Option, ...] = (
        Option("temperature", 1.0, 0.0, 2.0, help="0 takes the likeliest … 2 wild; 1 as learned"),
        Option("top_p", 1.0, 0.0, 1.0, help="share of probability that is drawn from; 1 is all"),
        Option("guidance", 1.0, 0.0, 4.0, help="times the domain's own; 0 plays as the paper does"),
        Option("exact", default=False, help="long files are not cut, and take far longer"),
        Option("engine", "auto", help="what samples; `umt doctor` lists what this CPU has"),
    )

    def load_encoder(self, bundle: Bundle, device: str) -> WavenetEncoder:
        """Build the encoder of a bundle."""
        from umt_domains.wavenet.config import FRONT_END_VERSION
        from umt_domains.wavenet.encoder import EncoderNetwork
        from umt_domains.wavenet.hearing import WavenetEncoder
        from umtcli.fitting import check_front_end

        check_front_end(bundle.info, FRONT_END_VERSION)
        network = self.learning().from_bundle(bundle)
        assert isinstance(network, EncoderNetwork)
        return WavenetEncoder(network, bundle.info.space, device)

    def load_decoder(
        self, bundle: Bundle, device: str, options: Mapping[str, Value]
    ) -> WavenetDecoder:
        """Build the decoder of a bundle, with a value for every option."""
        from umt_domains.wavenet.decoder import DecoderNetwork
        from umt_domains.wavenet.playing import WavenetDecoder

        network = self.learning().from_bundle(bundle)
        assert isinstance(network, DecoderNetwork)
        return WavenetDecoder(network, device, options)

    def engines(self) -> tuple[str, ...]:
        """What the option `engine` may be on this machine; `auto` is the first that works."""
        from umt_domains.wavenet.engine.choosing import engines

        return engines()

    def learning(
        self,
        encoder: Mapping[str, Any] | None = None,
        distortion: Mapping[str, Any] | None = None,
    ) -> WavenetLearning:
        """How encoders of a size, and decoders on them, are trained; as published if None."""
        from umt_domains.wavenet.learning import WavenetLearning

        return WavenetLearning.of(encoder or {}, distortion or {})
