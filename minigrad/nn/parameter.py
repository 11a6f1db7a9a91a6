"""Parameter and Buffer: tensors that a Module finds among its attributes and keeps track of.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import dtypes, empty
from ..engine import LEAF
from ..flags import wrong_flag
from ..ops.names import tensor_argument
from ..tensor import Tensor, TensorType

INTERNAL = True


class ParameterType(TensorType):
    """What kind of thing Parameter and Buffer are: classes that print as the ones whose part they play."""

    def __repr__(cls) -> str:
        if cls.__module__ == __name__:
            return f"<class 'torch.nn.parameter.{cls.__name__}'>"
        return super().__repr__()


class Parameter(Tensor, metaclass=ParameterType):
    """A tensor that is trained: a Module that it is assigned to lists it among its parameters.

    It is over the memory of `data`, without its history. What is computed from it is an ordinary Tensor.
    Raises RuntimeError if `data` holds integers and `requires_grad` is not turned off.
    """

    __slots__ = ()
    if TYPE_CHECKING:

        def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None: ...

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        """A parameter over `data`; empty without it."""
        source = Tensor._of(np.empty(0, dtypes.get_default_dtype().numpy)) if data is None else data.detach()
        tensor_argument(source, "Parameter", "data")
        if not isinstance(requires_grad, bool):
            raise wrong_flag("_make_subclass", "'require_grad' (position 3)", requires_grad)
        if requires_grad and source._array.dtype.kind != "f":
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients\n"
                f"  This one is of {source.dtype}: convert it, x.float(), or say requires_grad=False."
            )
        p = object.__new__(cls)
        p._array, p._origin, p._storage = source._array, LEAF if requires_grad else None, source._storage
        p._view = p._grad = None
        return p

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    def __copy__(self) -> Parameter:
        return _rebuild_parameter(self, self.requires_grad, self._notes())

    def __deepcopy__(self, memo: dict[Any, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild_parameter, (self.detach(), self.requires_grad, self._notes())


def _rebuild_parameter(data: Tensor, requires_grad: bool, notes: dict[str, Any]) -> Parameter:
    p = Parameter(data, requires_grad)
    p.__dict__.update(notes)
    return p


class Uninitialized(Tensor, metaclass=ParameterType):
    """The place of a tensor whose shape a lazy module does not know yet: until then it has no values."""

    __slots__ = ()
    _becomes: ClassVar[type[Tensor]]

    def __new__(cls, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> Any:
        """A tensor without shape or values."""
        t = object.__new__(cls)
        t._origin, t.__dict__["_dtype_to_be"] = LEAF if requires_grad else None, dtype
        t._storage = t._view = t._grad = None
        return t

    @property
    def _array(self) -> Any:  # type: ignore[override]
        raise ValueError(
            "Attempted to use an uninitialized parameter. This error happens when you are using a `LazyModule` or "
            "explicitly manipulating `torch.nn.parameter.UninitializedParameter` objects. When using LazyModules Call "
            "`forward` with a dummy batch to initialize the parameters before calling torch functions"
        )

    @property
    def shape(self) -> Any:
        """Raise torch's error: there is no shape yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    @property
    def data(self) -> Tensor:
        """A tensor without elements: what fills it changes nothing; one in its place says the dtype to become."""
        return empty(0, dtype=self.__dict__["_dtype_to_be"])

    @data.setter
    def data(self, other: Tensor) -> None:
        self.__dict__["_dtype_to_be"] = other.dtype

    def materialize(self, shape: Any) -> None:
        """Become a tensor of this shape, its values uninitialised."""
        d = self.__dict__.pop("_dtype_to_be") or dtypes.get_default_dtype()
        self.__class__ = self._becomes  # type: ignore[assignment]
        self._array = np.empty(tuple(shape), d.numpy)  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo: dict[Any, Any]) -> Any:
        if id(self) not in memo:
            kind, arguments = self.__reduce_ex__(4)
            memo[id(self)] = kind(*arguments)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self._origin is LEAF, None, self.__dict__["_dtype_to_be"])


class UninitializedParameter(Uninitialized, Parameter):
    """The place of a parameter whose shape a lazy module does not know yet."""

    __slots__ = ()
    _becomes = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        """A parameter without shape or values."""
        return super().__new__(cls, requires_grad, device, dtype)


class UninitializedBuffer(Uninitialized):
    """The place of a buffer whose shape a lazy module does not know yet."""

    __slots__ = ()
    _becomes = Tensor


def empty_parameter(*shape: int, device: Any = None, dtype: Any = None) -> Parameter:
    """A parameter whose values are still to be filled in."""
    return Parameter(empty(shape, device=device, dtype=dtype))


class BufferType(ParameterType):
    """What makes `isinstance(tensor, Buffer)` true for a tensor that Buffer marked."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.__dict__.get("_is_buffer", False) is True


class Buffer(Tensor, metaclass=BufferType):
    """A tensor that is part of a Module's state but is not trained, such as a running mean.

    One that is not `persistent` is left out of the module's `state_dict`.
    """

    __slots__ = ()
    if TYPE_CHECKING:

        def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None: ...

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        """An ordinary Tensor over the memory of `data`, marked as a buffer."""
        source = Tensor._of(np.empty(0, dtypes.get_default_dtype().numpy)) if data is None else data
        marked: Any = source.detach().requires_grad_(source.requires_grad)
        marked.persistent, marked._is_buffer = persistent, True
        return marked
