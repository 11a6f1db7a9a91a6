"""Operations of one's own: what a Function's forward may return and mark, what its backward is given and may return."""

import pytest

torch = pytest.importorskip("torch")

from parity import assert_same, made

import minigrad
from minigrad.autograd import Function

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


def gradient(torch, forward, backward, *others):
    """The gradient of the first argument, of three ones, from the first output."""
    x = torch.ones(3, requires_grad=True)
    y = made(torch, forward, backward).apply(x, *others)
    (y[0] if isinstance(y, tuple) else y).sum().backward()
    return x.grad


# What backward may return

RETURNED = {
    "gradient": lambda torch, g: g * 2,
    "tuple": lambda torch, g: (g * 2,),
    "too many": lambda torch, g: (g, g),
    "trailing nones": lambda torch, g: (g, None, None),
    "none": lambda torch, g: None,
    "number": lambda torch, g: 1.0,
    "list": lambda torch, g: [g],
    "nothing at all": lambda torch, g: (),
    "short": lambda torch, g: torch.ones(2),
    "one": lambda torch, g: torch.ones(1),
    "to be summed": lambda torch, g: torch.ones(2, 3),
    "double": lambda torch, g: g.double(),
    "integers": lambda torch, g: g.long(),
}


@pytest.mark.parametrize("returned", RETURNED)
def test_what_backward_may_return(returned):
    assert_same(lambda torch: gradient(torch, lambda ctx, x: x * 2, lambda ctx, g: RETURNED[returned](torch, g)))


@program
def too_few_gradients(torch):
    return gradient(torch, lambda ctx, x, y: x * y, lambda ctx, g: g, torch.ones(3, requires_grad=True))


@program
def gradient_of_a_number(torch):
    return gradient(torch, lambda ctx, x, k: x * k, lambda ctx, g: (g, g), 3)


@program
def no_gradient_of_a_number(torch):
    return gradient(torch, lambda ctx, x, k: x * k, lambda ctx, g: (g * 3, None), 3)


# What forward may return

OUTPUTS = {
    "none": lambda torch, x: None,
    "number": lambda torch, x: 3,
    "text": lambda torch, x: "s",
    "list": lambda torch, x: [x * 2],
    "dict": lambda torch, x: {"y": x * 2},
    "empty tuple": lambda torch, x: (),
    "tuple of one": lambda torch, x: (x * 2,),
    "mixed": lambda torch, x: (x * 2, 3, None),
    "integers": lambda torch, x: (x * 2, torch.arange(3)),
    "itself": lambda torch, x: x,
    "itself twice": lambda torch, x: (x, x),
    "view": lambda torch, x: x.view(3, 1),
    "view and more": lambda torch, x: (x.view(3, 1), x * 2),
}


@pytest.mark.parametrize("returned", OUTPUTS)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_what_forward_may_return(returned, requires_grad):
    def run(torch):
        x = torch.ones(3, requires_grad=requires_grad)
        y = made(torch, lambda ctx, x: OUTPUTS[returned](torch, x), lambda ctx, *g: g[0]).apply(x)
        first = y[0] if isinstance(y, tuple) and y else y
        return y, first is x, isinstance(first, torch.Tensor) and first._base is x

    assert_same(run)


@pytest.mark.parametrize("returned", ["itself", "view", "view and more"])
def test_views_from_forward_may_not_be_changed(returned):
    def run(torch, change_base):
        x = torch.ones(3, requires_grad=True) * 1
        y = made(torch, lambda ctx, x: OUTPUTS[returned](torch, x), lambda ctx, *g: g[0]).apply(x)
        y = y[0] if isinstance(y, tuple) else y
        (x if change_base else y).add_(1)
        return y.grad_fn

    assert_same(lambda torch: run(torch, False))
    assert_same(lambda torch: run(torch, True))


@program
def two_outputs(torch):
    a, b = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)

    class Two(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, n, y):
            ctx.n = n
            return x * n, y * 2

        @staticmethod
        def backward(ctx, g, h):
            return g * ctx.n, None, h * 2

    y, z = Two.apply(a, 3, b)
    (y * 5 + z * 7).sum().backward()
    node = y.grad_fn
    return (
        *(a.grad, b.grad, node is z.grad_fn, node.name(), node.next_functions, node.n, y.output_nr, z.output_nr, y, z),
        *(node.needs_input_grad, (y * 2).grad_fn.next_functions, (z * 2).grad_fn.next_functions),
    )


