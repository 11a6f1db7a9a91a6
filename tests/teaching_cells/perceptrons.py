# %% activation functions and their slopes
import torch

x = torch.arange(-3.0, 3.5, 1.5, requires_grad=True)
for f in (torch.relu, torch.sigmoid, torch.tanh):
    y = f(x)
    y.backward(torch.ones_like(x), retain_graph=True)
    print(y.detach(), x.grad)
    x.grad.data.zero_()

# %% a multilayer perceptron from scratch
import torch
from torch import nn

torch.manual_seed(0)
num_inputs, num_outputs, num_hiddens = 16, 3, 12
W1 = nn.Parameter(torch.randn(num_inputs, num_hiddens, requires_grad=True) * 0.1)
b1 = nn.Parameter(torch.zeros(num_hiddens, requires_grad=True))
W2 = nn.Parameter(torch.randn(num_hiddens, num_outputs, requires_grad=True) * 0.1)
b2 = nn.Parameter(torch.zeros(num_outputs, requires_grad=True))


def relu(X):
    a = torch.zeros_like(X)
    return torch.max(X, a)


def net(X):
    X = X.reshape((-1, num_inputs))
    H = relu(X @ W1 + b1)
    return H @ W2 + b2


X = torch.randn(90, 4, 4)
y = (X.sum(dim=(1, 2)) > 0).long() + (X[:, 0, 0] > 0).long()
loss = nn.CrossEntropyLoss(reduction="none")
updater = torch.optim.SGD([W1, b1, W2, b2], lr=0.5)
for epoch in range(10):
    l = loss(net(X), y)
    updater.zero_grad()
    l.mean().backward()
    updater.step()
    if epoch % 3 == 0:
        print(f"epoch {epoch}, loss {l.mean():.4f}")

# %% a multilayer perceptron, concisely
import torch
from torch import nn

torch.manual_seed(1)
net = nn.Sequential(nn.Flatten(), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 3))


def init_weights(m):
    if type(m) == nn.Linear:
        nn.init.normal_(m.weight, std=0.1)


net.apply(init_weights)
X, y = torch.randn(60, 4, 4), torch.randint(3, (60,))
trainer = torch.optim.SGD(net.parameters(), lr=0.2)
for epoch in range(6):
    l = nn.functional.cross_entropy(net(X), y)
    trainer.zero_grad()
    l.backward()
    trainer.step()
    print(f"{l.item():.4f}")
print(net)

# %% dropout from scratch
import torch


def dropout_layer(X, dropout):
    assert 0 <= dropout <= 1
    if dropout == 1:
        return torch.zeros_like(X)
    mask = (torch.rand(X.shape) > dropout).float()
    return mask * X / (1.0 - dropout)


torch.manual_seed(2)
X = torch.arange(16, dtype=torch.float32).reshape((2, 8))
print(dropout_layer(X, 0.0))
print(dropout_layer(X, 0.5))
print(dropout_layer(X, 1.0))

# %% dropout, concisely: in training and in evaluation
import torch
from torch import nn

torch.manual_seed(3)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
X = torch.ones(2, 4)
print(net.training, net(X))
net.eval()
print(net.training, torch.equal(net(X), net(X)))
net

# %% the random zeros of dropout
import torch
from torch import nn

torch.manual_seed(4)
drop = nn.Dropout(p=0.2)
nn.functional.dropout(torch.ones(10), 0.5), drop(torch.ones(2, 6))

# %% forward and backward by hand, checked
import torch

torch.manual_seed(5)
x = torch.randn(4, 1)
W1 = torch.randn(3, 4, requires_grad=True)
W2 = torch.randn(2, 3, requires_grad=True)
y = torch.tensor([[1.0], [0.0]])
lambd = 0.1
z = torch.mm(W1, x)
h = torch.tanh(z)
o = torch.mm(W2, h)
L = 0.5 * ((o - y) ** 2).sum()
s = lambd / 2 * ((W1**2).sum() + (W2**2).sum())
J = L + s
J.backward()
with torch.no_grad():
    dJ_do = o - y
    dJ_dW2 = dJ_do @ h.T + lambd * W2
    dJ_dz = (W2.T @ dJ_do) * (1 - h**2)
    dJ_dW1 = dJ_dz @ x.T + lambd * W1
print(torch.allclose(dJ_dW2, W2.grad), torch.allclose(dJ_dW1, W1.grad, atol=1e-6))
print(J)

