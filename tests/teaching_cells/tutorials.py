# %% a third-order polynomial with NumPy first
import math

import numpy as np

np.random.seed(0)
x = np.linspace(-math.pi, math.pi, 200)
y = np.sin(x)
a, b, c, d = np.random.randn(4)
for t in range(100):
    y_pred = a + b * x + c * x**2 + d * x**3
    grad_y_pred = 2.0 * (y_pred - y)
    a -= 1e-5 * grad_y_pred.sum()
    b -= 1e-5 * (grad_y_pred * x).sum()
    c -= 1e-5 * (grad_y_pred * x**2).sum()
    d -= 1e-5 * (grad_y_pred * x**3).sum()
print(f"Result: y = {a:.4f} + {b:.4f} x + {c:.4f} x^2 + {d:.4f} x^3")

# %% the same with tensors and a gradient by hand
import math

import torch

dtype = torch.float
device = torch.device("cpu")
torch.manual_seed(0)
x = torch.linspace(-math.pi, math.pi, 200, device=device, dtype=dtype)
y = torch.sin(x)
a = torch.randn((), device=device, dtype=dtype)
b = torch.randn((), device=device, dtype=dtype)
for t in range(50):
    y_pred = a + b * x
    loss = (y_pred - y).pow(2).sum().item()
    if t % 10 == 9:
        print(t, f"{loss:.3f}")
    grad_y_pred = 2.0 * (y_pred - y)
    a -= 1e-4 * grad_y_pred.sum()
    b -= 1e-4 * (grad_y_pred * x).sum()
print(f"Result: y = {a.item():.4f} + {b.item():.4f} x")

# %% the same with autograd
import math

import torch

dtype = torch.float
torch.manual_seed(1)
x = torch.linspace(-math.pi, math.pi, 200, dtype=dtype)
y = torch.sin(x)
coefficients = [torch.randn((), dtype=dtype, requires_grad=True) for _ in range(4)]
for t in range(60):
    y_pred = sum(c * x**k for k, c in enumerate(coefficients))
    loss = (y_pred - y).pow(2).sum()
    if t % 20 == 19:
        print(t, f"{loss.item():.3f}")
    loss.backward()
    with torch.no_grad():
        for c in coefficients:
            c -= 1e-6 * c.grad
            c.grad = None
print(f"Result: {coefficients[0].item():.3f} {coefficients[1].item():.3f}")

# %% the same with layers and losses
import math

import torch

torch.manual_seed(2)
x = torch.linspace(-math.pi, math.pi, 200)
y = torch.sin(x)
xx = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")
for t in range(60):
    y_pred = model(xx)
    loss = loss_fn(y_pred, y)
    if t % 20 == 19:
        print(t, f"{loss.item():.2f}")
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for param in model.parameters():
            param -= 1e-6 * param.grad
linear_layer = model[0]
print(f"Result: y = {linear_layer.bias.item():.3f} + {linear_layer.weight[:, 0].item():.3f} x")

# %% the same with an optimiser
import math

import torch

torch.manual_seed(3)
x = torch.linspace(-math.pi, math.pi, 200)
y = torch.sin(x)
xx = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-2)
for t in range(80):
    loss = loss_fn(model(xx), y)
    if t % 20 == 19:
        print(t, f"{loss.item():.2f}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# %% a module of its own, that prints itself
import math

import torch


class Polynomial3(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.randn(()))
        self.b = torch.nn.Parameter(torch.randn(()))

    def forward(self, x):
        return self.a + self.b * x

    def string(self):
        return f"y = {self.a.item():.4f} + {self.b.item():.4f} x"


torch.manual_seed(4)
model = Polynomial3()
x = torch.linspace(-math.pi, math.pi, 50)
criterion = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
for t in range(40):
    loss = criterion(model(x), torch.sin(x))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"Result: {model.string()}")

# %% a tensor's attributes
import numpy as np
import torch

data = [[1, 2], [3, 4]]
np_array = np.array(data)
x_np = torch.from_numpy(np_array)
print(x_np, torch.tensor(np_array).dtype, np.add(np_array, 1))
tensor = torch.rand(3, 4)
print(f"Shape of tensor: {tensor.shape}")
print(f"Datatype of tensor: {tensor.dtype}")
print(f"Device tensor is stored on: {tensor.device}")
if torch.cuda.is_available():
    tensor = tensor.to("cuda")
n = np.ones(3)
t = torch.from_numpy(n)
np.add(n, 1, out=n)
t, n

# %% a first network, asked for a class
import torch
from torch import nn


