"""Recurrent layers: a state that each element of a sequence changes in turn.

Source: https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ... import cat, stack, zeros
from ...tensor import Tensor
from ...warning import warn
from .. import functional as F, init
from ..parameter import empty_parameter
from ..utils.rnn import PackedSequence
from .module import Module

INTERNAL = True
State = tuple[Tensor, ...]

# One step each: `x` is what the input contributes, weight_ih @ input + bias_ih. They return the new state, its output
# first. Where torch works in place, so do they: the graph then has torch's nodes.


def tanh_step(x: Tensor, state: State, weight: Tensor, bias: Any) -> State:
    """h' = tanh(x + W h + b)."""
    return (F.linear(state[0], weight, bias).add_(x).tanh(),)


def relu_step(x: Tensor, state: State, weight: Tensor, bias: Any) -> State:
    """h' = relu(x + W h + b)."""
    return (F.linear(state[0], weight, bias).add_(x).relu(),)


def lstm_step(x: Tensor, state: State, weight: Tensor, bias: Any) -> State:
    """The gates input, forget and output choose what of a new cell, and of the old, becomes the state."""
    h, c = state
    gates = F.linear(h, weight, bias).add_(x).chunk(4, 1)
    admit, keep, new, show = gates[0].sigmoid(), gates[1].sigmoid(), gates[2].tanh(), gates[3].sigmoid()
    c = (keep * c).add_(admit * new)
    return show * c.tanh(), c


def gru_step(x: Tensor, state: State, weight: Tensor, bias: Any) -> State:
    """The gates reset and update choose what of the old state the new one is made of."""
    (h,) = state
    of_input, of_state = x.chunk(3, 1), F.linear(h, weight, bias).chunk(3, 1)
    reset, keep = (of_state[0] + of_input[0]).sigmoid(), (of_state[1] + of_input[1]).sigmoid()
    new = (of_input[2] + of_state[2] * reset).tanh()
    return ((h - new).mul_(keep).add_(new),)


def cut(state: State, start: int, end: int) -> State:
    """The rows of a state that belong to some of the sequences."""
    return tuple([t[start:end] for t in state])


def joined(states: Sequence[State]) -> State:
    """The rows of several states together."""
    return tuple([cat(parts) for parts in zip(*states, strict=True)])


def elements_of(rows: Tensor, sizes: list[int] | None) -> tuple[Tensor, ...]:
    """`rows` one by one, or as many at a time as `sizes` say: split by halves, and these again.

    The gradient of a part is first put into zeros as large as what was split: at once, all rows for each of them.
    """
    count = rows.shape[0] if sizes is None else len(sizes)
    if count <= 4:
        return rows.unbind(0) if sizes is None else rows.split(sizes)
    middle = count // 2
    halves = (None, None) if sizes is None else (sizes[:middle], sizes[middle:])
    lengths = [middle, count - middle] if sizes is None else [sum(sizes[:middle]), sum(sizes[middle:])]
    first, second = map(elements_of, rows.split(lengths), halves)
    return first + second


def reset_uniform(module: Module, hidden_size: int) -> None:
    """Start all parameters with uniform numbers within 1 / sqrt(hidden_size)."""
    bound = 1.0 / math.sqrt(hidden_size) if hidden_size > 0 else 0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


