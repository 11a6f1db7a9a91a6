"""Elements picked along dimensions, each any number of times, and mixed: borders and other resolutions are made so.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..flags import check_flags
from ..tensor import Tensor
from ..warning import warn
from .convert import laid_out_as
from .half import in_single
from .names import tensor_argument
from .options import integer
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Mixture = tuple[tuple[Array, Array | None], ...]  # indices along a dimension, and weights: the products are added up
Taps = tuple[tuple[int, Mixture], ...]  # for some dimensions, in this order


def resample(a: Array, taps: Taps) -> Array:
    """The mixtures of elements of `a` that `taps` tell of."""
    for dim, mixture in taps:
        parts = [_weighted(a.take(index, dim), weight, dim) for index, weight in mixture]
        a = sum(parts[1:], parts[0])
    return np.ascontiguousarray(a)


def _weighted(a: Array, weight: Array | None, dim: int) -> Array:
    return a if weight is None else a * weight.astype(a.dtype).reshape((-1, *(1,) * (a.ndim - 1 - dim)))


def collect(a: Array, shape: tuple[int, ...], taps: Taps) -> Array:
    """The adjoint: what flows to the elements, of `shape`, that were mixed."""
    for dim, mixture in reversed(taps):
        total = np.zeros((*a.shape[:dim], shape[dim], *a.shape[dim + 1 :]), a.dtype)
        for index, weight in mixture:
            add_along(total, _weighted(a, weight, dim), index, dim)
        a = total
    return a


def add_along(total: Array, a: Array, index: Array, dim: int) -> None:
    """Add what was picked by `index`, which may name a place several times, to these places of `total`."""
    order = np.argsort(index, kind="stable")
    there = index[order]
    firsts = np.flatnonzero(np.diff(there, prepend=-1))
    if a.size:
        places: Any = (*(slice(None),) * dim, there[firsts])
        total[places] += np.add.reduceat(a.take(order, dim), firsts, axis=dim)


# Which elements an output element is made of, along one dimension: input size, output size, scale given or None


def _ratio(size: int, count: int, scale: float | None) -> Any:
    return np.float32(1 / scale if scale else size / count)


def _nearest(size: int, count: int, scale: float | None, of_image: bool) -> Mixture:
    if of_image and count in (size, 2 * size):
        scale = None  # whatever it is, torch copies, or doubles, each element of an image
    at = np.floor(np.arange(count, dtype=np.float32) * _ratio(size, count, scale)).astype(np.int64)
    return ((np.minimum(at, size - 1), None),)


def _nearest_exact(size: int, count: int, scale: float | None) -> Mixture:
    middles = np.arange(count, dtype=np.float32) + np.float32(0.5)
    return ((np.minimum((middles * _ratio(size, count, scale)).astype(np.int64), size - 1), None),)


def _places(size: int, count: int, scale: float | None, corners: bool) -> Array:
    """Where the output elements lie in the input, in elements; `corners`: whether the outermost are in one place."""
    if corners:
        return np.arange(count) * ((size - 1) / (count - 1) if count > 1 else 0.0)
    return (np.arange(count) + 0.5) * (1 / scale if scale else size / count) - 0.5


def _linear(size: int, count: int, scale: float | None, corners: bool) -> Mixture:
    if count == size:
        scale = None  # whatever it is, torch copies
    place = np.maximum(_places(size, count, scale, corners), 0)
    low = np.minimum(place.astype(np.int64), size - 1)
    share = np.clip(place - low, 0, 1)
    return ((low, 1 - share), (np.minimum(low + 1, size - 1), share))


def _cubic(size: int, count: int, scale: float | None, corners: bool) -> Mixture:
    """Keys' cubic convolution with a = -0.75, as OpenCV and torch have it."""
    place = _places(size, count, scale, corners)
    low = np.floor(place)
    found = []
    for k in (-1, 0, 1, 2):
        x = np.abs(place - low - k)
        weight = np.where(x <= 1, (1.25 * x - 2.25) * x * x + 1, ((-0.75 * x + 3.75) * x - 6) * x + 3)
        found.append((np.clip(low + k, 0, size - 1).astype(np.int64), weight))
    return tuple(found)


def _resolution_taps(shape: tuple[int, ...], sizes: tuple[int, ...], scales: Any, mode: str, corners: bool) -> Taps:
    """The mixtures that give (N, C, *sizes)."""
    found: list[tuple[int, Mixture]] = []
    for i in reversed(range(len(sizes))):
        numbers = (shape[i + 2], sizes[i], scales[i])
        if mode == "nearest":
            found.append((i + 2, _nearest(*numbers, len(sizes) == 2)))
        elif mode == "nearest-exact":
            found.append((i + 2, _nearest_exact(*numbers)))
        else:
            found.append((i + 2, _cubic(*numbers, corners) if mode == "bicubic" else _linear(*numbers, corners)))
    return tuple(found)


