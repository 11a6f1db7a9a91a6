"""The loss of a class: minus what `input` says of each example's class, which may be weighted, or ignored.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import messages
from ..tensor import Tensor
from .inplace import as_view, zeros_as
from .names import check_needs_no_gradient
from .shape import as_shape
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]

# `b` holds the classes, `c` a weight for each class; classes lie in dimension 1, or in the only one


def _known_classes(b: Array, ignored: int, count: int) -> tuple[Array, Array | None]:
    """Classes, 0 for those to be ignored, and where the others are (None: everywhere); IndexError if out of bounds."""
    known = None
    if (b == ignored).any():
        known = b != ignored
        b = np.where(known, b, 0)
    if b.size and (b.min() < 0 or b.max() >= count):
        if known is not None and not known.any():
            return b, known
        wrong = b[(b < 0) | (b >= count)]
        raise IndexError(
            f"Target {wrong.reshape(-1)[0]} is out of bounds.\n"
            f"  The input has {count} classes, 0 to {count - 1}: is that what the last layer gives?"
        )
    return b, known


def _class_weights(b: Array, known: Array | None, c: Array, reduction: str) -> Array:
    """How much each example counts."""
    weights = c[b] if c.size else np.zeros(b.shape, c.dtype)
    if known is not None:
        weights = np.where(known, weights, c.dtype.type(0))
    return weights / weights.sum() if reduction == "mean" else weights


def _class_loss(a: Array, b: Array, c: Array, ignored: int, reduction: str) -> Array:
    b, known = _known_classes(b, ignored, a.shape[-1 if a.ndim == 1 else 1])
    weights = _class_weights(b, known, c, "none")
    if a.ndim == 2:
        said = a[np.arange(len(a)), b]
    elif a.ndim == 1:
        said = a[b]
    else:
        said = np.take_along_axis(a, b[:, None], 1)[:, 0]
    each = -said * weights if known is None else np.where(known, -said * weights, a.dtype.type(0))
    if reduction == "none":
        return each
    total = np.add.reduce(each, None, np.float32 if a.dtype.char == "e" else a.dtype)
    return np.asarray(total / weights.sum() if reduction == "mean" else total, a.dtype)


def _to_classes(a: Array, d: Array, b: Array, c: Array, ignored: int, reduction: str) -> Array:
    shape = d.shape
    b, known = _known_classes(b, ignored, shape[-1 if len(shape) == 1 else 1])
    total = np.zeros(shape, a.dtype)
    value = -a * _class_weights(b, known, c, reduction)
    if known is not None:
        value = np.where(known, value, a.dtype.type(0))
    if len(shape) == 2:
        total[np.arange(len(total)), b] = value
    elif len(shape) == 1:
        total[b] = value
    else:
        np.put_along_axis(total, b[:, None], value[:, None], 1)
    return total


# As in torch, the input takes part in the gradient, though its values do not matter.
class_loss: Op = op(
    "NllLossBackward0",
    _class_loss,
    a=lambda g, a, b, c, ignored, reduction: to_classes(g, a, b, c, ignored, reduction),
    b=None,
    c=None,
)
to_classes: Op = op(
    "NllLossBackwardBackward0",
    _to_classes,
    a=lambda g, b, c, ignored, reduction: class_loss(g, b, c, ignored, reduction),
    d=lambda g: zeros_as(g),
    b=None,
    c=None,
)
spatial_class_loss = class_loss.named("NllLoss2DBackward0")

# What `nll_loss` and `cross_entropy` are called with


def _check_operands(input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    if target._array.dtype.char not in "lqB":
        name = messages.TYPE_NAMES[target.dtype.name]
        advice = "\n  Targets are the numbers of classes: target.long()."
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {name}{advice}")
    count = input._array.shape[-1 if input.ndim == 1 else 1]
    if weight is None:
        return
    if tuple(weight.shape) != (count,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {count} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )
    messages.check_scalar_types(input._array, weight._array)
    check_needs_no_gradient(weight, "nll_loss_forward", "weight")


def _how_to_match(shape: tuple[int, ...], of: tuple[int, ...]) -> str:
    """What was probably forgotten, of scores and targets whose shapes do not match; "" if nothing suggests itself."""
    if of == shape[:-1]:
        return "\n  The classes come second, right after the batch; here they seem to be last: input.movedim(-1, 1)."
    if len(shape) == 2 and math.prod(of) == shape[0]:
        return "\n  Each row of scores has one target: flatten the targets too, target.flatten()."
    if len(of) == 1 and math.prod(shape[:-1]) == of[0]:
        return "\n  Each target needs one row of scores: flatten the scores too, input.flatten(0, -2)."
    return ""


def loss_of_classes(input: Tensor, target: Tensor, weight: Tensor | None, ignored: int, reduction: str) -> Tensor:
    """The loss for `input` (N, C, ...) and `target` (N, ...), or for one example; torch's errors for what misfits."""
    shape, of = input._array.shape, target._array.shape
    if not shape:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if len(shape) != 1 and shape[:1] != of[:1]:
        raise ValueError(
            f"Expected input batch_size ({shape[0]}) to match target batch_size ({of[0] if of else 0})."
            f"{_how_to_match(shape, of)}"
        )
    if len(shape) > 4 or len(shape) == 3:
        if of[1:] != shape[2:]:
            raise RuntimeError(
                f"Expected target size {[shape[0], *shape[2:]]}, got {list(of)}{_how_to_match(shape, of)}"
            )
        flat = as_view(as_shape, input.contiguous(), (*shape[:2], 1, -1) if input.numel() else (*shape[:2], 0, 0))
        places = Tensor._of(target._array.reshape((shape[0], 1, -1) if input.numel() else (shape[0], 0, 0)))
        found = loss_of_classes(flat, places, weight, ignored, reduction)
        return found if reduction != "none" else found.view(of)
    if len(shape) < 3:
        if len(of) > 1:
            raise RuntimeError(
                "0D or 1D target tensor expected, multi-target not supported\n"
                "  It takes one class for each example: target.squeeze(1) of rows with one number, target.argmax(1)\n"
                "  of rows with a one where the class is."
            )
        if len(shape) == 1 and of and of[0] != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {of[0]}")
    elif len(of) != 3:
        raise RuntimeError(
            f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {len(of)}"
        )
    elif of[1:] != shape[2:]:
        raise RuntimeError(f"size mismatch (got input: {list(shape)} , target: {list(of)}{_how_to_match(shape, of)}")
    _check_operands(input, target, weight)
    if len(shape) == 1 and of:
        target = Tensor._of(target._array.reshape(()))
    if weight is None:
        weight = Tensor._of(np.ones(shape[-1 if len(shape) == 1 else 1], input._array.dtype))
    step = class_loss if len(shape) < 3 else spatial_class_loss
    return step.call(input, target, weight, ignored, reduction)
