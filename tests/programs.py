"""Random programs of tensors: how one is written.

A program is a list of lines of Python, so a counterexample is shown as what it is: a few lines to paste. The writer
runs what it writes on torch as it goes, to know what there is to choose from. `program_runs.py` runs it on both sides.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from string import ascii_lowercase
from types import CodeType
from typing import Any

import numpy as np
import torch

Choose = Callable[[Sequence[Any]], Any]

# How lines are written. In a template {x} stands for any tensor, {f} for a floating one, {w} for one that may probably
# be changed in place, {g} for a floating one of these, {r} for one that probably requires grad. What follows is chosen
# to go with it: {_} the same again, {u} another tensor, {y} that or a number, {n} a number, {d} a dimension, {b} a bool,
# {s} its shape laid out anew, {e} one to expand to, {i} an index, {v} a value to assign, {m} a mask, {t} a dtype.

SHAPES = ((), (3,), (2, 3), (1,), (2, 2), (3, 2), (2, 1), (1, 3), (0,), (2, 0), (1, 1), (2, 1, 3), (2, 2, 3))
NUMBERS = ("2", "0.5", "-1", "3", "1.5", "0", "-2.5", "True")
DTYPES = ("float32", "float64", "int64", "bool")

POINTWISE = """
    {x} + {y} | {x} - {y} | {f} * {y} | {x} * {y} | {f} / {y} | -{f} | {n} - {x} | {n} / {f} | {n} * {x} | {f} ** 2
    {f} ** {y} | {f}.exp() | {f}.abs().log() | {f}.abs().sqrt() | {f}.sin() | {f}.cos() | {x}.tanh() | {f}.sigmoid()
    {f}.relu() | {x}.abs() | {x}.sign() | {f}.square() | {f}.reciprocal() | {f}.clamp(-1, 1) | {x}.clamp(min={n})
    {f}.clamp(max={n}) | torch.maximum({x}, {u}) | torch.minimum({f}, {u}) | torch.where({x} > 0, {_}, {y})
    {x}.masked_fill({_} > 0, {n}) | {x} > {y} | {x} == {y} | {x}.add({y}, alpha=2) | {f}.sub({y}, alpha=0.5) | 2 ** {f}
    {f}.pow({n}) | {f}.clamp(min={u}) | {x}.where({m}, {y}) | torch.where({x} > 0, {y}, {y}) | ~({x} > 0)
    ({x} > 0) & ({_} < 2)
"""
REDUCTIONS = """
    {x}.sum() | {x}.sum({d}) | {x}.sum({d}, keepdim={b}) | {f}.mean() | {f}.mean({d}, keepdim={b}) | {x}.prod()
    {f}.prod({d}) | {f}.var() | {f}.std({d}) | {f}.norm() | {x}.max() | {f}.min() | {f}.max({d})[0] | {f}.min({d})[0]
    {x}.argmax() | {x}.argmin({d}) | {x}.cumsum({d}) | {f}.logsumexp({d}) | {f}.softmax({d}) | {f}.log_softmax({d})
    {x}.any() | {x}.all({d})
"""
VIEWS = """
    {x}[{i}] | {x}.view({s}) | {x}.reshape({s}) | {x}.unsqueeze({d}) | {x}.squeeze() | {x}.squeeze({d}) | {x}.T
    {x}.transpose({d}, {d}) | {x}.t() | {x}.mT | {x}.expand({e}) | {x}.flatten() | {x}.detach() | {x}.unbind({d})[0]
    {x}.split(1, {d})[-1] | {x}.permute(tuple(range({_}.dim()))[::-1]) | {x}.chunk(2, {d})[0] | {x}[{i}][{i}] | {x}.view_as({_})
    {x}.narrow({d}, 0, 1) | {x}.select({d}, 0)
"""
COPIES = """
    {x}.clone() | {x}.contiguous() | {x}.to(torch.{t}) | {x}.double() | {x}.repeat(2, 1) | torch.cat([{x}, {_}], {d})
    torch.cat([{x}, {u}]) | torch.stack([{x}, {_}]) | torch.zeros_like({x}) | torch.ones_like({x})
    {x}.new_zeros(2) | {x}.index_select({d}, torch.tensor([0, 0])) | {x}.gather({d}, torch.zeros_like({_}, dtype=torch.int64))
    {f}.float().matmul({f}.T.float()) | {f} @ {u} | {f} @ {_}.mT | {f} @ {_} | {f}.mv({u}) | {f}.dot({_})
