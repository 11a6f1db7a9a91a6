"""Changes in place, and views: how a change of one tensor reaches the gradients of all over the same memory.

An in-place operation is its ordinary twin, followed by writing the result over the operand's memory, which then takes
over the result's history. If the operand is a view, its base takes over a history too: "the old base, but here the new
value" (CopySlices); and every other view, when it is next used, finds the version changed and becomes "that view of
the base as it is now" (AsStrided). Source: https://docs.pytorch.org/docs/stable/notes/autograd.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..engine import SEVERED, Lost, Node, Since, Storage
from ..flags import check_flags
from ..layout import address, copy_array, share_memory
from ..memory import storage_of
from ..modes import is_grad_enabled
from ..tensor import Tensor, View, fresh_origin, wants_grad
from .convert import invalid_combination
from .indices import number_array
from .names import attach, offer_in_place, tensor_argument
from .table import Op, as_operand, op

INTERNAL = True
Path = tuple[tuple[Op, tuple[Any, ...]], ...]  # view operations, each with its options
Layout = tuple[Path, tuple[int, ...]]  # how to find a view in its base: the path to it, and the base's strides


def zeros_as(g: Any) -> Any:
    """Zeros of the shape and dtype of an array or a Tensor."""
    return Tensor._of(np.zeros_like(g._array)) if isinstance(g, Tensor) else np.zeros_like(g)


def like(array: np.ndarray[Any, Any], g: Any) -> Any:
    """`array` as an operand beside `g`: a Tensor if that is one."""
    return Tensor._of(array) if isinstance(g, Tensor) else array


def along(path: Path, a: Any) -> Any:
    """The view of `a` at the end of a path."""
    for step, options in path:
        a = step(a, *options)
    return a


def fill_view(a: np.ndarray[Any, Any], layout: Layout, value: np.ndarray[Any, Any] | float) -> np.ndarray[Any, Any]:
    """A copy of `a`, its dimensions in memory in the order of the base's, with `value` where the view is."""
    path, strides = layout
    order = sorted(range(a.ndim), key=lambda i: -strides[i])
    filled = np.array(a.transpose(order), order="C").transpose(np.argsort(order))  # an array also of a NumPy scalar
    view = along(path, filled)
    for i, stride in enumerate(view.strides if view.size else ()):
        if stride == 0 and view.shape[i] > 1:  # `expand` shows one place many times: all that flows there adds up
            view = view[(slice(None),) * i + (slice(1),)]
            value = np.sum(value, axis=i, keepdims=True) if np.ndim(value) else value
    view[...] = value
    return filled


view_of: Op = op(
    "AsStridedBackward0",
    lambda a, layout: along(layout[0], a),
    a=lambda g, a_shape, layout: _scattered(g, a_shape, layout),
)


def _scattered(g: Any, shape: tuple[int, ...], layout: Layout) -> Any:
    """The gradient of a base from that of its view; from an empty one torch records nothing."""
    if 0 in g.shape:
        return Tensor._of(np.zeros(shape, g._array.dtype)) if isinstance(g, Tensor) else np.zeros(shape, g.dtype)
    return scatter_view(g, shape, layout)


scatter_view: Op = op(
    "ScatterViewBackward0",
    lambda a, shape, layout: fill_view(np.zeros(shape, a.dtype), layout, a),
    a=lambda g, layout: view_of(g, layout),
)
zero_view: Op = op(
    "ZeroViewBackward0", lambda a, layout: fill_view(a, layout, 0), a=lambda g, layout: zero_view(g, layout)
)
put_view = op(
    "torch::autograd::CopySlices",
    lambda a, b, key: fill_view(a, key, b),
    a=lambda g, key: zero_view(g, key),
    b=lambda g, key: view_of(g, key),
)
fill = op("FillBackward2", lambda a, value: np.full_like(a, value), a=lambda g: zeros_as(g))
filled = op(
    "FillBackward3",
    lambda a, b: np.full_like(a, b),
    a=lambda g: zeros_as(g),
    b=lambda g: g.sum(axis=None, keepdims=True).reshape(()),
)
copy = op("torch::autograd::CopyBackwards", lambda a, b: _copied(a, b), a=lambda g: zeros_as(g), b=lambda g: g)
unlinked = op(
    "UnlinkedBackward0",
    lambda a, b, value: value,
    a=lambda g: zeros_as(g),
    b=lambda g, b_shape: like(np.zeros(b_shape), g),
)


