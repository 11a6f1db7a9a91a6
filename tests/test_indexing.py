"""Indexing beside torch's: values, memory, history, gradients and errors, for arbitrary indices."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

torch = pytest.importorskip("torch")
import minigrad

BOTH = (torch, minigrad)
DTYPES = ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]
sizes = st.sampled_from([2, 3, 1, 4, 2, 3, 0])
shapes = st.lists(sizes, max_size=4).map(tuple)


@dataclass(frozen=True)
class AsTensor:
    """Stands in an index for a tensor of either library."""

    array: Any

    def __repr__(self):
        return f"tensor({self.array.tolist()}, {self.array.dtype})"


def of(library, value):
    """`value`, its tensors made by `library`."""
    if isinstance(value, AsTensor):
        flat = library.tensor(value.array.flatten().tolist(), dtype=getattr(library, value.array.dtype.name))
        return flat.reshape(value.array.shape)
    if isinstance(value, (tuple, list)):
        return type(value)(of(library, v) for v in value)
    return value


@st.composite
def ints(draw, n):
    """An index for a dimension of size `n`, now and then out of bounds."""
    wrong = not n or draw(st.integers(0, 30)) == 0
    return draw(st.integers(-n - 1, n)) if wrong else draw(st.integers(-n, n - 1))


@st.composite
def index_arrays(draw, n):
    shape = draw(st.sampled_from([(), (1,), (2,), (2,), (3,), (0,), (2, 2), (2, 1), (1, 2), (2, 3)]))
    array = np.array([draw(ints(n)) for _ in range(int(np.prod(shape)))], "int64").reshape(shape)
    return array.T if draw(st.integers(0, 4)) == 0 and n < 5 else array


@st.composite
def masks(draw, shape):
    if draw(st.integers(0, 25)) == 0:
        shape = (*shape[:-1], 2)
    return np.array([draw(st.booleans()) for _ in range(int(np.prod(shape)))], bool).reshape(shape)


bounds = st.none() | st.integers(-5, 5)
slices = st.builds(slice, bounds, bounds, st.sampled_from([None, None, None, 1, 2, 3, -1, 0]) | st.none())


@st.composite
def items(draw, shape):
    """Something between the brackets, and how many dimensions of `shape` it uses up."""
    n = shape[0] if shape else 0
    kind = draw(st.integers(0, 13 if shape else 4))
    if kind == 0:
        return None, 0
    if kind == 1:
        return ..., 0
    if kind == 2:
        return draw(st.booleans()), 0
    if kind == 3:
        return AsTensor(np.array(draw(st.booleans()), draw(st.sampled_from(["bool", "uint8"])))), 0
    if kind == 4:
        odd = [0.5, "a", [0.7], np.float32(1), np.bool_(True), [None], ["a"], [[0], [1, 2]], 2**63, [2**70]]
        odd += [AsTensor(np.array([0.5], "float32")), AsTensor(np.array([0], "int16")), [1, True], {}, [[]], object]
        return (draw(st.sampled_from(odd)), 1) if draw(st.integers(0, 8)) == 0 else (slice(None), 1)
    if kind in (5, 6):
        return draw(ints(n)), 1
    if kind in (7, 8):
        return draw(slices), 1
    if kind == 9:
        number = draw(ints(n))
        dtype = draw(st.sampled_from(["int64", "int32", "int16", "int8"]))
        return draw(st.sampled_from([np.int64(number), np.array(number), AsTensor(np.array(number, dtype))])), 1
    if kind == 10:
        array = draw(index_arrays(n))
        forms = [array.tolist(), array.copy(), AsTensor(array.astype("int32")), AsTensor(array)]
        return draw(st.sampled_from(forms)), 1
    if kind == 11:
        return AsTensor(draw(index_arrays(n))), 1
    if kind == 12:
        return draw(st.sampled_from([range(n), range(0), range(min(n, 2)), [True] * n, [False] * n])), 1
    dims = draw(st.integers(1, len(shape)))
    mask = draw(masks(shape[:dims]))
    return draw(st.sampled_from([AsTensor(mask), mask, AsTensor(mask.astype("uint8"))])), dims


@st.composite
def indices(draw, shape):
    """An index for a tensor of `shape`: one item, or a tuple, or a list of several."""
    if draw(st.integers(0, 2)) == 0:
        return draw(items(shape))[0]
    found, rest, ellipsis = [], shape, False
    for _ in range(draw(st.integers(0, 4))):
        item, used = draw(items(rest))
        if item is ...:
            if ellipsis:
                continue
            ellipsis, rest = True, rest[len(rest) - draw(st.integers(0, len(rest))) :]
        if len(rest) or not used:
            found.append(item)
            rest = rest[used:]
    return found if draw(st.integers(0, 30)) == 0 else tuple(found)


def first_line(error):
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def facts(x):
    """What can be seen of a tensor, in words that both libraries share; strides where they mean something."""
    strides = [s for s, n in zip(x.stride(), x.shape, strict=True) if n > 1] if x.numel() else None
    node = x.grad_fn and x.grad_fn.name()
    return {
        "shape": tuple(x.shape), "dtype": str(x.dtype), "strides": strides, "contiguous": x.is_contiguous(),
        "view": x._is_view(), "node": node, "version": x._version, "requires_grad": x.requires_grad,
        "values": str(x.detach().tolist()),
    }  # fmt: skip


def both(act):
    """The results of `act` with either library: what it returns, or the error that it ends in, and its warnings."""
    outcomes = []
    for library in BOTH:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                outcome = act(library)
            except Exception as error:
                outcome = first_line(error)
        outcomes.append((outcome, {str(w.message)[:60] for w in caught if w.category is UserWarning}))
    return outcomes


def agree(act):
    expected, found = both(act)
    assert found == expected


def source(library, shape, order, dtype, requires_grad, stretched=False):
    """A tensor with a history, its dimensions in memory in some order; and the leaf that it comes from."""
    count = int(np.prod(shape))
    leaf = library.tensor([(i * 7) % 11 for i in range(count)], dtype=getattr(library, dtype))
    leaf.requires_grad_(requires_grad)
    x = (leaf * 1 if dtype != "bool" else leaf.clone()).reshape([shape[i] for i in order])
    if requires_grad:
        x = x * 1  # so that it is no view
    return leaf, x.permute([order.index(i) for i in range(len(order))]) if order != tuple(sorted(order)) else x


@st.composite
def sources(draw, dtypes=("float32", "float32", "float64", "int64", "bool")):
    shape = draw(shapes)
    dtype = draw(st.sampled_from(dtypes))
    order = tuple(range(len(shape)))
    if draw(st.integers(0, 2)) == 0:
        order = tuple(draw(st.permutations(order)))
    return shape, order, dtype, dtype.startswith("float") and draw(st.booleans())


def weights(library, like):
    return library.tensor([float((i * 5) % 7 - 3) for i in range(like.numel())], dtype=like.dtype).reshape(like.shape)


@given(st.data())
def test_reading(data):
    made = data.draw(sources())
    index = data.draw(indices(made[0]), label="index")

    def act(library):
        leaf, x = source(library, *made)
        result = x[of(library, index)]
        found = facts(result)
        if result.requires_grad:
            found["edges"] = [n.name() for n, _ in result.grad_fn.next_functions if n is not None]
            (result * weights(library, result)).sum().backward()
            found["gradient"] = leaf.grad.tolist()
        return found

    agree(act)


@given(st.data())
def test_second_derivative(data):
    made = (data.draw(shapes), (), "float64", True)
    made = (made[0], tuple(range(len(made[0]))), *made[2:])
    index = data.draw(indices(made[0]), label="index")

    def act(library):
        leaf, x = source(library, *made)
        part = (x * x)[of(library, index)]
        loss = (part * part * weights(library, part)).sum()
        (first,) = library.autograd.grad(loss, leaf, create_graph=True)
        (second,) = library.autograd.grad((first * weights(library, first)).sum(), leaf)
        return first.tolist(), second.tolist()

    agree(act)


@st.composite
def values(draw, shape, dtype):
    """Something to write to a place of `shape`: a number, or a tensor that mostly broadcasts."""
    if draw(st.integers(0, 3)) == 0:
        numbers = [1, 2.5, -1, True, 300, 2**70, 1e300, float("nan"), float("inf"), np.int64(3), np.float64(2), 0]
        odd = [None, "a", [1.0], (1,), np.float32(1), np.bool_(True), np.array(1.0), 2 + 0j]
        return draw(st.sampled_from(numbers if draw(st.integers(0, 9)) else odd))
    if shape is None or draw(st.integers(0, 15)) == 0:
        shape = draw(shapes)
    shape = shape[draw(st.integers(0, len(shape))) :] if draw(st.booleans()) else shape
    shape = tuple(1 if draw(st.integers(0, 5)) == 0 else n for n in shape)
    shape = (1,) * draw(st.sampled_from([0, 0, 0, 1, 2])) + shape
    dtype = dtype if draw(st.integers(0, 4)) else draw(st.sampled_from(["float32", "float64", "int64", "bool"]))
    array = np.array([draw(st.integers(0, 9)) for _ in range(int(np.prod(shape)))]).reshape(shape)
    return AsTensor(array.astype(dtype))


@given(st.data())
def test_writing(data):
    made = data.draw(sources(DTYPES if data.draw(st.booleans()) else ("float32",)))
    index = data.draw(indices(made[0]), label="index")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            place = tuple(source(torch, *made)[1][of(torch, index)].shape)
        except Exception:
            place = None
    value = data.draw(values(place, made[2]), label="value")
    wanted = isinstance(value, AsTensor) and value.array.dtype.kind == "f"
    wanted = wanted and made[2].startswith("float") and data.draw(st.booleans())
    recorded = data.draw(st.integers(0, 3)) > 0

    def act(library):
        leaf, x = source(library, *made)
        v = of(library, value)
        if wanted:
            v.requires_grad_()
        with library.set_grad_enabled(recorded):
            x[of(library, index)] = v
        found = facts(x)
        if x.requires_grad:
            (x * weights(library, x)).sum().backward()
            tensors = [t for t in (leaf, v) if isinstance(t, library.Tensor)]
            found["gradients"] = [t.grad is not None and t.grad.tolist() for t in tensors]
        return found

    agree(act)


@st.composite
def index_tensors(draw, n, shapes_of_index):
    shape = draw(shapes_of_index)
    dtype = draw(st.sampled_from(["int64", "int64", "int64", "int32", "uint8", "float32"]))
    low, high = (-n - 1, n) if draw(st.integers(0, 9)) == 0 else (0, max(n - 1, 0))
    numbers = [draw(st.integers(low, high)) for _ in range(int(np.prod(shape)))]
    return AsTensor(np.array(numbers, "int64").astype(dtype).reshape(shape))


@st.composite
def calls(draw, shape):
    """A picking function's name, and arguments for a tensor of `shape`."""
    name = draw(st.sampled_from(sorted(ARGUMENTS)))
    dim = draw(st.integers(-len(shape) - (draw(st.integers(0, 9)) == 0), max(len(shape) - 1, 0)))
    n = shape[dim] if -len(shape) <= dim < len(shape) else 1
    return name, draw(ARGUMENTS[name](shape, dim, n))


