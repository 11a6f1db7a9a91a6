"""The text of the rule that ran: as it is written, and with the numbers put in."""

from __future__ import annotations

from typing import Any

from ..autograd.nodes import FunctionNode
from ..autograd.tape import OfSeveral
from ..ops.shape import CatBackward0, StackBackward0
from .kept import op_of
from .options import readable
from .symbols import Unwritable, number_text, rule_numbers, rule_text, short_name

INTERNAL = True


def formulas(node: Any, index: int, name: str, g: Any) -> tuple[str, str]:
    """The rule for input `index` of `node`, which is called `name`: as it is written, "g * b", and with the numbers.

    Of an array that is not small, the shape stands for the numbers.
    """
    op = op_of(node)
    if op is None:
        numbers = "[…]" if isinstance(g, OfSeveral) else number_text(g)
        return _of_many(node, index, "g"), _of_many(node, index, numbers)
    values = {"g": g, **dict(zip(op.slots, map(readable, node.unpack()), strict=True))}
    try:
        return rule_text(op, name, values), rule_numbers(op, name, values)
    except Unwritable:
        names = ("g", *op.names[name])
        shown = [number_text(v) if hasattr(v, "dtype") else str(v) for v in (values[n] for n in names)]
        called = f"{short_name(op.node_name)}_rule_{name}"
        return f"{called}({', '.join(names)})", f"{called}({', '.join(shown)})"


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
