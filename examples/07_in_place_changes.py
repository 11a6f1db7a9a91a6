"""Changing a tensor in place: what is counted, what is refused, and what gradients make of it.

原地修改：版本号怎样计数，什么会报错，梯度又如何跟着走。
"""

import minigrad as torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)

# Every change in place is counted. A saved value remembers the count, so backward can tell.
y = x.exp()  # saves its result, which is also its derivative
before = y._version
y += 1
print(f"version of y: {before}, after y += 1: {y._version}")
try:
    y.sum().backward()
except RuntimeError as error:
    print("RuntimeError:", error)

# x + 1 saves nothing, so the same change does no harm.
y = x + 1
y *= 10
y.sum().backward()
print("y = x + 1; y *= 10:", x.grad)

# A leaf is what the gradient is for: it may not change while operations are recorded ...
try:
    x -= 0.1 * x.grad
except RuntimeError as error:
    print("RuntimeError:", error)

# ... and that is why training updates its parameters under no_grad.
with torch.no_grad():
    x -= 0.1 * x.grad
print("updated under no_grad:", x)

# A view is a window on its base: what is written to the one reaches the other, and so does the gradient.
table = torch.zeros(2, 3)
row = table[0]
row += 5 * x
print("table, after its row was changed:", table, sep="\n")
x.grad.zero_()
table.sum().backward()
print("gradient from the table to x:", x.grad)
print(f"versions of row and table: {row._version}, {table._version}")
