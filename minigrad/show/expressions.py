"""Expressions over arrays, as trees that can be written down: what the symbols of `symbols.py` stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

INTERNAL = True
_STRENGTH = {"**": 8, "u": 7, "*": 6, "/": 6, "@": 6, "+": 5, "-": 5, "&": 4, "^": 3, "|": 2}
_STRENGTH |= dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 1)
_ATOM = 9


@dataclass(frozen=True, eq=False)
class Expression:
    """One node of a tree: `head` says what is done with `args`; expressions among them may be nested in containers.

    kind  "name", "constant", "operator", "call" (of `head`), "method", "attribute", "index", or "full": an array whose
          elements are all the same number
    """

    kind: str
    head: str
    args: tuple[Any, ...]
    options: tuple[tuple[str, Any], ...]
    value: Any  # an example of what it stands for: an array, of which shape and dtype hold for all examples

    def parts(self) -> list[Expression]:
        """The expressions that this one is made of, one level down."""
        found: list[Expression] = []
        _collect((self.args, tuple(v for _, v in self.options)), found)
        return found


def owners(e: Expression) -> set[Expression]:
    """The expressions whose memory the array of `e` may be: itself, or what it is a view of."""
    found: set[Expression] = set()
    pending = [e]
    while pending:
        e = pending.pop()
        shown = [p for p in e.parts() if e.head == "reshape" or np.may_share_memory(e.value, p.value)]
        pending += shown
        if not shown:
            found.add(e)
    return found


def names_in(e: Expression) -> set[str]:
    """The names that `e` is computed from."""
    seen: set[Expression] = set()
    pending = [e]
    while pending:
        e = pending.pop()
        if e not in seen:
            seen.add(e)
            pending += e.parts()
    return {e.head for e in seen if e.kind == "name"}


def _collect(value: Any, found: list[Expression]) -> None:
    if isinstance(value, Expression):
        found.append(value)
    elif isinstance(value, (tuple, list)):
        for v in value:
            _collect(v, found)


class Writer:
    """Writes expressions as text; `known` gives the text of those that have a name already."""

    def __init__(self, known: Callable[[Expression], str | None], quick: bool = False) -> None:
        self.known = known
        self.quick = quick  # the spelling that NumPy runs fastest, rather than the one that reads best
        self.numbers: dict[str, Any] = {}  # if quick: by name, numbers as arrays, which NumPy takes in half the time

    def write(self, e: Expression, strength: int = 0, itself: bool = False) -> str:
        """The text of `e`, in brackets where something that binds more than `strength` is next to it."""
        name = None if itself else self.known(e)
        if name is not None:
            return name
        text, own = self._write(e)
        return f"({text})" if own < strength else text

    def _write(self, e: Expression) -> tuple[str, int]:
        if e.kind == "name":
            return e.head, _ATOM
        if e.kind == "constant":
            text = literal(e.args[0])
            return text, 7 if text.startswith("-") else _ATOM
        if e.kind == "full":
            shape, number = e.args
            made = f"np.full({literal(shape)}, {literal(number)}, {literal(e.value.dtype)})"
            return (made if shape else f"{literal(e.value.dtype)}({literal(number)})"), _ATOM
        if e.kind == "operator":
            return self._operator(e)
        first, rest = e.args[0], e.args[1:]
        options = [f"{name}={self.value(v)}" for name, v in e.options]
        if e.kind == "call":
            return f"{e.head}({', '.join([*map(self.value, e.args), *options])})", _ATOM
        owner = self.write(first, _ATOM)
        if e.kind == "attribute":
            return f"{owner}.{e.head}", _ATOM
        if e.kind == "method":
            if self.quick and e.head == "sum" and set(dict(e.options)) <= {"axis", "keepdims"}:
                axis, keep = dict(e.options).get("axis"), dict(e.options).get("keepdims", False)
                extra = ", keepdims=True" if keep else ""
                return f"add_up({self.write(first)}, {self.value(axis)}{extra})", _ATOM
            if e.head == "reshape" and len(rest) == 1 and rest[0]:
                rest = rest[0]  # reshape(2, 3) for reshape((2, 3))
            return f"{owner}.{e.head}({', '.join([*map(self.value, rest), *options])})", _ATOM
        return f"{owner}[{self._key(rest[0])}]", _ATOM

    def _operator(self, e: Expression) -> tuple[str, int]:
        if len(e.args) == 1:
            return e.head + self.write(e.args[0], _STRENGTH["u"]), _STRENGTH["u"]
        own = _STRENGTH[e.head]
        a, b = e.args
        if self.quick and a.value.ndim and _is_number(b) and b.args[0].__class__ is not bool:
            number = np.asarray(b.args[0], a.value.dtype)
            name = next((n for n, v in self.numbers.items() if v.dtype == number.dtype and v == number), None)
            name = name or f"_c{len(self.numbers)}"
            self.numbers[name] = number
            return f"{self.write(a, own)} {e.head} {name}", own
        if self.quick and e.head == "@" and a.value.ndim <= 2 and b.value.ndim <= 2 and a.value.shape[-1] != 1:
            return f"{self.write(a, _ATOM)}.dot({self.write(b)})", _ATOM
        right = own if e.head == "**" else own + 1
        left = own + 1 if e.head == "**" else own
        return f"{self._operand(a, b, e.head, left)} {e.head} {self._operand(b, a, e.head, right)}", own

    def _operand(self, e: Expression, other: Expression, sign: str, strength: int) -> str:
        """An operand's text; if quick, that of one element is without dimensions: NumPy spreads it in half the time."""
        one = e.value.size == 1 != other.value.size and 0 < e.value.ndim <= other.value.ndim
        return f"{self.write(e, _ATOM)}.squeeze()" if self.quick and one and sign != "@" else self.write(e, strength)

    def _key(self, key: Any) -> str:
        if isinstance(key, tuple) and key:
            return ", ".join([_slice(k) if isinstance(k, slice) else self.value(k) for k in key])
        return _slice(key) if isinstance(key, slice) else self.value(key)

    def value(self, v: Any) -> str:
        """The text of an argument: an expression, a container of them, or a plain value."""
        if isinstance(v, Expression):
            return self.write(v)
        if isinstance(v, tuple):
            return f"({', '.join(map(self.value, v))}{',' if len(v) == 1 else ''})"
        if isinstance(v, list):
            return f"[{', '.join(map(self.value, v))}]"
        return literal(v)


