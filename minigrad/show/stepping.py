"""`steps(loss)`: a backward pass as data, one step for each node. The pass is the engine's own, watched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from ..autograd import heard as heard, passes  # the former lets passes tell
from ..autograd.nodes import FunctionNode
from ..autograd.tape import ArrayTape, OfSeveral, accumulate_out_of_place, refuse_moved_leaves
from ..engine import LEAF, Node, guarded, user_line
from ..ops.inplace import check_writable
from ..ops.listening import Listener, listening
from ..ops.shape import CatBackward0, StackBackward0
from ..tensor import Tensor
from ..walk import bring_to, broadcast_dims
from .kept import held_by, op_of, recording, saved_arrays, tensor_of
from .model import Backward, Entry, Flow, Ledger, Saved, Step, Undone, Value
from .options import brief
from .recorded import Recorded, dim_of, operands_of, sources_of
from .replay import CHECKS, Replay
from .rules import formulas

INTERNAL = True
Array = np.ndarray[Any, Any]
ORDERS = ("newest first", "naive")


def steps(
    loss: Tensor | Callable[[], Tensor],
    gradient: Tensor | None = None,
    *,
    order: str = "newest first",
    check: tuple[str, ...] | str = (),
    create_graph: bool = False,
) -> Backward:
    """The backward pass of `loss`, step by step, as data. Neither the graph nor any `.grad` changes.

    loss          a tensor; or a function of no arguments that computes one, which is then run under `recording()`
    gradient      of the shape of `loss`, as `backward` takes it; None stands for 1, where it has one element
    order         "newest first", as the engine goes; "naive" visits a node as soon as anything arrives at it, and so
                  with sums that are not complete (`first_wrong` says which)
    check         "differences", "torch" or both: ways to compute the leaves' gradients again (`Ledger.checks`)
    create_graph  also the backward pass of each leaf's gradient, added up (`Backward.higher`)
    The users' hooks run, as they do in a pass. Raises what `loss.backward(gradient)` raises; ValueError for an order
    or a check that does not exist.
    """
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(map(repr, ORDERS))}, but got {order!r}")
    checks = (check,) if isinstance(check, str) else tuple(check)
    if any(name not in CHECKS for name in checks):
        raise ValueError(f"check must be of {', '.join(map(repr, CHECKS))}, but got {check!r}")
    loss = tensor_of(loss)
    start = passes._root(0, loss, gradient, False)
    root = passes._edge_of_root(0, loss)
    graph = Recorded(root, loss)
    tape: Any = _Watching(graph, order)
    tape.contribute(root, None, None, start)
    with _grads_kept() if any(isinstance(edge, FunctionNode) for edge in graph.edges) else nullcontext():
        found = passes.walk(((root, start),), tape, True) if order == ORDERS[0] else _walk_naively(root, start, tape)
        refuse_moved_leaves(found)
    tape.finish(found)
    made = Backward(graph.ids[id(root)], graph.nodes, tape.steps, tape.ledgers, order)
    made.sources = sources_of(graph.nodes)
    if checks:
        replay = Replay(graph, root, start)
        for name in checks:
            for number, value in (replay.by_torch() if name == "torch" else replay.by_differences()).items():
                if number in made.ledgers:
                    made.ledgers[number].checks[name] = value
    if create_graph:
        made.higher = _higher(loss, gradient, {n: graph.edges[n] for n in made.ledgers})
    return made


class _Grads(Listener):
    """What `.grad` of leaves was before a pass within a step, as the backward of a Function may make one, added to it.

    Reentrant checkpoints do.
    """

    def __init__(self) -> None:
        self.before: dict[int, tuple[Tensor, Tensor | None, Any]] = {}

    def delivers(self, found: Any) -> None:
        """Remember them."""
        for leaf, _ in found.values():
            if isinstance(leaf, Tensor):
                grad = leaf.grad
                self.before.setdefault(id(leaf), (leaf, grad, None if grad is None else grad._array.copy()))


@contextmanager
def _grads_kept() -> Iterator[None]:
    """Let no `.grad` have changed after it."""
    grads = _Grads()
    try:
        with listening(grads):
            yield
    finally:
        for leaf, grad, array in grads.before.values():
            leaf.grad = grad
            if grad is not None:
                grad._array[...] = array


def _higher(loss: Tensor, gradient: Tensor | None, edges: dict[int, Any]) -> dict[int, Backward]:
    """The passes through the graphs of the leaves' gradients."""
    leaves = {number: edge for number, edge in edges.items() if isinstance(edge, Tensor)}
    with recording():
        found = passes.grad(loss, [*leaves.values()], gradient, create_graph=True, allow_unused=True) if leaves else ()
    return {
        number: steps(g if g._array.size == 1 else g.sum())
        for number, g in zip(leaves, found, strict=True)
        if g is not None and g.requires_grad
    }