def _resampled(a: Array, sizes: tuple[int, ...], scales: Any, mode: str, corners: bool) -> Array:
    if a.dtype.char == "e":
        return in_single(_resampled, a, sizes, scales, mode, corners)
    return resample(a, _resolution_taps(a.shape, sizes, scales, mode, corners))


def _brought_back(
    a: Array, shape: tuple[int, ...], sizes: tuple[int, ...], scales: Any, mode: str, corners: bool
) -> Array:
    if a.dtype.char == "e":
        return in_single(_brought_back, a, shape, sizes, scales, mode, corners)
    return collect(a, shape, _resolution_taps(shape, sizes, scales, mode, corners))


resampled: Op = op(
    "UpsampleNearest2DBackward0",
    _resampled,
    a=lambda g, a_shape, sizes, scales, mode, corners: brought_back(g, tuple(a_shape), sizes, scales, mode, corners),
)
brought_back: Op = op(
    "UpsampleNearest2DBackwardBackward0",
    _brought_back,
    a=lambda g, sizes, scales, mode, corners: resampled(g, sizes, scales, mode, corners),
)
_MODES = {
    **{("nearest", n): f"UpsampleNearest{n}D" for n in (1, 2, 3)},
    **{("nearest-exact", n): f"UpsampleNearestExact{n}D" for n in (1, 2, 3)},
    ("linear", 1): "UpsampleLinear1D",
    ("bilinear", 2): "UpsampleBilinear2D",
    ("trilinear", 3): "UpsampleTrilinear3D",
    ("bicubic", 2): "UpsampleBicubic2D",
}
_NEEDED = {"linear": 3, "bilinear": 4, "trilinear": 5}


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Tensor:
    """`input` (N, C, *sizes) in another resolution: of `size`, or `scale_factor` times as large.

    mode  'nearest', 'nearest-exact', 'linear' (of one dimension), 'bilinear', 'bicubic' (of two), 'trilinear' (of
          three), or 'area' for means
    align_corners  whether the outermost elements stay in their places, in the modes that mix elements
    Raises ValueError or NotImplementedError for arguments that do not go together.
    """
    shape = tensor_argument(input, "interpolate")._array.shape
    n = len(shape) - 2
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if align_corners is not None:
        check_flags("interpolate", align_corners=align_corners)
    if recompute_scale_factor and size is not None and scale_factor is None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    sizes, scales = _resolution(shape, size, scale_factor, mode == "area" or bool(recompute_scale_factor))
    if mode == "area" and n in (1, 2):
        from .pooling import adaptive_avg_pool1d, adaptive_avg_pool2d

        return adaptive_avg_pool1d(input, sizes) if n == 1 else adaptive_avg_pool2d(input, sizes)
    if (mode, n) not in _MODES:
        raise NotImplementedError(_no_such_mode(mode, n))
    if min(sizes) < 1 or min(shape[2:]) < 1:
        letters = "DHW"[-n:]
        before, after = (", ".join(f"{c}: {k}" for c, k in zip(letters, s, strict=True)) for s in (shape[2:], sizes))
        link = "and output" if n == 1 else "output"
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({before}) {link} ({after})"
        )
    if not shape[1]:
        raise RuntimeError(f"Non-empty {n + 2}D data tensor expected but got a tensor with sizes {list(shape)}")
    name = _MODES[mode, n]
    if input.dtype.kind != dtypes.FLOATING and not (input.dtype is dtypes.uint8 and mode.startswith("nearest")):
        kind = "nearest" if mode.startswith("nearest") else "cubic" if mode == "bicubic" else "linear"
        kernel = f"compute_indices_weights_{kind}"
        if n == 2 and kind != "cubic":  # as torch's kernel of images is called, however they lie
            kernel = f"upsample_{mode.removesuffix('-exact')}2d_channels_last"
        raise NotImplementedError(messages.not_implemented(kernel, input.dtype))
    made = resampled.named(f"{name}Backward0")
    return laid_out_as(input, made.call(input, sizes, scales, mode, bool(align_corners)))


