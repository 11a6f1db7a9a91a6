"""A tensor as the code that makes it again, so that a counter-example can be pasted and run."""

from __future__ import annotations

from itertools import accumulate
from math import gcd, isfinite
from typing import Any

import numpy as np

INTERNAL = True

GAP = 99
"""What lies between the elements of a tensor whose memory has gaps: code that reads it by mistake shows."""

_SHORTEST = {"float32": np.float32, "float16": np.float16}  # str() of these writes no more digits than they hold
_INFERRED = ("float32", "int64", "bool")  # what torch.tensor makes of Python's numbers


def as_code(x: Any) -> str:
    """Code that makes a tensor of either library again: its values, dtype, layout and requires_grad.

    The library is spelled `torch`, as in `import minigrad as torch`. Gaps between elements are filled with GAP. Layouts
    that slices, a permutation and expand cannot make, such as overlapping windows, come out contiguous.
    """
    dtype = str(x.dtype).removeprefix("torch.")
    if not x.numel():
        options = [f"dtype={x.dtype}"] * (dtype != "float32") + ["requires_grad=True"] * x.requires_grad
        return _call("zeros", str(tuple(x.shape)), *options)
    options = [f"dtype={x.dtype}"] * (dtype not in _INFERRED)
    strides = x.stride()
    repeated = [n > 1 and stride == 0 for n, stride in zip(x.shape, strides, strict=True)]
    core = np.array(x.detach()[tuple(slice(1 if r else None) for r in repeated)].tolist(), object)
    order, window, sides = _layout(core.shape, strides, x.storage_offset())
    memory = np.full(sides, GAP if "int" in dtype else float(GAP), object)
    memory[window] = core.transpose(order)[()]
    views = _index(window, sides) + _permutation(order)
    if any(repeated):
        views += f".expand({', '.join(map(str, x.shape))})"
    if x.requires_grad and not views:
        options.append("requires_grad=True")
    made = _call("tensor", _literal(memory.tolist(), dtype), *options) + views
    return f"{made}.requires_grad_()" if x.requires_grad and views else made


def register_printers() -> None:
    """Makes hypothesis print tensors of both libraries as code, also inside tuples, lists and dicts."""
    from hypothesis.vendor.pretty import for_type_by_name

    for module in ("torch", "minigrad.tensor"):
        for_type_by_name(module, "Tensor", lambda x, printer, cycle: printer.text(as_code(x)))


def _layout(
    shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> tuple[tuple[int, ...], tuple[slice, ...], tuple[int, ...]]:
    """The order in which the axes lie in memory, and a window into contiguous memory, whose sides come last."""
    axes = tuple(range(len(shape)))
    dense = axes, tuple(slice(0, n, 1) for n in shape), shape
    long = [i for i in axes if shape[i] > 1]  # how far apart the elements of other axes would lie makes no difference
    if not long:
        return dense
    long.sort(key=lambda i: -strides[i])
    inward = iter(long)
    order = tuple(i if shape[i] <= 1 else next(inward) for i in axes)
    sides, window = dict(enumerate(shape)), dict(enumerate(dense[1]))
    blocks = [*accumulate((strides[i] for i in long[:-1]), gcd), 1]  # memory that one step along a side spans
    outer = 0
    for i, block in zip(long, blocks, strict=True):
        step = strides[i] // block
        extent = (shape[i] - 1) * step + 1
        start = offset // block % (outer // block or step)
        sides[i] = outer // block or start + extent
        if extent > sides[i]:
            return dense
        if start + extent > sides[i]:  # as where a window starts in the middle of a row: no code leads there
            start = 0
        window[i] = slice(start, start + extent, step)
        outer = block
    return order, tuple(window[i] for i in order), tuple(sides[i] for i in order)


def _index(window: tuple[slice, ...], sides: tuple[int, ...]) -> str:
    """The brackets that take a window, as short as they can be; none where it is everything."""
    parts = []
    for w, side in zip(window, sides, strict=True):
        start = str(w.start or "")
        stop = "" if w.stop + w.step > side else str(w.stop)
        parts.append(f"{start}:{stop}" + (f":{w.step}" if w.step > 1 else ""))
    while parts and parts[-1] == ":":
        parts.pop()
    return f"[{', '.join(parts)}]" if parts else ""


def _permutation(order: tuple[int, ...]) -> str:
    """The view that puts axes that lie in this order in memory into their places."""
    if order == tuple(range(len(order))):
        return ""
    return ".t()" if len(order) == 2 else f".permute({', '.join(str(order.index(i)) for i in range(len(order)))})"


def _call(function: str, *arguments: str) -> str:
    return f"torch.{function}({', '.join(arguments)})"


def _literal(value: Any, dtype: str) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_literal(v, dtype) for v in value)}]"
    if dtype == "bool":
        return str(bool(value))
    if not isinstance(value, float):
        return str(value)
    text = str(_SHORTEST.get(dtype, float)(value))
    return text if isfinite(value) else f'float("{text}")'
