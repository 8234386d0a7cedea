"""Streams over the cores: each thread plays some of them, from the first frame to the last.

    pushed   ── s1 s2 s3 s4 s5 ──┬── s1 s3 s5 ── thread 1 ── frame by frame
                                 └── s2 s4    ── thread 2 ── frame by frame

Threads share nothing but the weights, and wait for each other only at the end of a push.

C latent channels, F latent frames, K numbers that all rings hold of a channel, N streams of a
group, T samples, W words of a row of all residual channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import numpy as np
import torch
from torch import Tensor

from umt_domains import counter
from umt_domains.wavenet import mulaw
from umt_domains.wavenet.choice import Choice
from umt_domains.wavenet.engine import loop
from umt_domains.wavenet.engine.compiling import Floats, Words
from umt_domains.wavenet.engine.machine import Engine
from umt_domains.wavenet.engine.packing import pack
from umt_domains.wavenet.engine.products import Slot, as_words, row_words
from umt_domains.wavenet.folded import NOTHING, Folded
from umt_domains.wavenet.frames import frame_by_frame

SLICE_SAMPLES = 100
"""Played before a look at whether anyone still waits for it: a fraction of a second."""
MOST_ROWS = 18
"""Of a group's streams: their numbers and a panel of weights fit into the nearest cache."""


