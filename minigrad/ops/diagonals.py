"""Diagonals of matrices, matrices of diagonals, and the triangles on either side."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, messages
from ..engine import NodeOfMany
from ..tensor import Tensor
from .inplace import as_view
from .names import public, tensor_argument
from .options import integer, number
from .shape import joined, spread
from .table import Op, common_dtype, op

INTERNAL = True
Array = np.ndarray[Any, Any]


def _diagonal(a: Array, offset: int, dim1: int, dim2: int) -> Array:
    """The diagonal as a view that may be written to (np.diagonal forbids that)."""
    shape = [n for i, n in enumerate(a.shape) if i not in (dim1, dim2)]
    strides = [s for i, s in enumerate(a.strides) if i not in (dim1, dim2)]
    m, n = a.shape[dim1], a.shape[dim2]
    length = max(min(m, n - offset) if offset >= 0 else min(m + offset, n), 0)
    start = [0] * a.ndim
    if length:
        start[dim1], start[dim2] = max(-offset, 0), max(offset, 0)
    corner = a[tuple([slice(s, None) for s in start])]
    strides.append(a.strides[dim1] + a.strides[dim2])
    return np.lib.stride_tricks.as_strided(corner, (*shape, length), strides)


def _on_diagonal(a: Array, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Array:
    whole = np.zeros(shape, a.dtype)
    _diagonal(whole, offset, dim1, dim2)[...] = a
    return whole


def _laid_down(a: Array, offset: int, dim1: int, dim2: int) -> Array:
    """Zeros, with `a` on the diagonal of two new dimensions."""
    n = a.shape[-1] + abs(offset)
    shape = list(a.shape[:-1])
    for d in sorted((dim1, dim2)):
        shape.insert(d, n)
    return _on_diagonal(a, tuple(shape), offset, dim1, dim2)


diagonal_: Op = op(
    "DiagonalBackward0",
    _diagonal,
    a=lambda g, a_shape, offset, dim1, dim2: on_diagonal(g, a_shape, offset, dim1, dim2),
)
on_diagonal: Op = op(
    "DiagonalBackwardBackward0",
    _on_diagonal,
    a=lambda g, offset, dim1, dim2: diagonal_(g, offset, dim1, dim2),
)
diag_embed_ = op(
    "DiagEmbedBackward0",
    _laid_down,
    a=lambda g, offset, dim1, dim2: diagonal_(g, offset, dim1, dim2),
)
diagonal_copied = op(
    "DiagonalBackward0_copy",
    lambda a, offset: _diagonal(a, offset, 0, 1).copy(),
    a=lambda g, a_shape, offset: on_diagonal(g, a_shape, offset, 0, 1),
)
tril_: Op = op(
    "TrilBackward0",
    lambda a, offset: np.array(np.tril(a, offset), order="C"),
    a=lambda g, offset: tril_(g, offset),
)
triu_: Op = op(
    "TriuBackward0",
    lambda a, offset: np.array(np.triu(a, offset), order="C"),
    a=lambda g, offset: triu_(g, offset),
)
trace_: Op = op(
    "TraceBackward0",
    lambda a: np.add.reduce(np.diagonal(a), dtype=a.dtype),
    a=lambda g, a_shape: on_diagonal(spread(g, (min(a_shape),)), a_shape, 0, 0, 1),
)


def _two_dims(name: str, dim1: int, dim2: int, ndim: int) -> tuple[int, int]:
    first, second = messages.checked_dim(dim1, ndim), messages.checked_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return first, second


@public()
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of dimensions `dim1` and `dim2`, as the last dimension of a view; `offset` counts upward."""
    first, second = _two_dims("diagonal", dim1, dim2, tensor_argument(input, "diagonal").ndim)
    return as_view(diagonal_, input, integer("diagonal", "offset", 2, offset), first, second)


@public()
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Zeros, with the last dimension of `input` laid on the diagonal of the dimensions `dim1` and `dim2`."""
    first, second = _two_dims("diag_embed", dim1, dim2, tensor_argument(input, "diag_embed").ndim + 1)
    return diag_embed_.call(input, offset, first, second)


@public()
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix with a vector on its diagonal, or a copy of the diagonal of a matrix."""
    ndim = tensor_argument(input, "diag").ndim
    diagonal = integer("diag", "diagonal", 2, diagonal)
    if ndim == 1:
        return diag_embed(input, diagonal)
    if ndim == 2:
        return diagonal_copied.call(input, diagonal)
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")


@public()
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements of `input` on its diagonal."""
    return diag_embed(tensor_argument(input, "diagflat").contiguous().view(-1), offset)


@public(function=False)
def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Set the elements of which all indices are equal to a number; with `wrap`, start anew below the last column."""
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.ndim > 2 and len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    value = number("fill_diagonal_", "fill_value", 1, fill_value)
    height, width = self.shape[:2]
    for start in range(0, max(height, 1), width + 1 if wrap and self.ndim == 2 else max(height, 1)):
        along = self.narrow(0, start, height - start)
        while along.ndim > 1:
            along = diagonal(along)
        along.fill_(value)
    return self


@public()
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal."""
    messages.check_not_bool(tensor_argument(input, "trace"), "trace")
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return trace_.call(input if input.is_floating_point() else input.to(dtypes.int64))


@public(in_place=True)
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of matrices, up to a diagonal; zeros above it."""
    return tril_.call(_matrices(input, "tril"), integer("tril", "diagonal", 1, diagonal))


@public(in_place=True)
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of matrices, from a diagonal on; zeros below it."""
    return triu_.call(_matrices(input, "triu"), integer("triu", "diagonal", 1, diagonal))


def _matrices(input: Tensor, function: str) -> Tensor:
    if tensor_argument(input, function).ndim < 2:
        raise RuntimeError(f"{function}: input tensor must have at least 2 dimensions")
    return input


class BlockDiagBackward0(NodeOfMany):
    """Matrices along the diagonal of one: each gets its own part of the gradient."""

    __slots__ = ()

    def pull(self, g: Any, edges: Any, saved: Any) -> list[Any]:
        """Cut `g` into the blocks."""
        return [
            None if e is None else g[rows, columns].reshape(shape)
            for e, (rows, columns), (shape, _) in zip(edges, saved, self.targets, strict=True)
        ]


@public(method=False)
def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices, or what counts as such, along the diagonal of one that is zero elsewhere."""
    for i, x in enumerate(tensors):
        if tensor_argument(x, "block_diag", "tensors", i + 1).ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {x.ndim} dimensions"
            )
    blocks = [np.atleast_2d(x._array) for x in tensors] or [np.zeros((1, 0), dtypes.get_default_dtype().numpy)]
    whole = np.zeros(
        np.sum([b.shape for b in blocks], axis=0), common_dtype(*tensors).numpy if tensors else blocks[0].dtype
    )
    row = column = 0
    places = []
    for block in blocks:
        m, n = block.shape
        places.append((slice(row, row + m), slice(column, column + n)))
        whole[places[-1]] = block
        row, column = row + m, column + n
    return joined(whole, list(tensors), BlockDiagBackward0, tuple(places))


@public(method=False)
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements, `N` of them, one column each: falling, or rising from 0."""
    if tensor_argument(x, "vander", "x").ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else integer("vander", "N", 2, N)
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    x = x if x.is_floating_point() else x.to(dtypes.int64)
    powers = x.unsqueeze(-1) ** Tensor._of(np.arange(count).astype(x._array.dtype))
    return powers if increasing else powers.flip(-1)
