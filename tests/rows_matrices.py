"""Rows for linear algebra, and for what is measured with products and sums: distances, areas, spreads."""

from __future__ import annotations

from op_cases import Draw, Shape
from op_rows import program, row


def square(draw: Draw) -> list[Shape]:
    """A square matrix, or a batch of them."""
    n = draw.choice(1, 2, 3, 3)
    return [draw.shape() if draw.sometimes_wrong() else (*draw.choice((), (), (2,), (0,)), n, n)]


def oblong(draw: Draw) -> list[Shape]:
    sizes = draw.choice((1, 3), (3, 2), (2, 3), (3, 3))
    return [draw.shape() if draw.sometimes_wrong() else (*draw.choice((), (), (2,)), *sizes)]


def of_some_size(draw: Draw) -> list[Shape]:
    """As `oblong`, but never of nothing."""
    return [(*draw.choice((), (2,)), *draw.choice((1, 3), (3, 2), (2, 3)))]


def equation(draw: Draw) -> list[Shape]:
    """A square matrix, or a batch of them, and the right-hand side of an equation."""
    n, k = draw.choice(1, 2, 3), draw.size()
    batch = draw.choice((), (2,), (2, 1))
    return [(*draw.part_of(batch), n, n), (*draw.part_of(batch), n + draw.sometimes_wrong(), k)]


def right(draw: Draw) -> list[Shape]:
    """The same for a matrix that stands on the right."""
    a, b = equation(draw)
    return [a, (*b[:-2], *b[-2:][::-1])]


def several(draw: Draw) -> list[Shape]:
    """As `square`, of at least two rows: torch treats a single number apart."""
    n = draw.choice(2, 3)
    return [(*draw.choice((), (), (2,), (0,)), n, n)]


# Random matrices, changed a little so that they are well away from singular ones.
REGULAR = "a + 12 * t.eye(a.shape[-1])"
POSITIVE = "a @ a.mT + t.eye(a.shape[-2])"
GENERIC = "t.sin(a + 1.7 * t.arange(a.numel()).reshape(a.shape) ** 2)"
PLAIN = {"special": (), "expanded": False, "fixed": dict.fromkeys("ab", "float64"), "always_fixed": True}

program(f"t.linalg.inv({REGULAR})", square, **PLAIN)
program(f"t.inverse({REGULAR})", square, **PLAIN)
program(f"t.linalg.inv_ex({REGULAR})", square, **PLAIN)
program(f"t.linalg.solve({REGULAR}, b)", equation, folded=True, **PLAIN)
program(f"t.linalg.solve({REGULAR}, b, left=False)", right, folded=True, **PLAIN)
program(
    f"t.linalg.solve({REGULAR}, b)",
    lambda draw: [(*(s := draw.choice((), (2,), (0,))), 2, 2), (*draw.choice((), s), 2)],
    folded=True,
    **PLAIN,
)
for upper in (False, True):
    program(f"t.linalg.solve_triangular({REGULAR}, b, upper={upper})", equation, folded=True, **PLAIN)
    program(
        f"t.linalg.solve_triangular(a / 2, b, upper={upper}, left=False, unitriangular=True)",
        right,
        folded=True,
        **PLAIN,
    )
program(f"t.det({REGULAR})", several, folded=True, **PLAIN)
program(f"g = {GENERIC}; t.linalg.det(g @ g.mT)", lambda draw: [(2, 1)], folded=True, smooth=False, **PLAIN)
program(f"t.slogdet({REGULAR}).logabsdet", several, folded=True, **PLAIN)
program(f"t.linalg.slogdet({REGULAR})[1]", several, folded=True, **PLAIN)
program(f"t.logdet({POSITIVE})", several, folded=True, **PLAIN)
program(f"t.linalg.cholesky({POSITIVE})", square, folded=True, **PLAIN)
program(f"t.linalg.cholesky({POSITIVE}, upper=True)", square, folded=True, **PLAIN)
program(f"t.cholesky({POSITIVE})", square, folded=True, smooth=False, **PLAIN)
for upper in (False, True):
    program(f"t.cholesky_inverse(t.{'triu' if upper else 'tril'}({REGULAR}), {upper})", several, folded=True, **PLAIN)
    program(f"t.cholesky_solve(b, t.tril({REGULAR}).{'mT' if upper else 'clone()'}, {upper})", equation, **PLAIN)
