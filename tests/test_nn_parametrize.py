"""nn.utils.parametrize: what is computed, trained, saved and printed, and what is refused, is as in torch."""

import pickle
import warnings
from copy import deepcopy
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings, strategies as st
from parity import assert_same

import minigrad

PROGRAMS = []


def program(function: Any) -> Any:
    PROGRAMS.append(function)
    return function


def kinds(torch: Any) -> Any:
    """Parametrizations such as the tutorial has, and some that do not fit."""
    nn = torch.nn

    class Symmetric(nn.Module):
        def forward(self, X):
            return X.triu() + X.triu(1).transpose(-1, -2)

        def right_inverse(self, A):
            return A.triu()

    class Skew(nn.Module):
        def forward(self, X):
            A = X.triu(1)
            return A - A.transpose(-1, -2)

    class Cayley(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.register_buffer("Id", torch.eye(n))

        def forward(self, X):
            return torch.linalg.solve(self.Id - X, self.Id + X)

    class RankOne(nn.Module):
        def forward(self, x, y):
            return x.unsqueeze(-1) @ y.unsqueeze(-2)

        def right_inverse(self, Z):
            return Z[..., :, 0].clone(), torch.ones_like(Z[..., 0, :])

    class Doubled(nn.Module):
        def forward(self, x):
            return 2 * x

        def right_inverse(self, y):
            return y / 2

    class NotInvertible(nn.Module):
        def forward(self, x):
            return x

        def right_inverse(self, y):
            raise NotImplementedError

    def made(name, forward, right_inverse=None):
        inverse = {} if right_inverse is None else {"right_inverse": right_inverse}
        return type(name, (nn.Module,), {"forward": forward, **inverse})()

    found = {"Symmetric": Symmetric, "Skew": Skew, "Cayley": Cayley, "RankOne": RankOne, "Doubled": Doubled}
    return type("Kinds", (), {**found, "NotInvertible": NotInvertible, "made": staticmethod(made)})


def steps(torch: Any, net: Any, x: Any) -> list[Any]:
    """Two steps of training, and what is there then, rounded."""
    optimizer, found = torch.optim.SGD(net.parameters(), lr=0.1), []
    for _ in range(2):
        loss = (net(x) - net(x + 1)).pow(2).mean() + net(x).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found += [round(loss.item(), 3), [(n, round(p.grad.sum().item(), 3)) for n, p in net.named_parameters()]]
    net.eval()
    found += [round(net(x).sum().item(), 3), round(net(x).sum().item(), 3), net.weight.is_leaf, net]
    return [*found, [(n, round(t.sum().item(), 3)) for n, t in net.state_dict().items()]]


def layers(torch: Any) -> list[tuple[Any, Any]]:
    nn = torch.nn
    x = torch.arange(8.0).reshape(2, 4) / 8
    return [(nn.Linear(4, 4), x), (nn.Conv1d(4, 4, 1), x[..., None]), (nn.ConvTranspose1d(4, 3, 2), x[..., None])]


@program
def the_tutorials_symmetric_layer(torch):
    P, K = torch.nn.utils.parametrize, kinds(torch)
    layer = torch.nn.Linear(3, 3)
    weight = layer.weight
    same = P.register_parametrization(layer, "weight", K.Symmetric()) is layer
    A = torch.arange(9.0).reshape(3, 3)
    found = [same, layer, layer.weight, layer.parametrizations.weight.original is weight, list(layer.state_dict())]
    found += steps(torch, layer, torch.eye(3))
    layer.weight = A + A.T
    return [*found, layer.weight, layer.parametrizations.weight.original, weight, layer.parametrizations.weight[0]]


@program
def parametrizations_of_parametrizations(torch):
    P, K = torch.nn.utils.parametrize, kinds(torch)
    layer = torch.nn.Linear(3, 3)
    P.register_parametrization(layer, "weight", K.Skew())
    P.register_parametrization(layer, "weight", K.Cayley(3))
    P.register_parametrization(layer, "bias", K.Doubled())
    found = [layer, torch.round(layer.weight.T @ layer.weight, decimals=3).abs(), layer.bias, list(layer.state_dict())]
    found += [P.is_parametrized(layer), P.is_parametrized(layer, "bias"), P.is_parametrized(layer, "x")]
    found += [
        P.type_before_parametrizations(layer) is torch.nn.Linear,
        type(layer).__name__,
        isinstance(layer, torch.nn.Linear),
    ]
    found += [len(layer.parametrizations.weight), layer.parametrizations.weight.unsafe]
    P.remove_parametrizations(layer, "weight")
    found += [layer, list(layer.state_dict()), torch.round(layer.weight, decimals=3), layer.weight.requires_grad]
    P.remove_parametrizations(layer, "bias", leave_parametrized=False)
    found += [
        layer,
        type(layer) is torch.nn.Linear,
        hasattr(layer, "parametrizations"),
        layer.bias,
        list(layer.state_dict()),
    ]
    return [*found, P.type_before_parametrizations(layer) is torch.nn.Linear, P.is_parametrized(torch.nn.Linear(1, 1))]


@program
def several_originals(torch):
    P, K = torch.nn.utils.parametrize, kinds(torch)
    layer = P.register_parametrization(torch.nn.Linear(4, 3), "weight", K.RankOne())
    found = [layer.weight, *steps(torch, layer, torch.eye(4)), layer.parametrizations.weight.is_tensor]
    layer.weight = torch.ones(3, 4) * 2
    found += [layer.weight, layer.parametrizations.weight.original0, layer.parametrizations.weight.ntensors]
    P.remove_parametrizations(layer, "weight")
    return [*found, layer.weight, type(layer.weight).__name__, list(layer.state_dict())]


@program
def what_optimizers_know_stays(torch):
    P, K = torch.nn.utils.parametrize, kinds(torch)
    layer = torch.nn.Linear(2, 2)
    weight, optimizer = layer.weight, torch.optim.SGD(layer.parameters(), lr=0.5)
    P.register_parametrization(layer, "weight", K.Doubled())
    layer(torch.eye(2)).sum().backward()
    optimizer.step()
    P.remove_parametrizations(layer, "weight")
    return layer.weight is weight, layer.weight, weight.grad


@program
def buffers_and_frozen_parameters(torch):
    P, K = torch.nn.utils.parametrize, kinds(torch)
    layer = torch.nn.Linear(2, 2).requires_grad_(False)
    layer.register_buffer("mask", torch.ones(2, 2))
    layer.register_buffer("pair", torch.ones(2, 2))
    P.register_parametrization(layer, "mask", K.Doubled())
    P.register_parametrization(layer, "pair", K.RankOne())
    P.register_parametrization(layer, "weight", K.RankOne(), unsafe=True)
    found = [layer, layer.mask, list(layer.state_dict()), [p.requires_grad for p in layer.parameters()]]
    found += [[name for name, _ in layer.named_buffers()], layer.weight.requires_grad]
    P.remove_parametrizations(layer, "mask")
    P.remove_parametrizations(layer, "weight")
    return [*found, [name for name, _ in layer.named_buffers()], layer.mask, type(layer.weight).__name__, layer]


@program
def unsafe_ones_change_shape_and_dtype(torch):
    P, K = torch.nn.utils.parametrize, kinds(torch)
    layer = torch.nn.Linear(2, 3)
    P.register_parametrization(layer, "weight", K.made("Rows", lambda self, x: x[:1].double()), unsafe=True)
    P.register_parametrization(layer, "bias", K.Doubled())
    P.register_parametrization(layer, "bias", K.made("First", lambda self, x: x[:1]), unsafe=True)
    return layer.weight, layer.bias, layer.parametrizations.bias.unsafe, layer.parametrizations.weight.unsafe


@program
def what_cannot_be_inverted_begins_as_it_is(torch):
    P, K = torch.nn.utils.parametrize, kinds(torch)
    layer = P.register_parametrization(torch.nn.Linear(2, 2), "weight", K.NotInvertible())
    P.register_parametrization(layer, "weight", K.NotInvertible())
    return layer.weight, layer.parametrizations.weight.original


@program
def a_cache_computes_once(torch):
    P, calls, found = torch.nn.utils.parametrize, [], []
    counting = kinds(torch).made("Counting", lambda self, x: calls.append(1) or 2 * x)
    layer = P.register_parametrization(torch.nn.Linear(2, 2), "weight", counting)
    calls.clear()
    for _ in range(2):
        with P.cached():
            with P.cached():
                first = layer.weight
            found += [layer.weight is first, len(calls)]
        found += [layer.weight is first, len(calls)]
    (first.sum() + layer(torch.ones(2)).sum()).backward()
    return found, layer.parametrizations.weight.original.grad


@program
def training_and_dtypes_reach_them(torch):
    P, K = torch.nn.utils.parametrize, kinds(torch)
    layer, given = torch.nn.Linear(3, 3).eval(), K.Cayley(3)
    P.register_parametrization(layer, "weight", K.Skew())
    P.register_parametrization(layer, "weight", given)
    found = [given.training, layer.train().parametrizations.weight[1].training]
    return [*found, layer.double().weight.dtype, given.Id.dtype, layer.weight.requires_grad, len(list(layer.modules()))]


@program
def states_are_loaded(torch):
    P, K = torch.nn.utils.parametrize, kinds(torch)
    one, two = (P.register_parametrization(torch.nn.Linear(3, 3), "weight", K.Symmetric()) for _ in range(2))
    result = two.load_state_dict(one.state_dict())
    return (
        result,
        torch.equal(one.weight, two.weight),
        two.load_state_dict(torch.nn.Linear(3, 3).state_dict(), strict=False),
    )


@program
def what_is_shared(torch):
    P, K = torch.nn.utils.parametrize, kinds(torch)
    one, two, three = (torch.nn.Linear(3, 3) for _ in range(3))
    P.register_parametrization(one, "weight", K.Symmetric())
    P.register_parametrization(one, "bias", K.Doubled())
    found = [P.transfer_parametrizations_and_params(one, two, "weight") is two, two]
    P.transfer_parametrizations_and_params(one, three)
    found += [
        three,
        torch.equal(three.weight, one.weight),
        torch.equal(two.weight, one.weight),
        torch.equal(two.bias, one.bias),
    ]
    pair = P.register_parametrization(torch.nn.Linear(2, 2), "weight", K.RankOne())
    bare = P.transfer_parametrizations_and_params(pair, torch.nn.Module())
    found += [bare, torch.equal(bare.weight, pair.weight), list(bare.state_dict())]
    return [*found, P.transfer_parametrizations_and_params(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1))]


