"""`umt prepare` without its command line: folders in, shards and manifests out.

Every file is read twice, in blocks: once to find its level, once to write it. Memory holds a
few seconds for each worker, however long the recordings.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event

import numpy as np

from umt_trainer.data import TRAINING_RMS
from umt_trainer.prepare.manifest import (
    FILE,
    Manifest,
    Record,
    Reject,
    read_manifest,
    record_of,
    write_manifest,
)
from umt_trainer.prepare.scores import read_notes, score_of
from umt_trainer.prepare.shards import Array, read_facts, write_shard
from umt_trainer.prepare.sources import Source
from umt_trainer.prepare.split import SHORTEST_PART_S, split
from umt_trainer.prepare.survey import Advance, file_digest, mono_blocks, survey
from umtcli.errors import OutputExists, TrainingError, UmtError, UsageError
from umtcli.learning import Learning
from umtcli.media import open_audio

SHARDS = "shards"
HIGHEST_PEAK = 0.999

Report = Callable[[float, int], None]
"""Told, from any thread, how many more seconds of audio and how many more files are done."""


def prepare(
    source: Source,
    out: Path,
    learning: Learning,
    workers: int,
    report: Report,
    *,
    overwrite: bool = False,
    scores: bool = False,
) -> Manifest:
    """Prepare one domain, or go on with it: files that are done and unchanged are not read.

    Args:
        source: the domain's name and its recordings.
        out: folder of all prepared domains; this one's is `out/NAME`.
        learning: of the family that is to learn from it.
        workers: how many files are read at once.
        report: told how far it is.
        overwrite: whether to replace a domain prepared from another folder.
        scores: whether to keep the notes of MIDI files beside the recordings.

    Raises:
        UsageError: the folder holds no file that could be audio.
        OutputExists: another domain of this name is there.
        TrainingError: none of the files can be used, or the disk is full.
    """
    files = source.files()
    if not files:
        raise UsageError(f"There is no audio in the folder {source.folder}.")
    folder = out / source.name
    header = Manifest(
        source.name, learning.family, learning.sample_rate, str(source.folder.resolve()), (), ()
    )
    _refuse_another(folder, header, overwrite=overwrite)
    outcomes = _work(files, source, folder, header, workers, report, scores=scores)
    manifest = _assemble(header, outcomes)
    write_manifest(folder, manifest)
    _clean(folder / SHARDS, {record.shard for record in manifest.records})
    if not manifest.records:
        first, others = manifest.rejects[0], len(manifest.rejects) - 1
        more = f" ({others} more were left out: see {folder / FILE})" if others else ""
        raise TrainingError(f"{source.name}: nothing can be learned from. {first.reason}{more}")
    return manifest


def _clean(shards: Path, kept: set[str]) -> None:
    """Remove shards of recordings that are gone, and what a killed run left half written."""
    for path in shards.iterdir() if shards.exists() else ():
        if path.name not in kept:
            path.unlink()


def _refuse_another(folder: Path, header: Manifest, *, overwrite: bool) -> None:
    """Refuse to mix a domain with one prepared from elsewhere, or for another family."""
    if overwrite or not (folder / FILE).exists():
        return
    there = read_manifest(folder)
    for field in ("folder", "family", "sample_rate"):
        before, now = getattr(there, field), getattr(header, field)
        if before != now:
            raise OutputExists(
                f"{folder} was prepared with the {field.replace('_', ' ')} {before}, not {now}. "
                "Choose another -o, or --overwrite replaces it."
            )


def _work(
    files: Sequence[Path],
    source: Source,
    folder: Path,
    header: Manifest,
    workers: int,
    report: Report,
    *,
    scores: bool,
) -> list[Record | Reject]:
    """What became of each file, in their order."""
    stop = Event()

    def advance(seconds: float) -> None:
        if stop.is_set():
            raise _Stopped
        report(seconds / 2, 0)  # every file is read twice

    def work(path: Path) -> Record | Reject:
        score = score_of(path) if scores else None
        outcome = _prepare_file(path, source.label(path), score, folder, header, advance)
        report(0.0, 1)
        return outcome

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work, path) for path in files]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            stop.set()  # long files end at their next block
            pool.shutdown(cancel_futures=True)
            raise
        return [future.result() for future in futures]


class _Stopped(Exception):
    """Ends a worker when the run was interrupted."""


def _prepare_file(
    path: Path, label: str, score: Path | None, folder: Path, header: Manifest, advance: Advance
) -> Record | Reject:
    """Make the shard of a file, unless it is there already."""
    sample_rate = header.sample_rate
    try:
        stat = path.stat()
        score_digest = file_digest(score) if score else None
        shard = folder / SHARDS / f"{hashlib.sha256(label.encode()).hexdigest()[:16]}.zip"
        done = _done(shard, sample_rate)
        now = stat.st_size, stat.st_mtime_ns, score_digest
        if done and (done.bytes, done.modified_ns, done.score_sha256) == now:
            return done
        facts = survey(path, sample_rate, advance)
        if facts.rms < 1e-5 or not facts.sounding_s:
            return Reject(label, f"{path} is silent.")
        if facts.num_samples < SHORTEST_PART_S * sample_rate:
            return Reject(
                label,
                f"{path} lasts {facts.num_samples / sample_rate:.1f} s; {SHORTEST_PART_S:g} s are "
                "the least. Join short takes into one file.",
            )
        gain = min(TRAINING_RMS / facts.rms, HIGHEST_PEAK / facts.peak)
        record = Record(
            source=label,
            bytes=stat.st_size,
            modified_ns=stat.st_mtime_ns,
            sha256=file_digest(path),
            num_samples=facts.num_samples,
            sounding_s=facts.sounding_s,
            clipped_share=facts.clipped_share,
            gain_db=20 * math.log10(gain),
            shard=shard.name,
            score_sha256=score_digest,
            warning=facts.warning,
        )
        kept = {"sample_rate": sample_rate, **asdict(record)}
        if score:
            kept["notes"] = read_notes(score).tolist()
        write_shard(shard, _levelled(path, sample_rate, gain, advance), sample_rate, kept)
    except TrainingError:
        raise  # it cannot be written
    except UmtError as e:  # neither music nor score
        return Reject(label, str(e), unreadable=True)
    except OSError as e:
        return Reject(label, f"Cannot read {path}: {e.strerror}.", unreadable=True)
    return record


def _done(shard: Path, sample_rate: int) -> Record | None:
    """The record of a finished shard at this rate."""
    facts = read_facts(shard)
    if facts is None or facts.pop("sample_rate", None) != sample_rate:
        return None
    facts.pop("notes", None)
    try:
        return record_of(facts)
    except (KeyError, TypeError):
        return None  # of an older umt: made again


def _levelled(path: Path, sample_rate: int, gain: float, advance: Advance) -> Iterator[Array]:
    with open_audio(path) as reader:
        for block_TC, wav_T in mono_blocks(reader, sample_rate):
            advance(len(block_TC) / reader.sample_rate)
            scaled = np.rint(wav_T.astype(np.float64) * gain * 32768)
            yield np.clip(scaled, -32768, 32767).astype(np.int16)


def _assemble(header: Manifest, outcomes: Sequence[Record | Reject]) -> Manifest:
    """Drop what is there twice, which would be learned and measured on, and split the rest."""
    records: dict[str, Record] = {}
    rejects = [outcome for outcome in outcomes if isinstance(outcome, Reject)]
    for record in outcomes:
        if isinstance(record, Reject):
            continue
        if record.sha256 in records:
            same = records[record.sha256].source
            rejects.append(Reject(record.source, f"{record.source} is the same file as {same}."))
        else:
            records[record.sha256] = record
    parts = split({key: r.num_samples for key, r in records.items()}, header.sample_rate)
    return replace(
        header,
        records=tuple(replace(record, parts=parts[key]) for key, record in records.items()),
        rejects=tuple(sorted(rejects, key=lambda reject: reject.source)),
    )
