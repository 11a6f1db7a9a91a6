"""`as_strided` among other views and changes in place: torch's values and gradients, or an exception."""

import copy
import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from hypothesis import event, example, given, settings, strategies as st

import minigrad

VIEWS = {
    "itself": lambda x: x,
    "transposed": lambda x: x.t(),
    "rows": lambda x: x[1:],
    "columns": lambda x: x[:, 1:3],
    "every second": lambda x: x.view(-1)[::2],
    "expanded": lambda x: x[0].expand(2, 4),
}
CHANGES = {
    "nothing": lambda x, y: None,
    "the tensor": lambda x, y: x.mul_(3),
    "the view": lambda x, y: y.mul_(3),
    "part of the view": lambda x, y: y[:1].exp_(),
    "both": lambda x, y: (y.sin_(), x.mul_(2)),
}
# What torch computes all the same: without the gradients of some elements, with those of changes made in some order,
# or in an order that it leaves open, as the changes are.
REFUSED = ("elements outside of the tensor", "a function that returns multiple views")


def outcome_of(run, t):
    try:
        return "", run(t)
    except Exception as error:
        return type(error).__name__, str(error).splitlines()[0]


@given(
    st.sampled_from(sorted(VIEWS)),
    st.sampled_from(sorted(CHANGES)),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=3),
    st.one_of(st.none(), st.integers(0, 6)),
)
@example("itself", "the tensor", [(2, 1), (2, 1)], 0)
@settings(max_examples=100)
def test_values_and_gradients_are_torchs(view, change, geometry, offset):
    def run(t):
        leaf = t.arange(12.0, dtype=t.float64).requires_grad_()
        x = (leaf * 0.1).view(3, 4)
        y = VIEWS[view](x).as_strided(*zip(*geometry, strict=True), offset)
        place = (y.storage_offset(), y.stride()) if y.numel() else None  # where nothing lies does not matter
        CHANGES[change](x, y)
        upstream = t.linspace(-1.3, 2, y.numel(), dtype=t.float64).reshape(y.shape)
        ((y * upstream).sum() + (x * x).sum()).backward()
        return place, y.tolist(), x.tolist(), leaf.grad.tolist()

    (kind, ours), (other, theirs) = (outcome_of(run, t) for t in (minigrad, torch))
    if kind == "RuntimeError" and any(text in ours for text in REFUSED):
        event("refused")
        return
    assert kind == other
    if kind:
        assert ours == theirs
        return
    assert ours[0] == theirs[0]
    for mine, yours in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(mine, yours, atol=1e-12)


STEPS = {
    "detach": lambda t, x: x.detach(),
    "data": lambda t, x: x.data,
    "copy": lambda t, x: copy.copy(x),
    "deepcopy": lambda t, x: copy.deepcopy(x),
    "Parameter": lambda t, x: t.nn.Parameter(x).data,
    "assigned": lambda t, x: _assigned(t.zeros(2), x),
    "saved": lambda t, x: _saved(t, x),
    "rows": lambda t, x: x[1:],
    "its own rows": lambda t, x: _assigned(x, x.data[1:]),
    "from the start": lambda t, x: x.as_strided((2, 3), (3, 1), 0),
    "transposed": lambda t, x: x.mT,
    "other memory": lambda t, x: _assigned(x, t.ones(x.shape)),
    "left by its base": lambda t, x: (x[1:], _assigned(x, t.ones(x.shape)))[0],
}


def _assigned(x, data):
    x.data = data
    return x


def _saved(t, x):
    file = io.BytesIO()
    t.save([x, x._base if x._is_view() else x], file)  # beside what it shares its memory with
    file.seek(0)
    return t.load(file)[0]


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=5))
@example(["other memory", "left by its base"])
@settings(max_examples=40)
def test_what_has_left_its_base_knows_its_place_in_memory(steps):
    def run(t):
        x = t.arange(30.0).view(5, 6)[1:, 2:]
        for i, step in enumerate(steps):
            if step == "saved" and i:
                continue  # what is saved is what tensors show of a memory, not what lies around them
            whole, x = x, STEPS[step](t, x)
            places = [(y.storage_offset(), y.stride()) for y in (whole, x) if y.numel()]
            if not x.numel():
                return i, places
        shown = [outcome_of(lambda t: x.as_strided(*how).tolist(), t) for how in (((3,), (2,), 1), ((30,), (1,), 0))]
        return places, x.as_strided((2, 2), (1, 2)).tolist(), shown

    assert outcome_of(run, minigrad) == outcome_of(run, torch)
