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
is compiled on the user's machine: no compiler has to be there.

A sum runs over k in order, one multiply-add after the other, whatever the block. So a row comes
out the same to the last bit, however many rows are beside it.

Numbers are float32, or come as words of 4 bytes that hold two of bfloat16 or four of int8. In
int8 a weight is a whole multiple of its column's scale, and a number of x one of its row's, stored
plus 128, as the instruction takes x without a sign:

    y += (Σ u·q − 128 Σ q) · scale of the row · scale of the column,    u = 128 … 128 ± 127

Sums of whole numbers are exact. A panel ends with what its columns start from, −128 Σ q, and
with their scales; a row of x ends with its own.

Sources: the blocking is Goto and van de Geijn's, Anatomy of High-Performance Matrix
Multiplication (2008); of scales, Jacob et al., arXiv:1712.05877, section 2.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llvmlite import binding, ir

VECTORS = 2
"""Registers that a panel is wide."""
DEPTH_MULTIPLE = 8
"""K is padded to a multiple of this: whole turns of the loop in every precision."""
PREFETCHING_ROWS = 3
"""From here on the next panels are fetched while these are multiplied. With fewer rows the
weights are read faster than that would help; the processor sees itself that it goes on."""
SYMBOL = "add_block"

I32, I64, F32 = ir.IntType(32), ir.IntType(64), ir.FloatType()
ARGUMENTS = ("y", "y_stride", "x", "x_stride", "w", "depth", "rows", "panels")
"""Addresses y of float32, x of words, w of panels; strides of rows in words; depth in words too,
a multiple of `Kind.unrolled`."""
Prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(ARGUMENTS))


class _BFloat(ir.types.Type):  # type: ignore[misc]  # llvmlite is not annotated
    """bfloat16, which is missing among llvmlite's types of numbers."""

    def _to_string(self) -> str:
        return "bfloat"


BF16 = _BFloat()


