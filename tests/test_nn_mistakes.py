"""The usual mistakes with modules, losses and optimizers: torch's error in its words, then what to do instead."""

import pytest

torch = pytest.importorskip("torch")
import minigrad

CLASSES = """
class NoInit(nn.Module):
    def __init__(self, value):
        self.value = value

    def forward(self, x):
        return x

class Misspelt(nn.Module):
    def foward(self, x):
        return x

class InList(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 1)]

class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.ones(2, requires_grad=True)

class Kept(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, n):
        ctx.save_for_backward(x, n)
        return x * n

class Unset(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * ctx.x

class Returned(Unset):
    @staticmethod
    def backward(ctx, g):
        return g.numpy()
"""
ADVICE = {
    "NoInit(nn.Linear(2, 1))": "super().__init__()",
    "NoInit(nn.Parameter(torch.ones(2)))": "super().__init__()",
    "NoInit(3)(torch.ones(2))": "super().__init__()",
    "nn.Linear(2, 1).wieght": "",
    "Misspelt()(torch.ones(2))": "It has foward(): is that misspelt?",
    "nn.Module()(torch.ones(2))": "",
    "SGD(nn.Linear(2, 1), lr=0.1)": "net.parameters()",
    "SGD(nn.Linear(2, 1).parameters, lr=0.1)": "Call it: net.parameters()",
    "torch.optim.Adam(nn.Linear(2, 1).parameters(), lr='1e-3')": "float('1e-3')",
    "nn.Sequential([nn.ReLU()])": "nn.Sequential(*layers)",
    "nn.Sequential(nn.ReLU(), F.relu)": "nn.ReLU() calls F.relu",
    "nn.Sequential(nn.ReLU(), lambda x: x)": "nn.ReLU() calls F.relu",
    "nn.Sequential(nn.ReLU(), nn.Tanh)": "Tanh(...)",
    "nn.Sequential(nn.ReLU(), 3)": "",
    "nn.CrossEntropyLoss()(torch.tensor([0, 2]), torch.ones(2, 3))": "they come first, before the target",
    "torch.ones(3, 4).gather(1, torch.tensor([0, 1, 2]))": "index.unsqueeze(1)",
    "torch.ones(3, 4).gather(0, torch.tensor([0, 1, 2]))": "",
    "torch.cat(torch.ones(2), torch.ones(2))": "torch.cat([a, b])",
    "torch.stack(torch.ones(2), torch.ones(2))": "torch.stack([a, b])",
    "Kept.apply(torch.ones(2, requires_grad=True), 3)": "ctx.n = n",
    "Unset.apply(torch.ones(2, requires_grad=True)).sum().backward()": "ctx.x = ...",
    "Returned.apply(torch.ones(2, requires_grad=True)).sum().backward()": "torch.from_numpy",
    "SGD(nn.Sequential(nn.Linear(2, 1)), lr=0.1)": "net.parameters()",
    "SGD([nn.Linear(2, 1).weight, 3.0], lr=0.1)": "",
    "SGD(3, lr=0.1)": "",
    "SGD(InList().parameters(), lr=0.1)": "nn.ModuleList",
    "F.cross_entropy(torch.ones(3, 4), torch.ones(3))": "target.long()",
    "F.cross_entropy(torch.ones(3, 4), torch.ones(3, 1).long())": "target.squeeze(1)",
    "F.cross_entropy(torch.ones(3, 4), torch.ones(3, 4).long())": "target.argmax(1)",
    "F.cross_entropy(torch.ones(3, 4), torch.tensor([0, 4, 1]))": "4 classes, 0 to 3",
    "F.cross_entropy(torch.ones(2, 3, 4), torch.ones(2, 3).long())": "input.movedim(-1, 1)",
    "F.cross_entropy(torch.ones(2, 3, 3, 4), torch.ones(2, 3, 3).long())": "input.movedim(-1, 1)",
    "F.cross_entropy(torch.ones(2, 3, 3, 4), torch.ones(2, 4, 4).long())": "",
    "F.cross_entropy(torch.ones(6, 4), torch.ones(2, 3).long())": "target.flatten()",
    "F.cross_entropy(torch.ones(2, 3, 4), torch.ones(6).long())": "input.flatten(0, -2)",
    "F.cross_entropy(torch.ones(2, 4), torch.ones(3).long())": "",
    "F.binary_cross_entropy_with_logits(torch.ones(3, 1), torch.ones(3))": "output.squeeze(1)",
    "F.binary_cross_entropy_with_logits(torch.ones(3), torch.ones(3).long())": "target.float()",
    "F.binary_cross_entropy(2 * torch.ones(3), torch.ones(3))": "binary_cross_entropy_with_logits",
    "F.binary_cross_entropy(torch.ones(3), 2 * torch.ones(3))": "",
    "F.binary_cross_entropy(torch.ones(3), torch.ones(3).long())": "target.float()",
    "F.binary_cross_entropy(torch.ones(3).double(), torch.ones(3))": "target.to(torch.float64)",
    "torch.tensor([1, 2]).__itruediv__(2)": "x.float()",
    "torch.stack([torch.ones(2), torch.ones(3)])": "torch.cat",
    "setattr(torch.ones(2), 'grad', torch.ones(3))": "sum_to_size",
    "torch.tensor('a')": "holds numbers",
    "(torch.ones(3, requires_grad=True).argmax() == 1).float().backward()": "as cross_entropy does",
    "torch.ones(2, require_grad=True)": "Is requires_grad meant?",
    "torch.zeros(3, dtpye=torch.float64)": "Is dtype meant?",
    "torch.ones_like(torch.ones(3), keepdim=True)": "",
    "nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.ReLU(inplace=True))(torch.ones(2)).sum().backward()": "with inplace=True",
    "nn.Embedding(3, 2)(torch.ones(2))": "indices.long()",
    "nn.BatchNorm1d(3)(torch.ones(1, 3))": "net.eval()",
    "nn.Conv2d(1, 2, 3)(torch.ones(4, 8, 8, 1))": "x.permute(0, 3, 1, 2)",
    "nn.Conv1d(5, 2, 3)(torch.ones(4, 8, 5))": "x.permute(0, 2, 1)",
    "nn.Conv2d(1, 2, 3)(torch.ones(4, 3, 8, 8))": "In Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1)), given (4, 3, 8, 8)",
    "nn.Linear(2, 1)(torch.ones(1, 3))": "The inner sizes, 3 and 2, must be equal.",
    "nn.Linear(2, 1)(torch.ones(4, 3))": "the input's last dimension, here 3.",
    "nn.Linear(1, 1)(torch.ones(20))": "x.unsqueeze(-1)",
    "nn.Linear(12, 1)(torch.ones(5, 3, 4))": "x.flatten(1)",
    "nn.Linear(2, 1)(nn.LSTM(3, 2)(torch.ones(4, 3)))": "output, state = lstm(x)",
    "torch.mean([torch.ones(()), torch.ones(())])": "torch.stack(x)",
    "torch.sqrt([4.0])": "torch.tensor(...)",
    "torch.tensor([torch.ones(2), torch.ones(2)])": "torch.stack(list)",
    "SGD(Plain().parameters(), lr=0.1)": "nn.Parameter.",
    "nn.Sequential(nn.Linear(2, 1), nn.Linear(2, 3))(torch.ones(1, 2))": "In Linear(in_features=2, out_features=3, bias=T",
    "nn.Bilinear(2, 3, 1)(torch.ones(1, 3), torch.ones(1, 2))": "bias=True), given (1, 3) and (1, 2)",
    "nn.BatchNorm1d(3)(torch.ones(4, 2))": "In BatchNorm1d(3, eps=1e-05",
    "nn.LSTM(4, 2)(torch.ones(3, 5, 5))": "In LSTM(4, 2), given (3, 5, 5)",
    "nn.GRUCell(4, 2)(torch.ones(3, 5), hx=torch.ones(3, 2))": "In GRUCell(4, 2), given (3, 5) and (3, 2)",
}


