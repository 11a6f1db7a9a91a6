"""Reading what functions that make a tensor are called with: sizes, numbers, and the keywords that they share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import index as as_index
from typing import Any, TypedDict

import numpy as np

from .. import dtypes, messages
from ..devices import require_cpu
from ..dtypes import dtype
from ..engine import LEAF
from ..generator import Generator
from ..layout import copy_array
from ..messages import type_name
from ..modes import is_grad_enabled
from ..tensor import Tensor
from .convert import dtype_argument, invalid_combination
from .inplace import overwrite
from .names import tensor_argument

INTERNAL = True
Array = np.ndarray[Any, Any]


class LikeOptions(TypedDict, total=False):
    """Keywords of all functions that make a tensor; there is one `layout`, and nothing to pin."""

    dtype: dtype | type | None
    layout: Any
    device: Any
    requires_grad: bool | None
    pin_memory: bool
    memory_format: Any


class Options(LikeOptions, total=False):
    """Those of the functions that are told a size; `out` receives the values, and is resized to them."""

    out: Tensor | None


class SizeOptions(Options, total=False):
    """`Options`, and the size as a keyword."""

    size: Sequence[int]


LIKE, SIZED = frozenset(LikeOptions.__annotations__), frozenset(SizeOptions.__annotations__)
_KINDS: dict[str, Any] = {
    "dtype": (dtype, type),
    "requires_grad": bool,
    "pin_memory": bool,
    "out": Tensor,
    "generator": Generator,
}
_TORCH_KINDS = {"dtype": "torch.dtype", "out": "Tensor", "generator": "torch.Generator"}

# The functions that can be called in several ways. Where a call fits none of them, torch lists them all.
_OUT = "Tensor out = None, torch.dtype dtype = None, bool pin_memory = False, bool requires_grad = False)"
_NEW = f"*, torch.Generator generator = None, {_OUT}"
_LIKE = _NEW.replace("Tensor out = None, ", "")
_FILL = "*, torch.Generator generator = None)"


def _windows(*numbers: str) -> tuple[str, ...]:
    options = _LIKE.replace("torch.Generator generator = None, ", "")
    every = ("", ", bool periodic", *(f", bool periodic, {more}" for more in numbers))
    return tuple([f"(int window_length{more}, {options}" for more in every])


_FORMS = {
    "arange": (f"(Number end, *, {_OUT}", f"(Number start, Number end, Number step = 1, *, {_OUT}"),
    "linspace": (f"(Number start, Number end, int steps, *, {_OUT}",),
    "logspace": (f"(Number start, Number end, int steps, float base = 10.0, *, {_OUT}",),
    **{f"{name}_window": _windows() for name in ("bartlett", "blackman", "hann")},
    "hamming_window": _windows("float alpha", "float alpha, float beta"),
    "kaiser_window": _windows("float beta"),
    "eye": (f"(int n, *, {_OUT}", f"(int n, int m, *, {_OUT}"),
    "rand": (f"(tuple of ints size, {_NEW}",),
    "randn": (f"(tuple of ints size, {_NEW}",),
    "normal": (
        f"(Tensor mean, Tensor std, {_FILL}",
        f"(Tensor mean, float std = 1, {_FILL}",
        f"(float mean, Tensor std, {_FILL}",
        f"(float mean, float std, tuple of ints size, {_NEW}",
    ),
    "randint": (f"(int high, tuple of ints size, {_NEW}", f"(int low, int high, tuple of ints size, {_NEW}"),
    "randperm": (f"(int n, {_NEW}",),
    "rand_like": (f"(Tensor input, {_LIKE}",),
    "randn_like": (f"(Tensor input, {_LIKE}",),
    "randint_like": (f"(Tensor input, int high, {_LIKE}", f"(Tensor input, int low, int high, {_LIKE}"),
    "bernoulli": (f"(Tensor input, {_FILL}", f"(Tensor input, float p, {_FILL}"),
    "bernoulli_": (f"(Tensor p, {_FILL}", f"(float p = 0.5, {_FILL}"),
    "view": ("(torch.dtype dtype)", "(tuple of ints size)"),
    "random_": (f"({_FILL}", f"(int to, {_FILL}", f"(int from, int to, {_FILL}"),
}


def no_such_form(function: str, args: Sequence[Any], options: Mapping[str, Any]) -> TypeError:
    """The error for arguments that fit none of the ways in which `function` can be called."""
    return invalid_combination(function, args, dict(options), *_FORMS[function])


def wrong_type(function: str, name: str, position: int | None, wanted: str, value: Any) -> TypeError:
    """The error for one argument of a wrong type; without a position it was given by its name."""
    where = "" if position is None else f" (position {position})"
    return TypeError(f"{function}(): argument '{name}'{where} must be {wanted}, not {type_name(value)}")


def _mistake(function: str, args: Sequence[Any], options: Mapping[str, Any], text: str) -> TypeError:
    """The error for a wrong call: this text, unless `function` can be called in several ways."""
    return no_such_form(function, args, options) if function in _FORMS else TypeError(text)


def _meant(name: str, known: Collection[str]) -> str:
    """The keyword that was meant, were it not for its spelling."""
    import difflib  # here, because it is needed for mistakes alone

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    return f"\n  Is {near[0]} meant?" if near else ""


def read_dtype(
    function: str, options: Mapping[str, Any], args: Sequence[Any] = (), known: Collection[str] = SIZED
) -> dtype | None:
    """The dtype that the keywords ask for, or that `out` has; raises torch's errors for wrong keywords."""
    if not options:
        return None
    for name, value in options.items():
        if name not in known:
            text = f"{function}() got an unexpected keyword argument '{name}'{_meant(name, known)}"
            raise _mistake(function, args, options, text)
        if value is not None and not isinstance(value, _KINDS.get(name, object)):
            text = str(wrong_type(function, name, None, _TORCH_KINDS.get(name, "bool"), value))
            raise _mistake(function, args, options, text)
    if options.get("device") is not None:
        require_cpu(options["device"])
    asked, out = options.get("dtype"), options.get("out")
    if options.get("pin_memory") and out is None:
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on "
            "this system.\n  minigrad computes on the CPU, where there is nothing to pin it for: leave pin_memory out."
        )
    if asked is None:
        return None if out is None else out.dtype
    d = dtype_argument(asked, function)
    if out is not None and out.dtype is not d:
        names = messages.TYPE_NAMES[d.name], messages.TYPE_NAMES[out.dtype.name]
        raise RuntimeError(f"dtype {names[0]} does not match dtype of out parameter ({names[1]})")
    return d


