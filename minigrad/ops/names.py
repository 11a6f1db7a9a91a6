"""One definition gives the function, the method and the in-place twin, under torch's names."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from ..messages import type_name
from ..tensor import Tensor

INTERNAL = True
FUNCTIONS: dict[str, Any] = {}  # what `minigrad` offers as functions
F = TypeVar("F", bound=Callable[..., Any])
_NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def public(*aliases: str, function: bool = True, method: bool = True, in_place: bool = False) -> Callable[[F], F]:
    """Offer a function, whose first parameter is `input`, as torch does: by itself, as a method, in place."""

    def offer(f: F) -> F:
        offered = _with_numpy_names(f) if "dim" in f.__code__.co_varnames[: _parameter_count(f)] else f
        for name in (f.__name__, *aliases):
            if function:
                FUNCTIONS[name] = offered
            if method:
                setattr(Tensor, name, offered)
            if in_place:
                from .inplace import twin

                setattr(Tensor, f"{name}_", twin(offered, f"{name}_"))
        return offered

    return offer


def attach(**attributes: Any) -> None:
    """Give Tensor what is no function of its own."""
    for name, value in attributes.items():
        setattr(Tensor, name, value)


def _parameter_count(f: Callable[..., Any]) -> int:
    return f.__code__.co_argcount + f.__code__.co_kwonlyargcount


def _with_numpy_names(f: F) -> F:
    """`f`, also taking `axis` for `dim` and `keepdims` for `keepdim`, as torch's functions do."""

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            return f(*args)
        for numpy_name, name in _NUMPY_NAMES.items():
            if numpy_name in kwargs:
                kwargs[name] = kwargs.pop(numpy_name)
        return f(*args, **kwargs)

    return call  # type: ignore[return-value]


def tensor_argument(value: Any, function: str, name: str = "input", position: int = 1) -> Tensor:
    """`value`, or torch's TypeError if it is no tensor."""
    if isinstance(value, Tensor):
        return value
    raise TypeError(
        f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type_name(value)}\n"
        "  Make it a tensor first: torch.tensor(...), or torch.from_numpy(...) to share a NumPy array's memory."
    )
