"""What a recorded operation remembers: its node, where gradients go on to, and what guards the values it saved.

This file and `walk.py` are the engine. It knows neither tensors' arithmetic nor any calculus: an operation brings its
own rules (see `ops/table.py`), and its node keeps what they will need.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from types import CodeType
from typing import Any, ClassVar
from weakref import ref

import numpy as np

from . import messages
from .transforming import of_level

INTERNAL = True  # frames of a module with this name in it are never taken for "the user's line"


class Leaf:
    """The type of LEAF, the origin of a tensor that the user asked gradients for: they accumulate there."""

    __slots__ = ()


class Severed:
    """The type of SEVERED, the origin of a view that was made under `no_grad` of a tensor that requires grad.

    Such a view requires grad in torch, and so does what is computed from it, but no gradient goes on to anything.
    """

    __slots__ = ()


LEAF = Leaf()
SEVERED = Severed()
ranks = count(0, -1)
last_change = [1]  # `Storage.changed_at` of the memory that was changed last, whichever that is


# The user's code that was met last, so that the next operation in it need not look at `f_globals`. A race of threads
# costs one more look; kept alive is one code object, no frame.
last_user: list[CodeType | None] = [None]


class OUTSIDE:
    """What stands in for the user's frame in a thread that runs nothing but minigrad's own functions."""

    f_globals: ClassVar[dict[str, Any]] = {}
    f_code, f_lasti = compile("", "<no line>", "exec"), -1


def user_line(depth: int) -> tuple[CodeType, int]:
    """Code object and instruction of the first frame, `depth` calls up or higher, that is not minigrad's own.

    Cheap enough to do for every operation: no frame is kept alive and no text is read until somebody asks. Cheaper the
    more of minigrad's own frames `depth` passes over: Python makes an object of each that is looked at.
    """
    try:
        frame: Any = sys._getframe(depth)
    except ValueError:  # fewer calls: minigrad's own function is all that its thread runs
        frame = OUTSIDE
    while "INTERNAL" in frame.f_globals:
        frame = frame.f_back or OUTSIDE
    return frame.f_code, frame.f_lasti


def level_of_user() -> int:
    """The `stacklevel` with which a warning that the caller gives names the user's line."""
    level, frame = 1, sys._getframe(1)
    while "INTERNAL" in frame.f_globals and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level


class Storage:
    """One per memory, shared by every tensor over it: how often, and where last, it was changed in place."""

    __slots__ = ("__weakref__", "changed_at", "changed_by", "rewritten_by", "version", "viewed")

    def __init__(self) -> None:
        self.version = 0
        self.changed_by: tuple[CodeType, int] | None = None
        self.changed_at = 1  # the rank (see Node) that the last change would have: what ranks higher is older than it
        self.viewed = False  # whether a tensor over it has had views
        self.rewritten_by = ""  # the operation that the tensor over all of it comes from since the last recorded change

    def renew(self) -> None:
        """Count the memory as changed by now, though its version stays: a tensor over other memory has come to it."""
        self.changed_at = last_change[0] = next(ranks)

    def bump(self, line: tuple[CodeType, int] | None = None) -> None:
        """Count one in-place change and note the user's line that made it, which need not be given."""
        self.version += 1
        self.changed_at = last_change[0] = next(ranks)
        if line is None:
            try:  # user_line, without one more call in every change
                frame: Any = sys._getframe(2)
            except ValueError:
                frame = OUTSIDE
            while "INTERNAL" in frame.f_globals:
                frame = frame.f_back or OUTSIDE
            line = frame.f_code, frame.f_lasti
        self.changed_by = line


class Since:
    """The guard of a value whose memory had changed before it was saved: its version counts from then on.

    Most memory never changes, and there the storage itself is the guard.
    """

    __slots__ = ("start", "storage")

    def __init__(self, storage: Storage, start: int) -> None:
        self.storage, self.start = storage, start

    @property
    def version(self) -> int:
        """How often the memory has changed since."""
        return self.storage.version - self.start


class SinceSevered(Since):
    """The guard of a saved value whose origin was SEVERED: a recorded pass gives it that again."""

    __slots__ = ()


def guarded(guard: Any) -> tuple[Storage, int]:
    """The memory that a guard watches, and its version when the value was saved."""
    return (guard.storage, guard.start) if isinstance(guard, Since) else (guard, 0)


