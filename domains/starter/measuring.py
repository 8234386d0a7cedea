"""Measures a whole development set with some weights, and goes on where it was stopped."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starter import recognition
from starter.development import read_list
from starter.ear import Ear
from starter.judge import Judges, Row, judge, judge_real
from umt_domains.harmonic import HarmonicFamily
from umt_trainer.score.transcriber import BasicPitch
from umtcli import Domain
from umtcli.bundle import read_info
from umtcli.catalog import Catalog
from umtcli.errors import TrainingError

STEP = "python -m starter"


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
    if not (out / "development" / "cases.jsonl").exists():
        raise TrainingError(f"There is no development set in {out}. Run {STEP} development {out}.")
    catalog = catalog_of(asked.weights)
    names = [domain.name for domain in catalog.domains]
    for name in asked.domains:
        catalog.domain(name)
    names = [name for name in names if not asked.domains or name in asked.domains]
    cases = [case for case in read_list(out) if not asked.kinds or case.kind in asked.kinds]
    recordings = sorted(asked.real.iterdir()) if asked.real else []
    encoder = catalog.encoders[catalog.domain(names[0]).space.fingerprint]
    transcribe = BasicPitch(asked.transcriber)
    judges = Judges(transcribe, Ear(encoder.path), recognition.load(out))
    versions = {name: read_info(catalog.domain(name).decoder).digest for name in names}
    rows = read_rows(out / "rows.jsonl")

    def is_new(case: str, name: str) -> bool:
        return not any(
            (row["case"], row["domain"], row["weights"]) == (case, name, versions[name])
            for row in rows
        )

    total = len(cases) + len(recordings)
    for done, case in enumerate(cases):
        advance(done, total)
        todo = [name for name in names if is_new(case.name, name)]
        for row in judge(out, case, todo, catalog, judges) if todo else ():
            rows.append(_kept(out, row, versions))
    for done, path in enumerate(recordings, start=len(cases)):
        advance(done, total)
        if "piano" in names and is_new(f"real-{path.stem}", "piano"):
            rows.append(_kept(out, judge_real(out, path, catalog, judges.transcribe), versions))
    advance(total, total)
    wanted = {case.name for case in cases} | {f"real-{path.stem}" for path in recordings}
    return [
        row
        for row in rows
        if row["case"] in wanted and versions.get(row["domain"]) == row["weights"]
    ]


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
    paths = [path for path in sorted(weights.glob("*.safetensors")) if path.stem != "recogniser"]
    ears = sorted((weights / "encoders").glob("*.safetensors"))
    if not paths or not ears:
        raise TrainingError(f"{weights} has no domains, or no encoder. Run {STEP} decoder first.")
    encoders = [read_info(path, "encoder") for path in ears]
    return Catalog(
        families={"harmonic": HarmonicFamily()},
        encoders={encoder.space.fingerprint: encoder for encoder in encoders},
        domains=tuple(Domain.from_bundle(path) for path in paths),
        plugins=(),
    )


def read_rows(path: Path) -> list[Row]:
    """What was measured so far."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
