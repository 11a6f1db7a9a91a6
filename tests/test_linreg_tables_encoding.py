"""Words and missing values: what becomes of them, in training and in prediction."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

pa = pytest.importorskip("pyarrow")
from pyarrow import parquet

import minigrad
from linreg.__main__ import main
from linreg.errors import BadInput
from linreg.exact import least_squares
from linreg.settings import MISSING, Reading
from linreg.tables import Encoding, Rows, load, rows_to_predict
from linreg.tables.split import Split

PENGUINS = str(Path(__file__).parent.parent / "examples" / "data" / "penguins.csv")


def loaded(source, target="y", features=None, **options):
    reading = Reading(**{name: options.pop(name) for name in ("buffer", "missing", "categories") if name in options})
    return load(source, target, features, reading, **{"dtype": "float64", "torch": minigrad, **options})


def everything(ours):
    """All rows trained on, in a fixed order of their own: features in their own units, then the target."""
    batches = [(X.numpy(), y.numpy()) for X, y in ours.examples.batches(7, 0)]
    rows = np.hstack([np.concatenate(part) for part in zip(*batches, strict=True)])
    rows = rows * ours.scaling.stds + ours.scaling.means
    return rows[np.lexsort(rows.T)]


def coefficients(ours):
    w, b, _ = least_squares(ours.triangle, 0.0, ours.encoding.fit_intercept)
    return dict(
        zip((*ours.names, "1"), [*ours.scaling.in_own_units(w, b)[0], ours.scaling.in_own_units(w, b)[1]], strict=True)
    )


WORDS = ["red", "green", " blue ", "7", "Ω"]


def made(seed, rows, lacking):
    """Rows y, a, c, b: numbers and a word, each of which is missing in a part `lacking` of the rows."""
    rng = np.random.default_rng(seed)
    numbers, words = rng.normal(size=(rows, 3)) * [1, 9, 0.1] + [0, 50, 3], rng.choice(WORDS, rows)
    made = [(y, a, c, b) for (y, a, b), c in zip(numbers.tolist(), words.tolist(), strict=True)]
    none = [None, "NA", "", float("nan")]
    return [tuple(none[rng.integers(4)] if rng.random() < lacking else cell for cell in row) for row in made]


tables = st.builds(made, st.integers(0, 2**32 - 1), st.integers(4, 40), st.sampled_from([0.0, 0.05, 0.3]))


def is_missing(value):
    return value in (None, "NA", "") or value != value


def by_hand(rows, missing, held, intercept):
    """What the rows trained on become, one by one: the columns' names and their values, by plain Python."""
    rows = [tuple(None if is_missing(v) else v.strip() if isinstance(v, str) else v for v in row) for row in rows]
    used = [i for i, row in enumerate(rows) if row[0] is not None and (missing != "drop" or None not in row)]
    firsts = {}
    for i in used:
        firsts.setdefault(rows[i][2], i)
    trained = [rows[i] for i in used if not held[i] or (rows[i][2] is not None and firsts[rows[i][2]] == i)]
    levels = sorted({row[2] for row in trained} - {None})
    kept = levels[1:] if intercept else levels
    means = [np.mean([row[k] for row in trained if row[k] is not None] or [np.nan]) for k in (1, 3)]
    there = [row[2] for row in trained if row[2] is not None]
    shares = [there.count(level) / len(there) if there else 0 for level in kept]
    X = [
        [
            means[0] if a is None else a,
            *(shares if c is None else [float(c == level) for level in kept]),
            means[1] if b is None else b,
            y,
        ]
        for y, a, c, b in trained
    ]
    return ["a", *(f"c={level}" for level in kept), "b"], np.array(X)


@given(
    rows=tables,
    missing=st.sampled_from(["drop", "mean"]),
    validation=st.sampled_from([0.0, 0.2]),
    intercept=st.booleans(),
    buffer=st.sampled_from([None, 3]),
)
@settings(max_examples=150)
def test_words_and_missing_values_become_what_they_would_by_hand(rows, missing, validation, intercept, buffer):
    options = {"missing": missing, "categories": ("c",), "validation": validation, "fit_intercept": intercept}
    try:
        ours = loaded(Rows(rows, ("y", "a", "c", "b")), buffer=buffer, seed=5, **options)
    except BadInput as error:
        told = ("is constant", "holds no value", "lacks a value", "only one row", "cannot be split", "standardised")
        if not any(word in str(error) for word in told):
            raise
        return
    held = Split(5, validation or -1.0, missing, 0).held(0, len(rows))
    names, expected = by_hand(rows, missing, held, intercept)
    if ours.counts.trained != len(expected):
        assert 1 in (ours.counts.held_out, ours.counts.trained)  # with few rows the bound moves, for one on each side
        return
    assert list(ours.names) == names
    np.testing.assert_allclose(everything(ours), expected[np.lexsort(expected.T)], rtol=1e-12, atol=1e-10)
    means = expected.mean(axis=0) if intercept else np.zeros(len(names) + 1)
    stds = np.sqrt(((expected - means) ** 2).mean(axis=0))
    np.testing.assert_allclose(ours.scaling.means, means, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours.scaling.stds, stds, rtol=1e-9, atol=1e-12)
    standard = np.insert((expected - means) / stds, len(names), 1, axis=1)
    R = ours.triangle.R
    np.testing.assert_allclose(R.T @ R, standard.T @ standard, rtol=1e-9, atol=1e-8)
    for name, place in zip("yacb", range(4), strict=True):
        lacking = sum(is_missing(row[place]) for row in rows)
        assert ours.counts.missing.get(name, 0) == lacking


