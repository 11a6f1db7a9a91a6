"""Rows for the operations that the document and its neighbours need: arithmetic, reductions, shapes, products, picking."""

from __future__ import annotations

from typing import Any

from op_cases import Draw, Row, Shape
from op_rows import (
    ROWS,
    alpha,
    bounds,
    corrected,
    dim,
    dim_keepdim,
    dims_keepdim,
    dtype,
    larger,
    new_shape,
    number,
    program,
    repeats,
    row,
    sections,
    sorted_dims,
    two_dims,
)

# Arithmetic

for name, sign in {"add": "+", "sub": "-", "mul": "*", "div": "/"}.items():
    row(name, "a, b", (f"a {sign} b", f"a {sign}= b"), shapes=Draw.pair)
    row(name, "a, number", (f"a {sign} number", f"a {sign}= number"), options=number)
    ROWS.append(Row(f"number {sign} a", (), (), Draw.one, number))
for name in ("subtract", "multiply", "divide", "true_divide"):
    row(name, "a, b", shapes=Draw.pair)
row("mul", "a, a", "a * a")
row("add", "a, b, alpha=alpha", shapes=Draw.pair, options=alpha)
row("sub", "a, b, alpha=alpha", shapes=Draw.pair, options=alpha)
row("add", "a, other, alpha=alpha", options=alpha)
row("rsub", "a, b", shapes=Draw.pair)
row("rsub", "a, number, alpha=alpha", options=lambda draw, shape: number(draw) | alpha(draw))
row("rsub", "a, b, alpha=alpha", shapes=Draw.pair, options=alpha)
row("pow", "a, b", ("a ** b", "a **= b"), shapes=Draw.pair, domain="positive")
row("pow", "a, number", ("a ** number", "a **= number"), options=number, domain="positive")
row("pow", "a, exponent", "a ** exponent", options=lambda draw, s: {"exponent": draw.choice(0, 1, 2, 3, 4, 0.0, 2.0)})
row("pow", "number, a", "number ** a", options=lambda draw, s: {"number": draw.choice(2, 0.5, 3.0, 1)})
row("neg", "a", "-a")
row("abs", "a", "abs(a)")
for name in ("negative", "absolute", "exp", "sin", "cos", "tanh", "sigmoid", "relu", "sign", "square"):
    row(name)
for name in ("reciprocal", "log", "sqrt"):
    row(name, domain="positive")

# Choosing

row("maximum", "a, b", "t.max(a, b)", shapes=Draw.pair)
row("minimum", "a, b", "t.min(a, b)", shapes=Draw.pair)
row("clamp", "a, low, high", ("t.clamp(a, min=low, max=high)", "t.clip(a, low, high)"), options=bounds)
row("clamp", "a, b", "a.clip(b)", shapes=Draw.pair)
row("clamp", "a, None, b", shapes=Draw.pair)
row("clamp", "a, b, c", shapes=lambda draw: [full := draw.shape(), draw.part_of(full), draw.part_of(full)])
row("clamp_min", "a, number", options=number)
row("clamp_max", "a, number", options=number)
row("clamp_min", "a, b", shapes=Draw.pair)
row("clamp_max", "a, b", shapes=Draw.pair)
row("where", "b, a, c", "a.where(b, c)", shapes=lambda draw: draw.broadcast(3), fixed={"b": "bool"})
row("where", "b, a, number", "a.where(b, number)", shapes=Draw.pair, options=number, fixed={"b": "bool"})

# Reductions

row("sum")
row(
    "sum",
    "a, dim, keepdim",
    ("t.sum(a, dim=dim, keepdim=keepdim)", "a.sum(axis=dim, keepdims=keepdim)", "a.sum(dim, keepdims=keepdim)"),
    options=dims_keepdim,
)
row("sum", "a, dtype=getattr(t, dtype)", options=dtype)
row("mean")
row("mean", "a, dim, keepdim", "a.mean(axis=dim, keepdims=keepdim)", options=dims_keepdim)
row("prod", special=())
row("prod", "a, dim, keepdim", options=dim_keepdim, special=())
for name in ("var", "std"):
    row(name, expanded=name == "var")  # whose slope is noise where the values are equal but for rounding
    row(name, "a, dim, correction=correction, keepdim=keepdim", options=corrected, expanded=name == "var")
    row(name, "a, unbiased", options=lambda draw, s: {"unbiased": draw.flag()}, expanded=name == "var")
row("norm", domain="positive")
for order in (2, 1, 3, 1.5, 0.5, 0, "math.inf", "-math.inf"):
    row("norm", f"a, {order}, dim, keepdim".replace("math.", "t."), shapes=Draw.not_empty, options=dims_keepdim)
for name in ("max", "min"):
    row(name, shapes=Draw.not_empty)
    row(name, "a, dim, keepdim", shapes=Draw.not_empty, options=dim_keepdim)
