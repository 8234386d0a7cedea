"""Whether recordings can teach an instrument, said before minutes are spent on them."""

from __future__ import annotations

from umt_trainer.prepare.manifest import Manifest
from umtcli.errors import TrainingError

LEAST_S = 60.0
"""Less sound than this teaches no instrument."""
ENOUGH_S = 300.0
"""Less than this is warned of; the settings of `umt train` are made for ten minutes."""
SILENT_SHARE = 0.5
CLIPPED_SHARE = 0.01
LEAST_PLAYABLE, ENOUGH_PLAYABLE = 0.4, 0.7
"""Drum loops and noise were measured below 0.1, music of pitched instruments above 0.85."""


def judge_manifest(manifest: Manifest) -> list[str]:
    """What a user should know of the recordings before they are learned, as warnings.

    Raises:
        TrainingError: there is too little sound.
    """
    name, sounding_s, duration_s = manifest.domain, manifest.sounding_s, manifest.duration_s
    silence = ""
    if sounding_s < SILENT_SHARE * duration_s:
        silence = f" {1 - sounding_s / duration_s:.0%} of the recordings is silence."
    if sounding_s < LEAST_S:
        raise TrainingError(
            f"{name}: {sounding_s:.0f} s of sound are too little to learn from; {LEAST_S:.0f} s "
            f"are the least, and ten minutes are better.{silence} Record "
            f"{LEAST_S - sounding_s:.0f} s more."
        )
    warnings = []
    if sounding_s < ENOUGH_S:
        warnings.append(
            f"{name}: {sounding_s / 60:.1f} minutes of sound are little; ten are better, over "
            f"all of the instrument's range.{silence}"
        )
    elif silence:
        warnings.append(f"{name}:{silence} Cut it out: silence teaches nothing.")
    if manifest.clipped_share > CLIPPED_SHARE:
        worst = max(manifest.records, key=lambda record: record.clipped_share)
        warnings.append(
            f"{name}: {manifest.clipped_share:.0%} of the sound is clipped (most in "
            f"{worst.source}), and the distortion will be learned with it. Record it softer."
        )
    return warnings


def judge_playable(name: str, share: float) -> list[str]:
    """What a user should know of how much the encoder heard, as warnings.

    Args:
        name: of the domain.
        share: as `umtcli.learning.Learning.playable_share`.

    Raises:
        TrainingError: it heard too little.
    """
    if share < LEAST_PLAYABLE:
        raise TrainingError(
            f"{name}: notes are heard in only {share:.0%} of the sound, and {LEAST_PLAYABLE:.0%} "
            "are the least: this family plays notes. Drums, speech and noise cannot be learned; "
            "if it is an instrument, record it alone and closer."
        )
    if share < ENOUGH_PLAYABLE:
        return [
            f"{name}: notes are heard in {share:.0%} of the sound only; what has no pitch will "
            "be learned badly. Recording it alone and closer may help."
        ]
    return []
