"""Checks of gradients: each calls a function with the given inputs and raises AssertionError if a gradient is wrong.

The inputs are tensors, of minigrad or of torch, and whatever else the function takes. Gradients are checked of the
tensors that require grad; if none does, of all that are floating. The inputs themselves are never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from .calls import DOUBLE, EPS, Calls, quiet
from .diagnosis import likely_cause, ratio
from .differences import slope_along
from .numeric import compare_with_slopes, is_differentiable, slope_by_axes, weighed
from .subject import Array, Subject, numpy_of, same_layout

INTERNAL = True
__tracebackhide__ = True  # pytest shows the message, and the user's own lines


@quiet
def check_gradients(
    f: Callable[..., Any], *inputs: Any, library: ModuleType | None = None, name: str = "", seed: int = 0
) -> None:
    """Compare the gradients of `f` at `inputs`, for a random gradient of its results, with differences in float64.

    Floating inputs are taken in float64, in the layout that they have. At a kink anything between the slopes on its two
    sides is right. Raises AssertionError with the input, the index, both numbers, their ratio and the likely cause.
    """
    calls = Calls("gradients", f, inputs, library, name, seed)
    worst, elements = compare_with_slopes(calls)
    calls.note(DOUBLE, worst, elements)


@quiet
def check_second_gradients(
    f: Callable[..., Any], *inputs: Any, library: ModuleType | None = None, name: str = "", seed: int = 0
) -> None:
    """Compare the gradients of the gradients of `f`, by inputs and by what flows in, with differences in float64."""
    calls = Calls("second gradients", f, inputs, library, name, seed)
    subject = calls.subject.in_dtype(DOUBLE)
    outputs = subject.call(subject.fresh(inputs, DOUBLE))
    if not any(o.requires_grad for o in outputs):
        return
    upstream = subject.upstream(outputs, seed)
    count = len(inputs)
    given = subject.fresh(inputs, DOUBLE)
    wants = [subject.is_tensor(a) and a.requires_grad for a in given]

    def first(*arguments: Any) -> list[Any]:
        made: dict[int, Any] = {}
        for a, wanted in zip(arguments, [*wants, *[True] * len(upstream)], strict=True):
            if subject.is_tensor(a):
                made.setdefault(id(a), a if a.requires_grad or not wanted else a.detach().requires_grad_())
        own = [made.get(id(a), a) for a in arguments]
        outputs = subject.call(own[:count])
        if [o.shape for o in outputs] != [u.shape for u in own[count:]]:  # they depend on the values
            return [outputs[0].new_tensor(np.nan)]
        pairs = [(o, u) for o, u in zip(outputs, own[count:], strict=True) if o.requires_grad]
        found = subject.library.autograd.grad(
            [o for o, _ in pairs],
            list(subject.wanted(own[:count]).values()),
            [u for _, u in pairs],
            create_graph=True,
            allow_unused=True,
        )
        return [g for g in found if g is not None]

    if not first(*given, *upstream):
        return
    inner = Subject(first, subject.library, subject.name)
    inner.argument_names = (subject.argument_names + [""] * count)[:count]
    inner.argument_names += [f"the upstream of result {i}" for i in range(len(upstream))]
    again = Calls("second gradients", inner, [*given, *[u.requires_grad_() for u in upstream]], library, name, seed + 1)
    worst, elements = compare_with_slopes(again)
    calls.note(DOUBLE, worst, elements)


@quiet
def check_linear_in_upstream(
    f: Callable[..., Any], *inputs: Any, library: ModuleType | None = None, name: str = "", seed: int = 0
) -> None:
    """Check that the gradients are linear in the gradient that flows in, as a vector-Jacobian product is."""
    calls = Calls("linear in upstream", f, inputs, library, name, seed)
    subject = calls.subject.in_dtype(DOUBLE)
    arguments = subject.fresh(inputs, DOUBLE)
    outputs, wanted = subject.call(arguments), subject.wanted(arguments)
    u = subject.upstream(outputs, seed)
    ones = [0 * t + 1 for t in u]  # as from a sum
    mixed, zeros = [2 * t - one for t, one in zip(u, ones, strict=True)], [0 * t for t in u]

    def pulled(upstream: Sequence[Any], of: Sequence[Any] = outputs) -> list[Array]:
        return subject.gradients(of, list(wanted.values()), upstream)

    of_u = _pulled_twice(calls, outputs, wanted, u)
    of_ones, of_mixed, of_zeros = pulled(ones), pulled(mixed), pulled(zeros)
    parts = [pulled([t], [o]) for t, o in zip(u, outputs, strict=True)]
    worst = 0.0
    roundings = _rounding_of(pulled, u, of_u, max(EPS[str(numpy_of(o).dtype)] for o in outputs))
    for n, (what, allowed) in enumerate(zip(wanted, roundings, strict=True)):
        x, y = of_u[n], of_ones[n]
        if not np.isfinite(x).all() or not np.isfinite(y).all():
            continue
        worst = max(worst, calls.compare(what, of_mixed[n], 2 * x - y, allowed, ("of 2u - 1", "2 vjp(u) - vjp(1)")))
        calls.compare(what, of_zeros[n], np.zeros_like(x), 0.0, ("of 0", "must be"))
        if len(outputs) > 1:
            total = np.sum([part[n] for part in parts], axis=0)
            calls.compare(what, x, total, allowed, ("together", "result by result"))
    calls.note(DOUBLE, worst, sum(x.size for x in of_u))


def _pulled_twice(calls: Calls, outputs: Sequence[Any], wanted: dict[str, Any], upstream: Sequence[Any]) -> list[Array]:
    """The vector-Jacobian product, the same by a second pass: a rule that spoils what it saved misleads all else."""
    first, second = (calls.subject.gradients(outputs, list(wanted.values()), upstream) for _ in range(2))
    for what, g, h in zip(wanted, first, second, strict=True):
        if not _nearly(g, h):
            raise calls.fail(
                f"a second backward pass gives another gradient of {what}, {h.tolist()} after {g.tolist()}\n"
                "  likely cause: a saved value was changed in place"
            )
    return first


def _rounding_of(pulled: Any, u: Sequence[Any], of_u: Sequence[Array], eps: float) -> list[Any]:
    """How far gradients move when what flows in does so in its last digits: where terms cancel, far for their size."""
    size = sum(float(np.abs(numpy_of(t)).sum()) for t in u)
    signs = np.random.default_rng(0)
    # There is room for what cancels inside a rule, as in that of an inverse.
    limits: list[Any] = [4096 * eps * (np.abs(g).max(initial=0) + size) for g in of_u]
    for _ in range(2):
        moved = [t.clone() for t in u]
        for t in moved:
            numpy_of(t)[...] *= 1 + 8 * eps * signs.choice([-1.0, 1.0], tuple(t.shape))
        limits = [limit + 8 * np.abs(g - h) for limit, g, h in zip(limits, pulled(moved), of_u, strict=True)]
    return limits


@quiet
def check_adjoint(
    f: Callable[..., Any],
    *inputs: Any,
    jvp: Callable[..., Any] | None = None,
    library: ModuleType | None = None,
    name: str = "",
    seed: int = 0,
) -> None:
    """Check that <v, J u> equals <J^T v, u> for random u and v: one number that depends on the whole Jacobian J.

    jvp  computes J u, from `inputs` and then one direction for each of them; if left out, differences do
    """
    calls = Calls("adjoint", f, inputs, library, name, seed)
    subject = calls.subject.in_dtype(DOUBLE)
    arguments = subject.fresh(inputs, DOUBLE)
    outputs, wanted = subject.call(arguments), subject.wanted(arguments)
    v = subject.upstream(outputs, seed)
    moving = subject.fresh(arguments, plain=True)
    total = weighed(subject, moving, v)
    found = subject.gradients(outputs, list(wanted.values()), v)
    places = [numpy_of(t) for t in subject.wanted(moving).values()]
    u = [numpy_of(t) for t in subject.upstream([subject.tensor(p) for p in places], seed + 1)]
    back = float(sum((g * d).sum() for g, d in zip(found, u, strict=True)))
    if jvp is None:
        forth, bound = slope_along(total, places, u)
    else:
        directions = {id(t): subject.tensor(d) for t, d in zip(wanted.values(), u, strict=True)}
        given = [directions[id(a)] if id(a) in directions else subject.library.zeros_like(a) for a in arguments]
        made = jvp(*arguments, *given)
        pushed = [made] if subject.is_tensor(made) else list(made)
        forth, bound = sum(float((numpy_of(p) * numpy_of(w)).sum()) for p, w in zip(pushed, v, strict=True)), 0.0
    size = float(sum(np.abs(g * d).sum() for g, d in zip(found, u, strict=True)))
    if not np.isfinite(back + forth):
        return
    allowed = bound + 1e-9 * (1 + size)
    if abs(back - forth) > allowed and jvp is None:
        _, room = slope_by_axes(total, places, u)
        allowed = allowed + room if is_differentiable(total, places) else np.inf
    if abs(back - forth) > allowed:
        single = "in a sum over all elements" if sum(d.size for d in u) > 1 else "of a single element"
        cause = likely_cause(np.array([back]), np.array([forth]), single=single)
        raise calls.fail(
            "the backward rule is not the adjoint of the forward\n"
            f"  <J^T v, u>  {back!r}, by backward\n  <v, J u>    {forth!r}, give or take {allowed:.1e}\n"
            f"  ratio       {ratio(back, forth)}\n"
            f"  likely cause: {cause}; check_gradients says where"
        )
    calls.note(DOUBLE, abs(back - forth) / allowed, 1)


@quiet
def check_leaves_inputs_alone(
    f: Callable[..., Any], *inputs: Any, library: ModuleType | None = None, name: str = "", seed: int = 0
) -> None:
    """Check that `f` and its backward do not write to the inputs, to the gradients that flow in, or to a `.grad`."""
    calls = Calls("leaves inputs alone", f, inputs, library, name, seed)
    subject = calls.subject
    arguments = subject.fresh(inputs, subject.dtype())
    tensors = {subject.argument_name(i): a for i, a in enumerate(arguments) if subject.is_tensor(a)}
    tensors |= {what: t for what, t in subject.wanted(arguments).items() if what not in tensors}
    before = {what: (numpy_of(t).tobytes(), t._version) for what, t in tensors.items()}
    outputs = subject.call(arguments)
    upstream = subject.upstream(outputs, seed)
    tensors |= {f"the gradient of result {i}": u for i, u in enumerate(upstream)}
    before |= {what: (numpy_of(t).tobytes(), t._version) for what, t in tensors.items() if what not in before}
    subject.gradients(outputs, list(subject.wanted(arguments).values()), upstream)
    for what, t in tensors.items():
        if (numpy_of(t).tobytes(), t._version) != before[what]:
            raise calls.fail(f"{what} was written to; compute a new tensor instead of changing what was given")
        if t.is_leaf and t.grad is not None:
            raise calls.fail(f"{what} has a .grad now, though nobody called backward(): something inside `f` did")
    for dtype in {str(numpy_of(a).dtype) for a in arguments if subject.is_floating(a)}:
        calls.note(dtype, 0.0, sum(numpy_of(t).size for t in tensors.values()))


@quiet
def check_dtypes(
    f: Callable[..., Any],
    *inputs: Any,
    dtypes: Sequence[str] = ("float32", "float64"),
    library: ModuleType | None = None,
    name: str = "",
    seed: int = 0,
) -> None:
    """Check that gradients have the shape and dtype of their inputs, and are in each dtype what they are in float64.

    What rounding may change is measured: by how far the gradients in float64 move when the inputs do so in their last
    digits, and by the sizes of the results and of the inputs.
    """
    calls = Calls("dtypes", f, inputs, library, name, seed)
    for dtype in dtypes:
        arguments = calls.subject.fresh(inputs, dtype)  # rounded, so that all dtypes start from the same values
        found, outputs, wanted = _gradients_in(calls, arguments, dtype)
        for (what, t), g in zip(wanted.items(), found, strict=True):
            if g.dtype != numpy_of(t).dtype or g.shape != numpy_of(t).shape:
                raise calls.fail(f"the gradient of {what}, {t.dtype}{tuple(t.shape)}, is {g.dtype}{g.shape}")
        if dtype == DOUBLE:
            calls.note(dtype, 0.0, sum(g.size for g in found))
            continue
        right, exact, _ = _gradients_in(calls, arguments, DOUBLE)
        if len(exact) != len(outputs):
            raise calls.fail(f"{len(outputs)} floating results in {dtype}, and {len(exact)} in float64")
        worst = 0.0
        limits = _allowed_rounding(calls, arguments, dtype, right, exact)
        for what, g, r, allowed in zip(wanted, found, right, limits, strict=True):
            worst = max(worst, calls.compare(what, g, r, allowed, (dtype, "float64")))
        calls.note(dtype, worst, sum(g.size for g in found))


def _gradients_in(calls: Calls, arguments: Sequence[Any], dtype: str) -> tuple[list[Array], list[Any], dict[str, Any]]:
    subject = calls.subject.in_dtype(dtype)
    own = subject.fresh(arguments, dtype)
    outputs, wanted = subject.call(own), subject.wanted(own)
    return subject.gradients(outputs, list(wanted.values()), subject.upstream(outputs, calls.seed)), outputs, wanted


def _allowed_rounding(
    calls: Calls, arguments: Sequence[Any], dtype: str, right: Sequence[Array], outputs: Sequence[Any]
) -> list[Any]:
    """How far each gradient may lie from that in float64."""
    eps = EPS[dtype]
    rng = np.random.default_rng(calls.seed)
    limits: list[Any] = [np.zeros(g.shape) for g in right]
    for _ in range(2):
        moved = calls.subject.fresh(arguments, DOUBLE)
        for t in {id(t): t for t in moved if calls.subject.is_floating(t)}.values():
            array = numpy_of(t)
            array += 4 * eps * (np.abs(array) + np.abs(array).max(initial=0)) * rng.choice([-1.0, 1.0], array.shape)
        limits = [
            limit + np.where(np.isfinite(g + r), np.abs(g - r), np.inf)
            for limit, g, r in zip(limits, _gradients_in(calls, moved, DOUBLE)[0], right, strict=True)
        ]
    size = sum(float(np.abs(numpy_of(o)).sum()) for o in outputs)
    limits = [
        8 * limit + 64 * eps * (np.abs(g[np.isfinite(g)]).max(initial=0) + (size if np.isfinite(size) else np.inf))
        for limit, g in zip(limits, right, strict=True)
    ]
    largest = float(np.finfo(dtype).max) / 64  # near the end of a dtype's range anything may be infinite in it
    least = 8 * float(np.finfo(dtype).tiny)
    return [np.where(np.abs(g) < largest, limit + least, np.inf) for limit, g in zip(limits, right, strict=True)]


@quiet
def check_views(
    f: Callable[..., Any], *inputs: Any, library: ModuleType | None = None, name: str = "", seed: int = 0
) -> None:
    """Check that values and gradients do not depend on how the inputs lie in memory, nor on their being views.

    Each input is given without gaps, with its dimensions stored the other way round, and as part of a larger tensor,
    to which the gradient must flow back, and zeros around it. What flows in is also given as one repeated number.
    """
    calls = Calls("views", f, inputs, library, name, seed)
    subject = calls.subject.in_dtype(DOUBLE)
    plain = subject.fresh(inputs, DOUBLE, plain=True)
    outputs, wanted = subject.call(plain), subject.wanted(plain)
    upstream = subject.upstream(outputs, seed)
    right = _pulled_twice(calls, outputs, wanted, upstream)
    worst = 0.0
    for how, lay_out in LAYOUTS.items():
        arguments, bases = _laid_out(subject, plain, lay_out)
        try:
            again = subject.call(arguments)
        except RuntimeError as error:
            if "view size is not compatible" in str(error):
                continue  # `view` says that it cannot; that is no wrong gradient
            raise
        if [tuple(o.shape) for o in again] != [tuple(o.shape) for o in outputs]:
            raise calls.fail(f"with inputs that are {how}, the results have other shapes")
        for o, p in zip(outputs, again, strict=True):
            if not _nearly(numpy_of(o), numpy_of(p)):
                raise calls.fail(f"with inputs that are {how}, the value is {numpy_of(p)}, else {numpy_of(o)}")
        found = subject.gradients(again, list(bases.values()), upstream)
        names = (f"if {how}", "else")
        for (what, base), g, r in zip(bases.items(), found, right, strict=True):
            lying = r
            if base is not wanted[what]:  # the parameters of a module stay where they are
                lying, places = np.zeros(tuple(base.shape)), np.arange(base.numel()).reshape(tuple(base.shape))
                lying.flat[lay_out(places).ravel()] = r.ravel()
            worst = max(worst, calls.compare(what, g, lying, _rounding(r), names))
    worst = max(worst, _from_other_upstream(calls, subject, outputs, wanted))
    calls.note(DOUBLE, worst, sum(r.size for r in right) * (len(LAYOUTS) + 1))


def _from_other_upstream(calls: Calls, subject: Subject, outputs: Sequence[Any], wanted: dict[str, Any]) -> float:
    """The worst difference that it makes how the gradient that flows in lies in memory.

    From a sum it is one number, repeated without memory; from a transpose, the other way round.
    """
    numbers = [subject.tensor(np.asarray(1.5, numpy_of(o).dtype)) for o in outputs]
    repeated = [n.expand(tuple(o.shape)) for n, o in zip(numbers, outputs, strict=True)]
    random = subject.upstream(outputs, calls.seed)
    turned = [u.mT.contiguous().mT if u.ndim > 1 else u for u in random]
    worst = 0.0
    for how, given in (("expanded", repeated), ("transposed", turned)):
        found = subject.gradients(outputs, list(wanted.values()), given)
        right = subject.gradients(outputs, list(wanted.values()), [u.clone().contiguous() for u in given])
        for what, g, r in zip(wanted, found, right, strict=True):
            text = f"{what}, from an upstream that is {how},"
            worst = max(worst, calls.compare(text, g, r, _rounding(r), (how, "contiguous")))
    return worst


LAYOUTS: dict[str, Callable[[Any], Any]] = {  # how a tensor, or an array, is taken out of a larger one
    "transposed": lambda base: base.T if base.ndim == 2 else base,
    "parts of a larger tensor": lambda base: base[(*[slice(1, None, 2)] * base.ndim, ...)],
}


def _laid_out(
    subject: Subject, plain: Sequence[Any], lay_out: Callable[[Any], Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The inputs as views of larger tensors; and these, by the names of the inputs that want gradients."""
    views: dict[int, Any] = {}
    bases: dict[int, Any] = {}
    for a in plain:
        if subject.is_tensor(a) and id(a) not in views:
            array = numpy_of(a)
            whole = np.zeros(tuple([2 * n + 1 for n in array.shape]), array.dtype)
            if lay_out(whole).shape != array.shape:
                whole = np.zeros(array.shape[::-1] if array.ndim == 2 else array.shape, array.dtype)
            lay_out(whole)[...] = array
            bases[id(a)] = subject.tensor(whole).requires_grad_(a.requires_grad)
            views[id(a)] = lay_out(bases[id(a)])
    names = {what: bases.get(id(t), t) for what, t in subject.wanted(plain).items()}
    return [views.get(id(a), a) for a in plain], names