for name in ("argmax", "argmin"):
    row(name, shapes=Draw.not_empty)
    row(name, "a, dim, keepdim", shapes=Draw.not_empty, options=dim_keepdim)
for name in ("any", "all"):
    row(name)
    row(name, "a, dim, keepdim", options=dims_keepdim)
row("cumsum", "a, dim", "a.cumsum(axis=dim)", options=dim)
row("logsumexp", "a, dim, keepdim", options=dim_keepdim)
row("softmax", "a, dim", options=dim)
row("log_softmax", "a, dim", options=dim)
row("softmax", "a, dim, dtype=getattr(t, dtype)", options=lambda draw, s: dim(draw, s) | dtype(draw))

# Shapes

row("reshape", "a, shape", ("a.reshape(*shape)", "t.reshape(a, shape=shape)"), options=new_shape)
row("view", "a, shape", ("a.view(*shape)", "a.view(size=shape)"), options=new_shape)
row("view_as", "a, b", shapes=Draw.two_of_one_shape)
row("reshape_as", "a, b", shapes=Draw.two_of_one_shape)
row("flatten")
row("flatten", "a, first, last", options=sorted_dims)
row("ravel")
row("unsqueeze", "a, dim", options=lambda draw, shape: {"dim": draw.dim(shape, 1)})
row("squeeze")
row("squeeze", "a, dim", options=dim)
row("squeeze", "a, dim", options=lambda draw, shape: {"dim": tuple(draw.order(shape)[:2])})
for name in ("transpose", "swapaxes", "swapdims"):
    row(name, "a, dim0, dim1", options=two_dims)
row("t", shapes=lambda draw: [draw.shape(0, 2)])
row("permute", "a, dims", "a.permute(dims=dims)", options=lambda draw, shape: {"dims": draw.order(shape)})
row("movedim", "a, dim0, dim1", "t.moveaxis(a, dim0, dim1)", options=two_dims)
program("a.T", lambda draw: [draw.choice(draw.shape(2, 2), draw.shape(2, 2) if not draw.wild else ())])
program("a.mT", lambda draw: [draw.shape(2, 3)])
row("expand", "a, sizes", ("a.expand(*sizes)", "a.expand(size=sizes)"), options=larger)
row("broadcast_to", "a, sizes", options=larger)
row("expand_as", "a, b", shapes=lambda draw: [draw.part_of(full := draw.shape()), full])
row("repeat", "a, times", ("a.repeat(*times)", "a.repeat(repeats=times)"), options=repeats)
row(
    "cat",
    "[a, b], dim",
    ("t.concat((a, b), dim)", "t.concatenate([a, b], dim)"),
    shapes=lambda draw: joinable(draw),
    options=dim,
)
row("cat", "[a, b, a], dim", shapes=lambda draw: joinable(draw), options=dim)
row("stack", "[a, b], dim", shapes=Draw.two_of_one_shape, options=lambda draw, s, _: {"dim": draw.dim(s, 1)})
row("unbind", "a, dim", shapes=Draw.with_dims, options=dim)
row("split", "a, size, dim", shapes=Draw.with_dims, options=sections)
row("split", "a, sections, dim", shapes=Draw.with_dims, options=sections)
row("chunk", "a, size, dim", shapes=Draw.with_dims, options=sections)


def joinable(draw: Draw) -> list[Shape]:
    """Two shapes of which the first dimension, at least, may differ."""
    if draw.wild:
        return [draw.shape(1) + (2,), draw.shape(1) + (2,)]
    return [draw.shape(2)] * 2 if draw.flag() else [(2,), (draw.choice(1, 2, 3),)]


# Products

row("matmul", "a, b", "a @ b", shapes=lambda draw: draw.product(2, 2), special=())
row("matmul", "a, b", "a @ b", shapes=lambda draw: draw.product(2, 1), special=())
row("matmul", "a, b", "a @ b", shapes=lambda draw: draw.product(1, 2), special=())
row("matmul", "a, b", "a @ b", shapes=lambda draw: draw.product(1, 1), special=())
row(
    "matmul",
    "a, b",
    "a @ b",
    shapes=lambda draw: draw.product(draw.choice(1, 2), draw.choice(1, 2), draw.choice(1, 2)),
    special=(),
    folded=True,
)
row("mm", "a, b", shapes=lambda draw: draw.product(2, 2), special=())
row("mv", "a, b", shapes=lambda draw: draw.product(2, 1), special=())
row("dot", "a, b", shapes=lambda draw: draw.product(1, 1), special=())
row("bmm", "a, b", shapes=lambda draw: batches(draw), special=())


def batches(draw: Draw) -> list[Shape]:
    """Two batches, equally long, of matrices that can be multiplied."""
    count = draw.size()
    return [(count, *shape) if len(shape) == 2 else shape for shape in draw.product(2, 2)]


# Comparisons and logic

