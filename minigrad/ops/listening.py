"""Listening to operations as they happen: what looks inside (`minigrad.show`) and what compiles is built on this.

Nobody pays for it while nobody listens: only from the first listener on is the code of operations exchanged for code
that tells (`Op.listen`), and other functions for ones that do. Listeners belong to the thread, or async task, that
they listen in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from threading import RLock
from typing import Any

from ..engine import Storage
from ..tensor import Tensor
from . import convert, indexing, logic, shape
from .table import WRITTEN, Op

INTERNAL = True


class Listener:
    """What happens, told to whoever overrides these."""

    def operation(self, op: Any, args: tuple[Any, ...], result: Any) -> None:
        """An operation gave `result`: `op` is an Op of the table; a node type of several inputs, such as CatBackward0,
        whose args are a list of tensors and the dimension; a NumPy function that compares; or the name "detach".
        """

    def left(self, t: Tensor, how: str) -> None:
        """A value leaves for Python or NumPy, by `float()`, `.item()`, `.numpy()`, `.data` and so on."""

    def taken(self, t: Tensor, how: str, value: Any) -> None:
        """It has left, as `value`."""

    def changed(self, storage: Storage) -> None:
        """Memory was changed in place."""

    def pass_begins(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor] | None, create_graph: bool) -> None:
        """A backward pass begins at `outputs`; it is to arrive at `inputs` alone, if they are given.

        Passes are told of where `autograd.heard` is imported.
        """

    def pass_ends(self, outputs: Sequence[Tensor]) -> None:
        """It has walked the graph, or has failed."""

    def delivers(self, found: Mapping[int, tuple[Any, Any]]) -> None:
        """A pass is about to add to `.grad`: the leaves (or nodes) and their gradients, of which none may be kept."""

    def steps(self, optimizer: Any, by_closure: bool) -> None:
        """An optimizer is about to make a step, told where `show.optimizer_traps` is imported."""


_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("minigrad.listeners", default=())
_lock = RLock()
_count = 0
_exchanged: list[tuple[Any, str, Any]] = []
_more: list[Callable[[Callable[[Any, str, Any], None]], None]] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within it, in this thread or task, `listener` is told what happens; not what it does itself when told."""
    global _count
    with _lock:
        _count += 1
        if _count == 1:
            _exchange()
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)
        with _lock:
            _count -= 1
            if not _count:
                _restore()


@contextmanager
def unheard() -> Iterator[None]:
    """Within it, in this thread or task, nobody is told anything."""
    token = _listeners.set(())
    try:
        yield
    finally:
        _listeners.reset(token)


def tell(event: str, *what: Any) -> None:
    """Tell the listeners of an event: a method of Listener, and its arguments."""
    listeners = _listeners.get()
    if listeners:
        with unheard():
            for listener in listeners:
                getattr(listener, event)(*what)


def _tell_operation(op: Any, call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    result = call(*args)
    tell("operation", op, args, result)
    return result


_WAYS_OUT = {  # what people write, by the method that Python calls for it
    "__bool__": "bool()",
    "__float__": "float()",
    "__int__": "int()",
    "__complex__": "complex()",
    "__index__": "an index",
    "__contains__": "in",
    "__format__": "format()",
    "__repr__": "print()",
    "__array__": "NumPy",
    "__dlpack__": "DLPack",
    "item": ".item()",
    "tolist": ".tolist()",
    "numpy": ".numpy()",
}


def _exchange() -> None:
    """Put functions that tell in the place of those that do not."""
    for name, how in _WAYS_OUT.items():
        _put(Tensor, name, _telling_way_out(vars(Tensor)[name], how))
    data: Any = vars(Tensor)["data"]
    _put(Tensor, "data", property(_telling_way_out(data.fget, ".data"), data.fset))
    _put(Tensor, "__getitem__", indexing.getitem_by_operations)
    _put(convert, "detached", _telling_operation(convert.detached, lambda t: ("detach", (t,))))
    _put(
        shape, "joined", _telling_operation(shape.joined, lambda array, tensors, node, saved: (node, (tensors, saved)))
    )
    _put(logic, "_compare", _telling_operation(logic._compare, lambda name, ufunc, a, b: (ufunc, (a, b))))
    _put(Storage, "bump", _telling_change(Storage.bump))
    Op.tell = staticmethod(_tell_operation)
    for op in tuple(WRITTEN):
        op.listen()
    for exchange in _more:
        exchange(_put)


def also(exchange: Callable[[Callable[[Any, str, Any], None]], None]) -> None:
    """From now on let `exchange(put)` exchange functions of modules that are built on operations, too.

    `put(owner, name, function)` puts a function that tells in the place of one that does not, for as long as somebody
    listens.
    """
    with _lock:
        _more.append(exchange)
        if _count:
            exchange(_put)


def _restore() -> None:
    """Put everything back."""
    Op.tell = None
    for op in tuple(WRITTEN):
        op.listen_no_more()
    while _exchanged:
        owner, name, before = _exchanged.pop()
        setattr(owner, name, before)


def _put(owner: Any, name: str, function: Any) -> None:
    _exchanged.append((owner, name, vars(owner)[name]))
    setattr(owner, name, function)


def _telling_way_out(function: Callable[..., Any], how: str) -> Callable[..., Any]:
    @wraps(function)
    def way_out(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        tell("left", self, how)
        with unheard():  # one way out may go by another
            value = function(self, *args, **kwargs)
        tell("taken", self, how, value)
        return value

    return way_out


def _telling_operation(function: Callable[..., Any], what: Callable[..., tuple[Any, tuple[Any, ...]]]) -> Any:
    """`function`, telling which operation it is, and of what: the two that `what` gives for its arguments."""

    @wraps(function)
    def operation(*args: Any) -> Any:
        result = function(*args)
        tell("operation", *what(*args), result)
        return result

    return operation


def _telling_change(function: Callable[..., None]) -> Callable[..., None]:
    @wraps(function)
    def bump(self: Storage, *line: Any) -> None:
        function(self, *line)
        tell("changed", self)

    return bump
