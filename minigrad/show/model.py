"""What a look inside gives: a backward pass as data. Everything else in `minigrad.show` is drawn or told from this.

Arrays are copies: what happens to the tensors later does not change what was shown. `to_dict()` gives plain values
that JSON can hold; there a number that JSON has no word for is written "nan", "inf" or "-inf".
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

INTERNAL = True
Array = np.ndarray[Any, Any]
LIMIT, EDGE = 64, 3  # elements of a tensor that are written out; of a larger one, the ends of each dimension


@dataclass(frozen=True)
class Place:
    """An expression of the user's program. Lines are counted from 1, columns, in characters, from 0."""

    file: str
    function: str
    line: int
    end_line: int
    column: int
    end_column: int
    text: str  # the expression; empty where the file cannot be read
    source: str  # the whole lines that it stands in
    names: tuple[str, ...]  # the variables that occur in it, in their order
    target: str | None  # the variable that its result is assigned to, if it is
    whole: bool = True  # whether the operation gives the expression's result, rather than a part of what leads to it


@dataclass(frozen=True)
class Value:
    """What is known of a tensor at one moment."""

    shape: tuple[int, ...]
    dtype: str  # as torch prints it: torch.float32
    array: Array | None  # None where the graph did not keep it (`show.recording` keeps all)

    @classmethod
    def of(cls, array: Any) -> Value:
        """The value of an array, copied."""
        made = np.array(array)
        return cls(made.shape, f"torch.{made.dtype.name}", made)

    @classmethod
    def unknown(cls, shape: tuple[int, ...], dtype: Any) -> Value:
        """A value of which shape and dtype alone are known."""
        return cls(shape, f"torch.{np.dtype(dtype).name}", None)

    def to_dict(self, limit: int = LIMIT) -> dict[str, Any]:
        """Shape, dtype and elements: in nested lists, `None` where a large tensor is cut, with a summary of all."""
        found: dict[str, Any] = {"shape": list(self.shape), "dtype": self.dtype, "data": None, "cut": False}
        if self.array is None:
            return found
        found["cut"] = cut = self.array.size > limit
        found["data"] = plain(_corners(self.array) if cut else self.array.tolist())
        if cut:
            finite = self.array[np.isfinite(self.array)]
            numbers = (finite.min(), finite.max(), finite.mean(dtype=np.float64)) if finite.size else (math.nan,) * 3
            found |= dict(zip(("min", "max", "mean"), plain([float(n) for n in numbers]), strict=True))
        return found


def _corners(array: Array) -> Any:
    """Nested lists of the first and last elements of each dimension, with None for what lies between."""
    if array.ndim == 0:
        return array.item()
    if len(array) <= 2 * EDGE:
        return [_corners(a) for a in array]
    return [*map(_corners, array[:EDGE]), None, *map(_corners, array[-EDGE:])]


@dataclass
class GraphNode:
    """A tensor in the graph: the result of a recorded operation, a leaf, or a constant that an operation met."""

    id: int  # in the order of the forward pass
    kind: str  # "operation", "leaf" or "constant"
    name: str  # of an operation torch's, such as MulBackward0; of a leaf or constant the user's, if one was seen
    label: str  # what to call it in a word: `y_hat`, where it was assigned to a variable, else `mul`
    place: Place | None  # None for leaves and constants
    value: Value
    inputs: list[Input] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)  # what else the operation was given, as text: {"dim": "(0,)"}
    module: str = ""  # the layer of `minigrad.nn` that ran it, where that was recorded: `net[0] (Linear)`
    call: tuple[int, int] | None = None  # of a layer that ran several times: in which of its calls, of how many


@dataclass
class Input:
    """One operand of an operation."""

    name: str  # of the rule: "a", "b"
    node: int | None  # the GraphNode it is; None where nothing is known of it
    wanted: bool  # whether a gradient flows to it


@dataclass
class Saved:
    """A value that a node kept for its rules."""

    name: str  # as the rules call it: "a", "out", "dim"
    value: Value | None  # None for an option, which is written in `text`
    text: str
    version: int | None  # of the memory, when it was saved; None for what has no version
    current_version: int | None  # of the memory, now
    freed: bool  # whether the pass frees it when it has passed this node


