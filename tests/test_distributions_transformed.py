"""Transforms and the distributions that they make: values, inverses, slopes, samples, gradients and errors are torch's."""

import copy
import gc
import math
import pickle
import weakref

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from hypothesis import given, settings, strategies as st
from parity import assert_same

import minigrad

# name: (one made with a library and a tensor of positive numbers, from which numbers in (0, 1) an x of it is made)
KINDS = {
    "exp": (lambda D, a: D.ExpTransform(), lambda u: 6 * u - 3),
    "power": (lambda D, a: D.PowerTransform(a + 0.5), lambda u: 3 * u + 0.1),
    "sigmoid": (lambda D, a: D.SigmoidTransform(), lambda u: 12 * u - 6),
    "softplus": (lambda D, a: D.SoftplusTransform(), lambda u: 12 * u - 6),
    "tanh": (lambda D, a: D.TanhTransform(), lambda u: 4 * u - 2),
    "affine": (lambda D, a: D.AffineTransform(2 * a, -1 - a), lambda u: 6 * u - 3),
    "affine of numbers": (lambda D, a: D.AffineTransform(1, -2.5), lambda u: 6 * u - 3),
    "affine of vectors": (lambda D, a: D.AffineTransform(0.5, -2.0, event_dim=1), lambda u: 6 * u - 3),
    "its inverse": (lambda D, a: D.AffineTransform(2 * a, 1 + a).inv, lambda u: 6 * u - 3),
    "cdf": (lambda D, a: D.CumulativeDistributionTransform(D.Normal(0.5, 2.0)), lambda u: 6 * u - 3),
    "independent": (lambda D, a: D.IndependentTransform(D.TanhTransform(), 1), lambda u: 4 * u - 2),
    "sticks": (lambda D, a: D.StickBreakingTransform(), lambda u: 4 * u - 2),
    "reshape": (lambda D, a: D.ReshapeTransform((3,), (3, 1)), lambda u: u),
    "composed": (
        lambda D, a: D.ComposeTransform([D.AffineTransform(a, 2.0), D.SigmoidTransform(), D.AffineTransform(-1, 3)]),
        lambda u: 4 * u - 2,
    ),
    "of vectors after numbers": (
        lambda D, a: D.ComposeTransform([D.TanhTransform(), D.AffineTransform(0, 2, event_dim=1), D.ExpTransform()]),
        lambda u: 4 * u - 2,
    ),
    "of numbers after a new shape": (
        lambda D, a: D.ComposeTransform([D.ReshapeTransform((3,), (3, 1)), D.TanhTransform()]),
        lambda u: 4 * u - 2,
    ),
    "correlations": (lambda D, a: D.CorrCholeskyTransform(), lambda u: 2 * u - 1),
    "side by side": (
        lambda D, a: D.CatTransform([D.ExpTransform(), D.AffineTransform(1.0, a[:1])], dim=-1, lengths=[2, 1]),
        lambda u: 4 * u - 2,
    ),
    "stacked": (
        lambda D, a: D.StackTransform([D.TanhTransform(), D.ExpTransform(), D.AffineTransform(0, a[0])], dim=-1),
        lambda u: 4 * u - 2,
    ),
    "nothing": (lambda D, a: D.identity_transform, lambda u: 4 * u - 2),
}
# without a slope, which torch has none for either
FLAT = {
    "abs": (lambda D, a: D.AbsTransform(), lambda u: 4 * u - 2),
    "softmax": (lambda D, a: D.SoftmaxTransform(), lambda u: 4 * u - 2),
    "factors": (lambda D, a: D.LowerCholeskyTransform(), lambda u: 4 * u - 2),
    "definite": (lambda D, a: D.PositiveDefiniteTransform(), lambda u: 2 * u - 1),
}
BASES = {
    "power": lambda D, zeros: D.Uniform(zeros + 0.1, 3.0),
    "its inverse": lambda D, zeros: D.Laplace(zeros, 1.0),
}


