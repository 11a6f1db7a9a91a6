"""Look inside: the forward and backward pass of your own tensors, one step at a time, with the rules that ran.

`explain(loss)` tells the backward pass as a story in the terminal, `page(loss, "backward.html")` steps through it in a
browser, `graph(loss)` draws the graph, `steps(loss)` gives all of it as data, `source(f, *args)` as a program in plain
NumPy. `why(x)` says why a gradient is missing, `lint()` points at beginners' traps as they happen, `recording()` keeps
the forward values that a graph does not need, so that they can be shown too.
"""

from __future__ import annotations

from typing import Any

INTERNAL = True

_HOME = {  # each name and the module that has it, imported when it is first asked for
    "Backward": "model",
    "Finding": "linting",
    "Graph": "drawing",
    "LintWarning": "linting",
    "Reason": "reasons",
    "explain": "story",
    "first_wrong": "stepping",
    "graph": "drawing",
    "lint": "linting",
    "page": "pages",
    "recording": "kept",
    "source": "programs",
    "steps": "stepping",
    "why": "reasons",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return found
