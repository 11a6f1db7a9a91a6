"""Functions that users attach to a Module, to be called around its forward and in the backward pass.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html and
https://docs.pytorch.org/docs/stable/notes/modules.html#module-hooks
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ...autograd import Function
from ...autograd.tape import checked
from ...engine import RemovableHandle
from ...modes import is_grad_enabled
from ...tensor import Tensor
from ...transforming import level
from ...warning import warn
from .mistakes import name_layer

if TYPE_CHECKING:
    from .module import Module

INTERNAL = True
Gradients = tuple[Tensor | None, ...]
Hook = Callable[[Gradients], Gradients]


MODULE_HOOKS = (
    "_backward_pre_hooks",
    "_backward_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
)


def attach(hooks: dict[int, Any], hook: Any, prepend: bool, *marks: dict[int, bool]) -> RemovableHandle:
    """Add `hook` after those that there are, or before them, and its key to `marks`."""
    others = dict(hooks)
    if prepend:
        hooks.clear()
    handle = RemovableHandle(hooks, hook, marks)
    if prepend:
        hooks.update(others)
    return handle


def attach_backward(module: Module, hook: Callable[..., Any], full: bool, prepend: bool) -> RemovableHandle:
    """Add a backward hook, full or of the old form, where there are none of the other form."""
    if module._is_full_backward_hook not in (None, full):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only "
            "one of them.\n  Use register_full_backward_hook for all of them."
        )
    module._is_full_backward_hook = full
    return attach(module._backward_hooks, hook, prepend)


def call_with_hooks(module: Module, args: Any, kwargs: dict[str, Any]) -> Any:
    """What calling a module that has hooks gives."""
    done: set[int] = set()  # of the hooks that are always called
    result = None
    try:
        for key, hook in list(module._forward_pre_hooks.items()):
            args, kwargs = _before(module, hook, args, kwargs, key in module._forward_pre_hooks_with_kwargs)
        backward = None
        full = module._is_full_backward_hook
        if (full and module._backward_hooks) or module._backward_pre_hooks:
            backward = BackwardHooks(module)
            args = backward.around_inputs(args)
        try:
            result = module.forward(*args, **kwargs)
        except (RuntimeError, ValueError, IndexError) as error:  # not those of hooks: they are the user's
            name_layer(module, error, [*args, *kwargs.values()])
            raise
        for key, hook in list(module._forward_hooks.items()):
            done.add(key)
            result = _after(module, key, hook, args, kwargs, result)
        if backward is not None:
            result = backward.around_outputs(result)
        if not full and module._backward_hooks:
            hook_to_last(module, args, result)
        return result
    except Exception:
        for key, hook in module._forward_hooks.items():
            if key in module._forward_hooks_always_called and key not in done:
                try:
                    result = _after(module, key, hook, args, kwargs, result)
                except Exception as error:  # noqa: BLE001
                    warn(
                        "module forward hook with ``always_call=True`` raised an exception that was silenced as "
                        f"another error was raised in forward: {error!s}"
                    )
        raise


def _before(
    module: Module, hook: Callable[..., Any], args: Any, kwargs: dict[str, Any], with_kwargs: bool
) -> tuple[Any, dict[str, Any]]:
    """The arguments after one hook has seen them."""
    if not with_kwargs:
        changed = hook(module, args)
        return args if changed is None else changed if isinstance(changed, tuple) else (changed,), kwargs
    changed = hook(module, args, kwargs)
    if changed is None:
        return args, kwargs
    if not isinstance(changed, tuple) or len(changed) != 2:
        raise RuntimeError(
            f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
        )
    return changed


def _after(module: Module, key: int, hook: Callable[..., Any], args: Any, kwargs: dict[str, Any], result: Any) -> Any:
    """The result after one hook has seen it."""
    changed = hook(module, args, *([kwargs] if key in module._forward_hooks_with_kwargs else []), result)
    return result if changed is None else changed


_TRANSFORMED = (
    "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must override "
    "the setup_context staticmethod. For more details, please see "
    "https://pytorch.org/docs/main/notes/extending.func.html\n"
    "  That is how torch refuses a module with full backward hooks inside of a transformed function. Take them away."
)


class BackwardHookFunction(Function):
    """Hands tensors on as they are: a place in the graph to meet the gradients of them all at once."""

    @staticmethod
    def forward(ctx: Any, hook: Hook, zeros: bool, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The tensors themselves; `zeros` stand for gradients that do not arrive, if that is so said."""
        ctx.hook = hook
        ctx.set_materialize_grads(zeros)
        ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        """The gradients themselves, or what the hook makes of them; torch's errors for what does not fit them."""
        pairs = zip(ctx.hook(gradients), gradients, strict=True)
        return None, None, *[r if r is None or g is None else checked(ctx.hook, r, g) for r, g in pairs]


