"""The sampler plays what the network, and the slow reference, would play."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from umt_domains.wavenet.choice import Choice
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.folded import fold
from umt_domains.wavenet.sampler import Tile
from wavenet_reference import SlowWaveNet, authors_decoder, forced_logits

HOP = 13


class Forced:
    """Chooses given classes, and notes the logits."""

    def __init__(self, classes_TN: Tensor) -> None:
        self.coming = list(classes_TN)
        self.seen: list[Tensor] = []

    def __call__(self, logits_NQ: Tensor, uniform_N1: Tensor, out_N1: Tensor) -> None:
        self.seen.append(logits_NQ.clone())
        out_N1.copy_(self.coming.pop(0)[:, None])


def play(tile: Tile, latents_FNC: Tensor, playing_FN: Tensor | None = None) -> Tensor:
    num_rows = latents_FNC.shape[1]
    if playing_FN is None:
        playing_FN = torch.ones(len(latents_FNC), num_rows, dtype=torch.bool)
    uniform_TN = torch.full((HOP, num_rows), 0.5)
    frames = zip(latents_FNC, playing_FN, strict=True)
    return torch.cat([tile.play(latent, uniform_TN, playing) for latent, playing in frames])


def test_forced_logits_are_those_of_the_slow_reference_in_every_row(
    small_decoder: DecoderNetwork,
) -> None:
    generator = torch.Generator().manual_seed(1)
    num_frames, num_rows = 4, 3
    classes_TN = torch.randint(0, 256, (num_frames * HOP, num_rows), generator=generator)
    latents_FNC = torch.randn(num_frames, num_rows, 5, generator=generator)
    forced = Forced(classes_TN)
    tile = Tile(fold(small_decoder, "cpu"), forced, num_rows)
    for row in range(num_rows):
        tile.reset(row)
    assert torch.equal(play(tile, latents_FNC), classes_TN)
    logits_NQT = torch.stack(forced.seen, dim=-1)
    for row in range(num_rows):
        slow = SlowWaveNet(authors_decoder(small_decoder), blocks=2, layers=3)
        classes = classes_TN[:, row].tolist()
        latents_CF = latents_FNC[:, row].T.double().numpy()
        wanted = forced_logits(slow, classes, latents_CF, HOP, first=128 / 255 - 0.5)
        error = np.abs(logits_NQT[row].numpy() - wanted).max()
        assert error < 5e-6 * np.abs(wanted).max()


def test_forced_logits_are_those_of_the_slow_reference_at_the_published_size(
    published_decoder: DecoderNetwork,
) -> None:
    generator = torch.Generator().manual_seed(7)
    classes_TN = torch.randint(0, 256, (4 * HOP, 1), generator=generator)
    latents_FNC = torch.randn(4, 1, 64, generator=generator)
    forced = Forced(classes_TN)
    tile = Tile(fold(published_decoder, "cpu"), forced, 1)
    tile.reset(0)
    play(tile, latents_FNC)
    slow = SlowWaveNet(authors_decoder(published_decoder), blocks=4, layers=14)
    latents_CF = latents_FNC[:, 0].T.double().numpy()
    first = 128 / 255 - 0.5
    wanted = forced_logits(slow, classes_TN[:, 0].tolist(), latents_CF, HOP, first)
    error = np.abs(torch.cat(forced.seen).T.numpy() - wanted).max()
    assert error < 5e-6 * np.abs(wanted).max()


def test_forced_logits_are_those_of_the_network_once_the_start_is_forgotten(
    small_decoder: DecoderNetwork,
) -> None:
    # sampling starts from class 128, training from a zero: a receptive field later both agree
    generator = torch.Generator().manual_seed(2)
    classes_TN = torch.randint(0, 256, (4 * HOP, 1), generator=generator)
    latents_FNC = torch.randn(4, 1, 5, generator=generator)
    forced = Forced(classes_TN)
    tile = Tile(fold(small_decoder, "cpu"), forced, 1)
    tile.reset(0)
    play(tile, latents_FNC)
    with torch.no_grad():
        wanted = small_decoder(classes_TN.T, latents_FNC.permute(1, 2, 0))[0]
    settled = small_decoder.config.receptive_field_samples
    sampled = torch.cat(forced.seen).T
    torch.testing.assert_close(sampled[:, settled:], wanted[:, settled:], rtol=1e-4, atol=1e-4)


def test_an_idle_row_stays_as_it_was(small_decoder: DecoderNetwork) -> None:
    generator = torch.Generator().manual_seed(3)
    latents_FNC = torch.randn(6, 2, 5, generator=generator)
    weights = fold(small_decoder, "cpu")
    busy, pausing = Tile(weights, Choice().draw, 2), Tile(weights, Choice().draw, 2)
    for tile in (busy, pausing):
        tile.reset(0)
        tile.reset(1)
    whole = play(busy, latents_FNC[[0, 1, 5]])
    # row 0 pauses for frames 2 … 4, while row 1 goes on
    playing_FN = torch.tensor([[1, 1], [1, 1], [0, 1], [0, 1], [0, 1], [1, 1]], dtype=torch.bool)
    paused = play(pausing, latents_FNC, playing_FN)
    heard = playing_FN[:, 0].repeat_interleave(HOP)
    assert torch.equal(paused[heard, 0], whole[:, 0])


def test_a_row_that_is_reset_forgets_everything(small_decoder: DecoderNetwork) -> None:
    latents_FNC = torch.randn(4, 2, 5, generator=torch.Generator().manual_seed(4))
    tile = Tile(fold(small_decoder, "cpu"), Choice().draw, 2)
    tile.reset(0)
    once = play(tile, latents_FNC)[:, 0]
    tile.reset(0)
    assert torch.equal(play(tile, latents_FNC)[:, 0], once)


def test_sampling_leaves_the_network_as_it_is(small_decoder: DecoderNetwork) -> None:
    before = {name: tensor.clone() for name, tensor in small_decoder.state_dict().items()}
    modules = [type(module) for module in small_decoder.modules()]
    tile = Tile(fold(small_decoder, "cpu"), Choice().draw, 2)
    tile.reset(0)
    play(tile, torch.randn(2, 2, 5))
    assert [type(module) for module in small_decoder.modules()] == modules
    for name, tensor in small_decoder.state_dict().items():
        assert torch.equal(tensor, before[name])
