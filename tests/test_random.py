"""From the same seed: the same numbers and the same place in the stream as torch."""

import copy
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

torch = pytest.importorskip("torch")

import minigrad
from minigrad.arithmetic import multiply_add
from minigrad.tensor import wrap

DIGITS = {"float16": 11, "float32": 24, "float64": 53}
DTYPES = [*DIGITS, "uint8", "int8", "int16", "int32", "int64", "bool"]

# Where it was built for AVX2, torch makes float32 normals with the functions that minigrad has too, to the last bit.
CEPHES = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")


def tensor(lib: Any, array: np.ndarray) -> Any:
    return torch.from_numpy(array) if lib is torch else wrap(array)


def state(lib: Any) -> bytes:
    return lib.get_rng_state().numpy().tobytes()


def steps(t: Any) -> list[int]:
    """The strides that matter: those that lead from one element to another."""
    return [s for s, n in zip(t.stride(), t.shape, strict=True) if n > 1 and t.numel()]


def assert_same(ours: Any, theirs: Any, what: Any) -> None:
    a, b = ours.detach().numpy(), theirs.detach().numpy()
    assert (str(ours.dtype), a.shape, steps(ours)) == (str(theirs.dtype), b.shape, steps(theirs)), what
    if a.tobytes() == b.tobytes():
        return
    assert "normal" in str(what), f"{what}: {a} is not {b}"
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-5, err_msg=str(what))
    if CEPHES:  # a sum that is rounded twice; see arithmetic.py
        assert np.count_nonzero(a != b) <= 1, f"{what}: {a} is not {b}"


# Calls, each for either library

Call = Callable[[Any], Any]


def rand(lib: Any, shape: Any, dtype: str) -> Any:
    return lib.rand(shape, dtype=getattr(lib, dtype))


def normal_of_size(lib: Any, shape: Any, dtype: str, mean: float, std: float) -> Any:
    return lib.normal(mean, std, shape, dtype=getattr(lib, dtype))


def normal_by_randn(lib: Any, shape: Any, dtype: str) -> Any:
    return lib.randn(*(shape or [shape]), dtype=getattr(lib, dtype))


def normal_around_tensors(lib: Any, mean: Any, std: Any) -> Any:
    return lib.normal(*(tensor(lib, x) if isinstance(x, np.ndarray) else x for x in (mean, std)))


def normal_like(lib: Any, layout: Any, dtype: str) -> Any:
    return lib.randn_like(tensor(lib, strided(layout, dtype)))


def normal_in_place(lib: Any, layout: Any, dtype: str, mean: float, std: float) -> Any:
    return tensor(lib, strided(layout, dtype)).normal_(mean, std)


def rand_like(lib: Any, layout: Any, dtype: str, into: str) -> Any:
    return lib.rand_like(tensor(lib, strided(layout, dtype)), dtype=getattr(lib, into))


def randint(lib: Any, shape: Any, dtype: str, bounds: tuple[int, int]) -> Any:
    return lib.randint(*bounds, shape, dtype=getattr(lib, dtype))


def randint_like(lib: Any, layout: Any, dtype: str) -> Any:
    return lib.randint_like(tensor(lib, strided(layout, dtype)), 2)


def uniform_in_place(lib: Any, layout: Any, dtype: str, low: float, span: float) -> Any:
    return tensor(lib, strided(layout, dtype)).uniform_(low, low + span)


def random_in_place(lib: Any, layout: Any, dtype: str, bounds: tuple[Any, ...]) -> Any:
    return tensor(lib, strided(layout, dtype)).random_(*bounds)


def of_a_law(lib: Any, layout: Any, dtype: str, law: tuple[str, float, float]) -> Any:
    name, first, second = law
    place = tensor(lib, strided(layout, dtype))
    return getattr(place, name)(first, second) if second else getattr(place, name)(first)


def poisson(lib: Any, means: np.ndarray, factor: int) -> Any:
    return lib.poisson(tensor(lib, means) * factor)


def rrelu(lib: Any, x: np.ndarray, upper: float) -> Any:
    return lib.rrelu(tensor(lib, x) - 0.5, 1 / 8, upper, training=True)


