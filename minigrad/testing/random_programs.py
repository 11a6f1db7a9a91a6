"""Random programs of tensors: `programs()` draws them, and `run_program()` runs them on any library with torch's names.

```python
@given(programs())
def test_a_library_of_my_own(program):
    values = run_program(program, my_library)
    for name, expected in run_program(program).items():
        assert str(values[name]) == str(expected)
```

A program is lines of Python, so a counterexample is shown as what it is: a few lines to paste. It is written by running
it, to know at every line what there is to choose from.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_lowercase
from types import CodeType, ModuleType
from typing import Any

import numpy as np
from hypothesis import strategies as st

import minigrad

INTERNAL = True

# What lines there are, by kind: how many in 25 are of the kind, whether they make a new name, and their templates.
# There {x} stands for any tensor, {f} for a floating one, {w} for one that may probably be changed in place, {g} for a
# floating one of these, {r} for one that probably requires grad. What follows is chosen to go with it: {_} the same
# again, {u} another tensor, {y} that or a number, {n} a number, {d} a dimension, {b} a bool, {s} its shape laid out
# anew, {e} one to expand to, {i} an index, {v} a value to assign, {m} a mask, {t} a dtype. What comes first is what
# counterexamples shrink to: -{f}, as sums of sums would grow.
TEMPLATES = {
    "pointwise": (5, True, """
        -{f} | {x} + {y} | {x} - {y} | {f} * {y} | {x} * {y} | {f} / {y} | {n} - {x} | {n} / {f} | {n} * {x} | {f} ** 2
        {f} ** {y} | {f}.exp() | {f}.abs().log() | {f}.abs().sqrt() | {f}.sin() | {f}.cos() | {x}.tanh() | {f}.sigmoid()
        {f}.relu() | {x}.abs() | {x}.sign() | {f}.square() | {f}.reciprocal() | {f}.clamp(-1, 1) | {x}.clamp(min={n})
        {f}.clamp(max={n}) | torch.maximum({x}, {u}) | torch.minimum({f}, {u}) | torch.where({x} > 0, {_}, {y})
        {x}.masked_fill({_} > 0, {n}) | {x} > {y} | {x} == {y} | {x}.add({y}, alpha=2) | {f}.sub({y}, alpha=0.5)
        2 ** {f} | {f}.pow({n}) | {f}.clamp(min={u}) | {x}.where({m}, {y}) | torch.where({x} > 0, {y}, {y}) | ~({x} > 0)
        ({x} > 0) & ({_} < 2)
    """),
    "reductions": (2, True, """
        {x}.sum() | {x}.sum({d}) | {x}.sum({d}, keepdim={b}) | {f}.mean() | {f}.mean({d}, keepdim={b}) | {x}.prod()
        {f}.prod({d}) | {f}.var() | {f}.std({d}) | {f}.norm() | {x}.max() | {f}.min() | {f}.max({d})[0]
        {f}.min({d})[0] | {x}.argmax() | {x}.argmin({d}) | {x}.cumsum({d}) | {f}.logsumexp({d}) | {f}.softmax({d})
        {f}.log_softmax({d}) | {x}.any() | {x}.all({d})
    """),
    "views": (4, True, """
        {x}[{i}] | {x}.view({s}) | {x}.reshape({s}) | {x}.unsqueeze({d}) | {x}.squeeze() | {x}.squeeze({d}) | {x}.T
        {x}.transpose({d}, {d}) | {x}.t() | {x}.mT | {x}.expand({e}) | {x}.flatten() | {x}.detach() | {x}.unbind({d})[0]
        {x}.split(1, {d})[-1] | {x}.permute(tuple(range({_}.dim()))[::-1]) | {x}.chunk(2, {d})[0] | {x}[{i}][{i}]
        {x}.view_as({_}) | {x}.narrow({d}, 0, 1) | {x}.select({d}, 0)
    """),
    "copies": (2, True, """
        {x}.clone() | {x}.contiguous() | {x}.to(torch.{t}) | {x}.double() | {x}.repeat(2, 1)
        torch.cat([{x}, {_}], {d}) | torch.cat([{x}, {u}]) | torch.stack([{x}, {_}]) | torch.zeros_like({x})
        torch.ones_like({x}) | {x}.new_zeros(2) | {x}.index_select({d}, torch.tensor([0, 0]))
        {x}.gather({d}, torch.zeros_like({_}, dtype=torch.int64)) | {f}.float().matmul({f}.T.float()) | {f} @ {u}
        {f} @ {_}.mT | {f} @ {_} | {f}.mv({u}) | {f}.dot({_})
    """),
    "changes": (6, False, """
        {w}.add_({y}) | {w}.mul_({y}) | {w} += {y} | {w} *= {y} | {w} -= {y} | {w}.sub_({y}) | {w}.div_({y})
        {w} /= {y} | {w}.copy_({y}) | {w}.zero_() | {w}.fill_({n}) | {g}.fill_({y}) | {w}.exp_() | {w}.sqrt_()
        {w}.sigmoid_() | {w}.relu_() | {w}.tanh_() | {w}.neg_() | {w}.clamp_(-1, 1) | {w}.clamp_(min={n})
        {w}.masked_fill_({m}, {n}) | {w}.pow_(2) | {w}.abs_() | {w}.square_() | {w}.sin_() | {w}.reciprocal_()
        {w}[{i}] = {v} | {w}[{i}] += {v} | {w}[{i}] *= {v} | {w}.masked_fill_({m}, {u}) | {w}.clamp_(max={y})
        {w}.add_({y}, alpha=2) | {w}.expand({e}).add_({n}) | {w}[{i}].copy_({v}) | {w}[{i}].detach().zero_()
        {w}.transpose({d}, {d})[{n} > 0] = {n} | {w}[{m}] = {v} | {w}[{i}].add_({v}) | {w}.T.mul_({n})
        {w}.view(-1).add_({n}) | {g}.gt_({y}) | {w} **= {n} | {w}.detach().mul_({n}) | {w}.unbind({d})[0].zero_()
        {g}.cumsum_({d}) | {w}.log_() | {w}.cos_() | {w}.sign_()
    """),
    "flags": (1, False, """
        {f}.requires_grad_() | {x}.requires_grad_() | {x}.requires_grad_(False) | {r}.retain_grad() | {r}.detach_()
        {r}.requires_grad = False | {f}.requires_grad = True | {x}.grad
    """),
    "hooks": (1, False, """
        {r}.register_hook(lambda g: seen.append(g * 1)) | {r}.register_hook(lambda g: g * 2)
        handles.append({r}.register_hook(lambda g: -g)) | handles.pop().remove() | {r}.register_hook(lambda g: None)
    """),
    "backward": (2, False, """
        {r}.sum().backward() | {r}.sum().backward(retain_graph=True) | {r}.backward()
        {r}.backward(torch.ones_like({_})) | {r}.sum().backward(create_graph=True) | ({r} * {y}).sum().backward()
        {r}.sum().backward(inputs=[{r}]) | ({r} ** 2).sum().backward()
        {r}.backward({u}.detach() * 1, retain_graph=True) | ({r} * {r}.sum()).sum().backward()
        torch.autograd.backward([{r}.sum(), {r}.sum()]) | {r}.sum().backward(inputs=[{r}, {r}]) | {r}.mean().backward()
        torch.autograd.backward({r}, {u}.detach() * 2, retain_graph=True)
    """),
    "gradients": (1, True, """
        {r}.grad | {r}.grad | {r}.grad | torch.autograd.grad({r}.sum(), {r})[0]
        torch.autograd.grad({r}.sum(), {r}, retain_graph=True, allow_unused=True)[0]
        torch.autograd.grad({r}.sum(), {r}, create_graph=True)[0] | torch.autograd.grad(({r} ** 2).sum(), [{r}, {r}])[1]
        torch.autograd.grad([{r}.sum(), {r}.mean()], {r})[0] | {f}.detach().requires_grad_()
        torch.autograd.grad({r}.sum(), [{r}, {r}], allow_unused=True, materialize_grads=True)[0]
        torch.autograd.grad({r}, {r}, {u}.detach() * 1, allow_unused=True)[0]
        torch.autograd.grad(({r} ** 3).sum(), {r}, create_graph=True)[0]
    """),
    "grad": (1, False, """
        {r}.grad = None | {r}.grad.zero_() | {r}.grad *= 2 | {r}.grad = torch.ones_like({_}) | del {x}
    """),
    "data": (2, False, """
        {x}.data.mul_({n}) | {x}.data.zero_() | {x}.data[{i}] = {v} | {f}.data -= 0.5
    """),
}  # fmt: skip
KINDS = tuple(TEMPLATES)
WITHOUT_DATA = tuple(
    kind for kind in KINDS if kind != "data"
)  # minigrad counts changes through `.data`, torch does not

SHAPES = ((), (3,), (2, 3), (1,), (2, 2), (3, 2), (2, 1), (1, 3), (0,), (2, 0), (1, 1), (2, 1, 3), (2, 2, 3))
NUMBERS = ("2", "0.5", "-1", "3", "1.5", "0", "-2.5", "True")
DTYPES = ("float32", "float64", "int64", "bool")
LARGEST = 1e4  # after larger numbers, rounding errors are so large that two right programs differ


@dataclass(frozen=True, repr=False)
class Program:
    """A program of tensors; its text is code to paste and run.

    lines    one statement each, in which `torch` stands for the library
    library  the name of the module that the program was written on
    refused  the numbers, from 1, of the lines that raise an exception there
    """

    lines: tuple[str, ...]
    library: str = "minigrad"
    refused: frozenset[int] = frozenset()

    def __str__(self) -> str:
        head = ["import torch" if self.library == "torch" else f"import {self.library} as torch"]
        head += ["from contextlib import suppress"] if self.refused else []
        head += [f"{name} = []" for name in ("seen", "handles") if any(name in line for line in self.lines)]
        lines = list(self.lines)
        for number in self.refused:
            line = lines[number - 1]
            with_another = line.startswith("with ")
            lines[number - 1] = "with suppress(Exception)" + (f", {line[5:]}" if with_another else f": {line}")
        return "\n".join([*head, *lines])

    def __repr__(self) -> str:
        return f"\n{self}\n"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # hypothesis would show the fields


def programs(
    library: ModuleType = minigrad,
    max_lines: int = 16,
    *,
    kinds: Collection[str] = WITHOUT_DATA,
    refused: bool = False,
) -> st.SearchStrategy[Program]:
    """Straight-line programs of tensors: views, changes in place, hooks, `no_grad` and several backward passes.

    library    a module with torch's names: minigrad, torch itself, or one that is to behave like them
    max_lines  how many lines at most; after them, if `kinds` has "gradients", up to six compute gradients
    kinds      what lines there are, of KINDS; all but "data" unless asked for: the libraries differ there
    refused    whether lines that `library` refuses are kept; without them, all lines run

    A counterexample shrinks to about the lines that it needs.
    """
    if unknown := set(kinds) - set(KINDS):
        raise ValueError(f"there are no lines of kind {', '.join(sorted(unknown))}, but of {', '.join(KINDS)}")
    if max_lines < 1:
        raise ValueError(f"max_lines is {max_lines}; a program has at least 1")
    line = st.binary(min_size=8, max_size=24)  # one draw for a line, so that shrinking takes away whole lines

    @st.composite
    def program(draw: st.DrawFn) -> Program:
        lines = [draw(line)]
        while draw(st.integers(0, 20)) and len(lines) < max_lines:  # also drawn for the last, so that any can go
            lines.append(draw(line))
        return write(lines, library, kinds, refused, draw(st.integers(0, 6)) if "gradients" in kinds else 0)

    return program()


def run_program(program: Program, library: ModuleType = minigrad) -> dict[str, Any]:
    """The values of a program's names after it has run on `library`; warnings are not shown.

    `seen` holds the gradients that hooks were given. The exception of a line that was refused when it was written, the
    third say, is the value of `line 3`. Any other exception is raised, with a note that quotes the line.
    """
    interpreter = Interpreter(library)
    errors = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, line in enumerate(program.lines, 1):
            error = interpreter.run(line)
            if error and number not in program.refused:
                error.add_note(f"This is line {number} of the program: {line}")
                raise error
            if error:
                errors[f"line {number}"] = error
    seen = interpreter.scope["seen"]
    return interpreter.names | errors | ({"seen": seen} if seen else {})


class Interpreter:
    """Runs lines one by one.

    names    what they have made
    """

    def __init__(self, library: ModuleType) -> None:
        self.names: dict[str, Any] = {}
        self.scope = {"torch": library, "seen": [], "handles": []}
        self.tensor = library.Tensor

    def tensors(self) -> dict[str, Any]:
        """The live tensors by name, newest first."""
        return {name: t for name, t in reversed(self.names.items()) if isinstance(t, self.tensor)}

    def run(self, line: str) -> Exception | None:
        """Run one line; the exception that it raised, or None."""
        if "register_hook" in line:  # torch 2.13 crashes on a view of changed memory that was not asked first
            for t in self.tensors().values():
                attempt(lambda t: t.grad_fn, t)
        try:
            exec(_compiled(line), self.scope, self.names)
        except Exception as error:  # noqa: BLE001 - it is the result
            return error
        return None


@lru_cache(maxsize=10_000)
def _compiled(line: str) -> CodeType:
    return compile(line, "<program>", "exec")


def attempt(function: Callable[[Any], Any], t: Any) -> Any:
    """What `function(t)` gives, or the type of its exception: a view that may no longer be used raises."""
    try:
        return function(t)
    except RuntimeError as error:
        return type(error)


def ends_program(line: str, error: Exception | None) -> bool:
    """Whether the state after a line is left open: by a backward pass that failed half-way, and frees what it used."""
    if error is None or ("autograd.grad" in line and "retain_graph=True" in line):
        return False
    before = ("implicitly created only", "does not require grad", "Mismatch in shape", "can't retain_grad")
    return bool(re.search(r"backward\(|autograd\.grad", line)) and not any(text in str(error) for text in before)


def write(
    choices: Iterable[bytes],
    library: ModuleType,
    kinds: Collection[str] = WITHOUT_DATA,
    refused: bool = False,
    gradients: int = 6,
) -> Program:
    """A program that follows from `choices`, some bytes for each line; zeros make the simplest one."""
    writer = _Writer(library, kinds, refused)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for writer.choices in map(iter, choices):
            writer.add(writer.line())
        for line in writer.last_gradients(gradients):
            writer.add(line)
        return _as_it_runs(writer.lines, library, refused)


def _as_it_runs(lines: Sequence[str], library: ModuleType, keeps_refused: bool) -> Program:
    """The program of lines, run once more: writing asks views for what changes them, and running does not."""
    interpreter = Interpreter(library)
    kept: list[str] = []
    refused = set()
    for line in lines:
        error = interpreter.run(line)
        if error and not keeps_refused:
            break
        kept.append(line)
        if error:
            refused.add(len(kept))
        if ends_program(line, error):
            break
    return Program(tuple(kept), library.__name__, frozenset(refused))


def _is_moderate(t: Any) -> bool:
    x = t.detach().numpy()
    return bool(np.abs(x[np.isfinite(x)], dtype=float).max(initial=0) < LARGEST)


class _NothingFits(Exception):
    """There is no tensor that a template could be about."""


@lru_cache
def _templates(kinds: tuple[str, ...]) -> list[tuple[bool, list[str]]]:
    """Of each kind as many pairs as it has weight: whether its lines make a name, and its templates."""
    found = []
    for weight, makes, text in map(TEMPLATES.__getitem__, kinds):
        found += [(makes, [t for line in text.strip().split("\n") for t in line.strip().split(" | ")])] * weight
    return found


class _Writer:
    """Writes lines by choosing from what the lines before have made."""

    def __init__(self, library: ModuleType, kinds: Collection[str], keeps_refused: bool) -> None:
        self.library, self.keeps_refused = library, keeps_refused
        self.interpreter = Interpreter(library)
        self.lines: list[str] = []
        self.ended = False
        self.templates = _templates(tuple(kind for kind in KINDS if kind in kinds))
        self.choices: Iterator[int] = iter(())
        self.made = 0  # names
        self.x = ""

    def tensors(self) -> dict[str, Any]:
        return self.interpreter.tensors()

    def choose(self, options: Sequence[Any]) -> Any:
        """One of the options; the first is the simplest."""
        return options[next(self.choices, 0) % len(options)]

    def add(self, line: str) -> None:
        """Run a line, and keep it if it is fit for a program."""
        if self.ended:
            return
        error = self.interpreter.run(line)
        if (error and not self.keeps_refused) or not all(map(_is_moderate, self.tensors().values())):
            self.interpreter = Interpreter(self.library)  # the line may have changed something
            for earlier in self.lines:
                self.interpreter.run(earlier)
            return
        self.lines.append(line)
        self.ended = ends_program(line, error)

    def last_gradients(self, count: int) -> Iterator[str]:
        """Lines that compute the gradients of what was made last with respect to the leaves."""
        tensors = self.tensors()
        leaves = ", ".join(n for n, t in tensors.items() if attempt(lambda t: t.requires_grad and t.is_leaf, t) is True)
        results = [n for n, t in tensors.items() if attempt(lambda t: t.grad_fn, t) is not None]
        for name in results[:count] if leaves else ():
            options = "retain_graph=True, allow_unused=True"
            yield f"g_{name} = torch.autograd.grad(({name} * {name}).sum(), [{leaves}], {options})"

    def line(self) -> str:
        """One line that may be refused."""
        if not self.templates or not self.tensors() or self.choose(range(12)) == 11:
            return self.leaf()
        makes, templates = self.choose(self.templates)
        try:
            line = re.sub(r"\{(\w)\}", lambda m: self.fill(m[1]), self.choose(templates))
        except _NothingFits:
            return self.leaf()
        if makes:
            line = f"{self.new_name()} = {line}"
        return f"with torch.no_grad(): {line}" if self.choose((False,) * 9 + (True,)) else line

    def new_name(self) -> str:
        """a, b, c ... z, a1, b1 ..."""
        self.made += 1
        return ascii_lowercase[(self.made - 1) % 26] + str((self.made - 1) // 26 or "")

    def leaf(self) -> str:
        """A line that makes a tensor of literal numbers."""
        shape, dtype = self.choose(SHAPES), self.choose(DTYPES[:1] * 4 + DTYPES)
        start, step = self.choose(range(8)), self.choose((1, 3, 0))
        pool: Any = (1.0, 2.0, -1.0, 0.5, 3.0, -2.0, 0.0, 1.5)
        pool = {"int64": (1, 2, -1, 0, 3, -2, 1, 4), "bool": (True, False) * 4}.get(dtype, pool)
        count = math.prod(shape)
        values = np.array([pool[(start + i * step) % 8] for i in range(count)], dtype).reshape(shape).tolist()
        options = "" if dtype == "float32" else f", dtype=torch.{dtype}"
        if dtype.startswith("float") and self.choose((True, True, False)):
            options += ", requires_grad=True"
        made = f"torch.tensor({values}{options})" if count else f"torch.zeros({shape}{options})"
        return f"{self.new_name()} = {made}"

    # What stands for the fields of a template

    def fill(self, field: str) -> str:
        if field in LIKELY:
            return self.pick(LIKELY[field], floating=field in "fg")
        return str(getattr(self, f"field_{field}")())

    def pick(self, likely: Callable[[Any], bool], floating: bool) -> str:
        """A live tensor, mostly a `likely` one."""
        tensors = {n: t for n, t in self.tensors().items() if t.is_floating_point() or not floating}
        if not tensors:
            raise _NothingFits
        fitting = [n for n, t in tensors.items() if attempt(likely, t) is True]
        self.x = self.choose(fitting if fitting and self.choose((True,) * 7 + (False,)) else list(tensors))
        return self.x

    def shape(self) -> tuple[int, ...]:
        return tuple(self.interpreter.names[self.x].shape)

    def field__(self) -> str:
        return self.x

    def field_n(self) -> str:
        return str(self.choose(NUMBERS))

    def field_b(self) -> str:
        return str(self.choose(("False", "True")))

    def field_t(self) -> str:
        return str(self.choose(DTYPES))

    def field_d(self) -> int:
        n = max(len(self.shape()), 1)
        return int(self.choose((*range(n), -1) * 4 + (n,)))

    def field_m(self) -> str:
        return f"{self.x} > {self.choose(('0', '1', '-5', self.x))}"

    def field_y(self) -> str:
        return self.field_n() if self.choose((False, False, True)) else self.field_u()

    def field_u(self) -> str:
        """A tensor that mostly broadcasts to the shape of {x}, and mostly does not widen it."""
        shape, tensors = self.shape(), self.tensors()
        kind = self.choose(("within",) * 4 + ("with", "any"))
        joined = {n: _broadcast(shape, tuple(t.shape)) for n, t in tensors.items()}
        fitting = [n for n, s in joined.items() if kind == "any" or s == shape or (kind == "with" and s)]
        return str(self.choose(fitting or list(tensors)))

    def field_v(self) -> str:
        return str(self.choose((*NUMBERS[:4], *self.tensors())))

    def field_s(self) -> str:
        count = math.prod(self.shape())
        shapes = [(-1,), (count,), (1, -1), (-1, 1), (count, 1)]
        shapes += [(k, count // k) for k in (2, 3) if count % k == 0] + [(), (2, 2)][: 1 + (count == 4)]
        return ", ".join(map(str, self.choose(shapes))) or "()"

    def field_e(self) -> str:
        sizes = [self.choose((n, -1)) if n != 1 else self.choose((2, 1, -1, 3)) for n in self.shape()]
        return ", ".join(map(str, [*self.choose(((), (), (2,), (1,))), *sizes])) or "()"

    def field_i(self) -> str:
        whole = self.choose(("parts",) * 6 + ("...", "None", f"{self.x} > 0", "()"))
        if whole != "parts":
            return str(whole)
        shape = self.shape()
        indexed = shape[: self.choose(range(1, len(shape) + 1))] if shape else ()
        return ", ".join(self.choose(_indices(n)) for n in indexed) or "..."


LIKELY: dict[str, Callable[[Any], bool]] = {
    "x": lambda t: True,
    "f": lambda t: True,
    "w": lambda t: not (t.requires_grad and t.is_leaf),
    "g": lambda t: not (t.requires_grad and t.is_leaf),
    "r": lambda t: bool(t.requires_grad),
}


def _indices(n: int) -> list[str]:
    """Ways to index a dimension of size n."""
    ints, lists = ([str(i) for i in (0, -1, n - 1)], ["[0, 0]", f"[{n - 1}, 0]"]) if n else ([], [])
    return [*ints, ":", "1:", ":1", "::2", "None", *lists]


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape that two shapes broadcast to, or None."""
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None
