"""The minimum of the loss in one step: Newton's, from second derivatives, and NumPy's least squares.

Both see the loss as one sum of `squared_loss`: its intercept is the weight of a column of ones, and weight decay is
rows of its own, in which a weight is to be 0.
"""

import math
from types import ModuleType

import numpy as np

import minigrad
from linreg.data import Array, Standardised
from linreg.model import Tensor, linreg, squared_loss

# A Hessian of a condition below this loses no digits that matter in a solution.
WELL_CONDITIONED, ROUNDS, STEPS = 100, 4, 2


def newton_step(
    features: Tensor, labels: Tensor, w: Tensor, b: Tensor, *, weight_decay: float = 0.0, torch: ModuleType = minigrad
) -> None:
    """Move w and b, in place, by Newton's step on the loss of all rows: -H⁻¹g, for its gradient g and Hessian H.

    As the loss is quadratic, that is its minimum. In which coordinates the step is taken changes it by rounding only,
    but there by much: H = XᵀX has the square of X's condition. So the parameters are first counted in coordinates
    z = R θ in which H is nearly the identity: R is the Cholesky factor of the Hessian itself, taken again while what
    it left is far from it. A second step with the same H takes back what rounding did to the first. Directions that
    the rows do not determine are not moved in.
    Source: Fukaya et al. 2020, Shifted Cholesky QR, https://doi.org/10.1137/18M1218212
    """
    columns, targets = _as_one_sum(features, labels, w, b, weight_decay, torch)
    rows, size = columns.shape
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
    inverse, rounding = torch.linalg.pinv(H), eps * max(rows, size)
    determined = torch.linalg.cond(R) < 1 / rounding
    for _ in range(STEPS):
        (g,) = torch.autograd.grad(loss(z), z)
        step = -inverse @ g
        if determined:
            step = torch.linalg.solve_triangular(R, step, upper=True)
        else:
            step = torch.linalg.pinv(R, rtol=rounding) @ step
        _move(step, w, b, torch)
        targets = _as_one_sum(features, labels, w, b, weight_decay, torch)[1]


def lstsq_step(
    features: Tensor, labels: Tensor, w: Tensor, b: Tensor, *, weight_decay: float = 0.0, torch: ModuleType = minigrad
) -> None:
    """Move w and b, in place, to where `numpy.linalg.lstsq` finds the minimum of the loss of all rows."""
    columns, targets = _as_one_sum(features, labels, w, b, weight_decay, torch)
    step = np.linalg.lstsq(columns.cpu().numpy(), targets.cpu().numpy())[0]
    _move(torch.from_numpy(step).to(w.device), w, b, torch)


def _as_one_sum(
    features: Tensor, labels: Tensor, w: Tensor, b: Tensor, weight_decay: float, torch: ModuleType
) -> tuple[Tensor, Tensor]:
    """The columns whose weights are trained, and what the present parameters leave unexplained in each row."""
    with torch.no_grad():
        columns, targets = features, labels - linreg(features, w, b, torch=torch)
        if weight_decay:
            strength = math.sqrt(len(features) * weight_decay)
            decay = strength * torch.eye(len(w), dtype=w.dtype, device=w.device)
            columns, targets = torch.cat([columns, decay]), torch.cat([targets, -strength * w])
        if b.requires_grad:
            ones = torch.zeros_like(targets)
            ones[: len(features)] = 1
            columns = torch.cat([columns, ones], dim=1)
    return columns, targets


def _move(step: Tensor, w: Tensor, b: Tensor, torch: ModuleType) -> None:
    with torch.no_grad():
        w += step[: len(w)]
        if b.requires_grad:
            b += step[len(w)]


def least_squares(data: Standardised, weight_decay: float = 0.0) -> tuple[Array, float, int]:
    """Exact slopes (d,), intercept in the table's own units, and the rank of the feature columns.

    Below full rank the answer is not unique, and numpy.linalg.lstsq gives the shortest one.
    """
    rows, size = data.X.shape
    w, _, rank, _ = np.linalg.lstsq(data.X, data.y)
    if weight_decay:
        decay = math.sqrt(rows * weight_decay) * np.eye(size)
        w = np.linalg.lstsq(np.vstack([data.X, decay]), np.append(data.y, np.zeros(size)))[0]
    slopes, intercept = data.in_own_units(w.astype(np.float64), 0.0)
    return slopes, intercept, int(rank)