def multinomial(lib: Any, weights: np.ndarray, count: int, replacement: bool) -> Any:
    return lib.multinomial(tensor(lib, weights), count, replacement)


def randperm(lib: Any, n: int, dtype: str) -> Any:
    return lib.randperm(n, dtype=getattr(lib, dtype))


def bernoulli_each(lib: Any, p: np.ndarray, dtype: str) -> Any:
    return lib.bernoulli(tensor(lib, p), out=tensor(lib, np.zeros(p.shape, dtype)))


def bernoulli_in_place(lib: Any, layout: Any, dtype: str, p: np.ndarray) -> Any:
    return tensor(lib, strided(layout, dtype)).bernoulli_(tensor(lib, p))


def bernoulli_of_number(lib: Any, layout: Any, dtype: str, p: float) -> Any:
    return lib.bernoulli(tensor(lib, strided(layout, dtype)), p)


def manual_seed(lib: Any, seed: int) -> Any:
    lib.manual_seed(seed)
    return lib.rand(1)


def there_and_back(lib: Any, n: int) -> Any:
    """Draw, go back to where that began, and draw the same once more."""
    before = lib.get_rng_state()
    lib.randn(n)
    lib.set_rng_state(before)
    return lib.randn(n)


def strided(layout: Any, dtype: str) -> np.ndarray:
    """Zeros whose dimensions lie in memory in some order, and perhaps with gaps."""
    shape, order, step = layout
    return np.zeros(shape, dtype).transpose(order)[..., ::step]


LAYOUTS = st.integers(1, 3).flatmap(
    lambda ndim: st.tuples(
        st.tuples(*[st.integers(1, 6)] * ndim), st.permutations(range(ndim)), st.sampled_from([1, 1, 2])
    )
)
SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 5, 7, 17, 40]), max_size=3).map(tuple)
FLOATING = st.sampled_from(list(DIGITS))
ANY = st.sampled_from(DTYPES)
SCALES = st.sampled_from([0.0, 1.0]) | st.floats(1e-30, 100)  # see multiply_add for numbers near 1e-300
NUMBERS = SCALES | SCALES.map(lambda x: -x)


def limits(dtype: str) -> tuple[int, int]:
    """The integers that a dtype holds without a gap."""
    if dtype == "bool":
        return 0, 1
    if dtype in DIGITS:
        return -(2 ** DIGITS[dtype]), 2 ** DIGITS[dtype]
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def bounds_in(dtype: str) -> st.SearchStrategy[tuple[int, int]]:
    least, most = limits(dtype)
    edges = [n for n in (least, 0, 1, most, 2**28 - 1, 2**28, 2**32) if least <= n <= most]
    return (
        st.lists(st.integers(least, most) | st.sampled_from(edges), min_size=2, max_size=2, unique=True)
        .map(sorted)
        .map(tuple)
    )


def probabilities(shape: Any) -> st.SearchStrategy[np.ndarray]:
    return st.tuples(st.integers(0, 99), FLOATING).map(
        lambda made: np.random.default_rng(made[0]).random(shape).astype(made[1])
    )


def call(function: Callable[..., Any], **arguments: Any) -> st.SearchStrategy[Call]:
    return st.builds(partial, st.just(function), **arguments)


AROUND = SHAPES.flatmap(probabilities)
LAWS = [
    *[("exponential_", 1.5, 0), ("exponential_", float("inf"), 0), ("geometric_", 0.3, 0)],
    *[("log_normal_", 0.5, 1.5), ("log_normal_", 700.0, 20.0), ("cauchy_", -1.0, 2.0)],
]
WEIGHTS = st.one_of(probabilities((5,)), probabilities((3, 5)), probabilities((4, 3)).map(np.transpose)).map(
    lambda weights: weights + np.eye(*weights.shape[-2:], 1, dtype=weights.dtype)[0]
)

