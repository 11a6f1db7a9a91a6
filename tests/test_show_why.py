"""show.why: for each cause the right answer, the line where it lies, and a mend that works."""

import inspect

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minigrad as torch
from minigrad import show
from minigrad.show.frames import name_of
from minigrad.show.reason_texts import SAY


def leaf(*values):
    return torch.tensor(values or (0.5, -1.5, 2.5), requires_grad=True)


def fact(reason, kind):
    """The one fact of a kind."""
    (found,) = [f for f in reason.facts if f.kind == kind]
    return found


def texts(found):
    """The expressions that a fact quotes."""
    return [spot.text for spot in found.spots]


# x.grad is None


def test_not_a_leaf():
    w = leaf()
    hidden = w * 2
    hidden.sum().backward()
    reason = show.why(hidden)
    assert reason.kinds[0] == "not a leaf"
    (spot,) = reason.facts[0].spots
    lines, first = inspect.getsourcelines(test_not_a_leaf)
    assert (spot.file, spot.line, spot.text) == (__file__, first + 2, "w * 2")
    assert "hidden = w * 2" in lines[2]
    assert "MulBackward0" in str(reason)
    assert "hidden.retain_grad()" in reason.facts[0].mend

    hidden = w * 2
    hidden.retain_grad()
    assert show.why(hidden).kinds[0] == "retained, no backward yet"
    hidden.sum().backward()
    assert show.why(hidden).kinds[0] == "has gradient of its own"


def test_no_backward_yet():
    w = leaf()
    loss = (w**2).sum()
    for reason in (show.why(w, loss=loss), show.why(w)):
        assert reason.kinds[0] == "no backward yet"
        assert "`loss`" in reason.facts[0].text
        assert texts(reason.facts[0]) == ["w**2"]
        assert reason.facts[0].mend.startswith("Call backward() on `loss`")


def test_the_likeliest_loss_is_the_newest_number():
    w = leaf()
    cost = (w**2).sum()
    aside = w * 2
    assert "`cost`" in show.why(w).facts[0].text
    assert cost.requires_grad
    assert aside.requires_grad


def test_gradient_dropped_or_never_accumulated():
    w = leaf()
    loss = (w**2).sum()
    loss.backward()
    w.grad = None
    assert show.why(w, loss=loss).kinds[0] == "freed"
    loss = (w * w).sum()
    torch.autograd.grad(loss, w)
    assert show.why(w, loss=loss).kinds[0] == "freed"


def test_not_in_the_loss_because_of_detach():
    w, v = leaf(), leaf(1.0, 2.0, 3.0)
    hidden = (v * 2).detach()
    loss = (w * hidden).sum()
    reason = show.why(v, loss=loss)
    assert reason.kinds == ("not in loss", "fell out")
    assert texts(reason.facts[1]) == ["(v * 2).detach()"]
    fake = v * 2
    loss = (w * fake.detach()).sum()  # as a GAN's judge is trained
    reason = show.why(v, loss=loss)
    assert reason.kinds == ("not in loss", "cut behind")
    assert "`fake` was computed from `v`" in reason.facts[1].text
    assert texts(reason.facts[1]) == ["w * fake.detach()"]


def test_not_in_the_loss_because_its_memory_was_used_as_a_constant():
    w, v = leaf(), leaf(1.0, 2.0, 3.0)
    loss = (w * v.data).sum()
    reason = show.why(v, loss=loss)
    assert reason.kinds[:2] == ("not in loss", "used as constant")
    assert texts(reason.facts[1]) == ["w * v.data"]


def test_not_in_the_loss_because_a_copy_was_used():
    w = leaf()
    copy = w.detach().clone().requires_grad_()
    loss = (copy**2).sum()
    reason = show.why(w, loss=loss)
    found = fact(reason, "a copy was used")
    assert "`copy`" in found.text
    assert texts(found) == ["copy**2"]


