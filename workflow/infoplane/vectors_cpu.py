"""Vectors of numbers as values of numba's compiled code, and pointers to numbers.

Vectors of one kind are added, subtracted and multiplied by +, − and *, also with a number.
numba counts references to an array at every call that takes one, which costs more time than a
product of small matrices; a pointer is a number. Nothing here keeps an array alive or knows
where it ends: the caller must.
"""

import operator

import llvmlite.binding
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

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
    """A vector of n numbers, float32 or float64."""

    def __init__(self, n: int, of: types.Float = types.float32):
        self.n, self.of = n, of
        super().__init__(f"Vector({n}, {of})")


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _vector(kind.n, manager[kind.of].get_value_type()))


def _vector(n: int, of: ir.Type = FLOAT) -> ir.VectorType:
    return ir.VectorType(of, n)


def _shuffled(builder, first, second, places):
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places))
    return builder.shuffle_vector(first, second, mask)


def _of(builder, p, place, n):
    return builder.bitcast(builder.gep(p, [place]), _vector(n, p.type.pointee).as_pointer())


def _size(p) -> int:
    return 4 if p.type.pointee == FLOAT else 8


def _load(builder, p, place, n):
    found = builder.load(_of(builder, p, place, n))
    found.align = _size(p)
    return found


def _store(builder, value, p, place):
    builder.store(value, _of(builder, p, place, value.type.count)).align = _size(p)


def _spread(builder, number, n):
    """A vector of n times the number."""
    nothing = ir.Constant(_vector(n, number.type), ir.Undefined)
    alone = builder.insert_element(nothing, number, ir.IntType(32)(0))
    return _shuffled(builder, alone, nothing, [0] * n)


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
def zeros(typing, p, n):
    """A vector of n zeros, of the kind to which p points; n is a constant."""
    n = n.literal_value

    def gen(context, builder, signature, args):
        return ir.Constant(_vector(n, args[0].type.pointee), [0.0] * n)

    return Vector(n, p.dtype)(p, types.literal(n)), gen


@intrinsic(prefer_literal=True)
def load(typing, p, place, n):
    """The n numbers from `place` on; n is a constant."""
    n = n.literal_value

    def gen(context, builder, signature, args):
        return _load(builder, *args[:2], n)

    return Vector(n, p.dtype)(p, types.int64, types.literal(n)), gen


@intrinsic
def store(typing, p, place, vector):
    """Write a vector's numbers from `place` on."""

    def gen(context, builder, signature, args):
        _store(builder, args[2], *args[:2])
        return context.get_dummy_value()

    return types.void(p, types.int64, vector), gen


@intrinsic(prefer_literal=True)
def spread(typing, number, n):
    """A vector of n times the number; n is a constant."""
    n = n.literal_value

    def gen(context, builder, signature, args):
        return _spread(builder, args[0], n)

    return Vector(n, number)(number, types.literal(n)), gen


def _by_element(build):
    """An intrinsic of two vectors, or of a vector and a number that is spread."""

    @intrinsic
    def of_two(typing, a, b):
        kind = a if isinstance(a, Vector) else b
        taken = [one if isinstance(one, Vector) else kind.of for one in (a, b)]

        def gen(context, builder, signature, args):
            both = (
                value if isinstance(one, Vector) else _spread(builder, value, kind.n)
                for one, value in zip(taken, args, strict=True)
            )
            return build(builder, *both)

        return kind(*taken), gen

    return of_two


_sum = _by_element(lambda builder, a, b: builder.fadd(a, b, flags=CONTRACTED))
_difference = _by_element(lambda builder, a, b: builder.fsub(a, b, flags=CONTRACTED))
_product = _by_element(lambda builder, a, b: builder.fmul(a, b, flags=CONTRACTED))
least = _by_element(lambda b, x, y: b.select(b.fcmp_ordered("<", x, y), x, y))
"""The smaller number of each pair; the second if the first is not a number."""
most = _by_element(lambda b, x, y: b.select(b.fcmp_ordered(">", x, y), x, y))
"""The larger number of each pair; the second if the first is not a number."""


