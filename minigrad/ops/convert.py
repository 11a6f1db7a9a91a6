"""Copies, conversions to another dtype, and values taken out of the graph.

Source: https://docs.pytorch.org/docs/stable/tensors.html and
https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.dtype
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..devices import ADVICE, device, require_cpu
from ..dtypes import dtype
from ..engine import Lost, is_hooked
from ..layout import CHANNELS_LAST, copy_array, empty_channels_last, is_channels_last, looks_channels_last, order_of
from ..memory import storage_of, storage_without_base
from ..messages import type_name
from ..tensor import Tensor
from .names import FUNCTIONS, named, public, tensor_argument
from .table import Op, op

INTERNAL = True

copied: Op = op("CloneBackward0", lambda a, order: copy_array(a, a.dtype, order), a=lambda g: g)
converted: Op = op(
    "ToCopyBackward0",
    lambda a, to, source, order: copy_array(a, to, order),
    a=lambda g, to, source: converted(g, source, to, "K"),
)


def cast(t: Tensor, d: np.dtype[Any], order: str = "K") -> Tensor:
    """A copy of `t` in dtype `d`; gradients flow through it if that is a floating one."""
    x = t._array
    if d.kind == "f":
        return converted.call(t, d, x.dtype, order)
    made = Tensor._of(copy_array(x, d, order))
    made._origin = lost(t, "integer")
    return made


def lost(t: Tensor, why: str) -> Lost | None:
    """The origin of a value that no gradient flows through, computed from `t`."""
    origin = t._origin
    return origin if origin is None or origin.__class__ is Lost else Lost(why)


# Errors


def invalid_combination(function: str, args: Any, kwargs: dict[str, Any], *forms: str) -> TypeError:
    """torch's error for arguments that fit none of the forms in which `function` can be called."""
    got = [type_name(a) for a in args] + [f"{k}={type_name(v)}" for k, v in kwargs.items()]
    text = ", ".join(got) + (", " if kwargs and not args else "")
    every = "".join(f"\n * {form}" for form in forms)
    return TypeError(
        f"{function}() received an invalid combination of arguments - got ({text}), but expected one of:{every}"
    )


_PYTHON_TYPES = {float: dtypes.float64, int: dtypes.int64, bool: dtypes.bool_}


def dtype_argument(value: Any, function: str, name: str = "dtype", position: int | None = None) -> dtype:
    """`value` as a dtype (Python's float, int and bool stand for one), or torch's TypeError."""
    if isinstance(value, dtype):
        return value
    if isinstance(value, type) and value in _PYTHON_TYPES:
        return _PYTHON_TYPES[value]
    where = "" if position is None else f" (position {position})"
    raise TypeError(f"{function}(): argument '{name}'{where} must be torch.dtype, not {type_name(value)}")


# Public functions and methods


@public()
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy, part of the graph: gradients flow on to `input`."""
    return copied.call(input, order_of(memory_format, tensor_argument(input, "clone")._array))


@public()
def detach(input: Tensor) -> Tensor:
    """The same memory without history: no gradient flows through the result."""
    return detached(tensor_argument(input, "detach"))


def detached(t: Tensor) -> Tensor:
    """The same memory without history."""
    made = Tensor._of(t._array.view(), None, storage_without_base(t))
    if t._origin is not None or t._view is not None:
        made._origin = lost(t, "detach")
    return made


@public(function=False)
def detach_(self: Tensor) -> Tensor:
    """Take this tensor out of the graph, in place; RuntimeError for a view."""
    if self._view is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
            "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
            "detach_() cannot be called on these gradients. To fix this error, please refer to the "
            "Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution."
        )
    if is_hooked(self._origin):
        self.__dict__["_hooks"] = self._origin.hooks.of_tensor  # they stay with it, should it become a leaf
    self._origin = lost(self, "detach")
    return self


FUNCTIONS["detach_"] = detach_


@public(function=False)
def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor if its elements lie in the order of their indices, or in the format, else a copy in which they do."""
    order = order_of(memory_format, self._array)
    if order in CHANNELS_LAST:
        return self if is_channels_last(self._array, order) else copied.call(self, order)
    return self if self._array.flags.c_contiguous else copied.call(self, "C")


_FORMS_OF_TO = (
    "(torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False, "
    "*, torch.memory_format memory_format = None)",
    "(torch.dtype dtype, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)",
    "(Tensor tensor, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)",
)