@dataclass(frozen=True)
class Kind:
    """What a micro-kernel is made of."""

    name: str
    lanes: int
    """float32 numbers in a register."""
    registers: int
    features: tuple[str, ...]
    """Of the processor; without all of them it does not run."""
    precision: str = "float32"
    """Of the weights and of x; what is added to y is float32 always. Or `bfloat16`, or `int8`."""
    emulated: bool = False
    """Whether words are multiplied by instructions for float32 and int32, which any processor
    has."""

    @property
    def packed(self) -> int:
        """Numbers in a word."""
        return {"float32": 1, "bfloat16": 2, "int8": 4}[self.precision]

    @property
    def scaled(self) -> bool:
        """Whether rows of x end with their scale, and panels with what `_ScaledBlock` adds."""
        return self.precision == "int8"

    @property
    def unrolled(self) -> int:
        """Words of k in one turn of the loop."""
        return min(4, DEPTH_MULTIPLE // self.packed)

    @property
    def width(self) -> int:
        """Columns of a panel."""
        return VECTORS * self.lanes

    @property
    def most_rows(self) -> int:
        """Of a block: three quarters of the registers hold sums."""
        return 3 * self.registers // (4 * VECTORS)

    def panels_at_once(self, rows: int) -> int:
        """Of a block of so many rows: few rows need several panels to keep all units busy."""
        fitting = (self.registers - 1) // ((rows + 1) * VECTORS)
        return 4 if rows == 1 else min(2, fitting)


AVX2 = Kind("avx2", 8, 16, ("avx2", "fma"))
AVX512 = Kind("avx512", 16, 32, ("avx512f",))
AVX512_BF16 = Kind("avx512-bf16", 16, 32, ("avx512f", "avx512bf16"), "bfloat16")
NEON = Kind("neon", 4, 32, ("neon",))
AVX512_INT8 = Kind("avx512-int8", 16, 32, ("avx512f", "avx512vnni"), "int8")
KINDS = (AVX512_BF16, AVX512, AVX2, NEON, AVX512_INT8)
"""The widest first; what only who asks for it gets comes last."""


def usable(features: Mapping[str, bool]) -> tuple[Kind, ...]:
    """The kinds that a processor runs, in the order of `KINDS`.

    >>> [kind.name for kind in usable({"avx2": True, "fma": True})]
    ['avx2']
    """
    return tuple(kind for kind in KINDS if all(features.get(f, False) for f in kind.features))


@dataclass(frozen=True)
class Kernel:
    """A micro-kernel, compiled."""

    kind: Kind
    add_block: Callable[..., None]
    """Takes `ARGUMENTS`."""
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
            writer = _ScaledBlock if kind.scaled else _Block
            writer(kind, function, num_rows, num_panels).emit(block, done)
    ir.IRBuilder(done).ret_void()
    return module


class _Block:
    """Writes the code of one block, whose sums begin as what is in y."""

    PANEL_ENDS = 0
    """Rows of a panel behind its weights."""

    def __init__(self, kind: Kind, function: ir.Function, rows: int, panels: int) -> None:
        self._kind, self._function = kind, function
        self._rows, self._columns = range(rows), range(panels * VECTORS)
        self._floats = ir.VectorType(F32, kind.lanes)
        self._words = ir.VectorType(I32, kind.lanes)
        self._sums = self._floats

    def emit(self, block: ir.Block, done: ir.Block) -> None:
        """From `block` on, and then to `done`."""
        y, y_stride, x, x_stride, _, depth, _, _ = self._function.args
        entry = ir.IRBuilder(block)
        places = [
            [
                self._place(entry, y, entry.add(entry.mul(y_stride, I64(row)), I64(column)))
                for column in (v * self._kind.lanes for v in self._columns)
            ]
            for row in self._rows
        ]
        rows = [self._address(entry, x, entry.mul(x_stride, I64(row))) for row in self._rows]
        before = self._begin(entry, places)
        loop = ir.IRBuilder(self._function.append_basic_block("loop"))
        after = ir.IRBuilder(self._function.append_basic_block("after"))
        entry.branch(loop.block)
        k = loop.phi(I64)
        k.add_incoming(I64(0), block)
        sums = [[loop.phi(self._sums) for _ in row] for row in before]
        added: list[list[ir.Value]] = [list(row) for row in sums]
        for step in range(self._kind.unrolled):
            self._step(loop, rows, loop.add(k, I64(step)), added)
        for phis, starts, ends in zip(sums, before, added, strict=True):
            for phi, start, end in zip(phis, starts, ends, strict=True):
                phi.add_incoming(start, block)
                phi.add_incoming(end, loop.block)
        next_k = loop.add(k, I64(self._kind.unrolled))
        k.add_incoming(next_k, loop.block)
        loop.cbranch(loop.icmp_signed("<", next_k, depth), loop.block, after.block)
        self._end(after, rows, places, added)
        after.branch(done)

    def _begin(self, b: ir.IRBuilder, places: list[list[ir.Value]]) -> list[list[ir.Value]]:
        """What sums start from."""
        return [[b.load(place, align=4) for place in row] for row in places]

    def _end(
        self,
        b: ir.IRBuilder,
        rows: list[ir.Value],
        places: list[list[ir.Value]],
        sums: list[list[ir.Value]],
    ) -> None:
        """Write what came out."""
        del rows
        for ends, row in zip(sums, places, strict=True):
            for end, place in zip(ends, row, strict=True):
                b.store(end, place, align=4)

    def _step(
        self, b: ir.IRBuilder, rows: list[ir.Value], k: ir.Value, sums: list[list[ir.Value]]
    ) -> None:
        """One k: a row of each panel times one number of each row of x."""
        weights = []
        panels_ahead = b.mul(self._panel_rows(b), I64(len(self._columns) * self._kind.lanes))
        for v in self._columns:
            address = self._in_panel(b, v, k)
            pointer = b.inttoptr(address, self._words.as_pointer())
            weights.append(b.load(pointer, align=4 * self._kind.lanes))
            if v % VECTORS == 0 and len(rows) >= PREFETCHING_ROWS:
                self._prefetch(b, self._address(b, address, panels_ahead))
        for row, address in enumerate(rows):
            number = b.load(b.inttoptr(self._address(b, address, k), I32.as_pointer()), align=4)
            spread = self._spread(b, number)
            for v, weight in enumerate(weights):
                sums[row][v] = self._multiply_add(b, spread, weight, sums[row][v])

    def _panel_rows(self, b: ir.IRBuilder) -> ir.Value:
        return b.add(self._function.args[5], I64(self.PANEL_ENDS))

    def _in_panel(self, b: ir.IRBuilder, column: int, row: ir.Value) -> ir.Value:
        """Address of a column's part of a panel's row."""
        panel, vector = divmod(column, VECTORS)
        row = b.add(b.mul(self._panel_rows(b), I64(panel)), row)
        place = b.add(b.mul(row, I64(self._kind.width)), I64(vector * self._kind.lanes))
        return self._address(b, self._function.args[4], place)

    def _multiply_add(self, b: ir.IRBuilder, x: ir.Value, w: ir.Value, total: ir.Value) -> ir.Value:
        """Of vectors of 4-byte words: a float32 each, or two bfloat16 whose products are added."""
        if self._kind.precision == "float32":
            return self._fma(b, b.bitcast(x, self._floats), b.bitcast(w, self._floats), total)
        if self._kind.emulated:
            for half in (self._upper, self._lower):
                total = self._fma(b, half(b, x), half(b, w), total)
            return total
        pairs = ir.VectorType(BF16, 2 * self._kind.lanes)
        name = f"llvm.x86.avx512bf16.dpbf16ps.{32 * self._kind.lanes}"
        return self._intrinsic(b, name, [total, b.bitcast(x, pairs), b.bitcast(w, pairs)])

    def _prefetch(self, b: ir.IRBuilder, address: ir.Value) -> None:
        """Bring what is needed next into the nearest cache; anything may lie there."""
        module, pointer = self._function.module, ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, I32, I32, I32])
        known = module.globals.get("llvm.prefetch.p0")
        function = known or ir.Function(module, kind, "llvm.prefetch.p0")
        b.call(function, [b.inttoptr(address, pointer), I32(0), I32(3), I32(1)])

    def _fma(self, b: ir.IRBuilder, x: ir.Value, w: ir.Value, total: ir.Value) -> ir.Value:
        return self._intrinsic(b, f"llvm.fma.v{self._kind.lanes}f32", [x, w, total])

    def _intrinsic(self, b: ir.IRBuilder, name: str, arguments: list[ir.Value]) -> ir.Value:
        module = self._function.module
        kind = ir.FunctionType(self._sums, [argument.type for argument in arguments])
        known = module.globals.get(name)
        return b.call(known or ir.Function(module, kind, name), arguments)

    def _upper(self, b: ir.IRBuilder, pairs: ir.Value) -> ir.Value:
        mask = ir.Constant(self._words, [0xFFFF0000] * self._kind.lanes)
        return b.bitcast(b.and_(pairs, mask), self._floats)

    def _lower(self, b: ir.IRBuilder, pairs: ir.Value) -> ir.Value:
        bits = ir.Constant(self._words, [16] * self._kind.lanes)
        return b.bitcast(b.shl(pairs, bits), self._floats)

    def _spread(self, b: ir.IRBuilder, number: ir.Value) -> ir.Value:
        """The same number in each lane."""
        nothing = ir.Constant(ir.VectorType(number.type, self._kind.lanes), ir.Undefined)
        vector = b.insert_element(nothing, number, I32(0))
        return b.shuffle_vector(vector, nothing, ir.Constant(self._words, None))

    def _place(self, b: ir.IRBuilder, base: ir.Value, index: ir.Value) -> ir.Value:
        return b.inttoptr(self._address(b, base, index), self._floats.as_pointer())

    @staticmethod
    def _address(b: ir.IRBuilder, base: ir.Value, index: ir.Value) -> ir.Value:
        """Of a 4-byte word."""
        return b.add(base, b.mul(index, I64(4)))


