"""Opening one output: its networks, its lane and where it goes."""

from __future__ import annotations

from umtcli.domain import Encoder
from umtcli.pipeline.holdings import Holdings
from umtcli.pipeline.jobs import Output
from umtcli.pipeline.lane import Lane, plays_mid
from umtcli.pipeline.machines import Machines
from umtcli.pipeline.notes import NoteLane
from umtcli.pipeline.players import Player
from umtcli.pipeline.sinks import SinkSettings, open_sink
from umtcli.pipeline.stage import Part, Stage, Stages


def open_part(
    machines: Machines, stages: Stages, output: Output, settings: SinkSettings, cleanup: Holdings
) -> tuple[Encoder, Part]:
    """Load what plays an output and open where it goes.

    Args:
        machines: the networks of the run.
        stages: where they work.
        output: what is made.
        settings: of its input.
        cleanup: whatever is incomplete when it closes disappears.

    Returns:
        what hears for it, and the part.

    Raises:
        UmtError: a network cannot be loaded, or nothing can be written there.
    """
    if not isinstance(output.player, Player):
        return _open_notes(machines, output, settings, cleanup)
    decoder = machines.player(output.player, output.options)
    encoder = machines.encoder(output.player.lead)
    rate_out = settings.request.rate or decoder.sample_rate
    sink = open_sink(output, rate_out, settings, cleanup)
    lane = Lane(
        decoder,
        sink,
        num_channels=settings.num_channels,
        rate_in=settings.sample_rate,
        rate_heard=encoder.sample_rate,
        rate_out=rate_out,
    )
    patient = output.path is not None  # a pipe wants its audio soon
    frame_rate = encoder.space.frame_rate
    stage = stages.decoder(decoder, settings.request.seed, frame_rate, patient=patient)
    mid = plays_mid(decoder, settings.num_channels)
    return encoder, Part(output, lane, sink, stage, plays_mid=mid)


def _open_notes(
    machines: Machines, output: Output, settings: SinkSettings, cleanup: Holdings
) -> tuple[Encoder, Part]:
    encoder = machines.encoder(output.player.lead)
    stage = Stage(machines.note_streams(output.player.lead), shared=False)
    lane = NoteLane(output, settings, cleanup)
    return encoder, Part(output, lane, lane, stage, plays_mid=settings.num_channels > 1)