@program
def copies(torch):
    P, K = torch.nn.utils.parametrize, kinds(torch)
    net = torch.nn.Sequential(P.register_parametrization(torch.nn.Linear(3, 3), "weight", K.Symmetric()))
    twin = deepcopy(net)
    with torch.no_grad():
        net[0].parametrizations.weight.original.zero_()
    return net, twin, net[0].weight.sum(), torch.equal(twin[0].weight, twin[0].weight.T), twin[0].weight.requires_grad


@program
def weights_of_a_norm(torch):
    norm = torch.nn.utils.parametrizations.weight_norm
    return [steps(torch, norm(net), x) for net, x in layers(torch)]


@program
def weights_of_one_norm_and_of_columns(torch):
    norm = torch.nn.utils.parametrizations.weight_norm
    return [steps(torch, norm(net, dim=dim), x) for (net, x), dim in zip(layers(torch), (None, 1, 2), strict=True)]


@program
def weights_of_a_spectral_norm(torch):
    norm = torch.nn.utils.parametrizations.spectral_norm
    return [steps(torch, norm(net, n_power_iterations=2), x) for net, x in layers(torch)]


@program
def spectral_norms_by_places_and_of_vectors(torch):
    norm = torch.nn.utils.parametrizations.spectral_norm
    net = norm(norm(torch.nn.Conv1d(4, 3, 2, padding=1), dim=-1, eps=1e-6), "bias")
    return steps(torch, net, torch.arange(8.0).reshape(2, 4, 1)), round(net.bias.pow(2).sum().item(), 4)


