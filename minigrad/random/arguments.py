"""Reading the arguments of the random functions as torch reads them, and torch's words where they do not fit."""

from __future__ import annotations

import operator
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..ops.convert import invalid_combination, type_name
from ..tensor import Tensor
from .generator import Generator

INTERNAL = True
Given = tuple[Sequence[Any], Any]  # arguments, and keywords in a mapping: what a function was called with

_NEW = (
    "*, torch.Generator generator = None, Tensor out = None, torch.dtype dtype = None, torch.layout layout = None, "
    "torch.device device = None, bool pin_memory = False, bool requires_grad = False)"
)
_LIKE = (
    "*, torch.Generator generator = None, torch.memory_format memory_format = None, torch.dtype dtype = None, "
    "torch.layout layout = None, torch.device device = None, bool pin_memory = False, bool requires_grad = False)"
)
_FILL = "*, torch.Generator generator = None)"
_OUT = "*, torch.Generator generator = None, Tensor out = None)"
_FORMS = {
    "rand": [f"(tuple of ints size, {_NEW}"],
    "randn": [f"(tuple of ints size, {_NEW}"],
    "normal": [
        *[f"(Tensor mean, Tensor std, {_OUT}", f"(Tensor mean, float std = 1, {_OUT}"],
        *[f"(float mean, Tensor std, {_OUT}", f"(float mean, float std, tuple of ints size, {_NEW}"],
    ],
    "randint": [f"(int high, tuple of ints size, {_NEW}", f"(int low, int high, tuple of ints size, {_NEW}"],
    "randperm": [f"(int n, {_NEW}"],
    "bernoulli": [f"(Tensor input, {_OUT}", f"(Tensor input, float p, {_FILL}"],
    "rand_like": [f"(Tensor input, {_LIKE}"],
    "randn_like": [f"(Tensor input, {_LIKE}"],
    "randint_like": [f"(Tensor input, int high, {_LIKE}", f"(Tensor input, int low, int high, {_LIKE}"],
    "random_": ["(*, torch.Generator generator = None)", f"(int from, int to, {_FILL}", f"(int to, {_FILL}"],
    "bernoulli_": [f"(Tensor p, {_FILL}", f"(float p = 0.5, {_FILL}"],
}


def no_such_form(function: str, given: Given) -> TypeError:
    """The error for arguments that fit none of the ways in which `function` may be called."""
    args, options = given
    return invalid_combination(function, args, dict(options), *_FORMS[function])


def wrong_type(function: str, argument: str, position: int | None, wanted: str, value: Any) -> TypeError:
    """The error for one argument of a wrong type."""
    where = "" if position is None else f" (position {position})"
    return TypeError(f"{function}(): argument '{argument}'{where} must be {wanted}, not {type_name(value)}")


def as_int(value: Any) -> int | None:
    """`value` if it counts as an int: Python's, NumPy's, or a tensor of one; None if it does not.

    Raises ValueError if it does not fit into 64 bits.
    """
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        integer = operator.index(value)
    except TypeError:
        return None
    if not -(2**63) <= integer < 2**63:
        raise ValueError(f"Overflow when unpacking long long\n  {integer} does not fit into 64 bits.")
    return integer


def as_float(value: Any) -> float | None:
    """`value` if it counts as a float: a number, or a 0-d tensor without gradient; None if it does not."""
    if isinstance(value, Tensor):
        return None if value.ndim or value.requires_grad else float(value.item())
    return float(value) if isinstance(value, (int, float, np.number, np.bool_)) else None


def checked_float(function: str, argument: str, position: int, value: Any) -> float:
    """`value` as a float, or torch's TypeError."""
    number = as_float(value)
    if number is None:
        raise wrong_type(function, argument, position, "float", value)
    return number


def check_options(function: str, given: Given, known: Collection[str]) -> None:
    """Raise unless all keywords are `known` and their values of the right types."""
    kinds: dict[str, Any] = {"generator": Generator, "out": Tensor, "requires_grad": bool, "pin_memory": bool}
    for name, value in given[1].items():
        if name not in known:
            raise no_such_form(function, given)
        if value is None:
            continue
        wrong_dtype = name == "dtype" and not isinstance(value, (dtypes.dtype, type))
        if wrong_dtype or not isinstance(value, kinds.get(name, object)):
            raise no_such_form(function, given)
        if name == "device":
            dtypes.device(value)


def variadic_shape(function: str, given: Given) -> tuple[int, ...]:
    """The shape that ints, one sequence of them, or `size=` give."""
    args, options = given
    if "size" in options:
        if args:
            raise no_such_form(function, given)
        if not isinstance(options["size"], (tuple, list)):
            raise wrong_type(function, "size", None, "tuple of ints", options["size"])
        return checked_shape(function, given, options["size"])
    if len(args) != 1:
        if not args or as_int(args[0]) is None:
            raise no_such_form(function, given)
        return checked_shape(function, given, args)
    if isinstance(args[0], (tuple, list)):
        return checked_shape(function, given, args[0])
    if as_int(args[0]) is None:
        raise wrong_type(function, "size", 1, "tuple of ints", args[0])
    return checked_shape(function, given, args)


def checked_shape(function: str, given: Given, size: Sequence[Any]) -> tuple[int, ...]:
    """`size` as Python ints, none of them negative."""
    shape = []
    for i, length in enumerate(size):
        # torch looks closely at the first element only, so a bool passes further on.
        n = int(length) if i and isinstance(length, bool) else as_int(length)
        if n is None and i == 0:
            if len(_FORMS[function]) > 1:
                raise no_such_form(function, given)
            raise TypeError(
                f"{function}(): argument 'size' (position 1) must be tuple of ints, "
                f"but found element of type {type_name(length)} at pos 0"
            )
        if n is None:
            raise TypeError(
                f"{function}(): argument 'size' failed to unpack the object at pos {i + 1} with error "
                f'"type must be tuple of ints,but got {type_name(length)}"'
            )
        shape.append(n)
    for n in shape:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {shape}")
    return tuple(shape)
