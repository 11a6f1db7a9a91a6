"""The command's options: what they are called, what they may hold, and what cannot go together."""

import argparse
import itertools
from collections.abc import Sequence
from typing import Any

from linreg.arguments import (
    Parser,
    any_number,
    decay,
    ending_with,
    folder,
    fraction,
    guarded,
    names,
    not_negative,
    numbers,
    positive,
    seconds,
    whole,
)
from linreg.errors import BadInput
from linreg.processes import TIMEOUT
from linreg.settings import (
    AT_ONCE,
    FORMATS,
    HELD_OUT,
    LEARNING_RATES,
    MISSING,
    MOST_EPOCHS,
    OPTIMIZERS,
    PATIENCE,
    Reading,
    Settings,
    Synthetic,
    Table,
)

# In the order in which the help lists them; without a word it is the first.
COMMANDS = {
    "fit": "train, on synthetic data or a table",
    "predict": "the target of each row of a table, by a saved run",
    "show": "what a saved run is, how far it is, and what it has found",
    "compare": "train on minigrad and torch side by side, and show how far they are apart",
}

BATCH_SIZE, EXPLAINED_ROWS = 10, 3  # of three rows every number can be read
INIT_STD = 0.01

# What only the synthetic job knows, and the document's values for it.
SYNTHETIC: dict[str, Any] = {"true_w": [2.0, -3.4], "true_b": 4.2, "num_examples": 1000, "noise": 0.01}

# What only a table knows.
OF_A_TABLE: tuple[str, ...] = (
    "target",
    "features",
    "validation_rows",
    "without",
    "weights",
    "categories",
    "missing",
    "na",
    "no_header",
    "format",
    "buffer",
    "robust",
)

# What means something only where training goes by small steps.
LITTLE_BY_LITTLE = ("lr", "batch_size", "patience", "until")


def settings_of(options: argparse.Namespace, seed: int) -> Settings:
    """The settings that the options ask for, with the defaults of the way to train that they chose."""
    patience = options.patience or PATIENCE if options.validation else None
    usual_std = 0.0 if options.optimizer in AT_ONCE else INIT_STD
    return Settings(
        lr=options.lr or LEARNING_RATES[options.optimizer],
        num_epochs=options.num_epochs or 0,
        batch_size=options.batch_size or (BATCH_SIZE if options.explain is None else EXPLAINED_ROWS),
        init_std=usual_std if options.init_std is None else options.init_std,
        seed=seed,
        dtype=options.dtype,
        backend=options.backend,
        device=options.device,
        optimizer=options.optimizer,
        weight_decay=options.weight_decay,
        validation=options.validation or 0.0,
        validation_rows=options.validation_rows or HELD_OUT[0],
        patience=patience if options.optimizer not in AT_ONCE else None,
        until=options.until,
        fit_intercept=not options.no_intercept,
    )


def data_of(options: argparse.Namespace) -> Synthetic | Table:
    """What the options say to train on: the document's data set, its values where none are given, or a table."""
    if options.data is None:
        given = {name: getattr(options, name) for name in SYNTHETIC}
        return Synthetic(**SYNTHETIC | {name: value for name, value in given.items() if value is not None})
    reading = Reading(
        categories=tuple(options.categories or ()),
        without=tuple(options.without or ()),
        missing=options.missing or "refuse",
        header=not options.no_header,
        na=tuple(options.na or ()),
        format=options.format,
        buffer=options.buffer,
        weights=options.weights,
    )
    return Table(options.data, options.target, options.features, reading, bool(options.robust))


def parse(argv: Sequence[str], parser: argparse.ArgumentParser | None = None) -> argparse.Namespace:
    """The options in `argv`; BadInput where one is wrong, or two cannot go together.

    Those that the parser of another command than fit does not know have fit's defaults.
    """
    options = _parsed(argv, parser)

    def none_of(names: Sequence[str], why: str) -> None:
        for name in names:
            if getattr(options, name) is not None:
                raise BadInput(f"--{name.replace('_', '-')} {why}")

    if options.true_w is not None:
        options.true_w = list(itertools.chain.from_iterable(options.true_w))
    if options.data is None:
        none_of(OF_A_TABLE, "needs --data")
        if options.no_intercept:
            raise BadInput("--no-intercept needs --data: the synthetic job has an intercept")
    else:
        if options.target is None:
            raise BadInput("--data needs --target, the name of the column to predict")
        none_of(tuple(SYNTHETIC), "belongs to the synthetic job and cannot go with --data")
    if options.without is not None:
        none_of(["features"], "names the columns to predict from: it cannot go with --without")
    if options.weight_decay:
        none_of(["robust"], "cannot go with --weight-decay, with which there are no standard errors")
    if options.validation is None:
        none_of(["patience", "validation_rows"], "needs --validation")
    if (optimizer := options.optimizer) in AT_ONCE:
        needless = [*LITTLE_BY_LITTLE, "num_epochs"] if optimizer == "lstsq" else LITTLE_BY_LITTLE
        none_of(needless, f"cannot go with --optimizer {optimizer}, which takes all rows in one step")
        none_of(["explain"], f"shows a step on a minibatch and cannot go with --optimizer {optimizer}")
    if options.resume is not None:
        none_of(["save"], "cannot go with --resume, which saves to the folder that it names")
    elif options.save is None:
        none_of(["save_every"], "needs --save")
    if options.explain is options.plot is options.report is None:
        none_of(["lang"], "needs --explain, --plot or --report")
    if options.explain is None:
        return options
    none_of(
        ["plot", "report", "robust", "save", "resume"],
        "cannot go with --explain, which shows the first step instead of training",
    )
    if options.backend != "minigrad":
        raise BadInput(f"--explain looks inside minigrad and cannot go with --backend {options.backend}")
    if options.explain and not options.explain.endswith((".html", ".svg")):
        raise BadInput(f"--explain writes FILE.html or FILE.svg, and {options.explain!r} ends with neither")
    return options