def _resolution(
    shape: tuple[int, ...], size: Any, scale_factor: Any, recomputed: bool
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The output's sizes, and the scales that places are computed with where they are not the sizes' own."""
    n = len(shape) - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None:
        if isinstance(size, (tuple, list)) and len(size) != n:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(shape[2:])} and output size of {size}. Please provide input tensor in (N, C, d1, "
                "d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        sizes = size if isinstance(size, (tuple, list)) else [size] * n
        if not all(isinstance(k, (int, np.integer)) for k in sizes):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got size "
                f"with types {[type(k) for k in sizes]}"
            )
        return tuple([int(k) for k in sizes]), (None,) * n
    if isinstance(scale_factor, (tuple, list)) and len(scale_factor) != n:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {list(shape[2:])} and scale_factor of shape {scale_factor}. Please provide input tensor in "
            "(N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
        )
    given = scale_factor if isinstance(scale_factor, (tuple, list)) else [scale_factor] * n
    if not all(isinstance(s, (int, float, np.number)) for s in given):
        raise TypeError(f"scale_factor must be a number, or one for each dimension, not {scale_factor!r}")
    scales = tuple([float(s) for s in given])
    sizes = tuple([math.floor(k * s) for k, s in zip(shape[2:], scales, strict=True)])
    return sizes, (None,) * n if recomputed else scales


def _no_such_mode(mode: str, n: int) -> str:
    if mode in _NEEDED and n in (1, 2, 3):
        return f"Got {n + 2}D input, but {mode} mode needs {_NEEDED[mode]}D input"
    return (
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {n + 2}D) for the modes: nearest | linear | "
        f"bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
    )


# Channels as places


def _to_places(a: Array, factor: int) -> Array:
    *batch, channels, height, width = a.shape
    parts = a.reshape((math.prod(batch), channels // factor**2, factor, factor, height, width)).transpose(
        (0, 1, 4, 2, 5, 3)
    )
    return np.array(parts, order="C").reshape((*batch, channels // factor**2, height * factor, width * factor))


def _to_channels(a: Array, factor: int) -> Array:
    *batch, channels, height, width = a.shape
    parts = a.reshape((math.prod(batch), channels, height // factor, factor, width // factor, factor)).transpose(
        (0, 1, 3, 5, 2, 4)
    )
    return np.array(parts, order="C").reshape((*batch, channels * factor**2, height // factor, width // factor))


to_places: Op = op("PixelShuffleBackward0", _to_places, a=lambda g, factor: to_channels(g, factor))
to_channels: Op = op("PixelUnshuffleBackward0", _to_channels, a=lambda g, factor: to_places(g, factor))


def _shuffled(a: Array, groups: int) -> Array:
    if not a.size:
        return a.copy()
    turned = a.reshape((len(a), groups, -1, math.prod(a.shape[2:]))).swapaxes(1, 2)
    return np.array(turned, order="C").reshape(a.shape)  # one group, or one channel in each, is a copy too


shuffled: Op = op(
    "ChannelShuffleBackward0",
    _shuffled,
    a=lambda g, groups: shuffled(g, g.shape[1] // groups),
)


def _check_image(function: str, input: Tensor, name: str, factor: int) -> None:
    if tensor_argument(input, function).ndim < 3:
        raise RuntimeError(
            f"{function} expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if factor <= 0:
        raise RuntimeError(f"{function} expects a positive {name}, but got {factor}")


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels laid out as pixels: (..., C * r * r, H, W) as (..., C, H * r, W * r), with r = `upscale_factor`."""
    _check_image("pixel_shuffle", input, "upscale_factor", upscale_factor)
    if input.shape[-3] % upscale_factor**2:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={input.shape[-3]} is not divisible by {upscale_factor**2}"
        )
    return laid_out_as(input, to_places.call(input, upscale_factor))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Pixels laid out as channels: (..., C, H * r, W * r) as (..., C * r * r, H, W), with r = `downscale_factor`."""
    _check_image("pixel_unshuffle", input, "downscale_factor", downscale_factor)
    for name, size in (("height", input.shape[-2]), ("width", input.shape[-1])):
        if size % downscale_factor:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but "
                f"input.size({-2 if name == 'height' else -1})={size} is not divisible by {downscale_factor}"
            )
    return laid_out_as(input, to_channels.call(input, downscale_factor))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of (N, C, ...), `groups` runs of them, in turns: the first of each run, the second of each, ..."""
    shape = list(tensor_argument(input, "channel_shuffle").shape)
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {shape}")
    groups = integer("channel_shuffle", "groups", 2, groups)
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    if shape[1] % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {shape[1]} channels and {groups} groups."
        )
    return laid_out_as(input, shuffled.call(input, groups))


# Older names of torch's for `interpolate`, which warn


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`interpolate`, by its older name."""
    _warn_of_old_name("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with the nearest elements."""
    _warn_of_old_name("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` along straight lines from corner to corner."""
    _warn_of_old_name("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def _warn_of_old_name(name: str) -> None:
    warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.")