# %% gradients that vanish
import torch

x = torch.arange(-8.0, 8.5, 4, requires_grad=True)
y = torch.sigmoid(x)
y.backward(torch.ones_like(x))
print(x.detach().numpy(), y.detach().numpy())
x.grad

# %% products that explode
import torch

torch.manual_seed(6)
M = torch.normal(0, 1, size=(4, 4))
print("a single matrix \n", M)
for i in range(20):
    M = M @ torch.normal(0, 1, size=(4, 4))
print("after multiplying 20 matrices: larger than a million", bool(M.abs().max() > 1e6))

# %% ways to begin
import torch
from torch import nn

torch.manual_seed(7)
layer = nn.Linear(6, 4)
nn.init.xavier_uniform_(layer.weight)
print(layer.weight)
nn.init.constant_(layer.weight, 1)
nn.init.zeros_(layer.bias)
print(layer(torch.ones(1, 6)))
nn.init.uniform_(layer.weight, -0.1, 0.1)
print(layer.weight.abs().max() <= 0.1)
nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
layer.weight.std() > 0

# %% symmetry that is never broken
import torch
from torch import nn

net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
for p in net.parameters():
    nn.init.constant_(p, 0.5)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(5):
    opt.zero_grad()
    (net(torch.tensor([[1.0, -2.0]])) ** 2).sum().backward()
    opt.step()
net[0].weight

# %% too small a model, and one that is large enough
import torch
from torch import nn

torch.manual_seed(8)
x = torch.linspace(-2, 2, 80).reshape(-1, 1)
y = torch.sin(3 * x)
for width in (1, 24):
    torch.manual_seed(9)
    net = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, 1))
    opt = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(60):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        opt.step()
    print(f"{width} hidden units: {loss.item():.3f}")

# %% cross-validation in folds
import torch
from torch import nn


def get_k_fold_data(k, i, X, y):
    fold_size = X.shape[0] // k
    X_train, y_train = None, None
    for j in range(k):
        idx = slice(j * fold_size, (j + 1) * fold_size)
        X_part, y_part = X[idx, :], y[idx]
        if j == i:
            X_valid, y_valid = X_part, y_part
        elif X_train is None:
            X_train, y_train = X_part, y_part
        else:
            X_train = torch.cat([X_train, X_part], 0)
            y_train = torch.cat([y_train, y_part], 0)
    return X_train, y_train, X_valid, y_valid


torch.manual_seed(10)
X = torch.randn(60, 5)
y = (X @ torch.arange(5.0).reshape(5, 1)).exp().clamp(1, float("inf"))
for i in range(3):
    X_train, y_train, X_valid, y_valid = get_k_fold_data(3, i, X, y)
    net = nn.Sequential(nn.Linear(5, 1))
    opt = torch.optim.Adam(net.parameters(), lr=0.5, weight_decay=0.1)
    for _ in range(15):
        opt.zero_grad()
        nn.MSELoss()(net(X_train), torch.log(y_train)).backward()
        opt.step()
    with torch.no_grad():
        rmse = torch.sqrt(nn.MSELoss()(net(X_valid), torch.log(y_valid)))
    print(f"fold {i + 1}, valid log rmse {float(rmse):f}")

# %% losses
import torch
from torch import nn

pred, target = torch.tensor([[0.5, -1.0], [2.0, 0.0]]), torch.tensor([[1.0, -1.0], [0.0, 0.5]])
print(nn.MSELoss()(pred, target), nn.MSELoss(reduction="sum")(pred, target))
print(nn.L1Loss()(pred, target), nn.SmoothL1Loss()(pred, target), nn.HuberLoss()(pred, target))
print(nn.BCEWithLogitsLoss()(pred, (target > 0).float()))
nn.NLLLoss()(nn.LogSoftmax(dim=1)(pred), torch.tensor([0, 1]))

# %% a perceptron that learns exclusive or
import torch
from torch import nn

torch.manual_seed(13)
X = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
y = torch.tensor([[0.0], [1], [1], [0]])
model = nn.Sequential(nn.Linear(2, 8), nn.Sigmoid(), nn.Linear(8, 1), nn.Sigmoid())
opt = torch.optim.Adam(model.parameters(), lr=0.1)
for _ in range(120):
    loss = nn.functional.binary_cross_entropy(model(X), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
print((model(X) > 0.5).int().flatten())