def test_one_hot_columns_are_rs():
    """R's lm(y ~ f + x), and lm(y ~ 0 + f + g) whose first factor alone keeps all its levels."""
    y, f, x = [1.0, 2, 4, 8, 16, 3], ["b", "a", "c", "a", "b", "c"], [0.0, 1, 2, 1, 5, 2.5]
    fitted = coefficients(loaded(Rows(zip(y, f, x, strict=True), ("y", "f", "x")), categories=("f",)))
    design = np.array([[1, v == "b", v == "c", u] for v, u in zip(f, x, strict=True)], dtype=float)
    expected = np.linalg.lstsq(design, y)[0]
    assert list(fitted) == ["f=b", "f=c", "x", "1"]
    np.testing.assert_allclose(list(fitted.values()), [*expected[1:], expected[0]], rtol=1e-10, atol=1e-10)

    g = ["v", "u", "u", "v", "u", "u"]
    rows = Rows(zip(y, f, g, strict=True), ("y", "f", "g"))
    fitted = coefficients(loaded(rows, categories=("g", "f"), fit_intercept=False))
    design = np.array([[v == "a", v == "b", v == "c", u == "v"] for v, u in zip(f, g, strict=True)], dtype=float)
    assert list(fitted) == ["f=a", "f=b", "f=c", "g=v", "1"]
    np.testing.assert_allclose(list(fitted.values()), [*np.linalg.lstsq(design, y)[0], 0], rtol=1e-10, atol=1e-10)


def test_levels_that_are_numbers_are_in_the_order_of_numbers(tmp_path):
    rows = [(1.0, 10), (2.0, 9), (4.0, 100), (3.0, 9)]
    ours = loaded(Rows(rows, ("y", "f")), categories=("f",))
    assert ours.names == ("f=10", "f=100")
    parquet.write_table(pa.table({"y": [1.0, 2, 4, 3], "f": [10.0, 9, 100, 9]}), tmp_path / "t.parquet")
    np.savez(tmp_path / "t.npz", y=[1.0, 2, 4, 3], f=np.array([10, 9, 100, 9]))
    (tmp_path / "t.csv").write_text("y,f\n1,10\n2, 9\n4,100\n3,9\n")
    for name in ("t.parquet", "t.npz", "t.csv"):
        other = loaded(str(tmp_path / name), categories=("f",))
        assert (other.encoding, other.fingerprint) == (ours.encoding, ours.fingerprint)


@pytest.mark.parametrize("kind", ["U", "S", "dictionary", "text"])
def test_words_of_every_kind(tmp_path, kind):
    colours = ["red", "green", "", "green", "NA", " red", "blue"] * 4
    y = np.arange(28.0) ** 2
    if kind in "US":
        np.savez(tmp_path / "t.npz", y=y, colour=np.array(colours, dtype=kind))
    else:
        column = pa.array(colours)
        column = column.dictionary_encode() if kind == "dictionary" else column
        parquet.write_table(pa.table({"y": y, "colour": column}), tmp_path / "t.parquet", row_group_size=5)
    (path,) = tmp_path.iterdir()
    rows = Rows(zip(y, colours, strict=True), ("y", "colour"))
    for buffer in (None, 6):
        options = {"categories": ("colour",), "missing": "mean", "buffer": buffer}
        ours = loaded(str(path), **options)
        assert ours.encoding == loaded(rows, **options).encoding if buffer is None else True
        assert ours.encoding.levels == (("blue", "green", "red"),)
        assert ours.counts.missing == {"colour": 8}
        assert sum(len(X) for X, _ in ours.examples.batches(5, 0)) == 28


