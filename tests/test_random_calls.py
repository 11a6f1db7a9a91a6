"""Ways of calling the random functions, and what is wrong with others: in torch's words."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import minigrad

# `t` holds floats, `n` integers, `g` is a generator

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
torch.rand(2, pin_memory=1)                     torch.rand(2, pin_memory=True)
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
t.random_(**{'from': 3})
t.random_(2**63)
torch.bernoulli(t + 2)                          torch.bernoulli(t * float('nan'))
torch.bernoulli(n)                              torch.bernoulli(t, 2.)
torch.bernoulli(t, 'a')                         torch.bernoulli(0.5)
torch.bernoulli([.5])                           torch.bernoulli(t, .5, out=t)
t.bernoulli_(2)                                 t.bernoulli_(-0.1)
t.bernoulli_(float('nan'))                      t.bernoulli_('a')
t.bernoulli_(n)                                 t.bernoulli_(torch.rand(2))
n.exponential_()                                t.exponential_(0.0)
t.exponential_(float('nan'))                    t.exponential_('a')
t.exponential_(generator=3)                     n.cauchy_()
torch.zeros(2, dtype=torch.uint8).cauchy_()     t.cauchy_(1.0, -1.0)
t.cauchy_('a')                                  n.log_normal_()
t.log_normal_(1.0, 0.0)                         t.log_normal_('a')
(n > 2).geometric_(0.5)                         t.geometric_(1.0)
t.geometric_(float('nan'))                      t.geometric_('a')
torch.multinomial(t, 4)                         torch.multinomial(t, 0)
torch.multinomial(t - 1, 1)                     torch.multinomial(t - 1, 2, True)
torch.multinomial(t * 0, 1)                     torch.multinomial(t * 0, 2, True)
torch.multinomial(t / 0, 2, True)               torch.multinomial(t / 0, 2)
torch.multinomial(n, 1)                         torch.multinomial(n > 2, 1)
torch.multinomial(t[None, None], 1)             torch.multinomial(t[0], 1)
torch.multinomial(torch.zeros(2, 0), 1)         torch.multinomial([1., 2.], 1)
torch.multinomial(t, 1.5)                       torch.multinomial(t, 1, 3)
torch.multinomial(t, 1, generator=3)            torch.multinomial(t, 1, out=t)
torch.multinomial(torch.ones(2**24 + 1), 1)     torch.rand(3, requires_grad=True).exponential_()
torch.poisson(t - 1)                            torch.poisson(t * float('nan'))
torch.poisson(n)                                torch.poisson(0.5)
torch.rrelu(t, 2, 1)                            torch.rrelu(t, 2, 1, True)
torch.rrelu(n, training=True)                   torch.rrelu(n)
torch.rrelu(t.half(), training=True)            torch.rrelu(0.5)
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
        "t.random_(**{'from': 0, 'to': 3}), t.random_(to=3)",
        "t.bernoulli_(torch.rand(())), t.bernoulli_(p=torch.rand(1)), torch.bernoulli(t, torch.randint(0, 2, ()))",
    ],
)
def test_ways_of_calling(source: str) -> None:
    theirs = outcome(torch, source)
    assert outcome(minigrad, source) == ("no error", theirs[1])


def test_the_error_says_how_to_call() -> None:
    with pytest.raises(TypeError) as caught:
        minigrad.randint(0, 5, 3)
    assert "(int low, int high, tuple of ints size," in str(caught.value)


@pytest.mark.parametrize(("dtype", "most"), [("float16", 2**11), ("float32", 2**24), ("float64", 2**53)])
def test_integers_that_a_floating_dtype_would_skip_are_refused(dtype: str, most: int) -> None:
    """torch warns, and draws some of them more often than others."""
    d = getattr(minigrad, dtype)
    assert minigrad.randint(most, most + 1, (2,), dtype=d).tolist() == [most] * 2
    with pytest.raises(RuntimeError, match=r"to - 1 is out of bounds for .*\n.*Draw int64, and convert them"):
        minigrad.randint(0, most + 2, (2,), dtype=d)


@pytest.mark.parametrize("options", [{}, {"devices": []}, {"enabled": False}])
def test_what_is_drawn_in_a_fork_is_forgotten(options):
    def program(lib):
        lib.manual_seed(3)
        with lib.random.fork_rng(**options):
            lib.manual_seed(7)
            inside = lib.rand(2)
        try:
            with lib.random.fork_rng(**options):
                lib.rand(5)
                raise KeyError
        except KeyError:
            pass
        return inside.tolist(), lib.rand(3).tolist()

    assert program(minigrad) == program(torch)
