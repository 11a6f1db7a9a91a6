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
from .differences import slope_along, slopes
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
    worst, elements = _compare_with_slopes(calls)
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
        pairs = [(o, u) for o, u in zip(outputs, own[count:], strict=True) if o.requires_grad]
        found = subject.library.autograd.grad(
            [o for o, _ in pairs],
            list(subject.wanted(own[:count]).values()),
            [u for _, u in pairs],
            create_graph=True,
            allow_unused=True,
        )
        return [g for g in found if g is not None]

    inner = Subject(first, subject.library, subject.name)
    inner.argument_names = [*subject.argument_names[:count]]
    inner.argument_names += [f"upstream {i}" for i in range(count + len(upstream) - len(inner.argument_names))]
    again = Calls("second gradients", inner, [*given, *[u.requires_grad_() for u in upstream]], library, name, seed + 1)
    worst, elements = _compare_with_slopes(again)
    calls.note(DOUBLE, worst, elements)


def _compare_with_slopes(calls: Calls) -> tuple[float, int]:
    """The worst error of a subject's gradients, and how many were compared with a slope."""
    subject = calls.subject.in_dtype(DOUBLE)
    arguments = subject.fresh(calls.inputs, DOUBLE)
    outputs = subject.call(arguments)
    upstream = subject.upstream(outputs, calls.seed)
    wanted = subject.wanted(arguments)
    found = subject.gradients(outputs, list(wanted.values()), upstream)

    moving = subject.fresh(arguments, plain=True)
    total = weighed(subject, moving, upstream)
    once, again = total()[0], total()[0]
    if once != again and np.isfinite(once):
        raise calls.fail("two calls with the same inputs give different values; fix its random numbers with a seed")
    worst, elements = 0.0, 0
    for (what, place), g in zip(subject.wanted(moving).items(), found, strict=True):
        right, bound = slopes(total, numpy_of(place))
        size = float(np.abs(right[np.isfinite(bound)]).max(initial=0))
        allowed = bound + 1e-9 * (1 + size)
        if g.shape == right.shape:
            # What is not finite at the point itself cannot be told from differences around it.
            allowed = np.where(np.isfinite(g) | np.isfinite(bound), allowed, np.inf)
        spread = _spread_out(subject, moving, place, outputs, upstream)
        names = ("backward", "differences")
        worst = max(worst, calls.compare(what, g, right, allowed, names, spread))
        elements += int(np.isfinite(bound).sum())
    return worst, elements


def weighed(subject: Subject, arguments: Sequence[Any], upstream: Sequence[Any]) -> Callable[[], tuple[float, float]]:
    """A function that calls the subject: the sum of its results, weighed by `upstream`, and how far rounding goes."""
    weights = [numpy_of(u).astype(np.float64) for u in upstream]

    def total() -> tuple[float, float]:
        value = noise = 0.0
        for o, w in zip(subject.call(arguments), weights, strict=True):
            terms = numpy_of(o) * w
            value += float(terms.sum())
            noise += EPS[str(numpy_of(o).dtype)] * float(np.abs(terms).sum())
        return value, noise

    return total


def _spread_out(
    subject: Subject, arguments: Sequence[Any], stretched: Any, outputs: Sequence[Any], upstream: Sequence[Any]
) -> Callable[[], Array] | None:
    """How to compute the slopes of an input that broadcasting stretched, one for each of its places in the result."""
    shape = max((tuple(o.shape) for o in outputs), key=lambda s: (len(s), np.prod(s)), default=())
    own = tuple(stretched.shape)
    try:
        fits = np.broadcast_shapes(own, shape) == shape != own
    except ValueError:
        fits = False
    if not fits or not any(a is stretched for a in arguments):
        return None

    def compute() -> Array:
        array = np.array(np.broadcast_to(numpy_of(stretched), shape))
        wide = subject.tensor(array)
        total = weighed(subject, [wide if a is stretched else a for a in arguments], upstream)
        return slopes(total, array)[0]

    return compute


