"""Products, diagonals and rearrangements: what is said of arguments that do not fit, and what torch itself gets wrong."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import minigrad
from minigrad.testing import check_gradients, check_second_gradients

WRONG = """
t.addmm(t.ones(4), t.ones(2, 3), t.ones(4, 3))
t.addmm(t.ones(4), t.ones(2, 3).double(), t.ones(3, 4))
t.addmm(t.ones(4).double(), t.ones(2, 3), t.ones(3, 4))
t.addmm(t.ones(3), t.ones(2, 3), t.ones(3, 4))
t.addmm(t.ones(3, 1, 1), t.ones(2, 3), t.ones(3, 4))
t.addmm(t.ones(4), t.ones(3), t.ones(3, 4))
t.addmm(t.ones(4).bool(), t.ones(2, 3).bool(), t.ones(3, 4).bool())
t.addmm(t.ones(4), [1], t.ones(3, 4))
t.addmv(t.ones(4), t.ones(2, 3), t.ones(3))
t.addmv(t.ones(2, 2), t.ones(2, 3), t.ones(3))
t.addmv(t.ones(2), t.ones(2, 3).double(), t.ones(3))
t.addr(t.ones(4), t.ones(2), t.ones(3))
t.addr(t.ones(2, 3), t.ones(2, 3), t.ones(3))
t.addr(t.ones(2, 3).long(), t.ones(2).bool(), t.ones(3).long(), beta=2.5)
t.baddbmm(t.ones(4), t.ones(2, 3, 3), t.ones(2, 3, 3))
t.baddbmm(t.ones(2, 3, 3), t.ones(2, 3, 3), t.ones(1, 3, 3))
t.baddbmm(t.ones(2, 3, 3).double(), t.ones(2, 3, 3), t.ones(2, 3, 3))
t.baddbmm(t.ones(2, 3, 3), t.ones(2, 3, 3), t.ones(2, 3, 3).double())
t.baddbmm(t.ones(2, 3, 3).bool(), t.ones(2, 3, 3).bool(), t.ones(2, 3, 3).bool())
t.addbmm(t.ones(3, 3), t.ones(2, 3, 3), t.ones(1, 3, 3))
t.addbmm(t.ones(3, 3), t.ones(2, 3, 2), t.ones(2, 3, 3))
t.addbmm(t.ones(3, 3).double(), t.ones(2, 3, 3), t.ones(2, 3, 3))
t.ones(2, 1).addmm_(t.ones(2, 3), t.ones(3, 3))
t.ones(1).addr_(t.ones(2), t.ones(3))
t.ones(3).addmm_(t.ones(3, 4), t.ones(4, 5))
t.ones(3).addmm_(t.ones(3, 4), t.ones(3, 5))
t.ones(2, 3, 5).addr_(t.ones(3), t.ones(5))
t.ones(2, 2).addr_(t.ones(3), t.ones(5))
t.ones(2, 2).addr_(t.ones(3, 1), t.ones(5))
t.ones(()).addmv_(t.ones(3, 4), t.ones(3))
t.bmm(t.ones(2, 3, 4), 1)
t.bmm(1, t.ones(2, 3, 4))
t.baddbmm(t.ones(7), t.ones(2, 3, 4), t.ones(1, 4, 5))
t.baddbmm(t.ones(7), t.ones(3), t.ones(1, 4, 5))
t.addbmm(t.ones(7), t.ones(2, 3, 4), t.ones(2, 5, 6))
t.addbmm(t.ones(7), t.ones(()), t.ones(2, 5, 6))
t.addr(t.ones(2).byte(), t.ones(2).byte(), t.ones(2).byte(), alpha=300)
t.addmm(t.ones(2, 2).long(), t.ones(2, 2).long(), t.ones(2, 2).long(), beta=float("inf"))
t.addmv(t.ones(2).byte(), t.ones(2, 2).byte(), t.ones(2).byte(), beta=-1.5)
t.outer(t.ones(2, 2), t.ones(3))
t.inner(t.ones(2, 3), t.ones(4))
t.vdot(t.ones(2), t.ones(3))
t.vdot(t.ones(2), t.ones(2).double())
t.tensordot(t.ones(2, 3), t.ones(4, 5), 1)
t.tensordot(t.ones(2, 3), t.ones(3, 4), dims=([1], [0, 1]))
t.tensordot(t.ones(2, 3), t.ones(3, 4), dims=3)
t.tensordot(t.ones(2, 3), t.ones(3, 4), dims=-1)
t.tensordot(t.ones(2, 3), t.ones(3, 4), dims=((1, 1), (0, 0)))
t.trace(t.ones(2))
t.trace(t.ones(2, 2).bool())
t.diag(t.ones(2, 2, 2))
t.tril(t.ones(3))
t.block_diag(t.ones(2, 2, 2))
t.vander(t.ones(2, 2))
t.vander(t.ones(2), -1)
t.einsum("ij,jk->ik", t.ones(2, 3))
t.einsum("ij,jk->ik", t.ones(2, 3), t.ones(4, 5))
t.einsum("ij->ii", t.ones(2, 3))
t.einsum("ii->i", t.ones(2, 3))
t.einsum("i->j", t.ones(2))
t.einsum("ij", t.ones(2))
t.einsum("i...j", t.ones(2))
t.einsum("i1", t.ones(2, 3))
t.einsum("i->i->i", t.ones(2))
t.einsum("..i", t.ones(2))
t.einsum("...i...", t.ones(2))
t.einsum("i", t.ones(2), t.ones(2))
t.einsum("...,...->...", t.ones(2, 3), t.ones(4, 3))
t.einsum(t.ones(2, 3), [0, 60])
t.einsum("ij")
t.einsum(3, t.ones(2))
t.movedim(t.ones(2, 3, 4), (0,), (1, 2))
t.movedim(t.ones(2, 3, 4), (0, 0), (1, 2))
t.movedim(t.ones(2, 3, 4), (0, 1), (1, 1))
t.flip(t.ones(2, 3), (0, 0))
t.roll(t.ones(2, 3), (1, 2), (0,))
t.roll(t.ones(2, 3), (), ())
t.rot90(t.ones(2, 3), 1, [1])
t.rot90(t.ones(2), 1, [0, 1])
t.rot90(t.ones(2, 3), 1, [0, 5])
t.unflatten(t.ones(6, 2), 0, (4, -1))
t.unflatten(t.ones(6, 2), 0, ())
t.hstack([])
t.vstack(t.ones(2))
t.tensor_split(t.ones(5), 0)
t.hsplit(t.ones(4, 5), 2)
t.vsplit(t.ones(4), 2)
t.meshgrid(t.ones(2), t.ones(3).double(), indexing="ij")
t.meshgrid(t.ones(2), t.ones(3), indexing="zz")
t.cartesian_prod(t.ones(2, 2))
t.broadcast_shapes((2, 2), (3,))
t.broadcast_shapes((2, 2), t.Size([3]))
t.broadcast_shapes((2, -1), (3, 1))
t.broadcast_tensors(t.ones(2, 2), t.ones(3))
t.ones(2).mH
t.ones(2, 2, 3).H
"""


def said(call: str, t: Any) -> tuple[str, str]:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, is compared
        eval(call, {"t": t})
    return type(caught.value).__name__, str(caught.value).splitlines()[0]


@pytest.mark.parametrize("call", WRONG.split("\n")[1:-1])
def test_what_does_not_fit_is_refused_in_torchs_words(call: str) -> None:
    assert said(call, minigrad) == said(call, torch)


RIGHT = """
t.broadcast_shapes((2, 1), (3,), 1)
t.tril_indices(3, 2, -1)
t.triu_indices(2, 3, 1)
t.vander(t.arange(4))
t.vander(t.tensor([2.0, -1.0]), 4, True)
t.einsum("bA", t.arange(6).reshape(2, 3))
t.einsum("ij,->i", t.arange(6.0).reshape(2, 3), t.tensor(2.0))
t.einsum("ij,jk", t.ones(2, 1), t.ones(4, 5))
t.tensordot(t.arange(6.0).reshape(2, 3), t.arange(12.0).reshape(3, 4), t.tensor([[1], [0]]))
t.kron(t.ones(2), t.arange(4, dtype=t.int32))
t.addr(t.ones(2).byte(), t.ones(2).byte(), t.arange(2).byte(), alpha=-1)
t.addmv(t.arange(2).byte(), t.ones(2, 2).byte(), t.ones(2).byte(), beta=-255)
t.inner(t.ones(2, 3), t.tensor(2.0))
t.addmm(t.ones(2, 2, dtype=t.int64), *[t.ones(2, 2, dtype=t.int64)] * 2, beta=1.5)
t.atleast_2d([t.tensor(1.0), t.ones(2)])
t.cartesian_prod(t.arange(2), t.arange(3))
t.meshgrid(t.tensor(1.0), t.arange(3.0), indexing="ij")
t.combinations(t.arange(3), 2)
"""


@pytest.mark.parametrize("call", RIGHT.split("\n")[1:-1])
def test_calls_that_no_row_makes_give_what_torch_gives(call: str) -> None:
    assert repr(eval(call, {"t": minigrad})) == repr(eval(call, {"t": torch}))


def test_powers_of_a_vector_have_gradients() -> None:
    """In torch they raise, as it changes in place what its own rules need."""
    x = minigrad.tensor([0.5, -1.5, 2.0], dtype=minigrad.float64, requires_grad=True)
    for increasing in (False, True):
        check_gradients(lambda x, up=increasing: minigrad.vander(x, 4, up), x)
        check_second_gradients(lambda x, up=increasing: minigrad.vander(x, 4, up), x)


def test_a_kronecker_product_notices_a_factor_that_changed() -> None:
    """In torch it does not, and gives another gradient."""
    a, b = minigrad.ones(2, requires_grad=True), minigrad.ones(3)
    product = minigrad.kron(a, b)
    b.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.sum().backward()


def names(node: Any) -> list[Any]:
    """The graph above a node: its name, and this of each node that it leads to."""
    return [node.name().rsplit(":", 1)[-1], *[names(above) for above, _ in node.next_functions if above]]


@pytest.mark.parametrize("sizes", [((2,), (2, 3)), ((2, 3), (3,)), ((2,), (2,)), ((4, 2), (2, 3))])
def test_products_of_vectors_are_recorded_as_torch_records_them(sizes: Any) -> None:
    for needed in ((True, True), (False, True), (True, False)):
        graphs = []
        for t in (torch, minigrad):
            a, b = (t.ones(size).requires_grad_(needs) for size, needs in zip(sizes, needed, strict=True))
            result = a @ b
            graphs.append((names(result.grad_fn), result._is_view(), result.stride()))
        assert graphs[0] == graphs[1]
