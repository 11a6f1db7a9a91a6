"""Losses between numbers: distances, and what is expected of distributions.

Source: https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions
"""

from __future__ import annotations

import math
from typing import Any

from ... import broadcast_tensors, dtypes, messages, no_grad, ones_like, where, zeros_like
from ...flags import check_flags
from ...ops.convert import converted_to_save
from ...ops.losses import entropy, huber, smooth_error, soft_margin, squared_error
from ...ops.names import check_needs_no_gradient
from ...ops.options import number, real
from ...ops.table import common_dtype
from ...tensor import Tensor
from ...warning import warn
from .reduction import reduced, reduction_of, warn_of_sizes

INTERNAL = True


def _compared(input: Tensor, target: Tensor, kernel: str) -> tuple[Tensor, Tensor]:
    """The two, broadcast together, in one dtype, which must be a floating one."""
    if type(input) is not type(target) or input._array.shape != target._array.shape:
        input, target = broadcast_tensors(input, target)  # or its error
    if input._array.dtype is not target._array.dtype:
        d = common_dtype(input, target)
        input, target = converted_to_save(input, d), converted_to_save(target, d)
    if input._array.dtype.kind != "f":
        raise NotImplementedError(messages.not_implemented(kernel, input.dtype))
    return input, target


def _in_dtype_of(input: Tensor, loss: Tensor) -> Tensor:
    """`loss` in the dtype of `input`, whatever the target's; torch's RuntimeError where that holds no fractions."""
    if input.dtype.kind != dtypes.FLOATING:
        raise RuntimeError(messages.cannot_cast(loss.dtype, input.dtype))
    return loss.to(input.dtype)


def _weighted(each: Tensor, input: Tensor, weight: Tensor, reduction: str, mean_of_all: bool = False) -> Tensor:
    """Losses times weights; their mean is by the sum of the weights, unless it is that of all products."""
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    if reduction == "mean" and not mean_of_all:
        return (each * weight).sum() / weight.sum()
    return reduced(each * weight, reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """`(input - target) ** 2`: averaged ('mean'), added up ('sum'), or of each element ('none').

    weight  of each element; the mean is then that of weighted elements
    """
    warn_of_sizes(input, target)
    reduction = reduction_of(reduction, size_average, reduce)
    if weight is not None:
        a, b = broadcast_tensors(input, target)
        return _weighted((a - b) ** 2, input, weight, reduction)
    a, b = _compared(input, target, "mse_cpu")
    return squared_error.call(a, b, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """`abs(input - target)`: averaged ('mean'), added up ('sum'), or of each element ('none')."""
    warn_of_sizes(input, target)
    reduction = reduction_of(reduction, size_average, reduce)
    a, b = broadcast_tensors(input, target)
    each = (a - b).abs()
    return reduced(each, reduction) if weight is None else _weighted(each, input, weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Half the squared error by `beta` where the error is below `beta`, else its size less `beta / 2`."""
    warn_of_sizes(input, target)
    reduction = reduction_of(reduction, size_average, reduce)
    beta = number("smooth_l1_loss", "beta", 4, beta, "float")
    if beta == 0:
        a, b = broadcast_tensors(input, target)
        return reduced((a - b).abs(), reduction)
    if not beta >= 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    a, b = _compared(input, target, "smooth_l1_cpu")
    return smooth_error.call(a, b, reduction, beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Half the squared error where the error is below `delta`, else `delta` times its size less `delta / 2`."""
    warn_of_sizes(input, target)
    reduction = reduction_of(reduction, None, None)
    delta = number("huber_loss", "delta", 4, delta, "float")
    if not delta > 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    a, b = _compared(input, target, "huber_cpu")
    whole = reduction if weight is None else "none"
    loss = _in_dtype_of(input, huber.call(a, b, whole, delta, input.dtype, target.dtype))
    return loss if weight is None else _weighted(loss, input, weight, reduction, mean_of_all=True)


# Of distributions


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """The Kullback-Leibler divergence: `target * (log(target) - input)`, where `input` holds logarithms.

    log_target  whether `target` does so too
    reduction  besides the usual three, 'batchmean': the sum by the number of examples
    """
    check_flags("kl_div", log_target=log_target)
    if size_average is not None or reduce is not None:
        reduction, batch = reduction_of(reduction, size_average, reduce), False
    else:
        if reduction == "mean":
            warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support size."
                "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
                "'mean' will be changed to behave the same as 'batchmean' in the next major release."
            )
        batch = reduction == "batchmean"
        reduction = reduction_of("sum" if batch else reduction, None, None)
    if input.dtype.kind != dtypes.FLOATING or target.dtype.kind != dtypes.FLOATING:
        raise RuntimeError("kl_div: Integral inputs not supported.\n  Make both floating first: x.float().")
    each = target.exp() * (target - input) if log_target else entropy.call(target) - target * input
    found = reduced(each, reduction)
    return found / input.size()[0] if batch and input.ndim else found


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus the log-likelihood of counts `target` that follow Poisson distributions with means `exp(input)`.

    log_input  False: `input` holds the means themselves, and `eps` is added before their logarithm is taken
    full  whether Stirling's approximation of `log(target!)` is added, where it is needed
    """
    check_flags("poisson_nll_loss", log_input=log_input, full=full)
    if size_average is not None or reduce is not None:
        reduction = reduction_of(reduction, size_average, reduce)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    eps = real("poisson_nll_loss", "eps", 5, eps)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = (loss + stirling.masked_fill(target <= 1, 0)).to(loss.dtype)
    return reduced(loss, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Minus the log-likelihood of `target` under normal distributions with means `input` and variances `var`.

    full  whether the constant is added; `eps` is the least variance. ValueError for negative variances.
    """
    if isinstance(var, (int, float)) and not isinstance(var, bool):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * ones_like(input)
    elif bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif input.ndim != var.ndim or [m for n, m in zip(input.size(), var.size(), strict=True) if n != m] != [1]:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    var = var.clone()
    with no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)


# Of margins and pairs


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`log(1 + exp(-target * input))`, where `target` holds 1 and -1."""
    reduction = reduction_of(reduction, size_average, reduce)
    a, b = _compared(input, target, "soft_margin_loss")
    if a._array.shape != input._array.shape:
        raise RuntimeError(f"output with shape {list(input.shape)} doesn't match the broadcast shape {list(a.shape)}")
    check_needs_no_gradient(target, "soft_margin_loss", "target")
    return _in_dtype_of(input, soft_margin.call(a, b, reduction))


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`input` where `target` is 1, `max(0, margin - input)` where it is -1."""
    reduction = reduction_of(reduction, size_average, reduce)
    zeros, margin = zeros_like(input), real("hinge_embedding_loss", "margin", 3, margin)
    if input.dtype.kind != dtypes.FLOATING:
        margin = int(margin)  # as torch does
    far = where(target != 1, (margin - input).clamp_min(0), zeros)
    return reduced(far + where(target != -1, input, zeros), reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`max(0, margin - target * (input1 - input2))`: `target` says which of two should rank higher, 1 or -1."""
    reduction = reduction_of(reduction, size_average, reduce)
    if input1.dim() != input2.dim() or input1.dim() != target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    margin = real("margin_ranking_loss", "margin", 4, margin)
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)
