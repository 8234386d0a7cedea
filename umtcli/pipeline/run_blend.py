"""Running a blend: two inputs, one output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from umtcli.catalog import Catalog
from umtcli.media import AudioReader, LoudnessMeter, open_audio
from umtcli.optional import notice
from umtcli.pipeline.blending import Joint, Moment, blend
from umtcli.pipeline.book import Book
from umtcli.pipeline.device import num_threads, resolve_device, torch_threads
from umtcli.pipeline.events import (
    JobAdvanced,
    JobFinished,
    JobStarted,
    Listener,
    Noticed,
    RunPlanned,
    ignore,
)
from umtcli.pipeline.holdings import Holdings
from umtcli.pipeline.jobs import BlendRequest, Job
from umtcli.pipeline.lane import Step, play
from umtcli.pipeline.ledger import Ledger
from umtcli.pipeline.machines import Machines, blame
from umtcli.pipeline.opening import open_part
from umtcli.pipeline.planning import plan_blend
from umtcli.pipeline.result import Result
from umtcli.pipeline.runner import FILE_BLOCK_S, PIPE_BLOCK_S
from umtcli.pipeline.sinks import SinkSettings, deliver
from umtcli.pipeline.stage import Part, Stages


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
        target = sys.stdout.buffer if stdout is None else stdout
        blender = _Blender(request, job, Machines(catalog, device), listener, target)
        return blender.run()


class _Blender:
    """One blend on its way."""

    def __init__(
        self,
        request: BlendRequest,
        job: Job,
        machines: Machines,
        listener: Listener,
        stdout: BinaryIO,
    ) -> None:
        self._request, self._job = request, job
        (self._output,) = job.outputs
        self._machines, self._listener, self._stdout = machines, listener, stdout
        self._ledger = Ledger(request.request, at_s=request.at_s, crossfade_s=request.crossfade_s)
        self._book = Book(job, listener)

    def run(self) -> Result:
        """Blend, unless it is done already; whatever becomes of it is the result."""
        try:
            self._ledger.begin(self._job)
            if not self._is_settled():
                self._blend()
        except Exception as e:
            self._book.fail_the_rest(blame(e, f"Blending {self._job}"))
        self._listener(JobFinished(self._job))
        (result,) = self._book.results()
        return result

    def _is_settled(self) -> bool:
        known = self._output.refused or self._ledger.look_up(self._job, self._output)
        if known is not None:
            self._book.enter(self._output, known)
        return known is not None

    def _blend(self) -> None:
        request, job, output = self._request, self._job, self._output
        block_s = PIPE_BLOCK_S if output.path is None else FILE_BLOCK_S
        with closing(Holdings()) as cleanup:
            first, second = (_open(path, block_s, cleanup) for path in job.files)
            self._listener(JobStarted(job, _duration_s(request, second)))
            # counted at the higher rate: the reference loses nothing that a piece has
            sample_rate = max(first.sample_rate, second.sample_rate)
            num_channels = max(first.num_channels, second.num_channels)
            meter = LoudnessMeter(sample_rate, num_channels)
            tags = {key: text for key, text in first.tags.items() if second.tags.get(key) == text}
            settings = SinkSettings(
                request.request,
                sample_rate,
                num_channels,
                tags,
                meter,
                self._stdout,
                partial(self._ledger.enter, job),
            )
            encoder, part = open_part(self._machines, Stages(), output, settings, cleanup)
            joint = Joint(
                encoder,
                sample_rate,
                num_channels,
                part.plays_mid,
                request.at_s,
                request.crossfade_s,
            )
            with torch.inference_mode():
                self._play(part, blend(joint, first, second), meter, sample_rate)
            warnings = [reader.warning for reader in (first, second) if reader.warning]
            self._book.enter(output, deliver(output, part.sink), " ".join(warnings) or None)

    def _play(
        self, part: Part, moments: Iterator[Moment], meter: LoudnessMeter, sample_rate: int
    ) -> None:
        num_heard = 0
        for moment in moments:
            meter.push(np.ascontiguousarray(moment.reference_CT.numpy().T))
            num_heard += moment.reference_CT.shape[1]
            _step(part, Step(part.lane, moment.heard, num_heard))
            last = moment
            self._listener(JobAdvanced(self._job, num_heard / sample_rate))
        _, nothing_more = last.heard.cut(last.heard.num_frames)
        _step(part, Step(part.lane, nothing_more, num_heard, last=True))
        if message := notice(part.stage.streams):
            self._listener(Noticed(message))


def _step(part: Part, step: Step | None) -> None:
    while step is not None:
        (error,) = play(part.stage.streams, [step])
        if error is not None:
            raise error
        step = step.owed


def _open(path: Path, block_s: float, cleanup: Holdings) -> AudioReader:
    reader = open_audio(path, block_s=block_s)
    cleanup.callback(reader.close)
    return reader


def _duration_s(request: BlendRequest, second: AudioReader) -> float | None:
    return None if second.duration_s is None else request.at_s + second.duration_s
