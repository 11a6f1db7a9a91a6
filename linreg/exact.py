"""The minimum of the loss in one step: Newton's, from second derivatives, and NumPy's least squares.

Both see the loss as one sum of `squared_loss`: its intercept is the weight of a column of ones, and weight decay is
rows of its own, in which a weight is to be 0.
"""

import math
from types import ModuleType

import numpy as np

import minigrad
from linreg.model import Tensor, linreg, squared_loss
from linreg.triangle import Array, Triangle

# A Hessian of a condition below this loses no digits that matter in a solution.
WELL_CONDITIONED, ROUNDS, STEPS = 100, 4, 2
EPS = float(np.finfo(np.float64).eps)


def newton_step(
    features: Tensor,
    labels: Tensor,
    w: Tensor,
    b: Tensor,
    *,
    weight_decay: float = 0.0,
    ones: Tensor | None = None,
    count: int | None = None,
    torch: ModuleType = minigrad,
) -> int:
    """Move w and b, in place, by Newton's step on the loss of all rows: -H⁻¹g, for its gradient g and Hessian H.

    As the loss is quadratic, that is its minimum. In which coordinates the step is taken changes it by rounding only,
    but there by much: H = XᵀX has the square of X's condition. So the parameters are first counted in coordinates
    z = R θ in which H is nearly the identity: R is the Cholesky factor of the Hessian itself, taken again while what
    it left is far from it. A second step with the same H takes back what rounding did to the first. Directions that
    the rows do not determine are not moved in; where rows are fewer than columns, most are left out beforehand: what
    moves lies in the space of the rows and, where it decays, of w itself.

    Rows that stand for `count` others (see Triangle) have `ones` (n, 1) for the column that b weighs. Returned is the
    rank that the columns with a weight have in their dtype: the number of directions that were moved in.
    Source: Fukaya et al. 2020, Shifted Cholesky QR, https://doi.org/10.1137/18M1218212
    """
    count = count or len(features)
    if len(features) + 1 < features.shape[1]:
        start = w.detach()
        basis = torch.linalg.qr(torch.cat([features.T, start], dim=1) if weight_decay else features.T)[0]
        inner, start = (basis.T @ start).requires_grad_(), basis.T @ start
        rank = newton_step(
            features @ basis, labels, inner, b, weight_decay=weight_decay, ones=ones, count=count, torch=torch
        )
        with torch.no_grad():
            w += basis @ (inner - start)
        return rank
    columns, targets = _as_one_sum(features, labels, w, b, weight_decay, ones, count, torch)
    size = columns.shape[1]
    eps, identity = torch.finfo(columns.dtype).eps, torch.eye(size, dtype=columns.dtype, device=columns.device)
    z = torch.zeros_like(columns[0]).reshape((-1, 1)).requires_grad_()
    R = identity

    def loss(z: Tensor) -> Tensor:
        return squared_loss(linreg(columns, z, 0, torch=torch), targets).sum()

    def hessian() -> Tensor:
        return torch.autograd.functional.hessian(loss, z).reshape((size, size))

    H = hessian()
    for _ in range(ROUNDS):
        if torch.linalg.cond(H) < WELL_CONDITIONED:
            break
        # The shift keeps what rounding made of a singular H positive, and the next round takes it back.
        shift = 10 * size * eps * torch.trace(H) + torch.finfo(columns.dtype).tiny
        factor = torch.linalg.cholesky(H + shift * identity).T
        columns = torch.linalg.solve_triangular(factor, columns, upper=True, left=False)
        R = factor @ R
        H = hessian()
    inverse, rounding = torch.linalg.pinv(H), _rounding(eps, size, count)
    determined = torch.linalg.cond(R) < 1 / rounding
    back = None if determined else torch.linalg.pinv(R, rtol=rounding)
    for _ in range(STEPS):
        (g,) = torch.autograd.grad(loss(z), z)
        step = -inverse @ g
        step = torch.linalg.solve_triangular(R, step, upper=True) if back is None else back @ step
        _move(step, w, b, torch)
        targets = _as_one_sum(features, labels, w, b, weight_decay, ones, count, torch)[1]
    return size if determined else int(torch.linalg.matrix_rank(R, rtol=rounding))


