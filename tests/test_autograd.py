"""`backward` and `grad`: what they compute, where it goes, what they refuse, and what they leave behind."""

import warnings

import pytest

pytest.importorskip("torch")

from parity import assert_same

import minigrad
from minigrad import autograd

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


def expression(name, source):
    """A program of one expression over fresh tensors."""

    def run(torch):
        x = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
        w = torch.tensor([0.5, 0.25, 2.0], requires_grad=True)
        c = torch.ones(3)
        names = {
            "torch": torch,
            "x": x,
            "w": w,
            "c": c,
            "backward": torch.autograd.backward,
            "grad": torch.autograd.grad,
        }
        return eval(source, names)

    run.__name__ = name
    PROGRAMS.append(run)


for name, source in {
    # What may not be, and what may
    "non_scalar": "(x * 2).backward()",
    "no_history": "c.sum().backward()",
    "second_of_two_without_history": "backward([(x * 2).sum(), torch.ones(1)])",
    "no_history_with_gradient": "backward([c], [c])",
    "gradient_shape": "(x * 2).backward(torch.ones(2))",
    "gradient_text": "(x * 2).backward('a')",
    "gradient_number": "(x * 2).backward(1.0)",
    "gradient_list": "(x * 2).backward([1.0, 2.0, 3.0])",
    "gradient_of_double": "((x * 2).backward(torch.ones(3, dtype=torch.float64)), x.grad)",
    "gradient_of_integers": "((x * 2).backward(torch.ones(3, dtype=torch.int64)), x.grad)",
    "gradient_of_leaf": "(x.backward(torch.ones(3, dtype=torch.float64)), x.grad)",
    "too_few_gradients": "backward([(x * 2).sum(), (x * 3).sum()], [torch.ones(())])",
    "too_many_gradients": "(backward([(x * 2).sum()], [torch.ones(()), torch.ones(())]), x.grad)",
    "no_tensors": "backward([])",
    "backward_of_text": "backward('ab')",
    "backward_of_number": "backward([1.0])",
    "both_names_of_gradients": "backward(x.sum(), torch.ones(()), grad_variables=torch.ones(()))",
    "old_name_of_gradients": "(backward(x.sum(), grad_variables=torch.ones(())), x.grad)",
    "inputs_empty": "(x * 2).sum().backward(inputs=[])",
    "inputs_without_grad": "(x * 2).sum().backward(inputs=[c])",
    "inputs_text": "(x * 2).sum().backward(inputs=['a'])",
    "inputs_unused": "((x * 2).sum().backward(inputs=[w]), x.grad, w.grad)",
    "inputs_one": "((x * w).sum().backward(inputs=w), x.grad, w.grad)",
    "inputs_dict": "((x * w).sum().backward(inputs={'w': w}), x.grad, w.grad)",
    "of_comparison": "(x > 0).backward(torch.ones(3))",
    "unused": "grad((x * 2).sum(), [x, w])",
    "unused_without_grad": "grad((x * 2).sum(), c, allow_unused=True)",
    "unused_allowed": "grad((x * 2).sum(), [x, w], allow_unused=True)",
    "unused_as_zeros": "grad((x * 2).sum(), [x, w], materialize_grads=True)",
    "unused_as_zeros_in_graph": "grad((x * 2).sum(), [x, w], materialize_grads=True, create_graph=True)",
    "unused_contradiction": "grad((x * 2).sum(), [x, w], materialize_grads=True, allow_unused=False)",
    "grad_of_nothing": "grad([], [x])",
    "grad_for_nothing": "grad((x * 2).sum(), [])",
    "grad_for_text": "grad((x * 2).sum(), ['a'])",
    "grad_of_number": "grad(1.0, [x])",
    "grad_only_inputs": "grad((x * 2).sum(), [x], only_inputs=False)",
    "grad_of_itself": "grad(x, x, c)",
    "grad_of_scalar_itself": "grad(w[0], w)",
    "grad_as_dict": "grad((x * w).sum(), {'first': x, 'second': w})",
    "grad_twice_for_one": "grad((x * 2).sum(), [x, x])",
    "grad_for_result": "(lambda y: grad((y * y).sum(), [y, x]))(x * 2)",
    "grad_of_several": "grad([x * 2, x * w], [x, w], [c, c])",
    "grad_with_none": "grad([(x * 2).sum(), x * w], [x, w], [None, c])",
    "grad_batched": "grad(x * w, [x, w], torch.eye(3), is_grads_batched=True)",
    "grad_batched_unused": "grad(x * 2, {'x': x, 'w': w}, torch.eye(3), is_grads_batched=True, allow_unused=True)",
    "retain_of_constant": "c.retain_grad()",
    "hook_of_constant": "c.register_hook(print)",
    "late_hook_of_constant": "c.register_post_accumulate_grad_hook(print)",
    "late_hook_of_result": "(x * 2).register_post_accumulate_grad_hook(print)",
    # Second derivatives
    "second_derivative": "grad(grad((x * x * x).sum(), x, create_graph=True)[0].sum(), x)",
    "third_derivative": "(lambda d: grad(d(d((x**4).sum())), x))(lambda y: grad(y, x, create_graph=True)[0].sum())",
    "mixed_derivative": "grad(grad((x.exp() * w).sum(), x, create_graph=True)[0].sum(), w)",
    "second_through_gradient": "grad(grad(x * x, x, w, create_graph=True)[0].sum(), [x, w])",
    "second_of_mixed_dtypes": "grad(grad((x.double() * w).exp().sum(), w, create_graph=True)[0].sum(), [x, w])",
    "second_of_broadcast": "grad(grad((x.view(3, 1) * w).tanh().sum(), x, create_graph=True)[0].pow(2).sum(), [x, w])",
    "second_of_matmul": "grad(grad(((x.view(1, 3) @ w.view(3, 1)) ** 2).sum(), x, create_graph=True)[0].sum(), [x, w])",
    "second_without_first": "grad(grad((x * 2).sum(), x, create_graph=True)[0].sum(), x)",
}.items():
    expression(name, source)