@dataclass
class Undone:
    """How a gradient was brought to the shape and dtype of the input that it belongs to."""

    axes: tuple[int, ...]  # that were summed: broadcasting had added or stretched them
    keepdim: bool
    shape: tuple[int, ...]  # before ...
    to_shape: tuple[int, ...]  # ... and after
    dtype: str
    to_dtype: str


@dataclass
class Flow:
    """The gradient that one rule gave for one input."""

    input: str  # the rule's name for it
    node: int  # the GraphNode that it flows to
    rule: str  # as written: "g * b"
    numbers: str  # with the numbers put in: "1.0 * 3.0", shapes for what is large
    computed: Value  # what the rule gave
    undone: Undone | None  # None where it fitted as it was
    outgoing: Value
    entry: int  # its place in the ledger of `node`


@dataclass
class Step:
    """One node's turn in the backward pass."""

    index: int
    node: int
    incoming: Value
    delivered: int  # how many of the node's users have delivered their part of `incoming`: all of them, or it is wrong
    users: int  # how many there are
    flows: list[Flow]
    saved: list[Saved]
    waiting: list[int]  # nodes that have received something and wait for their turn, the next one first


@dataclass
class Entry:
    """One contribution to the gradient of a node."""

    step: int | None  # that it came from; None for the gradient that the pass began with
    source: int | None  # the node it came from
    value: Value
    total: Value  # the sum so far


@dataclass
class Ledger:
    """How the gradient of one node came about."""

    node: int
    entries: list[Entry]
    before: Value | None  # what `.grad` of a leaf held before the pass
    after: Value | None  # what it holds when this is added; None for what keeps no `.grad`
    hooked: Value | None = None  # what the users' hooks made of the sum, if there are any
    checks: dict[str, Value] = field(default_factory=dict)  # "differences" and "torch": the same gradient, computed so


@dataclass(repr=False)  # its own would be pages long
class Backward:
    """A backward pass."""

    root: int  # the node of the tensor that it began at
    nodes: list[GraphNode]
    steps: list[Step]
    ledgers: dict[int, Ledger]  # by node
    order: str = "newest first"  # or "naive": by arrival, whether or not all users have delivered
    higher: dict[int, Backward] = field(default_factory=dict)  # by leaf, the pass through the graph of its gradient
    sources: dict[str, str] = field(default_factory=dict)  # the text of the files that places are in

    def __repr__(self) -> str:
        label = next(node.label for node in self.nodes if node.id == self.root)
        nodes, steps = len(self.nodes), len(self.steps)
        return (
            f"<Backward pass of {label}: {nodes} nodes, {steps} steps; show.explain tells it, .to_json() is all of it>"
        )

    def nearest(self, most: int) -> set[int]:
        """The nodes that are the fewest operations away from the root, `most` of them."""
        inputs = {node.id: [i.node for i in node.inputs if i.node is not None] for node in self.nodes}
        order = [self.root]
        found = {self.root}
        for node in order:  # it grows while we go through it
            for source in inputs[node]:
                if source not in found and len(found) < most:
                    found.add(source)
                    order.append(source)
        return found

    def to_dict(self, limit: int = LIMIT) -> dict[str, Any]:
        """All of it in dictionaries, lists, strings and numbers; arrays as `Value.to_dict` writes them."""
        found: dict[str, Any] = _as_plain(self, limit)
        return found

    def to_json(self, limit: int = LIMIT) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(limit), ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Nested lists of Python numbers in which what JSON cannot hold is a word."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _as_plain(value: Any, limit: int) -> Any:
    if isinstance(value, Value):
        return value.to_dict(limit)
    if is_dataclass(value):
        return {f.name: _as_plain(getattr(value, f.name), limit) for f in fields(value)}
    if isinstance(value, dict):
        return {str(k): _as_plain(v, limit) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_plain(v, limit) for v in value]
    return value
