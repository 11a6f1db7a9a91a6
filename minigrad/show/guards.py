"""What a compiled program takes for granted: conditions, as text, that are checked at every call."""

from __future__ import annotations

import dis
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..tensor import Tensor, wants_grad
from .symbols import Unwritable
from .tracing import is_library

INTERNAL = True
_FIXED = (ModuleType, FunctionType, BuiltinFunctionType, type, np.ufunc)  # what is itself, or another


class Guards:
    """Conditions, and what they refer to by name; and where the tensors are that they let through."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}
        self.conditions: list[str] = []
        self.named: set[str] = set()  # the arguments, and what lists among them hold
        self.tensors: dict[str, Tensor] = {}

    def constant(self, value: Any) -> str:
        """A name that the conditions can use for a value."""
        for name, known in self.scope.items():
            if known is value:
                return name
        name = f"_k{len(self.scope)}"
        self.scope[name] = value
        return name

    def argument(self, name: str, value: Any, place: str = "") -> None:
        """Let an argument of this name, or what is in this place by this name, through if it is like `value`."""
        if name in self.named:
            raise Unwritable(f"{name} means something else in what is written")
        self.named.add(name)
        if isinstance(value, Tensor):
            if type(value) is not Tensor:
                raise Unwritable("an argument is of a subclass of Tensor")
            self.tensor(name, value, place)
            return
        if place:
            self.conditions.append(f"[{name} := {place}]")
        if type(value) in (list, tuple):
            self.conditions.append(f"{name}.__class__ is {type(value).__name__} and len({name}) == {len(value)}")
            for i, v in enumerate(value):
                self.argument(f"{name}_{i}", v, f"{name}[{i}]")
        else:
            self.same(name, value)

    def tensor(self, name: str, t: Tensor, place: str = "") -> None:
        """Let tensors of this shape, layout, dtype and need of a gradient through; from `place` they get the name."""
        self.tensors[name] = t
        x = t._array
        origin = f"_o_{name}"
        named = f"({name} := {place})" if place else name
        self.conditions += [
            f"{named}.__class__ is _Tensor and (_x_{name} := {name}._array).shape == {tuple(x.shape)!r}",
            f"_x_{name}.dtype is {self.constant(x.dtype)} and _x_{name}.strides == {x.strides!r}",
        ]
        wanted = f"({origin} := {name}._origin if {name}._view is None else _current_origin({name})) is not None"
        if not t.requires_grad:
            self.conditions.append(f"(not {wanted} or {origin}.__class__ is _Lost)")
            self.conditions.append(f"({name}._view is None or not {name}.requires_grad)")
        elif not wants_grad(t._origin):
            raise Unwritable("a view was made under no_grad: it requires grad, and no gradient goes on from it")
        else:
            self.conditions.append(f"{wanted} and {origin}.__class__ is not _Lost and {origin} is not _SEVERED")

    def same(self, text: str, value: Any) -> None:
        """Let only what is equal to `value`, or is that very thing, through."""
        if isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, ModuleType):
            raise Unwritable(f"it uses {value.__qualname__}, which may give something else each time")
        if isinstance(value, partial):
            self.same(f"{text}.func", value.func)
            self.same(f"{text}.args", value.args)
            self.same(f"tuple({text}.keywords.items())", tuple(value.keywords.items()))
        elif value is None or isinstance(value, _FIXED):
            self.conditions.append(f"{text} is {self.constant(value)}")
        elif isinstance(value, (bool, int, float, str, np.dtype)) or type(value).__module__ == "minigrad.dtypes":
            if value != value:
                raise Unwritable("a NaN is given")
            kind = self.constant(type(value))
            sign = f" and str({text}) == {str(value)!r}" if isinstance(value, float) and value == 0 else ""
            self.conditions.append(f"{text}.__class__ is {kind} and {text} == {self.constant(value)}{sign}")
        elif type(value) is tuple:
            self.conditions.append(f"{text}.__class__ is tuple and len({text}) == {len(value)}")
            for i, v in enumerate(value):
                self.same(f"{text}[{i}]", v)
        else:
            raise Unwritable(f"it uses a {type(value).__name__}, which may change")

    def outside(self, frames: list[Any], f: Any, captured: dict[str, Any]) -> None:
        """Let what the functions that ran see outside of themselves be as it was.

        frames  (code, globals, cells) of each function that ran, `f` among them; `captured` tensors by name
        """
        known = {function.__code__: function for function in self._functions([f], frames)}
        inner = {c for code, _, _ in frames for c in code.co_consts if isinstance(c, CodeType)}
        places: dict[Any, tuple[str, Any, CodeType]] = {}
        for code, variables, _ in frames:
            for name in _names_outside(code):
                if name in variables:
                    places[id(variables), name] = f"{self.constant(variables)}[{name!r}]", variables[name], code
                elif name in _IMPURE:
                    raise Unwritable(f"it calls {name}(), which does more than to compute")
            if code not in inner:
                if code not in known:
                    raise Unwritable(f"{code.co_name} is a function whose variables cannot be found")
                function = known[code]
                for cell in function.__closure__ or ():
                    places[id(cell)] = f"{self.constant(cell)}.cell_contents", cell.cell_contents, code
                if function is not f:  # its own were read as arguments; others belong to the function, as its code does
                    of_keywords = (function.__kwdefaults__ or {}).values()
                    Guards().same("defaults", (*(function.__defaults__ or ()), *of_keywords))  # none that may change
        for text, value, code in places.values():
            self._variable(text, value, captured, code)

    def _functions(self, functions: list[Any], frames: list[Any]) -> list[FunctionType]:
        """Functions that may have run: those given, and what they and the frames see."""
        found: list[FunctionType] = []
        seen: set[type] = set()
        pending = [*functions, *[v for _, variables, cells in frames for v in (*variables.values(), *cells.values())]]
        while pending:
            f = pending.pop()
            if isinstance(f, partial):
                pending.append(f.func)
            elif isinstance(f, type) and f not in seen and not is_library({"__name__": f.__module__}):
                seen.add(f)
                pending += [getattr(v, "__func__", v) for v in vars(f).values()]
            elif isinstance(f, FunctionType) and f not in found:
                found.append(f)
                pending += [c.cell_contents for c in f.__closure__ or () if _filled(c)]
        return found

    def _variable(self, text: str, value: Any, captured: dict[str, Any], code: CodeType) -> None:
        if isinstance(value, Tensor):
            for name, t in captured.items():
                if t is value and name not in self.tensors:
                    self.tensor(name, t, text)
                    if t.requires_grad:
                        self.conditions.append(f"_o_{name} is _LEAF")
                    return
            if not any(t is value for t in captured.values()):
                self.conditions.append(f"{text} is {self.constant(value)}")
            return
        self.same(text, value)
        if isinstance(value, (type, FunctionType)):  # they may have variables, too
            if not is_library({"__name__": value.__module__}):
                for name in code.co_names:
                    if not name.startswith("__") and hasattr(value, name):
                        self._variable(f"{self.constant(value)}.{name}", getattr(value, name), captured, code)
        elif not isinstance(value, ModuleType):
            return
        elif is_library(vars(value)):
            root = value.__name__.partition(".")[0]
            if root not in _PURE or (root == "numpy" and "random" in (*code.co_names, *value.__name__.split("."))):
                raise Unwritable(f"it uses {value.__name__}, which may give something else each time")
        else:
            for name in code.co_names:
                if name in vars(value):
                    self._variable(f"{self.constant(vars(value))}[{name!r}]", vars(value)[name], captured, code)


_PURE = {"builtins", "cmath", "functools", "itertools", "math", "minigrad", "numpy", "operator", "typing"}
_IMPURE = {"delattr", "dir", "eval", "exec", "getattr", "globals", "hasattr", "hash", "id", "input", "locals", "next"}
_IMPURE |= {"open", "print", "setattr", "vars"}
_IMPURE_ATTRIBUTES = {"is_grad_enabled", "is_inference_mode_enabled", "set_default_dtype", "set_grad_enabled"}


def _names_outside(code: CodeType) -> list[str]:
    """The global variables that a function reads; Unwritable if it does more than to compute."""
    for name in code.co_names:
        if name in _IMPURE_ATTRIBUTES:
            raise Unwritable(f"it asks for, or sets, a mode: {name}")
    found = []
    for i in dis.get_instructions(code):
        if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            found.append(i.argval)
        elif i.opname.startswith(("STORE_", "DELETE_")) and not (
            i.opname.endswith("_FAST") or (i.opname == "STORE_DEREF" and i.argval in code.co_cellvars)
        ):
            what = f"{i.opname.replace('_', ' ').lower()} {i.argval or ''}"
            raise Unwritable(f"it changes what is outside of it: {what.strip()}")
    return found


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - it raises where nothing is in it yet
    except ValueError:
        return False
    return True
