"""A small classifier, written for torch: nothing in it knows of minigrad.

python -m minigrad examples/08_written_for_torch.py           runs it without torch
python -m minigrad compare examples/08_written_for_torch.py   runs it on both, and shows where they part, if they do
"""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


def spirals(turns: int, points: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points on two arms that wind around each other, and which arm each is on."""
    t = torch.rand(points) * turns * 2 * math.pi + 1
    arm = torch.randint(0, 2, (points,))
    angle = t + arm * math.pi
    positions = torch.stack([t * angle.cos(), t * angle.sin()], dim=1) / 8
    return positions + 0.02 * torch.randn(points, 2), arm


positions, arms = spirals(turns=1, points=512)
net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
batches = DataLoader(TensorDataset(positions, arms), batch_size=64, shuffle=True)
print(net)

for epoch in range(1, 31):
    for x, y in batches:
        loss = criterion(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        with torch.no_grad():
            scores = net(positions)
        right = (scores.argmax(dim=1) == arms).float().mean().item()
        print(f"epoch {epoch}, loss {criterion(scores, arms).item():.3f}, right {right:.1%}")
