"""Older names, and names from torch's own code, for what there is under another name too.

Source: ATen/native/native_functions.yaml and torch/functional.py of https://github.com/pytorch/pytorch
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor, from_numpy
from ..warning import warn
from .assigning import check_takes_gradient
from .convert import invalid_combination
from .data import FLOAT32, FLOAT64, INT64
from .factories import check_range, converted, full
from .indices import number_array
from .inplace import fill as filled_with_number, filled, writable_array
from .names import NOT_GIVEN, attach, public, tensor_argument
from .norms import norm_of_matrices
from .options import (
    LIKE,
    LikeOptions,
    Options,
    as_int,
    as_number,
    checked_size,
    finished,
    integer,
    number,
    read_dtype,
    sequence,
    unknown_name,
    wrong_type,
)
from .padding import pad as padded
from .reduction import reduced_dims, vector_norm
from .shape import split as parts
from .types import TYPES, TensorType

INTERNAL = True


# New tensors


@public(method=False)
def scalar_tensor(s: Any, **options: Unpack[LikeOptions]) -> Tensor:
    """A tensor without dimensions of one number, of the default dtype unless another is asked for."""
    d = read_dtype("scalar_tensor", options, known=LIKE) or dtypes.get_default_dtype()
    return finished("scalar_tensor", full((), number("scalar_tensor", "s", 1, s), dtype=d)._array, options)


@public(method=False)
def empty_strided(size: Any, stride: Any, **options: Unpack[LikeOptions]) -> Tensor:
    """A tensor holding whatever lay in its memory, whose elements lie there as many apart as `stride` says."""
    return _strided("empty_strided", size, stride, dtypes.get_default_dtype(), options)


@public(function=False)
def new_empty_strided(self: Tensor, size: Any, stride: Any, **options: Unpack[LikeOptions]) -> Tensor:
    """`empty_strided`, in this tensor's dtype."""
    return _strided("new_empty_strided", size, stride, self.dtype, options)


def _strided(name: str, size: Any, stride: Any, default: dtypes.dtype, options: Any) -> Tensor:
    shape = sequence(name, size)
    if not isinstance(stride, (tuple, list)):
        raise wrong_type(name, "stride", 2, "tuple of ints", stride)
    steps = [integer(name, "stride", 2, step) for step in stride]
    d = read_dtype(name, options, known=LIKE) or default
    if len(shape) != len(steps):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides ({len(steps)})"
        )
    if any(step < 0 for step in steps):
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={steps}")
    extent = sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) + 1 if 0 not in shape else 0
    memory = np.empty(extent, d.numpy)
    strides = [step * memory.itemsize for step in steps]
    return finished(name, np.lib.stride_tricks.as_strided(memory, shape, strides), options)


