"""Gradients compared with finite differences.

Source: https://docs.pytorch.org/docs/stable/autograd.html#numerical-gradient-checking
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import LEAF
from ..tensor import Tensor
from .passes import grad

INTERNAL = True
Array = np.ndarray[Any, Any]
Function = Callable[..., Any]


class GradcheckError(RuntimeError):
    """A gradient differs from finite differences."""


def gradcheck(
    func: Function,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of `func(*inputs)` are those that central differences give, in double precision.

    eps                   how far each element of an input that requires grad is moved, both ways
    atol, rtol            how much may be between the two, absolutely and for each unit of the numerical one
    raise_exception       raise GradcheckError with both Jacobians, instead of returning False
    nondet_tol            how much may be between two backward passes
    check_undefined_grad  whether to check that one of several outputs may go without a gradient
    `fast_mode` makes the same full comparison, and `check_batched_grad` and `masked` change nothing: what they are
    about in torch does not exist here. Nor does forward mode: NotImplementedError.
    Raises ValueError if no input requires grad, RuntimeError for one whose elements share memory.
    """
    _check_modes(check_forward_ad, check_backward_ad, check_batched_grad, check_batched_forward_grad)
    inputs = _tuple_of(inputs)
    _check_inputs(inputs)
    try:
        _compare(func, inputs, eps, atol, rtol, nondet_tol, check_grad_dtypes)
        if check_undefined_grad:
            _check_missing_gradients(func, inputs)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Function,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether the gradients of the gradients of `func(*inputs)` are those that central differences give.

    grad_outputs                 how the outputs are weighed; if left out, by numbers between -1 and 1
    gen_non_contig_grad_outputs  whether those numbers are to lie apart in memory
    The other options, and errors, are those of `gradcheck`.
    """
    _check_modes(check_fwd_over_rev, check_rev_over_rev, check_batched_grad, False)
    inputs = _tuple_of(inputs)
    if grad_outputs is None:
        outputs = _differentiable(func(*inputs))
        grad_outputs = [_random_weights(t, gen_non_contig_grad_outputs) for t in outputs]
    weights = _tuple_of(grad_outputs)
    asked = [i for i, t in enumerate(inputs) if isinstance(t, Tensor) and t.requires_grad]

    def gradients(*args: Any) -> tuple[Tensor, ...]:
        given = args[: len(inputs)]
        outputs = _differentiable(func(*given))
        found = grad(outputs, [given[i] for i in asked], args[len(inputs) :], create_graph=True, allow_unused=True)
        return tuple([g for g in found if g is not None])

    return gradcheck(
        gradients,
        inputs + weights,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
    )


def _tuple_of(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _differentiable(outputs: Any) -> tuple[Tensor, ...]:
    return tuple([t for t in _tuple_of(outputs) if t.requires_grad])


def _random_weights(like: Tensor, apart: bool) -> Tensor:
    """Numbers from the stream that `manual_seed` sets, the same ones as torch's."""
    apart = apart and like.numel() > 1
    shape = (*like.shape[:-1], 2 * like.shape[-1]) if apart else tuple(like.shape)
    numbers = Tensor._of(np.empty(shape, like.dtype.numpy)).uniform_(-1, 1)._array
    return Tensor._of(numbers[..., 1::2] if apart else numbers, LEAF)


def _check_modes(forward: bool, backward: bool, batched: bool, batched_forward: bool) -> None:
    if not (forward or backward):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if batched and not backward:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if batched_forward and not forward:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    if forward:
        raise NotImplementedError(
            "minigrad computes gradients backward only, so there is no forward mode to check\n"
            "  Leave out check_forward_ad and check_fwd_over_rev."
        )


def _check_inputs(inputs: Sequence[Any]) -> None:
    asked = [(i, t) for i, t in enumerate(inputs) if isinstance(t, Tensor) and t.requires_grad]
    for i, t in asked:
        if t._array.dtype.char != "d":
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=3,
            )
        if t.numel() and any(stride == 0 and n > 1 for stride, n in zip(t.stride(), t.shape, strict=True)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous "
                "on the input before passing it to gradcheck."
            )
    if not asked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )


