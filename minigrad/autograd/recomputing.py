"""Saved values that are let go after the forward pass, and computed again when a backward pass asks for them.

The nodes of a checkpointed function stay in the graph: what users see of it, and how gradients flow through it, is as
it would be without. Only their saved values go, and in their place stands a mark. The first mark that a pass meets has
the function run again; the nodes which that records hold the values anew, and each node gets them from its twin.
Source: torch/utils/checkpoint.py of https://github.com/pytorch/pytorch
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from ..engine import Dropped, Node, ranks
from ..layout import address
from ..memory import storage_of
from ..tensor import Tensor, fresh_origin
from ..trees import flatten
from .nodes import FunctionNode

INTERNAL = True
_START = "torch.utils.checkpoint: "
_running: ContextVar[bool] = ContextVar("minigrad.recomputed", default=False)
is_recomputed = _running.get  # whether what is computed is to be computed again: then compiled functions run as written


@contextmanager
def recomputed() -> Iterator[None]:
    """Within it, a function runs that is run again for its backward pass; or runs again."""
    token = _running.set(True)
    try:
        yield
    finally:
        _running.reset(token)


class CheckpointError(RuntimeError):
    """A function that was run again for a backward pass did not compute what it had computed before."""


class Value(NamedTuple):
    """What is remembered of a saved value, to know it again: the gradient is right if all of them are the same.

    mark  a checksum; or, of what a `leaf` holds, which lives on, its memory and how often that had changed
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    mark: Any
    leaf: Tensor | None

    def is_again(self, now: Value) -> bool:
        """Whether `now` is the same value, computed again."""
        if self.leaf is None or now.leaf is None or self.leaf is now.leaf:
            return self[:3] == now[:3]
        # The function made a leaf of its own, another one each time.
        unchanged = self.mark == _memory(self.leaf) and self[:2] == now[:2]
        return unchanged and _checksum(self.leaf._array) == _checksum(now.leaf._array)

    @property
    def metadata(self) -> str:
        """As torch tells it."""
        return f"{{'shape': torch.Size({list(self.shape)}), 'dtype': torch.{self.dtype}, 'device': device(type='cpu')}}"


class Part:
    """A part of a graph whose values are let go: `again()` computes its outputs once more.

    check  whether what is computed again must be the same, to the bit
    """

    def __init__(self, again: Callable[[Node], Any], check: bool) -> None:
        self.again, self.check = again, check
        self.first: list[tuple[type, list[Value]]] = []  # what the nodes held at first, in their order
        self.twins: dict[int, Node] | None = None  # by its place in that order, a node that was recorded anew

    def let_go(self, outputs: Any, since: int) -> None:
        """Drop the saved values of all nodes of `outputs` that were recorded after the rank `since`."""
        nodes = _recorded(outputs, since)
        self.first = [_held(node) for node in nodes]
        for place, node in enumerate(nodes):
            mark = Mark(self, place)
            for saved in _saved(node):
                saved.drop(mark)

    def twin(self, place: int, node: Node) -> Node:
        """The node that was recorded anew in this place, on behalf of `node`."""
        if self.twins is None:
            since = next(ranks)
            nodes = _recorded(self.again(node), since)
            self._compare([_held(twin) for twin in nodes])
            self.twins = dict(enumerate(nodes))
        return self.twins.pop(place)

    def _compare(self, now: list[tuple[type, list[Value]]]) -> None:
        """Raise CheckpointError where the nodes recorded anew are not those that were recorded at first."""
        before, after = ([value for _, held in nodes for value in held] for nodes in (self.first, now))
        if len(before) != len(after):
            raise CheckpointError(
                f"{_START}A different number of tensors was saved during the original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(before)}\n"
                f"Number of tensors saved during recomputation: {len(after)}.\n"
                "  The function must do the same both times: it may not depend on what has changed since."
            )
        differ = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a[:2] != b[:2]]
        if self.check and differ:
            told = [
                f"tensor at position {i}:\nsaved metadata: {before[i].metadata}\n"
                f"recomputed metadata: {after[i].metadata}\n"
                for i in differ
            ]
            raise CheckpointError(
                f"{_START}Recomputed values for the following tensors have different metadata than during the forward "
                f"pass.\n{''.join(told)}"
            )
        changed = self.check and not all(a.is_again(b) for a, b in zip(before, after, strict=True))
        if changed or [kind for kind, _ in self.first] != [kind for kind, _ in now]:
            raise CheckpointError(
                f"{_START}Recomputed values are not those of the forward pass.\n"
                "  The gradient would be that of another function than was computed. What the function uses has\n"
                "  changed since (a parameter that an optimizer has updated?), or it draws random numbers without\n"
                "  preserve_rng_state. With determinism_check='none' values are not looked at, as in torch."
            )


