"""Convolutions, in one, two or three dimensions: windows laid out as columns, and one product of matrices.

A convolution is linear in the input and in the weight, so it has two adjoints: one gives the gradient of the input (and
is the transposed convolution), one that of the weight. The derivatives of each of the three are the other two.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html and
https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from ..warning import warn
from .convert import invalid_combination, laid_out_as
from .half import in_single
from .inplace import as_view
from .padding import padded
from .shape import insert_axis, remove_axes
from .table import Op, op
from .windows import Sizes, Windows, add_up, counts_of, lay_out, several

INTERNAL = True
Array = np.ndarray[Any, Any]
MOST = 2**19  # elements of the columns that are made at a time: few enough to stay near the processor


def _parts(examples: int, windows: Windows, channels: int, counts: Sizes) -> Iterator[slice]:
    """As many examples at a time as the columns have room for."""
    size = channels * math.prod(windows[0]) * math.prod(counts)
    step = max(1, MOST // max(size, 1))
    return (slice(start, start + step) for start in range(0, examples, step))


def _columns(a: Array, windows: Windows, groups: int, counts: Sizes) -> Array:
    """(N, C, *sizes) as matrices (N, groups, elements of a window in a group, windows)."""
    rows = a.shape[1] // groups * math.prod(windows[0])
    return lay_out(a, windows, counts).reshape((len(a), groups, rows, math.prod(counts)))


def _grouped(a: Array, groups: int) -> Array:
    """(N, channels, *sizes) as matrices (N, groups, channels of a group, all sizes)."""
    return a.reshape((len(a), groups, a.shape[1] // groups, math.prod(a.shape[2:])))


def _matrices(b: Array, groups: int) -> Array:
    """The weight as a matrix for each group: a row for each output channel."""
    return b.reshape((groups, b.shape[0] // groups, math.prod(b.shape[1:])))


def _convolve(a: Array, b: Array, windows: Windows, groups: int, counts: Sizes) -> Array:
    """(N, C, *sizes) with (O, C / groups, *kernel): (N, O, *counts); where more windows would fit, the first ones."""
    if a.dtype.char == "e":
        return in_single(_convolve, a, b.astype(np.float32), windows, groups, counts)
    out = np.empty((len(a), b.shape[0], *counts), a.dtype)
    matrices, rows = _matrices(b, groups), _grouped(out, groups)
    for part in _parts(len(a), windows, a.shape[1], counts):
        np.matmul(matrices, _columns(a[part], windows, groups, counts), out=rows[part])
    return out


def _to_input(a: Array, b: Array, windows: Windows, groups: int, sizes: Sizes) -> Array:
    """(N, O, *counts) with (O, C / groups, *kernel): (N, C, *sizes)."""
    if a.dtype.char == "e":
        return in_single(_to_input, a, b.astype(np.float32), windows, groups, sizes)
    counts, channels = a.shape[2:], groups * b.shape[1]
    out = np.empty((len(a), channels, *sizes), a.dtype)
    matrices, rows = _matrices(b, groups).swapaxes(1, 2), _grouped(a, groups)
    for part in _parts(len(a), windows, channels, counts):
        columns = np.matmul(matrices, rows[part])
        out[part] = add_up(columns.reshape((-1, channels, *windows[0], *counts)), windows, sizes)
    return out


def _to_weight(a: Array, b: Array, windows: Windows, groups: int) -> Array:
    """(N, O, *counts) with (N, C, *sizes): (O, C / groups, *kernel)."""
    if a.dtype.char == "e":
        return in_single(_to_weight, a, b.astype(np.float32), windows, groups)
    counts, channels = a.shape[2:], b.shape[1] // groups
    total = np.zeros((groups, a.shape[1] // groups, channels * math.prod(windows[0])), a.dtype)
    rows = _grouped(a, groups)
    for part in _parts(len(a), windows, b.shape[1], counts):
        columns = _columns(b[part], windows, groups, counts)
        for one, its_columns in zip(rows[part], columns, strict=True):
            total += np.matmul(one, its_columns.swapaxes(1, 2))
    return total.reshape((a.shape[1], channels, *windows[0]))


def _with_bias(out: Array, bias: Array) -> Array:
    out += bias.reshape((-1, *(1,) * (out.ndim - 2)))
    return out


def _of_bias(g: Any) -> Any:
    return g.sum(axis=(0, *range(2, g.ndim)))


# As torch does, all save both input and weight, whichever gradient is wanted.
convolved: Op = op(
    "ConvolutionBackward0",
    _convolve,
    a=lambda g, a, b, windows, groups: to_input(g, b, windows, groups, tuple(a.shape[2:])),
    b=lambda g, a, b, windows, groups: to_weight(g, a, windows, groups),
)
convolved_with_bias = op(
    "ConvolutionBackward0",
    lambda a, b, c, windows, groups, counts: _with_bias(_convolve(a, b, windows, groups, counts), c),
    a=lambda g, a, b, windows, groups: to_input(g, b, windows, groups, tuple(a.shape[2:])),
    b=lambda g, a, b, windows, groups: to_weight(g, a, windows, groups),
    c=lambda g, a, b: _of_bias(g),
)
to_input: Op = op(
    "ConvolutionBackwardBackward0",
    _to_input,
    a=lambda g, a, b, windows, groups: convolved(g, b, windows, groups, tuple(a.shape[2:])),
    b=lambda g, a, b, windows, groups: to_weight(a, g, windows, groups),
)
to_weight: Op = op(
    "ConvolutionBackwardBackward0",
    _to_weight,
    a=lambda g, a_shape, b, windows, groups: convolved(b, g, windows, groups, tuple(a_shape[2:])),
    b=lambda g, a, b_shape, windows, groups: to_input(a, g, windows, groups, tuple(b_shape[2:])),
)
transposed = to_input.named("ConvolutionBackward0")
transposed_with_bias = op(
    "ConvolutionBackward0",
    lambda a, b, c, windows, groups, sizes: _with_bias(_to_input(a, b, windows, groups, sizes), c),
    a=lambda g, a, b, windows, groups: convolved(g, b, windows, groups, tuple(a.shape[2:])),
    b=lambda g, a, b, windows, groups: to_weight(a, g, windows, groups),
    c=lambda g, a, b: _of_bias(g),
)

# Arguments


def _per_dim(name: str, value: Any, n: int, function: str) -> Sizes:
    """A number for each dimension; torch's error for another number of them."""
    sizes = several(function, name, 4, value)
    if len(sizes) not in (1, n):
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {n} values to match the convolution "
            f"dimensions, but got {name}={list(sizes)}"
        )
    return sizes * n if len(sizes) == 1 else sizes


