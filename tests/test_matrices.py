"""Linear algebra: what is said of matrices that do not fit or have no inverse, and what no row of the table tries."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import minigrad
from minigrad.testing import check_gradients

WRONG = """
t.linalg.inv(t.eye(2), out=t.zeros(2, 2, dtype=t.float64))
t.linalg.matrix_norm(t.eye(2), out=t.zeros((), dtype=t.int64))
t.linalg.pinv(t.eye(2), out=t.zeros(2, 2, dtype=t.int64))
t.linalg.inv(t.zeros(2, 2))
t.linalg.inv(t.stack([t.eye(3), t.tensor([[1.0, 2, 3], [2, 4, 6], [0, 0, 1]])]))
t.linalg.inv(t.ones(2, 3))
t.linalg.inv(t.ones(3))
t.linalg.inv(t.ones(2, 2, dtype=t.int64))
t.linalg.inv(t.ones(2, 2).half())
t.linalg.solve(t.zeros(2, 2), t.ones(2))
t.linalg.solve(t.ones(3, 3), t.ones(2, 3))
t.linalg.solve(t.ones(2, 3), t.ones(2))
t.linalg.solve(t.ones(3, 3), t.ones(3).double())
t.linalg.solve_triangular(t.ones(3, 3), t.ones(3), upper=True)
t.linalg.det(t.ones(2, 3))
t.linalg.cholesky(-t.eye(2))
t.linalg.cholesky(t.stack([t.eye(2), t.tensor([[1.0, 2], [2, 1]])]))
t.linalg.eigh(t.ones(2, 3))
t.linalg.eigh(t.eye(2), UPLO="X")
t.linalg.qr(t.ones(2, 2), mode="x")
t.svd(t.ones(2))
t.linalg.pinv(t.ones(2))
t.linalg.matrix_rank(t.ones(2))
t.linalg.lstsq(t.ones(3, 2), t.ones(2, 1))
t.linalg.matrix_power(t.ones(3, 2), 2)
t.matrix_exp(t.ones(3, 2))
t.linalg.cond(t.ones(3, 2), 1)
t.linalg.norm(t.ones(3, 2, 2), 2)
t.linalg.norm(t.ones(3), "fro")
t.linalg.norm(t.ones(3, 2), "xx")
t.linalg.norm(t.ones(3, 2), 3)
t.linalg.matrix_norm(t.ones(3, 2), dim=(0, 0))
t.linalg.vector_norm(t.ones(3, dtype=t.int64))
t.norm(t.ones(3, 2), "nuc", dim=0)
t.norm(t.ones(3, 2), "xx")
t.linalg.multi_dot([t.ones(2, 3)])
t.linalg.multi_dot([t.ones(2, 3, 1), t.ones(3, 2)])
t.linalg.multi_dot([t.ones(2, 3), t.ones(2, 3)])
t.linalg.multi_dot([t.ones(2, 3), t.ones(3), t.ones(3, 2)])
t.linalg.multi_dot([t.ones(2, 3), t.ones(3, 3).double()])
t.linalg.cross(t.ones(2, 2), t.ones(2, 2))
t.linalg.cross(t.ones(2, 3), t.ones(3))
t.linalg.cross(t.ones(2, 3), t.ones(4, 3))
t.cross(t.ones(2, 2), t.ones(2, 2))
t.cdist(t.ones(2, 3), t.ones(2, 4))
t.cdist(t.ones(3), t.ones(2, 4))
t.cdist(t.ones(2, 3), t.ones(2, 3), p=-1)
t.cdist(t.ones(2, 3), t.ones(2, 3).double())
t.trapezoid(t.ones(3), t.ones(4))
t.trapezoid(t.tensor(1.0))
t.trapezoid(t.ones(3), dx=True)
t.trapezoid(t.ones(3).bool())
t.cov(t.ones(2, 2, 2))
t.cov(t.ones(2, 3).bool())
t.cov(t.ones(2, 3), fweights=t.tensor([1, 2.0, 1]))
t.cov(t.ones(2, 3), fweights=t.tensor([1, 2]))
t.cov(t.ones(2, 3), fweights=t.tensor([1, 2, -1]))
t.cov(t.ones(2, 3), aweights=t.tensor([1, 2, 1]))
t.corrcoef(t.ones(2, 2, 2))
t.dist(t.ones(2).long(), t.ones(2).long())
"""
RIGHT = """
t.linalg.eigh(t.diag(t.tensor([2.0, 1.0])))
t.linalg.eigvalsh(t.tensor([[1.0, 9.0], [2.0, 1.0]]))
t.linalg.eigvalsh(t.tensor([[2.0, 0.0], [9.0, 3.0]]), UPLO="U")
t.slogdet(-t.eye(3))
t.linalg.slogdet(t.eye(2, 2))
t.logdet(-t.eye(3))
t.det(t.zeros(2, 2))
t.det(t.ones(0, 0))
t.svd(t.diag(t.tensor([3.0, 2.0])), compute_uv=False).S
t.linalg.svd(t.diag(t.tensor([3.0, 2.0])))
t.linalg.qr(t.eye(3, 2), mode="r")
t.linalg.lstsq(t.eye(3, 2), t.ones(3, 1), driver="gelsd")
t.linalg.inv_ex(t.eye(2))
t.linalg.matrix_rank(t.tensor([[1.0, 2.0], [2.0, 4.0]]))
t.linalg.matrix_rank(t.diag(t.tensor([3.0, 0.1])), tol=0.5)
t.linalg.pinv(t.diag(t.tensor([4.0, 0.5])), atol=1.0)
t.linalg.matrix_power(t.tensor([[1.0, 1.0], [1.0, 0.0]]), 0)
t.linalg.cond(t.zeros(2, 2), 1)
t.linalg.cond(t.diag(t.tensor([4.0, 2.0])), -2)
t.linalg.norm(t.arange(6.0).reshape(2, 3), t.inf)
t.linalg.norm(t.arange(6.0).reshape(2, 3), dim=1)
t.linalg.solve_triangular(t.tensor([[0.0, 1.0], [0.0, 1.0]]), t.ones(2, 1), upper=True)
t.linalg.multi_dot([t.ones(3), t.ones(3, 2), t.ones(2)])
t.linalg.diagonal(t.arange(8.0).reshape(2, 2, 2))
t.linalg.vander(t.tensor([2.0, 3.0]))
t.linalg.inv(t.eye(2) * 2, out=t.zeros(2, 2))
t.linalg.eigh(t.diag(t.tensor([1.0, 2.0])), out=(t.zeros(2), t.zeros(2, 2))).eigenvalues
t.linalg.cond(t.eye(2), out=t.zeros((), dtype=t.float64))
t.linalg.solve_triangular(t.eye(2), t.ones(2, 1), upper=True, out=t.zeros(2, 1))
t.linalg.tensorinv(t.eye(4).reshape(4, 2, 2) * 2, ind=1)
t.linalg.tensorsolve(t.eye(4).reshape(2, 2, 4) * 2, t.ones(2, 2))
t.cov(t.arange(6.0).reshape(2, 3), fweights=t.tensor([1, 2, 1]), aweights=t.tensor([1.0, 0.5, 1.0]))
t.cov(t.arange(6.0).reshape(2, 3), correction=0, aweights=t.tensor([1.0, 0.5, 1.0]))
t.cdist(t.ones(2, 0), t.ones(3, 0))
"""
NOT_FINITE = """
t.linalg.svd(x)
t.linalg.svd(x[1], full_matrices=False)
t.linalg.svdvals(x.requires_grad_())
t.svd(x, compute_uv=False)
t.linalg.cond(x)
t.linalg.matrix_norm(x[1], 2)
t.linalg.matrix_rank(x)
t.linalg.pinv(x)
"""


@pytest.mark.parametrize("call", NOT_FINITE.split("\n")[1:-1])
def test_numbers_that_are_not_finite_are_refused_in_torchs_words(call: str) -> None:
    texts = []
    for t in (minigrad, torch):
        with pytest.raises(t.linalg.LinAlgError) as caught:
            eval(call, {"t": t, "x": t.tensor([[[1.0, 2.0], [3.0, 4.0]], [[1.0, nan], [0.0, 1.0]]])})
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def said(call: str, t: Any, **names: Any) -> tuple[str, str]:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, is compared
        eval(call, {"t": t, **names})
    return type(caught.value).__name__, str(caught.value).splitlines()[0]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("call", WRONG.split("\n")[1:-1])
def test_what_does_not_fit_is_refused_in_torchs_words(call: str) -> None:
    assert said(call, minigrad) == said(call, torch)


@pytest.mark.parametrize("call", RIGHT.split("\n")[1:-1])
def test_calls_that_no_row_makes_give_what_torch_gives(call: str) -> None:
    ours, theirs = (repr(eval(call, {"t": t})).replace("-0.", " 0.") for t in (minigrad, torch))
    assert ours.split() == theirs.split()


def test_singular_matrices_raise_an_error_that_has_torchs_name() -> None:
    with pytest.raises(minigrad.linalg.LinAlgError, match="singular"):
        minigrad.inverse(minigrad.zeros(2, 2))


@pytest.mark.parametrize(
    "rows", [[[1, 2], [2, 4]], [[0, 0], [-1, 1]], [[1, 2, 3], [2, 4, 6], [0, 1, 5]], [[1] * 3] * 3]
)
def test_the_gradient_of_a_singular_determinant_is_the_cofactors(rows: list[list[int]]) -> None:
    """torch 2.13 gives 0; its gradient at a matrix nearby says what is right."""
    size = len(rows)
    x = minigrad.tensor(rows, dtype=minigrad.float64, requires_grad=True)
    minigrad.linalg.det(x).backward()
    nearby = torch.tensor(rows, dtype=torch.float64) + 1e-6 * torch.arange(1.0, size**2 + 1).reshape(size, size) ** 2
    torch.linalg.det(nearby.requires_grad_()).backward()
    assert x.grad.numpy() == pytest.approx(nearby.grad.numpy(), abs=1e-3)


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, float("inf")])
def test_distances_have_torchs_gradients(p: float) -> None:
    """Second derivatives, which torch does not have, are held against differences with the other rows."""

    def gradients(t: Any) -> Any:
        a, b = (
            t.tensor(x, requires_grad=True) for x in ([[1.0, 2.0], [0.0, -1.0]], [[1.0, 2.0], [0.5, 2.0], [3.0, 0.0]])
        )
        d = t.cdist(a, b, p=p)
        (d * t.arange(6.0).reshape(2, 3)).sum().backward()
        return [x.detach().numpy() for x in (d, a.grad, b.grad)]

    for ours, theirs in zip(gradients(minigrad), gradients(torch), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6)


def test_vectors_that_are_not_unique_have_no_gradient() -> None:
    x = minigrad.tensor([[1.0, 2.0], [3.0, 1.0], [0.0, 1.0]], requires_grad=True)
    with pytest.raises(RuntimeError, match="not unique"):
        minigrad.linalg.svd(x).U.sum().backward()
    with pytest.raises(RuntimeError, match="not differentiable when mode='complete' and nrows > ncols"):
        minigrad.linalg.qr(x, mode="complete").R.sum().backward()


def test_singular_values_that_are_equal_have_gradients_where_no_vectors_are_used() -> None:
    for f in (minigrad.linalg.svdvals, lambda a: minigrad.linalg.eigvalsh(a + a.mT)):
        x = minigrad.eye(3, dtype=minigrad.float64, requires_grad=True)
        f(x).sum().backward()
        assert bool(x.grad.isfinite().all()) if hasattr(x.grad, "isfinite") else x.grad.abs().sum().item() < 10


def test_singular_values_alone_cost_no_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    svd = np.linalg.svd
    monkeypatch.setattr(np.linalg, "svd", lambda a, **how: asked.append(how.get("compute_uv", True)) or svd(a, **how))
    x, linalg = minigrad.tensor([[1.0, 2.0, 0.0], [3.0, 1.0, 5.0]]), minigrad.linalg
    functions = [
        linalg.svdvals,
        linalg.cond,
        lambda a: linalg.norm(a, 2),
        lambda a: linalg.norm(a, "nuc"),
        lambda a: a.svd(compute_uv=False).S,
    ]
    found = [f(x) for f in functions]
    assert asked == [False] * len(functions)
    for f, values in zip(functions, found, strict=True):
        with_vectors = f(x.requires_grad_())
        with_vectors.sum().backward()  # which they are there for
        torch.testing.assert_close(torch.tensor(with_vectors.tolist()), torch.tensor(values.tolist()))
    assert asked[len(functions) :] == [True] * len(functions)


def test_a_determinant_of_0_has_a_gradient() -> None:
    x = minigrad.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]], dtype=minigrad.float64, requires_grad=True)
    check_gradients(minigrad.det, x)


def test_eigenvalues_that_may_be_complex_are_refused() -> None:
    for f in (minigrad.linalg.eig, minigrad.linalg.eigvals):
        with pytest.raises(NotImplementedError, match="complex numbers"):
            f(minigrad.eye(2))


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_a_change_of_what_least_squares_need_is_noticed(changed: int) -> None:
    """Both operands, and the solution: torch needs that for the first derivative only."""
    a, b = (minigrad.rand(3, 2, requires_grad=True) for _ in range(2))
    x = minigrad.linalg.lstsq(a, b).solution
    with minigrad.no_grad():
        (a, b, x)[changed].mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        minigrad.autograd.grad(x.sum(), a)


def test_vectors_of_equal_values_have_no_gradient():
    for t in (torch, minigrad):
        a = t.diag(t.tensor([1.0, 0.0, 0.0])).requires_grad_()
        for values, vectors in (t.linalg.eigh(a), t.linalg.svd(a)[1::-1]):
            assert t.autograd.grad(vectors.sum(), a, retain_graph=True)[0].isnan().all()
            assert t.autograd.grad(values.sum(), a)[0].tolist() == t.eye(3).tolist()


def test_matrices_without_inverse_are_told_by_their_columns():
    batch = [[[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]
    for t in (torch, minigrad):
        found, info = t.linalg.inv_ex(t.tensor(batch))
        assert (found[0].tolist(), info.tolist(), info.dtype) == ([[1.0, 0.0], [0.0, 0.5]], [0, 2, 1], t.int32)
        assert not found[1:].isfinite().all()
        with pytest.raises(RuntimeError, match=r"linalg.inv_ex: \(Batch element 1\): The diagonal element 2 is zero"):
            t.linalg.inv_ex(t.tensor(batch), check_errors=True)


def test_what_is_not_finite_has_no_factor_and_empty_matrices_have_norms():
    for t in (torch, minigrad):
        for strange in (nan, inf):
            with pytest.raises(RuntimeError, match=r"leading minor of order \d is not positive-definite"):
                t.linalg.cholesky(t.tensor([[strange, 1.0], [1.0, 2.0]]))
        assert t.linalg.matrix_norm(t.zeros(2, 0, 0), 2).tolist() == [0.0, 0.0]
        assert t.linalg.norm(t.zeros(0, 0), inf).item() == 0.0
        with pytest.raises(RuntimeError, match=r"linalg.cond got an invalid norm type: 3"):
            t.linalg.cond(t.ones(2, 2), 3)


OF_SINGLE_OR_DOUBLE = """
cholesky(a) cond(a) det(a) eigh(a) eigvalsh(a) inv(a) lstsq(a,a) lu(a) lu_factor(a) matrix_norm(a,"nuc") matrix_norm(a,2)
matrix_rank(a) pinv(a) qr(a) slogdet(a) solve(a,a) solve_triangular(a,a,upper=True) svd(a) svdvals(a) tensorinv(a,1)
vander(a) lu_solve(a,t.ones(2,dtype=t.int32),a)
"""


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("dtype", ["float16", "int64", "bool"])
def test_matrices_of_other_dtypes_are_refused_in_torchs_words(dtype: str) -> None:
    calls = [f"t.linalg.{call}" for call in OF_SINGLE_OR_DOUBLE.split() if "vander" not in call or dtype != "int64"]
    for call in (*calls, "t.cholesky(a)", "t.svd(a)", "t.qr(a)", "t.logdet(a)"):
        ours, theirs = (said(call, t, a=t.eye(2, dtype=getattr(t, dtype))) for t in (minigrad, torch))
        assert ours == theirs, call
