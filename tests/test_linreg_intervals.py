"""`linreg predict --interval`: statsmodels' figures, how often they hold the target, and what has none."""

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("safetensors")
pytest.importorskip("pyarrow")

import pyarrow.parquet
from linreg_command import linreg
from outcomes import outcome_of

from linreg.saving.checkpoints import Folder
from linreg.saving.intervals import Intervals

DATA = Path(__file__).parent.parent / "examples" / "data"
PENGUINS = ["--data", DATA / "penguins.csv", "--target", "body_mass_g", "--missing", "drop", "--seed", "0"]
PENGUINS += ["--features", "flipper_length_mm,species,sex", "--categories", "species,sex"]
EXACT = ["--optimizer", "newton", "--dtype", "float64"]


def refused(*argv):
    status, out, err = linreg(*argv)
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err


@pytest.fixture(scope="module")
def penguins(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "penguins"
    assert linreg(*PENGUINS, *EXACT, "--save", folder)[0] == 0
    return folder


def test_the_intervals_are_those_of_statsmodels(penguins, tmp_path):
    # sm.OLS(...).get_prediction(...).summary_frame() in statsmodels 0.15.0, its obs_ci_lower and obs_ci_upper.
    wide = [(3200.580369515185, 4377.566305701257), (4821.591136408169, 5991.01895866606)]
    narrow = [(3404.924611851141, 4173.2220633653005), (5024.623165049246, 5787.986930024983)]
    for part, expected in (("0.95", wide), ("0.8", narrow)):
        words = ["predict", penguins, DATA / "penguins.csv", "--interval", part, "--keep", "species"]
        _, out, err = linreg(*words)
        rows = list(csv.DictReader(out.splitlines()))
        assert [*rows[0]] == ["species", "prediction", "lower", "upper"]
        whole = [row for row in rows if row["lower"] != "nan"]
        for row, ends in zip((whole[0], whole[200]), expected, strict=True):
            assert (float(row["lower"]), float(row["upper"])) == pytest.approx(ends, rel=1e-9)
        assert {row["upper"] for row in rows if row["prediction"] == "nan"} == {"nan"}
        assert err.endswith("R² 0.866888 for 333 rows\n")
        linreg(*words, "--out", tmp_path / "p.parquet")
        written = pyarrow.parquet.read_table(tmp_path / "p.parquet").to_pylist()
        assert [row["lower"] for row in written if row["lower"]] == [float(row["lower"]) for row in whole]


def test_the_intervals_of_a_line_through_the_origin(tmp_path):
    # As above, of sm.OLS(y, x) for Norris at x = 500, with alpha=0.1.
    words = ["--data", DATA / "norris.csv", "--target", "y", "--no-intercept", *EXACT, "--save", tmp_path / "run"]
    assert linreg(*words)[0] == 0
    (tmp_path / "new.csv").write_text("x\n500\n", encoding="utf-8")
    _, out, _ = linreg("predict", tmp_path / "run", tmp_path / "new.csv", "--interval", "0.9")
    numbers = [float(cell) for cell in out.split()[1].split(",")]
    assert numbers == pytest.approx([500.87104023489314, 499.3527139600593, 502.389366509727], rel=1e-9)
    (tmp_path / "new.csv").write_text("x\n", encoding="utf-8")
    linreg("predict", tmp_path / "run", tmp_path / "new.csv", "--interval", "0.9", "--out", tmp_path / "p.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "p.parquet").column_names == ["prediction", "lower", "upper"]


def test_a_row_far_out_has_finite_ends(penguins, tmp_path):
    for far in (1e100, 1e250):  # whose ends are as far again: their leverage is no number in float64
        (tmp_path / "new.csv").write_text(f"flipper_length_mm,species,sex\n{far},Gentoo,male\n", encoding="utf-8")
        _, out, _ = linreg("predict", penguins, tmp_path / "new.csv", "--interval", "0.95")
        ends = [float(cell) / far for cell in out.split()[1].split(",")]
        assert ends == pytest.approx([20.02492, 14.42666, 25.62317], rel=1e-6)  # the slope's


def test_the_intervals_hold_as_large_a_part_of_new_targets_as_they_say():
    rng, part, runs, held = np.random.default_rng(0), 0.8, 300, 0
    for _ in range(runs):
        X = rng.normal(size=(7, 2))
        y = X @ [2.0, -3.0] + 5 + rng.normal(size=7)
        outcome = outcome_of(X[:6], y[:6], optimizer="lstsq")
        saved = SimpleNamespace(**vars(outcome), encoding=outcome, folder=SimpleNamespace(path="run"))
        standard = outcome.scaling.apply(np.append(X[6:], [[0.0]], axis=1))[:, :-1]
        ((lower, upper),) = Intervals(saved, part).ends(standard)
        held += lower < y[6] < upper
    assert abs(held / runs - part) < 3 * np.sqrt(part * (1 - part) / runs)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--weight-decay", "0.1", *EXACT], "its weights decay, so its predictions are biased"),
        (
            ["--num-epochs", "20", "--lr", "0.3"],
            r"it is [1-9]\.\d standard errors from the exact answer: go on with --resume",
        ),
        (["--features", "a,b,c", *EXACT], r"some features follow from the others: leave those out \(--without\)"),
        (["--features", "a,b,d,e", *EXACT], "it has as many coefficients as rows"),
    ],
)
def test_a_run_that_has_no_standard_errors_has_no_intervals(tmp_path, options, why):
    a, b, d, e, y = np.random.default_rng(0).normal(size=(5, 5))
    columns = {"a": a, "b": b, "c": a + b, "d": d, "e": e, "y": 100 * a + y}
    path = tmp_path / "t.csv"
    np.savetxt(path, np.column_stack([*columns.values()]), delimiter=",", header=",".join(columns), comments="")
    words = ["--data", path, "--target", "y", "--save", tmp_path / "run"]
    words += [] if "--features" in options else ["--features", "a,b"]
    assert linreg(*words, *options)[0] == 0
    said = refused("predict", tmp_path / "run", path, "--interval", "0.9")
    assert re.search(rf"--interval: the run in .* has no intervals, as {why}", said)
    assert linreg("predict", tmp_path / "run", path)[0] == 0