@program
def norms_are_removed_and_assigned(torch):
    P, found = torch.nn.utils.parametrize, []
    for name in ("weight_norm", "spectral_norm"):
        net = getattr(torch.nn.utils.parametrizations, name)(torch.nn.Linear(3, 3)).eval()
        net.weight = torch.arange(9.0).reshape(3, 3)
        found += [
            torch.round(net.weight, decimals=2),
            [*net.state_dict()],
            P.remove_parametrizations(net, "weight").weight.shape,
        ]
        found += [torch.round(net.weight, decimals=2), net, type(net.weight).__name__]
    return found


@program
def states_of_the_older_weight_norm(torch):
    utils = torch.nn.utils
    older, newer = utils.weight_norm(torch.nn.Linear(3, 2)), utils.parametrizations.weight_norm(torch.nn.Linear(3, 2))
    net = torch.nn.Sequential(newer)
    state = {f"0.{name}": value for name, value in older.state_dict().items()}
    return net.load_state_dict(state), torch.allclose(newer.weight, older.weight), newer.bias


@program
def orthogonal_weights(torch):
    found = []
    for way in (None, "matrix_exp", "cayley", "householder"):
        for trivial in (True, False):
            for rows in (4, 3, 6):
                net = torch.nn.Linear(4, rows)
                torch.nn.utils.parametrizations.orthogonal(net, "weight", way, use_trivialization=trivial)
                found += steps(torch, net, torch.eye(4)[:3])
    return found