def drawn(data, kind):
    """Numbers in (0, 1) in a shape that the kind takes, and others of one that broadcasts with it."""
    random = np.random.RandomState(data.draw(st.integers(0, 99)))
    shape = data.draw(st.sampled_from([(3,), (2, 3), (4, 1, 3)]))
    if kind in ("factors", "definite"):
        shape = (*shape, 3)
    return random.uniform(0.01, 0.99, shape), random.uniform(0.01, 0.99, (3,))


@pytest.mark.parametrize("kind", KINDS | FLAT)
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_a_transform_is_torchs(kind, data):
    make, of_numbers = (KINDS | FLAT)[kind]
    numbers, others = drawn(data, kind)
    dtype, cache = data.draw(st.sampled_from(["float32", "float64"])), data.draw(st.integers(0, 1))
    results = []
    for library in (torch, minigrad):
        kept = {"dtype": getattr(library, dtype), "requires_grad": True}
        x, a = library.tensor(of_numbers(numbers), **kept), library.tensor(others, **kept)
        transform = make(library.distributions, a).with_cache(cache)
        y = transform(x)
        found = [y, transform.inv(y), transform.inv(y.detach()), transform.inv.inv is transform, transform.inv(y) is x]
        found += [transform.forward_shape(x.shape), transform.inverse_shape(y.shape), transform.bijective]
        found += [transform.domain, transform.codomain, transform, transform.inv, transform == transform.inv]
        if kind in KINDS:
            found += [transform.log_abs_det_jacobian(x, y), transform.inv.log_abs_det_jacobian(y, x)]
        losses = [part for part in found if isinstance(part, library.Tensor) and part.requires_grad]
        for loss in losses:
            found += library.autograd.grad(loss.sum(), [x, a], retain_graph=True, allow_unused=True)
        results.append(found)
    tight = 1e-10 if dtype == "float64" else 2e-4
    for found, expected in zip(results[1], results[0], strict=True):
        if isinstance(expected, torch.Tensor):
            assert str(found.dtype) == str(expected.dtype)
            assert found.shape == expected.shape
            np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), tight, tight)
        else:
            assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if "shape" not in kind and kind not in ("sticks", "correlations", "stacked")]
)
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_the_slope_is_that_of_the_graph(kind, data):
    make, of_numbers = KINDS[kind]
    numbers, others = drawn(data, kind)
    x = minigrad.tensor(of_numbers(numbers), dtype=minigrad.float64, requires_grad=True)
    transform = make(minigrad.distributions, minigrad.tensor(others, dtype=minigrad.float64))
    y = transform(x)
    (slope,) = minigrad.autograd.grad(y.sum(), x)
    told = transform.log_abs_det_jacobian(x, y)
    logs = slope.abs().log()
    assert minigrad.allclose(told, logs.sum(-1) if transform.domain.event_dim else logs)
    assert minigrad.allclose(transform.inv(y), x)
    sign = transform.sign if kind not in ("nothing", "side by side") else 1
    assert (slope.sign() == sign).all()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("side by side", "stacked")])
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_a_distribution_that_is_transformed_is_torchs(kind, data):
    make, _ = KINDS[kind]
    numbers, others = drawn(data, kind)
    seed, sample_shape = data.draw(st.integers(0, 99)), data.draw(st.sampled_from([(), (2,)]))
    cache, expand = data.draw(st.integers(0, 1)), data.draw(st.booleans())
    results = []
    for library in (torch, minigrad):
        D = library.distributions
        loc, a = (library.tensor(values, requires_grad=True) for values in (numbers, others))
        base = BASES.get(kind, lambda D, zeros: D.Normal(zeros, 0.5))(D, loc)
        d = D.TransformedDistribution(base, make(D, a).with_cache(cache))
        if expand:
            d = d.expand((2, *d.batch_shape))
        library.manual_seed(seed)
        y = d.rsample(sample_shape)
        found = [d, d.batch_shape, d.event_shape, d.support, d.has_rsample, y, d.sample(sample_shape), d.log_prob(y)]
        found += [d.log_prob(y.detach().clone()), d.base_dist.event_shape]
        if not d.event_shape and kind != "nothing":
            found += [d.cdf(y), d.icdf(library.full_like(y, 0.25))]
        for loss in [part for part in found if isinstance(part, library.Tensor) and part.requires_grad]:
            found += library.autograd.grad(loss.sum(), [loc, a], retain_graph=True, allow_unused=True)
        results.append(found)
    for found, expected in zip(results[1], results[0], strict=True):
        if isinstance(expected, torch.Tensor):
            assert found.shape == expected.shape
            np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), 1e-7, 1e-7)
        else:
            assert repr(found) == repr(expected)


