"""Less memory for more time: a function's values are not kept for the backward pass, but computed again in it.

Source: https://docs.pytorch.org/docs/stable/checkpoint.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from .. import autograd, messages
from ..autograd import Function
from ..autograd.graph import without_hooks
from ..autograd.passes import is_whole_pass
from ..autograd.recomputing import CheckpointError as CheckpointError, Part, recomputed
from ..engine import Node, ranks
from ..memory import storage_of
from ..modes import enable_grad, is_grad_enabled, no_grad
from ..nn import Sequential
from ..random import fork_rng, get_rng_state, set_rng_state
from ..tensor import Tensor
from ..trees import flatten
from ..warning import warn

INTERNAL = True
Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]
_NOT_SAID = (
    "torch.utils.checkpoint{where}: the use_reentrant parameter should be passed explicitly. {since} recommended, but "
    "if you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for more "
    "details on the differences between the two variants."
)


def noop_context_fn() -> Contexts:
    """Two contexts that do nothing."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, whose values are not kept for the backward pass, but computed again in it.

    use_reentrant       True: it runs unrecorded, and in the backward pass recorded, with a backward() of its own, which
                        refuses `grad`, `backward(inputs=)` and `create_graph`; False: it is recorded as ever, and only
                        what its nodes saved is let go
    preserve_rng_state  draw the same random numbers both times
    context_fn          gives two contexts, for the one run and for the other
    determinism_check   "none": do not look whether the second run computes what the first one did
    debug, early_stop   change nothing here: the second run goes to the function's end
    Raises CheckpointError, in the backward pass, where the second run goes another way than the first.
    """
    if use_reentrant is None:
        since = (
            "Starting in PyTorch 2.9, calling checkpoint without use_reentrant will raise an exception. "
            "use_reentrant=False is"
        )
        warn(_NOT_SAID.format(where="", since=since))
        use_reentrant = True
    if not use_reentrant:
        return _let_go(function, args, kwargs, preserve_rng_state, context_fn, determinism_check)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not noop_context_fn or debug is not False:
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    return CheckpointFunction.apply(function, preserve_rng_state, *args)


def checkpoint_sequential(
    functions: Any, segments: int, input: Tensor, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Run `functions`, a Sequential or a list, on `input` one after the other, each of the `segments` a checkpoint.

    The last segment is no checkpoint, for the backward pass begins with it.
    """
    if use_reentrant is None:
        since = "In version 2.9 we will raise an exception if use_reentrant is not passed. use_reentrant=False is"
        warn(_NOT_SAID.format(where=".checkpoint_sequential", since=since))
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    layers = list(functions.children()) if isinstance(functions, Sequential) else functions
    size, end = len(layers) // segments, 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        segment = _one_after_the_other(layers[start:end])
        input = checkpoint(segment, input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return _one_after_the_other(layers[end:])(input)


def _one_after_the_other(functions: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def run(input: Any) -> Any:
        for function in functions:
            input = function(input)
        return input

    return run


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Accepted for torch's sake: here, a function that runs again always runs to its end."""
    yield


@contextmanager
def _drawing_from(state: Tensor | None) -> Iterator[None]:
    """Draw random numbers as from this state of the generator on, if any, and go on as if none had been drawn."""
    with fork_rng(enabled=state is not None):
        if state is not None:
            set_rng_state(state)
        yield


# Where the graph is recorded, and what it saved let go


def _let_go(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    preserve_rng_state: bool,
    context_fn: Callable[[], Contexts],
    determinism_check: str,
) -> Any:
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    forward_context, recompute_context = context_fn()
    if not is_grad_enabled():
        return function(*args, **kwargs)
    state = get_rng_state() if preserve_rng_state else None
    given = [_Given(t) for t in flatten((args, kwargs))[0] if isinstance(t, Tensor)]

    def again(node: Node) -> Any:
        for one in given:
            one.check(node)
        with _drawing_from(state), enable_grad(), without_hooks(), recomputed(), recompute_context:
            return function(*args, **kwargs)

    part, since, done = Part(again, determinism_check == "default"), next(ranks), False
    with without_hooks(), recomputed(), forward_context:
        result = function(*args, **kwargs)
        done = True
    if not done:
        raise RuntimeError(
            "torch.utils.checkpoint: the forward context provided by context_fn suppressed an exception raised during "
            "the checkpointed forward. This is not supported because checkpoint cannot return a value for a failed "
            "forward."
        )
    part.let_go(result, since)
    return result


class _Given:
    """A tensor that a function was given, which must be as it was when the function is run again."""

    def __init__(self, t: Tensor) -> None:
        self.tensor, self.storage = t, storage_of(t)
        self.version, self.made_by = self.storage.version, t.grad_fn

    def check(self, node: Node) -> None:
        """Raise the error for a saved value that was changed in place, on behalf of `node`, if it was."""
        if self.storage.version == self.version:
            return
        value = messages.type_and_shape(self.tensor._array)
        if self.made_by is not None:
            value += f", which is output 0 of {self.storage.rewritten_by or messages.short_name(self.made_by)},"
        raise RuntimeError(messages.changed_in_place(node, self.storage, self.version, value))


# Where nothing is recorded


class CheckpointFunction(Function):
    """The function as one node of the graph, in whose backward it is run anew, recorded, and walked through."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        """Run it unrecorded."""
        tensors = [arg for arg in args if isinstance(arg, Tensor)]
        if not any(t.requires_grad for t in tensors):
            warn("None of the inputs have requires_grad=True. Gradients will be None")
        ctx.run_function = run_function
        ctx.state = get_rng_state() if preserve_rng_state else None
        ctx.inputs = [None if isinstance(arg, Tensor) else arg for arg in args]
        ctx.places = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
        ctx.save_for_backward(*tensors)
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *args: Any) -> Any:
        """Run it recorded, on inputs cut off from the graph, and walk back to those: what it captured gets `.grad`."""
        if not is_whole_pass():
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        if is_grad_enabled():
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with create_graph=True: what it gives "
                "could not be differentiated again.\n  Set use_reentrant=False. (torch leaves that part of a second "
                "derivative out, without a word.)"
            )
        inputs = list(ctx.inputs)
        for i, t in zip(ctx.places, ctx.saved_tensors, strict=True):
            inputs[i] = t.detach().requires_grad_(t.requires_grad)
        with _drawing_from(ctx.state), enable_grad():
            outputs = ctx.run_function(*inputs)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        pairs = zip(outputs, args, strict=False)
        wanted = [(out, g) for out, g in pairs if isinstance(out, Tensor) and out.requires_grad]
        if not wanted:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        autograd.backward([out for out, _ in wanted], [g for _, g in wanted])
        return None, None, *[t.grad if isinstance(t, Tensor) else None for t in inputs]
