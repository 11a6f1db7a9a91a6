"""Sequences of different lengths in one tensor.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ...tensor import Tensor, wrap

INTERNAL = True


def pad_sequence(
    sequences: Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Tensors of shape (length, *) in one of shape (longest, n, *), or (n, longest, *), with padding at one side."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    listed = tuple(sequences)
    if not listed:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    longest = max(len(sequence) for sequence in listed)
    first = listed[0]
    lengths = (len(listed), longest) if batch_first else (longest, len(listed))
    padded = wrap(np.full((*lengths, *first.shape[1:]), padding_value, first._array.dtype))
    for i, sequence in enumerate(listed):
        n = len(sequence)
        where = slice(longest - n, longest) if padding_side == "left" else slice(n)
        padded[(i, where) if batch_first else (where, i)].copy_(sequence)
    return padded


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False
) -> list[Tensor]:
    """The sequences that `pad_sequence` put together."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    counts = lengths.tolist() if isinstance(lengths, Tensor) else lengths
    return [row[:n] for row, n in zip(rows, counts, strict=True)]


class PackedSequence(NamedTuple):
    """Sequences of different lengths without padding: all first elements, all second ones, and so on.

    The longest sequence comes first; `sorted_indices` say where each was, if they had to be sorted for that.
    """

    data: Tensor
    batch_sizes: Tensor  # of how many sequences each element is there
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None


def _places(lengths: Sequence[int]) -> tuple[list[int], Tensor, Tensor]:
    """How many sequences go on at each time, and time and sequence of each element of a PackedSequence's data."""
    there = np.arange(max(lengths))[:, None] < np.asarray(lengths)
    times, rows = np.nonzero(there)
    return there.sum(1).tolist(), wrap(times), wrap(rows)


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The sequences in a padded tensor (longest, n, *), or (n, longest, *), packed.

    Raises RuntimeError if the lengths do not fit, or do not fall and `enforce_sorted` is not turned off.
    """
    counts = [int(n) for n in (lengths.tolist() if isinstance(lengths, Tensor) else lengths)]
    x = input.transpose(0, 1) if batch_first else input
    if len(counts) != x.shape[1]:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} (batch_size={x.shape[1]})"
        )
    order = order_back = None
    if not enforce_sorted:
        order = wrap(np.argsort([-n for n in counts], kind="stable"))
        order_back = wrap(np.argsort(order._array, kind="stable"))
        counts, x = [counts[i] for i in order.tolist()], x.index_select(1, order)
    if min(counts) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if counts != sorted(counts, reverse=True):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    sizes, times, rows = _places(counts)
    return PackedSequence(x[times, rows], wrap(np.array(sizes)), order, order_back)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The sequences padded again, to the longest or to `total_length`, and their lengths."""
    sizes = sequence.batch_sizes._array
    longest = len(sizes)
    if total_length is not None and total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
    lengths = (sizes[:, None] > np.arange(sizes[0])).sum(0)
    _, times, rows = _places(lengths.tolist())
    shape = (total_length or longest, int(sizes[0]), *sequence.data.shape[1:])
    padded = wrap(np.full(shape, padding_value, sequence.data._array.dtype))
    padded[times, rows] = sequence.data
    found = wrap(lengths)
    if sequence.unsorted_indices is not None:
        padded, found = padded.index_select(1, sequence.unsorted_indices), found[sequence.unsorted_indices]
    return padded.transpose(0, 1) if batch_first else padded, found


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Tensors of shape (length, *), packed."""
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that `pack_sequence` put together."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
