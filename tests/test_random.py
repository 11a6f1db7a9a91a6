"""From the same seed: the same numbers, the same place in the stream and the same errors as torch."""

import copy
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

torch = pytest.importorskip("torch")

import minigrad
from minigrad import random
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
    call(random_in_place, layout=LAYOUTS, dtype=ANY, bounds=st.sampled_from([(), (0, None), (1,)])),
    call(random_in_place, layout=LAYOUTS, dtype=st.just("int64"), bounds=st.just((-(2**63), None))),
    call(randperm, n=st.integers(0, 100), dtype=st.sampled_from(DTYPES[:-1])),
    call(bernoulli_each, p=AROUND, dtype=ANY),
    call(bernoulli_in_place, layout=st.just(((3, 4), (1, 0), 1)), dtype=ANY, p=probabilities((4, 1))),
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

    copies = [minigrad.Generator(), ours.clone_state(), copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))]
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


# Errors and warnings; `t` holds floats, `n` integers, `g` is a generator

ERRORS = """
torch.normal(0, -1, (2,))                       torch.normal(0., -1.5, (2,))
torch.normal(0., -1e-7, (0,))                   torch.normal(0., float('nan'), (2,))
torch.normal(t, -1.)                            torch.normal(0., -torch.rand(3))
torch.normal(t, torch.rand(3) * float('nan'))   torch.normal(t, torch.rand(4))
torch.normal(n, 1.)                             torch.normal(n, torch.rand(3))
torch.normal(0., n + 1)                         torch.normal(0, 1)
torch.normal(t, 1, size=(3,))                   torch.normal(t, 1, (3,))
torch.normal(0, 1, 3)                           torch.normal(0., 1.)
torch.normal(0, 1, size=3)                      torch.normal(0, 1, (2,), dtype=torch.int64)
torch.normal('a', 1, (2,))                      torch.normal(0, 'a', (2,))
torch.normal(t, t, 3)                           torch.normal([0., 1.], 1.)
torch.normal(np.zeros(2), 1.)                   torch.normal(0., size=(3,))
torch.normal(t, 1., dtype=torch.float64)        torch.normal(t, 1., requires_grad=True)
torch.normal(0, 1, (2,), out=t, dtype=torch.float64)    torch.normal(0, 1, (2,), generator=5)
torch.normal(0, 1, (-2,))                       torch.normal(0, 1, (2.5,))
torch.normal(10 ** 400, 1, (17,))               torch.normal(t, 1, foo=1)
torch.normal(torch.rand(3, requires_grad=True), 1., out=t)
torch.rand(2.0)                                 torch.rand(-1)
torch.rand((2, -1))                             torch.rand(size=3)
torch.rand()                                    torch.rand('a')
torch.rand(None)                                torch.rand((2,), 3)
torch.rand([2, 'a'])                            torch.rand((2, 3.0))
torch.rand((2.0, 2))                            torch.rand(((2,), 2))
torch.rand(True)                                torch.rand(3.0, 2)
torch.rand(2, (3,))                             torch.rand(2, 3, size=(4,))
torch.rand(t)                                   torch.rand(3, torch.rand(1))
torch.rand(np.array([2, 3]))                    torch.rand(range(2))
torch.rand(2, dtype=torch.int64)                torch.rand(0, dtype=torch.bool)
torch.randn(2, dtype=torch.bool)                torch.rand(2, dtype='float32')
torch.rand(2, requires_grad=1)                  torch.rand(2, generator=7)
torch.rand(2, foo=7)                            torch.rand(2, out=5)
torch.rand(2, out=np.zeros(2))                  torch.rand(2, out=n)
torch.rand(2, out=t, dtype=torch.float64)       torch.rand(2, out=torch.rand(2, requires_grad=True))
torch.randint(5, 3)                             torch.randint(0, 5)
torch.randint(0, 5, 3)                          torch.randint(5)
torch.randint(5, 5, (3,))                       torch.randint(6, 5, (0,))
torch.randint(0, (3,))                          torch.randint(-3, (3,))
torch.randint(0, 300, (3,), dtype=torch.uint8)  torch.randint(-1, 5, (3,), dtype=torch.bool)
torch.randint(0, 3, (3,), dtype=torch.bool)     torch.randint(0, 129, (3,), dtype=torch.int8)
torch.randint(-2**31 - 1, 5, (3,), dtype=torch.int32)   torch.randint(0, 2**63, (3,))
torch.randint(2.5, (3,))                        torch.randint(True, (3,))
torch.randint(0, 5.5, (2,))                     torch.randint(0.5, 5, (2,))
torch.randint('a', (3,))                        torch.randint(0, 5, (2.,))
torch.randint(0, 5, (2, 'a'))                   torch.randint(0, 5, size=3)
torch.randint(high=5)                           torch.randint(size=(3,))
torch.randint(0, 70000, (3,), dtype=torch.float16)      torch.randint(-70000, 5, (3,), dtype=torch.float16)
torch.randint(5, (3,), requires_grad=True)      torch.randint(5, (-3,))
torch.randperm(-1)                              torch.randperm(5.0)
torch.randperm(True)                            torch.randperm((5,))
torch.randperm(5, dtype=torch.bool)             torch.randperm(257, dtype=torch.uint8)
torch.randperm(129, dtype=torch.int8)           torch.randperm(2050, dtype=torch.float16)
torch.randperm(2**24 + 2, dtype=torch.float32)  torch.randperm(5, requires_grad=True)
torch.randperm(2**63)                           torch.randperm(5, generator=4)
torch.rand_like(n)                              torch.rand_like([1.])
torch.rand_like(t, out=t)                       torch.rand_like(t, generator=4)
torch.rand_like(t, size=5)                      torch.randn_like(n)
torch.randint_like(t, 5, 2)                     torch.randint_like(t, 5.5)
torch.randint_like(t, 2, 'a')                   torch.randint_like(n, 5, requires_grad=True)
torch.randint_like(t)                           t.normal_(0, -1)
n.normal_()                                     t.normal_(t)
t.normal_('a')                                  t.normal_(generator=5)
t.uniform_(2, 1)                                t.uniform_(0, float('inf'))
t.uniform_(0, 1e39)                             t.uniform_(float('nan'), 1)
t.uniform_(-3e38, 3e38)                         t.uniform_(foo=1)
torch.rand(3, dtype=torch.float16).uniform_(0, 70000)   torch.rand(0).uniform_(2, 1)
torch.rand(3, dtype=torch.float16).uniform_(-60000, 60000)      n.uniform_()
t.uniform_('a')                                 t.random_(5, 2)
t.random_(0)                                    t.random_(2.5)
t.random_(0, 'a')                               t.random_(True)
t.random_(**{'from': 3})                        t.random_(2**24, None)
t.random_(2**63)                                t.random_(2**25, None)
torch.rand(3, dtype=torch.float16).random_(-2**63, None)
torch.randint(5, (3,), dtype=torch.int32).random_(-2**63, None)
torch.randint(5, (3,), dtype=torch.int32).random_(-2**31 - 1, None)
torch.bernoulli(t + 2)                          torch.bernoulli(t * float('nan'))
torch.bernoulli(n)                              torch.bernoulli(t, 2.)
torch.bernoulli(t, 'a')                         torch.bernoulli(0.5)
torch.bernoulli([.5])                           torch.bernoulli(t, .5, out=t)
t.bernoulli_(2)                                 t.bernoulli_(-0.1)
t.bernoulli_(float('nan'))                      t.bernoulli_('a')
t.bernoulli_(n)                                 t.bernoulli_(torch.rand(2))
torch.rand(3, requires_grad=True).normal_()     torch.rand(3, requires_grad=True).random_()
g.manual_seed(2.5)                              g.manual_seed('a')
g.manual_seed(True)                             g.manual_seed(np.int64(3))
g.manual_seed(2**64)                            g.manual_seed(-2**63 - 1)
torch.manual_seed('a')                          torch.manual_seed(2**64)
torch.manual_seed(None)                         torch.set_rng_state([1])
torch.set_rng_state(t)                          g.set_state(5)
torch.set_rng_state(g.get_state()[:7])          g.set_state(g.get_state() * 0)
"""


