"""Parameters: brought to one shape, turned from probabilities into logits and back, computed when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigrad as torch

INTERNAL = True
Tensor = torch.Tensor
euler_constant = 0.57721566490153286060


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors and numbers as tensors of one shape; numbers take the dtype of the first tensor, or the default one.

    Raises ValueError for what is neither tensor nor number.
    """
    for value in values:
        if not isinstance(value, Tensor | int | float):
            raise ValueError(
                "Input arguments must all be instances of Number, torch.Tensor or objects implementing "
                f"__torch_function__.\n  {type(value).__name__} is neither. Make it a tensor first: torch.tensor(x)."
            )
    dtype = next((value.dtype for value in values if isinstance(value, Tensor)), torch.get_default_dtype())
    tensors = [value if isinstance(value, Tensor) else torch.tensor(value, dtype=dtype) for value in values]
    return tuple(torch.broadcast_tensors(*tensors))


def kind_of(value: object) -> type:
    """The class of this package that a distribution or transform is of, perhaps by way of a user's subclass."""
    return next(cls for cls in type(value).__mro__ if cls.__module__.startswith(__package__))


def batch_shape_of(parameter: Tensor, *given: Any) -> torch.Size:
    """The shape of a parameter, which is that of none if only numbers were given."""
    return parameter.size() if any(isinstance(value, Tensor) for value in given) else torch.Size()


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of log odds, each on its own, if binary, else of logarithms along the last dimension."""
    return torch.sigmoid(logits) if is_binary else torch.softmax(logits, -1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The logarithms of probabilities, or their log odds, if binary; finite ones."""
    probs = clamp_probs(probs)
    return torch.log(probs) - torch.log1p(-probs) if is_binary else torch.log(probs)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities, none nearer to 0 or 1 than the dtype's epsilon."""
    eps = torch.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def inside_unit(p: Tensor) -> Tensor:
    """Probabilities, of which those that are 0 or 1 are the nearest numbers to them."""
    info = torch.finfo(p.dtype)
    return p.clamp(min=info.tiny, max=1.0 - info.eps)


def sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last `dim` dimensions."""
    return value.reshape((*value.shape[:-dim], -1)).sum(-1) if dim else value


class lazy_property:
    """A property that is computed when first asked for, with a graph, and is an attribute from then on."""

    def __init__(self, wrapped: Callable[[Any], Tensor]) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        with torch.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The elements of square matrices up to a diagonal (-1 for that below the main one), row after row, as vectors.

    Raises ValueError for a diagonal that is not there.
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[..., _up_to(n, diag)]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Square matrices of vectors of their elements up to a diagonal, row after row; the rest is 0.

    Raises ValueError for vectors of a length that no such matrix has.
    """
    length = vec.shape[-1]
    of_square = (1 + 2 * diag) ** 2 + 8 * length + 4 * abs(diag) * (diag + 1)
    rows = (-(1 + 2 * diag) + of_square**0.5) / 2
    n = round(rows)
    if n - rows > torch.finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {length} which cannot be expressed as the lower triangular part of a "
            "square D x D matrix."
        )
    mat = vec.new_zeros((*vec.shape[:-1], n, n))
    mat[..., _up_to(n, diag)] = vec
    return mat


def _up_to(n: int, diag: int) -> Tensor:
    return torch.ones(n, n).tril(diag).bool()
