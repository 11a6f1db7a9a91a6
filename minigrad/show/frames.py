"""What the user's program holds at this moment: its frames, and the tensors that their variables lead to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from types import FrameType, ModuleType
from typing import Any

from ..tensor import Tensor

INTERNAL = True
ENOUGH = 1000  # elements of one container that are looked through


def user_frames() -> list[FrameType]:
    """The frames that are not minigrad's own, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    found = []
    while frame is not None:
        if "INTERNAL" not in frame.f_globals:
            found.append(frame)
        frame = frame.f_back
    return found


def tensors_of(frames: list[FrameType]) -> list[tuple[str, Tensor]]:
    """Each tensor that the variables lead to, once, and how one writes it: `w`, `params[0]`, `self.w`.

    The variables are those of the frames' functions and of the innermost one's module; containers and objects are
    looked into two levels deep.
    """
    found: dict[int, tuple[str, Tensor]] = {}
    for space in [*[frame.f_locals for frame in frames], *[frame.f_globals for frame in frames[:1]]]:
        for name, value in list(space.items()):
            if name.isidentifier() and not name.startswith("__"):
                for text, t in _within(name, value, 2):
                    if id(t) not in found or (text.isidentifier() and not found[id(t)][0].isidentifier()):
                        found[id(t)] = text, t
    return list(found.values())


def _within(text: str, value: Any, depth: int) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield text, value
    elif depth and isinstance(value, (list, tuple)):
        for i, v in enumerate(value[:ENOUGH]):
            yield from _within(f"{text}[{i}]", v, depth - 1)
    elif depth and isinstance(value, dict):
        for key, v in list(islice(value.items(), ENOUGH)):
            yield from _within(f"{text}[{key!r}]", v, depth - 1)
    elif depth and not isinstance(value, (type, ModuleType)) and isinstance(getattr(value, "__dict__", None), dict):
        for key, v in list(islice(value.__dict__.items(), ENOUGH)):
            yield from _within(f"{text}.{key}", v, depth - 1)


def name_of(t: Tensor) -> str:
    """What the user's program calls `t`, outermost first: `w` rather than the `param` of a loop; empty if nothing."""
    frames = user_frames()
    for frame in reversed(frames):
        for name, value in list(frame.f_locals.items()):
            if value is t and name.isidentifier():
                return name
    return next((name for name, other in tensors_of(frames) if other is t), "")