class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(12 * 12, 32),
            nn.ReLU(),
            nn.Linear(32, 10),
        )

    def forward(self, x):
        x = self.flatten(x)
        logits = self.linear_relu_stack(x)
        return logits


torch.manual_seed(5)
model = NeuralNetwork().to("cpu")
print(model)
logits = model(torch.rand(1, 12, 12))
pred_probab = nn.Softmax(dim=1)(logits)
y_pred = pred_probab.argmax(1)
print(f"Predicted class: {y_pred}")
for name, param in model.named_parameters():
    print(f"Layer: {name} | Size: {param.size()} | Values : {param[:2]} \n")

# %% layers one by one
import torch
from torch import nn

torch.manual_seed(6)
input_image = torch.rand(3, 7, 7)
print(input_image.size())
flat_image = nn.Flatten()(input_image)
print(flat_image.size())
hidden1 = nn.Linear(in_features=49, out_features=5)(flat_image)
print(f"Before ReLU: {hidden1}\n\n")
hidden1 = nn.ReLU()(hidden1)
print(f"After ReLU: {hidden1}")

# %% the loop of training and the loop of testing
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
X = torch.randn(320, 2)
y = (X[:, 0] * X[:, 1] > 0).long()
train_dataloader = DataLoader(TensorDataset(X[:256], y[:256]), batch_size=32, shuffle=True)
test_dataloader = DataLoader(TensorDataset(X[256:], y[256:]), batch_size=32)
model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3)


def train_loop(dataloader):
    size = len(dataloader.dataset)
    model.train()
    for batch, (X, y) in enumerate(dataloader):
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if batch % 4 == 0:
            print(f"loss: {loss.item():>7f}  [{batch * 32 + len(X):>5d}/{size:>5d}]")


def test_loop(dataloader):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for X, y in dataloader:
            pred = model(X)
            test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    print(f"Accuracy: {100 * correct / len(dataloader.dataset):>0.1f}%, Avg loss: {test_loss / len(dataloader):>8f} \n")


for t in range(2):
    print(f"Epoch {t + 1}\n-------------------------------")
    train_loop(train_dataloader)
    test_loop(test_dataloader)

# %% what torch.nn is: a model without it
import math

import torch

torch.manual_seed(8)
bs, n = 32, 200
x_train, y_train = torch.randn(n, 20), torch.randint(0, 4, (n,))
weights = torch.randn(20, 4) / math.sqrt(20)
weights.requires_grad_()
bias = torch.zeros(4, requires_grad=True)


def log_softmax(x):
    return x - x.exp().sum(-1).log().unsqueeze(-1)


def model(xb):
    return log_softmax(xb @ weights + bias)


def nll(input, target):
    return -input[range(target.shape[0]), target].mean()


def accuracy(out, yb):
    preds = torch.argmax(out, dim=1)
    return (preds == yb).float().mean()


