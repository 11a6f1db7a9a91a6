"""The backward walk: it turns a graph of recorded operations into gradients.

It visits the operations newest first, lets each one's rules say what flows on (see `ops/table.py`), undoes
broadcasting, and adds gradients up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from math import inf
from typing import Any, Protocol

import numpy as np

from . import messages
from .engine import Hooks, Node
from .modes import anomaly_mode

INTERNAL = True


class Tape(Protocol):
    """How a backward pass reads the rules: on arrays, or on tensors (see `autograd/tape.py`)."""

    create_graph: bool
    watch: Callable[[Node, Any, Sequence[Any], Sequence[Any], Sequence[Any]], None] | None
    """If there is one, it is told of every node: its gradient, its edges, what its rules gave, and what goes on."""

    def saved(self, node: Node) -> Any:
        """The saved values of `node` as its rules take them."""

    def sum(self, g: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
        """`g` added up over `dims`."""

    def cast(self, g: Any, dtype: np.dtype[Any]) -> Any:
        """`g` in `dtype`."""

    def run_tensor_hooks(self, hooks: Hooks, g: Any) -> Any:
        """`g` after the hooks of the tensor it belongs to; leaves it in `.grad` if that was asked for."""

    def run_each(self, hooks: dict[int, Callable[..., Any]], g: Any) -> Any:
        """`g` after hooks that are each shown one gradient, and may return another."""

    def run_prehooks(self, hooks: Hooks, g: Any) -> Any:
        """`g` after the hooks that run before a node's rules; None if they took it away."""

    def run_hooks(self, hooks: Hooks, gradients: Sequence[Any], g: Any) -> Sequence[Any]:
        """`gradients` of a node's inputs after the hooks that run after its rules."""


def walk(
    flowing: Sequence[tuple[Any, Any]],
    tape: Tape,
    keep: bool,
    wanted: Iterable[Any] | None = None,
    through_wanted: bool = False,
) -> dict[int, tuple[Any, Any]]:
    """Carry gradients on to the leaves: {id(leaf): (leaf, gradient)}. With `keep` nothing is freed.

    Newest first is a topological order: an operation's inputs exist before it, so when a node is taken, all its
    users, being newer, have delivered. (It is torch's order too, so sums round the same way.)
    `flowing` are edges, each with its gradient: at first those to start from, then those of the node at hand.
    A leaf with hooks waits in line behind the oldest operation it goes into: then its gradient is complete.
    `wanted` names edges: only what leads to one is computed, and those that are nodes are reported too. With
    `through_wanted` their saved values are checked and freed all the same, as torch does it for `backward(inputs=)`.
    """
    found: dict[int, tuple[Any, Any]] = {}
    pending: dict[float, tuple[Any, Any]] = {}  # by its rank, a node and its gradient so far; ranks fall, so ...
    ready: list[float] = []  # ... the newest is the least, the top of this heap
    oldest_users: dict[int, int] | None = None  # of each leaf, as soon as one has hooks
    needed: set[int] | None = None  # the ids of what leads to something wanted, if not all of it is
    if wanted is not None:
        wanted_ids = {id(e) for e in wanted}
        needed = leading_to(wanted_ids, [edge for edge, _ in flowing])
        if len(flowing) == 1 and (root := flowing[0][0]) is not None and id(root) not in needed:
            _show_root(root, flowing[0][1], tape)
        flowing = [(edge, d) for edge, d in flowing if id(edge) in needed]
    starts = flowing
    watch = tape.watch
    look_for_nan = all(anomaly_mode())
    straight = needed is None and watch is None and not (tape.create_graph or look_for_nan)

    while True:
        node: Any = None
        for edge, d in flowing:
            if edge is None or d is None:
                continue
            if not isinstance(edge, Node):
                known = found.pop(key := id(edge), None)  # put back last: leaves are in the order they are done in
                found[key] = (edge, d if known is None else known[1] + d)
                if oldest_users is not None or edge.__dict__.get("_hooks"):
                    if oldest_users is None:
                        oldest_users = _oldest_users([e for e, _ in starts])
                    rank = oldest_users.get(key, -inf) + 0.5
                    if rank not in pending:
                        pending[rank] = (None, set())
                        heappush(ready, rank)
                    pending[rank][1].add(key)
            elif node is None and not ready:
                node, g = edge, d  # nothing else is waiting, as in a chain, so there is nothing to sort
            elif edge is node:
                g = g + d
            elif edge.rank in pending:
                pending[edge.rank] = (edge, pending[edge.rank][1] + d)
            else:
                pending[edge.rank] = (edge, d)
                heappush(ready, edge.rank)
        if ready:
            if node is not None:
                pending[node.rank] = (node, g)
                heappush(ready, node.rank)
            node, g = pending.pop(heappop(ready))
            if node is None:  # leaves whose users have all delivered
                for key in [key for key in found if key in g]:
                    edge, d = found[key]
                    found[key] = (edge, tape.run_each(edge._hooks, d) if edge.__dict__.get("_hooks") else d)
                flowing = ()
                continue
        elif node is None:
            return found

        if straight:
            try:  # what the rest of the loop comes to where there is nothing else to do
                usual = node.flow(g, keep, tape)
            except Exception as error:
                _say_where(error, node)
                raise
            if usual is not None:
                flowing = usual
                continue
        hooks = node.hooks
        edges = node.edges
        if needed is not None:
            edges = [e if id(e) in needed else None for e in edges]
            if id(node) in wanted_ids:
                found[id(node)] = (node, g)  # as it was before its hooks, as in torch, if the walk goes on from here
        if hooks is not None:
            g = tape.run_tensor_hooks(hooks, g)
        if needed is not None and all(e is None for e in edges):
            found[id(node)] = (node, g)
            if through_wanted:
                node.unpack()
                if not keep:
                    node.release()
            flowing = ()
            continue
        if hooks is not None and hooks.before:
            g = tape.run_prehooks(hooks, g)
            if g is None:
                flowing = ()
                continue
        try:
            gradients = node.pull(g, edges, tape.saved(node))
            if not keep:
                node.release()
        except Exception as error:
            _say_where(error, node)
            raise
        given = gradients
        if node.targets is not None:
            gradients = brought(gradients, node.targets, tape)
        if hooks is not None and hooks.after:
            gradients = tape.run_hooks(hooks, gradients, g)
        if look_for_nan:
            _check_for_nan(node, gradients)
        if watch is not None:
            watch(node, g, edges, given, gradients)
        flowing = list(zip(edges, gradients, strict=True))


