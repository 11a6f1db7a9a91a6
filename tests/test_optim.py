"""Optimizers as objects: groups, options, errors, hooks, state to save; each program runs on torch and on minigrad."""

import copy
import pickle

import pytest

torch = pytest.importorskip("torch")

from parity import assert_same

import minigrad

PROGRAMS = []
OPTIMIZERS = [
    "SGD",
    "ASGD",
    "Adagrad",
    "RMSprop",
    "Adadelta",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "Rprop",
    "LBFGS",
]


def program(function):
    PROGRAMS.append(function)
    return function


def leaves(torch, count=2):
    return [torch.arange(1.0, 3 + i).requires_grad_() for i in range(count)]


def with_gradients(torch, count=2):
    params = leaves(torch, count)
    sum((p * p).sum() for p in params).backward()
    return params


@program
def what_is_printed_of_every_optimizer(torch):
    return [getattr(torch.optim, name)(leaves(torch)) for name in OPTIMIZERS]


@program
def what_is_saved_of_every_optimizer(torch):
    saved = []
    for name in OPTIMIZERS[:-1]:
        params = with_gradients(torch)
        optimizer = getattr(torch.optim, name)(params)
        saved.append(optimizer.state_dict())
        optimizer.step()
        saved += [optimizer.state_dict(), params]
    return saved


@program
def a_step_with_a_closure_returns_the_loss(torch):
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        return optimizer.step(closure), optimizer.step(closure), w, optimizer.step()


@program
def what_sums_of_squares_begin_with(torch):
    """The optimizer's own, also in a group that says another."""
    a, b = leaves(torch)
    groups = [{"params": a, "initial_accumulator_value": 5.0}, {"params": b}]
    optimizer = torch.optim.Adagrad(groups, initial_accumulator_value=0.5)
    return [optimizer.state[t]["sum"] for t in (a, b)]


@program
def groups_with_options_of_their_own(torch):
    a, b = with_gradients(torch)
    given = {"params": a, "lr": 0.5, "note": "kept"}
    optimizer = torch.optim.SGD([given, {"params": [b]}], lr=0.1, momentum=0.9)
    optimizer.step()
    c = torch.ones(1, requires_grad=True)
    optimizer.add_param_group({"params": c, "momentum": 0})
    optimizer.param_groups[1]["lr"] = 2
    optimizer.step()
    return optimizer, a, b, c, given, optimizer.state_dict(), optimizer.defaults


@program
def a_parameter_without_a_gradient_stays(torch):
    a, b = leaves(torch)
    optimizer = torch.optim.Adam([a, b])
    a.sum().backward()
    optimizer.step()
    return a, b, list(optimizer.state_dict()["state"])


@program
def named_parameters(torch):
    a, b = leaves(torch)
    optimizer = torch.optim.SGD([("a", a), ("b", b)])
    optimizer.add_param_group({"params": [("c", torch.ones(1, requires_grad=True))]})
    return optimizer, optimizer.state_dict()


@program
def names_survive_loading(torch):
    a, b = leaves(torch)
    named, plain = torch.optim.SGD([("a", a), ("b", b)], lr=0.5), torch.optim.SGD([a, b])
    saved = plain.state_dict(), named.state_dict()
    named.load_state_dict(saved[0])
    plain.load_state_dict(saved[1])
    return named, plain


@program
def gradients_are_forgotten(torch):
    a, b = with_gradients(torch)
    optimizer = torch.optim.SGD([a, b])
    kept = a.grad
    optimizer.zero_grad(set_to_none=False)
    zeroed = a.grad, kept is a.grad, b.grad
    optimizer.zero_grad()
    return zeroed, a.grad, b.grad


@program
def zeroing_cuts_a_gradient_off_its_graph(torch):
    w = torch.ones(2, requires_grad=True)
    w.grad = 3 * w**2  # as a pass with create_graph leaves it
    before = w.grad.requires_grad
    torch.optim.SGD([w]).zero_grad(set_to_none=False)
    return before, w.grad


@program
def a_rate_that_is_a_tensor(torch):
    (w,) = with_gradients(torch, 1)
    rate = torch.tensor(0.5)
    optimizer = torch.optim.SGD([w], lr=rate)
    optimizer.step()
    before = w.clone()
    rate.fill_(0)
    optimizer.step()
    return before, w, optimizer


@program
def hooks_around_a_step(torch):
    (w,) = with_gradients(torch, 1)
    optimizer = torch.optim.SGD([w], lr=1)
    log = []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: log.append(("before", args == (o,), kwargs, w.tolist())))
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: "loss"), {}))
    handle = optimizer.register_step_post_hook(lambda o, args, kwargs: log.append(("after", len(args), w.tolist())))
    result = optimizer.step()
    handle.remove()
    optimizer.step()
    return log, result


