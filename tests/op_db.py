"""torch's own database of operations (`op_db`, which torch's tests run on), run on minigrad.

    python tests/op_db.py                     all operations that minigrad has, and what they agree on with torch
    python tests/op_db.py addmm einsum        these
    python tests/op_db.py addmm --failures    and each disagreement, with its sample
    python tests/op_db.py --dtype float32 --limit 3

For each operation, dtype and form (the function, its aliases, the method, in place), each sample that the database makes
is converted, called as the database calls torch's function, and compared with torch: the value or the exception's type,
the first derivative, the second. What raises here and not in torch disagrees. A sample that disagrees in its value
counts as disagreeing in its derivatives, too. A form that torch has and minigrad lacks is listed, not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import torch
from op_db_samples import Conversion, Form, LeftOut, forms, left_out, rebuilt
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import OpInfo

import minigrad

DTYPES = ("float32", "float64")
STAGES = ("value", "first", "second")
# As torch.testing.assert_close, with room for the last digits of a product of matrices or a determinant. The absolute
# part is that of a tensor's largest element: what is small beside it is small by cancelling.
TOLERANCE = {"float16": (1e-3, 1e-3), "float32": (1.3e-5, 1e-5), "float64": (1e-7, 1e-7)}

SIGNS_ARE_FREE = (
    "svd",
    "linalg.svd",
    "linalg.eigh",
    "svd_lowrank",
    "pca_lowrank",
)  # of their vectors, values are compared as derivatives are
PLAIN = OpInfo.__dataclass_fields__["gradcheck_wrapper"].default  # calls the operation as it is


# One call, in either library


@dataclass
class Outcome:
    """What came of a call."""

    value: Any = None
    first: list[Any] | None = None
    second: list[Any] | None = None
    error: BaseException | None = None
    stage: str = ""  # in which the error was


def outcome(t: Any, form: Form, sample: Any, info: Any, derivatives: int) -> Outcome:
    """The value of a form on a sample, and so many derivatives, or the exception and the stage that it is of."""
    call = form.theirs if t is torch else form.ours
    process, wrapper = sample.output_process_fn_grad, info.gradcheck_wrapper
    if t is not torch:
        process, wrapper = rebuilt(process), rebuilt(wrapper)
    found = Outcome(stage="value")
    try:
        convert = Conversion(t)
        value = run(t, form, call, convert, sample)
        found.value = process(value) if info.name in SIGNS_ARE_FREE else copied(value, t)
        if not derivatives:
            return found
        found.stage = "first"
        if info.gradcheck_wrapper is not PLAIN:
            convert = Conversion(t)
            value = run(t, form, lambda *args, **kwargs: wrapper(call, *args, **kwargs), convert, sample)
        outputs = [x for x in flat(process(value)) if isinstance(x, t.Tensor) and x.requires_grad]
        if outputs and convert.leaves:
            differentiate(t, found, outputs, convert.leaves, derivatives)
    except LeftOut:
        raise
    except Exception as error:
        found.error = error
    return found


def run(t: Any, form: Form, call: Callable[..., Any], convert: Conversion, sample: Any) -> Any:
    """The form called on a converted sample; in place on a copy of its first input."""
    first, args, kwargs = convert(sample.input), convert(sample.args), convert(sample.kwargs)
    if form.in_place:
        first = first.clone() if isinstance(first, t.Tensor) else first
    t.default_generator.manual_seed(0)
    result = call(first, *args, **kwargs)
    if form.in_place and result is not first:
        raise AssertionError("the result is not the tensor that was changed")
    return result


def differentiate(t: Any, found: Outcome, outputs: list[Any], leaves: list[Any], derivatives: int) -> None:
    rng, grad = np.random.default_rng(0), t.autograd.grad
    upstream = [like(x, rng, t).requires_grad_() for x in outputs]
    twice = derivatives > 1
    first = grad(outputs, leaves, upstream, create_graph=twice, allow_unused=True)
    found.first = list(first)
    again = [g for g in first if g is not None and g.requires_grad]
    if twice and again:
        found.stage = "second"
        weights = [like(g, rng, t) for g in again]
        second = grad(again, leaves + upstream, weights, allow_unused=True)
        found.second = [t.zeros_like(x) if g is None else g for g, x in zip(second, leaves + upstream, strict=True)]


def like(tensor: Any, rng: np.random.Generator, t: Any) -> Any:
    values = rng.normal(size=tuple(tensor.shape))
    return t.from_numpy(np.asarray(values).astype(tensor.detach().numpy(force=True).dtype))


def flat(value: Any) -> Iterator[Any]:
    if isinstance(value, (tuple, list)):
        for v in value:
            yield from flat(v)
    else:
        yield value


def copied(value: Any, t: Any) -> Any:
    """A value as it is now, for what comes after may change it."""
    if isinstance(value, (tuple, list)) and not isinstance(value, (torch.Size, minigrad.Size)):
        return [type(value).__name__, *[copied(v, t) for v in value]]
    return value.detach().clone() if isinstance(value, t.Tensor) and not value.requires_grad else value


# Comparison: "" where two agree, else how they differ


def difference(ours: Any, theirs: Any, rough: float = 1.0) -> str:
    if isinstance(theirs, (list, tuple)) and not isinstance(theirs, torch.Size):
        if not isinstance(ours, (list, tuple)) or len(ours) != len(theirs):
            return f"{kind(ours)} here, {kind(theirs)} in torch"
        return next((text for x, y in zip(ours, theirs, strict=True) if (text := difference(x, y, rough))), "")
    if not isinstance(theirs, torch.Tensor):
        same = str(ours) == str(theirs) if not isinstance(theirs, float) else np.isclose(ours, theirs, equal_nan=True)
        return "" if same else f"{ours} here, {theirs} in torch"
    if not isinstance(ours, minigrad.Tensor):
        return f"{kind(ours)} here, a tensor in torch"
    for name in ("dtype", "shape", "requires_grad"):
        mine, yours = str(getattr(ours, name)), str(getattr(theirs, name))
        if mine != yours:
            return f"{name} {mine} here, {yours} in torch"
    x, y = ours.detach().numpy(), theirs.detach().numpy(force=True)
    if x.dtype.kind != "f":
        return "" if (x == y).all() else f"values {x.tolist()} here, {y.tolist()} in torch"
    rtol, atol = (rough * bound for bound in TOLERANCE[x.dtype.name])
    atol *= max(1.0, float(np.abs(y[np.isfinite(y)]).max(initial=0)))
    if np.allclose(x, y, rtol=rtol, atol=atol, equal_nan=True):
        return ""
    wrong = ~np.isclose(x, y, rtol=rtol, atol=atol, equal_nan=True)
    return f"values {x[wrong][:3].tolist()} here, {y[wrong][:3].tolist()} in torch"


def kind(value: Any) -> str:
    return f"{len(value)} values" if isinstance(value, (list, tuple)) else f"{type(value).__name__}"


def compare(ours: Outcome, theirs: Outcome) -> dict[str, str]:
    """For each stage that torch reached: "" where we agree, else how we differ."""
    reached = STAGES.index(theirs.stage)
    if theirs.error is not None:
        if ours.error is None or type(ours.error).__name__ != type(theirs.error).__name__:
            text = told(ours.error) if ours.error is not None else "no exception"
            return {theirs.stage: f"{text} here, {told(theirs.error)} in torch"}
        return {theirs.stage: ""}
    found: dict[str, str] = {}
    for stage in STAGES[: reached + 1]:
        if getattr(theirs, stage) is None and stage != "value":
            continue
        earlier = next((text for text in found.values() if text), "")
        if earlier:
            found[stage] = earlier
        elif ours.error is not None and STAGES.index(ours.stage) <= STAGES.index(stage):
            found[stage] = f"{told(ours.error)} here"
        elif getattr(ours, stage) is None and stage != "value":
            found[stage] = "no derivative here"
        else:
            rough = 10.0 if stage == "second" else 1.0
            found[stage] = difference(getattr(ours, stage), getattr(theirs, stage), rough)
    if theirs.first is None and ours.error is not None and "value" in found and not found["value"]:
        found["value"] = f"{told(ours.error)} here, after the value"
    return found


def told(error: BaseException) -> str:
    text = (str(error).splitlines() or [""])[0]
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f" ({frame.filename.rpartition('/')[2]}:{frame.lineno})" if frame.filename != __file__ else ""
    return f"{type(error).__name__}: {text[:150]}{place}"


# The run


@dataclass
class Row:
    """What an operation agrees on: of each stage and of errors, (agreeing, all); and where it does not."""

    name: str
    counts: Counter[tuple[str, bool]] = field(default_factory=Counter)
    both: Counter[bool] = field(default_factory=Counter)  # value and first derivative
    failures: dict[str, list[str]] = field(default_factory=dict)  # the samples, by how they differ
    skipped: Counter[str] = field(default_factory=Counter)
    here: bool = False  # whether minigrad has any form of it
    lacking: list[str] = field(default_factory=list)

    def failed(self, how: str, sample: Any) -> None:
        """Note how a sample differs."""
        self.failures.setdefault(how, []).append(sample.summary()[:300])

    def of(self, stage: str) -> tuple[int, int]:
        return self.counts[stage, True], self.counts[stage, True] + self.counts[stage, False]


def quiet() -> Any:
    caught = contextlib.ExitStack()
    caught.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")
    return caught


def check(info: Any, dtypes: tuple[str, ...] = DTYPES, limit: int | None = None, quick: bool = False) -> Row:
    """One operation of the database. `quick`: gradients in float64 only; other forms than the function once only."""
    row = Row(info.full_name)
    found, row.lacking = forms(info)
    row.here = bool(found)
    with quiet():
        for dtype in dtypes if found else ():
            d = getattr(torch, dtype)
            if d not in info.dtypes:
                continue
            differentiable = info.supports_autograd and d in info.backward_dtypes
            derivatives = (
                1 + bool(info.supports_gradgrad) if differentiable and not (quick and dtype != "float64") else 0
            )
            made = info.sample_inputs_func(info, "cpu", d, differentiable)
            for i, sample in enumerate(islice(each_seeded(made), limit)):
                for form in found if i == 0 or not quick else found[:1]:
                    one(row, form, sample, info, derivatives)
        if found and info.error_inputs_func is not None:
            errors(row, found[0], info)
    return row


def each_seeded(samples: Any) -> Iterator[Any]:
    """Each of the samples, drawn from the same seed: `OpInfo.sample_inputs`, without its costly bookkeeping."""
    samples = iter(samples)
    while True:
        torch.default_generator.manual_seed(1234)
        random.seed(1234)
        np.random.seed(1234)
        try:
            sample = next(samples)
        except StopIteration:
            return
        yield sample


def one(row: Row, form: Form, sample: Any, info: Any, derivatives: int) -> None:
    try:
        ours = outcome(minigrad, form, sample, info, derivatives)
    except LeftOut as reason:
        row.skipped[str(reason)] += 1
        return
    agreed = compare(ours, outcome(torch, form, sample, info, derivatives))
    for stage, text in agreed.items():
        row.counts[stage, not text] += 1
    row.both[not agreed.get("value") and not agreed.get("first")] += 1
    failed = next((stage for stage, text in agreed.items() if text), None)
    if failed:
        row.failed(f"{form.name} {failed}: {agreed[failed]}", sample)


def errors(row: Row, form: Form, info: Any) -> None:
    """The database's calls that raise: the same type of exception."""
    for case in each_seeded(info.error_inputs_func(info, "cpu")):
        try:
            ours = outcome(minigrad, form, case.sample_input, info, 0)
            theirs = outcome(torch, form, case.sample_input, info, 0)
        except LeftOut as reason:
            row.skipped[str(reason)] += 1
            continue
        if theirs.error is None:
            row.skipped["torch does not raise"] += 1
            continue
        text = next(iter(compare(ours, theirs).values()))
        row.counts["errors", not text] += 1
        if text:
            row.failed(f"{form.name} errors: {text}", case.sample_input)


