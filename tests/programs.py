"""Random programs that run on torch and on minigrad at once, and what must be equal after every step.

A program is a list of lines of Python, so a counterexample is shown as what it is: a few lines to paste. `Writer`
writes one, running it on torch as it goes to know what there is to choose from; `difference` runs one on both sides.

    python tests/programs.py 1000 --seed 7       # hunt; prints each counterexample, made short
"""

from __future__ import annotations

import argparse
import math
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from types import CodeType
from typing import Any

import numpy as np
import torch

import minigrad

Choose = Callable[[Sequence[Any]], Any]

# How lines are written. In a template {z} is a new name; {x} any tensor, {f} a floating one, {w} one that may probably
# be changed in place, {g} a floating one of these, {r} one that probably requires grad; what follows is chosen to go with it: {_} the same again,
# {u} another tensor, {y} that or a number, {n} a number, {d} a dimension, {b} a bool, {s} its shape laid out anew, {e} one to expand to, {i} an
# index, {v} a value to assign, {m} a mask, {t} a dtype.

SHAPES = ((), (3,), (2, 3), (1,), (2, 2), (3, 2), (2, 1), (1, 3), (0,), (2, 0), (1, 1), (2, 1, 3), (2, 2, 3))
NUMBERS = ("2", "0.5", "-1", "3", "1.5", "0", "-2.5", "True")
DTYPES = ("float32", "float64", "int64", "bool")

