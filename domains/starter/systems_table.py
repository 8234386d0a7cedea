"""The tables of systems, out of the rows that `systems` measured."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from starter.judge import Row
from starter.lines import DOMAINS, SOURCES
from starter.probing import Probed
from starter.table import NOTHING, grid


def markdown(rows: Sequence[Row], probes: Mapping[str, Probed]) -> str:
    """Tables of translations and of what is only played again, and one of probes.

    Translations from instruments that the systems were taught on stand apart from others.
    """
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
    told = [(name, f"{p.pitch:.2f}", f"{p.domain:.2f}") for name, p in probes.items()]
    head = ("encoder", "pitch told by a probe", "domain told by a probe")
    sections.append(f"## Latents\n\n{grid(head, told)}")
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
    return grid(head, body)


def _means(rows: Sequence[Row], side: str) -> list[str]:
    """Means over pieces and domains of what is known."""
    cells = []
    for name in COLUMNS.values():
        values = [row[name + side] for row in rows if name + side in row]
        cells.append(f"{statistics.mean(values):.3g}" if values else NOTHING)
    return cells
