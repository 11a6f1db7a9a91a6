"""One line for an operation of one's own: a class of tests that pytest runs, made from all the checks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st

import minigrad

from . import checks, profiles
from .mutation import Mutant, mutants_of
from .parity import check_against_torch
from .strategies import broadcastable_shapes, tensors
from .subject import Subject, callable_of, library_of, name_of, parameters_of

INTERNAL = True
__tracebackhide__ = True  # pytest shows the message, and the user's own lines
CHECKS: dict[str, Callable[..., None]] = {
    "gradients": checks.check_gradients,
    "second_gradients": checks.check_second_gradients,
    "linear_in_upstream": checks.check_linear_in_upstream,
    "adjoint": checks.check_adjoint,
    "leaves_inputs_alone": checks.check_leaves_inputs_alone,
    "dtypes": checks.check_dtypes,
    "views": checks.check_views,
    "same_tensor": checks.check_same_tensor,
}
Strategy = st.SearchStrategy[Any]


def gradient_properties(
    f: Callable[..., Any],
    *,
    shapes: Any = None,
    elements: Any = None,
    options: Any = None,
    inputs: Strategy | None = None,
    library: ModuleType | None = None,
    torch_function: Callable[..., Any] | bool = False,
    skip: Sequence[str] = (),
    examples: int | None = None,
    name: str = "",
) -> type:
    """A class of pytest tests of the gradients of `f`: `test_my_op = gradient_properties(my_op, shapes=...)`.

    f               a function of tensors, an `autograd.Function`, or an `nn.Module`; of minigrad or of torch
    shapes          one shape, one for each input, or a strategy of these; if left out, shapes that broadcast, one for
                    each argument of `f` that has no default; a module with parameters needs them given
    elements        a strategy of the numbers in the tensors, or one for each input; keep away from kinks
    options         a strategy of a dict of further arguments, or a function from the shapes to one
    inputs          a strategy of all arguments, as a tuple, in place of these three
    library         minigrad or torch, where `f` does not show it
    torch_function  what `f` is to agree with on torch; True: `f` itself
    skip            names of checks to leave out, such as "second_gradients"
    examples        how many of each check; if left out, as the profile has it (`pytest --gradient-profile`)
    """
    f = callable_of(f)
    drawn = _drawn(f, shapes, elements, options, inputs, library)
    left_out = {check.removeprefix("check_") for check in ([skip] if isinstance(skip, str) else skip)}
    unknown = left_out - {*CHECKS, "against_torch"}
    if unknown:
        raise ValueError(f"skip names no check: {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}")
    used = {check: run for check, run in CHECKS.items() if check not in left_out}
    if torch_function and "against_torch" not in left_out:
        if (library or library_of(f)) is not minigrad:
            raise ValueError("torch_function is what a function of minigrad is compared with; this one is torch's")
        other = None if torch_function is True else torch_function
        used["against_torch"] = functools.partial(check_against_torch, torch_function=other)
    if not used or examples == 0:
        raise ValueError("nothing is left to check: every check is skipped, or examples is 0")
    name = name or name_of(f)
    hint = f"The shapes were drawn: if {name} takes only some, say which: gradient_properties(..., shapes=(5, 3))"
    hint = hint if shapes is inputs is None else ""
    tests: dict[str, Any] = {
        "__test__": True,
        "gradient_properties": True,
        "__module__": _caller(),
        "__doc__": f"Gradients of {name}.",
    }
    for check, run in used.items():
        tests[f"test_{check}"] = _test(check, run, f, drawn, library, name, examples, hint)
    tests["test_mutants"] = _mutant_test(used, f, drawn, library, name, examples)
    return type(f"Test{name.title().replace('_', '').replace('.', '')}", (), tests)


def _caller() -> str:
    frame: Any = inspect.currentframe()
    while frame is not None and "INTERNAL" in frame.f_globals:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "__main__")) if frame is not None else "__main__"


def _drawn(f: Any, shapes: Any, elements: Any, options: Any, inputs: Strategy | None, library: Any) -> Strategy:
    """The strategy of a call's arguments: tensors, and after them perhaps a dict of options."""
    if library is not None and not isinstance(library, ModuleType):
        raise TypeError(f"library is a module, minigrad or torch, not {library!r}")
    if inputs is not None:
        if not (shapes is elements is options is None):
            raise ValueError("inputs takes the place of shapes, elements and options: give one or the other")
        return inputs
    shapes = _shapes(shapes, f)
    if isinstance(options, dict):
        options = st.just(options)
    return _arguments(shapes, elements, options, library or library_of(f))


def _shapes(shapes: Any, f: Any) -> Strategy:
    """What was given for shapes, as a strategy of a shape or of several."""
    if shapes is None:
        if any(True for _ in getattr(f, "parameters", tuple)()):
            raise ValueError(
                f"say which shapes {name_of(f)} takes, as its parameters ask for some: gradient_properties(..., "
                "shapes=(5, 3))"
            )
        required = [p for p in parameters_of(f) if p.default is p.empty]
        return broadcastable_shapes(max(len(required), 1))
    if isinstance(shapes, st.SearchStrategy):
        return shapes
    if isinstance(shapes, int):
        shapes = (shapes,)
    if any(isinstance(shape, st.SearchStrategy) for shape in shapes):
        return st.tuples(*[s if isinstance(s, st.SearchStrategy) else st.just(s) for s in shapes])
    if any(n < 0 for shape in ([shapes] if shapes and isinstance(shapes[0], int) else shapes) for n in shape):
        raise ValueError(f"shapes cannot have negative sizes: {shapes}")
    return st.just(shapes)


