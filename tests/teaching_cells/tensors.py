# %% a row of numbers, its size and its shape
import torch

steps = torch.arange(18, dtype=torch.float32)
print(steps)
print(steps.numel(), steps.shape)
steps

# %% reshaped, with one size left to be found
import torch

grid = torch.arange(24).reshape(4, 6)
print(grid.reshape(-1, 8))
print(grid.reshape(2, -1, 3).shape)
grid

# %% zeros, ones and random numbers
import torch

torch.manual_seed(3)
print(torch.zeros((2, 3, 4)))
print(torch.ones(2, 3, 4).sum())
print(torch.randn(3, 4))
torch.tensor([[2, 1, 4, 3], [1, 2, 3, 4], [4, 3, 2, 1]])

# %% rows, columns and single elements
import torch

table = torch.arange(20, dtype=torch.float32).reshape(5, 4)
table[1, 2] = 17
table[:2, :] = -1
table[-1], table[1:3], table[:, 2], table[2, 3]

# %% elementwise arithmetic
import torch

x = torch.tensor([1.0, 2, 4, 8])
y = torch.tensor([2, 2, 2, 2])
x + y, x - y, x * y, x / y, x**y

# %% functions of every element
import torch

x = torch.tensor([0.5, 1.0, 2.0])
print(torch.exp(x))
print(torch.sin(x), x.cos(), torch.tanh(x))
torch.log(x), torch.sqrt(x), torch.abs(-x)

# %% joined along either axis
import torch

a = torch.arange(6.0).reshape(2, 3)
b = torch.tensor([[7.0, 8, 9], [1, 1, 2]])
torch.cat((a, b), dim=0), torch.cat((a, b), dim=1)

# %% compared element by element
import torch

a = torch.arange(12, dtype=torch.float32).reshape((3, 4))
b = torch.tensor([[0.0, 1, 4, 3], [1, 2, 3, 4], [4, 3, 2, 1]])
print(a == b)
print(a < b, (a > b).sum())
a.sum()

# %% broadcast against each other
import torch

column = torch.arange(3).reshape((3, 1))
row = torch.arange(2).reshape((1, 2))
print(column, row)
column + row, column * row

# %% memory that is used again, and memory that is not
import torch

x, y = torch.ones(2, 3), torch.full((2, 3), 4.0)
before = id(y)
y = y + x
print(id(y) == before)
z = torch.zeros_like(y)
where = id(z)
z[:] = x + y
print(id(z) == where)
before = id(x)
x += y
print(id(x) == before)
x

# %% to NumPy and back
import torch

x = torch.tensor([[1.5, -2.0], [0.25, 4.0]])
array = x.numpy()
back = torch.from_numpy(array)
array[0, 0] = 100
print(type(array), type(back))
print(x)
back

# %% a tensor of one element as a Python number
import torch

a = torch.tensor([3.5])
a, a.item(), float(a), int(a)

# %% attributes and dtypes
import torch

t = torch.rand(3, 4)
print(f"shape {t.shape}, dtype {t.dtype}, device {t.device}")
print(t.ndim, t.dim(), t.size(), t.size(0), len(t))
print(torch.tensor([1, 2]).dtype, torch.tensor([1.0]).dtype, torch.tensor([True]).dtype)
print(t.double().dtype, t.int().dtype, t.long().dtype, t.to(torch.int16).dtype)
t.type()

# %% like another tensor
import torch

torch.manual_seed(0)
data = [[1, 2], [3, 4]]
x = torch.tensor(data)
ones = torch.ones_like(x)
noise = torch.rand_like(x, dtype=torch.float)
print(f"Ones:\n {ones} \n")
print(f"Random:\n {noise} \n")

# %% indices that are tensors
import torch

x = torch.arange(10, 22).reshape(3, 4)
rows = torch.tensor([2, 0])
print(x[rows])
print(x[rows, torch.tensor([1, 3])])
print(x[x % 2 == 0])
x[x > 15] = 0
x

# %% new axes, and axes in another order
import torch

x = torch.arange(6).reshape(2, 3)
print(x[:, None].shape, x[None, :].shape, x.unsqueeze(-1).shape)
print(torch.unsqueeze(x, dim=0).squeeze().shape)
y = torch.zeros(2, 3, 5)
print(y.permute(2, 0, 1).shape, y.transpose(0, 1).shape, y.transpose(1, 2).is_contiguous())
x.T

