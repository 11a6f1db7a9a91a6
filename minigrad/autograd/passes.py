"""Backward passes: `backward`, which accumulates into `.grad`, and `grad`, which returns gradients.

Source: https://docs.pytorch.org/docs/stable/autograd.html
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from operator import index as as_index
from typing import Any

import numpy as np

from ..engine import LEAF, Lost, Node, user_line
from ..modes import enable_grad
from ..ops.names import attach
from ..ops.shape import stack, unbind
from ..tensor import Tensor
from ..transforming import level, refuse_backward
from ..walk import walk as walk
from . import errors
from .tape import ON_ARRAYS, ON_TENSORS, ArrayTape, deliver, refuse_moved_leaves

INTERNAL = True
_whole_pass = ContextVar("minigrad.whole_pass", default=True)
is_whole_pass = _whole_pass.get  # whether the pass under way, if any, goes to all leaves, and so do those it is within
Tensors = Tensor | Sequence[Tensor]
Gradients = Tensor | Sequence[Tensor | None] | None


def backward(
    tensors: Tensors,
    grad_tensors: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Gradients = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors`, weighed by `grad_tensors`, to `.grad` of the leaves that they depend on.

    grad_tensors  one per tensor, of its shape; None stands for 1, where a tensor has one element
    retain_graph  keep the saved values for another pass; if not said, only with `create_graph`
    create_graph  record the pass itself, so that its results can be differentiated in turn
    inputs        the only tensors to fill `.grad` of
    Raises RuntimeError for a tensor without history, a gradient of another shape, a second pass over freed values or
    a saved value that was changed in place since; then no leaf has been changed.
    """
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only "
                "use `grad_tensors`."
            )
        grad_tensors = grad_variables
    _backward(tensors, grad_tensors, retain_graph, create_graph, inputs)


def _flag(value: Any) -> bool:
    """Whether a flag of a pass is set: an integer, which is all that torch takes for one here, or TypeError."""
    return bool(as_index(value))


# What most passes begin with; nobody writes to it, for whoever wants a gradient to keep copies what others hold too.
_ONES = {np.dtype(d): np.ones((), d) for d in (np.float32, np.float64)}


