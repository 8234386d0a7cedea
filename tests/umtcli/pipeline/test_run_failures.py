"""Failures stay apart: each fails its own outputs, says why, and leaves nothing half done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from conversions import MakeCatalog
from signals import noise, read, write
from toy import ToyDecoder, ToyFamily, ToyStreams
from umtcli.bundle import Bundle
from umtcli.catalog import Catalog
from umtcli.domain import Value
from umtcli.errors import DecodeError, EncodeError, OutputExists, PluginError, UmtError
from umtcli.pipeline import convert


def test_a_broken_input_does_not_stop_the_rest(tmp_path: Path, catalog: Catalog) -> None:
    good = [write(tmp_path / f"{i}.wav", noise(0.5)) for i in range(2)]
    (tmp_path / "broken.wav").write_text("this is no music")
    missing = tmp_path / "missing.wav"
    inputs = [good[0], tmp_path / "broken.wav", missing, good[1]]
    results = convert(inputs, "low", tmp_path / "out", catalog=catalog)
    assert [type(result.error) for result in results] == [
        type(None), DecodeError, DecodeError, type(None)
    ]  # fmt: skip
    assert sorted(p.name for p in (tmp_path / "out").glob("[!.]*")) == ["0-low.wav", "1-low.wav"]


class FailingStreams(ToyStreams):
    empty = torch.zeros(2, 0)

    def __init__(self, error: BaseException | None) -> None:
        super().__init__()
        self.error = error

    def advance(self, stream: object, *, last: bool) -> Tensor:
        if self.error is not None:
            raise self.error
        return torch.full((1_000,), torch.nan)


@dataclass
class FailingDecoder(ToyDecoder):
    error: BaseException | None = None

    def streams(self, seed: int = 0) -> ToyStreams:
        return FailingStreams(self.error)


@dataclass
class FailingFamily(ToyFamily):
    """Its domain `high` breaks; `low` is well."""

    error: BaseException | None
    at_load: bool = False

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        if bundle.info.name != "high":
            return super().load_decoder(bundle, device, options)
        if self.at_load and self.error is not None:
            raise self.error
        return FailingDecoder(880.0, error=self.error)


@pytest.mark.parametrize("at_load", [True, False])
def test_a_failing_domain_does_not_stop_the_others(
    tmp_path: Path, make_catalog: MakeCatalog, at_load: bool
) -> None:
    catalog = make_catalog(FailingFamily(RuntimeError("shapes do not match"), at_load))
    path = write(tmp_path / "in.wav", noise(0.5))
    high, low = convert(path, "high,low", tmp_path / "out", catalog=catalog)
    assert isinstance(high.error, PluginError)
    assert "high failed: RuntimeError: shapes do not match" in str(high.error)
    assert low.error is None
    assert [p.name for p in (tmp_path / "out").glob("[!.]*")] == ["in-low.wav"]


def test_a_domain_that_plays_no_numbers_fails(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    path = write(tmp_path / "in.wav", noise(0.5))
    (result,) = convert(path, "high", catalog=make_catalog(FailingFamily(None)))
    assert isinstance(result.error, PluginError)
    assert "not a number" in str(result.error)


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    catalog = make_catalog(FailingFamily(KeyboardInterrupt()))
    path = write(tmp_path / "in.wav", noise(0.5))
    with pytest.raises(KeyboardInterrupt):
        convert(path, "low,high", tmp_path / "out", catalog=catalog)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_exists_is_refused_and_the_rest_done(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(0.5))
    (tmp_path / "in-low.wav").write_text("precious")
    low, high = convert(path, "low,high", catalog=catalog)
    assert isinstance(low.error, OutputExists)
    assert high.error is None
    assert (tmp_path / "in-low.wav").read_text() == "precious"
    (again,) = convert(path, "low", catalog=catalog, overwrite=True)
    assert again.error is None
    assert len(read(tmp_path / "in-low.wav")[0]) == 8_000


def test_a_folder_that_cannot_be_written_fails_its_output(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(0.5))
    (tmp_path / "file").write_text("no folder")
    (result,) = convert(path, "low", tmp_path / "file" / "out.wav", catalog=catalog)
    assert isinstance(result.error, EncodeError)
    assert str(tmp_path / "file") in str(result.error)


def test_errors_are_of_the_public_kind(tmp_path: Path, catalog: Catalog) -> None:
    (result,) = convert(tmp_path / "missing.wav", "low", catalog=catalog)
    assert isinstance(result.error, UmtError)
    assert "missing.wav" in str(result.error)
    assert result.real_time_factor is None
