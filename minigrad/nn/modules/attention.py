"""Attention: each query takes the mean of values, weighted by how well their keys fit it.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html; Vaswani et al., 2017
"""

from __future__ import annotations

import math
from typing import Any

from ... import cat, zeros
from ...dtypes import bool_
from ...tensor import Tensor
from ...warning import warn
from .. import functional as F, init
from ..parameter import empty_parameter
from .linear import Linear
from .module import Module

INTERNAL = True


class NonDynamicallyQuantizableLinear(Linear):
    """Linear, under the name that it has in attention."""


class MultiheadAttention(Module):
    """Attention of several heads, each on its own part of the features.

    Inputs are (length, n, features), (n, length, features) with `batch_first`, or (length, features).
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} "
                "instead"
            )
        super().__init__()
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim == self.vdim
        self.head_dim, self.add_zero_attn = embed_dim // num_heads, add_zero_attn
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        options = {"device": device, "dtype": dtype}
        same = self._qkv_same_embed_dim
        widths = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        for name, width in widths.items() if not same else ():
            self.register_parameter(name, empty_parameter(embed_dim, width, **options))
        packed = empty_parameter(3 * embed_dim, embed_dim, **options) if same else None
        self.register_parameter("in_proj_weight", packed)
        for name in widths if same else ():
            self.register_parameter(name, None)
        self.register_parameter("in_proj_bias", empty_parameter(3 * embed_dim, **options) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **options)
        self.bias_k = empty_parameter(1, 1, embed_dim, **options) if add_bias_kv else None
        self.bias_v = empty_parameter(1, 1, embed_dim, **options) if add_bias_kv else None
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The outputs for each query, and the weights, (n, queries, keys), or None if they are not needed.

        `key_padding_mask` (n, keys) and `attn_mask` (queries, keys) are True where nothing is to be taken, or numbers
        to add to the scores.
        """
        batched = self._check_dims(query, key, value, key_padding_mask, attn_mask)
        turned = batched and self.batch_first
        if turned:
            query, key, value = (t.transpose(0, 1) for t in (query, key, value))
        elif not batched:
            query, key, value = (t.unsqueeze(1) for t in (query, key, value))
            key_padding_mask = key_padding_mask if key_padding_mask is None else key_padding_mask.unsqueeze(0)
        if is_causal and attn_mask is None:
            raise RuntimeError(
                "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
                "`generate_square_subsequent_mask` to create this mask."
            )
        mask = self._mask(query, key, key_padding_mask, attn_mask)
        parts = self._projected(query, key, value)
        weights: Tensor | None = None
        if need_weights:
            output, weights = self._attend(*parts, mask)
        else:
            output = self._attend_only(*parts, mask)
        if turned:
            output = output.transpose(1, 0)
        if weights is not None and average_attn_weights:
            weights = weights.mean(1)
        if not batched:
            output, weights = output.squeeze(1), None if weights is None else weights.squeeze(0)
        return output, weights

    def _check_dims(self, query: Tensor, key: Tensor, value: Tensor, padding: Any, mask: Any) -> bool:
        """Whether the inputs are batches; torch's errors where they do not fit each other."""
        n = query.ndim
        if n not in (2, 3):
            raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {n}-D query tensor")
        start = f"For {'batched (3-D)' if n == 3 else 'unbatched (2-D)'} `query`, expected "
        if key.ndim != n or value.ndim != n:
            raise AssertionError(
                f"{start}`key` and `value` to be {n}-D but found {key.ndim}-D and {value.ndim}-D tensors respectively"
            )
        if padding is not None and padding.ndim != n - 1:
            raise AssertionError(
                f"{start}`key_padding_mask` to be `None` or {n - 1}-D but found {padding.ndim}-D tensor instead"
            )
        if mask is not None and mask.ndim not in (2, 3):
            raise AssertionError(f"{start}`attn_mask` to be `None`, 2-D or 3-D but found {mask.ndim}-D tensor instead")
        return n == 3

    def _mask(self, query: Tensor, key: Tensor, padding: Any, mask: Any) -> Any:
        """What is added to the scores, (n * heads or 1, queries, keys)."""
        queries, n, width = query.shape
        keys, heads = key.shape[0], self.num_heads
        if width != self.embed_dim:
            raise AssertionError(f"was expecting embedding dimension of {self.embed_dim}, but got {width}")
        if padding is not None and mask is not None and padding.dtype != mask.dtype:
            warn("Support for mismatched key_padding_mask and attn_mask is deprecated. Use same type for both instead.")
        padding = as_scores(padding, "key_padding_mask", query)
        mask = as_scores(mask, "attn_mask", query)
        if mask is not None:
            wanted = (queries, keys) if mask.ndim == 2 else (n * heads, queries, keys)
            if mask.shape != wanted:
                raise RuntimeError(f"The shape of the {mask.ndim}D attn_mask is {mask.shape}, but should be {wanted}.")
            mask = mask.unsqueeze(0) if mask.ndim == 2 else mask
        added = (self.bias_k is not None) + self.add_zero_attn
        if added:
            mask, padding = (None if m is None else F.pad(m, (0, added)) for m in (mask, padding))
        if padding is None:
            return mask
        if padding.shape != (n, keys + added):
            raise AssertionError(f"key_padding_mask's shape must be {(n, keys + added)}, got {tuple(padding.shape)}")
        spread = padding.view(n, 1, 1, keys + added).expand(-1, heads, -1, -1).reshape(n * heads, 1, keys + added)
        return spread if mask is None else mask + spread

    def _projected(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of each head: (n * heads, length, features of a head)."""
        if self.in_proj_weight is not None:
            if key.shape != value.shape:
                raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
            weights = self.in_proj_weight.chunk(3)
        else:
            if key.shape[:2] != value.shape[:2]:
                raise AssertionError(
                    f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
                )
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        n, found = query.shape[1], list[Tensor]()
        inputs = zip((query, key, value), weights, biases, (None, self.bias_k, self.bias_v), strict=True)
        for t, weight, bias, more in inputs:
            t = F.linear(t, weight, bias)
            if more is not None:
                t = cat([t, more.repeat(1, n, 1)])
            t = t.reshape(t.shape[0], n * self.num_heads, self.head_dim).transpose(0, 1)
            if self.add_zero_attn and found:
                t = cat([t, zeros(t.shape[0], 1, t.shape[2], dtype=t.dtype)], dim=1)
            found.append(t)
        return found[0], found[1], found[2]

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """The outputs, (length, n, features), and the weights of each head."""
        scores = (q * math.sqrt(1.0 / q.shape[-1])).bmm(k.transpose(-2, -1))
        weights = (scores if mask is None else mask + scores).softmax(-1)
        if self.training and self.dropout > 0.0:
            weights = F.dropout(weights, self.dropout)
        output = self._joined(weights.bmm(v).transpose(0, 1), q.shape[1])
        return output, weights.view(-1, self.num_heads, q.shape[1], k.shape[1])

    def _attend_only(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Any:
        """The outputs alone; a query that may attend to nothing gets zeros, where with weights it gets NaN."""
        heads = self.num_heads
        if mask is not None:
            mask = mask.unsqueeze(0) if mask.shape[0] == 1 else mask.view(-1, heads, mask.shape[-2], k.shape[1])
        q, k, v = (t.view(-1, heads, t.shape[1], self.head_dim) for t in (q, k, v))
        dropout = self.dropout if self.training else 0.0
        return self._joined(F.scaled_dot_product_attention(q, k, v, mask, dropout).permute(2, 0, 1, 3), q.shape[2])

    def _joined(self, of_heads: Tensor, queries: int) -> Any:
        """What all heads give, projected: (length, n, features)."""
        flat = of_heads.reshape(of_heads.numel() // self.embed_dim, self.embed_dim)
        return self.out_proj(flat).view(queries, -1, self.embed_dim)


def as_scores(mask: Tensor | None, name: str, like: Tensor) -> Tensor | None:
    """A mask as numbers to add: minus infinity where it is True."""
    if mask is None or mask.is_floating_point():
        return mask
    if mask.dtype is not bool_:
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return zeros(mask.shape, dtype=like.dtype).masked_fill(mask, float("-inf"))
