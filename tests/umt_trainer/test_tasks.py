"""What tasks show a family: the right latents beside the right audio, on the right device."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from umt_trainer.config import RunConfig
from umt_trainer.data import Recording
from umt_trainer.tasks import DecoderTask, EncoderTask
from umtcli.domain import LatentSpace
from umtcli.errors import TrainingError
from umtcli.learning import Batch

HOP, BEFORE, AFTER = 10, 3, 2
FRAMES = 8
CONFIG = RunConfig(steps=1, crop_s=0.05, batch_size=4)
SPACE = LatentSpace("toy/1", 2, 100.0, "aaaa")


@dataclass
class Watcher:
    """A family that only remembers what it was shown."""

    family: str = "toy"
    front_end_version: int = 1
    sample_rate: int = 1000
    hop_samples: int = HOP
    shown: list[Any] = field(default_factory=list)

    def context_frames(self, decoder: nn.Module) -> tuple[int, int]:
        return BEFORE, AFTER

    def config_of(self, network: nn.Module) -> Mapping[str, Any]:
        return {"size": sum(p.numel() for p in network.parameters())}

    def distort(self, batch: Batch, seed: int, background: list[Tensor]) -> Batch:
        return replace(batch, wav_BT=-batch.wav_BT)

    def encoder_loss(self, encoder: nn.Module, batch: Batch) -> dict[str, Tensor]:
        self.shown.append(batch)
        return {}

    def decoder_loss(
        self, decoder: nn.Module, latents_BCF: Tensor, wav_BT: Tensor
    ) -> dict[str, Tensor]:
        self.shown.append((latents_BCF, wav_BT))
        return {}


def counting(num_frames: int = FRAMES, num_hearings: int = 2) -> Recording:
    """Audio and latents that both tell their frame's number, from 1; hearings tell theirs."""
    frames = np.arange(1, num_frames + 1)
    wav = np.repeat(frames, HOP).astype(np.int16)
    latents = [np.stack([frames, 0 * frames + k]).astype(np.float16) for k in range(num_hearings)]
    return Recording(wav, latents=tuple(latents), name="counting")


def decoder_task(
    watcher: Watcher, recording: Recording | None = None, space: LatentSpace = SPACE
) -> DecoderTask:
    recordings = [counting() if recording is None else recording]
    return DecoderTask(nn.Linear(1, 1), watcher, recordings, space, CONFIG)


def test_latents_lie_around_their_audio_with_silence_beyond_the_ends() -> None:
    watcher = Watcher()
    decoder_task(watcher).losses(0, 60)
    latents, wav = watcher.shown[0]
    assert latents.shape == (60, 2, BEFORE + 5 + AFTER)
    assert wav.shape == (60, 5 * HOP)
    starts = set()
    for latents_CF, wav_T in zip(latents, wav, strict=True):
        played = (wav_T * 32768).view(5, HOP)
        assert torch.equal(played.amin(1), played.amax(1))  # cut between frames
        first = int(played[0, 0])
        numbers = range(first - BEFORE, first + 5 + AFTER)
        assert latents_CF[0].tolist() == [n if 1 <= n <= FRAMES else 0 for n in numbers]
        starts.add(first)
    assert starts == {1, 2, 3, 4}  # the very start and the very end are learned too


def test_all_hearings_are_shown_in_turn() -> None:
    watcher = Watcher()
    decoder_task(watcher).losses(0, 6)
    latents, _ = watcher.shown[0]
    assert latents[:, 1].amax(1).tolist() == [0, 1, 0, 1, 0, 1]


def test_a_recording_as_long_as_an_example_is_an_example() -> None:
    watcher = Watcher()
    decoder_task(watcher, counting(5)).losses(0, 3)
    assert torch.equal(watcher.shown[0][1][0], watcher.shown[0][1][2])


def scored(name: str = "a.flac") -> Recording:
    return replace(counting(), notes=np.array([[0.0, 9.0, 60.0, 0.0]]), name=name)


def test_an_encoder_is_shown_distorted_music_with_its_scores() -> None:
    watcher = Watcher()
    EncoderTask(nn.Linear(1, 1), watcher, [scored()], [], CONFIG).losses(4, 2)
    batch = watcher.shown[0]
    assert batch.index == 4
    assert batch.wav_BT.shape == (2, 50)
    assert float(batch.wav_BT.max()) < 0
    assert [notes.shape for notes in batch.notes] == [(1, 4), (1, 4)]


def test_music_without_a_score_is_named_before_an_encoder_is_trained() -> None:
    bare = replace(scored("b.flac"), notes=None)
    with pytest.raises(TrainingError, match=r"b\.flac has no score"):
        EncoderTask(nn.Linear(1, 1), Watcher(), [scored(), bare], [], CONFIG)


def test_batches_go_where_the_network_is() -> None:
    watcher = Watcher()
    elsewhere = nn.Linear(1, 1, device="meta")
    replace(decoder_task(watcher), network=elsewhere).losses(0, 1)
    EncoderTask(elsewhere, watcher, [scored()], [], CONFIG).losses(0, 1)
    (latents, wav), batch = watcher.shown
    assert {x.device.type for x in (latents, wav, batch.wav_BT)} == {"meta"}


def test_identities_tell_what_is_learned_from_what() -> None:
    task = decoder_task(Watcher())
    assert task.identity() == decoder_task(Watcher()).identity()
    renamed = replace(counting(), name="other")
    changed = replace(counting(), wav=counting().wav + np.int16(1))
    others: dict[str, DecoderTask] = {
        "encoder": decoder_task(Watcher(), space=replace(SPACE, fingerprint="bbbb")),
        "recordings": decoder_task(Watcher(), renamed),
        "network": replace(task, network=nn.Linear(2, 2)),
        "family": decoder_task(Watcher(family="other")),
        "front_end_version": decoder_task(Watcher(front_end_version=2)),
    }
    for field_name, other in others.items():
        differing = {k for k, v in other.identity().items() if v != task.identity()[k]}
        assert differing == {field_name}
    for other in (counting(7), changed):
        assert decoder_task(Watcher(), other).identity() != task.identity()


def test_an_encoders_identity_tells_its_background() -> None:
    task = EncoderTask(nn.Linear(1, 1), Watcher(), [scored()], [torch.zeros(9)], CONFIG)
    other = replace(task, background=[torch.ones(9)])
    assert task.identity() != other.identity()
    assert task.identity()["kind"] == "encoder"