"""
CHANGES = """
    {w}.add_({y}) | {w}.mul_({y}) | {w} += {y} | {w} *= {y} | {w} -= {y} | {w}.sub_({y}) | {w}.div_({y}) | {w} /= {y}
    {w}.copy_({y}) | {w}.zero_() | {w}.fill_({n}) | {g}.fill_({y}) | {w}.exp_() | {w}.sqrt_() | {w}.sigmoid_() | {w}.relu_()
    {w}.tanh_() | {w}.neg_() | {w}.clamp_(-1, 1) | {w}.clamp_(min={n}) | {w}.masked_fill_({m}, {n}) | {w}.pow_(2)
    {w}.abs_() | {w}.square_() | {w}.sin_() | {w}.reciprocal_() | {w}[{i}] = {v} | {w}[{i}] += {v} | {w}[{i}] *= {v}
    {w}.masked_fill_({m}, {u}) | {w}.clamp_(max={y}) | {w}.add_({y}, alpha=2) | {w}.expand({e}).add_({n})
    {w}[{i}].copy_({v}) | {w}[{i}].detach().zero_() | {w}.transpose({d}, {d})[{n} > 0] = {n}
    {w}[{m}] = {v} | {w}[{i}].add_({v}) | {w}.T.mul_({n}) | {w}.view(-1).add_({n}) | {g}.gt_({y}) | {w} **= {n}
    {w}.detach().mul_({n}) | {w}.unbind({d})[0].zero_() | {g}.cumsum_({d}) | {w}.log_() | {w}.cos_() | {w}.sign_()
"""
FLAGS = """
    {f}.requires_grad_() | {x}.requires_grad_() | {x}.requires_grad_(False) | {r}.retain_grad() | {r}.detach_()
    {r}.register_hook(lambda g: seen.append(g * 1)) | {r}.register_hook(lambda g: g * 2) | handles.append({r}.register_hook(lambda g: -g))
    handles.pop().remove() | {r}.requires_grad = False | {f}.requires_grad = True
    {r}.register_hook(lambda g: None) | {x}.grad
"""
PASSES = """
    {r}.sum().backward() | {r}.sum().backward(retain_graph=True) | {r}.backward() | {r}.backward(torch.ones_like({_}))
    {r}.sum().backward(create_graph=True) | ({r} * {y}).sum().backward() | {r}.sum().backward(inputs=[{r}])
    ({r} ** 2).sum().backward() | {r}.backward({u}.detach() * 1, retain_graph=True) | ({r} * {r}.sum()).sum().backward()
    torch.autograd.backward([{r}.sum(), {r}.sum()]) | {r}.sum().backward(inputs=[{r}, {r}]) | {r}.mean().backward()
    torch.autograd.backward({r}, {u}.detach() * 2, retain_graph=True)
"""
GRADIENTS = """
    {r}.grad | {r}.grad | {r}.grad
    torch.autograd.grad({r}.sum(), {r})[0] | torch.autograd.grad({r}.sum(), {r}, retain_graph=True, allow_unused=True)[0]
    torch.autograd.grad({r}.sum(), {r}, create_graph=True)[0] | torch.autograd.grad(({r} ** 2).sum(), [{r}, {r}])[1]
    torch.autograd.grad([{r}.sum(), {r}.mean()], {r})[0] | {f}.detach().requires_grad_()
    torch.autograd.grad({r}.sum(), [{r}, {r}], allow_unused=True, materialize_grads=True)[0]
    torch.autograd.grad({r}, {r}, {u}.detach() * 1, allow_unused=True)[0] | torch.autograd.grad(({r} ** 3).sum(), {r}, create_graph=True)[0]
"""
GRAD_STATE = """
    {r}.grad = None | {r}.grad.zero_() | {r}.grad *= 2 | {r}.grad = torch.ones_like({_}) | del {x}
"""
DATA = """
    {x}.data.mul_({n}) | {x}.data.zero_() | {x}.data[{i}] = {v} | {f}.data -= 0.5