COMPARED = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
for name, sign in COMPARED.items():
    row(name, "a, b", f"a {sign} b", shapes=Draw.pair)
    row(name, "a, number", f"a {sign} number", options=number)
for name in ("not_equal", "less", "less_equal", "greater", "greater_equal"):
    row(name, "a, b", shapes=Draw.pair)
for name, sign in {"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}.items():
    row(name, "a, b", (f"a {sign} b", f"a {sign}= b"), shapes=Draw.pair, fixed={"a": "int64", "b": "int32"})
    row(name, "a, b", (f"a {sign} b",), shapes=Draw.pair, fixed={"a": "bool", "b": "bool"})
for name in ("logical_and", "logical_or", "logical_xor"):
    row(name, "a, b", shapes=Draw.pair, fixed={"a": "int16", "b": "uint8"}, always_fixed=True)
row("logical_not", fixed={"a": "bool"}, always_fixed=True)
row("bitwise_not", "a", "~a", fixed={"a": "int16"})
row("allclose", "a, b", shapes=Draw.pair)

# Copies and conversions

row("clone")
row("detach")
row("contiguous")
row("type_as", "a, b", shapes=Draw.pair)
row("to", "a, getattr(t, dtype)", options=dtype)
for name in ("float", "double", "half", "long", "int", "short", "char", "byte", "bool"):
    program(f"a.{name}()", domain="positive", smooth=name == "double")

# Picking by an index


def index(draw: Draw, shape: Shape, *others: Shape) -> dict[str, Any]:
    """A dimension, and indices into it that may repeat."""
    at = draw.dim(shape)
    length = shape[at] if -len(shape) <= at < len(shape) else 2
    picks = [draw.random.randrange(-length, length) for _ in range(draw.size())] if length else []
    return {"dim": at, "picks": picks, "natural": [i % length for i in picks]}


def mask(draw: Draw) -> list[Shape]:
    shape = draw.shape()
    return [shape, draw.part_of(shape)]


row(
    "select", "a, dim, picks[0]", shapes=lambda draw: [(2, 3, 2)], options=lambda draw, s: dim(draw, s) | {"picks": [1]}
)
row("narrow", "a, dim, 1, 1", shapes=lambda draw: [(2, 3, 2)], options=dim)
row("index_select", "a, dim, t.tensor(natural, dtype=t.int64)", shapes=Draw.with_dims, options=index)
row("gather", "a, 0, t.tensor([[0, 1, 0], [1, 1, 0]])", shapes=lambda draw: [(draw.choice(2, 3), 3)])
row("take", "a, t.tensor([0, -1, 0])", shapes=lambda draw: [(draw.choice(1, 2), 3)])
row("masked_select", "a, b", shapes=mask, fixed={"b": "bool"}, always_fixed=True, folded=True)
row("masked_fill", "a, b, number", shapes=mask, options=number, fixed={"b": "bool"}, always_fixed=True)
row("masked_fill", "a, b, c", shapes=lambda draw: [*mask(draw), ()], fixed={"b": "bool"}, always_fixed=True, twin=False)
program("a[...]")
program("a[t.tensor(picks, dtype=t.int64)]", Draw.with_dims, lambda draw, s: index(draw, s[:1]))
program("x = a * 1; x[1:] = b; x * x", lambda draw: [(3, 2), draw.choice((2, 2), (1, 2), (2,), ())])
program("x = a * 1; x[t.tensor([0, 2])] = b; x * x", lambda draw: [(3, 2), draw.choice((2, 2), (1, 2), (2,), ())])
program("x = a * 1; x[a > 0] = number; x * x", options=lambda draw, s: {"number": draw.choice(0.5, -2)})
program("x = a * 1; x.fill_(b); x + a", lambda draw: [draw.shape(), ()])

# Random numbers whose mean or spread is a tensor

program("t.manual_seed(number); t.normal(a, 2.0)", smooth=False, options=lambda draw, s: {"number": draw.choice(0, 7)})
program(
    "t.manual_seed(3); t.normal(a, b * b)",
    Draw.two_of_one_shape,
    fixed=dict.fromkeys("ab", "float64"),
    always_fixed=True,
    smooth=False,
)

# Changes in place, directly and through views

program("x = a.clone(); x.fill_(number); x", options=number)
program("x = a.clone(); x.zero_(); x")
program("x = a.clone(); x.copy_(b); x", lambda draw: [full := draw.shape(), draw.part_of(full)])
program("x = a.clone(); y = x.t(); y.mul_(b.t()); x * y.t()", lambda draw: [draw.shape(2, 2)] * 2)
program("x = a.clone(); y = x.view(-1); x.mul_(b); y * y", lambda draw: draw.not_empty() * 2)
program("x = a.clone(); y = x.expand(a.shape); y.add_(1); x * y")
program("x = a * 1; x.lt_(b); x * a", lambda draw: [full := draw.shape(), draw.part_of(full)])
program("x = a * 1; y = x.detach(); y.mul_(2); x + y", smooth=False)
