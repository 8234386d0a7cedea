"""A domain's decoder at work: streams of latents in, streams of sampled waveform out.

C latent channels, F latent frames, N rows of a tile, T samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from umt_domains import counter
from umt_domains.wavenet import mulaw
from umt_domains.wavenet.choice import Choice
from umt_domains.wavenet.config import DecoderConfig
from umt_domains.wavenet.cutting import Plan
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.engine.choosing import TORCH, compiled_decoder, recorder
from umt_domains.wavenet.folded import Folded, fold
from umt_domains.wavenet.frames import frame_by_frame
from umt_domains.wavenet.graphs import Record, as_it_is
from umt_domains.wavenet.leading import LeadingStreams
from umt_domains.wavenet.patient import CutStreams, Rows
from umt_domains.wavenet.sampler import Tile
from umtcli.domain import Streams, Value

CPU_ROWS = 16
"""Rows of a tile on a CPU. A step costs the same however many rows play: with more of them a
single stream would pay too much, with fewer many streams would read the weights too often."""
GPU_ROWS = range(32, 257, 32)
"""Rows that a tile may have on a GPU, where launching a step takes longer than computing it: as
many as fit into `MOST_BYTES`. No GPU was at hand to find out how many are best."""
MOST_BYTES = 2**31
"""Of what rows remember: those of a tile on a GPU, and those of all pieces of long files that
are played at the same time on a CPU."""


class WavenetDecoder:
    """An `umtcli.domain.Decoder`: latents → mono waveform; 64 at 20 Hz → 16 kHz as published.

    Args:
        network: the trained network; its weights are copied, and it stays as it is.
        device: where it runs.
        options: a value for every option of the family.
    """

    mid_only = True  # two channels would be two performances

    def __init__(self, network: DecoderNetwork, device: str, options: Mapping[str, Value]) -> None:
        config = network.config
        self.sample_rate = config.sample_rate
        self.lookahead_s = config.lead_frames * config.hop_samples / config.sample_rate
        self._weights = fold(network, device)
        self._num_rows = CPU_ROWS if device == "cpu" else gpu_rows(config)
        self._plan = None if options["exact"] else Plan.of(config)
        guidance = float(options["guidance"]) * config.guidance
        self._choice = Choice(float(options["temperature"]), float(options["top_p"]), guidance)
        self._compiled = None
        self._engine = TORCH
        self._record: Record = as_it_is
        if device == "cpu":
            self._compiled = compiled_decoder(str(options["engine"]), self._weights)
        else:
            self._engine, self._record = recorder(str(options["engine"]), device)

    @property
    def engine(self) -> str:
        """What samples."""
        return self._engine if self._compiled is None else self._compiled.engine.name

    @property
    def precision(self) -> str:
        """Of the weights: `float32` or `bfloat16`."""
        return "float32" if self._compiled is None else self._compiled.engine.precision

    def streams(self, seed: int = 0) -> Streams:
        """Start a new set of streams: (C, F) blocks in, (T,) blocks out."""
        return self._early(self._rows(seed))

    def patient_streams(self, seed: int = 0) -> Streams:
        """The same for files: long ones are cut, see `patient`, unless `exact` is set."""
        if self._plan is None:
            return self.streams(seed)
        return self._early(CutStreams(self._rows(seed), self._plan, self._pieces_at_once()))

    def _early(self, streams: Streams) -> Streams:
        num_frames = self._weights.config.lead_frames
        return LeadingStreams(streams, num_frames) if num_frames else streams

    def _rows(self, seed: int) -> Rows:
        if self._compiled is None:
            return SampledStreams(self._weights, self._choice, seed, self._num_rows, self._record)
        from umt_domains.wavenet.engine.streams import CompiledStreams

        return CompiledStreams(self._compiled, self._choice, seed)

    def _pieces_at_once(self) -> int:
        """As many as fill the engine, unless memory is short; it changes no result."""
        if self._weights.past_LRM.device.type != "cpu":
            return self._num_rows // self._choice.rows
        threads = torch.get_num_threads()
        most = MOST_BYTES // row_bytes(self._weights.config)
        return max(threads, min(self._num_rows * threads, most) // self._choice.rows)


def row_bytes(config: DecoderConfig) -> int:
    """What a row remembers, in float32."""
    return 4 * sum(config.dilations) * config.residual_channels


def gpu_rows(config: DecoderConfig) -> int:
    """Rows of a tile on a GPU.

    >>> gpu_rows(DecoderConfig()), gpu_rows(DecoderConfig(layers=14))
    (256, 64)
    """
    most = MOST_BYTES // row_bytes(config)
    return max((rows for rows in GPU_ROWS if rows <= most), default=GPU_ROWS[0])


@dataclass
class _Stream:
    key: int
    tile: Tile
    row: int
    next_sample: int
    """Absolute place of what it plays next."""


class SampledStreams:
    """The `Streams` contract over tiles; a frame is played as soon as it is pushed.

    Args:
        weights: of the decoder.
        choice: chooses each class from its logits.
        seed: keys the randomness, together with a stream's key and the absolute sample.
        num_rows: N, rows of a tile: those that are told their latents, then as many of the same
            streams that are not, where the choice wants them. Logits depend on it in their last
            bits.
        record: see `Tile`.
    """

    def __init__(
        self,
        weights: Folded,
        choice: Choice,
        seed: int,
        num_rows: int,
        record: Record = as_it_is,
    ) -> None:
        self._weights, self._choice, self._record = weights, choice, record
        self._seed = seed
        self._num_rows = num_rows
        # a step is too small to share: each tile is played by one thread, several tiles at once
        self._pool = ThreadPoolExecutor(
            torch.get_num_threads(), "umt-tile", initializer=torch.set_num_threads, initargs=(1,)
        )
        self._streams: dict[int, _Stream] = {}
        self._free: list[tuple[Tile, int]] = []
        self._next_id = 0

    def open(self, key: int = 0, first_sample: int = 0) -> int:
        """Start a stream and return its id; see `patient.Rows`."""
        if not self._free:
            tile = Tile(self._weights, self._choice.draw, self._num_rows, self._record)
            self._free = [(tile, row) for row in reversed(range(self._num_told))]
        tile, row = self._free.pop()
        for own in self._rows(row):
            tile.reset(own)
        stream_id, self._next_id = self._next_id, self._next_id + 1
        self._streams[stream_id] = _Stream(key, tile, row, first_sample)
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Feed the next (C, F) block of each named stream; return (T,) with T = F · hop."""
        by_tile: dict[Tile, dict[int, Tensor]] = {}
        for stream_id, block_CF in blocks.items():
            by_tile.setdefault(self._streams[stream_id].tile, {})[stream_id] = block_CF
        played: dict[int, Tensor] = {}
        for part in self._pool.map(self._play_blocks, by_tile, by_tile.values()):
            played |= part
        return played

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        """End these streams; nothing is left to play, and their rows are free again."""
        ended = {stream_id: self._streams.pop(stream_id) for stream_id in ids}
        self._free += [(stream.tile, stream.row) for stream in ended.values()]
        return {stream_id: torch.zeros(0) for stream_id in ended}

    @property
    def _num_told(self) -> int:
        return self._num_rows // self._choice.rows

    def _rows(self, row: int) -> list[int]:
        """All rows of the stream in a row."""
        return list(range(row, self._num_rows, self._num_told))

    @torch.inference_mode()
    def _play_blocks(self, tile: Tile, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        return frame_by_frame(blocks, lambda latents: self._play(tile, latents))

    def _play(self, tile: Tile, latents: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """One frame of some streams of a tile: latents (C,) in, waveforms (T,) out."""
        config, device = self._weights.config, self._weights.past_LRM.device
        hop = config.hop_samples
        latent_NC = torch.zeros(self._num_rows, config.latent_channels)
        uniform_TN = torch.full((hop, self._num_rows), 0.5)
        playing_N = torch.zeros(self._num_rows, dtype=torch.bool)
        for stream_id, latent_C in latents.items():
            stream = self._streams[stream_id]
            latent_NC[stream.row] = latent_C  # its other row is told zeros
            uniform_TN[:, stream.row] = counter.uniform(
                self._seed, stream.key, stream.next_sample, hop
            )
            playing_N[self._rows(stream.row)] = True
            stream.next_sample += hop
        classes_TN = tile.play(latent_NC.to(device), uniform_TN.to(device), playing_N.to(device))
        wav_NT = mulaw.decode(classes_TN.cpu()).T
        return {stream_id: wav_NT[self._streams[stream_id].row] for stream_id in latents}
