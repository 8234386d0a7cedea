"""Launching thousands of kernels as one.

A step of the sampler is some 150 kernels that compute less long than a CPU needs to launch
them. A CUDA graph has recorded them, and launches them all.

Source: CUDA Graphs, in the notes of PyTorch's documentation.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

Work = Callable[[], None]
Record = Callable[[Work], Work]
"""(work) → what does the same work again, perhaps faster."""

WARM_UPS = 3
"""Libraries prepare themselves at their first calls, which cannot be recorded."""


def as_it_is(work: Work) -> Work:
    """Record nothing."""
    return work


def on_cuda(device: torch.device) -> Record:
    """Record as a CUDA graph.

    The work must find and leave everything in the same tensors each time, wait for nothing, and
    decide nothing by what is in them. It is done a few times before it is recorded.
    """

    def record(work: Work) -> Work:
        with torch.cuda.device(device):
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(WARM_UPS):
                    work()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            # other threads may allocate memory meanwhile: an encoder computes in one of them
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                work()
        replay: Work = graph.replay
        return replay

    return record