@program
def orthogonal_weights_that_are_assigned(torch):
    P, found = torch.nn.utils.parametrize, []
    for rows, trivial in ((4, True), (3, True), (4, False), (6, False), (3, False)):
        net = torch.nn.Linear(4, rows)
        way = "cayley" if trivial else "householder"
        torch.nn.utils.parametrizations.orthogonal(net, "weight", way, use_trivialization=trivial)
        given = torch.eye(rows, 4) if rows == 4 else torch.eye(rows, 4).flip(0)
        net.weight = given
        given.zero_()  # which is not the layer's
        found += [torch.round(net.weight, decimals=3).abs(), [*net.state_dict()], net.weight.sum().item().__round__(3)]
        net.weight = torch.randn(rows, 4)
        found += [round(net.weight.sum().item(), 3), round(net.weight[:, 0].abs().sum().item(), 3)]
        found += [P.remove_parametrizations(net, "weight").weight.shape]
    return found


@program
def orthogonal_weights_in_a_batch(torch):
    net = torch.nn.Conv1d(4, 3, 2)
    found = []
    for way in ("matrix_exp", "householder"):
        net = torch.nn.utils.parametrizations.orthogonal(torch.nn.Conv1d(3, 2, 2).double(), orthogonal_map=way)
        found += [net.weight.shape, torch.round((net.weight.mT @ net.weight).detach(), decimals=4).abs()]
    return found


@program
def two_passes_before_one_backward(torch):
    critic = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(4, 1))
    loss = critic(torch.ones(2, 4)).mean() - critic(torch.zeros(2, 4)).mean()
    loss.backward()
    return round(loss.item(), 4), torch.round(critic.parametrizations.weight.original.grad, decimals=3)


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_programs_come_to_the_same(function: Any) -> None:
    assert_same(function)
    with warnings.catch_warnings(action="ignore"):
        function(minigrad)  # an error of both would be the same, too


