"""Collating: many examples into one batch of tensors.

Source: https://docs.pytorch.org/docs/stable/data.html#dataloader-collate-fn
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from copy import copy
from typing import Any

import numpy as np

from ... import dtypes
from ...ops.creation import as_tensor, tensor
from ...ops.shape import stack
from ...tensor import Tensor

INTERNAL = True


def default_collate(batch: Sequence[Any]) -> Any:
    """One batch of many examples: numbers, arrays and tensors become tensors with one dimension more, in front.

    Tuples of examples become a list of batches, dictionaries and named tuples keep their kind; strings stay in a list.
    Raises TypeError for an example of another type, RuntimeError if the examples differ in shape or length.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if isinstance(first, np.ndarray):
        if first.dtype.kind not in "biuf":
            raise TypeError(_unfit(first.dtype))
        return default_collate([as_tensor(array) for array in batch])
    if isinstance(first, (np.bool_, np.number)):
        return as_tensor(np.array(batch))
    if isinstance(first, (bool, int, float)):
        return tensor(batch, dtype=dtypes.float64 if isinstance(first, float) else None)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _with_values(first, lambda key: default_collate([example[key] for example in batch]))
    if isinstance(first, Sequence):
        if any(len(example) != len(first) for example in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return _with_elements(first, [default_collate(column) for column in zip(*batch, strict=True)])
    raise TypeError(_unfit(type(first)))


def default_convert(data: Any) -> Any:
    """`data` with NumPy's arrays and numbers in it as tensors: what is done where no batches are made."""
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return as_tensor(data) if data.dtype.kind in "biuf" else data
    if isinstance(data, Mapping):
        return _with_values(data, lambda key: default_convert(data[key]))
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _with_elements(data, [default_convert(element) for element in data])
    return data


def _unfit(found: Any) -> str:
    return f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {found}"


def _with_values(like: Mapping[Any, Any], value: Callable[[Any], Any]) -> Any:
    """A mapping of the type of `like`, if that can be made, with other values."""
    values = {key: value(key) for key in like}
    try:
        if isinstance(like, MutableMapping):
            other = copy(like)
            other.update(values)
            return other
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _with_elements(like: Sequence[Any], elements: list[Any]) -> Any:
    """A sequence of the type of `like`, if that can be made, with other elements; of a plain tuple, a list."""
    if isinstance(like, tuple):
        return type(like)(*elements) if hasattr(like, "_fields") else elements
    try:
        if isinstance(like, MutableSequence):
            other = copy(like)
            for i, element in enumerate(elements):
                other[i] = element
            return other
        return type(like)(elements)  # type: ignore[call-arg]
    except TypeError:
        return elements