class _Watching(ArrayTape):
    """Reads the rules on arrays, and writes down what happens; nothing is left in `.grad`."""

    def __init__(self, graph: Recorded, order: str) -> None:
        self.graph, self.order = graph, order
        self.steps: list[Step] = []
        self.ledgers: dict[int, Ledger] = {}
        self.sums: dict[int, tuple[Any, Value]] = {}  # by id of an edge, what has arrived there
        self.waiting: dict[int, Any] = {}  # nodes, in the order in which the first contribution arrived
        self.done: set[int] = set()
        self.delivered: Counter[int] = Counter()  # by id of an edge, how many of its users have had their turn

    def run_tensor_hooks(self, hooks: Any, g: Any) -> Any:
        """`g` after the users' hooks; a tensor that retains its gradient is left as it is."""
        return self.run_each(hooks.of_tensor, g) if hooks.of_tensor else g

    def contribute(self, edge: Any, step: int | None, source: int | None, g: Any, value: Value | None = None) -> int:
        """Enter a contribution into the ledger of `edge`; returns its place there."""
        number = self.graph.ids[id(edge)]
        ledger = self.ledgers.setdefault(number, Ledger(number, [], None, None))
        known = self.sums.get(id(edge))
        value = _value(edge, g) if value is None else value
        if known is None:
            total, total_value = g, value
        else:
            total = known[0] + g
            total_value = _value(edge, total)
        self.sums[id(edge)] = total, total_value
        ledger.entries.append(Entry(step, source, value, total_value))
        if isinstance(edge, Node) and id(edge) not in self.done:
            self.waiting[id(edge)] = edge
        return len(ledger.entries) - 1

    def watch(self, node: Any, g: Any, edges: Any, given: Any, gradients: Any) -> None:
        """Write down one node's turn."""
        number = self.graph.ids[id(node)]
        self.waiting.pop(id(node), None)
        self.done.add(id(node))
        known = self.sums[id(node)]
        incoming = known[1] if known[0] is g else _value(node, g)
        if known[0] is not g and node.hooks is not None:
            self.ledgers[number].hooked = incoming
        step = Step(len(self.steps), number, incoming, self.delivered[id(node)], 0, [], _saved(node), [])
        op = op_of(node)
        names = [met.name for met in operands_of(node)] if op is None else op.differentiable
        for i, (edge, name) in enumerate(zip(edges, names, strict=True)):
            if edge is not None and gradients[i] is not None:
                step.flows.append(self._flow(step, node, i, name, g, edge, given[i], gradients[i]))
            if edge is not None:
                self.delivered[id(edge)] += 1
        waiting = list(self.waiting.values())
        if self.order == ORDERS[0]:
            waiting.sort(key=lambda n: n.rank)
        step.waiting = [self.graph.ids[id(n)] for n in waiting]
        self.steps.append(step)
        if incoming.array is not None and self.graph.nodes[number].value.dtype == "":
            self.graph.nodes[number].value = Value(incoming.shape, incoming.dtype, None)

    def _flow(self, step: Step, node: Any, i: int, name: str, g: Any, edge: Any, given: Any, outgoing: Any) -> Flow:
        value = _value(edge, given)
        out = value if outgoing is given else _value(edge, outgoing)
        target = None if node.targets is None else node.targets[i]
        entry = self.contribute(edge, step.index, step.node, outgoing, out)
        to = self.graph.ids[id(edge)]
        return Flow(name, to, *formulas(node, i, name, g), value, _undone(given, target), out, entry)

    def finish(self, found: dict[int, tuple[Any, Any]]) -> None:
        """What is known only at the end: how many users there were, and what `.grad` becomes."""
        for step in self.steps:
            step.users = self.delivered[id(self.graph.edges[step.node])]
        for number, ledger in self.ledgers.items():
            edge = self.graph.edges[number]
            if isinstance(edge, Node):
                holder = None if edge.hooks is None else edge.hooks.retained_by()
                g = None if holder is None else ledger.hooked or ledger.entries[-1].total
                if holder is not None and g is not None:
                    ledger.before, ledger.after = _before(holder), _added_out_of_place(holder, g)
                continue
            g = found[id(edge)][1]
            if g is not self.sums[id(edge)][0] and edge.__dict__.get("_hooks"):
                ledger.hooked = Value.of(g)
            ledger.before = _before(edge)
            if edge._origin is LEAF:
                ledger.after = self._accumulated(edge, g)

    def _accumulated(self, leaf: Tensor, g: Any) -> Value:
        """What `.grad` of a leaf would be after this pass."""
        stand_in = Tensor._of(leaf._array, LEAF)
        if leaf._grad is not None:
            if 0 in leaf._grad._array.strides:
                check_writable(leaf._grad)
            stand_in._grad = Tensor._of(leaf._grad._array.copy())
        self.accumulate((stand_in, g), user_line(2))
        return Value.of(stand_in._grad._array)  # type: ignore[union-attr]


def _before(t: Tensor) -> Value | None:
    return None if t._grad is None else Value.of(t._grad._array)