def _rounding(a: Array) -> float:
    """By how much what is computed in another order may differ from `a`, in float64."""
    return 1e-10 * (1 + float(np.abs(a[np.isfinite(a)]).max(initial=0)))


def _nearly(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=1e-10, atol=_rounding(a), equal_nan=True))


@quiet
def check_same_tensor(
    f: Callable[..., Any], *inputs: Any, library: ModuleType | None = None, name: str = "", seed: int = 0
) -> None:
    """Check that a tensor given for several inputs gets the sum of the gradients of them all.

    Every pair of inputs of one shape and dtype is made the same tensor in turn, and compared with two of equal values.
    """
    calls = Calls("same tensor", f, inputs, library, name, seed)
    subject = calls.subject.in_dtype(DOUBLE)
    plain = subject.fresh(inputs, DOUBLE)
    places = [i for i, a in enumerate(plain) if subject.is_floating(a) and a.requires_grad]
    worst, pairs = 0.0, 0
    for n, i in enumerate(places):
        for j in places[n + 1 :]:
            if plain[i].shape != plain[j].shape or plain[i] is plain[j]:
                continue
            pairs += 1
            one, two = (
                [subject.tensor(same_layout(numpy_of(a))) if k in places else a for k, a in enumerate(plain)]
                for _ in range(2)
            )
            one[j] = one[i]
            two[j] = subject.tensor(same_layout(numpy_of(two[i])))
            for t in (one[i], two[i], two[j]):
                t.requires_grad_()
            outputs, others = subject.call(one), subject.call(two)
            upstream = subject.upstream(outputs, seed)
            (g,) = subject.gradients(outputs, [one[i]], upstream)
            first, second = subject.gradients(others, [two[i], two[j]], upstream)
            right = first + second
            what = f"one tensor as {subject.argument_name(i)} and {subject.argument_name(j)}"
            for part in (first, second):
                if not _nearly(g, right) and _nearly(g, part):
                    raise calls.fail(
                        f"the gradient of {what} is that of one of them alone, {g.tolist()} and not {right.tolist()}\n"
                        "  likely cause: a missing term in an accumulated gradient: it was overwritten, not added to"
                    )
            worst = max(worst, calls.compare(what, g, right, _rounding(right), ("together", "sum of both")))
    if pairs:
        calls.note(DOUBLE, worst, pairs)