class Mark(Dropped):
    """Stands in a node for the values that its twin in a part computed again has."""

    __slots__ = ("part", "place")

    def __init__(self, part: Part, place: int) -> None:
        self.part, self.place = part, place

    def restore(self, node: Any) -> None:
        """Give the node its values back; raises if one of them was changed in place after it was saved."""
        twin = self.part.twin(self.place, node)
        for saved, again in zip(_saved(node, self), _saved(twin), strict=True):
            again.check()
            saved.take(again)


# What a node has saved, of the two kinds of nodes that save tensors: those of the table, and those of a Function


class _OfTable:
    """One saved value of a node of the table."""

    def __init__(self, node: Any, name: str) -> None:
        self.node, self.name = node, name

    @property
    def array(self) -> Any:
        return getattr(self.node, f"s_{self.name}")

    @property
    def guard(self) -> Any:
        return getattr(self.node, f"g_{self.name}")

    @property
    def leaf(self) -> Tensor | None:
        edge = getattr(self.node, f"e_{self.name}", None)
        return edge if isinstance(edge, Tensor) and edge._array is self.array else None

    def drop(self, mark: Mark) -> None:
        setattr(self.node, f"s_{self.name}", None)
        setattr(self.node, f"g_{self.name}", mark)

    def check(self) -> None:
        self.node.unpack()

    def take(self, other: Any) -> None:
        setattr(self.node, f"s_{self.name}", other.array)
        setattr(self.node, f"g_{self.name}", other.guard)


class _OfFunction:
    """One tensor that a Function has saved."""

    def __init__(self, node: FunctionNode, saved: Any) -> None:
        self.node, self.saved = node, saved

    @property
    def array(self) -> Any:
        return self.saved.array

    @property
    def guard(self) -> Any:
        return self.saved.storage

    @property
    def leaf(self) -> Tensor | None:
        return self.saved.origin if isinstance(self.saved.origin, Tensor) else None

    def drop(self, mark: Mark) -> None:
        self.saved.array, self.saved.storage = None, mark

    def check(self) -> None:
        self.saved.unpack(self.node)

    def take(self, other: Any) -> None:
        self.saved.array, self.saved.storage = other.saved.array, other.saved.storage
        self.saved.version = other.saved.version


def _saved(node: Any, mark: Mark | None = None) -> list[Any]:
    """What a node has saved: those values that `mark` stands for, or all, except what users' hooks have put away."""
    op = getattr(type(node), "op", None)
    found: list[Any] = []
    if op is not None:
        found = [_OfTable(node, name) for name in op.guarded if getattr(node, f"g_{name}") is not None]
    elif isinstance(node, FunctionNode):
        found = [_OfFunction(node, saved) for saved in node.ctx._saved if saved is not None]
    if mark is not None:
        return [s for s in found if s.guard is mark]
    return [s for s in found if isinstance(s.guard, Mark) or not isinstance(s.guard, Dropped)]


def _held(node: Any) -> tuple[type, list[Value]]:
    """What is remembered of a node."""
    saved = _saved(node)
    if saved and isinstance(mark := saved[0].guard, Mark):  # dropped already, by a checkpoint within
        return mark.part.first[mark.place]
    return type(node), [_remembered(s.array, s.leaf) for s in saved]


def _remembered(array: Any, leaf: Tensor | None) -> Value:
    return Value(array.shape, array.dtype, _checksum(array) if leaf is None else _memory(leaf), leaf)


def _checksum(array: Any) -> int:
    return crc32(np.ascontiguousarray(array).data)


def _memory(leaf: Tensor) -> tuple[Any, ...]:
    storage = storage_of(leaf)
    return storage, storage.version, address(leaf._array)


def _recorded(outputs: Any, since: int) -> list[Node]:
    """The nodes that lead to the tensors in `outputs` and were recorded after the rank `since`, oldest first."""
    found: dict[int, Node] = {}
    stack = [fresh_origin(t) for t in flatten(outputs)[0] if isinstance(t, Tensor)]
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and node.rank < since and node.rank not in found:
            found[node.rank] = node
            stack.extend(node.edges)
    return [found[rank] for rank in sorted(found, reverse=True)]
