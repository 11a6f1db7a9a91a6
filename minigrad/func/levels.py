"""What transformations have in common: a function is run on new tensors, from which its derivatives are taken.

The arguments are entered into a level: each becomes a tensor of its own, over the same memory, that a gradient is
wanted for whatever was asked for outside. What leaves the level is a plain value again, unless it depends on something
that a gradient is wanted for outside: a leaf, or an argument of a level around this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..autograd import passes
from ..autograd.checks import zeros_like
from ..engine import Node, NodeOfMany, ranks
from ..memory import storage_of
from ..modes import inference_mode, is_grad_enabled
from ..tensor import Tensor, fresh_origin
from ..transforming import level
from ..trees import Structure, flatten, mapped, unflatten

INTERNAL = True
ArgNums = int | tuple[int, ...]
Tensors = Sequence[Any]


class Argument(NodeOfMany):
    """The origin of a tensor that stands for another as a transformed function's argument.

    To changes in place it is a leaf.
    """

    __slots__ = ("is_live",)
    is_argument = True

    def __init__(self, inputs: Sequence[Any]) -> None:
        super().__init__(inputs)
        self.is_live = True  # until the transformation is over

    def name(self) -> str:
        """As torch calls an operation that does nothing."""
        return "AliasBackward0"

    def pull(self, g: Any, edges: Any, saved: Any) -> Any:
        """The gradient as it is."""
        return (g,)


class Level:
    """One transformation under way, a context within which operations are recorded, also inside `no_grad`.

    is_forward  whether it is forward mode, where no gradient is wanted, as users see it
    """

    def __init__(self, is_forward: bool = False) -> None:
        self.is_forward = is_forward
        self.is_outside_recorded = is_grad_enabled()
        self.is_running = True  # until the function is through
        self.outer, self.since = level.get(), next(ranks)
        self.arguments: list[Argument] = []
        self.mode = inference_mode(False)

    def __enter__(self) -> Level:
        self.token = level.set(self)
        self.mode.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.mode.__exit__(*exception)
        level.reset(self.token)
        self.is_running = False
        for argument in self.arguments:
            argument.is_live = False

    def enter(self, t: Any) -> Tensor:
        """An argument to differentiate by, as a tensor of this level; raises ValueError unless it is a tensor."""
        if not isinstance(t, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(t)}")
        if t._array.dtype.kind != "f":
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        fresh_origin(t)  # which brings a view up to date
        argument = Argument((t,))
        self.arguments.append(argument)
        return Tensor._of(t._array.view(), argument, storage_of(t))

    def entered(self, args: tuple[Any, ...], places: tuple[int, ...]) -> tuple[list[Any], list[Tensor], Structure]:
        """`args` with tensors of this level in some places; those tensors, flat, and the structure of these places."""
        given, structure = flatten(tuple([args[place] for place in places]))
        inputs = [self.enter(t) for t in given]
        entered = list(args)
        for place, value in zip(places, unflatten(inputs, structure), strict=True):
            entered[place] = value
        return entered, inputs, structure

    def hook(self, node: Any, hook: Callable[..., Any]) -> Callable[..., Any]:
        """A hook for `node` that is called in passes of this level alone: passes through these see the node too.

        What is from outside keeps its hooks outside. Raises torch's RuntimeError where this level wants no gradient.
        """
        if node is None or node.rank > self.since:
            return hook if self.outer is None else self.outer.hook(node, hook)
        if self.is_forward or not _reaches([node], self.has):
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")

        @wraps(hook)
        def called(*gradients: Any) -> Any:
            return hook(*gradients) if level.get() is self else None

        return called

    def has(self, edge: Any) -> bool:
        """Whether it is one of the arguments."""
        return any(edge is argument for argument in self.arguments)

    def refuse(self, tensors: Iterable[Any]) -> None:
        """Raise torch's error for a Function of `tensors` if forward mode is to go through it."""
        if self.is_forward and _reaches(_edges(tensors), self.has):
            raise NotImplementedError(
                "You must implement the jvp function for custom autograd.Function to use it with forward mode AD.\n"
                "  Nor is one called here: forward mode differentiates the backward pass, and cannot know whether a\n"
                "  Function's is written with operations that are recorded. Take jacrev, or jacrev(jacrev(f))."
            )
        if self.outer is not None:
            self.outer.refuse(tensors)

    def gradients(self, *args: Any) -> list[Tensor]:
        """The function `gradients` of this name, in a pass of this level."""
        token = level.set(self)
        try:
            return gradients(*args)
        finally:
            level.reset(token)