@program
def two_outputs_and_wanted_ones(torch):
    x = torch.ones(3, requires_grad=True)
    y, z = made(torch, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g * 2 + h * 3).apply(x)
    total = (y * z).sum()
    return torch.autograd.grad(total, [y, z], retain_graph=True), torch.autograd.grad(total, [x])


@program
def hooks_at_two_outputs(torch):
    log = []
    x = torch.ones(3, requires_grad=True)
    y, z = made(torch, lambda ctx, x: (x * 2, x * 3), lambda ctx, g, h: g * 2 + h * 3).apply(x)
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    z.register_hook(lambda g: log.append(("z", g)))
    y.grad_fn.register_prehook(lambda g: log.append(("pre", g)))
    y.grad_fn.register_hook(lambda inputs, outputs: log.append(("post", inputs, outputs)))
    (y + z).sum().backward()
    return log, y.grad, x.grad


@program
def one_of_two_outputs_is_used(torch):
    log = []
    x = torch.ones(3, requires_grad=True)
    y, _ = made(torch, lambda ctx, x: (x * 2, x * 3), lambda ctx, *g: (log.append(g), g[0])[1]).apply(x)
    y.grad_fn.register_prehook(lambda g: log.append(g))
    y.sum().backward()
    return log, x.grad


@program
def missing_gradients_are_not_made(torch):
    log = []

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    return gradient(torch, forward, lambda ctx, *g: (log.append(g), g[0])[1]), log


@program
def integers_get_zeros(torch):
    log = []
    found = gradient(torch, lambda ctx, x: (x * 2, torch.arange(3), 3), lambda ctx, *g: (log.append(g), g[0])[1])
    return found, log


@program
def marked_as_not_differentiable(torch):
    log = []

    def forward(ctx, x):
        y, z = x * 2, x * 3
        ctx.mark_non_differentiable(z)
        return y, z

    x = torch.ones(3, requires_grad=True)
    y, z = made(torch, forward, lambda ctx, *g: (log.append(g), g[0])[1]).apply(x)
    y.sum().backward()
    return y, z, x.grad, log


@program
def an_input_marked_as_not_differentiable(torch):
    def forward(ctx, x):
        ctx.mark_non_differentiable(x)
        return x

    x = torch.ones(3, requires_grad=True)
    y = made(torch, forward, lambda ctx, g: g).apply(x)
    return y, y is x, y._base is x


# How it may be written


@program
def separate_context(torch):
    seen = []

    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(x, k=3):
            return x * k

        @staticmethod
        def setup_context(ctx, inputs, output):
            seen.append((inputs, output.requires_grad, torch.is_grad_enabled()))
            ctx.k = inputs[1]

        @staticmethod
        def backward(ctx, g):
            return g * ctx.k, None

    x = torch.ones(3, requires_grad=True)
    y = Scale.apply(x) + Scale.apply(x, 4) + Scale.apply(x, k=5) + Scale.apply(k=6, x=x)
    y.sum().backward()
    return seen, x.grad


@program
def keywords_without_separate_context(torch):
    seen = []
    function = made(torch, lambda ctx, x, k=1, m=1: (seen.append(ctx.needs_input_grad), x * k * m)[1], lambda ctx, g: g)
    x = torch.ones(3, requires_grad=True)
    return function.apply(x, k=2), function.apply(x=x), function.apply(x, 2, m=3), seen


@program
def unknown_keyword(torch):
    def forward(ctx, x, *, k=1):
        return x * k

    return made(torch, forward, lambda ctx, g: g).apply(torch.ones(3), k=2)


@program
def called(torch):
    made(torch, lambda ctx, x: x, lambda ctx, g: g)()(torch.ones(3))


@program
def without_forward(torch):
    type("MyFn", (torch.autograd.Function,), {}).apply(torch.ones(3))


@program
def without_backward(torch):
    function = type("MyFn", (torch.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 2)})
    function.apply(torch.ones(3, requires_grad=True)).sum().backward()


