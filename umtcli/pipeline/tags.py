"""What an output says about itself: the input's tags, and who made it from what."""

from __future__ import annotations

from collections.abc import Mapping

import umtcli
from umtcli.domain import Domain


def output_tags(tags: Mapping[str, str], domain: Domain) -> dict[str, str]:
    """The tags of an output.

    The input's own comment and encoder are replaced: they described another recording.

    Args:
        tags: of the input, keys in any case.
        domain: what plays it.
    """
    package = f" ({domain.package})" if domain.package else ""
    version = f"umt {umtcli.__version__}"
    provenance = f"{version}, domain {domain.name}{package}, licence {domain.licence}"
    kept = {key: text for key, text in tags.items() if key.lower() not in _REPLACED}
    return {**kept, "encoded_by": version, "comment": provenance}


_REPLACED = frozenset({"comment", "encoded_by", "encoded-by", "encoder", "encoder_options"})