@program
def hooks_around_saving(torch):
    (w,) = leaves(torch, 1)
    optimizer = torch.optim.SGD([w])
    log = []
    optimizer.register_state_dict_pre_hook(lambda o: log.append("second"))
    optimizer.register_state_dict_pre_hook(lambda o: log.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, s: {**s, "more": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, s: log.append(sorted(s)))
    optimizer.register_load_state_dict_pre_hook(lambda o, s: {key: s[key] for key in ("state", "param_groups")})
    optimizer.register_load_state_dict_post_hook(lambda o: log.append("loaded"))
    saved = optimizer.state_dict()
    optimizer.load_state_dict(saved)
    return log, saved


@program
def hooks_of_an_optimizer_of_ones_own(torch):
    class Halving(torch.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"times": 2})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p /= 2 ** group["times"]
                    self.state[p]["count"] = self.state[p].get("count", 0) + 1

    (w,) = leaves(torch, 1)
    optimizer, log = Halving([w]), []
    optimizer.register_step_post_hook(lambda *_: log.append("after"))
    optimizer.step()
    return optimizer, w, log, optimizer.state_dict()


@program
def copied_and_pickled(torch):
    (w,) = with_gradients(torch, 1)
    optimizer = torch.optim.Adam([w])
    optimizer.step()
    other = copy.deepcopy(optimizer)
    other.step()
    (v,) = other.param_groups[0]["params"]
    third = pickle.loads(pickle.dumps(other))
    third.step()
    return w, v, v is w, optimizer.state_dict(), other.state_dict(), third.state_dict()


@program
def resumed_in_another_dtype(torch):
    params = with_gradients(torch)
    first = torch.optim.Adam(params)
    first.step()
    wide = [p.detach().double().requires_grad_() for p in params]
    second = torch.optim.Adam(wide, lr=1)
    second.load_state_dict(first.state_dict())
    sum((p**3).sum() for p in wide).backward()
    second.step()
    return second, wide, second.state_dict()


@program
def an_adamw_decays_in_its_own_way_after_loading_an_adam(torch):
    (w,) = with_gradients(torch, 1)
    optimizer = torch.optim.AdamW([w])
    optimizer.load_state_dict(torch.optim.Adam([w]).state_dict())
    return optimizer


@program
def states_of_other_optimizers(torch):
    said = []
    pairs = "SGD Adam,Adam SGD,RMSprop SGD,Rprop SGD,SGD NAdam,NAdam Adam,RAdam AdamW,SGD RMSprop,AdamW Adam"
    for pair in pairs.split(","):
        first, second = ([getattr(torch.optim, name)(leaves(torch, 1), lr=0.1)] for name in pair.split())
        for optimizer in first + second:
            optimizer.param_groups[0]["params"][0].grad = torch.ones(2)
        first[0].step()
        second[0].load_state_dict(first[0].state_dict())
        try:
            second[0].step()
            said.append(second[0].param_groups[0]["params"])
        except KeyError as error:
            said.append((pair, str(error)))
    return said


@program
def parameters_that_are_no_plain_leaves(torch):
    base = torch.arange(6.0)
    row = base[1:3].requires_grad_()
    inner = torch.ones(2, requires_grad=True) * 3
    inner.retain_grad()
    optimizer = torch.optim.SGD([row, inner], lr=1)
    (row.sum() + (inner**2).sum()).backward()
    optimizer.step()
    return base, row, inner


def error(text, make):
    make.__name__ = text
    PROGRAMS.append(make)


error("no parameters", lambda torch: torch.optim.SGD([]))
error("a tensor", lambda torch: torch.optim.SGD(torch.ones(2)))
error("a number", lambda torch: torch.optim.SGD([1.0]))
error("a set", lambda torch: torch.optim.SGD([{"params": set(leaves(torch))}]))
error("a result", lambda torch: torch.optim.SGD([leaves(torch)[0] * 2]))
error("no group", lambda torch: torch.optim.SGD(leaves(torch)).add_param_group([torch.ones(1)]))
error("some names", lambda torch: torch.optim.SGD([("a", torch.ones(1)), torch.ones(1)]))
error(
    "a group without names",
    lambda torch: torch.optim.SGD([("a", leaves(torch)[0])]).add_param_group({"params": leaves(torch)}),
)
error("twice in a group", lambda torch: torch.optim.SGD(leaves(torch, 1) * 2))
error("in two groups", lambda torch: torch.optim.SGD([{"params": p} for p in leaves(torch, 1) * 2]))
error("other groups", lambda torch: torch.optim.SGD(leaves(torch)).load_state_dict({"state": {}, "param_groups": []}))
error(
    "another size",
    lambda torch: torch.optim.SGD(leaves(torch)).load_state_dict(torch.optim.SGD(leaves(torch, 1)).state_dict()),
)
error("no closure", lambda torch: torch.optim.LBFGS(leaves(torch)).step())
error("groups of LBFGS", lambda torch: torch.optim.LBFGS([{"params": p} for p in leaves(torch)]))
error("two rates", lambda torch: torch.optim.SGD(leaves(torch), lr=torch.ones(2)))
error("nesterov", lambda torch: torch.optim.SGD(leaves(torch), nesterov=True))
error("fused and foreach", lambda torch: torch.optim.Adam(leaves(torch), fused=True, foreach=True))
error("fused and differentiable", lambda torch: torch.optim.Adam(leaves(torch), fused=True, differentiable=True))
error("capturable", lambda torch: torch.optim.Adam(with_gradients(torch), capturable=True).step())
error("one int beta", lambda torch: torch.optim.Adam(leaves(torch), betas=(0, 0.5)))
error("a rate and foreach", lambda torch: torch.optim.Adam(leaves(torch), lr=torch.ones(1), foreach=True))
error("one place for two elements", lambda torch: torch.optim.SGD([expanded(torch)]).step())

