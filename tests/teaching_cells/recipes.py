# %% mixed precision around a step, on a machine without a GPU
import torch
from torch import nn

device = "cuda" if torch.cuda.is_available() else "cpu"
use_amp = device == "cuda"
torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = True
net = nn.Linear(3, 1).to(device)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cuda", enabled=use_amp)
x = torch.arange(6.0, device=device).view(2, 3)
for step in range(3):
    with torch.autocast(device_type=device, enabled=use_amp):
        loss = net(x).pow(2).mean()
    optimizer.zero_grad(set_to_none=True)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    print(f"{step}: {loss.item():.3f} {norm:.3f} {scaler.get_scale()}")

# %% one task of meta-learning, with torch.func.functional_call
import torch
from torch import nn
from torch.func import functional_call

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
x = torch.linspace(-1, 1, 6).unsqueeze(1)
y = torch.sin(3 * x)
params = dict(net.named_parameters())
for _ in range(2):
    loss = (functional_call(net, params, x) - y).pow(2).mean()
    grads = torch.autograd.grad(loss, list(params.values()), create_graph=True)
    params = {name: p - 0.1 * g for (name, p), g in zip(params.items(), grads, strict=True)}
(functional_call(net, params, x) - y).pow(2).mean().backward()
print([round(p.grad.norm().item(), 3) for p in net.parameters()])

# %% a discriminator with spectral norm
import torch
from torch import nn
from torch.nn.utils import spectral_norm

torch.manual_seed(0)
critic = nn.Sequential(spectral_norm(nn.Linear(4, 8)), nn.LeakyReLU(0.1), spectral_norm(nn.Linear(8, 1)))
real, fake = torch.randn(5, 4) + 1, torch.randn(5, 4)
loss = torch.relu(1 - critic(real)).mean() + torch.relu(1 + critic(fake)).mean()
loss.backward()
print(critic, [name for name, _ in critic.named_parameters()])
print(f"{loss.item():.3f}, {critic[0].weight_orig.grad.norm():.3f}")

# %% a mixture of Gaussians by gradient descent
import torch
from torch import distributions as D

torch.manual_seed(0)
data = torch.cat([torch.randn(40, 2) * 0.5, torch.randn(40, 2) + 3])
weights, means = torch.zeros(2, requires_grad=True), torch.tensor([[0.5, 0.0], [1.0, 2.0]], requires_grad=True)
optimizer = torch.optim.Adam([weights, means], lr=0.1)
for _ in range(20):
    parts = D.MultivariateNormal(means, torch.eye(2))
    loss = -D.MixtureSameFamily(D.Categorical(logits=weights), parts).log_prob(data).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(parts)
print(f"{loss.item():.3f}", torch.round(means.detach(), decimals=2))

# %% weights averaged along training
import torch
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel

torch.manual_seed(0)
net = nn.Linear(2, 1)
average, optimizer = AveragedModel(net), torch.optim.SGD(net.parameters(), lr=0.1)
schedule = SWALR(optimizer, swa_lr=0.02, anneal_epochs=2)
for epoch in range(4):
    optimizer.zero_grad()
    net(torch.eye(2)).sub(1).pow(2).sum().backward()
    optimizer.step()
    average.update_parameters(net)
    schedule.step()
    print(epoch, round(schedule.get_last_lr()[0], 4), average.n_averaged)
torch.testing.assert_close(average(torch.zeros(1, 2)), average.module.bias[None])
print(average)

# %% texts of different lengths, classified by the mean of their words
import torch
from torch import nn

torch.manual_seed(0)
texts = [([1, 5, 2], 0), ([7, 3], 1), ([5, 1, 1, 4], 0), ([3], 1)]


def collate_batch(batch):
    label_list, text_list, offsets = [], [], [0]
    for _text, _label in batch:
        label_list.append(_label)
        processed_text = torch.tensor(_text, dtype=torch.int64)
        text_list.append(processed_text)
        offsets.append(processed_text.size(0))
    offsets = torch.tensor(offsets[:-1]).cumsum(dim=0)
    return torch.tensor(label_list, dtype=torch.int64), torch.cat(text_list), offsets