def _copied(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    shape = broadcast_shape(a, b)
    return np.broadcast_to(copy_array(b, a.dtype), shape)


def broadcast_shape(x: Any, y: Any) -> tuple[int, ...]:
    """The shape of two arrays broadcast together, or torch's RuntimeError."""
    try:
        return np.broadcast_shapes(x.shape, y.shape)
    except ValueError as error:
        raise messages.misfit(error, x, y) from None


def misfit_of(error: Exception, *operands: Any) -> Exception:
    """The error for operands, more than two, that do not broadcast: about the first that fits none before it."""
    shape: tuple[int, ...] = ()
    for x in operands:
        try:
            shape = np.broadcast_shapes(shape, tuple(getattr(x, "shape", ())))
        except ValueError as misfit:
            return messages.misfit(misfit, np.broadcast_to(False, shape), x)
    return error


def as_view(step: Op, a: Tensor, *options: Any, multi: bool = False) -> Tensor:
    """The result of view operation `step`, tied to the memory of `a`."""
    r: Tensor = step.call(a, *options)
    storage = a._storage or storage_of(a)
    step.is_view = storage.viewed = True
    made_by = "no_grad" if not is_grad_enabled() else "multi" if multi else ""
    if a._view is None:
        r._view = View(a, ((step, options),), storage.version, made_by)
    else:
        view = a._view
        r._view = View(view.base, (*view.path, (step, options)), storage.version, made_by or view.made_by)
    r._storage = storage
    return r


def layout_of(view: View) -> Layout:
    """What an operation needs of a view; not its base, whose history the operation may become."""
    return view.path, view.base._array.strides


def refresh(t: Tensor) -> None:
    """Bring the origin of a view up to date after its memory has changed."""
    view: Any = t._view
    base, before = view.base, t._origin
    if isinstance(before, Node) or wants_grad(base._origin):
        if view.made_by:
            raise RuntimeError(messages.write_to_view(view.made_by, made_by(t), of_base=True))
        origin = base._origin if wants_grad(base._origin) else SEVERED
        view_of.record(t, t._array, base, layout_of(view), base._array, origin)
        view.version = t._storage.version
        keep_retaining(t, before)


View.refresh = staticmethod(refresh)


def requires_grad(value: Any) -> bool:
    """Whether `value` is a tensor that requires grad."""
    return isinstance(value, Tensor) and value.requires_grad


def made_by(t: Tensor) -> Node | None:
    """The node of the operation that made `t`, whether or not its memory has changed since."""
    return t._origin if isinstance(t._origin, Node) and not t._origin.is_argument else None


def check_writable(t: Tensor, *others: Any) -> bool:
    """Raise torch's error where `t` may not be changed in place; returns whether the change is to be recorded."""
    recorded = check_graph(t, *others)
    check_memory(t, *others)
    return recorded


def check_graph(t: Tensor, *others: Any) -> bool:
    """Raise torch's error where the graph forbids to change `t`; returns whether it takes part in the change."""
    wanted = t.requires_grad
    if not is_grad_enabled() or not (wanted or any(map(requires_grad, others))):
        return False
    view = t._view
    if view is not None and view.made_by:
        raise RuntimeError(messages.write_to_view(view.made_by, made_by(t), of_base=False))
    if t._array.dtype.kind != "f":
        for other in filter(requires_grad, others):
            fresh_origin(other)  # which raises for one that lost its place in the graph
        return False
    if wanted and view is not None and made_by(view.base) is None:
        raise RuntimeError(messages.write_to_leaf("a view of a leaf Variable"))
    if wanted and made_by(t) is None:
        raise RuntimeError(messages.write_to_leaf("a leaf Variable"))
    return True


def check_memory(t: Tensor, *others: Any) -> None:
    """Raise torch's error where a write to `t` would change one place twice, or what is still to be read."""
    array = t._array
    if (
        array.size > 1
        and 0 in array.strides
        and any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True))
    ):
        raise RuntimeError(messages.overlapping_write())
    for other in others:
        if isinstance(other, Tensor) and other._storage is t._storage and other is not t and t._storage is not None:
            check_overlap(array, other._array)


