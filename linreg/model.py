"""The document's model, loss and optimizer, as they stand there.

Their keyword `torch` is the module they compute with, minigrad or the real torch; the bodies are
the document's.
"""

from types import ModuleType
from typing import Any, TypeAlias

import minigrad

Tensor: TypeAlias = Any  # minigrad's or torch's: the code is the same for both


def init_params(
    num_inputs: int, *, std: float = 0.01, device: str = "cpu", torch: ModuleType = minigrad
) -> tuple[Tensor, Tensor]:
    """The parameters to start from: w of shape (num_inputs, 1), normal with `std`; b (1,), zero.

    w comes from the CPU's random stream, so that a seed means the same on every device.
    """
    w = torch.normal(0, std, size=(num_inputs, 1)).to(device).requires_grad_()
    b = torch.zeros(1).to(device).requires_grad_()
    return w, b


def linreg(X: Tensor, w: Tensor, b: Tensor, *, torch: ModuleType = minigrad) -> Tensor:
    """The linear model Xw + b (线性回归模型): X of shape (n, d), w (d, 1), b (1,) give (n, 1)."""
    return torch.matmul(X, w) + b


def squared_loss(y_hat: Tensor, y: Tensor) -> Tensor:
    """Half the squared error of each example (均方损失), in the shape of `y_hat`."""
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params: list[Tensor], lr: float, batch_size: int, *, torch: ModuleType = minigrad) -> None:
    """Make one step of minibatch SGD (小批量随机梯度下降), then zero the gradients.

    The gradients are of a loss summed over the batch: divided by `batch_size`, the step does not
    grow with it.
    """
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()