CALLS = st.one_of(
    call(rand, shape=SHAPES, dtype=FLOATING),
    call(normal_of_size, shape=SHAPES, dtype=FLOATING, mean=NUMBERS, std=SCALES),
    call(normal_by_randn, shape=SHAPES, dtype=FLOATING),
    call(normal_around_tensors, mean=AROUND, std=SCALES),
    call(normal_around_tensors, mean=NUMBERS, std=AROUND),
    call(normal_around_tensors, mean=probabilities((3, 1)), std=probabilities((4,))),
    call(normal_like, layout=LAYOUTS, dtype=FLOATING),
    call(normal_in_place, layout=LAYOUTS, dtype=FLOATING, mean=NUMBERS, std=SCALES),
    call(rand_like, layout=LAYOUTS, dtype=ANY, into=FLOATING),
    ANY.flatmap(lambda d: call(randint, shape=SHAPES, dtype=st.just(d), bounds=bounds_in(d))),
    call(randint_like, layout=LAYOUTS, dtype=ANY),
    call(uniform_in_place, layout=LAYOUTS, dtype=FLOATING, low=NUMBERS, span=SCALES),
    call(random_in_place, layout=LAYOUTS, dtype=ANY, bounds=st.sampled_from([(), (1,)])),
    call(randperm, n=st.integers(0, 100), dtype=st.sampled_from(DTYPES[:-1])),
    call(bernoulli_each, p=AROUND, dtype=ANY),
    call(bernoulli_in_place, layout=st.just(((3, 4), (1, 0), 1)), dtype=ANY, p=probabilities((4, 1))),
    call(of_a_law, layout=LAYOUTS, dtype=FLOATING, law=st.sampled_from(LAWS)),
    call(of_a_law, layout=LAYOUTS, dtype=st.sampled_from(DTYPES[3:-1]), law=st.just(("geometric_", 0.6, 0))),
    call(multinomial, weights=WEIGHTS, count=st.integers(1, 4), replacement=st.booleans()),
    call(poisson, means=AROUND, factor=st.sampled_from([0, 3, 30, 300])),
    call(rrelu, x=AROUND.filter(lambda x: x.dtype != np.float16), upper=st.sampled_from([1 / 3, 1 / 8, 2.0])),
    call(manual_seed, seed=st.integers(-(2**63), 2**64 - 1)),
    call(there_and_back, n=st.integers(0, 40)),
)


@settings(max_examples=300)
@given(seed=st.integers(0, 2**32 - 1), program=st.lists(CALLS, max_size=12))
def test_a_program_draws_the_same_numbers_and_stays_in_step(seed: int, program: list[Call]) -> None:
    for lib in (minigrad, torch):
        lib.manual_seed(seed)
    assert state(minigrad) == state(torch)
    for one in program:
        assert_same(one(minigrad), one(torch), one)
        assert state(minigrad) == state(torch), one


@given(layout=LAYOUTS, dtype=ANY, p=st.floats(0, 1))
def test_bernoulli_of_a_number(layout: Any, dtype: str, p: float) -> None:
    for lib in (minigrad, torch):
        lib.manual_seed(0)
    ours, theirs = bernoulli_of_number(minigrad, layout, dtype, p), bernoulli_of_number(torch, layout, dtype, p)
    if state(torch) == state_after_one_word():
        # An Intel processor: torch takes one word as a seed for MKL's generator, and the numbers are MKL's.
        assert ours.numpy().shape == theirs.numpy().shape
    else:
        assert_same(ours, theirs, p)
        assert state(minigrad) == state(torch)


def state_after_one_word() -> bytes:
    generator = torch.Generator().manual_seed(0)
    torch.rand(1, generator=generator)
    return generator.get_state().numpy().tobytes()


@pytest.mark.parametrize("dtype", DIGITS)
def test_many_normals_agree_bit_for_bit(dtype: str) -> None:
    for lib in (minigrad, torch):
        lib.manual_seed(20)
    ours = minigrad.normal(0.3, 1.7, (100_003,), dtype=getattr(minigrad, dtype)).numpy()
    theirs = torch.normal(0.3, 1.7, (100_003,), dtype=getattr(torch, dtype)).numpy()
    if CEPHES:
        assert np.array_equal(ours, theirs)
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-5)


