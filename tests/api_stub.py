"""Writes minigrad/_api.pyi, what `ops/` adds to Tensor and offers as functions, written down for type checkers, and
minigrad/ops/later.py, which says what of that is in the families that are not imported at once.

python tests/api_stub.py
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STUB, LATER = ROOT / "minigrad" / "_api.pyi", ROOT / "minigrad" / "ops" / "later.py"
LATER_HEADER = '''"""Which names are in the families that are imported when one of them is first asked for: functions, and methods.

Made by tests/api_stub.py from the operations; a test compares.
"""

LATER = {
'''
HEADER = '''"""Made by tests/api_stub.py from the operations; a test compares."""

import builtins
from collections.abc import Callable, Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from .devices import device
from .dtypes import Size, dtype
from .engine import Node
from .generator import Generator
from .tensor import Tensor

'''
KNOWN = {"Any", "Callable", "Sequence", "EllipsisType", "np", "ndarray", "Size", "device", "dtype", "Node", "Generator"}
KNOWN |= {
    "Tensor",
    "builtins",
    "bool",
    "int",
    "float",
    "str",
    "tuple",
    "list",
    "None",
    "object",
    "dict",
    "Array",
    "complex",
}


def annotation(text: Any, default: str) -> str:
    """An annotation as the stub may have it: names that it does not import become Any."""
    if text is inspect.Parameter.empty:
        return default
    words = re.sub(r"\b(dtypes|np|numpy)\.", "", str(text)) if "dtypes." in str(text) else str(text)
    words = re.sub(r"\b(bool|int|float|complex)\b", r"builtins.\1", words)  # Tensor has methods of these names
    return words if set(re.findall(r"[A-Za-z_]\w*", words)) <= KNOWN - {"Array"} else "Any"


def signature(name: str, function: Any, *, method: bool) -> str:
    """One line of the stub."""
    try:
        parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "numpy_names"]
    except (TypeError, ValueError):
        parameters = [inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)]
        parameters = (
            [inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY), *parameters] if method else parameters
        )
    if hasattr(function, "takes_out") and not method:
        out = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)
        end = len(parameters) - (parameters[-1].kind is inspect.Parameter.VAR_KEYWORD)
        parameters.insert(end, out)
    parts: list[str] = []
    previous = None
    for i, p in enumerate(parameters):
        if p.kind is p.KEYWORD_ONLY and (previous is None or previous.kind not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)):
            parts.append("*")
        if previous is not None and previous.kind is p.POSITIONAL_ONLY and p.kind is not p.POSITIONAL_ONLY and i > 1:
            parts.append("/")
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        if method and i == 0:
            parts.append("self")
        else:
            default = "" if p.default is p.empty else " = ..."
            parts.append(f"{star}{p.name}: {annotation(p.annotation, 'Any')}{default}")
        previous = p
    if method and name.startswith("__"):
        overrides = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
        return f"def {name}({', '.join(parts)}) -> Tensor: ...{overrides}"
    result = annotation(inspect.signature(function).return_annotation if callable(function) else "Any", "Any")
    return f"def {name}({', '.join(parts)}) -> {result}: ..."


def own_names(source: str) -> set[str]:
    """What the body of class Tensor defines itself."""
    (body,) = [node.body for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Tensor"]
    assigned = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    defined = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    return defined | {target.id for target in assigned if isinstance(target, ast.Name)}


def whole() -> tuple[Any, dict[str, Any]]:
    """minigrad with all families, and its functions by name."""
    sys.path.insert(0, str(ROOT))
    import minigrad
    from minigrad.ops.names import FUNCTIONS

    for path in sorted((ROOT / "minigrad" / "ops").glob("[a-z]*.py")):
        importlib.import_module(f"minigrad.ops.{path.stem}")
    return minigrad, {name: minigrad.ops.function(name) for name in FUNCTIONS}


def families(names: dict[str, Any]) -> dict[str, str]:
    """The family of each name; an in-place twin is in that of its function."""
    found = {}
    for name, value in names.items():
        value = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        value = inspect.unwrap(value) if callable(value) else value
        package, _, family = str(getattr(value, "__module__", "")).rpartition(".")
        if package == "minigrad.ops":
            found[name] = family
    own = dict(found)
    return {n: own.get(n[:-1], f) if n.endswith("_") and f == "inplace" else f for n, f in found.items()}


def later() -> str:
    """The text of later.py."""
    minigrad, functions = whole()
    kinds = [families(dict(sorted(space.items()))) for space in (functions, vars(minigrad.Tensor))]
    lines = [LATER_HEADER]
    for family in sorted({family for kind in kinds for family in kind.values()} - set(minigrad.ops.AT_ONCE)):
        lines.append(f'    "{family}": (\n')
        for kind in kinds:
            text = " ".join(name for name, home in kind.items() if home == family)
            pieces = textwrap.wrap(text, 108, break_long_words=False, break_on_hyphens=False) or [""]
            quoted = [f'"{piece} "' for piece in pieces[:-1]] + [f'"{pieces[-1]}"']
            lines.append("        " + "\n        ".join(quoted) + ",\n")
        lines.append("    ),\n")
    return "".join(lines) + "}\n"


def stub() -> str:
    """The text of the stub."""
    minigrad, FUNCTIONS = whole()
    own = own_names(inspect.getsource(sys.modules["minigrad.tensor"]))
    lines = [HEADER, "class Methods:"]
    for name, value in sorted(vars(minigrad.Tensor).items()):
        if (
            name in own
            or (name.startswith("_") and not name.startswith("__"))
            or isinstance(value, type(vars(Slots)["x"]))
        ):
            continue
        if isinstance(value, property):
            lines += ["    @property", f"    def {name}(self) -> Tensor: ..."]
        elif callable(value) or isinstance(value, staticmethod):
            lines.append("    " + signature(name, value, method=True))
    lines.append("")
    for name, function in sorted(FUNCTIONS.items()):
        if inspect.isclass(function):
            continue
        lines.append(signature(name, function, method=False))
    return "\n".join(lines) + "\n"


class Slots:
    """Its one slot shows what kind of object a slot is."""

    __slots__ = ("x",)


if __name__ == "__main__":
    STUB.write_text(stub())
    LATER.write_text(later())
