"""var and std are torch's to the last bit, which printed text shows: 1. is not 1.0000."""

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from hypothesis import given, strategies as st

import minigrad


@given(
    shape=st.sampled_from([(5,), (6, 3), (2, 4), (300, 7), (7, 300), (2, 3, 40)]),
    dim=st.sampled_from([None, 0, -1, (0, -1)]),
    name=st.sampled_from(["var", "std"]),
    offset=st.sampled_from([0.0, 1.0, 5.0]),  # farther away torch's own mean, in single precision, is off
    seed=st.integers(0, 999),
)
def test_spreads_agree_bit_for_bit(shape, dim, name, offset, seed):
    dim = 0 if len(shape) == 1 and isinstance(dim, tuple) else dim
    x = (np.random.RandomState(seed).normal(size=shape) + offset).astype(np.float32)
    found = getattr(minigrad.tensor(x), name)(dim=dim).numpy()
    expected = getattr(torch.tensor(x), name)(dim=dim).numpy()
    assert found.dtype == expected.dtype == np.float32
    assert found.tobytes() == expected.tobytes()
