"""Questions about dtypes, and torch's older classes, one per dtype: `FloatTensor`, `LongTensor`, `Tensor(2, 3)`.

Source: https://docs.pytorch.org/docs/stable/tensors.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, messages
from ..devices import require_cpu
from ..dtypes import dtype
from ..flags import check_flags
from ..messages import type_name
from ..tensor import Tensor
from .convert import dtype_argument, invalid_combination, to
from .data import array_of
from .names import FUNCTIONS, attach, public, tensor_argument
from .options import as_int, checked_size
from .table import common_dtype

INTERNAL = True

# Questions


@public(method=False)
def is_tensor(obj: Any, /) -> bool:
    """Whether `obj` is a Tensor."""
    return isinstance(obj, Tensor)


@public(method=False)
def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floats."""
    return tensor_argument(input, "is_floating_point").is_floating_point()


@public(method=False)
def is_complex(input: Tensor) -> bool:
    """Always False: minigrad has no complex dtypes."""
    return tensor_argument(input, "is_complex").is_complex()


@public()
def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not zero; RuntimeError unless there is just one."""
    return bool(tensor_argument(input, "is_nonzero"))


@public(method=False)
def numel(input: Tensor) -> int:
    """The number of elements."""
    return tensor_argument(input, "numel").numel()


@public()
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and equal elements; NaN equals nothing."""
    x, y = tensor_argument(input, "equal"), tensor_argument(other, "equal", "other", 2)
    if x._array.shape != y._array.shape:
        return False
    d = common_dtype(x, y).numpy
    same = x._array.astype(d, copy=False) == y._array.astype(d, copy=False)
    return bool(Tensor._of(same.all()))  # by way of a tensor, so that listeners hear of it


@public(method=False)
def result_type(tensor: Any, other: Any) -> dtype:
    """The dtype of an operation's result on two tensors or numbers."""
    for value in (tensor, other):
        if not (isinstance(value, Tensor) or dtypes.is_number(value)):
            forms = "(Tensor tensor, Tensor other)", "(Number scalar, Tensor tensor)", "(Tensor tensor, Number other)"
            raise invalid_combination("result_type", (tensor, other), {}, *forms, "(Number scalar1, Number scalar2)")
    return common_dtype(tensor, other)


@public(method=False)
def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether torch converts one dtype to another without being asked: never to a narrower kind."""
    return dtypes.can_cast(dtype_argument(from_, "can_cast", "from_", 1), dtype_argument(to, "can_cast", "to", 2))


@public(method=False)
def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest dtype that torch lets both of two dtypes become."""
    first = dtype_argument(type1, "promote_types", "type1", 1)
    return dtypes.promote_types(first, dtype_argument(type2, "promote_types", "type2", 2))


@public(method=False)
def broadcast_shapes(*shapes: Any) -> dtypes.Size:
    """The shape that these shapes broadcast to."""
    for s in shapes:
        if not isinstance(s, (int, tuple, list)):
            raise RuntimeError(f"Input shapes should be of type ints, a tuple of ints, or a list of ints, got {s}")
    every = [(s,) if isinstance(s, int) else s for s in shapes]
    result = [1] * max(map(len, every), default=0)
    for i, shape in enumerate(every):
        for k, n in enumerate(reversed(shape), 1):
            if n < 0:
                raise ValueError("Attempting to broadcast a dimension with negative length!")
            if n not in (1, result[-k]):
                if result[-k] != 1:
                    raise RuntimeError(
                        f"Attempting to broadcast a dimension of length {n} at {-k}! Mismatching argument at index {i} "
                        f"had {shape}; but expected shape should be broadcastable to {result}"
                    )
                result[-k] = n
    return dtypes.Size(result)


# What programs written for a GPU ask before they do more
attach(is_cpu=property(lambda self: True), is_cuda=property(lambda self: False))


# The older classes