def a_squashed_policy(torch):
    """As soft actor-critic has it: actions in (-1, 1), whose log-probability comes with them."""
    D, net = torch.distributions, torch.nn.Linear(3, 4)
    mean, log_std = net(torch.ones(5, 3)).chunk(2, -1)
    tanh = D.TransformedDistribution(D.Normal(mean, log_std.clamp(-5, 2).exp()), D.TanhTransform(cache_size=1))
    policy = D.Independent(tanh, 1)
    action = policy.rsample()
    log_prob = policy.log_prob(action)
    (0.2 * log_prob - action.sum(-1)).mean().backward()
    return policy, action, log_prob, net.weight.grad, policy.batch_shape, policy.event_shape


def a_flow(torch):
    """Density estimation with transforms whose parameters are learned."""
    D = torch.distributions
    loc, scale = torch.zeros(2, requires_grad=True), torch.ones(2, requires_grad=True)
    data = torch.randn(8, 2).exp()
    for _ in range(3):
        flow = D.TransformedDistribution(
            D.MultivariateNormal(torch.zeros(2), torch.eye(2)), [D.AffineTransform(loc, scale), D.ExpTransform()]
        )
        loss = -flow.log_prob(data).mean()
        slopes = torch.autograd.grad(loss, (loc, scale))
        with torch.no_grad():
            loc -= 0.1 * slopes[0]
            scale -= 0.1 * slopes[1]
    return loss, loc, scale, flow, flow.sample((2,)), flow.support


def far_out_a_cache_remembers(torch):
    D, x = torch.distributions, torch.tensor([20.0])
    one, none = D.TanhTransform(cache_size=1), D.TanhTransform()
    y = one(x)
    again = one.inv(y)
    return again, none.inv(none(x)), one.inv(torch.tensor([0.5])), one(x), one.log_abs_det_jacobian(x, y)


def the_others_cache(torch):
    D = torch.distributions
    kinds = [
        D.ExpTransform(),
        D.AffineTransform(0, 1),
        D.PowerTransform(2),
        D.IndependentTransform(D.ExpTransform(), 1),
    ]
    kinds += [D.ComposeTransform([D.ExpTransform()]), D.ExpTransform().inv, D.ReshapeTransform((1,), (1, 1))]
    kinds += [D.CumulativeDistributionTransform(D.Normal(0, 1))]
    with_cache = [(t, t.with_cache(), t.with_cache(0) is t, t.with_cache() is t) for t in kinds]
    x = torch.tensor([0.25])
    base = kinds[3].with_cache().base_transform
    return (
        base(x) is base(x),
        with_cache,
        [t.with_cache()(x) is t.with_cache()(x) for t in kinds],
        [(c(x) is c(x)) for _, c, *_ in with_cache],
    )