@public(function=False)
def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """This tensor in another dtype; itself if that is its own, unless a `copy` is asked for.

    Called as to(dtype), to(device), to(device, dtype) or to(other), each with `non_blocking` and `copy` after it.
    Raises AssertionError or RuntimeError for a device other than the CPU, TypeError for other arguments.
    """
    if len(args) == 1 and not kwargs and args[0].__class__ is dtype:
        d = args[0].numpy
        return self if d == self._array.dtype else cast(self, d)
    wanted, copy = read_to(args, kwargs)
    d = self._array.dtype if wanted is None else wanted.numpy
    return _converted(self, d, kwargs.get("memory_format"), copy)


def converted_to_save(t: Tensor, d: Any) -> Tensor:
    """`t` in dtype `d`, for an operation of which torch saves `t` itself: a change of it counts as one of the copy."""
    made = to(t, d)
    if made is not t:
        made._storage = storage_of(t)
    return made


def laid_out_as(input: Tensor, result: Tensor) -> Tensor:
    """`result`, its channels last in memory where torch takes those of `input`, images or volumes, to be last."""
    if looks_channels_last(input._array):
        turned, result._array = result._array, empty_channels_last(result._array.shape, result._array.dtype)
        result._array[...] = turned
    return result


def _converted(t: Tensor, d: np.dtype[Any], memory_format: Any, copy: bool = False) -> Tensor:
    """`t` in a dtype and memory format; itself if they are its own, unless a copy is asked for."""
    order = "K" if memory_format is None else order_of(memory_format, t._array)
    if order != "K" and looks_channels_last(t._array) != (order in CHANNELS_LAST):
        copy = True
    return cast(t, d, order) if copy or d != t._array.dtype else t


def read_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dtype | None, bool]:
    """The dtype and `copy` that a call of `to` asks for."""
    given = dict(kwargs)
    rest = list(args)
    first = rest[0] if rest else given.get("tensor")
    if isinstance(first, Tensor):
        names = ["tensor"]
    elif isinstance(first, (dtype, type)):
        names = ["dtype"]
    else:
        names = ["device", "dtype"]
    names += ["non_blocking", "copy"]
    wrong = len(rest) > len(names) or any(name in given for name in names[: len(rest)])
    given.update(zip(names, rest, strict=False))
    at, d = given.pop("device", None), given.pop("dtype", None)
    other, copy = given.pop("tensor", None), given.pop("copy", False)
    non_blocking = given.pop("non_blocking", False)
    given.pop("memory_format", None)
    wrong = wrong or bool(given) or not isinstance(at, (str, int, device, type(None)))
    wrong = wrong or (not isinstance(d, (dtype, type(None))) and d not in (float, int, bool))
    wrong = wrong or not isinstance(copy, bool) or not isinstance(non_blocking, bool)
    if wrong or (other is not None and (at is not None or d is not None or not isinstance(other, Tensor))):
        raise invalid_combination("to", args, kwargs, *_FORMS_OF_TO)
    if at is not None:
        require_cpu(at)
    if other is not None:
        return other.dtype, copy
    return (None if d is None else dtype_argument(d, "to")), copy


def _conversion(name: str, d: dtype) -> Callable[..., Tensor]:
    def convert(self: Tensor, *, memory_format: Any = None) -> Tensor:
        return _converted(self, d.numpy, memory_format)

    return named(convert, name, f"This tensor with elements of {d}; itself if they are.")


for _name, _dtype in {
    "float": dtypes.float32,
    "double": dtypes.float64,
    "half": dtypes.float16,
    "bool": dtypes.bool_,
    "long": dtypes.int64,
    "int": dtypes.int32,
    "short": dtypes.int16,
    "char": dtypes.int8,
    "byte": dtypes.uint8,
}.items():
    setattr(Tensor, _name, _conversion(_name, _dtype))


@public(function=False)
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor, which is on the CPU already, in the memory format if one is given."""
    return _converted(self, self._array.dtype, memory_format)


@public(function=False)
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """Raise AssertionError, as torch does where there is no GPU."""
    raise AssertionError(f"Torch not compiled with CUDA enabled{ADVICE}")


@public(function=False)
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor in the dtype of `other`; itself if that is its own."""
    return to(self, tensor_argument(other, "type_as", "other").dtype)
