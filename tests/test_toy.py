"""The toy family must itself keep the contract, or tests that use it prove nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from toy import ToyDecoder, ToyEncoder, ToyStreams, counter_noise, make_toy
from umtcli.bundle import read_bundle, read_info
from umtcli.fitting import check_space


@pytest.fixture
def encoder(tmp_path: Path) -> ToyEncoder:
    plugin = make_toy(tmp_path)
    return plugin.family.load_encoder(read_bundle(plugin.encoder), "cpu")


def run(streams: ToyStreams, signal: torch.Tensor, pieces: list[int], key: int = 0) -> torch.Tensor:
    stream_id = streams.open(key)
    out, start = [], 0
    for piece in [*pieces, signal.shape[-1]]:
        out.append(streams.push({stream_id: signal[..., start : start + piece]})[stream_id])
        start += piece
    return torch.cat([*out, streams.finish([stream_id])[stream_id]], dim=-1)


@pytest.mark.parametrize("pieces", [[1, 1, 79, 80, 81], [0, 500], [1600], [33] * 40])
def test_pieces_equal_whole(encoder: ToyEncoder, pieces: list[int]) -> None:
    wav_T = torch.randn(4001, generator=torch.Generator().manual_seed(1))
    latent_CF = run(encoder.streams(), wav_T, [])
    assert latent_CF.shape == (2, 51)
    torch.testing.assert_close(run(encoder.streams(), wav_T, pieces), latent_CF)

    decoder = ToyDecoder(440.0)
    out_T = run(decoder.streams(seed=3), latent_CF, [], key=2)
    assert out_T.shape == (51 * 160,)
    torch.testing.assert_close(run(decoder.streams(seed=3), latent_CF, pieces, key=2), out_T)


def test_a_steady_tone_keeps_its_level(encoder: ToyEncoder) -> None:
    wav_T = torch.sin(2 * torch.pi * 200 * torch.arange(8000) / 8000)
    out_T = run(ToyDecoder(440.0).streams(), run(encoder.streams(), wav_T, []), [])
    assert out_T[1600:-1600].square().mean().sqrt() == pytest.approx(0.5**0.5, rel=0.01)


def test_silence_stays_silent(encoder: ToyEncoder) -> None:
    out_T = run(ToyDecoder(440.0).streams(), run(encoder.streams(), torch.zeros(800), []), [])
    assert out_T.abs().max() == 0


def test_an_empty_stream_gives_nothing(encoder: ToyEncoder) -> None:
    assert run(encoder.streams(), torch.zeros(0), []).shape == (2, 0)
    assert run(ToyDecoder(440.0).streams(), torch.zeros(2, 0), []).shape == (0,)


def test_noise_depends_on_seed_key_and_absolute_sample_alone() -> None:
    noise_T = counter_noise(1, 2, 0, 1000)
    assert torch.equal(counter_noise(1, 2, 300, 100), noise_T[300:400])
    assert not torch.equal(counter_noise(0, 2, 0, 1000), noise_T)
    assert not torch.equal(counter_noise(1, 0, 0, 1000), noise_T)
    assert abs(noise_T.mean()) < 0.1
    assert noise_T.std() == pytest.approx(3**-0.5, rel=0.1)


def test_the_decoder_fits_the_encoder(tmp_path: Path) -> None:
    plugin = make_toy(tmp_path, {"low": 110.0, "high": 880.0})
    for path in plugin.decoders:
        check_space(read_info(path, "decoder"), read_info(plugin.encoder, "encoder"))
