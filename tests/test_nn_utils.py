"""nn.utils: gradients are clipped, parameters laid out as a vector, and sequences padded, as torch does it."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

torch = pytest.importorskip("torch")

from parity import assert_same

import minigrad


def trained(torch: Any) -> Any:
    """Parameters with gradients, and one without."""
    first = torch.nn.Parameter(torch.tensor([[3.0, -1.0], [0.5, 2.0]]))
    second, third = torch.nn.Parameter(torch.tensor([4.0])), torch.nn.Parameter(torch.ones(2))
    (first.pow(2).sum() + second.exp().sum()).backward()
    return [first, second, third]


@pytest.mark.parametrize("norm", [2.0, 1, float("inf"), 3])
@pytest.mark.parametrize("most", [0.5, 10, 1e6])
def test_clip_grad_norm(most: float, norm: float) -> None:
    def program(torch: Any) -> Any:
        parameters = trained(torch)
        total = torch.nn.utils.clip_grad_norm_(parameters, most, norm)
        of_one = torch.nn.utils.clip_grad_norm_(parameters[0], most, norm_type=norm)
        return total, of_one, [p.grad for p in parameters]

    assert_same(program)


PROGRAMS = {
    "an iterator": lambda t: t.nn.utils.clip_grad_norm_(iter(trained(t)), 1.0),
    "an empty generator": lambda t: t.nn.utils.clip_grad_norm_((p for p in []), 1.0),
    "an empty list": lambda t: t.nn.utils.clip_grad_norm_([], 1.0),
    "no gradients": lambda t: t.nn.utils.clip_grad_norm_([t.nn.Parameter(t.ones(2))], 1.0),
    "the old name": lambda t: t.nn.utils.clip_grad_norm(trained(t), 1.0),
    "a norm": lambda t: t.nn.utils.get_total_norm([t.ones(2), t.ones(3, 3) * 2], 2),
    "a norm of one": lambda t: t.nn.utils.get_total_norm(t.ones(4)),
    "an infinite norm": lambda t: t.nn.utils.get_total_norm([t.tensor([float("inf")])], error_if_nonfinite=True),
    "a norm that is NaN": lambda t: t.nn.utils.get_total_norm([t.tensor([float("nan")])], 1, True),
    "a norm that may be NaN": lambda t: t.nn.utils.get_total_norm([t.tensor([float("nan")])]),
    "a known norm": lambda t: clipped(t, lambda p: t.nn.utils.clip_grads_with_norm_(p, 1.0, t.tensor(4.0))),
    "values": lambda t: clipped(t, lambda p: t.nn.utils.clip_grad_value_(p, 1.5)),
    "values of one": lambda t: clipped(t, lambda p: t.nn.utils.clip_grad_value_(p[0], 1)),
    "a vector": lambda t: t.nn.utils.parameters_to_vector(trained(t)),
    "a vector's gradient": lambda t: with_gradient(t),
    "from a vector": lambda t: from_vector(t, t.arange(7.0)),
    "from a list": lambda t: from_vector(t, [1.0]),
    "from a short vector": lambda t: from_vector(t, t.arange(5.0)),
    "weights of a norm": lambda t: normalised(t, "weight_norm", t.nn.Linear(4, 3)),
    "weights of one norm": lambda t: normalised(t, "weight_norm", t.nn.Linear(4, 3), dim=None),
    "weights of norms by columns": lambda t: normalised(t, "weight_norm", t.nn.Conv1d(4, 4, 1, bias=False), dim=1),
    "weights of a spectral norm": lambda t: normalised(t, "spectral_norm", t.nn.Linear(4, 3), n_power_iterations=3),
    "turned ones": lambda t: normalised(t, "spectral_norm", t.nn.ConvTranspose1d(4, 3, 2)),
    "ones by places": lambda t: normalised(t, "spectral_norm", t.nn.Conv1d(4, 3, 2, padding=1, bias=False), dim=2),
    "weights of no norm": lambda t: t.nn.utils.remove_weight_norm(t.nn.Linear(1, 1)),
    "weights of no spectral norm": lambda t: t.nn.utils.remove_spectral_norm(t.nn.Linear(1, 1)),
    "weights of two norms": lambda t: twice(t.nn.utils.weight_norm, t.nn.Linear(1, 1)),
    "weights of two spectral norms": lambda t: twice(t.nn.utils.spectral_norm, t.nn.Linear(1, 1)),
    "weights of norms of their own": lambda t: named(t.nn.utils.weight_norm, t.nn.Linear(2, 2)),
    "a copy of a norm's weights": lambda t: deepcopy(t.nn.utils.weight_norm(t.nn.Linear(1, 1))),
    "lengths of nothing": lambda t: t.nn.utils.weight_norm(t.nn.Linear(1, 1, bias=False), "bias"),
    "no weights": lambda t: t.nn.utils.spectral_norm(t.nn.Linear(1, 1, bias=False), "bias"),
    "no iterations": lambda t: t.nn.utils.spectral_norm(t.nn.Linear(1, 1), n_power_iterations=0),
    "weights to come": lambda t: t.nn.utils.spectral_norm(t.nn.LazyLinear(1)),
    "lengths to come": lambda t: t.nn.utils.weight_norm(t.nn.LazyLinear(1)),
    "padded": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2, 3), t.zeros(4, 3), t.ones(1, 3)]),
    "batch first": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2), t.zeros(4)], batch_first=True, padding_value=-1),
    "at the left": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2), t.zeros(4)], True, 5.0, "left"),
    "at the top": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2), t.zeros(4)], True, 5.0, "top"),
    "integers": lambda t: t.nn.utils.rnn.pad_sequence([t.tensor([1, 2, 3]), t.tensor([4])], True),
    "no sequences": lambda t: t.nn.utils.rnn.pad_sequence([]),
    "a number": lambda t: t.nn.utils.rnn.pad_sequence(3),
    "other shapes": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2, 3), t.ones(1, 2)]),
    "unpadded": lambda t: t.nn.utils.rnn.unpad_sequence(t.arange(6).reshape(3, 2), t.tensor([3, 1])),
}


def normalised(torch: Any, how: str, net: Any, **options: Any) -> Any:
    """Two steps of a layer whose weights are normalised, one more call, and the layer as it is without."""
    utils, found = torch.nn.utils, []
    net = getattr(utils, how)(net, **options)
    optimizer, x = torch.optim.SGD(net.parameters(), lr=0.1), torch.arange(8.0).reshape(2, 4, 1) / 8
    x = x.squeeze() if isinstance(net, torch.nn.Linear) else x
    for _ in range(2):
        loss = (net(x) - net(x + 1)).pow(2).mean() + net(x).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found += [round(loss.item(), 3), [(n, p.grad.sum().item().__round__(3)) for n, p in net.named_parameters()]]
    net.eval()
    calls = [net(x), net(x)]
    found += [
        [t.sum().item().__round__(3) for t in (*calls, net.weight)],
        [(n, b[len(b) // 2].item().__round__(3)) for n, b in net.named_buffers()],
    ]
    found += [list(net.state_dict()), net.weight.is_leaf, net.load_state_dict(net.state_dict())]
    getattr(utils, f"remove_{how}")(net)
    return found, list(net.state_dict()), net(x).sum().item().__round__(3), type(net.weight).__name__


def twice(normalise: Any, net: Any) -> Any:
    return normalise(normalise(net))


def named(normalise: Any, net: Any) -> Any:
    return list(normalise(normalise(net), "bias").state_dict())


def clipped(torch: Any, clip: Any) -> Any:
    parameters = trained(torch)
    return clip(parameters), [p.grad for p in parameters]


def with_gradient(torch: Any) -> Any:
    parameters = trained(torch)
    torch.nn.utils.parameters_to_vector(parameters).pow(2).sum().backward()
    return [p.grad for p in parameters]


def from_vector(torch: Any, vector: Any) -> Any:
    parameters = trained(torch)
    torch.nn.utils.vector_to_parameters(vector, parameters)
    vector[0] = 100.0
    return parameters, [p.requires_grad for p in parameters]


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_same(PROGRAMS[name])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.booleans(), st.sampled_from(["left", "right"]))
def test_padded_sequences_are_found_again_and_gradients_reach_them(lengths: Any, first: bool, side: str) -> None:
    sequences = [minigrad.randn(n, 2, requires_grad=True) for n in lengths]
    padded = minigrad.nn.utils.rnn.pad_sequence(sequences, first, 7.0, side)
    rows = padded if first else padded.transpose(0, 1)
    for row, sequence in zip(rows, sequences, strict=True):
        n = len(sequence)
        own, rest = (row[:n], row[n:]) if side == "right" else (row[len(row) - n :], row[: len(row) - n])
        np.testing.assert_array_equal(own.detach().numpy(), sequence.detach().numpy())
        assert (rest == 7.0).all()
    (padded * 3).sum().backward()
    assert all((sequence.grad == 3).all() for sequence in sequences)
    if side == "right":
        found = minigrad.nn.utils.rnn.unpad_sequence(padded, minigrad.tensor(lengths), first)
        assert [t.tolist() for t in found] == [t.tolist() for t in sequences]


def packed_through(torch: Any, layer: str, ordered: bool, starting: bool) -> Any:
    """A recurrent layer on packed sequences: outputs, states and gradients."""
    torch.manual_seed(5)
    rnn = torch.nn.utils.rnn
    net = eval(f"nn.{layer}", {"nn": torch.nn})
    lengths = [5, 2, 2, 1] if ordered else [2, 5, 1, 2]
    sequences = [torch.randn(n, 3, requires_grad=True) for n in lengths]
    states = torch.randn(2 * len(net.all_weights), 4, net.hidden_size).chunk(2)
    start = None if not starting else states if layer.startswith("LSTM") else states[0]
    output, hidden = net(rnn.pack_sequence(sequences, enforce_sorted=ordered), start)
    padded, found = rnn.pad_packed_sequence(output, batch_first=True, padding_value=-1.0)
    hidden = hidden if isinstance(hidden, tuple) else (hidden,)
    (padded.pow(2).sum() + sum(h.pow(3).sum() for h in hidden)).backward()
    several = [padded, *hidden, *[s.grad for s in sequences], *[p.grad for p in net.parameters()]]
    texts = [output.batch_sizes, output.sorted_indices, found, type(output).__name__, str(torch.rand(1))]
    return texts, [t.detach().numpy() for t in several], [len(s) for s in rnn.unpack_sequence(output)] == lengths


LAYERS = ["GRU(3, 5)", "LSTM(3, 5, 2, bidirectional=True)", "RNN(3, 5, 2, dropout=0.4)", "LSTM(3, 5, proj_size=2)"]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("layer", LAYERS)
def test_packed_sequences_go_through_recurrent_layers(layer: str, ordered: bool) -> None:
    for starting in (False, "proj" not in layer):
        texts, numbers, whole = packed_through(minigrad, layer, ordered, starting)
        expected_texts, expected, _ = packed_through(torch, layer, ordered, starting)
        assert repr(texts) == repr(expected_texts)
        assert whole
        for found, wanted in zip(numbers, expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def packed(torch: Any, *args: Any, **options: Any) -> Any:
    return torch.nn.utils.rnn.pack_padded_sequence(torch.arange(12.0).reshape(3, 2, 2), *args, **options)


PACKED = {
    "sorted": lambda t: packed(t, [3, 1]),
    "a tensor": lambda t: packed(t, t.tensor([3, 1])),
    "not sorted": lambda t: packed(t, [1, 3]),
    "to be sorted": lambda t: packed(t, [1, 3], enforce_sorted=False),
    "batch first": lambda t: packed(t, [2, 2, 1], batch_first=True),
    "an empty one": lambda t: packed(t, [3, 0]),
    "too few": lambda t: packed(t, [3]),
    "padded": lambda t: t.nn.utils.rnn.pad_packed_sequence(packed(t, [2, 1])),
    "padded to a length": lambda t: t.nn.utils.rnn.pad_packed_sequence(packed(t, [2, 1]), True, -1.0, 4),
    "too short": lambda t: t.nn.utils.rnn.pad_packed_sequence(packed(t, [3, 1]), total_length=2),
}


@pytest.mark.parametrize("name", PACKED)
def test_packing(name: str) -> None:
    assert_same(PACKED[name])