class RNNBase(Module):
    """What RNN, LSTM and GRU share: layers of steps, forward and perhaps backward through the sequence."""

    gates: ClassVar[int]
    state_names: ClassVar[tuple[str, ...]] = ("hidden",)
    step: Callable[..., State]

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.dropout = float(dropout)
        check_options(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first = bias, batch_first
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._all_weights: list[list[str]] = []
        out_size, rows = proj_size or hidden_size, self.gates * hidden_size
        for layer in range(num_layers):
            of_layer = input_size if layer == 0 else out_size * (2 if bidirectional else 1)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, of_layer), "weight_hh": (rows, out_size)}
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
            shapes |= {"weight_hr": (proj_size, hidden_size)} if proj_size else {}
            for suffix in ("", "_reverse") if bidirectional else ("",):
                names = [f"{name}_l{layer}{suffix}" for name in shapes]
                self._all_weights.append(names)
                for name, shape in zip(names, shapes.values(), strict=True):
                    self.register_parameter(name, empty_parameter(*shape, device=device, dtype=dtype))
        self.reset_parameters()

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The weights and biases of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Nothing: it lays weights out for cuDNN, which is not there."""

    def reset_parameters(self) -> None:
        """Start anew with random numbers."""
        reset_uniform(self, self.hidden_size)

    def forward(self, input: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
        """The outputs of the last layer for each element, and the state of each layer after the last element.

        `input` is (length, n, input_size), (n, length, input_size) with `batch_first`, (length, input_size), or packed.
        """
        if isinstance(input, PackedSequence):
            return self._packed(input, hx)
        kind = type(self).__name__ if type(self).__name__ in ("LSTM", "GRU") else "RNN"
        if input.ndim not in (2, 3):
            more = " tensor" if kind == "RNN" else ""
            raise ValueError(f"{kind}: Expected input to be 2D or 3D, got {input.ndim}D{more} instead")
        batched, batch_dim = input.ndim == 3, 0 if self.batch_first else 1
        x = input if batched else input.unsqueeze(batch_dim)
        states = self._starting_states(x, hx, x.shape[batch_dim], batched)
        output, finals = self._through_layers(x.transpose(0, 1) if self.batch_first else x, states)
        if self.batch_first:  # torch leaves LSTM to oneDNN, which turns a copy
            output = output.transpose(0, 1) if len(self.state_names) > 1 else output.transpose_(0, 1)
        hidden = tuple([stack(parts) for parts in zip(*finals, strict=True)])
        if not batched:
            output, hidden = output.squeeze(batch_dim), tuple([h.squeeze(1) for h in hidden])
        return output, hidden if len(hidden) > 1 else hidden[0]

    def _packed(self, input: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        """The same for sequences of different lengths, the longest first."""
        data, batch_sizes, order, order_back = input
        sizes = batch_sizes.tolist()
        if hx is not None and order is not None:
            one = isinstance(hx, Tensor)
            hx = hx.index_select(1, order) if one else tuple([h.index_select(1, order) for h in hx])
        states = self._starting_states(data, hx, sizes[0], batched=True)
        output, finals = self._through_layers(data, states, sizes)
        hidden = tuple([stack(parts) for parts in zip(*finals, strict=True)])
        if order_back is not None:
            hidden = tuple([h.index_select(1, order_back) for h in hidden])
        return PackedSequence(output, batch_sizes, order, order_back), hidden if len(hidden) > 1 else hidden[0]

    def _through_layers(
        self, x: Tensor, states: Sequence[State], sizes: list[int] | None = None
    ) -> tuple[Tensor, list[State]]:
        finals, directions = [], 2 if self.bidirectional else 1
        for layer in range(self.num_layers):
            outputs = []
            for i in range(layer * directions, (layer + 1) * directions):
                output, final = self._along(x, states[i], self._all_weights[i], i % directions == 1, sizes)
                outputs.append(output)
                finals.append(final)
            x = cat(outputs, x.ndim - 1) if self.bidirectional else outputs[0]
            if self.dropout and self.training and layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout, True)
        return x, finals

    def _along(
        self, x: Tensor, state: State, names: list[str], backwards: bool, sizes: list[int] | None
    ) -> tuple[Tensor, State]:
        """The outputs of one layer in one direction, and its last state; of packed ones, `sizes` go on at a time."""
        weights = {name.partition("_l")[0]: getattr(self, name) for name in names}
        if not x.shape[0]:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        rows = F.linear(x, weights["weight_ih"], weights.get("bias_ih"))
        elements = elements_of(rows, sizes)
        first, ended, outputs = state, list[State](), list[Tensor]()
        if sizes is not None and backwards:
            state = cut(first, 0, sizes[-1])
        for element in reversed(elements) if backwards else elements:
            n, going_on = element.shape[0], state[0].shape[0]
            if n > going_on:  # from its end, a shorter sequence begins here
                state = joined([state, cut(first, going_on, n)])
            elif n < going_on:
                ended.append(cut(state, n, going_on))
                state = cut(state, 0, n)
            state = self.step(element, state, weights["weight_hh"], weights.get("bias_hh"))
            if "weight_hr" in weights:
                state = (state[0].matmul(weights["weight_hr"].t()), *state[1:])
            outputs.append(state[0])
        outputs = outputs[::-1] if backwards else outputs
        return stack(outputs) if sizes is None else cat(outputs), joined([state, *ended[::-1]]) if ended else state

    def _starting_states(self, x: Tensor, hx: Any, n: int, batched: bool) -> list[State]:
        """The state that each layer and direction starts with; torch's errors for shapes that do not fit."""
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)[: len(self.state_names)]
        shapes = [(len(self._all_weights), n, size) for size in sizes]
        if hx is None:
            given = [zeros(shape, dtype=x.dtype) for shape in shapes]
        else:
            given = list(hx) if len(sizes) > 1 else [hx]
            self._check_dims([h.ndim for h in given], batched)
            if not batched:
                given = [h.unsqueeze(1) for h in given]
        weight = getattr(self, self._all_weights[0][0])
        if x.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
                f"input.to({weight.dtype}), or convert model: model.to({x.dtype})"
            )
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.shape[-1]}"
            )
        for name, h, shape in zip(self.state_names, given, shapes, strict=True):
            if h.shape != shape:
                raise RuntimeError(f"Expected {name} size {shape}, got {list(h.shape)}")
        return list(zip(*[h.unbind(0) for h in given], strict=True))

    def _check_dims(self, dims: list[int], batched: bool) -> None:
        wanted = 3 if batched else 2
        if all(n == wanted for n in dims):
            return
        start = f"For {'batched 3-D' if batched else 'unbatched 2-D'} input, "
        if len(dims) > 1:
            got = f"hx and cx should also be {wanted}-D but got ({dims[0]}-D, {dims[1]}-D) tensors"
        else:
            got = f"hx should also be {wanted}-D but got {dims[0]}-D tensor"
        raise RuntimeError(start + got)

    def extra_repr(self) -> str:
        """Its sizes, and options that are not the default."""
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        usual["bidirectional"] = False
        unusual = [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join([str(self.input_size), str(self.hidden_size), *unusual])


def check_options(
    input_size: Any, hidden_size: Any, num_layers: int, bias: Any, batch_first: Any, dropout: Any, proj_size: int
) -> None:
    """torch's errors for options that will not do, and its warning for dropout that has no place."""
    if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:  # type: ignore[operator]
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
        )
    if dropout > 0 and num_layers == 1:  # type: ignore[operator]
        warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
            f"greater than 1, but got dropout={dropout} and num_layers={num_layers}"
        )
    for name, value, kind in (("bias", bias, bool), ("batch_first", batch_first, bool)):
        if not isinstance(value, kind):
            raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


