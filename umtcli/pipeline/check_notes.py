"""What the conformance kit asks of a family that tells notes; see `umtcli.optional`.

T samples, F latent frames, N events.
"""

from __future__ import annotations

import torch
from torch import Tensor

from umtcli.optional import note_streams
from umtcli.pipeline.subject import Subject, feed

PIECES = (1, 0, 7, 1, 1, 40)
"""Lengths in frames; what remains comes at once."""


def notes_are_whole(subject: Subject) -> str | None:
    """Events come in order, however they are cut; notes end; silence has none."""
    start = note_streams(subject.family)
    if start is None:
        return None
    space = subject.encoder.space
    silent_T = torch.zeros(subject.encoder.sample_rate)
    if feed(start(space), feed(subject.encoder.streams(), silent_T)).numel():
        return "silence has notes"
    events = feed(start(space), subject.latents)
    if events.dim() != 2 or len(events) != 3:
        return f"events come as {tuple(events.shape)}, not (3, N)"
    if not torch.equal(feed(start(space), subject.latents, PIECES), events):
        return "other notes are told when the latents come in pieces"
    if (events[0].diff() < 0).any():
        return "events are not in order of time"
    return _unlikely(events)


def _unlikely(events: Tensor) -> str | None:
    """What is no MIDI note, or no note that begins and then ends."""
    sounding: set[float] = set()
    for time_s, pitch, velocity in events.T.tolist():
        told = f"pitch {pitch:g} with velocity {velocity:g} at {time_s:g} s"
        if time_s < 0 or pitch not in range(128) or velocity not in range(128):
            return f"{told} is no note"
        if (pitch in sounding) == (velocity > 0):
            return f"{told} {'sounds' if velocity else 'is silent'} already"
        sounding ^= {pitch}
    return f"pitch {min(sounding):g} never ends" if sounding else None
