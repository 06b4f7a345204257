"""Vectors of float32 numbers as values of numba's compiled code, and pointers to numbers.

numba counts references to an array at every call that takes one, which costs more time than a
product of small matrices; a pointer is a number. Nothing here keeps an array alive or knows
where it ends: the caller must.
"""

import llvmlite.binding
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

FLOAT = ir.FloatType()
NUMBERS = types.CPointer(types.float32)
CONTRACTED, REORDERED = ("contract",), ("contract", "reassoc", "nsz")


def _has_avx512() -> bool:
    """Of the processor that numba compiles for: the host's, unless one is named, without
    features or with some."""
    named = numba.config.CPU_FEATURES
    if named is None:
        named = llvmlite.binding.get_host_cpu_features().flatten()
    return "+avx512f" in named


WIDEST = 32 if _has_avx512() else 16
"""Numbers in the widest vectors. A vector fills two registers: enough sums then run at once to
hide the latency of one."""


class Vector(types.Type):
    """A vector of n float32 numbers."""

    def __init__(self, n: int):
        self.n = n
        super().__init__(f"Vector({n})")


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _vector(kind.n))


def _vector(n: int) -> ir.VectorType:
    return ir.VectorType(FLOAT, n)


def _shuffled(builder, first, second, places):
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places))
    return builder.shuffle_vector(first, second, mask)


def _of(builder, p, place, n):
    return builder.bitcast(builder.gep(p, [place]), _vector(n).as_pointer())


def _load(builder, p, place, n):
    found = builder.load(_of(builder, p, place, n))
    found.align = 4
    return found


def _store(builder, value, p, place):
    builder.store(value, _of(builder, p, place, value.type.count)).align = 4


def _added(builder, total, a, b):
    return builder.fadd(builder.fmul(a, b, flags=CONTRACTED), total, flags=CONTRACTED)


@intrinsic
def pointer(typing, array):
    """A pointer to the first number of an array."""

    def gen(context, builder, signature, args):
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), gen


@intrinsic
def after(typing, p, n):
    """The pointer that is n numbers further."""

    def gen(context, builder, signature, args):
        return builder.gep(args[0], [args[1]])

    return p(p, types.int64), gen


@intrinsic(prefer_literal=True)
def zeros(typing, n):
    """A vector of n zeros; n is a constant."""
    n = n.literal_value

    def gen(context, builder, signature, args):
        return ir.Constant(_vector(n), [0.0] * n)

    return Vector(n)(types.literal(n)), gen


@intrinsic(prefer_literal=True)
def load(typing, p, place, n):
    """The n numbers from `place` on; n is a constant."""
    n = n.literal_value

    def gen(context, builder, signature, args):
        return _load(builder, *args[:2], n)

    return Vector(n)(NUMBERS, types.int64, types.literal(n)), gen


@intrinsic
def store(typing, p, place, vector):
    """Write a vector's numbers from `place` on."""

    def gen(context, builder, signature, args):
        _store(builder, args[2], *args[:2])
        return context.get_dummy_value()

    return types.void(NUMBERS, types.int64, vector), gen


@intrinsic
def plus(typing, total, a, b):
    """total + a b."""

    def gen(context, builder, signature, args):
        return _added(builder, *args)

    return total(total, a, b), gen


@intrinsic(prefer_literal=True)
def combine_rows(typing, out, out_row, src, src_row, k, c, down, along, n_rows, n):
    """out[r out_row + b] = Σ c[i down + r along] src[i src_row + b] over i < k, in this order,
    of n_rows rows r and n numbers b; both are constants."""
    n_rows, n = n_rows.literal_value, n.literal_value

    def gen(context, builder, signature, args):
        out, out_row, src, src_row, k, c, down, along = args[:8]
        whole, nothing = ir.IntType(64), ir.Constant(_vector(n), ir.Undefined)
        totals = [cgutils.alloca_once(builder, _vector(n)) for _ in range(n_rows)]
        for total in totals:
            builder.store(ir.Constant(_vector(n), [0.0] * n), total)
        with cgutils.for_range(builder, k) as loop:
            numbers = _load(builder, src, builder.mul(loop.index, src_row), n)
            at = builder.mul(loop.index, down)
            for total in totals:
                number = builder.load(builder.gep(c, [at]))
                alone = builder.insert_element(nothing, number, ir.IntType(32)(0))
                factor = _shuffled(builder, alone, nothing, [0] * n)
                builder.store(_added(builder, builder.load(total), factor, numbers), total)
                at = builder.add(at, along)
        for r, total in enumerate(totals):
            _store(builder, builder.load(total), out, builder.mul(out_row, whole(r)))
        return context.get_dummy_value()

    numbers, place = NUMBERS, types.int64
    kinds = numbers, place, numbers, place, place, numbers, place, place
    return types.void(*kinds, types.literal(n_rows), types.literal(n)), gen


@intrinsic
def summed(typing, vector):
    """The sum of a vector's numbers."""

    def gen(context, builder, signature, args):
        (value,) = args
        kind = ir.FunctionType(FLOAT, [FLOAT, value.type])
        name = f"llvm.vector.reduce.fadd.v{value.type.count}f32"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [FLOAT(0.0), value], fastmath=REORDERED)

    return types.float32(vector), gen


@intrinsic
def turn(typing, out, across, p, places):
    """Transpose an 8 × 8 block: out[i across + k] = p[places[k] + i], i and k from 0 to 7.

    places : pointer to eight places
    """

    def gen(context, builder, signature, args):
        out, across, p, places = args
        whole = ir.IntType(64)
        rows = [
            _load(builder, p, builder.load(builder.gep(places, [whole(k)])), 8)
            for k in range(8)
        ]
        # Blocks of 1, 2 and 4 are exchanged across the diagonal.
        for size in (1, 2, 4):
            for k in (k for k in range(8) if not k & size):
                a, b = rows[k], rows[k + size]
                low = [i if not i & size else 8 + i - size for i in range(8)]
                high = [i + size if not i & size else 8 + i for i in range(8)]
                rows[k] = _shuffled(builder, a, b, low)
                rows[k + size] = _shuffled(builder, a, b, high)
        for i, row in enumerate(rows):
            _store(builder, row, out, builder.mul(across, whole(i)))
        return context.get_dummy_value()

    kinds = NUMBERS, types.int64, NUMBERS, types.CPointer(types.int64)
    return types.void(*kinds), gen
