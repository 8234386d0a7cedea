"""Measures a whole development set with some weights, and goes on where it was stopped."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starter import recognition
from starter.development import KINDS, Case, read_list
from starter.ear import Ear
from starter.judge import Judges, Row, judge, judge_real
from umt_domains.harmonic import HarmonicFamily
from umt_domains.wavenet import WavenetFamily
from umt_trainer.prepare.sources import Source
from umt_trainer.score.transcriber import BasicPitch
from umtcli import Domain
from umtcli.bundle import read_info
from umtcli.catalog import Catalog
from umtcli.errors import TrainingError, UsageError


@dataclass(frozen=True)
class Asked:
    """What is to be measured."""

    out: Path
    weights: Path
    domains: tuple[str, ...] = ()
    """None: all that there are."""
    kinds: tuple[str, ...] = ()
    """None: all."""
    real: Path | None = None
    transcriber: Path | None = None


def measure_all(asked: Asked, advance: Callable[[int, int], None]) -> list[Row]:
    """Measure what was not measured yet, and return all rows that were asked for.

    Raises:
        UmtError: something is missing; it is named with the step that makes it.
    """
    out = asked.out
    cases = chosen(read_list(out), asked.kinds)
    recordings = recordings_in(asked.real) if asked.real else []
    catalog = catalog_of(asked.weights)
    domains = [catalog.domain(name) for name in asked.domains] or catalog.domains
    ear = Ear(catalog.encoder_for(domains[0]))
    judges = Judges(BasicPitch(asked.transcriber), ear, recognition.load(out))
    versions = {domain.name: read_info(domain.decoder).digest for domain in domains}
    rows = read_rows(out / "rows.jsonl")

    def is_new(case: str, name: str) -> bool:
        return not any(
            (row["case"], row["domain"], row["weights"]) == (case, name, versions[name])
            for row in rows
        )

    total = len(cases) + len(recordings)
    for done, case in enumerate(cases):
        advance(done, total)
        todo = [name for name in versions if is_new(case.name, name)]
        for row in judge(out, case, todo, catalog, judges) if todo else ():
            rows.append(_kept(out, row, versions))
    for done, path in enumerate(recordings, start=len(cases)):
        advance(done, total)
        if "piano" in versions and is_new(f"real-{path.stem}", "piano"):
            rows.append(_kept(out, judge_real(out, path, catalog, judges.transcribe), versions))
    advance(total, total)
    wanted = {case.name for case in cases} | {f"real-{path.stem}" for path in recordings}
    return [
        row
        for row in rows
        if row["case"] in wanted and versions.get(row["domain"]) == row["weights"]
    ]


def chosen(cases: Sequence[Case], kinds: Sequence[str]) -> list[Case]:
    """Those of some kinds; without any, all.

    Raises:
        UsageError: there is no such kind.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UsageError(
            f"There are no cases of kind {unknown[0]!r}; kinds are {', '.join(KINDS)}."
        )
    return [case for case in cases if not kinds or case.kind in kinds]


def recordings_in(folder: Path) -> list[Path]:
    """What may be audio in a folder, and is named in the rows without its suffix.

    Raises:
        UsageError: two would have one name.
    """
    paths = Source("real", folder).files()
    for stem, count in Counter(path.stem for path in paths).items():
        if count > 1:
            raise UsageError(f"{folder} has {count} recordings named {stem}: rename all but one.")
    return paths


def _kept(out: Path, row: Row, versions: Mapping[str, str]) -> Row:
    """The row with what it was measured of, written down at once."""
    full = row | {"weights": versions[row["domain"]]}
    with (out / "rows.jsonl").open("a") as file:
        file.write(json.dumps(full) + "\n")
    return full


def catalog_of(weights: Path) -> Catalog:
    """Every domain and encoder of a folder of weights.

    Raises:
        TrainingError: there are no domains in it.
    """
    # a run of `umt train` leaves its domains in a folder of their own
    there = [*weights.glob("*.safetensors"), *weights.glob("domains/*.safetensors")]
    paths = sorted((p for p in there if p.stem != "recogniser"), key=lambda path: path.stem)
    ears = sorted((weights / "encoders").glob("*.safetensors"))
    if not paths or not ears:
        raise TrainingError(
            f"{weights} has no domains, or no encoder. Run python -m starter decoder first."
        )
    encoders = [read_info(path, "encoder") for path in ears]
    return Catalog(
        families={"harmonic": HarmonicFamily(), "wavenet": WavenetFamily()},
        encoders={encoder.space.fingerprint: encoder for encoder in encoders},
        domains=tuple(Domain.from_bundle(path) for path in paths),
        plugins=(),
    )


def read_rows(path: Path) -> list[Row]:
    """What was measured so far."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
