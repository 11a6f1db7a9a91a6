"""How types are named, and what is printed is indented, in torch's texts."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from ...tensor import Tensor

INTERNAL = True


def typename(value: Any) -> str:
    """The full name of the type of `value`, as torch's messages have it."""
    if isinstance(value, Tensor):
        return str(value.type())
    if isinstance(value, FunctionType):
        place, _, rest = (value.__module__ or "").partition(".")
        if place == "minigrad":  # the file is another than torch's, so it is called what the user calls it
            return f"torch.{'nn.functional.' if rest.startswith('nn.functional') else ''}{value.__name__}"
        return f"{value.__module__}.{value.__qualname__}" if place else value.__qualname__
    kind = value if isinstance(value, type) else type(value)
    if kind.__module__ == "builtins":
        return kind.__name__
    place, _, rest = kind.__module__.partition(".")
    module = f"torch.{rest}" if place == "minigrad" else kind.__module__
    return f"{module}.{kind.__name__}"


def class_text(kind: type) -> str:
    """A class as it prints in torch."""
    return str(kind).replace("<class 'minigrad.", "<class 'torch.")


def indented(text: str) -> str:
    """`text` with every line but the first two spaces further in."""
    first, *others = text.split("\n")
    return "\n".join([first, *[f"  {line}" if line.strip() else "" for line in others]])
