"""Measures translations of the development set, one row for each case and domain."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starter.development import Case
from starter.ear import Ear
from umt_trainer.score.clicks import num_clicks
from umt_trainer.score.mel import log_mel_distance
from umt_trainer.score.midi import read_midi
from umt_trainer.score.notes import Note, agreement
from umt_trainer.score.recogniser import Recogniser
from umt_trainer.score.sound import Sound, load_sound
from umt_trainer.score.transcriber import Transcriber
from umtcli import convert
from umtcli.catalog import Catalog
from umtcli.domain import Value
from umtcli.whole import whole_file

Row = dict[str, Any]
"""What was measured of one translation, as plain JSON values."""


@dataclass(frozen=True)
class Judges:
    """Who listens."""

    transcribe: Transcriber
    """The outside transcriber."""
    ear: Ear
    """Our own encoder."""
    recogniser: Recogniser


def judge(
    out: Path,
    case: Case,
    domains: Sequence[str],
    catalog: Catalog,
    judges: Judges,
) -> Iterator[Row]:
    """Translate a case to some domains and measure each translation.

    Raises:
        UmtError: it cannot be translated.
    """
    source = load_sound(case.audio(out))
    folder = out / "translations" / case.name
    for name, path in translated(folder, case.audio(out), domains, catalog):
        translation = load_sound(path)
        true_path = case.true(out, name)
        true = load_sound(true_path)
        score = read_midi(true_path.with_suffix(".mid"))
        yield {
            "case": case.name,
            "kind": case.kind,
            "source": case.source,
            "domain": name,
            "num_notes": len(score),
            **_notes("outside", case, name, judges.transcribe, out, translation, source, true),
            **_notes("own", case, name, judges.ear, out, translation, source, true),
            **_sound(translation, source, true),
            "recognised": judges.recogniser.recognise(translation),
            "recognised_true": judges.recogniser.recognise(true),
        }


def judge_real(
    out: Path, path: Path, catalog: Catalog, transcribe: Transcriber, domain: str = "piano"
) -> Row:
    """Translate a recording without a score: the notes of input and output are compared."""
    folder = out / "translations" / f"real-{path.stem}"
    ((_, played),) = translated(folder, path, [domain], catalog)
    source, translation = load_sound(path), load_sound(played)
    agreed = agreement(transcribe(source), transcribe(translation))
    return {
        "case": f"real-{path.stem}", "kind": "real", "source": path.stem, "domain": domain,
        "outside_f1": agreed.f1, "clicks": num_clicks(translation),
    }  # fmt: skip


def translated(
    folder: Path,
    source: Path,
    domains: Sequence[str],
    catalog: Catalog,
    options: Mapping[str, Value] | None = None,
) -> list[tuple[str, Path]]:
    """The translations of a file, made now unless the same weights made them before.

    Args:
        folder: that they go to.
        source: the file.
        domains: that play it.
        catalog: where these are.
        options: of their family.

    Raises:
        UmtError: it cannot be translated.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # the manifest beside them tells which are up to date; those of other weights are replaced
    results = convert(
        source, list(domains), folder, format="flac", device="cpu", catalog=catalog,
        overwrite=True, options=options,
    )  # fmt: skip
    for result in results:
        if result.error is not None:
            raise result.error
    return [(result.domain, Path(result.output)) for result in results]


def _notes(
    who: str,
    case: Case,
    domain: str,
    transcribe: Transcriber,
    out: Path,
    translation: Sound,
    source: Sound,
    true: Sound,
) -> Row:
    """Agreement with the score, and how many notes are heard for each that is written."""
    true_path = case.true(out, domain)
    score = read_midi(true_path.with_suffix(".mid"))
    key = f"own {transcribe.fingerprint}" if isinstance(transcribe, Ear) else "outside"
    heard = {
        "": transcribe(translation),
        "_source": remembered(case.audio(out), key, lambda: transcribe(source)),
        "_true": remembered(true_path, key, lambda: transcribe(true)),
    }
    row: Row = {}
    for side, notes in heard.items():
        row[f"{who}_f1{side}"] = agreement(score, notes).f1
        row[f"{who}_density{side}"] = len(notes) / len(score)
    return row


def _sound(translation: Sound, source: Sound, true: Sound) -> Row:
    return {
        "log_mel": log_mel_distance(translation, true),
        "log_mel_source": log_mel_distance(source, true),
        "loudness_difference": _finite(translation.loudness_lufs - source.loudness_lufs),
        "clicks": num_clicks(translation),
        "clicks_true": num_clicks(true),
    }


def remembered(path: Path, key: str, hear: Callable[[], list[Note]]) -> list[Note]:
    """What was heard in a file of the set, kept beside it: it is needed for all weights."""
    store = path.with_suffix(".heard.json")
    known: dict[str, list[list[float]]] = json.loads(store.read_text()) if store.exists() else {}
    if key not in known:
        known[key] = [[note.start_s, note.end_s, note.pitch] for note in hear()]
        with whole_file(store) as file:
            file.write(json.dumps(known).encode())
    return [Note(start_s, end_s, int(pitch)) for start_s, end_s, pitch in known[key]]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
