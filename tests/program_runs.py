"""Runs a program on torch and on minigrad at once: after every line both must be in the same state.

    python tests/program_runs.py 1000 --seed 7       # hunt; prints each counterexample, made short

Equal must be: whether a line is accepted, and if not the exception's type and the first line of its message; and of
every live tensor the value, dtype, shape, strides, `requires_grad`, `is_leaf`, `grad_fn`, `_version`, `_is_view()`,
`_base`, `retains_grad` and `.grad`. What may differ is written down in WORDS, `compare_errors`, `allowed` and
`may_differ`, each with its reason, and nowhere else.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

import minigrad
from minigrad.testing.random_programs import KINDS, WITHOUT_DATA, Interpreter, Program, attempt, ends_program, write

# What minigrad says otherwise than torch, as (pattern, replacement) for the first lines of both.
WORDS = (
    (r"\(position \d\)", ""),  # a function and a method count differently
    (r"output type (bool|long int)", lambda m: f"output type {'Bool' if m[1] == 'bool' else 'Long'}"),
    # torch may have saved it in another form, and does not count changes through `.data`
    (r": \[.*\],? (which is output 0 of [\w:]+, )?is at version \d+; expected version \d+ instead", ""),
    (
        r"(mat1 and mat2 shapes cannot be|Expected size for first two dimensions of batch2|size mismatch, got input).*",
        "shapes cannot be multiplied",
    ),
    (r"(expected m1 and m2 to have the same dtype|expected scalar type|addmv input tensors).*", "dtypes cannot meet"),
)
GRADIENT = re.compile(r"\.grad\b|autograd\.grad")
PRODUCT = re.compile(r" @ |\.(matmul|mv|dot)\(")

# The kinds of lines of a program, of which one in six changes tensors through `.data`. It then has no hooks: they stay
# where they were put, while in minigrad a view moves on when its memory changes, and through `.data` too.
MIXTURES = (WITHOUT_DATA,) * 5 + (tuple(kind for kind in KINDS if kind not in ("flags", "hooks")),)
LENGTH = 24


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
            if any(t.requires_grad and not t.is_floating_point() for t in pair.theirs.tensors().values()):
                return None  # some changes in place make integers require grad in torch
            found = compare_errors(error, our_error)
            if error is not None and re.search("backward|grad", line):
                pair.forget_seen()  # how far a pass came before it failed differs
            if ends_program(line, error) and not found:
                return None
            if not found and (found := pair.compare_values()) and pair.reads_what_it_writes(line):
                return None  # torch reads some elements before, and some after they have changed
            if found and pair.data_used and pair.has_views(line) and found.endswith("None in minigrad"):
                return None  # a view changed through `.data` is a new one here, of which nothing was computed before
            if pair.has_other_gradients_of_nothing():
                return None  # without elements: whether there is more of a graph to it differs
            if pair.laid_out_otherwise:
                return None  # which operand's order of dimensions a result has, if they differ
            if found is None and (every_step or number == len(lines)):
                found = pair.compare_states()
            if found:
                return f"line {number}, {line}\n    {found}"
    return None


def allowed(lines: Sequence[str], pair: Pair, error: Exception | None, our_error: Exception | None) -> bool:
    """Whether a program may go different ways from here: the documented cases."""
    text, our_text = str(error), str(our_error)
    if "INTERNAL ASSERT FAILED" in text:
        return True  # which torch asks to report: what is done to a tensor after `detach_()`, for one
    if pair.data_used and re.search("modified by an inplace operation|modified inplace|not have been used", our_text):
        return True  # a change through `.data` may be silently wrong in torch, and counts as a change here
    if pair.data_used and "a second time" in text and our_error is None and pair.has_views():
        return True  # a view changed through `.data` is a new one here: a pass that asked for it freed nothing
    if "refers to a single memory location" in our_text and error is None:
        return True  # torch fills memory that several elements share; it warns of most of these
    if "refers to a single memory location" in text and re.search("backward|grad", lines[-1]) and our_error is None:
        return any(re.search(r"\.(fill|zero)_\(", line) for line in lines)  # and then its passes may fail
    if "refer to a single memory location" in text and our_error is None and pair.has_idle_steps(lines[-1]):
        return True  # how long a step is, of which none is made, differs
    of_bools = "Subtraction" in text or (error and "Subtraction" in our_text)  # two mistakes: either may be named
    if re.search("backward|grad", lines[-1]) and (of_bools or "detached in-place" in text):
        return True  # torch cannot differentiate powers with bools, nor with saved values after `detach_()`
    name, hooking, _ = lines[-1].partition(".register_hook(")
    if hooking and error is None and "modified inplace" in our_text and any(name + hooking in x for x in lines[:-1]):
        return True  # after torch has refused a hook it takes the next one, and calls neither
    if re.search("modified by an inplace (.|\n)*gradient of (Clone|UnsafeView)Backward0", our_text) and error is None:
        return pair.has_batched_products(
            lines[-1]
        )  # a product of batches is, in torch, sometimes one of copies, which nobody changes
    if "a second time" in text and our_error is None and any("inputs=" in line for line in lines):
        return True  # which frees one step: after a change in a wider dtype, only the one back to its own dtype
    if "a second time" in our_text and error is None and any("inputs=" in line for line in lines):
        return pair.has_batched_products(lines[-1])  # which are several steps in torch, and one here, freed as a whole
    if "modified by an inplace operation" in text and our_error is None and "inputs=" in lines[-1] and pair.has_views():
        return True  # torch runs the rules of a change through a view with its base, though nothing below is wanted
    # Gradients may be views of something in torch, or expanded. Here each is a tensor with memory of its own.
    used = [pair.theirs.names.get(n) for n in re.findall(r"\w+", lines[-1]) if n in pair.gradients]
    if "requires_grad" in lines[-1] and any(isinstance(t, torch.Tensor) and t._is_view() for t in used):
        return True  # whose own views are, in torch, views of that something, for which nothing is asked
    of_views = (
        "no_grad mode",
        "in-place operation",
        "single memory location",
        "Can't detach views",
        "view size is not",
    )
    shared = any(what in text for what in of_views)
    shared |= "a second time" in text and any(isinstance(t, torch.Tensor) and t._is_view() for t in used)
    shared |= any(isinstance(t, torch.Tensor) and has_overlap(t) for t in used)
    if used and not (shared and our_error is None):
        of_layout = "view size is not compatible", "single memory location", "a view of a leaf Variable"
        shared = any(what in our_text for what in of_layout)  # what is a view here may be a copy of one in torch
    return bool(used) and shared and (error is None or our_error is None)


def has_overlap(t: torch.Tensor) -> bool:
    """Whether several elements share memory."""
    return any(s == 0 and n > 1 for s, n in zip(t.stride(), t.shape, strict=True))


def compare_errors(error: Exception | None, our_error: Exception | None) -> str | None:
    """How two results of running a line differ."""
    kinds = type(error).__name__, type(our_error).__name__
    if kinds[0] == kinds[1] and (error is None or first_line(error) == first_line(our_error)):
        return None
    if "not implemented for" in str(error) and kinds[1] in ("RuntimeError", "NotImplementedError"):
        return None  # torch names the kernel that lacks a dtype
    if all("a second time" in t or "modified by an inplace operation" in t for t in (str(error), str(our_error))):
        return None  # of two saved values that are no more what they were
    first = ("modified inplace", "single memory location", "Autograd not support dtype")
    if error is not None and our_error is not None and any(text in f"{error} {our_error}" for text in first):
        return None  # of two mistakes in one line either may be named
    return f"torch: {kinds[0]}: {error}\n    minigrad: {kinds[1]}: {our_error}"


class Pair:
    """A program's two sides."""

    def __init__(self) -> None:
        self.theirs, self.ours = Interpreter(torch), Interpreter(minigrad)
        self.gradients: set[str] = set()  # names of gradients, and of what was made from them
        self.products: set[str] = set()  # the same for matrix products
        self.data_used = self.laid_out_otherwise = False
        self.tolerance = {"float64": 1e-10}  # until there is something of float32

    def run(self, line: str) -> tuple[Exception | None, Exception | None]:
        """Run one line on both sides."""
        made, equals, source = line.removeprefix("with torch.no_grad(): ").partition(" = ")
        words = re.findall(r"\w+", source)
        if equals and (GRADIENT.search(source) or self.gradients.intersection(words)):
            self.gradients.add(made)
        if equals and (PRODUCT.search(source) or self.products.intersection(words)):
            self.products.add(made)
        self.data_used |= ".data" in line
        errors = self.theirs.run(line), self.ours.run(line)
        if None not in errors:
            self.bring_up_to_date()
        if any(t.dtype == torch.float32 for t in self.theirs.tensors().values()):
            self.tolerance = {"float32": 1e-5, "float64": 1e-5}
        return errors

    def bring_up_to_date(self) -> None:
        """Let all views take note of changes: those that a line met before it failed have done so in torch."""
        for side in (self.theirs, self.ours):
            for t in side.tensors().values():
                attempt(lambda t: t.grad_fn, t)

    def forget_seen(self) -> None:
        """Forget what hooks have been shown so far."""
        for side in (self.theirs, self.ours):
            side.scope["seen"].clear()

    def has_views(self, line: str = "") -> bool:
        """Whether there are views, or some in a line."""
        return any(t._view is not None for t in self.named(line) or self.ours.tensors().values())

    def named(self, line: str) -> list[Any]:
        """The tensors of minigrad in a line."""
        found = [self.ours.names.get(word) for word in re.findall(r"\w+", line)]
        return [t for t in found if isinstance(t, minigrad.Tensor)]

    def has_batched_products(self, line: str) -> bool:
        """Whether a tensor in a line comes from a product of batches of matrices, which has two operands."""
        nodes = {t.grad_fn for t in self.named(line)}
        for node in (seen := list(nodes - {None})):  # which grows
            new = {below for below, _ in node.next_functions} - {None, *seen}
            seen.extend(new)
        made = [n for n in seen if n.name() in ("CloneBackward0", "UnsafeViewBackward0")]
        return any(len(node.next_functions) == 2 for node in made)

    def has_other_gradients_of_nothing(self) -> bool:
        """Whether a gradient without elements requires grad on one side alone."""
        found = [(t, self.ours.names.get(name)) for name, t in self.theirs.tensors().items() if name in self.gradients]
        return any(m is not None and not m.numel() and t.requires_grad != m.requires_grad for t, m in found)

    def has_idle_steps(self, line: str) -> bool:
        """Whether the tensors in a line have one element each, or one has an odd stride where its length is 1."""
        named = [t for n in re.findall(r"\w+", line) if isinstance(t := self.theirs.names.get(n), torch.Tensor)]
        return all(t.numel() <= 1 for t in named) or any(map(has_odd_stride, named))

    def reads_what_it_writes(self, line: str) -> bool:
        """Whether different tensors in a line lie in the same memory."""
        words = re.findall(r"\w+", line)
        names = words if "data" in words or "detach" in words else set(words)
        used = [t for n in names if isinstance(t := self.theirs.names.get(n), torch.Tensor)]
        return len({t.untyped_storage().data_ptr() for t in used}) < len(used)

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
                    self.laid_out_otherwise |= has_no_gaps(t) and has_no_gaps(m) and not t._is_view()
                    return f"{name}: strides {t.stride()} in torch, {m.stride()} in minigrad"
            if found := self.compare_tensors(t, m, 10 if name in self.gradients else 1):
                return f"{name}{found}"
        found = self.compare_tensors(self.theirs.scope["seen"], self.ours.scope["seen"])
        return f"seen{found}" if found and not self.data_used else None

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
                if (found := self.compare_tensors(t.grad, m.grad, 10)) and not self.may_differ(name, "grad", m.grad):
                    return f"{name}.grad{found}"
        return None

    def may_differ(self, name: str, what: str, our_value: Any) -> bool:
        """The documented cases of other answers."""
        if self.data_used and (what in ("_version", "grad_fn", "is_leaf") or not self.theirs.names[name].is_leaf):
            return True  # views take note of changes through `.data`, which torch does not count
        if what == "grad.requires_grad":  # a gradient of nothing, or of what a view without elements was changed in
            empty = [t for t in self.ours.tensors().values() if t._view is not None and not t.numel()]
            return not self.ours.names[name].numel() or (our_value is False and bool(empty))
        if what == "_version":  # torch also counts what it adds up in place
            return name in self.gradients | self.products
        if what == "grad_fn":  # rules are put together otherwise; ToCopyBackward0 ends a change in a wider dtype
            renamed = name in self.gradients | self.products and isinstance(our_value, str)
            return our_value == "ToCopyBackward0" or renamed
        return what in ("_is_view()", "_base") and name in self.gradients | self.products

    def compare_tensors(self, t: Any, m: Any, looser: int = 1) -> str | None:
        """How two tensors, or sequences of them, differ in dtype, shape or values.

        Gradients are held so much looser: in `1 - out * out`, near 0, torch's last digits are those of a fused sum.
        """
        if isinstance(t, (tuple, list)):
            if len(t) != len(m):
                return f": {len(t)} tensors in torch, {len(m)} in minigrad"
            found = ((i, self.compare_tensors(x, y, looser)) for i, (x, y) in enumerate(zip(t, m, strict=True)))
            return next((f"[{i}]{d}" for i, d in found if d), None)
        if t is None or m is None:
            return None if t is m else f": {t} in torch, {m} in minigrad"
        if (str(t.dtype), tuple(t.shape)) != (str(m.dtype), tuple(m.shape)):
            return f": {t.dtype} {tuple(t.shape)} in torch, {m.dtype} {tuple(m.shape)} in minigrad"
        x, y = t.detach().numpy(force=True), m._array
        scale = np.abs(x[np.isfinite(x)], dtype=float).max(initial=1)
        tolerance = looser * self.tolerance.get(str(x.dtype), 0) * scale
        if not np.allclose(x, y, rtol=0, atol=tolerance, equal_nan=True):
            return f" = {x.tolist()} in torch, {y.tolist()} in minigrad"
        if y.flags.writeable:
            y[...] = x
        return None


