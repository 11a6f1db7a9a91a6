"""What the engine asks of the transformations of `minigrad.func` that are under way (see `func/levels.py`)."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from .messages import BACKWARD_INSIDE, inside_transform

INTERNAL = True

# The innermost, whose function or pass runs
level: ContextVar[Any] = ContextVar("minigrad.level", default=None)


def of_level(node: Any, hook: Callable[..., Any]) -> Callable[..., Any]:
    """A hook for `node`, None for a leaf: registered inside a transformation, it is for that one's passes alone."""
    innermost = level.get()
    return hook if innermost is None else innermost.hook(node, hook)


def refuse_backward() -> None:
    """Raise torch's error for a pass that is to fill `.grad` inside a function that is transformed."""
    innermost = level.get()
    if innermost is not None and innermost.is_running:
        raise RuntimeError(BACKWARD_INSIDE)


def refuse_inside(call: str) -> None:
    """Raise torch's error for what may not be called inside a function that is transformed."""
    innermost = level.get()
    if innermost is not None and innermost.is_running:
        raise RuntimeError(inside_transform(call))
