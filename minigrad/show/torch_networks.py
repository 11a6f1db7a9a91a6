"""torch's functions for losses and layers of networks; `torch_functions.py` has those for other operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import (
    alignment,
    bags,
    classification,
    convolution,
    embeddings,
    losses,
    normalization,
    padding,
    pooling,
    unpooling,
)

INTERNAL = True


def _convolution(torch: Any, a: Any, b: Any, *rest: Any) -> Any:
    *bias, (_, stride, padding, dilation), groups, counts = rest
    whole = torch.convolution(a, b, *(bias or [None]), stride, padding, dilation, False, [0] * len(counts), groups)
    return _first(whole, counts)


def _transposed(torch: Any, a: Any, b: Any, *rest: Any) -> Any:
    *bias, (kernel, stride, before, dilation), groups, sizes = rest
    numbers = zip(a.shape[2:], sizes, kernel, stride, before, dilation, strict=True)
    beyond = [size - ((n - 1) * s - 2 * p + d * (k - 1) + 1) for n, size, k, s, p, d in numbers]
    return torch.convolution(a, b, *(bias or [None]), stride, before, dilation, True, beyond, groups)


def _padded(torch: Any, a: Any, amounts: Any, mode: str = "constant", value: float | None = None) -> Any:
    return torch.nn.functional.pad(a, [n for pair in reversed(amounts) for n in pair], mode, value)


def _normalized(torch: Any, a: Any, b: Any, c: Any, dims: Any, groups: int, channels: bool, eps: float) -> Any:
    if groups:
        return torch.group_norm(a, groups, b, c, eps)
    if channels:
        return torch.nn.functional.batch_norm(a, None, None, b, c, True, eps=eps)
    return torch.layer_norm(a, b.shape, b, c, eps)


def _max_pooled(torch: Any, a: Any, pool: Any) -> Any:
    counts, windows = pool
    kind = f"max_pool{len(counts)}d"
    if windows is None:
        return getattr(torch.nn.functional, f"adaptive_{kind}")(a, counts)
    return _first(getattr(torch, kind)(a, *windows, True), counts)


def _avg_pooled(torch: Any, a: Any, pool: Any, divisor: int | None, padding_counts: bool) -> Any:
    counts, windows = pool
    kind = f"avg_pool{len(counts)}d"
    if windows is None:
        return getattr(torch.nn.functional, f"adaptive_{kind}")(a, counts)
    return _first(getattr(torch.nn.functional, kind)(a, *windows[:3], True, padding_counts, divisor), counts)


def _unpooled(torch: Any, a: Any, index: Any, sizes: Any) -> Any:
    n = len(sizes)
    where = torch.from_numpy(np.array(index)).flatten(-n)
    shape = a.shape[:-n]
    return a.new_zeros((*shape, int(np.prod(sizes)))).scatter(-1, where, a.flatten(-n)).reshape((*shape, *sizes))


def _bag_sum(
    torch: Any, a: Any, b: Any, c: Any, d: Any, count: int, padding: int, by_frequency: bool, mean: bool
) -> Any:
    starts, options = torch.searchsorted(d, torch.arange(count)), {"scale_grad_by_freq": by_frequency}
    if not mean:
        options["per_sample_weights"] = c
    whole = torch.nn.functional.embedding_bag
    known = None if padding < 0 else padding
    return whole(b, a, starts, mode="mean" if mean else "sum", padding_idx=known, **options)


def _bag_max(torch: Any, a: Any, key: Any, filled: Any) -> Any:
    return torch.where(torch.from_numpy(np.array(filled)), a[tuple(torch.from_numpy(np.array(k)) for k in key)], 0)


def _first(whole: Any, counts: Any) -> Any:
    """As many of the windows as there were, of those that reach over the end too."""
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
    (losses.entropy, lambda t, a: t.xlogy(a, a)),
    (
        losses.soft_margin,
        lambda t, a, b, reduction: t.nn.functional.soft_margin_loss(a, b, reduction=reduction),
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
    (alignment.losses, lambda t, a, b, *options: t._ctc_loss(a, b, *options)[0]),
    (embeddings.looked_up, lambda t, a, b, padding, by_frequency: t.embedding(a, b, padding, by_frequency)),
    (bags.bag_sum, _bag_sum),
    (bags.bag_max, _bag_max),
    (convolution.convolved, _convolution),
    (convolution.convolved_with_bias, _convolution),
    (convolution.transposed, _transposed),
    (convolution.transposed_with_bias, _transposed),
    (padding.padded, lambda t, a, amounts, value: _padded(t, a, amounts, value=value)),
    (padding.bordered, _padded),
    (normalization.normalized, _normalized),
    (
        normalization.scaled,
        lambda t, a, b, c, mean, variance, eps: t.nn.functional.batch_norm(a, mean, variance, b, c, eps=eps),
    ),
    (pooling.max_pooled, _max_pooled),
    (pooling.avg_pooled, _avg_pooled),
    (unpooling.unpooled, _unpooled),
]
