"""What a run is told: its options under one name each, and what stands where none was given."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

# The ways to train. The last two see all the rows at once and need no learning rate.
LEARNING_RATES: dict[str, float | None] = {"sgd": 0.03, "momentum": 0.003, "adam": 0.03, "newton": None, "lstsq": None}
OPTIMIZERS = tuple(LEARNING_RATES)
AT_ONCE = ("newton", "lstsq")
MOMENTUM = 0.9

PATIENCE = 5  # epochs
DOCUMENT_EPOCHS, DOCUMENT_STEPS = 3, 300
MOST_EPOCHS = 10_000  # of a run that ends when its loss stands still
MOST_DECAY = 1e20  # of the weights, which are 0 long before; its squares are still numbers in float32

MISSING = ("refuse", "drop", "mean")  # what to do where a value is missing
HELD_OUT = ("random", "last")  # which rows of a table are, where some are
FORMATS = ("csv", "csv2", "tsv", "parquet", "npy", "npz")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a table is read: which columns are categories, what is done where a value is missing, and in what memory.

    `without` are columns that are no features, where these are all others than the target. Of a file, `header` says
    whether the first line of text names the columns, which are x0, x1, … without it; `na` are words that mean a missing
    value, beside the usual ones; `format` is one of FORMATS where the file does not tell. `buffer` is the rows that are
    in memory at once (None: those of 4 million numbers). `weights` is the column of the rows' weights, if there is one.
    """

    categories: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    header: bool = True
    na: tuple[str, ...] = ()
    missing: str = "refuse"
    format: str | None = None
    buffer: int | None = None
    weights: str | None = None


USUAL = Reading()


@dataclass(frozen=True)
class Synthetic:
    """The document's data set, by the coefficients that it is made from."""

    true_w: Sequence[float]
    true_b: float
    num_examples: int
    noise: float


@dataclass(frozen=True)
class Table:
    """A table by its file's name, the column to predict, and those to predict it from, without which all others.

    `robust` asks for standard errors that hold where the residuals' spread depends on the features, too.
    """

    path: str
    target: str
    features: Sequence[str] | None = None
    reading: Reading = USUAL
    robust: bool = False


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train: hyper-parameters, and when to end.

    `weight_decay` λ adds λ/2 |w|² to the mean loss. Training stops when the loss of the rows held out has not fallen
    for `patience` epochs (None: it never does), or when the training loss falls by no more than `until` of itself.
    """

    lr: float | None = 0.03
    num_epochs: int = DOCUMENT_EPOCHS
    batch_size: int = 10
    optimizer: str = "sgd"
    weight_decay: float = 0.0
    patience: int | None = None
    until: float | None = None


@dataclass(frozen=True, kw_only=True)
class Settings(Recipe):
    """What every job needs: a recipe (`num_epochs` 0: the job chooses), where to start, and where to run.

    `validation` is the fraction of rows held out, and `validation_rows` says which of a table's these are, as one of
    HELD_OUT; `fit_intercept` says whether b is trained or stays 0.
    """

    init_std: float
    seed: int
    dtype: str
    backend: str
    device: str
    validation: float = 0.0
    validation_rows: str = "random"
    fit_intercept: bool = True

    def for_rows(self, rows: int, usual_epochs: int) -> Self:
        """The same with what is left to the job decided: `usual_epochs`, unless the way to train says otherwise."""
        if self.optimizer in AT_ONCE:
            return replace(self, num_epochs=self.num_epochs or 1, batch_size=rows)
        return replace(self, num_epochs=self.num_epochs or (usual_epochs if self.until is None else MOST_EPOCHS))

    def for_table(self, rows: int) -> Self:
        """The same for a table of so many rows: left to choose, enough epochs for as many steps as the document's."""
        settings = replace(self, batch_size=min(self.batch_size, rows))
        enough = math.ceil(DOCUMENT_STEPS / math.ceil(rows / settings.batch_size))
        return settings.for_rows(rows, max(DOCUMENT_EPOCHS, enough))
