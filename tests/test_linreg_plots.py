"""Pictures of runs: that any run has one, that what is drawn is what it says, and the same bytes for the same run."""

import math
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from outcomes import drawn_rows, outcome_of

from linreg.errors import BadInput
from linreg.looking import plots
from linreg.looking.panels import Drawing
from linreg.looking.statistics import summarise
from linreg.looking.surface import plane_of
from linreg.looking.words import PLOT_WORDS, shown
from linreg.outcome import Trace

matplotlib = pytest.importorskip("matplotlib")

optimizers = st.sampled_from(["sgd", "momentum", "adam", "newton", "lstsq"])


@st.composite
def runs(draw):
    """What makes runs of every kind: few rows and many features, dependent ones, exact fits, runs that diverge."""
    features, rows = draw(st.sampled_from([1, 2, 3, 5])), draw(st.sampled_from([2, 3, 9, 70]))
    X, y = drawn_rows(rows, features, draw(st.integers(0, 99)), noise=draw(st.sampled_from([0.0, 1.0])))
    if features > 2 and draw(st.booleans()):
        X[:, 2] = X[:, 0] - X[:, 1]
    chosen = {
        "optimizer": draw(optimizers),
        "fit_intercept": draw(st.booleans()),
        "weight_decay": draw(st.sampled_from([0.0, 0.1])),
        "lr": draw(st.sampled_from([0.01, 5.0])),
        "dtype": draw(st.sampled_from(["float32", "float64"])),
        "held": draw(st.booleans()),
    }
    return X, y, chosen


def texts(path):
    """The texts in an SVG, and that it is one."""
    root = ElementTree.fromstring(path.read_bytes())
    assert root.tag.endswith("}svg")
    return ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")]


@settings(max_examples=4)
@given(runs(), st.sampled_from(["en", "zh"]))
def test_every_run_has_a_picture(tmp_path_factory, run, lang):
    X, y, chosen = run
    outcome = outcome_of(X, y, **chosen)
    path = tmp_path_factory.mktemp("plots") / "run.svg"
    assert plots.save(outcome, path, lang) == ""
    found = texts(path)
    assert {PLOT_WORDS[lang][word] for word in ("fitted", "normal", "mean_loss", "end")} <= set(found)


@pytest.mark.parametrize(("features", "panels"), [(1, 5), (2, 6), (4, 8), (30, 13)])
def test_features_have_a_panel_each_nine_at_most_and_it_says_so(features, panels):
    X, y = drawn_rows(60, features)
    drawn = plots.figure(outcome_of(X, y))
    assert len(drawn.axes) == panels
    assert (drawn.get_suptitle() != "") == (features > 9)
    if features > 9:
        assert drawn.get_suptitle().startswith("9 of 30 features")


def drawing(outcome):
    return Drawing(outcome, summarise(outcome), PLOT_WORDS["en"])


@pytest.mark.parametrize("intercept", [True, False])
def test_partial_plots_show_what_the_others_leave_of_both(intercept):
    """The Frisch–Waugh–Lovell theorem: the line through what is left has the slope of the whole fit."""
    X, y = drawn_rows(50, 3)
    outcome = outcome_of(X, y, optimizer="newton", fit_intercept=intercept)
    axes = plots.figure(outcome).axes
    for feature in range(3):
        others = np.delete(X, feature, axis=1)
        others = np.column_stack([np.ones(50), others]) if intercept else others
        along, up = (left - others @ np.linalg.lstsq(others, left)[0] for left in (X[:, feature], y))
        points, line = axes[feature].lines
        assert points.get_xdata() == pytest.approx(along, rel=1e-5, abs=1e-6 * np.abs(along).max())
        assert points.get_ydata() == pytest.approx(up, rel=1e-5, abs=1e-6 * np.abs(up).max())
        slope = np.ptp(line.get_ydata()) / np.ptp(line.get_xdata())
        assert slope == pytest.approx(abs(along @ up / (along @ along)), rel=1e-5)


def test_the_strongest_features_are_those_of_the_largest_t():
    X, y = drawn_rows(200, 20)
    outcome = outcome_of(X, y, optimizer="newton")
    ts = [abs(row.t) for row in summarise(outcome).coefficients[1:]]
    assert drawing(outcome).strongest() == sorted(sorted(range(20), key=lambda i: -ts[i])[:9])


@settings(max_examples=40)
@given(runs(), st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=1, max_size=5))
def test_the_surface_is_the_objective_of_the_parameters_there(run, places):
    X, y, chosen = run
    outcome = outcome_of(X, y, **chosen)
    plane = plane_of(outcome)
    size = len(plane.labels)
    assert plane.axes.T @ plane.axes == pytest.approx(np.eye(size), abs=1e-9)
    points = np.array(places)[:, :size]
    parameters = plane.origin + points @ plane.axes.T
    first = int(outcome.settings.fit_intercept)
    decay = outcome.settings.weight_decay
    losses = plane.losses(*points.T)
    for loss, theta in zip(losses, parameters, strict=True):
        w, b = theta[first:], float(theta[0]) if first else 0.0
        assert loss == pytest.approx(outcome.triangle.mean_loss(w, b) + decay / 2 * w @ w, rel=1e-6, abs=1e-9)
    lowest = plane.losses(*plane.lowest[:, None])[0]
    assert (losses >= lowest - 1e-9 * (1 + lowest)).all()
    assert 0 <= plane.share <= 1 + 1e-12