def no_projection(options: dict[str, Any]) -> None:
    """Raise torch's error for an option that only LSTM has."""
    if "proj_size" in options:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNN(RNNBase):
    """h' = tanh(W x + b + W' h + b') for each element in turn; `nonlinearity="relu"` takes that instead."""

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **options: Any,
    ) -> None:
        no_projection(options)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *args, **options)
        self.nonlinearity = nonlinearity

    def step(self, *args: Any) -> State:
        """One element's."""
        return tanh_step(*args) if self.nonlinearity == "tanh" else relu_step(*args)


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997); its state is a pair, (h, c)."""

    gates, state_names, step = 4, ("hidden[0]", "hidden[1]"), staticmethod(lstm_step)

    def __init__(self, input_size: int, hidden_size: int, *args: Any, **options: Any) -> None:
        super().__init__("LSTM", input_size, hidden_size, *args, **options)


class GRU(RNNBase):
    """Gated recurrent units (Cho et al., 2014)."""

    gates, step = 3, staticmethod(gru_step)

    def __init__(self, input_size: int, hidden_size: int, *args: Any, **options: Any) -> None:
        no_projection(options)
        super().__init__("GRU", input_size, hidden_size, *args, **options)


class RNNCellBase(Module):
    """What the cells share: one step of one layer, on (n, input_size) or (input_size,)."""

    gates: ClassVar[int]
    step: Callable[..., State]

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = self.gates * hidden_size
        self.weight_ih = empty_parameter(rows, input_size, device=device, dtype=dtype)
        self.weight_hh = empty_parameter(rows, hidden_size, device=device, dtype=dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, empty_parameter(rows, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew with random numbers."""
        reset_uniform(self, self.hidden_size)

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        """The state after `input`, from the state before, or from zeros."""
        kind, pair = type(self).__name__, self.gates == 4
        states = None if hx is None else list(hx) if pair else [hx]
        self._check(kind, input, states)
        batched = input.ndim == 2
        x = input if batched else input.unsqueeze(0)
        if states is None:
            states = [zeros(x.shape[0], self.hidden_size, dtype=x.dtype)] * (2 if pair else 1)
        elif not batched:
            states = [h.unsqueeze(0) for h in states]
        self._check_sizes(x, states)
        found = self.step(F.linear(x, self.weight_ih, self.bias_ih), tuple(states), self.weight_hh, self.bias_hh)
        if not batched:
            found = tuple([h.squeeze(0) for h in found])
        return found if pair else found[0]

    @staticmethod
    def _check(kind: str, input: Tensor, states: list[Tensor] | None) -> None:
        names = ["hidden"] if kind != "LSTMCell" else ["hx[0]", "hx[1]"]
        for name, t in [("input", input), *zip(names, states or [], strict=False)]:
            if t.ndim not in (1, 2):
                raise ValueError(f"{kind}: Expected {name} to be 1D or 2D, got {t.ndim}D instead")

    def _check_sizes(self, x: Tensor, states: list[Tensor]) -> None:
        if x.shape[1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {x.shape[1]} expected {self.input_size}")
        for i, h in enumerate(states):
            if h.shape[0] != x.shape[0]:
                raise RuntimeError(f"Input batch size {x.shape[0]} doesn't match hidden{i} batch size {h.shape[0]}")
            if h.shape[1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{i} has inconsistent hidden_size: got {h.shape[1]}, expected {self.hidden_size}"
                )

    def extra_repr(self) -> str:
        """Its sizes, and options that are not the default."""
        unusual = [] if self.bias is True else [f"bias={self.bias}"]
        if self.__dict__.get("nonlinearity", "tanh") != "tanh":
            unusual.append(f"nonlinearity={self.nonlinearity}")
        return ", ".join([str(self.input_size), str(self.hidden_size), *unusual])


class RNNCell(RNNCellBase):
    """One step of RNN."""

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def step(self, *args: Any) -> State:
        """One element's."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return tanh_step(*args) if self.nonlinearity == "tanh" else relu_step(*args)


class LSTMCell(RNNCellBase):
    """One step of LSTM, on a pair (h, c)."""

    gates, step = 4, staticmethod(lstm_step)


class GRUCell(RNNCellBase):
    """One step of GRU."""

    gates, step = 3, staticmethod(gru_step)
