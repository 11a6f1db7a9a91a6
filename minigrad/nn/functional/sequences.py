"""The loss of labels whose places in time are not known.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops.alignment import ctc_losses
from ...tensor import Tensor
from .reduction import reduction_of

INTERNAL = True


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Minus the logarithm of the probability that `log_probs` (T, N, C), or (T, C), give to labels, however aligned.

    targets  the labels, (N, most labels) or those of all examples one after the other
    input_lengths, target_lengths  how many steps, and labels, each example has: tensors, or tuples of ints
    blank  the class that stands for no label
    reduction  the mean is of losses per label
    zero_infinity  whether what no alignment fits has a loss of 0
    Its gradient is torch's: that of scores of which `log_probs` are the `log_softmax`. It has none itself.
    """
    reduction = reduction_of(reduction, None, None)
    each, counts = ctc_losses(log_probs, targets, input_lengths, target_lengths, blank, zero_infinity)
    if zero_infinity:
        each = each.where(each != np.inf, each.new_zeros(()))
    if reduction == "mean":
        return (each / Tensor._of(np.maximum(counts, 1).astype(each._array.dtype))).mean()
    if reduction == "sum":
        return each.sum()
    return each if log_probs.ndim == 3 else each.squeeze(0)
