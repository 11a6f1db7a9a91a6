"""A table made ready to train on, and another made ready to be predicted."""

import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from linreg.errors import BadInput
from linreg.examples import Examples, InMemory
from linreg.outcome import MOST_SHOWN, Counts, Sample
from linreg.robust import scores_of
from linreg.scaling import Scaling
from linreg.settings import USUAL, Reading
from linreg.tables.encoding import Choice, Codes, Encoding
from linreg.tables.opening import opened_source
from linreg.tables.source import Block, NotNumbers, Source, Span
from linreg.tables.split import Split
from linreg.tables.spool import Spool
from linreg.tables.streamed import Read, Streamed
from linreg.tables.survey import Survey, Surveyor
from linreg.tables.suspicions import suspicions
from linreg.triangle import Array, Triangle

BUFFER = 1 << 22  # numbers in the shuffle buffer
SLAB = 1 << 18  # numbers looked at together: sums do not depend on how a source cuts its rows
PIECES = 16  # of a buffer, where a source is free to choose


@dataclass(frozen=True)
class Loaded:
    """A table's rows in standard units, those held out apart, with what leads back to the columns' own.

    `triangle` holds all rows trained on, `held_triangle` those held out; `shown` is at most 2,000 of the rows trained
    on, as in Outcome.
    `fingerprint` is the same for the same rows of the same columns in whatever format, and for no others. `scores` are
    those of `linreg.robust`, where they are asked for. `warnings` are lines for people on what of the table may not be
    meant so.
    """

    examples: Examples
    held_out: Examples | None
    encoding: Encoding
    triangle: Triangle
    held_triangle: Triangle
    shown: Sample
    counts: Counts
    fingerprint: str
    scores: Array | None = None
    warnings: tuple[str, ...] = ()

    @property
    def scaling(self) -> Scaling:
        """The way back to the columns' own units."""
        return self.encoding.scaling

    @property
    def names(self) -> tuple[str, ...]:
        """The coefficients' names."""
        return self.encoding.names