def finished(function: str, array: Array, options: Mapping[str, Any]) -> Tensor:
    """A tensor over a new array, or `out` with its values; requiring grad if that is asked for."""
    if not options:
        return Tensor._of(array)
    out = options.get("out")
    t = Tensor._of(array) if out is None else written(f"aten::{function}", out, array)
    if options.get("requires_grad"):
        if not t.is_floating_point():
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients\n"
                f"  This one is of {t.dtype}: leave out requires_grad, or ask for a floating dtype."
            )
        t._origin = LEAF
    return t


def written(function: str, out: Tensor, array: Array, *inputs: Any) -> Tensor:
    """`out`, resized to `array` and with its values; RuntimeError if a gradient would be wanted for them."""
    if is_grad_enabled() and any(isinstance(t, Tensor) and t.requires_grad for t in (out, *inputs)):
        raise RuntimeError(
            f"{function}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    if out._array.shape != array.shape:
        out.data = Tensor._of(np.empty(array.shape, out._array.dtype))
    return overwrite(out, copy_array(array, out._array.dtype))


# Sizes and numbers


def checked_size(function: str, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """The shape that ints, or one sequence of them, give; or torch's error."""
    if options and "size" in options:
        if args:
            raise _mistake(function, args, options, f"{function}() got multiple values for argument 'size'")
        return sequence(function, options["size"], None)
    shape = args[0] if len(args) == 1 and isinstance(args[0], (tuple, list)) else args
    for n in shape:
        if n.__class__ is not int or not 0 <= n < 2**63:
            return _unusual_size(function, args, shape)
    if not args:
        raise _mistake(function, args, options, f'{function}() missing 1 required positional arguments: "size"')
    return shape


def sequence(function: str, size: Any, position: int | None = 1) -> Any:
    """The shape that one sequence of ints gives; or torch's error."""
    if not isinstance(size, (tuple, list)):
        raise wrong_type(function, "size", position, "tuple of ints", size)
    return checked_size(function, (size,), {})


def lengths(function: str, name: str, args: Any, shape: Any) -> list[int]:
    """The ints that `shape`, an argument that is called `name`, holds; or torch's error."""
    found = []
    for i, n in enumerate(shape):
        try:
            length = int(n) if i and isinstance(n, bool) else as_int(n)  # torch looks closely at the first one only
        except ValueError as error:
            raise TypeError(_no_length(function, name, i, str(error))) from None
        if length is None:
            raise _no_size(function, name, args, shape, i)
        found.append(length)
    return found


def _unusual_size(function: str, args: Any, shape: Any) -> list[int]:
    found = lengths(function, "size", args, shape)
    for n in found:
        if n < 0:
            raise RuntimeError(
                "zeros: Dimension size must be non-negative."
                if function == "zeros"
                else f"Trying to create tensor with negative dimension {n}: {found}"
            )
    return found


def _no_size(function: str, name: str, args: Any, shape: Any, i: int) -> Exception:
    """torch's error for element `i` of a shape that is no length."""
    if function == "view" and isinstance(shape[0], (dtype, type)):
        return no_view_as_dtype()
    start, kind = f"{function}(): argument '{name}'", type_name(shape[i])
    if i:
        return TypeError(_no_length(function, name, i, f"type must be tuple of ints,but got {kind}"))
    if shape is not args:
        text = f"{start} (position 1) must be tuple of ints, but found element of type {kind} at pos 0"
    elif len(args) > 1:
        return _mistake(function, args, {}, f"{function}() takes 1 positional argument but {len(args)} were given")
    else:
        text = str(wrong_type(function, name, 1, "tuple of ints", shape[0]))
    return _mistake(function, args, {}, text) if len(_FORMS.get(function, ())) > 1 else TypeError(text)


def unknown_name(function: str, name: str) -> Exception:
    """The error for a keyword of a function that takes a shape, that it has no argument for."""
    if function == "view" and name == "dtype":
        return no_view_as_dtype()
    return TypeError(f"{function}() got an unexpected keyword argument '{name}'")


def no_view_as_dtype() -> Exception:
    """What to say of a call of `view` that is right in torch."""
    return NotImplementedError(
        "view(): minigrad has no views of memory as another dtype\n"
        "  To convert the numbers: x.to(dtype). To read the same bits: torch.from_numpy(x.numpy().view(numpy_dtype))."
    )


def _no_length(function: str, name: str, i: int, error: str) -> str:
    return f"{function}(): argument '{name}' failed to unpack the object at pos {i + 1} with error \"{error}\""


def as_int(value: Any) -> int | None:
    """`value` if it counts as an int: Python's, NumPy's, or a tensor of one; None if it does not.

    Raises ValueError if it does not fit into 64 bits.
    """
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        found = as_index(value)
    except TypeError:
        return None
    if not -(2**63) <= found < 2**63:
        raise ValueError(f"Overflow when unpacking long long\n  {found} does not fit into 64 bits.")
    return found


def integer(function: str, name: str, position: int | None, value: Any) -> int:
    """`value` as an int, or torch's TypeError."""
    if value.__class__ is int and -(2**63) <= value < 2**63:
        return value
    found = as_int(value)
    if found is None:
        raise wrong_type(function, name, position, "int", value)
    return found


def as_number(value: Any) -> Any:
    """`value` as a Python number: Python's, NumPy's, or that of a 0-d tensor without gradient; None if it is none."""
    if isinstance(value, Tensor) and not value.ndim and not value.requires_grad:
        return value.item()
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return dtypes.python_number(value)
    return value if isinstance(value, (bool, int, float)) else None


def first_operand(value: Any, other: Any, function: str) -> Tensor:
    """`value` as a tensor: also a number, where `other` is one and torch computes `function` of two numbers."""
    if function in ("add", "sub", "mul", "div", "true_divide", "floor_divide") and dtypes.is_number(other):
        found = as_number(value)
        if found is not None:
            return Tensor._of(np.array(found, dtypes.of_number(found).numpy))
    return tensor_argument(value, function)


def number(function: str, name: str, position: int | None, value: Any, wanted: str = "Number") -> Any:
    """`value` as a Python number, or torch's error."""
    if value.__class__ is not int and value.__class__ is not float:
        found = as_number(value)
        if found is None:
            raise wrong_type(function, name, position, wanted, value)
        value = found
    if isinstance(value, int):
        dtypes.check_int(value)
    return value


def real(function: str, name: str, position: int | None, value: Any) -> float:
    """`value` as a float, or torch's error; None and text would come out as NaN, or not at all."""
    return float(number(function, name, position, value, "float"))


def factor(function: str, alpha: Any, *operands: Any) -> Any:
    """`alpha` of a sum as a Python number, or torch's error, also where it is of a wider kind than the operands."""
    alpha = number(function, "alpha", None, alpha)
    given = [dtypes.python_number(x) if dtypes.is_numpy_number(x) else x for x in operands]
    kinds = [dtypes.FLOATING if isinstance(x, float) else getattr(getattr(x, "dtype", None), "kind", 0) for x in given]
    if isinstance(alpha, bool):
        if max(kinds) > dtypes.BOOL:
            raise RuntimeError("Boolean alpha only supported for Boolean results.")
    elif isinstance(alpha, float) and max(kinds) < dtypes.FLOATING:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    return alpha
