"""Tables in every format and memory: the same rows, the same order, the same numbers."""

import csv
import gzip
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

pa = pytest.importorskip("pyarrow")
from pyarrow import parquet

import minigrad
from linreg.errors import BadInput
from linreg.settings import Reading
from linreg.tables import Block, Rows, load, opened_source
from linreg.tables.split import Split
from linreg.tables.spool import Spool

COLUMNS = ("y", "a", "b")


def table(rows, seed=0):
    """Columns y, a, b of which none is constant nor made of the others."""
    columns = np.random.default_rng(seed).normal(size=(rows, 3)) * [1, 20, 0.3] + [5, -7, 100]
    columns[:, 0] += columns[:, 1:] @ [2.0, -3.0]
    return columns


def text_of(rows, columns=COLUMNS, separator=","):
    lines = [separator.join(columns), *(separator.join("" if v != v else repr(float(v)) for v in row) for row in rows)]
    return "\n".join(lines) + "\n"


def written(folder, rows, columns=COLUMNS, group=7):
    """The same table in each format, by a word for it: what `load` takes."""
    records = np.rec.fromarrays(rows.T, names=",".join(columns))
    named = {name: rows[:, j] for j, name in enumerate(columns)}
    (folder / "t.csv").write_text(text_of(rows, columns))
    (folder / "t.tsv").write_text(text_of(rows, columns, "\t"))
    (folder / "t.csv.gz").write_bytes(gzip.compress(text_of(rows, columns).encode()))
    parquet.write_table(pa.table(named), folder / "t.parquet", row_group_size=group)
    np.save(folder / "t.npy", records)
    np.savez(folder / "t.npz", **named)
    np.savez_compressed(folder / "small.npz", **named)
    files = {path.name: str(path) for path in folder.iterdir()}
    return {
        **files,
        "dictionaries": Rows([dict(zip(columns, row, strict=True)) for row in rows.tolist()]),
        "generator": Rows((tuple(row) for row in rows), columns),
        "records": Rows(records),
    }


def epochs(examples, size=5):
    """Each minibatch of two epochs."""
    import random

    random.seed(0)
    return [(X.numpy(), y.numpy()) for epoch in range(2) for X, y in examples.batches(size, epoch)]


def assert_same(ours, theirs):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        for mine, yours in zip(one, other, strict=True):
            np.testing.assert_array_equal(mine, yours)


def loaded(source, **options):
    reading = Reading(**{name: options.pop(name) for name in ("buffer", "missing", "categories") if name in options})
    return load(source, "y", None, reading, **{"dtype": "float64", "torch": minigrad, **options})


def loaded_or_refused(source, **options):
    """None where a column is constant in the rows that are left to train on."""
    try:
        return loaded(source, **options)
    except BadInput as error:
        if not any(word in str(error) for word in ("is constant", "cannot be split", "cannot be standardised")):
            raise
        return None


# A piece of 112 rows in memory is 7 rows, as the row groups are.
@pytest.mark.parametrize("buffer", [None, 112])
@pytest.mark.parametrize("validation", [0.0, 0.3])
def test_every_format_gives_the_same_examples_in_the_same_order(tmp_path, buffer, validation):
    kinds = written(tmp_path, table(250))
    first, *others = (loaded(kind, buffer=buffer, validation=validation, seed=4) for kind in kinds.values())
    assert type(first.examples).__name__ == ("Streamed" if buffer else "InMemory")
    for other in others:
        assert_same(epochs(first.examples), epochs(other.examples))
        assert (other.fingerprint, other.counts) == (first.fingerprint, first.counts)
        assert other.encoding == first.encoding
        np.testing.assert_array_equal(other.triangle.R, first.triangle.R)
        assert_same([first.shown], [other.shown])
        np.testing.assert_array_equal(table(250)[first.shown[2], 0], first.shown[1])
        if validation:
            w, b = minigrad.tensor([[0.2], [1.0]], dtype=minigrad.float64), minigrad.tensor([0.1])
            assert other.held_out.mean_loss(w, b) == first.held_out.mean_loss(w, b)


