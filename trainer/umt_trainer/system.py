"""A whole system from a recipe: `umt train --config recipe.toml` without its command line.

OUT/data/            domains that were not prepared yet
OUT/checkpoints/     the last good ones, and the best network
OUT/log.txt          and tensorboard/, previews/: how it went
OUT/bundles/         the encoder and the domains, ready to be played
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from umt_trainer import checkpoint
from umt_trainer.beginning import begin_system, settle_encoder
from umt_trainer.confusion import ConfusionNetwork
from umt_trainer.distributed import World, joined, local_rank
from umt_trainer.examples import Music
from umt_trainer.export import write_bundles
from umt_trainer.journal import Journal
from umt_trainer.launching import launch
from umt_trainer.loop import best_path, train
from umt_trainer.music import is_prepared, load_background, load_domains, prepare_missing
from umt_trainer.previews import Previews
from umt_trainer.recipe import Recipe, read_recipe
from umt_trainer.translation import TranslationNetwork, TranslationTask
from umt_trainer.validation import Validation
from umtcli import console
from umtcli.bundle import BundleInfo
from umtcli.catalog import installed_catalog
from umtcli.domain import Family
from umtcli.errors import UsageError
from umtcli.learning import Learning
from umtcli.optional import shortest_distorted_s
from umtcli.pipeline.device import resolve_device, torch_threads
from umtcli.plugins import USER_PACKAGE


def train_system(
    config_path: Path,
    *,
    out: Path,
    domains: Mapping[str, Path] | None = None,
    resume: bool = True,
    nproc: int = 1,
    nnodes: int = 1,
    rdzv: str = "",
    max_restarts: int = 0,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Train all networks of a recipe, here or in several processes, and write their bundles.

    A run that was stopped goes on where it was. Run the same command again.

    Args:
        config_path: the recipe.
        out: folder for everything that comes of it.
        domains: by name the folders to learn from, instead of the recipe's.
        resume: whether to go on with a run that is in `out`; if not, one there is refused.
        nproc: processes on this machine.
        nnodes: machines; each must be given the same command.
        rdzv: host:port at which the processes of several machines meet.
        max_restarts: how often all processes start again from the last checkpoint after one
            was lost.
        json: one JSON object a line on stdout for each logged step and validation, and for
            each bundle.
        quiet: nothing on stderr but what went wrong.

    Raises:
        UsageError: the recipe, or what it asks for, makes no sense.
        TrainingError: the run cannot go on; its last checkpoint is intact.
        KeyboardInterrupt: after Ctrl-C, when the run is saved.
        SystemExit: after SIGTERM, when the run is saved.
    """
    recipe = read_recipe(config_path, domains)
    _check_counts(nproc, nnodes, rdzv)
    if not resume and checkpoint_path(out).exists():
        raise UsageError(f"{out} holds a run already. Go on with it, or choose another folder.")
    if nproc == nnodes == 1:
        run_here(recipe, out, json=json, quiet=quiet)
        return
    recipe.run.parts(nproc * nnodes)
    folders = recipe.domains
    if nnodes == 1:
        tell = (lambda _: None) if quiet else console.say
        learning = _learning(recipe, find_family(recipe.family))
        folders = prepare_missing(folders, out / "data", learning, tell)
    arguments = [str(config_path), "--out", str(out)]
    arguments += [flag for flag, on in (("--json", json), ("--quiet", quiet)) if on]
    arguments += [f"{name}={folder}" for name, folder in folders.items()]
    launch(arguments, nproc=nproc, nnodes=nnodes, rdzv=rdzv, max_restarts=max_restarts)


def run_here(recipe: Recipe, out: Path, *, json: bool, quiet: bool) -> None:
    """Train in this process, together with those that torchrun started beside it, if any.

    Raises:
        as `train_system`.
    """
    family = find_family(recipe.family)
    learning = _learning(recipe, family)
    if len(recipe.domains) < 2:
        raise UsageError("A system needs two or more domains: name them, each with its folder.")
    device = _device(recipe)
    with joined(recipe.hardware.timeout_s) as world, torch_threads(1):
        recipe.run.parts(world.size)
        journal = Journal(
            out,
            recipe.run.steps,
            recipe.run.batch_size,
            recipe.watch.log_every_steps,
            json=json,
            quiet=quiet,
            silent=not world.is_first,
        )
        with journal:
            folders = recipe.domains
            if world.size == 1:
                folders = prepare_missing(folders, out / "data", learning, journal.tell)
            else:
                _refuse_unprepared(folders, recipe)
            task = new_task(recipe, folders, learning, device)
            path = checkpoint_path(out)
            trained = train(
                task,
                recipe.run,
                path,
                journal,
                world=world,
                judge=_validation(recipe, folders, task, family, world, journal, out),
                tell=journal.tell,
            )
            assert isinstance(trained, TranslationNetwork)
            if world.is_first:
                how = _load_best(trained, path, recipe)
                infos = write_bundles(
                    out / "bundles", trained, list(folders), learning, recipe, how
                )
                _tell_bundles(infos, out, journal, json=json)


