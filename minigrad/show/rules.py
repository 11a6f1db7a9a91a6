"""The text of the rule that ran: as it is written, and with the numbers put in."""

from __future__ import annotations

from typing import Any

from ..autograd.nodes import FunctionNode
from ..autograd.tape import OfSeveral
from ..ops.shape import CatBackward0, StackBackward0
from .recorded import readable
from .symbols import Unwritable, number_text, rule_numbers, rule_text, short_name

INTERNAL = True
LIMIT = 6  # elements of an array that are written out in a formula


def text_of(node: Any, index: int, name: str, g: Any) -> str:
    """The rule for input `index` of `node`, which is called `name`, as it is written: "g * b"."""
    op = getattr(type(node), "op", None)
    if op is None:
        return _of_many(node, index, "g")
    try:
        return rule_text(op, name, _values(node, g))
    except Unwritable:
        return f"{short_name(op.node_name)}_rule_{name}({', '.join(('g', *op.names[name]))})"


def numbers_of(node: Any, index: int, name: str, g: Any) -> str:
    """The same with the numbers put in; of an array that is not small, the shape."""
    op = getattr(type(node), "op", None)
    if op is None:
        return _of_many(node, index, "[…]" if isinstance(g, OfSeveral) else number_text(g, LIMIT))
    values = _values(node, g)
    try:
        return rule_numbers(op, name, values, LIMIT)
    except Unwritable:
        shown = [
            number_text(values[key], LIMIT) if hasattr(values[key], "dtype") else str(values[key]) for key in values
        ]
        return f"{short_name(op.node_name)}_rule_{name}({', '.join(shown)})"


def _values(node: Any, g: Any) -> dict[str, Any]:
    return {"g": g, **dict(zip(type(node).op.slots, map(readable, node.unpack()), strict=True))}


def _of_many(node: Any, index: int, g: str) -> str:
    """For nodes that are not of the table."""
    if isinstance(node, FunctionNode):
        several = len(node.edges) > 1
        return f"{node.function.__name__}.{node.function._rule().__name__}(ctx, {g})" + (
            f"[{index}]" if several else ""
        )
    if isinstance(node, CatBackward0):
        dim, ends = node.saved
        before = (0, *ends)[index]
        return f"{g}[{':, ' * dim}{before}:{ends[index]}]"
    if isinstance(node, StackBackward0):
        return f"{g}[{':, ' * node.saved}{index}]"
    if hasattr(node, "program"):  # a compiled call: the whole backward pass of the function at once
        return f"{getattr(node.program.f, '__name__', 'function')}.pull({g})[{index}]"
    return g  # what stands for another node hands on what it gets