"""

KINDS = (  # how often, a new name or not, and the templates
    (5, True, POINTWISE), (2, True, REDUCTIONS), (4, True, VIEWS), (2, True, COPIES), (6, False, CHANGES),
    (1, False, FLAGS), (2, False, PASSES), (1, True, GRADIENTS), (1, False, GRAD_STATE),
)  # fmt: skip
IN_NO_GRAD = (False,) * 9 + (True,)
GO_ON = (False,) + (True,) * 20


def _templates(kinds: Sequence[tuple[int, bool, str]]) -> list[tuple[bool, tuple[str, ...]]]:
    found = []
    for weight, makes, text in kinds:
        choices = tuple(t for line in text.split("\n") for t in re.split(r" \| ", line.strip()) if t)
        found += [(makes, choices)] * weight
    return found


TEMPLATES = _templates(KINDS)
# Hooks stay where they were put; in minigrad a view moves on when its memory changes, and through `.data` too.
WITH_DATA = _templates([kind for kind in KINDS if kind[2] is not FLAGS] + [(2, False, DATA)])


class NothingFits(Exception):
    """There is no tensor that a template could be about."""


class Writer:
    """Writes one program, choosing by `choose(options)`; the first option is the simplest."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.side = Side(torch)
        self.templates = choose((TEMPLATES,) * 5 + (WITH_DATA,))
        self.lines: list[str] = []
        self.made = 0  # names
        self.x = ""

    def write(self, length: int) -> list[str]:
        """A program of up to `length` lines, and after them the gradients of all that it made."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.leaf()
            while len(self.lines) < length and self.choose(GO_ON) and self.step():
                pass
            return [*self.lines, *self.last_gradients()]

    def tensors(self) -> dict[str, torch.Tensor]:
        """The live tensors by name, newest first."""
        items = reversed(self.side.names.items())
        return {k: v for k, v in items if isinstance(v, torch.Tensor)}

    def emit(self, line: str) -> bool:
        """Add a line, and run it; False if what comes after it need not be the same on both sides."""
        self.lines.append(line)
        error = self.side.run(line)
        return not ends_program(line, error) and all(map(is_moderate, self.tensors().values()))

    def new_name(self) -> str:
        """a, b, c ... z, a1, b1 ..."""
        self.made += 1
        return ascii_lowercase[(self.made - 1) % 26] + str((self.made - 1) // 26 or "")

    def leaf(self) -> bool:
        """A line that makes a tensor of literal numbers."""
        shape, dtype = self.choose(SHAPES), self.choose(DTYPES[:1] * 4 + DTYPES)
        start, step = self.choose(range(8)), self.choose((1, 3, 0))
        count = math.prod(shape)
        at = [(start + i * step) % 8 for i in range(count)]
        pool: Any = (1.0, 2.0, -1.0, 0.5, 3.0, -2.0, 0.0, 1.5)
        pool = {"int64": (1, 2, -1, 0, 3, -2, 1, 4), "bool": (True, False) * 4}.get(dtype, pool)
        values = np.array([pool[i] for i in at], dtype).reshape(shape).tolist()
        options = "" if dtype == "float32" else f", dtype=torch.{dtype}"
        if dtype.startswith("float") and self.choose((True, True, False)):
            options += ", requires_grad=True"
        made = f"torch.zeros({shape}{options})" if not count else f"torch.tensor({values}{options})"
        return self.emit(f"{self.new_name()} = {made}")

    def step(self) -> bool:
        """One random line."""
        if not self.tensors() or self.choose(range(12)) == 11:
            return self.leaf()
        makes, templates = self.choose(self.templates)
        try:
            line = re.sub(r"\{(\w)\}", lambda m: self.fill(m[1]), self.choose(templates))
        except NothingFits:
            return self.leaf()
        if makes:
            line = f"{self.new_name()} = {line}"
        if self.choose(IN_NO_GRAD):
            line = f"with torch.no_grad(): {line}"
        return self.emit(line)

    def last_gradients(self) -> Iterator[str]:
        """Lines that compute the gradients of what was made last with respect to the leaves."""
        names = self.tensors()
        leaves = ", ".join(n for n, t in names.items() if attempt(lambda t=t: t.requires_grad and t.is_leaf))
        results = [n for n, t in names.items() if attempt(lambda t=t: t.grad_fn) is not None]
        if leaves:
            for name in results[:6]:
                options = "retain_graph=True, allow_unused=True"
                yield f"g_{name} = torch.autograd.grad(({name} * {name}).sum(), [{leaves}], {options})"

    # What stands for the fields of a template

    def fill(self, field: str) -> str:
        """The text for one field."""
        return str(getattr(self, f"field_{field}")())

    def pick(self, likely: Callable[[torch.Tensor], Any], floating: bool = False) -> str:
        """A live tensor, mostly a `likely` one."""
        names = {n: t for n, t in self.tensors().items() if t.is_floating_point() or not floating}
        if not names:
            raise NothingFits
        fitting = [n for n, t in names.items() if attempt(lambda t=t: likely(t)) is True]
        self.x = self.choose(fitting if fitting and self.choose((True,) * 7 + (False,)) else list(names))
        return self.x

    def field_x(self) -> str:
        return self.pick(lambda t: True)

    def field_f(self) -> str:
        return self.pick(lambda t: True, floating=True)

    def field_w(self) -> str:
        return self.pick(lambda t: not (t.requires_grad and t.is_leaf))

    def field_g(self) -> str:
        return self.pick(lambda t: not (t.requires_grad and t.is_leaf), floating=True)

    def field_r(self) -> str:
        return self.pick(lambda t: t.requires_grad)

    def field__(self) -> str:
        return self.x

    def shape(self) -> tuple[int, ...]:
        return tuple(self.side.names[self.x].shape)

    def field_n(self) -> str:
        return self.choose(NUMBERS)

    def field_b(self) -> str:
        return self.choose(("False", "True"))

    def field_t(self) -> str:
        return self.choose(DTYPES)

    def field_d(self) -> int:
        n = max(len(self.shape()), 1)
        return self.choose((*range(n), -1) * 4 + (n,))

    def field_m(self) -> str:
        return f"{self.x} > {self.choose(('0', '1', '-5', self.x))}"

    def field_y(self) -> str:
        return self.field_n() if self.choose((False, False, True)) else self.field_u()

    def field_u(self) -> str:
        """A tensor that mostly broadcasts to the shape of {x}, and mostly does not widen it."""
        shape, names = self.shape(), self.tensors()
        kind = self.choose(("within",) * 4 + ("with", "any"))
        joined = {n: broadcasts(shape, tuple(t.shape)) for n, t in names.items()}
        fitting = [n for n, s in joined.items() if kind == "any" or s == shape or (kind == "with" and s)]
        return self.choose(fitting or list(names))

    def field_v(self) -> str:
        return self.choose((*NUMBERS[:4], *self.tensors()))

    def field_s(self) -> str:
        count = math.prod(self.shape())
        shapes = [(-1,), (count,), (1, -1), (-1, 1), (count, 1)]
        shapes += [(k, count // k) for k in (2, 3) if count % k == 0] + [(), (2, 2)][: 1 + (count == 4)]
        return "()" if (chosen := self.choose(shapes)) == () else ", ".join(map(str, chosen))

    def field_e(self) -> str:
        sizes = [self.choose((n, -1)) if n != 1 else self.choose((2, 1, -1, 3)) for n in self.shape()]
        return ", ".join(map(str, [*self.choose(((), (), (2,), (1,))), *sizes])) or "()"

    def field_i(self) -> str:
        shape = self.shape()
        whole = self.choose(("parts",) * 6 + ("...", "None", f"{self.x} > 0", "()"))
        if whole != "parts":
            return whole
        parts = []
        for n in shape[: self.choose(range(1, len(shape) + 1)) if shape else 0]:
            ints = [str(i) for i in (0, -1, n - 1) if n]
            parts.append(
                self.choose(
                    [*ints, ":", "1:", ":1", "::2", "[0, 0]" if n else ":", "None", f"[{n - 1}, 0]" if n else ":"]
                )
            )
        return ", ".join(parts) or "..."


def broadcasts(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape that two shapes broadcast to, or None."""
    try:
        return tuple(torch.broadcast_shapes(a, b))
    except RuntimeError:
        return None


