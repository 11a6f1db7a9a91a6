"""Checks of one row of the table of operations in one case; each raises AssertionError with what it found."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from op_cases import Case, Row
from op_table import evaluate

import minigrad

torch.set_warn_always(True)  # so that it repeats its warnings, as Python's can be
EXACT = {"float16": 5e-3, "float32": 3e-5, "float64": 1e-9}  # relative, to the largest value
STALE = "one of the variables needed for gradient computation has been modified by an inplace operation"


class Seen(NamedTuple):
    """What can be seen of a tensor."""

    array: np.ndarray
    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]  # of the dimensions in which there is a step to be made
    requires_grad: bool
    grad_fn: str | None
    is_view: bool


def seen(value: Any, t: Any, layout: bool | None = True, origin: bool = True) -> Any:
    """What can be seen of a value; of no tensor, the value itself.

    layout  whether to look at the strides also of what is no view; None for not at all
    origin  whether to look at where the value comes from
    """
    if not isinstance(value, t.Tensor):
        return value
    array = np.array(value.detach().numpy(force=True))  # torch has zeros without memory, which need force
    shape, is_view = tuple(value.shape), origin and value._is_view()
    name = type(value.grad_fn).__name__ if origin and value.grad_fn is not None else None
    steps = (
        zip(value.stride(), shape, strict=True) if array.size and (layout or (is_view and layout is not None)) else ()
    )
    stride = tuple([s for s, n in steps if n > 1])
    return Seen(array, str(value.dtype), shape, stride, value.requires_grad, name, is_view)


def shared(value: Any, inputs: list[Any], t: Any) -> list[int]:
    """The inputs in whose memory a value lies: a change of it in place is a change of them."""
    if not isinstance(value, t.Tensor):
        return []
    array = value.detach().numpy(force=True)
    return [n for n, i in enumerate(inputs) if np.may_share_memory(array, i.detach().numpy())]


def tensors_of(case: Case, t: Any) -> list[Any]:
    """The inputs of a case as leaves of their own."""
    return [t.from_numpy(i.array()).requires_grad_(i.requires_grad) for i in case.inputs]


def differentiable(values: Sequence[Any], t: Any) -> list[Any]:
    return [v for v in values if isinstance(v, t.Tensor) and v.requires_grad]


def upstream_of(outputs: list[Any], case: Case, t: Any) -> list[Any]:
    """A random gradient for each output, that requires grad itself."""
    arrays = case.upstream([o.detach().numpy() for o in outputs])
    return [t.from_numpy(a).requires_grad_() for a in arrays]


Report = dict[str, Any]  # by what a value is called: what was seen of it


def report(t: Any, run: Callable[[Report], None]) -> Report:
    """What `run` notes, and its warnings, and the error that ends it."""
    found: Report = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's of infinities and NaN
        warnings.filterwarnings("ignore", "An output with one or more elements was resized")  # torch's of its own ldexp
        try:
            run(found)
        except AssertionError:
            raise
        except Exception as error:
            if isinstance(error, (AttributeError, NameError, TypeError)) and raised_here(error):
                raise
            text = (str(error).splitlines() or [""])[0]
            found["error"] = (type(error).__name__, STALE if text.startswith(STALE) else text)
    found["warnings"] = {str(w.message).partition(" (Triggered internally")[0] for w in caught}
    return found


def raised_here(error: BaseException) -> bool:
    """Whether an exception is this file's own mistake, and not to be compared."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_code.co_filename == __file__


