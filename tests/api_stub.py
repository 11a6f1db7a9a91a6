"""Writes minigrad/_api.pyi: what `ops/` adds to Tensor and offers as functions, written down for type checkers.

python tests/api_stub.py
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STUB = ROOT / "minigrad" / "_api.pyi"
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


def stub() -> str:
    """The text of the stub."""
    sys.path.insert(0, str(ROOT))
    import minigrad
    from minigrad.ops.names import FUNCTIONS

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
