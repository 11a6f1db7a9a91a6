"""Rows that do not fit in memory, read anew in each epoch and shuffled in a bounded buffer."""

from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from linreg.errors import BadInput
from linreg.model import Tensor
from linreg.tables.source import Span
from linreg.tables.survey import MOST_NUMBERS, Survey
from linreg.triangle import Array, Triangle

Read = Callable[[Sequence[Span]], Iterator[tuple[int, Array]]]  # the coded rows of pieces, each block's first row ahead


class Streamed:
    """Examples read in pieces, in an order drawn anew in each epoch, and shuffled in a buffer of `buffer` rows.

    The order depends on the seed, the epoch and the pieces alone, so that an epoch can be taken up at any batch, and
    only the buffers from there on are read. `held` says whether the rows are those held out.
    """

    def __init__(
        self,
        survey: Survey,
        pieces: Sequence[Span],
        read: Read,
        *,
        buffer: int,
        seed: int,
        dtype: str,
        device: str,
        torch: ModuleType,
        held: bool = False,
    ) -> None:
        self.triangle: Triangle = survey.held_out if held else survey.trained
        self.rows, self.features = self.triangle.rows, len(survey.encoding.columns)
        self._survey, self._read, self._held = survey, read, held
        self._pieces = [(piece, survey.counts[held][i]) for i, piece in enumerate(pieces) if i in survey.counts[held]]
        self._buffer, self._seed, self._dtype, self._device, self._torch = buffer, seed, dtype, device, torch

    def batches(self, batch_size: int, epoch: int, skip: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch's minibatches, features and labels (n, 1), in random order, from number `skip` on."""
        if skip * batch_size >= self.rows:
            return
        number, within = divmod(skip * batch_size, self._buffer)
        rest: list[tuple[Tensor, Tensor]] = []  # rows of the buffer before, too few for a batch
        lacking = batch_size
        for X, y in self._buffers(epoch, number):
            start, within = within, 0
            if rest:
                rest.append((X[:lacking], y[:lacking]))
                lacking -= len(rest[-1][0])
                if lacking:
                    continue
                yield self._joined(rest)
                start, rest = len(rest[-1][0]), []
            for at in range(start, len(X) - batch_size + 1, batch_size):
                yield X[at : at + batch_size], y[at : at + batch_size]
            left = (len(X) - start) % batch_size
            lacking = batch_size - left
            if left:
                rest = [(X[-left:], y[-left:])]
        if rest:
            yield self._joined(rest)

    def mean_loss(self, w: Tensor, b: Tensor) -> float:
        """The mean over all rows of `squared_loss`, from their triangle."""
        values = w.detach().reshape(-1).cpu().numpy().astype(np.float64)
        return self.triangle.mean_loss(values, float(b.detach()))

    def at_once(self) -> tuple[Tensor, Tensor, Tensor]:
        """Fewer rows, with the same sums of squares and products as all of them."""
        X, ones, y = (part.reshape(len(part), -1) for part in self.triangle.split())
        X, ones, y = (self._tensor(np.ascontiguousarray(part, dtype=self._dtype)) for part in (X, ones, y))
        return X, ones, y

    def sample(self) -> Array:
        """The features of at most 100,000 rows, evenly spaced."""
        survey = self._survey
        rows = survey.sample
        return survey.standard(rows[:: -(-len(rows) * self.features // MOST_NUMBERS)])[0]

    def _buffers(self, epoch: int, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch's buffers, shuffled, from number `number` on, each full but the last."""
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._pieces))
        ends = np.cumsum([self._pieces[i][1] for i in order])
        begin = int(np.searchsorted(ends, number * self._buffer, side="right"))
        past = number * self._buffer - (int(ends[begin - 1]) if begin else 0)
        blocks = self._standard([self._pieces[i][0] for i in order[begin:]])
        X, y = next(blocks)
        while past >= len(X):
            past -= len(X)
            X, y = next(blocks)
        X, y = X[past:], y[past:]
        for start in range(number * self._buffer, self.rows, self._buffer):
            size = min(self._buffer, self.rows - start)
            into = np.random.default_rng((self._seed, epoch, number)).permutation(size)
            number += 1
            full_X, full_y = np.empty((size, X.shape[1]), self._dtype), np.empty((size, 1), self._dtype)
            filled = 0
            while filled < size:
                if not len(X):
                    X, y = next(blocks)
                    continue
                places = into[filled : filled + len(X)]
                _whole(full_X)[places], _whole(full_y)[places] = _whole(X[: len(places)]), _whole(y[: len(places)])
                X, y = X[len(places) :], y[len(places) :]
                filled += len(places)
            yield self._tensor(full_X), self._tensor(full_y)

    def _standard(self, pieces: Sequence[Span]) -> Iterator[tuple[Array, Array]]:
        survey = self._survey
        for first, coded in self._read(pieces):
            mine = survey.split.used(coded) & (survey.split.held(first, len(coded)) == self._held)
            yield survey.standard(coded if mine.all() else coded[mine], self._dtype, held=self._held)
        raise BadInput("the table has fewer rows than when it was first read: it was changed meanwhile")

    def _joined(self, parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        X, y = (self._torch.cat(list(part), dim=0) for part in zip(*parts, strict=True))
        return X, y

    def _tensor(self, array: Any) -> Tensor:
        return self._torch.from_numpy(array).to(self._device)


def _whole(rows: Array) -> Any:
    """Rows (n, d) as n elements, which NumPy puts elsewhere three times as fast as rows of numbers."""
    # From a tuple NumPy makes the same type by way of Python code, in which it loses a Ctrl-C.
    return rows.view(f"V{rows.itemsize * rows.shape[1]}")[:, 0]
