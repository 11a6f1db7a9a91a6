# %% a tree of layers, as WaveNet has it
import torch
import torch.nn.functional as F


class FlattenConsecutive:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        B, T, C = x.shape
        x = x.view(B, T // self.n, C * self.n)
        if x.shape[1] == 1:
            x = x.squeeze(1)
        self.out = x
        return self.out


torch.manual_seed(42)
emb = torch.nn.Embedding(27, 4)
ix = torch.randint(0, 27, (4, 8))
x = emb(ix)
print(x.shape)
for _ in range(3):
    x = FlattenConsecutive(2)(x)
    x = torch.tanh(x @ (torch.randn(8, 4) / 8**0.5))
    print(tuple(x.shape))
(torch.randn(4, 4, 8) @ torch.randn(8, 3) + torch.randn(3)).shape, x[0]

# %% attention as a mean over what came before
import torch
from torch.nn import functional as F

torch.manual_seed(1337)
B, T, C = 2, 4, 2
x = torch.randn(B, T, C)
xbow = torch.zeros((B, T, C))
for b in range(B):
    for t in range(T):
        xbow[b, t] = torch.mean(x[b, : t + 1], 0)
wei = torch.tril(torch.ones(T, T))
wei = wei / wei.sum(1, keepdim=True)
print(torch.allclose(xbow, wei @ x))
tril = torch.tril(torch.ones(T, T))
wei = torch.zeros((T, T))
wei = wei.masked_fill(tril == 0, float("-inf"))
wei = F.softmax(wei, dim=-1)
print(wei)
torch.allclose(xbow, wei @ x)

# %% one head of attention
import torch
import torch.nn as nn
from torch.nn import functional as F

torch.manual_seed(1337)
B, T, C, head_size = 2, 4, 8, 4
x = torch.randn(B, T, C)
key, query, value = (nn.Linear(C, head_size, bias=False) for _ in range(3))
k, q = key(x), query(x)
wei = q @ k.transpose(-2, -1) * head_size**-0.5
tril = torch.tril(torch.ones(T, T))
wei = wei.masked_fill(tril == 0, float("-inf"))
wei = F.softmax(wei, dim=-1)
out = wei @ value(x)
print(wei[0])
out.shape

# %% characters of a text, in batches
import torch

text = "the quick brown fox jumps over the lazy dog. " * 4
chars = sorted(list(set(text)))
stoi = {ch: i for i, ch in enumerate(chars)}
encode = lambda s: [stoi[c] for c in s]
decode = lambda l: "".join(chars[i] for i in l)
data = torch.tensor(encode(text), dtype=torch.long)
print(data.shape, data.dtype, decode(data[:9].tolist()))
torch.manual_seed(1337)
ix = torch.randint(len(data) - 8, (4,))
x = torch.stack([data[i : i + 8] for i in ix])
y = torch.stack([data[i + 1 : i + 8 + 1] for i in ix])
print(x)
print(y.shape)

# %% a small model that writes
import torch
import torch.nn as nn
from torch.nn import functional as F


class Head(nn.Module):
    def __init__(self, n_embd, head_size, block_size):
        super().__init__()
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.register_buffer("tril", torch.tril(torch.ones(block_size, block_size)))

    def forward(self, x):
        B, T, C = x.shape
        k, q = self.key(x), self.query(x)
        wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        wei = wei.masked_fill(self.tril[:T, :T] == 0, float("-inf"))
        return F.softmax(wei, dim=-1) @ self.value(x)


class Block(nn.Module):
    def __init__(self, n_embd, n_head, block_size):
        super().__init__()
        self.heads = nn.ModuleList([Head(n_embd, n_embd // n_head, block_size) for _ in range(n_head)])
        self.proj = nn.Linear(n_embd, n_embd)
        self.ffwd = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.ReLU(), nn.Linear(4 * n_embd, n_embd))
        self.ln1, self.ln2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)

    def forward(self, x):
        x = x + self.proj(torch.cat([h(self.ln1(x)) for h in self.heads], dim=-1))
        return x + self.ffwd(self.ln2(x))


class LanguageModel(nn.Module):
    def __init__(self, vocab_size, n_embd=16, block_size=8):
        super().__init__()
        self.block_size = block_size
        self.token_embedding_table = nn.Embedding(vocab_size, n_embd)
        self.position_embedding_table = nn.Embedding(block_size, n_embd)
        self.blocks = nn.Sequential(Block(n_embd, 4, block_size), Block(n_embd, 4, block_size))
        self.ln_f = nn.LayerNorm(n_embd)
        self.lm_head = nn.Linear(n_embd, vocab_size)

    def forward(self, idx, targets=None):
        B, T = idx.shape
        x = self.token_embedding_table(idx) + self.position_embedding_table(torch.arange(T))
        logits = self.lm_head(self.ln_f(self.blocks(x)))
        if targets is None:
            return logits, None
        B, T, C = logits.shape
        return logits, F.cross_entropy(logits.view(B * T, C), targets.view(B * T))

    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            logits, _ = self(idx[:, -self.block_size :])
            probs = F.softmax(logits[:, -1, :], dim=-1)
            idx = torch.cat((idx, torch.multinomial(probs, num_samples=1)), dim=1)
        return idx


torch.manual_seed(1337)
text = "to be or not to be that is the question "
chars = sorted(set(text))
data = torch.tensor([chars.index(c) for c in text], dtype=torch.long)
model = LanguageModel(len(chars))
print(sum(p.numel() for p in model.parameters()), "parameters")
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for step in range(12):
    ix = torch.randint(len(data) - 8, (8,))
    xb = torch.stack([data[i : i + 8] for i in ix])
    yb = torch.stack([data[i + 1 : i + 9] for i in ix])
    logits, loss = model(xb, yb)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 4 == 0:
        print(f"step {step}: {loss.item():.4f}")
context = torch.zeros((1, 1), dtype=torch.long)
print("".join(chars[i] for i in model.generate(context, max_new_tokens=20)[0].tolist()))
