"""Judges whole systems, such as the small WaveNet's, on single lines that none of them learned.

Each piece is translated to every domain and measured beside its source and its true rendering:

    lines-evaluation/flute_0/flute.flac ──▶ piano, guitar, clarinet   of every system
                             piano.flac, guitar.flac, clarinet.flac   the true renderings
                             score.mid                              what was played

All is heard at 8 kHz, so that a system that plays no more than that is not told by it.

F frames, C latent channels.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from starter.judge import Row
from starter.lines import DOMAINS, SOURCES
from starter.measuring import catalog_of
from starter.recognition import taught, try_out
from umt_domains.wavenet import WavenetFamily
from umt_trainer.hearing import hear
from umt_trainer.score.metrics import Case, measure
from umt_trainer.score.midi import read_midi
from umt_trainer.score.notes import Note, agreement
from umt_trainer.score.recogniser import Recogniser, features
from umt_trainer.score.sound import Sound, load_sound, resample
from umt_trainer.score.transcriber import BasicPitch, Transcriber
from umtcli import Domain, convert
from umtcli.bundle import read_bundle
from umtcli.catalog import Catalog
from umtcli.errors import TrainingError, UsageError

RATE = 8000
SUFFIX = "-wavenet"
"""Of domains that are named apart from the bundled ones of the same instrument."""
PROBED = 2
"""Pieces of each domain's music that a probe learns from."""
PROBE_STEPS, PROBE_BATCH, PROBE_HIDDEN = 600, 512, 128


@dataclass(frozen=True)
class Piece:
    """One line to be translated."""

    source: str
    folder: Path

    @property
    def audio(self) -> Path:
        """Played by the source."""
        return self.true(self.source)

    def true(self, instrument: str) -> Path:
        """Played by an instrument."""
        return self.folder / f"{instrument}.flac"

    @property
    def score(self) -> list[Note]:
        """What is played."""
        return read_midi(self.folder / "score.mid")


def pieces(out: Path) -> list[Piece]:
    """All that there are.

    Raises:
        TrainingError: there are none.
    """
    found = [
        Piece(source, folder)
        for source in SOURCES
        for folder in sorted((out / "lines-evaluation").glob(f"{source}_*"))
    ]
    if not found:
        raise TrainingError(
            f"There is no music in {out / 'lines-evaluation'}. Run python -m starter lines {out} "
            "first."
        )
    return found


def named(systems: Sequence[str]) -> dict[str, Path]:
    """Systems as users name them.

    Raises:
        UsageError: one is not NAME=FOLDER.

    >>> named(["full=run/bundles"])
    {'full': PosixPath('run/bundles')}
    """
    pairs = {}
    for text in systems:
        name, equals, folder = text.partition("=")
        if not (name and equals and folder):
            raise UsageError(f"{text!r} is no system: say NAME=FOLDER.")
        pairs[name] = Path(folder)
    return pairs


def judge_all(
    out: Path,
    systems: Mapping[str, Path],
    seed: int,
    transcriber: Path | None,
    advance: Callable[[int, int], None],
    temperature: float = 1.0,
) -> str:
    """Measure systems, keep the rows, and make the tables.

    Args:
        out: the recipe's folder.
        systems: folders of bundles, by name.
        seed: of recogniser and probes.
        transcriber: see `BasicPitch`.
        advance: told how many translations are done, of how many.
        temperature: of those that sample.

    Raises:
        UmtError: something is missing; it is named with the step that makes it.
    """
    catalogs = {name: catalog_of(folder) for name, folder in systems.items()}
    judges = Judges(BasicPitch(transcriber), line_recogniser(out, seed))
    total = len(systems) * len(pieces(out)) * len(DOMAINS)
    rows: list[Row] = []
    with (out / "lines-rows.jsonl").open("w") as file:
        for name, catalog in catalogs.items():
            for row in judge_system(out, name, catalog, judges, temperature):
                rows.append(row)
                file.write(json.dumps(row) + "\n")
                advance(len(rows), total)
    encoders = {name: catalog.encoder_for(own(catalog)[0]) for name, catalog in catalogs.items()}
    probes = {name: probe(out, catalogs[name], path, seed) for name, path in encoders.items()}
    trial = try_out(judges.recogniser, true_lines(out))
    note = f"The recogniser is right on {trial.num_right} of {trial.num_files} true renderings."
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


