"""How an operation is written, and what writing it gives.

An operation is its forward computation and, beside it, one rule per input: how the gradient `g` of the result flows to
that input. A rule says by the names of its parameters what it needs: `g`, an input, `out` (the result), an option, or
`a_shape` (the shape of input `a`, which costs no memory). Those are saved when the operation is recorded; nothing else.

    mul = op("MulBackward0", np.multiply, a=lambda g, b: g * b, b=lambda g, a: g * a)
    tanh = op("TanhBackward0", np.tanh, a=lambda g, out: g * (1 - out * out))

Rules use operators, attributes that arrays and Tensors share, and other operations. So one rule computes a gradient
(read with arrays) and records it (read with Tensors), which is all that gradients of gradients need.

What a call does is written out for each operation once: `ops/writing.py` says how, `print(mul_.source)` shows it.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, ClassVar

import numpy as np

from .. import dtypes, messages
from ..engine import (
    LEAF,
    OUTSIDE,
    RELEASED,
    SEVERED,
    Dropped,
    Lost,
    Node,
    Since,
    SinceSevered,
    Storage,
    guarded,
    last_user,
    ranks,
)
from ..modes import is_grad_enabled
from ..tensor import Tensor, current_origin
from ..walk import brought
from .strangers import unknown_operand
from .writing import write

INTERNAL = True
Array = np.ndarray
TABLE: list[Op] = []
WRITTEN: list[Op] = []  # those whose functions are written, under whatever name: what `listening.py` listens to
# Python numbers as Tensors, for the operations that they meet in, by the dtype of the operand that they meet.
_constants: dict[np.dtype[Any], dict[float, Tensor]] = {np.dtype(np.float32): {}, np.dtype(np.float64): {}}
TENSORS_IN_TORCH = ("index", "key")  # options, that are arrays here; a backward pass frees them as it does inputs
Rule = Callable[..., Any]


class Symbol:
    """An operand that stands for a value: rules read with symbols give formulas (see `show/symbols.py`)."""

    __slots__ = ()

    def of_operation(self, operation: Op, args: tuple[Any, ...]) -> Any:
        """The symbol that stands for the result of an operation."""
        raise NotImplementedError


class Op:
    """One operation: call it with Tensors to record, with arrays to compute at once, with Symbols to read."""

    def __init__(
        self, node_name: str, forward: Callable[..., Any], rules: dict[str, Rule | None], numbers: str, floating: bool
    ) -> None:
        self.node_name, self.forward, self.rules = node_name, forward, rules
        self.numbers, self.floating = numbers, floating
        self.inputs = tuple(rules)
        self.options = _parameters(forward)[len(rules) :] if hasattr(forward, "__code__") else ()
        self.differentiable = tuple(i for i, rule in rules.items() if rule is not None)
        self.names = {i: _parameters(rule)[1:] for i, rule in rules.items() if rule is not None}
        self.slots = tuple(dict.fromkeys(name for names in self.names.values() for name in names))
        self.guarded = tuple(name for name in self.slots if name == "out" or name in self.inputs)
        self.freed = tuple(name for name in self.slots if name in TENSORS_IN_TORCH)
        self.variants: dict[str, Op] = {}
        self.is_view = False  # until it is used as one (`as_view`)
        self.is_operator = False  # whether `call` itself is a method of Tensor, such as `__add__`
        self.by_number: Op | None = None  # what half precision beside a number does, where the number is not rounded

    def __call__(self, *args: Any) -> Any:
        """The result: recorded if the first operand is a Tensor, computed at once if an array, read if a Symbol."""
        first = args[0]  # its class says it sooner than isinstance, which asks Tensor's metaclass
        if first.__class__ is Array:
            return self.forward(*args)
        if isinstance(first, Tensor):
            return self.call(*args)
        return first.of_operation(self, args) if isinstance(first, Symbol) else self.forward(*args)

    def named(self, node_name: str) -> Op:
        """The same operation under another of torch's node names (`sum()` and `sum(dim)` differ there)."""
        if node_name not in self.variants:
            self.variants[node_name] = Op(node_name, self.forward, self.rules, self.numbers, self.floating)
        return self.variants[node_name]

    # Most programs use few of the operations, and import is to be quick: what is written is so at its first use.

    def call(self, *args: Any) -> Tensor:
        """The result on Tensors, recorded where one of them requires grad."""
        return self.written().call(*args)

    def record(self, *args: Any) -> Tensor:
        """Only record: `record(result, its array, inputs, options, their arrays, their origins)`."""
        return self.written().record(*args)

    @property
    def node_type(self) -> Any:
        """The class of the operation's nodes."""
        return self.written().call.__globals__["Node"]

    @property
    def source(self) -> str:
        """The text of what is written."""
        return write(self)

    def written(self) -> Op:
        """The same operation, with `call` and `record` written."""
        if "call" not in self.__dict__:
            self._make()
        return self

    def _make(self) -> None:
        values = [f"g_{name}" for name in self.guarded] + [f"s_{name}" for name in self.slots]
        slots = (*[f"e_{i}" for i in self.differentiable], *values)
        node_type: Any = type(
            self.node_name.split("::")[-1],
            (Node,),
            {"__slots__": slots, "__module__": "minigrad", "op": self, "name": lambda node: self.node_name},
        )
        scope = {
            "__name__": __name__,
            "INTERNAL": True,
            "forward": self.forward,
            "by_number": self.by_number,
            "Node": node_type,
            **{f"rule_{i}": rule for i, rule in self.rules.items()},
            **{f"array_rule_{i}": _on_arrays(rule) for i, rule in self.rules.items() if rule is not None},
            **_NAMES,
        }
        source, name = self.source, f"<{self.node_name}>"
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)  # so that tracebacks quote it
        exec(compile(source, name, "exec"), scope)
        self.__dict__.update(call=scope["call"], record=scope["record"])
        node_type.edges = property(scope["edges"])
        for method in ("unpack", "release", "pull", "flow"):
            setattr(node_type, method, scope[method])
        WRITTEN.append(self)
        if Op.tell is not None:
            self.listen()

    tell: ClassVar[Callable[..., Any] | None] = None  # while somebody listens: `tell(op, call, args)` calls, and tells

    def listen(self) -> None:
        """Let every call go by way of `tell`, by an exchange of its code: while nobody listens, nobody pays."""
        call: Any = self.call
        scope = call.__globals__
        if "unheard" not in scope:
            parameters = ", ".join((*self.inputs, *self.options))
            exec(f"def heard({parameters}): return tell(op, unheard, ({parameters},))", scope)
            scope["unheard"] = FunctionType(call.__code__, scope)
        scope.update(tell=Op.tell, op=self)
        call.__code__ = scope["heard"].__code__

    def listen_no_more(self) -> None:
        """Let calls go their straight way again."""
        call: Any = self.call
        call.__code__ = call.__globals__["unheard"].__code__


