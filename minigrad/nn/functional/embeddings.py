"""Classes as vectors: rows of a table, looked up one by one or in bags.

Source: https://docs.pytorch.org/docs/stable/nn.functional.html#sparse-functions
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import arange, dtypes, messages, no_grad
from ...flags import check_flags
from ...ops.bags import bag_max, bag_sum, largest
from ...ops.embeddings import looked_up
from ...ops.names import tensor_argument
from ...tensor import Tensor
from ...warning import warn

INTERNAL = True


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` whose numbers (int64 or int32) stand in `input`.

    padding_idx  a row that gets no gradient
    max_norm  rows that are looked up and longer, by their `norm_type`-norm, are first made so long, in place
    scale_grad_by_freq  whether a row's gradient is divided by the number of times it was looked up
    sparse  makes no difference: gradients are dense
    """
    tensor_argument(weight, "embedding", "weight", 1)
    rows = len(weight) if weight.ndim else 0
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    tensor_argument(input, "embedding", "indices", 2)
    check_flags("embedding", scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if input._array.dtype.char not in "lqi":
        text = _other_type("embedding", "indices", "Long, Int", input.dtype.name)
        raise RuntimeError(f"{text}\n  They are the numbers of rows: convert them, indices.long().")
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    padding = -1 if padding_idx is None else padding_idx
    return looked_up.call(weight, input, padding, scale_grad_by_freq)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, the mean or the largest elements of bags of rows of `weight`, whose numbers stand in `input`.

    input  a bag in each row; or all bags one after another, each beginning at one of the `offsets`
    per_sample_weights  how much each row counts, for sums, in the shape of `input`
    include_last_offset  whether a last offset says where the last bag ends
    padding_idx  a row that does not count and gets no gradient
    The other options are those of `embedding`. A bag without rows gives zeros.
    Returns a tensor of shape (bags, columns of `weight`).
    Raises ValueError for shapes and modes that do not fit, RuntimeError for numbers of rows and offsets out of range.
    """
    tensor_argument(weight, "embedding_bag", "weight", 1)
    tensor_argument(input, "embedding_bag", "indices", 2)
    check_flags(
        "embedding_bag", scale_grad_by_freq=scale_grad_by_freq, sparse=sparse, include_last_offset=include_last_offset
    )
    if weight.dtype is dtypes.int64 and input.dtype.kind == dtypes.FLOATING:
        warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, input, ...)` is "
            "deprecated, and should now be `embedding_bag(input, weight, ...)`."
        )
        weight, input = input, weight
    factors = per_sample_weights
    if factors is not None and input.shape != factors.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({factors.shape}) is not None, then it must have the same shape as "
            f"the input ({input.shape})"
        )
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
        offsets = arange(0, input.numel(), input.shape[1], dtype=input.dtype)
        include_last_offset, input = False, input.reshape(-1)
        factors = None if factors is None else factors.reshape(-1)
    elif input.ndim != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    elif offsets is None or offsets.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor" + " but got None" * (offsets is None))
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    if factors is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got "
            f"mode='{mode}'). Please open a feature request on GitHub."
        )
    return _of_bags(weight, input, offsets, factors, mode, scale_grad_by_freq, include_last_offset, padding_idx)


def _of_bags(
    weight: Tensor,
    input: Tensor,
    offsets: Tensor,
    factors: Tensor | None,
    mode: str,
    by_frequency: bool,
    include_last: bool,
    padding: int | None,
) -> Tensor:
    rows = len(weight)
    _check_dtypes(weight, input, offsets, factors)
    if padding is not None:
        if not -rows <= padding < rows:
            range_ = f"-{rows} through {rows - 1}"
            raise RuntimeError(f"padding_idx must be within the number of embeddings, {range_}, but got {padding}")
        padding %= rows
    bags, count = _bag_of_each(offsets._array, len(input), include_last)
    if len(bags) < len(input):  # what comes after the last bag
        input, factors = input[: len(bags)], None if factors is None else factors[: len(bags)]
    index = input._array
    wrong = np.flatnonzero((index < 0) | (index >= rows))
    if wrong.size:  # torch has two kernels for it, and each has its words
        at, n = wrong[0], index[wrong[0]]
        if mode != "max" and padding is None and weight._array.dtype.char in "ef" and weight.stride(1) == 1:
            raise RuntimeError(f"Index {at} of input takes value {n} which is not in the valid range [0, {rows})")
        wanted = "idx >= 0 && idx < num_embeddings"
        raise RuntimeError(f"embedding_bag: Expected {wanted} but found idx to be {n}")
    if mode == "max":
        counts = index != padding
        return bag_max.call(weight, *largest(weight._array, index[counts], bags[counts], count))
    if factors is None:
        factors = Tensor._of(np.ones(len(bags), weight._array.dtype))
    padding = -1 if padding is None else padding
    return bag_sum.call(weight, input, factors, Tensor._of(bags), count, padding, by_frequency, mode == "mean")


def _check_dtypes(weight: Tensor, input: Tensor, offsets: Tensor, factors: Tensor | None) -> None:
    index, table = dtypes.promote_types(input.dtype, offsets.dtype).numpy, weight._array.dtype
    for what, kinds, found, allowed in (
        ("indices", "Long, Int", index, "lqi"),
        ("weight", "Half, BFloat16, Float, Double", table, "efd"),
    ):
        if found.char not in allowed:
            raise RuntimeError(_other_type("embedding_bag", what, kinds, found.name))
    if factors is not None and factors._array.dtype != table:
        one, two = (f"torch.{messages.TYPE_NAMES[t.dtype.name]}Tensor" for t in (weight, factors))
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 "
            f"'per_sample_weights'; but type {one} does not equal {two} (while checking arguments for embedding_bag)"
        )


def _other_type(function: str, what: str, kinds: str, found: str) -> str:
    return (
        f"Expected tensor for argument #1 '{what}' to have one of the following scalar types: {kinds}; but got "
        f"torch.{messages.TYPE_NAMES[found]}Tensor instead (while checking arguments for {function})"
    )


def _bag_of_each(offsets: Any, length: int, include_last: bool) -> tuple[Any, int]:
    """Which bag each number is in, up to the last bag's end, and how many bags there are."""
    if include_last and not len(offsets):
        raise RuntimeError("include_last_offset: number of offset should be at least 1")
    if len(offsets) and offsets[0]:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, "
            f"got {offsets[0]}"
        )
    if len(offsets) and offsets[-1] > length:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {length} but got offsets[-1] of {offsets[-1]}"
        )
    ends = offsets if include_last else np.append(offsets, length if len(offsets) else [])
    sizes = np.diff(ends.astype(np.int64))
    if (sizes < 0).any():
        at = np.flatnonzero(sizes < 0)[0]
        raise RuntimeError(f"offsets must not fall, but {ends[at + 1]} comes after {ends[at]}")
    return np.repeat(np.arange(len(sizes)), sizes), len(sizes)


def _shorten(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are looked up, and are longer than `max_norm`, to that length."""
    with no_grad():
        used = Tensor._of(np.unique(input._array))
        found = weight.detach()[used]
        lengths = found.norm(norm_type, 1, keepdim=True)
        weight.detach()[used] = (found * (max_norm / (lengths + 1e-7))).where(lengths > max_norm, found)
