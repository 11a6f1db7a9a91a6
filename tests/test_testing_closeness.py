"""assert_close beside torch's: what it lets pass, and the whole text of what it does not."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import minigrad

CALLS = """
T([1., 2]), T([1., 3])
T([1., 2, 4]), T([1., 2.1, nan])
T([[1, 2]]), T([[1, 3]])
T([1, 2]), T([1, 2])
T([1e10, 1e-6, 1]), T([1.000001e10, 1e-9, 2])
T([0., 1]), T([0., 2])
T([True]), T([False])
T([1., inf]), T([1., -inf])
T([1.]), T([1. + 1e-6])
T([1.]).double(), T([1. + 1e-6]).double()
T([1.]).half(), T([1.002]).half()
T(1.), T(2.)
T(2), T(3)
T(1.), T(0.)
T(nan), T(nan)
T(nan), T(nan), {"equal_nan": True}
T([nan, 1]), T([nan, 1]), {"equal_nan": True}
T([1.], requires_grad=True) * 2, T([3.])
1., 2.
1, 2.
1, 2., {"check_dtype": False}
True, False
None, None
None, 1
nan, nan, {"equal_nan": True}
inf, 1.
1., inf
"a", "a"
T([1.]), 1.
T([1.]), T([1])
T([1.]), T([1]), {"check_dtype": False}
T([1.]), T([2]), {"check_dtype": False}
P(T([1.])), T([1.])
P(T([1.])), T([1.]), {"allow_subclasses": False}
T([1.]), T([1., 2])
T([[1., 2], [3, 4]]), T([[1., 3], [2, 4]]).T
T([[1., 2], [3, 4]]), T([[1., 3], [2, 4]]).T, {"check_stride": True}
[T(1.), T(2.)], [T(1.), T(3.)]
{"b": 1, "a": [T([1.])]}, {"a": [T([2.])], "b": 2}
{"a": 1}, {"b": 1}
[1], (1, 2)
[1, [2, 3]], [1, [2, 4]]
T([2**53 + 1]), T([2**53])
3, np.int64(4)
np.float32(3), np.float64(4)
np.bool_(True), np.bool_(False)
np.ones(2), np.ones(2) + 1e-3
np.ones(2), T([1., 1])
T([1.]), T([1.5]), {"rtol": 0, "atol": 0}
T([1.]), T([1.5]), {"rtol": 0.5, "atol": 0.}
T([1.]), T([1.5]), {"rtol": 0.5}
T([1.]), T([1.5]), {"atol": 0.5}
T([1.]), T([1.5]), {"msg": "mine"}
T([1.]), T([1.5]), {"msg": lambda text: "mine: " + text}
T([]), T([])
""".strip().splitlines()


def told(library, call):
    names = {"T": library.tensor, "P": library.nn.Parameter, "np": np, "nan": float("nan"), "inf": float("inf")}
    actual, expected, *options = eval(call, names)
    try:
        return library.testing.assert_close(actual, expected, **(options[0] if options else {}))
    except (AssertionError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}".replace("minigrad.tensor.", "torch.").replace("minigrad", "torch")


@pytest.mark.parametrize("call", CALLS)
def test_what_is_close_and_what_is_told_of_the_rest(call):
    assert told(minigrad, call) == told(torch, call)
