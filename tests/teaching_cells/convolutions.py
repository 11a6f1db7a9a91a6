# %% cross-correlation by hand
import torch


def corr2d(X, K):
    h, w = K.shape
    Y = torch.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i : i + h, j : j + w] * K).sum()
    return Y


X = torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]])
K = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
print(torch.nn.functional.conv2d(X[None, None], K[None, None]))
corr2d(X, K)

# %% a kernel learned from edges
import torch
from torch import nn

torch.manual_seed(0)
X = torch.ones((6, 8))
X[:, 2:6] = 0
Y = X[:, :-1] - X[:, 1:]
conv2d = nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)
X, Y = X.reshape((1, 1, 6, 8)), Y.reshape((1, 1, 6, 7))
for i in range(10):
    Y_hat = conv2d(X)
    l = (Y_hat - Y) ** 2
    conv2d.zero_grad()
    l.sum().backward()
    conv2d.weight.data[:] -= 3e-2 * conv2d.weight.grad
    if (i + 1) % 2 == 0:
        print(f"epoch {i + 1}, loss {l.sum():.3f}")
conv2d.weight.data.reshape((1, 2))

# %% padding and stride
import torch
from torch import nn


def comp_conv2d(conv2d, X):
    X = X.reshape((1, 1) + X.shape)
    Y = conv2d(X)
    return Y.reshape(Y.shape[2:])


X = torch.rand(size=(8, 8))
print(comp_conv2d(nn.Conv2d(1, 1, kernel_size=3, padding=1), X).shape)
print(comp_conv2d(nn.Conv2d(1, 1, kernel_size=(5, 3), padding=(2, 1)), X).shape)
print(comp_conv2d(nn.Conv2d(1, 1, kernel_size=3, padding=1, stride=2), X).shape)
comp_conv2d(nn.LazyConv2d(1, kernel_size=(3, 5), padding=(0, 1), stride=(3, 4)), X).shape

# %% several channels
import torch


def conv1x1(X, K):
    c_i, h, w = X.shape
    c_o = K.shape[0]
    return torch.matmul(K.reshape((c_o, c_i)), X.reshape((c_i, h * w))).reshape((c_o, h, w))


torch.manual_seed(1)
X = torch.normal(0, 1, (3, 3, 3))
K = torch.normal(0, 1, (2, 3, 1, 1))
Y1 = conv1x1(X, K)
Y2 = torch.nn.functional.conv2d(X.unsqueeze(0), K).squeeze(0)
print(float(torch.abs(Y1 - Y2).sum()) < 1e-5)
Y1.shape

# %% pooling
import torch
from torch import nn

X = torch.arange(16, dtype=torch.float32).reshape((1, 1, 4, 4))
print(nn.MaxPool2d(3)(X), nn.MaxPool2d(3, padding=1, stride=2)(X))
print(nn.MaxPool2d((2, 3), stride=(2, 3), padding=(0, 1))(X))
print(nn.AvgPool2d(kernel_size=2, stride=2)(X))
nn.AdaptiveAvgPool2d((1, 1))(X), nn.functional.max_pool2d(X, 2)

# %% LeNet, its shapes
import torch
from torch import nn

torch.manual_seed(2)
net = nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(),
    nn.AvgPool2d(kernel_size=2, stride=2),
    nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(),
    nn.AvgPool2d(kernel_size=2, stride=2),
    nn.Flatten(),
    nn.Linear(16 * 5 * 5, 120), nn.Sigmoid(),
    nn.Linear(120, 84), nn.Sigmoid(),
    nn.Linear(84, 10),
)
X = torch.rand(size=(1, 1, 28, 28), dtype=torch.float32)
for layer in net:
    X = layer(X)
    print(layer.__class__.__name__, "output shape: \t", X.shape)

# %% a small convolutional network that learns
import torch
from torch import nn
from torch.utils import data

torch.manual_seed(3)
labels = torch.randint(0, 3, (96,))
images = 0.3 * torch.randn(96, 1, 10, 10)
for i, label in enumerate(labels):
    images[i, 0, 3 * label : 3 * label + 3, :] += 1
net = nn.Sequential(
    nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(100, 3)
)


def init_weights(m):
    if type(m) == nn.Linear or type(m) == nn.Conv2d:
        nn.init.xavier_uniform_(m.weight)


net.apply(init_weights)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(3):
    net.train()
    for X, y in data.DataLoader(data.TensorDataset(images, labels), batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(X), y)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        right = (net(images).argmax(axis=1) == labels).float().mean()
    print(f"epoch {epoch + 1}, loss {loss.item():.3f}, accuracy {right.item():.3f}")

