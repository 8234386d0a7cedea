"""Running a blend: two inputs, one output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from umtcli.catalog import Catalog
from umtcli.media import AudioReader, LoudnessMeter, open_audio
from umtcli.pipeline.blending import Joint, Moment, blend
from umtcli.pipeline.book import Book
from umtcli.pipeline.device import num_threads, resolve_device, torch_threads
from umtcli.pipeline.ear import Heard
from umtcli.pipeline.events import (
    JobAdvanced,
    JobFinished,
    JobStarted,
    Listener,
    RunPlanned,
    ignore,
)
from umtcli.pipeline.jobs import BlendRequest, Job
from umtcli.pipeline.lane import Lane
from umtcli.pipeline.machines import Machines, blame
from umtcli.pipeline.opening import open_part
from umtcli.pipeline.planning import plan_blend
from umtcli.pipeline.result import Result
from umtcli.pipeline.runner import FILE_BLOCK_S, PIPE_BLOCK_S
from umtcli.pipeline.sinks import SinkSettings, deliver


def run_blend(
    request: BlendRequest,
    catalog: Catalog,
    listener: Listener = ignore,
    *,
    stdout: BinaryIO | None = None,
) -> Result:
    """Blend two pieces.

    Args:
        request: what to do.
        catalog: what is installed.
        listener: told what happens, as it happens.
        stdout: what `-o -` writes; the process's if None.

    Raises:
        UsageError: the request makes no sense; nothing was done.
    """
    device = resolve_device(request.request.device)
    with torch_threads(num_threads()):
        job = plan_blend(request, catalog)
        listener(RunPlanned((job,)))
        book = Book(job, listener)
        (output,) = job.outputs
        try:
            if output.refused:
                book.enter(output, output.refused, None)
            else:
                target = sys.stdout.buffer if stdout is None else stdout
                _blend(request, job, Machines(catalog, device), listener, target, book)
        except Exception as e:
            book.fail_the_rest(blame(e, f"Blending {job}"))
        listener(JobFinished(job))
    (result,) = book.results()
    return result


def _blend(
    request: BlendRequest,
    job: Job,
    machines: Machines,
    listener: Listener,
    stdout: BinaryIO,
    book: Book,
) -> None:
    (output,) = job.outputs
    block_s = PIPE_BLOCK_S if output.path is None else FILE_BLOCK_S
    with ExitStack() as cleanup:
        first, second = (_open(path, block_s, cleanup) for path in job.files)
        listener(JobStarted(job, _duration_s(request, second)))
        # counted at the higher rate: the reference loses nothing that a piece has
        sample_rate = max(first.sample_rate, second.sample_rate)
        num_channels = max(first.num_channels, second.num_channels)
        meter = LoudnessMeter(sample_rate, num_channels)
        tags = {key: text for key, text in first.tags.items() if second.tags.get(key) == text}
        settings = SinkSettings(request.request, sample_rate, num_channels, tags, meter, stdout)
        part, sink = open_part(machines, output, settings, cleanup)
        joint = Joint(
            part.encoder,
            sample_rate,
            num_channels,
            part.plays_mid,
            request.at_s,
            request.crossfade_s,
        )

        def advanced(num_samples: int) -> None:
            listener(JobAdvanced(job, num_samples / sample_rate))

        with torch.inference_mode():
            _play(joint, first, second, part.lane, meter, advanced)
        warnings = [reader.warning for reader in (first, second) if reader.warning]
        book.enter(output, deliver(output, sink), " ".join(warnings) or None)


def _play(
    joint: Joint,
    first: AudioReader,
    second: AudioReader,
    lane: Lane,
    meter: LoudnessMeter,
    advanced: Callable[[int], None],
) -> None:
    num_heard = 0
    for moment in blend(joint, first, second):
        meter.push(np.ascontiguousarray(moment.reference_CT.numpy().T))
        num_heard += moment.reference_CT.shape[1]
        lane.push(moment.heard, num_heard)
        last = moment
        advanced(num_heard)
    lane.finish(_nothing_more(last), num_heard)


def _nothing_more(last: Moment) -> Heard:
    heard = last.heard
    return Heard(
        heard.wav_CT[:, :0],
        [latent_CF[:, :0] for latent_CF in heard.sides],
        [latent_CF[:, :0] for latent_CF in heard.mid],
    )


def _open(path: Path, block_s: float, cleanup: ExitStack) -> AudioReader:
    return cleanup.enter_context(open_audio(path, block_s=block_s))


def _duration_s(request: BlendRequest, second: AudioReader) -> float | None:
    return None if second.duration_s is None else request.at_s + second.duration_s