def test_the_path_begins_at_the_start_and_ends_at_the_end():
    X, y = drawn_rows(80, 1)
    outcome = outcome_of(X, y, num_epochs=3)
    plane = plane_of(outcome)
    assert plane.labels == ("x0", None)
    assert plane.path[0] == pytest.approx([outcome.start[0][0], outcome.start[1]])
    assert plane.path[-1] == pytest.approx([outcome.w[0], outcome.b])
    assert plane.path[-1] == pytest.approx(plane.end)
    assert len(plane.path) == 1 + 30 + 1  # start, steps, end


def test_a_path_through_many_parameters_is_seen_where_it_moves():
    X, y = drawn_rows(300, 6)
    outcome = outcome_of(X, y, num_epochs=4)
    plane = plane_of(outcome)
    assert plane.labels == (1, 2)
    assert plane.lowest == pytest.approx([0, 0], abs=1e-9)
    whole = np.array(
        [np.append(b, w) for w, b in [outcome.start, *zip(outcome.trace.ws, outcome.trace.bs, strict=True)]]
    )
    moved = whole - plane.origin
    best = np.linalg.svd(moved)[1]
    assert np.sum((moved @ plane.axes) ** 2) == pytest.approx(np.sum(best[:2] ** 2), rel=0.05)


@pytest.mark.parametrize("values", [[1.0, math.inf, math.nan, 2.0], [math.nan] * 4, [0.0, 0.0, 1.0, 1e300], []])
def test_losses_that_are_no_numbers_are_left_out(values):
    outcome = outcome_of(*drawn_rows(20, 2))
    trace = outcome.trace
    trace.steps, trace.losses = list(range(len(values))), values
    trace.ws = [np.full(2, value) for value in values]
    trace.bs = list(values)
    spoiled = replace(outcome, losses=values, validation_losses=values, diverged="training diverged", start=None)
    drawn = plots.figure(spoiled)
    drawn.draw_without_rendering()
    for line in drawn.axes[-2].lines:
        assert np.isfinite(np.asarray(line.get_ydata(), dtype=float)).all()
    assert drawn.axes[-2].get_title(loc="left") == PLOT_WORDS["en"]["diverged_title"]


def test_losses_that_differ_by_little_have_a_linear_axis():
    outcome = outcome_of(*drawn_rows(20, 2))
    for last, scale in ((0.3, "linear"), (0.03, "log")):
        of_epochs = replace(outcome, losses=[0.5, last], trace=Trace(), start=None)
        assert plots.figure(of_epochs).axes[-2].get_yscale() == scale


NAMES = ["$x_1^2$ & <b>", "_年龄", "a\nb\x00\ud800", r"\frac{1}{", "x" * 200]


def test_columns_names_are_drawn_as_they_are(tmp_path):
    X, y = drawn_rows(30, len(NAMES))
    plots.save(outcome_of(X, y, tuple(NAMES), target="$y$ -->"), tmp_path / "names.svg")
    found = "\n".join(texts(tmp_path / "names.svg"))
    for name in (*NAMES, "$y$ -->"):
        assert f"{shown(name)} given the others" in found
    assert "a\N{REPLACEMENT CHARACTER}b" in found
    assert "x" * 27 + "…" in found


@pytest.mark.parametrize("suffix", plots.SUFFIXES)
def test_the_same_run_makes_the_same_bytes_whatever_the_readers_settings(suffix, tmp_path):
    outcome = outcome_of(*drawn_rows(9, 1))
    first, second = tmp_path / f"1{suffix}", tmp_path / f"2{suffix.upper()}"
    plots.save(outcome, first)
    with matplotlib.rc_context({"text.usetex": True, "font.size": 30, "axes.facecolor": "red", "svg.hashsalt": None}):
        plots.save(outcome, second)
        assert matplotlib.rcParams["font.size"] == 30
    assert first.read_bytes() == second.read_bytes()


def test_letters_that_no_font_has_are_returned(tmp_path):
    outcome = outcome_of(*drawn_rows(30, 1), names=("𓀀 x",))
    assert plots.save(outcome, tmp_path / "name.png") == "𓀀"
    assert plots.save(outcome, tmp_path / "name.svg") == ""


@pytest.mark.parametrize("name", ["plot", "plot.jpeg", "plot.svg.gz", "png"])
def test_other_kinds_of_file_are_refused(name, tmp_path):
    with pytest.raises(BadInput, match=r"FILE\.png, FILE\.svg or FILE\.pdf"):
        plots.save(outcome_of(*drawn_rows(9, 1)), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "plot.svg"
    path.write_text("before")
    outcome = outcome_of(*drawn_rows(9, 1))
    monkeypatch.setattr(plots, "rendered", lambda *_: (None, ""))  # which no file takes
    with pytest.raises(TypeError):
        plots.save(outcome, path)
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["plot.svg"]


def test_pictures_leave_no_trace_in_pyplot():
    """Its windows and its list of figures are the reader's own."""
    program = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from outcomes import drawn_rows, outcome_of\n"
        "from linreg.looking import plots\n"
        "assert 'matplotlib' not in sys.modules\n"
        "plots.rendered(plots.figure(outcome_of(*drawn_rows(9, 1))), '.png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120)


def test_without_matplotlib_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(BadInput, match=r'pip install "\.\[plot\]"'):
        plots.require()
