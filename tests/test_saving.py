"""`save` and `load`: what was saved comes back, torch's tools read it, and a bad file is refused with what is wrong."""

import io
import json
import os
import struct
from collections import OrderedDict

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
from hypothesis import given, strategies as st
from safetensors.torch import load_file, save_file

import minigrad
from minigrad.testing import tensors

DTYPES = [minigrad.float64, minigrad.float32, minigrad.float16, minigrad.int64, minigrad.int32, minigrad.int16]
DTYPES += [minigrad.int8, minigrad.uint8, minigrad.bool]


def again(value):
    stream = io.BytesIO()
    minigrad.save(value, stream)
    stream.seek(0)
    return minigrad.load(stream)


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, minigrad.Tensor):
        assert (a.dtype, a.shape, a.requires_grad) == (b.dtype, b.shape, b.requires_grad)
        assert a.detach().numpy().tobytes() == b.detach().numpy().tobytes()
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    else:
        assert a == b or a != a != b


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
LEAVES = PLAIN | st.sampled_from([minigrad.float32, minigrad.device("cpu"), minigrad.Size([2, 3])])
LEAVES |= st.sampled_from(DTYPES).map(lambda d: minigrad.arange(6).reshape(2, 3).t().to(d))
NESTED = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3).map(OrderedDict)
    ),
    max_leaves=8,
)


@given(NESTED)
def test_what_is_saved_comes_back(value):
    same(again(value), value)


@given(tensors())
def test_every_tensor_comes_back(t):
    same(again({"t": t}), {"t": t})


def test_a_tensor_that_is_there_twice_stays_one():
    w = minigrad.ones(3, requires_grad=True)
    found = again({"encoder": w, "decoder": [w]})
    assert found["encoder"] is found["decoder"][0]
    assert found["encoder"].requires_grad


VIEWS = (
    lambda x: x,
    lambda x: x.t(),
    lambda x: x[0],
    lambda x: x[:, 1:3],
    lambda x: x.view(-1)[2:9],
    lambda x: x.view(-1)[1::2],
    lambda x: x[:, :1].expand(3, 2),
    lambda x: x.detach(),
    lambda x: x.view(-1)[12:],
    lambda x: x.clone(),
)
EXPANDED = 6


@given(st.lists(st.integers(0, len(VIEWS) - 1), min_size=2, max_size=4), st.integers(0, 3))
def test_tensors_that_share_memory_still_do(chosen, changed):
    def act(library):
        x = library.arange(12.0).reshape(3, 4)
        stream = io.BytesIO()
        library.save({f"{i}": VIEWS[which](x) for i, which in enumerate(chosen)}, stream)
        stream.seek(0)
        found = list(library.load(stream).values())
        if chosen[changed % len(found)] != EXPANDED:
            found[changed % len(found)].mul_(-2)
        return [t.tolist() for t in found]

    assert act(minigrad) == act(torch)


def test_parameters_are_parameters_when_they_come_back():
    def act(library):
        stream = io.BytesIO()
        p = library.nn.Parameter(library.arange(4.0).view(2, 2))
        frozen = library.nn.Parameter(library.zeros(2), requires_grad=False)
        library.save([p, p, p.detach()[0], frozen, library.nn.Parameter(library.ones(2)).data], stream)
        stream.seek(0)
        found = library.load(stream)
        found[2].mul_(-2)
        kinds = [(isinstance(t, library.nn.Parameter), t.requires_grad, t.is_leaf, t.tolist()) for t in found]
        return kinds, found[0] is found[1]

    assert act(minigrad) == act(torch)


def test_tied_parameters_stand_under_both_names(tmp_path):
    net = minigrad.nn.Sequential(minigrad.nn.Linear(2, 2), minigrad.nn.Linear(2, 2))
    net[1].weight = net[0].weight
    minigrad.save(net.state_dict(), tmp_path / "net")
    assert sorted(load_file(tmp_path / "net")) == ["0.bias", "0.weight", "1.bias", "1.weight"]
    state = minigrad.load(tmp_path / "net")
    assert state["0.weight"].data_ptr() == state["1.weight"].data_ptr()
    state["0.weight"].add_(1)
    assert state["1.weight"]._version == 1


def test_names_that_meet_in_the_file_stay_apart():
    a, b, c = minigrad.ones(1), minigrad.zeros(1), minigrad.full((1,), 2.0)
    same(again({"a": {"b": a}, "a.b": b, "a.b_": c}), {"a": {"b": a}, "a.b": b, "a.b_": c})
    x = minigrad.arange(6.0)
    parts = {"a": x[:4], "b": x[2:], "memory of a": b}  # what holds all of x in the file is called so, too
    same(again(parts), parts)


