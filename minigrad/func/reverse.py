"""Reverse mode: gradients, vector-Jacobian products, and Jacobians row by row.

Source: https://docs.pytorch.org/docs/stable/func.api.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ..autograd.checks import zeros_like
from ..modes import is_grad_enabled
from ..ops.shape import stack
from ..tensor import Tensor
from ..trees import flatten, unflatten
from .forward import jacfwd
from .levels import (
    ArgNums,
    Level,
    checked_outputs,
    chosen,
    laid_out,
    leave,
    reaches_outside,
    unit,
    with_aux,
)

INTERNAL = True
Function = Callable[..., Any]


def grad(func: Function, argnums: ArgNums = 0, has_aux: bool = False) -> Function:
    """A function that gives the gradient of `func`, which returns one number, by its arguments `argnums`.

    The gradient has the structure of these arguments.
    has_aux  whether `func` returns (output, aux); then it gives (gradient, aux)
    It does so also within `no_grad`; a `no_grad` inside of `func` counts. Where gradients are wanted outside, of what
    `func` is given or what it captures, the result can be differentiated in turn.
    """

    @wraps(func, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = _grad_and_value(func, argnums, has_aux, args, kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def grad_and_value(func: Function, argnums: ArgNums = 0, has_aux: bool = False) -> Function:
    """As `grad`; what it gives is (gradient, output), or (gradient, (output, aux))."""

    @wraps(func, updated=())
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        return _grad_and_value(func, argnums, has_aux, args, kwargs)

    return gradient_and_value


def _grad_and_value(
    func: Function, argnums: ArgNums, has_aux: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Any]:
    caller = "grad_and_value(f)(*args)"
    with Level() as level:
        places = chosen(args, argnums)
        entered, inputs, structure = level.entered(args, places)
        output, aux = with_aux(func(*entered, **kwargs), has_aux, caller)
        if not isinstance(output, Tensor):
            raise RuntimeError(f"{caller}: Expected f(*args) to return a Tensor, got {type(output)}")
        if output.dim():
            raise RuntimeError(
                f"{caller}: Expected f(*args) to return a scalar Tensor, got tensor with {output.dim()} dims. Maybe "
                "you wanted to use the vjp or jacrev APIs instead?"
            )
    recorded = level.is_outside_recorded
    found = level.gradients([output], inputs, None, recorded and reaches_outside([output]))
    by_place = unflatten(leave(found, recorded), structure)
    value = leave((output, aux), recorded) if has_aux else leave(output, recorded)
    return by_place[0] if isinstance(argnums, int) else by_place, value


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """(`func(*primals)`, a function), which takes a vector of the output's structure and multiplies the Jacobian by it.

    What that function gives is a tuple over the primals. With `has_aux`, `func` returns (output, aux), and aux comes
    third.
    """
    value, product, aux = _vjp(func, primals, tuple(range(len(primals))), has_aux)
    return (value, product, aux) if has_aux else (value, product)


def _vjp(func: Function, args: tuple[Any, ...], places: tuple[int, ...], has_aux: bool) -> tuple[Any, Function, Any]:
    caller = "vjp(f, *primals)"
    with Level() as level:
        entered, inputs, structure = level.entered(args, places)
        result, aux = with_aux(func(*entered), has_aux, caller)
        outputs, output_structure = flatten(result)
        for out in checked_outputs(outputs, caller):
            if not out.is_floating_point():
                raise RuntimeError(
                    "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype "
                    f"{out.dtype}"
                )

    def product(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        """The vector-Jacobian product, again and again if `retain_graph`."""
        vectors, vector_structure = flatten(cotangents)
        if vector_structure != output_structure:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the "
                f"function. cotangents: {vector_structure.pretty()}, primal output: {output_structure.pretty()}"
            )
        record = is_grad_enabled() if create_graph is None else create_graph
        found = level.gradients(
            outputs, inputs, vectors, record and reaches_outside([*outputs, *vectors]), retain_graph
        )
        return unflatten(leave(found, record), structure)

    recorded = level.is_outside_recorded
    return leave(result, recorded), product, leave(aux, recorded) if has_aux else None


def jacrev(func: Function, argnums: ArgNums = 0, *, has_aux: bool = False, chunk_size: int | None = None) -> Function:
    """A function that gives the Jacobian of `func` by its arguments `argnums`.

    Of the shape output.shape + argument.shape, over the structure of the output, and within it of the arguments; it
    takes one backward pass per element of the output.
    chunk_size  changes nothing here: the passes are made one by one
    """
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @wraps(func, updated=())
    def jacobian(*args: Any) -> Any:
        places = chosen(args, argnums)
        value, product, aux = _vjp(func, args, places, has_aux)
        outputs, output_structure = flatten(value)
        inputs, structure = flatten(tuple([args[place] for place in places]))
        zeros = [zeros_like(out) for out in outputs]
        blocks = []
        for i, out in enumerate(outputs):
            rows = []
            for element in range(out.numel()):
                vectors = [*zeros[:i], unit(out, element), *zeros[i + 1 :]]
                rows.append(flatten(product(unflatten(vectors, output_structure)))[0])
            columns = zip(*rows, strict=True) if rows else [()] * len(inputs)
            blocks.append(
                [
                    stack(list(column)).view(out.shape + t.shape) if column else t.new_zeros(out.shape + t.shape)
                    for column, t in zip(columns, inputs, strict=True)
                ]
            )
        found = laid_out(blocks, output_structure, structure, isinstance(argnums, int))
        return (found, aux) if has_aux else found

    return jacobian


def hessian(func: Function, argnums: ArgNums = 0) -> Function:
    """A function that gives the second derivatives of `func`: `jacfwd(jacrev(func, argnums), argnums)`.

    Of the shape output.shape + argument.shape + argument.shape, over the structures as in `jacrev`.
    """
    return jacfwd(jacrev(func, argnums), argnums)
