"""Losses between scores and classes, or their probabilities.

Source: https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import broadcast_shapes, dtypes, log_softmax, messages
from ...engine import Node
from ...ops.activations import logsigmoid
from ...ops.classification import loss_of_classes
from ...ops.losses import binary_entropy, entropy_of_logits
from ...ops.names import check_needs_no_gradient, tensor_argument
from ...ops.options import number, real
from ...ops.pointwise import div_
from ...ops.reduction import log_softmax_dim
from ...tensor import Tensor
from .reduction import reduced, reduction_of

INTERNAL = True


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus what `input` (N, C, ...), logarithms of probabilities, says of the classes in `target` (N, ...), int64.

    weight  of each class, (C,); the mean is by the sum of the targets' weights
    ignore_index  a target that does not count
    """
    reduction = reduction_of(reduction, size_average, reduce)
    tensor_argument(input, "nll_loss_nd")
    return loss_of_classes(input, tensor_argument(target, "nll_loss_nd", "target", 2), weight, ignore_index, reduction)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """`nll_loss` of `log_softmax(input)`, where `input` (N, C, ...) holds scores.

    target  classes (N, ...) of int64, or probabilities (N, C, ...)
    weight  of each class, (C,)
    ignore_index  a target that does not count
    label_smoothing  how much of the targets' probability is spread over all classes
    """
    if size_average is not None or reduce is not None or reduction not in ("mean", "sum", "none"):
        reduction = reduction_of(reduction, size_average, reduce)
    shape = tensor_argument(input, "cross_entropy_loss")._array.shape
    of = tensor_argument(target, "cross_entropy_loss", "target", 2)._array.shape
    if shape == of:
        return _of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing)
    dim = 0 if len(shape) == 1 else 1
    if input._array.dtype.kind == "f" and len(shape) > dim:
        logs = log_softmax_dim.call(input, dim)
    else:
        logs = log_softmax(input, dim)
    if label_smoothing != 0 and real("cross_entropy_loss", "label_smoothing", 6, label_smoothing):
        _check_smoothing(label_smoothing)
        return _smoothed(logs, target, weight, ignore_index, reduction, label_smoothing)
    return loss_of_classes(logs, target, weight, ignore_index, reduction)


def _check_smoothing(label_smoothing: float) -> None:
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")


def _of_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, ignored: int, reduction: str, smoothing: float
) -> Tensor:
    if target.dtype.kind != dtypes.FLOATING:
        name = messages.TYPE_NAMES[target.dtype.name]
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {name}\n"
            "  A target of the input's shape holds probabilities: target.float(), or target.argmax(1) for the classes."
        )
    if ignored >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    _check_smoothing(smoothing)
    dim = 0 if input.ndim == 1 else 1
    classes = input.size(dim)
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or no classes but got "
            f"weight tensor of shape: {list(weight.shape)}"
        )
    logs = log_softmax(input, dim)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / max(classes, 1)
    each = logs * target
    if weight is not None:
        each = each * _along_classes(weight, input.ndim)
    if reduction == "none":
        return -each.sum(dim)
    total = -each.sum()
    if reduction == "sum":
        return total
    count = input.numel() // max(classes, 1)
    return div_.named("DivBackward1").call(total, count) if count else total * math.nan


def _along_classes(weight: Tensor, ndim: int) -> Tensor:
    return weight.view(1, -1, *(1,) * (ndim - 2)) if ndim > 1 else weight


def _smoothed(
    logs: Tensor, target: Tensor, weight: Tensor | None, ignored: int, reduction: str, smoothing: float
) -> Tensor:
    """The loss of the classes, and a share of the loss of all of them."""
    dim = 0 if logs.ndim == 1 else 1
    loss = loss_of_classes(logs, target, weight, ignored, reduction)
    of_all: Tensor = -(logs if weight is None else logs * _along_classes(weight, logs.ndim)).sum(dim)
    ignore = target == ignored
    of_all = of_all.masked_fill(ignore, 0)
    if reduction == "mean":
        if weight is None:
            of_all = of_all.sum() / (~ignore).sum()
        else:
            of_all = of_all.sum() / weight.gather(0, target.masked_select(~ignore).flatten()).sum()
    elif reduction == "sum":
        of_all = of_all.sum()
    share: float = smoothing / max(logs.shape[dim], 1)
    return loss * (1 - smoothing) + of_all * share


