"""What is said of the usual mistakes in a module's class."""

from __future__ import annotations

import difflib
from typing import Any

INTERNAL = True
CALL_INIT = "\n  Begin the __init__ of your class with super().__init__(): it makes room for parameters and modules."


def no_forward(module: Any) -> str:
    """A call of a module without `forward`; with the method that may have been meant, were it not for its spelling."""
    kind = type(module)
    text = f'Module [{kind.__name__}] is missing the required "forward" function'
    near = difflib.get_close_matches("forward", vars(kind).keys() - {"forward"}, n=1, cutoff=0.75)
    return f"{text}\n  It has {near[0]}(): is that misspelt?" if near else text