@public(method=False)
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of the size and dtype of `input`, filled with a number, or with the one that a 0-d tensor holds."""
    t = tensor_argument(input, "fill")
    if not isinstance(value, Tensor):
        return filled_with_number.named("FillBackward0").call(
            t, number_array(number("fill", "value", 2, value), t._array.dtype)
        )
    if value.ndim:
        raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
    check_takes_gradient(t, value)
    return filled.named("FillBackward1").call(t, value.to(t.dtype))


@public(method=False)
def range(start: Any, end: Any, step: Any = 1, **options: Unpack[Options]) -> Tensor:
    """The numbers from `start` up to and with `end`, in steps of `step`; torch, which warns of it, prefers `arange`."""
    given = (("start", start), ("end", end), ("step", step))
    bounds = [number("range", name, i, value) for i, (name, value) in enumerate(given, 1)]
    warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end)."
    )
    d = read_dtype("range", options) or dtypes.get_default_dtype()
    check_range("range", d, *bounds)
    wide = FLOAT32 if d is dtypes.float16 else FLOAT64 if d.kind == dtypes.FLOATING else INT64
    first, last, stride = (converted(n, wide) for n in bounds)
    if not stride:
        raise RuntimeError(f"step must be nonzero\n  As a number of {d}, {bounds[2]} is 0.")
    steps = (last - first) // stride if wide is INT64 else (last - first) / stride
    if not steps < 2**62:
        raise RuntimeError("invalid size, possible overflow?")
    places = np.arange(int(steps + 1)).astype(wide)
    return finished("range", (first + stride * places).astype(d.numpy), options)


@public(method=False)
def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A tensor over the memory of a Python buffer: `count` elements, or all, from byte `offset` on.

    Raises ValueError where the buffer does not hold as many.
    """
    d: Any = read_dtype("frombuffer", {"dtype": dtype, "requires_grad": requires_grad})
    if d is None:
        raise wrong_type("frombuffer", "dtype", None, "torch.dtype", dtype)
    count, offset = integer("frombuffer", "count", None, count), integer("frombuffer", "offset", None, offset)
    try:
        memory = memoryview(buffer).cast("B")
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    length, size = memory.nbytes, d.numpy.itemsize
    if not length or not count:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({length} bytes) minus 1"
        )
    if count < 0 and (length - offset) % size:
        raise ValueError(
            f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a multiple of element size "
            f"({size})"
        )
    if count > 0 and offset + count * size > length:
        raise ValueError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must not be greater than "
            f"actual buffer length ({length} bytes)"
        )
    if memory.readonly:
        raise ValueError(
            "The given buffer is not writable, and PyTorch does not support non-writable tensors.\n"
            "  Copy it into one that is: torch.frombuffer(bytearray(buffer), ...)."
        )
    if requires_grad and d.kind != dtypes.FLOATING:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    made = from_numpy(np.frombuffer(memory, d.numpy, count, offset))
    return made.requires_grad_() if requires_grad else made


@public(method=False)
def set_default_tensor_type(t: Any, /) -> None:
    """Make the dtype of a class such as `FloatTensor`, or of its name, the default; torch warns of it."""
    if isinstance(t, str):
        if t.removeprefix("torch.") not in TYPES:
            raise AttributeError(f"module 'torch' has no attribute {t.removeprefix('torch.')!r}")
        t = TYPES[t.removeprefix("torch.")]
    warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives."
    )
    if not isinstance(t, TensorType):
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    dtypes.set_default_dtype(t.dtype)


# Changes and sums


@public(function=False)
def apply_(self: Tensor, callable: Callable[[Any], Any], /) -> Tensor:
    """Set each element to what a Python function gives for it; torch, and minigrad, take long over it."""
    if self.requires_grad:
        raise RuntimeError("Can't call apply_() on Variable that requires grad. Use var.detach().apply_() instead.")
    array = writable_array(self)
    for place in np.ndindex(array.shape):
        value = callable(array[place].item())
        number = as_number(value)
        array[place] = number_array(value if number is None else number, array.dtype, half_overflows=True)
    return self