def _show_root(root: Any, g: Any, tape: Tape) -> None:
    """Run the hooks of a pass's only root that leads to nothing wanted, as torch does: it looks further only then."""
    if not isinstance(root, Node):
        tape.run_each(root.__dict__.get("_hooks", {}), g)
    elif root.hooks is not None:
        tape.run_tensor_hooks(root.hooks, g)


def leading_to(wanted_ids: set[int], roots: Sequence[Any]) -> set[int]:
    """The ids of wanted edges and of all nodes from which one can be reached."""
    needed = set(wanted_ids)
    for node in sorted(reached(roots), key=lambda node: -node.rank):
        if any(id(e) in needed for e in node.edges):
            needed.add(id(node))
    return needed


def _oldest_users(roots: Sequence[Any]) -> dict[int, int]:
    """By the id of each leaf, the rank of the oldest operation that takes it."""
    oldest: dict[int, int] = {}
    for node in reached(roots):
        for edge in node.edges:
            if not isinstance(edge, Node):
                oldest[id(edge)] = max(node.rank, oldest.get(id(edge), node.rank))
    return oldest


def reached(roots: Sequence[Any]) -> Iterable[Node]:
    """All nodes of the graph behind some edges."""
    seen: dict[int, Node] = {}
    stack = [e for e in roots if isinstance(e, Node)]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            stack.extend([e for e in node.edges if isinstance(e, Node)])
    return seen.values()


def _say_where(error: Exception, node: Node) -> None:
    if not hasattr(error, "says_where"):
        messages.add_line(error, f"  in the backward of {node.name()}, recorded at", node)


def brought(gradients: Sequence[Any], targets: Sequence[Any], tape: Tape) -> list[Any]:
    """Gradients, those that have a target brought to it."""
    found = list(gradients)
    for i, target in enumerate(targets):
        if target is not None and found[i] is not None:
            found[i] = bring_to(found[i], target, tape)
    return found


def bring_to(g: Any, target: tuple[tuple[int, ...], np.dtype[Any]], tape: Tape) -> Any:
    """Undo broadcasting and promotion: `g` summed to the shape, and cast to the dtype, of the input it belongs to."""
    shape, dtype = target
    if g.shape != shape:
        dims, keepdim = broadcast_dims(g.shape, shape)
        g = tape.sum(g, dims, keepdim)
        if keepdim and g.shape != shape:
            g = g.reshape(shape)
    return g if g.dtype is dtype else tape.cast(g, dtype)


@lru_cache
def broadcast_dims(shape: tuple[int, ...], original: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
    """The dimensions that broadcasting `original` to `shape` added or stretched; whether it stretched some."""
    extra = len(shape) - len(original)
    stretched = [extra + i for i, n in enumerate(original) if n == 1 and shape[extra + i] != 1]
    return (*range(extra), *stretched), bool(stretched)


def _check_for_nan(node: Node, gradients: Sequence[Any]) -> None:
    for i, d in enumerate(gradients):
        array = getattr(d, "_array", d)
        if isinstance(array, (np.ndarray, np.generic)) and np.isnan(array).any():
            raise RuntimeError(messages.nan_gradient(node, i))
