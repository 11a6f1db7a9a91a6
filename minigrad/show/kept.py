"""Forward values: `recording()` keeps them all, and without it some can be found again. Never one that is not right."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from itertools import count
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from ..engine import RELEASED, Node, guarded, user_line
from ..nn.modules.module import Module
from ..ops.listening import Listener, also, listening
from ..ops.table import Op, as_operand, common_dtype
from ..tensor import Tensor
from .lines import place_of

INTERNAL = True
Array = np.ndarray[Any, Any]
KEY = "minigrad.show"  # under which a node's metadata has what was kept


@dataclass
class Operand:
    """What an operation met: a copy of the value, which all that meet the same value share, and the user's name."""

    array: Array
    name: str
    changed_at: int  # of its memory, then (see engine.Storage)


@dataclass
class Kept:
    """What one operation met and gave."""

    operands: list[Operand]
    options: dict[str, Any]
    result: Array
    module: tuple[str, ref[Module], int] | None  # the innermost that ran it: its class's name, itself, and which call


def op_of(node: Any) -> Op | None:
    """The operation of the table that `node` recorded; None for `cat`, `stack`, Functions and others."""
    return getattr(type(node), "op", None)


def kept_of(node: Any) -> Kept | None:
    """What was kept of the operation that `node` is; None if nobody recorded it."""
    return None if node.hooks is None else node.hooks.metadata.get(KEY)


@contextmanager
def recording() -> Iterator[None]:
    """Within it, in this thread, every recorded operation keeps copies of its operands and its result.

    They live as long as the graph: `show.steps`, `explain` and `page` then know every forward value, also after a
    change in place, what the user calls it, and which layer of `minigrad.nn` an operation belongs to. It costs time and
    memory, so it is for looking, not for training.
    """
    recorder = _Recorder()
    try:
        with listening(recorder):
            yield
    finally:
        recorder.copies.clear()  # what watches the arrays would keep the copies, in a cycle


def tensor_of(loss: Any) -> Tensor:
    """A loss that is given as a tensor, or as a function of no arguments, which is run under `recording()`."""
    if isinstance(loss, Tensor):
        return loss
    if not callable(loss):
        raise TypeError(f"loss must be a tensor or a function that computes one, not {type(loss).__name__}")
    with recording():
        found = loss()
    if not isinstance(found, Tensor):
        raise TypeError(f"the function must return a tensor, not {type(found).__name__}")
    return found


class _Recorder(Listener):
    def __init__(self) -> None:
        self.copies: dict[int, tuple[Any, Array]] = {}  # by id of an array, a weak reference to it and its copy

    def operation(self, op: Any, args: tuple[Any, ...], result: Any) -> None:
        """Keep what `result` was computed from."""
        node: Any = result._origin if isinstance(result, Tensor) else None
        if not isinstance(node, Node) or kept_of(node) is not None:
            return
        if isinstance(op, Op) and op_of(node) is op:
            inputs = [_as_tensor(op, a, args) for a in args[: len(op.inputs)]]
            options = dict(zip(op.options, args[len(op.inputs) :], strict=True))
        elif isinstance(op, type) and type(node) is op:
            inputs, options = args[0], {"dim": args[1]}
        else:
            return
        names = _names_at(node)
        operands = [
            Operand(self.copy(t._array), names.get(id(t), ""), 1 if t._storage is None else t._storage.changed_at)
            for t in inputs
        ]
        node.metadata[KEY] = Kept(operands, options, self.copy(result._array), _module_of(node))

    def copy(self, array: Array) -> Array:
        """A copy of `array`, the same one for as long as that lives unchanged."""
        key = id(array)
        known = self.copies.get(key)
        if known is not None and known[0]() is array and _same(known[1], array):
            return known[1]
        made = np.array(array)
        self.copies[key] = ref(array, lambda _: self.copies.pop(key, None)), made
        return made


# By thread or task: the module that is called, the line of the user's that its call goes on, and the call's number.
_called: ContextVar[tuple[Module, Any, int] | None] = ContextVar("minigrad.called", default=None)
_calls = count()


