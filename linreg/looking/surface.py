"""The loss as a surface over the parameters, in the plane in which a run's path is seen best."""

from dataclasses import dataclass

import numpy as np

from linreg.looking.statistics import Design
from linreg.outcome import Outcome
from linreg.triangle import Array

FARTHEST = 1e60  # of a run that diverges, steps beyond this are not seen: their squares must stay numbers


@dataclass(frozen=True)
class Plane:
    """A plane of parameters (two of them, or two directions) through the exact solution, and what lies in it.

    `axes` (p, 1 or 2) are its orthonormal directions, `labels` what these are: a coefficient's name, None for the
    intercept, or a number from 1 for a principal direction of the path. `path` (k, axes), `end` and `lowest` are
    coordinates, and `share` how much of the path's length squared is seen in the plane.
    """

    design: Design
    decay: float
    axes: Array
    labels: tuple[str | int | None, ...]
    origin: Array
    path: Array
    end: Array
    lowest: Array
    share: float

    def losses(self, *coordinates: Array) -> Array:
        """The objective, mean loss with what weight decay adds, at points of the plane; arrays of one shape."""
        points = np.stack([grid.ravel() for grid in coordinates])
        design = self.design
        # The squares are those of the origin, the slope there and the curve, however many rows and parameters.
        left, bent = design.z - design.R @ self.origin, design.R @ self.axes
        values = left @ left + design.remainder**2 - 2 * (left @ bent) @ points + np.sum((bent @ points) ** 2, axis=0)
        values = values / 2 / design.rows
        if self.decay:
            first = int(design.intercept)
            weights, turned = self.origin[first:], self.axes[first:]
            squares = weights @ weights + 2 * (weights @ turned) @ points + np.sum((turned @ points) ** 2, axis=0)
            values = values + self.decay / 2 * squares
        return np.asarray(np.maximum(values, 0.0).reshape(coordinates[0].shape))


def plane_of(outcome: Outcome) -> Plane:
    """The plane of a run's path: of its two parameters where there are no more, or of its main two directions."""
    design = Design(outcome)
    passed = _path(outcome, design)
    size = len(design.theta)
    labels: tuple[str | int | None, ...]
    if size <= 2:
        axes, origin = np.eye(size), np.zeros(size)
        labels = outcome.names
        if design.intercept:  # the slope along, the intercept up
            axes, labels = axes[:, ::-1], (*labels, None)
    else:
        axes, origin = _directions(passed - design.exact, design), design.exact
        labels = (1, 2)
    moved = passed - origin
    seen = moved @ axes
    whole = float(np.sum(moved**2))
    return Plane(
        design,
        outcome.settings.weight_decay,
        axes,
        labels,
        origin,
        seen,
        (design.theta - origin) @ axes,
        (design.exact - origin) @ axes,
        float(np.sum(seen**2)) / whole if size > 2 and whole else 1.0,
    )


def _path(outcome: Outcome, design: Design) -> Array:
    """The parameters (k, p) from the start to the end of the run."""
    steps = [*([outcome.start] if outcome.start else []), *zip(outcome.trace.ws, outcome.trace.bs, strict=True)]
    rows = [np.append([b], w) if design.intercept else np.asarray(w) for w, b in steps]
    path = np.array([*rows, design.theta], dtype=np.float64)
    with np.errstate(invalid="ignore"):
        near: Array = path[np.abs(path).max(axis=1) < FARTHEST]
    return near


def _directions(moved: Array, design: Design) -> Array:
    """The two orthonormal directions (p, 2) in which a path moves most; where it is straight, also the steepest."""
    first_two = np.linalg.svd(moved, full_matrices=False)[2][:2]
    lengths = np.linalg.norm(moved @ first_two.T, axis=0)
    kept: Array = first_two[: int(np.sum(lengths > 1e-9 * (lengths.max() or 1.0)))] if lengths.max() else first_two[:0]
    for direction in np.linalg.svd(design.R)[2] if len(kept) < 2 else ():
        rest = direction - kept.T @ (kept @ direction)
        if np.linalg.norm(rest) > 0.1 and len(kept) < 2:
            kept = np.vstack([kept, rest / np.linalg.norm(rest)])
    return kept.T
