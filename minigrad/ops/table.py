"""How an operation is written, and what writing it gives.

An operation is its forward computation and, beside it, one rule per input: how the gradient `g` of the result flows to
that input. A rule says by the names of its parameters what it needs: `g`, an input, `out` (the result), an option, or
`a_shape` (the shape of input `a`, which costs no memory). Those are saved when the operation is recorded; nothing else.

    mul = op("MulBackward0", np.multiply, a=lambda g, b: g * b, b=lambda g, a: g * a)
    tanh = op("TanhBackward0", np.tanh, a=lambda g, out: g * (1 - out * out))

Rules use operators, attributes that arrays and Tensors share, and other operations. So one rule computes a gradient
(read with arrays) and records it (read with Tensors), which is all that gradients of gradients need.

What happens at each call does not depend on the operands, so it is written out once, when the operation is defined:
`_write` makes three short functions for it, as the standard library does for named tuples and dataclasses.
`print(mul.source)` shows them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..engine import LEAF, RELEASED, Lost, Node, Storage, next_sequence
from ..modes import is_grad_enabled
from ..tensor import Tensor, current_origin

INTERNAL = True
TABLE: list[Op] = []
_constants: dict[tuple[Any, str], Tensor] = {}  # Python numbers as Tensors, for the operations they meet in
Rule = Callable[..., Any]


class Op:
    """One operation: call it with Tensors to record, or with arrays to compute at once."""

    def __init__(self, node_name: str, forward: Callable[..., Any], rules: dict[str, Rule | None], **traits: Any) -> None:
        self.forward, self.rules, self.traits = forward, rules, traits
        self.inputs = tuple(rules)
        self.options = _parameters(forward)[len(rules) :] if hasattr(forward, "__code__") else ()
        self.differentiable = tuple(i for i, rule in rules.items() if rule is not None)
        self.names = {i: _parameters(rule)[1:] for i, rule in rules.items() if rule is not None}
        self.slots = tuple(dict.fromkeys(name for names in self.names.values() for name in names))
        self.variants: dict[str, Op] = {}
        self.guarded = [name for name in self.slots if name == "out" or name in self.inputs]
        values = [f"s_{n}" for n in self.slots] + [f"{k}_{n}" for n in self.guarded for k in "gv"]
        slots = (*[f"e_{i}" for i in self.differentiable], *values)
        self.node_type: Any = type(node_name, (Node,), {"__slots__": slots, "__module__": "minigrad", "op": self})
        self.source = _write(self, traits)
        scope = {
            **{f"rule_{i}": rule for i, rule in rules.items()},
            **{"Tensor": Tensor, "forward": forward, "Node": self.node_type, "Storage": Storage, "Lost": Lost},
            **{"LEAF": LEAF, "new": object.__new__, "ndarray": np.ndarray, "asarray": np.asarray, "INTERNAL": True},
            **{"grad_enabled": is_grad_enabled, "current_origin": current_origin, "user_frame": sys._getframe},
            **{"next_sequence": next_sequence, "operands": operands, "as_operand": as_operand, "constants": _constants, "as_floating": as_floating},
            **{"__name__": __name__, "misfit": messages.misfit, "stale": stale, "RELEASED": RELEASED},
        }
        exec(compile(self.source, f"<{node_name}>", "exec"), scope)  # noqa: S102 - the text is _write's own
        self.call: Callable[..., Tensor] = scope["call"]
        self.record: Callable[..., None] = scope["record"]
        for method in ("pull", "unpack", "release"):
            setattr(self.node_type, method, scope[method])
        self.node_type.edges = property(scope["edges"])

    def __call__(self, *args: Any) -> Any:
        return self.call(*args) if isinstance(args[0], Tensor) else self.forward(*args)

    def named(self, node_name: str) -> Op:
        """The same operation under another of torch's node names (`sum()` and `sum(dim)` differ there)."""
        if node_name not in self.variants:
            self.variants[node_name] = Op(node_name, self.forward, self.rules, **self.traits)
        return self.variants[node_name]


