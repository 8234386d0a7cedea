"""Decoders of two families on one latent space play together: a mix, and a blend by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from signals import Wave, lufs, read, write
from umt_domains import plugin
from umt_domains.wavenet.config import SAMPLE_RATE, DecoderConfig, to_mapping
from umt_domains.wavenet.decoder import DecoderNetwork
from umtcli.bundle import write_bundle
from umtcli.catalog import Catalog
from umtcli.pipeline import blend, convert
from umtcli.plugins import make_plugin_manager

pytestmark = pytest.mark.usefixtures("one_thread")

RATE = 44_100
MIX = "tiny*0.3+piano*0.7"  # the first has the same chance as alone


@pytest.fixture
def both(tmp_path: Path, catalog: Catalog) -> Catalog:
    """The bundled domains, and a wavenet of random weights that plays what piano plays."""
    piano = catalog.domain("piano")
    config = DecoderConfig(
        blocks=1,
        layers=3,
        residual_channels=8,
        skip_channels=8,
        latent_channels=piano.space.channels,
        hop_samples=round(SAMPLE_RATE / piano.space.frame_rate),
    )
    torch.manual_seed(1)
    write_bundle(
        tmp_path / "home" / "domains" / "tiny.safetensors",
        kind="decoder",
        family="wavenet",
        name="tiny",
        config=to_mapping(config),
        space=piano.space,
        sample_rate=SAMPLE_RATE,
        provenance={"licence": "CC0-1.0", "description": "chance", "data": "none", "recipe": "-"},
        tensors=DecoderNetwork(config).state_dict(),
    )
    manager = make_plugin_manager(home=tmp_path / "home")
    manager.add(plugin, "domains")
    return Catalog.from_manager(manager)


def chord(duration_s: float, sides: tuple[float, float] = (1.0, 0.5)) -> Wave:
    """A and the E above, with overtones, dying away as a struck string does."""
    time_s = np.arange(round(duration_s * RATE)) / RATE
    tones = [np.sin(2 * np.pi * hz * k * time_s) / k for hz in (220, 330) for k in (1, 2, 3)]
    mono = 0.05 * np.exp(-time_s) * np.sum(tones, axis=0)
    return (mono[:, None] * sides).astype(np.float32)


def test_a_mix_is_as_long_and_as_loud_as_its_input(tmp_path: Path, both: Catalog) -> None:
    wave = chord(1.5)[:-321]
    song, output = write(tmp_path / "song.wav", wave, RATE), tmp_path / "out.wav"
    (result,) = convert(song, MIX, output, bits=32, device="cpu", catalog=both)
    assert result.error is None
    played, rate = read(output)
    # the higher of the two rates: harmonic's, which wavenet's part is resampled to
    assert (rate, played.shape) == (RATE, wave.shape)
    assert lufs(played, rate) == pytest.approx(lufs(wave, RATE), abs=1)


def test_both_families_are_heard_in_a_mix(tmp_path: Path, both: Catalog) -> None:
    song = write(tmp_path / "song.wav", chord(1.0, (1.0, 1.0)), RATE)
    results = convert(song, ["piano", "tiny", MIX], bits=32, rate=RATE, device="cpu", catalog=both)
    assert [result.error for result in results] == [None] * 3
    piano, tiny, mix = (read(Path(result.output))[0][:, 0] for result in results)
    # each output has a gain of its own; take the wavenet's part away, and the piano is left
    gains, *_ = np.linalg.lstsq(np.stack([tiny, piano], axis=1), mix, rcond=None)
    assert gains.min() > 0
    rest = mix - gains[0] * tiny
    assert np.corrcoef(tiny, mix)[0, 1] > 0.1
    assert np.corrcoef(rest, piano)[0, 1] > 0.9


def test_a_blend_by_both_is_in_step_and_as_loud(tmp_path: Path, both: Catalog) -> None:
    first, second = chord(1.0), chord(1.2)[::-1].copy()
    songs = [write(tmp_path / f"{n}.wav", w, RATE) for n, w in (("a", first), ("b", second))]
    output = tmp_path / "out.wav"
    result = blend(
        *songs, MIX, output, at_s=0.5, crossfade_s=0.2, bits=32, device="cpu", catalog=both
    )
    assert result.error is None
    played, rate = read(output)
    assert (rate, played.shape) == (RATE, (round(1.7 * RATE), 2))  # --at and all of the second
    fade = np.linspace(0, 1, round(0.2 * RATE), endpoint=False, dtype=np.float32)[:, None]
    start = round(0.5 * RATE)
    stop = start + len(fade)
    middle = (1 - fade) * first[start:stop] + fade * second[: len(fade)]
    heard = np.concatenate([first[:start], middle, second[len(fade) :]])
    assert lufs(played, rate) == pytest.approx(lufs(heard, RATE), abs=1)
