"""What is there, and how often, as torch counts it: histograms, different values, places in sorted rows; errors too."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import minigrad

NAN = float("nan")


def outcome(t, expression):
    """What an expression gives: values, dtypes, shapes, strides, names; or the error, its first line."""
    x = t.arange(12.0).reshape(3, 4)
    scope = {
        "t": t,
        "nan": NAN,
        "np": np,
        "x": x,
        "i": t.tensor([3, 1, 2, 1]),
        "b": t.tensor([True, False, True]),
        "f": t.tensor([0.5, 2.0, NAN, 2.0, -1.0, 2.0]),
        "w": t.tensor([0.5, 2.0, 1.5, 3.0]),
        "g": t.tensor([[1.0, 2.0], [0.0, 5.0], [1.0, 2.0]], requires_grad=True),
        "empty": t.empty(0),
    }
    try:
        found = eval(expression, scope)
    except Exception as error:
        return type(error).__name__, str(error).splitlines()[0].partition(", but expected one of")[0]
    values = found if isinstance(found, tuple) else (found,)
    return [
        (v.detach().numpy().tolist(), str(v.dtype), list(v.shape), v.numel() and v.stride(), type(v.grad_fn).__name__)
        for v in values
        if isinstance(v, (minigrad.Tensor, torch.Tensor))
    ]


SAME = """
i.bincount()
i.bincount(w)
i.bincount(i, minlength=6)
i.int().bincount(w.double())
i.bincount(w[:2])
(-i).bincount()
i.bincount(minlength=-1)
x.bincount()
x.long().bincount()
b.bincount()
t.tensor([], dtype=t.int64).bincount(minlength=2)
x.histc(4)
x.histc(4, 2, 9)
x.histc(bins=5, min=-3, max=3.5)
x.histc(0)
x.histc(4, 3, 1)
t.ones(3).histc(4)
empty.histc(3)
i.histc(3)
x.double().histc(7)
x.half().histc(3)
x.histogram(4), x.histogram()
x.histogram(4, range=(0, 5))
x.histogram(4, weight=x, density=True)
x.histogram(t.tensor([0.0, 4, 8]))
x.histogram(t.tensor([0.0, 4, 8]).double())
x.histogram(3, range=(3, 1))
g.histogram(3)
i.histogram(3)
x.histogram(0)
i.unique()
x.unique(return_inverse=True, return_counts=True)
f.unique(return_inverse=True, return_counts=True)
b.unique(return_counts=True)
g.unique()
g.unique(dim=0)
g.unique(dim=0, return_inverse=True, return_counts=True)
g.unique(dim=-1, return_counts=True)
empty.unique(return_inverse=True)
t.tensor(3.0).unique()
t.tensor(3.0).unique(dim=0)
t.empty(2, 0).unique(dim=0)
t.empty(2, 0).unique(dim=1)
x.unique(dim=2)
i.unique_consecutive()
t.unique_consecutive(t.tensor([1, 1, 2, 2, 1]), return_inverse=True, return_counts=True)
t.unique_consecutive(t.tensor([[1, 1], [1, 1], [2, 1]]), return_inverse=True, return_counts=True, dim=0)
g.unique_consecutive()
t.isin(x, 3)
t.isin(3, x)
t.isin(x, i, invert=True)
t.isin(f, f)
t.isin(3, 3)
t.isin(x, x.half(), assume_unique=True)
t.searchsorted(w.sort().values, x)
t.searchsorted(w.sort().values, i, right=True)
t.searchsorted(w.sort().values, 2)
t.searchsorted(w.sort().values, 2.0, side='right', out_int32=True)
t.searchsorted(x, x)
t.searchsorted(x, x, side='right')
t.searchsorted(x, t.ones(3, 1))
t.searchsorted(w, x, sorter=w.argsort())
t.searchsorted(x, t.ones(2, 1))
t.searchsorted(w, 3, side='left', right=True)
t.searchsorted(w, 3, side='up')
t.searchsorted(x, 3)
t.searchsorted(x, x, sorter=x)
t.searchsorted(w, x, sorter=i)
t.searchsorted(w, x, sorter=i + 3)
t.searchsorted(w, x, sorter=i[:2])
t.searchsorted(t.tensor([1.0, 2.0, nan]), f)
t.searchsorted(t.tensor([1.0, 2.0, nan]), f, right=True)
t.searchsorted(empty, x)
t.bucketize(x, t.tensor([2.0, 4.0]))
t.bucketize(x, t.tensor([2.0, 4.0]), right=True, out_int32=True)
t.bucketize(3, t.tensor([2.0, 4.0]))
t.bucketize(f, t.tensor([1.0, nan]))
t.bucketize(x, x)
t.combinations(i)
t.combinations(i, 0)
t.combinations(i, 3, True)
t.combinations(i, 5)
t.combinations(x)
t.combinations(i, -1)
t.tril_indices(3, 4, -1)
t.triu_indices(3, 2, 1)
t.tril_indices(2, 3, dtype=t.int32)
t.tril_indices(-1, 2)
t.tril_indices(2, 2, dtype=t.float32)
t.tril_indices(0, 3)
t.unravel_index(t.tensor([5, 7, -1]), (2, 3))
t.unravel_index(t.tensor(5), 6)
t.unravel_index(t.tensor(1.0), (2, 3))
t.unravel_index(i, (-1, 6))
x.argwhere()
t.tensor(3.0).argwhere()
t.repeat_interleave(i)
t.repeat_interleave(i.int())
t.repeat_interleave(x.long())
t.repeat_interleave(w)
x.repeat_interleave(t.tensor([1, 2]), 0)
x.repeat_interleave(t.tensor([1, -2, 1]), 0)
x.repeat_interleave(t.tensor(2), 0)
x.repeat_interleave(t.tensor([1, 2, 1]), 0, output_size=4)
x.repeat_interleave(t.tensor([1, 2, 1]), 0, output_size=5)
x.repeat_interleave(2, 0, output_size=5)
x.repeat_interleave(2.0)
t.tensor(3.0).repeat_interleave(3)
t.tensor(3.0).repeat_interleave(3, 0)
t.tensor(3.0).repeat_interleave(t.tensor([3]), 0)
t.tensor(3.0).unfold(0, 1, 1)
t.tensor(3.0).unfold(0, 2, 1)
t.tensor(3.0).scatter(0, t.tensor([0]), 2)
t.tensor(3.0).scatter_add(0, t.tensor([0]), t.tensor([2.0]))
i.scatter(0, t.tensor([0, 1]), 2.5)
i.scatter(0, t.tensor([0, 1]), i, reduce='x')
i.index_add(0, t.tensor([0, 1]), i[:2], alpha=1.5)
i.scatter_reduce(0, t.tensor([0, 0, 1, 1]), i, 'mean')
i.scatter_reduce(0, t.tensor([0, 0, 1, 1]), i, 'amax', include_self=False)
x.scatter_reduce(0, t.tensor([[0, 1]]), x, 'median')
x.index_put((None, i), w)
x.index_put(i, w)
x.index_put((i, i, i), w)
x.put(t.tensor([0, 50]), w[:2])
x.put(i, w[:2])
x.masked_scatter(x > 3, w)
x.masked_scatter(x, x)
x.masked_scatter(x > 3, x.double())
t.take_along_dim(x, t.tensor([0, 1]), 0)
t.take_along_dim(x, t.tensor([[0], [1]]), 1)
t.take_along_dim(x, t.tensor([[0.0]]), 1)
x.quantile(1.5)
x.quantile(0.5, interpolation='x')
x.quantile(t.tensor([0.1]).double())
x.quantile(t.tensor([[0.1]]))
x.quantile(t.tensor([0.1, 1.1]))
empty.quantile(0.5)
x.half().quantile(0.5)
i.quantile(0.5)
x.quantile(t.tensor([0.3, 0.4]), keepdim=True)
f.nanquantile(t.tensor([0.3, 0.4]))
i.nanmean()
x.nanmean(dtype=t.int64)
x.nansum(dtype=t.float64)
b.nansum()
t.std_mean(i)
t.std_mean(x, False)
t.var_mean(x, dim=(0, 1), correction=2)
i.median()
b.median()
b.median(0)
i.kthvalue(2)
b.kthvalue(1)
x.kthvalue(5)
b.topk(1)
i.topk(5)
i.cumprod(0)
i.logcumsumexp(0)
x.renorm(-2, 0, 1)
x.renorm(2, 0, -1)
w.renorm(2, 0, 1)
x.diff(n=-1)
b.diff()
x.diff(prepend=w)
empty.median()
"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", SAME.strip().splitlines())
def test_as_torch(expression):
    ours, theirs = outcome(minigrad, expression), outcome(torch, expression)
    if isinstance(theirs, tuple):
        assert ours == theirs
    else:
        for mine, yours in zip(ours, theirs, strict=True):
            assert mine[1:] == yours[1:]
            np.testing.assert_allclose(mine[0], yours[0], rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_histograms_of_random_numbers(seed):
    rng = np.random.default_rng(seed)
    x, edges = rng.normal(size=300).astype(np.float32), np.sort(rng.normal(size=6)).astype(np.float32)
    for f in (
        lambda t: t.histc(t.from_numpy(x), 20, -2, 2),
        lambda t: t.histc(t.from_numpy(x), 33),
        lambda t: t.histogram(t.from_numpy(x), 20).hist,
        lambda t: t.histogram(t.from_numpy(x), 20, range=(-1.1, 1.7)).hist,
        lambda t: t.histogram(t.from_numpy(x), t.from_numpy(edges)).hist,
    ):
        assert f(minigrad).tolist() == f(torch).tolist()


@pytest.mark.parametrize(
    "expression",
    [
        "x.unique()",
        "x.unique(dim=0)",
        "x.unique_consecutive()",
        "x.histogram(2).hist",
        "x.flatten().scatter(0, t.tensor([0]), 2.0, reduce='multiply')",
    ],
)
def test_what_torch_cannot_differentiate_is_refused(expression):
    found = []
    for t in (minigrad, torch):
        x = t.tensor([[1.0, 2.0]], requires_grad=True)
        result = eval(expression, {"t": t, "x": x})
        with pytest.raises((RuntimeError, NotImplementedError)) as caught:
            result.sum().backward()
        found.append((type(result.grad_fn).__name__, caught.type, str(caught.value).splitlines()[0]))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "expression",
    ["one_hot(i)", "one_hot(i, 5)", "one_hot(i, 2)", "one_hot(-i)", "one_hot(x)", "one_hot(i[:0])", "one_hot(i[:0], 3)"]
    + ["one_hot(i[0])", "one_hot(i, 0)", "one_hot(i, -3)", "one_hot(i.reshape(2, 2))"],
)
def test_one_hot(expression):
    from minigrad.ops.positions import one_hot

    found = []
    for t, function in ((minigrad, one_hot), (torch, torch.nn.functional.one_hot)):
        try:
            result = eval(expression, {"one_hot": function, "i": t.tensor([3, 1, 2, 1]), "x": t.ones(2)})
            found.append((result.tolist(), str(result.dtype), list(result.shape), result.numel() and result.stride()))
        except RuntimeError as error:
            found.append(str(error).splitlines()[0])
    assert found[0] == found[1]
