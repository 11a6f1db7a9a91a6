"""Programs that walk into beginners' traps, and their twins that do not."""

import numpy as np

import minigrad as torch

INITIAL = [0.3141592, -1.2718281, 0.5772156]


def leaf(values=INITIAL):
    return torch.tensor(values, requires_grad=True)


def descend(w, lr=0.1):
    with torch.no_grad():
        w -= lr * w.grad


# Traps. The line that is to be named ends in "# here".


def column_and_row():
    y_hat, y = leaf([[1.0], [2.0], [3.0]]), torch.tensor([1.0, 2.0, 3.0])
    error = y_hat - y  # here
    (error**2).sum().backward()


def column_and_row_mended():
    y_hat, y = leaf([[1.0], [2.0], [3.0]]), torch.tensor([1.0, 2.0, 3.0])
    ((y_hat - y.reshape(y_hat.shape)) ** 2).sum().backward()
    x = torch.tensor([1.0, 2.0, 3.0])
    x[:, None] - x, x.unsqueeze(1) * x, torch.zeros(3, 1) + torch.zeros(4)  # every pair, on purpose


def compared_column_and_row():
    y_hat, y = torch.zeros(5, 1), torch.zeros(5)
    (y_hat == y).float().mean()  # here


def compared_column_and_row_mended():
    y_hat, y = torch.zeros(5, 1), torch.zeros(5)
    (y_hat.squeeze(1) == y).float().mean()


def not_zeroed():
    w = leaf()
    for _ in range(3):
        (w**2).sum().backward()
        with torch.no_grad():
            w -= 0.1 * w.grad  # here


def not_zeroed_mended():
    w = leaf()
    for i in range(4):
        for _ in range(2):  # gradients of two parts of a batch are added up, used once, and dropped
            (w**2).sum().backward()
        descend(w)
        if i % 2:
            w.grad.zero_()
        else:
            w.grad = None


def not_zeroed_with_data():
    w = leaf()
    for _ in range(3):
        (w**2).sum().backward()  # here
        w.data = w.data - 0.1 * w.grad


def not_zeroed_with_data_mended():
    w = leaf()
    for _ in range(3):
        (w**2).sum().backward()
        w.data = w.data - 0.1 * w.grad
        w.grad = None


def running_total():
    w, total = leaf(), 0.0
    for _ in range(4):
        loss = (w**2).sum()
        loss.backward()
        total += loss  # here
        w.grad = None


def running_total_mended():
    w, total, losses = leaf(), 0.0, []
    for _ in range(4):
        loss = (w**2).sum()
        loss.backward()
        total += loss.item()
        losses.append(loss)
        w.grad = None
    torch.stack(losses).mean()


def state_carried_on():
    w, h = leaf(), torch.zeros(3)
    for _ in range(4):
        h = torch.tanh(w + h)  # here
        h.sum().backward(retain_graph=True)
        w.grad = None


def state_carried_on_mended():
    w, h = leaf(), torch.zeros(3)
    for _ in range(4):
        h = torch.tanh(w + h.detach())
        h.sum().backward()
        w.grad = None


def parameter_replaced():
    w = leaf()
    for _ in range(4):
        (g,) = torch.autograd.grad((w**2).sum(), w)
        w = w - 0.1 * g  # here


def parameter_replaced_mended():
    w = leaf()
    for _ in range(4):
        (g,) = torch.autograd.grad((w**2).sum(), w)
        with torch.no_grad():
            w -= 0.1 * g


def two_losses_of_one_graph():
    """Not a trap: as when a generator and its critic are trained."""
    made, judge = leaf(), leaf()
    for _ in range(4):
        fake = made * torch.ones(3)
        (judge * fake).sum().backward(retain_graph=True)
        descend(judge)
        (judge * fake).sum().backward()
        descend(made)
        made.grad = judge.grad = None


def running_average():
    """Not a trap: parameters that follow others, and whose outputs are a target."""
    w, slow = leaf(), leaf([1.0, 2.0, 3.0])
    for _ in range(3):
        ((w - (slow * 2).detach()) ** 2).sum().backward()
        descend(w)
        w.grad = None
        with torch.no_grad():
            slow.mul_(0.9).add_(w, alpha=0.1)


def second_derivatives():
    """Not a trap: the graph of a gradient."""
    x = leaf()
    value = (x**4).sum()
    for _ in range(3):
        (gradient,) = torch.autograd.grad(value, x, create_graph=True)
        value = gradient.sum()


