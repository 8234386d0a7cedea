"""The code of a micro-kernel's blocks, as LLVM's intermediate language; `kernel.py` says of what.

A sum runs over k in order, one multiply-add after the other, whatever the block. So a row comes
out the same to the last bit, however many rows are beside it.

Numbers are float32, or come as words of 4 bytes that hold two of bfloat16 or four of int8. In
int8 a weight is a whole multiple of its column's scale, and a number of x one of its row's, stored
plus 128, as the instruction takes x without a sign:

    y += (Σ u·q − 128 Σ q) · scale of the row · scale of the column,    u = 128 … 128 ± 127

Sums of whole numbers are exact. A panel ends with what its columns start from, −128 Σ q, and
with their scales; a row of x ends with its own.

Source: of scales, Jacob et al., arXiv:1712.05877, section 2.
"""

from __future__ import annotations

from typing import ClassVar

from llvmlite import ir

from umt_domains.wavenet.engine.kinds import VECTORS, Kind

PREFETCHING_ROWS = 3
"""From here on the next panels are fetched while these are multiplied. With fewer rows the
weights are read faster than that would help; the processor sees itself that it goes on."""

I32, I64, F32 = ir.IntType(32), ir.IntType(64), ir.FloatType()
ARGUMENTS = ("y", "y_stride", "x", "x_stride", "w", "depth", "rows", "panels")
"""Of a micro-kernel, all int64: addresses y of float32, x of words, w of panels; strides of rows in
words; depth in words too, a multiple of `Kind.unrolled`."""

Values = list[ir.Value]


class _BFloat(ir.types.Type):  # type: ignore[misc]  # Any to mypy: llvmlite has no types
    """bfloat16, which is missing among llvmlite's types of numbers."""

    def _to_string(self) -> str:
        return "bfloat"


BF16 = _BFloat()


def writer_of(kind: Kind) -> type[Block]:
    """What writes the blocks of a kind."""
    return {"float32": Block, "bfloat16": HalvedBlock, "int8": ScaledBlock}[kind.precision]


class Block:
    """Writes the code of one block: of float32, whose sums begin as what is in y.

    Args:
        kind: of the micro-kernel.
        function: that the code is part of; takes `ARGUMENTS`.
        rows: of the block.
        panels: of the block.
    """

    PANEL_ENDS: ClassVar[int] = 0
    """Rows of a panel behind its weights."""

    def __init__(self, kind: Kind, function: ir.Function, rows: int, panels: int) -> None:
        self._kind, self._function = kind, function
        self._y, self._y_stride, self._x, self._x_stride, self._w, self._depth, *_ = function.args
        self._rows, self._columns = range(rows), range(panels * VECTORS)
        self._floats = ir.VectorType(F32, kind.lanes)
        self._words = ir.VectorType(I32, kind.lanes)

    def emit(self, block: ir.Block, done: ir.Block) -> None:
        """From `block` on, and then to `done`."""
        entry = ir.IRBuilder(block)
        places = [
            [self._place(entry, row, column) for column in self._columns] for row in self._rows
        ]
        rows = [
            self._address(entry, self._x, entry.mul(self._x_stride, I64(row))) for row in self._rows
        ]
        before = [self._begin(entry, of_row) for of_row in places]
        loop = ir.IRBuilder(self._function.append_basic_block("loop"))
        after = ir.IRBuilder(self._function.append_basic_block("after"))
        entry.branch(loop.block)
        k = loop.phi(I64)
        k.add_incoming(I64(0), block)
        sums = [[loop.phi(start.type) for start in of_row] for of_row in before]
        added: list[Values] = [list(of_row) for of_row in sums]
        for step in range(self._kind.unrolled):
            self._step(loop, rows, loop.add(k, I64(step)), added)
        for phis, starts, ends in zip(sums, before, added, strict=True):
            for phi, start, end in zip(phis, starts, ends, strict=True):
                phi.add_incoming(start, block)
                phi.add_incoming(end, loop.block)
        next_k = loop.add(k, I64(self._kind.unrolled))
        k.add_incoming(next_k, loop.block)
        loop.cbranch(loop.icmp_signed("<", next_k, self._depth), loop.block, after.block)
        for row, of_row, ends in zip(rows, places, added, strict=True):
            self._end(after, row, of_row, ends)
        after.branch(done)

    def _begin(self, b: ir.IRBuilder, places: Values) -> Values:
        """What a row's sums start from, which are to be added to some places of y."""
        return [b.load(place, align=4) for place in places]

    def _end(self, b: ir.IRBuilder, row: ir.Value, places: Values, sums: Values) -> None:
        """Write what came out of a row of x at this address."""
        del row
        for total, place in zip(sums, places, strict=True):
            b.store(total, place, align=4)

    def _multiply_add(self, b: ir.IRBuilder, x: ir.Value, w: ir.Value, total: ir.Value) -> ir.Value:
        """Of vectors of words: what is in them is multiplied, and added to a vector of sums."""
        return self._fma(b, b.bitcast(x, self._floats), b.bitcast(w, self._floats), total)

    def _step(self, b: ir.IRBuilder, rows: Values, k: ir.Value, sums: list[Values]) -> None:
        """One k: a row of each panel times one word of each row of x."""
        weights = []
        panels_ahead = b.mul(self._panel_rows(b), I64(len(self._columns) * self._kind.lanes))
        for column in self._columns:
            address = self._in_panel(b, column, k)
            weights.append(self._load_panel(b, address, self._words))
            if column % VECTORS == 0 and len(rows) >= PREFETCHING_ROWS:
                self._prefetch(b, self._address(b, address, panels_ahead))
        for row, address in enumerate(rows):
            spread = self._spread(b, self._address(b, address, k), I32)
            for column, weight in enumerate(weights):
                sums[row][column] = self._multiply_add(b, spread, weight, sums[row][column])

    def _panel_rows(self, b: ir.IRBuilder) -> ir.Value:
        return b.add(self._depth, I64(self.PANEL_ENDS))

    def _in_panel(self, b: ir.IRBuilder, column: int, row: ir.Value) -> ir.Value:
        """Address of a column's part of a panel's row."""
        panel, vector = divmod(column, VECTORS)
        row = b.add(b.mul(self._panel_rows(b), I64(panel)), row)
        place = b.add(b.mul(row, I64(self._kind.width)), I64(vector * self._kind.lanes))
        return self._address(b, self._w, place)

    def _load_panel(self, b: ir.IRBuilder, address: ir.Value, kind: ir.Type) -> ir.Value:
        return b.load(b.inttoptr(address, kind.as_pointer()), align=4 * self._kind.lanes)

    def _place(self, b: ir.IRBuilder, row: int, column: int) -> ir.Value:
        """Of a vector in y."""
        index = b.add(b.mul(self._y_stride, I64(row)), I64(column * self._kind.lanes))
        return b.inttoptr(self._address(b, self._y, index), self._floats.as_pointer())

    def _prefetch(self, b: ir.IRBuilder, address: ir.Value) -> None:
        """Bring what is needed next into the nearest cache; anything may lie there."""
        module, pointer = self._function.module, ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, I32, I32, I32])
        known = module.globals.get("llvm.prefetch.p0")
        function = known or ir.Function(module, kind, "llvm.prefetch.p0")
        b.call(function, [b.inttoptr(address, pointer), I32(0), I32(3), I32(1)])

    def _fma(self, b: ir.IRBuilder, x: ir.Value, w: ir.Value, total: ir.Value) -> ir.Value:
        return self._intrinsic(b, f"llvm.fma.v{self._kind.lanes}f32", [x, w, total], total.type)

    def _intrinsic(
        self, b: ir.IRBuilder, name: str, arguments: Values, returns: ir.Type
    ) -> ir.Value:
        module = self._function.module
        kind = ir.FunctionType(returns, [argument.type for argument in arguments])
        known = module.globals.get(name)
        return b.call(known or ir.Function(module, kind, name), arguments)

    def _spread(self, b: ir.IRBuilder, address: ir.Value, kind: ir.Type) -> ir.Value:
        """The number at an address in each lane."""
        number = b.load(b.inttoptr(address, kind.as_pointer()), align=4)
        nothing = ir.Constant(ir.VectorType(kind, self._kind.lanes), ir.Undefined)
        vector = b.insert_element(nothing, number, I32(0))
        return b.shuffle_vector(vector, nothing, ir.Constant(self._words, None))

    def _each(self, number: int) -> ir.Constant:
        """The same int32 in each lane."""
        return ir.Constant(self._words, [number] * self._kind.lanes)

    @staticmethod
    def _address(b: ir.IRBuilder, base: ir.Value, index: ir.Value) -> ir.Value:
        """Of a word."""
        return b.add(base, b.mul(index, I64(4)))


