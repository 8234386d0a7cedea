"""`umt bench` measures whatever is installed."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from umt_domains.wavenet import WavenetFamily
from umt_domains.wavenet.learning import WavenetLearning
from umtcli.catalog import Catalog
from umtcli.cli import main

bench = importlib.import_module("umtcli.cli.bench")  # the package has the command by this name
KEYS = {"family", "part", "engine", "precision", "streams", "real_time_factor"}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "AT_LEAST_S", 0.001)


def test_each_family_hears_and_plays(
    toy_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--json", "--device", "cpu"]) == 0
    speeds = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(set(speed) == KEYS and speed["real_time_factor"] > 0 for speed in speeds)
    told = [(speed["family"], speed["part"], speed["streams"]) for speed in speeds]
    assert told == [("toy", "hear", 1), ("toy", "play", 1), ("toy", "play", 16)]


def test_the_table_has_a_row_for_each(
    toy_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--device", "cpu"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["family", "part", "engine"]
    assert [row.split()[:3] for row in rows] == [
        ["toy", "hear", "torch"],
        ["toy", "play", "torch"],
        ["toy", "play", "torch"],
    ]


def test_an_unknown_device_is_refused(
    toy_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--device", "tpu"]) == 2
    assert "--device takes auto, cpu or cuda:N, not 'tpu'" in capsys.readouterr().err


def test_a_family_without_domains_is_measured_untrained_with_all_its_engines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build_encoder, build_decoder = WavenetLearning.new_encoder, WavenetLearning.new_decoder
    small = {"blocks": 1, "layers": 2}
    monkeypatch.setattr(
        WavenetLearning,
        "new_encoder",
        lambda self, config: build_encoder(self, {**small, "channels": 8, **config}),
    )
    monkeypatch.setattr(
        WavenetLearning,
        "new_decoder",
        lambda self, config: build_decoder(
            self, {**small, "residual_channels": 8, "skip_channels": 8, **config}
        ),
    )
    family = WavenetFamily()
    catalog = Catalog(families={"wavenet": family}, encoders={}, domains=(), plugins=())
    hearing, *playing = bench._measure(catalog, family, "cpu")
    assert (hearing.part, hearing.engine) == ("hear", "torch")
    assert [(speed.engine, speed.streams) for speed in playing] == [
        (engine, streams) for engine in family.engines() for streams in (1, 16)
    ]
