"""One definition gives the function, the method and the in-place twin, under torch's names."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from ..flags import wrong_flag
from ..messages import type_name
from ..modes import is_grad_enabled
from ..tensor import Tensor
from .strangers import from_elsewhere

INTERNAL = True
FUNCTIONS: dict[str, Any] = {}  # what `minigrad` offers as functions
F = TypeVar("F", bound=Callable[..., Any])
_ANY_KEYWORD = 0x08  # inspect.CO_VARKEYWORDS, without that import
_NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}


class _NotGiven:
    def __repr__(self) -> str:
        return "<not given>"


NOT_GIVEN: Any = _NotGiven()  # the default where torch refuses None, or takes it for something of its own


_OF_PYTHON = ("norm", "split", "unique", "unique_consecutive")  # in torch too, and so without NumPy's names
_ONE_BY_ONE = ("flip", "permute", "reshape", "tile")  # as methods they take ints so, as functions one sequence


def public(*aliases: str, function: bool = True, method: bool = True, in_place: bool = False) -> Callable[[F], F]:
    """Offer a function, whose first parameter is `input`, as torch does: by itself, as a method, in place."""

    def offer(f: F) -> F:
        parameters = f.__code__.co_varnames[: f.__code__.co_argcount + f.__code__.co_kwonlyargcount]
        renames = "dim" in parameters and f.__name__ not in _OF_PYTHON
        # With requires_grad they look at their flags themselves: `tensor` is called too often for one call more.
        has_flags = "requires_grad" not in parameters and "bool" in f.__annotations__.values()
        reads_all_itself = f.__code__.co_flags & _ANY_KEYWORD
        offered = _reading_arguments(f, renames, function) if (renames or has_flags) and not reads_all_itself else f
        for name in (f.__name__, *aliases):
            if function:
                FUNCTIONS[name] = _of_one_sequence(f) if name in _ONE_BY_ONE else offered
            if method:
                setattr(Tensor, name, offered)
            if in_place:
                from .inplace import twin

                setattr(Tensor, f"{name}_", twin(offered, f"{name}_"))
        return offered

    return offer


def _of_one_sequence(f: F) -> F:
    """The function for a method that takes ints one by one too."""
    name = f.__code__.co_varnames[f.__code__.co_argcount]

    @wraps(f)
    def function(input: Any, *args: Any, **named: Any) -> Any:
        if len(args) > 1:
            call = f"{f.__name__}() takes 2 positional arguments but {len(args) + 1} were given"
            raise TypeError(f"{call}\n  Give the ints as one tuple, or call the method: x.{f.__name__}(...).")
        if args and not isinstance(args[0], (tuple, list)):
            call = f"{f.__name__}(): argument '{name}' (position 2) must be tuple of ints, not {type_name(args[0])}"
            raise TypeError(f"{call}\n  Give a tuple: ({args[0]},).")
        return f(input, *args, **named)

    function.__module__, function.__qualname__ = "minigrad", f.__name__  # where pickle finds it
    return cast(F, function)


def named(function: Any, name: str, doc: str, family: str = "") -> Any:
    """A function that another one makes, with a name and a docstring of its own; `family` is the module it is in."""
    function.__name__ = function.__qualname__ = name
    function.__doc__, function.__module__ = doc, family or function.__module__
    return function


def attach(**attributes: Any) -> None:
    """Give Tensor what is no function of its own."""
    for name, value in attributes.items():
        setattr(Tensor, name, value)


def offer_in_place(*names: str) -> None:
    """Offer changes in place as functions too, as torch does some of them."""
    FUNCTIONS.update({name: getattr(Tensor, name) for name in names})


def _reading_arguments(f: F, renames: bool, counts_input: bool) -> F:
    """`f`, whose flags are to be bools; if it `renames`, it takes `axis` for `dim` and `keepdims` for `keepdim` too.

    counts_input  whether `input` is in position 1: torch's functions count it, its methods do not
    """
    flags: dict[str, tuple[type, ...]] = {name: (bool,) for name, kind in f.__annotations__.items() if kind == "bool"}
    flags |= {name: (bool, type(None)) for name, kind in f.__annotations__.items() if kind == "bool | None"}
    names = f.__code__.co_varnames[: f.__code__.co_argcount]
    places = [(place, name) for place, name in enumerate(names) if name in flags]
    first = places[0][0] if places else sys.maxsize

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) > first:
            for place, name in places:
                if place < len(args) and args[place].__class__ not in flags[name]:
                    raise wrong_flag(f.__name__, f"'{name}' (position {place + counts_input})", args[place])
        if not kwargs:
            return f(*args)
        if len(args) > 1 and "stable" in kwargs:
            raise apart_from_stable(f.__name__, args, kwargs)
        if renames:
            named = {_NUMPY_NAMES.get(name, name): value for name, value in kwargs.items()}
            if len(named) < len(kwargs):
                twice = min(kwargs.keys() - named.keys())
                raise TypeError(f"{f.__name__}() got an unexpected keyword argument '{twice}'")
            kwargs = named
        for name, value in kwargs.items():
            if name in flags and value.__class__ not in flags[name]:
                raise wrong_flag(f.__name__, f"'{name}'", value)
        return f(*args, **kwargs)

    return call  # type: ignore[return-value]


def torch_names(function: str, numpy_names: dict[str, Any], **given: Any) -> dict[str, Any]:
    """All arguments under torch's names for them, for a function that takes NumPy's without the cost of one more call.

    given  those that may also be given by NumPy's names, NOT_GIVEN, None or False where they are not given
    """
    for name, value in numpy_names.items():
        known = _NUMPY_NAMES.get(name, "")
        if not any(given.get(known, True) is unset for unset in (NOT_GIVEN, None, False)):
            raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")
        given[known] = value
    return given


def is_over_all(function: str, dim: Any, keepdim: bool) -> bool:
    """Whether `dim` is not given; TypeError where it is None, or missing beside `keepdim`, as in torch."""
    if dim is None:
        raise TypeError(f"{function}(): argument 'dim' must be int, not NoneType\n  For all elements, leave it away.")
    if dim is NOT_GIVEN and keepdim is not NOT_GIVEN:
        raise keepdim_alone(function)
    return dim is NOT_GIVEN


def keepdim_alone(function: str) -> TypeError:
    """torch's error for `keepdim` without a `dim`."""
    if function in ("median", "nanmedian"):
        return TypeError(f'{function}() missing 1 required positional arguments: "dim"')
    from .convert import invalid_combination

    return invalid_combination(function, (), {"keepdim": True}, "()", "(int dim, bool keepdim = False)")