def new_task(
    recipe: Recipe, folders: Mapping[str, Path], learning: Learning, device: str
) -> TranslationTask:
    """Fresh networks for a recipe, and the music that they are to learn.

    Raises:
        UsageError: the family refuses a size, or examples are too short to be distorted.
        BundleError: the networks cannot begin as the recipe has it.
        TrainingError: a domain has no music.
    """
    room_s = shortest_distorted_s(learning)
    if recipe.distorted and recipe.run.crop_s < room_s:
        raise UsageError(
            f"Examples of {recipe.run.crop_s:g} s have no room for the distortion, which needs "
            f"{room_s:g} s. Take longer ones (crop_s), distort shorter parts ([distortion]), or "
            "none (distorted = false)."
        )
    torch.manual_seed(recipe.run.seed)
    encoder = learning.new_encoder(recipe.encoder)
    decoders = []
    try:
        for where in folders:
            sizes = {**recipe.decoder, **recipe.decoders.get(where, {})}
            decoders.append(learning.new_decoder(sizes))
    except (ValueError, TypeError) as e:
        raise UsageError(f"The {recipe.family} family refuses the sizes of {where}: {e}.") from e
    channels = learning.encoder_space("").channels
    confusion = ConfusionNetwork(channels, len(folders), recipe.confusion.channels)
    network = TranslationNetwork(encoder, decoders, confusion)
    begun = ""
    if recipe.begin:
        begun = begin_system(network, learning, Path(recipe.begin), list(folders))
    domains = load_domains(folders, "train", recipe.run.crop_s, learning)
    if recipe.hearing.settled and not recipe.begin:
        settle_encoder(network.encoder, Music(domains, learning, recipe.run))
    network.to(device)
    if recipe.hardware.compile:
        for module in (network.encoder, *network.decoders):
            module.compile()
    return TranslationTask(
        network,
        learning,
        domains,
        recipe.run,
        recipe.confusion,
        load_background(recipe.background, learning),
        distorted=recipe.distorted,
        begun=begun,
        hearing=recipe.hearing,
    )


def checkpoint_path(out: Path) -> Path:
    """Where a run in a folder keeps its newest checkpoint."""
    return out / "checkpoints" / "run.pt"


def find_family(name: str) -> Family:
    """The installed architecture of a name.

    Raises:
        UsageError: no working plugin brings it.
    """
    families = installed_catalog().families
    if name not in families:
        known = ", ".join(sorted(families)) or "none"
        raise UsageError(f"There is no family {name!r}. Installed: {known}.")
    return families[name]


def _check_counts(nproc: int, nnodes: int, rdzv: str) -> None:
    if nproc < 1 or nnodes < 1:
        raise UsageError("--nproc and --nnodes must be from 1.")
    if nnodes > 1 and not rdzv:
        raise UsageError("Several machines must know where to meet: --rdzv HOST:PORT of one.")


def _learning(recipe: Recipe, family: Family) -> Learning:
    where = "sizes of encoder"
    try:
        family.learning(recipe.encoder)
        where = "distortion"
        return family.learning(recipe.encoder, recipe.distortion)
    except (ValueError, TypeError) as e:
        raise UsageError(f"The {recipe.family} family refuses the {where}: {e}.") from e


def _device(recipe: Recipe) -> str:
    device = resolve_device(recipe.hardware.device)
    if device.startswith("cuda"):
        device = f"cuda:{local_rank()}"
        torch.cuda.set_device(device)
    return device


def _refuse_unprepared(folders: Mapping[str, Path], recipe: Recipe) -> None:
    for name, folder in folders.items():
        if not is_prepared(folder):
            raise UsageError(
                f"{folder} is not prepared, and many processes would all do it. First run "
                f"`umt prepare {name}={folder} -o DATA --family {recipe.family}`, and name "
                f"DATA/{name} here."
            )


def _validation(
    recipe: Recipe,
    folders: Mapping[str, Path],
    task: TranslationTask,
    family: Family,
    world: World,
    journal: Journal,
    out: Path,
) -> Validation:
    held_out = load_domains(folders, "val", recipe.run.crop_s, task.learning)
    watch = recipe.watch
    return Validation(
        task,
        held_out,
        world,
        watch.validate_every_steps,
        watch.validation_examples,
        journal.validated,
        watch.preview_every_validations,
        Previews(family, held_out, recipe, out / "previews", journal),
    )


def _load_best(network: TranslationNetwork, path: Path, recipe: Recipe) -> str:
    """Load the weights of the best network, if one was found; say how it was taught."""
    best = checkpoint.load(best_path(path))
    step = recipe.run.steps
    judged = ""
    if best is not None:
        network.load_state_dict(best["network"])
        step, judged = best["step"], f", validation loss {best['loss']:.4g}"
    return (
        f"seed {recipe.run.seed}, {step} steps of {recipe.run.batch_size} × "
        f"{recipe.run.crop_s:g} s{judged}"
    )


def _tell_bundles(infos: list[BundleInfo], out: Path, journal: Journal, *, json: bool) -> None:
    for info in infos:
        if json:
            console.print_json({"event": info.kind, "name": info.name, "path": str(info.path)})
        else:
            console.print_result(str(info.path))
    # by their package: the names may be those of bundled domains
    names = [f"{USER_PACKAGE}:{info.name}" for info in infos if info.kind == "decoder"]
    journal.tell(f"Done. Try: UMT_HOME={out / 'bundles'} umt convert SONG --to {','.join(names)}")
