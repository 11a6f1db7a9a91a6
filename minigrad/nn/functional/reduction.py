"""How losses are brought down to one number, and what older programs say for it."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from ...warning import warn

INTERNAL = True


def reduction_of(reduction: str, size_average: bool | None, reduce: bool | None) -> str:
    """'none', 'mean' or 'sum'; ValueError for another word, and torch's warning where the older arguments are used."""
    if any(isinstance(given, Tensor) for given in (size_average, reduce)):
        raise RuntimeError(
            "Boolean value of Tensor with more than one value is ambiguous\n"
            "  A loss is made first, and then called: nn.MSELoss()(input, target)."
        )
    if size_average is not None or reduce is not None:
        averaged, reduced = size_average is None or size_average, reduce is None or reduce
        reduction = "mean" if averaged and reduced else "sum" if reduced else "none"
        warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.")
    elif reduction == "elementwise_mean":
        warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.")
        reduction = "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced(each: Tensor, reduction: str) -> Tensor:
    """Losses, their mean, or their sum."""
    return each.mean() if reduction == "mean" else each.sum() if reduction == "sum" else each


def warn_of_sizes(input: Any, target: Any) -> None:
    """torch's warning where input and target are to be broadcast."""
    if tuple(target.size()) != tuple(input.size()):
        warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). "
            "This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size."
        )