def differentiated(row: Row, case: Case, t: Any) -> Report:
    """Outputs, first and second derivatives of a row; and that nothing was written to its inputs."""

    def run(found: Report) -> None:
        inputs = tensors_of(case, t)
        memories = [(i.detach().numpy(), i.detach().numpy().copy()) for i in inputs]
        found["inputs"] = [seen(i, t, layout=False) for i in inputs]
        result = evaluate(row.call, t, inputs, case.options)
        outputs = list(result) if isinstance(result, tuple) else [result]
        found["outputs"] = [
            seen(o, t, case.plain_layout and not row.folded if row.ordered else None, not row.folded) for o in outputs
        ]
        found["shared"] = [shared(o, inputs, t) for o in outputs]
        leaves, outputs = differentiable(inputs, t), differentiable(outputs, t)
        if outputs:
            upstream = upstream_of(outputs, case, t)
            memories += [(u.detach().numpy(), u.detach().numpy().copy()) for u in upstream]
            grad = t.autograd.grad
            first = grad(outputs, leaves, upstream, create_graph=True, allow_unused=True)
            found["first"] = [seen(g, t) for g in first]
            plain = grad(outputs, leaves, [u.detach() for u in upstream], True, allow_unused=True)
            found["plain first"] = [seen(g, t) for g in plain]
            again = differentiable(first, t)
            if again:
                weights = [u.detach() for u in upstream_of(again, case, t)]
                second = grad(again, leaves + upstream, weights, retain_graph=True, allow_unused=True)
                found["second"] = [seen(g, t) for g in second]
            t.autograd.backward(outputs, [u.detach() for u in upstream])
            found["grad"] = [seen(leaf.grad, t) for leaf in leaves]
        for now, before in memories:
            assert now.tobytes() == before.tobytes(), "an input, or an incoming gradient, was written to"

    return report(t, run)


# Errors of torch that minigrad is not to imitate.
ODD_ERRORS = (
    "Subtraction, the `-` operator, with a bool tensor",  # in the backward of a power with a bool exponent
    "numel: integer multiplication overflow",  # torch.broadcast_to takes -1 for 2 ** 64 - 1
    "negative dimensions are not allowed",  # the same
    "the derivative for '_cdist_backward' is not implemented",  # which it is here
    "Autograd not support dtype",  # sum(dtype=torch.int64) of what requires grad
    "grad_input must be contiguous",  # nll_loss, by how its input lies
    "adaptive_avg_pool2d_backward(): Expected grad_output to have non-zero size",  # of what is empty, going forward
    "\"div_floor_cpu\" not implemented for 'Bool'",  # scatter_reduce, of nothing
    "ldexp can't be cast to the desired output type",  # whatever else is wrong
)
# Errors of minigrad where torch computes: in place only, what it does not compute out of place; and images of bytes.
STRICTER = (
    *(
        f"\"{kernel}\" not implemented for 'Bool'"
        for kernel in ("bmm", "im2col_out_cpu", "col2im_out_cpu", "median_cpu")
    ),
    "result type Long can't be cast to the desired output type Bool",
    "\"upsample_bilinear2d_channels_last\" not implemented for 'Byte'",
    "\"compute_indices_weights_cubic\" not implemented for 'Byte'",
)
# What torch has no derivative of, mostly no second one, and minigrad has.
UNDERIVED = (
    "derivative for aten::hardsigmoid_backward is not implemented",
    "the derivative for 'inplace version of",
    "the derivative for '_pdist_backward' is not implemented",
    "the derivative for '_embedding_bag_backward' is not implemented",
    "derivative for aten::_embedding_bag_per_sample_weights_backward is not implemented",
    "\"i1_backward\" not implemented for 'Half'",
    "scatter_reduce(): Double backward is unsupported for src",
    "result type Float can't be cast to the desired output type",  # of addcdiv by integers even the first
    "Subtraction, the `-` operator, with two bool tensors",  # of lerp between bools even the first
)
# Of several wrong things another one may be named, or a dtype by its name in C++.
SAME_ERRORS = (
    (
        "Dimension out of range",
        "appears multiple times",
        "duplicate dims",
        "kernel size should be greater than zero",
        "but tensor has no dimensions",
        "split expects",
        "linalg.vector_norm cannot compute",
    ),
    (
        "not implemented for",
        "doesn't match the broadcast shape",
        "can't be cast to the desired output type",
        "ZeroDivisionError",
    ),
    ("the same dtype", "expected scalar type"),
    ("expected scalar type", "not implemented for"),
    ("expected dtype", "not implemented for"),
    ("must match the size of tensor", "not implemented for"),
    ("addmv input tensors must have the same dtype", "vector + matrix @ vector expected"),
    ("where expected condition to be a boolean tensor", "value cannot be converted"),
    ("unflatten got an unexpected error", "Dimension out of range", "sizes must be non-empty"),
    (
        "is out of bounds for dimension",
        "index out of range in self",
        "value cannot be converted",
        "not implemented for",
    ),
    ("Dimension out of range", "other non-zero dimensions for input"),
    ("is too small", "other non-zero dimensions for input"),
    ("t() expects a tensor with <= 2 dimensions", "t_() expects a tensor with <= 2 dimensions"),
    ("size mismatch", "but tensor has no dimensions"),
    # Which product torch folds a batch into depends on how it lies in memory.
    ("\"bmm\" not implemented for 'Bool'", "\"addmv_impl_cpu\" not implemented for 'Bool'"),
    ("size mismatch", "Expected size for first two dimensions", "shapes cannot be multiplied"),
    ("Autograd not support dtype", "value cannot be converted"),
    (
        "non-positive dilation",
        "non-positive groups",
        "non-positive stride",
        "negative padding",
        "expected stride",
        "expected padding",
        "Given ",
        "Input type",
        "Kernel size",
    ),
    (
        "should be greater than zero",
        "pad should be",
        "with optional 0 dim batch size for input",
        "but tensor has no dimensions",
        "should not be zero",
        "Output size is too small",
        "Given input size per channel",
        "computed output",
        "pad must be",
        "must be greater than zero",
    ),
    ("derivative for aten::",),
    ("Bad in-place call", "the number of sizes provided"),
    ("Dimension specified as", "must be a 3D tensor", "Dimension out of range", "Input dtypes must be the same"),
    ("torch.meshgrid: Expected",),
    ("both inputs should have same dtype", "expected both vectors to have same dtype"),
)