def smaller(shape, dim):
    """Shapes that `gather` takes for an index, mostly."""
    sizes_of = [st.integers(0, 4) if d == dim % max(len(shape), 1) else st.integers(0, n) for d, n in enumerate(shape)]
    return st.tuples(*sizes_of) | shapes


def broadcastable(shape):
    return st.integers(0, len(shape)).flatmap(
        lambda i: st.tuples(*[st.sampled_from([n, n, n, 1]) for n in shape[i:]])
    ) | st.just((2, *shape))


some_numbers = st.sampled_from([0, 1.5, -1, True, 300, float("inf"), 1e300, None, "a", 1j, np.float64(2)])
zero_dims = st.sampled_from([AsTensor(np.array(v)) for v in (2.0, 3, True, 300)])
ARGUMENTS = {
    "select": lambda shape, dim, n: st.tuples(st.just(dim), ints(n)),
    "narrow": lambda shape, dim, n: st.tuples(st.just(dim), st.integers(-n, n), st.integers(0, max(n, 1))),
    "index_select": lambda shape, dim, n: st.tuples(
        st.just(dim), index_tensors(n, st.sampled_from([(), (1,), (2,), (3,), (0,), (1, 2)]))
    ),
    "gather": lambda shape, dim, n: st.tuples(st.just(dim), index_tensors(n, smaller(shape, dim))),
    "take": lambda shape, dim, n: st.tuples(index_tensors(int(np.prod(shape)), shapes)),
    "masked_select": lambda shape, dim, n: st.tuples(
        broadcastable(shape).flatmap(masks).map(AsTensor)
    ),
    "masked_fill": lambda shape, dim, n: st.tuples(
        broadcastable(shape).flatmap(masks).map(AsTensor), some_numbers | zero_dims
    ),
    "masked_fill_": lambda shape, dim, n: st.tuples(
        broadcastable(shape).flatmap(masks).map(AsTensor), st.sampled_from([0, 1.5, True])
    ),
    "nonzero": lambda shape, dim, n: st.just(()),
}  # fmt: skip


