"""The development set: what translations are measured on while umt is developed.

Its scores are composed by other rules than practice music, and its sources are played by
another soundfont, so that nothing in it was learned. Each case is a folder:

    development/reverb-violin-0/source.flac     what is translated
                                score.mid       what was played
                                true/piano.flac, piano.mid
                                                the same by the domain itself, folded into
                                                its range: the best that can be expected
"""

import json
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import soundfile as sf

from starter.compose import Style
from starter.drums import KITS, drum_loop
from starter.instruments import BY_NAME
from starter.performance import Part, written
from starter.pieces import seed_of
from starter.players import divided
from starter.programs import run_program
from starter.render import SAMPLE_RATE, Job, render, safe_gain
from starter.score import Score, fold, write_midi
from starter.studies import study
from starter.targets import TARGETS
from starter.whistling import Wave, hum, whistle
from umtcli.errors import TrainingError
from umtcli.media.ffmpeg import find_ffmpeg

SOUNDFONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
"""Debian's `timgm6mb-soundfont`. MuseScore_General would not do: it was adapted from FluidR3,
which the networks learned from."""

Kind = Literal["clean", "reverb", "mp3", "drums", "mixture", "whistle", "hum"]
KINDS: tuple[Kind, ...] = get_args(Kind)

SOURCES = (
    *("violin", "flute", "clarinet", "oboe", "trumpet", "choir", "strings", "organ"),
    *("guitar", "piano", "harpsichord", "marimba"),
)
VARIED = ("violin", "choir", "guitar", "organ", "piano", "flute")
"""Sources that also play in a hall, as mp3 and with drums."""

MIXTURES = (
    ("cello", "strings", "flute"),
    ("acoustic-bass", "piano", "violin"),
    ("trombone", "organ", "trumpet"),
    ("cello", "guitar", "clarinet"),
)
MP3_KBIT = 48
VOICES: dict[str, tuple[Style, Callable[[Score, int], Wave]]] = {
    "whistle": (Style(72, 93, 1, 0.14), whistle),
    "hum": (Style(48, 67, 1, 0.18), hum),
}


@dataclass(frozen=True)
class Case:
    """One piece to be translated."""

    name: str
    kind: Kind
    source: str
    """The instrument, or the instruments."""

    def audio(self, out: Path) -> Path:
        """What is translated."""
        return self.folder(out) / ("source.mp3" if self.kind == "mp3" else "source.flac")

    def folder(self, out: Path) -> Path:
        """Where all of it is."""
        return out / "development" / self.name

    def score(self, out: Path) -> Path:
        """What was played, as MIDI."""
        return self.folder(out) / "score.mid"

    def true(self, out: Path, domain: str) -> Path:
        """The same played by a domain; its score lies beside it."""
        return self.folder(out) / "true" / f"{domain}.flac"


def cases(pieces_per_source: int) -> list[Case]:
    """All cases, `pieces_per_source` of each kind and source."""
    found: list[Case] = []
    for k in range(pieces_per_source):
        found += [Case(f"clean-{source}-{k}", "clean", source) for source in SOURCES]
        for source in VARIED:
            found += [
                Case(f"{kind}-{source}-{k}", kind, source) for kind in ("reverb", "mp3", "drums")
            ]
        for players in MIXTURES:
            found.append(Case(f"mixture-{'-'.join(players)}-{k}", "mixture", "+".join(players)))
        found += [Case(f"whistle-{k}", "whistle", "whistle"), Case(f"hum-{k}", "hum", "hum")]
    return found


def tasks(
    out: Path,
    chosen: Sequence[Case],
    seconds: float,
    seed: int,
    soundfont: Path,
    domains: Sequence[str],
) -> Iterator[Callable[[], bool]]:
    """What has to be done for the cases: each task says whether it was not done before."""
    for case in chosen:
        parts = play(case, seconds, seed_of(seed, case.name))
        yield partial(make_source, case, parts, out, soundfont, seed)
        for name in domains:
            target = TARGETS[name]
            score = fold(written(parts), target.low, target.high)
            yield partial(render, Job((Part(score, target.programs[0]),), case.true(out, name)))


def play(case: Case, seconds: float, seed: int) -> tuple[Part, ...]:
    """The players of a case and what they play."""
    if case.kind in VOICES:
        style, _ = VOICES[case.kind]
        return (Part(study(seed, style, seconds), 0),)
    players = [BY_NAME[name] for name in case.source.split("+")]
    style = players[0].style
    if len(players) > 1:
        low = min(player.style.low for player in players)
        high = max(player.style.high for player in players)
        style = Style(max(36, low), min(91, high), 6, 0.12)
    score = study(seed, style, seconds)
    shares = divided(score, players) if len(players) > 1 else [score]
    parts = [Part(share, who.program) for share, who in zip(shares, players, strict=True)]
    if case.kind == "drums":
        kit = random.Random(seed).choice(KITS)
        parts.append(Part(drum_loop(seed, seconds), kit, "drums", level_db=-4))
    return tuple(parts)


def make_source(case: Case, parts: tuple[Part, ...], out: Path, soundfont: Path, seed: int) -> bool:
    """Play what is to be translated, unless it is there already."""
    path = case.audio(out)
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".source-", dir=path.parent) as folder:
        made = Path(folder) / "source.flac"
        if case.kind in VOICES:
            _, voice = VOICES[case.kind]
            sf.write(made, safe_gain(voice(parts[0].score, seed)), SAMPLE_RATE, subtype="PCM_16")
            write_midi(parts[0].score, case.score(out))
        else:
            reverb = case.kind == "reverb"
            render(Job(parts, made, case.score(out), soundfont, reverb))
        if case.kind == "mp3":
            lossy = made.with_suffix(".mp3")
            squeeze = [find_ffmpeg(), "-v", "error", "-i", str(made), "-b:a", f"{MP3_KBIT}k"]
            run_program([*squeeze, str(lossy)])
            made = lossy
        os.replace(made, path)
    return True


def write_list(out: Path, chosen: Sequence[Case]) -> None:
    """Say what is there, in ``development/cases.jsonl``."""
    lines = [json.dumps(asdict(case)) + "\n" for case in chosen]
    (out / "development").mkdir(parents=True, exist_ok=True)
    (out / "development" / "cases.jsonl").write_text("".join(lines))


def read_list(out: Path) -> list[Case]:
    """The cases that are there.

    Raises:
        TrainingError: the set was not made yet.
    """
    try:
        text = (out / "development" / "cases.jsonl").read_text()
    except FileNotFoundError as e:
        raise TrainingError(
            f"There is no development set in {out}. Run python -m starter development {out} first."
        ) from e
    return [Case(**json.loads(line)) for line in text.splitlines()]
