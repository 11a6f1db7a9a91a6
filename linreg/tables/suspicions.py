"""What of a table may not be meant as it stands there: asked of people, as no program can know."""

from collections.abc import Iterator, Sequence

import numpy as np

from linreg.dependence import outweighed
from linreg.outcome import MOST_SHOWN
from linreg.tables.encoding import Codes
from linreg.tables.source import Source, headless, leading_zeros, lost_digits
from linreg.tables.survey import Survey
from linreg.triangle import Array

STAND_INS = (-9, *(sign * (10.0**digits - 1) for digits in range(2, 7) for sign in (-1, 1)))  # -9, -99, 99, -999, ...
FEWEST, LEAST_R2 = 30, 0.99  # rows, and what a column explains, where chance does not look like rounding
MOST_STEPS = 1e12  # in a column's range: with more, the rounding of float64 may hide that they are none


def suspicions(source: Source, codes: Codes, survey: Survey, fit_intercept: bool) -> Iterator[str]:
    """Lines for people on what of the table may not be meant so."""
    if headless(source):
        yield (
            f"the first line of {source.name} holds numbers alone and was taken for the columns' names; --no-header "
            "reads it as a row"
        )
    if "" in codes.choice.features:
        place = source.columns.index("") + 1
        yield f"column {place} of {source.name} has no name, as a row index has none: --without '' leaves it out"
    if padded := codes.padded.intersection(codes.choice.features):
        yield f"{leading_zeros(source, padded)}: --categories takes them as words"
    for category, levels in zip(codes.choice.categories, survey.encoding.levels, strict=True):
        if alike := _alike_but_for_capitals(levels):
            yield (
                f"levels of {category!r} in {source.name} differ in capitals alone, as {alike}: each counts as one of "
                "its own"
            )
    for column, value in _stand_ins(survey):
        yield (
            f"{column!r} in {source.name} holds {value:g} again and again, far from all else: is that a missing value? "
            f"--na {value:g} takes it for one"
        )
    for column in _rounded_targets(survey):
        yield (
            f"{column!r} in {source.name} alone gives {codes.choice.target!r} but for rounding: is it another form of "
            "the target? Then leave it out"
        )
    if codes.rounded:
        yield lost_digits(source, codes.rounded)
    if codes.choice.weights is not None:
        rows, size = survey.trained.rows, len(survey.encoding.columns) + fit_intercept
        total, said = survey.mean_weights[False] * rows, f"the weights {codes.choice.weights!r}"
        if (line := outweighed(survey.heaviest, total, rows, size, said)) is not None:
            yield line


def _alike_but_for_capitals(levels: Sequence[str]) -> str | None:
    """The first two of the levels, in their order, that are the same word to people."""
    first = dict[str, str]()
    for level in levels:
        if (before := first.setdefault(level.casefold(), level)) != level:
            return f"{before!r} and {level!r}"
    return None


def _stand_ins(survey: Survey) -> Iterator[tuple[str, float]]:
    """Columns of numbers, each with one that people write where there is none, further off than the others spread."""
    for column, values in zip(survey.encoding.choice.numbers, survey.sample.T, strict=False):
        values = values[~np.isnan(values)]
        for end in {np.min(values, initial=np.inf), np.max(values, initial=-np.inf)}.intersection(STAND_INS):
            others = values[values != end]
            several = len(others) < len(values) - 1 and len(np.unique(others)) > 2
            if several and np.abs(others - end).min() > np.ptp(others):
                yield column, float(end)


def _rounded_targets(survey: Survey) -> Iterator[str]:
    """Columns of numbers that are the target in another unit, one of the two or both rounded."""
    numbers = survey.encoding.choice.numbers
    rows = survey.sample[:: -(-len(survey.sample) // MOST_SHOWN), : len(numbers)]
    for column, values in zip(numbers[:-1], rows.T, strict=False):
        there = ~np.isnan(values)
        if there.sum() >= FEWEST and _differ_by_rounding(values[there], rows[there, -1]):
            yield column


def _differ_by_rounding(x: Array, y: Array) -> bool:
    """Whether the residuals of y (n,) on x (n,) are what rounding leaves: all within a step, and spread over it.

    Those of a calibration are wider than the steps of its instruments; where x was set to chosen values, they are
    narrower than its steps.
    """
    with np.errstate(all="ignore"):
        x, y = x - np.mean(x), y - np.mean(y)
        slope = float(x @ y / (x @ x))
        apart = np.abs(y - slope * x)
        if not (apart @ apart) < (1 - LEAST_R2) * (y @ y) < np.inf:
            return False
    steps = [abs(slope) * _step(x), _step(y)]
    for rounded in ([steps[0]], [steps[1]], steps):
        usual = np.linalg.norm(rounded) / np.sqrt(12)  # the deviation of what is uniform over a step
        if 0.75 * usual < np.sqrt(np.mean(apart**2)) < 1.3 * usual and apart.max() < 1.2 * sum(rounded) / 2:
            return True
    return False


def _step(values: Array) -> float:
    """The largest number, of at most nine decimals, whose multiples values (n,) lie apart; 0 if there is none."""
    apart = values - values.min()
    for digits in range(10):
        scaled = apart * 10.0**digits
        if scaled.max() > MOST_STEPS:
            break
        if np.abs(scaled - np.rint(scaled)).max() < 1e-3:
            return float(np.gcd.reduce(np.rint(scaled).astype(np.int64)) / 10.0**digits)
    return 0.0
