"""Images and volumes read at any places between their elements, and the places that an affine map leads to.

What is read is a sum of elements near a place, each times a weight for every dimension. So the derivatives by the
places are sums of the same elements with the derivatives of the weights, and one operation has them all: `orders` says
which derivative is meant in each dimension.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html and
https://arxiv.org/abs/1506.02025
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..arithmetic import multiply_add
from ..flags import wrong_flag
from ..tensor import Tensor
from ..warning import warn
from .factories import evenly_between
from .half import in_single, is_half
from .inplace import like
from .names import tensor_argument
from .options import lengths, wrong_type
from .pointwise import keep
from .resampling import add_along
from .shape import whole_of
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Sizes = tuple[int, ...]
Orders = tuple[int, ...]  # for each dimension, how often the weights are derived
Tap = tuple[Array, Array, Any]  # along one dimension: the element, whether there is one, and its weight

# Where places lie, along one dimension of `size` elements: from grids, in which the ends are -1 and 1, to elements


def _unfolded(place: Array, size: int, corners: bool) -> tuple[Array, float]:
    """Places in elements, and by how much they change with the grid; `corners`: whether -1 is the first's middle."""
    if corners:
        return (place + 1) * ((size - 1) / 2), (size - 1) / 2
    number = place.dtype.type
    return multiply_add(place + 1, number(size / 2), number(-0.5)), size / 2  # rounded once, as in torch


def _kept_inside(place: Array, size: int, padding: str, corners: bool) -> tuple[Array, Any]:
    """Places brought inside as `padding` says, and by how much these change with the given ones."""
    slope: Any = 1.0
    if padding == "zeros":
        return place, slope
    if padding == "reflection":
        low, span = (0.0, size - 1) if corners else (-0.5, size)
        if not span:
            return np.zeros_like(place), 0.0
        beyond = np.abs(place - low)
        beyond -= np.trunc(beyond / (2 * span)) * (2 * span)
        back = beyond > 2 * span - beyond
        slope = np.where((place < low) ^ back, -1, 1).astype(place.dtype)
        place = np.where(back, 2 * span - beyond, beyond) + low
    slope = slope * ((place > 0) & (place < size - 1)).astype(place.dtype)
    return np.where(place > 0, np.minimum(place, size - 1), 0), slope  # NaN is brought to the first element


def _along(place: Array, size: int, mode: str, padding: str, corners: bool, order: int) -> list[Tap]:
    """The elements that are read at the places, of one dimension, and their weights, or derivatives of these."""
    place, slope = _unfolded(place, size, corners)
    if mode == "bicubic":
        low = np.floor(place)
        share, slope = place - low, slope**order
        weights = [(k, slope * _cubic_weight(share, k, order)) for k in (-1, 0, 1, 2)]
        return [(*_element(_kept_inside(low + k, size, padding, corners)[0], size), w) for k, w in weights]
    place, kept = _kept_inside(place, size, padding, corners)
    if mode == "nearest":
        return [(*_element(np.rint(place), size), 1.0)] if not order else []
    low = np.floor(place)
    if order:
        slope = slope * kept
        return [(*_element(low, size), -slope), (*_element(low + 1, size), slope)] if order == 1 else []
    return [(*_element(low, size), 1 - (place - low)), (*_element(low + 1, size), place - low)]


def _element(place: Array, size: int) -> tuple[Array, Array]:
    inside = (place >= 0) & (place < size)
    return np.where(inside, place, 0).astype(np.int64), inside


# Keys' cubic convolution with a = -0.75, as OpenCV and torch have it, by the distance from the element: near, and far
_NEAR, _FAR = (1.25, -2.25, 0.0, 1.0), (-0.75, 3.75, -6.0, 3.0)


def _cubic_weight(share: Array, k: int, order: int) -> Array:
    """The weight of the element `k` after that before the place, or its derivative by the place."""
    factors: tuple[float, ...] = _NEAR if k in (0, 1) else _FAR
    for _ in range(order):
        degree = len(factors) - 1
        factors = tuple([f * (degree - i) for i, f in enumerate(factors[:-1])])
    distance, sign = (share - k, 1) if k < 1 else (k - share, (-1) ** order)
    total = np.zeros_like(share)
    for f in factors:
        total = total * distance + f
    return total * sign


# What is read, and what flows back to where it was read