@program
def twice_without_retaining(torch):
    x = torch.ones(3, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    y.backward()


@program
def twice_where_nothing_is_saved(torch):
    x = torch.ones(3, requires_grad=True)
    y = (x + x).sum()
    y.backward()
    y.backward()
    return x.grad


@program
def inputs_that_are_results(torch):
    x, z = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    y = x * 2
    (y * z).sum().backward(inputs=[y, z])
    return y.grad, x.grad, z.grad, y.retains_grad


@program
def accumulation_is_in_place(torch):
    x = torch.ones(3, requires_grad=True)
    (x * 2).sum().backward()
    first, version = x.grad, x.grad._version
    (x * 3).sum().backward()
    return x.grad is first, x.grad, x.grad._version - version


@program
def accumulation_with_graph_is_not(torch):
    x = torch.ones(3, requires_grad=True)
    (x * x).sum().backward(create_graph=True)
    first = x.grad
    (x * x).sum().backward(create_graph=True)
    return x.grad is first, first, x.grad


@program
def accumulation_into_an_expanded_grad(torch):
    x = torch.ones(3, requires_grad=True)
    x.grad = torch.ones(1).expand(3)
    x.sum().backward()


@program
def requires_grad_turned_off_before_the_pass(torch):
    x = torch.ones(2, requires_grad=True)
    y = (x * x).sum()
    x.requires_grad_(False)
    y.backward()
    return x.grad


@program
def grad_is_laid_out_as_its_leaf(torch):
    found = []
    for leaf in (
        torch.ones(3, 2),
        torch.ones(3, 2).t(),
        torch.ones(3, 1).expand(3, 4),
        torch.ones(6, 4)[::2],
        torch.ones(6, 4)[:, ::2].t(),
        torch.ones(()),
    ):
        x = leaf.requires_grad_()
        (x.t() * 2 if x.ndim else x * 2).sum().backward()
        found.append((tuple(x.stride()), tuple(x.grad.stride())))
    return found


@program
def passes_run_under_their_own_mode(torch):
    seen = []
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: seen.append(torch.is_grad_enabled()))
    y.sum().backward(retain_graph=True)
    torch.autograd.grad(y.sum(), x, create_graph=True)
    with torch.no_grad():
        y.backward(torch.ones(3))
        seen.append(torch.is_grad_enabled())
    with torch.enable_grad():
        seen.append(torch.is_grad_enabled())
    return seen


@program
def create_graph_under_no_grad(torch):
    x = torch.ones(3, requires_grad=True)
    y = (x * x * x).sum()
    with torch.no_grad():
        return torch.autograd.grad(y, x, create_graph=True)


