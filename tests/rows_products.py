"""Rows for products with something more: sums, factors, batches, equations; and for what is like them."""

from __future__ import annotations

from typing import Any

from op_cases import Draw, Shape
from op_rows import row


def factors(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return {"beta": draw.choice(1, 0, 2, -0.5), "alpha": draw.choice(1, 2, 0.5, 0)}


def added(draw: Draw, first: int, second: int) -> list[Shape]:
    """Shapes of two operands of a product, and of what is added to it."""
    x, y = draw.product(first, second)
    product = draw.shape() if draw.wild else x[:-1] + y[1:] if first == 2 else (*x, *y)
    return [draw.part_of(product), x, y]


row("addmm", "a, b, c", shapes=lambda draw: added(draw, 2, 2), special=False)
row("addmm", "a, b, c, beta=beta, alpha=alpha", shapes=lambda draw: added(draw, 2, 2), options=factors, special=False)
