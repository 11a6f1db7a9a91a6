"""A node may pass its gradient on only when all its users have delivered theirs.

反向传播为什么必须按拓扑顺序：一个节点要等所有用到它的节点都送来梯度，才能往下传。
"""

import minigrad as torch

x = torch.tensor(5.0, requires_grad=True)
u = x**2
loss = u + 3 * u  # u is used twice, so its gradient comes from two sides: a diamond
# The loss is 4 * x**2, and its derivative 8 * x = 40.

# What each kind of node multiplies by, for each of its inputs.
DERIVATIVES = {"AddBackward0": (1, 1), "MulBackward0": (3, None), "PowBackward0": (2 * x.item(),)}


def breadth_first(root):
    """The naive order: what the loss used, then what that used, and so on."""
    order = [root]
    for node in order:
        order += [used for used, _ in node.next_functions if used not in [None, *order]]
    return order


def topological(root, order=()):
    """Each node goes in front of all that it used, and so stands behind all its users."""
    for used, _ in root.next_functions:
        if used not in [None, *order]:
            order = topological(used, order)
    return [root, *order]


def walk(order):
    """Let the nodes pass on, in this order, what they have received; return what x receives."""
    received = dict.fromkeys(order, 0)
    received[order[0]] = 1
    for node in order[:-1]:  # the last stands for x
        print(f"  {node.name()} passes on {received[node]:g}")
        for (used, _), derivative in zip(node.next_functions, DERIVATIVES[node.name()], strict=True):
            if used is not None:
                received[used] += received[node] * derivative
    return received[order[-1]]


for find_order in (breadth_first, topological):
    print(f"{find_order.__name__}:")
    print(f"  gradient of x: {walk(find_order(loss.grad_fn)):g}")
loss.backward()  # takes the newest node first: a user is always newer than what it used
print(f"loss.backward():\n  gradient of x: {x.grad.item():g}")
