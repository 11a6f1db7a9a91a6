"""The checks of minigrad.testing, one by one: what they say of a wrong gradient, and that they let right ones pass."""

import math
import re

import pytest

torch = pytest.importorskip("torch")

import minigrad
from minigrad import testing

LIBRARIES = pytest.mark.parametrize("t", [minigrad, torch], ids=lambda t: t.__name__)
CHECKS = [
    testing.check_gradients,
    testing.check_second_gradients,
    testing.check_linear_in_upstream,
    testing.check_adjoint,
    testing.check_leaves_inputs_alone,
    testing.check_dtypes,
    testing.check_views,
    testing.check_same_tensor,
]


@pytest.fixture(autouse=True)
def _record_of_its_own(monkeypatch):
    """Most gradients here are wrong on purpose, which the run's report need not tell."""
    monkeypatch.setattr(testing.record, "RECORD", {})


def operation(t, forward, backward):
    """A Function of two tensors."""

    class Operation(t.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return forward(a, b)

        @staticmethod
        def backward(ctx, g):
            return backward(g, *ctx.saved_tensors)

    return Operation.apply


def product(t, backward):
    return operation(t, lambda a, b: a * b, backward)


def two(t, shape=(2, 2), other=None):
    a = t.arange(1.0, 1 + torch.Size(shape).numel()).reshape(shape)
    b = t.arange(2.0, 2 + torch.Size(other or shape).numel()).reshape(other or shape)
    return a.requires_grad_(), b.requires_grad_()


def complaint(check, f, *inputs, **how):
    with pytest.raises(AssertionError) as caught:
        check(f, *inputs, **how)
    return str(caught.value)


@LIBRARIES
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: a * b,
        lambda a, b: (a @ b).tanh(),
        lambda a, b: (a + b[0], a.sum() * b),
        lambda a, b: a.relu() + (b - 3).abs(),
        lambda a, b: a.T.reshape(-1) * b.T.contiguous().view(-1),
        lambda a, b: (a * b).softmax(-1).log(),
        lambda a, b: a.max() + b.sort()[0] if hasattr(b, "sort") else a.max() + b,
        lambda a, b: {"loss": (a**2).mean(), "other": [b.exp()]},
    ],
)
def test_right_gradients_pass(t, check, f):
    check(f, *two(t))


@LIBRARIES
@pytest.mark.parametrize("x", [0.0, 1e-5, -1e-5, 1.0, 3.0, 100.0])
def test_kinks_and_jumps_are_not_blamed(t, x):
    x = t.tensor([x, 2.0], dtype=t.float64, requires_grad=True)
    for f in (
        lambda x: x.relu(),
        lambda x: x.abs(),
        lambda x: x.clamp(0, 3),
        lambda x: x.sign() * x,
        lambda x: x.max(),
    ):
        testing.check_gradients(f, x)
        testing.check_adjoint(f, x)


CAUSES = {
    "a factor: every element is 1.5 times": (lambda g, a, b: (g * b * 1.5, g * a), (2, 2), None),
    "a term counted twice": (lambda g, a, b: (g * b * 2, g * a), (2, 2), None),
    "a sign": (lambda g, a, b: (-g * b, g * a), (2, 2), None),
    "nothing flows back": (lambda g, a, b: (None, g * a), (2, 2), None),
    "a transposed operand": (lambda g, a, b: ((g * b).mT, g * a), (2, 2), None),
    "a missing sum over a broadcast axis (0 of the result): only the first element of it counts": (
        lambda g, a, b: (g * b, (g * a)[0]),
        (3, 2),
        (2,),
    ),
    "the mean stands in its place": (lambda g, a, b: (g * b, (g * a).mean(0)), (3, 2), (2,)),
    "looks like one; the input was stretched along axis 0 of the result: is its gradient summed there?": (
        lambda g, a, b: (g * b, (g * a)[:1] * 2),
        (2,),
        (1,),
    ),
    "formula needs; the input was stretched along axes 0, 2 of the result: is its gradient summed there?": (
        lambda g, a, b: (g * b, (g * a)[0, :, :1] * 5),
        (2, 3, 2),
        (3, 1),
    ),
    "a sign: the gradient is the negative of the right one; but of a single element other mistakes": (
        lambda g, a, b: (-g * b, g * a),
        (1,),
        None,
    ),
    "1 of 4 elements": (lambda g, a, b: (g * b + (a == 1).to(g.dtype), g * a), (2, 2), None),
    "an extra term": (lambda g, a, b: (g * b + 1, g * a), (2, 2), None),
    "a division by zero": (lambda g, a, b: (g * b / (a * 0), g * a), (2, 2), None),
    "a reversed axis": (lambda g, a, b: ((g * b)[[1, 0]], g * a), (2, 2), None),
}