class BackwardHooks:
    """The hooks of one call of a module on the way back: they see what arrives at its outputs and leaves its inputs."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.before = list(module._backward_pre_hooks.values())
        self.after = list(module._backward_hooks.values()) if module._is_full_backward_hook else []
        self.of_outputs: Gradients | None = None
        self.inputs: Sequence[int] | None = None  # which of the arguments gradients are met for
        self.n_inputs = 0

    def around_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, with the node in between at which their gradients are met."""
        self.n_inputs = len(args)

        def hook(gradients: Gradients) -> Gradients:  # errors call it so, here and below, as in torch
            return self._leave(gradients)

        args, self.inputs = _watched(args, hook, zeros=True)
        return args

    def around_outputs(self, result: Any) -> Any:
        """The result, with the node in between at which its gradients are met."""
        if not isinstance(result, (Tensor, tuple)):
            warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(result)}"
            )
            return result
        outputs = result if isinstance(result, tuple) else (result,)
        indices: Sequence[int] = [i for i, t in enumerate(outputs) if isinstance(t, Tensor)]
        n_outputs = len(outputs)  # which the hook holds instead of them, who hold it

        def hook(gradients: Gradients) -> Gradients:
            return self._arrive(gradients, indices, n_outputs)

        outputs, _ = _watched(outputs, hook, zeros=False)
        return outputs if isinstance(result, tuple) else outputs[0]

    def _arrive(self, gradients: Gradients, indices: Sequence[int], n_outputs: int) -> Gradients:
        found = _spread(gradients, indices, n_outputs)
        for hook in self.before:
            changed = hook(self.module, found)
            if changed is not None:
                found = _checked(changed, len(found), "pre hook", "grad_output")
        self.of_outputs = found
        if self.inputs is None:
            self._call_without_inputs(found)
        return tuple([found[i] for i in indices])

    def _call_without_inputs(self, gradients: Gradients) -> None:
        """Call the hooks where no input requires grad: as soon as the gradients arrive at the outputs."""
        warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
            "#torch.nn.Module.register_full_backward_hook for more details."
        )
        for hook in self.after:
            changed = hook(self.module, (None,) * self.n_inputs, gradients)
            if changed is not None and not (isinstance(changed, tuple) and all(g is None for g in changed)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for "
                    "all gradients."
                )
        self.of_outputs = None

    def _leave(self, gradients: Gradients) -> Gradients:
        if self.of_outputs is None:  # the gradient came here by a way that does not lead through the outputs
            return gradients
        indices = self.inputs or ()
        found = _spread(gradients, indices, self.n_inputs)
        for hook in self.after:
            changed = hook(self.module, found, self.of_outputs)
            if changed is not None:
                found = _checked(changed, len(found), "hook", "grad_input")
        self.of_outputs = None
        return tuple([found[i] for i in indices])


def _watched(values: tuple[Any, ...], hook: Hook, zeros: bool) -> tuple[tuple[Any, ...], Sequence[int] | None]:
    """The values, their tensors by way of a node that calls `hook`; and which they are, None if no gradient flows."""
    indices = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not is_grad_enabled() or not any(values[i].requires_grad for i in indices):
        return values, None
    if (innermost := level.get()) is not None:  # a transformation of minigrad.func
        if innermost.is_forward:
            return values, None
        raise RuntimeError(_TRANSFORMED)
    passed = list(values)
    tensors = BackwardHookFunction.apply(hook, zeros, *[values[i] for i in indices])
    for i, t in zip(indices, tensors, strict=True):
        passed[i] = t
    return tuple(passed), indices


def _spread(gradients: Gradients, indices: Sequence[int], n: int) -> Gradients:
    """The gradients at their places among `n` values; None where a value is no tensor."""
    spread: list[Tensor | None] = [None] * n
    for i, g in zip(indices, gradients, strict=True):
        spread[i] = g
    return tuple(spread)


def _checked(gradients: Any, expected: int, kind: str, name: str) -> Gradients:
    """What a hook returned in place of gradients: as many."""
    if len(gradients) != expected:
        raise RuntimeError(
            f"Backward {kind} returned an invalid number of {name}, got {len(gradients)}, but expected {expected}"
        )
    return gradients


def hook_to_last(module: Module, args: tuple[Any, ...], result: Any) -> None:
    """Attach hooks of the old form, which are not full, to the operation that made the first tensor of the result."""
    first = result
    while not isinstance(first, Tensor):
        first = next(v for v in first.values() if isinstance(v, Tensor)) if isinstance(first, dict) else first[0]
    if first.grad_fn is None:
        return
    if hasattr(first.grad_fn, "s_output"):  # where torch has one node for all the parts
        raise NotImplementedError(
            "register_backward_hook: the module returns one of several parts, as of split or unbind\n"
            "  Use register_full_backward_hook, which is shown the gradients of all that the module returns."
        )
    for hook in list(module._backward_hooks.values()):
        first.grad_fn.register_hook(partial(hook, module))
    outputs = result if isinstance(result, tuple) else (result,)
    if not all(isinstance(t, Tensor) for t in outputs):
        _warn_of("on a Module that does not return a single Tensor or a tuple of Tensors", "some of the grad_output")
    elif not all(isinstance(t, Tensor) for t in args):
        _warn_of(
            "on a Module that does not take as input a single Tensor or a tuple of Tensors", "some of the grad_input"
        )
    elif len({t.grad_fn for t in outputs} - {None}) > 1:
        _warn_of("when outputs are generated by different autograd Nodes", "some grad_output")
    elif {t.grad_fn for t in args} - {None} != {node for node, _ in first.grad_fn.next_functions}:
        _warn_of("when the forward contains multiple autograd Nodes", "some grad_input")


def _warn_of(where: str, missing: str) -> None:
    """Say, in torch's words, that a hook of the old form is not given what the names of its arguments promise."""
    hooks = "non-full backward hooks" if where.startswith("on") else "a non-full backward hook"
    warn(
        f"Using {hooks} {where} is deprecated and will be removed in future versions. This hook will be missing "
        f"{missing}. Please use register_full_backward_hook to get the documented behavior.",
        FutureWarning,
    )