# Of these the words may differ in the rest of them, which torch prints in another way.
WORDED = (
    "but tensor has no dimensions",
    "can't be cast to the desired output type",
    "torch.meshgrid: Expected",
    "derivative for aten::",
)


def excused(ours: Report, theirs: Report) -> bool:
    """Whether two reports are meant to differ."""
    mine, yours = (str(found.get("error", ("", ""))[1]) for found in (ours, theirs))
    if mine == yours:
        return False
    if any(text in yours for text in ODD_ERRORS) or any(text in mine for text in STRICTER):
        return True
    refused = any(text in mine for text in ("the same dtype", "expected scalar type", "not implemented for"))
    if refused and "outputs" in theirs and not any(v.array.any() for v in theirs["outputs"]):
        return True  # torch does not mind where there is nothing to multiply
    return any(
        a in mine and b in yours and (a != b or a in WORDED) for group in SAME_ERRORS for a in group for b in group
    )


def agree(ours: Report, theirs: Report) -> None:
    """Raise unless two reports say the same, rounding aside."""
    if excused(ours, theirs):
        return
    rough = roughness(theirs)
    underived = "error" not in ours and "outputs" in theirs and theirs.get("error", ("", ""))[1].startswith(UNDERIVED)
    for part in [p for p in theirs if p != "error"] if underived else dict.fromkeys([*theirs, *ours]):
        if part == "second" and all(
            v is None or v.array.size == 0 for v in (*ours.get(part, ()), *theirs.get(part, ()))
        ):
            continue  # torch has no second derivative of nothing, most of the time
        assert part in ours, f"{part}: {theirs[part]} in torch, nothing here"
        assert part in theirs, f"{part}: {ours[part]} here, nothing in torch"
        mine, yours = ours[part], theirs[part]
        if part in ("inputs", "outputs", "first", "plain first", "second", "grad"):
            assert len(mine) == len(yours), f"{part}: {len(mine)} values here, {len(yours)} in torch"
            for i, (x, y) in enumerate(zip(mine, yours, strict=True)):
                agree_on_value(f"{part} [{i}]", x, y, rough * (10 if part == "second" else 1))
        else:
            assert mine == yours, f"{part}: {mine} here, {yours} in torch"


def roughness(found: Report) -> float:
    """The error to expect, relative to the largest value: that of the coarsest dtype in a report."""
    values = [v for part in found.values() if isinstance(part, list) for v in part if isinstance(v, Seen)]
    return max([EXACT[str(v.array.dtype)] for v in values if v.array.dtype.kind == "f"], default=0.0)