def _check_operands(function: str, n: int, input: Any, weight: Any, bias: Any) -> None:
    if not (isinstance(input, Tensor) and isinstance(weight, Tensor) and isinstance(bias, (Tensor, type(None)))):
        given = (input, weight) if bias is None else (input, weight, bias)
        start = "Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1"
        end = "tuple of ints dilation = 1, int groups = 1)"
        raise invalid_combination(
            function,
            given,
            {},
            f"({start}, tuple of ints padding = 0, {end}",
            f'({start}, str padding = "valid", {end}',
        )
    if weight.ndim < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {function}, but got input of size: "
            f"{list(input.shape)}"
        )


def _check_numbers(windows: Windows, groups: int) -> None:
    if min(windows[2]) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(windows[1]) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(windows[3]) <= 0:
        raise RuntimeError("non-positive dilation is not supported")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")


def _of_last_dimension(input: Tensor, wanted: int) -> str:
    if input.shape[-1] != wanted:
        return ""
    order = ", ".join(map(str, (0, input.ndim - 1, *range(1, input.ndim - 1))))
    return f"\n  Channels come right after the batch, and here they seem to be last: x.permute({order})."


def _check_fit(input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, transposed: bool) -> None:
    """Raise torch's RuntimeError where channels, or the size of the bias, do not fit."""
    shape, channels = list(weight.shape), input.shape[1]
    given = "transposed=1" if transposed else f"groups={groups}"
    if shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{shape} instead"
        )
    if shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size [{shape}] instead"
        )
    wanted = shape[0] if transposed else shape[1] * groups
    if channels != wanted:
        raise RuntimeError(
            f"Given {given}, weight of size {shape}, expected input{list(input.shape)} to have {wanted} channels, but "
            f"got {channels} channels instead{_of_last_dimension(input, wanted)}"
        )
    count = shape[1] * groups if transposed else shape[0]
    if bias is not None and tuple(bias.shape) != (count,):
        raise RuntimeError(
            f"Given {'transposed=1, ' if transposed else ''}weight of size {shape}, expected bias to be 1-dimensional "
            f"with {count} elements, but got bias of size {list(bias.shape)} instead"
        )


