# %% scalars
import torch

x, y = torch.tensor(4.0), torch.tensor(2.5)
x + y, x * y, x / y, x**y

# %% vectors
import torch

x = torch.arange(4)
print(len(x), x.shape, x[3])
x

# %% matrices, and symmetry
import torch

A = torch.arange(6).reshape(3, 2)
S = torch.tensor([[1, 2, 3], [2, 0, 4], [3, 4, 5]])
print(A, A.T)
S == S.T

# %% a copy, and the elementwise product
import torch

A = torch.arange(6, dtype=torch.float32).reshape(2, 3)
B = A.clone()
B[0, 0] = 9
A, A + B, A * B

# %% sums over axes
import torch

A = torch.arange(12.0).reshape(3, 4)
print(A.sum(), A.sum(axis=0), A.sum(axis=1), A.sum(axis=[0, 1]) == A.sum())
print(A.mean(), A.sum() / A.numel())
A.mean(axis=0), A.sum(axis=0) / A.shape[0]

# %% sums that keep their axis, and running sums
import torch

A = torch.arange(12.0).reshape(3, 4)
rows = A.sum(axis=1, keepdims=True)
print(rows, rows.shape)
print(A / rows)
A.cumsum(axis=0)

# %% dot products
import torch

x = torch.arange(3, dtype=torch.float32)
y = torch.ones(3, dtype=torch.float32)
x, y, torch.dot(x, y), torch.sum(x * y)

# %% a matrix times a vector, and times a matrix
import torch

A = torch.arange(6, dtype=torch.float32).reshape(2, 3)
x = torch.tensor([1.0, 0.0, -1.0])
B = torch.ones(3, 4)
print(A.shape, x.shape, torch.mv(A, x), A @ x)
torch.mm(A, B), A @ B

# %% norms
import torch

u = torch.tensor([3.0, -4.0])
print(torch.norm(u), u.norm())
print(torch.abs(u).sum())
torch.norm(torch.ones((4, 9)))

# %% products over batches
import torch

torch.manual_seed(1)
X, Y = torch.randn(3, 2, 4), torch.randn(3, 4, 5)
print(torch.bmm(X, Y).shape, (X @ Y).shape)
print(torch.allclose(torch.bmm(X, Y)[1], X[1] @ Y[1]))
torch.bmm(X, Y)[0]

# %% an inverse, a determinant, a solution
import torch

A = torch.tensor([[4.0, 1.0], [2.0, 3.0]])
b = torch.tensor([1.0, 2.0])
print(torch.linalg.inv(A))
print(torch.linalg.det(A))
torch.linalg.solve(A, b)

# %% least squares by the normal equations
import torch

torch.manual_seed(5)
X = torch.cat([torch.randn(50, 2), torch.ones(50, 1)], dim=1)
y = X @ torch.tensor([2.0, -3.4, 4.2]) + 0.01 * torch.randn(50)
w = torch.linalg.solve(X.T @ X, X.T @ y)
w

# %% Einstein's notation
import torch

A = torch.arange(6.0).reshape(2, 3)
B = torch.arange(12.0).reshape(3, 4)
print(torch.einsum("ij,jk->ik", A, B))
print(torch.einsum("ij->j", A), torch.einsum("ii", torch.eye(3)))
torch.einsum("bi,bi->b", A, A)

# %% triangles and diagonals
import torch

A = torch.arange(1, 10).reshape(3, 3)
print(torch.tril(A), torch.triu(A, 1))
print(torch.diag(A), A.trace())
torch.diag(torch.tensor([1.0, 2.0]))

# %% a rotation
import math

import torch

angle = torch.tensor(math.pi / 6)
R = torch.stack([torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])])
points = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
print(points @ R.T)
torch.allclose(R @ R.T, torch.eye(2), atol=1e-6)