def agree_on_value(what: str, ours: Any, theirs: Any, rough: float) -> None:
    if (ours is None) != (theirs is None) and (ours or theirs).array.size == 0:
        return  # torch gives None for some gradients of nothing
    if not (isinstance(ours, Seen) and isinstance(theirs, Seen)):
        assert type(ours) is type(theirs), f"{what}: {ours} here, {theirs} in torch"
        assert ours == theirs, f"{what}: {ours} here, {theirs} in torch"
        return
    told: tuple[str, ...] = ("dtype", "shape")
    # A comparison in place makes integers require grad in torch; gradients of nothing may or may not do so.
    if theirs.array.dtype.kind == "f" and (theirs.array.size or what.startswith("outputs")):
        told = (*told, "requires_grad")
    if what.startswith("outputs"):
        told = (*told, "stride", "grad_fn", "is_view")
    for name in told:
        mine, yours = getattr(ours, name), getattr(theirs, name)
        assert mine == yours, f"{what}: {name} {mine} here, {yours} in torch"
    assert close(ours.array, theirs.array, rough), f"{what}: {ours.array} here, {theirs.array} in torch"


def close(ours: np.ndarray, theirs: np.ndarray, rough: float) -> bool:
    if ours.tobytes() == theirs.tobytes():
        return True  # as most are
    if ours.dtype.kind != "f":
        return bool((ours == theirs).all())
    finite = np.abs(theirs[np.isfinite(theirs)])
    absolute = rough * max(1.0, float(finite.max(initial=0)))
    return np.allclose(ours, theirs, rtol=rough, atol=absolute, equal_nan=True)


# The checks


def check_against_torch(row: Row, case: Case, theirs: Report | None = None) -> None:
    """Values, dtypes, shapes, strides, names, first and second derivatives, warnings and errors as in torch."""
    agree(differentiated(row, case, minigrad), theirs or differentiated(row, case, torch))


def check_spellings(row: Row, case: Case) -> None:
    """The function, the method and the operator give the same."""
    texts = (row.call, *row.same)
    found = [report(minigrad, lambda found, text=text: spell(found, text, case, minigrad)) for text in texts]
    for text, other in zip(texts[1:], found[1:], strict=True):
        if "error" in other and "error" in found[0]:
            continue  # they may name themselves in it
        try:
            agree(other, found[0])
        except AssertionError as error:
            raise AssertionError(f"{text} differs from {row.call}: {error}") from None


def spell(found: Report, text: str, case: Case, t: Any) -> None:
    result = evaluate(text, t, tensors_of(case, t), case.options)
    found["outputs"] = [seen(o, t) for o in (result if isinstance(result, tuple) else (result,))]


def check_in_place(row: Row, case: Case, on_leaf: bool = False) -> None:
    """The in-place twins do what torch's do, and give what the row gives."""
    for text in row.in_place:
        ours, theirs = (report(t, lambda f, t=t: write(f, text, case, t, on_leaf)) for t in (minigrad, torch))
        try:
            agree(ours, theirs)
        except AssertionError as error:
            raise AssertionError(f"{text}: {error}") from None
        plain = report(minigrad, lambda found: spell(found, row.call, case, minigrad))
        if "error" not in ours and "error" not in plain:
            written, made = ours["outputs"][0], plain["outputs"][0]
            if written.dtype == made.dtype:
                same = sure(written.array) == sure(made.array)
                near = row.call.startswith("t.renorm(") and close(written.array, made.array, 1e-6)  # sums in some order
                assert same or near, f"{text} differs from {row.call}"


def sure(array: np.ndarray) -> bytes:
    """Its bytes, with one NaN for all: of those there are many, of either sign."""
    return (np.where(array != array, np.nan, array) if array.dtype.kind == "f" else array).tobytes()


