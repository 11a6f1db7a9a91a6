"""How a backward pass reads the rules: on arrays, computed at once; or on tensors, recorded again.

A tape is also what leaves the results: it runs the users' hooks, which see tensors either way, and accumulates into
`.grad`. Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#backward-hooks-execution
"""

from __future__ import annotations

from _thread import RLock  # it is threading.RLock, without the import of the rest of threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..engine import (
    LEAF,
    SEVERED,
    Hooks,
    Lost,
    Node,
    NodeOfMany,
    SinceSevered,
    Storage,
    guarded,
    last_change,
    ranks,
    user_line,
)
from ..modes import enable_grad, no_grad
from ..ops.convert import copied
from ..ops.inplace import check_writable
from ..tensor import Tensor
from . import errors
from .memory import Delivered, own_array

INTERNAL = True
Array = np.ndarray[Any, Any]

_copy = copied.named("CopyBackwards")
_add = np.add
_add_up: Any = np.add.reduce  # quicker than g.sum


class ArrayTape:
    """Reads the rules on arrays: first-order gradients, at NumPy's speed."""

    mode: Any = no_grad  # for the users' code that runs in a pass
    create_graph = False
    watch: Any = None  # see engine.Tape

    def saved(self, node: Node) -> Any:
        """The saved values of `node`, as they are."""
        return node.unpack()

    def sum(self, g: Array, dims: tuple[int, ...], keepdim: bool) -> Any:
        """`g` added up over `dims`; half precision in single, as torch does it."""
        if g.dtype.char == "e":
            return _add_up(g, dims, np.float32, keepdims=keepdim).astype(g.dtype)
        return _add_up(g, dims, keepdims=keepdim)

    def cast(self, g: Any, dtype: np.dtype[Any]) -> Any:
        """`g` in `dtype`."""
        return g if g.dtype == dtype else g.astype(dtype)

    def shown(self, g: Any) -> Tensor:
        """`g` as users see it: a tensor over memory of its own, which they may change."""
        return Tensor._of(np.array(g))

    def taken(self, t: Tensor) -> Any:
        """What a tensor from users is to the rules."""
        return t._array

    def run_tensor_hooks(self, hooks: Hooks, g: Any) -> Any:
        """`g` after the hooks of the tensor it belongs to; leaves it in `.grad` if that was asked for."""
        if hooks.of_tensor:
            g = self.run_each(hooks.of_tensor, g)
        retained_by = hooks.retained_by()
        if retained_by is not None:
            with self.mode():
                accumulate_out_of_place(retained_by, self.shown(g))
        return g

    def run_each(self, hooks: dict[int, Callable[..., Any]], g: Any) -> Any:
        """`g` after hooks that are each shown one gradient, and may return another."""
        t = self.shown(g)
        with self.mode():
            for hook in tuple(hooks.values()):
                returned = hook(t)
                if returned is not None:
                    t = checked(hook, returned, t)
        return self.taken(t)

    def run_prehooks(self, hooks: Hooks, g: Any) -> Any:
        """`g` after the hooks that run before a node's rules; None if they took it away."""
        outputs = self.shown_of(g)
        with self.mode():
            for hook in tuple(hooks.before.values()):
                outputs = checked_tuple(hook, hook(outputs), outputs)
        return self.taken_of(outputs, g)

    def run_hooks(self, hooks: Hooks, gradients: Sequence[Any], g: Any) -> Sequence[Any]:
        """`gradients` of a node's inputs after the hooks that run after its rules."""
        outputs = self.shown_of(g)
        inputs = tuple([None if d is None else self.shown(d) for d in gradients])
        with self.mode():
            for hook in tuple(hooks.after.values()):
                inputs = checked_tuple(hook, hook(inputs, outputs), inputs)
        return [None if t is None else self.taken(t) for t in inputs]

    def shown_of(self, g: Any) -> tuple[Tensor | None, ...]:
        """The gradients of all the results of a node as users see them; most nodes have one result."""
        parts = g.parts if isinstance(g, OfSeveral) else (g,)
        return tuple([None if part is None else self.shown(part) for part in parts])

    def taken_of(self, outputs: tuple[Tensor | None, ...], g: Any) -> Any:
        """The inverse of `shown_of`."""
        parts = [None if t is None else self.taken(t) for t in outputs]
        return OfSeveral(parts) if isinstance(g, OfSeveral) else parts[0]

    def accumulate(self, delivered: Delivered, changed_by: Any) -> None:
        """Add a gradient to its leaf's `.grad`; the first one becomes `.grad` if nobody else holds its memory."""
        leaf = delivered[0]
        grad = leaf._grad
        if grad is None:
            leaf._grad = Tensor._of(own_array(delivered, leaf._array))
        else:
            array, g = grad._array, delivered[1]
            try:
                if array.size == 1 and array.shape == g.shape:  # NumPy's way in place is slow for one element
                    array[...] = _add(array, g)
                else:
                    if 0 in array.strides:
                        check_writable(grad)
                    _add(array, g, array)
            except ValueError as error:  # the leaf was given other data since
                misfit = messages.misfit(error, array, g)
                if misfit is error:
                    misfit = RuntimeError(messages.cannot_grow(array, g))
                raise misfit from None
            storage = grad._storage
            if storage is None:
                storage = grad._storage = Storage()
            storage.version += 1
            storage.changed_by = changed_by
            storage.changed_at = last_change[0] = next(ranks)

    def result(self, delivered: Delivered, of: Tensor, lost: Lost) -> Tensor:
        """The gradient of a tensor as `grad()` returns it; `lost` says that it was not recorded."""
        return Tensor._of(own_array(delivered, of._array), lost)