def has_no_gaps(t: Any) -> bool:
    """Whether the elements, in some order of the dimensions, fill their memory without gaps or overlaps."""
    return bool(t.permute(sorted(range(t.ndim), key=lambda i: -t.stride(i))).is_contiguous())


def has_odd_stride(t: torch.Tensor) -> bool:
    """Whether a dimension of length 1 has another stride than it would have if the later ones were all of memory."""
    later = [m * r for m, r in zip(t.shape[1:], t.stride()[1:], strict=True)]
    return any(n == 1 and s != step for n, s, step in zip(t.shape, t.stride(), [*later, 1], strict=False))


def steps(t: Any) -> tuple[int, ...]:
    """The strides that matter."""
    return tuple(s for s, n in zip(t.stride(), t.shape, strict=True) if n > 1) if 0 not in t.shape else ()


def state(t: Any, names: dict[int, str]) -> dict[str, Any]:
    """What `t` says of itself; tensors by name, exceptions by their type."""
    return {
        "requires_grad": t.requires_grad,
        "grad_fn": attempt(lambda t: t.grad_fn and t.grad_fn.name(), t),
        "is_leaf": attempt(lambda t: t.is_leaf, t),
        "retains_grad": attempt(lambda t: t.requires_grad and t.retains_grad, t),
        "_version": t._version,
        "_is_view()": t._is_view(),
        "_base": t._base is not None and names.get(id(t._base), "unnamed"),
        "grad": attempt(lambda t: t.grad is not None and names.get(id(t.grad), "unnamed"), t),
        "grad.requires_grad": attempt(lambda t: t.grad is not None and t.grad.requires_grad, t),
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
    interpreter = Interpreter(torch)
    return not any(isinstance(interpreter.run(line), NameError) for line in lines)


def shown(lines: Sequence[str], found: str) -> str:
    """A counterexample to paste, and what it shows."""
    return f"{Program(tuple(lines))}\n# {found}"


def random_program(seed: int, length: int = LENGTH) -> Program:
    """A program for both libraries, with lines that torch refuses."""
    rng = random.Random(seed)
    kinds = rng.choice(MIXTURES)
    return write([rng.randbytes(16) for _ in range(length)], torch, kinds, refused=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run random programs on torch and on minigrad at once.")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--length", type=int, default=LENGTH)
    parser.add_argument("--show", type=int, default=5, help="stop after so many counterexamples")
    arguments = parser.parse_args()
    found = 0
    for number in range(arguments.seed, arguments.seed + arguments.count):
        every_step = bool(number % 2)
        lines: Sequence[str] = random_program(number, arguments.length).lines
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
