"""Micro-kernels multiply, and are made of the instructions that they are meant to be."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from llvmlite import binding

from umt_domains.wavenet.engine.kernel import Kernel, emit
from umt_domains.wavenet.engine.kinds import (
    AVX2,
    AVX512,
    AVX512_BF16,
    AVX512_INT8,
    KINDS,
    NEON,
    VECTORS,
    Kind,
    usable,
)
from umt_domains.wavenet.engine.machine import engine_of, multiplies
from umt_domains.wavenet.engine.packing import deep, panels
from umt_domains.wavenet.engine.products import add_product

TARGETS = (
    (AVX2, "haswell", "vfmadd...ps", "ymm"),
    (AVX512, "skylake-avx512", "vfmadd...ps", "zmm"),
    (AVX512_BF16, "cooperlake", "vdpbf16ps", "zmm"),
    (AVX512_INT8, "cascadelake", "vpdpbusd", "zmm"),
    (NEON, "cortex-a72", "fmla", "v[0-9]+\\.4s"),
)
"""Kinds, processors that have them, their multiplications, and the registers of these."""


def assembly(kind: Kind, cpu: str) -> str:
    """What a micro-kernel becomes on some processor, be it here or not."""
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    machine = "aarch64" if kind is NEON else "x86_64"
    target = binding.Target.from_triple(f"{machine}-unknown-linux-gnu")
    compiler = target.create_target_machine(cpu=cpu, opt=3)
    return str(compiler.emit_assembly(binding.parse_assembly(str(emit(kind)))))


@pytest.mark.parametrize(("kind", "cpu", "instruction", "register"), TARGETS)
def test_every_multiplication_is_the_widest_instruction(
    kind: Kind, cpu: str, instruction: str, register: str
) -> None:
    found = re.findall(rf"\t{instruction}\t.*{register}", assembly(kind, cpu))
    blocks = {
        (rows, num)
        for rows in range(1, kind.most_rows + 1)
        for num in (1, kind.panels_at_once(rows))
    }
    assert len(found) == kind.unrolled * VECTORS * sum(rows * num for rows, num in blocks)


@pytest.mark.parametrize(("kind", "cpu", "instruction", "register"), TARGETS[:4])
def test_no_sum_leaves_the_registers_of_an_x86_on_the_way(
    kind: Kind, cpu: str, instruction: str, register: str
) -> None:
    pieces = re.split(r"\n\.LBB\d+_\d+:", assembly(kind, cpu))
    loops = [code for code in pieces if re.search(rf"\t{instruction}\t", code)]
    assert len(loops) >= kind.most_rows
    for code in loops:
        assert not re.search(r"%[yz]mm\d+, .*\(%rsp\)|\(%rsp\), %[yz]mm", code)


def test_a_processor_gets_what_it_can_run_the_widest_first() -> None:
    every = dict.fromkeys(("avx2", "fma", "avx512f", "avx512bf16", "avx512vnni"), True)
    assert usable(every) == (AVX512_BF16, AVX512, AVX2, AVX512_INT8)
    assert usable({**every, "avx512bf16": False, "avx512vnni": False}) == (AVX512, AVX2)
    assert usable({**every, "fma": False, "avx512f": False}) == ()
    assert usable({"neon": True}) == (NEON,)
    assert usable({}) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_weights_lie_where_their_loads_say(kind: Kind) -> None:
    (claimed,) = set(re.findall(r"load <\d+ x i32>, .* align (\d+)", str(emit(kind))))
    w_PB = panels(np.ones((8, 3 * kind.width), np.float32), kind)
    # the registers of a panel's rows follow each other
    places = w_PB.ctypes.data + np.arange(0, w_PB.nbytes, 4 * kind.lanes)
    assert not (places % int(claimed)).any()


def test_wider_kinds_hold_more_sums() -> None:
    for wider, narrower in pairwise((AVX512, AVX2)):
        assert wider.most_rows * wider.width > narrower.most_rows * narrower.width


def rounded_off(x_NK: np.ndarray, w_KM: np.ndarray, kind: Kind) -> np.ndarray:
    """The most by which products may be off as factors are rounded."""
    x, w = np.abs(x_NK).astype(float), np.abs(w_KM).astype(float)
    if kind.precision == "bfloat16":  # to 8 bits
        off_x, off_w = 2**-8 * x, 2**-8 * w
    elif kind.precision == "int8":  # to a half of a 127th of the largest
        off_x = np.broadcast_to(x.max(axis=1, keepdims=True) / 254, x.shape)
        off_w = np.broadcast_to(w.max(axis=0, keepdims=True) / 254, w.shape)
    else:
        return np.zeros((len(x), w.shape[1]))
    return 1.001 * (off_x @ w + x @ off_w + off_x @ off_w)


@pytest.mark.parametrize(("depth", "columns"), [(8, 24), (5, 256), (24, 40), (128, 40)])
def test_products_are_those_of_numpy_in_float64(kernel: Kernel, depth: int, columns: int) -> None:
    kind, generator = kernel.kind, np.random.default_rng(1)
    w_KM = generator.standard_normal((depth, columns), np.float32)
    w_PB = panels(w_KM, kind)
    for rows in (1, 2, 3, kind.most_rows, kind.most_rows + 1, 17):
        x_NK = np.zeros((rows, deep(depth) + 8), np.float32)
        x_NK[:, :depth] = generator.standard_normal((rows, depth))
        y_NM = generator.standard_normal((rows, len(w_PB) * kind.width)).astype(np.float32)
        before = y_NM[:, :columns].copy()
        wanted = before + x_NK[:, :depth].astype(float) @ w_KM
        words = np.empty(rows * (deep(depth) + 1), np.int32)
        add_product(engine_of(kernel).slot, y_NM, x_NK, deep(depth), w_PB, words)
        size = np.abs(before) + np.abs(x_NK[:, :depth]) @ np.abs(w_KM)
        # each sum is rounded to 24 bits
        bound = 2 * deep(depth) * 2**-24 * size + rounded_off(x_NK[:, :depth], w_KM, kind)
        assert (np.abs(y_NM[:, :columns] - wanted) < bound).all()


def test_a_row_does_not_depend_on_how_many_there_are(kernel: Kernel) -> None:
    kind, generator = kernel.kind, np.random.default_rng(2)
    w_PB = panels(generator.standard_normal((64, 5 * kind.width), np.float32), kind)
    x_NK = generator.standard_normal((40, 64), np.float32)

    def product(rows: slice) -> np.ndarray:
        x, y = x_NK[rows].copy(), np.zeros((len(x_NK[rows]), 5 * kind.width), np.float32)
        add_product(engine_of(kernel).slot, y, x, 64, w_PB, np.empty(2 * x.size, np.int32))
        return y

    whole = product(slice(None))
    for first, end in ((0, 1), (3, 5), (7, 20), (39, 40), (1, 40)):
        assert np.array_equal(product(slice(first, end)), whole[first:end])


def test_a_kernel_that_multiplies_wrongly_is_found_out(kernel: Kernel) -> None:
    assert multiplies(engine_of(kernel))
    wrong = Kernel(kernel.kind, type(kernel.add_block)(lambda *_: None), None)
    assert not multiplies(engine_of(wrong))