def _added_out_of_place(t: Tensor, g: Value) -> Value:
    """What `.grad` of a result that retains it would be."""
    stand_in = Tensor._of(t._array)
    stand_in._grad = None if t._grad is None else Tensor._of(t._grad._array)
    accumulate_out_of_place(stand_in, Tensor._of(g.array))
    return Value.of(stand_in._grad._array)  # type: ignore[union-attr]


def _value(edge: Any, g: Any) -> Value:
    """A gradient's value; those of several results, of a Function, one after the other in one dimension."""
    if not isinstance(g, OfSeveral):
        return Value.of(g)
    parts = zip(g.parts, edge.results, strict=True)
    arrays = [np.zeros(*result) if part is None else part for part, result in parts if result is not None]
    return Value.of(np.concatenate([np.ravel(a) for a in arrays]))


def _saved(node: Any) -> list[Saved]:
    """What a node holds for its rules."""
    op = op_of(node)
    if op is None:
        return _saved_by_many(node)
    found, arrays = [], saved_arrays(node)
    for name in op.slots:
        if name in arrays:
            storage, version = guarded(getattr(node, f"g_{name}"))
            found.append(Saved(name, Value.of(arrays[name]), "", version, storage.version, True))
        elif name not in op.guarded:
            found.append(Saved(name, None, brief(getattr(node, f"s_{name}")), None, None, name in op.freed))
    return found


def _saved_by_many(node: Any) -> list[Saved]:
    if hasattr(node, "program"):
        return [Saved(n, Value.of(v), "", None, None, True) for n, v in zip(node.program.kept, node.saved, strict=True)]
    if isinstance(node, (CatBackward0, StackBackward0)):
        return [Saved("dim", None, str(dim_of(node)), None, None, False)]
    held = [h for h in held_by(node) if h.array is not None]
    return [Saved(h.name, Value.of(h.array), "", h.version, h.storage.version, True) for h in held]


def _undone(computed: Any, target: Any) -> Undone | None:
    """How a gradient is brought to the shape and dtype of its input; None if it fits, or there is nothing to fit."""
    if target is None or isinstance(computed, OfSeveral):
        return None
    shape, dtype = target
    if computed.shape == shape and computed.dtype == dtype:
        return None
    axes, keepdim = broadcast_dims(computed.shape, shape) if computed.shape != shape else ((), False)
    dtypes = f"torch.{computed.dtype.name}", f"torch.{np.dtype(dtype).name}"
    return Undone(axes, keepdim, computed.shape, shape, *dtypes)


def _walk_naively(root: Any, start: Any, tape: Any) -> dict[int, tuple[Any, Any]]:
    """The engine's walk with one mistake: a node is taken as soon as anything has arrived there, first come first."""
    found: dict[int, tuple[Any, Any]] = {}
    waiting = {id(root): (root, start)}
    taken: set[int] = set()
    while waiting:
        node, g = waiting.pop(next(iter(waiting)))
        taken.add(id(node))
        if not isinstance(node, Node):
            found[id(node)] = node, g
            continue
        hooks = node.hooks
        if hooks is not None:
            g = tape.run_tensor_hooks(hooks, g)
        if hooks is not None and hooks.before:
            g = tape.run_prehooks(hooks, g)
            if g is None:
                continue
        edges = node.edges
        given = node.pull(g, edges, node.unpack())
        targets = node.targets or (None,) * len(given)
        gradients: Any = [
            d if d is None or target is None else bring_to(d, target, tape)
            for d, target in zip(given, targets, strict=True)
        ]
        if hooks is not None and hooks.after:
            gradients = tape.run_hooks(hooks, gradients, g)
        tape.watch(node, g, edges, given, gradients)
        for edge, d in zip(edges, gradients, strict=True):
            if edge is None or d is None:
                continue
            if not isinstance(edge, Node):
                known = found.get(id(edge))
                found[id(edge)] = edge, d if known is None else known[1] + d
            elif id(edge) in waiting:
                waiting[id(edge)] = edge, waiting[id(edge)][1] + d
            elif id(edge) not in taken:
                waiting[id(edge)] = edge, d
    for key, (edge, d) in found.items():
        if not isinstance(edge, Node) and edge.__dict__.get("_hooks"):
            found[key] = edge, tape.run_each(edge._hooks, d)
    return found


def first_wrong(right: Backward, naive: Backward) -> int | None:
    """The node whose gradient the naive order gets wrong first: it was taken before all of it had arrived.

    right, naive  the same pass in both orders
    Returns None if every sum comes out right, as where no node is shared.
    """
    incoming = {step.node: step.incoming for step in right.steps}
    wrong = (s.node for s in naive.steps if s.node in incoming and not _equal(s.incoming, incoming[s.node]))
    return next(wrong, None)


def _equal(a: Value, b: Value) -> bool:
    return a.array is not None and b.array is not None and np.array_equal(a.array, b.array, equal_nan=True)
