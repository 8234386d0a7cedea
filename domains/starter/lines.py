"""Single lines: the small music of the small WaveNet system, and what it is judged on.

A network that must learn from nothing but sound, in hours on a CPU, does not get as far as
chords. Its music is one voice of two and a half octaves, unhurried, with rests.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from starter.compose import Style, compose
from starter.instruments import BY_NAME
from starter.performance import Part
from starter.pieces import seed_of
from starter.render import SOUNDFONT, Job
from umt_trainer.score.midi import read_midi
from umt_trainer.score.notes import Note
from umtcli.errors import TrainingError

STYLE = Style(52, 81, 1, 0.16, atonal=0.08)
"""E3 … A5: fundamentals of 165 … 880 Hz, so that 8 kHz hold five harmonics of the highest."""

DOMAINS = ("piano", "guitar", "clarinet")
"""Struck, plucked and blown, and heard well by the outside transcriber: its note F1 of single lines
is 0.94, 0.88 and 0.73 in true renderings at 8 kHz, of strings and organ 0.34 and 0.30."""

SOURCES = (*DOMAINS, "flute", "oboe", "violin")
"""What the system is judged on: its own domains, and instruments that it never heard."""

LEARNED, JUDGED = "lines", "lines-evaluation"
"""Folders of what domains learn from, and of what they are judged on."""
PROBED = 2
"""Pieces of each domain's music that a probe learns from."""


def lines(
    out: Path, minutes: float, seed: int, seconds: float = 60.0, soundfont: Path = SOUNDFONT
) -> Iterator[Job]:
    """Music of each domain: ``lines/{name}/{k:02d}``; training sees no score."""
    for name in DOMAINS:
        for k in range(max(1, round(minutes * 60 / seconds))):
            score = compose(seed_of(seed, "lines", name, k), _style(name), seconds)
            path = out / LEARNED / name / f"{k:02d}.flac"
            yield Job((Part(score, BY_NAME[name].program),), path, soundfont=soundfont)


def evaluation(
    out: Path, pieces_per_source: int, seconds: float, seed: int, soundfont: Path = SOUNDFONT
) -> Iterator[Job]:
    """Unseen scores, each played by its source and truly by every domain.

    ``lines-evaluation/{source}_{k}/{instrument}.flac`` and ``…/score.mid``.
    """
    for name in SOURCES:
        for k in range(pieces_per_source):
            score = compose(seed_of(seed, "lines evaluation", name, k), _style(name), seconds)
            folder = out / JUDGED / f"{name}_{k}"
            for player in dict.fromkeys((name, *DOMAINS)):
                path, midi = folder / f"{player}.flac", folder / "score.mid"
                program = BY_NAME[player].program
                yield Job((Part(score, program),), path, midi_path=midi, soundfont=soundfont)


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
        for folder in sorted((out / JUDGED).glob(f"{source}_*"))
    ]
    if not found:
        raise TrainingError(
            f"There is no music in {out / JUDGED}. Run python -m starter lines {out} first."
        )
    return found


def music(out: Path) -> dict[str, list[Path]]:
    """What each domain learns from, with a score beside each piece.

    Raises:
        TrainingError: a domain has less than a probe wants.
    """
    found = {name: sorted((out / LEARNED / name).glob("*.flac")) for name in DOMAINS}
    for name, paths in found.items():
        if len(paths) < PROBED:
            raise TrainingError(
                f"{out / LEARNED / name} has not enough music. Run python -m starter lines {out} "
                "first."
            )
    return found


def _style(name: str) -> Style:
    """What an instrument may play of it: notes no longer than they sound."""
    return replace(STYLE, decay_s=BY_NAME[name].style.decay_s)
