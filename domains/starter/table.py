"""The tables of docs/quality.md and the bars, out of the rows that `judge` measured."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from starter.development import KINDS
from starter.judge import Row
from starter.targets import TARGETS

STRUCK = ("piano", "harpsichord", "guitar", "harp")
"""Domains whose notes outside transcribers hear well."""
HELD = ("strings", "organ", "choir", "flute", "clarinet", "brass")
"""Domains whose notes they hear badly: our own encoder judges."""
NOTHING = "–"


@dataclass(frozen=True)
class Bar:
    """What has to be reached."""

    what: str
    better: str
    limit: float
    measured: float | None

    @property
    def met(self) -> bool:
        """Whether it is reached; what was not measured is not."""
        if self.measured is None:
            return False
        return self.measured >= self.limit if self.better == "≥" else self.measured <= self.limit


def bars(rows: Sequence[Row]) -> list[Bar]:
    """Every bar with what was measured."""
    struck, held = _of(rows, domain=STRUCK), _of(rows, domain=HELD)
    found = [
        Bar(
            "outside note F1 share, struck domains, clean", "≥", 0.95, outside(_of(struck, "clean"))
        ),
        Bar("the same, reverb and mp3", "≥", 0.9, outside(_of(struck, "reverb", "mp3"))),
        Bar("the same, mixtures and drums", "≥", 0.75, outside(_of(struck, "mixture", "drums"))),
        Bar("own note F1 share, held domains, clean", "≥", 0.85, own(_of(held, "clean"))),
        Bar("recognised, held domains", "≥", 0.95, recognised(held)),
        Bar("recognised, all domains", "≥", 0.95, recognised(rows)),
    ]
    mel = {name: log_mel(_of(rows, domain=(name,))) for name in _domains(rows)}
    worst = max(
        (name for name in mel if mel[name] is not None), key=lambda n: mel[n] or 0, default=""
    )
    found.append(Bar(f"log-mel share, worst domain ({worst})", "≤", 0.45, mel.get(worst)))
    error = [density_error(_of(rows, domain=(name,))) for name in _domains(rows)]
    found += [
        Bar("notes heard per note of the score, off by, worst domain", "≤", 0.15, _worst(error)),
        Bar("real recordings to piano, outside note F1", "≥", 0.6, _mean(rows, "real")),
        Bar("whistle to every domain, note F1, worst domain", "≥", 0.9, _whistle(rows)),
    ]
    return found


def outside(rows: Iterable[Row]) -> float | None:
    """Note F1 by the outside transcriber, as a share of that in the true renderings."""
    return _ratio(rows, "outside_f1", "outside_f1_true")


def own(rows: Iterable[Row]) -> float | None:
    """Note F1 by our own encoder, as a share of that in the true renderings."""
    return _ratio(rows, "own_f1", "own_f1_true")


def log_mel(rows: Iterable[Row]) -> float | None:
    """Distance to the true renderings, as a share of the copied sources'."""
    return _ratio(rows, "log_mel", "log_mel_source")


def recognised(rows: Iterable[Row]) -> float | None:
    """Share of the translations that are taken for their domain."""
    right = [row["recognised"] == row["domain"] for row in rows if "recognised" in row]
    return sum(right) / len(right) if right else None


def density_error(rows: Sequence[Row]) -> float | None:
    """How far the number of notes heard is from the number written, as a share of it.

    The judge is the outside transcriber for struck domains, else our own encoder.
    """
    numbers = [
        (row["num_notes"], row["num_notes"] * row[f"{_judge(row)}_density"])
        for row in rows
        if row["kind"] != "real"
    ]
    wanted = sum(number for number, _ in numbers)
    return abs(sum(heard for _, heard in numbers) / wanted - 1) if wanted else None


def markdown(rows: Sequence[Row]) -> str:
    """All tables."""
    sections = [
        ("## Bars", _bar_table(bars(rows))),
        ("## Domains", _domain_table(rows)),
        ("## Outside note F1 share, by source", _matrix(rows, outside)),
        ("## Own note F1 share, by source", _matrix(rows, own)),
        ("## Log-mel share, by source", _matrix(rows, log_mel)),
    ]
    return "\n\n".join(f"{title}\n\n{table}" for title, table in sections) + "\n"


def _bar_table(found: Sequence[Bar]) -> str:
    return grid(
        ("bar", "wanted", "measured", "met"),
        [
            (
                bar.what,
                f"{bar.better} {bar.limit:g}",
                _number(bar.measured),
                "yes" if bar.met else "no",
            )
            for bar in found
        ],
    )


def _domain_table(rows: Sequence[Row]) -> str:
    """One row for each domain; shares by kind of source."""
    head = ("domain", *KINDS, "log-mel share", "recognised", "notes heard off by", "clicks")
    lines = []
    for name in _domains(rows):
        mine = _of(rows, domain=(name,))
        share = outside if name in STRUCK else own
        clicks = [row["clicks"] for row in mine if row["kind"] != "real"]
        lines.append(
            (
                name,
                *(_number(share(_of(mine, kind))) for kind in KINDS),
                _number(log_mel(mine)),
                _number(recognised(mine)),
                _number(density_error(mine)),
                _number(statistics.mean(clicks) if clicks else None),
            )
        )
    return grid(head, lines)


def _matrix(rows: Sequence[Row], measure: Callable[[Sequence[Row]], float | None]) -> str:
    """Sources down, domains across."""
    scored = [row for row in rows if row["kind"] != "real"]
    names = _domains(scored)
    sources = dict.fromkeys((row["kind"], row["source"]) for row in scored)
    ordered = sorted(sources, key=lambda source: (KINDS.index(source[0]), source[1]))
    lines = []
    for kind, source in ordered:
        mine = [row for row in scored if (row["kind"], row["source"]) == (kind, source)]
        cells = (_number(measure(_of(mine, domain=(name,)))) for name in names)
        title = source if kind in ("clean", source) else f"{source}, {kind}"
        lines.append((title, *cells))
    return grid(("source", *names), lines)


def _of(rows: Iterable[Row], *kinds: str, domain: Sequence[str] = ()) -> list[Row]:
    return [
        row
        for row in rows
        if (not kinds or row["kind"] in kinds) and (not domain or row["domain"] in domain)
    ]


def _judge(row: Row) -> str:
    return "outside" if row["domain"] in STRUCK else "own"


def _domains(rows: Iterable[Row]) -> list[str]:
    there = {row["domain"] for row in rows}
    return [name for name in TARGETS if name in there] + sorted(there - set(TARGETS))


def _ratio(rows: Iterable[Row], above: str, below: str) -> float | None:
    """Of sums, so that a case that is hard for everyone weighs little."""
    pairs = [
        (row[above], row[below])
        for row in rows
        if row.get(above) is not None and row.get(below) is not None
    ]
    total = sum(under for _, under in pairs)
    return sum(over for over, _ in pairs) / total if total else None


def _mean(rows: Iterable[Row], kind: str) -> float | None:
    values = [row["outside_f1"] for row in _of(rows, kind)]
    return statistics.mean(values) if values else None


def _whistle(rows: Sequence[Row]) -> float | None:
    """The worst domain's note F1 by the score, each by its own judge."""
    whistled = _of(rows, "whistle")
    means = [
        statistics.mean(row[f"{_judge(row)}_f1"] for row in _of(whistled, domain=(name,)))
        for name in _domains(whistled)
    ]
    return min(means, default=None)


def _worst(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def grid(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    rule = ["---"] * len(head)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *lines))