def resumes(argv: Sequence[str]) -> str | None:
    """The folder of the run that the options in `argv` go on with, if they do; these are checked one by one only."""
    path: str | None = _parsed(argv).resume
    return path


def _parsed(argv: Sequence[str], parser: argparse.ArgumentParser | None = None) -> argparse.Namespace:
    defaults = None if parser is None else _parser().parse_args([])
    return (parser or _parser()).parse_args(guarded(argv), defaults)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="linreg",
        usage="linreg [COMMAND] [options]",
        description=_overview(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit status: 0 done, 1 training diverged, 2 wrong usage or bad input, "
        "3 another process of the run ended.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--version", action="store_true", help="print the version and exit")
    add("--backend", choices=("minigrad", "torch"), default="minigrad", help="default %(default)s")
    add_running(parser)
    add_training(parser)
    _add_keeping(parser)
    _add_sharing(parser)
    _add_looking(parser)
    add_data(parser)
    return parser


def _overview() -> str:
    commands = "".join(f"  {word:<10}{what}\n" for word, what in COMMANDS.items())
    return (
        "Linear regression from scratch, by minibatch SGD or otherwise: on synthetic\n"
        "data with known coefficients, or on a table.\n\n"
        f"commands:\n{commands}\n"
        "`linreg COMMAND --help` shows a command's options. Without a word it is fit,\n"
        "whose options follow."
    )


def add_running(parser: argparse.ArgumentParser) -> None:
    """The options of every training: how long, from where, and what is printed."""
    add = parser.add_argument
    add(
        "--num-epochs",
        type=whole(1),
        help="passes over the data (default 3; with --data as many as make 300 steps, at least 3; "
        f"with --until at most {MOST_EPOCHS}); of more than 20 the first and every twentieth of the run print a line",
    )
    add(
        "--batch-size",
        type=whole(1),
        help=f"examples per step (default {BATCH_SIZE}, with --explain {EXPLAINED_ROWS}; "
        "with --data at most the number of rows)",
    )
    add(
        "--init-std",
        type=not_negative,
        help=f"standard deviation of w before training (default {INIT_STD}; 0 with newton and lstsq, whose answer it "
        "would be part of where that is not unique)",
    )
    add("--seed", type=whole(0, 2**64 - 1), help="for data, start and order (default: a new one)")
    add("--dtype", choices=("float32", "float64"), default="float32", help="default %(default)s")
    add("--device", default="cpu", help="cpu, or with torch also cuda (default %(default)s)")
    add("--json", action="store_true", help="print one JSON object, with every epoch's loss, and nothing else")
    add(
        "--quiet",
        action="store_true",
        help="no lines and no progress while it trains: only what it found, and warnings",
    )


def add_training(parser: argparse.ArgumentParser) -> None:
    """The options that say how to train."""
    training = parser.add_argument_group("ways to train")
    add = training.add_argument
    add(
        "--optimizer",
        choices=OPTIMIZERS,
        default="sgd",
        help="the document's minibatch SGD, the same with momentum, Adam, one Newton step from exact second "
        "derivatives, or NumPy's least squares (default %(default)s)",
    )
    add("--lr", type=positive, help="learning rate (default 0.03, with momentum 0.003)")
    add(
        "--weight-decay",
        type=decay,
        default=0.0,
        metavar="L",
        help="ridge regression: adds L/2 times the squared coefficients (a table's in standard units) to the mean loss",
    )
    add(
        "--validation",
        type=fraction,
        metavar="FRACTION",
        help="hold out this part of the rows, print their loss, and keep the parameters with which it was lowest",
    )
    add(
        "--validation-rows",
        choices=HELD_OUT,
        help="which rows these are: drawn at random (the default), or the table's last, as where its rows follow each "
        "other in time",
    )
    add(
        "--patience",
        type=whole(1),
        metavar="N",
        help=f"stop when the validation loss has not fallen for N epochs (default {PATIENCE})",
    )
    add(
        "--until",
        type=not_negative,
        metavar="TOL",
        help="stop when an epoch lowers the loss by no more than TOL of itself, as 1e-6",
    )
    add("--no-intercept", action="store_true", help="the line passes through the origin: columns are not centred")