@LIBRARIES
@pytest.mark.parametrize("cause", CAUSES)
def test_the_message_names_the_cause(t, cause):
    backward, shape, other = CAUSES[cause]
    text = complaint(testing.check_gradients, product(t, backward), *two(t, shape, other))
    assert cause in text


@LIBRARIES
def test_the_message_names_input_index_numbers_ratio_and_call(t):
    f = product(t, lambda g, a, b: (g * b, g * a * 1.5))
    text = complaint(testing.check_gradients, f, *two(t))
    assert text.startswith("gradients, Operation: the gradient of input 1")
    index, backward, differences, ratio = (
        re.search(pattern, text)[1]
        for pattern in (r"wrong at \[(\d, \d)\]", r"backward +(\S+)", r"differences +(\S+),", r"ratio +(\S+)")
    )
    assert index == "1, 1"
    assert float(backward) / float(differences) == pytest.approx(1.5, rel=1e-6)
    assert float(ratio) == pytest.approx(1.5)
    assert "torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)" in text


@LIBRARIES
def test_a_wrong_second_derivative(t):
    f = product(t, lambda g, a, b: (g * b.detach(), g * a))
    testing.check_gradients(f, *two(t))
    assert "second gradients" in complaint(testing.check_second_gradients, f, *two(t))


@LIBRARIES
def test_a_backward_that_is_not_linear(t):
    text = complaint(testing.check_linear_in_upstream, product(t, lambda g, a, b: (g * g * b, g * a)), *two(t))
    assert "of 2u - 1" in text


@LIBRARIES
def test_a_sum_over_several_elements_is_not_called_a_single_one(t):
    f = product(t, lambda g, a, b: (g * b * 1.5, g * a))
    assert "; but in a sum over all elements any mistake looks like one" in complaint(testing.check_adjoint, f, *two(t))
    one = (t.tensor(2.0, requires_grad=True), t.tensor(3.0, requires_grad=True))
    assert "; but of a single element" in complaint(testing.check_gradients, f, *one)
    alone = product(t, lambda g, a, b: (g * b * 1.5, g * a * 1.5))
    assert "1.5; but of a single element" in complaint(testing.check_adjoint, lambda a: alone(a, t.tensor(3.0)), one[0])


@LIBRARIES
def test_an_adjoint_by_a_jvp_of_ones_own(t):
    jvp = lambda a, b, da, db: a * db + b * da
    testing.check_adjoint(lambda a, b: a * b, *two(t), jvp=jvp)
    wrong = lambda a, b, da, db: a * db
    assert "<J^T v, u>" in complaint(testing.check_adjoint, lambda a, b: a * b, *two(t), jvp=wrong)


@LIBRARIES
def test_a_function_that_writes_to_its_input(t):
    def f(a, b):
        b.detach().add_(1)
        return a * 2

    assert "input 1 (b) was written to" in complaint(testing.check_leaves_inputs_alone, f, *two(t))


@LIBRARIES
def test_a_backward_that_leaves_grad_behind(t):
    def f(a, b):
        (a * b).sum().backward()
        return a * b

    assert ".grad now" in complaint(testing.check_leaves_inputs_alone, f, *two(t))


@LIBRARIES
def test_a_gradient_wrong_in_float32_alone(t):
    f = product(t, lambda g, a, b: (g * b * (1.001 if g.dtype == t.float32 else 1), g * a))
    testing.check_gradients(f, *two(t))
    assert "float32" in complaint(testing.check_dtypes, f, *two(t))


@LIBRARIES
def test_a_value_that_depends_on_the_layout(t):
    f = lambda a: a * (1 if a.is_contiguous() else 2)
    testing.check_gradients(f, two(t)[0])
    assert "transposed" in complaint(testing.check_views, f, two(t)[0])


