"""Programs in NumPy: they give, bit for bit, what the functions give that they were written from."""

import re
import subprocess
import sys
from random import Random
from types import FunctionType

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from op_checks import tensors_of
from op_table import ROWS, evaluate

import minigrad
from linreg.model import linreg, squared_loss
from minigrad import show
from minigrad.ops.indexing import alias
from minigrad.ops.pointwise import mul_, power, relu_, select, tanh_
from minigrad.ops.shape import spread
from minigrad.show.helpers import Helpers
from minigrad.show.symbols import Unwritable, rule_numbers, rule_text, short_name
from minigrad.testing.mutation import exchanged

# What no program is written for: changes in place, random numbers, indices and conditions worked out from values.
UNWRITABLE = (
    "x = a",
    "manual_seed",
    "prod(a",
    "gather(",
    "take(",
    "masked_select(",
    "index_select(",
    "masked_fill(a, b, number)",
    "scatter",
    "quantile(",
    "renorm(",
    "nanmean(",
    "repeat_interleave(a, t.tensor",
    "take_along_dim(",
    "combinations(",
    "index_",
    "put(",
    "sort(",
    "topk(",
    "median(a, dim",
    "mode(a",
    "kthvalue(",
    "cummax(",
    "cummin(",
    "logcumsumexp(",
    "block_diag(",
    "frexp(",
    *("max_unpool", "as_strided(", "linalg.lu(", "lu_factor("),
    # A matrix may be singular, which NumPy says in other words; or what is computed depends on whether it is.
    *("inv(", "inv_ex(", "inverse(", "solve(", "det(", "cholesky(", "lstsq(", "matrix_rank(", "cond("),
    "matrix_power(a + 5",
    "cosine_similarity(",
    "cdist(t.sin",
    "a.detach()",
    "'circular'",
    "ceil, True)",
    "aweights",
)


def first_tensor(value):
    while isinstance(value, (tuple, list)):
        value = value[0]
    return value


def function_of(row, case):
    def f(*tensors):
        return first_tensor(evaluate(row.call, minigrad, tensors, case.options))

    return f


# Functions of these modules check and compose; a program is written of the operations, where these are called.
COMPOSING = ("minigrad.nn.functional",)


def composed(call):
    """Whether a row calls a function of `nn.functional` that is not one of the operations' own."""
    name = re.search(r"nn\.functional\.(\w+)", call)
    return name is not None and getattr(minigrad.nn.functional, name[1]).__module__.startswith(COMPOSING)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_programs_of_every_operation(row):
    refused = False
    for seed in range(4):
        case = row.case(Random(f"{row} {seed}"), "plain")
        f = function_of(row, case)
        try:
            output = f(*[t.clone() for t in tensors_of(case, minigrad)])
        except (RuntimeError, IndexError):
            continue  # the case itself is refused
        if type(getattr(output, "grad_fn", None)).__name__ == "NotImplemented":
            return  # it has no derivative
        if not isinstance(output, minigrad.Tensor) or output.dtype not in (minigrad.float32, minigrad.float64):
            return
        try:
            program = show.source(f, *tensors_of(case, minigrad))
        except NotImplementedError:
            refused = True  # as for some layouts
        else:
            program.check()
            return
    assert not refused or any(text in row.call for text in UNWRITABLE) or composed(row.call)


def document_loss(X, w, b, y):
    l = squared_loss(linreg(X, w, b), y)
    return l.sum()


def document_inputs(rows=10, columns=2, dtype=None):
    minigrad.manual_seed(0)
    X, y = minigrad.randn(rows, columns, dtype=dtype), minigrad.randn(rows, 1, dtype=dtype)
    w = minigrad.randn(columns, 1, dtype=dtype, requires_grad=True)
    return X, w, minigrad.zeros(1, dtype=dtype, requires_grad=True), y


BY_HAND = """\
def document_loss(X, w, b, y):
    error = X @ w + b - y
    value = (error * error / 2).sum()
    grad_w = X.T @ error
    grad_b = error.sum(axis=0)
    return value, (grad_w, grad_b)
"""