@pytest.mark.parametrize("policy", MISSING)
def test_the_command_counts_what_is_missing(policy):
    options = [
        "--data",
        PENGUINS,
        "--target",
        "body_mass_g",
        "--categories",
        "species,island,sex",
        "--optimizer",
        "lstsq",
    ]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        status = main([*options, "--missing", policy, "--json"])
    if policy == "refuse":
        assert status == 2
        assert "penguins.csv, row 4, column 'bill_length_mm': the value is missing; --missing drop" in err.getvalue()
        return
    result = json.loads(out.getvalue())
    missing = {"bill_length_mm": 2, "bill_depth_mm": 2, "flipper_length_mm": 2, "body_mass_g": 2, "sex": 11}
    assert result["missing"] == missing
    assert result["rows_dropped"] == (11 if policy == "drop" else 2)
    assert result["rows"] == 344 - result["rows_dropped"]
    assert result["levels"]["sex"] == ["female", "male"]
    assert err.getvalue().startswith("linreg: missing values: 2 in 'bill_length_mm', 2 in ")
    assert len(err.getvalue().splitlines()) == 1
    assert "species=Gentoo" in result["coefficients"]


# Another table


@given(rows=tables, others=tables, missing=st.sampled_from(MISSING))
@settings(max_examples=60)
def test_rows_to_predict_are_encoded_as_those_trained_on(rows, others, missing):
    columns = ("y", "a", "c", "b")
    try:
        ours = loaded(Rows(rows, columns), missing=missing, categories=("c",))
    except BadInput:
        return
    encoding = Encoding.from_json(ours.encoding.to_json())
    assert encoding == ours.encoding
    whole = [row for row in rows if not any(map(is_missing, row))]
    kept = whole if missing != "mean" else [row for row in rows if not is_missing(row[0])]
    again = Rows([dict(zip("bca", (row[3], row[2], row[1]), strict=True)) for row in kept])
    predicted = np.concatenate([X for _, X in rows_to_predict(again, encoding)])
    np.testing.assert_array_equal(predicted, ours.examples.X.numpy())

    levels = set(ours.encoding.levels[0])
    known = [row[1:] for row in others if is_missing(row[2]) or row[2].strip() in levels]
    whole = [place for place, row in enumerate(known) if not any(map(is_missing, row))]
    if not known or (missing == "refuse" and len(whole) < len(known)):
        return
    got = list(rows_to_predict(Rows(known, columns[1:]), encoding))
    numbers = np.concatenate([places for places, _ in got]).tolist()
    assert numbers == (whole if missing == "drop" else list(range(len(known))))
    X = np.concatenate([X for _, X in got])
    assert X.shape == (len(numbers), len(encoding.names))
    assert np.isfinite(X).all()


def test_what_cannot_be_predicted_is_told():
    ours = loaded(Rows([(1.0, "a", 2.0), (2.0, "b", 1.0), (4.0, "b", 5.0)], ("y", "c", "x")), categories=("c",))

    def told(rows, columns=("x", "c")):
        with pytest.raises(BadInput) as error:
            list(rows_to_predict(Rows(rows, columns, "new rows"), ours.encoding))
        return str(error.value)

    assert told([(1, "a"), (2, "z")]).startswith(
        "new rows, row 2, column 'c': 'z' is none of the levels trained on, 'a', 'b'; train again on rows that hold it"
    )
    assert told([(1, "a"), (None, "a")]).startswith("new rows, row 2, column 'x': the value is missing")
    assert told([(1, "a"), (float("inf"), "a")]) == "new rows, row 2, column 'x': inf is not a finite number"
    assert told([(1,)], ["x"]) == "new rows has no column 'c'; its columns are 'x'"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"choice": {}}',
        '{"choice": 3}',
        '{"choice": {"features": [], "categories": [], "target": 1}}',
    ],
)
def test_what_is_no_encoding_is_refused(text):
    with pytest.raises(BadInput, match="not the encoding of a table"):
        Encoding.from_json(text)


def test_an_encoding_whose_parts_do_not_fit_is_refused():
    ours = loaded(Rows([(1.0, "a", 2.0), (2.0, "b", 1.0), (4.0, "b", 5.0)], ("y", "c", "x")), categories=("c",))
    whole = json.loads(ours.encoding.to_json())
    for change in ({"means": [1.0]}, {"levels": []}, {"shares": [[1.0]]}, {"fills": []}, {"missing": "guess"}):
        with pytest.raises(BadInput, match="not the encoding of a table"):
            Encoding.from_json(json.dumps(whole | change))


def test_too_many_levels_are_refused():
    rows = Rows(((float(i), f"id {i}", i % 7) for i in range(3000)), ("y", "c", "x"))
    with pytest.raises(BadInput, match=r"row 1001, column 'c': more than 1000 levels"):
        loaded(rows, categories=("c",))


def test_the_first_row_of_a_level_is_never_held_out():
    """No coefficient would be trained for a level that only rows held out have."""
    rows = [(float(i % 11), f"level {i // 2}", float(i % 7)) for i in range(60)]
    for seed in range(5):
        ours = loaded(Rows(rows, ("y", "c", "x")), categories=("c",), validation=0.5, seed=seed)
        assert len(ours.encoding.levels[0]) == 30
        assert 0 < ours.counts.held_out <= 30