def test_large_tensors_agree_across_chunks() -> None:
    for lib in (minigrad, torch):
        lib.manual_seed(21)
    for one in (
        partial(rand, shape=(30_001,), dtype="float16"),
        partial(rand, shape=(30_001,), dtype="float64"),
        partial(randint, shape=(30_001,), dtype="int64", bounds=(-5, 2**40)),
        partial(randperm, n=30_001, dtype="int32"),
        partial(normal_in_place, layout=((150, 200), (1, 0), 1), dtype="float64", mean=1.0, std=0.5),
        partial(normal_in_place, layout=((300, 400), (1, 0), 1), dtype="float16", mean=1.0, std=0.5),
    ):
        assert_same(one(minigrad), one(torch), one)
    assert state(minigrad) == state(torch)


def test_float16_uniforms_never_round_up_to_their_bound() -> None:
    for lib in (minigrad, torch):
        lib.manual_seed(22)
    ours, theirs = (tensor(lib, np.zeros(50_000, "float16")).uniform_(0, 1) for lib in (minigrad, torch))
    assert_same(ours, theirs, "uniform_")
    assert ours.numpy().max() < 1


doubles = st.floats(-1e100, 1e100).filter(lambda x: x == 0 or abs(x) > 1e-100)


@given(doubles, doubles, doubles)
def test_float64_products_and_sums_are_rounded_once(a: float, b: float, c: float) -> None:
    fused = multiply_add(np.array([a]), b, c)[0]
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    assert abs(Fraction(float(fused)) - exact) <= abs(Fraction(float(exact)) - exact) * (1 + Fraction(1, 10**6))


# Generators


def test_a_generator_has_a_stream_of_its_own() -> None:
    ours, theirs = minigrad.Generator(), torch.Generator(device="cpu")
    assert ours.initial_seed() == theirs.initial_seed()
    assert repr(ours.device) == repr(theirs.device)
    before = state(minigrad)
    for one in (
        lambda lib, g: lib.rand(3, generator=g),
        lambda lib, g: lib.randn(size=(2, 3), generator=g),
        lambda lib, g: lib.normal(0.0, 1.0, (20,), generator=g),
        lambda lib, g: lib.normal(lib.rand(3, generator=g), generator=g),
        lambda lib, g: lib.randint(5, (3,), generator=g),
        lambda lib, g: lib.randperm(5, generator=g),
        lambda lib, g: lib.bernoulli(lib.rand(5, generator=g), generator=g),
        lambda lib, g: lib.rand_like(lib.rand(5, generator=g), generator=g),
        lambda lib, g: lib.rand(5, generator=g).normal_(generator=g).uniform_(generator=g).random_(generator=g),
        lambda lib, g: lib.rand(5, generator=g).random_(9, generator=g),
        lambda lib, g: lib.rand(5, generator=g).bernoulli_(lib.rand(5, generator=g), generator=g),
    ):
        assert_same(one(minigrad, ours), one(torch, theirs), "generator")
        assert ours.get_state().numpy().tobytes() == theirs.get_state().numpy().tobytes()
    assert state(minigrad) == before


@given(seed=st.integers(-(2**63), 2**64 - 1), words=st.integers(0, 1300), odd=st.booleans())
def test_states_are_torchs_byte_for_byte(seed: int, words: int, odd: bool) -> None:
    ours, theirs = minigrad.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    for lib, generator in ((minigrad, ours), (torch, theirs)):
        lib.rand(words, generator=generator)
        lib.randn(int(odd), generator=generator)  # an odd number of normals leaves one over
    packed = theirs.get_state().numpy()
    assert ours.get_state().numpy().tobytes() == packed.tobytes()

    copies = [minigrad.Generator(), copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))]
    copies[0].set_state(wrap(packed.copy()))
    for ours in copies:
        assert ours.initial_seed() == theirs.initial_seed() == seed % 2**64
        continued = minigrad.randn(3, generator=ours)
        assert_same(continued, torch.randn(3, generator=theirs.clone_state()), "normal")
    theirs.set_state(torch.from_numpy(ours.get_state().numpy()))
    assert_same(minigrad.rand(3, generator=ours), torch.rand(3, generator=theirs), "rand")


def test_seeds() -> None:
    assert minigrad.manual_seed(5) is minigrad.default_generator
    assert minigrad.initial_seed() == 5
    chosen = minigrad.seed()
    assert minigrad.initial_seed() == chosen != 5
    drawn = minigrad.rand(4).tolist()
    minigrad.manual_seed(chosen)
    assert minigrad.rand(4).tolist() == drawn
    assert len({minigrad.Generator().seed() for _ in range(5)}) == 5
    for seed in (2.7, "12", -1, True):
        assert minigrad.manual_seed(seed).initial_seed() == torch.manual_seed(seed).initial_seed()


