"""Forward mode: Jacobian-vector products, and Jacobians column by column.

A vector-Jacobian product is linear in its vector, so its own vector-Jacobian product is the Jacobian-vector product:
a function is run, and walked through back once; each product is then one pass back through that pass.
Source: https://docs.pytorch.org/docs/stable/func.api.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from .. import messages
from ..autograd.checks import zeros_like
from ..engine import Lost, noticing_lost
from ..modes import is_grad_enabled
from ..ops.shape import stack
from ..random import drawing
from ..tensor import Tensor
from ..trees import flatten, mapped, unflatten
from .levels import (
    ArgNums,
    Level,
    checked_outputs,
    chosen,
    gradients,
    laid_out,
    leave,
    reaches_outside,
    unit,
    with_aux,
)

INTERNAL = True
Function = Callable[..., Any]
_JVP = "jvp(f, primals, tangents)"


class Linear:
    """A function at its arguments, as the linear map from tangents of those in `places` to tangents of its outputs."""

    def __init__(self, func: Function, args: tuple[Any, ...], places: tuple[int, ...], has_aux: bool) -> None:
        with Level(is_forward=True) as level, noticing_lost() as lost:
            mapped(_checked, [args[place] for place in places])
            entered, self.inputs, self.structure = level.entered(args, places)
            result, aux = with_aux(func(*entered), has_aux, _JVP)
            _check_all_recorded(lost)
            outputs, self.output_structure = flatten(result)
            self.outputs = checked_outputs(outputs, _JVP)
            self.weights = [level.enter(zeros_like(out)) if out.requires_grad else None for out in self.outputs]
            self.slopes = gradients(self.outputs, self.inputs, self.weights, create_graph=True)
        recorded = level.is_outside_recorded
        self.value, self.aux = leave(result, recorded), leave(aux, recorded) if has_aux else None

    def tangents(self, of: dict[int, Tensor]) -> list[Tensor]:
        """The tangents of all outputs, flat, for those of some of the flat inputs."""
        slopes, vectors = [self.slopes[i] for i in of], list(of.values())
        weights = [weight for weight in self.weights if weight is not None]
        recorded = is_grad_enabled()
        record = recorded and reaches_outside([*self.outputs, *vectors])
        found = iter(leave(gradients(slopes, weights, vectors, record), recorded))
        return [
            zeros_like(out) if w is None else next(found) for out, w in zip(self.outputs, self.weights, strict=True)
        ]


def _checked(t: Any) -> Any:
    if not isinstance(t, Tensor):
        raise RuntimeError(f"{_JVP}: Expected primals to only contain Tensors, got {type(t)}")
    if not t.is_floating_point():
        raise ValueError(f"Expected primal to be floating point or complex, but got: {t.dtype}")
    return t


def _check_all_recorded(lost: list[Lost]) -> None:
    """Raise if something was computed under `no_grad`, which forward mode, as torch has it, takes no notice of."""
    if lost:
        raise RuntimeError(
            f"{_JVP}: f computes something under no_grad, which forward mode takes no notice of, and which is not "
            f"recorded here.\n{messages.at(lost[0].code, lost[0].lasti)}\n"
            "  Take no_grad away, or use detach() for what is to count as constant."
        )


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> tuple[Any, ...]:
    """(`func(*primals)`, its Jacobian times `tangents`), both of the output's structure.

    strict   raise RuntimeError for an output that does not depend on the primals, instead of giving zeros
    has_aux  whether `func` returns (output, aux); then aux comes third
    Raises RuntimeError where `func` computes something under `no_grad`.
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{_JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    given, structure = flatten(primals)
    vectors, vector_structure = flatten(tangents)
    if structure != vector_structure:
        raise RuntimeError(
            f"{_JVP}: Expected primals and tangents to have the same python structure. For example, if primals is a "
            f"tuple of 3 tensors, tangents also must be. Got primals with structure {structure} and tangents with "
            f"structure {vector_structure}"
        )
    if not given:
        raise RuntimeError(f"{_JVP}: Expected primals to contain at least one Tensor.")
    for t, vector in zip(given, vectors, strict=True):
        _checked(t)
        if not isinstance(vector, Tensor):
            raise RuntimeError(f"{_JVP}: Expected tangents to only contain Tensors, got {type(vector)}")
        if not vector.is_floating_point():
            raise ValueError(f"Expected tangent to be floating point or complex, but got: {vector.dtype}")
        if t.shape != vector.shape:
            raise RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is "
                f"not supported. Tensor is of size {list(t.shape)} while the given forward gradient is of size "
                f"{list(vector.shape)}."
            )
    linear = Linear(func, primals, tuple(range(len(primals))), has_aux)
    if strict and None in linear.weights:
        raise RuntimeError(
            f"{_JVP[:-1]}, strict=True): The output of f is independent of the inputs. This is not allowed with "
            "strict=True."
        )
    products = unflatten(linear.tangents(dict(enumerate(vectors))), linear.output_structure)
    return (linear.value, products, linear.aux) if has_aux else (linear.value, products)


def jacfwd(
    func: Function, argnums: ArgNums | None = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Function:
    """A function that gives the Jacobian of `func` by its arguments `argnums`.

    Of the shape output.shape + argument.shape, over the structure of the output, and within it of the arguments; it
    takes one product per element of those.
    argnums     None for all arguments
    randomness  what random numbers in `func` come to: "error", or else they are drawn once
    """

    @wraps(func, updated=())
    def jacobian(*args: Any) -> Any:
        places = tuple(range(len(args))) if argnums is None else chosen(args, argnums)
        with drawing(randomness):
            linear = Linear(func, args, places, has_aux)
        columns = [_columns(linear, i, t) for i, t in enumerate(linear.inputs)]
        blocks = [list(row) for row in zip(*columns, strict=True)]
        found = laid_out(blocks, linear.output_structure, linear.structure, isinstance(argnums, int))
        return (found, linear.aux) if has_aux else found

    return jacobian


def _columns(linear: Linear, i: int, t: Tensor) -> list[Tensor]:
    """The derivatives of each output by all elements of the input `t`, which is the one of number `i`."""
    products = [linear.tangents({i: unit(t, element)}) for element in range(t.numel())]
    if not products:
        return [out.new_zeros(out.shape + t.shape) for out in linear.outputs]
    columns = [stack(tangents).movedim(0, -1) for tangents in zip(*products, strict=True)]
    return [tangent.unflatten(-1, t.shape) if t.dim() else tangent.squeeze(-1) for tangent in columns]


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """(`func(*primals)`, a function) which multiplies the Jacobian there by tangents of the primals' structure."""
    linear = Linear(func, primals, tuple(range(len(primals))), has_aux=False)

    def product(*tangents: Any) -> Any:
        """The Jacobian-vector product."""
        vectors, structure = flatten(tangents)
        if structure != linear.structure:
            raise RuntimeError(
                f"Expected the tangents {structure} to have the same argspec as the primals {linear.structure}"
            )
        for i, (vector, t) in enumerate(zip(vectors, linear.inputs, strict=True)):
            for what in ("shape", "dtype"):
                a, b = getattr(vector, what), getattr(t, what)
                if a != b:
                    raise RuntimeError(
                        f"tangent:{i} with {what} {a} in flattened pytree doesn't match the {what} {b} of the "
                        "corresponding primal."
                    )
        return unflatten(linear.tangents(dict(enumerate(vectors))), linear.output_structure)

    return linear.value, product