INVALID = {
    "lr": -1,
    "momentum": -1,
    "weight_decay": -1,
    "eps": -1,
    "betas": ((-0.1, 0.5), (0.5, 1.0)),
    "alpha": -1,
    "rho": 2,
    "lr_decay": -1,
    "initial_accumulator_value": -1,
    "momentum_decay": -1,
    "etas": ((2, 3), (0.5, 0.5)),
}


def expanded(torch):
    w = torch.zeros(1).expand(3).requires_grad_()
    (w * 1).sum().backward()
    return w


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__.replace(" ", "_"))
def test_as_in_torch(run):
    assert_same(run)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_options_that_are_not_valid(name):
    kind = getattr(minigrad.optim, name)
    options = kind(leaves(minigrad)).defaults
    tried = [
        (o, v) for o in INVALID if o in options for v in (INVALID[o] if isinstance(INVALID[o], tuple) else [INVALID[o]])
    ]
    if name == "ASGD":
        tried.remove(("alpha", -1))  # any will do there
    for option, value in tried:
        assert_same(
            lambda torch, option=option, value=value: getattr(torch.optim, name)(leaves(torch), **{option: value})
        )
        with pytest.raises(ValueError, match="Invalid"):
            kind(leaves(minigrad), **{option: value})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_saved_value_that_a_step_has_changed_raises(name):
    w = minigrad.tensor([1.0, 2.0], requires_grad=True)
    optimizer = getattr(minigrad.optim, name)([w], lr=0.1)
    w.grad = minigrad.ones(2)
    loss = (w * w).sum()
    optimizer.step(*[lambda: w.sum().detach()][: name == "LBFGS"])
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as raised:
        loss.backward()
    assert "optimizer.step(" in str(raised.value), "the message names the line that changed the value"


@pytest.mark.parametrize("name", OPTIMIZERS[:-1])
def test_a_saved_state_that_a_step_has_changed_raises(name):
    w = minigrad.tensor([1.0, 2.0], requires_grad=True)
    optimizer = getattr(minigrad.optim, name)([w], **({"momentum": 0.9} if name == "SGD" else {}))
    w.grad = minigrad.ones(2)
    optimizer.step()
    for remembered in optimizer.state[w].values():
        v = minigrad.ones((), requires_grad=True)
        loss = (v * remembered).sum()
        optimizer.step()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_what_minigrad_refuses_it_says():
    with pytest.raises(NotImplementedError, match="create_graph=True"):
        minigrad.optim.SGD(leaves(minigrad), differentiable=True)
    with pytest.raises(NotImplementedError, match="differentiable"):
        minigrad.optim.SGD([{"params": leaves(minigrad), "differentiable": True}])
    with pytest.raises(ValueError, match=r"x\.detach\(\)\.requires_grad_\(\)"):
        minigrad.optim.SGD([leaves(minigrad)[0] * 2])


def test_a_base_that_does_not_know_how_to_step():
    optimizer = minigrad.optim.Optimizer(leaves(minigrad), {})
    with pytest.raises(NotImplementedError):
        optimizer.step()
    assert repr(optimizer) == "Optimizer (\nParameter Group 0\n)"


def test_a_hook_that_returns_what_it_may_not():
    optimizer = minigrad.optim.SGD(leaves(minigrad))
    optimizer.register_step_pre_hook(lambda *_: 3)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3"):
        optimizer.step()


def test_a_gradient_that_does_not_fit_is_told_in_torchs_words():
    for library in (minigrad, torch):
        w = library.ones(2, requires_grad=True)
        w.sum().backward()
        w.data = library.zeros(3)
        expected = r"The size of tensor a \(3\) must match the size of tensor b \(2\) at non-singleton dimension 0"
        with pytest.raises(RuntimeError, match=expected):
            library.optim.SGD([w], lr=0.1).step()
