"""assert_close: tensors, numbers, and what holds them, compared as torch does, with torch's words for what differs.

Source: https://docs.pytorch.org/docs/stable/testing.html
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

import minigrad as torch

INTERNAL = True
Tensor = torch.Tensor
Place = tuple[Any, ...]
_NUMBERS = (bool, int, float, np.bool_, np.number)
_TOLERANCES = {torch.float16: (0.001, 1e-5), torch.float32: (1.3e-6, 1e-5), torch.float64: (1e-7, 1e-7)}


class _Differs(Exception):
    """What is to be raised: an exception's class, its text, and of which item it tells."""

    def __init__(self, text: str, place: Place = (), kind: type[Exception] = AssertionError) -> None:
        self.text, self.place, self.kind = text, place, kind

    def error(self, msg: str | Callable[[str], str] | None) -> Exception:
        if isinstance(msg, str):
            return self.kind(msg)
        where = "".join(str([item]) for item in self.place)
        text = self.text + (f"\n\nThe failure occurred for item {where}" if self.place else "")
        return self.kind(text if msg is None else msg(text))


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise AssertionError unless |actual - expected| <= atol + rtol * |expected|, for all in tensors and containers.

    rtol, atol  both or none; those of the dtype unless given: 1.3e-6 and 1e-5 for float32, 0 for integers
    equal_nan   whether NaN is equal to NaN
    msg         the error's text instead, or what makes it of the text that there would be
    Raises TypeError for what cannot be compared, ValueError for one tolerance alone.
    """
    try:
        for one, other, place in list(_pairs(actual, expected, ())):
            if isinstance(one, _NUMBERS) and isinstance(other, _NUMBERS):
                one, other = (x.item() if isinstance(x, np.generic) else x for x in (one, other))
            if (rtol is None) != (atol is None):
                missing = "rtol" if rtol is None else "atol"
                text = f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}."
                raise _Differs(text, place, ValueError)
            if one is None or other is None:
                if one is not other:
                    raise _Differs(f"None mismatch: {one} is not {other}", place)
            elif isinstance(one, bool) and isinstance(other, bool):
                if one is not other:
                    raise _Differs(f"Booleans mismatch: {one} is not {other}", place)
            elif isinstance(one, (int, float)) and isinstance(other, (int, float)):
                if check_dtype and type(one) is not type(other):
                    raise _Differs(f"The (d)types do not match: {type(one)} != {type(other)}.", place)
                dtypes = [torch.float64 if isinstance(x, float) else torch.int64 for x in (one, other)]
                _check_numbers(one, other, *_tolerances(dtypes, rtol, atol), equal_nan, place)
            else:
                tensors = _tensors(one, other, place, allow_subclasses)
                _check_attributes(*tensors, place, check_dtype, check_stride)
                allowed = _tolerances([t.dtype for t in tensors], rtol, atol)
                _check_tensors(*tensors, *allowed, equal_nan, place)
    except _Differs as found:
        raise found.error(msg) from None


def _pairs(one: Any, other: Any, place: Place) -> Iterator[tuple[Any, Any, Place]]:
    """What is to be compared in two containers, and where it is; or the two, if they are no containers."""
    both = one, other
    if all(isinstance(x, Sequence) and not isinstance(x, str) for x in both):
        if len(one) != len(other):
            raise _Differs(f"The length of the sequences mismatch: {len(one)} != {len(other)}", place)
        for i, pair in enumerate(zip(one, other, strict=True)):
            yield from _pairs(*pair, (*place, i))
    elif all(isinstance(x, Mapping) for x in both):
        if one.keys() != other.keys():
            raise _Differs(
                f"The keys of the mappings do not match:\nMissing keys in the actual mapping: "
                f"{sorted(other.keys() - one.keys())}\nAdditional keys in the actual mapping: "
                f"{sorted(one.keys() - other.keys())}",
                place,
            )
        keys = list(one)
        with suppress(TypeError):  # of kinds without an order among them
            keys.sort()
        for key in keys:
            yield from _pairs(one[key], other[key], (*place, key))
    else:
        yield one, other, place


def _tensors(one: Any, other: Any, place: Place, allow_subclasses: bool) -> tuple[Tensor, Tensor]:
    related = isinstance(one, type(other)) or isinstance(other, type(one))
    known = isinstance(one, (Tensor, np.ndarray, np.generic)) and related
    if not known or (type(one) is not type(other) and not allow_subclasses):
        text = f"No comparison pair was able to handle inputs of type {type(one)} and {type(other)}."
        raise _Differs(text, place, TypeError)
    return torch.as_tensor(one).detach(), torch.as_tensor(other).detach()


def _tolerances(dtypes: list[Any], rtol: float | None, atol: float | None) -> tuple[float, float]:
    if rtol is not None and atol is not None:
        return rtol, atol
    known = [_TOLERANCES.get(dtype, (0.0, 0.0)) for dtype in dtypes]
    return max(r for r, _ in known), max(a for _, a in known)


def _check_attributes(one: Tensor, other: Tensor, place: Place, check_dtype: bool, check_stride: bool) -> None:
    asked: list[tuple[str, Any, Any]] = [("shape", one.shape, other.shape)]
    asked += [("stride()", one.stride(), other.stride())] if check_stride else []
    asked += [("dtype", one.dtype, other.dtype)] if check_dtype else []
    for name, a, b in asked:
        if a != b:
            raise _Differs(f"The values for attribute '{name}' do not match: {a} != {b}.", place)


def _check_numbers(one: Any, other: Any, rtol: float, atol: float, equal_nan: bool, place: Place) -> None:
    if one == other or (equal_nan and one != one and other != other):
        return
    apart = abs(one - other)
    if not (math.isfinite(one) and math.isfinite(other) and apart <= atol + rtol * abs(other)):
        ratio = math.inf if other == 0 else apart / abs(other)
        told = [f"Absolute difference: {apart}", f"Relative difference: {ratio}"]
        raise _Differs(_text("Scalars", f"Expected {other} but got {one}.", told, rtol, atol), place)


def _check_tensors(one: Tensor, other: Tensor, rtol: float, atol: float, equal_nan: bool, place: Place) -> None:
    dtype = torch.promote_types(one.dtype, other.dtype)
    one, other = one.to(dtype), other.to(dtype)
    close = torch.isclose(one, other, rtol=rtol, atol=atol, equal_nan=equal_nan)
    if close.all():
        return
    if not one.ndim:
        _check_numbers(one.item(), other.item(), rtol, atol, equal_nan, place)
    if not dtype.is_floating_point:
        one, other = one.long(), other.long()
    count, total = int((~close).sum()), close.numel()
    apart = (one - other).abs()
    apart[close] = 0
    ratios = apart / other.abs()
    ratios[close] = 0
    told = []
    for kind, differences in (("absolute", apart), ("relative", ratios)):
        at = int(differences.argmax())
        index = tuple(int(i) for i in np.unravel_index(at, tuple(differences.shape)))
        told.append(f"Greatest {kind} difference: {differences.flatten()[at].item()} at index {index}")
    mismatched = f"Mismatched elements: {count} / {total} ({count / total:.1%})"
    raise _Differs(_text("Tensor-likes", mismatched, told, rtol, atol), place)


def _text(what: str, extra: str, told: list[str], rtol: float, atol: float) -> str:
    exact = rtol == atol == 0
    allowed = ["" if exact else f" (up to {tolerance} allowed)" for tolerance in (atol, rtol)]
    lines = [line + more for line, more in zip(told, allowed, strict=True)]
    return "\n".join([f"{what} are not {'equal' if exact else 'close'}!\n", extra, *lines])
