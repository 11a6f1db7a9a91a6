"""A recorded graph run again: in double precision, for finite differences; and on torch, for its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import Node
from ..ops.convert import converted
from ..ops.inplace import put_view
from ..ops.pointwise import div_, mul_
from ..ops.shape import CatBackward0, StackBackward0
from .kept import computed_again, kept_of, op_of, options_of
from .model import Value
from .recorded import Recorded, dim_of, operands_of

INTERNAL = True
Array = np.ndarray[Any, Any]
CHECKS = ("differences", "torch")
STEP = 2.0**-13  # relative; by Richardson's rule the error is of the order of its fourth power

# By the forward of an operation that rounds to its operand's dtype: the same in the dtype that it is run in.
_OF_NUMBERS = {id(mul_.by_number.forward): np.multiply, id(div_.by_number.forward): np.divide}  # type: ignore[union-attr]


class Replay:
    """The recorded operations under a tensor, ready to be run again on other values of the leaves."""

    def __init__(self, graph: Recorded, root: Any, start: Array) -> None:
        self.graph, self.root, self.start = graph, graph.ids[id(root)], np.array(start)
        self.operations: list[tuple[int, Any, list[int], list[Any]]] = []
        self.leaves: dict[int, Array] = {}
        self.constants: dict[int, Array] = {}
        for made in graph.nodes:
            edge = graph.edges[made.id]
            if made.kind == "operation":
                self.operations.append((made.id, edge, *self._operands(made, edge)))
                continue
            array = made.value.array
            if array is None:
                raise _missing(f"the value of {made.label}")
            (self.leaves if made.kind == "leaf" else self.constants)[made.id] = array

    def _operands(self, made: Any, node: Any) -> tuple[list[int], list[Any]]:
        """The numbers of an operation's operands, and its options."""
        what = made.place.text if made.place is not None and made.place.text else made.label
        numbers = [part.node for part in made.inputs]
        if op_of(node) is put_view and numbers[0] is None and made.value.array is not None:
            before = -1 - made.id  # what lay there is not known, but where it was not overwritten, the result has it
            numbers[0], self.constants[before] = before, made.value.array
        if any(n is None for n in numbers):
            raise _missing(f"an operand of {what}")
        for met, number in zip(operands_of(node), numbers, strict=True):
            known = self._array(number)
            if met.kept is not None and known is not None and not np.array_equal(met.kept.array, known, equal_nan=True):
                raise RuntimeError(_changed(what))
        if isinstance(node, (CatBackward0, StackBackward0)):
            return numbers, [dim_of(node)]
        op = op_of(node)
        if kept_of(node) is None and op is not None:
            self._compare(made, node, numbers, what)
        if op is None:
            raise NotImplementedError(
                f"{node.name()} is no operation of the table, so it cannot be repeated for a check\n"
                "  Compare its gradient with finite differences of its function: torch.autograd.gradcheck(f, inputs)."
            )
        options = options_of(node)
        if any(name not in options for name in op.options):
            raise _missing(f"{', '.join(name for name in op.options if name not in options)} of {what}")
        return numbers, [options[name] for name in op.options]

    def _array(self, number: int) -> Array | None:
        return self.constants[number] if number < 0 else self.graph.nodes[number].value.array

    def _compare(self, made: Any, node: Any, numbers: list[Any], what: str) -> None:
        """Raise unless an operation that nobody recorded, such as a view of changed memory, gives what it gave."""
        again = computed_again(node, [self._array(n) for n in numbers])
        if again is None or made.value.array is None:
            raise _missing(f"the value of {what}")
        if not np.array_equal(again, made.value.array, equal_nan=True):
            raise RuntimeError(_changed(what))

    def total(self, leaves: dict[int, Array]) -> float:
        """The result, weighed by the gradient that the pass began with, in double precision."""
        values: dict[int, Any] = {n: _double(a) for n, a in (self.constants | leaves).items()}
        with np.errstate(all="ignore"):
            for number, node, operands, options in self.operations:
                values[number] = _double(_repeated(node, [values[n] for n in operands], options))
            return float(np.sum(values[self.root] * self.start.astype(np.float64)))

    def by_differences(self) -> dict[int, Value]:
        """The gradient of every leaf by central differences of fourth order."""
        found = {}
        doubles = {n: _double(a) for n, a in self.leaves.items()}
        for number, array in doubles.items():
            slopes = np.zeros(array.shape)
            for at in np.ndindex(array.shape):
                h = STEP * max(1.0, abs(float(array[at])))
                near, far = [self._slope(doubles, number, at, step) for step in (h, 2 * h)]
                slopes[at] = (4 * near - far) / 3
            found[number] = Value.of(slopes)
        return found

    def _slope(self, leaves: dict[int, Array], number: int, at: tuple[int, ...], h: float) -> float:
        totals = []
        for step in (h, -h):
            moved = leaves[number].copy()
            moved[at] += step
            totals.append(self.total(leaves | {number: moved}))
        return (totals[0] - totals[1]) / (2 * h)

    def by_torch(self) -> dict[int, Value]:
        """The gradient of every leaf by torch, from the same operations in the same dtypes."""
        try:
            import torch
        except ImportError as error:
            raise ImportError('check="torch" needs torch: in the checkout, pip install ".[torch]"') from error
        from . import torch_functions

        values: dict[int, Any] = {n: torch.from_numpy(np.array(a)) for n, a in self.constants.items()}
        leaves = {n: torch.from_numpy(np.array(a)).requires_grad_() for n, a in self.leaves.items()}
        values |= leaves
        for number, node, operands, options in self.operations:
            given = [values[n] for n in operands]
            if isinstance(node, (CatBackward0, StackBackward0)):
                values[number] = torch_functions.joined(torch, node, given, *options)
            else:
                values[number] = torch_functions.function_of(type(node).op)(torch, *given, *options)
        root = values[self.root]
        root.backward(torch.from_numpy(self.start.astype(root.detach().numpy().dtype)))
        found = {n: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad + 0 for n, leaf in leaves.items()}
        return {n: Value.of(g.detach().numpy()) for n, g in found.items()}


def _repeated(node: Node, operands: list[Any], options: list[Any]) -> Any:
    """An operation's result on arrays in double precision."""
    if isinstance(node, CatBackward0):
        return np.concatenate([x for x in operands if x.shape != (0,)] or operands, *options)
    if isinstance(node, StackBackward0):
        return np.stack(operands, *options)
    op: Any = type(node).op  # type: ignore[attr-defined]
    if op.forward is converted.forward:
        return operands[0]
    if op.floating:
        operands = [x.astype(np.float64) for x in operands]
    return _OF_NUMBERS.get(id(op.forward), op.forward)(*operands, *options)


def _double(array: Any) -> Array:
    found = np.asarray(array)
    return found.astype(np.float64) if found.dtype.kind == "f" else found


def _changed(what: str) -> str:
    return f"{what} met a value that was changed outside of the graph, so it cannot be repeated"


def _missing(what: str) -> RuntimeError:
    return RuntimeError(
        f"the graph did not keep {what}, so the pass cannot be repeated for a check\n"
        "  Compute the loss under show.recording(), or give the function that computes it: show.steps(lambda: loss())."
    )
