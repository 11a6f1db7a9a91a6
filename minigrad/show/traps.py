"""Traps of the forward pass: shapes that both grow, values that leave the graph and return, graphs that never end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any
from weakref import ref

import numpy as np

from .. import messages
from ..engine import LEAF, Lost, Node, ranks, user_line
from ..layout import memory_owner
from ..ops.listening import Listener
from ..ops.reduction import log_softmax_dim
from ..ops.table import Op
from ..tensor import Tensor

INTERNAL = True
Line = tuple[CodeType, int]  # a code object and the instruction in it
Report = Callable[..., None]  # report(kind, line, **what the text is about)

ON_PURPOSE = ("None", "newaxis", "unsqueeze", ".T", ".mT", "reshape(1,", "view(1,", "transpose", "outer")
PLAIN_DIGITS = 5  # a number that so many digits write is likely one that somebody wrote
SMALL = 16  # elements of a constant that are compared one by one with the numbers that have left
REMEMBERED = 10_000  # values that have left, at most


class Trap(Listener):
    """A listener that knows one trap and reports it where it happens."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.within_pass = 0  # operations that a pass itself performs are not the user's
        self.for_all = True  # a pass that names its inputs says nothing of other leaves

    def pass_begins(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor] | None, create_graph: bool) -> None:
        """Note that what follows is the pass's own, and for whom it is."""
        self.within_pass += 1
        self.for_all = inputs is None

    def pass_ends(self, outputs: Sequence[Tensor]) -> None:
        """Note that it is the user's again."""
        self.within_pass -= 1

    def operation(self, op: Any, args: tuple[Any, ...], result: Any) -> None:
        """Look at what the user did."""
        if not self.within_pass and isinstance(result, Tensor):
            self.look(op, args, result)

    def look(self, op: Any, args: tuple[Any, ...], result: Tensor) -> None:
        """Look at one operation of the user's."""

    def ends(self) -> None:
        """The block is over: report what only now is certain."""


def given_to(op: Any, args: tuple[Any, ...]) -> list[Any]:
    """What an operation computed with: its operands, not its options."""
    if isinstance(op, Op):
        return list(args[: len(op.inputs)])
    return [v for a in args for v in (a if isinstance(a, (list, tuple)) else (a,))]


class BothExpanded(Trap):
    """`(n, 1)` with `(n,)`: each is repeated along the other, and n numbers became n * n."""

    def look(self, op: Any, args: tuple[Any, ...], result: Tensor) -> None:
        """Compare the shapes of two operands that were to match element for element."""
        if isinstance(op, Op):
            operands = [args[op.inputs.index(i)] for i in op.differentiable] if op.numbers else []
        else:
            operands = list(args) if isinstance(op, np.ufunc) else []
        shapes = [a.shape for a in operands if isinstance(a, (Tensor, np.ndarray))]
        if len(shapes) < 2 or any(shape == result.shape for shape in shapes):
            return
        without_ones = [tuple(n for n in shape if n != 1) for shape in shapes]
        line = user_line(1)
        if without_ones[0] == without_ones[1] and not any(w in messages.position(*line)[2] for w in ON_PURPOSE):
            self.report("both expanded", line, a=tuple(shapes[0]), b=tuple(shapes[1]), out=tuple(result.shape))


class SoftmaxTwice(Trap):
    """What softmax has made is given to a log_softmax, as is in every cross entropy: that takes scores."""

    def look(self, op: Any, args: tuple[Any, ...], result: Tensor) -> None:
        """Whether the operand comes straight from a softmax."""
        origin = getattr(args[0], "_origin", None) if op is log_softmax_dim else None
        if isinstance(origin, Node) and origin.name() == "SoftmaxBackward0":
            self.report("softmax twice", user_line(1), other=(origin.code, origin.lasti))


