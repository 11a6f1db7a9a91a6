"""Rules broken on purpose, one at a time: a test of gradients is worth what it says about these.

A rule is a row's function in minigrad's table of operations, or the backward of an `autograd.Function`, of minigrad or
of torch. Torch's own rules cannot be reached: there, what arrives at an input is broken instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

import minigrad
from minigrad.ops import import_all
from minigrad.ops.table import TABLE, Op

from . import record
from .subject import Subject, parameters_of

INTERNAL = True
TRIES = 60  # examples tried on a mutant, at most
Rule = Callable[..., Any]
Change = Callable[[Rule], Rule]  # from a right rule to a wrong one


@dataclass
class Mutant:
    """A rule with one change, and the name of the check that caught it, if one did."""

    rule: str
    change: str
    caught_by: str | None = None

    def __str__(self) -> str:
        return f"{self.rule}, {self.change}"


@dataclass
class Place:
    """A rule that can be exchanged: its name, the changes that fit it, and how to exchange it for a while."""

    name: str
    changes: dict[str, Change]
    exchange: Callable[[Change], Any]


def mutants_of(
    subjects: Sequence[Subject], examples: Sequence[Any], checks: Sequence[str], run: Callable[[str, Any], None]
) -> list[Mutant]:
    """Every rule that the examples reach, under every change, tried until `run(check, example)` raises.

    A change that alters no gradient of any example is not a mutant of this subject, and is left out. What a check
    raises while the rules are right is raised: such a check would seem to catch everything.
    """
    with record.paused():
        for example in examples:
            for check in checks:
                run(check, example)
        users = reached(places(subjects), examples, lambda example: run(checks[0], example))
        found = []
        for place, using in users:
            for what, change in place.changes.items():
                altered, caught_by = attempt(place, change, using[:TRIES], checks, run)
                if altered:
                    found.append(Mutant(place.name, what, caught_by))
        return found


def attempt(
    place: Place, change: Change, examples: Sequence[Any], checks: Sequence[str], run: Callable[[str, Any], None]
) -> tuple[bool, str | None]:
    """Whether a change altered what any rule gave, and the first check to raise under it."""
    altered: list[bool] = []
    with place.exchange(noticed(change, altered)):
        for example in examples:
            for check in checks:
                try:
                    run(check, example)
                except Exception:  # noqa: BLE001 - a broken rule may fail in any way: each is a catch
                    return True, check
    return bool(altered), None


def noticed(change: Change, altered: list[bool]) -> Change:
    """The change, noting when a wrong rule gives something else than the right one."""

    def changed(rule: Rule) -> Rule:
        wrong = change(rule)

        def broken(*args: Any) -> Any:
            found = wrong(*args)
            if not altered and not same(found, rule(*args)):
                altered.append(True)
            return found

        return broken

    return changed


def reached(
    places: Sequence[Place], examples: Sequence[Any], run: Callable[[Any], None]
) -> list[tuple[Place, list[Any]]]:
    """The places that some example gets to, each with the examples that do."""
    users: list[list[Any]] = [[] for _ in places]
    now: list[Any] = [None]

    def noting(n: int) -> Change:
        def change(rule: Rule) -> Rule:
            def noted(*args: Any) -> Any:
                if not any(e is now[0] for e in users[n][-1:]):
                    users[n].append(now[0])
                return rule(*args)

            return noted

        return change

    with ExitStack() as stack:
        for n, place in enumerate(places):
            stack.enter_context(place.exchange(noting(n)))
        for example in examples:
            now[0] = example
            run(example)
    return [(place, using) for place, using in zip(places, users, strict=True) if using]


# Where rules are


def places(subjects: Sequence[Subject]) -> list[Place]:
    """All rules that the subjects might use."""
    library = subjects[0].library
    found = [p for cls in _functions(library.autograd.Function) for p in _of_function(cls)]
    if library is minigrad:
        import_all()
        return found + [p for op in TABLE for p in of_operation(op)]
    return found + [_at_input(subjects, i) for i in range(8)]


def of_operation(op: Op) -> Iterator[Place]:
    """The rules of one operation of the table."""
    for i in op.differentiable:
        values = op.names[i]
        changes = {**SIMPLE}
        for (m, one), (n, two) in combinations(enumerate(values, 1), 2):
            changes[f"{one} and {two} exchanged"] = _values_exchanged(m, n)
        for n, name in enumerate(values, 1):
            if name in op.guarded:
                changes[f"{name} stale"] = _value_stale(n)
        yield Place(f"{op.node_name}, {i}", changes, partial(exchanged, op, f"rule_{i}"))


@contextmanager
def exchanged(op: Op, name: str, change: Change) -> Iterator[None]:
    """Within it, what the functions of `op`, under all its node names, call `name` is changed."""
    scopes = [form.written().call.__globals__ for form in (op, *op.variants.values())]
    before = [scope[name] for scope in scopes]
    for scope, value in zip(scopes, before, strict=True):
        scope[name] = change(value)
    try:
        yield
    finally:
        for scope, value in zip(scopes, before, strict=True):
            scope[name] = value


def _functions(base: type) -> list[type]:
    """The users' own subclasses of `autograd.Function`."""
    below: list[type] = base.__subclasses__()
    found = [cls for sub in below for cls in (sub, *_functions(sub))]
    libraries = ("torch", "minigrad")
    return [cls for cls in found if cls.__module__.partition(".")[0] not in libraries]


