"""Losses as modules; what each computes is said where its function is.

Source: https://docs.pytorch.org/docs/stable/nn.html#loss-functions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...tensor import Tensor
from .. import functional as F
from ..functional.reduction import reduction_of
from .applied import Applied
from .distance import PairwiseDistance
from .naming import class_text

INTERNAL = True


class _Loss(Applied):
    """What losses share: how they are reduced, by a word, or by two bools as before torch 0.4."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        self._set(size_average, reduce, reduction)

    def _set(self, size_average: bool | None, reduce: bool | None, reduction: str, **options: Any) -> None:
        """What `__init__` does, for losses with options of their own."""
        if size_average is not None or reduce is not None:
            reduction = reduction_of(reduction, size_average, reduce)
        super().__init__(reduction=reduction, **options)

    def extra_repr(self) -> str:
        """Nothing."""
        return ""


class _WeightedLoss(_Loss):
    """One with weights, which are part of its state."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        self._set_weighted(weight, size_average, reduce, reduction)

    def _set_weighted(
        self, weight: Tensor | None, size_average: bool | None, reduce: bool | None, reduction: str, **options: Any
    ) -> None:
        """What `__init__` does, for losses with options of their own."""
        self._set(size_average, reduce, reduction, **options)
        self.register_buffer("weight", weight)
        self._options = (*self._options, "weight")


class L1Loss(_Loss):
    """`functional.l1_loss`."""

    function = staticmethod(F.l1_loss)


class MSELoss(_Loss):
    """`functional.mse_loss`."""

    function = staticmethod(F.mse_loss)


class SoftMarginLoss(_Loss):
    """`functional.soft_margin_loss`."""

    function = staticmethod(F.soft_margin_loss)


class BCELoss(_WeightedLoss):
    """`functional.binary_cross_entropy`."""

    function = staticmethod(F.binary_cross_entropy)


class NLLLoss(_WeightedLoss):
    """`functional.nll_loss`."""

    function = staticmethod(F.nll_loss)

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        self._set_weighted(weight, size_average, reduce, reduction, ignore_index=ignore_index)


class CTCLoss(_Loss):
    """`functional.ctc_loss`."""

    function = staticmethod(F.ctc_loss)

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        self._set(None, None, reduction, blank=blank, zero_infinity=zero_infinity)


class CrossEntropyLoss(_WeightedLoss):
    """`functional.cross_entropy`."""

    function = staticmethod(F.cross_entropy)

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        options = {"ignore_index": ignore_index, "label_smoothing": label_smoothing}
        self._set_weighted(weight, size_average, reduce, reduction, **options)


class BCEWithLogitsLoss(_WeightedLoss):
    """`functional.binary_cross_entropy_with_logits`."""

    function = staticmethod(F.binary_cross_entropy_with_logits)

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        self._set_weighted(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)
        self._options = (*self._options, "pos_weight")


class KLDivLoss(_Loss):
    """`functional.kl_div`."""

    function = staticmethod(F.kl_div)

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        self._set(size_average, reduce, reduction, log_target=log_target)


class SmoothL1Loss(_Loss):
    """`functional.smooth_l1_loss`."""

    function = staticmethod(F.smooth_l1_loss)

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        self._set(size_average, reduce, reduction, beta=beta)


class HuberLoss(_Loss):
    """`functional.huber_loss`."""

    function = staticmethod(F.huber_loss)

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        if not isinstance(delta, (float, int)):
            raise TypeError(f"delta must be a float or int, got: {class_text(type(delta))}")
        self._set(None, None, reduction, delta=delta)


class PoissonNLLLoss(_Loss):
    """`functional.poisson_nll_loss`."""

    function = staticmethod(F.poisson_nll_loss)

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        self._set(size_average, reduce, reduction, log_input=log_input, full=full, eps=eps)
        self._inputs = ("log_input", "target")  # not `input`, as the function has it


class GaussianNLLLoss(_Loss):
    """`functional.gaussian_nll_loss`."""

    function = staticmethod(F.gaussian_nll_loss)

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        self._set(None, None, reduction, full=full, eps=eps)


class _MarginLoss(_Loss):
    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        self._set(size_average, reduce, reduction, margin=margin)


class CosineEmbeddingLoss(_MarginLoss):
    """`functional.cosine_embedding_loss`."""

    function = staticmethod(F.cosine_embedding_loss)


class MarginRankingLoss(_MarginLoss):
    """`functional.margin_ranking_loss`."""

    function = staticmethod(F.margin_ranking_loss)


class HingeEmbeddingLoss(_Loss):
    """`functional.hinge_embedding_loss`."""

    function = staticmethod(F.hinge_embedding_loss)

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        self._set(size_average, reduce, reduction, margin=margin)


class TripletMarginLoss(_Loss):
    """`functional.triplet_margin_loss`."""

    function = staticmethod(F.triplet_margin_loss)

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        self._set(size_average, reduce, reduction, margin=margin, p=p, eps=eps, swap=swap)


class TripletMarginWithDistanceLoss(_Loss):
    """`functional.triplet_margin_with_distance_loss`."""

    function = staticmethod(F.triplet_margin_with_distance_loss)

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        if margin <= 0:
            raise ValueError(
                f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {margin} instead"
            )
        self._set(None, None, reduction, margin=margin, swap=swap)
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The loss of anchors, of what is to be near them, and of what is to be far."""
        options = {"margin": self.margin, "swap": self.swap, "reduction": self.reduction}
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function, **options
        )


class MultiMarginLoss(_WeightedLoss):
    """`functional.multi_margin_loss`."""

    function = staticmethod(F.multi_margin_loss)

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        if p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.ndim != 1:
            raise ValueError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.ndim}D instead")
        self._set_weighted(weight, size_average, reduce, reduction, p=p, margin=margin)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """`functional.multilabel_soft_margin_loss`."""

    function = staticmethod(F.multilabel_soft_margin_loss)
