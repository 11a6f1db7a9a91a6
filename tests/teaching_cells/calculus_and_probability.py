# %% a slope by smaller and smaller steps
import torch


def f(x):
    return 3 * x**2 - 4 * x


for k in range(1, 6):
    h = 10.0**-k
    print(f"h={h:.5f}, numerical limit={(f(1 + h) - f(1)) / h:.5f}")

# %% a slope in single precision goes wrong
import torch

x = torch.tensor(1.0)
for k in range(1, 8, 2):
    h = 10.0**-k
    print(h, ((x + h) ** 3 - x**3) / h)

# %% the slope by autograd, beside it
import torch

x = torch.linspace(-2, 2, 5, requires_grad=True)
y = x**3 - x
y.sum().backward()
print(x.grad)
print(torch.allclose(x.grad, 3 * x.detach() ** 2 - 1))

# %% a tangent line
import torch

at = torch.tensor(1.5, requires_grad=True)
value = torch.sin(at) * at
value.backward()
xs = torch.arange(0.0, 3.0, 0.5)
tangent = value.detach() + at.grad * (xs - at.detach())
tangent

# %% heads and tails
import torch

torch.manual_seed(7)
heads = sum([torch.rand(1).item() > 0.5 for _ in range(100)])
print("heads, tails:", heads, 100 - heads)

# %% tosses from a multinomial distribution
import torch
from torch.distributions import multinomial

torch.manual_seed(2)
fair = torch.tensor([0.5, 0.5])
print(multinomial.Multinomial(100, fair).sample())
multinomial.Multinomial(100, fair).sample() / 100

# %% the running share of heads
import torch
from torch.distributions.multinomial import Multinomial

torch.manual_seed(4)
tosses = Multinomial(1, torch.tensor([0.3, 0.7])).sample((200,))
shares = tosses.cumsum(dim=0)
shares = shares / shares.sum(dim=1, keepdims=True)
shares[[0, 9, 99, 199]]

# %% samples, and their mean and variance
import torch

torch.manual_seed(8)
x = torch.normal(2.0, 3.0, (2000,))
print(f"mean {x.mean():.2f}, std {x.std():.2f}, var {x.var():.2f}")
u = torch.rand(2000)
u.mean(), u.var(unbiased=False)

# %% categories by their weights
import torch

g = torch.Generator().manual_seed(2147483647)
p = torch.tensor([0.6, 0.3, 0.1])
samples = torch.multinomial(p, num_samples=20, replacement=True, generator=g)
print(samples)
torch.bincount(samples, minlength=3)

# %% normal, and its logarithm of density
import math

import torch
from torch.distributions import Normal

n = Normal(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0]))
x = torch.tensor([0.5, 0.5])
print(n.log_prob(x))
by_hand = -((x - n.loc) ** 2) / (2 * n.scale**2) - n.scale.log() - 0.5 * math.log(2 * math.pi)
print(by_hand)
torch.manual_seed(0)
n.sample()

# %% Bayes' rule, with a table
import torch

prior = torch.tensor([0.0015, 0.9985])
likelihood = torch.tensor([[1.0, 0.01], [0.0, 0.99]])
joint = likelihood[0] * prior
print(joint, joint.sum())
joint / joint.sum()

# %% a table of joint probabilities
import torch

joint = torch.tensor([[0.10, 0.20, 0.10], [0.30, 0.05, 0.25]])
print(joint.sum())
marginal = joint.sum(dim=1, keepdim=True)
print(marginal, joint.sum(dim=0))
print(joint / marginal)
values = torch.tensor([[1.0], [4.0]])
(marginal * values).sum()

# %% shuffled, and drawn without replacement
import torch

torch.manual_seed(12)
print(torch.randperm(10))
print(torch.randint(0, 10, (3, 4)))
print(torch.bernoulli(torch.full((8,), 0.3)))
torch.rand(2, 2, generator=torch.Generator().manual_seed(1))

# %% what a module offers
import torch

names = [name for name in dir(torch.distributions) if not name.startswith("_")]
print("Normal" in names, "Multinomial" in names, "Categorical" in names)
print(names)

# %% what a function says of itself
import torch

print(torch.ones(4))
help(torch.ones)

# %% Monte Carlo
import torch

torch.manual_seed(31)
points = torch.rand(20000, 2)
inside = ((points**2).sum(dim=1) <= 1).float()
print(f"pi is about {4 * inside.mean().item():.3f}")

# %% entropy and divergence
import torch

p = torch.tensor([0.1, 0.2, 0.7])
q = torch.tensor([1 / 3, 1 / 3, 1 / 3])
entropy = -(p * torch.log(p)).sum()
print(entropy, -(q * q.log()).sum())
kl = (p * (p / q).log()).sum()
kl, torch.nn.functional.kl_div(q.log(), p, reduction="sum")
