"""Functions of single numbers where the table's rows do not go: poles, far ends, and second derivatives that torch lacks."""

from math import inf, nan, pi

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from parity import assert_same

import minigrad
from minigrad.autograd import gradcheck
from minigrad.ops import activations

FAR = [
    -inf,
    -1e30,
    -1e5,
    -100.5,
    -3.5,
    -2.0,
    -1.0,
    -0.5,
    -1e-300,
    -0.0,
    0.0,
    1e-300,
    1e-9,
    0.3,
    1,
    2.5,
    30,
    170.6,
    1e6,
    inf,
    nan,
]
NEAR_ONE = [-1.5, -1.0, -1 + 1e-15, -0.7, -1e-8, -0.0, 0.0, 1e-300, 0.2, 0.5, 0.99, 1 - 1e-6, 1 - 1e-15, 1.0, nan]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        *[(name, FAR) for name in ("erf", "erfc", "lgamma", "sinc", "exp2", "expm1", "log1p", "rsqrt", "nan_to_num")],
        ("digamma", [x for x in FAR if abs(x) != 1e30]),
        ("erfinv", NEAR_ONE),
        ("logit", NEAR_ONE),
    ],
)
def test_far_out_and_near_the_poles(name, values, dtype):
    ours, theirs = (getattr(t, name)(t.tensor(values, dtype=getattr(t, dtype))).numpy() for t in (minigrad, torch))
    # Near 1 the inverse of erf loses as many digits as lie between the number and 1.
    rough = {"float32": 2e-6, "float64": 3e-9 if name == "erfinv" else 2e-13}[dtype]
    np.testing.assert_allclose(ours, theirs, rtol=rough, atol=1e-300)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
def test_polygamma_on_both_sides_of_its_poles(n):
    x = [-7.25, -2.5, -0.75, -0.0, 0.0, 1e-3, 0.5, 9.999, 10.0, 50.0, 1e8, nan]
    ours, theirs = (t.polygamma(n, t.tensor(x, dtype=t.float64)).numpy() for t in (minigrad, torch))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)  # torch's trigamma has ten right digits


def test_trigamma_to_the_last_digits():
    x = minigrad.tensor([0.5, 1.0], dtype=minigrad.float64)
    np.testing.assert_allclose(minigrad.polygamma(1, x).numpy(), [pi**2 / 2, pi**2 / 6], rtol=1e-15)


def test_the_error_function_in_single_precision_is_within_a_few_last_digits():
    x = np.linspace(-6, 6, 100_001, dtype=np.float32)
    exact = minigrad.erf(minigrad.from_numpy(x.astype(np.float64))).numpy()
    assert np.abs(minigrad.erf(minigrad.from_numpy(x)).numpy() - exact).max() < 5e-7


def test_hardsigmoid_has_its_whole_slope_in_double_precision():
    x = minigrad.tensor([-4.0, -1.0, 0.5, 2.0, 5.0], dtype=minigrad.float64, requires_grad=True)
    assert gradcheck(activations.hardsigmoid, (x,))


def test_slopes_of_integers_beside_floats():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    minigrad.atan2(x, minigrad.tensor([200, 3], dtype=minigrad.uint8)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [200 / 40001, 3 / 13], rtol=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda t, x: t.nextafter(x, x * 2),
        lambda t, x: x % 2 + x // 2 + 7 % x + 7 // x,
        lambda t, x: t.tensor([5, -7, 7]) // t.tensor([2, 2, -2]),
        lambda t, x: t.div(t.tensor([5, -7, 7]), t.tensor([2, 2, -2]), rounding_mode="trunc"),
        lambda t, x: t.tensor([1, -8, 1]) << t.tensor([70, 1, -1]),
        lambda t, x: t.tensor([1, -8, 1]) >> t.tensor([70, 1, 3]),
        lambda t, x: t.round(t.tensor([0.5, 1.5, 2.5, -0.5, 1.25]), decimals=1),
        lambda t, x: t.stack(
            [t.tensor([-0.0, 0.0]).to(d).relu().clamp(0, 1).clamp(max=-0.0).double() for d in (t.float, t.half)]
        ),
        lambda t, x: t.float_power(t.tensor([2, 3]), 2),
        lambda t, x: t.isclose(t.tensor([inf, 1.0, nan]), t.tensor([inf, 1 + 1e-6, nan])),
        lambda t, x: t.isclose(t.tensor([inf, inf, 1.0, nan]), t.tensor([inf, -inf, inf, 1.0]), 0.5, inf),
        lambda t, x: t.isclose(t.tensor([2**53 + 1, 5]), t.tensor([2**53, 5]), 0, 0),
        lambda t, x: [t.allclose(t.tensor([2**53 + 1]), t.tensor([2**53]), *allowed) for allowed in [(), (0, 0)]],
        lambda t, x: t.tensor([1.0, 2.0]).float_power_(2),
        lambda t, x: t.zeros(3).logical_xor_(other=x),
        lambda t, x: t.tensor([1, 2]) % 0,
        lambda t, x: t.tensor([1, 2]) // t.tensor([1, 0]),
        lambda t, x: t.div(x, 2, rounding_mode="round"),
        lambda t, x: (x // 2).sum().backward(),
        lambda t, x: (2 % x).sum().backward(),
        lambda t, x: t.heaviside(x, x).sum().backward(),
        lambda t, x: t.heaviside(x, x.double()),
        lambda t, x: x << 1,
        lambda t, x: t.addcdiv(t.tensor(1), t.tensor(1), t.tensor(1)),
        lambda t, x: t.lerp(x, x.double(), 0.5),
        lambda t, x: t.lerp(x, t.zeros(2), 0.5),
        lambda t, x: t.addcmul(x, x, t.zeros(2)),
        lambda t, x: t.polygamma(-1, x),
        lambda t, x: t.celu(x, 0),
        lambda t, x: t.prelu(x, t.zeros(2)),
        lambda t, x: +t.tensor([True]),
    ],
)
def test_results_and_errors_are_torchs(f):
    def run(t):
        found = f(t, t.tensor([1.0, -2.5, 4.0], requires_grad=True))
        return str(found.dtype), found.tolist()

    assert_same(run)


def test_powers_of_two():
    """To whole exponents the slope is 2**b; torch computes that in integers, and has 0 for it where b is negative."""
    a = minigrad.tensor([3.0, -5.0, 7.0], requires_grad=True)
    b = minigrad.tensor([-2, 40, 3])
    minigrad.ldexp(a, b).sum().backward()
    assert a.grad.tolist() == [0.25, 2.0**40, 8.0]
    theirs = torch.ldexp(torch.tensor([3.0, -5.0, 7.0]), torch.tensor([-2, 40, 3]))
    assert minigrad.ldexp(a, b).tolist() == theirs.tolist()
