"""Streams that are cut: the same wherever and however, and nobody hears it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from umt_domains.wavenet.config import DecoderConfig
from umt_domains.wavenet.cutting import Plan
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.joining import Joint, Wave
from umt_domains.wavenet.patient import CutStreams
from umt_domains.wavenet.playing import WavenetDecoder
from umtcli.pipeline.subject import feed

RATE = 16_000
CONFIG = DecoderConfig(blocks=2, layers=6, latent_channels=2, hop_samples=160)
PLAN = Plan.of(CONFIG)
REACH = CONFIG.receptive_field_samples
UNWARMED = 100.0
HELD_HZ = 233.1


@dataclass
class Row:
    first_sample: int
    phase: float
    num_played: int = 0


class Singers:
    """Rows that hold a note of a latent's pitch and level, each in a phase of its own.

    What is sung before a receptive field is over is far too loud.
    """

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.opened: list[tuple[int, int]] = []
        self.pushes: list[int] = []

    def open(self, key: int = 0, first_sample: int = 0) -> int:
        self.opened.append((key, first_sample))
        phase = random.Random(f"{key} {first_sample}").uniform(0, 2 * np.pi)
        self.rows[len(self.opened)] = Row(first_sample, phase)
        return len(self.opened)

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        self.pushes.append(len(blocks))
        return {i: self._sing(self.rows[i], latent_CF) for i, latent_CF in blocks.items()}

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        return {i: torch.zeros(0) for i in ids if self.rows.pop(i)}

    def _sing(self, row: Row, latent_CF: Tensor) -> Tensor:
        if not latent_CF.numel():
            return torch.zeros(0)
        pitch_T, level_T = latent_CF.double().repeat_interleave(CONFIG.hop_samples, dim=1)
        phase_T = row.phase + torch.cumsum(2 * torch.pi * pitch_T / RATE, 0)
        played_T = row.num_played + torch.arange(len(pitch_T))
        breath_T = (12.9898 * (row.first_sample + played_T)).sin() * 43758.5453 % 1 - 0.5
        wav_T = level_T * (phase_T.sin() + 0.3 * (2 * phase_T).sin() + 0.01 * breath_T)
        row.phase = float(phase_T[-1])
        row.num_played += len(pitch_T)
        if row.first_sample:  # else there is nothing before
            wav_T[played_T < REACH] = UNWARMED
        return wav_T.float()


def held(num_frames: int) -> Tensor:
    """Latents of one long note."""
    return torch.tensor([[HELD_HZ], [0.4]]).repeat(1, num_frames)


def melody(num_frames: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    pitch_F = 200 + 300 * torch.rand(num_frames // 20 + 1, generator=generator)
    level_F = 0.1 + 0.4 * torch.rand(num_frames // 20 + 1, generator=generator)
    return torch.stack([pitch_F, level_F]).repeat_interleave(20, dim=1)[:, :num_frames]


def play(streams: CutStreams, latent_CF: Tensor, block: int = 10_000, key: int = 0) -> Tensor:
    """One stream from its beginning to its end."""
    stream = streams.open(key)
    ready = [streams.push({stream: part})[stream] for part in latent_CF.split(block, dim=1)]
    return torch.cat([*ready, rest_of(streams, stream)])


def rest_of(streams: CutStreams, stream: int) -> Tensor:
    ready = [streams.finish([stream])[stream]]
    while streams.owed_s(stream):
        ready.append(streams.finish([stream])[stream])
    return torch.cat(ready)


def cut(num_rows: int = 4) -> CutStreams:
    return CutStreams(Singers(), PLAN, num_rows)


def test_the_published_decoders_are_cut_after_seconds() -> None:
    """0.26 s and 4.1 s of receptive field, in frames of 50 ms; an eighth is played twice."""
    small, large = Plan.of(DecoderConfig()), Plan.of(DecoderConfig(layers=14))
    assert (small.warm, small.tail, small.piece_s) == (6, 2, 3.2)
    assert (large.warm, large.tail, large.piece_s) == (83, 2, 34.0)


@pytest.mark.parametrize("num_frames", [0, 1, PLAN.piece - 1, PLAN.piece + PLAN.least - 1])
def test_what_is_short_is_not_cut(num_frames: int) -> None:
    streams, latent_CF = cut(), melody(num_frames)
    played = play(streams, latent_CF, key=3)
    assert torch.equal(played, feed(Singers(), latent_CF, (1,) * num_frames, key=3))
    assert streams.notice == ""


def test_one_frame_more_is_cut_and_it_says_so() -> None:
    streams = cut()
    assert len(play(streams, melody(PLAN.piece + PLAN.least))) == 160 * (PLAN.piece + PLAN.least)
    assert "pieces of 1.0 s" in streams.notice
    assert "--set exact=true" in streams.notice


@pytest.mark.parametrize("more", [0, 1, PLAN.least - 1, PLAN.least, PLAN.piece])
def test_all_frames_give_their_samples(more: int) -> None:
    num_frames = 3 * PLAN.piece + more
    assert len(play(cut(), melody(num_frames))) == num_frames * CONFIG.hop_samples


def test_pieces_are_the_same_in_any_rows_and_however_they_are_pushed() -> None:
    latent_CF = melody(5 * PLAN.piece + 7)
    whole = play(cut(num_rows=1), latent_CF)
    for num_rows, block in ((1, 1), (3, 17), (4, 1000), (100, 1), (100, 10_000)):
        assert torch.equal(play(cut(num_rows), latent_CF, block), whole)


def test_neighbours_never_matter() -> None:
    music = {key: melody((2 + key) * PLAN.piece, seed=key) for key in range(4)}
    streams, played = cut(num_rows=3), {key: [] for key in music}
    ids = {streams.open(key): key for key in music}
    for start in range(0, 6 * PLAN.piece, 30):
        blocks = {i: music[key][:, start : start + 30 + key] for i, key in ids.items()}
        for i, key in ids.items():
            blocks[i] = music[key][:, start : start + 30]
        for i, wav_T in streams.push(blocks).items():
            played[ids[i]].append(wav_T)
    for i, key in ids.items():
        played[key].append(rest_of(streams, i))
        assert torch.equal(torch.cat(played[key]), play(cut(), music[key], key=key))


def test_a_piece_has_warmed_up_before_it_is_heard() -> None:
    assert play(cut(), held(6 * PLAN.piece)).abs().max() < 1
    assert play(cut(), melody(6 * PLAN.piece)).abs().max() < 1


def test_rows_begin_at_their_absolute_samples_with_the_streams_key() -> None:
    rows = Singers()
    play(CutStreams(rows, PLAN, 4), melody(3 * PLAN.piece), key=7)
    starts = [0, *(160 * (number * PLAN.piece - PLAN.warm) for number in (1, 2))]
    assert rows.opened == [(7, start) for start in starts]
    assert not rows.rows


def test_one_stream_fills_all_rows() -> None:
    rows = Singers()
    streams = CutStreams(rows, PLAN, 8)
    stream = streams.open()
    for _ in range(20 * PLAN.piece):
        streams.push({stream: held(1)})
    assert rows.pushes
    assert set(rows.pushes) == {8}
    # nothing waits for ever: two rounds of pieces at most
    assert streams.owed_s(stream) <= (8 + 2) * PLAN.piece_s
    rest_of(streams, stream)
    assert not rows.rows
    twice = sum(rows.pushes) / (20 * PLAN.piece) - 1
    assert twice < 1 / 8


def test_what_is_owed_is_played_by_and_by() -> None:
    streams = cut(num_rows=2)
    stream = streams.open()
    streams.push({stream: held(10)})
    assert streams.owed_s(stream) == 10 * 160 / RATE
    streams.finish([stream])
    assert streams.owed_s(stream) == 9 * 160 / RATE
    assert len(rest_of(streams, stream)) == 10 * 160
    assert streams.owed_s(stream) == 0


def test_what_nobody_wants_is_not_played_on() -> None:
    rows = Singers()
    streams = CutStreams(rows, PLAN, 2)
    mine, other = streams.open(1), streams.open(2)
    streams.push({mine: held(4 * PLAN.piece), other: held(4 * PLAN.piece)})
    streams.push({mine: held(1), other: held(1)})
    assert rows.rows
    streams.drop([other])
    rest_of(streams, mine)
    assert not rows.rows
    assert [key for key, _ in rows.opened] == [1, 1, 1, 1]


# ---- what is heard


def flux(wav_T: Tensor) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How much louder spectra get from frame to frame of 32 ms, and where the frames begin."""
    frames_KN = wav_T.unfold(0, 512, 128) * torch.hann_window(512)
    rise_KN = torch.fft.rfft(frames_KN).abs().diff(dim=0).clamp(min=0)
    starts_K = 128 * np.arange(len(rise_KN))
    return rise_KN.sum(dim=1).numpy(), starts_K