def literal(v: Any) -> str:
    """A plain value as Python and NumPy write it."""
    if isinstance(v, slice):
        return f"slice({v.start}, {v.stop})" if v.step in (None, 1) else repr(v)
    if v is Ellipsis:
        return "..."
    if isinstance(v, (np.generic, np.ndarray)):
        if v.ndim:
            return f"np.array({_listed(v)}, {literal(v.dtype)})"
        return literal(float(str(v)) if v.dtype.kind == "f" else v.item())  # float32's shortest text: 0.1
    if isinstance(v, np.dtype):
        return f"np.{v.name}" if v.kind != "b" else "bool"
    if isinstance(v, type) and issubclass(v, np.generic):
        return f"np.{v.__name__}"
    if isinstance(v, float):
        if v != v or v in (np.inf, -np.inf):
            return {"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}[str(v)]
        return str(int(v)) if v == int(v) and abs(v) < 1e6 and str(v) != "-0.0" else repr(v)
    return repr(v)


def _is_number(e: Expression) -> bool:
    return e.kind == "constant" and isinstance(e.args[0], (int, float, np.generic, np.ndarray)) and not e.value.ndim


def _slice(v: slice) -> str:
    """A slice as it stands between brackets."""
    parts = ["" if x is None else str(x) for x in (v.start, v.stop, v.step)]
    return ":".join(parts[: 2 if v.step in (None, 1) else 3])


def _listed(v: Any) -> str:
    return f"[{', '.join(map(_listed, v))}]" if np.ndim(v) else literal(v)
