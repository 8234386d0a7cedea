"""Micro-kernels: a few rows times a few panels of a weight matrix, in vector registers.

A matrix product y += x · W is cut into blocks so small that their sums stay in registers
while the whole depth K is run through:

              panel 0  panel 1
             ┌────────┬────────┐
             │        │        │        W is stored panel by panel: each is as wide as two
    K        │        │        │        registers, and its K rows follow each other
             └────────┴────────┘
    ┌────┐   ┌────────┬────────┐
    │ x  │   │  sums  │  sums  │        each number of x meets a whole row of each panel
    └────┘   └────────┴────────┘

The code is written as LLVM's intermediate language by llvmlite, which comes with Numba, and
is compiled on the user's machine: no compiler has to be there. `blocks.py` writes it.

Source: the blocking is Goto and van de Geijn's, Anatomy of High-Performance Matrix
Multiplication (2008).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import binding, ir

from umt_domains.wavenet.engine.blocks import ARGUMENTS, I64, writer_of
from umt_domains.wavenet.engine.kinds import Kind

SYMBOL = "add_block"
Prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(ARGUMENTS))


@dataclass(frozen=True)
class Kernel:
    """A micro-kernel, compiled."""

    kind: Kind
    add_block: Callable[..., None]
    """Takes `blocks.ARGUMENTS`."""
    owner: object
    """Of the code that `add_block` runs."""


def build(kind: Kind) -> Kernel:
    """Compile a micro-kernel for this processor."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
    )
    engine = binding.create_mcjit_compiler(binding.parse_assembly(str(emit(kind))), machine)
    engine.finalize_object()
    return Kernel(kind, Prototype(engine.get_function_address(SYMBOL)), engine)


def emit(kind: Kind) -> ir.Module:
    """The micro-kernel: one function, which chooses its block by rows and panels."""
    module = ir.Module(SYMBOL)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64] * len(ARGUMENTS)), SYMBOL)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    *_, rows, panels = function.args
    done = function.append_basic_block("done")
    # rows and panels as one number
    switch = builder.switch(builder.add(builder.shl(rows, I64(8)), panels), done)
    for num_rows in range(1, kind.most_rows + 1):
        for num_panels in {1, kind.panels_at_once(num_rows)}:
            block = function.append_basic_block(f"block_{num_rows}x{num_panels}")
            switch.add_case(I64((num_rows << 8) + num_panels), block)
            writer_of(kind)(kind, function, num_rows, num_panels).emit(block, done)
    ir.IRBuilder(done).ret_void()
    return module
