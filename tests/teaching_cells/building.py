# %% a model as a sequence
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 3))
X = torch.rand(2, 20)
print(net(X).shape)
net(X)

# %% a model as a class
import torch
from torch import nn
from torch.nn import functional as F


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 8)
        self.out = nn.Linear(8, 3)

    def forward(self, X):
        return self.out(F.relu(self.hidden(X)))


torch.manual_seed(1)
net = MLP()
print(net)
net(torch.rand(2, 20))

# %% a sequence written by oneself
import torch
from torch import nn


class MySequential(nn.Module):
    def __init__(self, *args):
        super().__init__()
        for idx, module in enumerate(args):
            self.add_module(str(idx), module)

    def forward(self, X):
        for module in self.children():
            X = module(X)
        return X


torch.manual_seed(2)
net = MySequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
print(net._modules.keys(), net)
net(torch.ones(1, 4))

# %% code in the forward pass
import torch
from torch import nn


class FixedHiddenMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.rand_weight = torch.rand((6, 6), requires_grad=False)
        self.linear = nn.Linear(6, 6)

    def forward(self, X):
        X = self.linear(X)
        X = nn.functional.relu(torch.mm(X, self.rand_weight) + 1)
        X = self.linear(X)
        while X.abs().sum() > 1:
            X /= 2
        return X.sum()


torch.manual_seed(3)
net = FixedHiddenMLP()
net(torch.rand(2, 6)), len(list(net.parameters()))

# %% blocks within blocks
import torch
from torch import nn


class NestMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU())
        self.linear = nn.Linear(4, 5)

    def forward(self, X):
        return self.linear(self.net(X))


torch.manual_seed(4)
chimera = nn.Sequential(NestMLP(), nn.Linear(5, 3), nn.Identity())
print(chimera)
chimera(torch.rand(2, 6))

# %% parameters, by name and by place
import torch
from torch import nn

torch.manual_seed(5)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
print(net[2].state_dict())
print(type(net[2].bias), net[2].bias, net[2].bias.data)
print(net[2].weight.grad is None)
print(*[(name, param.shape) for name, param in net[0].named_parameters()])
print(*[(name, param.shape) for name, param in net.named_parameters()])
net.state_dict()["2.bias"]

# %% parameters of blocks of blocks
import torch
from torch import nn


def block1():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU())


def block2():
    net = nn.Sequential()
    for i in range(2):
        net.add_module(f"block {i}", block1())
    return net


torch.manual_seed(6)
rgnet = nn.Sequential(block2(), nn.Linear(4, 1))
print(rgnet)
rgnet[0][1][0].bias.data

# %% initialised layer by layer
import torch
from torch import nn


def init_normal(module):
    if type(module) == nn.Linear:
        nn.init.normal_(module.weight, mean=0, std=0.01)
        nn.init.zeros_(module.bias)


def init_42(module):
    if type(module) == nn.Linear:
        nn.init.constant_(module.weight, 42)


torch.manual_seed(7)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
net.apply(init_normal)
print(net[0].weight.data[0], net[0].bias.data[0])
net[0].apply(nn.init.xavier_uniform_ if False else init_42)
net[2].apply(init_42)
print(net[2].weight.data)

# %% parameters that are shared
import torch
from torch import nn

torch.manual_seed(8)
shared = nn.Linear(8, 8)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), shared, nn.ReLU(), shared, nn.ReLU(), nn.Linear(8, 1))
net(torch.rand(2, 4))
print(net[2].weight.data[0] == net[4].weight.data[0])
net[2].weight.data[0, 0] = 100
print(net[2].weight.data[0] == net[4].weight.data[0])
len(list(net.parameters()))

# %% sizes that are found at the first call
import torch
from torch import nn

torch.manual_seed(9)
net = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(2))
print(net[0].weight)
print(net)
net(torch.rand(3, 5))
print(net[0].weight.shape)
net

# %% a layer without parameters
import torch
from torch import nn


class CenteredLayer(nn.Module):
    def forward(self, X):
        return X - X.mean()


torch.manual_seed(10)
print(CenteredLayer()(torch.tensor([1.0, 2, 3, 4, 5])))
net = nn.Sequential(nn.Linear(8, 16), CenteredLayer())
print(net(torch.rand(4, 8)).mean().abs() < 1e-6)
net

# %% a layer with parameters
import torch
from torch import nn
from torch.nn import functional as F


class MyLinear(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(in_units, units))
        self.bias = nn.Parameter(torch.randn(units))

    def forward(self, X):
        return F.relu(torch.matmul(X, self.weight.data) + self.bias.data)


torch.manual_seed(11)
linear = MyLinear(5, 3)
print(linear.weight)
print(linear(torch.rand(2, 5)))
nn.Sequential(MyLinear(8, 4), MyLinear(4, 1))(torch.rand(2, 8))

# %% tensors in files
import os
import tempfile

import torch

with tempfile.TemporaryDirectory() as folder:
    name = os.path.join(folder, "x-file")
    x, y = torch.arange(4), torch.zeros(4)
    torch.save(x, name)
    print(torch.load(name))
    torch.save([x, y], name)
    print(torch.load(name))
    torch.save({"x": x, "y": y}, name)
    print(torch.load(name))

# %% a model's parameters in a file
import os
import tempfile

import torch
from torch import nn

torch.manual_seed(12)
net = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))
X = torch.randn(size=(2, 6))
with tempfile.TemporaryDirectory() as folder:
    name = os.path.join(folder, "mlp.params")
    torch.save(net.state_dict(), name)
    clone = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))
    print(clone.load_state_dict(torch.load(name)))
clone.eval()
print(clone)
clone(X) == net(X)

# %% devices
import torch
from torch import nn


def try_gpu(i=0):
    if torch.cuda.device_count() >= i + 1:
        return torch.device(f"cuda:{i}")
    return torch.device("cpu")


device = "cuda" if torch.cuda.is_available() else "cpu"
print(f"Using {device} device")
x = torch.tensor([1, 2, 3], device=try_gpu(9))
print(x.device, torch.device("cpu"))
net = nn.Sequential(nn.Linear(3, 1)).to(device=try_gpu(9))
net[0].weight.data.device

# %% buffers, modules and lists of modules
import torch
from torch import nn


class Tower(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(depth)])
        self.named = nn.ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh()})
        self.register_buffer("scale", torch.tensor(0.5))

    def forward(self, x, kind="relu"):
        for layer in self.layers:
            x = self.named[kind](layer(x)) * self.scale
        return x


torch.manual_seed(14)
tower = Tower(2)
print(tower)
print([name for name, _ in tower.named_modules()], [name for name, _ in tower.named_buffers()])
print(list(tower.state_dict()))
tower(torch.ones(1, 3)), tower(torch.ones(1, 3), kind="tanh")

# %% counted and frozen
import torch
from torch import nn

net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
print(sum(p.numel() for p in net.parameters()), sum(p.nelement() for p in net[2].parameters()))
for p in net[0].parameters():
    p.requires_grad = False
print([name for name, p in net.named_parameters() if p.requires_grad])
net(torch.zeros(1, 784)).sum().backward()
net[0].weight.grad, net[2].bias.grad

# %% hooks on a layer
import torch
from torch import nn

torch.manual_seed(15)
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
handles = [
    layer.register_forward_hook(lambda m, inputs, out: print(type(m).__name__, tuple(out.shape)))
    for layer in net
]
net(torch.ones(2, 3))
for handle in handles:
    handle.remove()
net(torch.ones(2, 3))
