"""Gradients add up: within a loss that must be so, and between two losses it is yours to undo.

梯度会累加：在一次反向传播之内理当如此，两次之间则要由你清零。
"""

import minigrad as torch

# Why they add up: x is used twice here, and each use sends its share of the gradient.
x = torch.tensor(2.0, requires_grad=True)
loss = x * x + 5 * x
loss.backward()
print(f"x * x sends 2x = 4, 5 * x sends 5: x.grad = {x.grad.item():g}")

# A second backward is to .grad what a second use is: it adds its own 9.
loss = x * x + 5 * x
loss.backward()
print(f"the same loss again, nothing zeroed:  x.grad = {x.grad.item():g}")

x.grad.zero_()
loss = x * x + 5 * x
loss.backward()
print(f"and once more, after x.grad.zero_():  x.grad = {x.grad.item():g}")


def descend(zero_grad):
    """Values of w on the way to the minimum of (w - 3)**2, which is at 3."""
    w = torch.tensor(0.0, requires_grad=True)
    path = []
    for _ in range(12):
        ((w - 3) ** 2).backward()
        with torch.no_grad():
            w -= 0.2 * w.grad
        if zero_grad:
            w.grad.zero_()
        path.append(w.item())
    return path


# Forgotten in training: every step repeats all the steps before it, and w swings past 3.
for zero_grad, name in [(True, "zeroed"), (False, "forgotten")]:
    print(f"w, gradients {name}:", *(f"{w:.2f}" for w in descend(zero_grad)))