@public(function=False)
def sum_to_size(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """The sums that broadcasting from `size` to the size of this tensor would flow back as; or the tensor itself."""
    for name in named.keys() - {"size"}:
        raise unknown_name("sum_to_size", name)
    wanted = tuple(checked_size("sum_to_size", size, named))
    if not wanted:
        return self.sum()
    extra = self.ndim - len(wanted)
    if extra < 0 or any(n not in (1, m) for n, m in zip(wanted, self.shape[extra:], strict=True)):
        raise RuntimeError(f"size {{{list(wanted)}}} is not expandable to size {{{list(self.shape)}}}.")
    dims = [d for d, m in enumerate(self.shape) if d < extra or (wanted[d - extra] == 1 and m != 1)]
    found = self.sum(dims, keepdim=True) if dims else self
    return found.view(wanted) if extra else found


# Questions


@public()
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape."""
    x = tensor_argument(input, "is_same_size")
    return x.shape == tensor_argument(other, "is_same_size", "other", 2).shape


@public(method=False)
def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return tensor_argument(input, "is_signed").is_signed()


@public(method=False)
def typename(obj: Any, /) -> str:
    """The name of a tensor's type, such as 'torch.FloatTensor'; of what else, its own with its module."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    named = obj if hasattr(obj, "__name__") else type(obj)
    module, name = getattr(named, "__module__", ""), getattr(named, "__qualname__", named.__name__)
    return str(name if module in ("", None, "builtins") else f"{module}.{name}")


# Parts, borders and norms


def _split(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive parts along `dim`, as views: of one size (the last may be smaller), or of the sizes in a list."""
    return parts(self, split_size, dim)


_split.__name__ = _split.__qualname__ = "split"  # the function calls its argument otherwise
attach(split=_split)


@public()
def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive parts along `dim` of these sizes, as views."""
    t = tensor_argument(input, "split_with_sizes")
    if not isinstance(split_sizes, (tuple, list)):
        raise wrong_type("split_with_sizes", "split_sizes", 2, "tuple of ints", split_sizes)
    return parts(t, split_sizes, dim)


@public(method=False)
def constant_pad_nd(input: Tensor, pad: Any, value: Any = 0) -> Tensor:
    """`nn.functional.pad` with a constant: pairs of widths (before, after), for the last dimension first."""
    t = tensor_argument(input, "constant_pad_nd")
    if not isinstance(pad, (tuple, list)):
        raise wrong_type("constant_pad_nd", "pad", 2, "tuple of ints", pad)
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * t.ndim:
        raise RuntimeError(
            "Length of pad should be no more than twice the number of dimensions of the input. Pad length is "
            f"{len(pad)}while the input has {t.ndim}dimensions."
        )
    return padded(t, pad, value=number("constant_pad_nd", "value", 3, value))


@public(method=False)
def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """The root of the sum of squares over one or two dimensions; torch, which warns of it, prefers `linalg.norm`."""
    t = tensor_argument(input, "frobenius_norm")
    if not isinstance(dim, (tuple, list)) and as_int(dim) is None:
        raise wrong_type("frobenius_norm", "dim", 2, "tuple of ints", dim)
    warn(
        "at::frobenius_norm is deprecated and it is just left for JIT compatibility. It will be removed in a future "
        "PyTorch release. Please use `linalg.vector_norm(A, 2., dim, keepdim)` instead"
    )
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    if len(dims) > 2:
        raise RuntimeError(f"Expected at most 2 dimensions, but got {len(dims)} dimensions instead.")
    if not t.is_floating_point():
        kind = messages.TYPE_NAMES[t.dtype.name]
        raise RuntimeError(f"norm(): input dtype should be either floating point or complex. Got {kind} instead.")
    return vector_norm.named("NormBackward1").call(t, 2.0, reduced_dims(dims, t.ndim), keepdim)


@public(method=False)
def nuclear_norm(input: Tensor, dim: Any = NOT_GIVEN, keepdim: bool = False) -> Tensor:
    """The sum of the singular values of matrices; torch, which warns of it, prefers `linalg.matrix_norm`."""
    t = tensor_argument(input, "nuclear_norm")
    if dim is None:
        forms = "(Tensor input, tuple of ints dim, bool keepdim = False)", "(Tensor input, bool keepdim = False)"
        raise invalid_combination("nuclear_norm", (input, dim), {}, *forms)
    warn(
        "at::nuclear_norm is deprecated and it is just left for JIT compatibility. It will be removed in a future "
        "PyTorch release. Please use `linalg.matrix_norm(A, 'nuc', dim, keepdim)` instead"
    )
    if dim is NOT_GIVEN or isinstance(dim, bool):  # the other form: nuclear_norm(input, keepdim)
        dim, keepdim = (-2, -1), keepdim if dim is NOT_GIVEN else dim
    return norm_of_matrices(t, "nuc", dim, keepdim, None)
