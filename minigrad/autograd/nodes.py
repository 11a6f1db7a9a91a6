"""What a Function is in the graph: its context, its node, the tensors that it saves.

Source: https://docs.pytorch.org/docs/stable/notes/extending.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from weakref import ref

import numpy as np

from .. import messages
from ..engine import LEAF, RELEASED, SEVERED, Dropped, Node, NodeOfMany, ranks
from ..memory import storage_of
from ..tensor import Tensor, current_origin
from . import errors
from .tape import ON_ARRAYS, ON_TENSORS, OfSeveral

INTERNAL = True


class FunctionCtx:
    """What `forward` leaves for `backward`: saved tensors, and any attributes of the user's own."""

    to_save: Sequence[Any] = ()
    dirty_tensors: Sequence[Any] = ()
    non_differentiable: Sequence[Any] = ()
    materialize_grads = True

    def __init__(self, node: FunctionNode, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._node = ref(node)
        self._saved: Any = ()

    def __getattr__(self, name: str) -> Any:
        node = self.__dict__.get("_node", lambda: None)()
        raise AttributeError(errors.not_on_context(type(self).__name__ if node is None else node.name(), name))

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `backward`, where they are `ctx.saved_tensors`; called once, in `forward`.

        A saved tensor that is changed in place afterwards makes the backward pass raise.
        """
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Accepted for torch's sake: no `jvp` is called here that could ask for these."""

    def mark_dirty(self, *args: Tensor) -> None:
        """Say which inputs `forward` changes in place; it must return them."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Say which outputs no gradient flows through."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros, as it does by default, or None for an output that no gradient arrived at."""
        self.materialize_grads = value

    @property
    def _raw_saved_tensors(self) -> tuple[Any, ...]:
        """The places of the saved tensors, which may be given hooks; RuntimeError once a pass has freed them."""
        from .saved_values import SavedValue  # here, because few programs ask for it

        return tuple([SavedValue(self._node(), i) for i, _ in enumerate(self.saved_tensors)])

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """The saved tensors; RuntimeError once a backward pass has freed them, or if one was changed in place."""
        node = self._node()
        if self._saved is RELEASED:
            raise RuntimeError(messages.second_backward(node))
        return tuple([None if saved is None else saved.unpack(node) for saved in self._saved])


class FunctionNode(NodeOfMany):
    """The node of a Function; each has a subclass, named after it."""

    __slots__ = ("__weakref__", "ctx", "of_argument", "results")
    function: ClassVar[Any]

    def __init__(self, args: tuple[Any, ...]) -> None:
        tensors = [a for a in args if isinstance(a, Tensor)]
        self.ctx = FunctionCtx(self, tuple([isinstance(a, Tensor) and a.requires_grad for a in args]))
        super().__init__(tensors)
        self.edges = tuple([_edge_of(t) for t in tensors])
        self.of_argument = [isinstance(a, Tensor) for a in args]
        self.targets = tuple([(t._array.shape, t._array.dtype) for t in tensors])
        self.results: list[Any] = []  # per output: its shape and dtype; None if it is no tensor

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "ctx"), name)  # in torch the node is the ctx

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{self.name()} object at {hex(id(self))}>"

    def unpack(self) -> Any:
        """Nothing: `backward` unpacks what it asks for."""

    def release(self) -> None:
        """Let the saved tensors go."""
        self.ctx._saved = RELEASED

    def pull(self, g: Any, edges: Sequence[Any], saved: Any) -> list[Any]:
        """Call the user's backward with tensors, and check what it returns."""
        parts = g.parts if isinstance(g, OfSeveral) else (g,)
        tape = ON_TENSORS if any(isinstance(part, Tensor) for part in parts) else ON_ARRAYS
        shown: list[Tensor | None] = []
        for part, result in zip(parts, self.results, strict=True):
            if part is None and result is not None and self.ctx.materialize_grads:
                shown.append(Tensor._of(np.zeros(*result)))
            else:
                shown.append(None if part is None else tape.shown(part))
        with tape.mode():
            returned = self.function._rule()(self.ctx, *shown)
        gradients = self._checked(returned if isinstance(returned, tuple) else (returned,))
        pairs = zip(gradients, edges, strict=True)
        return [None if t is None or edge is None else tape.taken(t) for t, edge in pairs]

    def _checked(self, returned: tuple[Any, ...]) -> list[Tensor | None]:
        """What backward returned for each input that is a tensor; torch's errors where it does not fit."""
        expected = len(self.of_argument)
        if any(r is not None for r in returned[expected:]) or len(returned) < expected:
            raise RuntimeError(errors.gradient_count(self, expected, len(returned)))
        found: list[Tensor | None] = []
        for i, (r, is_tensor) in enumerate(zip(returned, self.of_argument, strict=False)):
            if not is_tensor and r is not None:
                raise RuntimeError(errors.gradient_of_non_tensor(self, i + 1))
            if r is not None and not isinstance(r, Tensor):
                raise RuntimeError(errors.returned_no_tensor(r))
            if is_tensor:
                shape = self.targets[len(found)][0]
                if r is not None and not _spreads_to(shape, r._array.shape):
                    raise RuntimeError(errors.gradient_does_not_fit(self, len(found), r, shape))
                found.append(r)
        return found