# %% a block of a residual network
import torch
from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    def __init__(self, input_channels, num_channels, use_1x1conv=False, strides=1):
        super().__init__()
        self.conv1 = nn.Conv2d(input_channels, num_channels, kernel_size=3, padding=1, stride=strides)
        self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2d(input_channels, num_channels, 1, stride=strides) if use_1x1conv else None
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.bn2 = nn.BatchNorm2d(num_channels)

    def forward(self, X):
        Y = F.relu(self.bn1(self.conv1(X)))
        Y = self.bn2(self.conv2(Y))
        if self.conv3:
            X = self.conv3(X)
        Y += X
        return F.relu(Y)


torch.manual_seed(4)
X = torch.rand(4, 3, 6, 6)
print(Residual(3, 3)(X).shape)
Residual(3, 6, use_1x1conv=True, strides=2)(X).shape

# %% batch normalisation from scratch, beside the layer
import torch
from torch import nn

torch.manual_seed(5)
X = torch.randn(6, 3) * 4 + 2
gamma, beta, eps = torch.ones(1, 3), torch.zeros(1, 3), 1e-5
mean, var = X.mean(dim=0), ((X - X.mean(dim=0)) ** 2).mean(dim=0)
by_hand = gamma * (X - mean) / torch.sqrt(var + eps) + beta
layer = nn.BatchNorm1d(3)
print(torch.allclose(layer(X), by_hand, atol=1e-5))
print(layer.running_mean, layer.running_var, layer.num_batches_tracked)
layer.eval()
layer(X)

# %% an image as patches
import torch
import torch.nn.functional as F

image = torch.arange(16.0).reshape(1, 1, 4, 4)
patches = F.unfold(image, kernel_size=2, stride=2)
print(patches)
F.pad(image[0, 0], (1, 1, 0, 1)), F.interpolate(image, scale_factor=0.5, mode="nearest")

# %% a recurrent network from scratch
import torch
from torch.nn import functional as F

torch.manual_seed(6)
vocab, hidden = 5, 4
W_xh, W_hh = torch.randn(vocab, hidden) * 0.1, torch.randn(hidden, hidden) * 0.1
W_hq = torch.randn(hidden, vocab) * 0.1
b_h, b_q = torch.zeros(hidden), torch.zeros(vocab)
state = torch.zeros(2, hidden)
inputs = F.one_hot(torch.arange(10).reshape(2, 5).T % vocab, vocab).float()
outputs = []
for X in inputs:
    state = torch.tanh(torch.mm(X, W_xh) + torch.mm(state, W_hh) + b_h)
    outputs.append(torch.mm(state, W_hq) + b_q)
Y = torch.cat(outputs, dim=0)
print(Y.shape, state.shape)
Y[0]

# %% recurrent layers
import torch
from torch import nn

torch.manual_seed(7)
X = torch.rand(3, 2, 5)
rnn = nn.RNN(5, 4)
Y, state = rnn(X, torch.zeros((1, 2, 4)))
print(Y.shape, state.shape, Y[-1] == state[0])
gru = nn.GRU(5, 4, num_layers=2)
print(gru(X)[0][0])
lstm = nn.LSTM(5, 4)
out, (h, c) = lstm(X)
out[0], c.shape

# %% masked softmax, and scaled dot products
import math

import torch
from torch import nn


def sequence_mask(X, valid_len, value=0):
    maxlen = X.size(1)
    mask = torch.arange((maxlen), dtype=torch.float32)[None, :] < valid_len[:, None]
    X[~mask] = value
    return X


torch.manual_seed(8)
queries, keys = torch.normal(0, 1, (2, 1, 2)), torch.ones((2, 4, 2))
values = torch.arange(16, dtype=torch.float32).reshape(1, 4, 4).repeat(2, 1, 1)
scores = torch.bmm(queries, keys.transpose(1, 2)) / math.sqrt(queries.shape[-1])
scores = sequence_mask(scores.reshape(2, 4), torch.tensor([2, 3]), value=-1e6)
weights = nn.functional.softmax(scores, dim=-1).reshape(2, 1, 4)
print(weights)
torch.bmm(weights, values)

# %% sines and cosines for positions
import torch

num_steps, num_hiddens = 6, 4
P = torch.zeros((1, num_steps, num_hiddens))
X = torch.arange(num_steps, dtype=torch.float32).reshape(-1, 1) / torch.pow(
    10000, torch.arange(0, num_hiddens, 2, dtype=torch.float32) / num_hiddens
)
P[:, :, 0::2] = torch.sin(X)
P[:, :, 1::2] = torch.cos(X)
P
