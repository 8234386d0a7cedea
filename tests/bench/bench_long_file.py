"""How fast WaveNet plays one long file: cut into pieces, against in one.

Prints one JSON object a line as it measures. The network has the published size and random
weights, which take as long as trained ones. What is played in one is measured over a second,
as its speed does not change. Nothing here asserts: machines differ.

    python bench_long_file.py [SECONDS] [DEVICE] [LAYERS]    60 s on cpu with 10 layers a block
"""

from __future__ import annotations

import json
import sys
import time

import torch

from umt_domains.wavenet import WavenetFamily
from umt_domains.wavenet.config import DecoderConfig
from umt_domains.wavenet.cutting import Plan
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.playing import WavenetDecoder
from umtcli.optional import owed_s, patient_streams
from umtcli.pipeline.device import num_threads, torch_threads

EXACT_S = 1.0


def real_time(
    decoder: WavenetDecoder, config: DecoderConfig, seconds: float, *, cut: bool
) -> float:
    """Seconds of music in a second."""
    latents_CF = torch.randn(
        config.latent_channels, round(seconds * config.sample_rate / config.hop_samples)
    )
    streams = patient_streams(decoder, seed=0) if cut else decoder.streams(0)
    warmed = decoder.streams(0)
    warmed.push({warmed.open(): latents_CF[:, :1]})  # compiles, or records
    started = time.perf_counter()
    stream = streams.open()
    for frame_C1 in latents_CF.split(1, dim=1):
        streams.push({stream: frame_C1})
    streams.finish([stream])
    while owed_s(streams, [stream]):
        streams.finish([stream])
    return seconds / (time.perf_counter() - started)


def main() -> None:
    """Measure and print."""
    given = dict(enumerate(sys.argv[1:]))
    seconds, device = float(given.get(0, 60)), given.get(1, "cpu")
    config = DecoderConfig(layers=int(given.get(2, 10)))
    plan = Plan.of(config)
    engines = ("auto", "torch") if device != "cpu" else ("auto",)
    with torch_threads(num_threads()), torch.inference_mode():
        torch.manual_seed(1)
        network = DecoderNetwork(config)
        for engine in engines:
            defaults = {option.name: option.default for option in WavenetFamily.options}
            decoder = WavenetDecoder(network, device, {**defaults, "engine": engine})
            exact = real_time(decoder, config, EXACT_S, cut=False)
            line = {
                "engine": decoder.engine,
                "device": device,
                "threads": num_threads(),
                "seconds": seconds,
                "piece_s": plan.piece_s,
                "exact_real_time": exact,
            }
            cut = real_time(decoder, config, seconds, cut=True)
            print(json.dumps({**line, "cut_real_time": cut, "ratio": cut / exact}), flush=True)


if __name__ == "__main__":
    main()
