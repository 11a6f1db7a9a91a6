"""What a script's own variables call its parameters: `w`, `params[0]`, `net.0.weight`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from types import FrameType, ModuleType
from typing import Any

from ..show.frames import attributes_of

INTERNAL = True
ENOUGH = (0, 100, 1000)  # elements of a container that are looked through, by how many levels are looked into


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
            for text, t in _within(name, value, 2, torch):
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


def _within(text: str, value: Any, depth: int, torch: Any) -> Iterator[tuple[str, Any]]:
    """The parameters in a value, and how each is named; no code of the user's runs, as attributes' could."""
    if isinstance(value, torch.Tensor):
        if value.requires_grad and value.is_leaf:
            yield text, value
    elif _is_module(value, torch):
        for name, p in value.named_parameters():
            if p.requires_grad:
                yield f"{text}.{name}", p
    elif not depth or isinstance(value, (type, ModuleType, str, bytes)):
        return
    elif isinstance(value, (list, tuple)):
        for i, v in enumerate(islice(value, ENOUGH[depth])):
            yield from _within(f"{text}[{i}]", v, depth - 1, torch)
    else:
        inside: Any = value if isinstance(value, dict) else attributes_of(value)
        for key, v in islice(list(inside.items()), ENOUGH[depth]):
            yield from _within(f"{text}[{key!r}]" if inside is value else f"{text}.{key}", v, depth - 1, torch)


def _is_module(value: Any, torch: Any) -> bool:
    nn = getattr(torch, "nn", None)
    return nn is not None and isinstance(value, nn.Module)
