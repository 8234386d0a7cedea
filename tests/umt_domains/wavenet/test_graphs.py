"""What a graph has recorded plays as the steps themselves do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from umt_domains.wavenet import graphs
from umt_domains.wavenet.choice import Choice
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.folded import fold
from umt_domains.wavenet.graphs import Work
from umt_domains.wavenet.playing import SampledStreams, WavenetDecoder
from umt_domains.wavenet.sampler import Tile
from umtcli.pipeline.subject import feed
from wavenet_reference import SlowWaveNet, authors_decoder, forced_logits

HOP = 13
CHOICES = (
    Choice(),
    Choice(temperature=0.7, top_p=0.9),
    Choice(temperature=0),
    Choice(guidance=1.0),
)


def traced(work: Work) -> Work:
    """Stands in for a GPU's recorder: the same operations on the same tensors, without Python."""
    for _ in range(graphs.WARM_UPS):
        work()

    def all_of_it() -> None:
        work()

    recorded: Callable[[], None] = make_fx(all_of_it)()
    return recorded


def play(tile: Tile, num_frames: int = 5) -> Tensor:
    """Two rows; the second is idle in the second frame, and begins again before the fourth."""
    generator = torch.Generator().manual_seed(1)
    tile.reset(0)
    tile.reset(1)
    played = []
    for frame in range(num_frames):
        if frame == 3:
            tile.reset(1)
        playing_N = torch.tensor([True, frame != 1])
        latent_NC = torch.randn(2, 5, generator=generator)
        uniform_TN = torch.rand(HOP, 2, generator=generator).clamp(1e-6, 1 - 1e-6)
        given = (tensor.to(tile.device) for tensor in (latent_NC, uniform_TN, playing_N))
        played.append(tile.play(*given).cpu().where(playing_N, 0))
    return torch.cat(played)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("most_at_once", [64, 12, 1])
def test_what_was_recorded_plays_what_the_steps_play(
    small_decoder: DecoderNetwork,
    monkeypatch: pytest.MonkeyPatch,
    choice: Choice,
    most_at_once: int,
) -> None:
    weights = fold(small_decoder, "cpu")
    whole = play(Tile(weights, choice.draw, 2))
    monkeypatch.setattr("umt_domains.wavenet.sampler.MOST_AT_ONCE", most_at_once)
    with torch.inference_mode():
        assert torch.equal(play(Tile(weights, choice.draw, 2, traced)), whole)


def test_streams_play_the_same_from_a_record(full_width: DecoderNetwork) -> None:
    weights, latent_CF = fold(full_width, "cpu"), torch.randn(64, 7)
    whole = feed(SampledStreams(weights, Choice(), 3, 16), latent_CF)
    with torch.inference_mode():
        recorded = feed(SampledStreams(weights, Choice(), 3, 16, traced), latent_CF, (1, 3))
    assert torch.equal(recorded, whole)


def test_a_recorder_prepares_records_and_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a stand-in for CUDA, which notes what is asked of it."""
    asked: list[str] = []

    class Stream:
        def wait_stream(self, other: object) -> None:
            asked.append("wait")

    class Graph:
        def replay(self) -> None:
            asked.append("replay")

    @contextmanager
    def noted(what: str) -> Iterator[None]:
        asked.append(what)
        yield
        asked.append(f"end of {what}")

    def graph(recorded: Graph, *, stream: Stream, capture_error_mode: str) -> Any:
        assert isinstance(recorded, Graph)
        assert isinstance(stream, Stream)
        return noted(f"{capture_error_mode} record")

    monkeypatch.setattr(torch.cuda, "device", lambda device: noted(str(device)))
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: noted("side stream"))
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    replay = graphs.on_cuda(torch.device("cuda:1"))(lambda: asked.append("work"))
    prepared = ["wait", "side stream", *["work"] * 3, "end of side stream", "wait"]
    recorded = ["thread_local record", "work", "end of thread_local record"]
    assert asked == ["cuda:1", *prepared, *recorded, "end of cuda:1"]
    asked.clear()
    replay()
    assert asked == ["replay"]


@pytest.mark.gpu
@pytest.mark.parametrize("choice", CHOICES)
def test_a_cuda_graph_plays_what_the_steps_play(
    small_decoder: DecoderNetwork, choice: Choice
) -> None:
    weights = fold(small_decoder, "cuda")
    whole = play(Tile(weights, choice.draw, 2))
    recorded = Tile(weights, choice.draw, 2, graphs.on_cuda(torch.device("cuda")))
    assert torch.equal(play(recorded), whole)


@pytest.mark.gpu
def test_forced_logits_of_a_gpu_are_those_of_the_slow_reference(
    small_decoder: DecoderNetwork,
) -> None:
    seen: list[Tensor] = []

    def force(logits_NQ: Tensor, uniform_N1: Tensor, out_N1: Tensor) -> None:
        seen.append(logits_NQ[0].cpu().clone())
        out_N1.copy_((256 * uniform_N1).long())

    tile = Tile(fold(small_decoder, "cuda"), force, 2)
    play(tile)
    classes_T, latents_CF = [], []
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):  # as `play` draws them
        latents_CF.append(torch.randn(2, 5, generator=generator)[0])
        uniform_TN = torch.rand(HOP, 2, generator=generator).clamp(1e-6, 1 - 1e-6)
        classes_T += (256 * uniform_TN[:, 0]).long().tolist()
    slow = SlowWaveNet(authors_decoder(small_decoder), blocks=2, layers=3)
    latents = torch.stack(latents_CF, dim=1).double().numpy()
    wanted = forced_logits(slow, classes_T, latents, HOP, first=128 / 255 - 0.5)
    assert np.abs(torch.stack(seen, dim=1).numpy() - wanted).max() < 1e-3


@pytest.mark.gpu
@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_streams_of_a_gpu_are_played_by_a_graph(
    full_width: DecoderNetwork, guidance: float
) -> None:
    options = {"temperature": 1.0, "top_p": 1.0, "guidance": 1.0, "engine": "auto", "exact": True}
    latent_CF = torch.randn(64, 7, generator=torch.Generator().manual_seed(2))
    network = DecoderNetwork(replace(full_width.config, guidance=guidance))
    network.load_state_dict(full_width.state_dict())
    graph = WavenetDecoder(network, "cuda", options)
    steps = WavenetDecoder(network, "cuda", {**options, "engine": "torch"})
    assert (graph.engine, steps.engine) == ("cuda-graph", "torch")
    assert torch.equal(feed(graph.streams(1), latent_CF), feed(steps.streams(1), latent_CF))
