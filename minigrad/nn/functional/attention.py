"""Products of two inputs: attention, which weighs values by how well queries meet keys, and the bilinear form.

Source: https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

import math

import numpy as np

from ... import dtypes, einsum, matmul, messages, softmax, where, zeros
from ...flags import check_flags
from ...tensor import Tensor
from .dropout import dropout

INTERNAL = True


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """`softmax(query @ key.mT * scale) @ value`, for query (..., L, E), key (..., S, E) and value (..., S, V).

    attn_mask  which of the keys each query may see, (..., L, S): True, or a number that is added
    dropout_p  the probability with which a weight is dropped
    is_causal  whether query i sees the keys up to the i-th only
    scale  1 over the root of E, if it is not given
    enable_gqa  whether several heads of the query, in dimension -3, share one of key and value
    A query that sees nothing gets zeros.
    """
    check_flags("scaled_dot_product_attention", is_causal=is_causal, enable_gqa=enable_gqa)
    _check(query, key, value, attn_mask, is_causal)
    if is_causal:
        attn_mask = Tensor._of(np.tri(query.shape[-2], key.shape[-2], dtype=np.bool_))
    if attn_mask is not None and attn_mask.dtype is dtypes.bool_:
        nothing = zeros((), dtype=query.dtype)
        attn_mask = where(attn_mask, nothing, Tensor._of(np.full((), -math.inf, query._array.dtype)))
    if enable_gqa:
        key, value = (_for_heads(t, query.shape[-3]) for t in (key, value))
    root = math.sqrt(1 / math.sqrt(query.shape[-1]) if scale is None else scale)  # torch scales both factors
    scores = matmul(query * root, key.mT * root)
    if attn_mask is not None:
        scores = scores + attn_mask
    if attn_mask is None:
        weights = softmax(scores, -1)
    else:
        unseen = Tensor._of((scores._array == -math.inf).all(-1, keepdims=True))
        weights = softmax(scores.masked_fill(unseen, 0), -1).masked_fill(unseen, 0)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p)
    return matmul(weights, value)


def _check(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool) -> None:
    three = (query, key, value)
    if len({t.dtype for t in three}) > 1:
        q, k, v = (messages.C_NAMES[t.dtype.name] for t in three)
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {q} key.dtype: {k} and "
            f"value.dtype: {v} instead."
        )
    if min(t.ndim for t in three) < 2:
        raise RuntimeError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {query.ndim} "
            f"key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if attn_mask is None:
        return
    if is_causal:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if attn_mask.dtype is not dtypes.bool_ and attn_mask.dtype is not query.dtype:
        mask, q = (messages.C_NAMES[t.dtype.name] for t in (attn_mask, query))
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{mask} and  query.dtype: {q} instead."
        )


def _for_heads(t: Tensor, heads: int) -> Tensor:
    """Each head of a key or value, in dimension -3, as often as heads of the query share it."""
    return t[..., np.arange(heads) // (heads // t.shape[-3]), :, :]


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """For each output o, `input1 @ weight[o] @ input2 + bias[o]`, along the last dimensions of both inputs."""
    if input1.ndim != input2.ndim:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {input1.ndim} and {input2.ndim}")
    for i, (n, m) in enumerate(zip(input1.shape[:-1], input2.shape[:-1], strict=True)):
        if n != m:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {i}: got {n} and {m}")
    for i, x in ((1, input1), (2, input2)):
        if x.shape[-1] != weight.shape[i]:
            raise RuntimeError(
                f"bilinear(): input{i} size does not match weight size: got {x.shape[-1]} but expected "
                f"{weight.shape[i]}"
            )
    if bias is not None and bias.shape[0] != weight.shape[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected {weight.shape[0]}"
        )
    found = einsum("...i,oij,...j->...o", input1, weight, input2)
    return found if bias is None else found + bias
