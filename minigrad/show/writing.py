"""A book that writes programs: the same expressions once each, numbers worked out, and the table's operations in NumPy.

What it simplifies is exact, to the last bit: it works out what depends on no input, and it moves factors that are
powers of two, so that `0.5 * (2 * x)` is `x`. (Where `2 * x` overflows, or `x / 2` is subnormal, it is more exact.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import convert, indexing, linear, picking, pointwise, shape
from ..ops.table import Op
from .expressions import Expression
from .helpers import Helpers
from .symbols import ArraySymbol, Book, Unwritable, values_of

INTERNAL = True
_SMALL = 16  # elements that a constant may have to be written out


class ProgramBook(Book):
    """Writes what symbols go through as NumPy, each expression once."""

    def __init__(self) -> None:
        self.known: dict[Any, ArraySymbol] = {}
        self.helpers = Helpers()

    def note(self, kind: str, head: str, args: tuple[Any, ...], options: dict[str, Any], value: Any) -> Any:
        """The symbol for an expression: the one that there is, if there is one; a number, if it depends on nothing."""
        if not isinstance(value, (np.ndarray, np.generic)):
            raise Unwritable(f"{head} gives {type(value).__name__}")
        key = (kind, head, _key(args), _key(tuple(options.items())))
        if key not in self.known:
            made = super().note(kind, head, args, options, value)
            parts = made.expression.parts()
            if kind not in ("constant", "full") and all(p.kind in ("constant", "full") for p in parts):
                number = self.constant(value)
                made = made if number is None else number
            self.known[key] = made
        return self.known[key]

    def constant(self, value: Any) -> ArraySymbol | None:
        """The symbol for an array that depends on no input; None if it cannot be written shortly."""
        array = np.asarray(value)
        if not array.size or array.tobytes() == array.flat[0].tobytes() * array.size:
            return self.full(array, array.flat[0] if array.size else 0)
        return self.note("constant", "", (array,), {}, array) if array.size <= _SMALL else None

    def full(self, like: Any, number: float) -> ArraySymbol:
        """The symbol for an array of one number, of the shape and dtype of another."""
        array = np.full_like(like, number)
        made: ArraySymbol = self.note(
            "full", "", (array.shape, array.dtype.type(number)), {"dtype": array.dtype.name}, array
        )
        return made

    def operand(self, value: Any) -> ArraySymbol:
        """An operand as a symbol."""
        if isinstance(value, ArraySymbol):
            return value
        found = self.constant(value) if np.ndim(value) else self.note("constant", "", (value,), {}, np.asarray(value))
        if found is None:
            raise Unwritable("an array that is no input is too large to write down")
        return found

    def operator(self, sign: str, *operands: Any) -> Any:
        """An operator's result, simplified where that is exact."""
        whole = super().operator(sign, *operands)
        if sign == "**" and not whole.value.ndim and self.operand(operands[0]).expression.kind != "name":
            return self.call("np.power", np.power, operands, {})  # of NumPy's scalars, `**` rounds in another way
        if whole.expression.kind != "operator" or sign not in "*/+-" or whole.dtype.kind != "f" or len(operands) != 2:
            return whole
        x, y = (self._as_number(self.operand(o), whole) for o in operands)
        (c, a), (d, b) = _factor(x), _factor(y)
        if sign in "+-" or (sign == "/" and (b is not None or not _is_power_of_two(d))):
            return self._fitting(whole, super().operator(sign, x, y))
        if b is None and d == 1:
            return self._fitting(whole, x)
        if sign == "*" and a is None and c == 1:
            return self._fitting(whole, y)
        exact = all if a is not None and b is not None else any  # two products that round do not become one
        if c == 1 or d == 1 or not exact((_is_power_of_two(c), _is_power_of_two(d))):
            return self._fitting(whole, super().operator(sign, x, y))
        rest = [self._as_number(self._symbol(e), whole) for e in (a, b) if e is not None]
        product = rest[0] if len(rest) == 1 else super().operator("*", *rest)
        factor = whole.dtype.type(c / d if sign == "/" else c * d)
        if float(factor) != (c / d if sign == "/" else c * d):
            return self._fitting(whole, super().operator(sign, x, y))
        if abs(factor) != 1:
            product = super().operator("*", factor, product)
        return self._fitting(whole, super().operator("-", product) if factor == -1 else product)

    def _fitting(self, whole: Any, simpler: Any) -> Any:
        a, b = simpler.value, whole.value
        return simpler if (a.shape, a.dtype, a.strides) == (b.shape, b.dtype, b.strides) else whole

    def _as_number(self, symbol: ArraySymbol, whole: Any) -> ArraySymbol:
        """An array of one number as that number, a broadcast one as it was, where the other operand has the shape."""
        e = symbol.expression
        if e.head == "np.broadcast_to":
            return self._symbol(e.args[0])
        if e.head == "np.full":
            return self._symbol(e.args[1])
        return self.operand(e.args[1]) if e.kind == "full" and symbol.dtype == whole.dtype else symbol

    def _symbol(self, e: Expression) -> ArraySymbol:
        return ArraySymbol(self, e)

    def method(self, name: str, symbol: ArraySymbol, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """What a method gives; nothing is written for one that changes nothing."""
        if name == "sum" and not args:
            return self.reduction(np.add, symbol, **options)
        made = super().method(name, symbol, args, options)
        same = made.shape == symbol.shape and made.dtype == symbol.dtype
        if same and name in ("reshape", "astype", "copy"):
            return symbol
        if symbol.ndim == 2 and (name, args) in (("swapaxes", (0, 1)), ("swapaxes", (1, 0)), ("transpose", ((1, 0),))):
            return self.transposed(symbol, "T")
        return made

    def transposed(self, symbol: ArraySymbol, name: str) -> Any:
        """The transpose; of a matrix simply T, twice is nothing."""
        e = symbol.expression
        name = "T" if symbol.ndim == 2 else name
        return self._symbol(e.args[0]) if e.kind == "attribute" and e.head == name else super().transposed(symbol, name)

    def truth(self, symbol: ArraySymbol) -> bool:
        """Raise Unwritable: other values might decide otherwise."""
        if symbol.expression.kind in ("constant", "full"):
            return super().truth(symbol)
        raise Unwritable("what is computed depends on whether a condition on values holds")

    def call(self, name: str, function: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
        """What a function of NumPy gives, without arguments that are the default."""
        if name == "np.concatenate" and options.get("axis") == 0:
            options = {}
        options = {k: v for k, v in options.items() if v is not None}
        if "order" in options and not self.order_matters(function, args, options):
            del options["order"]
        return super().call(name, function, args, options)

    def order_matters(self, function: Callable[..., Any], args: Any, options: dict[str, Any]) -> bool:
        """Where it is not the one that NumPy would give anyway: sums round by it."""
        values, others = values_of(tuple(args)), values_of({k: v for k, v in options.items() if k != "order"})
        with np.errstate(all="ignore"):
            told, untold = function(*values, **others, order=options["order"]), function(*values, **others)
        return bool(np.asarray(told).strides != np.asarray(untold).strides)

    def operation(self, operation: Op, args: tuple[Any, ...]) -> Any:
        """What an operation of the table gives, in NumPy."""
        if any(a.dtype.char == "e" for a in args if isinstance(a, ArraySymbol)):
            raise Unwritable("half precision")
        written = _IN_NUMPY.get(operation.forward)
        if written is not None:
            return written(self, *args)
        try:
            found = operation.forward(*args)
        except (Unwritable, TypeError, ValueError, AttributeError):
            name = self.helpers.add(operation)
            value = np.asarray(operation.forward(*values_of(args)))
            return self.note("call", name, args, {}, value)
        return self.operand(found)


def _matmul(book: ProgramBook, a: Any, b: Any) -> Any:
    return book.operator("@", a, b)


def _spread(book: ProgramBook, a: Any, wanted: Any) -> Any:
    if not a.ndim and wanted:
        return book.note("call", "np.full", (wanted, a), {}, np.full(wanted, a.value))
    return _expanded(book, a, wanted)


def _expanded(book: ProgramBook, a: Any, wanted: Any) -> Any:
    if a.shape == wanted:
        return a
    return book.note("call", "np.broadcast_to", (a, wanted), {}, np.broadcast_to(a.value, wanted))


def _contract(book: ProgramBook, a: Any, wanted: Any) -> Any:
    extra = a.ndim - len(wanted)
    stretched = [extra + i for i, n in enumerate(wanted) if n == 1 and a.shape[extra + i] != 1]
    axes = (*range(extra), *stretched)
    return book.reduction(np.add, a, axes, keepdims=bool(stretched)).reshape(wanted)  # without axes, -0.0 becomes 0.0


def _insert(book: ProgramBook, a: Any, at: int) -> Any:
    return a.reshape((*a.shape[:at], 1, *a.shape[at:]))


def _pick(book: ProgramBook, a: Any, key: Any) -> Any:
    return a[key[0] if len(key) == 1 else key]


def _copied(book: ProgramBook, a: Any, order: str) -> Any:
    """A copy: what is computed from it may round as its order in memory says, and it is no view."""
    if order != "C" and 0 in a.strides:
        name = book.helpers.add(convert.copied)
        return book.note("call", name, (a, order), {}, convert.copied.forward(a.value, order))
    return book.note("method", "copy", (a,), {} if order == "C" else {"order": order}, a.value.copy(order))


def _power(book: ProgramBook, a: Any, b: Any) -> Any:
    if a.dtype.kind != "f":
        raise Unwritable("a power of integers")
    return book.operator("**", a, b)


_IN_NUMPY: dict[Callable[..., Any], Callable[..., Any]] = {
    linear.mm_.forward: _matmul,
    linear.mv_.forward: _matmul,
    linear.dot_.forward: _matmul,
    linear.batched.forward: _matmul,
    pointwise.power_of.forward: _power,
    pointwise.exponential.forward: lambda book, a, base: _power(book, book.operand(np.array(base).astype(a.dtype)), a),
    shape.spread.forward: _spread,
    shape.expanded.forward: _expanded,
    shape.contract.forward: _contract,
    shape.insert_axis.forward: _insert,
    shape.tile.forward: lambda book, a, repeats: book.call("np.tile", np.tile, (a, repeats), {}),
    indexing.picked.forward: _pick,
    indexing.alias.forward: lambda book, a: a,
    picking.masked.forward: lambda book, a, b, mask: book.call("np.where", np.where, (mask, b, a), {}),
    convert.copied.forward: _copied,
    convert.converted.forward: lambda book, a, to, source, order: a.astype(to),
}


def _factor(symbol: ArraySymbol) -> tuple[float, Expression | None]:
    """The number that an expression is a multiple of, and of what; None for 1."""
    e = symbol.expression
    if e.kind == "constant" and e.value.ndim == 0:
        return float(e.value), None
    if e.kind == "operator" and e.head == "*":
        for number, rest in (e.args, e.args[::-1]):
            if number.kind == "constant" and number.value.ndim == 0:
                return float(number.value), rest
    if e.kind == "operator" and e.head == "/" and e.args[1].kind == "constant" and e.args[1].value.ndim == 0:
        divisor = float(e.args[1].value)
        if _is_power_of_two(divisor):
            return 1 / divisor, e.args[0]
    if e.kind == "operator" and e.head == "-" and len(e.args) == 1:
        return -1.0, e.args[0]
    return 1.0, e


def _is_power_of_two(number: float) -> bool:
    return number != 0 and math.isfinite(number) and abs(math.frexp(number)[0]) == 0.5 and abs(number) < 2**30


def _key(value: Any) -> Any:
    """Something hashable that is equal for what is written the same."""
    if isinstance(value, ArraySymbol):
        return value.expression
    if isinstance(value, (tuple, list)):
        return (type(value).__name__, *map(_key, value))
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    return (type(value).__name__, repr(value))
