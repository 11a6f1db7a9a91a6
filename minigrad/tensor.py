"""Tensor: one NumPy array, and where it came from.

A Tensor holds four things: the array; its *origin* (None for a plain value, LEAF where the user wants a gradient, a
Node for a recorded operation, Lost where one could not be recorded); the *storage* record that it shares with all
tensors over the same memory; and, if it is a view, what it is a view of. Operations add their methods from `ops/`.
Source of names and behaviour: https://docs.pytorch.org/docs/stable/tensors.html
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakValueDictionary, ref

import numpy as np

from . import dtypes, grad_messages, messages
from .devices import CPU, device
from .dtypes import Size, dtype
from .engine import LEAF, SEVERED, Lost, Node, RemovableHandle, Replaced, Storage, is_hooked, level_of_user
from .flags import wrong_flag
from .layout import CHANNELS_LAST, address, extent, is_channels_last, memory_owner, strides_of
from .memory import span_of, spans, storage_of, storage_without_base
from .modes import is_grad_enabled
from .transforming import of_level, refuse_inside

if TYPE_CHECKING:
    from ._api import Methods  # what `ops/` adds, written down for type checkers
else:
    Methods = object

INTERNAL = True


class View:
    """What a view is a view of: the base tensor, and the path of steps that leads from it to the view."""

    __slots__ = ("base", "made_by", "path", "version")
    refresh: ClassVar[Callable[[Tensor], None]]  # set by ops/inplace.py, which has the operation that it records

    def __init__(self, base: Tensor, path: tuple[Any, ...], version: int, made_by: str) -> None:
        self.base, self.path = base, path
        self.version = version  # of the storage, when the view's origin was last brought up to date
        self.made_by = made_by  # "" or what forbids changing the view in place: "no_grad", "multi"


def wants_grad(origin: Any) -> bool:
    """Whether a tensor of this origin requires grad."""
    return origin is LEAF or isinstance(origin, Node) or origin is SEVERED


def current_origin(t: Tensor) -> Any:
    """The origin of `t` for an operation; as it is where none is recorded, or nothing is wanted at either end."""
    view = t._view
    plain = view is None or t._origin is view.base._origin is None
    return t._origin if plain or not is_grad_enabled() else fresh_origin(t)


def fresh_origin(t: Tensor) -> Any:
    """The origin of `t`, brought up to date if `t` is a view of memory that has changed since."""
    view = t._view
    if view is not None and view.version != t._storage.version:
        View.refresh(t)
    return SEVERED if t.requires_grad and not wants_grad(t._origin) else t._origin


class TensorType(type):
    """What kind of thing Tensor is: a class that prints as the one whose part it plays."""

    def __repr__(cls) -> str:
        return "<class 'torch.Tensor'>" if cls.__module__ == __name__ else super().__repr__()


class Tensor(Methods, metaclass=TensorType):
    """A multi-dimensional array that remembers the operations that made it, so that gradients can flow back."""

    __slots__ = ("__dict__", "__weakref__", "_array", "_grad", "_origin", "_storage", "_view")
    __array_priority__ = 1000  # so that array * tensor comes to Tensor.__rmul__

    _array: np.ndarray[Any, Any]
    _grad: Tensor | None
    _origin: Any
    _storage: Any
    _view: View | None

    @staticmethod
    def _of(array: Any, origin: Any = None, storage: Storage | None = None) -> Tensor:
        t = object.__new__(Tensor)
        t._array = array if array.__class__ is np.ndarray else np.asarray(array)
        t._origin, t._storage = origin, storage
        t._view = t._grad = None
        return t

    # What it is

    @property
    def shape(self) -> Size:
        """The length of every dimension."""
        return tuple.__new__(Size, self._array.shape)  # NumPy has made sure that they are sizes

    @property
    def dtype(self) -> dtype:
        """The type of the elements."""
        return dtypes.from_numpy_dtype(self._array.dtype)

    @property
    def device(self) -> device:
        """Always the CPU."""
        return CPU

    @property
    def layout(self) -> str:
        """Always strided."""
        return "torch.strided"

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes in all elements."""
        return self._array.nbytes

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return int(self._array.size)

    nelement = numel

    def element_size(self) -> int:
        """Bytes per element."""
        return self._array.itemsize

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one dimension."""
        return self.shape if dim is None else self._array.shape[messages.checked_dim(dim, self.ndim)]

    def stride(self, dim: int | None = None) -> Any:
        """For each dimension (or one), how many elements of memory lie between neighbours."""
        steps = strides_of(self._array)
        return steps if dim is None else steps[messages.checked_dim(dim, self.ndim)]

    def storage_offset(self) -> int:
        """How many elements of the memory precede the first one."""
        return (self.data_ptr() - span_of(self)[0]) // self._array.itemsize

    def data_ptr(self) -> int:
        """The address of the first element."""
        return int(self._array.__array_interface__["data"][0])

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in memory in the order of their indices, or in the format."""
        if memory_format in CHANNELS_LAST:
            return is_channels_last(self._array, memory_format)
        return self._array.flags.c_contiguous

    def is_floating_point(self) -> bool:
        """Whether the elements are floats, so that the tensor may require grad."""
        return self._array.dtype.kind == "f"

    def is_complex(self) -> bool:
        """Always False: minigrad has no complex dtypes."""
        return False

    def is_signed(self) -> bool:
        """Whether the elements can be negative."""
        return self.dtype.is_signed

    # Where it came from

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient is wanted for this tensor, or flows through it."""
        return wants_grad(self._origin) or (self._view is not None and wants_grad(self._view.base._origin))

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if isinstance(self._origin, Node):
            raise RuntimeError(grad_messages.requires_grad_of_computed(value))
        if not isinstance(value, bool):
            raise RuntimeError("requires_grad must be a bool")
        if value and self._array.dtype.kind != "f":
            raise RuntimeError(messages.cannot_require_grad(self.dtype, " and complex"))
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient (or no longer), in place; only floating leaves can."""
        if requires_grad is True:
            refuse_inside("requires_grad_")
            if self._array.dtype.kind != "f":
                raise RuntimeError(messages.cannot_require_grad(self.dtype))
            if not isinstance(self._origin, Node):
                self._origin = LEAF
        elif requires_grad is not False:
            raise wrong_flag("requires_grad_", "'requires_grad'", requires_grad)
        elif isinstance(self._origin, Node):
            raise RuntimeError(grad_messages.requires_grad_of_computed(requires_grad))
        elif self._origin is LEAF:
            self._origin = None
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether this is no result of a recorded operation."""
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Node | None:
        """The node of the operation that made this tensor; None for a leaf."""
        if self._view is not None and self._view.version != self._storage.version:
            View.refresh(self)
        return self._origin.as_users_see_it()[0] if isinstance(self._origin, Node) else None

    @property
    def output_nr(self) -> int:
        """Which of the results of its operation this is."""
        return self._origin.as_users_see_it()[1] if isinstance(self._origin, Node) else 0

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward passes have accumulated here; None before the first."""
        if self._grad is None and isinstance(self._origin, Node) and not self.retains_grad:
            warnings.warn(grad_messages.grad_of_non_leaf(self), UserWarning, stacklevel=2)
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            grad_messages.check_assigned_grad(self, value, Tensor)
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def retains_grad(self) -> bool:
        """Whether a tensor that is no leaf will keep its gradient in `.grad`."""
        node = self._origin
        return isinstance(node, Node) and node.hooks is not None and node.hooks.retained_by() is self

    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that is no leaf in `.grad` too."""
        refuse_inside("retain_grad")
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if isinstance(self._origin, Node) and not self.retains_grad and not self.is_leaf:  # which updates a view
            self._origin.attached().retained_by = ref(self)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(gradient)` whenever a gradient of this tensor is computed; what it returns replaces it."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        leaf = not is_hooked(self._origin) and self.is_leaf  # the latter brings a view up to date
        hooks = self.__dict__.setdefault("_hooks", {}) if leaf else self._origin.attached().for_tensor()
        return RemovableHandle(hooks, of_level(None if leaf else self._origin, hook))

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook(tensor)` after a backward pass has accumulated into this leaf's `.grad`."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if not self.is_leaf:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return RemovableHandle(self.__dict__.setdefault("_after_accumulation", {}), hook)

    @property
    def data(self) -> Tensor:
        """The same memory without history. Changing it counts as changing this tensor."""
        origin = Lost("data") if wants_grad(self._origin) else None
        return Tensor._of(self._array.view(), origin, storage_without_base(self))

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {messages.type_name(value)}")
        if self.requires_grad and value._array.dtype.kind != "f":
            raise RuntimeError(messages.cannot_require_grad(value.dtype))
        storage = storage_without_base(value)
        if storage is not self._storage:
            if self._storage is not None and self._storage.viewed:
                spans[self._storage] = span_of(self)  # for its views, which stay where they are
            self._storage, self._view = storage, None
            storage.renew()
        x, y = self._array, value._array
        if isinstance(self._origin, Node) and (x.shape != y.shape or x.dtype != y.dtype):
            self._origin = Replaced(self._origin, x)
        self._array = value._array.view()

    @property
    def _version(self) -> int:
        return 0 if self._storage is None else self._storage.version

    @property
    def _base(self) -> Tensor | None:
        return None if self._view is None else self._view.base

    def _is_view(self) -> bool:
        return self._view is not None

    # Leaving for Python and NumPy

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """A NumPy array over the same memory; with `force`, also of a tensor that requires grad."""
        if force is not True and force is not False:
            raise wrong_flag("numpy", "'force'", force)
        if not force and self.requires_grad:
            raise RuntimeError(messages.numpy_of_tensor_with_grad())
        if self._array.flags.owndata:
            _storage_of_memory[id(self._array)] = storage_of(self)
        return self._array.view()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __dlpack__(self, **kwargs: Any) -> Any:
        if self.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return self._array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        device_of_array: tuple[int, int] = self._array.__dlpack_device__()
        return device_of_array

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
        return Tensor._of(np.asarray(array).astype(np.uint8) if array.dtype == bool else array)

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self._array.size != 1:
            raise RuntimeError(messages.not_one_element(self))
        return self._array.item()

    def tolist(self) -> Any:
        """The elements as Python numbers in nested lists."""
        return self._array.tolist()

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise RuntimeError(messages.ambiguous_truth(self))
        return bool(self._array.item())

    def __float__(self) -> float:
        value = float(self._only_element())
        if self.requires_grad:
            warnings.warn(messages.scalar_out_of_graph(), UserWarning, stacklevel=level_of_user())
        return value

    def __int__(self) -> int:
        return int(self._only_element())

    def __complex__(self) -> complex:
        return complex(self._only_element())

    def _only_element(self) -> Any:
        if self._array.size != 1:
            raise ValueError(messages.no_python_scalar(self))
        return self._array.item()

    def __index__(self) -> int:
        if self._array.size != 1 or self._array.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array.item())

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, (Tensor, bool, int, float)):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return bool((self == element).any())

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        from .printing import tensor_repr

        return tensor_repr(self)

    def __format__(self, spec: str) -> str:
        from .printing import tensor_format

        return tensor_format(self, spec)

    # Copies that Python makes

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild, (np.array(self._array, order="K"), self.requires_grad, self._notes())

    def __copy__(self) -> Tensor:
        return _rebuild(self._array.view(), self.requires_grad, self._notes(), storage_without_base(self))

    def __deepcopy__(self, memo: dict[Any, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(messages.copy_of_computed())
        if id(self) not in memo:
            array, storage = _copied_memory(self, memo)
            made = memo[id(self)] = _rebuild(array, self.requires_grad, {}, storage)
            made._grad = deepcopy(self._grad, memo)
            made.__dict__.update(deepcopy(self._notes(), memo))
        found: Tensor = memo[id(self)]
        return found

    def _notes(self) -> dict[str, Any]:
        """The attributes that users gave this tensor."""
        own = ("_hooks", "_after_accumulation", "_accumulator")
        return {name: value for name, value in self.__dict__.items() if name not in own}


def _rebuild(
    array: np.ndarray[Any, Any], requires_grad: bool, notes: dict[str, Any], storage: Storage | None = None
) -> Tensor:
    t = Tensor._of(_in_common_dtype(array), LEAF if requires_grad else None, storage)
    t.__dict__.update(notes)
    return t


def _copied_memory(t: Tensor, memo: dict[Any, Any]) -> tuple[np.ndarray[Any, Any], Storage]:
    """The array of `t` in a copy of the memory that it lies in: tensors that share memory have copies that share it."""
    array, owner = t._array, memory_owner(t._array)
    key = ("memory of tensors", id(owner))
    if key not in memo:
        memo[key] = np.array(owner, order="K"), Storage(), owner  # which must not be freed, and its id used again
    copied, storage, _ = memo[key]
    if copied.strides != owner.strides:  # memory with gaps, from elsewhere
        return np.array(array, order="K"), Storage()
    begin, size = span_of(t)
    if (begin, size) != (address(array), extent(array)):
        spans[storage] = address(copied) + begin - address(owner), size
    start = address(array) - address(owner)
    return np.ndarray(array.shape, array.dtype, copied.ravel("K"), start, array.strides), storage


def wrap(array: np.ndarray[Any, Any]) -> Tensor:
    """A fresh tensor, without history, over `array`."""
    return Tensor._of(array)


_storage_of_memory: WeakValueDictionary[int, Storage] = WeakValueDictionary()


def checked_array(ndarray: Any) -> np.ndarray[Any, Any]:
    """`ndarray`, or a view of it, if it is an array that a tensor can hold; else torch's error."""
    if not isinstance(ndarray, np.ndarray):
        kind = type(ndarray)
        module = "numpy." if kind.__module__ == "numpy" else ""
        raise TypeError(f"expected np.ndarray (got {module}{kind.__name__})")
    if ndarray.dtype not in dtypes.dtype.by_numpy:
        dtypes.from_numpy_dtype(ndarray.dtype)
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders "
            "is currently not supported.\n  Convert it first: array.astype(array.dtype.newbyteorder())."
        )
    if min(ndarray.strides, default=0) < 0:
        raise ValueError(messages.negative_strides())
    return _in_common_dtype(ndarray)


def _in_common_dtype(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """`array` in NumPy's own dtype object: a pickled one has another, equal to it, and operations ask for `is`."""
    d = dtypes.from_numpy_dtype(array.dtype).numpy
    return array if array.dtype is d else array.view(d)


def from_numpy(ndarray: np.ndarray[Any, Any], /) -> Tensor:
    """A tensor over the memory of a NumPy array: a change of one shows in the other.

    Raises TypeError for a dtype that torch does not have, ValueError for negative strides or foreign byte order.
    """
    array = checked_array(ndarray)
    owner = memory_owner(array)
    storage = _storage_of_memory.get(id(owner))
    if storage is None:
        storage = _storage_of_memory[id(owner)] = Storage()
    return Tensor._of(array.view(np.ndarray), storage=storage)
