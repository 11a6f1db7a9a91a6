"""Tensors, dtypes and devices of real torch, and tensors on other devices, given where minigrad's own belong."""

import operator

import numpy as np
import pytest

import minigrad

torch = pytest.importorskip("torch")

OURS, THEIRS = minigrad.ones(2), torch.ones(2)
OPERATORS = [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "and_",
    "or_",
    "xor",
    "lshift",
    "rshift",
    "matmul",
]
REFUSED = r"must be Tensor, not real torch's Tensor\n  Make it a tensor first: minigrad\.from_dlpack\(x\.detach\(\)\)"


class OnGPU:
    """What a tensor on a GPU answers."""

    def __dlpack__(self, **kwargs):
        raise AssertionError("asked for memory that the CPU cannot read")

    def __dlpack_device__(self):
        return (2, 0)

    def cpu(self):
        return THEIRS


class Pinned:
    """What a tensor on the CPU answers whose memory is pinned, so that a GPU can read it too."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **kwargs):
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return (3, 0)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("left", ["ours", "theirs"])
def test_operators_refuse_the_others_tensor(name, left):
    pair = (OURS, THEIRS) if left == "ours" else (THEIRS, OURS)
    with pytest.raises(TypeError, match=r"Tensor and real torch's Tensor\n.*from_dlpack"):
        getattr(operator, name)(*pair)


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "itruediv", "ipow", "imod"])
def test_operators_in_place_do_too(name):
    x = minigrad.ones(2)
    with pytest.raises(TypeError, match="real torch's Tensor"):
        getattr(operator, name)(x, THEIRS)
    assert x.tolist() == [1, 1]
    assert x._version == 0


def test_what_is_no_tensor_is_asked_itself():
    class Answers:
        def __radd__(self, other):
            return "answered"

    assert OURS + Answers() == "answered"
    assert OURS.__eq__(object()) is NotImplemented


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: minigrad.exp(THEIRS), TypeError, REFUSED),
        (lambda: OURS.copy_(THEIRS), TypeError, REFUSED),
        (lambda: minigrad.stack([OURS, THEIRS]), TypeError, "as element 1 in argument 0, but got real torch's Tensor"),
        (
            lambda: minigrad.nn.functional.mse_loss(OURS, THEIRS),
            TypeError,
            "element 1 in argument 0, but got real torch's",
        ),
        (lambda: minigrad.nn.Parameter(THEIRS), TypeError, REFUSED),
        (lambda: minigrad.allclose(OURS, THEIRS), TypeError, REFUSED),
        (
            lambda: OURS.backward(THEIRS),
            TypeError,
            "gradients can be either Tensors or None, but got real torch's Tensor",
        ),
        (lambda: setattr(minigrad.ones(2), "grad", THEIRS), TypeError, "got grad of type real torch's Tensor"),
        (
            lambda: setattr(minigrad.ones(2), "data", THEIRS),
            TypeError,
            "has to be a tensor, but got real torch's Tensor",
        ),
        (lambda: minigrad.zeros(2, dtype=torch.float64), TypeError, "must be torch.dtype, not real torch's dtype"),
        (lambda: minigrad.zeros(2, device=torch.device("cpu")), TypeError, "must be str, not device"),
        (lambda: OURS + OnGPU(), TypeError, r"Tensor and OnGPU\n.*from_dlpack\(x.cpu\(\)\) copies it from its GPU"),
        (lambda: minigrad.exp(OnGPU()), TypeError, r"not OnGPU\n.*from_dlpack\(x.cpu\(\)\) copies it from its GPU"),
        (lambda: minigrad.from_dlpack(OnGPU()), BufferError, r"Unsupported device in DLTensor.\n  .*x.cpu\(\)"),
        (lambda: minigrad.asarray(OnGPU()), BufferError, r"Unsupported device in DLTensor.\n  .*x.cpu\(\)"),
    ],
)
def test_messages_say_whose_it_is(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_pinned_memory_is_the_cpus():
    array = np.arange(3.0)
    shared = minigrad.from_dlpack(Pinned(array))
    array[0] = 5
    assert shared.tolist() == [5, 1, 2]
    with pytest.raises(TypeError, match=r"from_dlpack\(x\) shares its memory"):
        minigrad.exp(Pinned(array))


@pytest.mark.parametrize("assign", [False, True])
def test_a_module_takes_the_state_of_torchs(assign):
    def made(library):
        return library.nn.Sequential(library.nn.Linear(2, 3), library.nn.BatchNorm1d(3))

    theirs, ours = made(torch), made(minigrad)
    theirs(torch.randn(5, 2))
    ours.load_state_dict(theirs.state_dict(), assign=assign)
    for (name, here), there in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        assert here.tolist() == there.tolist(), name
        assert str(here.dtype) == str(there.dtype)
    assert [p.requires_grad for p in ours.parameters()] == [True] * 4


def test_a_module_takes_state_from_a_gpu():
    net = minigrad.nn.PReLU(2)
    net.load_state_dict({"weight": OnGPU()})
    assert net.weight.tolist() == [1, 1]


def test_memory_that_numpy_locks_is_written_to(monkeypatch):
    """NumPy before 2.3 locks all that it takes from DLPack."""
    take = np.from_dlpack

    def locked(tensor):
        array = take(tensor)
        array.flags.writeable = False
        return array

    monkeypatch.setattr(np, "from_dlpack", locked)
    theirs = torch.ones(2)
    minigrad.from_dlpack(theirs).add_(1)
    assert theirs.tolist() == [2, 2]
