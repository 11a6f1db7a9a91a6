"""Jacobians, Hessians, and their products with vectors, of functions from tensors to tensors.

Each takes a function, its inputs (a tensor or a tuple of tensors) and, for products, a vector `v` of the shape that it
is multiplied with. Results have no history unless `create_graph`. With `strict`, a result that does not depend on an
input raises RuntimeError, instead of counting as zero.
Source: https://docs.pytorch.org/docs/stable/autograd.html#functional-higher-level-api
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import LEAF
from ..modes import enable_grad, is_grad_enabled, set_grad_enabled
from ..ops.shape import stack
from ..tensor import Tensor
from .checks import check_depend, check_one_number, check_strategy, filled, zeros_like
from .passes import grad

INTERNAL = True
Function = Callable[..., Any]
Tensors = tuple[Tensor, ...]


def vjp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """`func(*inputs)`, and `v` times its Jacobian: the pair (outputs, products of the inputs' shapes).

    v  of the outputs' shapes; may be left out for a single output of one element
    """
    with enable_grad():
        inputs, many_inputs = _given(inputs, "inputs", "vjp", create_graph)
        outputs, many_outputs = _computed(func, inputs, "vjp", strict)
        if v is not None:
            v = _vector(v, outputs, many_outputs, "vjp", create_graph)
        elif len(outputs) != 1 or outputs[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single "
                "element."
            )
    with set_grad_enabled(create_graph or is_grad_enabled()):
        products = filled(_grad(outputs, inputs, v, create_graph), inputs, strict, create_graph, "back")
    return _finished(outputs, many_outputs, create_graph), _finished(products, many_inputs, create_graph)


def jvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """`func(*inputs)`, and its Jacobian times `v`: the pair (outputs, products of the outputs' shapes).

    v  of the inputs' shapes; may be left out for a single input of one element
    The vector-Jacobian product is linear in its vector, so its own vector-Jacobian product is the answer.
    """
    with enable_grad():
        inputs, many_inputs = _given(inputs, "inputs", "jvp", create_graph)
        v = _vector_of_inputs(v, inputs, many_inputs, "jvp", create_graph)
        outputs, many_outputs = _computed(func, inputs, "jvp", strict)
        weights = tuple([Tensor._of(np.zeros_like(t._array), LEAF) for t in outputs])
        products = _grad(outputs, inputs, weights, create_graph=True)
        check_depend(products, "grad_inputs", strict)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = filled(_grad(products, weights, v, create_graph), outputs, strict, create_graph, "back_trick")
    return _finished(outputs, many_outputs, create_graph), _finished(found, many_outputs, create_graph)


def vhp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """`func(*inputs)`, one number, and `v` times its Hessian: the pair (output, products of the inputs' shapes)."""
    outputs, inputs, many_inputs, v, slopes = _scalar_function(func, inputs, v, create_graph, strict, "vhp")
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = filled(_grad(slopes, inputs, v, create_graph), inputs, strict, create_graph, "double_back")
    return _finished(outputs, False, create_graph), _finished(found, many_inputs, create_graph)


def hvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """`func(*inputs)`, one number, and its Hessian times `v`: the pair (output, products of the inputs' shapes).

    Where second derivatives are continuous `vhp` gives the same, in half the time.
    """
    outputs, inputs, many_inputs, v, slopes = _scalar_function(func, inputs, v, create_graph, strict, "hvp")
    with enable_grad():
        weights = tuple([Tensor._of(np.zeros_like(t._array), LEAF) for t in inputs])
        products = _grad(slopes, inputs, weights, create_graph=True)
        check_depend(slopes, "hessian", strict)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = filled(_grad(products, weights, v, create_graph), inputs, strict, create_graph, "double_back_trick")
    return _finished(outputs, False, create_graph), _finished(found, many_inputs, create_graph)


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivatives of all elements of `func(*inputs)` with respect to all elements of the inputs.

    Of the shape output.shape + input.shape; a tuple over the inputs if they are a tuple, and around that one over the
    outputs if they are. It takes one pass per element of the outputs, also where `vectorize` or `strategy` asks torch
    to take another way to the same numbers.
    """
    check_strategy(create_graph, strict, vectorize, strategy)
    with enable_grad():
        inputs, many_inputs = _given(inputs, "inputs", "jacobian", create_graph)
        outputs, many_outputs = _computed(func, inputs, "jacobian", strict)
        rows = []
        for i, out in enumerate(outputs):
            slopes = [_row(i, element, inputs, create_graph, strict) for element in out.reshape(-1).unbind(0)]
            columns = zip(*slopes, strict=True) if slopes else [() for _ in inputs]
            pairs = zip(columns, inputs, strict=True)
            rows.append(tuple([stack(column).view(out.shape + t.shape) for column, t in pairs]))
        if not create_graph:
            rows = [tuple([t.detach() for t in row]) for row in rows]
        found = tuple([row if many_inputs else row[0] for row in rows])
        return found if many_outputs else found[0]


def _row(i: int, element: Tensor, inputs: Tensors, create_graph: bool, strict: bool) -> list[Tensor]:
    """The derivatives of one element of output `i`, with zeros where there are none."""
    row = []
    for j, (slope, t) in enumerate(zip(_grad((element,), inputs, None, create_graph, keep=True), inputs, strict=True)):
        if strict and slope is None:
            raise RuntimeError(
                f"Output {i} of the user-provided function is independent of input {j}. This is not allowed in strict "
                "mode."
            )
        if strict and create_graph and not slope.requires_grad:
            raise RuntimeError(
                f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in "
                "strict mode when create_graph=True."
            )
        row.append(zeros_like(t) if slope is None else slope)
    return row


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of `func(*inputs)`, one number, with respect to all pairs of the inputs' elements.

    Of the shape input.shape + input.shape; for a tuple of inputs, a tuple of tuples over pairs of them.
    """
    _, many_inputs = _tuple_of(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def number(*args: Tensor) -> Tensor:
        out, many = _tuple_of(func(*args), "outputs of the user-provided function", "hessian")
        check_depend(out, "outputs", strict)
        check_one_number(out, many, "hessian")
        return out[0].reshape(())

    def slopes(*args: Tensor) -> Any:
        found = jacobian(number, args, create_graph=True)
        check_depend(found, "jacobian", strict)
        return found

    found = jacobian(slopes, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found if many_inputs else found[0]


# What they have in common


def _tuple_of(value: Any, what: str, function: str) -> tuple[Tensors, bool]:
    """`value` as a tuple of tensors, and whether it was one; torch's TypeError for what is no tensor."""
    start = f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but the"
    if not isinstance(value, tuple):
        if not isinstance(value, Tensor):
            raise TypeError(f"{start} given {what} has type {type(value)}.")
        return (value,), False
    for i, t in enumerate(value):
        if not isinstance(t, Tensor):
            raise TypeError(f"{start} value at index {i} has type {type(t)}.")
    return value, True


def _given(
    value: Any, what: str, function: str, create_graph: bool, requires_grad: bool = True
) -> tuple[Tensors, bool]:
    """Inputs as new tensors, so that they are not mistaken for the same ones if `func` also refers to those."""
    tensors, many = _tuple_of(value, what, function)
    made: list[Any] = []
    for t in tensors:
        if create_graph and t.requires_grad:
            made.append(t.view_as(t))
        else:
            made.append(t.detach().requires_grad_(requires_grad))
    return tuple(made), many


def _computed(func: Function, inputs: Tensors, function: str, strict: bool) -> tuple[Tensors, bool]:
    outputs, many = _tuple_of(func(*inputs), "outputs of the user-provided function", function)
    check_depend(outputs, "outputs", strict)
    return outputs, many


def _vector(v: Any, like: Tensors, many: bool, function: str, create_graph: bool) -> Tensors:
    """`v` as a tuple, after a check that it has the shapes of `like`."""
    vectors, _ = _given(v, "v", function, create_graph, requires_grad=False)
    if len(vectors) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(vectors)}."
            if many
            else "The given v should contain a single Tensor."
        )
    for i, (a, b) in enumerate(zip(vectors, like, strict=True)):
        if a.shape != b.shape:
            entry = f"Entry {i} in " if many else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {b.shape} but got {a.shape}.")
    return vectors


def _vector_of_inputs(v: Any, inputs: Tensors, many: bool, function: str, create_graph: bool) -> Tensors | None:
    if v is not None:
        return _vector(v, inputs, many, function, create_graph)
    if len(inputs) != 1 or inputs[0].numel() != 1:
        raise RuntimeError(
            "The vector v can only be None if the input to the user-provided function is a single Tensor with a "
            "single element."
        )
    return None


def _scalar_function(
    func: Function, inputs: Any, v: Any, create_graph: bool, strict: bool, function: str
) -> tuple[Tensors, Tensors, bool, Tensors | None, tuple[Any, ...]]:
    """What a product with a Hessian starts from: the output, the inputs, whether they are many, `v`, the slopes."""
    with enable_grad():
        tensors, many_inputs = _given(inputs, "inputs", function, create_graph)
        v = _vector_of_inputs(v, tensors, many_inputs, function, create_graph)
        outputs, many_outputs = _computed(func, tensors, function, strict)
        check_one_number(outputs, many_outputs, function)
        slopes = _grad(outputs, tensors, None, create_graph=True)
        check_depend(slopes, "jacobian", strict)
    return outputs, tensors, many_inputs, v, slopes


def _grad(
    outputs: tuple[Any, ...], inputs: Tensors, weights: Any, create_graph: bool, keep: bool | None = None
) -> tuple[Any, ...]:
    """`grad` of those outputs that there are and that require grad; None for inputs that they do not depend on."""
    pairs = zip(outputs, weights or (None,) * len(outputs), strict=True)
    pairs_with_grad = [(out, weight) for out, weight in pairs if out is not None and out.requires_grad]
    if not pairs_with_grad:
        return (None,) * len(inputs)
    some_outputs, some_weights = zip(*pairs_with_grad, strict=True)
    found: tuple[Any, ...] = grad(some_outputs, inputs, some_weights, keep, create_graph, allow_unused=True)
    return found


def _finished(results: Tensors, many: bool, create_graph: bool) -> Any:
    """Results as the user gets them: without history unless asked for, and a tuple only for a tuple."""
    if not create_graph:
        results = tuple([t.detach() for t in results])
    return results if many else results[0]
