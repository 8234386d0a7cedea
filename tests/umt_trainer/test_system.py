"""A whole system from a recipe, as a user trains one: tiny, on the CPU, to bundles that play."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch

from tiny_recipe import RATE, write_recipe
from umt_domains.wavenet import WavenetFamily
from umt_domains.wavenet.learning import WavenetLearning
from umt_trainer import __main__ as process
from umt_trainer.music import prepare_missing
from umt_trainer.recipe import read_recipe
from umt_trainer.system import checkpoint_path, new_task, train_system
from umtcli.bundle import read_bundle
from umtcli.errors import TrainingError, UsageError


def test_its_bundles_play(trained: Path) -> None:
    encoder = read_bundle(trained / "bundles/encoders/wavenet-tiny.safetensors", "encoder")
    assert encoder.info.name == "wavenet/tiny"
    family = WavenetFamily()
    for name in ("sine", "saw"):
        decoder = read_bundle(trained / f"bundles/domains/{name}.safetensors", "decoder")
        assert decoder.info.space == encoder.info.space
        options = {option.name: option.default for option in family.options}
        streams = family.load_decoder(decoder, "cpu", options).streams()
        stream = streams.open()
        played = streams.push({stream: torch.zeros(64, 2)})[stream]
        assert len(played) + len(streams.finish([stream])[stream]) == 1600


def test_it_ends_with_a_command_in_which_no_bundled_domain_can_be_meant(trained: Path) -> None:
    *_, last = (trained / "log.txt").read_text().splitlines()
    assert last.endswith("/bundles umt convert SONG --to user:sine,user:saw")


def test_its_bundles_hold_the_best_network_by_validation(trained: Path) -> None:
    best = torch.load(trained / "checkpoints/run-best.pt", weights_only=True)
    encoder = read_bundle(trained / "bundles/encoders/wavenet-tiny.safetensors")
    for name, tensor in encoder.tensors.items():
        assert torch.equal(tensor, best["network"][f"encoder.{name}"])
    log = (trained / "log.txt").read_text()
    found = [
        line.split("validation ", 2)[2].split()[0]
        for line in log.splitlines()
        if " validation " in line
    ]
    assert len(found) == 2
    assert f"{best['loss']:.4g}" == min(found, key=float)
    assert f"validation loss {best['loss']:.4g}" in encoder.info.provenance["recipe"]


def test_previews_are_every_domain_by_every_decoder(trained: Path) -> None:
    found = {path.stem: soundfile.info(path) for path in (trained / "previews/step-4").iterdir()}
    assert set(found) == {"sine-as-sine", "sine-as-saw", "saw-as-sine", "saw-as-saw"}
    assert {(info.frames, info.samplerate) for info in found.values()} == {(4000, RATE)}


def test_the_same_command_makes_a_finished_run_longer_and_nothing_else(
    trained: Path, music: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(trained.parent / "longer", steps=6)
    train_system(recipe, out=trained, domains=music, json=True)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(e["event"], e["step"]) for e in events if "step" in e] == [
        ("step", 6),
        ("validation", 6),
    ]
    assert {"guess", "guessed", "cross_entropy", "loss/sine", "loss/saw"} < events[0].keys()
    assert [e["name"] for e in events if "name" in e] == ["wavenet/tiny", "sine", "saw"]
    with pytest.raises(TrainingError, match="another run: domains was"):
        train_system(recipe, out=trained, domains=dict(list(music.items())[::-1]))
    with pytest.raises(UsageError, match="holds a run already"):
        train_system(recipe, out=trained, domains=music, resume=False)


def test_one_process_is_told_of_its_mistakes_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert process.main([str(tmp_path / "none.toml"), "-o", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("Error: Cannot read the recipe")
    assert process.main(["x.toml", "-o", str(tmp_path), "kazoo"]) == 2
    assert "Say NAME=FOLDER" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"wavenet"', '"wavnet"', "There is no family 'wavnet'. Installed: .*wavenet"),
        ("blocks = 1", "blocks = 99", "refuses the sizes of encoder: blocks must be .* 1 … 16"),
        ("channels = 8", "chanels = 8", "sizes of encoder: EncoderConfig has no 'chanels'"),
        ("layers = 3", "layers = 3\nhop_samples = 8", "sizes of sine: hop_samples .* the .*, 800"),
        ("[distortion]", "[distortion]\nsemitones = 99", "distortion: semitones .* 0 … 12"),
        ("[distortion]", "[distortion]\nspeed = 2", "distortion: .* no 'speed'"),
        (
            "shortest_s = 0.06\nlongest_s = 0.12",
            "",
            "0.25 s have no room .* needs 0.5 s",
        ),
        ("crop_s = 0.25", "crop_s = 60.0", "sine has nothing to learn from .* an example .60 s"),
    ],
)
def test_a_recipe_that_cannot_be_followed_says_why_before_it_trains(
    tmp_path: Path, music: dict[str, Path], trained: Path, old: str, new: str, message: str
) -> None:
    prepared = {name: trained / "data" / name for name in music}
    recipe = write_recipe(tmp_path)
    recipe.write_text(recipe.read_text().replace(old, new, 1))
    with pytest.raises((UsageError, TrainingError), match=message):
        train_system(recipe, out=tmp_path / "run", domains=prepared, quiet=True)
    assert not checkpoint_path(tmp_path / "run").exists()


def test_domains_are_two_or_more_and_there(tmp_path: Path, music: dict[str, Path]) -> None:
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    with pytest.raises(UsageError, match="two or more domains"):
        train_system(recipe, out=out, domains={"sine": music["sine"]}, quiet=True)
    with pytest.raises(UsageError, match=r"saw: there is no folder .*nowhere"):
        train_system(recipe, out=out, domains=music | {"saw": tmp_path / "nowhere"}, quiet=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no audio in .*empty"):
        train_system(recipe, out=out, domains=music | {"saw": tmp_path / "empty"}, quiet=True)


def test_a_recipe_may_ask_for_what_its_family_cannot(
    trained: Path, tmp_path: Path, music: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(WavenetLearning, "settle")
    recipe = read_recipe(
        write_recipe(tmp_path, extra="hearing.settled = true\n"),
        {n: trained / "data" / n for n in music},
    )
    learning = WavenetFamily().learning(recipe.encoder, recipe.distortion)
    with pytest.raises(UsageError, match=r"settle an encoder: leave settled out of \[hearing\]"):
        new_task(recipe, recipe.domains, learning, "cpu")


def test_a_run_may_begin_with_the_bundles_of_another(
    trained: Path, tmp_path: Path, music: dict[str, Path]
) -> None:
    beginning = f'begin = "{trained / "bundles"}"\n'
    path = write_recipe(tmp_path, steps=4, extra=beginning)
    recipe = read_recipe(path, {"saw": music["saw"], "new": music["sine"]})
    learning = WavenetFamily().learning(recipe.encoder, recipe.distortion)
    folders = prepare_missing(recipe.domains, tmp_path / "data", learning, print)
    task = new_task(recipe, folders, learning, "cpu")
    saw, new = (decoder.state_dict() for decoder in task.network.decoders)
    bundle = read_bundle(trained / "bundles" / "domains" / "saw.safetensors")
    assert all(torch.equal(saw[name], weights) for name, weights in bundle.tensors.items())
    ear = read_bundle(trained / "bundles" / "encoders" / "wavenet-tiny.safetensors")
    heard = task.network.encoder.state_dict()
    assert all(torch.equal(heard[name], weights) for name, weights in ear.tensors.items())
    assert not all(torch.equal(new[name], weights) for name, weights in bundle.tensors.items())
    assert bundle.info.digest in task.identity()["begun"]
    with pytest.raises(UsageError, match="holds 0 encoders, and a run begins with one"):
        new_task(replace(recipe, begin=str(tmp_path)), folders, learning, "cpu")
