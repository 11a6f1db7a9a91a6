"""One line for an operation of one's own: a class of tests that pytest runs, made from all the checks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st

from . import checks, profiles
from .mutation import Mutant, mutants_of
from .parity import check_against_torch
from .strategies import broadcastable_shapes, tensors
from .subject import Subject, library_of, name_of

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
                    each argument of `f` that has no default
    elements        a strategy of the numbers in the tensors, or one for each input; keep away from kinks
    options         a strategy of a dict of further arguments, or a function from the shapes to one
    inputs          a strategy of all arguments, as a tuple, in place of these three
    library         minigrad or torch, where `f` does not show it
    torch_function  what `f` is to agree with on torch; True: `f` itself
    skip            names of checks to leave out, such as "second_gradients"
    examples        how many of each check; if left out, as the profile has it (`pytest --gradient-profile`)
    """
    f = getattr(f, "apply", f) if inspect.isclass(f) else f
    drawn = _arguments(f, shapes, elements, options, library or library_of(f)) if inputs is None else inputs
    unknown = set(skip) - {*CHECKS, "against_torch"}
    if unknown:
        raise ValueError(f"skip names no check: {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}")
    used = {check: run for check, run in CHECKS.items() if check not in skip}
    if torch_function and "against_torch" not in skip:
        other = None if torch_function is True else torch_function
        used["against_torch"] = functools.partial(check_against_torch, torch_function=other)
    name = name or name_of(f)
    tests: dict[str, Any] = {
        "__test__": True,
        "gradient_properties": True,
        "__module__": _caller(),
        "__doc__": f"Gradients of {name}.",
    }
    for check, run in used.items():
        tests[f"test_{check}"] = _test(check, run, f, drawn, library, name, examples)
    tests["test_mutants"] = _mutant_test(used, f, drawn, library, name, examples)
    return type(f"Test{name.title().replace('_', '').replace('.', '')}", (), tests)


def _caller() -> str:
    frame: Any = inspect.currentframe()
    while frame is not None and "INTERNAL" in frame.f_globals:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "__main__")) if frame is not None else "__main__"


def _arguments(f: Any, shapes: Any, elements: Any, options: Any, library: ModuleType) -> Strategy:
    """The strategy of a call's arguments: tensors, and after them perhaps a dict of options."""
    if shapes is None:
        shapes = broadcastable_shapes(_required(f))
    if not isinstance(shapes, st.SearchStrategy):
        if any(n < 0 for shape in ([shapes] if shapes and isinstance(shapes[0], int) else shapes) for n in shape):
            raise ValueError(f"shapes cannot have negative sizes: {shapes}")
        shapes = st.just(shapes)

    @st.composite
    def arguments(draw: Any) -> tuple[Any, ...]:
        given_shapes = draw(shapes)
        several = given_shapes if given_shapes and isinstance(given_shapes[0], (tuple, list)) else (given_shapes,)
        each = elements if isinstance(elements, (tuple, list)) else [elements] * len(several)
        dtype = draw(st.sampled_from(["float64", "float32"]))
        made = [
            draw(tensors(shape, dtype, of, requires_grad=True, library=library))
            for shape, of in zip(several, each, strict=True)
        ]
        if options is None:
            return tuple(made)
        return (*made, Options(draw(options(*several) if callable(options) else options)))

    return arguments()


class Options(dict[str, Any]):
    """Keyword arguments, the last of a call's arguments."""


def call_with(f: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Callable[..., Any], list[Any]]:
    """`f` with its options, and its other arguments."""
    if arguments and isinstance(arguments[-1], Options):
        return functools.partial(f, **arguments[-1]), list(arguments[:-1])
    return f, list(arguments)


def _required(f: Any) -> int:
    """How many arguments `f` must be given."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return 1
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return max(1, sum(p.kind in kinds and p.default is p.empty for p in parameters))


def _configured(test: Any, drawn: Strategy, examples: int | None, **more: Strategy) -> Any:
    """A hypothesis test of `inputs`, and what else it draws, under the profile in force."""
    profile = profiles.current()
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.differing_executors]
    how = settings(
        max_examples=examples or profile.examples,
        deadline=None,
        database=None,
        suppress_health_check=quiet,
        phases=(Phase.generate, Phase.shrink),  # to explain takes longer than to find
        report_multiple_bugs=False,
    )
    return seed(profile.seed)(how(given(inputs=drawn, **more)(test)))


def _test(
    check: str,
    run: Callable[..., None],
    f: Callable[..., Any],
    drawn: Strategy,
    library: ModuleType | None,
    name: str,
    examples: int | None,
) -> Any:
    def test(self: Any, inputs: Any, upstream: int) -> None:
        function, arguments = call_with(f, inputs)
        more = {} if check == "against_torch" else {"library": library or library_of(f, arguments)}
        run(function, *arguments, name=name, seed=upstream, **more)

    test.__name__ = test.__qualname__ = f"test_{check}"
    return _configured(test, drawn, examples, upstream=st.integers(0, 255))  # the seed of what flows in


def _mutant_test(used: dict[str, Any], f: Any, drawn: Strategy, library: Any, name: str, examples: int | None) -> Any:
    def test_mutants(self: Any) -> None:
        found = mutants(f, inputs=drawn, library=library, checks=tuple(used), examples=examples)
        if not found:
            raise AssertionError(f"{name}: no example reaches a rule, so that breaking one could show anything")
        survivors = [str(m) for m in found if m.caught_by is None]
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
    f = getattr(f, "apply", f) if inspect.isclass(f) else f
    drawn = _arguments(f, shapes, elements, options, library or library_of(f)) if inputs is None else inputs
    subjects: list[tuple[Subject, list[Any]]] = []

    def collect(inputs: Any) -> None:
        function, arguments = call_with(f, inputs)
        subjects.append((Subject(function, library or library_of(f, arguments)), arguments))

    _configured(collect, drawn, examples)()

    def run(check: str, example: tuple[Subject, list[Any]]) -> None:
        CHECKS[check](example[0], *example[1])

    names = [check for check in checks if check in CHECKS]
    return mutants_of([subject for subject, _ in subjects], subjects, names, run)
