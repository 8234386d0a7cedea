"""How long a new instrument takes to learn here, and what four times as long would bring.

    python tests/bench/bench_train_instrument.py [--minutes 10] [--times 4] [NAME…]

Makes recordings of instruments that the starter has not (`tests/buzzing.py`), trains each by
`umt train`'s own settings and again for `--times` as many steps, and prints one JSON object a
run: minutes, and the loss on held-out recordings. Nothing here asserts: machines differ.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import soundfile

sys.path.insert(0, str(Path(__file__).parents[1]))

from buzzing import banjo, bars, kazoo, melody
from umt_trainer.beginning import known_domains
from umt_trainer.instrument import MOST_WORKERS, SETTINGS, train_instrument
from umt_trainer.naming import find_encoder
from umt_trainer.prepare import Source
from umtcli.bundle import read_info
from umtcli.catalog import Catalog
from umtcli.pipeline.device import num_threads
from umtcli.plugins import installed_entry_points, make_plugin_manager

VOICES = {"kazoo": kazoo, "banjo": banjo, "bars": bars}
RECORDINGS = 12


def record(name: str, minutes: float, folder: Path) -> Source:
    """Twelve takes of one instrument, as many minutes in all."""
    folder.mkdir(parents=True)
    for take in range(RECORDINGS):
        wave = melody(VOICES[name], 60 * minutes / RECORDINGS, seed=take)
        soundfile.write(folder / f"take-{take:02}.flac", wave, 44_100)
    return Source(name, folder)


def main() -> None:
    """Train each instrument twice and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(VOICES)}")
    parser.add_argument("--minutes", type=float, default=10.0, help="of recordings")
    parser.add_argument("--times", type=int, default=4, help="length of the long run; 1: none")
    parser.add_argument("--steps", type=int, default=SETTINGS.run.steps, help="of the short run")
    parser.add_argument("--cold", action="store_true", help="begin with random weights")
    given = parser.parse_args()
    catalog = Catalog.from_manager(make_plugin_manager(installed_entry_points()))
    family = catalog.families["harmonic"]
    encoder = find_encoder(catalog, family.name)
    known = known_domains(catalog, read_info(encoder, "encoder").space.fingerprint)
    with tempfile.TemporaryDirectory() as folder:
        for name in given.names or VOICES:
            source = record(name, given.minutes, Path(folder) / "recordings" / name)
            for times in sorted({1, given.times}):
                run = replace(
                    SETTINGS.run,
                    steps=given.steps * times,
                    workers=min(num_threads(), MOST_WORKERS),
                )
                home = Path(folder) / f"home-{name}-{times}"
                started_s = time.perf_counter()
                settings = replace(SETTINGS, run=run)
                done = train_instrument(
                    source, family, encoder, home, settings, known=() if given.cold else known
                )
                result = {
                    "instrument": name,
                    "recorded_minutes": given.minutes,
                    "steps": run.steps,
                    "threads": run.workers,
                    "minutes": round((time.perf_counter() - started_s) / 60, 2),
                    "validation_loss": round(done.validation_loss, 4),
                }
                print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