def lines(torch: Any) -> dict[str, Any]:
    P, K, nn = torch.nn.utils.parametrize, kinds(torch), torch.nn
    N, made = nn.utils.parametrizations, kinds(torch).made
    same = lambda self, x: x

    def register(parametrization: Any, first: Any = None, **options: Any) -> Any:
        layer = nn.Linear(2, 2)
        if first is not None:
            P.register_parametrization(layer, "weight", first, unsafe=True)
        return P.register_parametrization(layer, "weight", parametrization, **options)

    def assign(parametrization: Any, value: Any, **options: Any) -> Any:
        register(parametrization, **options).weight = value

    def changing(change: Any) -> Any:
        """A right inverse that gives one thing when it is registered and another from then on."""
        calls: list[int] = []
        return lambda self, y: (calls.append(1), y if len(calls) == 1 else change(y))[1]

    pair = lambda self, x, y: x
    return {
        "no such tensor": lambda: P.register_parametrization(nn.Linear(1, 1), "weights", K.Doubled()),
        "no tensor": lambda: register(made("None_", lambda self, x: None)),
        "no tensor after": lambda: register(made("None_", lambda self, x: None), K.Doubled()),
        "a dtype": lambda: register(made("Double", lambda self, x: x.double())),
        "a dtype after": lambda: register(made("Double", lambda self, x: x.double()), K.Doubled()),
        "a shape": lambda: register(made("Row", lambda self, x: x[0])),
        "a shape after": lambda: register(made("Row", lambda self, x: x[0]), K.Doubled()),
        "an inverse of no tensor": lambda: register(made("N", same, lambda self, y: None)),
        "an inverse of numbers": lambda: register(made("N", pair, lambda self, y: (y, 3))),
        "an inverse of a dtype": lambda: register(made("N", same, lambda self, y: y.double())),
        "an inverse of no tensor after": lambda: register(made("N", same, lambda self, y: (y, y)), K.Doubled()),
        "an inverse of a dtype after": lambda: register(made("N", same, lambda self, y: y.double()), K.Doubled()),
        "an inverse of a shape after": lambda: register(made("N", same, lambda self, y: y[0]), K.Doubled()),
        "an assignment": lambda: assign(K.Skew(), torch.ones(2, 2)),
        "an assignment of a dtype": lambda: assign(K.Doubled(), torch.ones(2, 2).double()),
        "an assignment of no tensor": lambda: assign(made("N", same, changing(lambda y: 3)), torch.ones(2, 2)),
        "an assignment of a parameter": lambda: assign(K.Doubled(), nn.Parameter(torch.ones(2, 2))),
        "an assignment of a number": lambda: assign(made("N", same, lambda self, y: y), 3),
        "an assignment of one": lambda: assign(
            made("N", pair, lambda self, y: (y, y) if y.sum() < 100 else y.sum()), torch.full((2, 2), 99.0)
        ),
        "an assignment of three": lambda: assign(
            made("N", pair, lambda self, y: (y,) * (2 if y.sum() < 100 else 3)), torch.full((2, 2), 99.0)
        ),
        "an assignment of numbers": lambda: assign(
            made("N", pair, lambda self, y: (y, y if y.sum() < 100 else 3)), torch.full((2, 2), 99.0)
        ),
        "an assignment of dtypes": lambda: assign(
            made("N", pair, lambda self, y: (y, y if y.sum() < 100 else y.double())), torch.full((2, 2), 99.0)
        ),
        "not parametrized": lambda: P.remove_parametrizations(nn.Linear(1, 1), "weight"),
        "another is": lambda: P.remove_parametrizations(register(K.Doubled()), "bias"),
        "several left": lambda: P.remove_parametrizations(register(K.RankOne()), "weight", leave_parametrized=False),
        "pickled": lambda: pickle.dumps(register(K.Doubled())),
        "nothing": lambda: P.ParametrizationList([], torch.ones(1)),
        "a spectral norm of nothing": lambda: N.spectral_norm(nn.Linear(1, 1, bias=False), "bias"),
        "a spectral norm of no iterations": lambda: N.spectral_norm(nn.Linear(1, 1), n_power_iterations=0),
        "a spectral norm along no dimension": lambda: N.spectral_norm(nn.Linear(1, 1), dim=2),
        "orthogonal nothing": lambda: N.orthogonal(nn.Linear(1, 1), "weights"),
        "an orthogonal vector": lambda: N.orthogonal(nn.Linear(1, 1), "bias"),
        "an orthogonal map of no kind": lambda: N.orthogonal(nn.Linear(1, 1), orthogonal_map="qr"),
        "an orthogonal matrix of another shape": lambda: setattr(
            N.orthogonal(nn.Linear(2, 2)), "weight", torch.ones(2, 3)
        ),
        "an orthogonal matrix without a base": lambda: setattr(
            N.orthogonal(nn.Linear(2, 2), use_trivialization=False), "weight", torch.eye(2)
        ),
        "a weight norm of nothing": lambda: N.weight_norm(nn.Linear(1, 1), "weights"),
        "a weight norm along no dimension": lambda: N.weight_norm(nn.Linear(1, 1), dim=2).weight,
    }


