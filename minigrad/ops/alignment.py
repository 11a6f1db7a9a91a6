"""Connectionist temporal classification: minus the logarithm of the probability of labels, aligned in any way.

Between labels there may be blanks, and each may last for several steps of time. All alignments are added up step by
step, forward in time; and backward, which is the same of sequences that are turned around.
Source: Graves et al., Connectionist Temporal Classification, 2006, equations 5 to 16; the gradient is torch's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .convert import invalid_combination
from .options import lengths as ints
from .rounding import underived
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Numbers = tuple[int, ...]


def _with_blanks(b: Array, counts: Numbers, blank: int) -> Array:
    """The labels of each example, with blanks before, between and after them: (N, 2 * most labels + 1)."""
    most = max(counts, default=0)
    given = np.arange(most) < np.array(counts)[:, np.newaxis]
    labels = np.full((len(counts), 2 * most + 1), blank)
    labels[:, 1::2][given] = b if b.ndim == 1 else b[:, :most][given]
    return labels


def _later(x: Array, by: int) -> Array:
    """What stands so many places before."""
    found = np.full_like(x, -np.inf)
    found[:, by:] = x[:, :-by]
    return found


def _sums(said: Array, labels: Array, counts: Numbers) -> Array:
    """For each step and place, the logarithm of the sum over all ways that lead there (T, N, places)."""
    beyond = np.arange(labels.shape[1]) > 2 * np.array(counts)[:, np.newaxis]
    may_skip = np.zeros(labels.shape, bool)
    may_skip[:, 2:] = labels[:, 2:] != labels[:, :-2]
    found = np.full_like(said, -np.inf)
    found[0, :, :2] = said[0, :, :2]
    found[0][beyond] = -np.inf
    for t in range(1, len(said)):
        before = found[t - 1]
        ways = np.stack([before, _later(before, 1), np.where(may_skip, _later(before, 2), -np.inf)])
        most = ways.max(axis=0)
        most[most == -np.inf] = 0
        found[t] = np.log(np.exp(ways - most).sum(axis=0)) + most + said[t]
        found[t][beyond] = -np.inf
    return found


def _loss_of(sums: Array, lengths: Numbers, counts: Numbers) -> Array:
    which, last, end = np.arange(len(counts)), np.array(lengths, int) - 1, 2 * np.array(counts, int)
    ends = np.stack([sums[last, which, end], np.where(end > 0, sums[last, which, end - 1], -np.inf)])
    most = ends.max(axis=0)
    most[most == -np.inf] = 0
    found = -(np.log(np.exp(ends - most).sum(axis=0)) + most)
    return np.where(last < 0, np.where(end > 0, np.inf, -0.0), found).astype(sums.dtype)


def _said(a: Array, labels: Array) -> Array:
    wrong = labels[(labels < 0) | (labels >= a.shape[2])]
    if wrong.size:
        raise IndexError(f"ctc_loss(): label {wrong[0]} is out of range\n  There are {a.shape[2]}, from 0 on.")
    return np.take_along_axis(a, np.broadcast_to(labels, (len(a), *labels.shape)), 2)


def _losses(a: Array, b: Array, lengths: Numbers, counts: Numbers, blank: int, no_infinity: bool) -> Array:
    labels = _with_blanks(b, counts, blank)
    return _loss_of(_sums(_said(a, labels), labels, counts), lengths, counts)


def _flow(g: Array, a: Array, b: Array, lengths: Numbers, counts: Numbers, blank: int, no_infinity: bool) -> Array:
    """What the probabilities are too large by, next to those that the labels lead to."""
    labels = _with_blanks(b, counts, blank)
    said, which = _said(a, labels), np.arange(len(counts))
    forward = _sums(said, labels, counts)
    loss = _loss_of(forward, lengths, counts)
    steps = np.arange(len(a))[:, np.newaxis]
    over = steps >= np.array(lengths)
    times = np.maximum(np.array(lengths) - 1 - steps, 0)[..., np.newaxis]
    places = np.maximum(2 * np.array(counts)[:, np.newaxis] - np.arange(labels.shape[1]), 0)
    turned = (times, which[:, np.newaxis], places)
    backward = _sums(said[turned], labels[which[:, np.newaxis], places], counts)[turned]
    passing = np.exp(forward + backward - said + loss[:, np.newaxis])
    passing[np.isneginf(forward) & (loss != np.inf)[:, np.newaxis]] = 0
    found = np.exp(a)
    np.subtract.at(found, (steps[..., np.newaxis], which[:, np.newaxis], labels), passing)
    found[:, loss == np.inf] = 0 if no_infinity else np.nan
    found *= g[:, np.newaxis]
    found[over | (no_infinity & (loss == np.inf))] = 0
    return found


# As in torch there is no second derivative, and so it is not in the table.
flow = Op(
    "CtcLossBackwardBackward0",
    _flow,
    {"a": underived("_ctc_loss_backward"), "b": underived("_ctc_loss_backward"), "c": None},
    "",
    False,
)
losses: Op = op(
    "CtcLossBackward0",
    _losses,
    a=lambda g, a, b, lengths, counts, blank, no_infinity: flow(g, a, b, lengths, counts, blank, no_infinity),
    b=None,
)

# What is asked of the arguments

_FORMS = (
    "(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, int blank = 0, int reduction, "
    "bool zero_infinity = False)",
    "(Tensor log_probs, Tensor targets, tuple of ints input_lengths, tuple of ints target_lengths, int blank = 0, int "
    "reduction, bool zero_infinity = False)",
)
_CHECKING = "(while checking arguments for ctc_loss_allocate_outputs)"


def ctc_losses(
    log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: Any, zero_infinity: Any
) -> tuple[Tensor, Numbers]:
    """The losses of examples (N,), and how many labels each has; torch's errors for what does not go together."""
    given = (input_lengths, target_lengths)
    alike = any(all(isinstance(x, kind) for x in given) for kind in (Tensor, (tuple, list)))
    tensors = isinstance(log_probs, Tensor) and isinstance(targets, Tensor)
    flags = isinstance(blank, int) and isinstance(zero_infinity, bool)
    if not (alike and tensors and flags):
        args = (log_probs, targets, *given, blank, 0, zero_infinity)
        raise invalid_combination("ctc_loss", args, {}, *_FORMS)
    lengths, counts = (_numbers(*one) for one in zip(("input_lengths", "target_lengths"), given, strict=True))
    messages.check_floats(log_probs, "ctc_loss_cpu", "fd")
    a = log_probs if log_probs.ndim == 3 else log_probs.unsqueeze(1)
    _check(a._array, targets._array, lengths, counts, blank)
    b = targets if targets.dtype.kind == dtypes.INTEGER else targets.detach().long()
    return losses.call(a, b, lengths, counts, blank, zero_infinity), counts


