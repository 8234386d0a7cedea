"""From a request to jobs: everything that can be refused is refused before any work."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from umtcli.catalog import Catalog
from umtcli.domain import Value, resolve_options
from umtcli.errors import EncodeError, OptionError, OutputExists, UmtError, UsageError
from umtcli.media.formats import find_format
from umtcli.pipeline.discovery import Source, find_sources
from umtcli.pipeline.jobs import STDIO, BlendRequest, Job, Output, Request, Selection
from umtcli.pipeline.manifest import Failed, Made, Manifests
from umtcli.pipeline.naming import DEFAULT_FORMAT, Naming
from umtcli.pipeline.players import Player, find_player, find_scribes

LOWEST_RATE, HIGHEST_RATE = 1_000, 384_000
"""What `--rate` takes, in Hz."""
SEEDS = 2**63
"""How many seeds `--seed` takes: they are hashed as 64-bit integers, torch's are signed."""


def plan(request: Request, catalog: Catalog) -> tuple[Job, ...]:
    """Decide what is made from what, and where it goes.

    An output that exists already is refused by itself; the others are still made.

    Raises:
        UnknownDomain: a domain is not installed; carries suggestions.
        OptionError: an option is unknown to all families asked for, or out of range.
        UsageError: the outputs would overwrite each other or an input, or the request
            makes no sense otherwise.
    """
    _check_numbers(request)
    players = _players(request.to, catalog)
    options = _options(request, players, catalog)
    scribes = find_scribes(players, catalog) if request.midi else []
    manifests = Manifests()
    sources = find_sources(request.inputs, request.selection, manifests)
    found = {source.path for source in sources if source.found}
    naming = Naming(request, num_outputs=len(sources) * len(players), folders=bool(found))
    jobs = []
    for source in sources:
        paths = [(player, *naming.output(source, player)) for player in players]
        outputs = [Output(player, options, path, kind) for player, path, kind in paths]
        outputs += [Output(scribe, {}, naming.notes(source, scribe)) for scribe in scribes]
        jobs.append(Job(source.path, tuple(outputs)))
    jobs = _without_own_outputs(jobs, found)
    _refuse_clashes(jobs)
    _refuse_inputs(jobs)
    if request.limits.timeout_s is not None:
        _refuse_pipes(jobs)
    jobs = [
        replace(
            job,
            outputs=tuple(replace(o, refused=_refused(o, request, manifests)) for o in job.outputs),
        )
        for job in jobs
    ]
    return _selected(jobs, request.selection, manifests)


def plan_blend(blend: BlendRequest, catalog: Catalog) -> Job:
    """Decide where a blend goes: `A-B-DOMAIN.ext` beside A unless `-o` says otherwise.

    Raises:
        UnknownDomain: as `plan`.
        OptionError: as `plan`.
        UsageError: as `plan`, or there are not two files, one player and two durations.
    """
    request = blend.request
    _check_numbers(request)
    for flag, value in (("--at", blend.at_s), ("--crossfade", blend.crossfade_s)):
        if not 0 <= value < math.inf:
            raise UsageError(f"{flag} takes seconds from 0 on, not {value:g}.")
    players = _players(request.to, catalog)
    if len(players) > 1:
        raise UsageError("A blend is played by one domain or one mix: say --to once.")
    first, second = (_file(text) for text in request.inputs)
    name = f"{first.stem}-{second.stem}{first.suffix}"
    naming = Naming(request, num_outputs=1, folders=False)
    path, kind = naming.output(Source(first.with_name(name)), players[0])
    output = Output(players[0], _options(request, players, catalog), path, kind)
    job = Job(first, (output,), blended_into=second)
    _refuse_inputs([job])
    return replace(job, outputs=(replace(output, refused=_refused(output, request, Manifests())),))


def _file(text: str) -> Path:
    if text == STDIO or Path(text).is_dir():
        raise UsageError(f"A blend takes two files: {text} is none. (A file called -? Say ./-)")
    return Path(text)


def _check_numbers(request: Request) -> None:
    for flag, seconds in (
        ("--timeout", request.limits.timeout_s),
        ("--max-duration", request.limits.max_duration_s),
    ):
        if seconds is not None and not 0 < seconds < math.inf:
            raise UsageError(f"{flag} takes seconds above 0, not {seconds:g}.")
    shard = request.selection.shard
    if shard is not None and not 1 <= shard.index <= shard.count:
        raise UsageError(f"--shard takes I/N with I from 1 to N, not {shard.index}/{shard.count}.")
    if request.bits not in (16, 24, 32):
        raise UsageError(f"--bits takes 16, 24 or 32 (float), not {request.bits}.")
    if not 0 <= request.mix <= 1:
        raise UsageError(
            f"--mix takes 0 (only what is played) … 1 (only the original), not {request.mix:g}."
        )
    if not 0 <= request.seed < SEEDS:
        raise UsageError(f"--seed takes 0 … {SEEDS - 1}, not {request.seed}.")
    if request.rate is not None and not LOWEST_RATE <= request.rate <= HIGHEST_RATE:
        raise UsageError(f"--rate takes {LOWEST_RATE} … {HIGHEST_RATE} Hz, not {request.rate}.")