def _add_keeping(parser: argparse.ArgumentParser) -> None:
    keeping = parser.add_argument_group("keep a run, and go on with it")
    add = keeping.add_argument
    add(
        "--save",
        type=folder,
        metavar="DIR",
        help="save the run to this folder while it trains: linreg predict DIR and linreg show DIR use it, and after "
        "whatever ends the run --resume DIR goes on with it",
    )
    add("--save-every", type=whole(1), metavar="STEPS", help="save after so many steps (default: after each epoch)")
    add(
        "--resume",
        type=folder,
        metavar="DIR",
        help="go on with the run saved there, with its data and options, as if it had never stopped; --num-epochs may "
        "be raised",
    )


def _add_sharing(parser: argparse.ArgumentParser) -> None:
    sharing = parser.add_argument_group(
        "several processes",
        "torchrun --nproc-per-node N -m linreg fit ... shares the rows of each batch among N processes, by "
        "torch.distributed: the same run, but for rounding.",
    )
    sharing.add_argument(
        "--timeout",
        type=seconds,
        metavar="SECONDS",
        help=f"how long a process waits for the others before it takes them for lost (default {TIMEOUT:g})",
    )


def _add_looking(parser: argparse.ArgumentParser) -> None:
    looking = parser.add_argument_group("look at it")
    add = looking.add_argument
    add(
        "--plot",
        type=ending_with(".png", ".svg", ".pdf"),
        metavar="FILE",
        help="draw the data with the fit, the residuals, the loss of each step, and the path of the parameters over "
        "the loss surface: a picture in FILE.png, FILE.svg or FILE.pdf",
    )
    add(
        "--report",
        type=ending_with(".html"),
        metavar="FILE.html",
        help="write one page with these pictures, standard errors, R², checks of the residuals, timings and options",
    )
    add(
        "--explain",
        nargs="?",
        const="",
        metavar="FILE",
        help="show the first training step instead of training: every number and rule of its backward pass, in the "
        "terminal, as a page to step through (FILE.html) or as a picture (FILE.svg); with --json, as data",
    )
    add(
        "--robust",
        action="store_true",
        default=None,
        help="standard errors, tests and intervals of a table's coefficients that hold where the residuals' spread "
        "depends on the features, too (HC3); those of predictions stay as they are",
    )
    add("--lang", choices=("en", "zh"), help="the language of pictures and pages (default en)")


def add_data(parser: argparse.ArgumentParser) -> None:
    """The options that say what to train on."""
    synthetic = parser.add_argument_group("synthetic data: y = X w + b + noise")
    add = synthetic.add_argument
    add(
        "--true-w",
        type=numbers,
        nargs="+",
        metavar="W",
        help="coefficients, by commas or spaces (default 2,-3.4)",
    )
    add("--true-b", type=any_number, help="intercept (default 4.2)")
    add("--num-examples", type=whole(1), help="rows to generate (default 1000)")
    add("--noise", type=not_negative, help="the noise's standard deviation (default 0.01)")

    table = parser.add_argument_group("a real table")
    add = table.add_argument
    add(
        "--data",
        metavar="FILE",
        help="a table in CSV, TSV, Parquet, NPY or NPZ, or - for the standard input; columns are standardised",
    )
    add("--target", type=str.strip, metavar="NAME", help="the column to predict")
    add(
        "--features",
        action="extend",
        type=names,
        metavar="A,B",
        help="the columns to predict it from (default: all others)",
    )
    add(
        "--without",
        action="extend",
        type=names,
        metavar="A,B",
        help="all columns are features but these, the target and the weights",
    )
    add(
        "--weights",
        type=str.strip,
        metavar="NAME",
        help="the column of the rows' weights: each row's loss is multiplied by its own, over their mean, and a "
        "row with the weight 0 is left out",
    )
    add(
        "--categories",
        action="extend",
        type=names,
        metavar="A,B",
        help="features that are words, each of which but the first becomes a column of zeros and ones",
    )
    add(
        "--missing",
        choices=MISSING,
        help="where a value is missing (an empty cell, NA, N/A, NaN, null): refuse the table, drop the row, or put the "
        "mean of the rows trained on (default refuse)",
    )
    add(
        "--na",
        action="extend",
        type=names,
        metavar="WORDS",
        help="more words, or numbers, between commas that mean a missing value, as ?,none,-999; in small letters or "
        "capitals",
    )
    add(
        "--no-header",
        action="store_true",
        default=None,
        help="the first line of a CSV or TSV file is a row; the columns are called x0, x1, ... by their places, as an "
        "array's are",
    )
    add(
        "--format",
        choices=FORMATS,
        help="what the file is, where its name and its first bytes do not tell; csv2 is CSV with semicolons and "
        "decimal commas",
    )
    add(
        "--buffer",
        type=whole(1),
        metavar="ROWS",
        help="rows in memory at once; a longer table is read in pieces (default: as many as hold 4 million numbers)",
    )
