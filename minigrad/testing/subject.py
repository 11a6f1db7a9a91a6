"""What is tested: a function of tensors, of minigrad or of torch, and the arguments that it is called with."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import minigrad

INTERNAL = True
Array = np.ndarray[Any, Any]


class Subject:
    """A function, or a module with parameters, and the library whose tensors it takes.

    A module is copied, so that its parameters can be cast and moved without touching the user's.
    """

    def __init__(self, function: Callable[..., Any], library: ModuleType | None = None, name: str = "") -> None:
        function = callable_of(function)
        self.library = library or library_of(function)
        self.has_parameters = callable(getattr(function, "parameters", None))
        self.function: Any = copy.deepcopy(function) if self.has_parameters else function
        self.name = name or name_of(function)
        self.argument_names = [p.name for p in parameters_of(function)]
        self.pass_on: Callable[[Sequence[Any]], Sequence[Any]] = lambda arguments: arguments  # what mutants get between

    def is_tensor(self, value: Any) -> bool:
        """Whether `value` is a tensor of the library."""
        return isinstance(value, self.library.Tensor)

    def is_floating(self, value: Any) -> bool:
        """Whether `value` is a tensor that could have a gradient."""
        return self.is_tensor(value) and value.is_floating_point()

    def call(self, arguments: Sequence[Any]) -> list[Any]:
        """The floating results of a call, in the order in which they come; ValueError if there are none."""
        found = [t for t in _flat(self.function(*self.pass_on(arguments))) if self.is_floating(t)]
        if not found:
            raise ValueError(f"{self.name} returns no floating tensor of {self.library.__name__}: nothing to check")
        return found

    def in_dtype(self, name: str) -> Subject:
        """The same, its parameters in another dtype."""
        if not self.has_parameters:
            return self
        other = copy.copy(self)
        other.function = copy.deepcopy(self.function).to(getattr(self.library, name))
        return other

    def parameters(self) -> list[Any]:
        """The parameters that want a gradient."""
        return [p for p in self.function.parameters() if p.requires_grad] if self.has_parameters else []

    def dtype(self) -> str:
        """The dtype that a module's parameters ask of its inputs; "" for a function, which takes them as they come."""
        return next((str(numpy_of(p).dtype) for p in self.parameters()), "")

    def wanted(self, arguments: Sequence[Any]) -> dict[str, Any]:
        """What gradients are taken of, by name: each argument once, then the parameters."""
        found: dict[str, Any] = {}
        for i, a in enumerate(arguments):
            if self.is_tensor(a) and a.requires_grad and not any(a is other for other in found.values()):
                found[self.argument_name(i)] = a
        if self.has_parameters:
            named = getattr(self.function, "named_parameters", lambda: enumerate(self.function.parameters()))
            found.update({f"parameter {name}": p for name, p in named() if p.requires_grad})
        return found

    def argument_name(self, i: int) -> str:
        """What the function calls its argument `i`."""
        return f"input {i}" + (f" ({self.argument_names[i]})" if i < len(self.argument_names) else "")

    def fresh(self, arguments: Sequence[Any], dtype: str = "", plain: bool = False) -> list[Any]:
        """New leaves of the same values and layout; where one tensor was given twice, one is returned twice.

        dtype  of those that are floating, if it is to be another
        plain  whether to lay them out without gaps
        Gradients are wanted of the tensors that require grad; if none does, of all that are floating.
        """
        some = any(self.is_tensor(a) and a.requires_grad for a in arguments)
        made: dict[int, Any] = {}
        for a in arguments:
            if self.is_tensor(a) and id(a) not in made:
                array = a.detach().numpy()
                to = np.dtype(dtype) if dtype and self.is_floating(a) else array.dtype
                t = self.tensor(np.array(array, to, order="C") if plain else same_layout(array, to))
                made[id(a)] = t.requires_grad_(a.requires_grad or (not some and self.is_floating(a)))
        return [made.get(id(a), a) for a in arguments]

    def tensor(self, array: Array) -> Any:
        """`array` as a tensor over the same memory."""
        return self.library.from_numpy(array)

    def upstream(self, outputs: Sequence[Any], seed: int) -> list[Any]:
        """A random gradient for every output, none of its elements near zero."""
        rng = np.random.default_rng(seed)
        found = []
        for o in outputs:
            array = np.asarray(rng.uniform(0.5, 2, tuple(o.shape)) * rng.choice([-1.0, 1.0], tuple(o.shape)))
            found.append(self.tensor(array.astype(numpy_of(o).dtype)))
        return found

    def gradients(self, outputs: Sequence[Any], wanted: Sequence[Any], upstream: Sequence[Any]) -> list[Array]:
        """The vector-Jacobian product, as arrays; zeros where nothing flows back. The graph is kept."""
        pairs = [(o, u) for o, u in zip(outputs, upstream, strict=True) if o.requires_grad]
        if not pairs or not wanted:
            return [np.zeros_like(numpy_of(w)) for w in wanted]
        found = self.library.autograd.grad(
            [o for o, _ in pairs], list(wanted), [u for _, u in pairs], retain_graph=True, allow_unused=True
        )
        return [
            np.zeros_like(numpy_of(w)) if g is None else numpy_of(g).copy() for g, w in zip(found, wanted, strict=True)
        ]


