"""Half precision: torch computes with it in single precision, and so its results are rounded where torch's are."""

import numpy as np
import pytest

pytest.importorskip("torch")

from parity import assert_same

ROWS = np.random.default_rng(0).normal(size=(7, 301)).astype(np.float16)
LONG = np.random.default_rng(1).random(70001).astype(np.float16)  # more elements than half precision can count

# An operation beside a number that half precision would round, to infinity or to 0 where it is far out.
BESIDE_NUMBERS = {
    "times": lambda x, torch: x * 100000.0,
    "times, from the left": lambda x, torch: 100000.0 * x,
    "times a tiny one": lambda x, torch: x * 1e-9,
    "times a fraction": lambda x, torch: x * 0.3,
    "times an int": lambda x, torch: x * 100001,
    "times, in place": lambda x, torch: x.clone().mul_(100000.0),
    "times a 0-d tensor": lambda x, torch: x * torch.tensor(100000.0),
    "times a 0-d double": lambda x, torch: x * torch.tensor(0.1, dtype=torch.float64),
    "times a 0-d int": lambda x, torch: x * torch.tensor(100001),
    "a 0-d tensor times": lambda x, torch: torch.tensor(100000.0) * x,
    "an element times": lambda x, torch: x[3] * 100000.0,
    "over": lambda x, torch: x / 70000.0,
    "over a fraction": lambda x, torch: x / 0.3,
    "over, in place": lambda x, torch: x.clone().div_(70000.0),
    "over a 0-d tensor": lambda x, torch: x / torch.tensor(70000.0),
    "a number over": lambda x, torch: 70000.0 / x,
    "plus": lambda x, torch: x + 1e5,
    "minus": lambda x, torch: x - 1e5,
    "plus a fraction": lambda x, torch: x + 0.3,
    "less": lambda x, torch: x < 60001,
    "equal": lambda x, torch: x == 0.3,
    "plus multiples": lambda x, torch: torch.add(x, x * x, alpha=0.5),
    "minus multiples": lambda x, torch: torch.sub(x, -x, alpha=2),
    "a multiple too large": lambda x, torch: torch.add(x, x, alpha=100000.0),
    "to a fraction": lambda x, torch: x.abs() ** 1.3,
    "to a tiny power": lambda x, torch: x.abs() ** 1e-7,
    "to a power too large": lambda x, torch: x**100000.0,
    "to the power of -2": lambda x, torch: x**-2,
    "a number to it": lambda x, torch: 1.0000001**x,
    "to two decimals": lambda x, torch: torch.round(x - 0.355, decimals=2),
    "leaking": lambda x, torch: torch.nn.functional.leaky_relu(x - 1, 0.013),
    "shrunk": lambda x, torch: torch.nn.functional.softshrink(x, 0.3),
    "within a distance": lambda x, torch: torch.nn.functional.huber_loss(
        x, x.detach() * 0.3, reduction="none", delta=0.3
    ),
}

REDUCTIONS = {
    "mean": lambda x: x.mean(),
    "mean over 1": lambda x: x.mean(-1),
    "std": lambda x: x.std(),
    "std over 1": lambda x: x.std(-1),
    "var": lambda x: x.var(),
    "var over 0": lambda x: x.var(0),
    "norm": lambda x: x.norm(dim=-1),
    "3-norm": lambda x: x.norm(3, -1),
    "cumsum": lambda x: x.cumsum(-1),
    "softmax": lambda x: x.softmax(-1),
    "log_softmax": lambda x: x.log_softmax(-1),
    "logsumexp": lambda x: x.logsumexp(-1),
    "sigmoid": lambda x: (x * 4).sigmoid(),
    "sinc": lambda x: (x + 1.5).sinc(),
}


def bits(t):
    """The numbers of a tensor, or of a gradient, without what printing would round."""
    return t.dtype, t.tolist()


def same_with(case, *names):
    return pytest.mark.parametrize(case, [pytest.param(f, id=name) for name, f in names])


@same_with("apply", *BESIDE_NUMBERS.items())
def test_beside_a_number(apply):
    def run(torch):
        x = torch.tensor([1.0, 1.5, 60000.0, -3.0, 0.1, -60000.0], dtype=torch.float16, requires_grad=True)
        y = apply(x, torch)
        if y.requires_grad:
            y.sum().backward()
            return bits(y), y.grad_fn.name(), bits(x.grad)
        return bits(y)

    assert_same(run)


def test_beside_a_number_that_a_gradient_is_wanted_for():
    def run(torch):
        x = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float16, requires_grad=True)
        found = []
        for d in (torch.float32, torch.float64):
            scale = torch.tensor(70000.0, dtype=d, requires_grad=True)
            for y in (x * scale, x / scale):
                (y * 0.25).sum().backward()
                found += [bits(y), bits(scale.grad), bits(x.grad)]
        return found

    assert_same(run)


def test_second_gradients_beside_a_number():
    def run(torch):
        x = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float16, requires_grad=True)
        scale = torch.tensor(0.3, requires_grad=True)
        y = (x * x * 1e-6 + x * scale / 70000.0).sum()
        g, h = torch.autograd.grad(y, (x, scale), create_graph=True)
        second = torch.autograd.grad(g.sum() + h, (x, scale))
        return [bits(t) for t in (y, g, h, *second)]

    assert_same(run)


@pytest.mark.parametrize("data", [ROWS, LONG], ids=["rows", "long"])
@same_with("reduce", *REDUCTIONS.items())
def test_reduction(reduce, data):
    def run(torch):
        x = torch.from_numpy(data.copy()).requires_grad_()
        y = reduce(x)
        weights = np.random.default_rng(2).normal(size=tuple(y.shape)).astype(np.float16)
        y.backward(torch.from_numpy(np.asarray(weights)))
        return [(t.dtype, (t.detach().numpy() + 0.0).tobytes()) for t in (y, x.grad)]  # 0.0 is as good as -0.0

    assert_same(run)


def test_more_elements_share_a_gradient_than_half_precision_can_count():
    def run(torch):
        found = []
        for n in (3001, 70001):
            x = torch.ones(2, n, dtype=torch.float16, requires_grad=True)
            ties = [x.max(), x[0].amin(0), x.median(), torch.aminmax(x)[1], torch.linalg.vector_norm(x, torch.inf)]
            for y in (*ties, x.amax(1)):  # several counts are rounded
                (g,) = torch.autograd.grad(y, x, torch.full_like(y, 777))
                found.append(bits(g[:, :2]))
        return found

    assert_same(run)
