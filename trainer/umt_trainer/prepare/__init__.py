"""From folders of recordings to shards that training reads at random.

    DATA/kazoo/manifest.json          what there is, where it came from, what was left out
    DATA/kazoo/shards/1f2e….zip       one for each recording: a zip of short FLAC files

`prepare` makes them, `read_manifest` and `load_split` read them.
"""

from umt_trainer.prepare.manifest import Manifest, Part, Record, Reject, Split, read_manifest
from umt_trainer.prepare.reading import load_split
from umt_trainer.prepare.run import prepare
from umt_trainer.prepare.sources import Source, parse_sources

__all__ = [
    "Manifest",
    "Part",
    "Record",
    "Reject",
    "Source",
    "Split",
    "load_split",
    "parse_sources",
    "prepare",
    "read_manifest",
]