def number_put_back():
    w = leaf()
    mean = w.mean().item()
    centred = w - mean  # here
    (centred**2).sum().backward()


def number_put_back_mended():
    w = leaf()
    ((w - w.mean()) ** 2).sum().backward()
    norm = w.grad.norm().item()  # no gradient flows through a gradient here
    with torch.no_grad():
        w -= 0.1 / norm * w.grad
    loss = ((w / norm) ** 2).sum()
    print(loss.item(), f"{loss:f}", loss)


def plain_number_put_back():
    w = leaf([1.0, 2.0, 3.0])
    mean = float(w.detach().mean() * 0 + w.mean())
    centred = w - mean  # here
    (centred**2).sum().backward()


def plain_number_put_back_mended():
    w = leaf([1.0, 2.0, 3.0])
    w.mean().item()  # 2.0, which is not the 2.0 that stands in the program
    ((w - 2.0) ** 2).sum().backward()


def tensor_of_number():
    w = leaf()
    scale = torch.tensor(w.norm().item())
    unit = w / scale  # here
    unit.sum().backward()


def tensor_of_number_mended():
    w = leaf()
    scale = w.norm().detach()
    (w / scale).sum().backward()


def loss_of_number():
    w = leaf()
    loss = torch.tensor((w**2).sum().item(), requires_grad=True)
    loss.backward()  # here


def loss_of_number_mended():
    w = leaf()
    w.tolist(), w[0].item()
    (w**2).sum().backward()


def through_numpy():
    w = leaf()
    hidden = torch.tensor(np.asarray((w * 2).detach()))
    product = w * hidden  # here
    product.sum().backward()


def through_numpy_mended():
    w = leaf()
    hidden = w * 2
    hidden.detach().numpy().mean()
    (w * hidden).sum().backward()


def through_numpys_memory():
    w = leaf()
    array = (w * 2).detach().numpy()
    array += 1
    product = w * torch.from_numpy(array)  # here
    product.sum().backward()


def through_numpys_memory_mended():
    w = leaf()
    (w * torch.from_numpy(np.array(INITIAL, np.float32))).sum().backward()


def through_a_list():
    w = leaf()
    hidden = torch.tensor((w * 2).tolist())
    product = w * hidden  # here
    product.sum().backward()


def through_a_list_mended():
    w = leaf()
    hidden = w * 2
    print(hidden.tolist())
    (w * hidden).sum().backward()


def through_data():
    w = leaf()
    hidden = w * 2
    product = w * hidden.data  # here
    product.sum().backward()


def through_data_mended():
    w = leaf()
    (w * (w * 2).detach()).sum().backward()
    w.data -= 0.1 * w.grad.data


def cut_off():
    w, v = leaf(), leaf()
    hidden = v * 2  # here
    (w * hidden.detach()).sum().backward()


def cut_off_mended():
    w, v = leaf(), leaf()
    fake = v * 2
    (w * fake.detach()).sum().backward()
    (w * fake).sum().backward()  # a later loss leads to it
    (w**2).sum().backward(inputs=[w])
    other = leaf()
    (w * other).sum().backward(inputs=[w])  # nothing was asked for it


def updated_for_nothing():
    w, v = leaf(), leaf()
    (w * v).sum().backward()
    descend(v)
    w.grad = v.grad = None
    (w * (v * 2).detach()).sum().backward()
    v.grad = torch.zeros(3)
    with torch.no_grad():
        v -= 0.1 * v.grad  # here


def updated_for_nothing_mended():
    w, v = leaf(), leaf()
    for _ in range(2):
        (w * v).sum().backward()
        descend(v)
        with torch.no_grad():
            v.clamp_(-10, 10)
        w.grad = v.grad = None


def saturated():
    w = leaf()
    for _ in range(2):
        loss = torch.sigmoid(1000 + w).sum()
        loss.backward()  # here
        w.grad = None


def saturated_mended():
    w = leaf()
    for _ in range(2):
        torch.sigmoid(w).sum().backward()
        w.grad = None


def saturated_at_once():
    w = leaf()
    torch.sigmoid(1000 + w).sum().backward()  # here


def saturated_at_once_mended():
    w, last = leaf(), leaf([0.0, 0.0, 0.0])  # a layer that begins at zero lets nothing through, once
    for _ in range(3):
        ((w * last).sum() - 1).square().backward()
        descend(last)
        w.grad = last.grad = None