POINTWISE = """
    {x} + {y} | {x} - {y} | {f} * {y} | {x} * {y} | {f} / {y} | -{f} | {n} - {x} | {n} / {f} | {n} * {x} | {f} ** 2
    {f} ** {y} | {f}.exp() | {f}.abs().log() | {f}.abs().sqrt() | {f}.sin() | {f}.cos() | {x}.tanh() | {f}.sigmoid()
    {f}.relu() | {x}.abs() | {x}.sign() | {f}.square() | {f}.reciprocal() | {f}.clamp(-1, 1) | {x}.clamp(min={n})
    {f}.clamp(max={n}) | torch.maximum({x}, {u}) | torch.minimum({f}, {u}) | torch.where({x} > 0, {_}, {y})
    {x}.masked_fill({_} > 0, {n}) | {x} > {y} | {x} == {y} | {x}.add({y}, alpha=2) | {f}.sub({y}, alpha=0.5) | 2 ** {f}
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
    {w}.copy_({y}) | {w}.zero_() | {w}.fill_({n}) | {w}.fill_({y}) | {w}.exp_() | {w}.sqrt_() | {w}.sigmoid_() | {w}.relu_()
    {w}.tanh_() | {w}.neg_() | {w}.clamp_(-1, 1) | {w}.clamp_(min={n}) | {w}.masked_fill_({m}, {n}) | {w}.pow_(2)
    {w}.abs_() | {w}.square_() | {w}.sin_() | {w}.reciprocal_() | {w}[{i}] = {v} | {w}[{i}] += {v} | {w}[{i}] *= {v}
    {w}[{m}] = {v} | {w}[{i}].add_({v}) | {w}.T.mul_({n}) | {w}.view(-1).add_({n}) | {w}.gt_({y}) | {w} **= {n}
    {w}.detach().mul_({n}) | {w}.unbind({d})[0].zero_() | {g}.cumsum_({d}) | {w}.log_() | {w}.cos_() | {w}.sign_()
"""
FLAGS = """
    {f}.requires_grad_() | {x}.requires_grad_() | {x}.requires_grad_(False) | {r}.retain_grad() | {r}.detach_()
    {r}.register_hook(seen.append) | {r}.register_hook(lambda g: g * 2) | handles.append({r}.register_hook(lambda g: -g))
    handles.pop().remove() | {r}.requires_grad = False | {f}.requires_grad = True
"""
PASSES = """
    {r}.sum().backward() | {r}.sum().backward(retain_graph=True) | {r}.backward() | {r}.backward(torch.ones_like({_}))
    {r}.sum().backward(create_graph=True) | ({r} * {y}).sum().backward() | {r}.sum().backward(inputs=[{r}])
    ({r} ** 2).sum().backward() | {r}.backward({u}, retain_graph=True) | ({r} * {r}.sum()).sum().backward()
"""
GRADIENTS = """
    {r}.grad | {r}.grad | {r}.grad
    torch.autograd.grad({r}.sum(), {r})[0] | torch.autograd.grad({r}.sum(), {r}, retain_graph=True, allow_unused=True)[0]
    torch.autograd.grad({r}.sum(), {r}, create_graph=True)[0] | torch.autograd.grad(({r} ** 2).sum(), [{r}, {r}])[1]
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


def _templates() -> list[tuple[bool, tuple[str, ...]]]:
    found = []
    for weight, makes, text in KINDS:
        choices = tuple(t for line in text.split("\n") for t in re.split(r" \| ", line.strip()) if t)
        found += [(makes, choices)] * weight
    return found


TEMPLATES = _templates()


class Writer:
    """Writes one program, choosing by `choose(options)`; the first option is the simplest."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.side = Side(torch)
        self.lines: list[str] = []
        self.x = ""

    def write(self, length: int) -> list[str]:
        """A program of some `length` lines, and after them the gradients of all that it made."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.leaf()
            while len(self.lines) < length and self.step():
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
        count = self.made = getattr(self, "made", -1) + 1
        return "abcdefghijklmnopqrstuvwxyz"[count % 26] + (str(count // 26) if count > 25 else "")

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
        makes, templates = self.choose(TEMPLATES)
        line = re.sub(r"\{(\w)\}", lambda m: self.fill(m[1]), self.choose(templates))
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

    def pick(self, wanted: Callable[[torch.Tensor], Any]) -> str:
        """A live tensor, `wanted` if there is such a one."""
        names = self.tensors()
        fitting = [n for n, t in names.items() if attempt(lambda t=t: wanted(t)) is True]
        self.x = self.choose(fitting or list(names))
        return self.x

    def field_x(self) -> str:
        return self.pick(lambda t: True)

    def field_f(self) -> str:
        return self.pick(lambda t: t.is_floating_point())

    def field_w(self) -> str:
        return self.pick(lambda t: not (t.requires_grad and t.is_leaf) or self.choose((False, False, True)))

    def field_g(self) -> str:
        return self.pick(lambda t: t.is_floating_point() and not (t.requires_grad and t.is_leaf))

    def field_r(self) -> str:
        return self.pick(lambda t: t.requires_grad or self.choose((False,) * 7 + (True,)))

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
            parts.append(self.choose([*ints, ":", "1:", ":1", "::2", "[0, 0]" if n else ":", "None", f"[{n - 1}, 0]" if n else ":"]))
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


def ends_program(line: str, error: Exception | None) -> bool:
    """Whether the state after a line is left open: by a backward pass that failed half-way."""
    return error is not None and ("backward(" in line or "autograd.grad" in line)


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


# Comparing

# What minigrad says otherwise than torch, as (pattern, replacement) for the first lines of both.
WORDS = (
    (r"\(position \d\)", ""),  # a function and a method count differently
    (r"output type (bool|long int)", lambda m: f"output type {'Bool' if m[1] == 'bool' else 'Long'}"),
    (r"Output \d of", "Output 0 of"),  # minigrad's operations have one result each
    (r"\],? (which is output 0 of [\w:]+, )?is at", "] is at"),  # torch names what made the present value
    (r"Can't detach views in-place.*", "Can't detach views in-place"),
    (r"(mat1 and mat2 shapes cannot be|Expected size for first two dimensions of batch2).*", "shapes cannot be multiplied"),
)
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}
GRADIENT = re.compile(r"\.grad\b|autograd\.grad")
PRODUCT = re.compile(r" @ |\.(matmul|mv|dot)\(")


def first_line(error: Exception) -> str:
    """What an error says first, in words that both sides share."""
    text = str(error).split("\n")[0]
    for pattern, replacement in WORDS:
        text = re.sub(pattern, replacement, text)
    return text


def difference(lines: Sequence[str], every_step: bool = True) -> str | None:
    """The first difference between the two sides when `lines` run on both, or None.

    every_step  whether what can be asked of a tensor is asked after every line, or after the last one alone: asking
                brings views up to date
    """
    pair = Pair()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, line in enumerate(lines, 1):
            error, our_error = pair.run(line)
            if allowed(lines[:number], pair, error, our_error):
                return None
            found = compare_errors(error, our_error) or pair.compare_values()
            if found is None and (every_step or number == len(lines)):
                found = pair.compare_states()
            if found:
                return f"line {number}, {line}\n    {found}"
            if ends_program(line, error):
                return None
    return None


def allowed(lines: Sequence[str], pair: Pair, error: Exception | None, our_error: Exception | None) -> bool:
    """Whether a program may go different ways from here: the documented cases."""
    text, our_text = str(error), str(our_error)
    if "modified by an inplace operation" in our_text and error is None:
        # A change through `.data` is silently wrong in torch, and counts as a change here.
        return any(".data" in line for line in lines)
    if "refers to a single memory location" in our_text and error is None:
        return True  # torch fills memory that several elements share; it warns of most of these
    # Gradients may be views of something in torch. Here each is a tensor of its own, which may be changed.
    shared = "no_grad mode" in text or "single memory location" in text
    return our_error is None and shared and any(name in pair.gradients for name in re.findall(r"\w+", lines[-1]))


def compare_errors(error: Exception | None, our_error: Exception | None) -> str | None:
    """How two results of running a line differ."""
    kinds = type(error).__name__, type(our_error).__name__
    if kinds[0] == kinds[1] and (error is None or first_line(error) == first_line(our_error)):
        return None
    if "not implemented for" in str(error) and kinds[1] in ("RuntimeError", "NotImplementedError"):
        return None  # torch names the kernel that lacks a dtype
    if "modified inplace" in str(error) and our_error is not None:
        return None  # of two mistakes in one line either may be named
    return f"torch: {kinds[0]}: {error}\n    minigrad: {kinds[1]}: {our_error}"


class Pair:
    """A program's two sides."""

    def __init__(self) -> None:
        self.theirs, self.ours = Side(torch), Side(minigrad)
        self.gradients: set[str] = set()  # names of gradients, and of what was made from them
        self.products: set[str] = set()  # the same for matrix products
        self.data_used = False

    def run(self, line: str) -> tuple[Exception | None, Exception | None]:
        """Run one line on both sides."""
        made, equals, source = line.removeprefix("with torch.no_grad(): ").partition(" = ")
        words = re.findall(r"\w+", source)
        if equals and (GRADIENT.search(source) or self.gradients.intersection(words)):
            self.gradients.add(made)
        if equals and (PRODUCT.search(source) or self.products.intersection(words)):
            self.products.add(made)
        self.data_used |= ".data" in line
        return self.theirs.run(line), self.ours.run(line)

    def compare_values(self) -> str | None:
        """What does not change by being looked at. Values that agree are made equal: rounding is not to add up."""
        known: dict[int, str] = {}
        our_known: dict[int, str] = {}
        for name, t in self.theirs.names.items():
            m = self.ours.names.get(name)
            if isinstance(t, torch.Tensor) != isinstance(m, minigrad.Tensor):
                return f"{name}: {t!r} in torch, {m!r} in minigrad"
            if isinstance(t, torch.Tensor) and name not in self.gradients:
                if known.setdefault(id(t), name) != our_known.setdefault(id(m), name):
                    return f"{name} is {known[id(t)]} in torch, {our_known[id(m)]} in minigrad"
                if steps(t) != steps(m):
                    return f"{name}: strides {t.stride()} in torch, {m.stride()} in minigrad"
            if found := compare_tensors(t, m):
                return f"{name}{found}"
        found = compare_tensors(self.theirs.scope["seen"], self.ours.scope["seen"])
        return found and f"seen{found}"

    def compare_states(self) -> str | None:
        """What can be asked of tensors: their place in the graph, and their gradients."""
        sides = [{id(t): n for n, t in reversed(side.names.items())} for side in (self.theirs, self.ours)]
        for name, t in self.theirs.names.items():
            if isinstance(t, torch.Tensor):
                m = self.ours.names[name]
                both = zip(state(t, sides[0]).items(), state(m, sides[1]).values(), strict=True)
                for (what, value), our_value in both:
                    if value != our_value and not self.may_differ(name, what, our_value):
                        return f"{name}.{what}: {value} in torch, {our_value} in minigrad"
                if found := compare_tensors(t.grad, m.grad):
                    return f"{name}.grad{found}"
        return None

    def may_differ(self, name: str, what: str, our_value: Any) -> bool:
        """The documented cases of other answers."""
        if what == "_version":  # torch counts its own sums in place, and does not count changes through `.data`
            return self.data_used or name in self.gradients | self.products
        if what == "grad_fn":  # ToCopyBackward0: the change was computed in a wider dtype
            return our_value == "ToCopyBackward0" or (name in self.gradients and isinstance(our_value, str))
        return what in ("_is_view()", "_base") and name in self.gradients