def leave(tree: Any, is_outside_recorded: bool) -> Any:
    """What comes out of a level as the world outside gets it; raises RuntimeError for what is no tensor."""

    def left(t: Any) -> Tensor:
        if not isinstance(t, Tensor):
            raise RuntimeError(f"Expected tensors, got unsupported type {type(t)}")
        if (t._origin is None and t._view is None) or (is_outside_recorded and reaches_outside([t])):
            return t
        return Tensor._of(t._array.view(), None, storage_of(t))

    return mapped(left, tree)


def reaches_outside(tensors: Iterable[Any]) -> bool:
    """Whether tensors depend on a leaf, or on an argument of a level that is not over."""
    return _reaches(
        _edges(tensors), lambda edge: isinstance(edge, Tensor) or (isinstance(edge, Argument) and edge.is_live)
    )


def _edges(tensors: Iterable[Any]) -> list[Any]:
    return [t if t.is_leaf else t._origin for t in tensors if isinstance(t, Tensor) and t.requires_grad]


def _reaches(edges: list[Any], is_goal: Callable[[Any], bool]) -> bool:
    """Whether a way through the graph leads from one of the edges to a goal."""
    seen: set[int] = set()
    stack = list(edges)
    while stack:
        edge = stack.pop()
        if is_goal(edge):
            return True
        if isinstance(edge, Node) and id(edge) not in seen:
            seen.add(id(edge))
            stack.extend(edge.edges)
    return False


def gradients(
    outputs: Tensors, inputs: Tensors, weights: Tensors | None, create_graph: bool, retain_graph: bool = True
) -> list[Tensor]:
    """The gradients of those outputs that have any, with zeros for inputs that they do not depend on."""
    pairs = list(zip(outputs, weights or [None] * len(outputs), strict=True))
    pairs = [(out, weight) for out, weight in pairs if out is not None and out.requires_grad]
    found: Sequence[Tensor | None] = [None] * len(inputs)
    if pairs and inputs:
        outs, weighed = zip(*pairs, strict=True)
        found = passes.grad(outs, inputs, weighed, retain_graph, create_graph, allow_unused=True)
    return [zeros_like(t) if g is None else g for g, t in zip(found, inputs, strict=True)]


def chosen(args: tuple[Any, ...], argnums: Any) -> tuple[int, ...]:
    """The places in `args` that `argnums` names, or torch's RuntimeError."""
    if not isinstance(argnums, int | tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    places = [_place(n, len(args)) for n in (argnums if isinstance(argnums, tuple) else (argnums,))]
    if not places:
        raise RuntimeError("argnums must be non-empty")
    if len(set(places)) != len(places):
        raise RuntimeError(f"argnums elements must be unique, got {tuple(places)}")
    return tuple(places)


def _place(argnum: Any, count: int) -> int:
    if not isinstance(argnum, int):
        raise RuntimeError(f"argnum must be int, got: {type(argnum)}")
    if not -count <= argnum < count:
        raise RuntimeError(f"Got argnum={argnum}, but only {count} positional inputs")
    return argnum % count


def with_aux(result: Any, has_aux: bool, caller: str) -> tuple[Any, Any]:
    """What a function returned, and beside it what is not to be differentiated."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(f"{caller}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result


def checked_outputs(outputs: list[Any], caller: str) -> list[Tensor]:
    """A function's flat outputs, if they are tensors; else torch's RuntimeError."""
    if not outputs or (len(outputs) == 1 and outputs[0] is None):
        raise RuntimeError(f"{caller}: Expected f to be a function that has non-empty output (got output = {outputs})")
    for out in outputs:
        if not isinstance(out, Tensor):
            raise RuntimeError(
                f"{caller}: expected f(*primals) to return only tensors, got unsupported type {type(out)}"
            )
    return outputs


def unit(t: Tensor, element: int) -> Tensor:
    """A tensor like `t` that is one in one element, and zero elsewhere."""
    array = np.zeros(t.shape, t._array.dtype)
    array.reshape(-1)[element] = 1
    return Tensor._of(array)


def laid_out(blocks: list[list[Tensor]], of_outputs: Structure, of_inputs: Structure, alone: bool) -> Any:
    """A Jacobian of blocks, one list per output: over the outputs' structure, within it over the inputs'.

    alone  whether the inputs are one argument, so that no tuple stands around it
    """
    rows = [unflatten(row, of_inputs) for row in blocks]
    return unflatten([row[0] for row in rows] if alone else rows, of_outputs)