class Lost:
    """The origin of a tensor that fell out of the graph: a gradient was wanted for it until `why` happened."""

    __slots__ = ("code", "lasti", "why")

    def __init__(self, why: str) -> None:
        self.why = why
        self.code, self.lasti = user_line(2)
        if why == "no_grad" and (noticed := _noticed.get()) is not None:
            noticed.append(self)


_noticed: ContextVar[list[Lost] | None] = ContextVar("minigrad.noticed", default=None)


@contextmanager
def noticing_lost() -> Iterator[list[Lost]]:
    """Gather, in this thread or task, the origins of what falls out of the graph under `no_grad`."""
    noticed: list[Lost] = []
    token = _noticed.set(noticed)
    try:
        yield noticed
    finally:
        _noticed.reset(token)


class Node:
    """One recorded operation: what its rules need, and where the gradients they give go on to.

    Every operation of the table is a subclass with just the slots that its rules name (see `ops/table.py`).
    `edges` holds, per input, the Node or the leaf tensor that its gradient goes to, or None where none is wanted.
    """

    __slots__ = (
        "code",  # the user's line: its code object ...
        "hooks",  # what users attached, or None
        "lasti",  # ... and the instruction in it
        "rank",  # nodes are numbered downward as they are made: an operation ranks below its inputs
        "targets",  # per input: the (shape, dtype) to bring its gradient to; None if all fit as they are
    )
    edges: Any
    code: CodeType
    hooks: Hooks | None
    lasti: int
    rank: int
    targets: Any
    is_argument = False  # whether what it made counts as a leaf: the argument of a transformed function

    def unpack(self) -> Any:
        """The saved values; raises if a backward pass has freed them, or one was changed in place since."""
        raise NotImplementedError

    def release(self) -> None:
        """Let the saved values go."""
        raise NotImplementedError

    def pull(self, g: Any, edges: Sequence[Any], saved: Any) -> Sequence[Any]:
        """The gradients of the inputs from that of the result, `g`; None where `edges` has None."""
        raise NotImplementedError

    def flow(self, g: Any, keep: bool, tape: Any) -> Sequence[tuple[Any, Any]] | None:
        """All that a pass on arrays usually asks of a node, in one call: each edge with its gradient.

        None if there is more to do (hooks), or nothing is won by it: then the pass goes step by step.
        """
        return None

    def name(self) -> str:
        """The operation's name as torch spells it, such as `AddBackward0`."""
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """Where gradients go on to, per input: a node and which of its results; (None, 0) where none is wanted."""
        return tuple([as_node(e) for e in self.edges])

    def as_users_see_it(self) -> tuple[Node, int]:
        """This node and which result it is of, mostly 0; one that stands for a result of another gives that one."""
        return self, getattr(self, "s_output", 0)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary for the user's own notes on this node."""
        return self.attached().metadata

    def register_prehook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call `fn(grad_outputs)` before this node's rules run; a tuple that it returns takes their place."""
        return RemovableHandle(self.attached().before, of_level(self, fn))

    def register_hook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Call `fn(grad_inputs, grad_outputs)` after they ran; a tuple that it returns replaces `grad_inputs`."""
        return RemovableHandle(self.attached().after, of_level(self, fn))

    def attached(self) -> Hooks:
        """This node's hooks, made when first asked for."""
        if self.hooks is None:
            self.hooks = Hooks()
        return self.hooks

    def __repr__(self) -> str:
        return f"<{self.name()} object at {hex(id(self))}>"


def edge_to(tensor: Any) -> Any:
    """Where a gradient of `tensor` goes: its node, the tensor itself if it is a leaf, None if none is wanted."""
    origin = tensor._origin
    return tensor if origin is LEAF else origin if isinstance(origin, Node) else None


class AccumulateGrad:
    """How a leaf looks among nodes: where its gradient accumulates, with the leaf itself as `variable`."""

    __slots__ = ("__weakref__", "variable")
    next_functions = ()

    def __init__(self, variable: Any) -> None:
        self.variable = variable

    def name(self) -> str:
        """The name as torch spells it."""
        return "torch::autograd::AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {hex(id(self))}>"


