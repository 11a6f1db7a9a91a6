"""`einsum`: products and sums of tensors by an equation of letters, composed of `permute`, `bmm` and `sum`.

Every operand is brought to one order of dimensions: first those of the result, then those to be summed. Two at a time,
from the left, they are then multiplied, as matrices where a dimension that both have is summed.
Source: https://docs.pytorch.org/docs/stable/generated/torch.einsum.html
"""

from __future__ import annotations

import math
from typing import Any

from ..messages import type_name
from ..tensor import Tensor
from .linear import bmm
from .names import public, tensor_argument

INTERNAL = True
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # in the order of an output that is not given
Subscripts = list[str]  # of one operand: letters, and "..." at most once


@public(method=False)
def einsum(*args: Any) -> Tensor:
    """The products of the operands' elements, summed over the letters that the result does not have.

    `einsum("ij,jk->ik", a, b)`; without an arrow, the letters that occur once, in alphabetical order. `...` stands for
    further dimensions, which broadcast; a letter twice in one operand for its diagonal. Or, with numbers for letters,
    `einsum(a, [0, 1], b, [1, 2], [0, 2])`. RuntimeError where letters and sizes do not fit.
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, "
            "or at least one operand and its subscripts list"
        )
    if isinstance(args[0], Tensor):
        inputs, output, operands = _of_lists(args)
    else:
        if not isinstance(args[0], str):
            raise TypeError(f"einsum(): argument 'equation' (position 1) must be str, not {type_name(args[0])}")
        inputs, output = _of_equation(args[0])
        operands = list(args[1]) if len(args) == 2 and isinstance(args[1], (tuple, list)) else list(args[1:])
    for i, x in enumerate(operands):
        tensor_argument(x, "einsum", "operands", i + 2)
    if len(inputs) != len(operands):
        which = "fewer" if len(operands) < len(inputs) else "more"
        raise RuntimeError(f"einsum(): {which} operands were provided than specified in the equation")
    return _computed(inputs, output, operands)


# Reading the equation


def _of_lists(args: tuple[Any, ...]) -> tuple[list[Subscripts], Subscripts | None, list[Tensor]]:
    """The parts of a call with lists of numbers."""
    output = _letters(args[-1]) if len(args) % 2 else None
    return [_letters(s) for s in args[1 : len(args) // 2 * 2 : 2]], output, list(args[: len(args) // 2 * 2 : 2])


def _letters(numbers: Any) -> Subscripts:
    for n in numbers:
        if n is not Ellipsis and not 0 <= n < len(LETTERS):
            raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
    return ["..." if n is Ellipsis else LETTERS[n] for n in numbers]


def _of_equation(equation: str) -> tuple[list[Subscripts], Subscripts | None]:
    left, arrow, right = equation.partition("->")
    inputs, start = [], 0
    for i, text in enumerate(left.split(",")):
        inputs.append(_subscripts(text, start, f"for operand {i}"))
        start += len(text) + 1
    return inputs, _subscripts(right, len(left) + 2, "in the output") if arrow else None


def _subscripts(text: str, start: int, where: str) -> Subscripts:
    """The subscripts in `text`, which begins at index `start` of the equation."""
    found: Subscripts = []
    i = 0
    while i < len(text):
        if text[i] == ".":
            if "..." in found:
                raise RuntimeError(f"einsum(): found '.' {where} for which an ellipsis was already found")
            if text[i : i + 3] != "...":
                raise RuntimeError(f"einsum(): found '.' {where} that is not part of any ellipsis")
            found.append("...")
            i += 2
        elif text[i] in LETTERS:
            found.append(text[i])
        elif text[i] != " ":
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {start + i} in the equation string, subscripts must be "
                "in [a-zA-Z]"
            )
        i += 1
    return found


# Computing it


def _computed(inputs: list[Subscripts], output: Subscripts | None, operands: list[Tensor]) -> Tensor:
    covered = [max(x.ndim - len(s) + 1, 0) if "..." in s else 0 for s, x in zip(inputs, operands, strict=True)]
    for i, (s, x) in enumerate(zip(inputs, operands, strict=True)):
        letters = len(s) - ("..." in s)
        if x.ndim < letters or (x.ndim > letters and "..." not in s):
            relation, end = ("is more than", "") if "..." in s else ("does not match", " and no ellipsis was given")
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({letters}) {relation} the number of dimensions "
                f"({x.ndim}) for operand {i}{end}"
            )
    # The dimensions that an ellipsis covers get names of their own, counted from the last.
    wide = max(covered, default=0)
    named = [_spelled_out(s, n) for s, n in zip(inputs, covered, strict=True)]
    if output is None:
        counts = [c for s in inputs for c in s]
        once = [c for c in LETTERS if counts.count(c) == 1]
        result = _spelled_out(["...", *once], wide)
    else:
        result = _spelled_out(output, wide)
        _check_output(output, inputs)
    summed = list(dict.fromkeys(c for s in named for c in s if c not in result))
    order = result + summed
    _check_sizes(named, operands)
    aligned = [_aligned(_diagonal(x, s), order) for i, (s, x) in enumerate(zip(named, operands, strict=True))]
    return _contracted(aligned, len(result))


def _spelled_out(subscripts: Subscripts, count: int) -> Subscripts:
    """The subscripts with the ellipsis as `count` names: "1" is that of the last dimension, "2" of the one before."""
    found: Subscripts = []
    for c in subscripts:
        found += [str(k) for k in range(count, 0, -1)] if c == "..." else [c]
    return found


def _check_output(output: Subscripts, inputs: list[Subscripts]) -> None:
    for i, c in enumerate(output):
        if c != "..." and c in output[:i]:
            raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
        if c != "..." and not any(c in s for s in inputs):
            raise RuntimeError(f"einsum(): output subscript {c} does not appear in the equation for any input operand")


def _check_sizes(named: list[Subscripts], operands: list[Tensor]) -> None:
    """Raise torch's error where two sizes of one letter differ, and neither is 1."""
    seen: dict[str, int] = {}
    for i, (s, x) in enumerate(zip(named, operands, strict=True)):
        for d, c in enumerate(s):
            n = x.shape[d]
            if c in s[:d]:
                if n != x.shape[s.index(c)]:
                    raise RuntimeError(
                        f"einsum(): subscript {c} is repeated for operand {i} but the sizes don't match, "
                        f"{n} != {x.shape[s.index(c)]}"
                    )
            elif n != 1 and seen.get(c, 1) not in (1, n):
                if c.isdigit():
                    raise RuntimeError(
                        f"einsum(): dimension {d} covered by ellipsis in operand {i}has size {n} which does not "
                        f"broadcast with previously seen ellipsis with size {seen[c]} for the respective dimension"
                    )
                raise RuntimeError(
                    f"einsum(): subscript {c} has size {n} for operand {i} which does not broadcast with previously "
                    f"seen size {seen[c]}"
                )
            seen[c] = n if seen.get(c, 1) == 1 else seen[c]