# Of two classes


def _one(input: Tensor) -> Tensor:
    return Tensor._of(np.ones((), input._array.dtype))


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`-(target * log(input) + (1 - target) * log(1 - input))` of probabilities; logarithms count as -100 at least.

    weight  of each element, broadcast to them. RuntimeError for what is no probability.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    if weight is not None:
        weight = weight.expand(broadcast_shapes(target.size(), weight.size()))
    if target.dtype is not input.dtype:
        names = [messages.TYPE_NAMES[t.dtype.name] for t in (target, input)]
        way = "float()" if input.dtype is dtypes.float32 else f"to({input.dtype})"
        raise RuntimeError(
            f"Found dtype {names[0]} but expected {names[1]}\n  Convert the target to what the input is: target.{way}."
        )
    messages.check_floats(input, "binary_cross_entropy")
    check_needs_no_gradient(weight, "binary_cross_entropy", "weight")
    return binary_entropy.call(input, target, _one(input) if weight is None else weight.to(input.dtype), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of `sigmoid(input)`, without under- or overflow.

    weight  of each element, broadcast to them
    pos_weight  how much more the positive targets count, broadcast likewise
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if target.size() != input.size():
        raise ValueError(
            f"Target size ({target.size()}) must be the same as input size ({input.size()})\n"
            "  Bring one to the other's shape: output.squeeze(1) for a column of outputs, or target.unsqueeze(1)."
        )
    messages.check_floats(input, "log_sigmoid_cpu")
    if target.dtype is dtypes.bool_:
        messages.check_no_bools(target, target)
    if target.dtype.kind != dtypes.FLOATING:
        raise RuntimeError(messages.cannot_cast(input.dtype, target.dtype) + "\n  Convert the target: target.float().")
    given: list[Any] = []
    for name, value in (("weight", weight), ("pos_weight", pos_weight)):
        check_needs_no_gradient(value, "binary_cross_entropy_with_logits", name)
        if value is not None:
            try:
                np.broadcast_shapes(value._array.shape, input._array.shape)
            except ValueError as error:
                pair = (value, input) if value is pos_weight else (input, value)
                raise messages.misfit(error, *pair) from None
        given.append(_one(input) if value is None else value.to(input.dtype))
    found: Tensor = entropy_of_logits.call(input, target, *given, reduction)
    if target.dtype is not input.dtype and isinstance(found._origin, Node):
        found._origin.targets = tuple([(x._array.shape, x._array.dtype) for x in (input, target)])
    return found


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over the other classes of `max(0, margin - input[target] + input) ** p`, for (N, C) or (C,).

    p  1 or 2; weight  of each class, (C,), by which the targets' sums are multiplied
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    shape = list(input.shape)
    if len(shape) > 2 or (shape and not shape[-1]):
        raise RuntimeError(f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {shape}")
    scores, classes = input if input.ndim > 1 else input.reshape(1, -1), target.reshape(-1)
    if classes.shape[0] != scores.shape[0] or target.ndim > 1:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            f"size). Expected target size [{scores.shape[0]}], but got {list(target.shape)}. Input has shape {shape}."
        )
    if bool(((classes < 0) | (classes >= scores.shape[1])).any()):
        raise RuntimeError("target out of range")
    if weight is not None and tuple(weight.shape) != (scores.shape[1],):
        raise RuntimeError(f"inconsistent weight size, expected {scores.shape[1]} but got {list(weight.shape)}")
    if weight is not None:
        messages.check_scalar_types(input._array, weight._array)
        check_needs_no_gradient(weight, "multi_margin_loss", "weight")
    column, margin = classes.unsqueeze(1), number("multi_margin_loss", "margin", 4, margin) + 0  # True is 1
    each = (margin - scores.gather(1, column) + scores).relu() ** p
    if weight is not None:
        each = each * weight[classes].unsqueeze(1)
    others = Tensor._of(np.arange(scores.shape[1]) != column._array)
    found = (each * others).sum(1) / scores.shape[1]
    return reduced(found if target.ndim else found[0], reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over classes of the cross entropy of each, of which `target` says by 1 or 0 whether it is there."""
    if size_average is not None or reduce is not None:
        reduction = reduction_of(reduction, size_average, reduce)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    each = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        each = each * weight
    return reduced(each.sum(dim=input.ndim - 1) / input.size(input.ndim - 1), reduction)
