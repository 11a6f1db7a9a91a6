"""Rules read with symbols: the formula that is shown is the one that runs.

A symbol stands for an array: it has an example's shape and dtype, and everything done with it is written down. Rules
use operators, attributes that arrays have, NumPy's functions, and operations of the table, so reading one with symbols
in place of arrays gives its text: `rule_text(mul_, "a", {"g": ..., "b": ...})` is "g * b".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops.pointwise import keep, select, threshold
from ..ops.shape import contract
from ..ops.table import Op, Symbol
from .expressions import Expression, Writer

INTERNAL = True
Array = np.ndarray[Any, Any]
MANY = 6  # elements of an array in a formula: of more, the shape is written


class Unwritable(Exception):
    """What was computed depends on values in a way that no expression says."""


_UFUNC_SIGNS = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.true_divide: "/",
    np.matmul: "@",
    np.power: "**",
    np.equal: "==",
    np.not_equal: "!=",
    np.less: "<",
    np.less_equal: "<=",
    np.greater: ">",
    np.greater_equal: ">=",
    np.bitwise_and: "&",
    np.bitwise_or: "|",
    np.bitwise_xor: "^",
    np.negative: "-",
    np.invert: "~",
}
SIGNS = {sign: ufunc for ufunc, sign in _UFUNC_SIGNS.items() if ufunc is not np.negative}


def _binary(sign: str) -> Any:
    return lambda self, other: self.book.operator(sign, self, other)


def _reflected(sign: str) -> Any:
    return lambda self, other: self.book.operator(sign, other, self)


def _method(name: str) -> Any:
    return lambda self, *args, **options: self.book.method(name, self, args, options)


class ArraySymbol(Symbol):
    """Stands for an array; `book` writes down what is done with it."""

    __slots__ = ("book", "expression")
    __hash__ = object.__hash__

    def __init__(self, book: Book, expression: Expression) -> None:
        self.book, self.expression = book, expression

    value: Any = property(lambda self: self.expression.value)
    shape: Any = property(lambda self: self.value.shape)
    dtype: Any = property(lambda self: self.value.dtype)
    ndim: Any = property(lambda self: self.value.ndim)
    size: Any = property(lambda self: self.value.size)
    flags: Any = property(lambda self: self.value.flags)
    strides: Any = property(lambda self: self.value.strides)
    T: Any = property(lambda self: self.book.transposed(self, "T"))
    mT: Any = property(lambda self: self.book.transposed(self, "mT"))

    reshape, sum, astype, copy = _method("reshape"), _method("sum"), _method("astype"), _method("copy")
    swapaxes, transpose, squeeze, take = _method("swapaxes"), _method("transpose"), _method("squeeze"), _method("take")
    any, all, max, min = _method("any"), _method("all"), _method("max"), _method("min")

    __add__, __radd__, __sub__, __rsub__ = _binary("+"), _reflected("+"), _binary("-"), _reflected("-")
    __mul__, __rmul__, __truediv__, __rtruediv__ = _binary("*"), _reflected("*"), _binary("/"), _reflected("/")
    __matmul__, __pow__, __rpow__ = _binary("@"), _binary("**"), _reflected("**")
    __and__, __or__, __xor__ = _binary("&"), _binary("|"), _binary("^")
    __eq__, __ne__, __lt__, __le__ = _binary("=="), _binary("!="), _binary("<"), _binary("<=")
    __gt__, __ge__ = _binary(">"), _binary(">=")

    def dot(self, other: Any) -> Any:
        """The matrix product."""
        return self.book.operator("@", self, other)

    def __neg__(self) -> Any:
        return self.book.operator("-", self)

    def __invert__(self) -> Any:
        return self.book.operator("~", self)

    def __getitem__(self, key: Any) -> Any:
        return self.book.index(self, key)

    def __bool__(self) -> bool:
        return self.book.truth(self)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise Unwritable("an array is made of it")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return self.book.ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        module = "np.linalg" if function.__module__ == "numpy.linalg" else "np"
        return self.book.call(f"{module}.{function.__name__}", function, args, options)

    def of_operation(self, operation: Op, args: tuple[Any, ...]) -> Any:
        """The symbol for the result of an operation of the table."""
        return self.book.operation(operation, args)


class Book:
    """What is written down, as it stands: for formulas to look at."""

    def note(self, kind: str, head: str, args: tuple[Any, ...], options: dict[str, Any], value: Any) -> Any:
        """The symbol for an expression."""
        made = Expression(kind, head, _bare(args), tuple((k, _bare(v)) for k, v in options.items()), value)
        return ArraySymbol(self, made)

    def name(self, name: str, example: Any) -> ArraySymbol:
        """A symbol of a name, with an example of its value."""
        return ArraySymbol(self, Expression("name", name, (), (), example))

    def operand(self, value: Any) -> ArraySymbol:
        """An operand as a symbol: a number or an array becomes a constant."""
        if isinstance(value, ArraySymbol):
            return value
        return ArraySymbol(self, Expression("constant", "", (value,), (), np.asarray(value)))

    def operator(self, sign: str, *operands: Any) -> Any:
        """An operator's result."""
        values = [o.value if isinstance(o, ArraySymbol) else o for o in operands]
        ufunc = SIGNS[sign] if len(operands) == 2 or sign == "~" else np.negative
        return self.note("operator", sign, tuple(map(self.operand, operands)), {}, _quietly(ufunc, *values))

    def method(self, name: str, symbol: ArraySymbol, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """What a method of arrays gives."""
        value = getattr(symbol.value, name)(*values_of(args), **values_of(options))
        return self.note("method", name, (symbol, *args), options, value)

    def transposed(self, symbol: ArraySymbol, name: str) -> Any:
        """Its last two, or all, dimensions exchanged."""
        value = symbol.value.T if name == "T" else np.swapaxes(symbol.value, -1, -2)
        return self.note("attribute", name, (symbol,), {}, value)

    def index(self, symbol: ArraySymbol, key: Any) -> Any:
        """What stands at `key`."""
        return self.note("index", "", (symbol, key), {}, symbol.value[values_of(key)])

    def truth(self, symbol: ArraySymbol) -> bool:
        """Whether it holds, for the example."""
        return bool(symbol.value)

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """What one of NumPy's universal functions gives; those that have a sign are written with it."""
        options = {k: v for k, v in options.items() if v is not None}
        if "order" in options and not self.order_matters(ufunc, inputs, options):
            del options["order"]
        if method == "__call__" and ufunc in _UFUNC_SIGNS and not options:
            return self.operator(_UFUNC_SIGNS[ufunc], *inputs)
        if method not in ("__call__", "reduce", "accumulate"):
            raise Unwritable(f"np.{ufunc.__name__}.{method}")
        function: Callable[..., Any] = ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "reduce":
            return self.reduction(ufunc, *inputs, **options)
        name = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
        return self.call(name, function, inputs, options)

    def order_matters(self, function: Callable[..., Any], args: Any, options: dict[str, Any]) -> bool:
        """Whether the order in memory that a function is told to give is to be written."""
        return False

    def reduction(
        self, ufunc: np.ufunc, a: Any, axis: Any = None, dtype: Any = None, *_: Any, keepdims: bool = False
    ) -> Any:
        """What adding up, or multiplying, or the largest, or the smallest, over dimensions gives."""
        method = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}.get(ufunc.__name__)
        value = ufunc.reduce(values_of(a), axis=axis, dtype=dtype, keepdims=keepdims)
        every = axis is None or (isinstance(axis, tuple) and len(axis) == a.ndim)
        options: dict[str, Any] = {} if every else {"axis": axis[0] if _single(axis) else axis}
        if dtype is not None and np.dtype(dtype) != a.dtype:
            options["dtype"] = np.dtype(dtype)
        if keepdims:
            options["keepdims"] = True
        if method is None:
            return self.note("call", f"np.{ufunc.__name__}.reduce", (a,), options | {"axis": axis}, value)
        return self.note("method", method, (a,), options, value)

    def call(self, name: str, function: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
        """What a function of NumPy gives."""
        value = _quietly(function, *values_of(tuple(args)), **values_of(options))
        return self.note("call", name, tuple(args), options, value)

    def operation(self, operation: Op, args: tuple[Any, ...]) -> Any:
        """What an operation of the table gives: an operator where it has one, else under its short name."""
        values = values_of(args)
        value = np.asarray(_quietly(operation.forward, *values))
        sign = _SIGNS_OF_OPERATIONS.get(operation.node_name)
        if sign is not None and len(args) == 2:
            if sign == "**" and not isinstance(args[1], ArraySymbol) and args[1] == 1:
                return args[0]
            return self.note("operator", sign, tuple(map(self.operand, args)), {}, value)
        name = "sum_to" if operation is contract else short_name(operation.node_name)
        if operation in _CHOICES:
            name, args = "where", _CHOICES[operation](self, *args)
        return self.note("call", name, args, {}, value)


# What chooses among elements, written as NumPy and torch do: what it goes by, then what is taken where that holds.
_CHOICES: dict[Op, Callable[..., tuple[Any, ...]]] = {
    keep: lambda book, a, where: (where, a, 0),
    select: lambda book, a, b, condition: (condition, a, b),
    threshold: lambda book, a, b: (book.operator("<=", b, 0), 0, a),
}
_SIGNS_OF_OPERATIONS = {
    "AddBackward0": "+",
    "SubBackward0": "-",
    "MulBackward0": "*",
    "DivBackward0": "/",
    "MmBackward0": "@",
    "MvBackward0": "@",
    "DotBackward0": "@",
    "UnsafeViewBackward0": "@",
    "PowBackward0": "**",
}


def short_name(node_name: str) -> str:
    """What an operation is called in a word: `tanh` for TanhBackward0, `copy_slices` for torch's CopySlices."""
    name = node_name.split("::")[-1].rstrip("0123456789").removesuffix("Backward")
    return re.sub(r"(?<=\D)(?=[A-Z])|(?<=\d)(?=[A-Z][a-z])", "_", name).lower()  # 2D and Log1P stay together


def rule_text(op: Op, name: str, values: dict[str, Any]) -> str:
    """The rule that gives the gradient of input `name` of `op`, as it is written: "g * b".

    values  an example of `g` and of what the rule names: arrays, and options as they are
    """
    return Writer(lambda e: None).write(_read(op, name, values))


def rule_numbers(op: Op, name: str, values: dict[str, Any]) -> str:
    """The same with the numbers put in: "1 * 3"; of an array of more than `MANY` elements the shape."""
    return Writer(lambda e: number_text(e.value) if e.kind == "name" else None).write(_read(op, name, values))


def number_text(array: Any) -> str:
    """The elements of an array in brackets, or its shape if they are many."""
    if np.size(array) > MANY:
        return f"[{shape_text(np.shape(array))}]"
    text = _elements(np.asarray(array).tolist())
    return f"({text})" if text.startswith("-") else text


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as people write it: 3 × 4."""
    return " × ".join(map(str, shape))


def _elements(value: Any) -> str:
    return f"[{', '.join(map(_elements, value))}]" if isinstance(value, list) else f"{value:.6g}"


def _read(op: Op, name: str, values: dict[str, Any]) -> Expression:
    book = Book()
    rule = op.rules[name]
    if rule is None:
        raise ValueError(f"no gradient flows to input {name} of {op.node_name}")

    def symbol(key: str) -> Any:
        value = values[key]
        is_array = isinstance(value, (np.ndarray, np.generic)) and key not in op.options
        return book.name(key, value) if is_array or key == "g" else value

    found = rule(symbol("g"), *[symbol(key) for key in op.names[name]])
    return book.operand(found).expression


def _bare(value: Any) -> Any:
    if isinstance(value, ArraySymbol):
        return value.expression
    if isinstance(value, (tuple, list)):
        return type(value)(map(_bare, value)) if type(value) in (tuple, list) else tuple(map(_bare, value))
    return value


def values_of(value: Any) -> Any:
    """The example's values in the place of symbols, also within tuples, lists and dictionaries."""
    if isinstance(value, ArraySymbol):
        return value.value
    if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
        return type(value)(map(values_of, value))
    if isinstance(value, dict):
        return {k: values_of(v) for k, v in value.items()}
    return value


def _single(axis: Any) -> bool:
    return isinstance(axis, tuple) and len(axis) == 1


def _quietly(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    with np.errstate(all="ignore"):
        return function(*args, **options)
