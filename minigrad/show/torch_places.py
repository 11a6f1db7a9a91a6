"""torch's functions for what picks, moves or overwrites elements; `torch_functions.py` has those for the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import (
    activations,
    assigning,
    extremes,
    indexing,
    picking,
    placing,
    rearranging,
    repeating,
    resampling,
    scattering,
    shape,
    striding,
    warping,
    windows,
)

INTERNAL = True


def _at(torch: Any, key: Any) -> Any:
    """An index of NumPy's as one of torch's."""
    if isinstance(key, tuple):
        return tuple([_at(torch, k) for k in key])
    return torch.from_numpy(np.array(key)) if isinstance(key, np.ndarray) else key


def _with_put(torch: Any, a: Any, b: Any, key: Any) -> Any:
    whole = a.clone()
    whole[_at(torch, key)] = torch.from_numpy(np.array(b)) if isinstance(b, np.ndarray) else b
    return whole


def _places(torch: Any, shape: Any, key: Any) -> Any:
    """The places that an index picks, as numbers."""
    return torch.arange(int(np.prod(shape))).reshape(tuple(shape))[_at(torch, key)]


def _with_added(torch: Any, a: Any, b: Any, key: Any, alpha: float = 1) -> Any:
    places = _places(torch, a.shape, key)
    added = (b * alpha).expand(places.shape).reshape(-1)
    return a.reshape(-1).index_add(0, places.reshape(-1), added).reshape(a.shape)


def _reduced(torch: Any, a: Any, b: Any, key: Any, reduce: str, include_self: bool) -> Any:
    places = _places(torch, a.shape, key)
    values = b.expand(places.shape).reshape(-1)
    whole = a.reshape(-1).scatter_reduce(0, places.reshape(-1), values, reduce, include_self=include_self)
    return whole.reshape(a.shape)


def _picked(torch: Any, a: Any, index: Any, dim: int, keepdim: bool) -> Any:
    found = a.gather(dim, torch.from_numpy(np.array(index))) if a.ndim else a.clone()
    return found if keepdim or not a.ndim else found.squeeze(dim)


def _put_back(torch: Any, a: Any, shape: Any, index: Any, dim: int, keepdim: bool) -> Any:
    if not shape:
        return a.clone()
    values = a if keepdim else a.unsqueeze(dim)
    return a.new_zeros(shape).scatter(dim, torch.from_numpy(np.array(index)), values)


def _resampled(torch: Any, a: Any, sizes: Any, scales: Any, mode: str, corners: bool) -> Any:
    how = {"size": sizes} if scales[0] is None else {"scale_factor": scales, "recompute_scale_factor": False}
    mixes = not mode.startswith("nearest")
    return torch.nn.functional.interpolate(a, mode=mode, align_corners=corners if mixes else None, **how)


def _sampled(torch: Any, a: Any, b: Any, mode: str, padding: str, corners: bool, orders: Any) -> Any:
    if any(orders):
        raise NotImplementedError("torch has no function that gives a derivative of grid_sample alone")
    return torch.nn.functional.grid_sample(a, b, mode, padding, corners)


def _strided(torch: Any, a: Any, inner: Any, shape: Any, strides: Any, offset: int) -> Any:
    if a.stride() != inner:
        raise NotImplementedError("as_strided of what lies otherwise in torch's memory")
    return a.as_strided(shape, strides, a.storage_offset() + offset)


def _mapped(torch: Any, a: Any, sizes: Any, corners: bool) -> Any:
    return torch.nn.functional.affine_grid(a, (len(a), 1, *sizes), corners)


FUNCTIONS: list[tuple[Any, Callable[..., Any]]] = [
    (extremes.pick, _picked),
    (extremes.place, _put_back),
    (indexing.picked, lambda t, a, key: a[_at(t, key)]),
    (indexing.added, lambda t, a, shape, key: _with_added(t, a.new_zeros(shape), a, key)),
    (indexing.alias, lambda t, a: a[...]),
    (picking.gathered, lambda t, a, key: a[_at(t, key)]),
    (picking.masked, lambda t, a, b, mask: t.where(mask, b, a)),
    (activations.half, lambda t, a, at: a[at]),
    (shape.whole_of, lambda t, a, to, at: _with_put(t, a.new_zeros(to), a, at)),
    (assigning.put, _with_put),
    (assigning.zeroed, lambda t, a, key: _with_put(t, a, 0, key)),
    (placing.slices_put, _with_put),
    (placing.slices_added, _with_added),
    (scattering.add_at, _with_added),
    (scattering.put_number, lambda t, a, key, number: _with_put(t, a, number, key)),
    (scattering.reduce_at, _reduced),
    (rearranging.flip_, lambda t, a, dims: a.flip(dims)),
    (rearranging.roll_, lambda t, a, shifts, dims: a.roll(shifts, dims) if shifts else a.clone()),
    (rearranging.turn, lambda t, a, k, first, second: a.rot90(k, (first, second))),
    (striding.strided, _strided),
    (repeating.unfolded, lambda t, a, dim, size, step: a.unfold(dim, size, step)),
    (repeating.folded, lambda t, a, shape, *how: t.ops.aten.unfold_backward(a, shape, *how)),
    (windows.unfolded, lambda t, a, w: t.nn.functional.unfold(a, w[0], w[3], w[2], w[1])),
    (windows.folded, lambda t, a, w, sizes: t.nn.functional.fold(a, sizes, w[0], w[3], w[2], w[1])),
    (resampling.resampled, _resampled),
    (resampling.to_places, lambda t, a, factor: t.pixel_shuffle(a, factor)),
    (resampling.to_channels, lambda t, a, factor: t.pixel_unshuffle(a, factor)),
    (resampling.shuffled, lambda t, a, groups: t.nn.functional.channel_shuffle(a, groups)),
    (warping.sampled, _sampled),
    (warping.mapped, _mapped),
]
