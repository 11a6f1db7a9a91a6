"""The graph under a tensor as data: its nodes in the order of the forward pass, with their values and names."""

from __future__ import annotations

import inspect
import linecache
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from ..autograd.nodes import FunctionNode
from ..engine import Node, edge_to, guarded, last_change
from ..ops.shape import CatBackward0, StackBackward0
from ..tensor import Tensor
from .frames import modules_of, tensors_of, user_frames
from .kept import Operand, computed_again, kept_of, nodes_under, op_of, options_of, saved_arrays, unchanged_since
from .lines import operand_texts, place_of
from .model import GraphNode, Input, Value
from .options import brief
from .symbols import short_name

INTERNAL = True
Array = np.ndarray[Any, Any]
IN_WRITTEN_ORDER = ("AddBackward0", "SubBackward0", "MulBackward0", "DivBackward0", "MmBackward0")  # a and b, of a + b


@dataclass
class Met:
    """One operand as its operation met it: what it is in the graph, and what is known of its value."""

    name: str  # of the rule
    edge: Any  # a Node, a leaf, or None where no gradient is wanted
    kept: Operand | None
    saved: Array | None


def operands_of(node: Any) -> list[Met]:
    """The operands of a recorded operation."""
    kept = kept_of(node)
    op = op_of(node)
    if op is None:
        names, edges, saved = tuple(_names_of_many(node)), node.edges, {}
    else:
        names, saved = op.inputs, saved_arrays(node)
        edges = [getattr(node, f"e_{i}") if i in op.differentiable else None for i in op.inputs]
    recorded: list[Any] = [None] * len(edges) if kept is None else kept.operands
    return [Met(n, e, k, saved.get(n)) for n, e, k in zip(names, edges, recorded, strict=True)]


def _names_of_many(node: Any) -> list[str]:
    """Names for the operands of a node that is not of the table."""
    if isinstance(node, FunctionNode):
        function = node.function
        parameters = [*inspect.signature(function.forward).parameters.values()]
        names = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
        if function.setup_context.__qualname__ == "Function.setup_context":
            names = names[1:]  # the ctx
        rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
        names += [f"{rest}[{i}]" for i in range(len(node.of_argument) - len(names))]
        return [name for name, is_tensor in zip(names, node.of_argument, strict=False) if is_tensor]
    if hasattr(node, "program"):  # a compiled call
        return list(node.program.names)
    if len(node.edges) == 1 and not isinstance(node, (CatBackward0, StackBackward0)):
        return ["a"]
    return [f"tensors[{i}]" for i in range(len(node.edges))]


def dim_of(node: Any) -> int:
    """The dimension that a `cat` or `stack` joined along."""
    dim: int = node.saved[0] if isinstance(node, CatBackward0) else node.saved
    return dim


class Visible:
    """The tensors that the user's variables hold, with their names: those of the nearest function first."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}  # by id of a leaf, a node, or an array
        self.tensors: dict[int, Tensor] = {}  # by id of a node
        for name, found in tensors_of(user_frames()):
            edge = edge_to(found)
            self.names.setdefault(id(found._array), name)
            if edge is not None:
                self.names.setdefault(id(edge), name)
            if isinstance(edge, Node):
                self.tensors.setdefault(id(edge), found)

    @cached_property
    def modules(self) -> dict[int, str]:
        """By id of a module that they hold, its name; looked for only where an operation is a module's."""
        return modules_of(user_frames())


