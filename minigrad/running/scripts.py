"""Running a script as `python script.py` does, and saying in one line what minigrad lacks for it."""

from __future__ import annotations

import difflib
import io
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import minigrad

from .standin import torch_name

INTERNAL = True


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
            return _sentence(owner, error.name)
    if isinstance(error, ImportError) and error.name is not None:
        wanted = re.match(r"cannot import name '(\w+)'", error.msg)
        if wanted and error.name in sys.modules and torch_name(error.name).partition(".")[0] == "torch":
            return _sentence(sys.modules[error.name], wanted[1])
        if isinstance(error, ModuleNotFoundError) and error.name.startswith("torch."):
            parent, _, name = error.name.rpartition(".")
            return _sentence(sys.modules.get(parent, minigrad), name)
    return None


def _is_ours(owner: Any) -> bool:
    module = owner.__name__ if isinstance(owner, ModuleType) else owner.__module__
    return bool(module.partition(".")[0] == minigrad.__name__)


def _sentence(owner: Any, name: str) -> str:
    """`torch.nn.Foo is not in minigrad; the nearest name there is torch.nn.Fold`."""
    where = torch_name(owner.__name__) if isinstance(owner, ModuleType) else f"torch.{owner.__name__}"
    names = [other for other in dir(owner) if not other.startswith("_")]
    lower = {other.lower(): other for other in names}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.4)
    advice = f"the nearest name there is {where}.{lower[near[0]]}" if near else "no name there is near it"
    return f"{where}.{name} is not in minigrad; {advice}"
