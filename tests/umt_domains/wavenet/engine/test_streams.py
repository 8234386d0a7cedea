"""The engine plays what the network would, on weights that were taught a tone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from umt_domains.wavenet import mulaw
from umt_domains.wavenet.choice import Choice
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.engine import drawing, loop
from umt_domains.wavenet.engine.kernel import Kernel
from umt_domains.wavenet.engine.machine import engine_of
from umt_domains.wavenet.engine.plain import build_plain
from umt_domains.wavenet.engine.streams import CompiledDecoder, CompiledStreams
from umt_domains.wavenet.folded import NOTHING, fold
from umtcli.pipeline.subject import feed
from wavenet_reference import SlowWaveNet, authors_decoder, choose, forced_logits, sample

HOP, NUM_FRAMES = 50, 20
LATENTS_CF = 0.1 * torch.randn(3, NUM_FRAMES, generator=torch.Generator().manual_seed(4))


def compiled(network: DecoderNetwork, kernel: Kernel) -> CompiledDecoder:
    return CompiledDecoder(fold(network, "cpu"), engine_of(kernel))


def logits_of(decoder: CompiledDecoder, classes_T: Tensor) -> NDArray[np.float32]:
    """(Q, T), each given the true classes before it: one call a sample."""
    memory_KW = decoder.silence_KW.copy()
    addresses_N, time_N = np.array([memory_KW.ctypes.data]), np.zeros(1, np.int64)
    last_2N = np.array([[NOTHING], [128]])
    buffers = decoder.buffers(1, 1)
    latent_NC = np.zeros((1, decoder.weights.latent), np.float32)
    seen = []
    for t, true_class in enumerate(classes_T.tolist()):
        latent_NC[0, :3] = LATENTS_CF[:, t // HOP]
        # the likeliest class is taken, which leaves the logits as they are
        loop.play(
            decoder.engine.slot,
            decoder.weights,
            loop.Streams(addresses_N, time_N, last_2N),
            buffers,
            latent_NC,
            np.full((1, 1), 0.5, np.float32),
            0.0,
            1.0,
            0.0,
            np.empty((1, 1), np.int64),
        )
        seen.append(buffers.logits_NQ[0].copy())
        last_2N[1, 0] = true_class
    return np.stack(seen, axis=1)


@pytest.fixture(scope="module")
def true_classes(tone: Tensor) -> Tensor:
    return tone[: HOP * NUM_FRAMES]


@pytest.fixture(scope="module")
def wanted_logits(tone_decoder: DecoderNetwork, true_classes: Tensor) -> NDArray[np.float64]:
    """The slow reference's logits."""
    slow = SlowWaveNet(authors_decoder(tone_decoder), blocks=2, layers=4)
    latents_CF = LATENTS_CF.double().numpy()
    return forced_logits(slow, true_classes.tolist(), latents_CF, HOP, first=128 / 255 - 0.5)


def cross_entropy(logits_QT: NDArray[np.floating], true_classes: Tensor) -> float:
    settled = slice(2 * HOP, None)
    logits = torch.from_numpy(logits_QT.astype(float)).T[settled]
    return torch.nn.functional.cross_entropy(logits, true_classes[settled]).item()


def test_the_decoder_is_sure_of_its_tone(
    wanted_logits: NDArray[np.float64], true_classes: Tensor
) -> None:
    assert cross_entropy(wanted_logits, true_classes) < 2  # of ln 256 = 5.5


def test_forced_logits_and_draws_are_those_of_the_slow_reference(
    tone_decoder: DecoderNetwork,
    kernel: Kernel,
    true_classes: Tensor,
    wanted_logits: NDArray[np.float64],
) -> None:
    logits_QT = logits_of(compiled(tone_decoder, kernel), true_classes)
    if kernel.kind.precision != "float32":
        difference = cross_entropy(logits_QT, true_classes) - cross_entropy(
            wanted_logits, true_classes
        )
        assert abs(difference) < 0.01
        return
    assert np.abs(logits_QT - wanted_logits).max() < 1e-3
    uniform_T = np.random.default_rng(5).random(len(true_classes), np.float32)
    draws = [
        (choose(wanted_logits[:, t], float(u)), drawing.choose(logits_QT[:, t].copy(), u, 1.0, 1.0))
        for t, u in enumerate(uniform_T)
    ]
    assert sum(wanted == drawn for wanted, drawn in draws) >= 0.999 * len(draws)


def test_the_likeliest_music_is_the_slow_references_up_to_a_near_tie(
    tone_decoder: DecoderNetwork, float32_kernel: Kernel
) -> None:
    latents_CF = LATENTS_CF.double().numpy()
    uniforms = [0.5] * (HOP * NUM_FRAMES)
    slow = SlowWaveNet(authors_decoder(tone_decoder), blocks=2, layers=4)
    wanted = torch.tensor(sample(slow, latents_CF, HOP, uniforms, temperature=0))
    streams = CompiledStreams(compiled(tone_decoder, float32_kernel), Choice(temperature=0), seed=0)
    played = feed(streams, LATENTS_CF)
    again = SlowWaveNet(authors_decoder(tone_decoder), blocks=2, layers=4)
    logits_QT = forced_logits(again, wanted.tolist(), latents_CF, HOP, first=128 / 255 - 0.5)
    second, first = np.sort(logits_QT, axis=0)[-2:]
    ties = np.flatnonzero(first - second < 1e-3)
    until = ties[0] if len(ties) else len(wanted)
    assert until > 10
    assert torch.equal(played[:until], mulaw.decode(wanted[:until]))


def test_looking_back_for_many_samples_at_once_changes_nothing(
    tone_decoder: DecoderNetwork, kernel: Kernel
) -> None:
    decoder = compiled(tone_decoder, kernel)
    for num_streams in (1, 3):
        latents = [LATENTS_CF[:, number].numpy() for number in range(num_streams)]
        latent_NC = np.zeros((num_streams, decoder.weights.latent), np.float32)
        latent_NC[:, :3] = np.stack(latents)
        uniform_TN = np.random.default_rng(6).random((HOP, num_streams), np.float32)
        played = []
        for ahead in (1, 2, 7, 64):
            memories = [decoder.silence_KW.copy() for _ in range(num_streams)]
            streams = loop.Streams(
                np.array([memory_KW.ctypes.data for memory_KW in memories]),
                np.zeros(num_streams, np.int64),
                np.stack([np.full(num_streams, NOTHING), np.full(num_streams, 128)]),
            )
            classes_TN = np.empty((HOP, num_streams), np.int64)
            loop.play(
                decoder.engine.slot,
                decoder.weights,
                streams,
                decoder.buffers(num_streams, ahead),
                latent_NC,
                uniform_TN,
                1.0,
                1.0,
                0.0,
                classes_TN,
            )
            played.append((classes_TN, memories))
        for classes_TN, memories in played[1:]:
            assert np.array_equal(classes_TN, played[0][0])
            assert all(map(np.array_equal, memories, played[0][1]))


def test_streams_are_dealt_out_evenly(
    tone_decoder: DecoderNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    streams = CompiledStreams(compiled(tone_decoder, build_plain()), Choice(), seed=0)
    for num_streams, sizes in ((1, [1]), (4, [2, 1, 1]), (54, [18] * 3), (55, [10] + [9] * 5)):
        blocks = {number: torch.zeros(3, 1) for number in range(num_streams)}
        groups = streams._groups(blocks)
        assert [len(group) for group in groups] == sizes
        assert sorted(number for group in groups for number in group) == sorted(blocks)
