"""Gaussian elimination, and what is found with a few random vectors: what the rows of the table do not reach."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from hypothesis import given, settings, strategies as st

import minigrad

SHAPES = [(1, 1), (3, 3), (2, 4, 2), (2, 2, 4), (2, 0, 3), (0, 3, 3), (3, 0)]


@given(st.sampled_from(SHAPES), st.integers(0, 2**32), st.booleans())
@settings(max_examples=25)
def test_factors_are_torchs_and_multiply_to_the_matrix(shape, seed, singular):
    a = np.random.default_rng(seed).normal(size=shape)
    if singular:
        a[..., -1:] = 0
    (p, lower, upper), theirs = (t.linalg.lu(t.from_numpy(a.copy())) for t in (minigrad, torch))
    np.testing.assert_allclose((p @ lower @ upper).numpy(), a, atol=1e-12)
    for mine, yours in zip((p, lower, upper), theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), yours.numpy(), atol=1e-12)
    ours, theirs = (t.linalg.lu_factor_ex(t.from_numpy(a.copy())) for t in (minigrad, torch))
    for mine, yours in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), yours.numpy(), atol=1e-12)
        assert (str(mine.dtype), mine.stride()) == (str(yours.dtype), yours.stride()) or not mine.numel()


@pytest.mark.parametrize(
    "call",
    [
        "lu(r(3))",
        "lu(r(3, 3).long())",
        "lu(r(3, 3), pivot=False)",
        "lu(3)",
        "lu_factor(r(3))",
        "lu_factor(r(3, 3).half())",
        "lu_factor(r(3, 3), pivot=False)",
        "lu_factor(t.ones(2, 2))",
        "lu_factor(t.zeros(2, 3, 1, 1))",
        "lu_factor_ex(t.ones(2, 2), check_errors=True)",
        "lu_solve(*lu_factor(r(3, 3)), r(2, 2))",
        "lu_solve(*lu_factor(r(3, 3)), r(3))",
        "lu_solve(*lu_factor(r(3, 3)), r(3, 2), left=False)",
        "lu_solve(*lu_factor(r(3, 3)), r(3, 2).double())",
        "lu_solve(*lu_factor(r(3, 4)), r(3, 2))",
        "lu_solve(*lu_factor(r(2, 3, 3)), r(4, 3, 2))",
        "lu_solve(r(3, 3), t.ones(3).long(), r(3, 2))",
        "lu_solve(r(3, 3), t.ones(2).int(), r(3, 2))",
        "lu_solve(r(3, 3), t.ones(3).int() + 4, r(3, 2))",
        "t.pca_lowrank(r(4, 3), q=4)",
        "t.pca_lowrank(r(4, 3), niter=-1)",
        "t.pca_lowrank(r(4))",
    ],
)
def test_errors_are_torchs(call):
    found = []
    for t in (minigrad, torch):
        names = {name: getattr(t.linalg, name) for name in ("lu", "lu_factor", "lu_factor_ex", "lu_solve")}
        with pytest.raises((RuntimeError, TypeError, ValueError)) as raised:
            eval(call, {"t": t, "r": t.randn, **names})
        found.append((raised.type.__name__, str(raised.value).splitlines()[0]))
    assert found[0] == found[1]


@given(st.sampled_from([(6, 4), (4, 6), (2, 5, 5)]), st.sampled_from([2, 3, 9, None]), st.sampled_from([0, 2]))
@settings(max_examples=10)
def test_singular_values_of_low_rank_are_torchs(shape, q, niter):
    a = np.random.default_rng(0).normal(size=shape)
    results = []
    for t in (minigrad, torch):
        t.manual_seed(3)
        x = t.from_numpy(a.copy()).requires_grad_()
        parts = [t.svd_lowrank(x, q, niter), t.svd_lowrank(x, 2, niter, M=x.detach() / 2)]
        parts += [t.pca_lowrank(x, 3, niter=niter), t.pca_lowrank(x, None, False, niter)]
        wholes = [u @ t.diag_embed(s) @ v.mT for u, s, v in parts]  # in which signs are of no matter
        sum((w * w * w).sum() for w in wholes).backward()
        results.append([*[s for _, s, _ in parts], *wholes, x.grad, t.rand(1)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-4, atol=1e-6)