program("t.cholesky_inverse(a)", lambda draw: [(1, 1)], domain="positive", **PLAIN)
program("t.cholesky_solve(a, b)", lambda draw: [(1, draw.size()), (1, 1)], domain="positive", **PLAIN)
program(f"t.linalg.pinv({GENERIC})", oblong, folded=True, **PLAIN)
program(f"t.pinverse({GENERIC})", oblong, folded=True, **PLAIN)
program(f"t.linalg.lstsq({GENERIC}, b).solution", lambda draw: [(3, 2), (3, draw.size())], folded=True, **PLAIN)
program(
    f"t.linalg.lstsq({GENERIC}, b).solution",
    lambda draw: [(s := draw.choice((2, 3), (2, 2, 3))), s[:-1]],
    folded=True,
    **PLAIN,
)
program("t.linalg.matrix_power(a, 5)", square, folded=True, **PLAIN)
program("t.matrix_power(a, 2)", square, folded=True, **PLAIN)
program(f"t.linalg.matrix_power({REGULAR}, -3)", square, folded=True, **PLAIN)
program("t.matrix_exp(a)", square, folded=True, **PLAIN)
program("t.linalg.matrix_rank(a)", oblong, smooth=False, **PLAIN)

# Decompositions. The signs of vectors are not told apart: they may be either.

program(
    f"e = t.linalg.eigh({GENERIC} + {GENERIC}.mT); e.eigenvalues, abs(e.eigenvectors)", square, folded=True, **PLAIN
)
program(f"t.linalg.eigvalsh({GENERIC} + {GENERIC}.mT)", square, folded=True, **PLAIN)
program(f"d = t.linalg.svd({GENERIC}, full_matrices=False); abs(d.U), d.S, abs(d.Vh)", oblong, folded=True, **PLAIN)
program(f"d = t.linalg.svd({GENERIC}); d.S * 2, d.Vh.mT @ (d.Vh * 1)", lambda draw: [(3, 2)], folded=True, **PLAIN)
program(f"d = t.svd({GENERIC}); d.U @ t.diag_embed(d.S) @ d.V.mT", oblong, folded=True, **PLAIN)
program(f"t.linalg.svdvals({GENERIC})", oblong, folded=True, **PLAIN)
program(f"tuple(map(abs, t.linalg.qr({GENERIC})))", oblong, folded=True, **PLAIN)
program(
    f"q, r = t.linalg.qr({GENERIC}, 'complete'); q @ r",
    lambda draw: [draw.choice((2, 3), (2, 2))],
    folded=True,
    **PLAIN,
)

program(f"d = t.linalg.lu({GENERIC}); d.P, d.L, d.U", oblong, folded=True, **PLAIN)
program(f"d = t.linalg.lu_factor({GENERIC}); d.LU, d.pivots", oblong, folded=True, **PLAIN)
program("t.linalg.lu_factor_ex((a * 0).detach())", lambda draw: [(2, 2)], folded=True, smooth=False, **PLAIN)


def way(draw: Draw, *shapes: Shape) -> dict[str, bool]:
    return {"adjoint": draw.flag()}


for left, shapes in ((True, equation), (False, right)):
    program(
        f"d = t.linalg.lu_factor({GENERIC} + 2 * t.eye(a.shape[-1])); "
        f"t.linalg.lu_solve(*d, b, left={left}, adjoint=adjoint)",
        shapes,
        way,
        folded=True,
        **PLAIN,
    )

# Norms

for order in ("'fro'", "'nuc'", 1, -1, 2, -2, "t.inf", "-t.inf"):
    program(
        f"t.linalg.matrix_norm({GENERIC}, {order}, keepdim=keepdim)",
        of_some_size,
        lambda draw, s: {"keepdim": draw.flag()},
        folded=True,
        **PLAIN,
    )
