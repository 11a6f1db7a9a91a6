"""Rows for functions of each element by itself that are not in rows_core.py."""

from __future__ import annotations

from op_rows import row

for name in ("erf", "erfc"):
    row(name)
# At the poles below 0 the second derivatives are what rounding makes of them.
row("lgamma", domain="positive", special=False)
row("digamma", domain="positive", special=False)
row(
    "polygamma",
    "n, a",
    "a.polygamma(n)",
    domain="positive",
    special=False,
    options=lambda draw, s: {"n": draw.choice(0, 1, 2, 3)},
)
row("erfinv", smooth=False)
row("erfinv", "a / 5")
