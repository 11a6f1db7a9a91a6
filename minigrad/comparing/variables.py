"""What a script's own variables call its parameters: `w`, `params[0]`, `net.0.weight`."""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import Any

from ..show.frames import Found, within

INTERNAL = True


def parameters_of(frames: list[FrameType], torch: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves that require a gradient, under the names that they are `known` by, or the outermost frame's for them.

    A module's are named as `named_parameters` does, after the variable that holds the module; containers and objects
    are looked into two levels deep. `torch` is either library.
    """
    earlier = {id(t): name for name, t in known.items()}
    names: dict[int, str] = {}
    found: dict[str, Any] = {}
    spaces = [frames[0].f_globals, *[frame.f_locals for frame in reversed(frames)]] if frames else []
    for space in spaces:
        for name, value in list(space.items()):
            if name.startswith("__"):
                continue
            for text, t in within(name, value, 2, lambda text, value, _: _parameters(text, value, torch)):
                better = id(t) not in names or (text.isidentifier() and not names[id(t)].isidentifier())
                if better and id(t) not in earlier:
                    found.pop(names.get(id(t), ""), None)
                    while text in found or text in known:  # another's name
                        text += "'"
                    names[id(t)], found[text] = text, t
                elif better:
                    names[id(t)] = earlier[id(t)]
                    found[earlier[id(t)]] = t
    return found


def _parameters(text: str, value: Any, torch: Any) -> Found:
    """A tensor itself if it is a parameter, and a model's parameters."""
    if issubclass(type(value), torch.Tensor):
        return [(text, value)] if value.requires_grad and value.is_leaf else []
    if issubclass(type(value), torch.nn.Module):
        return [(f"{text}.{name}", p) for name, p in value.named_parameters() if p.requires_grad]
    return None