@intrinsic
def where_less(typing, a, b, x, y):
    """The numbers of x where a < b, and those of y elsewhere; vectors of one kind."""

    def gen(context, builder, signature, args):
        a, b, x, y = args
        return builder.select(builder.fcmp_ordered("<", a, b), x, y)

    return a(a, a, a, a), gen


@overload(operator.add)
def _add(a, b):
    if isinstance(a, Vector) or isinstance(b, Vector):
        return lambda a, b: _sum(a, b)
    return None


@overload(operator.sub)
def _subtract(a, b):
    if isinstance(a, Vector) or isinstance(b, Vector):
        return lambda a, b: _difference(a, b)
    return None


@overload(operator.mul)
def _multiply(a, b):
    if isinstance(a, Vector) or isinstance(b, Vector):
        return lambda a, b: _product(a, b)
    return None


@intrinsic
def any_within(typing, vector, limit):
    """Whether a number of the vector is at most the limit."""

    def gen(context, builder, signature, args):
        value, limit = args
        n = value.type.count
        within = builder.fcmp_ordered("<=", value, _spread(builder, limit, n))
        bits = builder.bitcast(within, ir.IntType(n))
        return builder.icmp_unsigned("!=", bits, ir.IntType(n)(0))

    return types.boolean(vector, vector.of), gen


@intrinsic
def single(typing, x, scale):
    """The vector in float32. One of float64, whose numbers float32 may not hold, is multiplied
    by `scale` first."""

    def gen(context, builder, signature, args):
        value, scale = args
        if x.of == types.float32:
            return value
        scaled = builder.fmul(value, _spread(builder, scale, x.n))
        return builder.fptrunc(scaled, context.get_value_type(Vector(x.n)))

    return Vector(x.n)(x, x.of), gen


@intrinsic
def with_exponent(typing, x, whole):
    """x with the lowest bits of `whole` added to its exponent; vectors, or numbers, of
    float32."""

    def gen(context, builder, signature, args):
        n = signature.args[0].n if isinstance(x, Vector) else None
        word = ir.IntType(32)
        kind = word if n is None else ir.VectorType(word, n)
        size = word(23) if n is None else ir.Constant(kind, [23] * n)
        bits, power = (builder.bitcast(value, kind) for value in args)
        found = builder.add(bits, builder.shl(power, size))
        return builder.bitcast(found, args[0].type)

    return x(x, whole), gen


@intrinsic
def plus(typing, total, a, b):
    """total + a b."""

    def gen(context, builder, signature, args):
        return _added(builder, *args)

    return total(total, a, b), gen


@intrinsic
def fused(typing, a, b, c):
    """a b + c, rounded once where the processor can; numbers or vectors of float32."""
    vector = next((one for one in (a, b, c) if isinstance(one, Vector)), None)
    kind = vector or types.float32

    def gen(context, builder, signature, args):
        made = context.get_value_type(kind)
        if vector is not None:
            args = [
                value if value.type == made else _spread(builder, value, vector.n)
                for value in args
            ]
        name = "llvm.fmuladd." + ("f32" if vector is None else f"v{vector.n}f32")
        of = ir.FunctionType(made, [made] * 3)
        return builder.call(cgutils.get_or_insert_function(builder.module, of, name), args)

    taken = (one if isinstance(one, Vector) else types.float32 for one in (a, b, c))
    return kind(*taken), gen


@intrinsic(prefer_literal=True)
def combine_rows(typing, out, out_row, src, src_row, k, c, down, along, n_rows, n):
    """out[r out_row + b] = Σ c[i down + r along] src[i src_row + b] over i < k, in this order,
    of n_rows rows r and n numbers b; both are constants."""
    n_rows, n = n_rows.literal_value, n.literal_value

    def gen(context, builder, signature, args):
        out, out_row, src, src_row, k, c, down, along = args[:8]
        whole = ir.IntType(64)
        totals = [cgutils.alloca_once(builder, _vector(n)) for _ in range(n_rows)]
        for total in totals:
            builder.store(ir.Constant(_vector(n), [0.0] * n), total)
        with cgutils.for_range(builder, k) as loop:
            numbers = _load(builder, src, builder.mul(loop.index, src_row), n)
            at = builder.mul(loop.index, down)
            for total in totals:
                number = builder.load(builder.gep(c, [at]))
                factor = _spread(builder, number, n)
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
