"""A gradient is computed from tensors by operations: record those, and it has a gradient too.

二阶导数与 Hessian 矩阵：求梯度的过程也被记录下来，就能再求一次导。
"""

import numpy as np

import minigrad as torch

# create_graph=True records the backward pass itself.
x = torch.tensor(3.0, requires_grad=True)
value = x**3
for order in ("first", "second", "third"):
    (value,) = torch.autograd.grad(value, x, create_graph=True)
    print(f"{order} derivative of x**3 at 3: {value.item():g}")

# The Hessian: all second derivatives of one number. Here, of a regression's loss.
torch.manual_seed(0)
X = torch.cat([torch.randn(50, 2, dtype=torch.float64), torch.ones(50, 1, dtype=torch.float64)], 1)
true = torch.tensor([2, -3.4, 4.2], dtype=torch.float64)  # two weights and, for the column of ones, the bias
y = X @ true


def loss(params):
    """Half the mean squared error."""
    return ((X @ params - y) ** 2).mean() / 2


start = torch.zeros(3, dtype=torch.float64, requires_grad=True)
(gradient,) = torch.autograd.grad(loss(start), start)
hessian = torch.autograd.functional.hessian(loss, start)
print("Hessian:", hessian, sep="\n")
print("is X.T @ X / 50:", torch.allclose(hessian, X.T @ X / 50))

# Newton's step divides the gradient by the Hessian. The loss is quadratic, so one step reaches its minimum.
step = torch.from_numpy(np.linalg.solve(hessian.numpy(), gradient.numpy()))
params = start.detach() - step
print(f"loss before: {loss(start).item():.6f}, after one step: {loss(params).item():.6f}")
print("params:", params)
