"""Embedding: rows of a table, looked up one by one or in bags.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html
"""

from __future__ import annotations

from typing import Any, Self

from ...modes import no_grad
from ...tensor import Tensor
from .. import functional as F, init
from ..parameter import Parameter, empty_parameter
from .module import Module

INTERNAL = True


class Embedding(Module):
    """Looks up a vector for each index; the one at `padding_idx` starts as zeros, and gets no gradient."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = _row(padding_idx, num_embeddings, "Padding_idx")
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.weight = _table(num_embeddings, embedding_dim, _weight, device, dtype)
        if _weight is None:
            self.reset_parameters()
        self.weight.requires_grad_(not _freeze)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, **options: Any
    ) -> Self:
        """One over a matrix that there is already; it is not trained, unless `freeze` is turned off."""
        rows, columns = _sizes_of(embeddings)
        return cls(rows, columns, padding_idx, _weight=embeddings, _freeze=freeze, **options)

    def reset_parameters(self) -> None:
        """Start anew with normal numbers."""
        _draw(self.weight, self.padding_idx)

    def forward(self, input: Tensor) -> Tensor:
        """The vectors of the indices."""
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        """The size of the table, and options that are not the default."""
        usual = {"padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False, "sparse": False}
        unusual = [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join([str(self.num_embeddings), str(self.embedding_dim), *unusual])


class EmbeddingBag(Module):
    """Looks up bags of vectors, and gives the sum, the mean or the largest elements of each bag.

    The vector at `padding_idx` starts as zeros, does not count, and gets no gradient.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.EmbeddingBag.html
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.padding_idx = _row(padding_idx, num_embeddings, "padding_idx")
        self.weight = _table(num_embeddings, embedding_dim, _weight, device, dtype)
        if _weight is None:
            self.reset_parameters()
        self.mode, self.sparse, self.include_last_offset = mode, sparse, include_last_offset

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """One over a matrix that there is already; it is not trained, unless `freeze` is turned off."""
        rows, columns = _sizes_of(embeddings)
        options = max_norm, norm_type, scale_grad_by_freq, mode, sparse
        made = cls(rows, columns, *options, embeddings, include_last_offset, padding_idx)
        made.weight.requires_grad_(not freeze)
        return made

    def reset_parameters(self) -> None:
        """Start anew with normal numbers."""
        _draw(self.weight, self.padding_idx)

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """What each bag comes to: bags are the rows of `input`, or begin at the `offsets`."""
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """The size of the table, and options that are not the default; `mode` always."""
        usual = {"max_norm": None, "norm_type": 2, "scale_grad_by_freq": False, "mode": "", "padding_idx": None}
        unusual = [f"{name}={getattr(self, name)!r}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join([str(self.num_embeddings), str(self.embedding_dim), *unusual])


def _row(padding: int | None, rows: int, name: str) -> int | None:
    """`padding_idx` counted from the start; 0 passes for a table without rows too, as in torch."""
    if padding is not None and not -rows <= padding < max(rows, 1):
        raise AssertionError(f"{name} must be within num_embeddings")
    return padding if not padding else padding % rows


def _table(rows: int, columns: int, weight: Tensor | None, device: Any, dtype: Any) -> Parameter:
    if weight is None:
        return empty_parameter(rows, columns, device=device, dtype=dtype)
    if weight.shape != (rows, columns):
        raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
    return Parameter(weight)


def _draw(weight: Tensor, padding: int | None) -> None:
    init.normal_(weight)
    if padding is not None:
        with no_grad():
            weight[padding].fill_(0)


def _sizes_of(embeddings: Tensor) -> tuple[int, ...]:
    if embeddings.ndim != 2:
        raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
    return embeddings.shape
