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
