"""Starting values come from torch's random stream."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from parity import assert_same

FILLS = {
    "uniform_": [(), (-1.0, 3.0)],
    "normal_": [(), (1.0, 0.5)],
    "constant_": [(3.0,), (2,)],
    "ones_": [()],
    "zeros_": [()],
    "eye_": [()],
    "dirac_": [(), (2,), (3,)],
    "xavier_uniform_": [(), (2.0,)],
    "xavier_normal_": [(), (2.0,)],
    "kaiming_uniform_": [(), (0.3,), (0, "fan_out", "relu"), (0, "FAN_IN", "tanh"), (0, "fan", "relu"), (True,)],
    "kaiming_normal_": [(), (0.3,), (0, "fan_out", "selu"), (0, "fan_in", "sigmoid"), (0, "fan_in", "swish")],
    "trunc_normal_": [(), (0.0, 0.5, -0.4, 0.3), (1.0, 1.0, 4.0, 5.0), (0.0, 1.0, 0.1, 0.15)],
    "orthogonal_": [(), (2.0,)],
    "sparse_": [(0.3,), (0.5, 2.0)],
}
SHAPES = [(3, 5), (5, 3), (4, 4), (4, 6, 3), (6, 2, 3, 3), (7,), (0, 3), (2, 3, 2, 2, 3), ()]


@pytest.mark.parametrize("double", [False, True], ids=["float32", "float64"])
@pytest.mark.parametrize("name", FILLS)
def test_fills(name: str, double: bool) -> None:
    for arguments in FILLS[name]:
        for shape in SHAPES:

            def fill(torch: Any, shape: Any = shape, arguments: Any = arguments) -> Any:
                p = torch.nn.Parameter(torch.empty(shape, dtype=torch.float64 if double else torch.float32))
                made = getattr(torch.nn.init, name)(p, *arguments)
                return p, made is p, torch.rand(1)

            assert_same(fill)


def test_generators_of_ones_own() -> None:
    names = ("uniform_", "normal_", "xavier_uniform_", "kaiming_normal_", "orthogonal_", "trunc_normal_")

    def fill(torch: Any) -> Any:
        source = torch.Generator().manual_seed(7)
        return [getattr(torch.nn.init, name)(torch.empty(3, 4), generator=source) for name in names], torch.rand(1)

    assert_same(fill)


@pytest.mark.parametrize(
    "arguments",
    [(n,) for n in ("linear", "conv1d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "gelu")]
    + [("leaky_relu", 0.2), ("leaky_relu", 1), ("leaky_relu", True), ("leaky_relu", "a"), ("tanh", 3)],
    ids=str,
)
def test_gains(arguments: Any) -> None:
    assert_same(lambda torch: torch.nn.init.calculate_gain(*arguments))


@pytest.mark.parametrize("name", ["uniform", "normal", "eye", "xavier_uniform", "kaiming_normal", "orthogonal"])
def test_old_names_warn(name: str) -> None:
    assert_same(lambda torch: getattr(torch.nn.init, name)(torch.empty(3, 3)))


def test_no_gradient_is_recorded_and_a_tensor_with_history_is_filled() -> None:
    def fill(torch: Any) -> Any:
        x = torch.ones(2, 3, requires_grad=True)
        y = x * 2
        torch.nn.init.zeros_(y)
        torch.nn.init.kaiming_uniform_(x)
        return x, y, torch.nn.init._calculate_fan_in_and_fan_out(x)

    assert_same(fill)