def as_node(edge: Any) -> tuple[Any, int]:
    """An edge as users see it; a leaf appears as its AccumulateGrad, the same one for as long as that lives."""
    if edge is None:
        return None, 0
    if isinstance(edge, Node):
        return edge.as_users_see_it()
    known = edge.__dict__.get("_accumulator")
    node = None if known is None else known()
    if node is None:
        node = AccumulateGrad(edge)
        edge.__dict__["_accumulator"] = ref(node)
    return node, 0


class Hooks:
    """What a user attached to one node; most nodes have none."""

    __slots__ = ("after", "before", "metadata", "of_tensor", "retained_by")

    def __init__(self) -> None:
        self.of_tensor: dict[int, Callable[..., Any]] | None = None  # until there is a first
        self.before: dict[int, Callable[..., Any]] = {}
        self.after: dict[int, Callable[..., Any]] = {}
        self.retained_by: Callable[[], Any] = lambda: None  # else a weak reference to the tensor
        self.metadata: dict[Any, Any] = {}

    def for_tensor(self) -> dict[int, Callable[..., Any]]:
        """Where the hooks of the tensor go that the node made."""
        if self.of_tensor is None:
            self.of_tensor = {}
        return self.of_tensor


def is_hooked(origin: Any) -> bool:
    """Whether a tensor of this origin has, or had, hooks: as in torch, more of them go there, changed or not."""
    return isinstance(origin, Node) and origin.hooks is not None and origin.hooks.of_tensor is not None


class RemovableHandle:
    """What registering a hook returns: `remove()` takes it away, and so does leaving a `with` block."""

    _ids = count()

    def __init__(
        self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any], marks: Sequence[dict[int, bool]] = ()
    ) -> None:
        self.hooks, self.id, self.marks = hooks, next(self._ids), marks
        hooks[self.id] = hook
        for mark in marks:  # what says of the hook how it is to be called
            mark[self.id] = True

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        self.hooks.pop(self.id, None)
        for mark in self.marks:
            mark.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class NodeOfMany(Node):
    """A node for any number of inputs, written by hand: it keeps its values, and their guards, in tuples."""

    __slots__ = ("edges", "guards", "saved")

    def __init__(self, inputs: Sequence[Any], saved: Any = (), guarded: Sequence[Any] = ()) -> None:
        self.edges = tuple([edge_to(t) for t in inputs])
        self.saved, self.guards = saved, [(s, s.version) for s in guarded]
        self.targets = self.hooks = None
        self.code, self.lasti = user_line(2)
        self.rank = next(ranks)

    def unpack(self) -> Any:
        """The saved values; raises if a backward pass has freed them, or one was changed in place since."""
        if self.saved is RELEASED:
            raise RuntimeError(messages.second_backward(self))
        for storage, version in self.guards:
            if storage.version != version:
                raise RuntimeError(messages.changed_in_place(self, storage, version))
        return self.saved

    def release(self) -> None:
        """Let the saved values go, if there are any that could be changed."""
        if self.guards:
            self.saved = RELEASED


class Replaced(NodeOfMany):
    """The origin of a tensor that was given another shape or dtype unrecorded: its node takes gradients as it did."""

    __slots__ = ()

    def __init__(self, node: Node, was: np.ndarray[Any, Any]) -> None:
        super().__init__(())
        self.edges, self.targets = (node,), ((was.shape, was.dtype),)

    def pull(self, g: Any, edges: Any, saved: Any) -> Any:
        """The gradient, if it can be brought to the shape that `node` takes."""
        shape = self.targets[0][0]
        try:
            fits = np.broadcast_shapes(g.shape, shape) == g.shape
        except ValueError:
            fits = False
        if not fits:
            raise RuntimeError(
                f"Function returned an invalid gradient at index 0 - got {list(g.shape)} but expected shape compatible "
                f"with {list(shape)}\n"
                "  `.data =`, or a change under no_grad, gave the tensor another shape after it was computed."
            )
        return (g,)

    def as_users_see_it(self) -> tuple[Node, int]:
        """What the tensor was computed by."""
        node: Node = self.edges[0]
        return node.as_users_see_it()


class Released:
    """What a node holds instead of a saved value, or of its guard, once a backward pass has used it up."""

    version = -1


RELEASED: Any = Released()


class Dropped:
    """What guards a saved value that was let go after the forward pass, to be computed again when it is asked for."""

    __slots__ = ()
    version = -1

    def restore(self, node: Node) -> None:
        """Give `node` back all that this guards; raises where that cannot be."""
        raise NotImplementedError