@st.composite
def _arguments(draw: Any, shapes: Strategy, elements: Any, options: Any, library: ModuleType) -> tuple[Any, ...]:
    given_shapes = draw(shapes)
    several = given_shapes if given_shapes and isinstance(given_shapes[0], (tuple, list)) else (given_shapes,)
    each = elements if isinstance(elements, (tuple, list)) else [elements] * len(several)
    if len(each) != len(several):
        raise ValueError(f"elements has {len(each)} strategies for {len(several)} inputs")
    dtype = draw(st.sampled_from(["float64", "float32"]))
    frozen = draw(st.sampled_from([-1, -1, *range(len(several))])) if len(several) > 1 else -1
    made = [
        draw(tensors(shape, dtype, of, requires_grad=i != frozen, library=library))
        for i, (shape, of) in enumerate(zip(several, each, strict=True))
    ]
    if options is None:
        return tuple(made)
    return (*made, Options(draw(options(*several) if callable(options) else options)))


class Options(dict[str, Any]):
    """Keyword arguments, the last of a call's arguments."""


def call_with(f: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Callable[..., Any], list[Any]]:
    """`f` with its options, and its other arguments."""
    if arguments and isinstance(arguments[-1], Options):
        return functools.partial(f, **arguments[-1]), list(arguments[:-1])
    return f, list(arguments)


ROUND = 10  # after so many examples hypothesis begins to vary old ones rather than draw new ones


def _configured(test: Any, drawn: Strategy, examples: int | None, **more: Strategy) -> list[Any]:
    """Hypothesis tests of `inputs`, and what else is drawn, under the profile in force: short runs with own seeds."""
    profile = profiles.current()
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    count = examples or profile.examples
    how = settings(
        max_examples=min(ROUND, count),
        deadline=None,
        database=None,
        suppress_health_check=quiet,
        phases=(Phase.generate, Phase.shrink),  # to explain takes longer than to find
        report_multiple_bugs=False,
    )
    rounds = -(-count // ROUND)
    return [seed(profile.seed * 10_007 + n)(how(given(inputs=drawn, **more)(test))) for n in range(rounds)]


def _test(
    check: str,
    run: Callable[..., None],
    f: Callable[..., Any],
    drawn: Strategy,
    library: ModuleType | None,
    name: str,
    examples: int | None,
    hint: str,
) -> Any:
    def test(inputs: Any, upstream: int) -> None:
        function, arguments = call_with(f, inputs)
        more = {} if check == "against_torch" else {"library": library or library_of(f, arguments)}
        try:
            run(function, *arguments, name=name, seed=upstream, **more)
        except AssertionError:
            raise
        except Exception as error:
            if hint:
                error.add_note(hint)
            raise

    test.__name__ = test.__qualname__ = f"test_{check}"
    rounds = _configured(test, drawn, examples, upstream=st.integers(0, 255))  # the seed of what flows in

    def run_all(self: Any) -> None:
        for one in rounds:
            one()

    run_all.__name__ = run_all.__qualname__ = test.__name__
    return run_all


def _mutant_test(used: dict[str, Any], f: Any, drawn: Strategy, library: Any, name: str, examples: int | None) -> Any:
    def test_mutants(self: Any, record_property: Callable[[str, object], None]) -> None:
        found = mutants(f, inputs=drawn, library=library, checks=tuple(used), examples=examples)
        if not found:
            raise AssertionError(f"{name}: no example reaches a rule, so that breaking one could show anything")
        survivors = [str(m) for m in found if m.caught_by is None]
        record_property("gradient mutants", [len(found), len(survivors)])  # which the plugin sums up
        if survivors:
            raise AssertionError(f"{name}: {len(survivors)} of {len(found)} broken rules go unnoticed: {survivors}")

    return test_mutants


def mutants(
    f: Callable[..., Any],
    *,
    shapes: Any = None,
    elements: Any = None,
    options: Any = None,
    inputs: Strategy | None = None,
    library: ModuleType | None = None,
    checks: Sequence[str] = tuple(CHECKS),
    examples: int | None = None,
) -> list[Mutant]:
    """Run the checks of `f` with the rules underneath broken, one at a time; what nothing catches is a survivor.

    The arguments are those of `gradient_properties`. Which examples reach a rule is found out first, so that a mutant
    is tried on these alone; `mutant.caught_by` names the check that caught it, or is None.
    """
    f = callable_of(f)
    drawn = _drawn(f, shapes, elements, options, inputs, library)
    subjects: list[tuple[Subject, list[Any]]] = []

    def collect(inputs: Any) -> None:
        function, arguments = call_with(f, inputs)
        subjects.append((Subject(function, library or library_of(f, arguments)), arguments))

    for one in _configured(collect, drawn, examples):
        one()

    def run(check: str, example: tuple[Subject, list[Any]]) -> None:
        CHECKS[check](example[0], *example[1])

    names = [check for check in checks if check in CHECKS]
    return mutants_of([subject for subject, _ in subjects], subjects, names, run)
