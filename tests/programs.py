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
# be changed in place, {r} one that probably requires grad; what follows is chosen to go with it: {_} the same again,
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
    {x}.split(1, {d})[-1] | {x}.permute(*range({_}.dim())[::-1]) | {x}.chunk(2, {d})[0] | {x}[{i}][{i}] | {x}.view_as({_})
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
    {w}.detach().mul_({n}) | {w}.unbind({d})[0].zero_() | {w}.cumsum_({d}) | {w}.log_() | {w}.cos_() | {w}.sign_()
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
    torch.autograd.grad({r}, {r}, {u}, allow_unused=True)[0] | torch.autograd.grad(({r} ** 3).sum(), {r}, create_graph=True)[0]
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
        try:
            exec(compiled(line), self.scope, self.names)
        except Exception as error:
            return error
        return None


# Comparing

# What minigrad says otherwise than torch, as (pattern, replacement) applied to both sides' first lines.
WORDS = (
    (r"\(position \d\)", ""),  # a function and a method count differently
    (r"output type (bool|long int)", r"output type \1"),
    (r"Output \d of", "Output 0 of"),  # minigrad's operations have one result each
)
NODE_NAMES: dict[str, str] = {}  # torch's name of a node: minigrad's
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


def first_line(error: Exception) -> str:
    text = str(error).split("\n")[0]
    for pattern, replacement in WORDS:
        text = re.sub(pattern, replacement, text)
    return text


def difference(lines: Sequence[str], every_step: bool = True) -> str | None:
    """The first difference between the two sides when `lines` run on both, or None.

    every_step  whether what can be asked of a tensor is asked after every line, or after the last one alone: asking
                brings views up to date
    """
    theirs, ours = Side(torch), Side(minigrad)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, line in enumerate(lines, 1):
            error, our_error = theirs.run(line), ours.run(line)
            if may_reject(lines[:number], error, our_error):
                return None
            found = compare_errors(error, our_error) or compare_values(theirs, ours)
            if found is None and (every_step or number == len(lines)):
                found = compare_states(theirs, ours, ".data" in " ".join(lines[:number]))
            if found:
                return f"line {number}, {line}\n    {found}"
            if ends_program(line, error):
                return None
    return None


def may_reject(lines: Sequence[str], error: Exception | None, our_error: Exception | None) -> bool:
    """Whether minigrad raises as it should where torch is silently wrong: a change through `.data` counts as one."""
    changed = "has been modified by an inplace operation" in str(our_error)
    return error is None and changed and any(".data" in line for line in lines)


def compare_errors(error: Exception | None, our_error: Exception | None) -> str | None:
    if type(error).__name__ == type(our_error).__name__ and (error is None or first_line(error) == first_line(our_error)):
        return None
    return "\n    ".join(f"{who}: {type(e).__name__}: {e and str(e)}" for who, e in (("torch", error), ("minigrad", our_error)))


def compare_values(theirs: Side, ours: Side) -> str | None:
    """What cannot change by being looked at. Values that agree are made equal, so that rounding does not add up."""
    known: dict[int, str] = {}
    our_known: dict[int, str] = {}
    for name, t in theirs.names.items():
        m = ours.names.get(name)
        if isinstance(t, torch.Tensor) != isinstance(m, minigrad.Tensor):
            return f"{name}: {t!r} in torch, {m!r} in minigrad"
        if not isinstance(t, torch.Tensor):
            continue
        if known.setdefault(id(t), name) != our_known.setdefault(id(m), name):
            return f"{name} is {known[id(t)]} in torch, {our_known[id(m)]} in minigrad"
        if found := compare_tensors(t, m):
            return f"{name}{found}"
    for i, (t, m) in enumerate(zip(theirs.scope["seen"], ours.scope["seen"], strict=True)):
        if found := compare_tensors(t, m):
            return f"seen[{i}]{found}"
    return None


def compare_tensors(t: Any, m: Any) -> str | None:
    """How two tensors, or tuples of them, differ in dtype, shape, strides or values."""
    if isinstance(t, (tuple, list)):
        return next((f"[{i}]{d}" for i, (x, y) in enumerate(zip(t, m, strict=True)) if (d := compare_tensors(x, y))), None)
    if t is None or m is None:
        return None if t is m else f": {t} in torch, {m} in minigrad"
    if (str(t.dtype), tuple(t.shape)) != (str(m.dtype), tuple(m.shape)):
        return f": {t.dtype} {tuple(t.shape)} in torch, {m.dtype} {tuple(m.shape)} in minigrad"
    if steps(t) != steps(m):
        return f": strides {t.stride()} in torch, {m.stride()} in minigrad"
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


def compare_states(theirs: Side, ours: Side, data_used: bool) -> str | None:
    """What can be asked of tensors: their place in the graph, and their gradients."""
    sides = [{id(t): n for n, t in reversed(side.names.items())} for side in (theirs, ours)]
    for name, t in theirs.names.items():
        if isinstance(t, torch.Tensor):
            both = zip(state(t, sides[0]).items(), state(ours.names[name], sides[1]).values(), strict=True)
            for (what, value), our_value in both:
                value = NODE_NAMES.get(value, value) if isinstance(value, str) else value
                if value != our_value and not (what == "_version" and data_used):
                    return f"{name}.{what}: {value} in torch, {our_value} in minigrad"
            found = compare_tensors(t.grad, ours.names[name].grad)
            if found:
                return f"{name}.grad{found}"
    return None


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
