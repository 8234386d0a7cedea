"""The harmonic family: an encoder that hears notes, decoders that add up partials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from umtcli.domain import Option, Value

if TYPE_CHECKING:
    from umt_domains.harmonic.decoder import HarmonicDecoder
    from umt_domains.harmonic.encoder import HarmonicEncoder
    from umt_domains.harmonic.learning import HarmonicLearning
    from umt_domains.harmonic.transcript import NoteStreams
    from umtcli.bundle import Bundle
    from umtcli.domain import LatentSpace


class HarmonicFamily:
    """The `harmonic` family; see `umtcli.domain.Family`."""

    name = "harmonic"
    options: tuple[Option, ...] = (
        Option(
            "bend", 0.0, 0.0, 1.0, help="plays plain notes … follows vibrato and glides, if it can"
        ),
        Option("brightness", 0.0, -1.0, 1.0, help="softer overtones … stronger overtones"),
        Option("room", 0.0, 0.0, 1.0, help="plays in no room … in a large hall"),
        Option(
            "sensitivity", 0.0, -1.0, 1.0, help="plays only what is surely heard … faint notes too"
        ),
        Option("sides", default=False, help="plays left and right apart: wider, takes longer"),
        Option("transpose", 0, -24, 24, "semitones", "plays higher or lower"),
        Option("tuning", 0.0, -100.0, 100.0, "cents", "tunes all notes lower … higher than A440"),
    )

    def load_encoder(self, bundle: Bundle, device: str) -> HarmonicEncoder:
        """Build the encoder of a bundle."""
        from umt_domains.harmonic.config import FRONT_END_VERSIONS
        from umt_domains.harmonic.encoder import EncoderNetwork, HarmonicEncoder
        from umtcli.fitting import check_front_end

        check_front_end(bundle.info, *FRONT_END_VERSIONS)
        network = self.learning().from_bundle(bundle)
        assert isinstance(network, EncoderNetwork)
        return HarmonicEncoder(network, bundle.info.space, device)

    def load_decoder(
        self, bundle: Bundle, device: str, options: Mapping[str, Value]
    ) -> HarmonicDecoder:
        """Build the decoder of a bundle, with a value for every option."""
        from umt_domains.harmonic.decoder import DecoderNetwork, HarmonicDecoder

        network = self.learning().from_bundle(bundle)
        assert isinstance(network, DecoderNetwork)
        return HarmonicDecoder(network, device, options, bundle.info.space.channels)

    def note_streams(self, space: LatentSpace) -> NoteStreams:
        """What tells the notes in latents; see `umtcli.optional`."""
        from umt_domains.harmonic.transcript import NoteStreams

        del space  # all of this family are alike
        return NoteStreams()

    def learning(
        self,
        encoder: Mapping[str, Any] | None = None,
        distortion: Mapping[str, Any] | None = None,
    ) -> HarmonicLearning:
        """How this family is trained; alike for encoders of all sizes."""
        for name in distortion or {}:
            raise ValueError(f"its distortion has no {name!r}; it cannot be set")
        from umt_domains.harmonic.config import EncoderConfig, from_mapping
        from umt_domains.harmonic.learning import HarmonicLearning

        sizes = from_mapping(EncoderConfig, encoder or {})
        return HarmonicLearning(sizes.front_end, sizes.bend)
