# %% micrograd: a value that knows its gradient
import math

import torch


class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data, self.grad = data, 0.0
        self._backward = lambda: None
        self._prev, self._op = set(_children), _op

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def tanh(self):
        t = math.tanh(self.data)
        out = Value(t, (self,), "tanh")

        def _backward():
            self.grad += (1 - t**2) * out.grad

        out._backward = _backward
        return out

    def backward(self):
        topo, visited = [], set()

        def build(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build(child)
                topo.append(v)

        build(self)
        self.grad = 1.0
        for node in reversed(topo):
            node._backward()


x1, w1, b = Value(2.0), Value(-3.0), Value(6.8813735870195432)
o = (x1 * w1 + b).tanh()
o.backward()
print(o.data, x1.grad, w1.grad)
x = torch.Tensor([2.0]).double()
x.requires_grad = True
w = torch.Tensor([-3.0]).double()
w.requires_grad = True
c = torch.Tensor([6.8813735870195432]).double()
c.requires_grad = True
out = torch.tanh(x * w + c)
print(out.data.item())
out.backward()
print("x", x.grad.item(), "w", w.grad.item())

# %% bigrams counted
import torch

names = ["emma", "olivia", "ava", "isabella", "sophia", "mia", "amelia", "mila"]
chars = sorted(set("".join(names)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
itos = {i: s for s, i in stoi.items()}
N = torch.zeros((len(stoi), len(stoi)), dtype=torch.int32)
for name in names:
    chs = ["."] + list(name) + ["."]
    for ch1, ch2 in zip(chs, chs[1:]):
        N[stoi[ch1], stoi[ch2]] += 1
print(N[0])
P = (N + 1).float()
P /= P.sum(1, keepdims=True)
g = torch.Generator().manual_seed(2147483647)
for _ in range(4):
    out, ix = [], 0
    while True:
        ix = torch.multinomial(P[ix], num_samples=1, replacement=True, generator=g).item()
        out.append(itos[ix])
        if ix == 0:
            break
    print("".join(out))

# %% the likelihood of bigrams
import torch

words = ["anna", "ann", "nana"]
stoi = {".": 0, "a": 1, "n": 2}
N = torch.zeros((3, 3), dtype=torch.int32)
for w in words:
    chs = "." + w + "."
    for a, b in zip(chs, chs[1:]):
        N[stoi[a], stoi[b]] += 1
P = (N + 1).float()
P = P / P.sum(1, keepdim=True)
log_likelihood, n = 0.0, 0
for w in words:
    chs = "." + w + "."
    for a, b in zip(chs, chs[1:]):
        log_likelihood += torch.log(P[stoi[a], stoi[b]])
        n += 1
print(f"{log_likelihood=}")
print(f"{-log_likelihood / n}")
P

# %% bigrams by a network of one layer
import torch
import torch.nn.functional as F

words = ["emma", "olivia", "ava", "mia"]
chars = sorted(set("".join(words)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
xs, ys = [], []
for w in words:
    chs = ["."] + list(w) + ["."]
    for ch1, ch2 in zip(chs, chs[1:]):
        xs.append(stoi[ch1])
        ys.append(stoi[ch2])
xs, ys = torch.tensor(xs), torch.tensor(ys)
num, size = xs.nelement(), len(stoi)
print("number of examples: ", num)
g = torch.Generator().manual_seed(2147483647)
W = torch.randn((size, size), generator=g, requires_grad=True)
for k in range(20):
    xenc = F.one_hot(xs, num_classes=size).float()
    logits = xenc @ W
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdims=True)
    loss = -probs[torch.arange(num), ys].log().mean() + 0.01 * (W**2).mean()
    W.grad = None
    loss.backward()
    W.data += -10 * W.grad
    if k % 5 == 0:
        print(loss.item())
probs[0]

# %% contexts of three characters
import torch

words = ["emma", "ava"]
stoi = {".": 0, "a": 1, "e": 2, "m": 3, "v": 4}
itos = {i: s for s, i in stoi.items()}
block_size = 3
X, Y = [], []
for w in words:
    context = [0] * block_size
    for ch in w + ".":
        X.append(context)
        Y.append(stoi[ch])
        print("".join(itos[i] for i in context), "--->", ch)
        context = context[1:] + [stoi[ch]]
X = torch.tensor(X)
Y = torch.tensor(Y)
X.shape, X.dtype, Y.shape, Y.dtype

# %% embeddings, joined three ways
import torch

g = torch.Generator().manual_seed(1)
C = torch.randn((5, 2), generator=g)
X = torch.tensor([[0, 0, 1], [0, 1, 2], [1, 2, 3], [4, 0, 0]])
emb = C[X]
print(emb.shape)
joined = torch.cat([emb[:, 0, :], emb[:, 1, :], emb[:, 2, :]], 1)
print((joined == torch.cat(torch.unbind(emb, 1), 1)).all())
print((joined == emb.view(-1, 6)).all(), (joined == emb.view(emb.shape[0], -1)).all())
emb[2]

# %% a character model with a hidden layer
import torch
import torch.nn.functional as F

g = torch.Generator().manual_seed(2147483647)
C = torch.randn((9, 2), generator=g)
W1 = torch.randn((6, 20), generator=g)
b1 = torch.randn(20, generator=g)
W2 = torch.randn((20, 9), generator=g)
b2 = torch.randn(9, generator=g)
parameters = [C, W1, b1, W2, b2]
print(sum(p.nelement() for p in parameters))
for p in parameters:
    p.requires_grad = True
Xtr = torch.randint(0, 9, (120, 3), generator=g)
Ytr = (Xtr[:, 0] + Xtr[:, 2]) % 9
lossi = []
for i in range(60):
    ix = torch.randint(0, Xtr.shape[0], (32,), generator=g)
    emb = C[Xtr[ix]]
    h = torch.tanh(emb.view(-1, 6) @ W1 + b1)
    logits = h @ W2 + b2
    loss = F.cross_entropy(logits, Ytr[ix])
    for p in parameters:
        p.grad = None
    loss.backward()
    lr = 0.1 if i < 40 else 0.01
    for p in parameters:
        p.data += -lr * p.grad
    lossi.append(loss.log10().item())
print(f"{loss.item():.3f}", f"{torch.tensor(lossi).view(-1, 10).mean(1)[-1]:.3f}")

# %% a learning rate found by sweeping
import torch

lre = torch.linspace(-3, 0, 5)
lrs = 10**lre
w = torch.tensor([4.0])
for lr in lrs:
    w.requires_grad_()
    ((w - 1) ** 2).sum().backward()
    w = (w - lr * w.grad).detach()
lrs, w

# %% samples from a model
import torch
import torch.nn.functional as F

g = torch.Generator().manual_seed(2147483647 + 10)
logits = torch.randn((5, 5), generator=g)
itos = dict(enumerate(".abcd"))
for _ in range(3):
    out, context = [], 0
    while len(out) < 12:
        probs = F.softmax(logits[context], dim=0)
        context = torch.multinomial(probs, num_samples=1, generator=g).item()
        out.append(context)
        if context == 0:
            break
    print("".join(itos[i] for i in out))

# %% activations that saturate
import torch

g = torch.Generator().manual_seed(3)
x = torch.randn(200, 10, generator=g)
for gain in (3.0, (5 / 3) / 10**0.5):
    w = torch.randn(10, 50, generator=g) * gain
    h = torch.tanh(x @ w)
    print(f"std {h.std():.2f}, saturated {(h.abs() > 0.97).float().mean() * 100:.1f}%")

# %% batch normalisation as a class of one's own
import torch


class BatchNorm1d:
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.eps, self.momentum, self.training = eps, momentum, True
        self.gamma, self.beta = torch.ones(dim), torch.zeros(dim)
        self.running_mean, self.running_var = torch.zeros(dim), torch.ones(dim)

    def __call__(self, x):
        if self.training:
            xmean, xvar = x.mean(0, keepdim=True), x.var(0, keepdim=True)
        else:
            xmean, xvar = self.running_mean, self.running_var
        xhat = (x - xmean) / torch.sqrt(xvar + self.eps)
        self.out = self.gamma * xhat + self.beta
        if self.training:
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * xmean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * xvar
        return self.out

    def parameters(self):
        return [self.gamma, self.beta]


class Linear:
    def __init__(self, fan_in, fan_out, bias=True):
        self.weight = torch.randn((fan_in, fan_out), generator=g) / fan_in**0.5
        self.bias = torch.zeros(fan_out) if bias else None

    def __call__(self, x):
        self.out = x @ self.weight
        if self.bias is not None:
            self.out += self.bias
        return self.out

    def parameters(self):
        return [self.weight] + ([] if self.bias is None else [self.bias])


class Tanh:
    def __call__(self, x):
        self.out = torch.tanh(x)
        return self.out

    def parameters(self):
        return []


g = torch.Generator().manual_seed(2147483647)
layers = [Linear(6, 16, bias=False), BatchNorm1d(16), Tanh(), Linear(16, 4, bias=False), BatchNorm1d(4)]
with torch.no_grad():
    layers[-1].gamma *= 0.1
parameters = [p for layer in layers for p in layer.parameters()]
print(sum(p.nelement() for p in parameters))
for p in parameters:
    p.requires_grad = True
x = torch.randn(32, 6, generator=g)
y = torch.randint(0, 4, (32,), generator=g)
for layer in layers:
    x = layer(x)
loss = torch.nn.functional.cross_entropy(x, y)
for layer in layers:
    layer.out.retain_grad()
loss.backward()
print(f"{loss.item():.4f}")
for i, p in enumerate(parameters):
    if p.ndim == 2:
        print(f"weight {tuple(p.shape)} | mean {p.grad.mean():+.4f} | grad:data {(p.grad.std() / p.std()):.4f}")

# %% backpropagation by hand, step by step
import torch
import torch.nn.functional as F


def cmp(s, dt, t):
    exact = torch.all(dt == t.grad).item()
    close = torch.allclose(dt, t.grad, atol=1e-6)
    print(f"{s:8s} | approximate: {close!s:5s} | shape: {tuple(t.shape)} | exact type {type(exact).__name__}")


g = torch.Generator().manual_seed(2147483647)
n, vocab = 8, 5
logits = torch.randn((n, vocab), generator=g, requires_grad=True)
Yb = torch.randint(0, vocab, (n,), generator=g)
logit_maxes = logits.max(1, keepdim=True).values
norm_logits = logits - logit_maxes
counts = norm_logits.exp()
counts_sum = counts.sum(1, keepdims=True)
counts_sum_inv = counts_sum**-1
probs = counts * counts_sum_inv
logprobs = probs.log()
loss = -logprobs[range(n), Yb].mean()
for t in [logprobs, probs, counts, counts_sum, counts_sum_inv, norm_logits, logit_maxes]:
    t.retain_grad()
loss.backward()
print(loss)
dlogprobs = torch.zeros_like(logprobs)
dlogprobs[range(n), Yb] = -1.0 / n
dprobs = (1.0 / probs) * dlogprobs
dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
dcounts = counts_sum_inv * dprobs
dcounts_sum = (-(counts_sum**-2)) * dcounts_sum_inv
dcounts += torch.ones_like(counts) * dcounts_sum
dnorm_logits = counts * dcounts
dlogits = dnorm_logits.clone()
dlogit_maxes = (-dnorm_logits).sum(1, keepdim=True)
dlogits += F.one_hot(logits.max(1).indices, num_classes=logits.shape[1]) * dlogit_maxes
for s, d, t in (
    ("logprobs", dlogprobs, logprobs),
    ("probs", dprobs, probs),
    ("counts", dcounts, counts),
    ("logits", dlogits, logits),
):
    cmp(s, d, t)

# %% backpropagation by hand, in one piece
import torch
import torch.nn.functional as F

torch.manual_seed(42)
n = 6
logits = torch.randn(n, 4, requires_grad=True)
Yb = torch.randint(0, 4, (n,))
loss = F.cross_entropy(logits, Yb)
loss.backward()
dlogits = F.softmax(logits, 1)
dlogits[range(n), Yb] -= 1
dlogits /= n
print((dlogits - logits.grad).abs().max().item() < 1e-7)
hpreact = torch.randn(n, 3, requires_grad=True)
hpreact2 = (hpreact - hpreact.mean(0)) / torch.sqrt(hpreact.var(0, unbiased=True) + 1e-5)
upstream = torch.randn(n, 3)
hpreact2.backward(upstream)
inv = (hpreact.var(0, keepdim=True) + 1e-5) ** -0.5
by_hand = inv / n * (n * upstream - upstream.sum(0) - n / (n - 1) * hpreact2 * (upstream * hpreact2).sum(0))
torch.allclose(by_hand, hpreact.grad, atol=1e-5)