def which_are_equal(torch):
    D = torch.distributions
    kinds = [D.ExpTransform(), D.TanhTransform(), D.SigmoidTransform(), D.SoftplusTransform(), D.AbsTransform()]
    kinds += [D.AffineTransform(0, 1), D.AffineTransform(0, 2), D.AffineTransform(1, 2), D.PowerTransform(2)]
    kinds += [D.AffineTransform(0, torch.tensor([1.0, 2.0])), D.AffineTransform(torch.zeros(2), 1), D.PowerTransform(3)]
    kinds += [D.ExpTransform().inv, D.ComposeTransform([D.ExpTransform()]), D.identity_transform, D.SoftmaxTransform()]
    kinds += [D.StickBreakingTransform(), D.LowerCholeskyTransform(), D.PositiveDefiniteTransform()]
    kinds += [D.IndependentTransform(D.ExpTransform(), 1), D.ReshapeTransform((1,), (1, 1))]
    inverse = kinds.index(D.ExpTransform().inv)  # whose copy, in torch, is of nothing
    same = [kind if i == inverse else copy.copy(kind) for i, kind in enumerate(kinds)]
    signs = [kind.sign for kind in kinds[:4] + kinds[5:13]]
    return [[a == b for a in kinds] for b in same], [a != b for a, b in zip(kinds, same, strict=True)], signs


def how_they_are_combined(torch):
    D = torch.distributions
    sticks, numbers = D.StickBreakingTransform(), D.AffineTransform(0, 2)
    found = [D.ComposeTransform([numbers, sticks]), D.ComposeTransform([sticks, numbers]).inv, D.identity_transform]
    found += [D.ComposeTransform([D.ReshapeTransform((6,), (2, 3)), sticks]), D.IndependentTransform(numbers, 2).inv]
    shapes = [torch.Size((4, 6)), torch.Size((4, 1, 6))]
    return [(t, t.domain, t.codomain, t.bijective, [t.forward_shape(s) for s in shapes[: 1 + i]]) for i, t in
            enumerate(found)]  # fmt: skip


def divergences(torch):
    D = torch.distributions
    p, q = (D.TransformedDistribution(D.Normal(loc, torch.ones(2)), D.TanhTransform()) for loc in (0.0, 0.5))
    pair = D.LogNormal(0.0, 1.0), D.LogNormal(torch.zeros(2), 2.0)
    return D.kl_divergence(p, q), D.kl_divergence(*pair), isinstance(pair[0], D.TransformedDistribution)


def no_divergence_of_other_transforms(torch):
    D, refused = torch.distributions, []
    two, three = (D.TransformedDistribution(D.Normal(torch.zeros(n), 1.0), D.AffineTransform(0, 1, 1)) for n in (2, 3))
    squashed = D.TransformedDistribution(D.Normal(0.0, 1.0), D.TanhTransform())
    for p, q in [(squashed, D.LogNormal(0.0, 1.0)), (two, three)]:
        try:
            D.kl_divergence(p, q)
        except NotImplementedError:
            refused.append(p)
    return refused


def copies(torch):
    D = torch.distributions
    transform = D.AffineTransform(1.0, 2.0, cache_size=1)
    inverse, y = transform.inv, transform(torch.ones(1))
    twin, shallow = copy.deepcopy(transform), copy.copy(transform)
    return twin(torch.ones(1)), twin.inv is inverse, twin == transform, twin.inv.inv is twin, shallow.inv is inverse, y


def test_an_inverse_is_copied_and_pickled_and_no_cycle_holds_what_a_cache_remembers():
    D, x = minigrad.distributions, minigrad.tensor([0.5, 1.0])
    for transform in (D.ExpTransform(), D.ComposeTransform([D.TanhTransform(), D.AffineTransform(1.0, 2.0)])):
        inverse = transform.inv
        assert inverse.inv is transform
        assert transform.inv is inverse
        for other in (copy.copy(inverse), copy.deepcopy(inverse), pickle.loads(pickle.dumps(inverse))):
            assert minigrad.allclose(other(transform(x)), x)
            assert minigrad.allclose(other.inv(x), transform(x))
    gc.disable()
    try:
        transform = D.TanhTransform(cache_size=1)
        y = weakref.ref(transform(x))
        transform.inv(y())
        D.ComposeTransform([transform]).inv(y())
        del transform
        assert y() is None
    finally:
        gc.enable()


