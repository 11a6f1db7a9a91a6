"""Functions of the table that are more than an expression, as text that runs by itself with NumPy alone."""

from __future__ import annotations

import ast
import inspect
import sys
from types import BuiltinMethodType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..ops.table import Op
from .expressions import literal
from .symbols import Unwritable, short_name

INTERNAL = True


class Helpers:
    """The texts of functions, each with those that it calls before it."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._values: dict[str, Any] = {}  # what each name stands for

    def add(self, operation: Op) -> str:
        """Add the forward computation of an operation; returns the name that it is called by."""
        forward: Any = operation.forward
        if not isinstance(forward, FunctionType):
            raise Unwritable(f"{operation.node_name} is not written in Python")
        name = forward.__name__.strip("_") if forward.__name__ != "<lambda>" else short_name(operation.node_name)
        free, n = name, 2
        while self._values.get(free, forward) is not forward:
            free, n = f"{name}_{n}", n + 1
        self._add(free, forward)
        return free

    def _add(self, name: str, function: FunctionType) -> None:
        if name in self.texts:
            return
        self._values[name] = function
        self.texts[name] = ""  # also where it calls itself
        definition = _definition(function)
        definition.name = name
        for used in sorted({n.id for n in ast.walk(definition) if isinstance(n, ast.Name)}):
            if used in function.__globals__:
                self._need(used, function.__globals__[used])
        self.texts[name] = ""
        text = ast.unparse(ast.fix_missing_locations(definition))
        del self.texts[name]  # so that it comes after what it needs
        self.texts[name] = text

    def _need(self, name: str, value: Any) -> None:
        if name == "np":
            return
        if self._values.setdefault(name, value) is not value:
            raise Unwritable(f"{name} means something else in what is written")
        if isinstance(value, ModuleType) and value.__name__ == "math":
            self.texts["math"] = "import math"
        elif isinstance(value, FunctionType) and value.__module__.startswith("minigrad."):
            self._add(name, value)
        elif isinstance(value, BuiltinMethodType) and isinstance(value.__self__, np.ufunc):
            self.texts[name] = f"{name} = np.{value.__self__.__name__}.{value.__name__}"
        elif isinstance(value, (int, float, str, slice, np.dtype)) or _is_table(value):
            self.texts[name] = f"{name} = {literal(value)}"
        else:
            raise Unwritable(f"{name} is minigrad's own")


def _is_table(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(v, float) for v in value)


def _definition(function: FunctionType) -> ast.FunctionDef:
    """The definition of a function, without annotations and docstring; that of a lambda as if it had a name."""
    if function.__closure__:
        raise Unwritable("a function that is made anew each time")
    if function.__name__ == "<lambda>":
        text = _lambda_at(function.__code__, ast.parse(inspect.getsource(sys.modules[function.__module__])))
        return ast.FunctionDef("", text.args, [ast.Return(text.body)], [], None, None)
    found = ast.parse(inspect.getsource(function)).body[0]
    if not isinstance(found, ast.FunctionDef):
        raise Unwritable("a function whose text is not found")
    for node in ast.walk(found):
        if isinstance(node, ast.arg):
            node.annotation = None
    found.returns, found.decorator_list = None, []
    found.body = found.body[bool(ast.get_docstring(found)) :]
    return _Unannotated().visit(found)  # type: ignore[no-any-return]


def _lambda_at(code: CodeType, tree: ast.AST) -> ast.Lambda:
    """The lambda whose body holds all that the code's instructions come from; none need span it all."""
    places = [place for place in code.co_positions() if None not in place and place[::2] != place[1::2]]
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda) and all(_is_within(place, node.body) for place in places)
    ]
    if len(around) != 1:  # it is each of them where Python was told to keep no places: PYTHONNODEBUGRANGES
        raise Unwritable("a lambda whose text is not found")
    return around[0]


def _is_within(place: Any, body: ast.expr) -> bool:
    line, end_line, column, end_column = place
    after_start = (line, column) >= (body.lineno, body.col_offset)
    return after_start and (end_line, end_column) <= (body.end_lineno, body.end_col_offset)


class _Unannotated(ast.NodeTransformer):
    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        return ast.Assign([node.target], node.value) if node.value is not None else ast.Pass()