def outcome(lib: Any, source: str) -> tuple[str, str]:
    """What running `source` raises: the exception's type and the first line of its text.

    That line without the types that torch received, which it lists keywords first or last as it happens.
    """
    lib.manual_seed(0)
    names = {"torch": lib, "t": lib.rand(3), "n": lib.randint(5, (3,)), "g": lib.Generator(), "np": np}
    try:
        result = eval(source, names)
    except Exception as error:
        return type(error).__name__, str(error).partition("\n")[0].partition(" - got (")[0]
    return "no error", repr(result)


@pytest.mark.parametrize("source", [s.strip() for line in ERRORS.splitlines() for s in line.split("   ") if s.strip()])
def test_errors_are_torchs(source: str) -> None:
    theirs = outcome(torch, source)
    assert theirs[0] != "no error"
    assert outcome(minigrad, source) == theirs


@pytest.mark.parametrize(
    "source",
    [
        "torch.rand(True and 2, True).shape",
        "torch.rand(np.int64(3)).shape",
        "torch.rand(torch.randint(3, 4, ())).shape",
        "torch.rand((torch.randint(3, 4, (1,)), np.int32(2))).shape",
        "torch.rand(()), torch.rand([]), torch.rand(size=[2])",
        "torch.rand(2, dtype=float, device='cpu', layout=None, pin_memory=False, requires_grad=None)",
        "torch.randint(0, 2, (2,), dtype=bool), torch.randint(0, 2, (2,), dtype=int)",
        "torch.randint(low=0, high=5, size=(2,)), torch.randint(high=5, size=(2,)), torch.randint(5, size=(2,))",
        "torch.randint(1, high=5, size=(2,)), torch.randint(torch.randint(4, 5, ()), (3,))",
        "torch.normal(np.float64(0), np.float32(1), (2,)), torch.normal(0, True, (2,))",
        "torch.normal(torch.rand(()), torch.rand(()), (2,)), torch.normal(mean=t), torch.normal(0.5, std=t)",
        "torch.normal(float('inf'), 1, (2,)), torch.normal(0, float('inf'), (2,)), torch.normal(1e300, 1, (17,))",
        "torch.normal(0, 1, ()), torch.normal(t, n + 1), torch.normal(torch.rand(2), torch.rand(()))",
        "torch.randperm(torch.randint(4, 5, ())), torch.randperm(n=3), torch.randn(0, dtype=torch.int64)",
        "torch.randint_like(t, low=2, high=5), torch.randint_like(t, high=5), torch.randint_like(t, 5)",
        "t.uniform_(**{'from': 0.5, 'to': 1}), t.uniform_(to=3), t.uniform_(1, 1)",
        "t.random_(**{'from': 0, 'to': 3}), t.random_(to=3), t.random_(3, None), t.random_(-(2**63), None)",
        "t.bernoulli_(torch.rand(())), t.bernoulli_(p=torch.rand(1)), torch.bernoulli(t, torch.randint(0, 2, ()))",
    ],
)
def test_ways_of_calling(source: str) -> None:
    theirs = outcome(torch, source)
    assert outcome(minigrad, source) == ("no error", theirs[1])


@pytest.mark.parametrize(
    "source",
    [
        "torch.randint(0, 2**25, (3,), dtype=torch.float32)",
        "torch.randint(-2**25 - 3, 2**24 + 2, (3,), dtype=torch.float32)",
        "torch.randint(2**24 + 1, 2**24 + 2, (3,), dtype=torch.float32)",
        "torch.randint(0, 2**12, (3,), dtype=torch.float16)",
        "torch.randint(0, 65504, (3,), dtype=torch.float16)",
        "torch.randint(0, 2**60, (3,), dtype=torch.float64)",
        "torch.randint(2**53 + 1, 2**53 + 2, (3,), dtype=torch.float64)",
    ],
)
def test_warnings_where_a_dtype_skips_integers(source: str) -> None:
    results = []
    for lib in (minigrad, torch):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = outcome(lib, source)
        results.append((result, [str(w.message).partition(" (Triggered")[0] for w in caught]))
    assert results[0] == results[1]
    assert results[0][1]


def test_the_error_says_how_to_call() -> None:
    with pytest.raises(TypeError) as caught:
        random.randint(0, 5, 3)
    assert "(int low, int high, tuple of ints size," in str(caught.value)