def _players(texts: Iterable[str], catalog: Catalog) -> list[Player]:
    names = [name.strip() for text in texts for name in text.split(",")]
    found = {find_player(name, catalog): None for name in names if name}
    if not found:
        raise UsageError("Say what to play it with: --to DOMAIN. `umt domains` lists them.")
    return list(found)


def _options(
    request: Request, players: Iterable[Player], catalog: Catalog
) -> dict[str, dict[str, Value]]:
    """Values by family; an option goes to each family that declares it."""
    domains = [domain for player in players for domain in player.domains]
    families = {domain.family: catalog.family(domain) for domain in domains}
    declared = {option.name for family in families.values() for option in family.options}
    for name in request.options:
        if name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            asked = ", ".join(families)
            raise OptionError(f"{asked} has no option {name!r} (it has: {known}).")
    return {
        family.name: resolve_options(
            family,
            {
                option.name: request.options[option.name]
                for option in family.options
                if option.name in request.options
            },
        )
        for family in families.values()
    }


def _without_own_outputs(jobs: list[Job], found: set[Path | None]) -> list[Job]:
    """Drop files found in a folder that this very request makes: results of an earlier run."""
    makers = {_same_name(o.path): job.source for job in jobs for o in job.outputs if o.path}
    return [
        job
        for job in jobs
        if job.source is None
        or job.source not in found
        # its own output would be written over it, which is refused
        or makers.get(_same_name(job.source), job.source) == job.source
    ]


def _refuse_clashes(jobs: Iterable[Job]) -> None:
    makers: dict[str, tuple[Job, Output]] = {}
    for job in jobs:
        for output in job.outputs:
            name = _same_name(output.path) if output.path else STDIO
            if name in makers:
                other_job, other = makers[name]
                raise UsageError(
                    f"{other_job} in {other.player} and {job} in {output.player} "
                    f"would both be written to {output}. Tell them apart: "
                    "--name '{name}-{domain}.{ext}', or convert them into different folders."
                )
            makers[name] = (job, output)


def _refuse_inputs(jobs: Sequence[Job]) -> None:
    inputs = [path for job in jobs for path in job.files]
    names = {_same_name(path) for path in inputs}
    identities = {identity for path in inputs if (identity := _identity(path))}
    for job in jobs:
        for output in job.outputs:
            if output.path is None:
                continue
            # a hard link has another name but is the same file
            if _same_name(output.path) in names or _identity(output.path) in identities:
                raise UsageError(
                    f"{output} is an input: umt never overwrites one. Choose another -o."
                )


def _refuse_pipes(jobs: Iterable[Job]) -> None:
    for job in jobs:
        if job.source is None or any(output.path is None for output in job.outputs):
            raise UsageError("--timeout is for files: a pipe lasts as long as its input.")


def _selected(jobs: list[Job], selection: Selection, manifests: Manifests) -> tuple[Job, ...]:
    """This run's share of the jobs: every run with the same inputs shares them out alike."""
    if selection.shard is not None:
        jobs = jobs[selection.shard.index - 1 :: selection.shard.count]
    if selection.retry_failed:
        jobs = [
            replace(job, outputs=tuple(o for o in job.outputs if _has_failed(o, manifests)))
            for job in jobs
        ]
    return tuple(job for job in jobs if job.outputs)


def _has_failed(output: Output, manifests: Manifests) -> bool:
    return output.path is not None and isinstance(manifests.find(output.path), Failed)


def _refused(output: Output, request: Request, manifests: Manifests) -> UmtError | None:
    """Why an output cannot be made, as far as can be known before any work.

    One that is in a manifest may be done already, which only its input can tell.
    """
    path = output.path
    if request.bits == 32 and isinstance(output.player, Player):
        name = output.format or (path.suffix if path else DEFAULT_FORMAT)
        if find_format(name, str(output)).codec in ("flac", "alac"):
            return EncodeError(f"Cannot write {output}: it stores no float. Choose --bits 24.")
    if path is None:
        return None
    if path.is_dir():
        return EncodeError(f"Cannot write {output}: it is a folder. Choose another -o.")
    # a dangling link is there too, and would be replaced
    if os.path.lexists(path) and not request.overwrite:
        if isinstance(manifests.find(path), Made):
            return None
        return OutputExists(f"{output} exists already. --overwrite replaces it.")
    return None


def _same_name(path: Path) -> str:
    """One text for all ways to name a path: links followed, `..` resolved, case as needed."""
    return os.path.normcase(os.path.realpath(path))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