@given(
    rows=st.integers(2, 60),
    buffer=st.integers(1, 60),
    size=st.integers(1, 25),
    validation=st.sampled_from([0.0, 0.1, 0.5, 0.95]),
    seed=st.integers(0, 2**64 - 1),
    skip=st.integers(0, 30),
)
@settings(max_examples=60)
def test_a_buffer_of_any_size_gives_every_row_once_and_can_be_taken_up_anywhere(
    rows, buffer, size, validation, seed, skip
):
    columns = np.column_stack([np.arange(rows) ** 2, np.arange(rows), np.cos(np.arange(rows))]).astype(float)
    whole = loaded_or_refused(Rows(columns, COLUMNS), validation=validation, seed=seed)
    if whole is None:
        assert validation or rows == 2
        return
    part = loaded(Rows(columns, COLUMNS), validation=validation, seed=seed, buffer=buffer)
    assert part.fingerprint == whole.fingerprint
    assert part.counts == whole.counts
    np.testing.assert_array_equal(part.triangle.R, whole.triangle.R)
    pairs = [(whole.examples, part.examples)]
    if validation:
        assert part.counts.held_out >= 1 <= part.counts.trained
        pairs.append((whole.held_out, part.held_out))
    for all_of_it, examples in pairs:
        ours = list(examples.batches(size, 3))
        assert [len(X) for X, _ in ours[:-1]] == [size] * (len(ours) - 1)
        order = np.lexsort(np.concatenate([X.numpy() for X, _ in ours]).T)
        expected = np.lexsort(all_of_it.X.numpy().T)
        for place, want in ((0, all_of_it.X), (1, all_of_it.y)):
            got = np.concatenate([batch[place].numpy() for batch in ours])
            np.testing.assert_array_equal(got[order], want.numpy()[expected])
        if buffer < rows:
            rest = [(X.numpy(), y.numpy()) for X, y in examples.batches(size, 3, skip=min(skip, len(ours)))]
            assert_same(rest, [(X.numpy(), y.numpy()) for X, y in ours[min(skip, len(ours)) :]])


def test_seeds_and_epochs_are_other_orders():
    def order(seed, epoch):
        examples = loaded(Rows(table(200), COLUMNS), buffer=50, seed=seed).examples
        return np.concatenate([y.numpy() for _, y in examples.batches(8, epoch)]).ravel()

    assert np.array_equal(order(1, 0), order(1, 0))
    assert not np.array_equal(order(1, 0), order(1, 1))
    assert not np.array_equal(order(1, 0), order(2, 0))


def test_every_row_is_as_likely_in_every_place(monkeypatch):
    """A chi-squared test with 20 of each to be expected: pieces, here of 3 rows, and their rows must be drawn evenly."""
    monkeypatch.setattr("linreg.tables.loading.PIECES", 4)
    rows, each = 24, 20
    examples = loaded(Rows(np.column_stack([np.arange(rows)] * 3), COLUMNS), buffer=12, seed=5).examples
    seen = np.zeros((rows, rows))
    for epoch in range(rows * each):
        ((X, _),) = examples.batches(rows, epoch)
        seen[X.numpy()[:, 0].argsort().argsort(), np.arange(rows)] += 1
    freedom = (rows - 1) ** 2
    assert abs(((seen - each) ** 2 / each).sum() - freedom) < 5 * (2 * freedom) ** 0.5


def test_pieces_are_mixed_in_an_order_of_their_own():
    """A table that is sorted is not trained on from its beginning to its end."""
    columns = np.column_stack([np.arange(1600.0), np.arange(1600.0) ** 2, np.sqrt(np.arange(1600.0))])
    examples = loaded(Rows(columns, COLUMNS), buffer=160).examples
    firsts = np.concatenate([y.numpy() for _, y in examples.batches(16, 0)]).ravel()[:160]
    assert abs(np.corrcoef(firsts, np.arange(160))[0, 1]) < 0.3
    assert firsts.max() - firsts.min() > 2  # of about 3.5 standard deviations in all