def _taps(
    b: Array, sizes: Sizes, mode: str, padding: str, corners: bool, orders: Orders
) -> Iterator[tuple[Array, Any]]:
    """What is read at the places in `b` (N, ..., dimensions): elements of all images, as numbers, and their weights.

    After the last element comes one for all that lies outside.
    """
    each = [_along(b[..., -1 - i], n, mode, padding, corners, orders[i]) for i, n in enumerate(sizes)]
    first = np.arange(len(b)).reshape((-1, *(1,) * (b.ndim - 2)))
    for chosen in np.ndindex(*[len(taps) for taps in each]):
        at, inside, weight = first, np.True_, np.ones((), b.dtype)
        for n, (element, there, w) in zip(sizes, [taps[k] for taps, k in zip(each, chosen, strict=True)], strict=True):
            at, inside, weight = at * n + element, inside & there, weight * w
        yield np.where(inside, at, len(b) * math.prod(sizes)), weight[..., np.newaxis]


def _sampled(a: Array, b: Array, mode: str, padding: str, corners: bool, orders: Orders) -> Array:
    if a.dtype.char == "e":
        return in_single(_sampled, a, b.astype("f"), mode, padding, corners, orders)
    channels = a.shape[1]
    elements = np.zeros((len(a) * math.prod(a.shape[2:]) + 1, channels), a.dtype)
    elements[:-1] = np.moveaxis(a, 1, -1).reshape((-1, channels))
    found = np.zeros((*b.shape[:-1], channels), a.dtype)
    for at, weight in _taps(b, a.shape[2:], mode, padding, corners, orders):
        found += elements[at] * weight
    return np.ascontiguousarray(np.moveaxis(found, -1, 1))


def _brought_to(a: Array, b: Array, shape: Sizes, mode: str, padding: str, corners: bool, orders: Orders) -> Array:
    if a.dtype.char == "e":
        return in_single(_brought_to, a, b.astype("f"), shape, mode, padding, corners, orders)
    count, channels = shape[:2]
    total = np.zeros((count * math.prod(shape[2:]) + 1, channels), a.dtype)
    rows = np.moveaxis(a, 1, -1)
    for at, weight in _taps(b, shape[2:], mode, padding, corners, orders):
        add_along(total, (rows * weight).reshape((-1, channels)), at.reshape(-1), 0)
    return np.ascontiguousarray(np.moveaxis(total[:-1].reshape((count, *shape[2:], channels)), -1, 1))


def _to_grid(g: Any, a: Any, b: Any, mode: str, padding: str, corners: bool, orders: Orders) -> Any:
    """What flows to places, if `g` flows to what was read there of `a`."""
    if is_half(g):
        return in_single(_to_grid, g, a.astype("f"), b.astype("f"), mode, padding, corners, orders)
    if mode == "nearest":  # there is no slope, though as in torch it hangs together with `g`
        flow = g.sum(axis=1)
        return whole_of(keep(flow, like(np.zeros(flow.shape, bool), g)), tuple(b.shape), (..., 0))
    total: Any = None
    for i in range(len(orders)):
        derived = tuple([k + (i == j) for j, k in enumerate(orders)])
        flow = (g * sampled(a, b, mode, padding, corners, derived)).sum(axis=1)
        part = whole_of(flow, tuple(b.shape), (..., len(orders) - 1 - i))
        total = part if total is None else total + part
    return total


sampled: Op = op(
    "GridSampler2DBackward0",
    _sampled,
    a=lambda g, a, b, mode, padding, corners, orders: brought_to(
        g, b, tuple(a.shape), mode, padding, corners, orders
    ),  # as torch does, each gradient saves both
    b=lambda g, a, b, mode, padding, corners, orders: _to_grid(g, a, b, mode, padding, corners, orders),
)
sampled_in_3d = sampled.named("GridSampler3DBackward0")
brought_to: Op = op(
    "GridSampler2DBackwardBackward0",
    _brought_to,
    a=lambda g, b, mode, padding, corners, orders: sampled(g, b, mode, padding, corners, orders),
    b=lambda g, a, b, mode, padding, corners, orders: _to_grid(a, g, b, mode, padding, corners, orders),
)


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Images (N, C, H, W) read at the places in `grid` (N, rows, columns, 2): (N, C, rows, columns); volumes likewise.

    A place is x, y (and z), in which -1 and 1 are the ends of the image.
    mode  'bilinear', 'nearest' or, of images only, 'bicubic'
    padding_mode  what lies outside: 'zeros', the nearest element ('border'), or the image mirrored ('reflection')
    align_corners  whether the ends are the middles of the outermost elements, not their outer edges
    Raises ValueError or RuntimeError for arguments that do not go together.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if align_corners is None:
        _warn_of_corners()
    a = tensor_argument(input, "grid_sampler")._array
    b = tensor_argument(grid, "grid_sampler", "grid", 2)._array
    corners = _checked_corners("grid_sampler", 5, align_corners)
    _check_grid(a, b, mode)
    messages.check_scalar_types(a, b)
    if input.dtype.kind != dtypes.FLOATING:
        kernel = "grid_sampler_2d_cpu_kernel_impl" if a.ndim == 4 else "grid_sampler3d_cpu"
        raise NotImplementedError(messages.not_implemented(kernel, input.dtype))
    read = sampled if a.ndim == 4 else sampled_in_3d
    return read.call(input, grid, mode, padding_mode, corners, (0,) * (a.ndim - 2))