@quiet
def check_linear_in_upstream(
    f: Callable[..., Any], *inputs: Any, library: ModuleType | None = None, name: str = "", seed: int = 0
) -> None:
    """Check that the gradients are linear in the gradient that flows in, as a vector-Jacobian product is."""
    calls = Calls("linear in upstream", f, inputs, library, name, seed)
    subject = calls.subject.in_dtype(DOUBLE)
    arguments = subject.fresh(inputs, DOUBLE)
    outputs, wanted = subject.call(arguments), subject.wanted(arguments)
    u, v = subject.upstream(outputs, seed), subject.upstream(outputs, seed + 1)

    def pulled(upstream: list[Any]) -> list[Array]:
        return subject.gradients(outputs, list(wanted.values()), upstream)

    of_u, of_v = pulled(u), pulled(v)
    eps = max([EPS[str(numpy_of(o).dtype)] for o in outputs], default=0.0)
    both = pulled([2 * a - b for a, b in zip(u, v, strict=True)])
    worst = 0.0
    for what, x, y, z in zip(wanted, of_u, of_v, both, strict=True):
        size = np.abs(x) + np.abs(y)
        if np.isfinite(size).all():
            allowed = 1024 * eps * (size + float(size.max(initial=0)))
            worst = max(worst, calls.compare(what, z, 2 * x - y, allowed, ("of 2u - v", "2 vjp(u) - vjp(v)")))
    calls.note(DOUBLE, worst, sum(x.size for x in of_u))


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
    found = subject.gradients(outputs, list(wanted.values()), v)
    moving = subject.fresh(arguments, plain=True)
    places = [numpy_of(t) for t in subject.wanted(moving).values()]
    u = [numpy_of(t) for t in subject.upstream([subject.tensor(p) for p in places], seed + 1)]
    back = float(sum((g * d).sum() for g, d in zip(found, u, strict=True)))
    if jvp is None:
        forth, bound = slope_along(weighed(subject, moving, v), places, u)
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
    if abs(back - forth) > allowed:
        raise calls.fail(
            "the backward rule is not the adjoint of the forward\n"
            f"  <J^T v, u>  {back!r}, by backward\n  <v, J u>    {forth!r}, give or take {allowed:.1e}\n"
            f"  ratio       {ratio(back, forth)}\n"
            f"  likely cause: {likely_cause(np.array([back]), np.array([forth]))}; check_gradients says where"
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
            array *= 1 + 4 * eps * rng.choice([-1.0, 1.0], array.shape)
            array += 4 * eps * float(np.abs(array).max(initial=0)) * rng.choice([-1.0, 1.0], array.shape)
        limits = [
            limit + np.where(np.isfinite(g + r), np.abs(g - r), np.inf)
            for limit, g, r in zip(limits, _gradients_in(calls, moved, DOUBLE)[0], right, strict=True)
        ]
    size = sum(float(np.abs(numpy_of(o)).sum()) for o in outputs)
    return [
        8 * limit + 64 * eps * (np.abs(g[np.isfinite(g)]).max(initial=0) + (size if np.isfinite(size) else np.inf))
        for limit, g in zip(limits, right, strict=True)
    ]


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
    right = subject.gradients(outputs, list(wanted.values()), upstream)
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
            size = float(np.abs(r[np.isfinite(r)]).max(initial=0))
            worst = max(worst, calls.compare(what, g, lying, 1e-10 * (1 + size), names))
    worst = max(worst, _from_expanded(calls, subject, outputs, wanted))
    calls.note(DOUBLE, worst, sum(r.size for r in right) * (len(LAYOUTS) + 1))


def _from_expanded(calls: Calls, subject: Subject, outputs: Sequence[Any], wanted: dict[str, Any]) -> float:
    """The worst difference that it makes if what flows in is one number, repeated without memory, as from a sum."""
    numbers = [subject.tensor(np.asarray(1.5, numpy_of(o).dtype)) for o in outputs]
    repeated = [n.expand(tuple(o.shape)) for n, o in zip(numbers, outputs, strict=True)]
    found = subject.gradients(outputs, list(wanted.values()), repeated)
    right = subject.gradients(outputs, list(wanted.values()), [u.clone().contiguous() for u in repeated])
    names = ("expanded", "contiguous")
    worst = 0.0
    for what, g, r in zip(wanted, found, right, strict=True):
        size = float(np.abs(r[np.isfinite(r)]).max(initial=0))
        worst = max(worst, calls.compare(f"{what}, from such an upstream,", g, r, 1e-10 * (1 + size), names))
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


def _nearly(a: Array, b: Array) -> bool:
    size = float(np.abs(a[np.isfinite(a)]).max(initial=0))
    return bool(np.allclose(a, b, rtol=1e-10, atol=1e-10 * (1 + size), equal_nan=True))


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
            one = [subject.tensor(same_layout(numpy_of(a))) if k in places else a for k, a in enumerate(plain)]
            two = [subject.tensor(same_layout(numpy_of(a))) if k in places else a for k, a in enumerate(plain)]
            one[j] = one[i]
            two[j] = subject.tensor(same_layout(numpy_of(two[i])))
            for t in (one[i], two[i], two[j]):
                t.requires_grad_()
            outputs, others = subject.call(one), subject.call(two)
            upstream = subject.upstream(outputs, seed)
            (g,) = subject.gradients(outputs, [one[i]], upstream)
            first, second = subject.gradients(others, [two[i], two[j]], upstream)
            right = first + second
            size = float(np.abs(right[np.isfinite(right)]).max(initial=0))
            what = f"one tensor as {subject.argument_name(i)} and {subject.argument_name(j)}"
            for part in (first, second):
                if not _nearly(g, right) and _nearly(g, part):
                    raise calls.fail(
                        f"the gradient of {what} is that of one of them alone, {g.tolist()} and not {right.tolist()}\n"
                        "  likely cause: a missing term in an accumulated gradient: it was overwritten, not added to"
                    )
            worst = max(worst, calls.compare(what, g, right, 1e-10 * (1 + size), ("together", "sum of both")))
    if pairs:
        calls.note(DOUBLE, worst, pairs)