def compare_tensors(t: Any, m: Any) -> str | None:
    """How two tensors, or sequences of them, differ in dtype, shape or values."""
    if isinstance(t, (tuple, list)):
        if len(t) != len(m):
            return f": {len(t)} tensors in torch, {len(m)} in minigrad"
        found = ((i, compare_tensors(x, y)) for i, (x, y) in enumerate(zip(t, m, strict=True)))
        return next((f"[{i}]{d}" for i, d in found if d), None)
    if t is None or m is None:
        return None if t is m else f": {t} in torch, {m} in minigrad"
    if (str(t.dtype), tuple(t.shape)) != (str(m.dtype), tuple(m.shape)):
        return f": {t.dtype} {tuple(t.shape)} in torch, {m.dtype} {tuple(m.shape)} in minigrad"
    x, y = t.detach().numpy(), m._array
    scale = np.abs(x[np.isfinite(x)], dtype=float).max(initial=1e-3)
    if not np.allclose(x, y, rtol=0, atol=TOLERANCE.get(str(x.dtype), 0) * scale, equal_nan=True):
        return f" = {x.tolist()} in torch, {y.tolist()} in minigrad"
    if y.flags.writeable:
        y[...] = x
    return None


def steps(t: Any) -> tuple[int, ...]:
    """The strides that matter."""
    return tuple(s for s, n in zip(t.stride(), t.shape, strict=True) if n > 1) if 0 not in t.shape else ()