def values_at_the_ends(torch):
    D, far = torch.distributions, torch.tensor([-200.0, 0.0, 200.0])
    sigmoid, sticks = D.SigmoidTransform(), D.StickBreakingTransform()
    corners, over = torch.eye(3), torch.tensor([0.7, 0.4, -0.1])
    return sigmoid(far), sigmoid.inv(torch.tensor([0.0, 1.0])), sticks(far), sticks.inv(corners), sticks.inv(over)


def parameters_make_the_batch(torch):
    D = torch.distributions
    d = D.TransformedDistribution(D.Normal(0.0, 1.0), D.AffineTransform(torch.zeros(2, 1), torch.ones(3)))
    return d.batch_shape, d.sample().shape, d.base_dist, d.log_prob(torch.tensor(0.5)), d.expand((4, 2, 3)).base_dist


def ones_own(torch):
    class Cube(torch.distributions.Transform):
        domain = codomain = torch.distributions.constraints.real
        bijective, sign = True, 1

        def _call(self, x):
            return x**3

        def _inverse(self, y):
            return y.sign() * y.abs() ** (1 / 3)

        def log_abs_det_jacobian(self, x, y):
            return math.log(3) + 2 * x.abs().log()

    d = torch.distributions.TransformedDistribution(torch.distributions.Normal(0.0, 1.0), [Cube(), Cube(cache_size=1)])
    value = torch.tensor([-2.0, 0.5])
    return d.log_prob(value), d.cdf(value), d.sample(), Cube().with_cache(), Cube().event_dim, Cube(), Cube().inv


def constrained(torch, registry):
    """For each constraint what `biject_to` or `transform_to` makes of some numbers, whether that is allowed, and back."""
    c, found = torch.distributions.constraints, []
    torch.manual_seed(3)
    vectors, matrices = torch.randn(2, 3, dtype=torch.float64), torch.randn(2, 3, 3, dtype=torch.float64)
    two = [c.positive, c.interval(-1.0, torch.tensor(2.0))]
    of_vectors = [c.real, c.positive, c.nonnegative, c.greater_than(2.0), c.greater_than_eq(-1.0), c.less_than(0.5)]
    of_vectors += [c.unit_interval, c.interval(-2.0, 3.0), c.half_open_interval(0, 1), c.simplex, c.corr_cholesky]
    of_vectors += [c.independent(c.positive, 1), c.real_vector, c.cat(two, 1, [1, 2]), c.stack([*two, c.real], -1)]
    for constraint in [*of_vectors, c.lower_cholesky, c.positive_definite, c.positive_semidefinite, c.boolean]:
        try:
            transform = getattr(torch.distributions, registry)(constraint)
        except NotImplementedError as error:
            found.append(str(error))
            continue
        x = vectors if constraint in of_vectors else matrices
        y = transform(x)
        found += [constraint, transform, y, constraint.check(y), transform.inv(y), constraint.event_dim]
        if registry == "biject_to":
            found += [transform.log_abs_det_jacobian(x, y), transform.bijective, constraint.is_discrete]
    return found


def biject_to(torch):
    return constrained(torch, "biject_to")


def transform_to(torch):
    return constrained(torch, "transform_to")


def a_constraint_of_ones_own_is_registered(torch):
    D = torch.distributions
    registry = type(D.biject_to)()
    Even = type("Even", (D.constraints.Constraint,), {})
    registry.register(Even(), lambda constraint: D.AffineTransform(0, 2))
    decorated = registry.register(D.constraints.real)(lambda constraint: D.identity_transform)
    return registry(Even())(torch.ones(2)), decorated(0), registry(D.constraints.real) is D.identity_transform


