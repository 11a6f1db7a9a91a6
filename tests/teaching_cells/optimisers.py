# %% descent in two dimensions
import torch


def train_2d(trainer, steps=20):
    x = torch.tensor([-5.0, -2.0], requires_grad=True)
    state = torch.zeros(2)
    for _ in range(steps):
        loss = 0.1 * x[0] ** 2 + 2 * x[1] ** 2
        (g,) = torch.autograd.grad(loss, x)
        with torch.no_grad():
            state = trainer(x, g, state)
    return x


def gd(x, g, s):
    x -= 0.4 * g
    return s


def momentum(x, g, v):
    v = 0.5 * v + g
    x -= 0.4 * v
    return v


train_2d(gd), train_2d(momentum)

# %% momentum, with the library
import torch

x = torch.tensor([-5.0, -2.0], requires_grad=True)
optimizer = torch.optim.SGD([x], lr=0.6, momentum=0.25)
for i in range(10):
    optimizer.zero_grad()
    (0.1 * x[0] ** 2 + 2 * x[1] ** 2 / 4).backward()
    optimizer.step()
    if i % 3 == 0:
        print(f"epoch {i + 1}, x1: {x[0].item():f}, x2: {x[1].item():f}")
optimizer

# %% Adam from scratch, and with the library
import torch


def adam(params, states, hyperparams):
    beta1, beta2, eps = 0.9, 0.999, 1e-6
    for p, (v, s) in zip(params, states):
        with torch.no_grad():
            v[:] = beta1 * v + (1 - beta1) * p.grad
            s[:] = beta2 * s + (1 - beta2) * torch.square(p.grad)
            v_bias_corr = v / (1 - beta1 ** hyperparams["t"])
            s_bias_corr = s / (1 - beta2 ** hyperparams["t"])
            p[:] -= hyperparams["lr"] * v_bias_corr / (torch.sqrt(s_bias_corr) + eps)
        p.grad.data.zero_()
    hyperparams["t"] += 1


a = torch.tensor([3.0, -1.0], requires_grad=True)
b = a.detach().clone().requires_grad_()
states, hyper = [(torch.zeros(2), torch.zeros(2))], {"lr": 0.1, "t": 1}
optimizer = torch.optim.Adam([b], lr=0.1, eps=1e-6)
for _ in range(15):
    (a**4).sum().backward()
    adam([a], states, hyper)
    optimizer.zero_grad()
    (b**4).sum().backward()
    optimizer.step()
a, b, torch.allclose(a, b, atol=1e-5)

# %% one problem, many optimisers
import torch
from torch import nn

for name, make in {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.5),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.05, alpha=0.9),
    "Adadelta": lambda p: torch.optim.Adadelta(p, rho=0.9),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1),
}.items():
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    optimizer = make(net.parameters())
    X = torch.randn(20, 3)
    y = X.sum(dim=1, keepdim=True) + 1
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(X), y)
        loss.backward()
        optimizer.step()
    print(f"{name}: {loss.item():.5f}")

# %% rates that fall
import torch
from torch import nn
from torch.optim import lr_scheduler

net = nn.Linear(2, 1)
trainer = torch.optim.SGD(net.parameters(), lr=0.5)
scheduler = lr_scheduler.MultiStepLR(trainer, milestones=[2, 4], gamma=0.5)
rates = []
for epoch in range(6):
    trainer.step()
    rates.append(scheduler.get_last_lr()[0])
    scheduler.step()
print(rates)
cosine = lr_scheduler.CosineAnnealingLR(torch.optim.SGD(net.parameters(), lr=1.0), T_max=4)
for _ in range(4):
    cosine.optimizer.step()
    cosine.step()
    print(f"{cosine.get_last_lr()[0]:.4f}")
trainer.param_groups[0]["lr"]

# %% a schedule of one's own
import torch


class SquareRootScheduler:
    def __init__(self, lr=0.1):
        self.lr = lr

    def __call__(self, num_update):
        return self.lr * pow(num_update + 1.0, -0.5)


w = torch.zeros(1, requires_grad=True)
trainer = torch.optim.SGD([w], lr=1.0)
scheduler = SquareRootScheduler(lr=0.1)
for epoch in range(4):
    for param_group in trainer.param_groups:
        param_group["lr"] = scheduler(epoch)
    trainer.zero_grad()
    ((w - 1) ** 2).sum().backward()
    trainer.step()
    print(f"{trainer.param_groups[0]['lr']:.4f} {w.item():.4f}")

# %% StepLR, ExponentialLR, LambdaLR
import torch
from torch import optim

p = torch.nn.Parameter(torch.ones(1))
for make in (
    lambda o: optim.lr_scheduler.StepLR(o, step_size=2, gamma=0.1),
    lambda o: optim.lr_scheduler.ExponentialLR(o, gamma=0.9),
    lambda o: optim.lr_scheduler.LambdaLR(o, lambda epoch: 1 / (epoch + 1)),
):
    optimizer = optim.SGD([p], lr=1.0)
    scheduler = make(optimizer)
    for _ in range(4):
        optimizer.step()
        scheduler.step()
    print(type(scheduler).__name__, f"{optimizer.param_groups[0]['lr']:.4f}")

# %% gradients clipped
import torch
from torch import nn

torch.manual_seed(1)
net = nn.Linear(4, 2)
(net(torch.full((3, 4), 50.0)) ** 2).sum().backward()
before = torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm=1.0)
print(f"{before.item():.1f}")
torch.sqrt(sum(torch.sum(p.grad**2) for p in net.parameters()))

# %% an optimiser's state saved
import torch
from torch import optim

w = torch.tensor([1.0, 2.0], requires_grad=True)
optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
for _ in range(2):
    optimizer.zero_grad()
    (w**2).sum().backward()
    optimizer.step()
state = optimizer.state_dict()
print(state["param_groups"][0]["lr"], state["state"][0]["momentum_buffer"])
again = optim.SGD([w], lr=0.5)
again.load_state_dict(state)
again.param_groups[0]["momentum"]

# %% Newton's method with a Hessian
import torch

x = torch.tensor([2.0, -1.5])


def f(x):
    return (x**4).sum() + x[0] * x[1]


for i in range(5):
    H = torch.autograd.functional.hessian(f, x)
    g = torch.autograd.functional.jacobian(f, x)
    x = x - torch.linalg.solve(H, g)
    print(f"{i}: {f(x).item():.5f}")

# %% a minibatch's noise
import torch

torch.manual_seed(2)
A = torch.randn(64, 64)
B = torch.randn(64, 64)
C = torch.zeros(64, 64)
for j in range(0, 64, 16):
    C[:, j : j + 16] = torch.mm(A, B[:, j : j + 16])
print(torch.allclose(C, A @ B, atol=1e-4))
noise = torch.stack([torch.randn(n).mean().abs() for n in (1, 100, 10000)])
noise[2] < noise[0]