@dataclass(frozen=True)
class Judges:
    """Who listens."""

    transcribe: Transcriber
    recogniser: Recogniser
    """As `line_recogniser` teaches it."""


def judge_system(
    out: Path, name: str, catalog: Catalog, judges: Judges, temperature: float = 1.0
) -> Iterator[Row]:
    """One row for each piece and domain of a system.

    Args:
        out: the recipe's folder.
        name: of the system.
        catalog: of its domains, by the names of `DOMAINS`, with `SUFFIX` or without.
        judges: of each translation.
        temperature: if its domains sample.

    Raises:
        UmtError: a piece cannot be translated.
    """
    every = pieces(out)
    scores = [piece.score for piece in every]
    for number, piece in enumerate(every):
        others = [score for k, score in enumerate(scores) if k != number]
        source = narrow(load_sound(piece.audio))
        folder = out / "lines-translations" / name / piece.folder.name
        for domain, path in translated(piece.audio, folder, catalog, temperature):
            case = Case(
                narrow(load_sound(path)), source, narrow(load_sound(piece.true(domain))),
                scores[number],
            )  # fmt: skip
            yield {
                "system": name,
                "piece": piece.folder.name,
                "source": piece.source,
                "domain": domain,
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


def translated(
    source: Path, folder: Path, catalog: Catalog, temperature: float
) -> list[tuple[str, Path]]:
    """A file played by every domain of a system; their plain names."""
    played = own(catalog)
    samples = {domain.family for domain in played} == {WavenetFamily.name}
    folder.mkdir(parents=True, exist_ok=True)
    results = convert(
        source,
        [domain.name for domain in played],
        folder,
        format="flac",
        device="cpu",
        catalog=catalog,
        overwrite=True,
        options={"temperature": temperature} if samples else {},
    )
    for result in results:
        if result.error is not None:
            raise result.error
    return [(plain(result.domain), Path(result.output)) for result in results]


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
    """Taught to tell the domains' own lines apart.

    Raises:
        TrainingError: their music is not there yet.
    """
    seen = {
        name: np.concatenate([features(narrow(load_sound(path)).analysed) for path in paths])
        for name, paths in _music(out).items()
    }
    return taught(seen, seed)


def _music(out: Path) -> dict[str, list[Path]]:
    """What the domains learn from."""
    found = {name: sorted((out / "lines" / name).glob("*.flac")) for name in DOMAINS}
    for name, paths in found.items():
        if len(paths) < PROBED:
            raise TrainingError(
                f"{out / 'lines' / name} has not enough music. Run python -m starter lines {out} "
                "first."
            )
    return found


@dataclass(frozen=True)
class Probed:
    """How much a small network makes of single latents, in music that it did not learn from."""

    pitch: float
    """Share of the sounding frames whose pitch it tells."""
    domain: float
    """Share of them whose domain it tells, of three."""


def probe(out: Path, catalog: Catalog, encoder_path: Path, seed: int = 1) -> Probed:
    """Teach two probes on latents of the domains' music; try them on the domains' other pieces."""
    bundle = read_bundle(encoder_path, "encoder")
    encoder = catalog.families[bundle.info.family].load_encoder(bundle, "cpu")

    def latents(path: Path, notes: Sequence[Note]) -> tuple[Tensor, Tensor]:
        """(F, C) and the pitch of each frame, 0 where none sounds."""
        sound = load_sound(path)
        wav_T = torch.from_numpy(resample(sound.wav, sound.sample_rate, encoder.sample_rate))
        heard_FC = hear(encoder, wav_T).T
        pitch_F = torch.zeros(len(heard_FC), dtype=torch.long)
        for note in notes:
            first, end = (round(s * encoder.space.frame_rate) for s in (note.start_s, note.end_s))
            pitch_F[first:end] = note.pitch
        return heard_FC[pitch_F > 0], pitch_F[pitch_F > 0]

    def joined(parts: Iterable[tuple[str, Path, Sequence[Note]]]) -> tuple[Tensor, ...]:
        heard = [(*latents(path, notes), DOMAINS.index(name)) for name, path, notes in parts]
        return (
            torch.cat([x for x, _, _ in heard]),
            torch.cat([pitch for _, pitch, _ in heard]),
            torch.cat([torch.full((len(x),), which) for x, _, which in heard]),
        )

    learned = joined(
        (name, path, read_midi(path.with_suffix(".mid")))
        for name, paths in _music(out).items()
        for path in paths[:PROBED]
    )
    tried = joined((p.source, p.audio, p.score) for p in pieces(out) if p.source in DOMAINS)
    mean, scale = learned[0].mean(0), learned[0].std(0) + 1e-6
    x, y = (learned[0] - mean) / scale, (tried[0] - mean) / scale
    right = [
        _told(x, wanted, y, seed) == true
        for wanted, true in zip(learned[1:], tried[1:], strict=True)
    ]
    return Probed(*(float(r.float().mean()) for r in right))


def _told(x_FC: Tensor, wanted_F: Tensor, tried_FC: Tensor, seed: int) -> Tensor:
    """What a network of one hidden layer tells of frames, after it learned from others."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Linear(x_FC.shape[1], PROBE_HIDDEN), nn.ReLU(), nn.Linear(PROBE_HIDDEN, 128)
        )
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(PROBE_STEPS):
        chosen = torch.randint(len(x_FC), (PROBE_BATCH,), generator=generator)
        loss = functional.cross_entropy(network(x_FC[chosen]), wanted_F[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        told: Tensor = network(tried_FC).argmax(1)
    return told


def markdown(rows: Sequence[Row], probes: Mapping[str, Probed]) -> str:
    """A table for sources that are domains of the systems, and one for those that are not."""
    sections = []
    for title, sources in (
        ("## From instruments of the system", DOMAINS),
        ("## From others", tuple(source for source in SOURCES if source not in DOMAINS)),
    ):
        mine = [row for row in rows if row["source"] in sources]
        crossed = [row for row in mine if row["source"] != row["domain"]]
        same = [row for row in mine if row["source"] == row["domain"]]
        for what, chosen in ((", translated", crossed), (", played again", same)):
            if chosen:
                sections.append(f"{title}{what}\n\n{_table(chosen)}")
    lines = [f"| {name} | {told.pitch:.2f} | {told.domain:.2f} |" for name, told in probes.items()]
    if lines:
        head = "| encoder | pitch told by a probe | domain told by a probe |\n|---|---|---|"
        sections.append("\n".join(["## Latents", "", head, *lines]))
    return "\n\n".join(sections) + "\n"


COLUMNS = {
    "note F1": "note_f1",
    "chroma NCC": "chroma_ncc",
    "chroma DTW": "chroma_dtw",
    "pitch NCC": "pitch_ncc",
    "pitch DTW": "pitch_dtw",
    "log-mel distance": "log_mel_distance",
}


def _table(rows: Sequence[Row]) -> str:
    head = ("", *COLUMNS, "F1 by chance", "recognised")
    body = []
    for name in dict.fromkeys(row["system"] for row in rows):
        mine = [row for row in rows if row["system"] == name]
        right = statistics.mean(row["recognised_as"] == row["domain"] for row in mine)
        by_chance = statistics.mean(row["chance_f1"] for row in mine)
        body.append((name, *_means(mine, ""), f"{by_chance:.2f}", f"{right:.2f}"))
    first = [row for row in rows if row["system"] == rows[0]["system"]]
    body.append(("the source, copied", *_means(first, "_source"), "", ""))
    body.append(("true rendering", *_means(first, "_true"), "", ""))
    lines = [head, ("---",) * len(head), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _means(rows: Sequence[Row], side: str) -> list[str]:
    """Means over pieces and domains of what is known."""
    cells = []
    for name in COLUMNS.values():
        values = [row[name + side] for row in rows if name + side in row]
        cells.append(f"{statistics.mean(values):.3g}" if values else "–")
    return cells
