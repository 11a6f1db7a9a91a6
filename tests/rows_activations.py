"""Rows for the activation functions."""

from __future__ import annotations

from op_cases import INFINITE, Draw, Shape
from op_rows import number, program, row

for name in ("silu", "mish", "softplus", "logsigmoid", "softsign", "tanhshrink"):
    program(f"F.{name}(a)")
for name in ("elu", "relu6", "hardswish", "softshrink"):
    program(f"F.{name}(a)", special=INFINITE)
# In double precision torch's slope is wrong in the eighth digit: that of single precision.
program("F.hardsigmoid(a)", fixed={"a": "float32"}, always_fixed=True, smooth=False)
# In single precision torch takes infinity for infinity, or for NaN, by how the elements lie.
program(
    "F.gelu(a, approximate=approximate)",
    special=(),
    options=lambda draw, s: {"approximate": draw.choice("none", "tanh")},
)
program("F.softplus(a, beta, 1.5)", options=lambda draw, s: {"beta": draw.choice(0.5, 1, 2)})
program("F.leaky_relu(a, slope)", options=lambda draw, s: {"slope": draw.choice(0.01, 0.2, 0, -1)})
program("F.elu(a, alpha)", special=INFINITE, options=lambda draw, s: {"alpha": draw.choice(1.0, 0.5, 2, -1)})
program("F.hardtanh(a, low, 1.1)", special=INFINITE, options=lambda draw, s: {"low": draw.choice(-1.0, 0, -0.5)})
row("selu", twin=False, special=INFINITE)
row("celu", "a, alpha", twin=False, special=INFINITE, options=lambda draw, s: {"alpha": draw.choice(1.0, 0.5, 2)})
row("threshold", "a, 0.5, number", twin=False, options=number)
row("hardshrink", special=INFINITE)
row("hardshrink", "a, lambd", special=INFINITE, options=lambda draw, s: {"lambd": draw.choice(0, 0.2, 1)})
# Of an infinity that is not let through, torch's second derivative is infinite, and minigrad's NaN.
program("F.glu(a, dim)", lambda draw: [even(draw)], lambda draw, s: {"dim": draw.dim(s)}, special=())


def even(draw: Draw) -> Shape:
    """A shape whose dimensions can be halved."""
    return draw.shape(1) if draw.wild else tuple([2 * draw.choice(0, 1, 2) for _ in range(draw.choice(1, 2, 3))])


def weighted(draw: Draw) -> list[Shape]:
    """A shape, and that of a weight, or one for each channel."""
    shape = draw.shape(1)
    return [shape, draw.choice((), (1,), (shape[1] if len(shape) > 1 else 1,))]


row("prelu", "a, b", shapes=weighted, domain="not zero")  # at 0 torch takes two slopes for the second derivative
