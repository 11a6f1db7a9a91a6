"""Rows for products with something more: sums, factors, batches, equations; and for what is like them."""

from __future__ import annotations

from typing import Any

from op_cases import Draw, Shape
from op_rows import program, row, two_dims


def factors(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return {"beta": draw.choice(1, 0, 2, -0.5), "alpha": draw.choice(1, 2, 0.5, 0)}


SUMS = {  # by torch's name: the shapes of the three operands
    "addmm": lambda draw: added(draw, *draw.product(2, 2)),
    "addmv": lambda draw: added(draw, *[tuple(n or 1 for n in s) for s in draw.product(2, 1)]),
    "addr": lambda draw: added(draw, draw.product(1, 1)[0], draw.shape(1, 1)),
    "baddbmm": lambda draw: added(draw, *batches(draw)),
}


def added(draw: Draw, x: Shape, y: Shape) -> list[Shape]:
    """The shapes of a product's operands, and before them that of what is added to it."""
    whole = (*x[:-1], *y[-1:]) if len(y) > 1 else x[:-1] if len(x) > 1 else (*x, *y)
    return [draw.part_of(whole), x, y]


def summed(draw: Draw, x: Shape, y: Shape) -> list[Shape]:
    """As `added`, for two batches whose products are added up."""
    return [draw.part_of((*x[1:2], *y[2:])), x, y]


def batches(draw: Draw) -> list[Shape]:
    count = draw.size()
    return [(count, *shape) if len(shape) == 2 else shape for shape in draw.product(2, 2)]


FLOATS: dict[str, Any] = {"fixed": dict.fromkeys("abc", "float64"), "always_fixed": True}
for name, shapes in SUMS.items():
    row(name, "a, b, c", shapes=shapes, special=(), **(FLOATS if name in ("addr", "baddbmm") else {}))
    row(name, "a, b, c, beta=beta, alpha=alpha", shapes=shapes, options=factors, special=(), **FLOATS)

row("addbmm", "a, b, c", shapes=lambda draw: [(*(s := batches(draw))[0][1:2], *s[1][2:]), *s], special=(), **FLOATS)
row(
    "addbmm",
    "a, b, c, beta=beta, alpha=alpha",
    shapes=lambda draw: summed(draw, *batches(draw)),
    options=factors,
    special=(),
    twin=False,  # where the sizes differ, torch changes those of the tensor
    **FLOATS,
)

# Dimension by dimension


def vectors(draw: Draw) -> list[Shape]:
    return [draw.shape(1, 1), draw.shape(1, 1)]


def sharing(draw: Draw) -> list[Shape]:
    """Two shapes whose last dimensions are equal."""
    n = draw.size()
    return [draw.shape() if draw.sometimes_wrong() else (*draw.shape(0, 2), n) for _ in range(2)]


def touching(draw: Draw) -> list[Shape]:
    """Two shapes: as one ends, in reverse order, the other begins."""
    m, n = draw.size(), draw.choice(2, 3)
    return [(*draw.shape(0, 1), m, n), (n, draw.choice(m, m, 1), *draw.shape(0, 1))]


row("outer", "a, b", "t.ger(a, b)", shapes=vectors)
row("vdot", "a, b", shapes=lambda draw: draw.product(1, 1), special=())
row("inner", "a, b", shapes=sharing, special=(), folded=True)
program("t.tensordot(a, b, dims=1)", lambda draw: draw.product(2, 2), special=(), folded=True)
program("t.tensordot(a, b, dims=([-2, -1], [1, 0]))", touching, special=(), folded=True)
# Twice a view: torch's kron minds the stride of a dimension of one element.
program(
    "t.kron(*[x.flatten().view(x.shape) for x in (a, b)])",
    lambda draw: [draw.shape(0, 2), draw.shape(0, 2)],
    folded=True,
)
program(
    "t.chain_matmul(a, b, a)",
    lambda draw: [(m := draw.choice(2, 3), n := draw.choice(1, 2, 4)), (n, m)],
    special=(),
    folded=True,
    smooth=False,  # it warns
)

# Equations

EQUATIONS = {  # with the shapes of the operands, by the size of each letter
    "ij,jk->ik": "ij jk",
    "bij,bjk": "bij bjk",
    "ij->ji": "ij",
    "ij->": "ij",
    "ii->i": "ii",
    "ii,ij->j": "ii ij",
    "i,j,ij->ij": "i j ij",
    "...i,ij->...j": "bki ij",
    "b...,...b": "bij kjb",
    " i j , j ": "ij j",
}


def equation(text: str, shapes: str) -> None:
    def drawn(draw: Draw) -> list[Shape]:
        sizes = {letter: draw.choice(2, 3, 1, 0) for letter in "bijk"} | {"k": draw.choice(2, 3)}
        if text == "b...,...b":
            sizes["k"] = sizes["i"]
        return [draw.shape() if draw.sometimes_wrong() else tuple([sizes[c] for c in s]) for s in shapes.split()]

    program(f"t.einsum('{text}', {', '.join('abc'[: len(shapes.split())])})", drawn, special=(), folded=True)


for text, shapes in EQUATIONS.items():
    equation(text, shapes)
program(
    "t.einsum(a, [0, ...], b, [1, 0], [1, ...])",
    lambda draw: [(m := draw.size(), 2), (3, m)],
    special=(),
    folded=True,
    fixed=dict.fromkeys("ab", "float64"),  # of two dtypes torch names b's first here
    always_fixed=True,
)

# Diagonals


def diagonal_of(draw: Draw, shape: Shape, extra: int = 0) -> dict[str, Any]:
    dims = [
        d - len(shape) - extra if draw.flag() else d for d in draw.random.sample(range(max(len(shape) + extra, 2)), 2)
    ]
    return {
        "offset": draw.choice(0, 0, 1, -1, -5, 5),
        "dim1": dims[0],
        "dim2": dims[1] if not draw.sometimes_wrong() else 0,
    }


def offset(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return {"offset": draw.choice(0, 0, 1, -1, -4)}


row("diagonal", "a, offset, dim1, dim2", shapes=lambda draw: [draw.shape(2)], options=diagonal_of)
row(
    "diag_embed",
    "a, offset, dim1, dim2",
    shapes=lambda draw: [draw.shape(1, 2)],
    options=lambda draw, s: diagonal_of(draw, s, 1),
)
row("diag", "a, offset", shapes=lambda draw: [draw.shape(1, 2)], options=offset)
row("diagflat", "a, offset", shapes=lambda draw: [draw.shape(0, 2)], options=offset)
row("trace", shapes=lambda draw: [draw.shape(2, 2)])
row("tril", "a, offset", shapes=lambda draw: [draw.shape(2, 3)], options=offset)
row("triu", "a, offset", shapes=lambda draw: [draw.shape(2, 3)], options=offset)
row("block_diag", "a, b, a", shapes=lambda draw: [tuple([n or 1 for n in draw.shape(0, 2)]) for _ in range(2)])
program("t.vander(a.detach(), 3)", lambda draw: [draw.shape(1, 1)], special=(), smooth=False)
program("x = a * 1; x.diagonal().mul_(b); x * a", lambda draw: [(2, 3), (2,)])

# Turned over and around


def turns(draw: Draw, shape: Shape) -> dict[str, Any]:
    first, second = draw.random.sample(range(len(shape)), 2) if len(shape) > 1 else (0, 1)
    return {
        "k": draw.choice(-1, 0, 1, 2, 3, 5),
        "dims": [first, second - len(shape)] if not draw.sometimes_wrong() else [0, 0],
    }


def rolled(draw: Draw, shape: Shape) -> dict[str, Any]:
    dims = [draw.dim(shape), draw.dim(shape)]
    return {
        "shifts": [draw.choice(1, -2, 5), draw.choice(0, 3)],
        "dims": dims if not draw.sometimes_wrong() else dims[:1],
    }


def flipped(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"dims": draw.order(shape)[: draw.choice(1, 2)]}


row("flip", "a, dims", ("a.flip(dims)", "t.flip(a, dims=dims)"), options=flipped)
row("fliplr", shapes=lambda draw: [draw.shape(2)])
row("flipud", shapes=lambda draw: [draw.shape(1)])
row("roll", "a, shifts, dims", shapes=Draw.with_dims, options=rolled)
row("roll", "a, 2")
row("rot90", "a, k, dims", shapes=lambda draw: [draw.shape(2)], options=turns)
row("adjoint", "a", ("a.mH",), shapes=lambda draw: [draw.shape(2)])
program("a.H", lambda draw: [draw.shape(2, 2)])
row(
    "movedim",
    "a, (0, 1), (dim0, dim1)",
    shapes=lambda draw: [draw.shape(2)],
    options=lambda draw, s: (
        two_dims(draw, s)
        if draw.wild
        else draw.choice(*[{"dim0": x, "dim1": y} for x, y in ((0, -1), (1, 0), (-1, -2))])
    ),
)

# Other shapes


def unflattened(draw: Draw, shape: Shape) -> dict[str, Any]:
    at = draw.dim(shape)
    length = shape[at] if -len(shape) <= at < len(shape) else 1
    return {
        "dim": at,
        "sizes": draw.choice([1, length], [length, 1], [-1, 1], [1, -1, 1], *([[2, -1], []] if draw.wild else [])),
    }


row(
    "tile",
    "a, times",
    "a.tile(*times)",
    options=lambda draw, s: {"times": [draw.size() for _ in range(draw.choice(1, 2, 4))]},
)
row("unflatten", "a, dim, sizes", shapes=Draw.with_dims, options=unflattened)
for name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    program(f"t.{name}(a)")
program("t.atleast_2d(a, b)", Draw.pair)
program("t.broadcast_tensors(a, b)", Draw.pair)

# Stacked, and cut apart


def beside(draw: Draw, dim: int) -> list[Shape]:
    """Two shapes that differ in one dimension, or two of vectors."""
    shape = draw.shape(max(dim + 1, 2), 3)
    if draw.wild:
        return [shape, draw.shape()]
    return [shape, (*shape[:dim], draw.size(), *shape[dim + 1 :])] if draw.flag() else [(), ()]


program("t.hstack([a, b, a])", lambda draw: beside(draw, 1) if draw.flag() else [(2,), (draw.choice(1, 3),)])
program("t.vstack((a, b))", lambda draw: beside(draw, 0) if draw.flag() else [(draw.size(),)] * 2)
program("t.row_stack((a, b))", lambda draw: beside(draw, 0))
program("t.dstack((a, b))", lambda draw: beside(draw, 2) if draw.flag() else [draw.shape(0, 2)] * 2)
program("t.column_stack((a, b, b))", lambda draw: [(n := draw.size(),), (n, 2)] if draw.flag() else beside(draw, 1))


def cuts(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {
        "dim": draw.dim(shape),
        "parts": draw.choice(1, 2, 3, [1, 2], [2, 1], [0, -1], *([0, -1] if draw.wild else [])),
    }


def divisors(name: str) -> Any:
    def drawn(draw: Draw, shape: Shape) -> dict[str, Any]:
        at = {"hsplit": min(len(shape), 2) - 1, "vsplit": 0, "dsplit": 2}[name]
        length = shape[at] if 0 <= at < len(shape) else 1
        return {"parts": draw.choice(1, length or 2, [1], [2, 1], *([0, -1, 2] if draw.wild else []))}

    return drawn


row("tensor_split", "a, parts, dim", shapes=Draw.with_dims, options=cuts)
for name, least in {"hsplit": 1, "vsplit": 2, "dsplit": 3}.items():
    row(name, "a, parts", shapes=lambda draw, least=least: [draw.shape(least)], options=divisors(name))

# Grids


def axes(draw: Draw) -> list[Shape]:
    return [draw.shape(1, 1) for _ in range(3)]


program("t.meshgrid(a, b, c, indexing='xy')", axes, fixed=dict.fromkeys("abc", "float64"), always_fixed=True)
program("t.meshgrid([a, b], indexing='ij')", lambda draw: axes(draw)[:2])
program("t.meshgrid(a, b)", lambda draw: axes(draw)[:2], smooth=False)  # it warns
program("t.cartesian_prod(a, b)", lambda draw: [draw.shape(1, 1), draw.shape(1, 1)], folded=True)
row(
    "combinations",
    "a, size, again",
    shapes=lambda draw: [draw.shape(1, 1)],
    options=lambda draw, s: {"size": draw.choice(1, 2, 3, *([0, -1] if draw.wild else [])), "again": draw.flag()},
    folded=True,
)
