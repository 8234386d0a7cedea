"""What an output says about itself: the input's tags, and who made it from what."""

from __future__ import annotations

from collections.abc import Mapping

import umtcli
from umtcli.domain import Domain
from umtcli.pipeline.players import Player


def output_tags(tags: Mapping[str, str], player: Player, original: float = 0.0) -> dict[str, str]:
    """The tags of an output.

    The input's own comment and encoder are replaced: they described another recording.

    Args:
        tags: of the input, keys in any case.
        player: what plays it; each domain of a mix is named with its share and licence.
        original: share of the input in it.
    """
    version = f"umt {umtcli.__version__}"
    if len(player.shares) == 1:
        provenance = f"{version}, domain {_credit(player.lead)}"
    else:
        parts = (f"{part.share:.3g} of {_credit(part.domain)}" for part in player.shares)
        provenance = f"{version}, mix: {'; '.join(parts)}"
    if original:
        provenance += f"; {original:.3g} of it the original"
    kept = {key: text for key, text in tags.items() if key.lower() not in _REPLACED}
    return {**kept, "encoded_by": version, "comment": provenance}


def _credit(domain: Domain) -> str:
    package = f" ({domain.package})" if domain.package else ""
    return f"{domain.name}{package}, licence {domain.licence}"


_REPLACED = frozenset({"comment", "encoded_by", "encoded-by", "encoder", "encoder_options"})
