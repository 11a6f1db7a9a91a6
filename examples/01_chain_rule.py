"""A chain of small steps has the product of their derivatives: by hand, then by minigrad.

链式法则：手算一遍，再让 minigrad 算一遍。
"""

import minigrad as torch

x, y = torch.tensor(3.0), torch.tensor(10.0)  # one example ...
w = torch.tensor(2.0, requires_grad=True)  # ... and the parameters of a line through it
b = torch.tensor(1.0, requires_grad=True)

# Forward: the loss of the example, one small step at a time.
product = w * x
y_hat = product + b
error = y_hat - y
loss = error**2 / 2
print(f"prediction {y_hat.item():g}, error {error.item():g}, loss {loss.item():g}")

# By hand: from the loss back, each step multiplies by its own derivative.
d_error = error.item()  # of error**2 / 2 with respect to error
d_y_hat = d_error * 1  # of y_hat - y with respect to y_hat
d_product = d_y_hat * 1  # of product + b with respect to product
d_b = d_y_hat * 1  # of product + b with respect to b
d_w = d_product * x.item()  # of w * x with respect to w

# By minigrad: backward walks the same steps in the same order.
for step in (error, y_hat, product):
    step.retain_grad()  # else only w and b, the leaves, keep their gradient
loss.backward()

print("loss with respect to   by hand   by minigrad")
for name, by_hand, tensor in [
    ("error", d_error, error),
    ("y_hat", d_y_hat, y_hat),
    ("product", d_product, product),
    ("b", d_b, b),
    ("w", d_w, w),
]:
    print(f"{name:20} {by_hand:9g} {tensor.grad.item():13g}")