@given(st.data())
def test_picking_functions(data):
    made = data.draw(sources())
    name, arguments = data.draw(calls(made[0]), label="call")

    def act(library):
        leaf, x = source(library, *made)
        result = getattr(x, name)(*of(library, arguments))
        found = facts(result)
        if result.requires_grad:
            (result * weights(library, result)).sum().backward()
            found["gradient"] = leaf.grad.tolist()
        return found

    agree(act)


@pytest.mark.parametrize(
    "act",
    [
        lambda lib, x: x.gather(1, lib.tensor([[0, 0, 2], [1, 2, 1]])),
        lambda lib, x: x.take(lib.tensor([[0, 5], [5, -1]])),
        lambda lib, x: x.index_select(1, lib.tensor([2, 0, 2])),
        lambda lib, x: x.masked_select(x > 2),
        lambda lib, x: x.masked_fill(x > 2, x[0, 1]),
        lambda lib, x: lib.gather(x, dim=0, index=lib.tensor([[1, 0]])),
        lambda lib, x: lib.select(x, 1, -1) * lib.narrow(x, 1, lib.tensor(1), 2).sum(),
    ],
)
def test_second_derivative_of_picking_functions(act):
    def derivatives(library):
        x = library.tensor([[0.0, 1, 2], [3, 4, 5]], dtype=library.float64, requires_grad=True)
        result = act(library, x * 1)
        loss = (result * result * result * weights(library, result)).sum()
        (first,) = library.autograd.grad(loss, x, create_graph=True)
        (second,) = library.autograd.grad((first * weights(library, first)).sum(), x)
        return first.tolist(), second.tolist()

    agree(derivatives)