print(model(x_train[:bs])[0], nll(model(x_train[:bs]), y_train[:bs]))
for epoch in range(5):
    for i in range((n - 1) // bs + 1):
        xb, yb = x_train[i * bs : i * bs + bs], y_train[i * bs : i * bs + bs]
        loss = nll(model(xb), yb)
        loss.backward()
        with torch.no_grad():
            weights -= weights.grad * 0.5
            bias -= bias.grad * 0.5
            weights.grad.zero_()
            bias.grad.zero_()
print(nll(model(x_train), y_train), accuracy(model(x_train), y_train))

# %% what torch.nn is: refactored
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
x, y = torch.randn(160, 20), torch.randint(0, 4, (160,))
train_ds, valid_ds = TensorDataset(x[:128], y[:128]), TensorDataset(x[128:], y[128:])


class Logistic(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(20, 4)

    def forward(self, xb):
        return self.lin(xb)


def loss_batch(model, loss_func, xb, yb, opt=None):
    loss = loss_func(model(xb), yb)
    if opt is not None:
        loss.backward()
        opt.step()
        opt.zero_grad()
    return loss.item(), len(xb)


def fit(epochs, model, loss_func, opt, train_dl, valid_dl):
    for epoch in range(epochs):
        model.train()
        for xb, yb in train_dl:
            loss_batch(model, loss_func, xb, yb, opt)
        model.eval()
        with torch.no_grad():
            losses, nums = zip(*[loss_batch(model, loss_func, xb, yb) for xb, yb in valid_dl])
        val_loss = np.sum(np.multiply(losses, nums)) / np.sum(nums)
        print(epoch, f"{val_loss:.4f}")


model = Logistic()
fit(
    3, model, F.cross_entropy, optim.SGD(model.parameters(), lr=0.2, momentum=0.9),
    DataLoader(train_ds, batch_size=32, shuffle=True), DataLoader(valid_ds, batch_size=64),
)

# %% what torch.nn is: lambdas in a sequence
import torch
import torch.nn.functional as F
from torch import nn


class Lambda(nn.Module):
    def __init__(self, func):
        super().__init__()
        self.func = func

    def forward(self, x):
        return self.func(x)


torch.manual_seed(10)
model = nn.Sequential(
    Lambda(lambda x: x.view(-1, 1, 8, 8)),
    nn.Conv2d(1, 4, kernel_size=3, stride=2, padding=1),
    nn.ReLU(),
    nn.Conv2d(4, 3, kernel_size=3, stride=2, padding=1),
    nn.ReLU(),
    nn.AvgPool2d(2),
    Lambda(lambda x: x.view(x.size(0), -1)),
)
xb = torch.rand(5, 64)
print(model(xb).shape)
print(F.cross_entropy(model(xb), torch.tensor([0, 1, 2, 0, 1])))
model

# %% sixty minutes: a classifier
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(6 * 4 * 4, 12)
        self.fc2 = nn.Linear(12, 5)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return self.fc2(x)


torch.manual_seed(11)
net = Net()
print(net)
params = list(net.parameters())
print(len(params), params[0].size())
out = net(torch.randn(2, 3, 12, 12))
print(out)
net.zero_grad()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
loss = criterion(out, torch.tensor([1, 4]))
print("conv1.bias.grad before backward", net.conv1.bias.grad)
loss.backward()
print("conv1.bias.grad after backward", net.conv1.bias.grad)
optimizer.step()
print(loss.grad_fn)
print(loss.grad_fn.next_functions[0][0])

# %% saving, loading, and going on
import io

import torch
from torch import nn, optim

torch.manual_seed(12)
net = nn.Linear(3, 2)
optimizer = optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
print("Model's state_dict:")
for param_tensor in net.state_dict():
    print(param_tensor, "\t", net.state_dict()[param_tensor].size())
print("Optimizer's state_dict:")
for var_name in optimizer.state_dict():
    print(var_name, "\t", type(optimizer.state_dict()[var_name]).__name__)
file = io.BytesIO()
torch.save({"epoch": 5, "model": net.state_dict(), "optimizer": optimizer.state_dict(), "loss": 0.4}, file)
file.seek(0)
checkpoint = torch.load(file)
other = nn.Linear(3, 2)
other.load_state_dict(checkpoint["model"])
optimizer.load_state_dict(checkpoint["optimizer"])
print(checkpoint["epoch"], checkpoint["loss"], torch.equal(other.weight, net.weight))

# %% embeddings of words in a window
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

torch.manual_seed(13)
words = "when forty winters shall besiege thy brow and dig deep trenches in thy field".split()
vocab = {word: i for i, word in enumerate(dict.fromkeys(words))}
ngrams = [([words[i - 2], words[i - 1]], words[i]) for i in range(2, len(words))]


class NGram(nn.Module):
    def __init__(self, vocab_size, dim, context):
        super().__init__()
        self.embeddings = nn.Embedding(vocab_size, dim)
        self.linear1 = nn.Linear(context * dim, 16)
        self.linear2 = nn.Linear(16, vocab_size)

    def forward(self, inputs):
        embeds = self.embeddings(inputs).view((1, -1))
        return F.log_softmax(self.linear2(F.relu(self.linear1(embeds))), dim=1)


model = NGram(len(vocab), 6, 2)
loss_function = nn.NLLLoss()
optimizer = optim.SGD(model.parameters(), lr=0.05)
for epoch in range(4):
    total_loss = 0
    for context, target in ngrams:
        ids = torch.tensor([vocab[w] for w in context], dtype=torch.long)
        model.zero_grad()
        loss = loss_function(model(ids), torch.tensor([vocab[target]], dtype=torch.long))
        loss.backward()
        optimizer.step()
        total_loss += loss.item()
    print(f"{total_loss:.3f}")
model.embeddings.weight[vocab["thy"]]

# %% legacy constructors, and a default device
import torch

print(torch.Tensor([1, 2, 3]), torch.FloatTensor([1.5, 2]), torch.LongTensor([1, 2]))
print(torch.Tensor(2, 3).shape)
torch.set_default_device("cpu")
print(torch.zeros(2).device)
torch.set_default_device(None)
torch.set_default_dtype(torch.float64)
print(torch.tensor([1.0]).dtype)
torch.set_default_dtype(torch.float32)
