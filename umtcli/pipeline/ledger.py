"""Whether an output is done already: the same input, networks and options made it before."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from umtcli.bundle import read_info
from umtcli.errors import OutputExists, UmtError
from umtcli.media.formats import find_format
from umtcli.pipeline.jobs import Job, Output, Request
from umtcli.pipeline.manifest import Failed, Made, Manifests, content_hash
from umtcli.pipeline.players import Player


class Ledger:
    """Looks outputs up in the manifests of their folders, and enters them there."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._manifests = Manifests()
        self._heard: tuple[Path, tuple[int, int], str] | None = None

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
        if made.key != self._key(job, output):
            return OutputExists(
                f"{output} exists already, made from another input or with other options. "
                "--overwrite replaces it."
            )
        if not made.fits(path, read=self._request.verify):
            return OutputExists(
                f"{output} was changed since umt made it. --overwrite makes it again."
            )
        return made

    def enter(self, job: Job, output: Output, file: Path, duration_s: float) -> None:
        """Note that an output is complete; it may have another name yet.

        Args:
            job: what it was made from.
            output: which one it is.
            file: where it is now.
            duration_s: of its audio.

        Raises:
            OSError: the manifest cannot be written.
        """
        assert output.path is not None
        before = self._heard
        key = self._key(job, output)
        # an input that changed while it was heard made nothing that could be made again
        if key is not None and (before is None or before == self._heard):
            made = Made.of(file, key, duration_s)
            self._manifests.of(output.path).append(output.path.name, made)

    def enter_failure(self, job: Job, output: Output, error: UmtError) -> None:
        """Note that an output could not be made, if there is a place to note it."""
        if output.path is None or job.source is None or not job.source.exists():
            return
        with contextlib.suppress(OSError):  # the failure itself may be that one cannot write
            output.path.parent.mkdir(parents=True, exist_ok=True)
            self._manifests.of(output.path).append(output.path.name, Failed(str(error)))

    def begin(self, job: Job) -> None:
        """Take note of a job's input as it is now, before it is heard."""
        self._heard = None
        self._hash(job)

    def _key(self, job: Job, output: Output) -> str | None:
        """Hash of all that an output is made from; None if its input is a pipe."""
        heard = self._hash(job)
        return None if heard is None else recipe(output, self._request, heard)

    def _hash(self, job: Job) -> str | None:
        path = job.source
        try:
            if path is None or not path.is_file():
                return None
            status = path.stat()
            facts = (status.st_size, status.st_mtime_ns)
            if self._heard is None or self._heard[:2] != (path, facts):
                self._heard = (path, facts, content_hash(path))
        except OSError:
            return None  # why it cannot be read, its decoder will say
        return self._heard[2]


def recipe(output: Output, request: Request, input_sha256: str) -> str:
    """Hash of all that decides what an output holds, in hexadecimal.

    umt's own version is not part of it: an update makes no finished work undone.

    Args:
        output: what is made.
        request: how it is made.
        input_sha256: of the input's content.

    Raises:
        BundleError: a bundle cannot be read.
    """
    name = output.format or (output.path.suffix if output.path else "")
    facts = {
        "input": input_sha256,
        "networks": _networks(output.player),
        "options": {family: dict(values) for family, values in output.options.items()},
        "format": find_format(name, str(output)).name,
        "rate": request.rate,
        "bits": request.bits,
        "seed": request.seed,
    }
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
