"""How fast the wavenet family samples and hears on this machine, beside the authors' code.

Prints one JSON object a line as it measures, then a table. The networks have the published
sizes and random weights, which take as long as trained ones. Nothing here asserts: machines
differ.

    python bench_wavenet.py [LAYERS]    only decoders with 10 or with 14 layers a block
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import torch

from umt_domains.wavenet import WavenetFamily
from umt_domains.wavenet.config import SAMPLE_RATE, DecoderConfig, EncoderConfig
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.encoder import EncoderNetwork, latent_space
from umt_domains.wavenet.hearing import WavenetEncoder
from umt_domains.wavenet.playing import WavenetDecoder
from umtcli import console
from umtcli.pipeline.device import num_threads, torch_threads

STREAMS = (1, 6, 16, 32)
HOP = 200
"""Samples that are made at once: a latent frame of the published models has 800."""
AUTHORS_SAMPLES_PER_S = {
    10: {1: 118, 6: 251, 32: 851},
    14: {1: 84, 6: 175, 32: 648},
}
"""Their Python sampler on a machine with 2 cores, all streams together, by layers a block."""
AUTHORS_ENCODER_REAL_TIME = 1.0
AT_LEAST_S = 2.0
AT_LEAST_TIMES = 3


@dataclass(frozen=True)
class Measured:
    """A median, and what the authors' code did."""

    what: str
    engine: str
    value: float
    unit: str
    authors: float | None

    @property
    def ratio(self) -> float | None:
        """How many times as fast as the authors' code."""
        return None if self.authors is None else self.value / self.authors

    def cells(self) -> tuple[str, ...]:
        """A row of the table."""
        authors = "" if self.authors is None else f"{self.authors:g}"
        ratio = "" if self.ratio is None else f"{self.ratio:.1f}×"
        return self.what, self.engine, f"{self.value:.4g}", self.unit, authors, ratio


def median_s(work: Callable[[], object]) -> float:
    """Median time of some work, done for a few seconds, at least three times."""
    taken: list[float] = []
    while len(taken) < AT_LEAST_TIMES or sum(taken) < AT_LEAST_S:
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def sampling(layers: int, num_streams: int, engine: str) -> Measured:
    """Samples of all streams together in a second, a latent frame at a time."""
    options = {option.name: option.default for option in WavenetFamily.options}
    options["engine"] = engine
    config = DecoderConfig(layers=layers, hop_samples=HOP)
    decoder = WavenetDecoder(DecoderNetwork(config), "cpu", options)
    streams = decoder.streams()
    ids = [streams.open(key) for key in range(num_streams)]
    blocks = {i: torch.randn(config.latent_channels, 1) for i in ids}
    streams.push({ids[0]: blocks[ids[0]]})  # the first push is slower than the rest
    seconds = median_s(lambda: streams.push(blocks))
    return Measured(
        f"4 × {layers} layers, {num_streams} stream{'s' * (num_streams > 1)}",
        engine,
        num_streams * HOP / seconds,
        "samples/s",
        AUTHORS_SAMPLES_PER_S[layers].get(num_streams),
    )


def hearing(seconds: float = 5.0) -> Measured:
    """Seconds of music that the encoder hears in a second, in one stream."""
    config = EncoderConfig()
    encoder = WavenetEncoder(EncoderNetwork(config), latent_space("bench", config), "cpu")
    wav_T = torch.rand(round(seconds * SAMPLE_RATE)) - 0.5

    def whole() -> None:
        streams = encoder.streams()
        stream = streams.open()
        streams.push({stream: wav_T})
        streams.finish([stream])

    whole()
    real_time = seconds / median_s(whole)
    return Measured("encoder", "torch", real_time, "× real time", AUTHORS_ENCODER_REAL_TIME)


def main() -> None:
    """Measure and print."""
    threads = num_threads()
    asked = [int(argument) for argument in sys.argv[1:]]
    jobs: list[Callable[[], Measured]] = [] if asked else [hearing]
    engines = [engine for engine in WavenetFamily().engines() if engine != "plain"]
    for layers in asked or AUTHORS_SAMPLES_PER_S:
        for num_streams in STREAMS:
            # one after the other: a machine that slows down slows both
            jobs += [partial(sampling, layers, num_streams, engine) for engine in engines]
    rows = []
    with torch_threads(threads), torch.inference_mode():
        torch.manual_seed(1)
        for job in jobs:
            rows.append(job())
            line = asdict(rows[-1]) | {"ratio": rows[-1].ratio, "threads": threads}
            print(json.dumps(line, ensure_ascii=False), flush=True)
    console.print_table(
        ("what", "engine", "umt", "unit", "authors", "ratio"),
        (measured.cells() for measured in rows),
    )


if __name__ == "__main__":
    main()
