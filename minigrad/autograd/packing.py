"""Saved values that users' hooks put away when they are recorded, and bring back when a backward pass asks for them.

Recording knows nothing of it, and does not pay for it: while there are hooks, they listen to operations. The values of
each new node are taken from it, and in the place of what guards a value stands a mark, which brings it back.
Source: https://docs.pytorch.org/tutorials/intermediate/autograd_saved_tensors_hooks_tutorial.html
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from weakref import ref

import numpy as np

from .. import messages
from ..dtypes import is_number
from ..engine import Dropped, Node, Since, SinceSevered, guarded
from ..layout import memory_owner
from ..memory import storage_of
from ..modes import no_grad
from ..ops import inplace
from ..ops.listening import Listener, also
from ..ops.table import is_constant
from ..tensor import Tensor
from . import function
from .graph import Pair, pair_in_force
from .nodes import FunctionNode, OutputOfSeveral, SavedTensor
from .tape import Alias, rebuilt

INTERNAL = True
_MODIFYING = (
    "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook cannot be "
    "modified by in-place operations as this can lead to unexpected side-effects. Please open an issue if you need to "
    "perform in-place operations on the input to a pack hook."
)

_later: ContextVar[list[Any] | None] = ContextVar("minigrad.packed_later", default=None)


class Away:
    """A saved value that was put away: what pack made of it, and what must be true of what unpack returns."""

    __slots__ = ("described", "dtype", "handle", "memory", "shape", "storage", "unpack", "version")

    def __init__(self, t: Tensor, pair: Pair) -> None:
        pack, self.unpack = pair
        self.shape, self.dtype, self.described = t._array.shape, t._array.dtype, messages.type_and_shape(t._array)
        self.storage = storage_of(t)
        self.version, self.memory = self.storage.version, ref(memory_owner(t._array))
        with no_grad():
            self.handle = pack(t)
        if self.storage.version != self.version:
            raise RuntimeError(_MODIFYING)

    def back(self, node: Node) -> Tensor:
        """What unpack returns; raises where that cannot be what `node` had saved.

        Hooks that copy make a change in place harmless. Those that do not are found out by the memory that comes back.
        """
        with no_grad():
            t = self.unpack(self.handle)
        if not isinstance(t, Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(t).__name__}"
            )
        if t._array.shape != self.shape or t._array.dtype.kind != self.dtype.kind:
            raise RuntimeError(
                f"The saved tensor unpack_hook of {node.name()} has returned {messages.type_and_shape(t._array)} for "
                f"what was {self.described}\n"
                "  The gradient would be that of another function: unpack_hook must return what pack_hook was given."
            )
        if self.storage.version != self.version and self._is_shared_by(t):
            raise RuntimeError(messages.changed_in_place(node, self.storage, self.version, self.described))
        return t if t._array.dtype == self.dtype else Tensor._of(t._array.astype(self.dtype))

    def _is_shared_by(self, t: Tensor) -> bool:
        """Whether `t` lies in the memory that was put away, by whichever way it was made."""
        memory = self.memory()
        return memory is not None and (memory_owner(t._array) is memory or np.may_share_memory(t._array, memory))


class Packed(Dropped, Since):
    """Guards a value of a node of the table that was put away: it is asked for anew in each pass."""

    __slots__ = ("away", "name")

    def __init__(self, name: str, away: Away) -> None:
        self.name, self.away, self.storage, self.start = name, away, away.storage, away.version

    def restore(self, node: Node) -> None:
        """Bring the value back; the hooks' errors, and those of `Away.back`."""
        t = self.away.back(node)
        self.storage = storage_of(t)
        self.start = self.storage.version
        setattr(node, f"s_{self.name}", t._array)


class PackedSevered(Packed, SinceSevered):
    """The same of a value whose origin was SEVERED."""

    __slots__ = ()


class PackedTensor(SavedTensor):
    """A tensor that a Function has saved, and that was put away."""

    __slots__ = ("away",)
    array: Any
    storage: Any

    def __init__(self, t: Tensor, node: FunctionNode, pair: Pair, shown: Tensor | None = None) -> None:
        super().__init__(t, node)
        self.away = Away(t if shown is None else shown, pair)
        self.array, self.storage = None, Packed("array", self.away)

    def unpack(self, node: Any) -> Tensor:
        """The tensor again, as what it was in the graph."""
        t, origin = self.away.back(node), self.origin
        if isinstance(origin, Tensor):
            if t._array is origin._array:
                return origin
            origin = Alias(node, origin, (t._array.shape, t._array.dtype))
        elif self.output is not None:
            origin = OutputOfSeveral(node, self.output) if len(node.results) > 1 else node
        return Tensor._of(t._array, origin, storage_of(t))


class Packer(Listener):
    """Puts away what operations save."""

    def operation(self, op: Any, args: tuple[Any, ...], result: Any) -> None:
        """Put away the values that the node of `result` has saved, at once, or after the change that it is part of."""
        if isinstance(result, Tensor) and getattr(type(result._origin), "op", None) is not None:
            later = _later.get()
            if later is None:
                _put_all_away(result._origin, args, result)
            else:
                later.append((result._origin, args, result))


def _put_all_away(node: Any, args: tuple[Any, ...], result: Tensor) -> None:
    """Put away the saved values of a node of the table that are tensors to users, in the order of the rules."""
    pair, op = pair_in_force(), type(node).op
    if pair is None:
        return
    given = dict(zip(op.inputs, args, strict=False)) | {"out": result}
    for name in op.guarded:
        value, guard = getattr(node, f"s_{name}"), getattr(node, f"g_{name}")
        if guard is None or isinstance(guard, Dropped):
            continue
        t = given.get(name)
        if is_number(t) or is_constant(value):
            continue
        storage, version = guarded(guard)
        if storage.version != version:  # changed by the operation itself, so a pass is to say so
            continue
        if not isinstance(t, Tensor) or t._array is not value:
            t = rebuilt(node, op, name, value)
        put_away(node, name, t, pair)


def put_away(node: Any, name: str, t: Tensor, pair: Pair) -> None:
    """Let `pair` have one saved value of a node of the table, `t`, in its place."""
    kind = PackedSevered if isinstance(getattr(node, f"g_{name}"), SinceSevered) else Packed
    mark = kind(name, Away(t, pair))
    setattr(node, f"s_{name}", None)
    setattr(node, f"g_{name}", mark)


# What else is exchanged while somebody listens


def _saved_tensor(t: Tensor, node: FunctionNode) -> SavedTensor:
    """A tensor that a Function saves, put away if there are hooks."""
    pair = pair_in_force()
    return SavedTensor(t, node) if pair is None else PackedTensor(t, node, pair)


def _packed_after(change: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A change in place, after which, not before, what its operations saved is put away."""

    def changed(recorded: bool, function: Callable[..., Any], t: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if pair_in_force() is None or _later.get() is not None:
            return change(recorded, function, t, *args, **kwargs)
        later: list[Any] = []
        token = _later.set(later)
        try:
            change(recorded, function, t, *args, **kwargs)
        finally:
            _later.reset(token)
        for node, given, result in later:
            _put_all_away(node, given, t if getattr(node, "s_out", None) is t._array else result)
        return t

    return changed


def _exchange(put: Callable[[Any, str, Any], None]) -> None:
    put(inplace, "_change", _packed_after(inplace._change))
    put(function, "SavedTensor", _saved_tensor)


also(_exchange)