def _diagonal(x: Tensor, subscripts: Subscripts) -> tuple[Tensor, Subscripts]:
    """The operand with every letter once: the diagonal of what a letter names twice."""
    letters: Subscripts = []
    for c in subscripts:
        if c in letters:
            at = letters.index(c)
            x = x.diagonal(0, at, len(letters)).movedim(-1, at)
        else:
            letters.append(c)
    return x, letters


def _aligned(operand: tuple[Tensor, Subscripts], order: Subscripts) -> Tensor:
    """The operand with its dimensions in `order`, of size 1 where it has none."""
    x, letters = operand
    missing = [c for c in order if c not in letters]
    for _ in missing:
        x = x.unsqueeze(-1)
    letters = letters + missing
    return x.permute(*[letters.index(c) for c in order])


def _contracted(operands: list[Tensor], kept: int) -> Tensor:
    """The operands multiplied, and summed over all dimensions from number `kept` on."""
    ndim = operands[0].ndim
    users = [sum(x.shape[d] != 1 for x in operands) for d in range(ndim)]
    result, *others = operands
    for other in others:
        together: list[int] = []
        of_result: list[int] = []
        of_other: list[int] = []
        for d in range(kept, ndim):
            if result.shape[d] != 1 and other.shape[d] != 1:
                users[d] -= 1
                if users[d] == 1:
                    together.append(d)
            elif users[d] == 1:
                (of_result if result.shape[d] != 1 else of_other).append(d)
        result = result.sum(of_result, keepdim=True) if of_result else result
        other = other.sum(of_other, keepdim=True) if of_other else other
        result = _pair(result, other, together)
    if kept == ndim:
        return result
    return result.view(*result.shape[:kept]) if others else result.sum(tuple(range(kept, ndim)))


def _size(x: Tensor, dims: list[int]) -> int:
    return math.prod([x.shape[d] for d in dims])


def _pair(a: Tensor, b: Tensor, summed: list[int]) -> Tensor:
    """The product of two operands, with dimensions of size 1 for those that are summed: as batches of matrices."""
    if not summed:
        return a * b
    both: list[int] = []
    only_a: list[int] = []
    only_b: list[int] = []
    for d in range(a.ndim):
        if d not in summed:
            (both if a.shape[d] != 1 and b.shape[d] != 1 else only_a if a.shape[d] != 1 else only_b).append(d)
    rows, columns = _size(a, only_a), _size(b, only_b)
    left = a.permute(*both, *only_a, *summed, *only_b).reshape(_size(a, both), rows, _size(a, summed))
    right = b.permute(*both, *summed, *only_b, *only_a).reshape(_size(b, both), _size(b, summed), columns)
    order = [*both, *only_a, *summed, *only_b]
    shape = [1 if d in summed else b.shape[d] if d in only_b else a.shape[d] for d in order]
    return bmm(left, right).view(shape).permute(*[order.index(d) for d in range(a.ndim)])
