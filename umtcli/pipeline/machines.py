"""The networks of one run: each bundle is read and built once, when first needed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from umtcli.bundle import read_bundle, read_info
from umtcli.catalog import Catalog
from umtcli.domain import Decoder, Domain, Encoder, Family, Streams, Value
from umtcli.errors import PluginError, UmtError
from umtcli.fitting import check_space
from umtcli.optional import note_streams
from umtcli.pipeline.mix import MixDecoder
from umtcli.pipeline.players import Player


class Machines:
    """Encoders and decoders on one device; files that are opened at once may ask for them."""

    def __init__(self, catalog: Catalog, device: str) -> None:
        self._catalog = catalog
        self._device = device
        self._encoders: dict[Path, Encoder] = {}
        self._decoders: dict[tuple[Path, str], Decoder | UmtError] = {}
        self._mixes: dict[tuple[Player, str], MixDecoder] = {}
        self._lock = threading.RLock()

    def encoder(self, domain: Domain) -> Encoder:
        """The encoder that a domain was trained on; domains of one space share one object.

        Raises:
            BundleError: its bundle is damaged, or of another latent space.
            PluginError: its family cannot build it.
        """
        path = self._catalog.encoder_for(domain)
        with self._lock:
            if path not in self._encoders:
                self._encoders[path] = self._load_encoder(path)
            return self._encoders[path]

    def player(self, player: Player, options: Mapping[str, Mapping[str, Value]]) -> Decoder:
        """The decoder of a player: its domain's, or all of its domains' as one object.

        Args:
            player: a domain or a mix.
            options: by family.

        Raises:
            BundleError: a bundle is damaged, or of another latent space.
            PluginError: a family cannot build its decoder.
        """
        parts = [
            (self.decoder(share.domain, options[share.domain.family]), share.share)
            for share in player.shares
        ]
        if len(parts) == 1:
            return parts[0][0]
        with self._lock:
            return self._mixes.setdefault((player, repr(options)), MixDecoder(parts))

    def decoder(self, domain: Domain, options: Mapping[str, Value]) -> Decoder:
        """The decoder of a domain.

        Args:
            domain: what plays.
            options: a value for every option of its family.

        Raises:
            BundleError: its bundle is damaged, or of another latent space.
            PluginError: its family cannot build it.
        """
        key = (domain.decoder, repr(sorted(options.items())))
        with self._lock:
            if key not in self._decoders:
                try:
                    self._decoders[key] = self._load(domain, options)
                except UmtError as e:
                    self._decoders[key] = e  # not tried again for each of a thousand inputs
            decoder = self._decoders[key]
        if isinstance(decoder, UmtError):
            raise decoder
        return decoder

    def note_streams(self, domain: Domain) -> Streams:
        """What tells the notes in the latents that a domain plays: see `umtcli.optional`.

        Raises:
            PluginError: its family cannot.
        """
        start = note_streams(self._catalog.family(domain))
        if start is None:
            raise PluginError(f"The {domain.family} family hears no notes.")
        try:
            return start(domain.space)
        except Exception as e:
            raise blame(e, f"Starting to find notes in {domain.space}") from e

    def _load_encoder(self, path: Path) -> Encoder:
        bundle = read_bundle(path, kind="encoder")
        family = self._family(bundle.info.family, path)
        try:
            return family.load_encoder(bundle, self._device)
        except Exception as e:
            raise blame(e, f"Loading the encoder {path}") from e

    def _load(self, domain: Domain, options: Mapping[str, Value]) -> Decoder:
        bundle = read_bundle(domain.decoder, kind="decoder")
        encoder = read_info(self._catalog.encoder_for(domain))
        check_space(bundle.info, encoder)
        family = self._catalog.family(domain)
        try:
            return family.load_decoder(bundle, self._device, options)
        except Exception as e:
            raise blame(e, f"Loading the domain {domain.name}") from e

    def _family(self, name: str, bundle: Path) -> Family:
        if name not in self._catalog.families:
            raise PluginError(
                f"{bundle} needs the family {name}, which no working plugin brings. "
                "`umt plugins` shows what is installed."
            )
        return self._catalog.families[name]


def blame(error: Exception, doing: str) -> UmtError:
    """An error that umt can report: itself if it is one, else the plugin's fault.

    Args:
        error: anything that a plugin raised.
        doing: what was going on, e.g. `Loading the domain piano`.
    """
    if isinstance(error, UmtError):
        return error
    reason = str(error).strip().splitlines()[:1]
    text = f"{type(error).__name__}: {reason[0]}" if reason else type(error).__name__
    blamed = PluginError(f"{doing} failed: {text}. --debug shows where.")
    blamed.__cause__ = error
    return blamed