@LIBRARIES
def test_a_gradient_forgotten_where_two_inputs_are_one(t):
    def f(a, b):
        return a * b.detach() if a is b else a * b

    text = complaint(testing.check_same_tensor, f, *two(t))
    assert "one tensor as input 0 (a) and input 1 (b)" in text
    assert "missing term" in text


@LIBRARIES
def test_random_functions_are_told_to_fix_their_seed(t):
    def f(a):
        return a * t.rand(a.shape, dtype=a.dtype)

    assert "fix its random numbers with a seed" in complaint(testing.check_gradients, f, two(t)[0])


def unary(t, forward, backward):
    """A Function of one tensor, whose backward also gets its ctx."""

    class Operation(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            ctx.buffer = t.zeros_like(x)
            Operation.last = x
            return forward(x)

        @staticmethod
        def backward(ctx, g):
            return backward(ctx, g, ctx.saved_tensors[0], Operation)

    return Operation.apply


def add_to_buffer(ctx, g, x, cls):
    ctx.buffer += g * 2 * x
    return ctx.buffer * 1


MEETINGS = {  # mistakes that show only in how calls meet, and the check that sees them
    "a buffer that keeps adding up": (testing.check_linear_in_upstream, add_to_buffer),
    "a value of the latest forward": (testing.check_gradients, lambda ctx, g, x, cls: g * 2 * cls.last),
    "NaN where nothing flows in": (testing.check_linear_in_upstream, lambda ctx, g, x, cls: g * g / g * 2 * x),
}


@LIBRARIES
@pytest.mark.parametrize("mistake", MEETINGS)
def test_mistakes_in_how_calls_meet(t, mistake):
    check, backward = MEETINGS[mistake]
    f = unary(t, lambda x: x * x, backward)
    complaint(check, f, t.tensor([1.0, 2.0], requires_grad=True))
    check(unary(t, lambda x: x * x, lambda ctx, g, x, cls: g * 2 * x), t.tensor([1.0, 2.0], requires_grad=True))


def test_a_buffer_that_is_returned_itself():
    def backward(ctx, g, x, cls):
        ctx.buffer += g * 2 * x
        return ctx.buffer

    f = unary(torch, lambda x: x * x, backward)
    complaint(testing.check_linear_in_upstream, f, torch.tensor([1.0, 2.0], requires_grad=True))


def scale_ctx(ctx, g):
    ctx.y *= g
    return ctx.y.clone()


@pytest.mark.parametrize("check", [testing.check_linear_in_upstream, testing.check_views])
@pytest.mark.parametrize(("t", "backward"), [
    *[(t, scale_ctx) for t in (minigrad, torch)],
    (torch, lambda ctx, g: ctx.saved_tensors[0].data.mul_(g)),  # minigrad refuses the second pass
])  # fmt: skip
def test_a_backward_that_spoils_what_it_saved(t, backward, check):
    class Exp(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.y = y.clone()
            ctx.save_for_backward(y)
            return y

    Exp.backward = staticmethod(backward)
    text = complaint(check, Exp.apply, t.tensor(1.0, requires_grad=True))
    assert "a second backward pass gives another gradient" in text
    assert "a saved value was changed in place" in text


def test_an_upstream_that_is_transposed():
    wrong = lambda ctx, g, x, cls: g * 2 * x * (2 if g.stride() == (1, 2) else 1)
    text = complaint(testing.check_views, unary(torch, lambda x: x * x, wrong), two(torch)[0])
    assert "transposed" in text


def test_a_module_that_writes_its_own_parameter():
    class Clamped(torch.nn.Linear):
        def forward(self, x):
            self.weight.data.add_(1.0)
            return super().forward(x)

    assert "was written to" in complaint(testing.check_leaves_inputs_alone, Clamped(2, 2), torch.ones(3, 2))


@LIBRARIES
def test_right_gradients_in_hard_places_pass(t):
    double = lambda *values: t.tensor(list(values), dtype=t.float64, requires_grad=True)
    testing.check_gradients(lambda x: x.sin(), double(6400.0))  # many waves between coarse steps
    testing.check_gradients(lambda x: (x * (2048 * math.pi)).sin(), double(3.0))  # a whole wave for each coarse step
    testing.check_linear_in_upstream(lambda x: (x - x.mean()) / (x.std() + 1e-5), double(0.0, 1.0))  # terms cancel
    testing.check_dtypes(lambda x: x.exp(), t.tensor([89.0], requires_grad=True))  # infinite in float32
    testing.check_gradients(lambda x: (x.float() * x.float()).double(), double(0.3, 1.7))  # rounds inside


def test_points_where_kinks_meet_pass():
    zeros = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    testing.check_gradients(lambda x: x.median(), zeros)
    testing.check_adjoint(lambda x: x.sort()[0], zeros)


@LIBRARIES
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_function_class_is_taken_for_its_apply(t, check):
    class Half(t.autograd.Function):
        forward = staticmethod(lambda ctx, a: a / 2)
        backward = staticmethod(lambda ctx, g: g / 2)

    check(Half, two(t)[0])
    with pytest.raises(TypeError, match="Linear is a class of modules: pass an instance"):
        check(t.nn.Linear, two(t)[0])


@LIBRARIES
def test_functions_without_floating_results_are_refused(t):
    with pytest.raises(ValueError, match="returns no floating tensor"):
        testing.check_gradients(lambda x: None, t.ones(2))


@LIBRARIES
def test_a_failure_stands_in_the_record_as_infinite(t):
    name = f"failing on {t.__name__}"
    complaint(testing.check_gradients, product(t, lambda g, a, b: (g * b * 2, g * a)), *two(t), name=name)
    entry = testing.record.RECORD.pop((name, "gradients", "float64"))
    assert entry.worst == float("inf")


@LIBRARIES
def test_only_what_requires_grad_is_checked(t):
    f = product(t, lambda g, a, b: (g * b * 2, g * a))
    a, b = two(t)
    testing.check_gradients(f, a.detach(), b)
    complaint(testing.check_gradients, f, a.detach(), b.detach())  # none does: then both


@LIBRARIES
def test_inputs_without_floating_tensors_are_refused(t):
    with pytest.raises(ValueError, match="needs a floating tensor"):
        testing.check_gradients(lambda a: a, t.tensor([1, 2]))


@LIBRARIES
def test_the_inputs_stay_as_they_are(t):
    a, b = two(t)
    for check in CHECKS:
        check(lambda a, b: a * b, a, b)
    assert a.grad is None
    assert (a._version, a.dtype, a.tolist()) == (0, t.float32, [[1.0, 2.0], [3.0, 4.0]])


def test_parameters_of_a_module_are_checked_on_a_copy():
    linear = torch.nn.Linear(3, 2)
    before = [p.clone() for p in linear.parameters()]
    for check in CHECKS:
        check(linear, torch.ones(4, 3, requires_grad=True))
    assert all(torch.equal(p, q) for p, q in zip(linear.parameters(), before, strict=True))

    class Wrong(torch.nn.Linear):
        def forward(self, x):
            return x @ self.weight.T.detach() + self.bias

    assert "parameter weight" in complaint(testing.check_gradients, Wrong(3, 2), torch.ones(4, 3))


class TestAgainstTorch:
    def test_functions_that_name_minigrad_run_on_torch(self):
        testing.check_against_torch(lambda a: minigrad.exp(a) @ a.T, two(minigrad)[0])
        testing.check_against_torch(minigrad.tanh, two(minigrad)[0])

    def test_functions_that_take_the_module(self):
        def f(a, *, torch=minigrad):
            return torch.matmul(a, torch.ones(2, 2))

        testing.check_against_torch(f, two(minigrad)[0])

    def test_exceptions_agree(self):
        testing.check_against_torch(lambda a, b: a @ b, *two(minigrad, (2, 3), (2, 3)))

    @pytest.mark.parametrize(
        ("f", "other", "said"),
        [
            (lambda a: a * 2, lambda a: a * 3, "in torch"),
            (lambda a: a.double(), lambda a: a, "dtype"),
            (lambda a: a.sum(), lambda a: a, "shape"),
            (lambda a: a.detach(), lambda a: a * 1, "requires_grad"),
            (lambda a: (a, a), lambda a: a, "2 results in minigrad, 1 in torch"),
            (lambda a: a * a.detach(), lambda a: a * a, "gradient of"),
            (lambda a: a.view(3), lambda a: a, "minigrad raises RuntimeError"),
        ],
    )
    def test_differences_are_named(self, f, other, said):
        assert said in complaint(testing.check_against_torch, f, two(minigrad)[0], torch_function=other)
