"""Copies, conversions between dtypes, and questions about dtypes, held against torch."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from hypothesis.extra import numpy as hnp

torch = pytest.importorskip("torch")

from expressions import check, each, used_strides

import minigrad
from minigrad import dtypes

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
DTYPES = sorted(d.name for d in dtypes.dtype.by_numpy.values())

TO = """
x.to(torch.float64)
x.to(torch.float32) is x
x.to(torch.float32, copy=True)
x.to('cpu') is x
x.to('cpu', copy=True)
x.to(torch.device('cpu')) is x
x.to(torch.int64)
x.to(i)
x.to(x) is x
x.to(i, True, True)
x.to(tensor=i)
x.to(x, copy=True)
x.to('cpu', torch.float64)
x.to('cpu', torch.float64, False, True)
x.to('cpu', torch.float32, False, True)
x.to(dtype=torch.float64)
x.to(device='cpu', dtype=None) is x
x.to(device='cpu', dtype=torch.float64)
x.to() is x
x.to(copy=True)
x.to(None) is x
x.to(None, torch.float64)
x.to(torch.float64, False, True)
x.to(torch.float64, True)
x.to(torch.float64, non_blocking=True)
x.to(float)
x.to(int)
x.to(dtype=int)
x.to(bool)
x.to(other=i)
x.to('cpu', 'cpu')
x.to(torch.float64, 'cpu')
x.to(torch.float64, dtype=torch.float32)
x.to(torch.float64, 1)
x.to('cpu', 3)
x.to(torch.float64, True, True, True)
x.to(torch.float64, copy=1)
x.to(i, dtype=torch.float64)
x.to([1])
x.to(foo=1)
x.to(np.float64)
x.to(torch.float64, foo=1)
n.t().to(torch.float64)
n.t().to(torch.float64, memory_format=torch.contiguous_format)
n[:, ::2].to(torch.float64)
n.T.expand(4, 3, 2).to(torch.float64)
torch.arange(24.).reshape(2, 3, 4).transpose(1, 2).to(torch.float64)
(x * 2).to(torch.float64)
x.detach().to(torch.float64)
x.to(torch.float64).to(torch.float32)
"""

METHODS = """
x.double()
x.float() is x
x.half()
x.long()
x.int()
x.short()
x.char()
x.byte()
x.bool()
x.float(memory_format=torch.preserve_format) is x
x.double(memory_format=torch.contiguous_format)
n.t().double(memory_format=torch.contiguous_format)
x.cpu() is x
x.type_as(i)
x.type_as(x) is x
x.type_as(3)
x.type()
[t.type() for t in (i, i.bool(), i.byte(), i.half(), i.short(), i.char(), i.int(), i.double())]
x.type(torch.float64)
x.type(torch.float64, True)
x.type(dtype=torch.float64)
x.type('torch.DoubleTensor')
x.type('torch.LongTensor')
x.type('torch.BoolTensor')
x.type(torch.DoubleTensor)
x.type(torch.FloatTensor) is x
x.type(torch.Tensor) is x
i.type(torch.Tensor)
x.type(torch.float32) is x
x.type('float64')
x.type('FloatTensor')
x.type('torch.float64')
x.type(int)
x.type(3)
"""

IMAGES = """
torch.ones(2, 3, 2, 4).to(memory_format=torch.channels_last)
torch.ones(2, 3, 2, 4).to(torch.float64, memory_format=torch.channels_last)
torch.ones(2, 3, 2, 4).long(memory_format=torch.channels_last)
torch.ones(2, 3, 2, 4).cpu(memory_format=torch.channels_last)
torch.ones(2, 3, 2, 4).clone(memory_format=torch.channels_last)
torch.ones(2, 3, 2, 4).contiguous(memory_format=torch.channels_last)
(l := torch.ones(2, 3, 2, 4).to(memory_format=torch.channels_last)).to(memory_format=torch.channels_last) is l
(l := torch.ones(2, 3, 2, 4).to(memory_format=torch.channels_last)).contiguous(memory_format=torch.channels_last) is l
torch.ones(2, 3, 2, 4).to(memory_format=torch.channels_last).double(), torch.ones(2, 3, 2, 4).to(memory_format=torch.channels_last).clone(), torch.ones(2, 3, 2, 4).to(memory_format=torch.channels_last).contiguous()
(l := torch.ones(2, 3, 2, 4).to(memory_format=torch.channels_last)).float(memory_format=torch.channels_last) is l
torch.ones(2, 3, 2, 4).to(memory_format=torch.channels_last).to(memory_format=torch.contiguous_format)
torch.ones(2, 3, 2, 4).to(memory_format=torch.channels_last).is_contiguous(), torch.ones(2, 3, 2, 4).to(memory_format=torch.channels_last).is_contiguous(memory_format=torch.channels_last)
torch.ones(2, 3, 2, 4).is_contiguous(memory_format=torch.channels_last), n.is_contiguous(memory_format=torch.channels_last)
n.to(memory_format=torch.channels_last)
n.clone(memory_format=torch.channels_last)
torch.ones(2, 3, 2, 4)[None].to(memory_format=torch.channels_last_3d)
torch.ones(2, 3, 2, 4)[:, :1].to(memory_format=torch.channels_last), torch.ones(2, 3, 2, 4)[:, :, :1, :1].to(memory_format=torch.channels_last)
torch.zeros_like(torch.ones(2, 3, 2, 4), memory_format=torch.channels_last)
torch.zeros_like(n, memory_format=torch.channels_last)
"""

COPIES = """
x.clone()
torch.clone(x)
(x * 2).clone()
i.clone()
x.detach().clone()
x.clone(memory_format=torch.preserve_format)
torch.clone(3)
n.t().clone()
n.t().clone(memory_format=torch.contiguous_format)
torch.arange(3.).expand(2, 3).clone()
torch.arange(3.).expand(2, 3).T.clone()
n.contiguous() is n
n.t().contiguous()
x[:, None].expand(2, 3).contiguous()
torch.zeros(3, requires_grad=True)[::2].contiguous()
x.detach()
torch.detach(x)
torch.detach(3)
x.detach().data_ptr() == x.data_ptr()
x.detach()._is_view(), x.detach()._base
x[:1].detach()._is_view()
i.detach()
(x * 2).detach_()
x.detach_()
x.clone().detach_().requires_grad_()
x.detach().requires_grad_()
torch.detach_(x * 2)
"""

QUESTIONS = """
torch.is_tensor(x), torch.is_tensor(3)
torch.is_floating_point(x), torch.is_floating_point(i), x.is_floating_point()
torch.is_floating_point(3)
torch.is_complex(x)
torch.is_nonzero(torch.tensor([1])), torch.tensor(0.).is_nonzero()
torch.is_nonzero(torch.zeros(0))
x.is_nonzero()
torch.numel(x)
torch.numel(3)
torch.result_type(x, i), torch.result_type(i, 2.0), torch.result_type(1, 2), torch.result_type(1, 2.)
torch.result_type(i, torch.tensor(1., dtype=torch.double)), torch.result_type(torch.tensor(True), 1)
torch.result_type(True, 1), torch.result_type(True, False), torch.result_type(2, i)
torch.result_type('a', 2)
torch.result_type(x, 'a')
torch.can_cast(torch.float32, torch.int64), torch.can_cast(from_=torch.int64, to=torch.uint8)
torch.can_cast(1, 2)
torch.promote_types(torch.uint8, torch.int8)
torch.promote_types(type1=torch.uint8, type2=torch.half)
torch.promote_types(torch.uint8, 3)
torch.promote_types(1, 2)
torch.equal(x, x), torch.equal(x, i), x.equal(x)
torch.equal(torch.tensor([1.]), torch.tensor([1]))
torch.equal(x, torch.zeros(3))
torch.equal(torch.tensor([nan]), torch.tensor([nan]))
torch.equal(torch.zeros(0), torch.zeros(0))
torch.equal(x, 3)
torch.get_default_dtype()
torch.set_default_dtype(torch.int64)
"""

OLDER_CLASSES = """
torch.Tensor()
torch.Tensor(2, 3).shape, torch.Tensor(2, 3).dtype
torch.Tensor([1, 2])
torch.Tensor((2, 3))
torch.Tensor(torch.Size([2, 3])).shape
torch.Tensor(3).shape
torch.Tensor(np.int64(3)).shape
torch.Tensor(3.5)
torch.Tensor(True)
torch.Tensor('a')
torch.Tensor(None)
torch.Tensor({1: 2})
torch.Tensor(iter([1]))
torch.Tensor(i)
torch.Tensor(i) is i
torch.Tensor(i).data_ptr() == i.data_ptr()
torch.Tensor(np.array([1., 2.]))
torch.Tensor(np.float32(3))
torch.Tensor([[1, 2], [3]])
torch.Tensor([1.5, True])
torch.Tensor(-1)
torch.Tensor(2, -1)
torch.Tensor(2, 3.)
torch.Tensor([])
torch.Tensor(())
torch.Tensor(range(3))
torch.Tensor([None])
torch.Tensor(2, 3, device='cpu').shape
torch.Tensor(size=(2, 3)).shape
torch.Tensor(data=[1])
torch.Tensor([1, 2]).requires_grad_()
torch.Tensor([1], dtype=torch.float64)
torch.FloatTensor, torch.LongTensor, torch.FloatTensor.dtype
torch.LongTensor([1, 2])
torch.LongTensor([1.5, 2])
torch.LongTensor(2, 3).dtype, torch.LongTensor(2, 3).shape
torch.LongTensor(i)
torch.LongTensor(np.array([1.5, 2]))
torch.IntTensor(np.array([1, 2]))
torch.FloatTensor(np.array([1, 2]))
torch.BoolTensor([1, 0, 2])
torch.ByteTensor([300])
torch.HalfTensor([1])
torch.CharTensor([1]), torch.ShortTensor([1]), torch.DoubleTensor([1])
torch.FloatTensor([1, 2], device='cpu')
torch.FloatTensor()
torch.FloatTensor(3.5)
isinstance(x, torch.FloatTensor), isinstance(x, torch.LongTensor), isinstance(i, torch.LongTensor)
isinstance(3, torch.FloatTensor), isinstance(x, torch.Tensor), isinstance(3, torch.Tensor)
"""


@each(TO)
def test_to(expression: str) -> None:
    check(expression)


@each(METHODS)
def test_conversions_by_name(expression: str) -> None:
    check(expression)


@each(IMAGES)
def test_memory_formats(expression: str) -> None:
    check(expression)


@each(COPIES)
def test_copies(expression: str) -> None:
    check(expression)


@each(QUESTIONS)
def test_questions(expression: str) -> None:
    check(expression)


@each(OLDER_CLASSES)
def test_older_classes(expression: str) -> None:
    check(expression)


def test_all_pairs_of_dtypes_promote_and_cast_as_in_torch() -> None:
    for a in DTYPES:
        for b in DTYPES:
            ours, theirs = ([getattr(library, name) for name in (a, b)] for library in (minigrad, torch))
            assert repr(minigrad.promote_types(*ours)) == repr(torch.promote_types(*theirs))
            assert minigrad.can_cast(*ours) == torch.can_cast(*theirs)


ANYTHING = st.sampled_from(DTYPES).flatmap(
    lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
)


@given(ANYTHING, st.sampled_from(DTYPES), st.randoms(use_true_random=False))
def test_every_dtype_becomes_every_other_as_in_torch(array: np.ndarray, name: str, random: Any) -> None:
    """Values and memory order, also of what does not fit; `array` is permuted, cut and expanded first."""
    ours, theirs = minigrad.from_numpy(array), torch.from_numpy(array)
    if array.ndim:
        order = random.sample(range(array.ndim), array.ndim)
        cut = tuple(slice(None, None, random.choice([1, 1, 2])) for _ in order)
        at = random.randrange(array.ndim + 1)
        times = random.choice([1, 3])
        ours, theirs = (_changed(t, order, cut, at, times) for t in (ours, theirs))
        # Beside expanded dimensions, torch orders those of length one by strides that an array does not have.
        assume(times == 1 or 1 not in ours.shape)
    ours, theirs = ours.to(getattr(minigrad, name)), theirs.to(getattr(torch, name))
    assert used_strides(ours) == used_strides(theirs)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert ours.numpy().dtype == theirs.numpy().dtype
    ours, theirs = ours.clone(), theirs.clone()
    assert used_strides(ours) == used_strides(theirs)
    assert used_strides(ours.contiguous()) == used_strides(theirs.contiguous())


def _changed(t: Any, order: list[int], cut: tuple[slice, ...], at: int, times: int) -> Any:
    t = t.permute(order)[cut].unsqueeze(at)
    shape = list(t.shape)
    shape[at] = times
    return t.expand(shape)


@given(
    hnp.arrays("float64", 8, elements=st.floats(allow_nan=False, width=64)),
    st.sampled_from(["float16", "float32"]),
)
def test_floats_round_as_in_torch(array: np.ndarray, name: str) -> None:
    ours, theirs = (lib.from_numpy(array).to(getattr(lib, name)).numpy() for lib in (minigrad, torch))
    np.testing.assert_array_equal(ours, theirs)


@settings(max_examples=30)
@given(st.sampled_from(["float16", "float32", "float64"]), st.sampled_from(["float16", "float32", "float64"]))
def test_gradients_come_back_in_the_dtype_of_the_input(source: str, target: str) -> None:
    gradients = []
    for lib in (minigrad, torch):
        x = lib.tensor([1.5, -2.25], dtype=getattr(lib, source), requires_grad=True)
        y = x.to(getattr(lib, target), copy=True)
        (y.clone() * y).sum().backward()
        gradients.append((repr(x.grad.numpy()), str(x.grad.dtype)))
    assert gradients[0] == gradients[1]


def test_second_derivative_through_a_conversion() -> None:
    second = []
    for lib in (minigrad, torch):
        x = lib.tensor([2.0, 3.0], requires_grad=True)
        y = x.double().clone()
        (first,) = lib.autograd.grad((y * y * y).sum(), x, create_graph=True)
        second.append(lib.autograd.grad(first.sum(), x)[0].tolist())
    assert second[0] == second[1]


def test_detached_tensor_counts_changes_of_its_origin() -> None:
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    y.detach().mul_(2)
    assert y._version == 1
    assert y.tolist() == [2.0, 8.0]


def test_integers_say_where_the_gradient_was_lost() -> None:
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    assert x.long()._origin.why == "integer"
    assert x.detach()._origin.why == "detach"
    assert x.detach().double().long()._origin.why == "detach"
    assert minigrad.tensor([1.0]).long()._origin is None


def test_cuda_says_what_to_do() -> None:
    with pytest.raises(AssertionError, match="real torch"):
        minigrad.tensor(1.0).cuda()


def test_subclasses_and_copies_survive_the_constructor() -> None:
    class Mine(minigrad.Tensor):
        pass

    made = Mine([1, 2])
    assert type(made) is Mine
    assert made.tolist() == [1.0, 2.0]
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    for twin in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert type(twin) is minigrad.Tensor
        assert twin.tolist() == [1.0, 2.0]
        assert twin.requires_grad


def test_functions_are_pickled_by_name() -> None:
    names = minigrad.ops.function_names()
    functions = [getattr(minigrad, name) for name in names]
    found = pickle.loads(pickle.dumps(functions))
    assert [name for name, one, other in zip(names, found, functions, strict=True) if one is not other] == []


@pytest.mark.parametrize("name", ["float32", "float64", "int64", "bool"])
def test_dtypes_that_are_equal_but_other_objects_are_no_others(name: str, tmp_path: Path) -> None:
    """Pickled arrays have dtypes of their own; so has what is read from a file. Operations ask for the same object."""
    x = minigrad.ones(2, 2, dtype=getattr(minigrad, name))
    minigrad.save({"x": x}, tmp_path / "x.safetensors")
    array = pickle.loads(pickle.dumps(x.numpy()))
    assert array.dtype is not x.numpy().dtype
    others = [pickle.loads(pickle.dumps(x)), minigrad.load(tmp_path / "x.safetensors")["x"]]
    others += [make(array) for make in (minigrad.from_numpy, minigrad.tensor, minigrad.as_tensor, minigrad.from_dlpack)]
    for other in others:
        assert other.numpy().dtype is x.numpy().dtype
        if name != "bool":
            assert (other @ x).tolist() == [[2, 2], [2, 2]]
    minigrad.from_numpy(array)[0, 0] = 0
    assert array[0, 0] == 0


def test_default_dtype_is_followed() -> None:
    for lib in (minigrad, torch):
        lib.set_default_dtype(lib.float64)
        try:
            assert lib.tensor([1.5]).dtype is lib.float64
            assert lib.tensor([]).dtype is lib.float64
            assert lib.Tensor([1]).dtype is lib.float64
            assert lib.zeros(2).dtype is lib.float64
            assert lib.arange(0, 1, 0.5).dtype is lib.float64
            assert lib.linspace(0, 1, 3).dtype is lib.float64
            assert lib.arange(3).dtype is lib.int64
        finally:
            lib.set_default_dtype(lib.float32)


def test_tensors_of_torch_itself_are_taken_or_refused_with_a_way():
    theirs = torch.tensor([[1.0, 2.0]], requires_grad=True)
    for make in (minigrad.tensor, minigrad.as_tensor):
        ours = make(theirs)
        assert (ours.tolist(), ours.dtype, ours.requires_grad) == ([[1.0, 2.0]], minigrad.float32, False)
    theirs.detach()[0, 0] = 5
    assert ours.tolist() == [[1.0, 2.0]]
    assert minigrad.tensor(torch.tensor(3), dtype=minigrad.float64).item() == 3.0


def test_numbers_that_are_left_out_are_named():
    with pytest.raises(RuntimeError, match=r"^Could not infer dtype of complex\n  minigrad has no complex numbers"):
        minigrad.tensor([1j])
    for name, said in (("bfloat16", "float32"), ("complex64", "complex numbers")):
        with pytest.raises(AttributeError, match=f"^module 'minigrad' has no attribute '{name}'\\n  .*{said}"):
            getattr(minigrad, name)


def test_a_loss_that_is_made_of_tensors_says_how_it_is_called():
    for t in (torch, minigrad):
        with pytest.raises(RuntimeError, match=r"^Boolean value of Tensor with more than one value is ambiguous"):
            t.nn.MSELoss(t.ones(2), t.ones(2))
    with pytest.raises(RuntimeError, match=r"nn\.MSELoss\(\)\(input, target\)"):
        minigrad.nn.CrossEntropyLoss(None, minigrad.ones(2))


LAID_OUT = """
f.max_pool{n}d(x, 2) f.max_pool{n}d(x, 2, return_indices=True)[1] f.adaptive_max_pool{n}d(x, 2) f.avg_pool{n}d(x, 2)
f.adaptive_avg_pool{n}d(x, 2) f.conv{n}d(x, w) f.conv_transpose{n}d(x, w) f.pad(x, (1, 0)) f.group_norm(x, 2)
f.pad(x, (1,) * 2 * {n}, "reflect") f.max_unpool{n}d(x, i, 2) f.conv{n}d(x.contiguous(), w.to(memory_format=m))
f.pad(x.long(), (1, 0)) f.conv{n}d(x, w, padding="same") f.conv{n}d(x[:1], w) f.conv_transpose{n}d(x[:1], w) f.conv{n}d(x[:1], w[:, :2], groups=2)
f.conv{n}d(x[:1], t.ones(4, 4, *[4] * {n})) f.conv{n}d(x.double(), w.double()) f.conv_transpose{n}d(x.half(), w.half())
f.conv{n}d(t.cat([x] * 330, 2)[:1].contiguous(memory_format=m), w)
"""


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("turned", [False, True])
def test_layers_leave_channels_last(n: int, turned: bool) -> None:
    strides: list[dict[str, Any]] = []
    for t in (minigrad, torch):
        m = t.channels_last if n == 2 else t.channels_last_3d
        x = t.arange(8.0 * 4**n).view(2, 4, *[4] * n)
        x = x.transpose(-1, -2) if turned else x.contiguous(memory_format=m)
        names = {
            "t": t,
            "f": t.nn.functional,
            "x": x,
            "w": t.ones(4, 4, *[2] * n),
            "m": m,
            "i": t.zeros(x.shape).long(),
        }
        calls = LAID_OUT.format(n=n).replace(") f.", ")\nf.").replace("] f.", "]\nf.").strip().split("\n")
        strides.append({call: eval(call, names).stride() for call in calls})
    assert strides[0] == strides[1]