def dead():
    w = leaf()
    for _ in range(5):
        loss = (torch.relu(w) + 1).sum()
        loss.backward()  # here
        descend(w, lr=10)
        w.grad = None


def dead_mended():
    w = leaf([1.0])
    for _ in range(200):  # it converges, its loss does not become zero, and its gradient does
        ((w - 3) ** 2 + 1).sum().backward()
        descend(w, lr=0.3)
        w.grad = None


def step_too_large():
    w = leaf()
    for _ in range(14):
        (w**2).sum().backward()  # here
        descend(w, lr=1.5)
        w.grad = None


def step_too_large_mended():
    w = leaf()
    for _ in range(14):
        (w**2).sum().backward()
        descend(w, lr=0.4)
        w.grad = None


def root_of_zero():
    w = leaf([0.0, 1.0])
    w.sqrt().sum().backward()  # here


def root_of_zero_mended():
    w = leaf([0.0, 1.0])
    (w + 1e-3).sqrt().sum().backward()


def overflow_that_is_dropped(scale=1e200):
    def step(optimizer, loss):
        (loss * scale).backward()  # here
        if scale == 1e200:
            optimizer.zero_grad(set_to_none=False)
        optimizer.step()

    trained_by(step, 1)


def overflow_that_is_dropped_mended():
    overflow_that_is_dropped(2.0)


def trained_by(step, steps=2):
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        step(optimizer, (net(torch.ones(3, 2)) ** 2).mean())


def zeroed_too_late():
    def step(optimizer, loss):
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()  # here

    trained_by(step)


def zeroed_to_zeros_too_late():
    def step(optimizer, loss):
        loss.backward()
        optimizer.zero_grad(set_to_none=False)
        optimizer.step()  # here

    trained_by(step)


def zeroed_too_late_mended():
    def step(optimizer, loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    trained_by(step)


def zeroed_to_zeros_too_late_mended():
    """Gradients of one batch in three are dropped on purpose."""
    losses = []

    def step(optimizer, loss):
        losses.append(loss)
        optimizer.zero_grad()
        loss.backward()
        if len(losses) % 3 == 0:
            optimizer.zero_grad()
        torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
        optimizer.step()

    trained_by(step, 7)


def softmax_twice():
    torch.manual_seed(0)
    scores = torch.nn.Linear(2, 2)(torch.ones(3, 2)).softmax(1)
    torch.nn.CrossEntropyLoss()(scores, torch.tensor([0, 1, 1])).backward()  # here


def softmax_twice_mended():
    torch.manual_seed(0)
    scores = torch.nn.Linear(2, 2)(torch.ones(3, 2))
    scores.softmax(1).log().sum().backward(retain_graph=True)
    torch.nn.CrossEntropyLoss()(scores, torch.tensor([0, 1, 1])).backward()


def forgotten_layer(look_after=lambda first: None):
    torch.manual_seed(0)
    first, second = torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(second.parameters(), lr=0.1)
    hidden = first(torch.ones(3, 2))  # here
    (second(hidden) ** 2).sum().backward()
    optimizer.step()
    return look_after(first)


def forgotten_layer_mended():
    forgotten_layer(lambda first: descend(first.weight))


TRAPS = {
    "both expanded": [column_and_row, compared_column_and_row],
    "used twice": [not_zeroed, not_zeroed_with_data],
    "growing graph": [running_total, state_carried_on, parameter_replaced],
    "put back": [
        number_put_back,
        plain_number_put_back,
        tensor_of_number,
        loss_of_number,
        through_numpy,
        through_numpys_memory,
        through_a_list,
        through_data,
    ],
    "no gradient": [cut_off, updated_for_nothing],
    "dropped before step": [zeroed_too_late, zeroed_to_zeros_too_late],
    "softmax twice": [softmax_twice],
    "in no optimizer": [forgotten_layer],
    "vanishes": [saturated, saturated_at_once, dead],
    "explodes": [step_too_large],
    "not finite": [root_of_zero, overflow_that_is_dropped],
}
PAIRS = [(kind, trap) for kind, traps in TRAPS.items() for trap in traps]
BESIDE = {"loss_of_number": {"no gradient"}}  # what else is the matter there: w is used in vain
IN_PEACE = [globals()[f"{trap.__name__}_mended"] for _, trap in PAIRS] + [
    two_losses_of_one_graph,
    running_average,
    second_derivatives,
]