def apart_from_stable(function: str, args: Any, kwargs: dict[str, Any]) -> TypeError:
    """torch's error for arguments that, beside `stable`, are to be given by their names."""
    from .convert import invalid_combination

    form = "(Tensor input, *, bool stable, int dim = -1, bool descending = False)"
    return invalid_combination(function, args, kwargs, form, "(Tensor input, int dim = -1, bool descending = False)")


def tensor_argument(value: Any, function: str, name: str = "input", position: int = 1) -> Tensor:
    """`value`, or torch's TypeError if it is no tensor."""
    if isinstance(value, Tensor):
        return value
    raise TypeError(
        f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type_name(value)}\n"
        f"  {_one_tensor_of(value)}"
    )


def _one_tensor_of(value: Any) -> str:
    """How to make one tensor of what is none: of several, as a list of losses or an nn.LSTM's pair, in another way."""
    if isinstance(value, (list, tuple)) and any(isinstance(part, Tensor) for part in value):
        if isinstance(value, list):
            return "Make one tensor of those in it first: torch.stack(x), or torch.cat(x) along a dimension they have."
        return "Take the tensor that is meant out of the tuple: output, state = lstm(x) for recurrent layers, or x[0]."
    how = "torch.tensor(...), or torch.from_numpy(...) to share a NumPy array's memory"
    return f"Make it a tensor first: {from_elsewhere(value) or how}."


def check_needs_no_gradient(t: Tensor | None, function: str, name: str) -> None:
    """Raise torch's error where an argument that no gradient flows to asks for one."""
    if t is not None and t.requires_grad and is_grad_enabled():
        raise RuntimeError(
            f"The function '{function}' is not differentiable with respect to argument '{name}'. This input cannot "
            "have requires_grad True."
        )
