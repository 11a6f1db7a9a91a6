"""Sequences of different lengths in one tensor.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