def state(t: Any, names: dict[int, str]) -> dict[str, Any]:
    """What `t` says of itself; tensors by name, exceptions by their type."""
    return {
        "requires_grad": t.requires_grad,
        "grad_fn": attempt(lambda: t.grad_fn and t.grad_fn.name()),
        "is_leaf": attempt(lambda: t.is_leaf),
        "retains_grad": attempt(lambda: t.retains_grad),
        "_version": t._version,
        "_is_view()": t._is_view(),
        "_base": t._base is not None and names.get(id(t._base), "unnamed"),
        "grad": attempt(lambda: t.grad is not None and names.get(id(t.grad), "unnamed")),
        "grad.requires_grad": attempt(lambda: t.grad is not None and t.grad.requires_grad),
    }


# Shortening, and hunting


def shortened(lines: Sequence[str], every_step: bool) -> list[str]:
    """`lines` without those that the difference does not need."""
    kept = list(lines)
    for size in (8, 4, 2, 1, 1, 1):
        for start in reversed(range(0, len(kept), size)):
            fewer = kept[:start] + kept[start + size :]
            if is_closed(fewer) and difference(fewer, every_step):
                kept = fewer
    return kept


def is_closed(lines: Sequence[str]) -> bool:
    """Whether no line uses a name that no line before it made."""
    side = Side(torch)
    return not any(isinstance(side.run(line), NameError) for line in lines)


def shown(lines: Sequence[str], found: str) -> str:
    """A counterexample to paste, and what it shows."""
    head = ["import minigrad as torch  # or: import torch"]
    head += [f"{n} = []" for n in ("seen", "handles") if any(n in line for line in lines)]
    return "\n".join([*head, *lines, f"# {found}"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Run random programs on torch and on minigrad at once.")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--length", type=int, default=16)
    parser.add_argument("--show", type=int, default=5, help="stop after so many counterexamples")
    arguments = parser.parse_args()
    found = 0
    for number in range(arguments.seed, arguments.seed + arguments.count):
        every_step = bool(number % 2)
        lines = Writer(random.Random(number).choice).write(arguments.length)
        if difference(lines, every_step):
            lines = shortened(lines, every_step)
            print(f"\n--- seed {number}\n{shown(lines, str(difference(lines, every_step)))}", flush=True)
            found += 1
            if found == arguments.show:
                break
    print(f"{found} of {number - arguments.seed + 1} programs differ")
    sys.exit(found > 0)


if __name__ == "__main__":
    main()
