# %% a function of a vector
import torch

x = torch.arange(4.0)
x.requires_grad_(True)
print(x.grad)
y = 2 * torch.dot(x, x)
print(y)
y.backward()
print(x.grad)
x.grad == 4 * x

# %% gradients add up until they are zeroed
import torch

x = torch.arange(4.0, requires_grad=True)
(2 * torch.dot(x, x)).backward()
x.grad.zero_()
x.sum().backward()
x.grad

# %% of more than one number: summed, or weighed
import torch

x = torch.arange(4.0, requires_grad=True)
y = x * x
y.backward(gradient=torch.ones(len(y)))
print(x.grad)
x.grad.zero_()
y = x * x
y.sum().backward()
x.grad

# %% detached from the graph
import torch

x = torch.arange(4.0, requires_grad=True)
y = x * x
u = y.detach()
z = u * x
z.sum().backward()
print(x.grad == u)
x.grad.zero_()
y.sum().backward()
x.grad == 2 * x

# %% through Python's control flow
import torch


def f(a):
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    if b.sum() > 0:
        c = b
    else:
        c = 100 * b
    return c


torch.manual_seed(0)
a = torch.randn(size=(), requires_grad=True)
d = f(a)
d.backward()
print(a.grad)
a.grad == d / a

# %% without a graph
import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
print((x * 2).requires_grad)
with torch.no_grad():
    y = x * 2
print(y.requires_grad)
print(x.detach().requires_grad, x.is_leaf, (x * 2).is_leaf)


@torch.no_grad()
def double(t):
    return t * 2


double(x)

# %% names of functions in the graph
import torch

a = torch.tensor([2.0, 3.0], requires_grad=True)
b = torch.tensor([6.0, 4.0], requires_grad=True)
Q = 3 * a**3 - b**2
print(Q, Q.grad_fn)
print(Q.grad_fn.next_functions[0][0].name())
Q.backward(gradient=torch.tensor([1.0, 1.0]))
print(9 * a**2 == a.grad)
print(-2 * b == b.grad)

# %% a logistic unit
import torch

x = torch.ones(5)
y = torch.zeros(3)
torch.manual_seed(20)
w = torch.randn(5, 3, requires_grad=True)
b = torch.randn(3, requires_grad=True)
z = torch.matmul(x, w) + b
loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
print(f"Gradient function for z = {type(z.grad_fn).__name__}")
print(f"Gradient function for loss = {type(loss.grad_fn).__name__}")
loss.backward()
print(w.grad)
print(b.grad)

# %% twice through one graph
import torch

inp = torch.eye(4, 5, requires_grad=True)
out = (inp + 1).pow(2).t()
out.backward(torch.ones_like(out), retain_graph=True)
print(f"First call\n{inp.grad}")
out.backward(torch.ones_like(out), retain_graph=True)
print(f"\nSecond call\n{inp.grad}")
inp.grad.zero_()
out.backward(torch.ones_like(out), retain_graph=True)
print(f"\nCall after zeroing gradients\n{inp.grad}")

# %% a second derivative
import torch

x = torch.tensor(2.0, requires_grad=True)
y = x**4
(first,) = torch.autograd.grad(y, x, create_graph=True)
(second,) = torch.autograd.grad(first, x)
first, second

# %% a function with a gradient of its own
import torch


class Legendre(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


x = torch.linspace(-1, 1, 5, requires_grad=True)
Legendre.apply(x).sum().backward()
x.grad

# %% gradients of what is not a leaf
import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
h = x.exp()
h.retain_grad()
(h**2).mean().backward()
print(h.grad)
print(x.grad)

# %% Jacobian, vector-Jacobian product, Hessian
import torch
from torch.autograd import functional


def f(x):
    return x**2 + x.sum()


x = torch.tensor([1.0, 2.0, 3.0])
print(functional.jacobian(f, x))
print(functional.vjp(f, x, v=torch.ones(3)))
functional.hessian(lambda x: (x**3).sum(), x)

# %% an error that everybody meets
import torch

x = torch.ones(2, requires_grad=True)
y = x * 2
try:
    y.backward()
except RuntimeError as error:
    print(str(error).splitlines()[0])
loss = y.sum()
loss.backward()
try:
    (x.detach() * 2).sum().backward()
except RuntimeError as error:
    print(str(error).splitlines()[0])

# %% hooks
import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 3
handle = y.register_hook(lambda g: print("gradient of y:", g))
y.sum().backward()
handle.remove()
(x * 3).sum().backward()
x.grad

# %% descending by hand
import torch

w = torch.tensor([5.0, -3.0], requires_grad=True)
for step in range(5):
    loss = ((w - torch.tensor([1.0, 2.0])) ** 2).sum()
    loss.backward()
    with torch.no_grad():
        w -= 0.2 * w.grad
        w.grad.zero_()
    print(f"step {step}: {loss.item():.4f}")
w

# %% a parameter changed through its data
import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)
loss = (w**2).sum()
loss.backward()
w.data -= 0.1 * w.grad.data
w.grad.data.zero_()
print(w, w.grad)
w.data.fill_(3.0)
w

# %% a frozen part
import torch

torch.manual_seed(9)
x = torch.rand(3, 3)
y = torch.rand(3, 3)
z = torch.rand((3, 3), requires_grad=True)
a = x + y
print(f"Does `a` require gradients?: {a.requires_grad}")
b = x + z
print(f"Does `b` require gradients?: {b.requires_grad}")
b.sum().backward()
z.grad