class RecordedTape(ArrayTape):
    """Reads the rules on tensors, recording what they compute (`create_graph=True`)."""

    mode = enable_grad
    create_graph = True

    def saved(self, node: Node) -> Any:
        """The saved values of `node` as tensors that are part of the graph."""
        values = node.unpack()
        op = getattr(type(node), "op", None)
        return values if op is None else [rebuilt(node, op, *named) for named in zip(op.slots, values, strict=True)]

    def sum(self, g: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
        """`g` added up over `dims`."""
        return g.sum(dims, keepdim)

    def cast(self, g: Any, dtype: np.dtype[Any]) -> Any:
        """`g` in `dtype`."""
        return g.to(dtypes.from_numpy_dtype(dtype))

    def shown(self, g: Any) -> Tensor:
        """`g` itself."""
        tensor: Tensor = g
        return tensor

    def taken(self, t: Tensor) -> Any:
        """`t` itself."""
        return t

    def accumulate(self, delivered: Delivered, changed_by: Any) -> None:
        """Add a gradient to its leaf's `.grad`, as part of the graph."""
        with enable_grad():
            accumulate_out_of_place(*delivered)

    def result(self, delivered: Delivered, of: Tensor, lost: Lost) -> Tensor:
        """The gradient of a tensor as `grad()` returns it."""
        return self.shown(delivered[1])


class InnerTape(RecordedTape):
    """Reads the rules within another pass, which is the one to run the users' hooks."""

    def run_tensor_hooks(self, hooks: Any, g: Any) -> Any:
        """`g`."""
        return g

    run_each = run_tensor_hooks


class OfSeveral:
    """What has arrived so far at a node with several results: a gradient, or None, for each of them."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = parts

    def __add__(self, other: OfSeveral) -> OfSeveral:
        pairs = zip(self.parts, other.parts, strict=True)
        return OfSeveral([b if a is None else a if b is None else a + b for a, b in pairs])


ON_ARRAYS, ON_TENSORS = ArrayTape(), RecordedTape()


def rebuilt(node: Node, op: Any, name: str, value: Any) -> Any:
    """A saved value of a table's operation as a tensor that is part of the graph; options as they are."""
    if name not in op.guarded or value is None:
        return value
    guard = getattr(node, f"g_{name}")
    storage, _ = guarded(guard)
    if name == "out":
        return Tensor._of(value, node, storage)
    if isinstance(guard, SinceSevered):
        return Tensor._of(value, SEVERED, storage)
    if name not in op.differentiable:
        return Tensor._of(value, None, storage)
    i = op.differentiable.index(name)
    edge, target = node.edges[i], node.targets[i] if node.targets else None
    if edge is None or isinstance(edge, Node):
        if edge is None or target is None or target[1] == value.dtype:
            return Tensor._of(value, edge, storage)
    elif edge._array is value:
        return edge
    return Tensor._of(value, Alias(node, edge, (value.shape, value.dtype if target is None else target[1])), storage)


class Alias(NodeOfMany):
    """Stands between a leaf, or a node, and a saved value that is another array than theirs: a cast one, say."""

    __slots__ = ()

    def __init__(self, user: Node, edge: Any, target: tuple[tuple[int, ...], np.dtype[Any]]) -> None:
        self.edges, self.targets = (edge,), (target,)
        self.saved, self.guards, self.hooks = (), [], None
        self.code, self.lasti, self.rank = user.code, user.lasti, next(ranks)

    def pull(self, g: Any, edges: Any, saved: Any) -> Any:
        """The gradient as it is: the walk casts it."""
        return (g,)


def accumulate_out_of_place(tensor: Tensor, g: Tensor) -> None:
    """Make `.grad` a new tensor: what it was, if it was, plus `g`."""
    grad = tensor._grad
    tensor._grad = _copy.call(g, "C" if tensor._array.flags.c_contiguous else "K") if grad is None else grad + g


# What users' hooks return


def checked(hook: Callable[..., Any], returned: Any, g: Tensor) -> Tensor:
    """`returned`, if it may take the place of gradient `g`; torch's errors if not."""
    if not isinstance(returned, Tensor):
        raise TypeError(errors.no_tensor_from_hook(returned))
    if returned._array.dtype != g._array.dtype:
        raise RuntimeError(errors.hook_changed_type(hook, g, returned))
    if returned._array.shape != g._array.shape:
        raise RuntimeError(errors.hook_changed_size(hook, g, returned))
    return returned


def checked_tuple(
    hook: Callable[..., Any], returned: Any, given: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...]:
    """The tuple that `hook` returned, or what it was given if None; torch's errors if it does not fit."""
    if returned is None:
        return given
    if not isinstance(returned, tuple):
        raise TypeError(f"expected tuple, but hook returned '{messages.type_name(returned)}'")
    if len(returned) != len(given):
        raise RuntimeError(
            f"hook '{errors.name_of(hook)}' has returned an incorrect number of values "
            f"(got {len(returned)}, but expected {len(given)})"
        )
    if any(g is None and r is not None for g, r in zip(given, returned, strict=True)):
        raise RuntimeError("can't replace a None gradient with a non-None value")
    pairs = zip(returned, given, strict=True)
    return tuple([r if r is None or g is None else checked(hook, r, g) for r, g in pairs])


# The end of a pass


def refuse_moved_leaves(found: dict[int, Delivered]) -> None:
    """Raise RuntimeError for what was a leaf when the graph was recorded and is none any more."""
    for edge, _ in found.values():
        if not isinstance(edge, Node) and (edge._origin is not LEAF or edge._view is not None) and not edge.is_leaf:
            raise RuntimeError(errors.moved_leaf(edge))


_accumulating = RLock()  # threads may share leaves; NumPy lets others run while it adds large arrays


def deliver(found: dict[int, Delivered], tape: ArrayTape) -> None:
    """Accumulate a pass's gradients into the leaves, then run the hooks that wait for that."""
    with_hooks = []
    changed_by = user_line(3)
    with _accumulating:
        for delivered in found.values():
            leaf = delivered[0]
            if isinstance(leaf, Node):
                continue
            if leaf._origin is LEAF:  # unless requires_grad was turned off since
                tape.accumulate(delivered, changed_by)
                if "_after_accumulation" in leaf.__dict__:
                    with_hooks.append(leaf)
    for leaf in with_hooks:
        with tape.mode():
            for hook in tuple(leaf._after_accumulation.values()):
                returned = hook(leaf)
                if isinstance(returned, Tensor):
                    raise RuntimeError("Tensor post accumulate grad hooks should return None.")
                if returned is not None:
                    raise TypeError(errors.no_tensor_from_hook(returned))