def _edge_of(t: Tensor) -> Any:
    origin = current_origin(t)
    return t if origin is LEAF else origin if isinstance(origin, Node) else None


def _spreads_to(shape: tuple[int, ...], wider: tuple[int, ...]) -> bool:
    extra = len(wider) - len(shape)
    return extra >= 0 and all(n in (1, wider[extra + i]) for i, n in enumerate(shape))


class OutputOfSeveral(Node):
    """One of several outputs of a Function: it hands its gradient on as one part of what arrives there."""

    __slots__ = ("edges", "index")

    def __init__(self, node: FunctionNode, index: int) -> None:
        self.edges, self.index = (node,), index
        self.targets = self.hooks = None
        self.code, self.lasti, self.rank = node.code, node.lasti, next(ranks)

    def as_users_see_it(self) -> tuple[Node, int]:
        """The Function's node, and which of its outputs this is."""
        return self.edges[0], self.index

    def unpack(self) -> Any:
        """Nothing is saved here."""

    def release(self) -> None:
        """Nothing is saved here."""

    def pull(self, g: Any, edges: Sequence[Any], saved: Any) -> Sequence[Any]:
        """The gradient at its place among those of all outputs."""
        parts: list[Any] = [None] * len(self.edges[0].results)
        parts[self.index] = g
        return (OfSeveral(parts),)

    def name(self) -> str:
        """The name of the Function's node."""
        return str(self.edges[0].name())


class SavedTensor:
    """A tensor as it was when saved. Not the tensor itself: that may come to lead back to the node that saves it."""

    __slots__ = ("array", "origin", "output", "storage", "tensor", "version")

    def __init__(self, t: Tensor, node: FunctionNode) -> None:
        self.array, self.storage, self.tensor = t._array, storage_of(t), ref(t)
        self.version = self.storage.version
        origin = current_origin(t)
        self.output = 0 if origin is node else None
        if isinstance(origin, OutputOfSeveral) and origin.edges[0] is node:
            self.output = origin.index
        # A leaf has to live on, as the place where its gradient goes.
        self.origin = t if origin is LEAF else None if self.output is not None else origin

    def unpack(self, node: Any) -> Tensor:
        """The tensor again; RuntimeError if it was changed in place since."""
        if isinstance(self.storage, Dropped):
            self.storage.restore(node)
        if self.storage.version != self.version:
            value = messages.type_and_shape(self.array)
            if self.output is not None:
                value += f", which is output {self.output} of {node.function.__name__},"
            raise RuntimeError(messages.changed_in_place(node, self.storage, self.version, value))
        if isinstance(self.origin, Tensor):
            return self.origin
        t, origin = self.tensor(), self.origin
        if self.output is not None:
            origin = OutputOfSeveral(node, self.output) if len(node.results) > 1 else node
        elif t is not None and t._array is self.array and (t._origin is origin or origin is SEVERED):
            return t
        return Tensor._of(self.array, origin, self.storage)


class DelayedError(NodeOfMany):
    """The node of a gradient that cannot be differentiated again."""

    __slots__ = ()

    def pull(self, g: Any, edges: Sequence[Any], saved: Any) -> Sequence[Any]:
        """Raise torch's error."""
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
