"""Running a script as `python script.py` does, and saying in one line what minigrad lacks for it."""

from __future__ import annotations

import difflib
import io
import re
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import minigrad

from .standin import torch_name

INTERNAL = True
NEAR = 0.6  # how alike two names must be for one to stand for the other: difflib's own bound


def run_script(path: str, arguments: Sequence[str] = ()) -> None:
    """Run a script as `python path *arguments` does: as `__main__`, with its folder first on the path for imports.

    Raises what the script raises, OSError where it cannot be read, SyntaxError where it cannot be compiled.
    """
    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec")
    main = ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=__builtins__, __cached__=None)
    sys.modules["__main__"] = main
    sys.argv = [path, *arguments]
    sys.path[0] = str(Path(path).resolve().parent)
    exec(code, main.__dict__)


def explained(error: BaseException, script: str) -> str:
    """What to print for an error that a script ended with: one line where minigrad lacks a name, else its traceback."""
    missing = _missing(error)
    if missing is not None:
        file, line = place_of(error.__traceback__, script)
        return f"{file}:{line}: {missing}\n"
    told = traceback.TracebackException.from_exception(error)
    files = [frame.filename for frame in told.stack]
    if script in files:
        del told.stack[: files.index(script)]  # what led to the script is not the user's
    elif isinstance(error, SyntaxError):
        told.stack.clear()
    return "".join(told.format())


def place_of(tb: TracebackType | None, script: str) -> tuple[str, int]:
    """File and line of the innermost of the user's frames in a traceback; the script's first line if there is none."""
    found = script, 1
    for frame, line in traceback.walk_tb(tb):
        if "INTERNAL" not in frame.f_globals and not frame.f_code.co_filename.startswith("<"):
            found = frame.f_code.co_filename, line
    return found


def _missing(error: BaseException) -> str | None:
    """What to say of a name of torch's that minigrad lacks; None for any other error."""
    if isinstance(error, AttributeError) and error.name is not None:
        owner = error.obj if isinstance(error.obj, (ModuleType, type)) else type(error.obj)
        if _is_ours(owner) and not hasattr(owner, error.name):
            return _sentence(owner, error.name, dir(error.obj))
    if isinstance(error, ImportError) and error.name is not None:
        wanted = re.match(r"cannot import name '(\w+)'", error.msg)
        if wanted and error.name in sys.modules and torch_name(error.name).partition(".")[0] == "torch":
            return _sentence(sys.modules[error.name], wanted[1], dir(sys.modules[error.name]))
        if isinstance(error, ModuleNotFoundError) and error.name.startswith("torch."):
            parent, _, name = error.name.rpartition(".")
            package = sys.modules.get(parent, minigrad)
            return _sentence(package, name, dir(package))
    return None


def _is_ours(owner: Any) -> bool:
    module = owner.__name__ if isinstance(owner, ModuleType) else owner.__module__
    return bool(module.partition(".")[0] == minigrad.__name__)


def _sentence(owner: Any, name: str, names: Iterable[str]) -> str:
    """`torch.nn.Foo is not in minigrad; the nearest name there is torch.nn.Fold`."""
    where = torch_name(owner.__name__) if isinstance(owner, ModuleType) else _name_of_class(owner)
    left_out: dict[str, str] = getattr(owner, "_LEFT_OUT", {})
    if name in left_out:
        return f"{where}.{name} is left out of minigrad on purpose: {left_out[name]}"
    near = [(*_likeness(name, other), other) for other in names if not other.startswith("_")]
    alike, _, nearest = max(near, default=(0.0, 0.0, ""))
    advice = f"the nearest name there is {where}.{nearest}" if alike >= NEAR else "no name there is near it"
    return f"{where}.{name} is not in minigrad; {advice}"


def _likeness(one: str, two: str) -> tuple[float, float]:
    """How alike two names are: whatever the case of their letters, and as they are written."""
    pairs = ((one.lower(), two.lower()), (one, two))
    lower, written = (difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs)
    return lower, written


def _name_of_class(owner: type) -> str:
    """`torch.nn.Linear`, by the outermost package that has the class."""
    parts = owner.__module__.split(".")
    packages = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
    has = (name for name in packages if vars(sys.modules[name]).get(owner.__name__) is owner)
    return f"{torch_name(next(has, owner.__module__))}.{owner.__qualname__}"
