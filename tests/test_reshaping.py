"""Changes of shape in place, held against torch; and what is refused instead of being wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from parity import assert_same

import minigrad

PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "unsqueeze": lambda y: y.unsqueeze_(1),
    "squeeze": lambda y: y.unsqueeze_(0).squeeze_().unsqueeze_(0).squeeze_(0),
    "transpose": lambda y: y.transpose_(0, 1).t_().swapaxes_(-1, 0),
    "as_strided": lambda y: y.as_strided_((2, 2), (1, 2), 1),
    "of_a_detached_copy": lambda y: y.detach().clone().t_(),
}


@pytest.mark.parametrize("change", PROGRAMS.values(), ids=PROGRAMS)
def test_shapes_change_in_place_as_in_torch(change: Callable[[Any], Any]) -> None:
    def program(torch: Any) -> Any:
        x = torch.ones(2, 3, requires_grad=True)
        y = change(x * torch.arange(6.0).reshape(2, 3))
        if y.requires_grad:
            (y * torch.arange(6.0).reshape(y.shape)).sum().backward()
        return y.shape, y.stride(), y.is_contiguous(), y._version, y.requires_grad, y.tolist(), x.grad

    assert_same(program)


MADE: dict[str, Callable[[Any, Any], Any]] = {
    "cat": lambda torch, a: torch.cat([a, a]),
    "flip": lambda torch, a: a.flip(0),
    "cumsum": lambda torch, a: a.cumsum(0),
    "sum": lambda torch, a: a.sum(0, keepdim=True),
    "mul": lambda torch, a: a * 2,
    "matmul": lambda torch, a: a @ a,
    "softmax": lambda torch, a: a.softmax(0),
}
CHANGES: list[Callable[[Any], Any]] = [
    lambda y: y.unsqueeze_(0),
    lambda y: y.unsqueeze_(-1),
    lambda y: y.t_(),
    lambda y: y.squeeze_(),
]


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_shape_that_changes_unrecorded_takes_gradients_of_the_old_one(make: Callable[[Any, Any], Any]) -> None:
    for change in CHANGES:
        found = []
        for torch in (pytest.importorskip("torch"), minigrad):
            a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
            y = make(torch, a)
            with torch.no_grad():
                change(y)
            try:
                (y * torch.arange(1.0, 1 + y.numel()).reshape(y.shape)).sum().backward()
                found.append([round(value, 4) for row in a.grad.tolist() for value in row])
            except RuntimeError as error:
                found.append(["invalid gradient" in str(error), "modified by an inplace" in str(error)])
        assert found[0] == found[1]


def test_a_leaf_that_requires_grad_is_refused() -> None:
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        minigrad.ones(2, requires_grad=True).unsqueeze_(0)


def test_a_saved_value_that_changes_shape_is_noticed() -> None:
    x = minigrad.ones(2, 3, requires_grad=True)
    y = x * 2
    loss = (y * y).sum()
    y.t_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_what_shares_its_memory_is_refused() -> None:
    x = minigrad.ones(2, 3)
    view = x[0]
    for t in (x, view):
        with pytest.raises(NotImplementedError, match=r"x = x\.unsqueeze"):
            t.unsqueeze_(0)


def test_a_base_whose_elements_overlap_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="share their memory"):
        minigrad.ones(3).as_strided_((2, 2), (1, 1))
