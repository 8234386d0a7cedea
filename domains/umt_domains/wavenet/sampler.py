"""Sampling: one sample after the other, at a cost that does not grow with the past.

A layer with dilation d needs its input of d samples ago, and no other from the past. Each
row of a tile therefore remembers d inputs of each layer, in a ring where time t lies at
t mod d: what is read there at time t is the input at t − d, and the input at t replaces it.

    layer d=1   [t−1]
    layer d=2   [t−2][t−1]
    layer d=4   [t−4][t−3][t−2][t−1]          one row's memory: sum(d) places

The past of all layers is known before a sample is begun, so that it is read, multiplied
and later replaced for all layers at once. Only this remains, layer by layer (`Folded`
says why it is the network's formula):

    a = a_past + x·now        a = σ(a)        h = g − 2·g·f        x = x + h·residual

A tile has a fixed number of rows, of which some may be idle: a matrix product rounds by
its shape, and this way the shape never changes. It plays a frame in slices, all of one length
and in the same memory, so that a slice can be recorded once and launched as a whole
(`graphs.py`).

C latent channels, K = L·N places, L layers, N rows, Q µ-law classes, R residual channels,
S skip channels, T samples of one latent frame, U samples of a slice.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from umt_domains.wavenet import mulaw
from umt_domains.wavenet.config import NUM_CLASSES
from umt_domains.wavenet.folded import NOTHING, Folded
from umt_domains.wavenet.graphs import Record, as_it_is

Draw = Callable[[Tensor, Tensor, Tensor], None]
"""(logits (N, Q), uniform (N, 1), classes (N, 1)): writes the classes, may spoil the logits."""

MOST_AT_ONCE = 64
"""Samples of a slice: recording more takes longer, and what it saves is lost among them."""


class Tile:
    """A fixed number of rows, each of which plays one stream or is idle.

    Args:
        weights: on the device where the tile shall live; tiles may share them.
        draw: chooses each class from its logits, as `Choice.draw`.
        num_rows: N.
        record: records the loop over the samples of a slice.
    """

    def __init__(
        self, weights: Folded, draw: Draw, num_rows: int, record: Record = as_it_is
    ) -> None:
        config, device = weights.config, weights.past_LRM.device
        dilations = torch.tensor(config.dilations, device=device)
        self._weights = weights
        self._draw = draw
        self._num_rows = num_rows
        self._mask_L1 = (dilations - 1)[:, None]  # t mod d for powers of two
        self._start_L1 = (dilations.cumsum(0) - dilations)[:, None]
        self._row_places = sum(config.dilations)
        # left empty, so that rows that are never opened take no memory
        places = num_rows * self._row_places + 1
        self._memory = torch.empty(places, config.residual_channels, device=device)
        self._memory[-1] = 0  # where idle rows read and write
        self._time_N = torch.zeros(num_rows, dtype=torch.int64, device=device)
        self._last_2N = torch.full((2, num_rows), NOTHING, device=device)
        self._make_buffers(device)
        with torch.inference_mode():
            self._play_slice = record(self._sample)
            self._memory[-1] = 0  # recording may have played, in idle rows

    @property
    def device(self) -> torch.device:
        """Where it lives."""
        return self._memory.device

    def _make_buffers(self, device: torch.device) -> None:
        config, rows, layers = self._weights.config, self._num_rows, len(self._weights.offset_LR)
        residual, skip = config.residual_channels, config.skip_channels
        self._x_LNR = torch.empty(layers + 1, rows, residual, device=device)
        self._a_LNM = torch.empty(layers, rows, 2 * residual, device=device)
        self._h_NK = torch.empty(rows, layers * residual, device=device)
        self._past_KR = torch.empty(layers * rows, residual, device=device)
        self._steer_LNM = torch.zeros_like(self._a_LNM)
        self._older_NR = torch.empty(rows, residual, device=device)
        self._skip_NS = torch.empty(rows, skip, device=device)
        self._fc_NS = torch.empty_like(self._skip_NS)
        self._head_NS = torch.zeros_like(self._skip_NS)
        self._logits_NQ = torch.empty(rows, NUM_CLASSES, device=device)
        hop = config.hop_samples
        at_once = max(length for length in range(1, MOST_AT_ONCE + 1) if hop % length == 0)
        self._uniform_UN = torch.full((at_once, rows), 0.5, device=device)
        self._places_UK = torch.full((at_once, layers * rows), len(self._memory) - 1, device=device)
        # two more: of the samples before
        self._classes_UN = torch.full((at_once + 2, rows), NOTHING, device=device)

    @torch.inference_mode()
    def reset(self, row: int) -> None:
        """Begin a stream in a row: zero state, and silence as the sample before the first."""
        repeats = torch.tensor(self._weights.config.dilations, device=self._memory.device)
        first = row * self._row_places
        fresh = -self._weights.offset_LR.repeat_interleave(repeats, dim=0)
        self._memory[first : first + self._row_places] = fresh
        self._time_N[row] = 0
        self._last_2N[:, row] = torch.tensor([NOTHING, mulaw.SILENCE])

    @torch.inference_mode()
    def play(self, latent_NC: Tensor, uniform_TN: Tensor, playing_N: Tensor) -> Tensor:
        """Sample one latent frame in the rows that are playing; the others stay as they are.

        Args:
            latent_NC: anything finite in idle rows.
            uniform_TN: random numbers strictly between 0 and 1.
            playing_N: bool.

        Shape:
            returns: (T, N), int64; meaningless in idle rows
        """
        weights, classes_UN = self._weights, self._classes_UN
        latents_LNC = latent_NC.expand(len(weights.latent_LCM), -1, -1)
        torch.baddbmm(weights.constant_LM, latents_LNC, weights.latent_LCM, out=self._steer_LNM)
        torch.addmm(weights.head_S, latent_NC, weights.head_CS, out=self._head_NS)
        classes_UN[:2] = self._last_2N
        played, at_once = [], len(self._uniform_UN)
        slices = zip(self._places(playing_N).split(at_once), uniform_TN.split(at_once), strict=True)
        for places_UK, uniform_UN in slices:
            self._places_UK.copy_(places_UK)
            self._uniform_UN.copy_(uniform_UN)
            self._play_slice()
            played.append(classes_UN[2:].clone())
            classes_UN[:2] = classes_UN[-2:].clone()
        self._last_2N = torch.where(playing_N, classes_UN[:2], self._last_2N)
        self._time_N += len(uniform_TN) * playing_N
        return torch.cat(played)

    def _places(self, playing_N: Tensor) -> Tensor:
        """Where each layer of each row remembers, at each sample of the frame: (T, K)."""
        hop, device = self._weights.config.hop_samples, playing_N.device
        rows_N = torch.arange(self._num_rows, device=device) * self._row_places
        time_T1N = self._time_N + torch.arange(hop, device=device)[:, None, None]
        places_TLN = rows_N + self._start_L1 + (time_T1N & self._mask_L1)
        return places_TLN.where(playing_N, len(self._memory) - 1).flatten(1)

    def _sample(self) -> None:
        """The loop over a slice's samples: but for the choice, nothing in it makes a tensor."""
        weights, memory, draw = self._weights, self._memory, self._draw
        x_LNR, a_LNM, h_NK, past_KR = self._x_LNR, self._a_LNM, self._h_NK, self._past_KR
        first_NR, older_NR = x_LNR[0], self._older_NR
        inputs_KR, past_LNR = x_LNR[:-1].flatten(0, 1), past_KR.view_as(x_LNR[:-1])
        skip_NS, fc_NS, logits_NQ = self._skip_NS, self._fc_NS, self._logits_NQ
        layers = self._layers()
        classes = self._classes_UN.unbind()
        columns = self._classes_UN[..., None].unbind()
        steps = zip(
            self._places_UK.unbind(),
            self._uniform_UN[..., None].unbind(),
            classes,
            classes[1:],
            columns[2:],
            strict=False,
        )
        for places_K, uniform_N1, before_N, last_N, next_N1 in steps:
            torch.index_select(weights.newer_QR, 0, last_N, out=first_NR)
            torch.index_select(weights.older_QR, 0, before_N, out=older_NR)
            first_NR.add_(older_NR)
            torch.index_select(memory, 0, places_K, out=past_KR)
            torch.baddbmm(self._steer_LNM, past_LNR, weights.past_LRM, out=a_LNM)
            for x_NR, a_NM, gate_NR, filter_NR, h_NR, next_NR, now_RM, residual_RR in layers:
                a_NM.addmm_(x_NR, now_RM)
                a_NM.sigmoid_()
                torch.addcmul(gate_NR, gate_NR, filter_NR, value=-2, out=h_NR)
                torch.addmm(x_NR, h_NR, residual_RR, out=next_NR)
            memory.index_copy_(0, places_K, inputs_KR)
            torch.addmm(weights.skip_S, h_NK, weights.skip_KS, out=skip_NS)
            skip_NS.addmm_(first_NR, weights.first_skip_RS).relu_()
            torch.addmm(self._head_NS, skip_NS, weights.fc_SS, out=fc_NS)
            torch.addmm(weights.logits_Q, fc_NS.relu_(), weights.logits_SQ, out=logits_NQ)
            draw(logits_NQ, uniform_N1, next_N1)

    def _layers(self) -> list[tuple[Tensor, ...]]:
        """For each layer its slices of the buffers, and its weights."""
        residual = self._weights.config.residual_channels
        return list(
            zip(
                self._x_LNR[:-1],
                self._a_LNM,
                self._a_LNM[..., :residual],
                self._a_LNM[..., residual:],
                self._h_NK.split(residual, dim=1),
                self._x_LNR[1:],
                self._weights.now_LRM,
                self._weights.residual_LRR,
                strict=True,
            )
        )
