"""Operations of one's own: a Function has a forward, and a backward that says how gradients flow through it.

    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            result = x.exp()
            ctx.save_for_backward(result)
            return result

        @staticmethod
        def backward(ctx, grad_output):
            (result,) = ctx.saved_tensors
            return grad_output * result

    y = Exp.apply(x)

Source: https://docs.pytorch.org/docs/stable/notes/extending.html
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ClassVar, TypeVar

from ..engine import LEAF, Lost, Node, ranks
from ..memory import storage_of
from ..modes import is_grad_enabled, no_grad
from ..ops.inplace import take_history
from ..tensor import Tensor, View
from ..transforming import level
from . import errors
from .nodes import DelayedError, FunctionCtx, FunctionNode, OutputOfSeveral, SavedTensor

INTERNAL = True
F = TypeVar("F", bound=Callable[..., Any])


class Function:
    """An operation of one's own: subclass it, write `forward` and `backward`, and call `apply`."""

    _node: ClassVar[type[FunctionNode]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._node = type(f"{cls.__name__}Backward", (FunctionNode,), {"__slots__": (), "function": cls})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raise torch's error for calling a Function instead of its `apply`."""
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the output: `forward(ctx, *args)`, or `forward(*args)` beside a `setup_context`."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save what `backward` needs, where `forward` takes no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of forward's arguments, None where there is none, from those of its outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @classmethod
    def _rule(cls) -> Callable[..., Any]:
        """The backward that the user wrote, under either of its names."""
        if cls.vjp is Function.vjp:
            return cls.backward
        if cls.backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only "
                "implement one of them."
            )
        return cls.vjp

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` on the arguments, and record it if one of them requires grad."""
        separate = cls.setup_context is not Function.setup_context
        if separate:
            args = _in_order(cls.forward, args, kwargs, with_defaults=True)
        elif kwargs:
            args = _in_order(cls.forward, (None, *args), kwargs, with_defaults=False)[1:]
        if (innermost := level.get()) is not None:
            innermost.refuse(args)
        node = cls._node(args)
        with no_grad():
            if separate:
                output = cls.forward(*args)
                cls.setup_context(node.ctx, args, output)
            else:
                output = cls.forward(node.ctx, *args)
        return _recorded(node, args, output)


def _in_order(
    forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], with_defaults: bool
) -> tuple[Any, ...]:
    """The arguments of a call of `forward` by position: gradients belong to positions."""
    import inspect  # here, because it costs as much to import as the rest of minigrad

    bound = inspect.signature(forward).bind(*args, **kwargs)
    if with_defaults or bound.kwargs:
        bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(f"forward() got an unexpected keyword argument {next(iter(bound.kwargs))!r}")
    return bound.args


def _recorded(node: FunctionNode, args: tuple[Any, ...], output: Any) -> Any:
    """`output`, made part of the graph as what came out of `node`."""
    ctx = node.ctx
    node.rank = next(ranks)  # newer than anything that forward itself recorded
    recording = is_grad_enabled() and any(ctx.needs_input_grad)
    outputs = output if isinstance(output, tuple) else (output,)
    if not all(_among(t, outputs) for t in ctx.dirty_tensors):
        raise RuntimeError(errors.dirty_not_returned())
    node.results = [(t._array.shape, t._array.dtype) if isinstance(t, Tensor) else None for t in outputs]
    made = []
    for i, t in enumerate(outputs):
        if isinstance(t, Tensor):
            origin = OutputOfSeveral(node, i) if len(outputs) > 1 else node
            t = _result(t, args, ctx, origin, recording)
        made.append(t)
    views = [t for t in made if isinstance(t, Tensor) and t._view is not None and not _among(t, ctx.dirty_tensors)]
    several = sum(isinstance(t, Tensor) and isinstance(t._origin, Node) for t in made) > 1
    for t in views:
        t._view.version = t._storage.version  # type: ignore[union-attr]
        t._view.made_by = "multi" if several else "function"  # type: ignore[union-attr]
    if recording:
        for i, t in enumerate(ctx.to_save):
            if not isinstance(t, Tensor | None):
                raise TypeError(errors.saved_is_no_tensor(i, t))
        ctx._saved = tuple([None if t is None else SavedTensor(t, node) for t in ctx.to_save])
    ctx.to_save = ctx.dirty_tensors = ctx.non_differentiable = ()
    return tuple(made) if isinstance(output, tuple) else made[0]


def _result(t: Tensor, args: tuple[Any, ...], ctx: FunctionCtx, origin: Node, recording: bool) -> Tensor:
    """One output with its origin; an input that is returned as it is becomes a view of itself."""
    dirty, is_input = _among(t, ctx.dirty_tensors), _among(t, args)
    wanted = any(ctx.needs_input_grad)
    differentiable = recording and t._array.dtype.kind == "f" and not _among(t, ctx.non_differentiable)
    if dirty:
        storage_of(t).bump()
    elif is_input:
        t = _alias(t, as_view=differentiable or not t.requires_grad)
    if differentiable and not dirty:
        t._origin = origin
    elif differentiable:
        of_no_operation = t._view is not None and not isinstance(t._view.base._origin, Node)
        if t._origin is LEAF or (of_no_operation and t.requires_grad):
            raise RuntimeError(errors.dirty_leaf(is_view=t._origin is not LEAF))
        if t._view is not None and isinstance(origin, OutputOfSeveral):
            raise RuntimeError(errors.dirty_view_among_several())
        take_history(t, origin)
    elif wanted and not dirty and t._origin is not LEAF:
        why = "integer" if t._array.dtype.kind != "f" else "non_differentiable"
        t._origin = Lost(why if recording else "no_grad")
    return t


def _alias(t: Tensor, as_view: bool) -> Tensor:
    """Another tensor over the memory of `t`, without history: a view of it, or as detach() makes one."""
    storage = storage_of(t)
    r = Tensor._of(t._array.view(), None, storage)
    if as_view:
        base, path = (t, ()) if t._view is None else (t._view.base, t._view.path)
        r._view = View(base, path, storage.version, "")
    return r


def _among(t: Any, those: Sequence[Any]) -> bool:
    return any(t is other for other in those)


def once_differentiable(fn: F) -> F:
    """For a backward that is not written with tensors' operations: differentiating it again raises RuntimeError."""

    @wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        with no_grad():
            outputs = fn(ctx, *args)
        if not is_grad_enabled() or not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            return outputs
        if isinstance(outputs, tuple):
            return tuple([None if t is None else Tensor._of(t._array, DelayedError(())) for t in outputs])
        return Tensor._of(outputs._array, DelayedError(()))

    return wrapper  # type: ignore[return-value]
