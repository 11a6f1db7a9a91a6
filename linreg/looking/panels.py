"""The panels of a run's picture, each drawn on matplotlib axes that are given.

Texts that hold a column's name are drawn as they are, not as formulas between dollar signs.
"""

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from linreg.looking.residuals import SWAYS, Residuals
from linreg.looking.statistics import Coefficient, Summary
from linreg.looking.surface import Plane, plane_of
from linreg.looking.words import Words, number, shown
from linreg.outcome import Outcome
from linreg.settings import AT_ONCE
from linreg.triangle import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of minigrad's pages: blue and orange are told apart by colour-blind readers too.
TEXT, QUIET, LINE, DATA, FIT = "#22262b", "#5c636b", "#dcdad3", "#0a5fb4", "#a34508"
MOST_FEATURES, MOST_POINTS = 9, 4500  # panels, and points in all of them
SMOOTHED = 60  # rows from which the residuals' running mean is drawn
DECADE = 10.0  # of losses that differ by less, a logarithmic axis would name none but odd ones
GRID, WIDER = 121, 1.6  # points along each side of the loss surface, and how much wider than high it is
LEVELS = 9  # each a quarter of the one around it, above the lowest loss


class Drawing:
    """What all panels of one run are drawn from."""

    def __init__(self, outcome: Outcome, summary: Summary, words: Words) -> None:
        self.outcome, self.summary, self.words = outcome, summary, words
        self.residuals = Residuals(outcome, summary.design)

    @property
    def slopes(self) -> tuple[Coefficient, ...]:
        """The coefficients without the intercept."""
        return self.summary.coefficients[int(self.residuals.design.intercept) :]

    def strongest(self) -> list[int]:
        """The features that explain most beside the others, nine at most, in the columns' order."""
        design, first = self.residuals.design, int(self.residuals.design.intercept)
        if not design.unique:
            return []
        alone = 1 / np.linalg.norm(design.inverse[first:], axis=1)  # a column's length beside the others
        weight = np.abs(design.theta[first:]) * alone
        return sorted(map(int, np.argsort(-weight, kind="stable")[:MOST_FEATURES]))

    def fit(self, ax: "Axes") -> None:
        """The data of one feature, and the line fitted to them with the interval of its mean."""
        x, y = self.outcome.sample[0][:, 0], self.outcome.sample[1]
        slope = self.slopes[0].estimate
        constant = self.summary.coefficients[0].estimate if self.residuals.design.intercept else 0.0
        _points(ax, x, y)
        if len(x):
            along = np.linspace(x.min(), x.max(), 101)
            level = constant + slope * along
            self._band(ax, along, level)
            ax.plot(along[[0, -1]], level[[0, -1]], color=FIT)
        equation = f"{shown(self.outcome.target)} ≈ {number(slope, 6)} · {shown(self.outcome.names[0])}"
        if self.residuals.design.intercept:
            equation += f" {'−' if constant < 0 else '+'} {number(abs(constant), 6)}"
        _label(ax, equation, shown(self.outcome.names[0]), shown(self.outcome.target))

    def _band(self, ax: "Axes", along: Array, level: Array) -> None:
        if self.summary.without is not None:
            return
        scaling, design = self.outcome.scaling, self.residuals.design
        columns = design.columns(((along - scaling.means[0]) / scaling.stds[0])[:, None])
        first = self.summary.coefficients[-1]
        reach = (first.high - first.low) / 2 / first.error if first.error else 0.0
        half = reach * self.summary.deviation * np.linalg.norm(columns @ design.inverse, axis=1)
        ax.fill_between(along, level - half, level + half, color=FIT, alpha=0.2, linewidth=0)

    def partial(self, ax: "Axes", feature: int, panels: int) -> None:
        """What a feature and the target have left when all others have explained what they can of both.

        Source: added-variable plots, Cook and Weisberg 1982, Residuals and Influence in Regression, 2.3.2
        """
        residuals, design, scaling = self.residuals, self.residuals.design, self.outcome.scaling
        row = design.inverse[int(design.intercept) + feature]
        rest = residuals.columns @ (design.inverse @ row) / (row @ row) * scaling.stds[feature]
        slope = self.slopes[feature].estimate
        every = thinning(len(rest), panels)
        _points(ax, rest[::every], (residuals.errors + slope * rest)[::every])
        if len(rest):
            ends = np.array([rest.min(), rest.max()])
            ax.plot(ends, slope * ends, color=FIT)
        name, target = shown(self.outcome.names[feature]), shown(self.outcome.target)
        given = self.words["given_others"]
        _label(ax, f"{name}: {number(slope)}", given.format(name=name), given.format(name=target))

    def against_fitted(self, ax: "Axes") -> None:
        """The target beside what is fitted, where features cannot be told apart."""
        residuals, words = self.residuals, self.words
        _points(ax, residuals.fitted, residuals.observed)
        if len(residuals.fitted):
            ends = np.array([residuals.fitted.min(), residuals.fitted.max()])
            ax.plot(ends, ends, color=FIT)
        _label(ax, words["observed_title"], words["fitted"], shown(self.outcome.target))

    def spread(self, ax: "Axes") -> None:
        """Residuals over fitted values, with their running mean; rows that sway the fit are ringed."""
        residuals, words = self.residuals, self.words
        fitted, errors = residuals.fitted, residuals.errors
        _points(ax, fitted, errors)
        ax.axhline(0, color=QUIET, linewidth=0.9)
        if len(errors) >= SMOOTHED and not residuals.exact:
            parts = np.array_split(np.argsort(fitted, kind="stable"), min(len(errors) // 20, 12))
            means = [(fitted[part].mean(), errors[part].mean()) for part in parts]
            ax.plot(*np.array(means).T, color=FIT)
        swaying = [row.place for row in residuals.influential() if row.cook >= SWAYS]
        ax.plot(fitted[swaying], errors[swaying], "o", color=FIT, markersize=9, fillstyle="none")
        title = words["rounding_title"] if residuals.exact else words["residuals_title"]
        _label(ax, title, words["fitted"], words["residual" if self.outcome.weights is None else "weighted_residual"])

    def normality(self, ax: "Axes") -> None:
        """Studentised residuals, in order, over where a normal distribution would have them."""
        words, ordered = self.words, np.sort(self.residuals.studentised)
        places = (np.arange(len(ordered)) + 0.5) / max(len(ordered), 1)
        normal = np.array([NormalDist().inv_cdf(float(place)) for place in places])
        _points(ax, normal, ordered)
        if len(normal) > 1:
            ax.plot(normal[[0, -1]], normal[[0, -1]], color=FIT)
        _label(ax, words["qq_title"], words["normal"], words["studentised"])

    def losses(self, ax: "Axes") -> None:
        """The loss of each step's minibatch, and of all rows after each epoch."""
        outcome, words = self.outcome, self.words
        per_epoch = math.ceil(outcome.triangle.rows / outcome.settings.batch_size)
        at_once = outcome.settings.optimizer in AT_ONCE
        epochs = np.arange(1, len(outcome.losses) + 1) * (1 if at_once else per_epoch)
        start = [] if outcome.start is None else [(0, outcome.triangle.mean_loss(*outcome.start))]
        lines: list[tuple[Any, list[float], str, dict[str, Any]]] = [
            (outcome.trace.steps, outcome.trace.losses, words["per_step"], {"color": DATA, "alpha": 0.45, "lw": 0.9}),
            (
                [*(x for x, _ in start), *epochs],
                [*(loss for _, loss in start), *outcome.losses],
                words["per_epoch"],
                {"color": FIT, "marker": "o", "markersize": 3.5 if len(epochs) <= 40 else 0},
            ),
            (epochs, outcome.validation_losses, words["validation"], {"color": TEXT, "linestyle": (0, (4, 2))}),
        ]
        drawn = list[Array]()
        for steps, values, label, look in lines:
            kept = np.isfinite(values)
            if np.any(kept):
                drawn.append(np.asarray(values)[kept])
                ax.plot(np.asarray(steps)[: len(values)][kept], drawn[-1], label=label, **look)
        everything = np.concatenate(drawn) if drawn else np.ones(1)
        if everything.max() >= DECADE * everything.min() > 0:
            ax.set_yscale("log")
        lowest = self.residuals.design.squares(self.residuals.design.exact) / 2 / outcome.triangle.rows
        if lowest > everything.min() / 1000:
            ax.axhline(lowest, color=QUIET, linewidth=0.9, linestyle=":", label=words["lowest"])
        if drawn:
            ax.legend(loc="best")
        ax.locator_params(axis="x", integer=True)
        title = words["diverged_title"] if outcome.diverged else words["losses_title"]
        _label(ax, title, words["epoch"] if at_once else words["step"], words["mean_loss"])

    def path(self, ax: "Axes") -> None:
        """The way of the parameters over the loss surface, in the plane in which most of it is seen."""
        plane, words = plane_of(self.outcome), self.words
        marked = np.vstack([plane.path, plane.end[None], plane.lowest[None]])
        low, high = marked.min(axis=0), marked.max(axis=0)
        shape = np.array([WIDER, 1.0])[: len(low)]  # one scale along both sides: steps then cross contours squarely
        reach = shape * (0.6 * float(((high - low) / shape).max()) or 1.0)
        middle = (low + high) / 2
        sides = [np.linspace(*ends, GRID) for ends in zip(middle - reach, middle + reach, strict=True)]
        labels = [self._axis(label) for label in plane.labels]
        if len(plane.labels) == 1:
            self._curve(ax, plane, sides[0], labels[0])
            return
        losses = plane.losses(*np.meshgrid(*sides))
        _contours(ax, sides, losses, float(plane.losses(*plane.lowest[:, None])[0]))
        _way(ax, plane.path.T, plane.end, plane.lowest, words, bool(self.outcome.start))
        ax.set_xlim(sides[0][0], sides[0][-1])
        ax.set_ylim(sides[1][0], sides[1][-1])
        ax.set_box_aspect(1 / WIDER)
        ax.grid(visible=False)
        title = words["path_title"] if plane.share > 0.995 else words["plane_title"].format(share=plane.share)
        _label(ax, title, *labels)

    def _curve(self, ax: "Axes", plane: Plane, along: Array, label: str) -> None:
        words = self.words
        ax.plot(along, plane.losses(along), color=DATA)

        def point(place: Array) -> Array:
            return np.append(place, plane.losses(place))

        path = np.stack([plane.path[:, 0], plane.losses(plane.path[:, 0])])
        _way(ax, path, point(plane.end), point(plane.lowest), words, bool(self.outcome.start))
        _label(ax, words["path_title"], label, words["mean_loss"])

    def _axis(self, label: str | int | None) -> str:
        words = self.words
        if label is None:
            return words["intercept"]
        return words["direction"].format(number=label) if isinstance(label, int) else shown(label)


def thinning(rows: int, panels: int) -> int:
    """Of how many rows one is drawn in each of so many panels."""
    return max(-(-rows * panels // MOST_POINTS), 1)


def _points(ax: "Axes", x: Array, y: Array) -> None:
    many = len(x) > 400
    ax.plot(x, y, "o", color=DATA, markersize=2.4 if many else 3.6, alpha=0.45 if many else 0.8, markeredgewidth=0)


def _contours(ax: "Axes", sides: list[Array], losses: Array, lowest: float) -> None:
    above = losses - lowest
    highest = float(above.max())
    if not (math.isfinite(highest) and highest > 1e-12 * abs(lowest)):
        return  # a plain without contours
    levels = highest * 4.0 ** np.arange(1 - LEVELS, 1)
    for level in levels[:-1]:
        ax.contourf(*sides, above, levels=[-highest, level], colors=[DATA], alpha=0.055)
    ax.contour(*sides, above, levels=levels[:-1], colors=[QUIET], linewidths=0.5, alpha=0.7)


def _way(ax: "Axes", path: Array, end: Array, lowest: Array, words: Words, started: bool) -> None:
    """A path (2, k), where it begins and ends, and where the loss is lowest."""
    ax.plot(*path, color=FIT, linewidth=1.1, marker="." if path.shape[1] < 100 else "", markersize=3)
    if started:
        ax.plot(*path[:, :1], "o", color=FIT, markersize=7, fillstyle="none", label=words["start"], linestyle="none")
    ax.plot(*end[:, None], "o", color=FIT, markersize=7, label=words["end"], linestyle="none")
    ax.plot(*lowest[:, None], "+", color=TEXT, markersize=13, label=words["exact"], linestyle="none")
    ax.legend(loc="best")


def _label(ax: "Axes", title: str, x: str, y: str) -> None:
    plain: dict[str, Any] = {"parse_math": False}
    ax.set_title(title, **plain)
    ax.set_xlabel(x, **plain)
    ax.set_ylabel(y, **plain)
    ax.yaxis.set_offset_position("right")  # over the axis it would stand in the title
