"""Which features follow from the others, where their coefficients are not unique."""

import re
from collections.abc import Sequence

import numpy as np

from linreg.scaling import Scaling
from linreg.triangle import Array, Triangle

MOST_RELATIONS, MOST_TERMS, MOST_NAMES = 3, 4, 8  # told
MOST_SOLVED = 50  # relations: with more, the columns concerned are named alone
NEARLY = 0.1  # of the largest share in the directions that are lost, that of a column that is told
WEIGHTLESS = 1e-12  # of all weight, what rows have that count for nothing
NOTHING = 1e-8  # what rounding leaves of a coefficient of 0, in standard units


def not_unique(triangle: Triangle, scaling: Scaling, names: Sequence[str], *, rank: int, intercept: bool = True) -> str:
    """The warning that features (d,) of this rank, below d, have no unique coefficients, and why."""
    how = dependence(triangle, scaling, names, rank=rank, intercept=intercept)
    return (
        f"the {len(names)} features have rank {rank} in {triangle.rows} rows, so their coefficients are not unique: "
        f"{how}"
    )


def dependence(triangle: Triangle, scaling: Scaling, names: Sequence[str], *, rank: int, intercept: bool = True) -> str:
    """How features (d,) of this rank, below d, depend on each other in the rows of a triangle, in their own units."""
    X, ones, _ = triangle.split()
    columns = np.column_stack([ones, X]) if intercept else X
    null = np.linalg.svd(columns)[2][rank + intercept :]
    if len(null) > MOST_SOLVED:
        concerned = np.flatnonzero(np.abs(null[:, int(intercept) :]).max(axis=0) > NOTHING).tolist()
        return f"{_listed([_quoted(names[place]) for place in concerned])} depend on each other"
    relations = [
        _relation(place, row, scaling, names, intercept) for place, row in sorted(_solved(null), key=lambda it: it[0])
    ]
    more = len(relations) - MOST_RELATIONS
    return ", ".join([*relations[:MOST_RELATIONS], *([f"and {more} more"] if more > 0 else [])])


def lost(triangle: Triangle, names: Sequence[str], *, rank: int, dtype: str, intercept: bool = True) -> str:
    """The warning that a step in this dtype took features (d,), of a higher rank in float64, for ones of this rank."""
    X, ones, _ = triangle.split()
    null = np.linalg.svd(np.column_stack([ones, X]) if intercept else X)[2][rank + intercept :]
    concerned = _concerned(null[:, int(intercept) :], names)
    mend = "" if dtype == "float64" else "; --dtype float64 tells them apart"  # where two roundings differ
    return (
        f"in {dtype} the {len(names)} features have rank {rank} in {triangle.rows} rows: {concerned} nearly depend on "
        f"each other, closer than {dtype} can tell, so of the answers that fit about as well this is the one next to "
        f"the start{mend}"
    )


def hidden(triangle: Triangle, scaling: Scaling, names: Sequence[str]) -> str | None:
    """The warning that features (d,), unlike in float64, depend on each other but for the rounding of their values.

    In standard units the rounding of a column far from 0 is more than what computing adds. So what the rows differ by
    along a direction is compared with the rounding of all its columns together.
    """
    X, ones, _ = triangle.split()
    _, sizes, directions = np.linalg.svd(np.column_stack([ones, X]), full_matrices=False)
    directions = directions[:, 1:]
    rounding = np.finfo(np.float64).eps * np.abs(scaling.means / scaling.stds)[:-1]
    null = directions[sizes <= np.sqrt(triangle.rows) * np.linalg.norm(directions * rounding, axis=1)]
    if not len(null):
        return None
    return (
        f"{_concerned(null, names)} depend on each other as far as float64 can tell: their values lie so far from 0 "
        "that its rounding is all that tells them apart, and so all that their coefficients follow from; leave one out"
    )


def outweighed(heaviest: Array, total: float, rows: int, coefficients: int, weights: str) -> str | None:
    """The warning that a few rows outweigh all others, by the `heaviest` weights of all `rows` and the total of these.

    As many rows as there are coefficients determine them; what is lighter by so much is nothing beside their rounding.
    """
    if rows <= coefficients or total - float(np.sort(heaviest)[-coefficients:].sum()) > WEIGHTLESS * total:
        return None
    heavy = "the heaviest row outweighs" if coefficients == 1 else f"the {coefficients} heaviest rows outweigh"
    return f"{weights}: {heavy} the other {rows - coefficients} so far that what these say may be lost to rounding"


def _concerned(null: Array, names: Sequence[str]) -> str:
    """The features (d,) that have a share in directions (k, d)."""
    shares = np.linalg.norm(null, axis=0)
    return _listed([_quoted(names[place]) for place in np.flatnonzero(shares > NEARLY * shares.max()).tolist()])


def _solved(null: Array) -> list[tuple[int, Array]]:
    """Relations that each have a column of their own, as late as can be, which no other has; its place and its row."""
    rows, found = null.copy(), list[tuple[int, int]]()
    for place in reversed(range(rows.shape[1])):
        free = [i for i in range(len(rows)) if i not in [row for _, row in found]]
        best = max(free, key=lambda i: abs(rows[i, place]), default=None)
        if best is None or abs(rows[best, place]) < NOTHING:
            continue
        rows[best] /= rows[best, place]
        others = np.arange(len(rows)) != best
        rows[others] -= np.outer(rows[others, place], rows[best])
        found.append((place, best))
    return [(place, rows[i]) for place, i in found]


def _relation(place: int, row: Array, scaling: Scaling, names: Sequence[str], intercept: bool) -> str:
    """What the column at this place is made of: `row` times the columns, of which the first is the ones', is 0."""
    constant, slopes = (-row[0], -row[1:]) if intercept else (0.0, -row)
    own = place - intercept
    slopes[own] = 0.0
    slopes[np.abs(slopes) < NOTHING * np.abs(slopes).max(initial=0.0)] = 0.0
    means, stds = scaling.means[:-1], scaling.stds[:-1]
    slopes = slopes * stds[own] / stds
    shift = means[own] + stds[own] * constant - slopes @ means
    if abs(shift) < NOTHING * (abs(means[own]) + stds[own] + np.abs(slopes) @ np.abs(means)):
        shift = 0.0
    used = np.flatnonzero(slopes).tolist()
    if len(used) + (shift != 0) > MOST_TERMS:
        return f"{_quoted(names[own])} follows from {_listed([_quoted(names[i]) for i in used])}"
    terms = [(float(slopes[i]), _quoted(names[i])) for i in used]
    return f"{_quoted(names[own])} = {_sum([*terms, *([(float(shift), '')] if shift else [])])}"


def _sum(terms: Sequence[tuple[float, str]]) -> str:
    text = ""
    for factor, name in terms:
        sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
        size = f"{abs(factor):.6g}"
        text += sign + (name if name and size == "1" else f"{size} {name}".rstrip())
    return text


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[^\W\d]\w*", name) else repr(name)
