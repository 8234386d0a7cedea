"""What a pipe promises: audio comes out while the input still runs, below the ceiling."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import numpy as np
import pytest

from piping import PatientSource, Sink
from signals import lufs, noise, read, write
from toy import DECODER_RATE
from umtcli.catalog import Catalog
from umtcli.pipeline import Request, run


def test_a_pipe_gives_audio_before_its_input_ends(tmp_path: Path, catalog: Catalog) -> None:
    wave = noise(6.0)
    data = write(tmp_path / "in.wav", wave).read_bytes()
    came_out = threading.Event()
    source, sink = PatientSource(data, came_out), Sink(came_out)
    request = Request(inputs=("-",), to=("low",), output="-")
    (result,) = run(request, catalog, stdin=source, stdout=sink)
    assert result.error is None
    assert source.in_time
    (tmp_path / "out.wav").write_bytes(sink.getvalue())
    out, rate = read(tmp_path / "out.wav")
    assert len(out) == 6 * DECODER_RATE
    assert lufs(out[rate:], rate) == pytest.approx(lufs(wave, 44_100), abs=1)


def test_a_pipe_stays_under_its_ceiling(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(3.0, level=0.9))
    sink = io.BytesIO()
    (result,) = run(Request((str(path),), ("low",), "-", bits=32), catalog, stdout=sink)
    assert result.error is None
    (tmp_path / "out.wav").write_bytes(sink.getvalue())
    assert 20 * np.log10(np.abs(read(tmp_path / "out.wav")[0]).max()) <= -0.99