def op(
    node_name: str, forward: Callable[..., Any], *, numbers: str = "", floating: bool = False, **rules: Rule | None
) -> Op:
    """Enter an operation in the table.

    numbers  "promote": the inputs are brought to one dtype, and Python numbers among them may stand for tensors;
             "floating": to one floating dtype; "no bools": as "promote", but none may be bool
    floating  whether integer inputs are first made floating
    A rule of None is for an input that no gradient flows to, such as a condition or an index.
    """
    made = Op(node_name, forward, rules, numbers, floating)
    TABLE.append(made)
    return made


def _on_arrays(rule: Rule) -> Rule:
    """A rule to be read with arrays alone: each operation in it is its forward computation, without a call between."""
    scope: dict[str, Any] = dict(rule.__globals__)
    scope.update({n: o.forward for n, o in scope.items() if isinstance(o, Op) and o.by_number is None})
    return FunctionType(rule.__code__, scope, rule.__name__, rule.__defaults__, rule.__closure__)


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


def stale(node: Node, guard: Any) -> None:
    """Get back a saved value that was let go; raise the error for one that is gone, or is no longer what it was."""
    if isinstance(guard, Dropped):
        return guard.restore(node)
    text = messages.second_backward(node) if guard is RELEASED else messages.changed_in_place(node, *guarded(guard))
    error = RuntimeError(text)
    error.says_where = True  # type: ignore[attr-defined]
    raise error


