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

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.__dict__.update(options, _options=tuple(options))

    def forward(self, *inputs: Any) -> Any:
        """The function of the inputs."""
        return self.function(*inputs, **{name: getattr(self, name) for name in self._options})

    def extra_repr(self) -> str:
        """The options by name, and whether it works in place."""
        shown = [f"{name}={getattr(self, name)!r}" for name in self._options if name != "inplace"]
        if self.shows_inplace and self.__dict__.get("inplace"):
            shown.append("inplace=True")
        return ", ".join(shown)


def repeated(value: Any, n: int) -> tuple[Any, ...]:
    """A number `n` times; a sequence as a tuple."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n