def load(
    data: str | Source,
    target: str,
    features: Sequence[str] | None = None,
    reading: Reading = USUAL,
    *,
    validation: float = 0.0,
    validation_rows: str = "random",
    fit_intercept: bool = True,
    seed: int = 0,
    dtype: str = "float32",
    device: str = "cpu",
    torch: ModuleType,
    robust: bool = False,
) -> Loaded:
    """Read a table once, and make its rows ready to train on; BadInput, in one line, for what cannot be.

    `data` is a file's name, `-` for the standard input, or a Source; `features` are all other columns without it,
    but `reading.without`. Of these, `reading.categories` become one-hot columns. Rows that lack a value are refused,
    dropped, or filled with the training rows' mean; those without target or weight are never filled. A part
    `validation` of the rows is held out: the same for the same seed, or with `validation_rows="last"` the last of those
    that are used. A table of at most `reading.buffer` rows is held in memory; of a longer one no more than that is, and
    it is shuffled in this buffer. `robust` takes one more pass over the rows.
    """
    source = (
        opened_source(data, reading.format, header=reading.header, na=reading.na) if isinstance(data, str) else data
    )
    choice = Choice.of(source, target, features, reading.categories, reading.without, reading.weights)
    codes = Codes(choice, source.name)
    width = len(choice.columns)
    held_rows = reading.buffer or max(BUFFER // width, 1)
    piece = max(held_rows // PIECES, 1)
    spool = None
    if (pieces := source.pieces(piece)) is None:
        spool = Spool(width, held_rows, source.name)
    weighted = choice.weights is not None
    last = validation_rows == "last"
    split = Split(
        seed,
        bound=validation if validation and not last else -1.0,
        missing=reading.missing,
        target=len(choice.numbers) - 1,
        weighted=weighted,
        last=sys.maxsize if validation and last else None,  # until it is known how many rows are used
    )
    bounds = [stop for _, stop in _spans(pieces)]

    def surveyed(split: Split, blocks: Iterable[tuple[int, Array]], keep: Spool | None) -> Surveyor:
        surveyor = Surveyor(source.name, choice, split, fit_intercept)
        for slab in _slabs((coded for _, coded in blocks), max(SLAB // width, 1)):
            if keep is not None:
                keep.add(slab)
            rows = np.arange(surveyor.rows, surveyor.rows + len(slab))
            surveyor.see(slab, rows // piece if pieces is None else np.searchsorted(bounds, rows, side="right"))
        return surveyor

    surveyor = surveyed(split, codes.blocks(source), spool)
    read: Read = partial(codes.blocks, source) if spool is None else spool.read
    spans = _spans(pieces if spool is None else spool.pieces(piece))
    if surveyor.rows != (said := sum(stop - start for start, stop in spans)):
        raise BadInput(f"{source.name} has {surveyor.rows} rows, but says it has {said}")
    if split.bound >= 0 and surveyor.least <= surveyor.greatest:
        # With few rows chance may hold out none, or all: then one.
        bound = min(max(validation, surveyor.least), np.nextafter(surveyor.greatest, 0))
        if bound != validation:
            split = replace(split, bound=float(bound))
            surveyor = surveyed(split, read(spans), None)
    used = sum(surveyor.counts[False].values())
    if split.last is not None and used > 1:
        count = min(max(round(validation * used), 1), used - 1)
        split = replace(split, last=_last(count, surveyor.counts[False], spans, read, split))
        surveyor = surveyed(split, read(spans), None)
    survey = surveyor.result(codes)
    survey = replace(survey, encoding=replace(survey.encoding, header=reading.header, na=reading.na))

    def trained() -> Iterator[tuple[Any, Array, Array]]:
        first = 0
        for slab in _slabs((coded for _, coded in read(spans)), max(SLAB // width, 1)):
            mine = survey.split.used(slab) & ~survey.split.held(first, len(slab))
            yield first + np.flatnonzero(mine), *survey.standard(slab[mine])
            first += len(slab)

    size = len(survey.encoding.columns)
    most = reading.buffer or max(BUFFER // (size + 1), 1)
    make: Any = _in_memory if survey.rows <= most else partial(Streamed, buffer=most, seed=seed)
    make = partial(make, survey, spans, read, dtype=dtype, device=device, torch=torch)
    every = -(-len(survey.sample) // MOST_SHOWN)
    shown, numbers = survey.recoded(survey.sample[::every]), survey.sample_rows[::every].copy()
    roots = np.sqrt(shown[:, -1] / survey.mean_weights[False]) if weighted else None
    return Loaded(
        examples=make(held=False),
        held_out=make(held=True) if survey.held_out.rows else None,
        encoding=survey.encoding,
        triangle=survey.trained,
        held_triangle=survey.held_out,
        shown=(survey.encoding.columns_of(shown), shown[:, split.target].copy(), numbers, roots),
        counts=Counts(
            read=survey.rows,
            trained=survey.trained.rows,
            held_out=survey.held_out.rows,
            dropped=survey.dropped,
            missing=survey.missing,
            policy=reading.missing,
            weightless=survey.weightless,
        ),
        fingerprint=survey.fingerprint,
        scores=scores_of(trained(), survey.trained, source.name, fit_intercept) if robust else None,
        warnings=tuple(suspicions(source, codes, survey, fit_intercept)),
    )


def rows_to_predict(data: str | Source, encoding: Encoding, format: str | None = None) -> Iterator[tuple[Any, Array]]:
    """The rows of a table as a model with this encoding takes them: their numbers (m,), from 0, and features (m, d).

    The features are in standard units; the table needs no target. BadInput as in training, and for levels that training
    has not seen.
    """
    source = opened_source(data, format, header=encoding.header, na=encoding.na) if isinstance(data, str) else data
    for block, places, X in encoded_blocks(source, encoding):
        yield block.first + places, X


def encoded_blocks(source: Source, encoding: Encoding, also: Sequence[str] = ()) -> Iterator[tuple[Block, Any, Array]]:
    """As `rows_to_predict`, block by block: the block, the places (m,) in it of rows to predict, and their features.

    The block's numbers end with those of the columns `also`.
    """
    choice = encoding.for_prediction
    Choice.of(source, None, choice.features, choice.categories)
    try:
        for block in source.blocks((*choice.numbers, *also), choice.categories):
            features = Block(block.first, block.numbers[:, : len(choice.numbers)], block.texts)
            yield block, *encoding.encode(features, source.name)
    except NotNumbers as error:
        raise BadInput(f"{error}; --na words for a missing value" if error.words else str(error)) from error


def _slabs(blocks: Iterable[Array], rows: int) -> Iterator[Array]:
    """The same rows in blocks of `rows` rows, the last one of what is left."""
    waiting, count = list[Array](), 0
    for block in blocks:
        while len(block):
            part, block = block[: rows - count], block[rows - count :]
            waiting.append(part)
            count += len(part)
            if count == rows:
                yield np.concatenate(waiting)
                waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting)


def _spans(pieces: Sequence[int] | None) -> list[Span]:
    ends = np.cumsum([0, *(pieces or [])]).tolist()
    return [(start, stop) for start, stop in itertools.pairwise(ends) if stop > start]


def _last(count: int, counts: dict[int, int], spans: Sequence[Span], read: Read, split: Split) -> int:
    """The number of the row with which the last `count` rows begin that are used; `counts` has them by piece."""
    for piece in sorted(counts, reverse=True):
        if count <= counts[piece]:
            break
        count -= counts[piece]
    rows = [first + np.flatnonzero(split.used(coded)) for first, coded in read([spans[piece]])]
    return int(np.concatenate(rows)[-count])


def _in_memory(
    survey: Survey, pieces: Sequence[Span], read: Read, *, dtype: str, device: str, torch: ModuleType, held: bool
) -> InMemory:
    parts = []
    for first, coded in read(pieces):
        mine = survey.split.used(coded) & (survey.split.held(first, len(coded)) == held)
        parts.append(survey.standard(coded[mine], dtype, held=held))
    X, y = (torch.from_numpy(np.concatenate(part)).to(device) for part in zip(*parts, strict=True))
    return InMemory(X, y, torch, weighted=survey.split.weighted)