def test_not_in_the_loss_because_the_loss_fell_out():
    w = leaf()
    with torch.no_grad():
        loss = (w**2).sum()
    (found,) = show.why(w, loss=loss).facts
    assert found.kind == "loss lost"
    assert texts(found) == ["(w**2).sum()"]
    assert show.why(w, loss=torch.tensor(1.0)).kinds == ("loss without history", "fell out")


def test_a_loss_that_is_a_leaf():
    w = leaf()
    loss = torch.tensor((w**2).sum().item(), requires_grad=True)
    assert show.why(loss, loss=loss).kinds == ("is the loss",)
    assert show.why(w, loss=loss).kinds == ("not in loss",)


def test_a_parameter_that_was_replaced():
    w = leaf()
    loss = (w**2).sum()
    loss.backward()
    w = w - 0.1 * w.grad
    (found,) = show.why(w).facts
    assert (found.kind, texts(found)) == ("stepped", ["w - 0.1 * w.grad"])
    w = w.detach().requires_grad_()
    found = fact(show.why(w, loss=loss), "rebound")
    assert "(3,)" in found.text
    assert texts(found) == ["w**2"]


def test_a_parameter_that_was_converted():
    w = leaf()
    w = w.to(torch.float64)
    (w**2).sum().backward()
    found = show.why(w).facts[0]
    assert (found.kind, texts(found)) == ("made from a leaf", ["w.to(torch.float64)"])
    assert "requires_grad_()" in found.mend.splitlines()[0]


def test_not_used_at_all():
    w = leaf()
    assert show.why(w).kinds == ("not used",)
    lost = w.detach()
    reason = show.why(w)
    assert reason.kinds == ("not used", "fell out")
    assert texts(reason.facts[1]) == ["w.detach()"]
    assert not lost.requires_grad


def test_a_view_made_under_no_grad():
    w = leaf()
    with torch.no_grad():
        part = w[1:]
    reason = show.why(part)
    assert reason.kinds == ("severed",)
    assert texts(reason.facts[0]) == ["w[1:]"]


# x does not require grad


def no_grad_block(w):
    with torch.no_grad():
        return w * 2


WAYS_OUT = {
    "lost: no_grad": (no_grad_block, "w * 2"),
    "lost: detach": (lambda w: w.detach(), "w.detach()"),
    "lost: data": (lambda w: w.data, "w.data"),
    "lost: integer": (lambda w: w.long(), "w.long()"),
    "lost: gradient": (lambda w: torch.autograd.grad((w**3).sum(), w)[0], "torch.autograd.grad((w**3).sum(), w)"),
    "lost": (lambda w: w > 0, "w > 0"),
}


@pytest.mark.parametrize("kind", WAYS_OUT)
def test_the_line_that_fell_out_of_the_graph(kind):
    way_out, text = WAYS_OUT[kind]
    x = way_out(leaf())
    (found,) = show.why(x).facts
    assert found.kind == kind
    assert texts(found) == [text]
    x = x.double().sum()  # what is computed from it has lost it at the same place
    (found,) = show.why(x).facts
    assert texts(found) == [text]