@dataclass
class Totals:
    """Shares, in percent, of the samples of several rows."""

    rows: list[Row]

    def share(self, stage: str) -> float:
        good, all_ = (sum(n) for n in zip(*[row.of(stage) for row in self.rows], strict=True))
        return 100.0 * good / max(all_, 1)

    @property
    def both(self) -> float:
        """The share that agrees in the value and the first derivative."""
        good, bad = (sum(row.both[agrees] for row in self.rows) for agrees in (True, False))
        return 100.0 * good / max(good + bad, 1)

    def __str__(self) -> str:
        parts = [f"value and first {self.both:.2f} %"]
        parts += [f"{stage} {self.share(stage):.2f} %" for stage in (*STAGES, "errors")]
        return ", ".join(parts)


def infos(names: tuple[str, ...] = ()) -> list[Any]:
    """The entries of the database, those named if any are, without those left out."""
    chosen = [i for i in op_db if not names or {i.name, i.full_name, i.name.split(".")[-1]} & set(names)]
    return [info for info in chosen if not left_out(info)]


def table(rows: list[Row], failures: bool) -> Iterator[str]:
    yield f"{'':42}" + "".join(f"{stage:>13}" for stage in (*STAGES, "errors"))
    for row in rows:
        if not row.here:
            continue
        cells = "".join(f"{'{}/{}'.format(*row.of(stage)):>13}" for stage in (*STAGES, "errors"))
        yield f"{row.name:42}{cells}" + (f"  lacks {', '.join(row.lacking)}" if row.lacking else "")
        if failures:
            for text, samples in row.failures.items():
                yield f"    {text}"
                yield f"        {len(samples)} x, first {samples[0]}"
    yield ""
    yield "lacking: " + " ".join(row.name for row in rows if not row.here)
    skipped = sum((row.skipped for row in rows), Counter())
    yield "samples left out: " + ", ".join(f"{n} {reason}" for reason, n in skipped.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--failures", action="store_true", help="list each disagreement")
    parser.add_argument("--dtype", choices=DTYPES)
    parser.add_argument("--limit", type=int, help="samples per operation and dtype")
    options = parser.parse_args()
    start = time.perf_counter()
    rows = [
        check(info, (options.dtype,) if options.dtype else DTYPES, options.limit)
        for info in infos(tuple(options.names))
    ]
    print("\n".join(table(rows, options.failures)))
    here = [row for row in rows if row.here]
    print(f"{len(here)} operations in {time.perf_counter() - start:.0f} s: {Totals(here)}")


if __name__ == "__main__":
    main()