def lstsq_step(
    features: Tensor,
    labels: Tensor,
    w: Tensor,
    b: Tensor,
    *,
    weight_decay: float = 0.0,
    ones: Tensor | None = None,
    count: int | None = None,
    torch: ModuleType = minigrad,
) -> int:
    """Move w and b, in place, to where `numpy.linalg.lstsq` finds the minimum of the loss of all rows; the rank.

    `ones`, `count` and the rank are as in `newton_step`.
    """
    count = count or len(features)
    columns, targets = _as_one_sum(features, labels, w, b, weight_decay, ones, count, torch)
    matrix = columns.cpu().numpy()
    rounding = _rounding(np.finfo(matrix.dtype).eps, matrix.shape[1], count)
    step, _, rank, _ = np.linalg.lstsq(matrix, targets.cpu().numpy(), rcond=rounding)
    _move(torch.from_numpy(step).to(w.device), w, b, torch)
    return int(rank)


def _as_one_sum(
    features: Tensor,
    labels: Tensor,
    w: Tensor,
    b: Tensor,
    weight_decay: float,
    ones: Tensor | None,
    count: int,
    torch: ModuleType,
) -> tuple[Tensor, Tensor]:
    """The columns whose weights are trained, and what the present parameters leave unexplained in each row."""
    with torch.no_grad():
        ones = torch.ones_like(labels) if ones is None else ones
        columns, targets = features, labels - linreg(features, w, ones * b, torch=torch)
        if weight_decay:
            strength = math.sqrt(count * weight_decay)
            decay = strength * torch.eye(len(w), dtype=w.dtype, device=w.device)
            columns, targets = torch.cat([columns, decay]), torch.cat([targets, -strength * w])
            ones = torch.cat([ones, torch.zeros_like(w)])
        if b.requires_grad:
            columns = torch.cat([columns, ones], dim=1)
    return columns, targets


def _move(step: Tensor, w: Tensor, b: Tensor, torch: ModuleType) -> None:
    with torch.no_grad():
        w += step[: len(w)]
        if b.requires_grad:
            b += step[len(w)]


def least_squares(triangle: Triangle, weight_decay: float = 0.0, intercept: bool = True) -> tuple[Array, float, int]:
    """Exact w (d,) and b for all the rows of a triangle, and the rank of its feature columns beside the ones.

    Below full rank the answer is not unique, and numpy.linalg.lstsq gives the shortest one.
    """
    X, ones, y = triangle.split()
    size = X.shape[1]
    columns = np.column_stack([X, ones]) if intercept else X
    rounding = _rounding(EPS, columns.shape[1], triangle.rows)
    solution, _, rank, _ = np.linalg.lstsq(columns, y, rcond=rounding)
    if weight_decay:
        basis = np.linalg.qr(X.T)[0] if len(X) < size else np.eye(size)  # no weight is outside of the rows' space
        inner = basis.shape[1]
        columns = np.column_stack([X @ basis, ones]) if intercept else X @ basis
        decay = math.sqrt(triangle.rows * weight_decay) * np.eye(inner, columns.shape[1])
        found = np.linalg.lstsq(np.vstack([columns, decay]), np.append(y, np.zeros(inner)))[0]
        solution = np.append(basis @ found[:inner], found[inner:])
    return solution[:size].astype(np.float64), float(solution[size]) if intercept else 0.0, int(rank) - intercept


def _rounding(eps: float, columns: int, rows: int) -> float:
    """The part of the largest singular value that rounding may make of 0, for numbers that are exact to `eps`.

    Of a dependence between columns in standard units float32 leaves about one eps, in ten rows as in a million. But
    what float64 left of it in the table's own units grows with how far their means are from 0; so there the part that
    NumPy's lstsq takes by itself is on the safe side.
    """
    return max(10 * columns * float(eps), EPS * max(rows, columns))