def _check_some_places(x: Tensor, n: int) -> None:
    """Raise torch's RuntimeError where examples have channels, but these no elements."""
    if not x.numel() and x.shape[0] and x.shape[1]:
        shape = [*x.shape[:2], *(1,) * (n == 1), *x.shape[2:]]  # as torch computes it
        raise RuntimeError(f"Only zero batch or zero channel inputs are supported, but got input shape: {shape}")


def _check_dtypes(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if bias is not None and bias.dtype is not input.dtype:
        kinds = [messages.C_NAMES[t.dtype.name] for t in (input, bias)]
        raise RuntimeError(f"Input type ({kinds[0]}) and bias type ({kinds[1]}) should be the same")
    if input.dtype is not weight.dtype:
        kinds = [f"torch.{messages.TYPE_NAMES[t.dtype.name]}Tensor" for t in (input, weight)]
        raise RuntimeError(
            f"Input type ({kinds[0]}) and weight type ({kinds[1]}) should be the same or input should be a MKLDNN "
            f"tensor and weight is a dense tensor\n  Convert one of them: x.to({weight.dtype})."
        )


def _batch(input: Tensor, n: int) -> Tensor:
    return input if input.ndim == n + 2 else as_view(insert_axis, input, 0)


def _unbatch(result: Tensor, input: Tensor) -> Tensor:
    squeezed = remove_axes.named("SqueezeBackward1")
    return result if input.ndim == result.ndim else as_view(squeezed, result, (0,))


def _laid_out(x: Tensor, weight: Tensor, groups: int, made: Tensor) -> Tensor:
    """`made`, its channels last where torch makes it so.

    It does where those of the input or of the weight are; for volumes only where oneDNN computes it: in single
    precision, and if there is more than one small example in one group (`ConvParams::use_mkldnn`).
    """
    if x.ndim == 5:
        small = x.shape[0] == groups == 1 and min(weight.shape[-2:]) <= 3 and math.prod(x.shape[:4]) <= 20480
        if small or x.dtype is not dtypes.float32:
            return made
    return laid_out_as(weight, laid_out_as(x, made))


# torch's names for them


def _convolution(
    n: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    function = f"conv{n}d"
    _check_operands(function, n, input, weight, bias)
    x = _batch(input, n)
    kernel, dilations = tuple(weight.shape[2:]), _per_dim("dilation", dilation, weight.ndim - 2, function)
    strides = _per_dim("stride", stride, weight.ndim - 2, function)
    if isinstance(padding, str):
        if x.ndim != weight.ndim:
            raise RuntimeError(
                f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight{list(weight.shape)}, "
                f"but got {x.ndim}-dimensional input of size {list(x.shape)} instead"
            )
        x, pads = _padded_for(padding, x, kernel, strides, dilations)
    else:
        pads = _per_dim("padding", padding, weight.ndim - 2, function)
    windows = (kernel, strides, pads, dilations)
    _check_numbers(windows, groups)
    if x.ndim != weight.ndim:
        raise RuntimeError(
            f"expected stride to be a single integer value or a list of {weight.ndim - 2} values to match the "
            f"convolution dimensions, but got stride={[strides[0]] * n}"
        )
    _check_fit(x, weight, bias, groups, transposed=False)
    counts = counts_of(windows, x.shape[2:])
    if min(counts) < 1:
        inside = [size + 2 * p for size, p in zip(x.shape[2:], pads, strict=True)]
        spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, inside))}). Kernel size: "
            f"({' x '.join(map(str, spans))}). Kernel size can't be greater than actual input size"
        )
    _check_some_places(x, n)
    if 0 in kernel:
        raise RuntimeError(
            f"a convolution needs a kernel of at least one element, but got weight of size {list(weight.shape)}"
        )
    _check_dtypes(x, weight, bias)
    if bias is None:
        found = convolved.call(x, weight, windows, groups, counts)
    else:
        found = convolved_with_bias.call(x, weight, bias, windows, groups, counts)
    if not x.shape[1]:  # in torch, what has no channels gets none
        found = found[:, :0]
    return _unbatch(_laid_out(x, weight, groups, found), input)