def attempt(function: Callable[[], Any]) -> Any:
    """What `function()` gives, or the type of the exception that it raises."""
    try:
        return function()
    except Exception as error:
        return type(error)


LARGEST = 1e4


def is_moderate(t: torch.Tensor) -> bool:
    """Whether rounding errors in `t` are still small: after huge numbers, two right programs differ."""
    finite = t.detach()[torch.isfinite(t.detach())].double().abs()
    return finite.numel() == 0 or float(finite.max()) < LARGEST


BEFORE_IT_STARTS = ("implicitly created only", "does not require grad", "Mismatch in shape", "can't retain_grad")


def ends_program(line: str, error: Exception | None) -> bool:
    """Whether the state after a line is left open: by a backward pass that failed half-way, and frees what it used."""
    if error is None or ("autograd.grad" in line and "retain_graph=True" in line):
        return False
    return bool(re.search(r"backward\(|autograd\.grad", line)) and not any(
        text in str(error) for text in BEFORE_IT_STARTS
    )


# Running


@cache
def compiled(line: str) -> CodeType:
    return compile(line, "<program>", "exec")


class Side:
    """A program's names on one side: torch's or minigrad's."""

    def __init__(self, module: Any) -> None:
        self.names: dict[str, Any] = {}
        self.scope = {"torch": module, "seen": [], "handles": []}
        self.tensor = module.Tensor

    def tensors(self) -> list[Any]:
        """The live tensors."""
        return [t for t in self.names.values() if isinstance(t, self.tensor)]

    def run(self, line: str) -> Exception | None:
        """Run one line; the exception that it raised, or None."""
        if "register_hook" in line:  # torch 2.13 crashes on a view of changed memory that was not asked first
            for t in self.names.values():
                attempt(lambda t=t: t.grad_fn)
        try:
            exec(compiled(line), self.scope, self.names)
        except Exception as error:
            return error
        return None