def _telling_module(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def telling_module(self: Module, *args: Any, **kwargs: Any) -> Any:
        token = _called.set((self, user_line(2), next(_calls)))
        try:
            return call(self, *args, **kwargs)
        finally:
            _called.reset(token)

    return telling_module


also(lambda put: put(Module, "__call__", _telling_module(Module.__call__)))


def _module_of(node: Node) -> tuple[str, ref[Module], int] | None:
    """The module that ran an operation, in its own code or in a `forward` of the user's; a hook of it is not it.

    It is held weakly: one that keeps its own loss would be a cycle.
    """
    module, line, call = _called.get() or (None, None, 0)
    if module is None or (line != (node.code, node.lasti) and not _is_in_forward(module)):
        return None
    return type(module).__name__, ref(module), call


def _is_in_forward(module: Module) -> bool:
    """Whether the `forward` of the module that was called last is running."""
    forward = getattr(module.forward, "__code__", None)
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "telling_module":
        if frame.f_code is forward:
            return True
        frame = frame.f_back
    return False


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def _as_tensor(op: Op, value: Any, args: tuple[Any, ...]) -> Tensor:
    """An operand as the Tensor that the operation made of it, if it is a number."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray):
        return Tensor._of(value)
    d = common_dtype(*[a.item() if isinstance(a, np.generic) else a for a in args[: len(op.inputs)]])
    return as_operand(value.item() if isinstance(value, np.generic) else value, d.numpy)


def _names_at(node: Node) -> dict[int, str]:
    """The names that the user's line has for tensors, by the tensors' ids."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code is not node.code:
        frame = frame.f_back
    place = place_of(node.code, node.lasti)
    if frame is None or place is None:
        return {}
    found = {}
    for name in place.names:
        value = lookup(name, frame.f_locals, frame.f_globals)
        if isinstance(value, Tensor):
            found[id(value)] = name
    return found


def lookup(path: str, *scopes: Any) -> Any:
    """What a variable, or a path of attributes such as `self.w`, is; None if it is nothing that just stands there."""
    first, *rest = path.split(".")
    value = next((scope[first] for scope in scopes if first in scope), None)
    for attribute in rest:
        if isinstance(value, Tensor):
            return None  # its attributes are computed
        value = getattr(value, "__dict__", {}).get(attribute)
    return value


def nodes_under(root: Any) -> list[Node]:
    """The nodes of the graph that leads to `root`, a tensor's edge or origin, with itself; newest first."""
    seen: dict[int, Node] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and id(node) not in seen:
            seen[id(node)] = node
            stack.extend(node.edges)
    return sorted(seen.values(), key=lambda node: node.rank)


# Values that nobody recorded


def unchanged_since(node: Node, storage: Any) -> bool:
    """Whether the memory of a tensor is as it was when `node` was recorded."""
    return storage is None or node.rank < storage.changed_at


class Held(NamedTuple):
    """A value that a node has saved, and that is still there."""

    name: str
    array: Any  # None where nothing is known but the memory
    storage: Any
    version: int  # of the memory, when it was saved
    edge: Any  # what it belongs to in the graph; None for a constant


def held_by(node: Any) -> Iterator[Held]:
    """What a node has saved, as far as no pass has freed it."""
    op = op_of(node)
    if op is not None:
        for name in op.guarded:
            guard = getattr(node, f"g_{name}")
            if guard is not None and guard is not RELEASED:
                edge = node if name == "out" else getattr(node, f"e_{name}", None)
                yield Held(name, getattr(node, f"s_{name}"), *guarded(guard), edge)
        return
    for i, (storage, version) in enumerate(getattr(node, "guards", ())):
        if node.saved is not RELEASED:
            yield Held(str(i), None, storage, version, None)
    of_function = vars(node.ctx).get("_saved", ()) if hasattr(type(node), "function") else ()
    for i, saved in enumerate(() if of_function is RELEASED else of_function):
        if saved is not None:
            yield Held(f"saved_tensors[{i}]", saved.array, saved.storage, saved.version, saved.origin)


def saved_arrays(node: Any) -> dict[str, Array]:
    """The arrays that a node of the table saved, by the rules' names, as far as they are what they were."""
    held = held_by(node) if op_of(node) is not None else ()
    return {h.name: h.array for h in held if isinstance(h.array, np.ndarray) and h.storage.version == h.version}


def options_of(node: Any) -> dict[str, Any]:
    """The options of a node's operation, as far as they are known."""
    kept, op = kept_of(node), op_of(node)
    if kept is not None:
        return kept.options
    if op is None:
        return {}
    known = {name: getattr(node, f"s_{name}") for name in op.options if name in op.slots}
    return {name: value for name, value in known.items() if value is not RELEASED}


def computed_again(node: Any, operands: list[Array | None]) -> Array | None:
    """The result of a node's operation on its operands, where all that it needs is known; else None."""
    op = op_of(node)
    if op is None or any(x is None for x in operands):
        return None
    arrays: list[Any] = operands
    if len({x.dtype for x in arrays[: len(op.differentiable)]}) > 1 and op.numbers:
        return None  # they were promoted first
    if op.floating and arrays[0].dtype.kind != "f":
        return None
    options = options_of(node)
    if any(name not in options for name in op.options):
        return None
    with np.errstate(all="ignore"):
        return np.asarray(op.forward(*arrays, *[options[name] for name in op.options]))
