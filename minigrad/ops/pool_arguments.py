"""What pools are called with: windows and output sizes, and torch's errors for what cannot be."""

from __future__ import annotations

from typing import Any

from .. import dtypes, messages
from ..layout import looks_channels_last
from ..tensor import Tensor
from .options import as_int
from .windows import Sizes, Windows, several

INTERNAL = True
Pool = tuple[Sizes, Windows | None]  # how many windows there are, and which; None: as many as share out the input
ONE_INT = "argument '{}' should contain one int (got {})"

_FORMS = {
    "kernel_size": "must either be a single int, or a tuple of {} ints",
    "stride": "must either be omitted, a single int, or a tuple of {} ints",
    "padding": "must either be a single int, or a tuple of {} ints",
    "dilation": "must be either a single int, or a tuple of {} ints",
}


def _sizes(function: str, name: str, position: int, value: Any, n: int) -> Sizes:
    sizes = several(function, name, position, value)
    if len(sizes) not in (1, n):
        form = _FORMS[name].format({2: "two", 3: "three"}[n])
        raise RuntimeError(f"{function}: {name} {form if function != 'avg_pool3d' else form.replace('either ', '')}")
    return sizes * n if len(sizes) == 1 else sizes


def is_default(stride: Any) -> bool:
    """Whether no stride is given, so that it is the size of the kernel."""
    return stride is None or (isinstance(stride, (tuple, list)) and not stride)


def window_count(size: int, k: int, s: int, p: int, d: int, ceil_mode: bool) -> int:
    """How many windows there are in one dimension; with `ceil_mode`, also one that reaches over the end."""
    count = (size + 2 * p - d * (k - 1) - 1 + (s - 1 if ceil_mode else 0)) // s + 1
    return count - 1 if ceil_mode and (count - 1) * s >= size + p else count  # the last must start before the end


def pool_of(
    function: str, shape: Sizes, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, n: int = 2
) -> Pool:
    """The windows of `n` dimensions that arguments ask for; torch's errors for what cannot be."""
    kernel = _sizes(function, "kernel_size", 2, kernel_size, n)
    windows = (
        kernel,
        kernel if is_default(stride) else _sizes(function, "stride", 3, stride, n),
        _sizes(function, "padding", 4, padding, n),
        _sizes(function, "dilation", 5, dilation, n),
    )
    if n == 3 and len(shape) not in (4, 5):
        raise RuntimeError("non-empty 4D or 5D (batch mode) tensor expected for input")
    _check(function, windows, shape)
    counts = tuple([window_count(*numbers, ceil_mode) for numbers in zip(shape[-n:], *windows, strict=True)])
    if min(counts) < 1:
        before, after = ("x".join(map(str, (shape[-n - 1], *sizes))) for sizes in (shape[-n:], counts))
        raise RuntimeError(f"Given input size: ({before}). Calculated output size: ({after}). Output size is too small")
    return counts, windows


def _named(prefix: str, sizes: Sizes, order: str = "THW") -> str:
    """Sizes with the letters that torch's errors give them."""
    letters = dict(zip("THW"[-len(sizes) :], sizes, strict=True))
    return " ".join([f"{prefix}{letter}: {letters[letter]}" for letter in order if letter in letters])


def _check(function: str, windows: Windows, shape: Sizes) -> None:
    kernel, stride, padding, dilation = windows
    n = len(kernel)
    if 0 in stride:
        raise RuntimeError("stride should not be zero")
    if min(kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {_named('k', kernel)}")
    if min(stride) < 0:
        raise RuntimeError(f"stride should be greater than zero, but got {_named('d', stride)}")
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {_named('dilation', dilation)}")
    for p, k, d in zip(padding, kernel, dilation, strict=True):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and "
                f"dilation={d}"
            )
    if any(p > k // 2 for p, k in zip(padding, kernel, strict=True)):
        shown = f"padW = {padding[-1]}, padH = {padding[-2]}, kW = {kernel[-1]}, kH = {kernel[-2]}"
        if n == 3:
            shown = f"{_named('k', kernel, 'TWH')} {_named('pad', padding, 'TWH')}"
        raise RuntimeError(f"pad should be smaller than or equal to half of kernel size, but got {shown}")
    if n == 3:
        _check_volume(function, kernel, shape)
    elif len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(
            f"Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:{list(shape)}"
        )


def _check_volume(function: str, kernel: Sizes, shape: Sizes) -> None:
    if 0 in shape[-4:]:
        name = "max_pool3d_with_indices_out_cpu_template" if function == "max_pool3d" else function
        raise RuntimeError(
            f"{name}(): Expected input's non-batch dimensions to have positive length, but input has a shape of "
            f"{list(shape)} and non-batch dimension 0 has length zero!"
        )
    if function == "avg_pool3d" and any(n < k for n, k in zip(shape[-3:], kernel, strict=True)):
        raise RuntimeError(f"input image ({_named('', shape[-3:])}) smaller than kernel size ({_named('k', kernel)})")


def one_int(function: str, name: str, position: int, value: Any, text: str) -> int:
    """The one int that an argument is, or holds; RuntimeError with `text` for several."""
    sizes = several(function, name, position, value)
    if len(sizes) != 1:
        raise RuntimeError(f"{function}() {text.format(name, len(sizes))}")
    return sizes[0]


def check_sequences(function: str, input: Tensor) -> None:
    """Raise torch's RuntimeError unless `input` is (N, C, L) or (C, L)."""
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for argument #1 'self' (while "
            f"checking arguments for {function})"
        )


def output_size_of(function: str, input: Tensor, output_size: Any, n: int = 2) -> Sizes:
    """`n` sizes from one or as many, of which None is that of the input."""
    if isinstance(output_size, (tuple, list)):
        if len(output_size) >= input.ndim:
            raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
        sizes = [input.shape[i - len(output_size)] if k is None else as_int(k) for i, k in enumerate(output_size)]
    else:
        sizes = [as_int(output_size)] * n
    if len(sizes) != n:
        internal = function == "adaptive_max_pool3d"
        raise RuntimeError(
            f"{function}{'(): internal error: output_size.size()' if internal else ': output_size'} must be {n}"
        )
    if None in sizes:
        raise TypeError(f"object of type '{messages.type_name(output_size)}' has no len()")
    return tuple([k for k in sizes if k is not None])


def check_shared(function: str, input: Tensor, kernel: str, ndims: tuple[int, ...], colon: str = "") -> None:
    """Raise torch's error for what cannot be shared out; of numbers of dimensions, the second has a batch."""
    shape, n = list(input.shape), ndims[0] - 1
    if len(shape) not in ndims:
        raise RuntimeError(f"{function}(): Expected {ndims[0]}D or {ndims[1]}D tensor, but got{colon} {shape}")
    for i in range(1 if colon or len(shape) == ndims[1] or n == 3 else 0, len(shape)):
        if not shape[i] and i >= len(shape) - n - (colon != "" or n == 3):
            raise RuntimeError(
                f"{function}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{shape} with dimension {i} being empty"
            )
    if input.dtype.kind != dtypes.FLOATING:
        raise no_kernel(kernel, input)


def no_kernel(kernel: str, input: Tensor) -> NotImplementedError:
    """torch's error for a dtype that a kernel is not there for; it has another one for images with channels last."""
    images = input.ndim == 4 and "3d" not in kernel
    last = "_channels_last" if images and looks_channels_last(input._array) else ""
    return NotImplementedError(messages.not_implemented(f"{kernel}{last}", input.dtype))
