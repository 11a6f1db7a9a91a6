"""Images read at any places: what the rows of the table, in double precision and of finite numbers, do not reach."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from hypothesis import given, settings, strategies as st

import minigrad

F = minigrad.nn.functional
MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


@st.composite
def readings(draw, least=1):
    """An image or a volume, a grid, and the options."""
    n = draw(st.integers(2, 3))
    sizes = [draw(st.integers(least, 5)) for _ in range(n)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    grid = 1.5 * rng.normal(size=(2, *[draw(st.integers(1, 3)) for _ in range(n)], n))
    options = draw(st.sampled_from(MODES[: 5 - n])), draw(st.sampled_from(PADDINGS)), draw(st.booleans())
    return rng.normal(size=(2, 2, *sizes)), grid, options


def read(t, image, grid, options):
    x, places = (t.from_numpy(a.copy()).requires_grad_() for a in (image, grid))
    found = t.nn.functional.grid_sample(x, places, *options)
    (found * found).sum().backward()
    return [a.detach().numpy() for a in (found, x.grad, places.grad)]


@given(readings(), st.sampled_from([("float32", 1e-3), ("float64", 1e-9)]))
@settings(max_examples=40)
def test_values_and_gradients_are_torchs(reading, precision):
    image, grid, options = reading
    (dtype, rough), image, grid = precision, image.astype(precision[0]), grid.astype(precision[0])
    for ours, theirs in zip(read(minigrad, image, grid, options), read(torch, image, grid, options), strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=rough, atol=rough * max(1, np.abs(theirs).max()))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("corners", [False, True])
def test_slopes_at_kinks_are_torchs(mode, padding, corners):
    """At elements, at the ends, and halfway between."""
    image = np.random.default_rng(0).normal(size=(1, 2, 3, 5))
    places = np.array([-2, -1.5, -1, -0.8, -2 / 3, -0.5, 0, 0.5, 2 / 3, 0.8, 1, 1.5, 2, 3])
    grid = np.stack(np.meshgrid(places, places), axis=-1)[None]
    ours, theirs = (read(t, image, grid, (mode, padding, corners)) for t in (minigrad, torch))
    for mine, yours in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, yours, atol=1e-9)


@given(readings(least=2))
@settings(max_examples=30)
def test_middles_of_elements_are_read_as_they_are(reading):
    """A grid of all the elements' own places, in any order, gives the elements in that order, whatever the mode."""
    image, _, (mode, padding, corners) = reading
    n = image.ndim - 2
    order = np.random.default_rng(0).permutation(math.prod(image.shape[2:]))
    own = F.affine_grid(minigrad.eye(n, n + 1, dtype=minigrad.float64).repeat(2, 1, 1), image.shape, corners).numpy()
    places = own.reshape((2, -1, n))[:, order].reshape((2, -1, *(1,) * (n - 1), n))
    found = F.grid_sample(minigrad.from_numpy(image), minigrad.from_numpy(places), mode, padding, corners)
    expected = image.reshape((2, 2, -1))[..., order]
    np.testing.assert_allclose(found.numpy().reshape(expected.shape), expected, atol=1e-12)


@given(readings())
@settings(max_examples=20)
def test_half_precision_is_rounded_once(reading):
    image, grid, options = reading
    image, grid = image.astype("float16"), grid.astype("float16")
    single = read(minigrad, image.astype("float32"), grid.astype("float32"), options)[0]
    half = F.grid_sample(minigrad.from_numpy(image), minigrad.from_numpy(grid), *options)
    assert half.dtype is minigrad.float16
    np.testing.assert_array_equal(half.numpy(), single.astype("float16"))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", MODES)
def test_places_that_are_no_numbers(mode, padding):
    """What is nowhere, or infinitely far away, is as torch has it; what lies outside is not looked at."""
    image = np.arange(1.0, 21).reshape((1, 1, 4, 5)).astype("float32")
    image[0, 0, 0] = np.inf, np.nan, 1, 2, 3
    places = [[math.nan, 0], [0, math.nan], [math.inf, 0], [0.1, -math.inf], [0.3, 0.4], [0.2, -1.5], [-1.9, 0.1]]
    grid = np.array(places, "float32").reshape((1, 1, -1, 2))
    ours, theirs = (
        t.nn.functional.grid_sample(t.from_numpy(image), t.from_numpy(grid), mode, padding, True).numpy()
        for t in (minigrad, torch)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_the_nearest_element_does_not_slope():
    image, grid = minigrad.randn(1, 1, 3, 4), minigrad.randn(1, 2, 2, 2, requires_grad=True)
    F.grid_sample(image, grid, "nearest", align_corners=False).sum().backward()
    assert grid.grad.tolist() == minigrad.zeros(1, 2, 2, 2).tolist()


@pytest.mark.parametrize(
    "call", ["F.affine_grid(x.new_ones(1, 2, 3), (1, 1, 2, 2))", "F.grid_sample(x[None, None], x.new_ones(1, 1, 2, 2))"]
)
def test_corners_are_to_be_chosen(call):
    for t in (minigrad, torch):
        with pytest.warns(UserWarning, match="has changed to align_corners=False since 1.3.0") as caught:
            eval(call, {"F": t.nn.functional, "x": t.ones(2, 2)})
        assert caught[0].filename == "<string>"


def test_a_grid_of_one_row_between_corners_is_warned_of():
    for t in (minigrad, torch):
        with pytest.warns(UserWarning, match="for unit-size grids when align_corners=True"):
            found = t.nn.functional.affine_grid(t.eye(2, 3)[None], (1, 1, 1, 2), True)
        assert found.tolist() == [[[[-1, 0], [1, 0]]]]
