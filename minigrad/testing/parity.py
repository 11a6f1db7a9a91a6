"""The same function on minigrad and on torch: values, dtypes, shapes, gradients and exceptions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

import minigrad

from . import record
from .calls import EPS, Calls, quiet
from .subject import Array, Subject, numpy_of

INTERNAL = True
__tracebackhide__ = True  # pytest shows the message, and the user's own lines


class Outcome(NamedTuple):
    """What came of a call: an exception, or results and gradients."""

    error: Exception | None
    results: list[Any]
    gradients: dict[str, Array | None]


@quiet
def check_against_torch(
    f: Callable[..., Any],
    *inputs: Any,
    torch_function: Callable[..., Any] | None = None,
    name: str = "",
    seed: int = 0,
) -> None:
    """Check that `f` gives the same with minigrad's tensors as with torch's: values, gradients or an exception.

    inputs          minigrad tensors, in the layout in which torch gets them too, and what else `f` takes
    torch_function  what to call with torch's tensors; if left out, `f` itself, in which modules and functions of
                    minigrad that it names are torch's, and which gets torch as its argument `torch`, if it has one
    Values may differ by rounding; of exceptions the type and the first line are compared.
    """
    torch = import_module("torch")
    calls = Calls("against torch", f, inputs, minigrad, name, seed)
    ours = _outcome(Subject(_spoken_to(f, minigrad), minigrad), calls.subject.fresh(inputs), seed)
    theirs = _outcome(Subject(torch_function or _spoken_to(f, torch), torch), calls.subject.fresh(inputs), seed)
    if (ours.error is None) != (theirs.error is None) or _told(ours.error) != _told(theirs.error):
        raise calls.fail(f"minigrad {_in_words(ours.error)}, torch {_in_words(theirs.error)}") from ours.error
    if len(ours.results) != len(theirs.results):
        raise calls.fail(f"{len(ours.results)} results in minigrad, {len(theirs.results)} in torch")
    worst = 0.0
    for i, (x, y) in enumerate(zip(ours.results, theirs.results, strict=True)):
        for what in ("dtype", "shape", "requires_grad"):
            mine, yours = (str(getattr(t, what)) for t in (x, y))
            if mine != yours:
                raise calls.fail(f"result {i} has {what} {mine} in minigrad, {yours} in torch")
        worst = max(worst, _close(calls, f"result {i}", numpy_of(x), numpy_of(y)))
    for (what, g), other in zip(ours.gradients.items(), theirs.gradients.values(), strict=True):
        if (g is None) != (other is None):
            raise calls.fail(f"{what} has a gradient in {'torch' if g is None else 'minigrad'} alone")
        if g is not None and other is not None:
            worst = max(worst, _close(calls, f"the gradient of {what}", g, other))
    for dtype in {str(numpy_of(a).dtype) for a in inputs if calls.subject.is_floating(a)}:
        record.note(calls.subject.name, calls.check, dtype, worst, sum(numpy_of(r).size for r in ours.results))


def _outcome(subject: Subject, leaves: Sequence[Any], seed: int) -> Outcome:
    """What a function of either library makes of minigrad's leaves, or of torch's over the same memory."""
    made = {id(a): a for a in leaves if isinstance(a, minigrad.Tensor)}
    if subject.library is not minigrad:
        made = {key: subject.tensor(numpy_of(a)).requires_grad_(a.requires_grad) for key, a in made.items()}
    arguments = [made.get(id(a), a) for a in leaves]
    try:
        found = subject.function(*arguments)
        results = [t for t in (found if isinstance(found, (tuple, list)) else [found]) if subject.is_tensor(t)]
        outputs = [t for t in results if t.requires_grad]
        wanted = subject.wanted(arguments)
        gradients: Any = [None] * len(wanted)
        if outputs:
            gradients = subject.library.autograd.grad(
                outputs, list(wanted.values()), subject.upstream(outputs, seed), allow_unused=True
            )
    except Exception as error:  # noqa: BLE001 - whatever one library raises, the other is to raise too
        return Outcome(error, [], {})
    named = {what: None if g is None else numpy_of(g) for what, g in zip(wanted, gradients, strict=True)}
    return Outcome(None, results, named)


def _close(calls: Calls, what: str, ours: Array, theirs: Array) -> float:
    if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        raise calls.fail(f"{what} is {ours.dtype}{ours.shape} in minigrad, {theirs.dtype}{theirs.shape} in torch")
    finite = np.abs(theirs[np.isfinite(theirs)]) if ours.dtype.kind == "f" else np.zeros(0)
    allowed = 64 * EPS.get(str(ours.dtype), 0.0) * (float(finite.max(initial=0)) + 1e-6)
    same = (ours == theirs) | ((ours != ours) & (theirs != theirs))
    off = np.where(same, 0.0, np.abs(ours.astype(np.float64) - theirs.astype(np.float64)))
    if not (off <= allowed).all():
        raise calls.fail(f"{what} is {ours.tolist()} in minigrad, {theirs.tolist()} in torch")
    return float((off / allowed).max(initial=0)) if allowed else 0.0


def _told(error: Exception | None) -> tuple[str, str]:
    return type(error).__name__, str(error).partition("\n")[0]


def _in_words(error: Exception | None) -> str:
    return "gives a result" if error is None else f"raises {type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _spoken_to(function: Any, library: ModuleType) -> Any:
    """A function in which what it names of minigrad is the like of `library`."""
    if library is not minigrad and str(getattr(function, "__module__", "")).startswith("minigrad"):
        return getattr(library, getattr(function, "__name__", ""), function)
    if isinstance(function, partial):
        return partial(_spoken_to(function.func, library), *function.args, **function.keywords)
    if not isinstance(function, FunctionType):
        return function
    scope = {**function.__globals__}
    if library is not minigrad:
        for name in function.__code__.co_names:
            scope[name] = _like(scope[name], library) if name in scope else None
            if scope[name] is None:
                del scope[name]
    made = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = dict(function.__kwdefaults__ or {})
    code = function.__code__
    if "torch" in code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]:
        made.__kwdefaults__["torch"] = library
    return made


def _like(value: Any, library: ModuleType) -> Any:
    """What in `library` has the name that `value` has in minigrad; of anything else, itself."""
    place = value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", ""))
    root, _, rest = place.partition(".")
    if root != "minigrad" or rest.startswith("testing"):
        return value
    if isinstance(value, ModuleType):
        other = f"{library.__name__}.{rest}" if rest else library.__name__
        return sys.modules.get(other) or import_module(other)
    return getattr(library, getattr(value, "__name__", ""), value)