def test_an_exact_fit_in_float32_has_intervals(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,3\n2,5\n3,7\n4,9\n", encoding="utf-8")
    words = ["--data", tmp_path / "t.csv", "--target", "y", "--optimizer", "lstsq", "--save", tmp_path / "run"]
    assert linreg(*words)[1].endswith("nothing but rounding: does a feature hold the target itself?\n")
    words[4:6] = ["--num-epochs", "1"]
    assert re.search(r"ended \de\+\d\d standard errors from the exact answer", linreg(*words[:-1], tmp_path / "sgd")[1])
    status, out, _ = linreg("predict", tmp_path / "run", tmp_path / "t.csv", "--interval", "0.9")
    assert status == 0
    for row in csv.DictReader(out.splitlines()):
        assert float(row["lower"]) == pytest.approx(float(row["upper"]), abs=1e-9)


def test_words_that_cannot_go_with_intervals(penguins, tmp_path):
    words = ["predict", penguins, DATA / "penguins.csv", "--interval"]
    assert "--interval needs a file of several columns" in refused(*words, "0.9", "--out", tmp_path / "p.npy")
    assert "'95' is not a fraction between 0 and 1" in refused(*words, "95")
    (tmp_path / "t.csv").write_text("upper\n1\n", encoding="utf-8")
    said = refused("predict", penguins, tmp_path / "t.csv", "--interval", "0.9", "--keep", "upper")
    assert "--keep upper: the predictions' own column has that name" in said


def test_a_run_of_an_older_linreg_is_mended_by_going_on_with_it(tmp_path):
    path, words = tmp_path / "run", ["--data", DATA / "norris.csv", "--target", "y", *EXACT]
    linreg(*words, "--save", path)
    predicting = ["predict", path, DATA / "norris.csv", "--interval", "0.9"]
    assert "\nepoch 1 of 1: its last epoch, 1, is done\n" in linreg("show", path)[1]
    before, folder = linreg(*predicting), Folder(path)
    run, state = folder.load()
    kept = state["fixed"].pop("triangle")
    del run["encoding"]["choice"]["weights"]

    def save():
        with folder.claimed():
            folder.save(run, state)

    save()
    assert linreg("show", path)[0] == 0
    assert re.search(f"was saved by an older linreg.*: linreg --resume {path} adds", refused(*predicting))
    assert linreg("--resume", path)[0] == 0
    assert linreg(*predicting) == before
    assert json.loads((path / "run.json").read_text())["position"] == run["position"]
    odd, beyond = "what it keeps of its rows is not made of numbers", "no statistics can be computed"
    for factor, rows, why in ((np.nan, 36, odd), (1, 0, odd), (1e300, 36, beyond)):
        state["fixed"]["triangle"], run["data"]["rows"] = kept * factor, rows
        save()
        assert why in refused(*predicting)


def test_a_run_of_very_many_coefficients_says_why_it_has_no_intervals(tmp_path, monkeypatch):
    for module in ("saver", "saved"):
        monkeypatch.setattr(f"linreg.saving.{module}.MOST_KEPT", 0)
    linreg("--data", DATA / "norris.csv", "--target", "y", *EXACT, "--save", tmp_path / "run")
    assert "keeps only coefficients" in refused("predict", tmp_path / "run", DATA / "norris.csv", "--interval", "0.9")