class HalvedBlock(Block):
    """Of bfloat16: two products are added at once."""

    def _multiply_add(self, b: ir.IRBuilder, x: ir.Value, w: ir.Value, total: ir.Value) -> ir.Value:
        if self._kind.emulated:
            for half in (self._upper, self._lower):
                total = self._fma(b, half(b, x), half(b, w), total)
            return total
        pairs = ir.VectorType(BF16, 2 * self._kind.lanes)
        name = f"llvm.x86.avx512bf16.dpbf16ps.{32 * self._kind.lanes}"
        arguments = [total, b.bitcast(x, pairs), b.bitcast(w, pairs)]
        return self._intrinsic(b, name, arguments, total.type)

    def _upper(self, b: ir.IRBuilder, pairs: ir.Value) -> ir.Value:
        return b.bitcast(b.and_(pairs, self._each(0xFFFF0000)), self._floats)

    def _lower(self, b: ir.IRBuilder, pairs: ir.Value) -> ir.Value:
        return b.bitcast(b.shl(pairs, self._each(16)), self._floats)


class ScaledBlock(Block):
    """Of int8: sums are whole numbers until they are scaled and added to y."""

    PANEL_ENDS = 2

    def _begin(self, b: ir.IRBuilder, places: Values) -> Values:
        del places
        return self._of_columns(b, 0, self._words)

    def _end(self, b: ir.IRBuilder, row: ir.Value, places: Values, sums: Values) -> None:
        of_row = self._spread(b, self._address(b, row, self._depth), F32)
        scales = self._of_columns(b, 1, self._floats)
        for total, scale, place in zip(sums, scales, places, strict=True):
            product = b.fmul(b.sitofp(total, self._floats), b.fmul(of_row, scale))
            b.store(b.fadd(b.load(place, align=4), product), place, align=4)

    def _of_columns(self, b: ir.IRBuilder, row: int, kind: ir.Type) -> Values:
        """A row behind the panels' weights, for all columns."""
        place = b.add(self._depth, I64(row))
        return [self._load_panel(b, self._in_panel(b, c, place), kind) for c in self._columns]

    def _multiply_add(self, b: ir.IRBuilder, x: ir.Value, w: ir.Value, total: ir.Value) -> ir.Value:
        """Four numbers without a sign times four with one."""
        if not self._kind.emulated:
            name = f"llvm.x86.avx512.vpdpbusd.{32 * self._kind.lanes}"
            return self._intrinsic(b, name, [total, x, w], total.type)
        for left in map(self._each, (24, 16, 8, 0)):
            u = b.lshr(b.shl(x, left), self._each(24))
            total = b.add(total, b.mul(u, b.ashr(b.shl(w, left), self._each(24))))
        return total