def test_the_documents_loss_is_what_one_would_write_by_hand():
    text = str(show.source(document_loss, *document_inputs()))
    function = text[text.index("def ") :].splitlines()
    statements = [line for line in function if '"""' not in line]
    assert len(statements) <= len(BY_HAND.splitlines()) + 2
    assert "    grad_w = X.T @ difference" in statements


def test_a_program_runs_by_itself_with_numpy_alone(tmp_path):
    inputs = document_inputs()
    program = show.source(document_loss, *inputs).check()
    file = tmp_path / "program.py"
    arrays = {name: t.detach().numpy().tolist() for name, t in zip("Xwby", inputs, strict=True)}
    call = f"arrays = {{k: np.array(v, np.float32) for k, v in {arrays!r}.items()}}\n"
    file.write_text(
        f"{program}\n{call}value, (grad_w, grad_b) = document_loss(**arrays)\n"
        "import sys\nassert 'minigrad' not in sys.modules\nprint(repr(value.item()), grad_w.tolist())\n"
    )
    done = subprocess.run([sys.executable, "-I", str(file)], capture_output=True, text=True)
    loss = document_loss(*inputs)
    loss.backward()
    assert done.stdout.strip() == f"{loss.item()!r} {inputs[1].grad.tolist()}", done.stderr


def test_values_other_than_those_it_was_written_for():
    program = show.source(document_loss, *document_inputs(dtype=minigrad.float64))
    X, w, b, y = document_inputs(dtype=minigrad.float64)
    X, y = X * 3 - 1, y + 2
    value, (grad_w, grad_b) = program(X, w, b, y)
    loss = document_loss(X, w, b, y)
    loss.backward()
    assert value == loss.item()
    assert (grad_w == w.grad.numpy()).all()
    assert (grad_b == b.grad.numpy()).all()


def mlp(X, w1, b1, w2, b2, rows, labels):
    h = minigrad.relu(X @ w1 + b1)
    scores = (h @ w2 + b2).log_softmax(1)
    return -scores[rows, labels].mean()


def test_a_network_with_its_users_names():
    minigrad.manual_seed(0)
    leaves = [minigrad.randn(*shape, requires_grad=True) for shape in ((4, 3), (3,), (3, 2), (2,))]
    program = show.source(mlp, minigrad.randn(5, 4), *leaves, minigrad.arange(5), minigrad.tensor([0, 1, 0, 1, 1]))
    assert "    h = np.maximum(0, X @ w1 + b1)" in str(program.check())
    assert "    scores = " in str(program)


@pytest.mark.parametrize("rows", [[0, 2], range(2), slice(0, 2)], ids=str)
def test_indices_that_are_written_in_the_function(rows):
    x, labels = minigrad.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True), minigrad.tensor([1, 0])
    show.source(lambda x: (x[rows, [1, 0]] if not isinstance(rows, slice) else x[rows]).exp().sum(), x).check()
    show.source(lambda x, labels: x[list(range(2)), labels].log().sum(), x, labels).check()


def test_what_is_no_function_is_refused():
    loss = minigrad.tensor(1.0, requires_grad=True) * 2
    with pytest.raises(TypeError, match="source\\(\\) takes a function, not a Tensor"):
        show.source(loss)
    net = minigrad.nn.Linear(1, 1)
    for module in (net, net.forward):
        with pytest.raises(NotImplementedError, match="the parameters of a Linear are no arguments"):
            show.source(module, loss)
    with pytest.raises(TypeError, match="compile\\(\\) takes a function, not a Tensor"):
        minigrad.compile(loss)


def test_variables_from_outside_become_parameters():
    X, w, b, y = document_inputs()

    def loss():
        return document_loss(X, w, b, y)

    program = show.source(loss).check()
    assert "def loss(X, w, b, y):" in str(program)


def test_containers_numbers_and_star_arguments():
    a = minigrad.tensor([1.0, 2.0], requires_grad=True)

    def f(scale, *tensors, shift=0.5):
        return (scale * tensors[0] * tensors[1] + shift).sum()

    program = show.source(f, 3, a, a * 2, shift=0.25).check()
    assert "0.25" in str(program)
    assert "def f(tensors_0, tensors_1):" in str(program)