def _of_function(cls: Any) -> Iterator[Place]:
    """The gradients that a Function's backward returns, one for each argument of its forward."""
    name = "vjp" if "vjp" in vars(cls) else "backward"
    if name not in vars(cls):
        return

    @contextmanager
    def exchange(i: int, change: Change) -> Iterator[None]:
        right = vars(cls)[name]

        def only(ctx: Any, *gs: Any) -> Any:
            found = getattr(right, "__func__", right)(ctx, *gs)
            return found[i] if isinstance(found, tuple) else found

        broken = change(only)

        def backward(ctx: Any, *gs: Any) -> Any:
            found = getattr(right, "__func__", right)(ctx, *gs)
            if not isinstance(found, tuple):
                return broken(ctx, *gs)
            if i < len(found) and found[i] is not None:
                return (*found[:i], broken(ctx, *gs), *found[i + 1 :])
            return found

        setattr(cls, name, staticmethod(backward))
        try:
            yield
        finally:
            setattr(cls, name, right)

    for i, argument in enumerate(parameters_of(cls.apply)):
        changes = {**SIMPLE, "saved values stale": _context_stale}
        yield Place(f"{cls.__name__}.{name}, {argument.name}", changes, partial(exchange, i))


def _at_input(subjects: Sequence[Subject], i: int) -> Place:
    """The gradient that arrives at input `i`, broken on its way."""

    @contextmanager
    def exchange(change: Change) -> Iterator[None]:
        with ExitStack() as stack:
            for subject in subjects:
                stack.callback(setattr, subject, "pass_on", subject.pass_on)
                subject.pass_on = _broken_input(subject, i, change)
            yield

    return Place(f"input {i}", SIMPLE, exchange)


def _broken_input(subject: Subject, i: int, change: Change) -> Callable[[Sequence[Any]], Sequence[Any]]:
    base: Any = subject.library.autograd.Function
    broken, before = change(lambda g: g), subject.pass_on

    class Passed(base):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return broken(g)

    def pass_on(args: Sequence[Any]) -> Sequence[Any]:
        return [Passed.apply(a) if n == i and subject.is_floating(a) else a for n, a in enumerate(before(args))]

    return pass_on


# What can be wrong with one


def _multiplied(factor: float) -> Change:
    def change(rule: Rule) -> Rule:
        def broken(*args: Any) -> Any:
            g = rule(*args)
            return g if g is None else g * factor

        return broken

    return change


def _transposed(rule: Rule) -> Rule:
    def broken(*args: Any) -> Any:
        g = rule(*args)
        return g.mT if g is not None and g.ndim > 1 and g.shape[-1] == g.shape[-2] else g

    return broken


def _unsummed(rule: Rule) -> Rule:
    """As if the sum over a broadcast axis were forgotten: along each axis only the first element counts."""

    def broken(*args: Any) -> Any:
        g = rule(*args)
        if g is None or not g.ndim or 0 in g.shape:
            return g
        first = np.zeros(g.shape, bool)
        first[..., 0] = True
        return g * (first if isinstance(g, np.ndarray) else g.new_tensor(first.tolist()))

    return broken


def _values_exchanged(m: int, n: int) -> Change:
    def change(rule: Rule) -> Rule:
        def broken(*args: Any) -> Any:
            values = list(args)
            values[m], values[n] = values[n], values[m]
            return rule(*values)

        return broken

    return change


def _value_stale(n: int) -> Change:
    def change(rule: Rule) -> Rule:
        return lambda *args: rule(*args[:n], _as_if_changed(args[n]), *args[n + 1 :])

    return change


def _context_stale(rule: Rule) -> Rule:
    return lambda ctx, *gs: rule(_StaleContext(ctx), *gs)


class _StaleContext:
    """A ctx whose saved tensors look as if they had been changed in place."""

    def __init__(self, ctx: Any) -> None:
        self._ctx = ctx

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        return tuple([_as_if_changed(t) for t in self._ctx.saved_tensors])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)


def _as_if_changed(value: Any) -> Any:
    if value is None or "float" not in str(value.dtype):
        return value
    return 1.25 - 2 * value


SIMPLE: dict[str, Change] = {
    "times 1.5": _multiplied(1.5),
    "negated": _multiplied(-1),
    "counted twice": _multiplied(2),
    "dropped": _multiplied(0),
    "transposed": _transposed,
    "only the first element": _unsummed,
}


def same(a: Any, b: Any) -> bool:
    """Whether two gradients are equal: None stands for zeros."""
    a, b = (x.detach().numpy() if hasattr(x, "detach") else x for x in (a, b))
    if a is None or b is None:
        other = b if a is None else a
        return other is None or not np.any(other)
    return bool(np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-9, atol=0, equal_nan=True))
