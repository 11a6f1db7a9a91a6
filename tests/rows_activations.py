"""Rows for the activation functions."""

from __future__ import annotations

from op_cases import Draw, Shape
from op_rows import number, program, row

for name in ("silu", "mish", "softplus", "logsigmoid", "elu", "relu6", "softsign"):
    program(f"F.{name}(a)")
for name in ("hardswish", "softshrink", "tanhshrink"):
    program(f"F.{name}(a)")
# In double precision torch's slope is wrong in the eighth digit: that of single precision.
program("F.hardsigmoid(a)", fixed={"a": "float32"}, always_fixed=True, smooth=False)
program("F.gelu(a, approximate=approximate)", options=lambda draw, s: {"approximate": draw.choice("none", "tanh")})
program("F.softplus(a, beta, 1.5)", options=lambda draw, s: {"beta": draw.choice(0.5, 1, 2)})
program("F.leaky_relu(a, slope)", options=lambda draw, s: {"slope": draw.choice(0.01, 0.2, 0, -1)})
program("F.elu(a, alpha)", options=lambda draw, s: {"alpha": draw.choice(1.0, 0.5, 2, -1)})
program("F.hardtanh(a, low, 1.1)", options=lambda draw, s: {"low": draw.choice(-1.0, 0, -0.5)})
row("selu", twin=False)
row("celu", "a, alpha", twin=False, options=lambda draw, s: {"alpha": draw.choice(1.0, 0.5, 2)})
row("threshold", "a, 0.5, number", twin=False, options=number)
row("hardshrink")
row("hardshrink", "a, lambd", options=lambda draw, s: {"lambd": draw.choice(0, 0.2, 1)})
program("F.glu(a, dim)", lambda draw: [even(draw)], lambda draw, s: {"dim": draw.dim(s)})


def even(draw: Draw) -> Shape:
    """A shape whose dimensions can be halved."""
    return draw.shape(1) if draw.wild else tuple([2 * draw.choice(0, 1, 2) for _ in range(draw.choice(1, 2, 3))])


def weighted(draw: Draw) -> list[Shape]:
    """A shape, and that of a weight, or one for each channel."""
    shape = draw.shape(1)
    return [shape, draw.choice((), (1,), (shape[1] if len(shape) > 1 else 1,))]


row("prelu", "a, b", shapes=weighted, domain="not zero")  # at 0 torch takes two slopes for the second derivative