@given(cuts=st.lists(st.integers(1, 40), min_size=1, max_size=8), slab=st.integers(1, 200))
@settings(max_examples=25)
def test_it_does_not_matter_how_a_source_cuts_its_rows(cuts, slab):
    columns = table(100)

    class Cut:
        name, columns = "cut", COLUMNS

        def pieces(self, rows):
            return None

        def blocks(self, numbers, texts, spans=None):
            assert spans is None
            first = 0
            while first < 100:
                for cut in cuts:
                    rows = columns[first : first + cut]
                    yield Block(first, rows[:, [COLUMNS.index(name) for name in numbers]])
                    first += len(rows)

    one, other = loaded(Cut(), buffer=30), loaded(Rows(columns, COLUMNS), buffer=30)
    assert one.encoding == other.encoding
    assert_same(epochs(one.examples), epochs(other.examples))
    np.testing.assert_array_equal(one.triangle.R, other.triangle.R)


@pytest.mark.parametrize("said", [90, 110])
@pytest.mark.parametrize("which", ["random", "last"])
def test_a_source_that_miscounts_its_rows_is_refused(said, which):
    class Miscounting(Rows):
        def pieces(self, rows):
            return [60, said - 60]

    with pytest.raises(BadInput, match=f"has 100 rows, but says it has {said}"):
        loaded(Miscounting(table(100), COLUMNS), validation=0.2, validation_rows=which)


@given(
    columns=hnp.arrays(float, st.tuples(st.integers(4, 40), st.just(3)), elements=st.floats(-6e4, 6e4, width=16)),
    offset=st.sampled_from([0.0, 1e6, -1e9]),
    intercept=st.booleans(),
)
@settings(max_examples=60)
def test_moments_and_triangle_are_those_of_two_passes(monkeypatch_slabs, columns, offset, intercept):
    columns = columns + offset
    ours = loaded_or_refused(Rows(columns, COLUMNS), fit_intercept=intercept)
    if ours is None:
        return
    X, y = ours.examples.X.numpy(), ours.examples.y.numpy()
    means = columns[:, [1, 2, 0]].mean(axis=0) if intercept else np.zeros(3)
    stds = np.sqrt(((columns[:, [1, 2, 0]] - means) ** 2).mean(axis=0))
    size = np.abs(columns).max(axis=0)[[1, 2, 0]]
    np.testing.assert_allclose(ours.scaling.means, means, rtol=0, atol=1e-14 * size.max())
    np.testing.assert_allclose(ours.scaling.stds, stds, rtol=1e-9, atol=1e-14 * size.max())
    rows = np.column_stack([X, np.ones(len(X)), y])
    np.testing.assert_allclose(ours.triangle.R.T @ ours.triangle.R, rows.T @ rows, rtol=1e-9, atol=1e-6)


@pytest.fixture(scope="module")
def monkeypatch_slabs():
    """Slabs of three rows, so that a short table is looked at in many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("linreg.tables.loading.SLAB", 9)
        yield


def test_the_exact_answer_is_as_good_over_many_slabs(monkeypatch):
    """As numpy.linalg.lstsq's, where the first rows' means are far from all rows'."""
    from linreg.exact import least_squares

    x = np.arange(3000.0)
    columns = np.column_stack([1 + 2e-3 * x + 3e-9 * x**3, x, x**3])
    monkeypatch.setattr("linreg.tables.loading.SLAB", 300)
    ours = loaded(Rows(columns, COLUMNS))
    w, b, _ = least_squares(ours.triangle)
    slopes, intercept = ours.scaling.in_own_units(w, b)
    np.testing.assert_allclose([intercept, *slopes], [1, 2e-3, 3e-9], rtol=1e-11)


# What is held out