def _numbers(name: str, value: Any) -> Numbers:
    if not isinstance(value, Tensor):
        return tuple(ints("ctc_loss", name, (value,), value))
    if value._array.dtype.kind not in "iu":
        raise RuntimeError(f"{name} must be integral")
    return tuple(int(n) for n in value._array.reshape(-1))


def _check(a: Array, b: Array, lengths: Numbers, counts: Numbers, blank: int) -> None:
    if not a.size:
        raise RuntimeError("log_probs tensor must not be empty")
    if a.ndim != 3:
        raise RuntimeError(
            f"Expected 3-dimensional tensor, but got {a.ndim}-dimensional tensor for argument #1 'log_probs' "
            f"{_CHECKING}"
        )
    if b.ndim not in (1, 2):
        raise RuntimeError(
            f"Expected 1 to 2 dimensions, but got {b.ndim}-dimensional tensor for argument #2 'targets' {_CHECKING}"
        )
    steps, examples, classes = a.shape
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    for name, numbers in (("input_lengths", lengths), ("target_lengths", counts)):
        if len(numbers) != examples:
            raise RuntimeError(f"{name} must be of size batch_size")
    if min(counts) < 0:
        negative = next(n for n in counts if n < 0)
        raise RuntimeError(f"Expected target_lengths to have value at least 0, but got value {negative} {_CHECKING}")
    wanted = sum(counts) if b.ndim == 1 else examples
    if len(b) != wanted:
        raise RuntimeError(
            f"Expected tensor to have size {wanted} at dimension 0, but got size {len(b)} for argument #2 'targets' "
            f"{_CHECKING}"
        )
    if b.ndim == 2 and b.shape[1] < max(counts):
        raise RuntimeError(
            f"Expected tensor to have size at least {max(counts)} at dimension 1, but got size {b.shape[1]} for "
            f"argument #2 'targets' {_CHECKING}"
        )
    for n in lengths:
        if not 0 <= n <= steps:
            bound = f"at most {steps}" if n > 0 else "at least 0"
            raise RuntimeError(f"Expected input_lengths to have value {bound}, but got value {n} {_CHECKING}")