class _ScaledBlock(_Block):
    """Of int8: sums are whole numbers until they are scaled and added to y."""

    PANEL_ENDS = 2

    def __init__(self, kind: Kind, function: ir.Function, rows: int, panels: int) -> None:
        super().__init__(kind, function, rows, panels)
        self._sums = self._words

    def _begin(self, b: ir.IRBuilder, places: list[list[ir.Value]]) -> list[list[ir.Value]]:
        starts = [self._of_columns(b, column, 0, self._words) for column in self._columns]
        return [starts for _ in places]

    def _end(
        self,
        b: ir.IRBuilder,
        rows: list[ir.Value],
        places: list[list[ir.Value]],
        sums: list[list[ir.Value]],
    ) -> None:
        scales = [self._of_columns(b, column, 1, self._floats) for column in self._columns]
        depth = self._function.args[5]
        for address, ends, row in zip(rows, sums, places, strict=True):
            number = b.load(b.inttoptr(self._address(b, address, depth), F32.as_pointer()), align=4)
            of_row = self._spread(b, number)
            for end, scale, place in zip(ends, scales, row, strict=True):
                product = b.fmul(b.sitofp(end, self._floats), b.fmul(of_row, scale))
                b.store(b.fadd(b.load(place, align=4), product), place, align=4)

    def _of_columns(self, b: ir.IRBuilder, column: int, row: int, kind: ir.Type) -> ir.Value:
        """A row behind a panel's weights."""
        address = self._in_panel(b, column, b.add(self._function.args[5], I64(row)))
        return b.load(b.inttoptr(address, kind.as_pointer()), align=4 * self._kind.lanes)

    def _multiply_add(self, b: ir.IRBuilder, x: ir.Value, w: ir.Value, total: ir.Value) -> ir.Value:
        """Of vectors of words: four numbers without a sign, four with one."""
        if not self._kind.emulated:
            name = f"llvm.x86.avx512.vpdpbusd.{32 * self._kind.lanes}"
            return self._intrinsic(b, name, [total, x, w])
        for left in (24, 16, 8, 0):
            to_the_left, to_the_right = self._same(left), self._same(24)
            u = b.lshr(b.shl(x, to_the_left), to_the_right)
            total = b.add(total, b.mul(u, b.ashr(b.shl(w, to_the_left), to_the_right)))
        return total

    def _same(self, number: int) -> ir.Constant:
        return ir.Constant(self._words, [number] * self._kind.lanes)
