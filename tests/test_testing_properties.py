"""`gradient_properties` finds the mistakes that are planted, and small examples of them; it blames nothing that is right."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("hypothesis")
from planted import PLANTED, product

import minigrad
from minigrad.testing import gradient_properties, record

LIBRARIES = [minigrad, torch]


def checks_of(tests):
    return [name for name in vars(tests) if name.startswith("test_") and name != "test_mutants"]


def smallest_failure(tests):
    """The first check to raise, its error, and the inputs that it failed with after shrinking."""
    for name in checks_of(tests):
        seen = []
        of_given = getattr(tests, name).hypothesis
        inner = of_given.inner_test

        def watched(self, inputs, upstream, inner=inner, seen=seen):
            seen[:] = inputs
            inner(self, inputs, upstream)

        of_given.inner_test = watched
        try:
            with record.paused():
                getattr(tests(), name)()
        except Exception as error:
            return name, str(error), seen
    return None


ON_BOTH = [(t, mistake) for t in LIBRARIES for mistake in PLANTED if (t, mistake) != (minigrad, "expanded_upstream")]


@pytest.mark.parametrize(("library", "mistake"), ON_BOTH, ids=lambda value: getattr(value, "__name__", value))
def test_a_planted_mistake_is_found_and_its_example_is_small(library, mistake):
    found = smallest_failure(gradient_properties(PLANTED[mistake](library), library=library, name=mistake))
    assert found is not None, "nothing noticed"
    _, _, inputs = found
    assert max(t.numel() for t in inputs) <= 4


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda t: t.__name__)
def test_what_is_right_is_not_blamed(library):
    assert smallest_failure(gradient_properties(product(library), library=library)) is None
