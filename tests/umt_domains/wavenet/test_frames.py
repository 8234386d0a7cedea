"""Streams go on together, frame by frame, and each ends with its own block."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from umt_domains.wavenet.frames import frame_by_frame


def test_each_stream_is_played_as_long_as_its_block() -> None:
    blocks = {7: torch.tensor([[1.0, 2.0, 3.0]]), 4: torch.tensor([[5.0]]), 9: torch.zeros(1, 0)}
    together = []

    def play(latents: Mapping[int, Tensor]) -> dict[int, Tensor]:
        together.append(sorted(latents))
        return {stream_id: latent_C.repeat(2) for stream_id, latent_C in latents.items()}

    played = frame_by_frame(blocks, play)
    assert together == [[4, 7], [7], [7]]
    assert {stream_id: wav_T.tolist() for stream_id, wav_T in played.items()} == {
        7: [1, 1, 2, 2, 3, 3],
        4: [5, 5],
        9: [],
    }
