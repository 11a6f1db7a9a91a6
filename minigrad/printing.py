"""How a tensor prints: torch's repr, to the character.

Four steps make the text: keep the corners of a large tensor, write each element that was kept, lay
the texts out in brackets, and add what the numbers leave unsaid (`dtype=`, `grad_fn=`). Elements
that are not shown are never read, so a large tensor costs no more than its corners.
Options: https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import dtypes

if TYPE_CHECKING:
    from .tensor import Tensor

INTERNAL = True


class _Options(NamedTuple):
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}
_options = _Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print from now on; an option left None stays, but `sci_mode` becomes None.

    `precision`: digits after the point. `threshold`: a tensor of more elements is summarised, to
    `edgeitems` elements at both ends of each dimension. `linewidth`: characters per line.
    `sci_mode`: scientific notation always (True), never (False), or where numbers need it (None).
    `profile`: 'default', 'short' or 'full' sets all of them first; torch ignores any other name.
    """
    global _options
    named = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    given: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    start = _options if profile is None else _PROFILES.get(profile, _options)
    _options = start._replace(**given, sci_mode=sci_mode)


def get_printoptions() -> dict[str, Any]:
    """The options in force, as keyword arguments for `set_printoptions`."""
    return _options._asdict()


def tensor_repr(t: Tensor) -> str:
    """The text `tensor(...)` that torch prints for `t`, by `repr` and `str` alike."""
    prefix = "tensor("
    array = t._array
    body = "[]" if array.size == 0 else _numbers(array, indent=len(prefix))
    return _with_suffixes(prefix + body, _suffixes(t), indent=len(prefix))


def tensor_format(t: Tensor, spec: str) -> str:
    """What `format(t, spec)` and f-strings give: a 0-d tensor is formatted as its Python number.

    Others have only their repr, without a `spec`; TypeError with one.
    """
    if t._array.ndim == 0:
        return format(t._array.item(), spec)
    if not spec:
        return str(t)
    raise TypeError(
        f"unsupported format string passed to {type(t).__name__}.__format__\n"
        f"  {spec!r} formats one number, and this tensor has shape {t._array.shape}.\n"
        "  Format one element, t[i].item(), or set all digits: set_printoptions(precision=...)."
    )


def _numbers(array: np.ndarray, indent: int) -> str:
    """The elements of a non-empty array in brackets; `indent` columns stand before the first."""
    summarize = array.size > _options.threshold
    edge = _options.edgeitems
    cut = [summarize and length > 2 * edge for length in array.shape]
    if any(cut):
        # One index list per dimension: both ends of a cut one, all of the others.
        kept = [
            np.r_[:edge, length - edge : length] if is_cut else np.r_[:length]
            for length, is_cut in zip(array.shape, cut, strict=True)
        ]
        array = array[np.ix_(*kept)]
    texts, width = _element_texts(array)
    nested = np.array(texts, dtype=object).reshape(array.shape).tolist()
    return _brackets(nested, cut, indent, width)


def _element_texts(array: np.ndarray) -> tuple[list[str], int]:
    """Each element's text, in order and right-aligned, and the width that aligned them."""
    floating = array.dtype.kind == "f"
    # 0, inf and nan fit every notation: they choose neither it nor the width, and may overhang.
    telling = array[np.isfinite(array) & (array != 0)] if floating else array
    spec = _float_spec(telling) if floating else ""
    width = max((len(format(value, spec)) for value in telling.ravel().tolist()), default=1)
    return [format(value, spec).rjust(width) for value in array.ravel().tolist()], width


def _float_spec(telling: np.ndarray) -> str:
    """The one notation for all elements, chosen by those that are finite and not zero."""
    if telling.size and _needs_scientific(telling):
        return f".{_options.precision}e"
    if (telling == np.ceil(telling)).all():
        return "#.0f"  # whole numbers: `#` keeps the point, "1." and not "1"
    return f".{_options.precision}f"


def _needs_scientific(telling: np.ndarray) -> bool:
    if _options.sci_mode is not None:
        return _options.sci_mode
    magnitudes = np.abs(telling)
    # Python floats: in double precision as torch, and an infinite ratio is no warning.
    smallest, largest = float(magnitudes.min()), float(magnitudes.max())
    return largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4


def _brackets(texts: Any, cut: list[bool], indent: int, width: int) -> str:
    """Lay out nested lists of texts; `cut` says which dimensions lost their middle."""
    if not cut:
        return str(texts)  # 0-d: the element alone
    innermost = len(cut) == 1
    parts = list(texts) if innermost else [_brackets(row, cut[1:], indent + 1, width) for row in texts]
    if cut[0]:
        spaced = innermost and _options.edgeitems > 0
        parts.insert(_options.edgeitems, " ..." if spaced else "...")
    if innermost:
        per_line = max(1, int((_options.linewidth - indent) / (width + len(", "))))
        parts = [", ".join(parts[i : i + per_line]) for i in range(0, len(parts), per_line)]
    newlines = "\n" * max(1, len(cut) - 1)  # blank lines part the matrices of a stack
    return "[" + f",{newlines}{' ' * (indent + 1)}".join(parts) + "]"


def _suffixes(t: Tensor) -> list[str]:
    """What the numbers leave unsaid, in torch's order."""
    array = t._array
    empty = array.size == 0
    suffixes = []
    # "[]" alone says size (0,); with no edge items the brackets may say nothing of the size.
    size_unsaid = array.ndim != 1 if empty else _options.edgeitems == 0
    if size_unsaid:
        suffixes.append(f"size={array.shape}")
    # "1", "1." and "True" tell int64, the default dtype and bool apart; "[]" says the default.
    told = [dtypes.get_default_dtype()]
    if not empty:
        told += [dtypes.int64, dtypes.bool_]
    if t.dtype not in told:
        suffixes.append(f"dtype={t.dtype}")
    name = _origin_name(t)
    if name is not None:
        suffixes.append(f"grad_fn=<{name}>")
    elif t.requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


def _origin_name(t: Tensor) -> str | None:
    """What `t` was computed by; "Invalid", as torch prints it, where a change in place has made that unknowable."""
    try:
        node = t.grad_fn
    except RuntimeError:
        return "Invalid"
    return None if node is None else node.name().rsplit("::", 1)[-1]


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """Append the suffixes and ")", each on a line of its own where the last line has no room."""
    column = len(text) - text.rfind("\n") + 1  # two more than are there: torch's own count
    for suffix in suffixes:
        if column + len(", ") + len(suffix) > _options.linewidth:
            text += f",\n{' ' * indent}{suffix}"
            column = indent + len(suffix)
        else:
            text += f", {suffix}"
            column += len(", ") + len(suffix)
    return text + ")"
