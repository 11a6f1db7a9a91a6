"""What the user's program holds at this moment: its frames, and the tensors that their variables lead to."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice, pairwise
from types import CodeType, FrameType, ModuleType
from typing import Any

from ..tensor import Tensor

INTERNAL = True
OF_MODULES = {"_parameters", "_buffers", "_modules"}  # attributes that tell an nn.Module
PLAIN = (str, bytes, int, float, bool, type(None))  # keys that one can write
# What runs programs, cells and tests: its variables are not the program's, and they are many.
RUNNERS = {"IPython", "_pytest", "__channelexec__", "asyncio", "doctest", "execnet", "hypothesis", "ipykernel"}
RUNNERS |= {"pluggy", "pytest", "runpy", "threading", "tornado", "traitlets", "unittest", "xdist"}
ENOUGH = (0, 100, 1000)  # elements of a container that are looked through, by how many levels are looked into


def user_frames() -> list[FrameType]:
    """The frames of the user's own program, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    found = []
    while frame is not None:
        module = str(frame.f_globals.get("__name__")).partition(".")[0]
        if "INTERNAL" not in frame.f_globals and module not in RUNNERS:
            found.append(frame)
        frame = frame.f_back
    return found


def tensors_of(frames: list[FrameType]) -> list[tuple[str, Tensor]]:
    """Each tensor that the variables lead to, once, and how one writes it: `w`, `params[0]`, `self.w`, `net[0].weight`.

    The variables are those of the frames' functions and of the innermost one's module; containers and objects are
    looked into two levels deep, models as deep as they go.
    """
    return _named(frames, _tensors)


def modules_of(frames: list[FrameType]) -> dict[int, str]:
    """By id of each nn.Module that the variables lead to in the same way: how one writes it, `net[0]`."""
    return {id(module): text for text, module in _named(frames, _modules, _loop_variables)}


def is_buffer(t: Tensor, frames: list[FrameType]) -> bool:
    """Whether an nn.Module that the variables lead to keeps a tensor as a buffer."""
    modules = [module for _, module in _named(frames, _modules)]
    return any(kept is t for module in modules for kept in attributes_of(module)["_buffers"].values())


def _named(
    frames: list[FrameType], look: Callable[..., Found], passing: Callable[[CodeType], set[str]] = lambda code: set()
) -> list[tuple[str, Any]]:
    """`passing`  the variables of some code whose names are taken only for what has no other."""
    found: dict[int, tuple[str, Any]] = {}
    spaces: list[tuple[Any, set[str]]] = [(frame.f_locals, passing(frame.f_code)) for frame in frames]
    if frames and all(frame.f_locals is not frames[0].f_globals for frame in frames):
        spaces.append((frames[0].f_globals, set()))
    for space, last in spaces:
        for name, value in sorted(space.items(), key=lambda item: item[0] in last):
            if name.isidentifier() and not name.startswith("__"):
                for text, thing in within(name, value, 2, look):
                    plain = text.isidentifier() and text not in last
                    if id(thing) not in found or (plain and not found[id(thing)][0].isidentifier()):
                        found[id(thing)] = text, thing
    return list(found.values())


@lru_cache
def _loop_variables(code: CodeType) -> set[str]:
    """The variables that the `for` loops of some code assign."""
    found: set[str] = set()
    in_head = False
    for instruction in dis.get_instructions(code):
        store = instruction.opname.startswith("STORE_")
        in_head = instruction.opname == "FOR_ITER" or (in_head and (store or instruction.opname.startswith("UNPACK_")))
        if in_head and store:
            names = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
            found.update(names[: instruction.opname.count("STORE")])  # Python 3.13 may load another one with it
    return found


Found = Iterable[tuple[str, Any]] | None


def within(text: str, value: Any, depth: int, found: Callable[[str, Any, int], Found]) -> Iterator[tuple[str, Any]]:
    """The tensors that a value leads to, and how one writes each; no code of the user's runs, as attributes' could.

    found  what a value that one writes `text` is or stands for by itself; None if it is to be looked into
    """
    here = found(text, value, depth)
    if here is not None:
        yield from here
    elif not depth:
        return
    elif issubclass(type(value), (list, tuple)):
        for i, v in enumerate(list(islice(value, ENOUGH[depth]))):
            yield from within(f"{text}[{i}]", v, depth - 1, found)
    elif issubclass(type(value), dict):
        for key, v in list(islice(value.items(), ENOUGH[depth])):
            yield from within(f"{text}[{_written(key)}]", v, depth - 1, found)
    elif not issubclass(type(value), (type, ModuleType)):
        yield from _within_attributes(text, value, depth, found)