@program
def nan_is_detected(torch):
    x = torch.zeros(2, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says there what minigrad says in the error: the line
        (x.sqrt() * 0).sum().backward()


@program
def nan_is_not_looked_for(torch):
    x = torch.zeros(2, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True, check_nan=False):
        (x.sqrt() * 0).sum().backward()
    return x.grad


@program
def the_graph_can_be_walked(torch):
    x, w = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    y = (x * w + 2).sum()
    add = y.grad_fn.next_functions[0][0]
    mul = add.next_functions[0][0]
    leaf = mul.next_functions[0][0]
    return y.grad_fn.name(), add.next_functions, mul.next_functions, leaf.name(), leaf.variable is x, y.output_nr


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__)
def test_same_as_torch(run):
    assert_same(run)


# What the errors say below torch's first line


def message(function):
    with pytest.raises(RuntimeError) as caught:
        function()
    return str(caught.value)


def test_a_loss_of_many_numbers_is_named():
    x = minigrad.ones(10, 1, requires_grad=True)
    l = x * 2
    text = message(lambda: l.backward())
    assert "test_autograd.py" in text
    assert "`l` has shape (10, 1): it holds 10 losses" in text
    assert "l.sum().backward()" in text
    text = message(lambda: minigrad.autograd.backward(l))
    assert "The tensor has shape (10, 1): it holds 10 losses" in text


def test_integers_have_no_gradients():
    w = minigrad.tensor([1, 2])
    with pytest.raises(RuntimeError, match=r"does not require grad(.|\n)*It is of torch.int64(.|\n)*1\.0, 2\.0"):
        (w * 2).sum().backward()
    with pytest.raises(RuntimeError, match=r"Convert the second operand: x.to\(torch.float32\)"):
        minigrad.ones(3, 2) @ w
    with pytest.raises(RuntimeError, match=r"Convert the first operand: x.to\(torch.float64\)"):
        w @ minigrad.ones(2, dtype=minigrad.float64)


def test_where_it_fell_out_of_the_graph():
    x = minigrad.ones(3, requires_grad=True)

    with minigrad.no_grad():
        fell_out = x * 2
    text = message(lambda: (fell_out + 1).sum().backward())
    assert "x * 2" in text
    assert "no_grad" in text
    assert "test_autograd.py" in text

    text = message(lambda: (x.detach() * 2).sum().backward())
    assert "x.detach()" in text
    assert "took the value out of the graph" in text

    text = message(lambda: x.long().float().sum().backward())
    assert "x.long()" in text
    assert "integers" in text

    text = message(lambda: minigrad.ones(3).sum().backward())
    assert "requires_grad=True" in text

    text = message(lambda: autograd.grad(x.sum(), x.detach()))
    assert "x.detach()" in text

    text = message(lambda: autograd.grad(x.sum(), minigrad.ones(2, requires_grad=True)))
    assert "shape is (2,)" in text


def test_an_error_in_a_pass_says_which_operation_it_was():
    x = minigrad.ones(3, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError) as caught:
        y.backward()
    assert "x * x" in str(caught.value)


def test_warns_of_the_cycle_that_a_recorded_grad_makes():
    x = minigrad.ones(3, requires_grad=True)
    with pytest.warns(UserWarning, match="reference cycle") as caught:
        (x * x).sum().backward(create_graph=True)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (x * x).sum().backward()
    x.grad = None


def test_a_step_that_made_a_new_tensor_is_named_where_its_gradient_is_asked_for():
    w = minigrad.ones(3, requires_grad=True)
    with pytest.warns(UserWarning, match="leaf Tensor instead.$"):
        assert (w * w).grad is None
    with pytest.warns(UserWarning, match="leaf Tensor instead.$"):  # a residual is no step
        assert (w * 2 - 1).grad is None
    w = w - 0.1 * w.detach()
    with pytest.warns(UserWarning, match=r"(?s)instead\.\n  File .*\n    w - 0.1 \* .*: w -= lr \* w\.grad\.$"):
        assert w.grad is None


def test_increment_version():
    x = minigrad.ones(3, requires_grad=True)
    y = x * 2
    square = (y * y).sum()
    autograd.graph.increment_version(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        square.backward()
    assert isinstance(square.grad_fn, autograd.graph.Node)


def test_half_precision_is_added_up_in_single():
    x = minigrad.ones((), dtype=minigrad.float16, requires_grad=True)
    (x * minigrad.ones(5000, dtype=minigrad.float16)).backward(minigrad.ones(5000, dtype=minigrad.float16))
    assert x.grad.dtype is minigrad.float16
    assert x.grad.item() == 5000.0
