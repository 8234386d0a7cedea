"""Several decoders that play one latent stream together, as one decoder.

             ┌─▶ decoder 1 ─▶ resample ─▶ × share ─┐
    latents ─┤                                     ├─▶ sum of what all have played
             └─▶ decoder 2 ─▶ resample ─▶ × share ─┘

Decoders look ahead differently far: what one has played waits for the others. All are
resampled to the highest rate among them.

T samples, C latent channels, F latent frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from umtcli.domain import Decoder, Streams
from umtcli.media import Resampler
from umtcli.optional import batches


class MixDecoder:
    """A weighted sum of decoders of one latent space; itself a `Decoder`."""

    def __init__(self, parts: Sequence[tuple[Decoder, float]]) -> None:
        """Join them.

        Args:
            parts: decoders with their linear gains.
        """
        self._parts = tuple(parts)
        decoders = [decoder for decoder, _ in parts]
        self.sample_rate = max(decoder.sample_rate for decoder in decoders)
        self.lookahead_s = max(decoder.lookahead_s for decoder in decoders)
        # a part that samples would give two performances of one file; the others can play
        # the mid as well as the sides
        self.mid_only = any(decoder.mid_only for decoder in decoders)

    def streams(self, seed: int = 0) -> Streams:
        """Start a new set of streams: (C, F) blocks in, (T,) blocks out."""
        return _MixStreams(self._parts, self.sample_rate, seed)


@dataclass
class _Voice:
    """One part's share in one stream."""

    stream_id: int
    """In the part's own streams."""
    resampler: Resampler
    waiting: Tensor
    """Played, but not yet by all the others."""


class _MixStreams:
    """The `Streams` contract over the streams of the parts."""

    def __init__(self, parts: Sequence[tuple[Decoder, float]], rate: int, seed: int) -> None:
        self._parts = [
            (decoder.streams(seed), decoder.sample_rate, gain) for decoder, gain in parts
        ]
        self._rate = rate
        self.batches = any(batches(streams) for streams, _, _ in self._parts)
        self._voices: dict[int, list[_Voice]] = {}
        self._next_id = 0

    def open(self, key: int = 0) -> int:
        """Start a stream in every part and return its id."""
        voices = []
        for number, (streams, rate, _) in enumerate(self._parts):
            # with one key, parts would hiss and sample alike: correlated noise sums louder,
            # and moves the image of a mix; the first part plays as it does alone
            part_id = streams.open(key * len(self._parts) + number)
            voices.append(_Voice(part_id, Resampler(rate, self._rate, 1), torch.zeros(0)))
        stream_id, self._next_id = self._next_id, self._next_id + 1
        self._voices[stream_id] = voices
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Feed every part; return the sum as far as all have played."""
        for number, (streams, _, _) in enumerate(self._parts):
            voices = {stream_id: self._voices[stream_id][number] for stream_id in blocks}
            played = streams.push({voices[i].stream_id: block for i, block in blocks.items()})
            for voice in voices.values():
                block_T1 = _as_block(played[voice.stream_id])
                _append(voice, voice.resampler.push(block_T1))
        return {i: self._sum(self._voices[i], _least(self._voices[i])) for i in blocks}

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        """End the streams in every part; return the rest of the sum."""
        ended = {stream_id: self._voices.pop(stream_id) for stream_id in ids}
        for number, (streams, _, _) in enumerate(self._parts):
            voices = [all_voices[number] for all_voices in ended.values()]
            played = streams.finish([voice.stream_id for voice in voices])
            for voice in voices:
                _append(voice, voice.resampler.push(_as_block(played[voice.stream_id])))
                _append(voice, voice.resampler.finish())
        return {i: self._sum(voices, self._rest(voices)) for i, voices in ended.items()}

    def _rest(self, voices: Sequence[_Voice]) -> int:
        """Samples left at the end: as many as a part has that is not resampled.

        Resampling rounds lengths: others may be a sample off.
        """
        pairs = zip(voices, self._parts, strict=True)
        return max(len(voice.waiting) for voice, (_, rate, _) in pairs if rate == self._rate)

    def _sum(self, voices: Sequence[_Voice], num_samples: int) -> Tensor:
        sum_T = torch.zeros(num_samples)
        for voice, (_, _, gain) in zip(voices, self._parts, strict=True):
            ready_T = voice.waiting[:num_samples]
            sum_T[: len(ready_T)] += gain * ready_T
            voice.waiting = voice.waiting[num_samples:].clone()
        return sum_T


def _as_block(wav_T: Tensor) -> NDArray[np.float32]:
    return wav_T.to("cpu", torch.float32).numpy()[:, None]


def _append(voice: _Voice, block_T1: NDArray[np.float32]) -> None:
    voice.waiting = torch.cat([voice.waiting, torch.from_numpy(block_T1[:, 0].copy())])


def _least(voices: Sequence[_Voice]) -> int:
    return min(len(voice.waiting) for voice in voices)
