# %% vectorised, not looped
import torch

n = 1000
a, b = torch.ones(n), torch.ones(n)
c = torch.zeros(n)
for i in range(0, n, 100):
    c[i] = a[i] + b[i]
d = a + b
print(c[::100], d.sum())

# %% the normal density
import math

import torch


def normal(x, mu, sigma):
    return 1 / math.sqrt(2 * math.pi * sigma**2) * torch.exp(-0.5 * (x - mu) ** 2 / sigma**2)


x = torch.arange(-3, 3, 1.0)
normal(x, 0, 1), normal(x, 1, 2).numpy()

# %% synthetic data
import torch


def synthetic_data(w, b, num_examples):
    X = torch.normal(0, 1, (num_examples, len(w)))
    y = torch.matmul(X, w) + b
    y += torch.normal(0, 0.01, y.shape)
    return X, y.reshape((-1, 1))


torch.manual_seed(0)
features, labels = synthetic_data(torch.tensor([2, -3.4]), 4.2, 1000)
print("features:", features[0], "\nlabel:", labels[0])
features.shape, labels.shape

# %% minibatches
import random

import torch


def data_iter(batch_size, features, labels):
    indices = list(range(len(features)))
    random.shuffle(indices)
    for i in range(0, len(features), batch_size):
        batch = torch.tensor(indices[i : min(i + batch_size, len(features))])
        yield features[batch], labels[batch]


random.seed(0)
X = torch.arange(24.0).reshape(12, 2)
for xs, ys in data_iter(5, X, X.sum(dim=1, keepdim=True)):
    print(xs, "\n", ys)

# %% linear regression from scratch
import torch


def linreg(X, w, b):
    return torch.matmul(X, w) + b


def squared_loss(y_hat, y):
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()


torch.manual_seed(1)
true_w, true_b = torch.tensor([2, -3.4]), 4.2
X = torch.normal(0, 1, (200, 2))
y = X @ true_w + true_b + torch.normal(0, 0.01, (200,))
w = torch.normal(0, 0.01, size=(2, 1), requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for epoch in range(3):
    for i in torch.randperm(200).split(10):
        squared_loss(linreg(X[i], w, b), y[i]).sum().backward()
        sgd([w, b], 0.1, 10)
    with torch.no_grad():
        train_l = squared_loss(linreg(X, w, b), y)
        print(f"epoch {epoch + 1}, loss {float(train_l.mean()):f}")
print(f"error in estimating w: {true_w - w.reshape(true_w.shape)}")
print(f"error in estimating b: {true_b - b}")

# %% linear regression, concisely
import torch
from torch import nn
from torch.utils import data

torch.manual_seed(2)
X = torch.normal(0, 1, (200, 2))
y = (X @ torch.tensor([2, -3.4]) + 4.2).reshape(-1, 1) + 0.01 * torch.randn(200, 1)


def load_array(data_arrays, batch_size, is_train=True):
    dataset = data.TensorDataset(*data_arrays)
    return data.DataLoader(dataset, batch_size, shuffle=is_train)


net = nn.Sequential(nn.Linear(2, 1))
net[0].weight.data.normal_(0, 0.01)
net[0].bias.data.fill_(0)
loss = nn.MSELoss()
trainer = torch.optim.SGD(net.parameters(), lr=0.03)
data_iter = load_array((X, y), 10)
for epoch in range(3):
    for xs, ys in data_iter:
        l = loss(net(xs), ys)
        trainer.zero_grad()
        l.backward()
        trainer.step()
    l = loss(net(X), y)
    print(f"epoch {epoch + 1}, loss {l:f}")
w, b = net[0].weight.data, net[0].bias.data
print("error in estimating w:", torch.tensor([2, -3.4]) - w.reshape(2))
print("error in estimating b:", 4.2 - b)

# %% a first batch
import torch
from torch.utils import data

torch.manual_seed(3)
X, y = torch.arange(12.0).reshape(6, 2), torch.arange(6).reshape(6, 1)
loader = data.DataLoader(data.TensorDataset(X, y), batch_size=4, shuffle=True)
print(len(loader))
next(iter(loader))

# %% a model as a class that trains itself
import torch
from torch import nn


class LinearRegression(nn.Module):
    def __init__(self, lr):
        super().__init__()
        self.lr = lr
        self.net = nn.LazyLinear(1)
        self.net.weight.data.normal_(0, 0.01)
        self.net.bias.data.fill_(0)

    def forward(self, X):
        return self.net(X)

    def loss(self, y_hat, y):
        return nn.MSELoss()(y_hat, y)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.lr)