def _backward_of_tensor(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradient of this tensor, weighed by `gradient`, to `.grad` of the leaves that it depends on.

    gradient      of this tensor's shape; None stands for 1, where it has one element
    retain_graph, create_graph, inputs and errors are those of `autograd.backward`.
    """
    origin = self._origin
    if (
        gradient is None
        and inputs is None
        and create_graph is False
        and self._view is None
        and self._array.size == 1
        and isinstance(origin, Node)
        and level.get() is None
    ):  # a loss: what every training step does, without the checks that it cannot fail
        shape = self._array.shape
        one = _ONES.get(self._array.dtype) if not shape else None
        if one is None:
            one = np.ones(shape, self._array.dtype)
        found = walk(((origin, one),), ON_ARRAYS, retain_graph is not None and _flag(retain_graph))
        refuse_moved_leaves(found)
        deliver(found, ON_ARRAYS)
    else:
        _backward(self, gradient, retain_graph, create_graph, inputs)


_backward_of_tensor.__name__ = _backward_of_tensor.__qualname__ = "backward"
attach(backward=_backward_of_tensor)


def _backward(tensors: Any, gradients: Any, retain_graph: bool | None, create_graph: bool, inputs: Any) -> None:
    refuse_backward()
    of = None if inputs is None else _input_tuple(inputs, "backward")
    if _flag(create_graph):
        warnings.warn(errors.cycle_of_graph_and_grad(), UserWarning, stacklevel=3)
    tape = ON_TENSORS if create_graph else ON_ARRAYS
    found, _ = _pass(tensors, gradients, retain_graph, tape, of, to_accumulate=True)
    deliver(found, tape)


def grad(
    outputs: Tensors,
    inputs: Any,
    grad_outputs: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of `outputs`, weighed by `grad_outputs`, with respect to `inputs`: a tuple, and no `.grad` changes.

    inputs             one or several tensors, or a dict of them, which gives a dict
    grad_outputs       one per output, of its shape; None stands for 1, where an output has one element
    retain_graph       keep the saved values for another pass; if not said, only with `create_graph`
    create_graph       record the pass itself, so that its results can be differentiated in turn
    allow_unused       give None for an input that the outputs do not depend on, instead of RuntimeError
    is_grads_batched   take each of `grad_outputs` along its first dimension, one pass for each, and stack the results
    materialize_grads  give zeros instead of None
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    if is_grads_batched:
        return _grad_of_each(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads)
    of = _input_tuple(inputs, "grad")
    allow_unused = _flag(materialize_grads if allow_unused is None else allow_unused)
    tape = ON_TENSORS if _flag(create_graph) else ON_ARRAYS
    found, edges = _pass(outputs, grad_outputs, retain_graph, tape, of)
    results: list[Tensor | None] = []
    lost = Lost("gradient")  # one for all
    for i, (edge, t) in enumerate(zip(edges, of, strict=True)):
        if id(edge) in found:
            results.append(tape.result(found[id(edge)], t, lost))
        elif materialize_grads:
            if hasattr(t, "is_stand_in"):
                raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
            results.append(Tensor._of(np.zeros_like(t._array), LEAF if create_graph else None))
        elif allow_unused:
            results.append(None)
        else:
            raise RuntimeError(errors.unused_input(i, t))
    return dict(zip(inputs, results, strict=True)) if isinstance(inputs, dict) else tuple(results)


def _grad_of_each(
    outputs: Tensors, inputs: Any, grad_outputs: Any, retain_graph: bool | None, create_graph: bool, *options: Any
) -> Any:
    """The gradients for every slice of `grad_outputs` along its first dimension, stacked."""
    batches = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)
    every = list(zip(*[unbind(batch) for batch in batches], strict=True))
    keep = create_graph if retain_graph is None else retain_graph
    passes = []
    for i, weights in enumerate(every):
        kept = keep or i < len(every) - 1
        passes.append(grad(outputs, inputs, weights, kept, create_graph, True, options[0], False, options[1]))
    if isinstance(inputs, dict):
        return {key: None if passes[0][key] is None else stack([found[key] for found in passes]) for key in inputs}
    return tuple([None if each[0] is None else stack(each) for each in zip(*passes, strict=True)])


def _pass(
    outputs: Any, gradients: Any, retain_graph: bool | None, tape: ArrayTape, inputs: Any, to_accumulate: bool = False
) -> tuple[dict[int, Any], list[Any]]:
    """Walk back from `outputs`: what arrives at the leaves, or at the edges of `inputs`; and those edges."""
    outputs = listed(outputs)
    if gradients is None or isinstance(gradients, Tensor):
        gradients = (gradients,) * (len(outputs) if gradients is None else 1)
    roots = [_root(i, t, g, tape.create_graph) for i, (t, g) in enumerate(zip(outputs, gradients, strict=False))]
    if len(roots) < len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(roots)} gradients")
    starts = [(_edge_of_root(i, t), g) for i, (t, g) in enumerate(zip(outputs, roots, strict=True))]
    wanted = None if inputs is None else [_wanted_edge(t, to_accumulate) for t in inputs]
    keep = tape.create_graph if retain_graph is None else _flag(retain_graph)
    token = None if wanted is None else _whole_pass.set(False)
    try:
        with enable_grad() if tape.create_graph else nullcontext():
            found = walk(starts, tape, keep, wanted, to_accumulate)
    finally:
        if token is not None:
            _whole_pass.reset(token)
    refuse_moved_leaves(found)
    return found, wanted or []


def _root(i: int, output: Tensor, gradient: Any, create_graph: bool) -> Any:
    """The gradient that a pass starts with at `output`, as its tape takes it."""
    if not isinstance(output, Tensor):
        raise AssertionError(f"Expected output to be a torch.Tensor\n  Output {i} is of type {type(output).__name__}.")
    array = output._array
    if gradient is None:
        if not output.requires_grad:
            return None  # and _edge_of_root raises
        if array.size != 1:
            raise RuntimeError(errors.grad_of_non_scalar(output, *user_line(1)))
        one = np.empty(array.shape, array.dtype)
        one.fill(1)
        return Tensor._of(one) if create_graph else one
    if not isinstance(gradient, Tensor):
        raise TypeError(errors.gradient_is_no_tensor(gradient))
    if gradient._array.shape != array.shape:
        raise RuntimeError(errors.gradient_of_other_shape(i, gradient, output))
    if create_graph:
        return gradient.to(output.dtype)
    return gradient._array if gradient._array.dtype == array.dtype else gradient._array.astype(array.dtype)


def _edge_of_root(i: int, output: Tensor) -> Any:
    if not output.is_leaf:
        return output._origin
    if output._origin is not LEAF:
        raise RuntimeError(errors.no_history(i, output))
    return output


def _input_tuple(inputs: Any, function: str) -> tuple[Any, ...]:
    if isinstance(inputs, Mapping) and type(inputs) is not dict:
        raise TypeError(
            f"`inputs` argument to `{function}()` must be a dict, not {type(inputs).__name__}. "
            "Other Mapping types are not supported."
        )
    found = listed(inputs.values() if isinstance(inputs, dict) else inputs)
    if not found:
        raise RuntimeError(f"`inputs` argument to `{function}()` cannot be empty.")
    return found


def listed(given: Any) -> tuple[Any, ...]:
    """One or several tensors, as a tuple; tensors in the place of edges."""
    if isinstance(given, Tensor):
        return (given,)
    return tuple([_instead(x) for x in ((given,) if hasattr(given, "ownership_token") else given)])


def _instead(x: Any) -> Any:
    if isinstance(x, Tensor) or not hasattr(x, "ownership_token"):
        return x
    from .edges import stand_in  # here, because few programs have edges

    return stand_in(x)


def _wanted_edge(t: Any, to_accumulate: bool = False) -> Any:
    """Where a gradient of `t` arrives; with `to_accumulate`, a tensor that is no leaf will keep it in `.grad`."""
    if not isinstance(t, Tensor):
        raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(t).__name__}")
    if not t.requires_grad:
        raise RuntimeError(errors.input_without_grad(t, to_accumulate))
    if t.is_leaf:
        return t
    if to_accumulate and not hasattr(t, "is_stand_in"):
        t.retain_grad()
    return t._origin