def test_threads_do_not_share_out_the_words_of_one_tensor() -> None:
    generator = minigrad.Generator().manual_seed(3)
    alone = {tuple(minigrad.randn(50_001, generator=generator)[-20:].tolist()) for _ in range(8)}
    generator.manual_seed(3)
    found = []

    def draw() -> None:
        found.extend(tuple(minigrad.randn(50_001, generator=generator)[-20:].tolist()) for _ in range(2))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == alone


def test_importing_minigrad_leaves_numpy_random_alone() -> None:
    program = "import sys, minigrad.random; sys.exit('numpy.random' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# Results as tensors


def test_requires_grad_and_out() -> None:
    for one in (
        lambda lib: lib.rand(3, requires_grad=True),
        lambda lib: lib.normal(0, 0.01, size=(2, 1), requires_grad=True),
        lambda lib: lib.randn_like(lib.rand(3), requires_grad=True),
        lambda lib: lib.randint(5, (3,), dtype=lib.float32, requires_grad=True),
        lambda lib: lib.rand(3, out=lib.rand(3), requires_grad=True),
        lambda lib: lib.rand(3, out=lib.rand(2, 2)),
        lambda lib: lib.rand(2, 2, out=lib.rand(0, dtype=lib.float64)),
        lambda lib: lib.randn(20, out=lib.rand(20, dtype=lib.float16)),
        lambda lib: lib.normal(lib.rand(3), 1.0, out=lib.rand(3, dtype=lib.float64)),
        lambda lib: lib.normal(lib.rand(3, 1), lib.rand(4), out=lib.rand(0)),
        lambda lib: lib.randint(5, (3,), out=lib.randn(3)),
        lambda lib: lib.randperm(5, out=lib.rand(5)),
        lambda lib: lib.bernoulli(lib.rand(5), out=lib.randint(5, (2,))),
    ):
        made = []
        for lib in (minigrad, torch):
            lib.manual_seed(4)
            made.append(one(lib))
        ours, theirs = made
        assert_same(ours, theirs, "normal")
        assert state(minigrad) == state(torch)
        assert (ours.requires_grad, ours.is_leaf) == (theirs.requires_grad, theirs.is_leaf)
    assert minigrad.rand(3)._version == 0
    assert minigrad.rand(3).normal_()._version == 1


def test_no_gradient_flows_to_what_numbers_were_drawn_for() -> None:
    for lib in (minigrad, torch):
        mean, std = lib.rand(3, 1, requires_grad=True), lib.rand(2, dtype=lib.float64, requires_grad=True)
        results = lib.normal(mean, 1.0), lib.normal(0.0, std), lib.normal(mean, std), lib.bernoulli(mean)
        names = [result.grad_fn.name() for result in results]
        assert names == ["NormalBackward1", "NormalBackward2", "NormalBackward3", "BernoulliBackward0"]
        for result in results:
            (result.sum() * float("inf")).backward()
        assert mean.grad.tolist() == [[0.0]] * 3
        assert std.grad.tolist() == [0.0] * 2
        assert (mean.grad.dtype, std.grad.dtype) == (lib.float32, lib.float64)


def test_filling_ends_the_history_of_a_tensor() -> None:
    for lib in (minigrad, torch):
        for fill in ("normal_", "uniform_", "random_", "bernoulli_"):
            x = lib.rand(3, requires_grad=True)
            y = x * 2
            getattr(y, fill)()
            y.sum().backward()
            assert x.grad.tolist() == [0.0] * 3, fill


def test_a_refused_fill_draws_nothing() -> None:
    parameter = minigrad.rand(3, requires_grad=True)
    before, values = state(minigrad), parameter.tolist()
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        parameter.normal_()
    with pytest.raises(RuntimeError, match="expects std >= 0"):
        parameter.detach().normal_(0, -1)
    assert (state(minigrad), parameter.tolist()) == (before, values)
    with minigrad.no_grad():
        parameter.normal_()
    assert parameter.tolist() != values