torch.manual_seed(4)
X = torch.randn(64, 3)
y = X.sum(dim=1, keepdim=True)
model = LinearRegression(lr=0.1)
optim = model.configure_optimizers()
for _ in range(20):
    optim.zero_grad()
    model.loss(model(X), y).backward()
    optim.step()
model.net.weight.shape, f"{model.loss(model(X), y).item():.4f}"

# %% weight decay from scratch
import torch


def l2_penalty(w):
    return (w**2).sum() / 2


torch.manual_seed(5)
n, d = 20, 100
X = torch.randn(n, d)
y = X.matmul(torch.ones(d, 1) * 0.01) + 0.05 + 0.01 * torch.randn(n, 1)
for lambd in (0, 3):
    torch.manual_seed(6)
    w = torch.normal(0, 1, size=(d, 1), requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    for _ in range(30):
        l = ((X @ w + b - y) ** 2).mean() / 2 + lambd * l2_penalty(w)
        l.backward()
        with torch.no_grad():
            for p in (w, b):
                p -= 0.01 * p.grad
                p.grad.zero_()
    print(f"lambda {lambd}: L2 norm of w {torch.norm(w).item():.3f}")

# %% weight decay, concisely
import torch
from torch import nn

torch.manual_seed(7)
X, y = torch.randn(20, 50), torch.randn(20, 1)
net = nn.Sequential(nn.Linear(50, 1))
for param in net.parameters():
    param.data.normal_()
trainer = torch.optim.SGD(
    [{"params": net[0].weight, "weight_decay": 3}, {"params": net[0].bias}], lr=0.01
)
loss = nn.MSELoss(reduction="none")
print("before:", f"{net[0].weight.norm().item():.3f}")
for epoch in range(20):
    trainer.zero_grad()
    l = loss(net(X), y)
    l.mean().backward()
    trainer.step()
print("after:", f"{net[0].weight.norm().item():.3f}")
[group["weight_decay"] for group in trainer.param_groups]

# %% fitting a polynomial: too few, enough, too many terms
import math

import torch
from torch import nn

torch.manual_seed(8)
x = torch.randn(60, 1)
powers = torch.pow(x, torch.arange(12).reshape(1, -1))
for i in range(12):
    powers[:, i] /= math.gamma(i + 1)
true_w = torch.zeros(12)
true_w[0:4] = torch.tensor([5, 1.2, -3.4, 5.6])
y = powers @ true_w + 0.1 * torch.randn(60)
for terms in (2, 4, 12):
    net = nn.Linear(terms, 1, bias=False)
    trainer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(60):
        trainer.zero_grad()
        nn.functional.mse_loss(net(powers[:40, :terms]).reshape(-1), y[:40]).backward()
        trainer.step()
    with torch.no_grad():
        test = ((net(powers[40:, :terms]).reshape(-1) - y[40:]) ** 2).mean()
    print(f"{terms} terms, test loss {float(test):.2f}")

# %% softmax by hand
import torch


def softmax(X):
    X_exp = torch.exp(X)
    partition = X_exp.sum(1, keepdims=True)
    return X_exp / partition


torch.manual_seed(9)
X = torch.normal(0, 1, (2, 5))
X_prob = softmax(X)
X_prob, X_prob.sum(1)

# %% cross-entropy by picking
import torch

y = torch.tensor([0, 2])
y_hat = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
print(y_hat[[0, 1], y])
print(-torch.log(y_hat[range(len(y_hat)), y]))
cmp = y_hat.argmax(axis=1).type(y.dtype) == y
float(cmp.type(y.dtype).sum()) / len(y)

# %% softmax regression from scratch on made-up images
import torch

torch.manual_seed(10)
prototypes = torch.rand(4, 8, 8)
labels = torch.randint(0, 4, (256,))
images = (prototypes[labels] + 0.3 * torch.randn(256, 8, 8)).unsqueeze(1)
W = torch.normal(0, 0.01, size=(64, 4), requires_grad=True)
b = torch.zeros(4, requires_grad=True)


def net(X):
    logits = torch.matmul(X.reshape((-1, W.shape[0])), W) + b
    e = torch.exp(logits - logits.max(dim=1, keepdim=True).values)
    return e / e.sum(dim=1, keepdim=True)


def accuracy(y_hat, y):
    if len(y_hat.shape) > 1 and y_hat.shape[1] > 1:
        y_hat = y_hat.argmax(axis=1)
    return float((y_hat == y).type(y.dtype).sum())


for epoch in range(5):
    for i in range(0, 256, 32):
        X, y = images[i : i + 32], labels[i : i + 32]
        loss = -torch.log(net(X)[range(len(y)), y])
        loss.mean().backward()
        with torch.no_grad():
            for p in (W, b):
                p -= 0.5 * p.grad
                p.grad.zero_()
    with torch.no_grad():
        print(f"epoch {epoch + 1}, accuracy {accuracy(net(images), labels) / 256:.3f}")

# %% softmax regression, concisely
import torch
from torch import nn
from torch.utils import data

torch.manual_seed(11)
prototypes = torch.rand(4, 1, 8, 8)
labels = torch.randint(0, 4, (256,))
images = prototypes[labels] + 0.3 * torch.randn(256, 1, 8, 8)
train_iter = data.DataLoader(data.TensorDataset(images, labels), batch_size=64, shuffle=True)
net = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))