def _compare(
    func: Function, inputs: tuple[Any, ...], eps: float, atol: float, rtol: float, nondet_tol: float, dtypes: bool
) -> None:
    """Raise GradcheckError at the first pair of an output and an input whose Jacobian is not the numerical one."""
    asked = [t for t in inputs if isinstance(t, Tensor) and t.requires_grad]
    outputs = _tuple_of(func(*inputs))
    numerical = [_numerical(func, inputs, t, outputs, eps) for t in asked]
    differentiable = [i for i, t in enumerate(outputs) if t.requires_grad]
    if not differentiable and any((jacobian != 0).any() for of_input in numerical for jacobian in of_input):
        raise GradcheckError("Numerical gradient for function expected to be zero")
    for i, which in enumerate(differentiable):
        analytical = _analytical(outputs[which], asked, dtypes)
        for first, second in zip(analytical, _analytical(outputs[which], asked, dtypes), strict=True):
            if first.size and np.abs(first - second).max() > nondet_tol:
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                    "gives different values, although analytical gradient matches numerical gradient."
                    f"The tolerance for nondeterminism was {nondet_tol}."
                )
        for j, of_input in enumerate(numerical):
            if not np.allclose(analytical[j], of_input[which], rtol, atol):
                raise GradcheckError(
                    f"Jacobian mismatch for output {i} with respect to input {j},\n"
                    f"numerical:{Tensor._of(of_input[which])!r}\nanalytical:{Tensor._of(analytical[j])!r}\n"
                )
    if differentiable:
        _check_linear([outputs[which] for which in differentiable], asked)


def _numerical(
    func: Function, inputs: tuple[Any, ...], moved: Tensor, outputs: Sequence[Tensor], eps: float
) -> list[Array]:
    """By central differences, for each output: how its elements (columns) change with those of `moved` (rows)."""
    array = moved._array
    jacobians = [np.zeros((array.size, t.numel()), t._array.dtype) for t in outputs]
    for row, index in enumerate(np.ndindex(array.shape)):
        before = array[index]
        values = []
        try:
            for step in (-eps, eps):
                array[index] = before + step
                values.append([t._array.copy() for t in _tuple_of(func(*inputs))])
        finally:
            array[index] = before
        for jacobian, low, high in zip(jacobians, *values, strict=True):
            jacobian[row] = ((high - low) / (2 * eps)).reshape(-1)
    return jacobians


def _analytical(output: Tensor, asked: Sequence[Tensor], check_dtypes: bool) -> list[Array]:
    """The same from backward passes, one for each element of `output`."""
    jacobians = [np.zeros((t.numel(), output.numel()), t._array.dtype) for t in asked]
    for column, index in enumerate(np.ndindex(output._array.shape)):
        weights = np.zeros(output._array.shape, output._array.dtype)
        weights[index] = 1
        found = grad(output, asked, Tensor._of(weights), retain_graph=True, allow_unused=True)
        for jacobian, g, t in zip(jacobians, found, asked, strict=True):
            if g is not None:
                if check_dtypes and g.dtype is not t.dtype:
                    raise GradcheckError("Gradient has dtype mismatch")
                jacobian[:, column] = g._array.reshape(-1)
    return jacobians


def _check_linear(outputs: Sequence[Tensor], asked: Sequence[Tensor]) -> None:
    """Raise GradcheckError unless zero gradients of the outputs give zero gradients of the inputs."""
    zeros = [Tensor._of(np.zeros_like(t._array)) for t in outputs]
    for g in grad(outputs, asked, zeros, retain_graph=True, allow_unused=True):
        if g is not None and (g._array != 0).any():
            raise GradcheckError("backward not multiplied by grad_output")


def _check_missing_gradients(func: Function, inputs: tuple[Any, ...]) -> None:
    """Raise GradcheckError unless each of several outputs may go without a gradient."""
    asked = [t for t in inputs if isinstance(t, Tensor) and t.requires_grad]
    count = len(_differentiable(func(*inputs)))
    for missing in range(count if count > 1 else 0):
        outputs = [t for i, t in enumerate(_differentiable(func(*inputs))) if i != missing]
        try:
            _check_linear(outputs, asked)
        except GradcheckError:
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are undefined or zero. Please "
                'look at "Notes about undefined output gradients" in "tools/autograd/derivatives.yaml"'
            ) from None
        except RuntimeError as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads. Please look at "
                '"Notes about undefined output gradients" in "tools/autograd/derivatives.yaml"'
            ) from error