def test_a_layer_is_named_in_its_own_errors_and_not_in_those_of_hooks():
    def stop(module, args):
        if args[0].ndim == 1:
            raise RuntimeError("stop")

    net = minigrad.nn.Linear(2, 1)
    net.register_forward_pre_hook(stop)
    with pytest.raises(
        RuntimeError, match=r"\n  In Linear\(in_features=2, out_features=1, bias=True\), given \(1, 3\)$"
    ):
        net(minigrad.ones(1, 3))
    with pytest.raises(RuntimeError, match=r"^stop$"):
        net(minigrad.ones(3))


def test_what_goes_wrong_in_a_users_own_code_is_not_a_layers_error():
    net = minigrad.nn.Linear(2, 1)

    def own(x):
        raise RuntimeError("mine")

    net.forward = own
    with pytest.raises(RuntimeError, match=r"^mine$"):
        net(minigrad.ones(1, 2))


def test_a_layer_that_cannot_be_printed_keeps_its_error():
    class Odd(minigrad.nn.Linear):
        def extra_repr(self):
            raise AttributeError("no repr")

    with pytest.raises(RuntimeError, match=r"\n  In Odd, given \(1, 3\)$"):
        Odd(2, 1)(minigrad.ones(1, 3))


def error_of(library, call):
    names = {"torch": library, "nn": library.nn, "F": library.nn.functional, "SGD": library.optim.SGD}
    exec(CLASSES, names)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - compared with torch's
        eval(call, names)
    return caught.value


@pytest.mark.parametrize("call", ADVICE)
def test_a_mistake_is_told_as_torch_does_and_with_what_to_do(call):
    theirs, ours = error_of(torch, call), error_of(minigrad, call)
    assert type(ours) is type(theirs)
    assert ours.__suppress_context__ or ours.__context__ is None
    first, *advice = str(ours).replace("minigrad.", "torch.").split("\n")
    assert first == str(theirs).split("\n")[0]
    assert bool(advice) == bool(ADVICE[call])
    assert ADVICE[call] in "\n".join(advice)
    assert all(line.startswith("  ") and len(line) < 110 for line in advice)