def init_weights(m):
    if type(m) == nn.Linear:
        nn.init.normal_(m.weight, std=0.01)


net.apply(init_weights)
loss = nn.CrossEntropyLoss(reduction="none")
trainer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(3):
    total = right = 0.0
    net.train()
    for X, y in train_iter:
        y_hat = net(X)
        l = loss(y_hat, y)
        trainer.zero_grad()
        l.mean().backward()
        trainer.step()
        total += float(l.sum())
        right += float((y_hat.argmax(dim=1) == y).sum())
    print(f"epoch {epoch + 1}, loss {total / 256:.3f}, accuracy {right / 256:.3f}")
net

# %% logits that overflow, and those that do not
import torch
from torch import nn
from torch.nn import functional as F

x = torch.tensor([[1000.0, 0.0, -1000.0]])
print(torch.exp(x) / torch.exp(x).sum())
print(F.softmax(x, dim=1), F.log_softmax(x, dim=1))
F.cross_entropy(x, torch.tensor([1])), nn.CrossEntropyLoss()(x / 100, torch.tensor([2]))

# %% a data set of one's own
import torch
from torch.utils.data import DataLoader, Dataset


class Squares(Dataset):
    def __init__(self, n, transform=None):
        self.n, self.transform = n, transform

    def __len__(self):
        return self.n

    def __getitem__(self, idx):
        x = torch.tensor([float(idx)])
        return (self.transform(x) if self.transform else x), idx**2


dataset = Squares(7, transform=lambda x: x / 10)
print(len(dataset), dataset[3])
for batch, (x, y) in enumerate(DataLoader(dataset, batch_size=3)):
    print(batch, x, y)
