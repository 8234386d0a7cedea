"""Whether an output is done already: the same input, networks and options made it before."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from umtcli.bundle import read_info
from umtcli.errors import OutputExists, UmtError
from umtcli.media.formats import find_format
from umtcli.pipeline.jobs import Job, Output, Request
from umtcli.pipeline.manifest import Failed, Made, Manifests, content_hash
from umtcli.pipeline.players import Player, Scribe


@dataclass(frozen=True)
class _Inputs:
    """What the inputs of a job held when they were looked at."""

    facts: tuple[tuple[int, int], ...]
    """Size and time of each file: while they are the same, so are the hashes."""
    sha256: tuple[str, ...]


class Ledger:
    """Looks outputs up in the manifests of their folders, and enters them there.

    Jobs may be in flight at the same time, each begun and ended by one thread at a time.
    """

    def __init__(self, request: Request, **more: float) -> None:
        """Open it.

        Args:
            request: decides what an output holds, together with its inputs and networks.
            more: numbers that decide it, too.
        """
        self._request = request
        self._more = more
        self._manifests = Manifests()
        self._begun: dict[tuple[Path, ...], _Inputs | None] = {}

    def look_up(self, job: Job, output: Output) -> Made | UmtError | None:
        """What is to be done about an output.

        Returns:
            None if it is to be made; what is known of it if it is done; an error if its
            name is taken by something else.

        Raises:
            BundleError: a network's bundle cannot be read.
        """
        path = output.path
        if path is None or self._request.overwrite or not os.path.lexists(path):
            return None
        made = self._manifests.find(path)
        if not isinstance(made, Made):
            return OutputExists(f"{output} exists already. --overwrite replaces it.")
        inputs = self._inputs(job)
        if inputs is None or made.key != self._recipe(output, inputs):
            return OutputExists(
                f"{output} exists already, made from another input or with other options. "
                "--overwrite replaces it."
            )
        if not made.fits(path, read=self._request.verify):
            return OutputExists(
                f"{output} was changed since umt made it. --overwrite makes it again."
            )
        return made

    def begin(self, job: Job) -> None:
        """Take note of a job's inputs as they are now, before they are heard."""
        self._begun[job.files] = self._inputs(job)

    def end(self, job: Job) -> None:
        """Forget them."""
        self._begun.pop(job.files, None)

    def enter(self, job: Job, output: Output, file: Path, duration_s: float) -> None:
        """Note that an output of a job that was begun is complete; it may have no name yet.

        Args:
            job: what it was made from.
            output: which one it is.
            file: where it is now.
            duration_s: of its audio.

        Raises:
            OSError: the manifest cannot be written.
        """
        assert output.path is not None
        inputs = self._inputs(job)
        # inputs that changed while they were heard made nothing that could be made again
        if inputs is not None and inputs == self._begun[job.files]:
            made = Made.of(file, self._recipe(output, inputs), duration_s)
            self._manifests.of(output.path).append(output.path.name, made)

    def enter_failure(self, job: Job, output: Output, error: UmtError) -> None:
        """Note that an output could not be made, if there is a place to note it."""
        if output.path is None or job.source is None or not job.source.exists():
            return
        with contextlib.suppress(OSError):  # the failure itself may be that one cannot write
            output.path.parent.mkdir(parents=True, exist_ok=True)
            self._manifests.of(output.path).append(output.path.name, Failed(str(error)))

    def _recipe(self, output: Output, inputs: _Inputs) -> str:
        return recipe(output, self._request, inputs.sha256, self._more)

    def _inputs(self, job: Job) -> _Inputs | None:
        """None if one is a pipe."""
        known = self._begun.get(job.files)
        try:
            if job.source is None or not all(path.is_file() for path in job.files):
                return None
            facts = tuple((s.st_size, s.st_mtime_ns) for s in (path.stat() for path in job.files))
            if known is not None and known.facts == facts:
                return known
            return _Inputs(facts, tuple(content_hash(path) for path in job.files))
        except OSError:
            return None  # why it cannot be read, its decoder will say


def recipe(
    output: Output, request: Request, sha256: Sequence[str], more: Mapping[str, float]
) -> str:
    """Hash of all that decides what an output holds, in hexadecimal.

    umt's own version is not part of it: an update makes no finished work undone.

    Args:
        output: what is made.
        request: how it is made.
        sha256: of the content of each input.
        more: numbers that decide it, too.

    Raises:
        BundleError: a bundle cannot be read.
    """
    heard = sha256[0] if len(sha256) == 1 else sha256
    if isinstance(output.player, Scribe):
        return _digest({"input": heard, "notes": output.player.lead.space.fingerprint})
    name = output.format or (output.path.suffix if output.path else "")
    facts = {
        "input": heard,
        "networks": _networks(output.player),
        "options": {family: dict(values) for family, values in output.options.items()},
        "format": find_format(name, str(output)).name,
        "rate": request.rate,
        "bits": request.bits,
        "seed": request.seed,
        **({"mix": request.mix} if request.mix else {}),  # keys from before it was there stay
        **more,
    }
    return _digest(facts)


def _digest(facts: Mapping[str, object]) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _networks(player: Player) -> list[tuple[str, str, str, float]]:
    return [
        (
            share.domain.name,
            share.domain.space.fingerprint,
            read_info(share.domain.decoder, kind="decoder").digest,
            share.share,
        )
        for share in player.shares
    ]
