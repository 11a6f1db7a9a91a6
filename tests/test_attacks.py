"""What hostile programs found: each once gave another result than torch, or took what torch refuses."""

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("torch")

from parity import assert_same

import minigrad

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


def refused(action):
    try:
        return action()
    except (LookupError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


# Other data between forward and backward


@program
def a_weight_that_asks_for_a_gradient_which_no_loss_gives(torch):
    F, found = torch.nn.functional, []
    x, w, one = torch.full((2,), 0.4, requires_grad=True), torch.ones(2, requires_grad=True), torch.ones(2)
    losses = (
        lambda: F.binary_cross_entropy(x, one, w),
        lambda: F.binary_cross_entropy_with_logits(x, one, w),
        lambda: F.binary_cross_entropy_with_logits(x, one, pos_weight=w),
        lambda: F.soft_margin_loss(x, w),
        lambda: F.multi_margin_loss(x.reshape(1, 2), torch.tensor([1]), weight=w),
        lambda: F.nll_loss(x.reshape(1, 2), torch.tensor([1]), weight=w),
    )
    for loss in losses:
        found.append(refused(loss))
        with torch.no_grad():
            found.append(loss())
    for dtype in (torch.float64, torch.int64):
        F.binary_cross_entropy(x, one, one.to(dtype)).backward()
        found.append(x.grad)
    return found


@program
def a_hook_of_the_state_that_takes_itself_away(torch):
    net, found = torch.nn.Linear(1, 1), []
    for register in (net.register_state_dict_pre_hook, net.register_load_state_dict_post_hook):
        handle = register(lambda *args: (found.append(len(args)), handle.remove())[1])
        net.load_state_dict(net.state_dict())
    return found


@program
def a_saved_value_that_was_changed_is_named(torch):
    """By the operation that it comes from by now, and by the versions."""
    found = []
    for change in ("add_", "copy_", "mul_", "sub_"):
        x = torch.ones(3, requires_grad=True) * 2
        x.exp_()
        loss = (x * x).sum()
        getattr(x, change)(torch.ones(3, requires_grad=True))
        found.append(refused(loss.backward))
    return found


@program
def a_leaf_given_data_of_another_shape(torch):
    found = []
    for shape in [(), (1,), (4,), (3, 1)]:
        x = torch.ones(3, requires_grad=True)
        y = x * 2
        x.data = torch.zeros(shape)
        y.sum().backward()
        found.append(x.grad)
    return found


@program
def a_leaf_given_data_of_another_dtype(torch):
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    x.data = torch.zeros(3, dtype=torch.float64)
    y.sum().backward()
    return x.grad


@program
def a_leaf_whose_grad_has_another_shape(torch):
    found = []
    for before, after in [(3, 4), (1, 3), (3, 1)]:
        x = torch.ones(before, requires_grad=True)
        x.sum().backward()
        x.data = torch.zeros(after)
        found += [refused(lambda x=x: (x * 2).sum().backward()), x.grad]
    return found


@program
def a_result_given_data_of_another_dtype(torch):
    x = torch.ones(3, requires_grad=True)
    h = x * 2
    h.data = torch.zeros(3, dtype=torch.float64)
    (h * h + h).sum().backward()
    return h, h.grad_fn.name(), x.grad


@pytest.mark.parametrize("shape", [(4,), (2,)])
def test_a_result_given_data_of_another_shape(shape):
    """torch names the function that used the result, too."""
    x = minigrad.ones(3, requires_grad=True)
    h = x * 2
    h.data = minigrad.zeros(shape)
    assert h.grad_fn.name() == "MulBackward0"
    expected = rf"invalid gradient at index 0 - got \[{shape[0]}\] but expected shape compatible with \[3\]"
    with pytest.raises(RuntimeError, match=expected):
        h.sum().backward()
    assert x.grad is None


def test_a_change_through_another_array_over_strided_memory_is_noticed():
    """torch notices no change that is made through another tensor from the same array."""
    array = np.ones(4, np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(array, 2, writeable=True)
    x = minigrad.from_numpy(array).requires_grad_()
    y = x * x
    minigrad.from_numpy(windows)[0, 0] = 5
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_copies_of_one_memory_count_their_changes_together():
    base = minigrad.ones(3)
    copied, view = copy.deepcopy([base, base[1:]])
    y = minigrad.ones(3, requires_grad=True) * copied
    view.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


# Numbers and dtypes


@program
def integers_beyond_every_dtype(torch):
    x = torch.ones(3, requires_grad=True)
    actions = [
        lambda n: x + n,
        lambda n: n - x,
        lambda n: x * n,
        lambda n: n / x,
        lambda n: x == n,
        lambda n: x < n,
        lambda n: x.detach().add_(n),
    ]
    return [refused(lambda: action(n)) for action in actions for n in (2**64, 10**400, -(2**63) - 1, 2**63, -(2**63))]


@program
def numpy_numbers_to_the_power_of_tensors(torch):
    x = torch.ones(3, requires_grad=True)
    bases = [np.float16(2), np.float32(2), np.float64(2), np.int8(2), np.int64(2)]
    return [torch.pow(base, t) for base in bases for t in (x, torch.tensor([1, 2]))]


@program
def sums_in_dtypes_that_no_gradient_flows_through(torch):
    x = torch.tensor([1.5, 2.5], requires_grad=True)
    found = [refused(lambda d=d: x.sum(dtype=d)) for d in (torch.int64, torch.bool, torch.float64)]
    found += [refused(lambda: x.prod(dtype=torch.int32)), refused(lambda: x.cumsum(0, dtype=torch.int64))]
    with torch.no_grad():
        return [*found, x.sum(dtype=torch.int64), x.detach().sum(dtype=torch.int64)]


@program
def bools_as_exponents(torch):
    x = torch.tensor([1.0, 2.0, 0.0, -3.0], requires_grad=True)
    base = torch.tensor([1.5, 0.0, 2.0, -1.0], requires_grad=True)
    y = base ** torch.tensor([True, False, True, False])
    z = torch.tensor([2, 3]) ** torch.tensor([True, False])
    w = torch.tensor([True, False, True, True]) ** x
    w.sum().backward()
    return y, y.grad_fn.name(), refused(lambda: y.sum().backward()), base.grad, z, w, x.grad


@program
def plus_before_a_tensor(torch):
    x = torch.ones(2, requires_grad=True)
    return +x is x, +torch.tensor([1]), refused(lambda: +torch.tensor([True]))


@program
def operands_that_where_does_not_take(torch):
    x = torch.ones(3, requires_grad=True)
    others = (None, "a", [1.0], np.ones(3))
    found = [refused(lambda a=a, b=b: torch.where(x > 0, a, b)) for o in others for a, b in ((x, o), (o, x))]
    return [*found, torch.where(x > 0, x, np.float32(2)), torch.where(x > 0, np.int64(2), x)]


# Shapes


@program
def bounds_that_do_not_broadcast(torch):
    x, low = torch.ones(3), torch.zeros(2)
    calls = [(low, x), (x, low), (torch.zeros(2, 1), torch.zeros(4))]
    return [refused(lambda low=low, high=high: x.clamp(low, high)) for low, high in calls]


@program
def batches_of_empty_matrices_that_do_not_broadcast(torch):
    return torch.zeros(2, 0, 3) @ torch.zeros(0, 3, 3)


@program
def nothing_to_join(torch):
    return refused(lambda: torch.cat([])), refused(lambda: torch.stack([]))


@program
def tolerances_below_zero(torch):
    x = torch.ones(3)
    return [refused(lambda k=k: torch.allclose(x, x, **k)) for k in ({"rtol": -1}, {"atol": -0.5}, {"rtol": 0})]


@program
def sizes_of_things_that_are_no_sizes(torch):
    made = [[1.5], ["a"], "ab", [None], 3, [True], [torch.tensor(2)], [-1], (), range(2)]
    found = [refused(lambda given=given: torch.Size(given)) for given in made]
    size, before = torch.Size([1]), (1,)
    added = [refused(lambda other=other: size + other) for other in ([2], (2.5,), (2,), size)]
    return found, added, type(torch.Size([True])[0]).__name__, type(before + size).__name__


DIMS = {
    "numpy": lambda torch: np.int64(0),
    "unsigned": lambda torch: np.uint8(0),
    "0-d": lambda torch: torch.tensor(0),
    "0-d, int32": lambda torch: torch.tensor(-1, dtype=torch.int32),
    "0-d, floating": lambda torch: torch.tensor(0.0),
    "two": lambda torch: torch.tensor([0, 1]),
    "bool": lambda torch: True,
    "numpy's bool": lambda torch: np.bool_(True),
    "float": lambda torch: 0.0,
    "text": lambda torch: "a",
    "huge": lambda torch: 2**70,
    "array": lambda torch: np.array([0]),
    "range": lambda torch: range(1),
}
SEQUENCES = {
    "numpy": lambda torch: (np.int64(0),),
    "tensor": lambda torch: [0, torch.tensor(1)],
    "bool first": lambda torch: (True,),
    "bool later": lambda torch: (0, True),
    "float": lambda torch: (0, 1.0),
}


def kind_of_error(action):
    """What `action` gives, or the class of its error: the text lists all forms that the function has."""
    found = refused(action)
    return found.split(":")[0] if isinstance(found, str) else found


def called_with_dims(torch, dims, *names, before=(), after=()):
    x = torch.arange(3.0).reshape(1, 3)
    return [
        kind_of_error(lambda name=name, dim=dim: getattr(x, name)(*before, dim(torch), *after))
        for name in names
        for dim in dims.values()
    ]


@program
def what_is_taken_for_a_dim(torch):
    names = ("argmax", "softmax", "log_softmax", "cumsum", "prod", "unsqueeze", "unbind", "flatten", "size", "stride")
    found = called_with_dims(torch, DIMS, "sum", "mean", "std", "squeeze", "logsumexp", *names)
    found += called_with_dims(torch, DIMS, "transpose", "movedim", "select", "narrow", after=(0, 1)[:1])
    found += called_with_dims(torch, DIMS, "split", "chunk", before=(1,))
    dims = [dim for name, dim in DIMS.items() if name != "text"]
    return found, [kind_of_error(lambda dim=dim: torch.cat([torch.ones(1, 3)] * 2, dim(torch))) for dim in dims]


@program
def what_is_taken_for_several_dims(torch):
    return called_with_dims(torch, SEQUENCES, "sum", "mean", "var", "squeeze", "logsumexp", "any")


@program
def tensors_as_dims_of_max(torch):
    x, dim = torch.arange(3.0).reshape(1, 3), torch.tensor(1)
    return [tuple(f(x, dim=dim)) for f in (torch.max, torch.min)], [f(x, dim) for f in (torch.max, torch.min)]


# Variables, as programs before PyTorch 0.4 made them


@program
def variables_are_leaves_over_the_same_memory(torch):
    t = torch.ones(2)
    v = torch.autograd.Variable(t, requires_grad=True)
    (v * v).sum().backward()
    t.add_(1)
    computed = torch.autograd.Variable(torch.ones(2, requires_grad=True) * 2)
    return (
        v,
        v.grad,
        t.grad,
        v._version,
        v._is_view(),
        type(v).__name__,
        computed,
        isinstance(t, torch.autograd.Variable),
    )


@program
def what_variables_are_made_of(torch):
    make = torch.autograd.Variable
    found = [refused(lambda data=data: make(data)) for data in ([1.0], np.ones(2), 3.0, None, torch.ones(1))]
    return found, make(), make(requires_grad=True), refused(lambda: make(torch.tensor([1]), requires_grad=True)), make


# Arguments


@program
def a_second_ellipsis(torch):
    x = torch.ones(2, 3, 4)
    keys = [(..., ...), (..., ..., slice(None)), (..., ..., slice(1, None)), (..., ..., 0), (..., 0, ..., 0)]
    keys += [(..., 0, ...), (0, ..., 0, ...), (..., None, ..., 0), (..., ..., [0]), (..., [0], ...)]
    return [str(refused(lambda key=key: x[key].shape)).partition(":")[0] for key in keys]


@program
def no_dim_where_one_is_wanted(torch):
    x = torch.ones(2, 3)
    names = ("prod", "max", "min", "median", "nanmedian", "logsumexp", "amax", "argmax")
    calls = [lambda f: f(x, None), lambda f: f(x, dim=None), lambda f: f(x, keepdim=True)]
    found = [refused(lambda call=call, name=name: call(getattr(torch, name))) for call in calls for name in names]
    return [f.partition(":")[0] if isinstance(f, str) else f for f in found], x.max(), x.prod(0), x.median(dim=0)


@program
def repeated_less_than_never(torch):
    shapes = [(0,), (3,), (2, 3), (0, 2)]
    return [refused(lambda s=s, n=n: torch.ones(s).repeat(*n)) for s in shapes for n in ((-1, 2), (2, -1), (3, 2, -1))]


@program
def a_number_and_a_tensor_for_bounds(torch):
    x = torch.arange(-2.0, 3, requires_grad=True)
    zero = torch.tensor(0.0)
    bounds = [(zero, 1), (0.5, torch.tensor(1)), (torch.tensor(True), 2.5), (zero, torch.ones(5)), (zero, None)]
    found = [(y := x.clamp(*b), y.grad_fn.name()) for b in bounds]
    wrong = [(torch.zeros(5), 1), (0, torch.ones(5)), (torch.zeros(1), 1), (torch.zeros((), requires_grad=True), 1)]
    return found, [refused(lambda b=b: torch.clamp(x, *b)) for b in wrong]


@program
def a_dtype_and_an_out_of_another(torch):
    names = ("sum", "mean", "prod", "nansum", "nanmean", "cumsum", "cumprod")
    out, double = torch.zeros(2), torch.zeros(2, dtype=torch.float64)
    found = []
    for f in [getattr(torch, name) for name in names]:
        x = torch.ones(2) if f.__name__.startswith("cum") else torch.ones(2, 2)
        found += [refused(lambda f=f, x=x, o=o: f(x, 0, dtype=torch.float64, out=o)) for o in (out, double)]
    return found


@program
def signs_of_zeros(torch):
    a, b = torch.tensor([-0.0, 0.0, 4.0, -4.0]), torch.tensor([2.0, -2.0, -2.0, 2.0])
    found = [a % b, a % 2, a % -2, 4 % b, a.half() % 2, a.double() % b, a.cumsum(0), a.half().cumsum(0), a[0].cumsum(0)]
    return [(y, y.signbit()) for y in found]


@program
def losses_of_two_dtypes(torch):
    f = torch.nn.functional
    dtypes = (torch.float32, torch.float64, torch.int64, torch.bool)
    found = []
    for name in ("binary_cross_entropy_with_logits", "huber_loss", "soft_margin_loss", "hinge_embedding_loss"):
        for a, b in [(a, b) for a in dtypes for b in dtypes]:
            if "logits" not in name and (torch.bool in (a, b) or ("hinge" not in name and a is b is torch.int64)):
                continue
            x, y = torch.tensor([1, 0, 2]).to(a), torch.tensor([1, 0, 1]).to(b)
            found.append(refused(lambda name=name, x=x, y=y: getattr(f, name)(x, y, reduction="sum")))
    x, y = torch.ones(3, dtype=torch.float64, requires_grad=True), torch.full((3,), 0.5, requires_grad=True)
    f.binary_cross_entropy_with_logits(x, y).backward()
    scores, classes = torch.ones(2, 3), torch.tensor([0, 1])
    return found, x.grad, y.grad, refused(lambda: f.multi_margin_loss(scores, classes, weight=scores[0].double()))


@program
def filling_what_shows_one_place_many_times(torch):
    base, x = torch.zeros(2, 1), torch.ones(2, 1, requires_grad=True)
    wide, y = base.expand(4, 2, 3), x * 1
    found = [wide.fill_(5).clone(), wide[1, 0].zero_(), base.clone(), base._version]
    y.expand(4, 2, 3)[1, 0].fill_(7)
    actions = [
        lambda: wide.fill_(torch.tensor(2.0)),
        lambda: wide.add_(1),
        lambda: wide.copy_(torch.ones(3)),
        wide.relu_,
    ]
    return [*found, y, *[refused(a) for a in (*actions, x.expand(2, 3).zero_, wide.T.zero_)]]


# Copies that Python makes


@program
def copies_share_memory_and_deep_copies_do_not(torch):
    x = torch.ones(3, requires_grad=True)
    shallow, deep, pickled = copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))
    with torch.no_grad():
        x.add_(1)
    return [(t, t.is_leaf) for t in (shallow, deep, pickled)]