def _warn_of_corners() -> None:
    warn(
        "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
        "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
    )


def _checked_corners(function: str, position: int, align_corners: bool | None) -> bool:
    if not (align_corners is None or isinstance(align_corners, bool)):
        raise wrong_flag(function, f"'align_corners' (position {position})", align_corners)
    return bool(align_corners)


def _check_grid(a: Array, b: Array, mode: str) -> None:
    given = f"but got input with sizes {list(a.shape)} and grid with sizes {list(b.shape)}"
    if a.shape[:1] != b.shape[:1]:
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, {given}")
    if b.shape[-1] != a.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {a.ndim - 2} in last dimension, but got grid with sizes "
            f"{list(b.shape)}"
        )
    for i, n in enumerate(a.shape[2:], 2):
        if not n:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{list(a.shape)} with dimension {i} being empty"
            )
    if a.ndim not in (4, 5) or a.ndim != b.ndim:
        n = 4 if a.ndim == 4 else 5
        raise RuntimeError(f"grid_sampler(): expected {n}D input and grid with same number of dimensions, {given}")
    if mode == "bicubic" and a.ndim == 5:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


# Grids of places


def _base(sizes: Sizes, d: np.dtype[Any], corners: bool) -> Array:
    """All the places of an image, and a 1 after each: (places, dimensions + 1)."""
    found = np.ones((*sizes, len(sizes) + 1), d)
    for i, n in enumerate(sizes):
        steps = evenly_between(d.type(-1), d.type(1), n) if n > 1 else np.zeros(1, d)
        steps = steps if corners else steps * d.type(n - 1) / d.type(n)
        found[..., -2 - i] = steps.reshape((-1, *(1,) * (len(sizes) - 1 - i)))
    return found.reshape((-1, len(sizes) + 1))


def _mapped(a: Array, sizes: Sizes, corners: bool) -> Array:
    if a.dtype.char == "e":
        return np.matmul(_base(sizes, a.dtype, corners), a.mT, dtype="f").astype("e").reshape((len(a), *sizes, -1))
    return (_base(sizes, a.dtype, corners) @ a.mT).reshape((len(a), *sizes, a.shape[1]))


def _brought_to_map(a: Array, corners: bool) -> Array:
    sizes = a.shape[1:-1]
    rows = a.reshape((len(a), math.prod(sizes), len(sizes)))
    if a.dtype.char == "e":
        return np.matmul(rows.mT, _base(sizes, a.dtype, corners), dtype="f").astype("e")
    return rows.mT @ _base(sizes, a.dtype, corners)


mapped: Op = op(
    "AffineGridGeneratorBackward0",
    _mapped,
    a=lambda g, corners: brought_to_map(g, corners),
)
brought_to_map: Op = op(
    "AffineGridGeneratorBackwardBackward0",
    _brought_to_map,
    a=lambda g, a_shape, corners: mapped(g, tuple(a_shape[1:-1]), corners),
)


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """Where affine maps `theta` (N, 2, 3) lead the places of images of `size` (N, C, H, W): (N, H, W, 2), x and y.

    Volumes have maps (N, 3, 4), a `size` of five and grids (N, D, H, W, 3). `align_corners` is as in `grid_sample`.
    Raises ValueError, NotImplementedError or RuntimeError for arguments that do not go together.
    """
    if align_corners is None:
        _warn_of_corners()
    if not tensor_argument(theta, "affine_grid", "theta").is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    n = len(size) - 2
    if n not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size "
            f"{size}."
        )
    if theta.ndim != 3 or theta.shape[1:] != (n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {size}. Got {theta.shape}."
        )
    if align_corners and min(size[2:]) == 1:
        warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This "
            "is not an intended use case of affine_grid. See the documentation of affine_grid for details."
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    if isinstance(size, Tensor):
        raise wrong_type("affine_grid_generator", "size", 2, "tuple of ints", size)
    sizes = lengths("affine_grid_generator", "size", (), size)
    corners = _checked_corners("affine_grid_generator", 3, align_corners)
    if sizes[0] != len(theta):
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{sizes[0]}, {n + 1}] but got: "
            f"[{len(theta)}, {n + 1}]."
        )
    return mapped.call(theta, tuple(sizes[2:]), corners)