def test_sparse_gradients_of_gather_are_dense():
    x = minigrad.ones(2, 2, requires_grad=True)
    minigrad.gather(x, 0, minigrad.tensor([[1, 1]]), sparse_grad=True).sum().backward()
    assert x.grad.tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("shape", [(50, 32), (5000,), (40, 6, 5)])
def test_gradient_of_many_repeated_indices(shape):
    def gradient(library):
        x = library.ones(shape, requires_grad=True)
        rows = x[library.tensor([(i * i) % shape[0] - (i % 3) for i in range(2000)])]
        (rows * weights(library, rows)).sum().backward()
        return x.grad.tolist()

    agree(gradient)


@pytest.mark.parametrize("write", [False, True])
def test_index_changed_after_its_use(write):
    """torch raises; here the gradient is of the index as it was."""
    x = minigrad.ones(3, requires_grad=True)
    y, index, mask = x * 1, minigrad.tensor([0, 1]), minigrad.tensor([True, False, False])
    if write:
        y[index] = x[1] * 2
        result = y.sum()
    else:
        result = y[index].sum() + y[mask].sum()
    index[0] = 2
    mask[2] = True
    result.backward()
    assert x.grad.tolist() == ([0, 4, 1] if write else [2, 1, 0])


def test_values_of_other_kinds():
    def act(statement):
        def run(library):
            x = library.zeros(2, 3, dtype=library.int64)
            names = {"byte": library.tensor([1, 0], dtype=library.uint8), "w": library.ones(3, requires_grad=True)}
            exec(statement, {"x": x, "t": library.tensor, "one": library.tensor([1]), **names})
            return facts(x)

        return run

    for statement in (
        "x[0] = 1j",
        "x[0] = t(1.7)",
        "x[x == 0] = t(2.5)",
        "x[[0]] = t(1.5)",
        "x.masked_fill(x == 0, w[0])",
        "del x[0]",
        "x[1:] = x[:-1]",
        "x[:, 1:] = x[:, :-1]",
        "x.expand(4, 2, 3)[:, 0] = 1",
        "x[byte] = 1",  # torch fills what a mask alone marks, which a mask of bytes may not
        "x[byte, 1] = one",
        "x[:, None][..., byte, :, :] = 1",
        "x[t([1, 0, 0], dtype=byte.dtype)] = 1",
        "x[byte, byte] = 1",
        "x[byte] = t([1, 2, 3])",
        "x.index_put_((byte,), one)",
        "x.index_put_((byte,), one, accumulate=True)",
    ):
        agree(act(statement))


@pytest.mark.parametrize("statement", ["x[0] = 1", "x[...] = 1", "x[[0]] = 1", "x[x > 5] = 1", "x[:] = x * 2"])
def test_writing_to_a_leaf(statement):
    def act(library):
        x = library.ones(2, 2, requires_grad=True)
        with library.no_grad():
            exec(statement, {"x": x})
        exec(statement, {"x": x})

    agree(act)


def test_torchs_error_of_a_write_stands_alone() -> None:
    x = minigrad.zeros(3)
    with pytest.raises(RuntimeError, match="shape mismatch: value tensor") as caught:
        x[minigrad.tensor([True, False, False])] = minigrad.ones(3)
    assert caught.value.__context__ is None