class Recorded:
    """The graph that leads to `root`, with leaves and constants, numbered in the order of the forward pass."""

    def __init__(self, root: Any, output: Tensor) -> None:
        self.visible = Visible()
        if isinstance(root, Node):
            self.visible.tensors.setdefault(id(root), output)
        self.nodes: list[GraphNode] = []
        self.ids: dict[int, int] = {}  # by id of a node or a leaf, or of a constant's array
        self.edges: list[Any] = []  # by number; None for a constant
        self.alive: list[Any] = []  # arrays whose ids are used
        self.uses: dict[int, list[tuple[Any, Met]]] = {}
        order = nodes_under(root)[::-1]
        for node in order:
            for met in operands_of(node):
                if met.edge is not None:
                    self.uses.setdefault(id(met.edge), []).append((node, met))
        if not order:
            self._number(root, self._leaf(root))
        self.given = _last_of_calls(order)
        self.calls: dict[int, dict[int, None]] = {}  # by id of the reference to a module, its calls in their order
        for node in order:
            kept = kept_of(node)
            if kept is not None and kept.module is not None:
                _, module, call = kept.module
                self.calls.setdefault(id(module), {})[call] = None
        for node in order:
            self._add(node)

    def _number(self, thing: Any, made: GraphNode) -> int:
        self.ids[id(thing)] = made.id
        self.nodes.append(made)
        self.edges.append(thing if isinstance(thing, (Node, Tensor)) else None)
        self.alive.append(thing)
        return made.id

    def _add(self, node: Any) -> None:
        inputs, arrays = [], []
        place, name = place_of(node.code, node.lasti), node.name()
        if place is not None and id(node) not in self.given:
            place = replace(place, target=None, whole=False)
        written = operand_texts(place) if place is not None and name in IN_WRITTEN_ORDER else None
        for i, met in enumerate(operands_of(node)):
            text = written[i] if written is not None else ""
            inputs.append(Input(met.name, self._operand(met, text), met.edge is not None))
            arrays.append(self._array_met(met))
        label = (place and place.target) or self.visible.names.get(id(node)) or short_name(name)
        options = {key: brief(value) for key, value in options_of(node).items()}
        value = self._value(node, arrays)
        made = GraphNode(len(self.nodes), "operation", name, label, place, value, inputs, options)
        self._name_module(made, kept_of(node))
        self._number(node, made)

    def _name_module(self, made: GraphNode, kept: Any) -> None:
        """Which layer ran an operation, by the user's name for it and its class, and in which of its calls."""
        if kept is None or kept.module is None:
            return
        kind, module, call = kept.module
        name = self.visible.modules.get(id(module()))
        made.module = kind if name is None else f"{name} ({kind})"
        calls = [*self.calls[id(module)]]
        if len(calls) > 1:
            made.call = calls.index(call) + 1, len(calls)

    def _operand(self, met: Met, text: str) -> int | None:
        """The number of an operand, which is entered if it is new; None where nothing is known of it.

        `text` is the expression for it, if that is known, for a constant that no variable holds.
        """
        if met.edge is not None:
            known = self.ids.get(id(met.edge))
            return self._number(met.edge, self._leaf(met.edge)) if known is None else known
        array = met.saved if met.kept is None else met.kept.array
        if array is None:
            return None
        if id(array) in self.ids:
            return self.ids[id(array)]
        name = (met.kept.name if met.kept is not None else "") or self.visible.names.get(id(array), "")
        value = Value.of(array)
        label = name or (brief(array[()]) if array.ndim == 0 else brief(text or "constant", 30))
        return self._number(array, GraphNode(len(self.nodes), "constant", name, label, None, value))

    def _leaf(self, leaf: Any) -> GraphNode:
        uses = self.uses.get(id(leaf), [])
        kept = [met.kept for _, met in uses if met.kept is not None]
        name = next((k.name for k in kept if k.name), "") or self.visible.names.get(id(leaf), "")
        array = leaf._array
        value = Value.unknown(array.shape, array.dtype)
        if all(unchanged_since(node, leaf._storage) for node, _ in uses):
            value = Value.of(array)
        elif len(kept) == len(uses) and all(k.array is kept[0].array for k in kept):
            value = Value.of(kept[0].array)
        return GraphNode(len(self.nodes), "leaf", name, name or "leaf", None, value)

    def _array_met(self, met: Met) -> Array | None:
        """An operand's value as the operation met it, if that is certain."""
        if met.saved is not None:
            return met.saved
        if met.kept is not None:
            return met.kept.array
        if met.edge is None or id(met.edge) not in self.ids:
            return None
        value = self.nodes[self.ids[id(met.edge)]].value.array
        if isinstance(met.edge, Node):  # was its memory changed before this operation met it, behind the graph's back?
            return value if met.edge.rank < last_change[0] else None
        return value

    def _value(self, node: Any, operands: list[Array | None]) -> Value:
        """The result of an operation, if it is certain."""
        kept = kept_of(node)
        if kept is not None:
            return Value.of(kept.result)
        array = saved_arrays(node).get("out")
        visible = self.visible.tensors.get(id(node))
        if array is None and visible is not None and unchanged_since(node, visible._storage):
            array = visible._array
        uses = self.uses.get(id(node), [])
        for user, met in uses if array is None else ():
            if met.kept is not None and node.rank < met.kept.changed_at:
                array = met.kept.array
            elif met.saved is not None and unchanged_since(node, guarded(getattr(user, f"g_{met.name}"))[0]):
                target = user.targets and user.targets[type(user).op.differentiable.index(met.name)]
                array = met.saved if not target or target == (met.saved.shape, met.saved.dtype) else None
            if array is not None:
                break
        if array is None:
            array = computed_again(node, operands)
        return _unknown(node, uses) if array is None else Value.of(array)


def _last_of_calls(order: list[Any]) -> set[int]:
    """The ids of the nodes that calls of the user's end with: what a call gives that does several things.

    What one expression did without a break is one call, or, where it did the same again and again, as many.
    """
    found: set[int] = set()
    for _, run in groupby(order, lambda node: (node.code, node.lasti)):
        nodes = list(run)
        kinds = [(node.name(), (kept := kept_of(node)) and kept.module and kept.module[:2]) for node in nodes]
        each = next(n for n in range(1, len(kinds) + 1) if kinds[:n] * (len(kinds) // n) == kinds)
        found |= {id(node) for node in nodes[each - 1 :: each]}
    return found


def _unknown(node: Any, uses: list[tuple[Any, Met]]) -> Value:
    """What is known of a result without its elements: shape and dtype, if a user's rules were told them."""
    if isinstance(node, FunctionNode) and len(node.results) == 1 and node.results[0] is not None:
        shape, dtype = node.results[0]
        return Value.unknown(shape, dtype)
    for user, met in uses:
        index = [m.name for m in operands_of(user) if m.edge is not None].index(met.name)
        target = user.targets[index] if user.targets is not None and len(user.targets) > index else None
        if target is not None:
            return Value.unknown(*target)
    return Value((), "", None)


def sources_of(nodes: list[GraphNode]) -> dict[str, str]:
    """The text of the files that the user's expressions are in."""
    files = dict.fromkeys(node.place.file for node in nodes if node.place is not None)
    texts = {file: "".join(linecache.getlines(file)) for file in files}
    return {file: text for file, text in texts.items() if text}
