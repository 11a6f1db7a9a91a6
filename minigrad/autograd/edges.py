"""Places in the graph without the tensors that stand there, and hooks that wait for the gradients of several tensors.

Source: https://docs.pytorch.org/docs/stable/autograd.html#autograd-graph
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cached_property, wraps
from typing import Any, NamedTuple

import numpy as np

from ..engine import Node, RemovableHandle, as_node, edge_to
from ..tensor import Tensor, fresh_origin
from ..walk import leading_to, reached
from . import passes

INTERNAL = True


class GradientEdge(NamedTuple):
    """Where a gradient goes on to: a node, and which of its results; `get_gradient_edge` makes it.

    `backward` and `autograd.grad` take it as one of the tensors to start from, and as one of `inputs`.
    """

    node: Any
    output_nr: int
    ownership_token: Any = None  # what minigrad knows of the tensor


class _Place(NamedTuple):
    """Of a tensor: where its gradient goes in the engine, and what shape and dtype that has."""

    edge: Any
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge of a tensor that requires grad; RuntimeError for others. It does not keep the tensor's values alive."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    fresh_origin(tensor)
    edge = edge_to(tensor)
    return GradientEdge(*as_node(edge), _Place(edge, tensor._array.shape, tensor._array.dtype))


def stand_in(edge: GradientEdge) -> Tensor:
    """The leaf that an edge leads to, or a tensor without values, marked as such, for the one that is there.

    Raises RuntimeError for an edge that `get_gradient_edge` has not made: what shape its gradient has is not known.
    """
    place = edge.ownership_token
    if not isinstance(place, _Place):
        raise RuntimeError(
            "a GradientEdge has to come from torch.autograd.graph.get_gradient_edge(tensor)\n"
            "  A node alone does not say what shape its gradient has."
        )
    if isinstance(place.edge, Tensor):
        return place.edge
    t = Tensor._of(np.empty(place.shape, place.dtype), place.edge)
    t.__dict__["is_stand_in"] = True
    return t


# Hooks for several tensors at once


class _Pass:
    """A backward pass under way."""

    def __init__(self, roots: Sequence[Any], wanted: Sequence[Any] | None) -> None:
        self.roots, self.wanted = roots, wanted
        self.gathered: dict[int, tuple[list[Any], int]] = {}  # by the id of a hook: what arrived, and how many will

    @cached_property
    def met(self) -> list[Any]:
        """The edges that gradients arrive at in this pass."""
        edges = {id(edge): edge for node in reached(self.roots) for edge in (node, *node.edges) if edge is not None}
        edges |= {id(edge): edge for edge in self.roots}
        if self.wanted is None:
            return list(edges.values())
        leading = leading_to({id(e) for e in self.wanted}, self.roots)
        return [edge for key, edge in edges.items() if key in leading]

    def gather(self, keys: set[int], n: int) -> tuple[list[Any], int]:
        """The gradients of `n` tensors that have arrived so far, and how many will have; `keys` are of their hooks."""
        if id(keys) not in self.gathered:
            self.gathered[id(keys)] = [None] * n, sum([key in keys for edge in self.met for key in _hooks_of(edge)])
        return self.gathered[id(keys)]


def _hooks_of(edge: Any) -> Any:
    """The hooks of the tensor whose gradient arrives at an edge."""
    if isinstance(edge, Node):
        return () if edge.hooks is None else edge.hooks.of_tensor or ()
    return edge.__dict__.get("_hooks", ())


_under_way: ContextVar[_Pass | None] = ContextVar("minigrad.pass_under_way", default=None)


class _MultiHandle(RemovableHandle):
    """What registering a hook for several tensors returns."""

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        """Take the hook away from all tensors."""
        for handle in self.handles:
            handle.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[[Any], None], *, mode: str = "all"
) -> RemovableHandle:
    """Call `fn` once in each pass: with all gradients of `tensors`, or with the first that arrives.

    mode  "all" calls `fn(gradients)` when all that the pass computes have arrived, with None for the others;
          "any" calls `fn(gradient)`
    A tensor that the pass starts from counts, where torch 2.13 miscounts it.
    Raises ValueError for another mode, AssertionError for a tensor that does not require grad.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if not all(t.requires_grad for t in tensors):
        raise AssertionError("Expected gradient function to be set")
    _note_passes()
    keys: set[int] = set()  # by which the tensors know this hook: to hold the tensors here would close a circle
    n = len(tensors)

    def hook(i: int) -> Callable[[Tensor], None]:
        def arrived(gradient: Tensor) -> None:
            under_way = _under_way.get()
            if under_way is None:
                return
            gradients, expected = under_way.gather(keys, n)
            is_first = not any(g is not None for g in gradients)
            gradients[i] = gradient
            if mode == "any":
                if is_first:
                    fn(gradient)
            elif sum(g is not None for g in gradients) == expected:
                fn(gradients)

        return arrived

    handles = [t.register_hook(hook(i)) for i, t in enumerate(tensors)]
    keys.update(handle.id for handle in handles)
    return _MultiHandle(handles)


def _note_passes() -> None:
    """Let every pass be known while it is under way: no program pays for that before it registers such a hook."""
    walk = passes.walk
    if hasattr(walk, "__wrapped__"):
        return

    @wraps(walk)
    def noted(flowing: Any, tape: Any, keep: bool, wanted: Any = None, through_wanted: bool = False) -> Any:
        token = _under_way.set(_Pass([edge for edge, _ in flowing], wanted))
        try:
            return walk(flowing, tape, keep, wanted, through_wanted)
        finally:
            _under_way.reset(token)

    passes.walk = noted
