"""torch's functions for losses and layers of networks; `torch_functions.py` has those for other operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ops import classification, convolution, embeddings, losses

INTERNAL = True


def _convolution(torch: Any, a: Any, b: Any, *rest: Any) -> Any:
    *bias, (_, stride, padding, dilation), groups, counts = rest
    whole = torch.convolution(a, b, *(bias or [None]), stride, padding, dilation, False, [0] * len(counts), groups)
    return whole[(..., *[slice(count) for count in counts])]


FUNCTIONS: list[tuple[Any, Callable[..., Any]]] = [
    (losses.squared_error, lambda t, a, b, reduction: t.nn.functional.mse_loss(a, b, reduction=reduction)),
    (
        losses.smooth_error,
        lambda t, a, b, reduction, beta: t.nn.functional.smooth_l1_loss(a, b, reduction=reduction, beta=beta),
    ),
    (
        losses.huber,
        lambda t, a, b, reduction, delta, *_: t.nn.functional.huber_loss(a, b, reduction=reduction, delta=delta),
    ),
    (
        losses.binary_entropy,
        lambda t, a, b, c, reduction: t.nn.functional.binary_cross_entropy(a, b, c, reduction=reduction),
    ),
    (
        losses.entropy_of_logits,
        lambda t, a, b, c, d, reduction: t.nn.functional.binary_cross_entropy_with_logits(
            a, b, c, pos_weight=d, reduction=reduction
        ),
    ),
    (
        classification.class_loss,
        lambda t, a, b, c, ignored, reduction: t.nn.functional.nll_loss(
            a, b, c, ignore_index=ignored, reduction=reduction
        ),
    ),
    (embeddings.looked_up, lambda t, a, b, padding, by_frequency: t.embedding(a, b, padding, by_frequency)),
    (convolution.convolved, _convolution),
    (convolution.convolved_with_bias, _convolution),
]
