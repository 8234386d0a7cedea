"""Judges whole systems, such as the small WaveNet's, on single lines that none of them learned.

Each piece is translated to every domain and measured beside its source and its true rendering:

    lines-evaluation/flute_0/flute.flac ──▶ piano, guitar, clarinet   of every system
                             piano.flac, guitar.flac, clarinet.flac   the true renderings
                             score.mid                              what was played

All is heard at 8 kHz, so that a system that plays no more than that is not told by it.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from starter.judge import Row, translated
from starter.lines import DOMAINS, music, pieces
from starter.measuring import catalog_of
from starter.probing import probe
from starter.recognition import taught, try_out
from starter.systems_table import markdown
from umt_domains.wavenet import WavenetFamily
from umt_trainer.score.metrics import Case, measure
from umt_trainer.score.notes import Note, agreement
from umt_trainer.score.recogniser import Recogniser, features
from umt_trainer.score.sound import Sound, load_sound, resample
from umt_trainer.score.transcriber import BasicPitch, Transcriber
from umtcli import Domain
from umtcli.bundle import read_bundle
from umtcli.catalog import Catalog
from umtcli.domain import Encoder, Value
from umtcli.errors import TrainingError

RATE = 8000
NOISE_DB = (-50.0, -10.0)
"""Of what the recogniser learns from as well, beside the music."""
TRIED_DB = -15.0
"""Of what it is tried in."""
SUFFIX = "-wavenet"
"""Of domains that are named apart from the bundled ones of the same instrument."""


def judge_all(
    out: Path,
    systems: Mapping[str, Path],
    seed: int,
    transcriber: Path | None,
    advance: Callable[[int, int], None],
    options: Mapping[str, Value] | None = None,
) -> str:
    """Measure systems, keep the rows, and make the tables.

    Args:
        out: the recipe's folder.
        systems: folders of bundles, by name.
        seed: of recogniser and probes.
        transcriber: see `BasicPitch`.
        advance: told how many translations are done, of how many.
        options: of the family of those that sample.

    Raises:
        UmtError: something is missing; it is named with the step that makes it.
    """
    catalogs = {name: catalog_of(folder) for name, folder in systems.items()}
    judges = Judges(BasicPitch(transcriber), line_recogniser(out, seed))
    total = len(systems) * len(pieces(out)) * len(DOMAINS)
    rows: list[Row] = []
    with (out / "lines-rows.jsonl").open("w") as file:
        for name, catalog in catalogs.items():
            for row in judge_system(out, name, catalog, judges, options):
                rows.append(row)
                file.write(json.dumps(row) + "\n")
                advance(len(rows), total)
    probes = {name: probe(out, encoder(catalog), seed) for name, catalog in catalogs.items()}
    random = np.random.default_rng(seed)
    clean = try_out(judges.recogniser, true_lines(out))
    in_noise = ((name, noisy(sound, TRIED_DB, random)) for name, sound in true_lines(out))
    note = (
        f"The recogniser is right on {clean.num_right} of {clean.num_files} true renderings, and "
        f"on {try_out(judges.recogniser, in_noise).num_right} of them in noise of {TRIED_DB:g} dB."
    )
    return f"{markdown(rows, probes)}\n{note}\n"


def true_lines(out: Path) -> Iterator[tuple[str, Sound]]:
    """Every piece truly played by every domain."""
    return (
        (name, narrow(load_sound(piece.true(name)))) for piece in pieces(out) for name in DOMAINS
    )


def own(catalog: Catalog) -> list[Domain]:
    """The domains that are judged: those of plain names, or else those with `SUFFIX`.

    Raises:
        TrainingError: there is none.
    """
    found = [domain for domain in catalog.domains if domain.name in DOMAINS]
    if not found:
        found = [domain for domain in catalog.domains if plain(domain.name) in DOMAINS]
    if not found:
        raise TrainingError(f"A system is judged by {', '.join(DOMAINS)}; it has none of them.")
    return found


def encoder(catalog: Catalog) -> Encoder:
    """What hears for the domains that are judged."""
    bundle = read_bundle(catalog.encoder_for(own(catalog)[0]), "encoder")
    return catalog.families[bundle.info.family].load_encoder(bundle, "cpu")


@dataclass(frozen=True)
class Judges:
    """Who listens."""

    transcribe: Transcriber
    recogniser: Recogniser
    """As `line_recogniser` teaches it."""


def judge_system(
    out: Path,
    name: str,
    catalog: Catalog,
    judges: Judges,
    options: Mapping[str, Value] | None = None,
) -> Iterator[Row]:
    """One row for each piece and domain of a system.

    Args:
        out: the recipe's folder.
        name: of the system.
        catalog: of its domains, by the names of `DOMAINS`, with `SUFFIX` or without.
        judges: of each translation.
        options: of its domains' family, if they sample.

    Raises:
        UmtError: a piece cannot be translated.
    """
    played = own(catalog)
    names = [domain.name for domain in played]
    samples = all(domain.family == WavenetFamily.name for domain in played)
    every = pieces(out)
    scores = [piece.score for piece in every]
    for number, piece in enumerate(every):
        others = [score for k, score in enumerate(scores) if k != number]
        source = narrow(load_sound(piece.audio))
        folder = out / "lines-translations" / name / piece.folder.name
        for domain, path in translated(
            folder, piece.audio, names, catalog, options if samples else None
        ):
            case = Case(
                narrow(load_sound(path)), source, narrow(load_sound(piece.true(plain(domain)))),
                scores[number],
            )  # fmt: skip
            yield {
                "system": name,
                "piece": piece.folder.name,
                "source": piece.source,
                "domain": plain(domain),
                "chance_f1": chance(judges.transcribe(case.translation), others),
                "recognised_as": judges.recogniser.recognise(case.translation),
                **_flat(case, judges.transcribe),
            }


def _flat(case: Case, transcribe: Transcriber) -> Row:
    """Every metric of the translation, and of its baselines with their names behind."""
    return {
        metric.name + ("" if side == "translation" else f"_{side}"): value
        for metric, values in measure(case, transcribe).items()
        for side, value in values.items()
    }


def chance(heard: Sequence[Note], others: Sequence[Sequence[Note]]) -> float:
    """Note F1 against the scores of other pieces: what agrees by chance."""
    return statistics.mean(agreement(score, heard).f1 for score in others) if others else 0.0


def plain(name: str) -> str:
    """The instrument of a domain's name.

    >>> plain("piano-wavenet"), plain("piano")
    ('piano', 'piano')
    """
    return name.removesuffix(SUFFIX)


def narrow(sound: Sound) -> Sound:
    """The same, up to 4 kHz."""
    return replace(sound, wav=resample(sound.wav, sound.sample_rate, RATE), sample_rate=RATE)


def line_recogniser(out: Path, seed: int) -> Recogniser:
    """Taught to tell the domains' own lines apart, each as it is and in noise.

    Without noise it would take any for a piano that has some, as the music of samplers does.

    Raises:
        TrainingError: their music is not there yet.
    """
    random = np.random.default_rng(seed)
    seen = {}
    for name, paths in music(out).items():
        sounds = [narrow(load_sound(path)) for path in paths]
        heard = [*sounds, *(noisy(sound, random.uniform(*NOISE_DB), random) for sound in sounds)]
        seen[name] = np.concatenate([features(sound.analysed) for sound in heard])
    return taught(seen, seed)


def noisy(sound: Sound, level_db: float, random: np.random.Generator) -> Sound:
    """The same with white noise, at a level beside its own (rms)."""
    level = np.sqrt(np.mean(np.square(sound.wav))) * 10 ** (level_db / 20)
    noise = level * random.standard_normal(sound.wav.shape)
    return replace(sound, wav=(sound.wav + noise).astype(sound.wav.dtype))
