"""Lists, tuples and dictionaries of tensors: taken apart into a flat list, and put together again.

Source: torch.utils._pytree of https://github.com/pytorch/pytorch, whose texts these structures print.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .ops.results import Result

INTERNAL = True


@dataclass(frozen=True)
class Structure:
    """What remains of a container without its leaves; `kind` is None for a leaf itself."""

    kind: type | None = None
    keys: tuple[Any, ...] | None = None  # of a dictionary
    children: tuple[Structure, ...] = ()

    def built(self, leaves: Iterator[Any]) -> Any:
        """The container again, with the next of `leaves` in its places."""
        if self.kind is None:
            return next(leaves)
        values = [child.built(leaves) for child in self.children]
        if self.keys is not None:
            return self.kind(zip(self.keys, values, strict=True))
        return self.kind(*values) if hasattr(self.kind, "_fields") else self.kind(values)

    def __repr__(self) -> str:
        return self.indented(2)

    def indented(self, indent: int) -> str:
        """As torch prints it, lines after the first indented."""
        if self.kind is None:
            return "*"
        context = None if self.keys is None else list(self.keys)
        children = f",\n{' ' * indent}".join([child.indented(indent + 2) for child in self.children])
        return f"TreeSpec({self.kind.__name__}, {context}, [{children}])"

    def pretty(self) -> str:
        """As the value would print if its leaves were stars."""
        if self.kind is None:
            return "*"
        children = [child.pretty() for child in self.children]
        if self.keys is not None:
            return "{" + ", ".join([f"{k!r}: {c}" for k, c in zip(self.keys, children, strict=True)]) + "}"
        inside = ", ".join(children)
        return f"[{inside}]" if self.kind is list else f"({inside},)" if len(children) == 1 else f"({inside})"


ONE = Structure()


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of `tree`, in order, and what holds them; whatever is no list, tuple or dictionary is a leaf."""
    parts, keys = _parts(tree)
    if parts is None:
        return [tree], ONE
    flat = [flatten(part) for part in parts]
    leaves = [leaf for found, _ in flat for leaf in found]
    return leaves, Structure(type(tree), keys, tuple([structure for _, structure in flat]))


def unflatten(leaves: Iterable[Any], structure: Structure) -> Any:
    """What `flatten` took apart, with other leaves."""
    return structure.built(iter(leaves))


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `function` of each leaf in its place."""
    leaves, structure = flatten(tree)
    return unflatten([function(leaf) for leaf in leaves], structure)


def spread(tree: Any, structure: Structure) -> list[Any] | None:
    """One leaf of `tree` for each leaf of `structure`: one above several stands for all of them; None if unlike."""
    parts, keys = _parts(tree)
    if parts is None:
        return [tree] * _count(structure)
    if (type(tree), keys, len(parts)) != (structure.kind, structure.keys, len(structure.children)):
        return None
    found: list[Any] = []
    for part, child in zip(parts, structure.children, strict=True):
        leaves = spread(part, child)
        if leaves is None:
            return None
        found += leaves
    return found


def _parts(tree: Any) -> tuple[list[Any] | None, tuple[Any, ...] | None]:
    """What a container holds, and the keys of a dictionary; (None, None) of a leaf."""
    kind = type(tree)
    if kind is dict or kind is OrderedDict:
        return list(tree.values()), tuple(tree)
    if (
        kind is list
        or kind is tuple
        or isinstance(tree, Result)
        or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    ):
        return list(tree), None
    return None, None


def _count(structure: Structure) -> int:
    return 1 if structure.kind is None else sum(map(_count, structure.children))
