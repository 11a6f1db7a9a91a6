"""What modules of one function share: they keep its options, print them, and call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from .module import Module

INTERNAL = True


class Applied(Module):
    """A module of one function: called with tensors, it adds the options that it was made with."""

    function: ClassVar[Callable[..., Any]]
    shows_inplace: ClassVar[bool] = True
    _options: tuple[str, ...]
    _inputs: tuple[str, ...]  # what the function takes besides, which `forward` is called with

    def __init__(self, **options: Any) -> None:
        super().__init__()
        inputs = tuple([name for name in _required(self.function) if name not in options])
        self.__dict__.update(options, _options=tuple(options), _inputs=inputs)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The function of the inputs, which may be given by name."""
        if named or len(inputs) != len(self._inputs):
            inputs = _bound(f"{type(self).__name__}.forward()", self._inputs, inputs, named)
        return self.function(*inputs, **{name: getattr(self, name) for name in self._options})

    def extra_repr(self) -> str:
        """The options by name, and whether it works in place."""
        values = {name: getattr(self, name) for name in self._options if name != "inplace"}
        shown = [f"{name}={value!r}" if isinstance(value, str) else f"{name}={value}" for name, value in values.items()]
        if self.shows_inplace and self.__dict__.get("inplace"):
            shown.append("inplace=True")
        return ", ".join(shown)


def _required(function: Any) -> tuple[str, ...]:
    """The names of the arguments that a function has no defaults for."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    names: tuple[str, ...] = function.__code__.co_varnames[: function.__code__.co_argcount]
    return names[: len(names) - len(function.__defaults__ or ())]


def _bound(call: str, names: tuple[str, ...], given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of these names, in their order; Python's TypeError where there are others, or too few."""
    if len(given) > len(names):
        wanted = f"{len(names) + 1} positional arguments"
        raise TypeError(f"{call} takes {wanted} but {len(given) + 1} were given")
    for name in named:
        if name not in names:
            raise TypeError(f"{call} got an unexpected keyword argument '{name}'")
        if name in names[: len(given)]:
            raise TypeError(f"{call} got multiple values for argument '{name}'")
    rest = names[len(given) :]
    missing = [f"'{name}'" for name in rest if name not in named]
    if missing:
        listed = ", ".join(missing[:-1]) + ("," if len(missing) > 2 else "") + (" and " if missing[1:] else "")
        arguments = f"argument{'s' if missing[1:] else ''}"
        raise TypeError(f"{call} missing {len(missing)} required positional {arguments}: {listed}{missing[-1]}")
    return (*given, *[named[name] for name in rest])


def repeated(value: Any, n: int) -> tuple[Any, ...]:
    """A number `n` times; a sequence as a tuple."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n