def _written(key: Any) -> str:
    """A key of a dictionary as one writes it, or its type where only code of its class could tell."""
    plain = all(type(part) in PLAIN for part in (key if type(key) is tuple else (key,)))
    return repr(key) if plain else f"<{type(key).__name__}>"


def _within_attributes(text: str, value: Any, depth: int, found: Callable[..., Found]) -> Iterator[tuple[str, Any]]:
    for key, v in list(islice(attributes_of(value).items(), ENOUGH[depth])):
        yield from within(f"{text}.{key}", v, depth - 1, found)


def _tensors(text: str, value: Any, depth: int) -> Found:
    """A tensor itself; a model's parameters and buffers, before what else it holds."""
    if issubclass(type(value), Tensor):
        return [(text, value)]
    own = attributes_of(value) if depth else {}
    if own.keys() >= OF_MODULES:
        return chain(_within_module(text, value), _within_attributes(text, value, depth, _tensors))
    return None


def _modules(text: str, value: Any, depth: int) -> Found:
    """A model and all modules inside it."""
    if issubclass(type(value), Tensor):
        return ()
    return _modules_in(text, value, set()) if attributes_of(value).keys() >= OF_MODULES else None


def _modules_in(text: str, module: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """An nn.Module and all that are inside it, each once."""
    own = attributes_of(module)
    if own.keys() >= OF_MODULES and id(own) not in seen:
        seen.add(id(own))
        yield text, module
        for name, inner in own["_modules"].items():
            yield from _modules_in(f"{text}[{name}]" if name.isdigit() else f"{text}.{name}", inner, seen)


def _within_module(text: str, module: Any) -> Iterator[tuple[str, Tensor]]:
    """The parameters and buffers of an nn.Module, and of all modules inside it."""
    for path, inner in _modules_in(text, module, set()):
        own = attributes_of(inner)
        for name, t in [*own["_parameters"].items(), *own["_buffers"].items()]:
            if issubclass(type(t), Tensor):
                yield f"{path}.{name}", t


def attributes_of(value: Any) -> dict[str, Any]:
    """What an object itself holds, without running code of its class; nothing where it has no `__dict__`."""
    try:
        found: dict[str, Any] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found


def name_of(t: Tensor) -> str:
    """What the user's program calls `t`, outermost first: `w` rather than the `param` of a loop; empty if nothing."""
    frames = user_frames()
    for frame in reversed(frames):
        for name, value in list(frame.f_locals.items()):
            if value is t and name.isidentifier():
                return name
    return next((name for name, other in tensors_of(frames) if other is t), "")


@lru_cache
def _stores(code: CodeType) -> dict[int, str]:
    """By instruction: the variable that the next one stores its result in; "" where the next one returns it."""
    found: dict[int, str] = {}
    instructions = [i for i in dis.get_instructions(code) if i.opname not in ("CACHE", "EXTENDED_ARG")]
    for this, following in pairwise(instructions):
        if following.opname in ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"):
            found |= dict.fromkeys(range(this.offset, following.offset, 2), following.argval)
        elif following.opname == "RETURN_VALUE":
            found |= dict.fromkeys(range(this.offset, following.offset, 2), "")
    return found


def assigned_to(frame: Any) -> str | None:
    """The variable that the user's line, or one that gets its result by `return`, assigns."""
    while frame is not None and "INTERNAL" in frame.f_globals:
        frame = frame.f_back
    while frame is not None and "INTERNAL" not in frame.f_globals:
        name = _stores(frame.f_code).get(frame.f_lasti)
        if name != "":
            return name
        frame = frame.f_back
    return None


_FACTORIES = {"arange", "eye", "full", "full_like", "linspace", "ones", "ones_like", "zeros", "zeros_like"}


def maker_of(frame: Any) -> tuple[str, Any]:
    """The function of minigrad that the user called, and the data that it was given."""
    while frame.f_back is not None and "INTERNAL" in frame.f_back.f_globals:
        frame = frame.f_back
    return frame.f_code.co_name, frame.f_locals.get("data")


def is_constant(maker: tuple[str, Any]) -> bool:
    """Whether a tensor is the same whenever it is made: it is of a shape, or of a number in the program."""
    name, data = maker
    return name in _FACTORIES or (name == "tensor" and _is_literal(data))


def _is_literal(data: Any) -> bool:
    return isinstance(data, (bool, int, float)) or (type(data) in (list, tuple) and all(map(_is_literal, data)))