def triangles_and_vectors(torch):
    utils, v = torch.distributions.utils, torch.arange(6.0).view(2, 3)
    matrices = [utils.vec_to_tril_matrix(v), utils.vec_to_tril_matrix(v, -1), utils.vec_to_tril_matrix(v[:, :1], -2)]
    return matrices, [utils.tril_matrix_to_vec(m, d) for m, d in zip(matrices, (0, -1, -2), strict=True)]


def what_is_joined_is_checked(torch):
    c, D, x = torch.distributions.constraints, torch.distributions, torch.tensor([[1.0, -1.0], [0.0, 2.0]])
    joined = [c.cat([c.positive, c.real]), c.stack([c.real_vector, c.real_vector]), c.stack([c.boolean, c.real])]
    of_vectors = D.CatTransform([D.StickBreakingTransform().inv, D.SoftmaxTransform()], dim=0)
    events = D.CatTransform([D.AffineTransform(0, 2, event_dim=1)] * 2, dim=1)
    logs = events.log_abs_det_jacobian(x, events(x)), D.CatTransform([D.ExpTransform()] * 2).log_abs_det_jacobian(x, x)
    cached = (
        D.StackTransform([D.TanhTransform()] * 2).with_cache(),
        D.CatTransform([D.TanhTransform()] * 2, 1).with_cache(),
    )
    again = [t.inv(t(x)) for t in cached], [t.transforms[0]._cache_size for t in cached]
    return (
        [(one.check(x), one.event_dim, one.is_discrete) for one in joined],
        of_vectors.event_dim,
        events.length,
        logs,
        again,
    )


PROGRAMS = [a_squashed_policy, a_flow, far_out_a_cache_remembers, the_others_cache, which_are_equal]
PROGRAMS += [how_they_are_combined, divergences, no_divergence_of_other_transforms, copies, ones_own]
PROGRAMS += [values_at_the_ends, parameters_make_the_batch, biject_to, transform_to, triangles_and_vectors]
PROGRAMS += [a_constraint_of_ones_own_is_registered, what_is_joined_is_checked]


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_programs_come_to_the_same(function):
    assert_same(function)
    function(minigrad)  # an error of both would be the same, too