class GrowingGraph(Trap):
    """A graph that carries on, through every step, the graphs of the steps before.

    Counted is how many passes lie on the way from an operation back to what it comes from. In a loop the same line
    gives the same count again, even where several losses share a graph; unless it carries something on.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.last_pass = next(ranks)  # nodes of a higher rank are older
        self.passes: dict[int, int] = {}  # by rank of a node, how many lie behind it, where there are any
        self.at_line: dict[Line, int] = {}

    def look(self, op: Any, args: tuple[Any, ...], result: Tensor) -> None:
        """Count the passes behind a result."""
        node = result._origin
        if not isinstance(node, Node):
            return
        behind, carries = max([self.behind(edge) for edge in node.edges if isinstance(edge, Node)], default=(0, False))
        if not behind:
            return
        if len(self.passes) > REMEMBERED:
            self.passes = dict(list(self.passes.items())[REMEMBERED // 2 :])
        self.passes[node.rank] = behind
        line = node.code, node.lasti
        before = self.at_line.get(line, 0)
        self.at_line[line] = behind
        if carries and behind > before >= 1:
            self.report("growing graph", line, passes=behind)

    def behind(self, node: Node) -> tuple[int, bool]:
        """How many passes lie behind who uses `node` now; and whether the last of them lies between the two."""
        older = node.rank > self.last_pass
        return self.passes.get(node.rank, 0) + older, older

    def pass_begins(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor] | None, create_graph: bool) -> None:
        """A pass that records itself is part of a computation, as in a second derivative: no step ends there."""
        super().pass_begins(outputs, inputs, create_graph)
        self.ends_step = not create_graph

    def pass_ends(self, outputs: Sequence[Tensor]) -> None:
        """What comes now belongs to the next step."""
        super().pass_ends(outputs)
        if self.ends_step:
            self.last_pass = next(ranks)


class PutBack(Trap):
    """A value that left the graph for Python or NumPy, or by `.data`, and that a recorded operation then meets.

    A number is the same one if it is the very object, or equal and not one that people write; an array if it lies in
    the same memory or has the same elements. What was computed from them outside cannot be known again.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.objects: dict[int, tuple[Any, str, Line]] = {}
        self.numbers: dict[float, tuple[str, Line]] = {}
        self.arrays: dict[bytes, tuple[str, Line]] = {}
        self.sizes: set[int] = set()
        self.memory: dict[int, tuple[Any, str, Line]] = {}
        self.sources: dict[int, Any] = {}  # tensors that values left from

    def taken(self, t: Tensor, how: str, value: Any) -> None:
        """Remember a value that leaves the graph."""
        by_detach = t._origin.__class__ is Lost and t._origin.why == "detach"
        if self.within_pass or how in (".data", "bool()", "an index", "in", "format()", "print()"):
            return
        if not (t.requires_grad or (by_detach and not isinstance(value, (int, float)))):
            return
        line = user_line(1)
        if len(self.objects) + len(self.numbers) + len(self.arrays) > REMEMBERED:
            self.objects, self.numbers, self.arrays = {}, {}, {}
        self.sources[id(t)] = ref(t)
        if isinstance(value, float):
            self.objects[id(value)] = value, how, line
            if is_unusual(value):
                self.numbers[value] = self.numbers[float(np.float32(value))] = how, line
        elif isinstance(value, (np.ndarray, list)):
            array = t._array
            if array.size > 1 and array.dtype.kind == "f" and not all(map(_is_plain, array.ravel()[:SMALL].tolist())):
                self.sizes.add(array.size)
                self.arrays[_content(array)] = how, line
            elif array.size == 1 and is_unusual(array.item()):
                self.numbers[array.item()] = how, line
            if isinstance(value, np.ndarray):
                owner = memory_owner(value)
                self.memory[id(owner)] = ref(owner), how, line

    def look(self, op: Any, args: tuple[Any, ...], result: Tensor) -> None:
        """Whether a recorded operation has an operand that left before."""
        if not isinstance(result._origin, Node):
            return
        for operand in given_to(op, args):
            found = self.known(operand)
            if found is not None:
                self.report("put back", user_line(1), how=found[0], other=found[1])

    def known(self, value: Any) -> tuple[str, Line] | None:
        """How and where `value` left, if it did."""
        if isinstance(value, float):
            of_object = self.objects.get(id(value))
            return self.numbers.get(value) if of_object is None else of_object[1:]
        if not isinstance(value, Tensor):
            return None
        if value._origin.__class__ is Lost and value._origin.why == "data":
            return ".data", (value._origin.code, value._origin.lasti)
        return None if value._origin is not None else self.known_array(value._array)

    def known_array(self, array: np.ndarray[Any, Any]) -> tuple[str, Line] | None:
        """How and where the elements of a constant left, or the memory that it lies in."""
        owner = memory_owner(array)
        of_memory = self.memory.get(id(owner))
        if of_memory is not None and of_memory[0]() is owner:
            return of_memory[1:]
        if array.dtype.kind != "f":
            return None
        if array.size in self.sizes:
            of_elements = self.arrays.get(_content(array))
            if of_elements is not None:
                return of_elements
        if self.numbers and array.size <= SMALL:
            return next((self.numbers[v] for v in array.ravel().tolist() if v in self.numbers), None)
        return None

    def pass_begins(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor] | None, create_graph: bool) -> None:
        """A pass that begins at a new leaf, made of a loss's value: `torch.tensor(loss.item(), requires_grad=True)`."""
        for t in outputs:
            if isinstance(t, Tensor) and t._origin is LEAF and self.sources.get(id(t), lambda: None)() is not t:
                found = self.known_array(t._array)
                if found is not None:
                    self.report("put back", user_line(1), how=found[0], other=found[1])
        super().pass_begins(outputs, inputs, create_graph)


def is_unusual(value: float) -> bool:
    """Whether a number has more digits than people write."""
    return np.isfinite(value) and not _is_plain(value)


def _is_plain(value: float) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.float32(f"{value:.{PLAIN_DIGITS}g}") == np.float32(value))


def _content(array: np.ndarray[Any, Any]) -> bytes:
    return np.ascontiguousarray(array, np.float32).tobytes()
