"""The graph as users meet it: `tensor.grad_fn` is a Node; hooks for what the nodes save.

Source: https://docs.pytorch.org/docs/stable/autograd.html#autograd-graph
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from ..engine import Node as Node
from ..memory import storage_of
from ..tensor import Tensor

INTERNAL = True
Pair = tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]]

_pairs: ContextVar[tuple[Pair | None, ...]] = ContextVar("minigrad.saved_tensors_hooks", default=())
saved_tensors_hooked = _pairs.get  # something, if there are hooks for saved tensors here
_refusal: ContextVar[str | None] = ContextVar("minigrad.no_saved_tensors_hooks", default=None)


def __getattr__(name: str) -> object:
    """What few programs need, imported when it is first asked for."""
    if name not in ("GradientEdge", "get_gradient_edge", "register_multi_grad_hook"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("minigrad.autograd.edges"), name)


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Count an in-place change of tensors that minigrad could not see, so that a backward pass does not miss it."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        storage_of(t).bump()


class saved_tensors_hooks:
    """Within it, in this thread or task, `pack_hook(tensor)` is called for each tensor that an operation saves.

    What it returns is kept in the tensor's place, until a backward pass needs that: `unpack_hook` is then given it, and
    returns the tensor, of the shape that it had. Of several pairs of hooks, the innermost one is called.
    Source: https://docs.pytorch.org/tutorials/intermediate/autograd_saved_tensors_hooks_tutorial.html
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook
        self._entered: list[AbstractContextManager[None]] = []

    def __enter__(self) -> None:
        context = _packing((self.pack_hook, self.unpack_hook))
        context.__enter__()
        self._entered.append(context)

    def __exit__(self, *exception: object) -> None:
        self._entered.pop().__exit__(None, None, None)


class save_on_cpu(saved_tensors_hooks):
    """Keeps what is saved in the CPU's memory, where it is already; with `pin_memory` a copy, which may be changed."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(t: Tensor) -> Any:
            return t.device, t.detach().clone() if pin_memory else t

        def unpack(packed: Any) -> Tensor:
            device, t = packed
            moved: Tensor = t.to(device)
            return moved

        super().__init__(pack, unpack)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Within it, `saved_tensors_hooks` raises RuntimeError with this message; so does it itself, within such hooks."""
    if _pairs.get():
        raise RuntimeError(error_message)
    token = _refusal.set(error_message)
    try:
        yield
    finally:
        _refusal.reset(token)


# What nodes have saved, under torch's names: `_saved_self`, `_raw_saved_result`. Properties, for with a `__getattr__`
# Python would read every attribute of every node in a slower way.
_SAVED = (
    "LU batch1 batch2 condition end exponent grid indices input log_probs mask mat mat1 mat2 max min other result self "
    "target targets tensor tensor1 tensor2 vec vec1 vec2 weight x1 x2"
)


def _saved_value(name: str, node: Node) -> Any:
    from .saved_values import look_up  # here, because few programs ask for it

    return look_up(node, name)


def _names(node: Node) -> list[str]:
    from .saved_values import slots_of

    others = [name for name in object.__dir__(node) if not name.startswith(("_saved_", "_raw_saved_"))]
    return sorted([*others, *(f"_saved_{name}" for name in slots_of(type(node)))])


for _name in _SAVED.split():
    for _kind in (f"_saved_{_name}", f"_raw_saved_{_name}"):
        setattr(Node, _kind, property(partial(_saved_value, _kind)))
Node.__dir__ = _names  # type: ignore[assignment, method-assign]


def pair_in_force() -> Pair | None:
    """The hooks for saved tensors that hold here, the innermost ones; None if there are none."""
    pairs = _pairs.get()
    return pairs[-1] if pairs else None


@contextmanager
def without_hooks() -> Iterator[None]:
    """Within it, hooks for saved tensors do not hold, except those that are entered in it."""
    token = _pairs.set((*_pairs.get(), None)) if _pairs.get() else None
    try:
        yield
    finally:
        if token is not None:
            _pairs.reset(token)


@contextmanager
def _packing(pair: Pair) -> Iterator[None]:
    from ..ops.listening import listening  # here, because few programs have such hooks
    from .packing import Packer

    if not (callable(pair[0]) and callable(pair[1])):
        raise TypeError(
            "_push_saved_tensors_default_hooks(): incompatible function arguments. The following argument types are "
            "supported:\n    1. (arg0: collections.abc.Callable, arg1: collections.abc.Callable) -> None\n\n"
            f"Invoked with: {pair[0]!r}, {pair[1]!r}"
        )
    if (message := _refusal.get()) is not None:
        raise RuntimeError(message)
    token = _pairs.set((*_pairs.get(), pair))
    try:
        with listening(Packer()):
            yield
    finally:
        _pairs.reset(token)