program("t.linalg.norm(a)", folded=True, special=(), domain="positive")
program("t.linalg.norm(a, 1, 0)", Draw.with_dims, special=(), folded=True)
program("t.linalg.norm(a, 1, (0, 2))", lambda draw: [(2, 3, 2)], folded=True, **PLAIN)
program("t.linalg.vector_norm(a, 3, 0)", lambda draw: [(draw.choice(2, 1, 3), *draw.shape(0, 2))], folded=True, **PLAIN)
program(f"t.norm({GENERIC}, 'nuc')", lambda draw: [draw.choice((2, 3), (3, 2), (1, 3))], folded=True, **PLAIN)
program("t.dist(a, b)", lambda draw: [(2, 3), draw.choice((2, 3), (3,), (2, 1), ())], special=(), folded=True)
program(f"t.linalg.cond({GENERIC})", several, folded=True, **PLAIN)  # no two singular values are one

# Measures


def threes(draw: Draw) -> list[Shape]:
    shape = (3, draw.choice(1, 2), draw.size())
    return [
        draw.shape() if draw.sometimes_wrong() else shape,
        tuple([draw.choice(n, 1) if n != 3 else n for n in shape]),
    ]


def rows_of_points(draw: Draw) -> list[Shape]:
    k = draw.choice(1, 2, 3)
    return [draw.shape() if draw.sometimes_wrong() else (*draw.choice((), (2,)), draw.size(), k) for _ in range(2)]


row("cross", "a, b, dim=0", shapes=threes)
program("t.linalg.cross(a, b, dim=0)", threes, ordered=False)
program("t.linalg.vecdot(a, b)", lambda draw: [draw.shape(1)] * 2)
for p in (0, 0.5, 1, 1.5, 2, 3, "t.inf"):
    program(f"t.cdist(a, b, p={p})", rows_of_points, folded=True, **PLAIN)
    program(f"t.pdist(a, p={p})", lambda draw: [(draw.choice(3, 4), draw.choice(1, 2))], folded=True, **PLAIN)
program(f"t.cdist({GENERIC}, b)", lambda draw: [(26, 2), (2, 2)][:: draw.choice(1, -1)], folded=True, **PLAIN)
program("t.trapezoid(a, b, dim=0)", lambda draw: [s := draw.shape(1), draw.choice(s, s[:1])], folded=True, **PLAIN)
program("t.trapz(a, dx=2, dim=-1)", Draw.with_dims, folded=True, **PLAIN)
program("t.cumulative_trapezoid(a, b)", lambda draw: [s := draw.shape(1), draw.choice(s, s[-1:])], folded=True, **PLAIN)
program("t.cumulative_trapezoid(a)", Draw.with_dims, folded=True, **PLAIN)
row("cov", shapes=lambda draw: [draw.choice((3,), (2, 3), (3, 4))], folded=True, **PLAIN)
program("t.cov(a, aweights=b)", lambda draw: [(2, 3), (3,)], domain="positive", folded=True, **PLAIN)
program(f"t.corrcoef({GENERIC})", lambda draw: [draw.choice((3,), (2, 3), (3, 4))], folded=True, **PLAIN)

# The same of inputs as they are, which may change before the backward pass.


def regular(draw: Draw) -> list[Shape]:
    """Of two rows, where they are random, or else none: of small whole numbers they may be singular."""
    return [(2, 2)] if draw.kind in ("plain", "smooth") else [(0, 2, 2)]


program("t.linalg.solve(a, b)", lambda draw: [*regular(draw), (2, 3)], **PLAIN)
program(
    "t.linalg.lu_solve(a, t.tensor([2, 2], dtype=t.int32).expand(a.shape[:-1]), b, adjoint=adjoint)",
    lambda draw: [*regular(draw), (2, 3)],
    way,
    **PLAIN,
)
program("t.linalg.solve_triangular(a, b, upper=True)", lambda draw: [(2, 2), (2, 3)], domain="positive", **PLAIN)
program("t.linalg.cholesky(a)", lambda draw: [(1, 1)], domain="positive", smooth=False, **PLAIN)
program("t.linalg.pinv(a)", lambda draw: [(2, 3)], **PLAIN)
program("t.linalg.matrix_exp(a)", lambda draw: [(2, 2)], **PLAIN)
program("t.linalg.det(a)", regular, **PLAIN)
program("t.linalg.slogdet(a).logabsdet", lambda draw: [(2, 2)], **PLAIN)
program("t.cdist(a, b)", lambda draw: [(2, 2), (3, 2)], **PLAIN)
program(f"e = t.linalg.eigh({GENERIC}); e.eigenvalues, abs(e.eigenvectors)", square, smooth=False, folded=True, **PLAIN)