def _constructed(d: dtype, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """What `FloatTensor(...)` gives: an uninitialised tensor of a size, one of data, or another tensor's memory."""
    require_cpu(kwargs.pop("device", "cpu") or "cpu")
    if not args and len(kwargs) == 1:
        args = (dtypes.Size(kwargs.pop("size")),) if "size" in kwargs else (kwargs.pop("data", None),)
    if kwargs:
        forms = "(tuple of ints size, *, torch.device device = None)", "(object data, *, torch.device device = None)"
        raise invalid_combination("new", args, kwargs, *forms)
    data = args[0] if len(args) == 1 else None
    if isinstance(data, Tensor):
        if data.dtype is not d:
            raise TypeError(f"expected a tensor of {d} (got one of {data.dtype})\n  Convert it: x.to({d}).")
        return data.view_as(data)
    if not args:
        return Tensor._of(np.empty(0, d.numpy))
    if len(args) > 1 or isinstance(data, dtypes.Size) or as_int(data) is not None:
        return Tensor._of(np.empty(checked_size("new", args, {}), d.numpy))
    if isinstance(data, str):
        raise TypeError(messages.text_as_data(data))
    if not hasattr(data, "__len__") or isinstance(data, dict):
        raise TypeError(f"new(): data must be a sequence (got {type_name(data)})")
    return Tensor._of(data.astype(d.numpy) if isinstance(data, np.ndarray) else array_of(data, d))


def _new(cls: type[Tensor], *args: Any, **kwargs: Any) -> Tensor:
    """`Tensor(2, 3)` is uninitialised, `Tensor([2, 3])` holds 2 and 3; both are of the default dtype."""
    made = args[0] if len(args) == 1 and isinstance(args[0], Tensor) else None
    made = _constructed(dtypes.get_default_dtype() if made is None else made.dtype, args, kwargs)
    if cls is Tensor:
        return made
    t = object.__new__(cls)
    t._array, t._origin, t._storage, t._view, t._grad = made._array, made._origin, made._storage, made._view, None
    return t


Tensor.__new__ = staticmethod(_new)  # type: ignore[assignment]


class TensorType:
    """One of the classes such as `FloatTensor`: it makes tensors of its dtype, and `isinstance` knows them by it."""

    def __init__(self, name: str, d: dtype) -> None:
        self.__name__, self.__module__, self.dtype = f"torch.{name}", "minigrad", d

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """A tensor of a size (uninitialised), of data, or over another tensor's memory."""
        return _constructed(self.dtype, args, kwargs)

    def __reduce__(self) -> str:
        return self.__name__.removeprefix("torch.")

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is self.dtype

    def __repr__(self) -> str:
        return f"<class '{self.__name__}'>"


TYPES = {
    f"{name}Tensor": TensorType(f"{name}Tensor", dtypes.dtype.by_numpy[np.dtype(d)])
    for d, name in messages.TYPE_NAMES.items()
}
FUNCTIONS.update(TYPES)


def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of this tensor's type, such as 'torch.FloatTensor'; or, given one or a dtype, a conversion to it."""
    check_flags("type", non_blocking=non_blocking)
    if dtype is None:
        return f"torch.{messages.TYPE_NAMES[self.dtype.name]}Tensor"
    if isinstance(dtype, dtypes.dtype):
        return to(self, dtype)
    if isinstance(dtype, TensorType):
        return to(self, dtype.dtype)
    if dtype is Tensor:
        return to(self, dtypes.get_default_dtype())
    if not isinstance(dtype, (str, type)):
        raise TypeError("dtype must be a type, str, or dtype object")
    name = dtype if isinstance(dtype, str) else dtype.__name__
    wanted = TYPES.get(name.removeprefix("torch.")) if name.startswith("torch.") else None
    if wanted is None:
        raise ValueError(f"invalid type: {name!r}")
    return to(self, wanted.dtype)


Tensor.type = type_  # type: ignore[method-assign, assignment]