def numpy_of(t: Any) -> Array:
    """The elements of a tensor of either library."""
    array: Array = t.detach().numpy(force=True)  # torch has zeros without memory
    return array


def same_layout(array: Array, dtype: np.dtype[Any] | None = None) -> Array:
    """A copy in memory of its own, whose elements lie as they do in `array`: with its gaps, order and repetitions."""
    dtype = dtype or array.dtype
    if not array.size:
        return np.empty(array.shape, dtype)
    steps = [s // array.itemsize for s in array.strides]
    memory = np.zeros(1 + sum((n - 1) * s for n, s in zip(array.shape, steps, strict=True)), dtype)
    made = np.ndarray(array.shape, dtype, memory, 0, [s * memory.itemsize for s in steps])
    made[...] = array
    return made


def library_of(function: Any, arguments: Sequence[Any] = ()) -> ModuleType:
    """The library of the first tensor among the arguments; else the one that the function belongs to, or speaks of."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "Tensor"):
        return minigrad
    for a in arguments:
        if isinstance(a, (torch.Tensor, minigrad.Tensor)):
            return torch if isinstance(a, torch.Tensor) else minigrad
    if isinstance(function, torch.nn.Module) or _root(function) == "torch":
        return torch
    spoken_of = {_root(value) for value in _named_in(function)}
    return torch if "torch" in spoken_of and "minigrad" not in spoken_of else minigrad


def _named_in(function: Any) -> list[Any]:
    """The globals and the variables of outer functions that a function's code names."""
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    found = [function.__globals__[name] for name in code.co_names if name in function.__globals__]
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # a cell that is not filled yet
            found.append(cell.cell_contents)
    return found


def _root(value: Any) -> str:
    """The package that something comes from; of a class, the library that it builds on."""
    if isinstance(value, type):
        places = [cls.__module__.partition(".")[0] for cls in value.__mro__]
        return next((place for place in places if place in ("torch", "minigrad")), places[0])
    place = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    if place is None:
        place = getattr(getattr(value, "__self__", None), "__module__", "") or type(value).__module__
    return str(place).partition(".")[0]


def callable_of(f: Any) -> Callable[..., Any]:
    """What to call: of a Function, its `apply`; TypeError for what cannot be called with tensors."""
    if inspect.isclass(f) and not hasattr(f, "apply"):
        raise TypeError(f"{f.__name__} is a class: pass one of its instances, or a function")
    if inspect.isclass(f) and not hasattr(f, "setup_context"):
        raise TypeError(f"{f.__name__} is a class of modules: pass an instance, such as {f.__name__}(...)")
    f = getattr(f, "apply", None) if inspect.isclass(f) else f
    if not callable(f):
        raise TypeError(f"gradients are checked of a function, not of {type(f).__name__}")
    function: Callable[..., Any] = f
    return function


def name_of(function: Any) -> str:
    """What to call a function in a report."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):  # the `apply` of a Function
        function = owner
    while isinstance(function, partial):
        function = function.func
    name = str(getattr(function, "__qualname__", None) or type(function).__name__).rpartition("<locals>.")[2]
    given = str(getattr(function, "__name__", name))
    if name.rpartition(".")[2] != given:  # who makes functions in a loop sets this one alone
        return given
    if name == "<lambda>":
        code = function.__code__
        return f"lambda at {Path(code.co_filename).name}:{code.co_firstlineno}"
    return name


def parameters_of(function: Any) -> list[inspect.Parameter]:
    """The arguments that a function takes by position; of a Function's `apply`, those of its forward, without ctx."""
    cls = getattr(function, "__self__", None)
    if callable(getattr(function, "parameters", None)):  # a module: its call takes what its forward does
        function = getattr(function, "forward", function)
    of_function = isinstance(cls, type) and hasattr(cls, "setup_context")
    try:
        found = inspect.signature(cls.forward if of_function else function).parameters.values()  # type: ignore[union-attr]
    except (TypeError, ValueError):  # built into torch
        return []
    positional = [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_ctx = of_function and not any("setup_context" in vars(c) for c in cls.__mro__ if _is_users(c))  # type: ignore[union-attr]
    return positional[1:] if takes_ctx else positional


def _is_users(cls: type) -> bool:
    return cls.__module__.partition(".")[0] not in ("torch", "minigrad", "builtins")


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in _flat(v)] if isinstance(value, (tuple, list)) else [value]