IN_A_LIST = [minigrad.ones(3)]


@pytest.mark.parametrize(
    ("f", "reason"),
    [
        (lambda x: x.clone().mul_(2), "in place"),
        (lambda x: x * minigrad.rand(3), "random"),
        (lambda x: x * x.sum().item(), "item"),
        (lambda x: x if x.sum() > 0 else -x, "bool"),
        (lambda x: (x, x), "tuple"),
        (lambda x: x.half(), "half"),
        (lambda x: x * minigrad.tensor(np.arange(3.0)), r"shape \(3,\) is used that is made in it.*\n  Make it"),
        (lambda x: x * IN_A_LIST[0], r"an argument.*\n  .*f\(\*tensors\)"),
    ],
)
def test_what_cannot_be_written_says_why(f, reason):
    with pytest.raises(NotImplementedError, match=f"cannot be written as a program in NumPy: .*{reason}"):
        show.source(f, minigrad.tensor([1.0, 2.0, 3.0], requires_grad=True))


def test_a_program_changes_nothing_of_its_inputs():
    inputs = document_inputs()
    before = [t.detach().clone() for t in inputs]
    show.source(document_loss, *inputs).check()
    assert all(minigrad.equal(t.detach(), b) for t, b in zip(inputs, before, strict=True))
    assert inputs[1].grad is None


def test_check_finds_a_wrong_rule():
    inputs = [minigrad.tensor([1.0, 2.0], requires_grad=True), minigrad.tensor([3.0, 4.0])]
    program = show.source(lambda a, b: (a * b).sum(), *inputs)
    with exchanged(mul_, "rule_a", lambda rule: lambda g, b: 2 * rule(g, b)), pytest.raises(AssertionError):
        program.check()


def test_a_lambda_whose_place_python_did_not_keep_is_not_taken_for_another(monkeypatch):
    code, scope = alias.forward.__code__, alias.forward.__globals__
    monkeypatch.setattr(alias, "forward", FunctionType(code.replace(co_linetable=b""), scope))
    with pytest.raises(Unwritable, match="text is not found"):
        Helpers().add(alias)


def test_rules_are_read_as_they_are_written():
    g, a = np.ones(2, np.float32), np.array([1.0, -2.0], np.float32)
    assert rule_text(mul_, "a", {"g": g, "b": a}) == "g * b"
    names = ["MaxPool2DWithIndicesBackward0", "Log1PBackward0", "SmoothL1LossBackward0", "torch::autograd::CopySlices"]
    assert [*map(short_name, names)] == ["max_pool2d_with_indices", "log1p", "smooth_l1_loss", "copy_slices"]
    assert rule_text(tanh_, "a", {"g": g, "out": a}) == "g * (1 - out * out)"
    assert rule_text(relu_, "a", {"g": g, "out": a}) == "where(out <= 0, 0, g)"
    assert rule_text(select, "a", {"g": g, "condition": a > 0}) == "where(condition, g, 0)"
    assert rule_text(spread, "a", {"g": g, "a_shape": (1,)}) == "sum_to(g, (1,))"
    assert rule_text(power, "a", {"g": g, "a": a, "exponent": 3}) == "g * (3 * a ** 2)"
    assert rule_numbers(mul_, "a", {"g": g, "b": a}) == "[1, 1] * [1, -2]"


@pytest.mark.parametrize("seed", range(5))
def test_numbers_in_programs_are_exact(seed):
    random = Random(seed)
    c, d = random.choice([0.1, -0.5, 3.0, -0.0]), random.choice([2, 0.7, -4, 1e-3])
    x = minigrad.tensor([1.1, -2.3], requires_grad=True)
    show.source(lambda x: ((x * c / d) ** 2 / 2 - c * (x + x)).mean(), x).check()


def test_imports_while_it_is_written():
    program = """
import minigrad as torch
from minigrad import show

a = torch.ones(2, 2, requires_grad=True)
def f(a):
    from minigrad.utils import data
    return torch.sinh(a.diagonal()).sum()
show.source(f, a).check()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
