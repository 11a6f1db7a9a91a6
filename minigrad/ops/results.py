"""The named results of functions that return several tensors, as torch prints them."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

INTERNAL = True


class Result(tuple[Any, ...]):
    """Several results, each of which also has a name."""

    __slots__ = ()
    names: tuple[str, ...] = ()

    def __repr__(self) -> str:
        parts = ",\n".join(f"{name}={value!r}" for name, value in zip(self.names, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{parts})"

    def __reduce__(self) -> Any:
        return _again, (type(self).__name__, self.names, tuple(self))


_types: dict[tuple[str, tuple[str, ...]], type[Result]] = {}


def result_type(function: str, *names: str) -> type[Result]:
    """The type of what `function` returns: called with a tuple, it gives the values these names."""
    if (function, names) not in _types:
        fields = {name: property(itemgetter(i)) for i, name in enumerate(names)}
        _types[function, names] = type(function, (Result,), {"__slots__": (), "names": names, **fields})
    return _types[function, names]


def _again(function: str, names: tuple[str, ...], values: tuple[Any, ...]) -> Result:
    """A result that was copied or pickled."""
    return result_type(function, *names)(values)


def values_and_indices(function: str, values: Any, indices: Any) -> Result:
    """What `function` returns: values, and where they are."""
    return result_type(function, "values", "indices")((values, indices))