class CompiledDecoder:
    """A decoder's weights, packed for an engine, which is compiled if it was not yet.

    Args:
        folded: the weights, on the CPU.
        engine: what plays them.
    """

    def __init__(self, folded: Folded, engine: Engine) -> None:
        self.engine = engine
        self.config = folded.config
        self.weights = pack(folded, engine.kernel.kind)
        dilations = torch.tensor(folded.config.dilations)
        rings_KR = -folded.offset_LR.repeat_interleave(dilations, dim=0)
        self.silence_KW: Words = _as_words(engine.slot, rings_KR.numpy())
        """What a stream remembers at its start; `folded.py` says why this is not zero."""
        self._compile()

    def play(
        self,
        streams: loop.Streams,
        latent_NC: Floats,
        uniform_TN: Floats,
        choice: Choice,
    ) -> Tensor:
        """Sample within one latent frame, int64, a column for each of `uniform_TN`; see `loop`."""
        num_streams = len(latent_NC)
        padding = self.weights.latent - latent_NC.shape[1]
        # two blocks of rows are enough to read the weights of the past seldom
        ahead = max(1, 2 * self.engine.kernel.kind.most_rows // num_streams)
        classes_TN = np.empty(uniform_TN.shape, np.int64)
        loop.play(
            self.engine.slot,
            self.weights,
            streams,
            self.buffers(num_streams, ahead),
            np.pad(latent_NC, ((0, 0), (0, padding))),
            uniform_TN,
            0.0 if choice.greedy else choice.temperature,
            choice.top_p,
            choice.guidance,
            classes_TN,
        )
        return torch.from_numpy(classes_TN)

    def buffers(self, num_streams: int, ahead: int) -> loop.Buffers:
        """Memory for playing N streams, with the past multiplied for A samples ahead."""
        weights = self.weights
        layers, width = weights.constant_LM.shape
        depth = max(weights.latent, weights.residual, weights.skip)

        def floats(*shape: int) -> Floats:
            return np.empty(shape, np.float32)

        return loop.Buffers(
            steer_LNM=floats(layers, num_streams, width),
            a_LANM=floats(layers if ahead > 1 else 1, ahead, num_streams, width),
            past_ANW=np.empty((ahead, num_streams, self.silence_KW.shape[1]), np.int32),
            y_NY=floats(num_streams, weights.newer_QY.shape[1]),
            h_NR=floats(num_streams, weights.residual),
            relu_NS=floats(num_streams, weights.skip),
            head_NS=floats(num_streams, len(weights.head_S)),
            fc_NS=floats(num_streams, len(weights.head_S)),
            logits_NQ=floats(num_streams, len(weights.logits_Q)),
            words=np.empty(num_streams * (depth + 1), np.int32),  # and a scale
        )

    def _compile(self) -> None:
        memory_KW = self.silence_KW.copy()
        streams = loop.Streams(
            memory_N=np.array([memory_KW.ctypes.data]),
            time_N=np.zeros(1, np.int64),
            last_2N=np.full((2, 1), NOTHING),
        )
        latent_NC = np.zeros((1, self.config.latent_channels), np.float32)
        self.play(streams, latent_NC, np.full((1, 1), 0.5, np.float32), Choice())


def _as_words(slot: Slot, x_NK: Floats) -> Words:
    """Rows as the slot takes them."""
    if slot.packed == 1:
        return x_NK.view(np.int32)
    channels = x_NK.shape[1]
    words = np.empty(len(x_NK) * row_words(slot, channels), np.int32)
    as_words(slot, x_NK, channels, words)
    return words.reshape(len(x_NK), -1)


@dataclass(eq=False)
class _Stream:
    key: int
    memories: list[Words]
    """(K, W) of each of its rows."""
    next_sample: int
    """Absolute place of what it plays next."""
    last: tuple[int, int] = (NOTHING, mulaw.SILENCE)


class CompiledStreams:
    """The `Streams` contract; a frame is played as soon as it is pushed.

    Args:
        decoder: what plays.
        choice: chooses each class from its logits.
        seed: keys the randomness, together with a stream's key and the absolute sample.
    """

    def __init__(self, decoder: CompiledDecoder, choice: Choice, seed: int) -> None:
        self._decoder, self._choice, self._seed = decoder, choice, seed
        self._num_threads = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(
            self._num_threads, "umt-wavenet", initializer=torch.set_num_threads, initargs=(1,)
        )
        self._streams: dict[int, _Stream] = {}
        self._next_id = 0

    def open(self, key: int = 0, first_sample: int = 0) -> int:
        """Start a stream and return its id; see `patient.Rows`."""
        stream_id, self._next_id = self._next_id, self._next_id + 1
        memories = [self._decoder.silence_KW.copy() for _ in range(self._choice.rows)]
        self._streams[stream_id] = _Stream(key, memories, first_sample)
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Feed the next (C, F) block of each named stream; return (T,) with T = F · hop."""
        ended = Event()

        def play(ids: Sequence[int]) -> dict[int, Tensor]:
            return self._play_blocks({i: blocks[i] for i in ids}, ended)

        played: dict[int, Tensor] = {}
        try:
            for part in self._pool.map(play, self._groups(blocks)):
                played |= part
        finally:
            ended.set()  # after Ctrl-C nobody waits for the frames that are left
        return played

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        """End these streams; nothing is left to play."""
        ended = {stream_id: self._streams.pop(stream_id) for stream_id in ids}
        return dict.fromkeys(ended, torch.zeros(0))

    def _groups(self, blocks: Mapping[int, Tensor]) -> list[list[int]]:
        """Ids, dealt out so that all threads have as much to do."""
        longest_first = sorted(blocks, key=lambda i: -blocks[i].shape[-1])
        rounds = -(-len(longest_first) * self._choice.rows // (self._num_threads * MOST_ROWS))
        num_groups = min(rounds * self._num_threads, len(longest_first))
        return [longest_first[first::num_groups] for first in range(num_groups)]

    @torch.inference_mode()
    def _play_blocks(self, blocks: Mapping[int, Tensor], ended: Event) -> dict[int, Tensor]:
        return frame_by_frame(blocks, lambda latents: self._play(latents, ended))

    def _play(self, latents: Mapping[int, Tensor], ended: Event) -> dict[int, Tensor]:
        """One frame of some streams: latents (C,) in, waveforms (T,) out."""
        playing = [self._streams[stream_id] for stream_id in latents]
        hop, rows = self._decoder.config.hop_samples, self._choice.rows
        uniform_TN = torch.stack(
            [counter.uniform(self._seed, s.key, s.next_sample, hop) for s in playing], dim=1
        )
        streams = loop.Streams(
            memory_N=np.array(
                [s.memories[row].ctypes.data for row in range(rows) for s in playing]
            ),
            # where the rings begin does not matter: at its start a stream remembers silence
            time_N=np.array([stream.next_sample for stream in playing] * rows),
            last_2N=np.array([stream.last for stream in playing] * rows).T.copy(),
        )
        latent_NC = torch.stack(list(latents.values())).float().numpy()
        if rows > 1:  # the other row of a stream is told zeros
            latent_NC = np.concatenate([latent_NC, np.zeros_like(latent_NC)])
        slices = [
            self._decoder.play(streams, latent_NC, part_TN.numpy(), self._choice)
            for part_TN in uniform_TN.split(SLICE_SAMPLES)
            if not ended.is_set()
        ]
        last = streams.last_2N[:, : len(playing)].T.tolist()  # the other rows played the same
        for stream, (older, newer) in zip(playing, last, strict=True):
            stream.last = (older, newer)
            stream.next_sample += hop
        wav_TN = mulaw.decode(torch.cat([torch.zeros(0, len(playing), dtype=torch.int64), *slices]))
        return dict(zip(latents, wav_TN.T.contiguous(), strict=True))