def check_overlap(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> None:
    """Raise torch's error where `x`, which is written, and `y` lie in the same memory, but not element for element."""
    if share_memory(x, y) and (address(x), x.nbytes, x.strides) != (address(y), y.nbytes, y.strides):
        raise RuntimeError(messages.overlapping_operands())


def check_disjoint(t: Tensor, other: Tensor) -> None:
    """Raise torch's error where `t`, parts of which are written, lies in the same memory as `other`."""
    together = other._storage is t._storage is not None and share_memory(t._array, other._array)
    if other is t or together:
        raise RuntimeError(messages.overlapping_operands())


def change(function: Callable[..., Any], t: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """`t`, changed in place to what `function(t, ...)` gives."""
    recorded = check_writable(t, *args, *kwargs.values())
    return _change(recorded, function, t, *args, **kwargs)


def _change(recorded: bool, function: Callable[..., Any], t: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    if not recorded:
        before = Tensor._of(t._array, t._origin if t._origin.__class__ is Lost else None)
        return write(t, function(before, *args, **kwargs))
    # What the rules save of the old value must outlive it.
    before = old_value(t, t._array.copy())
    result = function(before, *args, **kwargs)
    if not isinstance(result._origin, Node):  # a comparison: in place, it gives gradients, of zero
        other = next((arg for arg in (*args, *kwargs.values()) if isinstance(arg, Tensor)), before)
        name = f"{function.__name__.title()}Backward{int(other is not before)}"
        result = unlinked.named(name).call(before, other, copy_array(result._array, t._array.dtype))
        result._origin.targets = (None, (other._array.shape, other._array.dtype))
    return write(t, result)


def old_value(t: Tensor, array: np.ndarray[Any, Any]) -> Tensor:
    """The value that `t` has before a change that is recorded; that of a view is seen as part of its base."""
    storage = Storage()
    storage.changed_at = storage_of(t).changed_at  # what lies in it is as old as that
    if t._view is None:
        return Tensor._of(array, t._origin, storage)
    base, before = t._view.base, Tensor._of(array, None, storage)
    if wants_grad(base._origin):
        view_of.record(before, array, base, layout_of(t._view), base._array, base._origin)
    return before


def write(t: Tensor, result: Tensor) -> Tensor:
    """Put `result` into the memory of `t`, which takes over its history."""
    if result._array.shape != t._array.shape:
        raise RuntimeError(messages.cannot_grow(t, result))
    if result._array.dtype != t._array.dtype:
        if result.dtype.kind > t.dtype.kind:
            raise RuntimeError(
                f"{messages.cannot_cast(result.dtype, t.dtype)}\n"
                "  A change in place keeps the dtype: write x = x / 2 rather than x /= 2, or convert first, x.float()."
            )
        result = result.to(t.dtype)
    np.copyto(t._array, result._array)
    storage = storage_of(t)
    storage.bump()
    node: Any = result._origin
    if isinstance(node, Node) and t._array.dtype.kind == "f":
        if getattr(node, "g_out", None) is not None:  # the result saved for the rules lies in `t` from now on
            saved: Any = node
            saved.s_out, saved.g_out = t._array, Since(storage, storage.version)
        take_history(t, node)
    elif t._origin is None and not isinstance(node, Node):
        t._origin = node
    return t


def take_history(t: Tensor, node: Node) -> None:
    """Make `node` what `t` comes from, and so part of what its base comes from."""
    if t._view is None:
        before, t._origin = t._origin, node
        storage_of(t).rewritten_by = messages.short_name(node)
        keep_retaining(t, before)
    else:
        base = t._view.base
        before = base._origin
        put_view.record(base, base._array, base, t, layout_of(t._view), base._array, t._array, before, node)
        storage_of(t).rewritten_by = put_view.node_name
        keep_retaining(base, before)
        refresh(t)


def keep_retaining(t: Tensor, before: Any) -> None:
    """If `t` kept its gradient when it came from `before`, let it do so now."""
    if isinstance(before, Node) and before.hooks is not None and before.hooks.retained_by() is t:
        before.hooks.retained_by = lambda: None
        t.retain_grad()


def twin(function: Callable[..., Any], name: str) -> Callable[..., Tensor]:
    """The in-place twin of a function."""

    def in_place(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return change(function, tensor_argument(self, name), *args, **kwargs)

    in_place.__name__, in_place.__qualname__ = name, f"Tensor.{name}"  # where pickle finds it
    in_place.__doc__ = f"`{name[:-1]}`, written over this tensor; torch's error where that may not be done."
    return in_place


def fill_(self: Tensor, value: Any) -> Tensor:
    """Set every element to a number (or the value of a 0-d tensor), in place."""
    if isinstance(value, Tensor):
        recorded = check_graph(self, value)
        if value.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
            )
        check_memory(self)
        return _change(recorded, filled.call, self, value.to(self.dtype))
    if not isinstance(value, (float, int, complex)):
        if not dtypes.is_numpy_number(value):
            raise invalid_combination("fill_", (value,), {}, "(Tensor value)", "(Number value)")
        value = dtypes.python_number(value)
    number = number_array(value, self._array.dtype)
    if not _plain(self):
        return _change(check_graph(self), fill.call, self, number)  # what `expand` shows many times may be filled
    self._array.fill(number)
    storage_of(self).bump()
    return self


def _plain(t: Tensor) -> bool:
    """Whether a change of `t` has nothing to record and no view to check."""
    return t._view is None and (t._origin is None or not is_grad_enabled())


def zero_(self: Tensor) -> Tensor:
    """Set every element to zero, in place."""
    if self.__class__ is not Tensor:
        tensor_argument(self, "zero_")
    if not _plain(self):
        return _change(check_graph(self), fill.named("ZeroBackward0").call, self, 0)
    self._array.fill(0)
    (self._storage or storage_of(self)).bump()
    return self


def copy_(self: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
    """Copy the values of `other`, a tensor or a number, broadcast and converted, into this tensor."""
    check_flags("copy_", non_blocking=non_blocking)
    if isinstance(other, (complex, np.complexfloating)):  # of which torch copies the real part
        other = bool(other) if self._array.dtype.kind == "b" else other.real
    if dtypes.is_number(other):
        other = dtypes.python_number(other) if isinstance(other, np.integer) else other
        other = as_operand(other, np.array(other).dtype)
    other = tensor_argument(other, "copy_", "other")
    if self._array.dtype.kind != "f":
        other = Tensor._of(other._array, None, other._storage)
    return change(copied, self, other)


def copied(t: Tensor, src: Tensor) -> Tensor:
    """`src` as a value for `t`."""
    result: Tensor = copy.call(t, src)
    if isinstance(result._origin, Node):
        result._origin.targets = (None, (src._array.shape, src._array.dtype))
    return result


def writable_array(t: Tensor) -> np.ndarray[Any, Any]:
    """The array of `t`, for the caller to change in place without history, as under `no_grad`.

    That counts as a change of its memory: a graph that saved the old values says so in its backward pass.
    """
    check_memory(t)
    (t._storage or storage_of(t)).bump()
    return t._array


def overwrite(t: Tensor, array: np.ndarray[Any, Any]) -> Tensor:
    """Replace the values of `t`, in place and without history, as random fills do."""
    check_writable(t)
    return write(t, fill_like(t, array))


def fill_like(t: Tensor, array: np.ndarray[Any, Any]) -> Tensor:
    """New values for `t` that no gradient flows through."""
    if t.requires_grad and is_grad_enabled():
        return copy.call(old_value(t, t._array), Tensor._of(array))
    return Tensor._of(array)


attach(fill_=fill_, zero_=zero_, copy_=copy_)
offer_in_place("fill_", "zero_")