def _padded_for(padding: str, x: Tensor, kernel: Sizes, strides: Sizes, dilations: Sizes) -> tuple[Tensor, Sizes]:
    """What 'valid' and 'same' mean: the padding, and the input, which is padded here where one side needs more."""
    if padding == "valid":
        return x, (0,) * len(kernel)
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in strides):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
    if any(total % 2 for total in totals):
        warn(
            "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy of the "
            "input be created"
        )
        x = laid_out_as(x, padded.call(x, ((0, 0), (0, 0), *[(0, total % 2) for total in totals]), 0))
    return x, tuple([total // 2 for total in totals])


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Slide `weight` (O, C / groups, K) over `input` (N, C, L), or (C, L): (N, O, L'), or (O, L').

    `padding` is a number, or 'valid' for none, or 'same' for an output as long as the input. RuntimeError where sizes
    do not fit.
    """
    return _convolution(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Slide `weight` (O, C / groups, KH, KW) over `input` (N, C, H, W), or (C, H, W): (N, O, H', W'), or (O, H', W').

    Numbers are for both dimensions, or are pairs; `padding` may be 'valid' for none, or 'same' for an output as large
    as the input. RuntimeError where sizes do not fit.
    """
    return _convolution(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """`conv2d` for volumes: `weight` (O, C / groups, KD, KH, KW) over `input` (N, C, D, H, W), or (C, D, H, W)."""
    return _convolution(3, input, weight, bias, stride, padding, dilation, groups)


def _transposed_convolution(
    n: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    function = f"conv_transpose{n}d"
    _check_operands(function, n, input, weight, bias)
    x = _batch(input, n)
    strides, pads = _per_dim("stride", stride, n, function), _per_dim("padding", padding, n, function)
    windows = (tuple(weight.shape[2:]), strides, pads, _per_dim("dilation", dilation, n, function))
    extra = _per_dim("output_padding", output_padding, n, function)
    _check_numbers(windows, groups)
    _check_fit(x, weight, bias, groups, transposed=True)
    if any(e >= max(s, d) for e, s, d in zip(extra, windows[1], windows[3], strict=True)):
        raise RuntimeError(_large_output_padding(extra, windows))
    sizes = tuple(
        [
            (size - 1) * s - 2 * p + d * (k - 1) + 1 + e
            for size, k, s, p, d, e in zip(x.shape[2:], *windows, extra, strict=True)
        ]
    )
    _check_some_places(x, n)
    if min(sizes) < 1:
        as_plane = (1,) * (n == 1)  # as torch computes it
        given, found = (f"({' x '.join(map(str, (*as_plane, *size)))})" for size in (x.shape[2:], sizes))
        raise RuntimeError(
            f"Given input size per channel: {given}. Calculated output size per channel: {found}. Output size is too "
            "small"
        )
    _check_dtypes(x, weight, bias)
    if bias is None:
        made = transposed.call(x, weight, windows, groups, sizes)
    else:
        made = transposed_with_bias.call(x, weight, bias, windows, groups, sizes)
    return _unbatch(_laid_out(x, weight, groups, made), input)


def _large_output_padding(extra: Sizes, windows: Windows) -> str:
    axes = ("depth", "height", "width") if len(extra) == 3 else ("height", "width")
    shown = [
        f"{name}_{axis}: {value}"
        for name, values in (("output_padding", extra), ("stride", windows[1]), ("dilation", windows[3]))
        for axis, value in zip(axes, values if len(values) > 1 else (values[0], values[0]), strict=True)
    ]
    return f"output padding must be smaller than either stride or dilation, but got {' '.join(shown)}"


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """What `conv1d` with `weight` (C, O / groups, K) brings back to its input: (N, C, L), or (C, L), to (N, O, L').

    L' is (L - 1) * stride - 2 * padding + dilation * (K - 1) + output_padding + 1.
    """
    return _transposed_convolution(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """What `conv2d` with `weight` (C, O / groups, KH, KW) brings back to its input: (N, C, H, W) to (N, O, H', W').

    H' is (H - 1) * stride - 2 * padding + dilation * (KH - 1) + output_padding + 1, and W' likewise.
    """
    return _transposed_convolution(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """`conv_transpose2d` for volumes: `weight` (C, O / groups, KD, KH, KW), `input` (N, C, D, H, W)."""
    return _transposed_convolution(3, input, weight, bias, stride, padding, output_padding, groups, dilation)