def test_an_output_marked_as_non_differentiable():
    class Both(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            sign = x.sign()
            ctx.mark_non_differentiable(sign)
            return x * 2, sign

        @staticmethod
        def backward(ctx, g, _):
            return g * 2

    _, sign = Both.apply(leaf())
    (found,) = show.why(sign).facts
    assert found.kind == "lost: non_differentiable"
    assert texts(found) == ["Both.apply(leaf())"]


def test_never_asked_for():
    x = torch.zeros(3)
    assert show.why(x).kinds == ("never asked for",)
    assert "x.requires_grad_()" in str(show.why(x))


def test_a_buffer():
    net = torch.nn.Sequential(torch.nn.BatchNorm1d(2))
    for x in net[0].running_mean, net[0].num_batches_tracked:
        assert show.why(x).kinds == ("a buffer",)
    assert show.why(torch.ones(2)).kinds == ("never asked for",)


def test_a_grad_that_was_not_recorded():
    w = leaf()
    (w**3).sum().backward()
    assert show.why(w.grad).kinds == ("a .grad",)
    (gradient,) = torch.autograd.grad((w**3).sum(), w)
    for g in (w.grad, gradient):
        with pytest.raises(RuntimeError, match=r"gradient.*without create_graph=True"):
            g.sum().backward() if g is gradient else g.backward(w)


def test_integers():
    x = torch.tensor([1, 2])
    assert show.why(x).kinds == ("integer",)
    assert "torch.int64" in str(show.why(x))


def test_a_copy_of_what_requires_grad():
    w = leaf()
    x = torch.tensor(w.tolist())
    assert w.requires_grad
    (found,) = show.why(x).facts
    assert found.kind == "a copy"
    assert "`w`" in found.text


def test_requires_grad_was_off_when_it_was_used():
    w, v = leaf(), torch.tensor([1.0, 2.0, 4.0])
    loss = (w * v).sum()
    v.requires_grad_()
    reason = show.why(v, loss=loss)
    assert texts(fact(reason, "used as constant")) == ["w * v"]

    v.requires_grad_(False)
    loss = (w * 3).sum()
    w.requires_grad_(False)
    assert show.why(w, loss=loss).kinds[0] == "turned off"


# x has a gradient


def test_where_a_gradient_came_from():
    w = leaf()
    first = (w**2).sum()
    first.backward()
    reason = show.why(w)
    assert reason.kinds == ("has gradient", "contributions")
    assert texts(reason.facts[1]) == ["w**2"]
    second = (w * 3).sum()
    second.backward()
    reason = show.why(w)
    assert texts(reason.facts[0]) == ["second.backward()"]
    assert set(texts(fact(reason, "contributions"))) == {"w**2", "w * 3"}
    assert show.why(w, loss=first).kinds[0] == "has gradient, changed"


@pytest.mark.parametrize(
    ("f", "kind", "said"),
    [(torch.relu, "all zero", "All of it is 0."), (torch.sqrt, "not finite", "nan"), (torch.log, "not finite", "inf")],
)
def test_a_gradient_of_no_use_is_told(f, kind, said):
    w = leaf(0.0, 1.0) if f is torch.log else leaf(-1.0, -2.0)
    f(w).sum().backward()
    reason = show.why(w)
    assert reason.kinds[:2] == ("has gradient", kind)
    assert said in reason.facts[1].text


# Who holds a saved value


def test_who_holds_a_saved_value():
    w = leaf()
    hidden = w * 2
    loss = (hidden * w.exp()).sum()
    found = fact(show.why(hidden, loss=loss), "held")
    assert texts(found) == ["hidden * w.exp()"]
    hidden += 1
    reason = show.why(hidden, loss=loss)
    assert texts(fact(reason, "broken")) == ["hidden * w.exp()"]
    assert "version 0" in fact(reason, "broken").text
    assert texts(fact(reason, "changed in place")) == ["hidden += 1"]
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_function_holds_what_it_saved():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf()
    loss = Double.apply(x).sum()
    assert texts(fact(show.why(x), "held")) == ["Double.apply(x)"]
    loss.backward()
    assert "held" not in show.why(x).kinds


def test_joined_tensors_are_followed():
    w = leaf()
    loss = torch.cat([w, w * 2]).sum()
    found = fact(show.why(w, loss=loss), "no backward yet")
    assert texts(found) == ["torch.cat([w, w * 2])", "w * 2"]


OPERATIONS = st.sampled_from([lambda a: a * 2, torch.exp, torch.sin, lambda a: a * a, lambda a: a + 1, torch.sigmoid])


@given(st.lists(OPERATIONS, min_size=1, max_size=5), st.data())
def test_what_is_held_is_what_a_change_breaks(operations, data):
    """`why` says "held" of a tensor before a change in place if, and only if, backward raises after it."""
    chain = [leaf() * 1]
    for operation in operations:
        chain.append(operation(chain[-1]))
    loss = chain[-1].sum()
    chosen = data.draw(st.sampled_from(chain))
    held = "held" in show.why(chosen, loss=loss).kinds
    with torch.no_grad():
        chosen.add_(1)
    assert ("broken" in show.why(chosen, loss=loss).kinds) == held
    if held:
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()
    else:
        loss.backward()


# The rest


class Model:
    def __init__(self):
        self.weights = [leaf()]

    def asked(self):
        return show.why(self.weights[0])


def test_tensors_are_found_and_named_in_containers_and_objects():
    model = Model()
    outputs = {"loss": (model.weights[0] ** 2).sum()}
    reason = model.asked()
    assert reason.about == "`self.weights[0]`"
    assert reason.kinds[0] == "no backward yet"
    assert "`outputs['loss']`" in reason.facts[0].text
    assert outputs["loss"].requires_grad


class Silent:
    def __repr__(self):
        raise AssertionError("the user's code ran")


def test_keys_that_only_code_of_theirs_could_write_are_named_by_their_types():
    w = leaf()
    outputs = {Silent(): w * 2, ("loss", 1): w * 3}
    assert show.why(outputs["loss", 1]).about == "`outputs[('loss', 1)]`"
    assert show.why(next(iter(outputs.values()))).about == "`outputs[<Silent>]`"


def test_variables_of_what_runs_a_program_are_not_the_programs():
    for module, name in (("IPython.core.run", "t"), ("my_program", "kept")):
        scope = {"__name__": module}
        exec("def run(cell, kept): return cell(kept)", scope)
        assert scope["run"](lambda t: name_of(t), leaf()) == name


def test_a_tensor_without_a_name():
    assert show.why(torch.zeros(2)).about == "this tensor"
    assert show.why(torch.zeros(2), lang="zh").about == "这个张量"


def test_it_prints_as_text():
    w = leaf()
    lost = w.detach()
    reason = show.why(lost)
    assert str(reason) == repr(reason)
    lines = str(reason).splitlines()
    assert lines[0] == "`lost` does not require grad: detach() took its value out of the graph, at"
    assert lines[1].startswith(f'  File "{__file__}", line ')
    assert lines[2:] == ["    w.detach()", "  Leave the detach() out where a gradient is needed."]


def test_chinese():
    w = leaf()
    lost = w.detach()
    assert "`lost` 不需要梯度" in str(show.why(lost, lang="zh"))
    assert "w.detach()" in str(show.why(lost, lang="zh"))
    assert str(show.why(torch.ones(2), lang="zh")).startswith("这个张量不需要梯度：")


@pytest.mark.parametrize("kind", SAY)
def test_both_languages_name_the_same_things(kind):
    assert set(SAY[kind]) == {"en", "zh"}
    fields = [
        {p.split("}")[0] for p in "".join(SAY[kind][lang]).split("{")[1:]} - {"short", "x"} for lang in ("en", "zh")
    ]
    assert fields[0] == fields[1]


def test_asking_changes_nothing():
    w = leaf()
    hidden = w * 2
    loss = (hidden**2).sum()
    for _ in range(2):
        show.why(w), show.why(hidden, loss=loss), show.why(loss)
    assert (w._version, hidden._version, w.grad, hidden.retains_grad) == (0, 0, None, False)
    loss.backward()
    np.testing.assert_array_equal(w.grad.numpy(), 8 * w.detach().numpy())


def test_what_is_no_tensor_is_an_error():
    with pytest.raises(TypeError, match="not float"):
        show.why(1.5)
    with pytest.raises(TypeError, match="not int"):
        show.why(leaf(), loss=3)
    with pytest.raises(ValueError, match="'fr'"):
        show.why(leaf(), lang="fr")