def at_seams(starts_K: NDArray[np.int64], plan: Plan) -> NDArray[np.bool_]:
    """Which frames of `flux` have to do with a seam."""
    piece = plan.piece * plan.hop_samples
    since_K = (starts_K + 640) % piece
    return (starts_K + 640 > piece) & (since_K < plan.joint.width + 640)


def excess(wav_T: Tensor, plan: Plan) -> float:
    """The flux at seams against that between them: the ratio of their largest."""
    flux_K, starts_K = flux(wav_T)
    seams_K = at_seams(starts_K, plan)
    assert seams_K.any()
    return float(flux_K[seams_K].max() / flux_K[~seams_K][20:].max())


def abutted(self: Joint, old_T: Wave, new_T: Wave) -> tuple[Wave, int]:
    """What `Joint.join` must be better than."""
    half = self.width // 2
    new_T = new_T[self.lag :]
    return np.concatenate([old_T[:half], new_T[half : self.width]]), 0


def periods(wav_T: Tensor) -> NDArray[np.float64]:
    """Samples from one rise through zero to the next."""
    x = wav_T.double().numpy()
    before = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
    crossings = before - x[before] / (x[before + 1] - x[before])
    return np.diff(crossings)


def test_a_held_note_goes_on_over_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    played = play(cut(), held(6 * PLAN.piece))
    # a lag of whole samples misses a phase by half of one
    assert np.abs(periods(played) - RATE / HELD_HZ).max() < 1
    level_K = played.unfold(0, 686, 343).square().mean(dim=1).sqrt()
    assert level_K.max() / level_K.min() < 10 ** (0.2 / 20)
    smooth = excess(played, PLAN)
    monkeypatch.setattr(Joint, "join", abutted)
    assert excess(play(cut(), held(6 * PLAN.piece)), PLAN) > 10 * smooth


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_a_network_that_holds_a_tone_is_not_heard_to_be_cut(
    tone_decoder: DecoderNetwork, monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    options = {
        "temperature": temperature,
        "top_p": 1.0,
        "guidance": 1.0,
        "engine": "auto",
        "exact": False,
    }
    decoder = WavenetDecoder(tone_decoder, "cpu", options)
    plan = Plan.of(tone_decoder.config)

    def played() -> Tensor:
        streams = decoder.patient_streams(seed=1)
        assert isinstance(streams, CutStreams)
        return play(streams, torch.zeros(3, 5 * plan.piece))

    joined, exact = played(), feed(decoder.streams(seed=1), torch.zeros(3, 5 * plan.piece))
    assert excess(joined, plan) <= 1
    settled = slice(10, None)  # both begin with silence
    shortest, longest = periods(exact)[settled].min(), periods(exact)[settled].max()
    assert shortest - 1 < periods(joined)[settled].min()
    assert periods(joined)[settled].max() < longest + 1
    level_K = joined[800:].unfold(0, 746, 373).square().mean(dim=1).sqrt()
    assert level_K.max() / level_K.min() < 10 ** (0.3 / 20)
    monkeypatch.setattr(Joint, "join", abutted)
    assert excess(played(), plan) > 3
