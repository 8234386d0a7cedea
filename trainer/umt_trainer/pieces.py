"""Prepared music in stretches that fit into memory, heard by a frozen encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from umt_trainer.data import Recording
from umt_trainer.hearing import hear, heard
from umt_trainer.prepare import Split, load_split
from umtcli.domain import Encoder
from umtcli.learning import Learning

PIECE_S = 120.0
"""Length of the stretches that are heard at once."""
EXCERPTS = 6
EXCERPT_S = 10.0


def load_pieces(folder: Path, split: Split, longest_s: float, sample_rate: int) -> list[Recording]:
    """The music of a split in memory, or about `longest_s` of it, spread over all.

    Args:
        folder: of a prepared domain.
        split: train, val or test.
        longest_s: of what is kept, in seconds.
        sample_rate: of the music (Hz).
    """
    size = round(PIECE_S * sample_rate)
    places = []
    for recording in load_split(folder, split):
        # a rest of less than half a piece stays with the last one
        num_pieces = max(1, round(len(recording.wav) / size))
        ends = [*range(size, num_pieces * size, size), len(recording.wav)]
        places += [(recording, start, end) for start, end in zip([0, *ends], ends, strict=False)]
    total_s = sum(end - start for _, start, end in places) / sample_rate
    share = min(1.0, longest_s / total_s) if places else 1.0
    kept = [p for k, p in enumerate(places) if int((k + 1) * share) > int(k * share)]
    return [_piece(*place) for place in kept or places[:1]]


def playable_share(music: Sequence[Recording], encoder: Encoder, learning: Learning) -> float:
    """How much of the music a decoder could play, by short excerpts from all over it."""
    size = round(EXCERPT_S * learning.sample_rate)
    shares = []
    for k in range(min(EXCERPTS, len(music))):
        piece = music[k * len(music) // min(EXCERPTS, len(music))]
        start = max(0, (len(piece.wav) - size) // 2)
        wav_T, _ = piece.crop(start, size, learning.sample_rate)
        shares.append(learning.playable_share(hear(encoder, wav_T), wav_T))
    return sum(shares) / len(shares)


def hear_all(
    music: Sequence[Recording],
    encoder: Encoder,
    learning: Learning,
    seed: int,
    hearings: int,
    workers: int,
    advance: Callable[[float], None],
) -> list[Recording]:
    """The music with what the encoder hears in it.

    Args:
        music: stretches of it.
        encoder: the frozen one.
        learning: of the family, which distorts.
        seed: of the run.
        hearings: of each stretch: the first is clean, the others distorted.
        workers: threads, each with a stretch of its own.
        advance: told how many more seconds were heard.
    """

    def work(number: int) -> Recording:
        result = heard(music[number], number, encoder, learning, seed, hearings)
        advance(len(result.wav) * hearings / learning.sample_rate)
        return result

    with ThreadPoolExecutor(workers) as pool:
        try:
            return list(pool.map(work, range(len(music))))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _piece(recording: Recording, start: int, end: int) -> Recording:
    return Recording(
        recording.wav[start:end], name=f"{recording.name}+{start}", digest=recording.digest
    )
