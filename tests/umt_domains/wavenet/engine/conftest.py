"""Kinds of micro-kernels that any machine can run."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from umt_domains.wavenet.engine.kernel import Kernel, build
from umt_domains.wavenet.engine.kinds import AVX2, AVX512, AVX512_BF16, AVX512_INT8
from umt_domains.wavenet.engine.plain import build_plain

RUNNABLE = {
    "avx2": AVX2,
    # compiled for this machine, whose registers may be narrower: the same sums, slower
    "avx512": AVX512,
    "avx512-bf16": replace(AVX512_BF16, emulated=True),
    "avx512-int8": replace(AVX512_INT8, emulated=True),
}


@cache
def kernel_of(name: str) -> Kernel:
    return build_plain() if name == "plain" else build(RUNNABLE[name])


@pytest.fixture(params=("plain", *RUNNABLE))
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


@pytest.fixture(params=("plain", "avx2", "avx512"))
def float32_kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)
