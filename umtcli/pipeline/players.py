"""What plays an output: one domain, or a mix of several, as users write it after `--to`.

    piano                    one domain
    piano+strings            a mix in equal shares
    piano*0.7+strings*0.3    a mix with a gain for each

A gain is linear and 1 where none is given; shares are gains made to sum to one.

With `--midi` there is a scribe besides, which writes down what the players are to play.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from umtcli.catalog import Catalog
from umtcli.domain import Domain
from umtcli.errors import UsageError
from umtcli.optional import note_streams

GAIN = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")
MIDI = "midi"
HOW_TO = "Write a mix like 'piano*0.7+strings*0.3'."


@dataclass(frozen=True)
class Share:
    """One domain of a player."""

    domain: Domain
    share: float
    """Linear gain; the shares of a player sum to one."""
    gain: float | None = None
    """As the user gave it; None if not."""


@dataclass(frozen=True)
class Player:
    """One domain, or several of one latent space that play in time with each other."""

    shares: tuple[Share, ...]
    """At least one."""

    @classmethod
    def of(cls, domain: Domain) -> Player:
        """A domain that plays alone."""
        return cls((Share(domain, 1.0),))

    @property
    def domains(self) -> tuple[Domain, ...]:
        """In the order in which they were named."""
        return tuple(share.domain for share in self.shares)

    @property
    def lead(self) -> Domain:
        """A domain that stands for all where only the latent space matters."""
        return self.shares[0].domain

    def __str__(self) -> str:
        """As a user would write it, without packages."""
        return self._joined("*")

    @property
    def file_name(self) -> str:
        """As a part of file names: Windows allows no `*` in them."""
        return self._joined("@")

    def _joined(self, sign: str) -> str:
        return "+".join(
            share.domain.name + ("" if share.gain is None else f"{sign}{share.gain:g}")
            for share in self.shares
        )


@dataclass(frozen=True)
class Scribe:
    """Writes down the notes that an encoder heard."""

    name: str
    """`midi`; where there are several, with the latent space: `midi-harmonic-1`."""
    lead: Domain
    """A domain that stands for the latent space."""

    def __str__(self) -> str:
        """The name."""
        return self.name

    @property
    def file_name(self) -> str:
        """As a part of file names."""
        return self.name


def find_scribes(players: Iterable[Player], catalog: Catalog) -> list[Scribe]:
    """One for each latent space that players play from.

    Raises:
        UsageError: a family cannot tell the notes in its latents.
    """
    leads = {player.lead.space.fingerprint: player.lead for player in players}
    for lead in leads.values():
        if note_streams(catalog.family(lead)) is None:
            raise UsageError(
                f"--midi: the {lead.family} family, which plays {lead.name}, hears no notes. "
                f"Leave out --midi, or convert to {lead.name} by itself."
            )
    if len(leads) == 1:
        return [Scribe(MIDI, lead) for lead in leads.values()]
    return [Scribe(f"{MIDI}-{lead.space.name.replace('/', '-')}", lead) for lead in leads.values()]


def find_player(text: str, catalog: Catalog) -> Player:
    """Read one entry of `--to`.

    Args:
        text: a domain, or domains joined by `+`, each with `*GAIN` behind it or without.
        catalog: where the domains are looked up.

    Raises:
        UnknownDomain: a domain is not installed; carries suggestions.
        UsageError: the mix is malformed, or its domains have no latent space in common.
    """
    if "+" not in text and "*" not in text:
        return Player.of(catalog.domain(text))
    terms = [_term(term, text) for term in text.split("+")]
    if len(terms) == 1:
        raise UsageError(f"{text!r} has nothing to be mixed with, so its gain says nothing.")
    total = sum(1.0 if gain is None else gain for _, gain in terms)
    if not math.isfinite(total):
        raise UsageError(f"The gains of the mix {text!r} are too large. {HOW_TO}")
    shares = tuple(
        Share(catalog.domain(name), (1.0 if gain is None else gain) / total, gain)
        for name, gain in terms
    )
    player = Player(shares)
    _check(player, text)
    return player


def _term(term: str, text: str) -> tuple[str, float | None]:
    """One domain of a mix, and its gain if it has one."""
    name, star, number = (part.strip() for part in term.partition("*"))
    if not name:
        raise UsageError(f"A domain is missing in the mix {text!r}. {HOW_TO}")
    if not star:
        return name, None
    if not GAIN.fullmatch(number):
        raise UsageError(f"{number!r} is no gain in the mix {text!r}. {HOW_TO}")
    gain = float(number)
    if gain == 0:
        raise UsageError(f"In the mix {text!r}, {name} has the gain 0: leave it out.")
    return name, gain


def _check(player: Player, text: str) -> None:
    if len(set(player.domains)) < len(player.domains):
        raise UsageError(f"The mix {text!r} names a domain twice: give it one larger gain.")
    lead = player.lead
    for domain in player.domains:
        if domain.space.fingerprint != lead.space.fingerprint:
            raise UsageError(
                f"{lead.name} plays the latent space {lead.space}, {domain.name} plays "
                f"{domain.space}: only domains of one space can be mixed. "
                "`--to` with a comma makes an output of each."
            )
