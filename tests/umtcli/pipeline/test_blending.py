"""A blend's latents are those of its two pieces, and a straight line between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from signals import Wave, noise, write
from toy import ENCODER_HOP, ENCODER_RATE, FRAME_RATE, ToyEncoder
from umtcli.domain import LatentSpace
from umtcli.errors import UsageError
from umtcli.media import open_audio
from umtcli.pipeline.blending import Joint, Moment, blend
from umtcli.pipeline.ear import Ear
from umtcli.pipeline.ear import hear as hear_step

ENCODER = ToyEncoder(LatentSpace("toy/1", 2, FRAME_RATE, "f00d"), torch.ones(2))
A, B = noise(3.0, ENCODER_RATE), 0.3 * noise(4.0, ENCODER_RATE)[::-1]


def joint(**changes: object) -> Joint:
    settings = {
        "encoder": ENCODER,
        "sample_rate": ENCODER_RATE,
        "num_channels": 2,
        "plays_mid": False,
        "at_s": 1.0,
        "crossfade_s": 0.5,
        **changes,
    }
    return Joint(**settings)


def hear(
    folder: Path, pieces: Sequence[Wave], how: Joint, rates: Sequence[int], block_s: float
) -> Iterator[Moment]:
    paths = [
        write(folder / f"{number}.wav", wave, rate)
        for number, (wave, rate) in enumerate(zip(pieces, rates, strict=True))
    ]
    with (
        open_audio(paths[0], block_s=block_s) as first,
        open_audio(paths[1], block_s=block_s) as second,
    ):
        yield from blend(how, first, second)


def blended(
    folder: Path,
    pieces: Sequence[Wave],
    how: Joint | None = None,
    rates: Sequence[int] = (ENCODER_RATE, ENCODER_RATE),
    block_s: float = 0.3,
) -> tuple[list[Tensor], Tensor, Tensor]:
    """Latents by voice, the waveform, and the reference."""
    how = how or joint()
    moments = list(hear(folder, pieces, how, rates, block_s))
    voices = [m.heard.mid if how.plays_mid else m.heard.sides for m in moments]
    return (
        [torch.cat(blocks, dim=1) for blocks in zip(*voices, strict=True)],
        torch.cat([m.heard.wav_CT for m in moments], dim=1),
        torch.cat([m.reference_CT for m in moments], dim=1),
    )


def alone(wave: Wave, channels: int = 2) -> list[Tensor]:
    """What a conversion hears in one piece."""
    ear = Ear(ENCODER, ENCODER_RATE, channels, sides=True, mid=False)
    streams = ENCODER.streams()
    pieces = [heard.sides for block in (wave, None) for heard in hear_step(streams, [(ear, block)])]
    return [torch.cat(blocks, dim=1) for blocks in zip(*pieces, strict=True)]


@pytest.mark.parametrize("block_s", [0.07, 10.0])
def test_latents_go_from_one_piece_to_the_other(tmp_path: Path, block_s: float) -> None:
    voices, _, _ = blended(tmp_path, (A, B), block_s=block_s)
    assert len(voices) == 2
    for mixed_CF, a_CF, b_CF in zip(voices, alone(A), alone(B), strict=True):
        assert mixed_CF.shape == (2, 500)
        assert torch.equal(mixed_CF[:, :100], a_CF[:, :100])
        assert torch.equal(mixed_CF[:, 150:], b_CF[:, 50:])
        weight_F = torch.arange(50) / 50
        line_CF = (1 - weight_F) * a_CF[:, 100:150] + weight_F * b_CF[:, :50]
        torch.testing.assert_close(mixed_CF[:, 100:150], line_CF)


def test_waveforms_are_crossfaded_alike(tmp_path: Path) -> None:
    _, wav_CT, reference_CT = blended(tmp_path, (A, B))
    assert torch.equal(wav_CT, reference_CT)
    weight_T1 = np.arange(4_000)[:, None] / 4_000
    line_TC = (1 - weight_T1) * A[8_000:12_000] + weight_T1 * B[:4_000]
    wanted_TC = np.concatenate([A[:8_000], line_TC, B[4_000:]])
    np.testing.assert_allclose(reference_CT.T, wanted_TC, atol=1e-6)


def test_a_mono_piece_fills_both_channels(tmp_path: Path) -> None:
    (left_CF, right_CF), wav_CT, _ = blended(tmp_path, (A[:, :1], B))
    (mono_CF,) = alone(A[:, :1], channels=1)
    assert torch.equal(left_CF[:, :100], mono_CF[:, :100])
    assert torch.equal(right_CF[:, :100], mono_CF[:, :100])
    assert not torch.equal(left_CF[:, 150:], right_CF[:, 150:])
    assert torch.equal(wav_CT[0, :8_000], wav_CT[1, :8_000])


def test_a_decoder_of_the_mid_gets_the_mid(tmp_path: Path) -> None:
    (mid_CF,), wav_CT, _ = blended(tmp_path, (A, B), joint(plays_mid=True))
    (wanted_CF,) = alone(A.mean(axis=1, keepdims=True), channels=1)
    torch.testing.assert_close(mid_CF[:, :100], wanted_CF[:, :100])
    assert wav_CT.shape[0] == 2


def test_two_rates_meet_at_the_reference(tmp_path: Path) -> None:
    how = joint(sample_rate=16_000)
    voices, wav_CT, reference_CT = blended(tmp_path, (A, noise(2.5, 16_000)), how, (8_000, 16_000))
    assert reference_CT.shape == (2, 16_000 + 40_000)
    assert wav_CT.shape == (2, 8_000 + 20_000)
    assert [voice.shape[1] for voice in voices] == [350, 350]


@pytest.mark.parametrize("crossfade_s", [0.0, 0.004, 2.0])
@pytest.mark.parametrize("at_s", [0.0, 0.998, 1.0])
def test_any_place_will_do(tmp_path: Path, at_s: float, crossfade_s: float) -> None:
    voices, wav_CT, _ = blended(tmp_path, (A, B), joint(at_s=at_s, crossfade_s=crossfade_s))
    frames = round(at_s * 100)
    assert voices[0].shape[1] == frames + 400
    assert wav_CT.shape[1] == frames * ENCODER_HOP + len(B)


@pytest.mark.parametrize("surplus", [0, 1, 79])
def test_pieces_may_be_just_long_enough(tmp_path: Path, surplus: int) -> None:
    # one and a half seconds of A, half a second of B: and a part of a frame
    a, b = A[: 12_000 - surplus], B[: 4_000 + surplus]
    voices, wav_CT, _ = blended(tmp_path, (a, b))
    assert wav_CT.shape[1] == 8_000 + len(b)
    assert voices[0].shape[1] == 100 + (51 if surplus else 50)


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        ((11_900, 20_000), r"first piece ends after 1\.49 s, .* at 1\.5 s"),
        ((20_000, 3_900), r"second piece ends after 0\.49 s, .* of 0\.5 s"),
    ],
)
def test_a_piece_that_is_too_short_is_told(
    tmp_path: Path, lengths: tuple[int, int], said: str
) -> None:
    pieces = [wave[:length] for wave, length in zip((A, B), lengths, strict=True)]
    with pytest.raises(UsageError, match=said):
        blended(tmp_path, pieces)


def test_the_first_piece_is_read_no_further_than_it_must(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", A, ENCODER_RATE)
    other = write(tmp_path / "b.wav", B, ENCODER_RATE)
    with open_audio(path, block_s=0.1) as first, open_audio(other) as second:
        list(blend(joint(), first, second))
        assert first.num_samples == pytest.approx(1.6 * ENCODER_RATE, abs=0.1 * ENCODER_RATE)
