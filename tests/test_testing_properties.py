"""`gradient_properties` finds the mistakes that are planted, and small examples of them; it blames nothing that is right."""

import re

import pytest

torch = pytest.importorskip("torch")
from planted import PLANTED, product

import minigrad
from minigrad.testing import gradient_properties, record

LIBRARIES = [minigrad, torch]
EXAMPLES = 20  # of each check


def checks_of(tests):
    return [name for name in vars(tests) if name.startswith("test_") and name != "test_mutants"]


def smallest_failure(f, **how):
    """The first check to raise, and the sizes of the inputs that its message shows, as code."""
    tests = gradient_properties(f, examples=EXAMPLES, **how)
    for name in checks_of(tests):
        try:
            with record.paused():
                getattr(tests(), name)()
        except Exception as error:
            notes = "\n".join(getattr(error, "__notes__", []))
            shown = re.search(r"inputs=\((.*),?\),\n +upstream", notes, re.DOTALL)[1]
            return name, [t.numel() for t in eval(f"[{shown}]", {"torch": torch})]
    return None


ON_BOTH = [(t, mistake) for t in LIBRARIES for mistake in PLANTED if (t, mistake) != (minigrad, "expanded_upstream")]


@pytest.mark.parametrize(("library", "mistake"), ON_BOTH, ids=lambda value: getattr(value, "__name__", value))
def test_a_planted_mistake_is_found_and_its_example_is_small(library, mistake):
    found = smallest_failure(PLANTED[mistake](library), library=library, name=mistake)
    assert found is not None, "nothing noticed"
    assert max(found[1]) <= 4


@pytest.mark.parametrize("how", [{}, {"shapes": (5, 3)}], ids=["drawn", "given"])
def test_a_function_that_refuses_the_shapes_drawn_is_told_to_say_which(how):
    def f(x):
        return x.reshape(2, 3)

    f.__name__ = "to_2_by_3"  # its __qualname__ stays f's
    tests = gradient_properties(f, examples=1, **how)
    with pytest.raises(RuntimeError) as caught:
        tests().test_gradients()
    notes = "\n".join(caught.value.__notes__)
    assert ("if to_2_by_3 takes only some, say which: gradient_properties(..., shapes=(5, 3))" in notes) == (not how)
    assert "self=" not in notes


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda t: t.__name__)
def test_what_is_right_is_not_blamed(library):
    assert smallest_failure(product(library), library=library) is None
