"""torch's functions for the operations of the table, so that a recorded graph can be run again on torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import from_numpy_dtype
from ..engine import Node
from ..ops import (
    convert,
    extremes,
    inplace,
    linear,
    placing,
    pointwise as p,
    reduction as r,
    running,
    shape as s,
    sorting,
    statistics,
)
from . import torch_elementwise, torch_matrices, torch_networks, torch_places

INTERNAL = True


def _along(torch: Any, path: Any, a: Any) -> Any:
    for step, options in path:
        a = function_of(step)(torch, a, *options)
    return a


def _with_part(torch: Any, a: Any, b: Any, layout: Any) -> Any:
    whole = a.clone()
    _along(torch, layout[0], whole).copy_(b)
    return whole


def _cast(torch: Any, a: Any, to: Any, source: Any, order: str) -> Any:
    return a.to(getattr(torch, str(from_numpy_dtype(np.dtype(to))).removeprefix("torch.")))


_FUNCTIONS: list[tuple[Any, Callable[..., Any]]] = [
    (p.add_, lambda t, a, b: a + b),
    (p.sub_, lambda t, a, b: a - b),
    (p.mul_, lambda t, a, b: a * b),
    (p.div_, lambda t, a, b: a / b),
    (p.add_scaled, lambda t, a, b, alpha: t.add(a, b, alpha=alpha)),
    (p.neg_, lambda t, a: -a),
    (p.reciprocal_, lambda t, a: t.reciprocal(a)),
    (p.power, lambda t, a, exponent: a**exponent),
    (p.power_of, lambda t, a, b: a**b),
    (p.exponential, lambda t, a, base: base**a),
    (p.select, lambda t, a, b, condition: t.where(condition, a, b)),
    (p.exp_, lambda t, a: t.exp(a)),
    (p.log_, lambda t, a: t.log(a)),
    (p.sqrt_, lambda t, a: t.sqrt(a)),
    (p.sin_, lambda t, a: t.sin(a)),
    (p.cos_, lambda t, a: t.cos(a)),
    (p.tanh_, lambda t, a: t.tanh(a)),
    (p.abs_, lambda t, a: t.abs(a)),
    (p.sign_, lambda t, a: t.sign(a)),
    (p.relu_, lambda t, a: t.relu(a)),
    (p.sigmoid_, lambda t, a: t.sigmoid(a)),
    (p.maximum_, lambda t, a, b: t.maximum(a, b)),
    (p.minimum_, lambda t, a, b: t.minimum(a, b)),
    (p.clamp_between, lambda t, a, low, high: t.clamp(a, low, high)),
    (p.clamp_low, lambda t, a, b: t.clamp(a, min=b)),
    (p.clamp_within, lambda t, a, low, high: t.clamp(a, low, high)),
    (p.keep, lambda t, a, where: t.where(where, a, 0)),
    (p.threshold, lambda t, a, b: t.where(b <= 0, 0, a)),
    (p.clamp_high, lambda t, a, b: t.clamp(a, max=b)),
    (r.sum_all, lambda t, a: a.sum()),
    (r.sum_dims, lambda t, a, dim, keepdim: a.sum(dim, keepdim=keepdim)),
    (r.mean_all, lambda t, a: a.mean()),
    (r.mean_dims, lambda t, a, dim, keepdim: a.mean(dim, keepdim=keepdim)),
    (r.prod_dim, lambda t, a, dim, keepdim: a.prod(dim, keepdim=keepdim)),
    (r.prod_of_all, lambda t, a: a.prod()),
    (r.var_dims, lambda t, a, dim, correction, keepdim: a.var(dim, correction=correction, keepdim=keepdim)),
    (r.std_dims, lambda t, a, dim, correction, keepdim: a.std(dim, correction=correction, keepdim=keepdim)),
    (r.vector_norm, lambda t, a, p, dim, keepdim: t.linalg.vector_norm(a, p, dim, keepdim)),
    (running.cumsum_, lambda t, a, dim: a.cumsum(dim)),
    (running.cumsum_reversed, lambda t, a, dim: a.flip(dim).cumsum(dim).flip(dim) if a.ndim else a.clone()),
    (running.cumprod_, lambda t, a, dim: a.cumprod(dim)),
    (running.logcumsumexp_, lambda t, a, dim: a.logcumsumexp(dim)),
    (r.logsumexp_dims, lambda t, a, dim, keepdim: a.logsumexp(dim, keepdim)),
    (r.softmax_dim, lambda t, a, dim: a.softmax(dim)),
    (r.log_softmax_dim, lambda t, a, dim: a.log_softmax(dim)),
    (extremes.max_all, lambda t, a: a.max()),
    (extremes.min_all, lambda t, a: a.min()),
    (extremes.amax_dims, lambda t, a, dim, keepdim: a.amax(dim, keepdim)),
    (extremes.amin_dims, lambda t, a, dim, keepdim: a.amin(dim, keepdim)),
    (sorting.median_all, lambda t, a: a.median()),
    (sorting.nanmedian_all, lambda t, a: a.nanmedian()),
    (statistics.nansum_dims, lambda t, a, dim, keepdim: a.nansum(dim, keepdim)),
    (statistics.renorm_dim, lambda t, a, p, dim, maxnorm: a.renorm(p, dim, maxnorm)),
    (linear.mm_, lambda t, a, b: a @ b),
    (linear.mv_, lambda t, a, b: a @ b),
    (linear.dot_, lambda t, a, b: a @ b),
    (linear.batched, lambda t, a, b: a @ b),
    (s.spread, lambda t, a, shape: a.expand(shape)),
    (s.expanded, lambda t, a, shape: a.expand(shape)),
    (s.as_shape, lambda t, a, shape: a.reshape(shape)),
    (s.swap, lambda t, a, dim0, dim1: a.transpose(dim0, dim1)),
    (s.reorder, lambda t, a, dims: a.permute(dims)),
    (s.tile, lambda t, a, repeats: a.repeat(repeats)),
    (s.insert_axis, lambda t, a, at: a.unsqueeze(at)),
    (s.remove_axes, lambda t, a, axes: a.squeeze(axes)),
    (s.part, lambda t, a, at: a[at]),
    (s.piece, lambda t, a, at, output: a[at]),
    (convert.copied, lambda t, a, order: a.clone()),
    (convert.converted, _cast),
    (inplace.view_of, lambda t, a, layout: _along(t, layout[0], a)),
    (inplace.put_view, _with_part),
    (placing.placed, _with_part),
    (inplace.zero_view, lambda t, a, layout: _with_part(t, a, a.new_zeros(()), layout)),
    (inplace.scatter_view, lambda t, a, shape, layout: _with_part(t, a.new_zeros(shape), a, layout)),
    (inplace.fill, lambda t, a, value: a.clone().fill_(float(value))),
    (inplace.filled, lambda t, a, b: a.clone().fill_(b)),
    (inplace.copy, lambda t, a, b: a.expand(t.broadcast_shapes(a.shape, b.shape)).clone().copy_(b)),
    *torch_elementwise.FUNCTIONS,
    *torch_matrices.FUNCTIONS,
    *torch_networks.FUNCTIONS,
    *torch_places.FUNCTIONS,
]
# By the rules, which an operation shares with those that have other names.
_BY_RULES = {id(op.rules): function for op, function in _FUNCTIONS}
_BY_RULES |= {id(op.by_number.rules): function for op, function in _FUNCTIONS if op.by_number is not None}


def function_of(op: Any) -> Callable[..., Any]:
    """The function `f(torch, *operands, *options)` for an operation of the table.

    Raises NotImplementedError for those that torch has no one function for.
    """
    found = _BY_RULES.get(id(op.rules))
    if found is None:
        raise NotImplementedError(f"{op.node_name} is not known in torch's functions: check it by differences instead")
    return found


def joined(torch: Any, node: Node, operands: list[Any], dim: int) -> Any:
    """What `cat` or `stack` gives."""
    return torch.cat(operands, dim) if type(node).__name__ == "CatBackward0" else torch.stack(operands, dim)
