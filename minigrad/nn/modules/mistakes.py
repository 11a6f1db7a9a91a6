"""What is said of the usual mistakes in a module's class."""

from __future__ import annotations

import difflib
import math
from typing import Any

from ...tensor import Tensor

INTERNAL = True
CALL_INIT = "\n  Begin the __init__ of your class with super().__init__(): it makes room for parameters and modules."

NO_SHARING = (
    "share_memory: there is no memory that processes share\n"
    "  Give another process net.state_dict(), which can be pickled, and let it load that."
)


def no_forward(module: Any) -> str:
    """A call of a module without `forward`; with the method that may have been meant, were it not for its spelling."""
    kind = type(module)
    text = f'Module [{kind.__name__}] is missing the required "forward" function'
    near = difflib.get_close_matches("forward", vars(kind).keys() - {"forward"}, n=1, cutoff=0.75)
    return f"{text}\n  It has {near[0]}(): is that misspelt?" if near else text


def made_module(value: Any) -> str:
    """How what was given in the place of a module is made one."""
    if isinstance(value, list | tuple):
        return "\n  Its elements are given one by one: nn.Sequential(*layers)."
    if isinstance(value, type):
        return f"\n  Make one of this class: {value.__name__}(...)."
    return "\n  A function has a module that calls it, as nn.ReLU() calls F.relu." if callable(value) else ""


def name_layer(module: Any, error: Exception, inputs: list[Any]) -> None:
    """Add to an error that one of minigrad's layers raised which layer that is, and the shapes that it was given.

    A layer that holds others is left out: the one inside is named. So is what is not there at all.
    """
    internal = "INTERNAL" in getattr(module.forward, "__globals__", {})
    if not internal or module._modules or isinstance(error, NotImplementedError) or len(error.args) != 1:
        return
    shapes = " and ".join(str(tuple(t.shape)) for t in inputs if isinstance(t, Tensor))
    try:
        layer = repr(module)
    except Exception:  # noqa: BLE001 - of a class of the user's, whose own mistake is not what this error is about
        layer = type(module).__name__
    advice = _other_features(module, inputs)
    error.args = (f"{error.args[0]}{advice}\n  In {layer}" + (f", given {shapes}" if shapes else ""),)


def _other_features(module: Any, inputs: list[Any]) -> str:
    """What makes an input fit a Linear that wants another number of features."""
    wanted = getattr(module, "in_features", None)
    if wanted is None or len(inputs) != 1 or not isinstance(inputs[0], Tensor) or not inputs[0].ndim:
        return ""
    shape = inputs[0].shape
    if shape[-1] == wanted:
        return ""
    if wanted == 1 and len(shape) == 1:
        return "\n  Each example is a row, also one of a single number: x.unsqueeze(-1)."
    if math.prod(shape[1:]) == wanted:
        return "\n  Make one row of each example first: x.flatten(1)."
    return f"\n  in_features is the size of the input's last dimension, here {shape[-1]}."


def no_extra_state(module: Any, method: str) -> str:
    """A call of one of the two methods that a class defines only if its state is more than tensors."""
    return (
        f"Reached a code path in Module.{method}() that should never be called.\n"
        f"  {type(module).__name__} keeps nothing but tensors: a class that does defines get_extra_state and "
        "set_extra_state."
    )


def no_program(module: Any) -> str:
    """A module that is to run as one program."""
    return (
        f"{type(module).__name__} cannot be compiled: its parameters are not the arguments of a function\n"
        "  Write it as a function of them for minigrad.compile, or leave fullgraph out: the module then runs as it is."
    )
