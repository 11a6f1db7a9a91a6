"""New tensors from data and from other libraries' arrays.

Source: https://docs.pytorch.org/docs/stable/torch.html#creation-ops
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import messages
from ..dtypes import dtype
from ..flags import check_flags
from ..layout import copy_array
from ..memory import storage_of
from ..tensor import Tensor, checked_array, from_numpy
from .convert import cast, detach
from .data import array_of
from .names import FUNCTIONS, public
from .options import finished, read_dtype
from .strangers import from_elsewhere, is_on_cpu

INTERNAL = True
Array = np.ndarray[Any, Any]

COPY_OF_TENSOR = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than {}(sourceTensor)."
)

# From data


@public(method=False)
def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new tensor of a number, of nested lists of numbers, or of a copy of an array or tensor.

    dtype  if left out: that of an array; of Python's numbers float32 (`set_default_dtype` changes it), int64 or bool
    Raises ValueError for lists of unequal lengths, TypeError or RuntimeError for what is no number, RuntimeError for
    a number outside the dtype's range, or where integers are to require grad.
    """
    if dtype is device is None and requires_grad is pin_memory is False and not isinstance(data, (Tensor, np.ndarray)):
        return Tensor._of(array_of(data))
    check_flags("tensor", requires_grad=requires_grad, pin_memory=pin_memory)
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad, "pin_memory": pin_memory}
    d = read_dtype("tensor", options)
    if isinstance(data, Tensor):
        warnings.warn(COPY_OF_TENSOR.format("torch.tensor"), UserWarning, stacklevel=2)
    return finished("tensor", _copied(data, d), options)


@public(function=False)
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A new tensor of `data`, as `tensor` makes, in this tensor's dtype unless another is given."""
    check_flags("new_tensor", requires_grad=requires_grad)
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    d = read_dtype("new_tensor", options) or self.dtype
    if isinstance(data, Tensor):
        warnings.warn(COPY_OF_TENSOR.format("tensor.new_tensor"), UserWarning, stacklevel=2)
    return finished("new_tensor", _copied(data, d), options)


def _copied(data: Any, d: dtype | None) -> Array:
    if isinstance(data, Tensor):
        array = data._array
    elif isinstance(data, np.ndarray):
        array = checked_array(data)
    else:
        return array_of(data, d)
    return copy_array(array, array.dtype if d is None else d.numpy)


@public(method=False)
def as_tensor(data: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, without a copy where that can be: a tensor as it is, an array's memory shared."""
    d = read_dtype("as_tensor", {"dtype": dtype, "device": device})
    if isinstance(data, np.ndarray):
        data = from_numpy(data)
    if not isinstance(data, Tensor):
        return Tensor._of(array_of(data, d))
    return data if d is None or d is data.dtype else cast(data, d.numpy)


@public(method=False)
def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool | None = None
) -> Tensor:
    """`obj` as a tensor; `copy` says whether memory must (True), must not (False) or may be shared.

    Raises ValueError where a copy is forbidden and needed.
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    d = read_dtype("asarray", options)
    if copy is not None:
        check_flags("asarray", copy=copy)
    shares = isinstance(obj, (Tensor, np.ndarray)) or (hasattr(obj, "__dlpack__") and not isinstance(obj, np.generic))
    if copy is False and not shares:
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    if not shares:
        return finished("asarray", array_of(obj, d), options)
    found = obj if isinstance(obj, Tensor) else from_numpy(obj) if isinstance(obj, np.ndarray) else from_dlpack(obj)
    if d is not None and d is not found.dtype:
        if copy is False:
            names = messages.TYPE_NAMES[found.dtype.name], messages.TYPE_NAMES[d.name]
            raise ValueError(f"can't alias tensor with dtype '{names[0]}' into dtype '{names[1]}'.")
        found = cast(found, d.numpy)
    elif copy:
        found = found.clone()
    if requires_grad and not found.requires_grad:
        found = found if found is not obj else detach(found)
        found.requires_grad = True
    return detach(found) if requires_grad is False and found.requires_grad else found


@public(method=False)
def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of another library's array or tensor: anything that has `__dlpack__`.

    Raises BufferError for a tensor that requires grad, or is on another device; RuntimeError for an object without
    `__dlpack__`.
    """
    if isinstance(ext_tensor, np.ndarray) and not copy:
        return from_numpy(ext_tensor)
    if not hasattr(ext_tensor, "__dlpack__"):
        raise RuntimeError(
            "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you "
            "might have already constructed a tensor from it once.\n"
            f"  A {messages.type_name(ext_tensor)} has no __dlpack__. Give the array or tensor itself."
        )
    if not is_on_cpu(ext_tensor):
        raise BufferError(f"Unsupported device in DLTensor.\n  {from_elsewhere(ext_tensor)}.")
    array = np.from_dlpack(ext_tensor) if copy is None else np.from_dlpack(ext_tensor, copy=copy)
    if not array.flags.writeable:  # as NumPy before 2.3 makes them all
        shared = np.asarray(ext_tensor)
        array = shared if np.may_share_memory(shared, array) else array
    if isinstance(ext_tensor, Tensor) and not copy:
        return Tensor._of(array, None, storage_of(ext_tensor))
    return from_numpy(array)


FUNCTIONS["from_numpy"] = from_numpy