# %% stacked, split and repeated
import torch

x, y = torch.tensor([1, 2, 3]), torch.tensor([4, 5, 6])
print(torch.stack((x, y)), torch.stack((x, y), dim=1))
print(torch.arange(10).split(4))
print(torch.arange(6).chunk(3))
print(x.repeat(2, 2), torch.repeat_interleave(x, 2))
torch.meshgrid(x, y, indexing="ij")

# %% in place, with an underscore
import torch

t = torch.ones(3, 3)
t[:, 1] = 0
print(t, "\n")
t.add_(5)
print(t)
t.zero_()
t.fill_(2.5)
t.mul_(2).sub_(1)
t

# %% where, and bounds
import torch

x = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0])
print(torch.where(x > 0, x, torch.zeros_like(x)))
print(torch.clamp(x, min=-1, max=1), x.clamp(min=0.0))
print(torch.sign(x), torch.floor(x), torch.ceil(x))
torch.maximum(x, -x)

# %% sorted and searched
import torch

scores = torch.tensor([[0.2, 0.7, 0.1], [0.5, 0.3, 0.9]])
print(scores.argmax(dim=1), scores.argmax(), scores.max(dim=1))
values, order = torch.sort(scores, dim=1, descending=True)
print(values, order)
print(torch.topk(scores, 2))
print(scores.max(), scores.min(dim=0).values)
torch.unique(torch.tensor([3, 1, 3, 2, 1]))

# %% evenly spaced
import torch

x = torch.linspace(-1, 1, steps=5)
print(x, torch.arange(0, 1, 0.25))
print(torch.eye(3))
print(torch.full((2, 2), 7), torch.full((2,), 0.1))
torch.empty(2, 3).shape

# %% a program of preparation without tables: missing values and categories
import torch

rooms = [2.0, None, 4.0, None]
roof = ["slate", None, "tile", "slate"]
known = [r for r in rooms if r is not None]
filled = [r if r is not None else sum(known) / len(known) for r in rooms]
one_hot = [[float(kind == k) for k in ("slate", "tile", None)] for kind in roof]
X = torch.tensor([[f, *o] for f, o in zip(filled, one_hot)], dtype=torch.float64)
y = torch.tensor([127500.0, 106000.0, 178100.0, 140000.0], dtype=torch.float64)
print(X.dtype, y.dtype)
X, y

# %% features standardised
import torch

torch.manual_seed(11)
X = torch.randn(6, 3) * torch.tensor([1.0, 10.0, 100.0]) + 5
standard = (X - X.mean(dim=0)) / X.std(dim=0)
print(standard.mean(0).abs() < 1e-6)
print(standard.std(0))
standard

# %% a dot product for every pair, three ways
import torch

a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
print(a @ a.T, a.matmul(a.T))
print(torch.mm(a, a), a.mm(a))
out = torch.empty_like(a)
torch.matmul(a, a.T, out=out)
print(out)
a * a, a.mul(a)

# %% tests of a tensor's truth
import torch

x = torch.tensor([1.0, 2.0])
print(torch.is_tensor(x), torch.is_tensor([1, 2]), isinstance(x, torch.Tensor))
print(bool((x > 0).all()), bool((x > 1).all()), (x > 1).any())
if x.sum() == 3:
    print("three")
print(torch.equal(x, x.clone()), torch.allclose(x, x + 1e-9))
print(torch.all(x > 0), ~(x > 1))

# %% what a shape is
import torch

x = torch.zeros(2, 3, 5)
shape = x.shape
print(shape, shape[0], shape[-1], len(shape), shape[1:])
print(tuple(shape), list(shape), shape + (7,), shape.numel())
print([x.size(d) for d in range(x.dim())])
a, b, c = x.shape
a * b * c == x.numel()

# %% printed precision
import torch

x = torch.tensor([1 / 3, 1e-6, 12345.678])
print(x)
torch.set_printoptions(precision=2, sci_mode=False)
print(x)
torch.set_printoptions(precision=4, sci_mode=None)
torch.set_printoptions(profile="default")
x