@program
def vjp_for_backward(torch):
    parts = {"forward": staticmethod(lambda ctx, x: x * 2), "vjp": staticmethod(lambda ctx, g: g * 2)}
    x = torch.ones(3, requires_grad=True)
    type("MyFn", (torch.autograd.Function,), parts).apply(x).sum().backward()
    return x.grad


@program
def vjp_and_backward(torch):
    rule = staticmethod(lambda ctx, g: g * 2)
    made(torch, lambda ctx, x: x * 2, rule, vjp=rule).apply(torch.ones(3, requires_grad=True)).sum().backward()


@program
def needs_input_grad(torch):
    seen = []

    def forward(ctx, *args):
        seen.append(ctx.needs_input_grad)
        return args[0] + args[2]

    function = made(torch, forward, lambda ctx, g: (seen.append(ctx.needs_input_grad), (g, None, g))[1])
    x = torch.ones(3, requires_grad=True)
    function.apply(x, 2, torch.ones(3)).sum().backward()
    with torch.no_grad():
        y = function.apply(x, "text", torch.ones(3))
    return seen, y


@program
def attributes_of_ones_own(torch):
    # Names that the node itself uses are the user's all the same.
    def forward(ctx, x):
        ctx.targets, ctx.hooks, ctx.saved, ctx.edges, ctx.code, ctx.op, ctx.results = 2, [1], 3, {}, "c", 1, 0
        return x * 2

    return gradient(torch, forward, lambda ctx, g: g * ctx.targets * ctx.saved)


@program
def recording_inside_forward(torch):
    def forward(ctx, x):
        with torch.enable_grad():
            return x * 3

    return gradient(torch, forward, lambda ctx, g: g * 5)


@program
def once_differentiable(torch):
    once = torch.autograd.function.once_differentiable
    square = made(
        torch, lambda ctx, x: (ctx.save_for_backward(x), x * x)[1], once(lambda ctx, g: 2 * ctx.saved_tensors[0] * g)
    )
    x = torch.ones(3, requires_grad=True)
    (g,) = torch.autograd.grad(square.apply(x), x, torch.ones(3, requires_grad=True), create_graph=True)
    plain = torch.autograd.grad(square.apply(x), x, torch.ones(3))
    return plain, g.requires_grad, g.sum().backward()


for place in ("x", "x[1:]", "x.detach()[1:]"):

    @program
    def changes_a_view_and_returns_more(torch, place=place):
        def forward(ctx, x, y):
            ctx.mark_dirty(x)
            return x.mul_(2), 5, y * 3

        x, y = torch.ones(3, requires_grad=True) * 1, torch.ones(2, requires_grad=True)
        function = made(torch, forward, lambda ctx, a, b, c: (a * 2, c * 3))
        return function.apply(eval(place), y), x


@program
def gradients_of_itself_in_place(torch):
    # backward changes what it is given; the other branch must not see that.
    x = torch.ones(3, requires_grad=True)
    y = made(torch, lambda ctx, x: x * 1, lambda ctx, g: g.clone().mul_(7)).apply(x)
    (y + x).sum().backward()
    return x.grad


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__)
def test_same_as_torch(run):
    assert_same(run)


def test_a_function_is_not_to_be_instantiated():
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        type("MyFn", (Function,), {})()


def test_an_error_in_backward_says_where_the_function_was_applied():
    class Broken(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise KeyError("mine")

    y = Broken.apply(minigrad.ones(3, requires_grad=True))
    with pytest.raises(KeyError) as caught:
        y.sum().backward()
    notes = "\n".join(caught.value.__notes__)
    assert "BrokenBackward" in notes
    assert "Broken.apply(" in notes


def test_where_a_function_lost_the_gradient():
    class Marked(Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 2
            ctx.mark_non_differentiable(y)
            return y

    y = Marked.apply(minigrad.ones(3, requires_grad=True))
    with pytest.raises(RuntimeError, match="mark_non_differentiable"):
        y.sum().backward()


def test_a_node_prints_the_module_that_torch_has_it_in():
    for library in (torch, minigrad):
        made = type("Twice", (library.autograd.Function,), {})
        made.forward, made.backward = staticmethod(lambda ctx, x: x * 2), staticmethod(lambda ctx, g: g * 2)
        node = made.apply(library.ones(1, requires_grad=True)).grad_fn
        assert repr(node).startswith("<torch.autograd.function.TwiceBackward object at 0x")
