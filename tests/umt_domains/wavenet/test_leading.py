"""Told early, streams play what they would of the same latents moved forward."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from patience import patiently
from umt_domains.wavenet.cutting import Plan
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.leading import LeadingStreams
from umt_domains.wavenet.playing import WavenetDecoder
from umtcli.optional import notice, owed_s
from umtcli.pipeline.subject import feed
from umtcli.pipeline.voices import Turn, Voices, abandon, advance

HOP = 13


def decoder(network: DecoderNetwork, lead: int, *, exact: bool = True) -> WavenetDecoder:
    early = DecoderNetwork(replace(network.config, lead_frames=lead))
    early.load_state_dict(network.state_dict())
    options = {"temperature": 1.0, "top_p": 1.0, "guidance": 0.0}
    return WavenetDecoder(early, "cpu", options | {"engine": "torch", "exact": exact})


def latents(num_frames: int, seed: int = 0) -> Tensor:
    return torch.randn(5, num_frames, generator=torch.Generator().manual_seed(seed))


def moved(latents_CF: Tensor, lead: int) -> Tensor:
    """Forward by a lead, with the last frame repeated."""
    frames = [min(f + lead, latents_CF.shape[1] - 1) for f in range(latents_CF.shape[1])]
    return latents_CF[:, frames]


@pytest.mark.parametrize("pieces", [(), (1,), (0, 2, 0, 3), (8,)])
@pytest.mark.parametrize("lead", [1, 3])
def test_music_is_that_of_the_moved_latents(
    small_decoder: DecoderNetwork, lead: int, pieces: tuple[int, ...]
) -> None:
    latents_CF = latents(8)
    wanted = feed(decoder(small_decoder, 0).streams(seed=1), moved(latents_CF, lead), key=2)
    played = feed(decoder(small_decoder, lead).streams(seed=1), latents_CF, pieces, key=2)
    assert torch.equal(played, wanted)


@pytest.mark.parametrize("num_frames", [0, 1, 2, 3])
def test_music_shorter_than_the_lead_is_as_long_as_it_is(
    small_decoder: DecoderNetwork, num_frames: int
) -> None:
    played = feed(decoder(small_decoder, 3).streams(), latents(num_frames))
    assert played.shape == (num_frames * HOP,)


def test_streams_lead_each_by_itself(small_decoder: DecoderNetwork) -> None:
    streams = decoder(small_decoder, 2).streams(seed=1)
    music = {streams.open(key): latents(5, seed=key) for key in range(3)}
    parts: dict[int, list[Tensor]] = {i: [] for i in music}
    for first, stream_ids in ((0, [0, 1]), (0, [2]), (1, [0, 2]), (1, [1])):
        blocks = {i: music[i].split([1, 4], dim=1)[first] for i in stream_ids}
        for stream_id, wav in streams.push(blocks).items():
            parts[stream_id].append(wav)
    for stream_id, wav in streams.finish(music).items():
        parts[stream_id].append(wav)
    alone = decoder(small_decoder, 0)
    for key, played in enumerate(parts.values()):
        wanted = feed(alone.streams(seed=1), moved(latents(5, seed=key), 2), key=key)
        assert torch.equal(torch.cat(played), wanted)


def test_a_decoder_looks_as_far_ahead_as_it_leads(small_decoder: DecoderNetwork) -> None:
    machine = decoder(small_decoder, 2)
    assert machine.lookahead_s == pytest.approx(2 * HOP / 16_000)
    streams = machine.streams()
    stream = streams.open()
    assert streams.push({stream: latents(3)})[stream].shape == (HOP,)
    assert streams.finish([stream])[stream].shape == (2 * HOP,)


def test_long_files_are_cut_as_ever(small_decoder: DecoderNetwork) -> None:
    latents_CF = latents(2 * Plan.of(small_decoder.config).piece)
    early, plain = (decoder(small_decoder, lead, exact=False) for lead in (2, 0))
    plainly, leading = (machine.patient_streams(seed=1) for machine in (plain, early))
    wanted = patiently(plainly, moved(latents_CF, 2))
    assert torch.equal(patiently(leading, latents_CF), wanted)
    assert notice(leading) == notice(plainly)
    assert "in pieces" in notice(leading)


def test_what_nobody_wants_is_dropped(small_decoder: DecoderNetwork) -> None:
    plan = Plan.of(small_decoder.config)
    streams = decoder(small_decoder, 1, exact=False).patient_streams()
    voices = Voices(1)
    advance(streams, [Turn(voices, [latents(2 * plan.piece)])])
    (stream_id,) = voices.ids
    assert owed_s(streams, [stream_id]) > 0
    abandon(streams, [voices])
    assert owed_s(streams, [stream_id]) == 0
    assert isinstance(streams, LeadingStreams)
    assert not streams._leads