@given(seed=st.integers(0, 2**64 - 1), fraction=st.floats(0.01, 0.99), cut=st.integers(1, 5000))
@settings(max_examples=30)
def test_rows_are_held_out_one_by_one_from_the_seed_alone(seed, fraction, cut):
    split = Split(seed, fraction, "refuse", 0)
    held = split.held(0, 5000)
    np.testing.assert_array_equal(np.concatenate([split.held(0, cut), split.held(cut, 5000 - cut)]), held)
    assert abs(held.mean() - fraction) < 5 * np.sqrt(fraction * (1 - fraction) / 5000)
    # No period, and no likeness between neighbours.
    draws = split.draws(0, 5000)
    assert abs(np.corrcoef(draws[1:], draws[:-1])[0, 1]) < 0.08
    assert not np.array_equal(held, Split(seed ^ 1, fraction, "refuse", 0).held(0, 5000))


def test_rows_held_out_change_nothing_but_their_loss():
    columns = table(60)
    held = Split(7, 0.3, "refuse", 0).held(0, 60)
    changed = np.where(held[:, None], columns * 3 + 1, columns)
    for buffer in (None, 16):
        ours, theirs = (loaded(Rows(c, COLUMNS), validation=0.3, seed=7, buffer=buffer) for c in (columns, changed))
        assert ours.encoding == theirs.encoding
        assert_same(epochs(ours.examples), epochs(theirs.examples))
        assert ours.counts.held_out == held.sum()
        assert ours.fingerprint != theirs.fingerprint


# Files and pipes


numbers = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\ufeff"), max_size=8).map(str.strip)


@given(
    header=st.lists(names, min_size=2, max_size=5, unique=True),
    values=st.data(),
    mark=st.sampled_from(["utf-8", "utf-8-sig"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
@settings(max_examples=60)
def test_csv_round_trip(tmp_path_factory, header, values, mark, end, quoting):
    rows = values.draw(hnp.arrays(float, (3, len(header)), elements=numbers))
    path = tmp_path_factory.getbasetemp() / "round.csv"
    with open(path, "w", newline="", encoding=mark) as file:
        writer = csv.writer(file, lineterminator=end, quoting=quoting)
        writer.writerows([header, *(map(repr, row) for row in rows.tolist())])
    source = opened_source(str(path))
    assert list(source.columns) == header
    assert_same([block[1:2] for block in source.blocks(header[::-1], [])], [(rows[:, ::-1],)])


def test_rows_may_hold_ends_of_lines_and_be_cut_anywhere(tmp_path, monkeypatch):
    path, expected = tmp_path / "t.csv", [f'a "{i}",\n\r\n' + "x" * (i % 50) for i in range(300)]
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([["n", "words"], *enumerate(expected)])
    for block in (1, 7, 100, 1 << 20):
        monkeypatch.setattr("linreg.tables.delimited.BLOCK", block)
        blocks = list(opened_source(str(path)).blocks(["n"], ["words"]))
        assert np.array_equal(np.concatenate([b.numbers[:, 0] for b in blocks]), np.arange(300))
        assert [b.texts[0].words[code] for b in blocks for code in b.texts[0].codes] == [
            word.strip() for word in expected
        ]


def test_names_that_mislead_and_formats_that_are_told(tmp_path):
    rows = table(10)
    kinds = written(tmp_path, rows)
    expected = loaded(kinds["t.csv"]).fingerprint
    for name in ("t.parquet", "t.npy", "t.npz", "t.csv.gz"):
        os.rename(kinds[name], tmp_path / "strange.csv")
        assert loaded(str(tmp_path / "strange.csv")).fingerprint == expected
    os.rename(kinds["t.tsv"], tmp_path / "tabs.txt")
    assert load(str(tmp_path / "tabs.txt"), "y", reading=Reading(format="tsv"), torch=minigrad).fingerprint == expected


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "t.npy", "small.npz"])
def test_pipes(tmp_path, name):
    """Read once, from beginning to end, and kept where there is need."""
    rows = table(400)
    expected = loaded(Rows(rows, COLUMNS), buffer=112)
    content = Path(written(tmp_path, rows)[name]).read_bytes()
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)

    def write():
        with open(pipe, "wb") as end:
            end.write(content)

    writer = threading.Thread(target=write)
    writer.start()
    ours = loaded(pipe, buffer=112)
    writer.join()
    assert ours.fingerprint == expected.fingerprint
    if name != "t.parquet":  # whose row groups are its pieces
        assert_same(epochs(ours.examples), epochs(expected.examples))


