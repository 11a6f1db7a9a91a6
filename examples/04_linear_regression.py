"""Linear regression from scratch: a program written for torch, with only its import changed.

从零开始的线性回归：为 torch 写的程序，只改了导入的那一行。
"""

import random

import minigrad as torch


def data_iter(batch_size, features, labels):
    """Minibatches, in random order."""
    indices = list(range(len(features)))
    random.shuffle(indices)
    for i in range(0, len(indices), batch_size):
        batch_indices = torch.tensor(indices[i : i + batch_size])
        yield features[batch_indices], labels[batch_indices]


def linreg(X, w, b):
    """线性回归模型"""
    return torch.matmul(X, w) + b


def squared_loss(y_hat, y):
    """均方损失"""
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params, lr, batch_size):
    """小批量随机梯度下降"""
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()


torch.manual_seed(0)
random.seed(0)
true_w, true_b = torch.tensor([2, -3.4]), 4.2
features = torch.normal(0, 1, (1000, 2))
labels = (torch.matmul(features, true_w) + true_b + torch.normal(0, 0.01, (1000,))).reshape((-1, 1))
w = torch.normal(0, 0.01, size=(2, 1), requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for epoch in range(3):
    for X, y in data_iter(10, features, labels):
        squared_loss(linreg(X, w, b), y).sum().backward()
        sgd([w, b], 0.03, 10)
    with torch.no_grad():
        print(f"epoch {epoch + 1}, loss {squared_loss(linreg(features, w, b), labels).mean().item():f}")
print(f"w: {w[0].item():.2f} {w[1].item():.2f}, b: {b.item():.2f}; true w: 2.00 -3.40, true b: 4.20")