def write(found: Report, text: str, case: Case, t: Any, on_leaf: bool) -> None:
    leaves = tensors_of(case, t)
    found["inputs"] = [seen(i, t, layout=False) for i in leaves]  # of which the coarsest says how near results must be
    x = leaves[0] if on_leaf else leaves[0].clone()
    tensors = [x, *leaves[1:]]
    result = evaluate(f"{text}; a" if "= " in text else text, t, tensors, case.options)
    found["is the tensor itself"] = result is x
    found["version"] = x._version
    one_dtype = len({i.buffer.dtype for i in case.inputs}) == 1  # else minigrad converts in an operation of its own
    found["outputs"] = [seen(x, t, origin=one_dtype)]
    if x.requires_grad and x.is_floating_point():
        upstream = [u.detach() for u in upstream_of([x], case, t)]
        wanted = differentiable(leaves, t)
        found["first"] = [seen(g, t) for g in t.autograd.grad(x, wanted, upstream, allow_unused=True)]


def check_saved(row: Row, case: Case, theirs: list[Report] | None = None) -> None:
    """Whether a gradient survives a change of an input or of the result is as in torch."""
    if row.folded or any(0 in i.strides for i in case.inputs):
        return  # torch divides the gradient of a changed tensor among elements that share their memory
    for i, (mine, yours) in enumerate(zip(saved(row, case, minigrad), theirs or saved(row, case, torch), strict=True)):
        try:
            if i % 2 and yours.get("error", ("", ""))[1].startswith(UNDERIVED):
                continue
            if i % 2 and yours.get("error", "")[1:] == (STALE,) and "error" not in mine:
                # minigrad needs less for some second derivatives, which then must be right
                _, yours = saved(row, case, minigrad, changes=[None])
            agree(mine, yours)
        except AssertionError as error:
            raise AssertionError(f"after a change of tensor {i // 2}: {error}") from None


def check_saved_names(row: Row, case: Case) -> None:
    """What the last node has saved under one of torch's names is what torch's node has under it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            results = [evaluate(row.call, t, tensors_of(case, t), case.options) for t in (minigrad, torch)]
        except (RuntimeError, ValueError, TypeError, IndexError):
            return  # a case to refuse: whether both do, and with what text, `check_against_torch` says
    mine, yours = (getattr(result, "grad_fn", None) for result in results)
    if type(mine).__name__ != type(yours).__name__:
        return
    for name in [name for name in dir(mine) if name.startswith("_saved_")]:
        found, expected = getattr(mine, name), getattr(yours, name, None)
        if found is None or expected is None:
            assert found is expected, f"{name} of {mine.name()}: {found} here, {expected} in torch"
            continue
        found, expected = (np.asarray(getattr(value, "data", value)) for value in (found, expected))
        assert found.shape == expected.shape, f"{name} of {mine.name()}: {found.shape} here, {expected.shape} in torch"
        assert close(found, expected.astype(found.dtype), 3e-5), (
            f"{name} of {mine.name()}: {found}, {expected} in torch"
        )


def saved(row: Row, case: Case, t: Any, changes: Sequence[int | None] = ()) -> list[Report]:
    """For each input, and the result, what first and second derivatives are after a change of it."""
    return [
        report(t, lambda found, place=place, again=again: spoil(found, row, case, t, place, again))
        for place in changes or range(len(case.inputs) + 1)
        for again in (False, True)
    ]


def spoil(found: Report, row: Row, case: Case, t: Any, place: int | None, again: bool) -> None:
    inputs = tensors_of(case, t)
    result = evaluate(row.call, t, inputs, case.options)
    if not isinstance(result, t.Tensor) or not result.requires_grad:
        return
    found["outputs"] = [seen(result, t, layout=False, origin=False)]
    leaves = differentiable(inputs, t)
    if again:
        first_upstream = upstream_of([result], case, t)
        first = t.autograd.grad(result, leaves, first_upstream, create_graph=True, allow_unused=True)
        outputs = differentiable(first, t)
    if place is not None:
        with t.no_grad():
            changed = [*inputs, result][place]
            changed.copy_(changed == 0)
    upstream = [u.detach() for u in upstream_of([result], case, t)]
    if not again:
        first = t.autograd.grad(result, leaves, upstream, allow_unused=True)
        found["first"] = [seen(g, t) for g in first]
    elif outputs:
        weights = [u.detach() for u in upstream_of(outputs, case, t)]
        second = t.autograd.grad(outputs, [*leaves, *first_upstream], weights, allow_unused=True)
        found["second"] = [seen(g, t) for g in second]