@pytest.mark.parametrize("name", lines(minigrad))
def test_what_is_refused_is_refused_in_torchs_words(name: str) -> None:
    caught = []
    for library in (torch, minigrad):
        with pytest.raises((ValueError, RuntimeError, IndexError, KeyError, TypeError, AttributeError)) as error:
            lines(library)[name]()
        caught.append((type(error.value), str(error.value)))
    (kind, text), (found_kind, found) = caught
    assert found_kind is kind
    assert found.startswith(text)


def test_a_copy_can_lose_its_parametrizations_alone() -> None:
    """In torch the other module has no weight afterwards."""
    P, K = minigrad.nn.utils.parametrize, kinds(minigrad)
    one = P.register_parametrization(minigrad.nn.Linear(2, 2), "weight", K.Doubled())
    with P.cached():
        one.weight
        twin = deepcopy(one)
        twin.weight = minigrad.zeros(2, 2)
        assert not twin.weight.any()  # nor does it have what is kept of the other
    P.remove_parametrizations(twin, "weight")
    assert one.weight.any()
    assert type(twin) is minigrad.nn.Linear


def test_a_call_with_other_parameters_refuses_what_is_computed() -> None:
    """It took no notice; torch sets it, so that no gradient flows to it."""
    layer = minigrad.nn.utils.parametrizations.weight_norm(minigrad.nn.Linear(2, 2))
    call, ones = minigrad.func.functional_call, minigrad.ones(1, 2)
    with pytest.raises(RuntimeError, match=r"`weight` is computed.*\n.*`parametrizations\.weight\.original`"):
        call(layer, {"weight": minigrad.ones(2, 2)}, ones)
    length = {"parametrizations.weight.original0": minigrad.zeros(2, 1)}
    assert minigrad.equal(call(layer, length, ones)[0], layer.bias)


@settings(max_examples=8, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 4)), seed=st.integers(0, 99), dim=st.sampled_from([0, 1, None])
)
def test_a_parametrized_layer_is_the_layer_of_the_computed_weight(shape: Any, seed: int, dim: int | None) -> None:
    """Values, and the gradient of what it is computed from: a small step changes the loss by as much."""
    minigrad.manual_seed(seed)
    layer = minigrad.nn.Linear(*shape, dtype=minigrad.float64)
    x, before = minigrad.randn(3, shape[0], dtype=minigrad.float64), layer.weight.detach().clone()
    layer = minigrad.nn.utils.parametrizations.weight_norm(layer, dim=dim)
    assert minigrad.allclose(layer.weight, before)
    layer(x).pow(2).sum().backward()
    listed = layer.parametrizations.weight
    direction = minigrad.randn(*listed.original1.shape, dtype=minigrad.float64)
    slope, step, ends = (listed.original1.grad * direction).sum(), 1e-6, []
    for sign in (1, -1):
        with minigrad.no_grad():
            listed.original1 += sign * step * direction
            ends.append(layer(x).pow(2).sum())
            listed.original1 -= sign * step * direction
    assert minigrad.allclose(slope, (ends[0] - ends[1]) / (2 * step), rtol=1e-4, atol=1e-6)
