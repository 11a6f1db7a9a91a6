"""How near rows are to each other, and losses that are made of it.

Source: https://docs.pytorch.org/docs/stable/nn.functional.html#distance-functions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import broadcast_tensors, dtypes, messages, minimum, no_grad, norm, where, zeros_like
from ...flags import check_flags
from ...ops.names import tensor_argument
from ...ops.options import real
from ...ops.reduction import vector_norm
from ...ops.table import common_dtype
from ...tensor import Tensor
from .reduction import reduced, reduction_of

INTERNAL = True


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along `dim`; `eps` is the least length that they count with."""
    x1, x2 = (tensor_argument(x, "cosine_similarity", f"x{i}", i) for i, x in enumerate((x1, x2), 1))
    d = common_dtype(x1, x2)
    if d.kind != dtypes.FLOATING:
        name = messages.TYPE_NAMES[d.name]
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {name}")
    if not real("cosine_similarity", "eps", 4, eps) >= 0:
        raise RuntimeError(f"eps must be non-negative, got: {eps:g}")
    # Each vector is measured in its own dtype, as in torch.
    x1, x2 = broadcast_tensors(*[x if x.dtype.kind == dtypes.FLOATING else x.to(d) for x in (x1, x2)])
    dim = messages.checked_dim(dim, x1.ndim)
    units = []
    for x in (x1, x2):
        length = vector_norm.call(x, 2.0, (dim,) if x.ndim else (), True).clone()
        with no_grad():  # where it is too short, it keeps its gradient, as in torch
            length.clamp_(min=eps)
        units.append(x / length)
    return (units[0] * units[1]).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The `p`-norm of `x1 - x2 + eps` along the last dimension."""
    check_flags("pairwise_distance", keepdim=keepdim)
    x = x1 - x2 + real("pairwise_distance", "eps", None, eps)
    return vector_norm.named("NormBackward1").call(x, float(p), (x.ndim - 1,) if x.ndim else (), keepdim)


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """`input` by its `p`-norms over `dim`, which count as `eps` at least."""
    found = input / norm(input, p, dim, True).clamp_min(eps).expand_as(input)
    return found if out is None else out.copy_(found)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 less the cosine of two rows where `target` is 1, `max(0, cosine - margin)` where it is -1."""
    reduction = reduction_of(reduction, size_average, reduce)
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.ndim == 1 and (input1.ndim, input2.ndim) != (2, 2):
        raise RuntimeError(
            "1D target tensor expects 2D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    if target.ndim == 0 and (input1.ndim, input2.ndim) != (1, 1):
        raise RuntimeError(
            "0D target tensor expects 1D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    dim, margin = target.ndim, real("cosine_embedding_loss", "margin", 4, margin)
    epsilon = 1e-12
    product = (input1 * input2).sum(dim)
    squares = (input1 * input1).sum(dim) + epsilon, (input2 * input2).sum(dim) + epsilon
    cosine = product / (squares[0] * squares[1]).sqrt()
    zeros = zeros_like(cosine)
    near = where(target == 1, 1 - cosine, zeros)
    return reduced(near + where(target == -1, (cosine - margin).clamp_min(0), zeros), reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`max(0, distance to positive - distance to negative + margin)`, of rows.

    swap  whether the distance between the positive and the negative one counts, if it is the smaller
    """
    reduction = reduction_of(reduction, size_average, reduce)
    check_flags("triplet_margin_loss", swap=swap)
    _check_triplet(anchor, positive, negative, margin)
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced((margin + near - far).clamp_min(0), reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    _check_triplet(anchor, positive, negative, margin)
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced((margin + near - far).clamp_min(0), reduction)


def _check_triplet(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float) -> None:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    ndims = [t.ndim for t in (anchor, positive, negative)]
    if len(set(ndims)) > 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {ndims[0]}D, positive {ndims[1]}D, and negative {ndims[2]}D inputs"
        )