REFUSED = [
    lambda D, t: D.ExpTransform(cache_size=2),
    lambda D, t: D.TransformedDistribution(D.Normal(0.0, 1.0), 3),
    lambda D, t: D.TransformedDistribution(D.Normal(0.0, 1.0), [D.ExpTransform(), 3]),
    lambda D, t: D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform()),
    lambda D, t: D.TransformedDistribution(D.Normal(0.0, 1.0), D.ExpTransform()).log_prob(t.tensor(-1.0)),
    lambda D, t: D.TransformedDistribution(D.Normal(0.0, 1.0), D.TanhTransform()).log_prob(t.tensor(2.0)),
    lambda D, t: D.TransformedDistribution(D.Uniform(0.0, 1.0), D.AffineTransform(0, 2)).cdf(t.tensor(3.0)),
    lambda D, t: D.TransformedDistribution(D.Normal(0.0, 1.0), D.TanhTransform()).mean,
    lambda D, t: D.TransformedDistribution(D.Normal(0.0, 1.0), D.TanhTransform()).entropy(),
    lambda D, t: D.TransformedDistribution(D.Normal(0.0, 1.0), D.AbsTransform()).log_prob(t.tensor(2.0)),
    lambda D, t: D.TransformedDistribution(D.Normal(t.zeros(3), 1.0), D.AffineTransform(t.zeros(2), 1.0)),
    lambda D, t: D.TransformedDistribution(
        D.Normal(t.zeros(3), 1.0), D.CatTransform([D.ExpTransform(), D.CorrCholeskyTransform()], lengths=[2, 1])
    ),
    lambda D, t: D.ReshapeTransform((2, 3), (5,)),
    lambda D, t: D.ReshapeTransform((2, 3), (6,)).forward_shape(t.Size((4, 5))),
    lambda D, t: D.ReshapeTransform((2, 3), (6,)).forward_shape(t.Size((4,))),
    lambda D, t: D.ReshapeTransform((2, 3), (6,)).inverse_shape(t.Size((4, 5))),
    lambda D, t: D.ReshapeTransform((2, 3), (6,)).event_dim,
    lambda D, t: D.SoftmaxTransform().forward_shape(t.Size(())),
    lambda D, t: D.StickBreakingTransform().inverse_shape(t.Size(())),
    lambda D, t: D.IndependentTransform(D.ExpTransform(), 1)(t.tensor(1.0)),
    lambda D, t: D.IndependentTransform(D.ExpTransform(), 1).inv(t.tensor(1.0)),
    lambda D, t: D.SoftmaxTransform().sign,
    lambda D, t: D.LowerCholeskyTransform().log_abs_det_jacobian(t.eye(2), t.eye(2)),
    lambda D, t: D.Transform()(t.ones(1)),
    lambda D, t: D.Transform().inv(t.ones(1)),
    lambda D, t: D.CorrCholeskyTransform().forward_shape(t.Size(())),
    lambda D, t: D.CorrCholeskyTransform().forward_shape(t.Size((4,))),
    lambda D, t: D.CorrCholeskyTransform().inverse_shape(t.Size((4,))),
    lambda D, t: D.CorrCholeskyTransform().inverse_shape(t.Size((4, 3))),
    lambda D, t: D.CatTransform([3]),
    lambda D, t: D.CatTransform([D.ExpTransform()], lengths=[1, 2]),
    lambda D, t: D.CatTransform([D.ExpTransform()], dim=1)(t.ones(1)),
    lambda D, t: D.CatTransform([D.ExpTransform()]).inv(t.ones(2)),
    lambda D, t: D.CatTransform([D.ExpTransform()]).log_abs_det_jacobian(t.ones(1), t.ones(2)),
    lambda D, t: D.CatTransform([D.ExpTransform()], dim=1).log_abs_det_jacobian(t.ones(1), t.ones(2)),
    lambda D, t: D.StackTransform([3]),
    lambda D, t: D.StackTransform([D.ExpTransform()])(t.ones(2)),
    lambda D, t: D.StackTransform([D.ExpTransform()], dim=1).inv(t.ones(1)),
    lambda D, t: D.StackTransform([D.ExpTransform()]).log_abs_det_jacobian(t.ones(1), t.ones(2)),
    lambda D, t: D.constraints.cat([3]),
    lambda D, t: D.constraints.cat([D.constraints.real], lengths=[1, 2]),
    lambda D, t: D.constraints.stack([3]),
    lambda D, t: D.constraints.stack([D.constraints.real], 1).check(t.ones(1)),
    lambda D, t: D.constraints.cat([D.constraints.real], 1).check(t.ones(1)),
    lambda D, t: D.biject_to(D.constraints.boolean),
    lambda D, t: D.biject_to.register(3, lambda c: c),
    lambda D, t: D.utils.tril_matrix_to_vec(t.ones(2, 2), 2),
    lambda D, t: D.utils.vec_to_tril_matrix(t.ones(2)),
    lambda D, t: hash(D.ExpTransform()),
    lambda D, t: type("T", (D.Transform,), {"__init__": lambda self: D.Transform.__init__(self)})().with_cache(),
    lambda D, t: type("L", (D.LogNormal,), {"__init__": lambda self: D.LogNormal.__init__(self, 0, 1)})().expand((2,)),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_is_refused_is_refused_in_torchs_words(number, checked_by_torch):
    caught = []
    for library in (torch, minigrad):
        with pytest.raises((ValueError, NotImplementedError, TypeError, RuntimeError, AssertionError)) as error:
            REFUSED[number](library.distributions, library)
        caught.append((type(error.value), str(error.value).replace("'minigrad.", "'torch.")))
    (kind, text), (found_kind, found) = caught
    assert found_kind is kind
    assert found.startswith(text)
