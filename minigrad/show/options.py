"""The options of an operation as text that can be read."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops.shape import part
from ..ops.table import Op
from .symbols import MANY, shape_text, short_name

INTERNAL = True


class Path:
    """Where a view lies in its base, as an option that can be read: `view[0, ...]`."""

    def __init__(self, layout: Any) -> None:
        self.layout = layout

    def __getitem__(self, index: int) -> Any:
        return self.layout[index]

    def __repr__(self) -> str:
        steps = []
        for op, options in self.layout[0]:
            text = ", ".join(map(brief, options))
            steps.append(
                f"[{text[1:-1].rstrip(',')}]" if op.forward is part.forward else f".{short_name(op.node_name)}({text})"
            )
        return "view" + "".join(steps)


def readable(value: Any) -> Any:
    """An option, with the way to a view as something that can be read."""
    is_layout = type(value) is tuple and len(value) == 2 and type(value[0]) is tuple and value[0]
    steps = value[0] if is_layout else ()
    if steps and all(type(step) is tuple and len(step) == 2 and isinstance(step[0], Op) for step in steps):
        return Path(value)
    return value


def brief(value: Any, limit: int = 60) -> str:
    """An option as a short text."""
    value = readable(value)
    if isinstance(value, np.ndarray):
        return f"[{shape_text(value.shape)}]" if value.size > MANY else str(value.tolist())
    if isinstance(value, (tuple, list)):
        inner = ", ".join(map(brief, value))
        text = f"({inner}{',' if len(value) == 1 else ''})" if isinstance(value, tuple) else f"[{inner}]"
    elif isinstance(value, slice):
        text = ":".join("" if end is None else str(end) for end in (value.start, value.stop, value.step))
        text = text.removesuffix(":") if value.step is None else text
    elif value is Ellipsis:
        text = "..."
    else:
        text = str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
