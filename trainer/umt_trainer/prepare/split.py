"""Which recordings are learned from, which only measured on.

Whole recordings are held out, so that nothing of a performance is on both sides. Only
where there are too few of them, each is cut in time:

    │ train …………………………………………………… │gap│ val … │gap│ test … │
"""

from __future__ import annotations

from collections.abc import Mapping

from umt_trainer.prepare.manifest import Part, Split

HELD_OUT: Mapping[Split, float] = {"val": 0.1, "test": 0.1}
"""Share of the music in each; the rest is for training."""
GAP_S = 2.0
"""Left out where a recording is cut: a note that rings on is heard on one side only."""
SHORTEST_PART_S = 4.0
"""Of what is cut: as long as the longest usual example."""

Parts = dict[str, tuple[Part, ...]]


def split(lengths: Mapping[str, int], sample_rate: int) -> Parts:
    """Assign recordings, or stretches of them, to train, val and test.

    Args:
        lengths: number of samples of each recording, by the hash of its contents. The
            hashes decide: what is held out depends on no names and no order.
        sample_rate: (Hz).

    Returns:
        The parts of each recording. No sample is in two, and each split has some unless
        there are fewer than three short recordings.
    """
    return (
        _by_file(lengths, within=(0.5, 1.5)) or _by_time(lengths, sample_rate) or _shortest(lengths)
    )


def _by_file(lengths: Mapping[str, int], within: tuple[float, float]) -> Parts | None:
    """Hold out whole recordings; None if none are near the wanted shares."""
    low, high = within
    chosen: dict[str, Split] = {}
    for name, share in HELD_OUT.items():
        target, held = share * sum(lengths.values()), 0
        for key in sorted(lengths):
            if key not in chosen and held < target and held + lengths[key] <= high * target:
                chosen[key] = name
                held += lengths[key]
        if held < low * target:
            return None
    return _whole(lengths, chosen)


def _by_time(lengths: Mapping[str, int], sample_rate: int) -> Parts | None:
    """Hold out the ends of every recording that is long enough; None if none is."""
    gap, shortest = round(GAP_S * sample_rate), round(SHORTEST_PART_S * sample_rate)
    parts: Parts = {}
    for key, length in lengths.items():
        held = {name: max(shortest, round(share * length)) for name, share in HELD_OUT.items()}
        first = length - sum(held.values()) - gap * len(held)
        if first < 2 * shortest:
            parts[key] = (Part("train", 0, length),)
            continue
        stretches = [Part("train", 0, first)]
        for name, num_samples in held.items():
            first += gap
            stretches.append(Part(name, first, num_samples))
            first += num_samples
        parts[key] = tuple(stretches)
    return parts if any(len(stretches) > 1 for stretches in parts.values()) else None


def _shortest(lengths: Mapping[str, int]) -> Parts:
    """Hold out the shortest recordings: what is left when they are few and short."""
    shortest = sorted(lengths, key=lambda key: (lengths[key], key))
    can_spare = len(shortest) > len(HELD_OUT)
    return _whole(lengths, dict(zip(shortest, HELD_OUT, strict=False)) if can_spare else {})


def _whole(lengths: Mapping[str, int], chosen: Mapping[str, Split]) -> Parts:
    return {k: (Part(chosen.get(k, "train"), 0, n),) for k, n in lengths.items()}