def operands(a: Any, b: Any, numbers: str, by_number: Op | None = None) -> Any:
    """Two operands as Tensors, and their arrays in the dtype that torch computes in.

    Or else the result: that of `by_number`, if there is such an operation and it applies, or NotImplemented.
    """
    if isinstance(a, Tensor):  # a Parameter, say, and most often there is nothing to convert
        x = a._array
        if isinstance(b, Tensor):
            if x.dtype is b._array.dtype and (numbers != "floating" or x.dtype.kind == "f"):
                return a, b, x, b._array
        elif (b.__class__ is float or b.__class__ is int) and x.dtype in _constants:
            b = as_operand(b, x.dtype)
            return a, b, x, b._array
    by_numpy = isinstance(b, np.ndarray)
    a, b = as_value(a, b), as_value(b, a)
    if a is NotImplemented or b is NotImplemented:
        return NotImplemented
    if numbers == "no bools":
        messages.check_no_bools(a, b)
    d = common_dtype(a, b)
    if numbers == "floating" and d.kind != dtypes.FLOATING:
        d = dtypes.float64 if by_numpy else dtypes.get_default_dtype()
    if by_number is not None and d is dtypes.float16 and isinstance(a, Tensor) and _is_unrounded(b):
        a, b = a.to(d), as_operand(b, dtypes.float32.numpy)
        r = by_number.call(a, b)
        if isinstance(r._origin, Node):
            r._origin.targets = ((a._array.shape, d.numpy), (b._array.shape, b._array.dtype))
        return r
    a, b = as_operand(a, d.numpy), as_operand(b, d.numpy)
    x, y = a._array, b._array
    return a, b, x if x.dtype == d.numpy else x.astype(d.numpy), y if y.dtype == d.numpy else y.astype(d.numpy)


def _is_unrounded(b: Any) -> bool:
    return not isinstance(b, Tensor) or (b._array.ndim == 0 and b._array.dtype.char != "e")


def as_value(value: Any, other: Any) -> Any:
    """An operand as a Tensor or a Python number; NotImplemented if it is neither."""
    if isinstance(value, (Tensor, bool, int, float)):
        return value
    if dtypes.is_numpy_number(value):
        return dtypes.python_number(value)
    if isinstance(value, np.ndarray):
        if isinstance(other, Tensor) and other.requires_grad:
            raise RuntimeError(messages.array_among_tensors())
        if (
            isinstance(other, Tensor) and value.dtype.kind in "biuf"
        ):  # NumPy computes it in torch, in a dtype it chooses
            value = value.astype(np.result_type(value, other._array), copy=False)
            value = value if value.ndim else value.reshape((1,) * other.ndim)  # so that its dtype counts
        return Tensor._of(value)
    return unknown_operand(value)


def common_dtype(*values: Any) -> dtypes.dtype:
    """The dtype that tensors and numbers meet in, as `torch.result_type` has it."""
    with_dims, zero_dims, numbers = [], [], []
    for value in values:
        if not isinstance(value, Tensor):
            numbers.append(dtypes.of_number(value))
        elif value._array.ndim:
            with_dims.append(value.dtype)
        else:
            zero_dims.append(value.dtype)
    return dtypes.promote_ranked(with_dims, zero_dims, numbers)


def as_operand(value: Any, d: np.dtype[Any]) -> Tensor:
    """A Python number as a constant 0-d Tensor of dtype `d` (integers wrap around); a Tensor as it is."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, int):
        dtypes.check_int(value)
    made = Tensor._of(np.array(value).astype(d))
    if value:  # 0.0 and -0.0 are equal, so neither can be looked up
        known = _constants.get(d, {})
        if len(known) > 1000:
            known.clear()
        known[value] = made
    return made


def is_constant(x: np.ndarray[Any, Any]) -> bool:
    """Whether `x` is the array of a Python number that stands for a tensor."""
    return not x.ndim and any(known._array is x for known in _constants.get(x.dtype, {}).values())


def as_floating(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Integers in the default floating dtype, which is what a function such as exp gives for them."""
    return x.astype(dtypes.get_default_dtype().numpy)


_NAMES = {  # what the written functions refer to
    "Tensor": Tensor,
    "Storage": Storage,
    "Since": Since,
    "SinceSevered": SinceSevered,
    "LEAF": LEAF,
    "SEVERED": SEVERED,
    "OUTSIDE": OUTSIDE,
    "Lost": Lost,
    "RELEASED": RELEASED,
    "ndarray": np.ndarray,
    "new": object.__new__,
    "asarray": np.asarray,
    "user_frame": sys._getframe,
    "ranks": ranks,
    "last_user": last_user,
    "grad_enabled": is_grad_enabled,
    "current_origin": current_origin,
    "constants": _constants,
    "stale": stale,
    "brought": brought,
    "operands": operands,
    "as_operand": as_operand,
    "as_floating": as_floating,
    "misfit": messages.misfit,
}
