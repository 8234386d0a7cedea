"""Recipes: what is in the published ones, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from umt_domains.plugin import umt_families
from umt_trainer.loop import learning_rate
from umt_trainer.recipe import read_recipe
from umtcli.errors import UsageError

FAMILIES = {family.name: family for family in umt_families()}
RECIPES = Path(__file__).parents[2] / "trainer" / "recipes"
MINIMAL = 'family = "wavenet"\n[run]\nsteps = 5\n'


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_loads_and_its_networks_can_be_built(path: Path) -> None:
    recipe = read_recipe(path)
    family = FAMILIES[recipe.family]
    for processes in (1, 2, 4, 8):
        if recipe.run.batch_size % processes == 0:
            assert recipe.run.parts(processes) % processes == 0
    learning = family.learning(recipe.encoder, recipe.distortion)
    if recipe.family == "wavenet":
        published = 24 if path.stem == "wavenet-small" else 64
        assert learning.encoder_space("").channels == published
        if recipe.encoder.get("channels", 128) == 128:
            return  # the paper's take seconds to build
    learning.new_encoder(recipe.encoder)
    learning.new_decoder(recipe.decoder)


def test_there_is_a_recipe_for_each_published_setup() -> None:
    names = {path.stem for path in RECIPES.glob("*.toml")}
    sizes = ("paper", "authors-script", "default", "small-gpu", "small", "smoke")
    assert names == {"harmonic-default", *(f"wavenet-{size}" for size in sizes)}


def test_the_papers_recipe_is_the_paper() -> None:
    recipe = read_recipe(RECIPES / "wavenet-paper.toml")
    run = recipe.run
    assert len(recipe.domains) == 6
    assert (run.batch_size, run.crop_s, run.learning_rate, run.weight_decay) == (32, 1.0, 1e-3, 0)
    assert (recipe.confusion.weight, recipe.confusion.channels) == (1e-2, 128)
    # ×0.98 every 10,000 examples, from the first step on
    assert learning_rate(run, 0) == 1e-3
    assert learning_rate(run, 313) == pytest.approx(1e-3 * 0.98)
    assert learning_rate(run, 10 * 313) == pytest.approx(1e-3 * 0.98**10)
    encoder = {"blocks": 3, "layers": 10, "channels": 128, "latent_channels": 64}
    assert dict(recipe.encoder) == encoder | {"hop_samples": 800}
    assert recipe.decoder["blocks"] * recipe.decoder["layers"] == 40


def test_the_authors_scripts_recipe_is_their_script() -> None:
    recipe = read_recipe(RECIPES / "wavenet-authors-script.toml")
    run = recipe.run
    assert run.crop_s * 16_000 == 12_000
    assert run.clip_value == 1
    assert recipe.decoder["blocks"] * recipe.decoder["layers"] == 56
    assert recipe.confusion.channels == 100
    # ×0.995 every 1,000 batches
    assert learning_rate(run, 999) == 1e-3
    assert learning_rate(run, 1000) == pytest.approx(0.995e-3)


def test_the_default_warms_up_to_a_tenth_of_the_papers_rate() -> None:
    run = read_recipe(RECIPES / "wavenet-default.toml").run
    assert learning_rate(run, 0) == pytest.approx(1e-7)
    assert max(learning_rate(run, step) for step in range(0, 3000, 100)) < 1.001e-4


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def test_folders_are_relative_to_the_recipe_and_may_be_given_instead(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + '[domains]\npiano = "music/piano"\n')
    assert read_recipe(path).domains == {"piano": tmp_path / "music" / "piano"}
    given = {"kazoo": Path("k"), "horn": Path("h")}
    assert read_recipe(path, given).domains == given


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[run]\nsteps = 5\n", "the top level lacks family"),
        ('family = "wavenet"\n', r"\[run\] lacks steps"),
        (MINIMAL + "learning_rat = 1\n", r"\[run\] has no setting 'learning_rat'. .*learning_rate"),
        (MINIMAL + "batch_size = 0\n", r"in \[run\], batch_size is 0; it must be from 1"),
        (MINIMAL + "crop_s = 'long'\n", "crop_s is 'long'; it must be a number above 0 and finite"),
        (MINIMAL + "seed = true\n", "seed is True; it must be a whole number from 0"),
        (MINIMAL + "precision = 'int4'\n", "'int4'; it must be float32 or bfloat16"),
        (MINIMAL + "[confusion]\nweight = -1\n", r"\[confusion\], weight is -1; it must be from 0"),
        (MINIMAL + "[hardware]\ndevice = 'tpu'\n", "'tpu'; it must be auto or cpu or cuda"),
        (MINIMAL + "[hardware]\ncompile = 1\n", "compile is 1; it must be true or false"),
        (MINIMAL + "[hardware]\ncompile = true\n", r"compile needs workers = 1 .*; it is 2"),
        (MINIMAL + "[watch]\nlog_every_steps = 0\n", "log_every_steps is 0; it must be from 1"),
        (MINIMAL + "[domains]\nKazoo = 'x'\n", "'Kazoo' is no name for a domain"),
        (MINIMAL + "[domains]\nkazoo = 3\n", r"\[domains\] must be a table of texts"),
        (MINIMAL + "[domains]\na = 'x'\na = 'y'\n", "is no TOML: .*overwrite"),
        (MINIMAL + "[decoders.kazoo]\nblocks = 1\n", r"\[domains\] has no kazoo"),
        (MINIMAL + "[family2]\n", "the top level has no setting 'family2'. Did you mean family"),
        ("version = 2\n" + MINIMAL, "is a recipe of version 2, this umt reads 1"),
        ("run = 3\n", r"\[run\] is 3; it must be a table"),
        ("[run\n", "is no TOML"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(UsageError, match=rf"recipe\.toml.*{message}"):
        read_recipe(write(tmp_path, text))


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read the recipe .*none\.toml: No such file"):
        read_recipe(tmp_path / "none.toml")


def test_recipes_that_come_with_umt_go_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_recipe(Path("wavenet-paper")) == read_recipe(RECIPES / "wavenet-paper.toml")
    # a file of the user's comes first
    Path("wavenet-paper").write_text(MINIMAL)
    assert read_recipe(Path("wavenet-paper")).run.steps == 5
    # a folder is what `umt train --config wavenet-default` leaves: the second run finds it there
    Path("wavenet-default").mkdir()
    assert read_recipe(Path("wavenet-default")).run.learning_rate == 1e-4
    with pytest.raises(UsageError, match=r"no recipe wavenet-tiny: .* wavenet-authors-script, "):
        read_recipe(Path("wavenet-tiny"))