def op(
    node_name: str, forward: Callable[..., Any], *, numbers: str = "", floating: bool = False, **rules: Rule | None
) -> Op:
    """Enter an operation in the table.

    numbers  "promote": the inputs are brought to one dtype, and Python numbers among them may stand for tensors;
             "floating": to one floating dtype
    floating  whether integer inputs are first made floating
    A rule of None is for an input that no gradient flows to, such as a condition or an index.
    """
    made = Op(node_name, forward, rules, numbers=numbers, floating=floating)
    TABLE.append(made)
    return made


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


def _write(o: Op, traits: dict[str, Any]) -> str:
    """The source of the three functions of an operation: `call`, `record` and `pull`."""
    ins, flows = o.inputs, o.differentiable
    every = ", ".join
    arguments = every([*ins, *o.options])
    arrays = every(f"x_{i}" for i in ins)

    lines = [f"def call({arguments}):"]
    if traits["numbers"]:
        a, b = flows
        floating = traits["numbers"] == "floating"
        checks = f"{b}.__class__ is Tensor and {a}.__class__ is Tensor and {a}._array.dtype is {b}._array.dtype"
        lines += [
            f"    if {checks}" + (f" and {a}._array.dtype.kind == 'f':" if floating else ":"),
            f"        x_{a} = {a}._array",
            f"        x_{b} = {b}._array",
            f"    elif ({b}.__class__ is float or {b}.__class__ is int) and {a}.__class__ is Tensor "
            f"and {a}._array.dtype.kind == 'f':",
            f"        x_{a} = {a}._array",
            f"        {b} = constants.get(({b}, x_{a}.dtype.char)) or as_operand({b}, x_{a}.dtype)",
            f"        x_{b} = {b}._array",
            "    else:",
            f"        found = operands({a}, {b}, {floating})",
            "        if found is NotImplemented: return found",
            f"        {a}, {b}, x_{a}, x_{b} = found",
            *[f"    x_{i} = {i}._array" for i in ins if i not in flows],
        ]
    else:
        for i in ins:
            lines.append(f"    x_{i} = {i}._array")
            if traits["floating"]:
                lines.append(f"    if x_{i}.dtype.kind != 'f': x_{i} = as_floating(x_{i})")
    forward = f"forward({every([*(f'x_{i}' for i in ins), *o.options])})"
    if traits["numbers"]:
        lines += ["    try:", f"        out = {forward}", "    except ValueError as error:"]
        lines += [f"        raise misfit(error, x_{a}, x_{b}) from None"]
    else:
        lines.append(f"    out = {forward}")
    lines += [
        "    if out.__class__ is not ndarray: out = asarray(out)",
        "    r = new(Tensor)",
        "    r._array = out",
        "    r._storage = r._view = None",
    ]
    lines += [f"    o_{i} = {i}._origin if {i}._view is None else current_origin({i})" for i in flows]
    lines += [
        f"    if {' and '.join(f'o_{i} is None' for i in flows)}: r._origin = None",
        f"    elif grad_enabled(): record(r, out, {arguments}, {arrays}, {every(f'o_{i}' for i in flows)})",
        "    else: r._origin = Lost('no_grad')",
        "    return r",
        "",
        f"def record(r, out, {arguments}, {arrays}, {every(f'o_{i}' for i in flows)}):",
    ]
    for i in flows:
        lines.append(f"    e_{i} = {i} if o_{i} is LEAF else None if o_{i}.__class__ is Lost else o_{i}")
    lost = f"r._origin = {' or '.join(f'o_{i}' for i in flows)}; return"
    lines += [
        f"    if {' and '.join(f'e_{i} is None' for i in flows)}: {lost}",
        "    r._origin = node = new(Node)",
        *[f"    node.e_{i} = e_{i}" for i in flows],
    ]
    for name in o.slots:
        users = " or ".join(f"e_{i} is not None" for i in flows if name in o.names[i])
        if name in o.guarded:
            owner, value = ("r", "out") if name == "out" else (name, f"x_{name}")
            lines += [
                f"    if {users}:",
                f"        node.s_{name} = {value}",
                f"        storage = {owner}._storage",
                f"        if storage is None: storage = {owner}._storage = Storage()",
                f"        node.g_{name} = storage",
                f"        node.v_{name} = storage.version",
                f"    else: node.s_{name} = node.g_{name} = None",
            ]
        else:
            shape_of = name.removesuffix("_shape")
            lines.append(f"    node.s_{name} = " + (f"x_{shape_of}.shape" if shape_of != name else name))
    lines += [
        "    node.targets = node.hooks = None",
        "    node.sequence = next_sequence()",
        "    frame = user_frame(2)",
        "    while 'INTERNAL' in frame.f_globals and frame.f_back is not None: frame = frame.f_back",
        "    node.code = frame.f_code",
        "    node.lasti = frame.f_lasti",
    ]
    if traits["numbers"]:
        misfits = [f"(e_{i} is not None and (x_{i} is not {i}._array or x_{i}.shape != shape))" for i in flows]
        targets = [f"({i}._array.shape, {i}._array.dtype) if {m} else None" for i, m in zip(flows, misfits, strict=True)]
        lines += [
            "    shape = out.shape",
            f"    if {' or '.join(misfits)}: node.targets = ({every(targets)},)",
        ]

    pulled = [f"rule_{i}({every(['g', *(f's_{n}' for n in o.names[i])])})" for i in flows]
    lines += ["", "def pull(node, g, edges, saved):"]
    if o.slots:
        lines.append(f"    {''.join(f's_{name}, ' for name in o.slots)} = saved")
    if len(flows) == 1:
        lines.append(f"    return ({pulled[0]},)")
    else:
        lines.append(f"    {''.join(f'e_{i}, ' for i in flows)} = edges")
        wanted = [f"None if e_{i} is None else {p}" for i, p in zip(flows, pulled, strict=True)]
        lines.append(f"    return ({every(wanted)},)")

    lines += ["", "def unpack(node):"]
    for name in o.guarded:
        lines += [f"    if node.g_{name} is not None and node.g_{name}.version != node.v_{name}: stale(node, node.g_{name}, node.v_{name})"]
    lines += [f"    return ({''.join(f'node.s_{name}, ' for name in o.slots)})"]
    lines += ["", "def release(node):"]
    lines += [f"    if node.g_{name} is not None: node.s_{name} = node.g_{name} = RELEASED" for name in o.guarded]
    lines += ["    return", "", "def edges(node):", f"    return ({''.join(f'node.e_{i}, ' for i in flows)})"]
    return "\n".join(lines) + "\n"


