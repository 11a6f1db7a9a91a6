# %% a spatial transformer network: the part of a net that turns and moves its own input
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=5)
        self.conv2 = nn.Conv2d(4, 8, kernel_size=5)
        self.conv2_drop = nn.Dropout2d()
        self.fc1 = nn.Linear(128, 20)
        self.fc2 = nn.Linear(20, 10)
        # Spatial transformer localization-network
        self.localization = nn.Sequential(
            nn.Conv2d(1, 4, kernel_size=7),
            nn.MaxPool2d(2, stride=2),
            nn.ReLU(True),
            nn.Conv2d(4, 6, kernel_size=5),
            nn.MaxPool2d(2, stride=2),
            nn.ReLU(True),
        )
        # Regressor for the 3 * 2 affine matrix
        self.fc_loc = nn.Sequential(nn.Linear(6 * 3 * 3, 16), nn.ReLU(True), nn.Linear(16, 3 * 2))
        # Initialize the weights/bias with identity transformation
        self.fc_loc[2].weight.data.zero_()
        self.fc_loc[2].bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))

    def stn(self, x):
        xs = self.localization(x)
        xs = xs.view(-1, 6 * 3 * 3)
        theta = self.fc_loc(xs)
        theta = theta.view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size())
        x = F.grid_sample(x, grid)
        return x

    def forward(self, x):
        x = self.stn(x)
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = x.view(-1, 128)
        x = F.relu(self.fc1(x))
        x = F.dropout(x, training=self.training)
        x = self.fc2(x)
        return F.log_softmax(x, dim=1)


torch.manual_seed(0)
model = Net()
optimizer = optim.SGD(model.parameters(), lr=0.01)
data, target = torch.randn(6, 1, 28, 28), torch.arange(6)
for epoch in range(3):
    model.train()
    optimizer.zero_grad()
    loss = F.nll_loss(model(data), target)
    loss.backward()
    optimizer.step()
    print(f"{epoch} {loss.item():.4f} {model.fc_loc[2].bias.grad.norm().item():.3f}")
with torch.no_grad():
    model.eval()
    print(model(data).max(1, keepdim=True)[1].flatten().tolist(), model.stn(data).shape)

# %% an autoencoder that puts maxima back to where they were
import torch
from torch import nn

torch.manual_seed(0)
pool, unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
encode, decode = nn.Conv2d(1, 4, 3, padding=1), nn.ConvTranspose2d(4, 1, 3, padding=1)
images = torch.rand(3, 1, 8, 8)
hidden, where = pool(torch.relu(encode(images)))
restored = decode(unpool(hidden, where, output_size=images.shape))
loss = nn.functional.mse_loss(restored, images)
loss.backward()
print(hidden.shape, where[0, 0], f"{loss.item():.4f} {encode.weight.grad.norm().item():.4f}")

# %% labels of speech, aligned by connectionist temporal classification
import torch
from torch import nn

torch.manual_seed(0)
T, C, N, S, S_min = 50, 20, 16, 30, 10
input = torch.randn(T, N, C).log_softmax(2).detach().requires_grad_()
target = torch.randint(low=1, high=C, size=(N, S), dtype=torch.long)
input_lengths = torch.full(size=(N,), fill_value=T, dtype=torch.long)
target_lengths = torch.randint(low=S_min, high=S, size=(N,), dtype=torch.long)
ctc_loss = nn.CTCLoss()
loss = ctc_loss(input, target, input_lengths, target_lengths)
loss.backward()
print(f"{loss.item():.4f}", input.grad.shape, f"{input.grad.abs().sum().item():.4f}")

# %% windows of a signal as a view, without a copy
import torch

signal = torch.arange(8.0, requires_grad=True)
windows = torch.as_strided(signal, (3, 4), (2, 1))
print(windows)
(windows**2).sum().backward()
signal.grad