def test_numbers_of_many_types(tmp_path):
    whole = np.arange(12) % 5
    columns = {
        "int": pa.array(whole, pa.int16()),
        "float": pa.array(whole, pa.float32()),
        "bool": pa.array(whole > 2),
        "decimal": pa.array(whole).cast(pa.decimal128(24, 2)),
        "dictionary": pa.array(whole).dictionary_encode(),
        "text": pa.array([f" {v}.0" for v in whole]),
    }
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    (block,) = opened_source(str(tmp_path / "t.parquet")).blocks(list(columns), [])
    expected = np.column_stack([whole, whole, whole > 2, whole, whole, whole]).astype(float)
    np.testing.assert_array_equal(block.numbers, expected)
    for dtype in (">f8", "<i2", "u1", "?", "f2", "longdouble", ">i4"):
        for order in "CF":
            np.save(tmp_path / "t.npy", np.asarray(expected % 2, dtype=dtype, order=order))
            (block,) = opened_source(str(tmp_path / "t.npy")).blocks(["x5", "x0"], [])
            np.testing.assert_array_equal(block.numbers, expected[:, [5, 0]] % 2)
    for kind in ("U4", "S4"):  # texts, as those of a CSV file
        np.savez(tmp_path / "t.npz", a=[*expected[:11, 0].astype(kind), np.array("NA", kind)], b=expected.astype(kind))
        (block,) = opened_source(str(tmp_path / "t.npz")).blocks(["a", "b1"], ["b0"])
        np.testing.assert_array_equal(block.numbers, np.column_stack([[*expected[:11, 0], np.nan], expected[:, 1]]))
        (block,) = opened_source(str(tmp_path / "t.npz")).blocks([], ["b0"])
        assert block.numbers.shape == (12, 0)


def test_arrays_of_an_npz_file_are_columns_by_their_names(tmp_path):
    rows = table(9)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "t.npz", y=rows[:, 0], X=rows[:, 1:].copy())
        source = opened_source(str(tmp_path / "t.npz"))
        assert list(source.columns) == ["y", "X0", "X1"]
        (block,) = source.blocks(["X1", "y"], [])
        np.testing.assert_array_equal(block.numbers, rows[:, [2, 0]])


# Memory


def test_no_more_than_the_buffer_is_in_memory(tmp_path, monkeypatch):
    """Of a file that can be read from anywhere nothing is kept; of another the rows are in a file without a name."""
    rows = table(3000)
    np.save(tmp_path / "t.npy", rows)
    monkeypatch.setattr(Spool, "add", lambda *_: pytest.fail("a copy is made"))
    load(str(tmp_path / "t.npy"), "x0", reading=Reading(buffer=100), torch=minigrad)
    monkeypatch.undo()
    spool = Spool(3, 100, "rows")
    for start in range(0, 3000, 90):
        spool.add(rows[start : start + 90])
        assert sum(map(len, spool._few)) <= 100
    np.testing.assert_array_equal(
        np.concatenate([part for _, part in spool.read([(2000, 3000), (0, 2000)])]), np.roll(rows, 1000, axis=0)
    )


def test_a_full_disk_is_told_in_one_line(monkeypatch):
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr("tempfile.TemporaryFile", Full)
    with pytest.raises(BadInput, match=r"cannot keep the rows of the rows in .*: No space left on device; .*TMPDIR"):
        loaded(Rows(table(100), COLUMNS), buffer=10)


def test_a_file_that_is_cut_while_it_is_read_is_told(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table(dict(zip(COLUMNS, table(300).T, strict=True))), path, row_group_size=50)
    ours = loaded(str(path), buffer=60)
    os.truncate(path, 500)
    # Which of the two is noticed depends on how much of the file Python has read ahead: since 3.14 it is 128 KiB.
    with pytest.raises(BadInput, match=r"t\.parquet(: not a whole Parquet file| was changed while it was in use)"):
        list(ours.examples.batches(10, 0))
