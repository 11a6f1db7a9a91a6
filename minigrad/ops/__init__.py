"""The operations: importing this package gives Tensor its methods and operators.

The families that nearly every program needs are imported at once, the others when one of their names is first asked
for: `later.py` says which names those are.
"""

from importlib import import_module
from typing import Any

from ..tensor import Tensor
from .later import LATER
from .names import FUNCTIONS

INTERNAL = True
AT_ONCE = (
    "inplace",
    "shape",
    "pointwise",
    "reduction",
    "logic",
    "linear",
    "operators",
    "reshaping",
    "convert",
    "creation",
    "factories",
    "types",
    "indexing",
    "assigning",
)
_FAMILY_OF = {name: family for family, (functions, _) in LATER.items() for name in functions.split()}


class _Later:
    """Has the place of a method in Tensor until its family is imported, which puts the method itself there."""

    __slots__ = ("family", "name")

    def __init__(self, family: str, name: str) -> None:
        self.family, self.name = family, name

    def __get__(self, t: Tensor | None, owner: type) -> Any:
        import_module(f"{__name__}.{self.family}")
        return getattr(owner if t is None else t, self.name)


def function(name: str) -> Any:
    """The function of this name, of whatever family; KeyError if there is none."""
    if name not in FUNCTIONS:
        import_module(f"{__name__}.{_FAMILY_OF[name]}")
    found = taking_out(FUNCTIONS[name])
    if found is not FUNCTIONS[name]:
        found.__module__, found.__qualname__ = "minigrad", name  # where pickle finds it
    FUNCTIONS[name] = found
    return found


def function_names() -> list[str]:
    """The names of all functions, those of families that are not imported yet too."""
    return [*FUNCTIONS, *[name for name in _FAMILY_OF if name not in FUNCTIONS]]


def import_all() -> None:
    """Import every family, as whoever wants the whole table must."""
    for name in function_names():
        function(name)
    for family in LATER:  # some have methods only
        import_module(f"{__name__}.{family}")


for _family in AT_ONCE:
    import_module(f"{__name__}.{_family}")
taking_out: Any = import_module(f"{__name__}.outs").taking_out
for _family, (_, _methods) in LATER.items():
    for _name in _methods.split():
        if _name not in vars(Tensor):
            setattr(Tensor, _name, _Later(_family, _name))