@program
def copies_of_results(torch):
    y = torch.ones(3, requires_grad=True) * 2
    copies = [copy.copy(y), pickle.loads(pickle.dumps(y))]
    return [(t, t.is_leaf) for t in copies]


@program
def a_deep_copy_of_tensors_over_one_memory(torch):
    base = torch.arange(6.0).reshape(2, 3)
    tensors = [base, base[:, 1:], base.detach(), base.T, torch.zeros(1).expand(3)]
    copies = copy.deepcopy(tensors)
    copies[1].add_(10)
    kept = [(t.stride(), t.storage_offset(), t._is_view()) for t in (copies[0], copies[3], copies[4])]
    return tensors, copies, kept


@program
def an_array_and_the_tensor_over_it(torch):
    array = np.ones(3, np.float32)
    copies = copy.deepcopy([array, torch.from_numpy(array)])
    copies[1].add_(1)
    return [type(c).__name__ for c in copies], copies[1], array


@program
def attributes_of_copies(torch):
    x = torch.ones(2, requires_grad=True)
    x.note, x._hidden = [1], 2
    x.grad = torch.zeros(2)
    copies = copy.deepcopy(x), copy.copy(x), pickle.loads(pickle.dumps(x))
    return [(t.note, t._hidden, t.note is x.note, t.grad) for t in copies]


def test_gradients_around_a_filled_expanded_view():
    # torch raises in this backward pass: the gradient that it would fill is expanded itself.
    x = minigrad.ones(2, 1, requires_grad=True)
    y = x * 1
    wide = y.expand(4, 2, 3)
    wide[1, 0].fill_(7)
    (wide * 2 + y).sum().backward()
    assert x.grad.tolist() == [[0], [2 * 12 + 12]]


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__)
def test_program(run):
    assert_same(run)


def test_a_hook_of_the_old_form_is_refused_where_it_would_reach_one_part():
    class Parts(minigrad.nn.Module):
        def forward(self, x):
            return x.unbind(0)

    parts = Parts()
    parts.register_backward_hook(lambda module, inner, outer: (inner[0] * 10,))
    with pytest.raises(NotImplementedError, match="one of several parts"):
        parts(minigrad.ones(2, requires_grad=True))
