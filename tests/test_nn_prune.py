"""nn.utils.prune: the same elements are pruned as in torch, again and again, and kept at zero by training."""

from importlib import import_module
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

torch = pytest.importorskip("torch")
from parity import assert_same

import minigrad

SHARES = st.sampled_from([0.0, 0.25, 0.5, 1.0, 0, 1, 2, 40])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["random_unstructured", "l1_unstructured"]), st.fixed_dictionaries({"amount": SHARES})),
    st.tuples(
        st.just("random_structured"), st.fixed_dictionaries({"amount": SHARES, "dim": st.sampled_from([0, 1, -1])})
    ),
    st.tuples(
        st.just("ln_structured"),
        st.fixed_dictionaries({"amount": SHARES, "n": st.sampled_from([1, 2, 3]), "dim": st.sampled_from([0, 1, -1])}),
    ),
    st.tuples(st.just("identity"), st.just({})),
)


def prune_of(lib: Any) -> Any:
    return import_module(f"{lib.__name__}.nn.utils.prune")


def layers(lib: Any) -> Any:
    lib.manual_seed(3)
    return lib.nn.Sequential(lib.nn.Linear(4, 6), lib.nn.Tanh(), lib.nn.Linear(6, 2))


def kinds(layer: Any) -> list[str]:
    """The classes of what is called before `forward`."""
    return [type(hook).__name__ for hook in layer._forward_pre_hooks.values()]


def tensors(net: Any) -> Any:
    return [*net.named_parameters(), *net.named_buffers()]


@example([("ln_structured", {"amount": 2, "n": 2, "dim": 0})] * 2)  # the second chooses from the rows left
@settings(max_examples=20)
@given(st.lists(STEPS, min_size=1, max_size=3))
def test_parameters_are_pruned_and_trained_as_in_torch(steps: Any) -> None:
    def program(lib: Any) -> Any:
        net, prune = layers(lib), prune_of(lib)
        for name, options in steps:
            getattr(prune, name)(net[0], name="weight", **options)
        optimizer = lib.optim.SGD(net.parameters(), lr=0.5)
        for _ in range(2):
            optimizer.zero_grad()
            net(lib.eye(4)).pow(2).sum().backward()
            optimizer.step()
        net(lib.eye(4))
        found = tensors(net), net[0].weight, list(net.state_dict()), prune.is_pruned(net)
        prune.remove(net[0], "weight")
        return *found, tensors(net), type(net[0].weight).__name__, prune.is_pruned(net)

    assert_same(program)


def of_all(lib: Any, method: str = "L1Unstructured", **options: Any) -> Any:
    net, prune = layers(lib), prune_of(lib)
    prune.l1_unstructured(net[2], "weight", 0.25)
    pairs = [(net[0], "weight"), (net[2], "weight"), (net[2], "bias")]
    prune.global_unstructured(pairs, getattr(prune, method), **options)
    return tensors(net), kinds(net[2])


def half(lib: Any) -> Any:
    """A method of a course's own: every other element."""

    class Half(prune_of(lib).BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t: Any, default_mask: Any) -> Any:
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    net = layers(lib)
    Half.apply(net[0], "bias")
    Half.apply(net[0], "bias")
    return tensors(net), kinds(net[0]), Half().prune(lib.ones(3))


CALLS = {
    "of all together": lambda lib: of_all(lib, amount=0.4),
    "of all, a count": lambda lib: of_all(lib, amount=7),
    "of all at random": lambda lib: of_all(lib, "RandomUnstructured", amount=7),
    "a method of one's own": half,
    "by scores": lambda lib: tensors(
        prune_of(lib).l1_unstructured(lib.nn.Linear(2, 1), "weight", 1, importance_scores=lib.tensor([[1.0, 0.0]]))
    )[1:],
    "by a mask": lambda lib: tensors(prune_of(lib).custom_from_mask(layers(lib)[2], "bias", mask=lib.tensor([0, 1]))),
    "scores of another shape": lambda lib: prune_of(lib).l1_unstructured(
        lib.nn.Linear(2, 1), "weight", 1, importance_scores=lib.ones(1)
    ),
    "slices of a vector": lambda lib: prune_of(lib).random_structured(lib.nn.Linear(2, 1), "bias", 1, 0),
    "slices along what is not there": lambda lib: prune_of(lib).ln_structured(layers(lib)[0], "weight", 1, 2, 2),
    "a share above 1": lambda lib: prune_of(lib).l1_unstructured(lib.nn.Linear(2, 1), "weight", 1.5),
    "a negative count": lambda lib: prune_of(lib).l1_unstructured(lib.nn.Linear(2, 1), "weight", -1),
    "no number": lambda lib: prune_of(lib).l1_unstructured(lib.nn.Linear(2, 1), "weight", "a"),
    "not pruned": lambda lib: prune_of(lib).remove(lib.nn.Linear(2, 1), "weight"),
    "no parameters": lambda lib: prune_of(lib).global_unstructured(3, prune_of(lib).L1Unstructured),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_and_errors_are_torchs(name: str) -> None:
    assert_same(CALLS[name])


def test_only_single_elements_are_compared_across_parameters() -> None:
    with pytest.raises(TypeError, match=r'^Only "unstructured" PRUNING_TYPE .*RandomStructured.* of type structured$'):
        of_all(minigrad, "RandomStructured", amount=1)
