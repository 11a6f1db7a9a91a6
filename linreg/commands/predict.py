"""`linreg predict DIR FILE`: what the run that was saved in DIR predicts for the rows of a table."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace

from linreg.arguments import Parser, fraction, guarded, names
from linreg.errors import DONE, BadInput, warn
from linreg.settings import FORMATS, MISSING


def run(argv: Sequence[str]) -> int:
    """Predict as the words in `argv` say; the exit status."""
    options = _options(argv)

    from linreg.saving.checkpoints import Folder
    from linreg.saving.intervals import Intervals
    from linreg.saving.predictions import COLUMNS, check_kept, check_out, predict, written_to
    from linreg.saving.saved import read
    from linreg.tables import opened_source
    from linreg.tables.source import leading_zeros, lost_digits

    saved = read(Folder(options.folder))
    if options.missing is not None:
        saved = replace(saved, encoding=replace(saved.encoding, missing=options.missing))
    intervals = None if options.interval is None else Intervals(saved, options.interval)
    columns = COLUMNS if intervals else COLUMNS[:1]
    check_out(options.out, options.file, saved)
    source = opened_source(
        options.file,
        options.format,
        header=saved.encoding.header and not options.no_header,
        na=(*saved.encoding.na, *options.na),
        keep=options.keep,
    )
    check_kept(source, options.keep, columns)
    with written_to(options.out, options.keep, columns) as write:
        accuracy = predict(saved, source, write, intervals)
    sys.stdout.flush()
    if accuracy.rounded:
        warn(lost_digits(source, accuracy.rounded))
    if accuracy.padded:
        warn(f"{leading_zeros(source, accuracy.padded)}: this run was trained to take them as numbers")
    if accuracy.beyond:
        (name, row), *others = accuracy.beyond.items()
        more = f" (and {len(others)} more)" if others else ""
        further = "lies further from its mean than any row trained on"
        warn(f"{source.name}, row {row}: column {name!r}{more} {further}: is this table in the units of that one?")
    if options.json:
        counts = {"rows": accuracy.rows, "predicted": accuracy.predicted, "compared": accuracy.compared}
        print(json.dumps({"out": options.out, **counts, "rmse": accuracy.rmse, "r2": accuracy.r2}))
        return DONE
    if accuracy.predicted < accuracy.rows:
        without = accuracy.rows - accuracy.predicted
        lack = "lacks a value and has" if without == 1 else "lack a value and have"
        print(f"linreg: {without} of {accuracy.rows} rows {lack} no prediction", file=sys.stderr)
    if accuracy.rmse is not None:
        r2 = "" if accuracy.r2 is None else f", R² {accuracy.r2:.6g}"
        print(f"linreg: RMSE {accuracy.rmse:.6g}{r2} for {accuracy.compared} rows", file=sys.stderr)
    return DONE


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="linreg predict",
        description="Predict the target of each row of a table by a run that linreg --save DIR keeps, in the target's "
        "own units and the rows' order. Where the table has the target as well, stderr tells how good that is.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("folder", metavar="DIR")
    add("file", metavar="FILE", help="a table with the columns that the run was trained on; - is the standard input")
    add("--out", metavar="FILE", help="write .csv, .npy or .parquet (default: CSV to the standard output)")
    add(
        "--keep",
        action="extend",
        type=names,
        default=[],
        metavar="A,B",
        help="columns of FILE, of any type, to stand before the predictions as they are written there",
    )
    add(
        "--interval",
        type=fraction,
        metavar="PART",
        help="add columns lower and upper, between which the targets of so large a part of new rows lie, as 0.95, if "
        "errors are normal and as large everywhere",
    )
    add(
        "--missing",
        choices=MISSING,
        help="where a value is missing: refuse the table, give the row no prediction, or put the mean of the rows "
        "trained on (default: as the run was trained)",
    )
    add(
        "--na",
        action="extend",
        type=names,
        default=[],
        metavar="WORDS",
        help="more words that mean a missing value, beside those that the run was trained with",
    )
    add(
        "--no-header",
        action="store_true",
        help="the first line of FILE is a row of the columns x0, x1, ..., as of itself where the run was trained so",
    )
    add("--format", choices=FORMATS, help="what kind of table FILE is, where neither its beginning nor its name tells")
    add("--json", action="store_true", help="print how good the predictions are as one JSON object; needs --out")
    options = parser.parse_args(guarded(argv))
    if options.json and options.out is None:
        raise BadInput("--json needs --out, the file for the predictions themselves")
    return options