def test_torch_reads_a_state_dict_and_the_other_way_round(tmp_path):
    state = {"0.weight": minigrad.randn(3, 2).t(), "0.bias": minigrad.tensor(1.5), "steps": minigrad.tensor([1, 2])}
    minigrad.save(state, tmp_path / "net.safetensors")
    theirs = load_file(tmp_path / "net.safetensors")
    assert {k: (str(v.dtype), v.tolist()) for k, v in theirs.items()} == {
        k: (str(v.dtype), v.tolist()) for k, v in state.items()
    }
    save_file({"w": torch.tensor([[1.0, 2.0]], dtype=torch.float64)}, tmp_path / "theirs")
    same(minigrad.load(str(tmp_path / "theirs"), map_location="cpu"), {"w": minigrad.tensor([[1.0, 2.0]]).double()})


def test_what_is_loaded_can_be_changed(tmp_path):
    minigrad.save([minigrad.zeros(2)], tmp_path / "x")
    (x,) = minigrad.load(tmp_path / "x", weights_only=True)
    x += 1
    assert x.tolist() == [1, 1]
    assert minigrad.load(tmp_path / "x")[0].tolist() == [0, 0]


class Thing:
    pass


def test_what_cannot_be_saved_is_refused_and_the_file_stays(tmp_path):
    path = tmp_path / "x"
    minigrad.save(minigrad.ones(2), path)
    with pytest.raises(TypeError, match=r"cannot save Thing \(at model\.1\)\n  A file holds tensors"):
        minigrad.save({"model": [1, Thing()]}, path)
    assert minigrad.load(path).tolist() == [1, 1]
    assert os.listdir(tmp_path) == ["x"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        minigrad.save(minigrad.ones(2), tmp_path / "nowhere" / "x")


@pytest.fixture
def whole(tmp_path):
    minigrad.save({"w": minigrad.ones(20), "more": [1, {"b": minigrad.zeros(3)}]}, tmp_path / "whole")
    return (tmp_path / "whole").read_bytes()


def refused(data):
    with pytest.raises(RuntimeError) as caught:
        minigrad.load(io.BytesIO(data))
    return str(caught.value)


def test_a_file_that_is_cut_short_anywhere_is_refused(whole):
    for length in range(len(whole)):
        assert ("the stream is empty" if not length else "the stream is cut short") in refused(whole[:length])
    assert "cut short, or no safetensors file" in refused(whole + b"\0")


def test_torchs_own_files_and_pickles_are_not_run(tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "theirs.pt")
    with pytest.raises(RuntimeError, match=r"theirs\.pt is no safetensors file: it looks like one of torch\.save"):
        minigrad.load(tmp_path / "theirs.pt")
    stream = io.BytesIO()
    torch.save(torch.ones(2), stream, _use_new_zipfile_serialization=False)
    assert "which holds a pickle" in refused(stream.getvalue())
    assert "cut short, or no safetensors file" in refused(b"import os; os.system('x')")


def with_form(form, dtype="F32", **metadata):
    header = json.dumps(
        {"__metadata__": {"minigrad": form, **metadata}, "w": {"dtype": dtype, "shape": [1], "data_offsets": [0, 4]}}
    ).encode()
    return struct.pack("<Q", len(header)) + header + b"\0\0\0\0"


@pytest.mark.parametrize(
    "form",
    [
        "{",
        '{"tensor": "v"}',
        '{"tensor": 3}',
        '{"run": "os.system"}',
        '{"dict": [1]}',
        '{"dict": [[{"list": []}, 1]]}',
        '{"dtype": "float1"}',
        '{"size": ["a"]}',
        "[" * 100_000,
        '{"list": {"list": 0}}',
        '{"list": [' * 5_000 + "]}" * 5_000,
    ],
)
def test_hostile_forms_are_refused(form):
    assert "cut short, or no safetensors file" in refused(with_form(form))


@pytest.mark.parametrize(
    "shared",
    [
        "{",
        "[]",
        '{"w": 3}',
        '{"w": ["v", 0, [4]]}',
        '{"w": ["w", 4, [4]]}',
        '{"w": ["w", -4, [4]]}',
        '{"w": ["w", 0, ["a"]]}',
        '{"w": ["w", 0, [4, 4]]}',
        '{"w": ["w", 1e30, [4]]}',
        f'{{"w": ["w", {2**70}, [4]]}}',
        '{"w": [["w"], 0, [4]]}',
    ],
)
def test_hostile_places_in_memory_are_refused(shared):
    form = '{"tensor": "w"}'
    assert minigrad.load(io.BytesIO(with_form(form, **{"minigrad.shared": '{"w": ["w", 0, [4]]}'}))).tolist() == [0]
    assert "cut short, or no safetensors file" in refused(with_form(form, **{"minigrad.shared": shared}))


def test_dtypes_that_minigrad_lacks_are_named():
    assert "it holds tensors of BF16, which minigrad has no dtype for" in refused(
        with_form('{"tensor": "w"}', "BF16").replace(b"[0, 4]", b"[0, 2]")[:-2]
    )


def test_a_missing_file_is_pythons_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        minigrad.load(tmp_path / "none")
