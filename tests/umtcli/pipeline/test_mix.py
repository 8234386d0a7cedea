"""A mix is the weighted sum of its decoders, and keeps the contract of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from conversions import MakeCatalog
from signals import noise, read, write
from toy import DECODER_HOP, DECODER_RATE, ToyDecoder, ToyFamily
from umtcli.bundle import Bundle
from umtcli.catalog import Catalog
from umtcli.domain import Streams
from umtcli.media import Resampler, probe
from umtcli.pipeline import convert
from umtcli.pipeline.mix import MixDecoder

LOW, HIGH = ToyDecoder(110.0), ToyDecoder(880.0)


def latents(num_frames: int = 150) -> Tensor:
    return torch.rand(2, num_frames, generator=torch.Generator().manual_seed(0))


def play(streams: Streams, latent_CF: Tensor, key: int = 0, step: int = 1_000) -> Tensor:
    stream_id = streams.open(key)
    blocks = [streams.push({stream_id: block})[stream_id] for block in latent_CF.split(step, 1)]
    return torch.cat([*blocks, streams.finish([stream_id])[stream_id]])


def test_a_mix_is_the_weighted_sum_of_its_parts() -> None:
    mix = MixDecoder([(LOW, 0.7), (HIGH, 0.3)])
    # each part has a key of its own, the first one the file's
    low_T, high_T = (play(d.streams(5), latents(), key) for key, d in enumerate((LOW, HIGH)))
    torch.testing.assert_close(play(mix.streams(5), latents()), 0.7 * low_T + 0.3 * high_T)


def test_the_noises_of_the_parts_are_not_correlated() -> None:
    rough = latents() * torch.tensor([[0.0], [1.0]])  # nothing but the toy's noise
    alone = play(LOW.streams(), rough)
    mix = MixDecoder([(LOW, 0.5), (HIGH, 0.5)])
    together = play(mix.streams(), rough)
    # half of each: 3 dB below one of them, where equal noises would be as loud as one
    ratio = together.square().mean() / alone.square().mean()
    assert ratio == pytest.approx(0.5, rel=0.05)


def test_other_streams_have_other_noises() -> None:
    mix = MixDecoder([(LOW, 0.5), (HIGH, 0.5)])
    first, second = (play(mix.streams(), latents(), key) for key in (0, 1))
    assert not torch.equal(first, second)
    assert torch.equal(first, play(mix.streams(), latents(), 0))


class SlowDecoder(ToyDecoder):
    """Plays the toy's music at half the toy's rate, and says so."""

    def streams(self, seed: int = 0) -> HalvedStreams:
        return HalvedStreams(super().streams(seed))


class HalvedStreams:
    def __init__(self, streams: Streams) -> None:
        self.streams = streams

    def open(self, key: int = 0) -> int:
        return self.streams.open(key)

    def push(self, blocks: dict[int, Tensor]) -> dict[int, Tensor]:
        return {i: wav_T[::2] for i, wav_T in self.streams.push(blocks).items()}

    def finish(self, ids: list[int]) -> dict[int, Tensor]:
        return {i: wav_T[::2] for i, wav_T in self.streams.finish(ids).items()}


SLOW = SlowDecoder(110.0, sample_rate=DECODER_RATE // 2)


def test_parts_of_other_rates_are_resampled_to_the_highest() -> None:
    mix = MixDecoder([(SLOW, 0.5), (HIGH, 0.5)])
    assert mix.sample_rate == DECODER_RATE
    slow_T = play(SLOW.streams(), latents())
    resampler = Resampler(SLOW.sample_rate, DECODER_RATE, 1)
    slow_T1 = np.concatenate([resampler.push(slow_T.numpy()[:, None]), resampler.finish()])
    wanted_T = 0.5 * torch.from_numpy(slow_T1[:, 0]) + 0.5 * play(HIGH.streams(), latents(), 1)
    played_T = play(mix.streams(), latents())
    assert len(played_T) == 150 * DECODER_HOP
    torch.testing.assert_close(played_T, wanted_T)


@pytest.mark.parametrize("step", [1, 7, 64])
@pytest.mark.parametrize("slow", [LOW, SLOW])
def test_pieces_equal_the_whole(slow: ToyDecoder, step: int) -> None:
    mix = MixDecoder([(slow, 0.6), (HIGH, 0.4)])
    whole_T = play(mix.streams(), latents())
    torch.testing.assert_close(
        play(mix.streams(), latents(), step=step), whole_T, rtol=0, atol=1e-5
    )


def test_nothing_in_nothing_out() -> None:
    assert len(play(MixDecoder([(SLOW, 0.5), (HIGH, 0.5)]).streams(), latents(1)[:, :0])) == 0


def test_streams_of_a_mix_are_independent() -> None:
    streams = MixDecoder([(LOW, 0.5), (HIGH, 0.5)]).streams()
    ids = [streams.open(), streams.open()]
    pushed = streams.push({ids[0]: latents(9), ids[1]: latents(150)})
    (ended,) = streams.finish([ids[0]]).values()
    assert torch.equal(torch.cat([pushed[ids[0]], ended]), play(streams, latents(9)))
    rest = streams.finish([ids[1]])[ids[1]]
    assert torch.equal(torch.cat([pushed[ids[1]], rest]), play(streams, latents(150)))


def test_a_mix_is_as_demanding_as_its_parts() -> None:
    patient = ToyDecoder(1.0, lookahead_s=2.0)
    sampling = ToyDecoder(1.0, mid_only=True)
    assert MixDecoder([(LOW, 0.5), (patient, 0.5)]).lookahead_s == 2.0
    assert not MixDecoder([(LOW, 0.5), (patient, 0.5)]).mid_only
    assert MixDecoder([(LOW, 0.5), (sampling, 0.5)]).mid_only


class MidFamily(ToyFamily):
    """One of its domains plays the mid once."""

    def load_decoder(self, bundle: Bundle, *arguments: object) -> ToyDecoder:
        decoder = super().load_decoder(bundle, *arguments)
        decoder.mid_only = bundle.info.name == "high"
        return decoder


@pytest.mark.parametrize("family", [ToyFamily, MidFamily])
def test_a_mix_is_one_output_of_both(
    tmp_path: Path, make_catalog: MakeCatalog, family: type[ToyFamily]
) -> None:
    catalog = make_catalog(family())
    path = write(tmp_path / "in.flac", noise(2.0))
    (result,) = convert(path, "low*0.75+high*0.25", catalog=catalog)
    assert result.error is None
    assert result.domain == "low*0.75+high*0.25"
    output = tmp_path / "in-low@0.75+high@0.25.flac"
    assert result.output == str(output)
    comment = probe(output).tags["comment"]
    assert "mix: 0.75 of low (toy), licence CC0-1.0; 0.25 of high (toy)" in comment
    out, rate = read(output)
    assert out.shape == (2 * DECODER_RATE, 2)
    power = np.square(np.abs(np.fft.rfft(out, axis=0))).mean(axis=1)
    band = len(out) // 16  # half a second's worth of bins around each note
    low, high = (
        power[f * len(out) // rate - band // 64 : f * len(out) // rate + band // 64].sum()
        for f in (110, 880)
    )
    assert np.sqrt(low / high) == pytest.approx(3, rel=0.05)


def test_options_reach_every_part(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(0.3))  # short enough to get no gain
    peaks = []
    for gain_db in (0.0, -6.0):
        (result,) = convert(
            path, "low+high", catalog=catalog, options={"gain_db": gain_db}, overwrite=True
        )
        assert result.error is None
        peaks.append(np.abs(read(tmp_path / "in-low+high.wav")[0]).max())
    assert 20 * np.log10(peaks[0] / peaks[1]) == pytest.approx(6, abs=0.1)


def test_a_mix_stands_beside_its_parts(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(0.5))
    convert(path, "low, low+high, high", catalog=catalog)
    made = sorted(p.name for p in tmp_path.glob("in-*"))
    assert made == ["in-high.wav", "in-low+high.wav", "in-low.wav"]