class TextClassificationModel(nn.Module):
    def __init__(self, vocab_size, embed_dim, num_class):
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocab_size, embed_dim, sparse=False)
        self.fc = nn.Linear(embed_dim, num_class)
        self.embedding.weight.data.uniform_(-0.5, 0.5)
        self.fc.bias.data.zero_()

    def forward(self, text, offsets):
        return self.fc(self.embedding(text, offsets))


model, criterion = TextClassificationModel(9, 4, 2), nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
loader = torch.utils.data.DataLoader(texts, batch_size=2, shuffle=True, collate_fn=collate_batch)
for epoch in range(3):
    for label, text, offsets in loader:
        optimizer.zero_grad()
        loss = criterion(model(text, offsets), label)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
    print(epoch, f"{loss.item():.4f}", model(text, offsets).argmax(1).tolist())
print(model)

# %% the policy of soft actor-critic, squashed by tanh
import torch
from torch import nn
from torch.distributions import Independent, Normal, TanhTransform, TransformedDistribution

torch.manual_seed(0)
policy = nn.Linear(3, 4)
optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
for _ in range(3):
    mean, log_std = policy(torch.randn(8, 3)).chunk(2, dim=-1)
    normal = Normal(mean, log_std.clamp(-20, 2).exp())
    actions = Independent(TransformedDistribution(normal, [TanhTransform(cache_size=1)]), 1)
    action = actions.rsample()
    loss = (0.2 * actions.log_prob(action) + (action - 0.5).pow(2).sum(-1)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{loss.item():.3f}", action.shape, actions.batch_shape, actions.event_shape)

# %% the gradient of each example, with vmap
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
X, y = torch.randn(5, 4), torch.tensor([0, 2, 1, 1, 0])
params = {name: p.detach() for name, p in net.named_parameters()}


def loss_of_one(params, x, label):
    logits = functional_call(net, params, (x.unsqueeze(0),))
    return nn.functional.cross_entropy(logits, label.unsqueeze(0))


each = vmap(grad(loss_of_one), in_dims=(None, 0, 0))(params, X, y)
print({name: tuple(g.shape) for name, g in each.items()})
norms = torch.stack([g.flatten(1).norm(dim=1) for g in each.values()]).norm(dim=0)
print(norms)

# %% the product of a Hessian and a vector, forward over reverse
import torch
from torch.func import grad, hessian, jvp


def f(x):
    return (x[1:] - x[:-1] ** 2).pow(2).sum() + (1 - x[:-1]).pow(2).sum()


x, v = torch.tensor([0.5, -1.0, 2.0]), torch.tensor([1.0, 0.0, -1.0])
slope, product = jvp(grad(f), (x,), (v,))
print(slope, product)
print(hessian(f)(x) @ v)

# %% an inner step of meta-learning, with grad of grad
import torch
from torch.func import grad, vmap

torch.manual_seed(0)
w, tasks = torch.tensor([0.5, -0.5]), torch.randn(3, 6, 2)


def loss(w, x):
    return (torch.tanh(x @ w) - x.sum(1)).pow(2).mean()


def after_one_step(w, x):
    return loss(w - 0.1 * grad(loss)(w, x[:3]), x[3:])


meta = grad(lambda w: vmap(after_one_step, in_dims=(None, 0))(w, tasks).mean())
for _ in range(3):
    w = w - 0.5 * meta(w)
print(w)

# %% a deep network that keeps only the borders of its segments
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

torch.manual_seed(0)
net = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Dropout(0.1)) for _ in range(6)])
x = torch.randn(4, 8)
for forward in (net, lambda x: checkpoint_sequential(net, 3, x, use_reentrant=False)):
    torch.manual_seed(1)
    net.zero_grad()
    out = forward(x)
    out.sum().backward()
    print(out[0, :3], net[0][0].weight.grad.norm())
y = checkpoint(lambda h: h.sin().exp(), x.requires_grad_(), use_reentrant=True)
print(y.grad_fn.name())
y.sum().backward()
print(x.grad[0, :3])

# %% an optimizer around another one: sharpness-aware minimisation
import torch
from torch import nn


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base, rho=0.05, **kwargs):
        super().__init__(params, dict(rho=rho, **kwargs))
        self.base = base(self.param_groups, **kwargs)
        self.param_groups = self.base.param_groups
        self.defaults.update(self.base.defaults)

    @torch.no_grad()
    def step(self, closure):
        closure = torch.enable_grad()(closure)
        loss = closure()
        grads = [p.grad for group in self.param_groups for p in group["params"]]
        norm = torch.norm(torch.stack([g.norm(p=2) for g in grads]), p=2)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["old"] = p.data.clone()
                p.add_(p.grad * (group["rho"] / (norm + 1e-12)).to(p))
        self.zero_grad()
        closure()
        for group in self.param_groups:
            for p in group["params"]:
                p.data = self.state[p]["old"]
        self.base.step()
        self.zero_grad()
        return loss


torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
X = torch.randn(64, 4)
y = (X.sum(1) > 0).long() + (X[:, 0] > 1)
sam = SAM(net.parameters(), torch.optim.SGD, lr=0.1, momentum=0.9)
print(sam)


def closure():
    loss = nn.functional.cross_entropy(net(X), y)
    loss.backward()
    return loss


for i in range(5):
    print(f"{i} {sam.step(closure):.4f}")
len(sam.state_dict()["state"])

# %% a chain of tags: the forward algorithm, and the best path
import torch

torch.manual_seed(1)
emissions, transitions = torch.randn(6, 3), torch.randn(3, 3, requires_grad=True)
tags = torch.tensor([0, 2, 1, 1, 0, 2])
alpha = emissions[0]
for e in emissions[1:]:
    alpha = torch.logsumexp(alpha[:, None] + transitions, dim=0) + e
score = emissions[torch.arange(6), tags].sum() + transitions[tags[:-1], tags[1:]].sum()
loss = alpha.logsumexp(0) - score
loss.backward()
print(loss, transitions.grad, sep="\n")
with torch.no_grad():
    best, back = emissions[0], []
    for e in emissions[1:]:
        best, pointer = (best.unsqueeze(1) + transitions).max(dim=0)
        best = best + e
        back.append(pointer.tolist())
path = [int(best.argmax())]
for pointer in reversed(back):
    path.insert(0, pointer[path[0]])
print(best.max(), path)

# %% experts that a gate chooses, and positions as rotations
import torch
import torch.nn.functional as F
from torch import nn


def rotate(x: torch.Tensor, base: float = 10000.0) -> torch.Tensor:
    half = x.shape[-1] // 2
    angles = torch.outer(torch.arange(x.shape[-2]), base ** (-torch.arange(half) / half)).float()
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()), dim=-1)


class Experts(nn.Module):
    def __init__(self, dim, n=4, k=2):
        super().__init__()
        self.gate, self.k = nn.Linear(dim, n, bias=False), k
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(dim, 2 * dim), nn.SiLU(), nn.Linear(2 * dim, dim)) for _ in range(n)
        )

    def forward(self, x):
        flat = x.view(-1, x.shape[-1])
        weights, chosen = torch.topk(self.gate(flat), self.k)
        weights = F.softmax(weights, dim=1, dtype=torch.float).to(x.dtype)
        out = torch.zeros_like(flat)
        for i, expert in enumerate(self.experts):
            rows, nth = torch.where(chosen == i)
            out[rows] += weights[rows, nth, None] * expert(flat[rows])
        self.load = torch.bincount(chosen.flatten(), minlength=len(self.experts))
        return out.view_as(x)


torch.manual_seed(0)
q = torch.randn(2, 5, 8, requires_grad=True)
moe = Experts(8)
y = moe(rotate(q))
y.square().mean().backward()
print(moe, y[0, 1], moe.load, sep="\n")
print(q.grad.norm(), moe.gate.weight.grad.norm(), rotate(q).norm() - q.norm() < 1e-5)

# %% where a network looks, by hooks
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
seen = {}
handles = [
    net[0].register_forward_hook(lambda m, i, o: seen.update(value=o.detach().clone())),
    net[1].register_full_backward_hook(lambda m, g_in, g_out: seen.update(grad=g_out[0])),
]
net.eval()
image = torch.rand(1, 1, 8, 8)
scores = net(image)
net.zero_grad()
scores[0, scores.argmax(dim=1).item()].backward()
weights = seen["grad"].mean(dim=(2, 3), keepdim=True)
cam = F.relu((weights * seen["value"]).sum(1, keepdim=True))
cam = F.interpolate(cam, image.shape[2:], mode="bilinear", align_corners=False)
for handle in handles:
    handle.remove()
print(cam.shape, len(net[0]._forward_hooks))
cam[0, 0, :2]