def stale(node: Node, guard: Any, version: int) -> None:
    """Raise the error for a saved value that is gone, or is no longer what it was."""
    if guard is RELEASED:
        raise RuntimeError(messages.second_backward(node))
    raise RuntimeError(messages.changed_in_place(node, guard, version))


def operands(a: Any, b: Any, floating: bool) -> Any:
    """Two operands as Tensors, and their arrays in the dtype that torch computes in; else NotImplemented."""
    a, b = _as_value(a, b), _as_value(b, a)
    if a is NotImplemented or b is NotImplemented:
        return NotImplemented
    d = common_dtype(a, b)
    if floating and d.kind != dtypes.FLOATING:
        d = dtypes.get_default_dtype()
    a, b = as_operand(a, d.numpy), as_operand(b, d.numpy)
    x, y = a._array, b._array
    return a, b, x if x.dtype == d.numpy else x.astype(d.numpy), y if y.dtype == d.numpy else y.astype(d.numpy)


def _as_value(value: Any, other: Any) -> Any:
    """An operand as a Tensor or a Python number; NotImplemented if it is neither."""
    if isinstance(value, (Tensor, bool, int, float)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        if isinstance(other, Tensor) and other.requires_grad:
            raise RuntimeError(messages.array_among_tensors())
        return Tensor._of(value)
    return NotImplemented


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
    made = Tensor._of(np.array(value).astype(d))
    if value:  # 0.0 and -0.0 are equal, so neither can be looked up
        if len(_constants) > 1000:
            _constants.clear()
        _constants[value, d.char] = made
    return made


def as_floating(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Integers in the default floating dtype, which is what a function such as exp gives for them."""
    return x.astype(dtypes.get_default_dtype().numpy)
