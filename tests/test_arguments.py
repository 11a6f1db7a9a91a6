"""How arguments are read: which are numbers, ints, bools, sizes and flags, and what is said of those that are not."""

import inspect

import pytest
from expressions import check, each

torch = pytest.importorskip("torch")

import minigrad
from minigrad.ops import import_all
from minigrad.ops.names import FUNCTIONS

OF_ALL = ("generator", "dtype", "layout", "device", "pin_memory", "memory_format")


@each("""
n.sum(keepdim=True)
n.mean(keepdim=True)
n.sum(keepdim=False)
torch.sum(i, axis=0, keepdims=True)
n.mean(keepdim=False)
n.prod(keepdim=False)
torch.median(n, keepdim=False)
torch.nanmedian(n, keepdim=False)
torch.norm(n, axis=0)
torch.split(n, 1, axis=0)
n.movedim((0,), 1)
torch.diag(n, True)
torch.diagonal(n, True)
n.sum(None, True)
n.sum(0, keepdim=1)
n.sum(0, keepdims=1)
n.sum(dim=None, keepdim=np.bool_(True))
torch.logsumexp(n, 0, 1)
torch.prod(n, 0, None)
torch.argmax(n, 0, 1)
n.nanmean(0, keepdim=1)
n.nansum(keepdim=True)
torch.max(n, keepdim=True)
torch.max(n, n, dim=0)
torch.max(n, n, False)
torch.max(n, 0, 1)
torch.min(n, 0, dim=0)
n.max(n)
n.max(0)
n.logsumexp(0, keepdim=1)
n.max(dim=torch.tensor(0))
i.max(torch.tensor(0))
i.max(torch.tensor(2))
torch.var(n, False, keepdim=True)
torch.var(n, 0, False, correction=1)
torch.std(n, 0, 1)
n.std(None, False, True)
n.mean(dtype=torch.bool)
n.cumsum(0, dtype=torch.bool)
(i > 1).cumsum_(0)
n.cumsum_(0, dtype=torch.float64)
i.cumprod_(0)
n.nansum(dtype=torch.int32)
(i > 1).nansum(dtype=torch.bool)
n.repeat(True, 1)
n.repeat((1, True))
n.repeat(1, 2.0)
n.view(True, 6)
n.reshape(shape=12)
n.permute((True, 0))
n.roll(True)
n.clamp(np.float32(1.5), np.int64(4))
i.clamp(np.float32(1.5))
i.clamp(np.bool_(True))
torch.clamp(n, "a", 2)
n.flip()
n.tril(True)
n.round(decimals=1.0)
n.logit(0.6).round(decimals=3)
n.diff(1.0)
n.chunk(np.int64(2))
n.chunk(True)
n.tensor_split(torch.tensor(2))
n.roll(1, None)
n.add(n, alpha=np.float32(0.5))
n.sub(n, alpha=torch.tensor(2))
torch.cosine_similarity(n, n, eps=-1)
torch.cosine_similarity(n[:1] * 1e30, n.double())
torch.take_along_dim(n, i.int())
torch.add(n, '3', alpha=2)
torch.sub(n, None, alpha=2)
torch.sub(n, np.ones(3), alpha=2)
i.fill_(np.float32(2.5))
i.copy_(np.float32(2.5))
i.copy_(np.bool_(True))
n.copy_(np.datetime64("2020"))
n.copy_(np.str_("3"))
n.fill_(np.str_("3"))
n.fill_(np.datetime64(5, "ns"))
n.fill_(None)
n + np.timedelta64(5, "ns")
n + np.array(2)
n.half() * np.array(2.5)
i.byte() + np.array(300)
i - np.array([2.5, 2], np.float32)
torch.tensor(2.0) * np.array([2, 3])
i ** np.array(2.0)
i / np.array(2)
np.timedelta64(5, "ns") * n
n - np.str_("3")
n == np.str_("3")
n ** np.timedelta64(5, "ns")
n[np.timedelta64(1, "ns")]
n.sum(np.timedelta64(1, "ns"))
n.scatter(1, i[None], np.bool_(True))
n.lerp(n + 1, np.bool_(True))
torch.rsub(n, None)
torch.rsub(n, np.bool_(True))
torch.rsub(i, np.float32(2.5))
torch.nn.functional.smooth_l1_loss(n, n, beta=None)
torch.nn.functional.huber_loss(n, n, delta="a")
n.logit("a")
torch.nan_to_num(n / 0, 5)
torch.nan_to_num(n / 0, posinf=np.float32(3))
n.view(size=(3, 2))
x.sum().broadcast_to(3)
x.sum().broadcast_to((2, 3))
torch.median(n, out=(n[0], i))
torch.nanmedian(n, out=(n[0], i))
torch.sum(n, dtype=torch.float32, out=n[0])
torch.prod(n, dtype=torch.float32, out=n[0])
torch.sum(n, out=n[0])
n.half().deg2rad()
n.half().rad2deg()
i.index_fill(0, i[:1], np.bool_(True))
i + np.bool_(True)
i - np.bool_(True)
np.bool_(True) * i
i ** np.bool_(True)
torch.pow(np.bool_(True), i)
i & np.bool_(True)
i.add_(np.bool_(True))
torch.result_type(i, np.bool_(True))
torch.where(i > 0, np.bool_(True), i)
torch.where(i > 0, i, np.int8(2))
torch.isin(i, np.bool_(True))
torch.fill(n, np.float16(2.5))
torch.fill(i, torch.ones((), requires_grad=True))
torch.no_grad()(torch.fill)(i, torch.ones((), requires_grad=True))
torch.bitwise_or(np.int64(2), i)
torch.bitwise_or(2, i)
torch.polygamma(np.uint8(2), n).isfinite()
torch.polygamma(np.bool_(True), n)
torch.var(n[0, 0], correction=np.uint8(2))
torch.var(n, correction="a")
torch.add("a", n)
torch.add(np.str_("3"), n)
torch.addcmul(n, n, n, value="2")
torch.addcmul(i.byte(), i.byte(), i.byte(), value=-1)
torch.addcmul(i, i, i, value=float("nan"))
torch.dist(n, n, "2")
torch.linalg.vector_norm(n, "2")
torch.nn.functional.pad(i, (1, 1), value=float("nan"))
torch.nn.functional.pad(i.byte(), (1, 1), value=-1)
(i > 0).copy_(1j)
n.copy_(2 ** 64)
i.copy_(np.uint64(2 ** 63))
n.copy_(np.uint64(2 ** 63))
i.add(np.uint64(2 ** 63))
i.fill_(2 ** 63)
n.fill_(2 ** 63)
n.fill_(2 ** 64)
n.clamp(2 ** 63)
n.masked_fill(n > 1, 2 ** 64)
torch.where(n > 1, n, 2 ** 63)
n.__setitem__(0, 2 ** 63)
n.copy_(-2 ** 63 - 1)
i.masked_fill_(i > 0, torch.tensor(2.0, requires_grad=True)).tolist()
i.split(1)[0].masked_fill_(i[:1] > 0, torch.tensor(2.0, requires_grad=True))
torch.addr(n[:, :2], n[:, 0] / 0, n[0, :2], alpha=0)
torch.addmm(n[:, :2], n / 0, n.T, alpha=0)
torch.addmm(n[:, :2] / 0, n, n.T, beta=0)
torch.addmm(n[:, :2].half(), n.half() / 0, n.T.half(), alpha=0)
torch.addmv(n[:, 0].half(), n.half() / 0, n[0].half(), alpha=0)
torch.baddbmm(n[None, :, :2], n[None] / 0, n.T[None], alpha=0)
torch.baddbmm(torch.ones(2, 8, 8), torch.full((2, 8, 8), inf), torch.ones(2, 8, 8), alpha=0)
torch.nn.functional.avg_pool2d((torch.ones(2, 5, 5, 2) > 0).permute(0, 3, 1, 2), 2)
torch.nn.functional.adaptive_max_pool2d(torch.ones(2, 5, 5, 2).long().permute(0, 3, 1, 2), 2)
torch.cross(torch.arange(12.0).reshape(3, 2, 2).mT, torch.ones(3, 2, 2).mT, dim=0)
torch.nn.functional.pad(torch.ones(2, 1, 1), (0, -1, -1, 0), "replicate")
torch.nn.functional.pad(torch.ones(2, 1, 3), (0, -1, -1, 0), "replicate")
torch.nn.functional.pad(torch.ones(2, 1, 1, 1), (0, -1, -1, 0, -1, 0), "reflect")
torch.nn.functional.soft_margin_loss(torch.arange(6.0).reshape(3, 2).T, n[:1].expand(2, 3), reduction="none").stride()
torch.nn.functional.channel_shuffle(torch.arange(48.0).reshape(2, 3, 2, 4).permute(0, 3, 1, 2), 2)
torch.nn.functional.conv1d(torch.ones(2, 0, 4), torch.ones(3, 0, 2), torch.ones(3))
torch.nn.functional.conv2d(torch.ones(0, 4, 4), torch.ones(3, 0, 2, 2))
torch.autograd.grad(torch.nn.functional.conv1d(n[None, :0], (w := torch.ones(3, 0, 1, requires_grad=True))).sum(), w)
torch.addmv(i, n, torch.ones(2))
torch.addmv(i, n, torch.ones(3))
i.byte().scatter(0, i[:0], 300)
torch.tensor(True).cumsum_(0)
(i > 1).cumsum_(1)
torch.tensor(True).kthvalue(1)
torch.tensor(True).cumprod_(1)
torch.tensor(2.5).cumsum(0, dtype=torch.bool)
(i > 1)[:0].cumprod_(0)
torch.norm(n.double(), dtype=torch.float32)
torch.norm(x[:1], 3), torch.norm(n[:1], 0.7, 0)
torch.autograd.grad(torch.autograd.grad((y := torch.tensor([-1.5], requires_grad=True)).norm(3), y, create_graph=True)[0], y)
torch.norm(i, dtype=torch.float32)
n.norm(dtype=torch.int32)
n.nanmean(dtype=float)
torch.clamp(n, 0, out=torch.zeros(0).double())
torch.permute(n, 1, 0)
torch.reshape(n, 12)
torch.reshape(n, shape=(12,))
torch.flip(n, 0)
torch.flip(n, 0, 1)
torch.tile(n, 2)
torch.tile(n, [2])
n.allclose(n, equal_nan=1)
n.isclose(n, equal_nan=None)
n.nonzero(as_tuple=1)
torch.svd(n, some=np.bool_(True))
torch.linalg.svd(n, full_matrices=1)
torch.qr(n, some=0)
torch.index_put(n, (i - 1,), n[0], 1)
torch.put(n, i, n[0, :2], accumulate=None)
torch.topk(n, 1, 0, 1)
torch.topk(n, 1, 0, True, 1)
n.fill_diagonal_(1.0, 1)
n.cumsum(dim=0, axis=0)
torch.combinations(i, with_replacement=np.bool_(True))
torch.vander(i, 2, 1)
torch.avg_pool1d(n, 2, ceil_mode=1)
torch.nn.functional.avg_pool2d(n[None], 2, count_include_pad=None)
torch.max_pool1d(n, 2, ceil_mode=torch.tensor(True))
torch.nn.functional.lp_pool1d(n, 2, 2, ceil_mode=1)
torch.nn.functional.kl_div(n, n, log_target=1, reduction="sum")
torch.nn.functional.gaussian_nll_loss(n, n, n + 1, full=0)
torch.pairwise_distance(n, n, keepdim=1)
torch.triplet_margin_loss(n, n, n, swap=0)
torch.nn.functional.scaled_dot_product_attention(n, n, n, is_causal=1)
torch.rrelu(n, training=1)
torch.linalg.cholesky(torch.eye(2), upper=1)
torch.linalg.solve(torch.eye(2), n, left="yes")
torch.linalg.solve_triangular(torch.eye(2), n, upper=1)
torch.linalg.solve_triangular(torch.eye(3), n, upper=True, left=False)
torch.linalg.inv_ex(torch.eye(2), check_errors=1)
torch.linalg.vector_norm(n, keepdim=1)
torch.sort(n, dim=0, stable=None)
torch.sort(x, stable=None)[0].grad_fn.name()
torch.asarray(n, copy=1)
torch.tensor(2.0, requires_grad=None)
n.new_tensor(2.0, requires_grad=None)
torch.meshgrid(i, i, indexing=True)
torch.asarray(n, requires_grad=None)
torch.autograd.set_detect_anomaly(False, "yes")
torch.nn.Parameter(n, 1)
setattr(n, "requires_grad", 1)
n.requires_grad_(requires_grad=np.bool_(True))
n.copy_(n, non_blocking=1)
n.numpy(force=1)
torch.autograd.grad((x * x).sum(), x, create_graph=None)
torch.autograd.grad((x * x).sum(), x, retain_graph="yes")
torch.autograd.grad((x * x).sum(), x, allow_unused=np.bool_(True))
torch.autograd.grad((x * x).sum(), x, retain_graph=1, allow_unused=0)
(x * x).sum().backward(retain_graph=1.0)
(x * x).sum().backward(create_graph=None)
torch.nn.functional.dropout(n, 0.5, 1)
torch.nn.functional.dropout(n, 0.5, 0, True)
torch.nn.functional.dropout1d(n, training=1)
torch.nn.functional.dropout2d(x[None, None, None], 0.1, None)
torch.nn.functional.alpha_dropout(n, 0.5, 1)
torch.nn.functional.feature_alpha_dropout([n])
torch.nn.functional.cross_entropy(n[:0, :0], n[:0, 0].long(), reduction="none", label_smoothing=0.1)
torch.nn.functional.multi_margin_loss(n[:0, :0], n[:0, 0].long())
torch.nn.functional.multi_margin_loss(n[:, :0], n[:, 0].long())
torch.nn.functional.conv1d(n[:, :0], n[None, :, :1], padding=1)
torch.nn.functional.conv_transpose2d(n[None, None, :, :0], n[None, None])
torch.addr(n[:, :2], n[:, 0], n[0, :2], beta=torch.tensor(2), alpha=np.float32(0.5))
torch.addr(n[:, :2], n[:, 0], n[0, :2], beta=True)
torch.addr(n[:, :2], n[:, 0], n[0, :2], alpha="a")
torch.addr(n[:, :2], n[:, 0], n[0, :2], alpha=2 ** 64)
torch.cdist(n, n, p=float("nan"))
torch.nn.functional.huber_loss(n, n, delta=float("nan"))
torch.nn.functional.smooth_l1_loss(n, n, beta=float("nan"))
torch.allclose(n, 3)
torch.broadcast_tensors([n, n])
torch.broadcast_tensors(n, 3)
torch.add(2, 3)
torch.add(True, 2.0, alpha=2)
torch.sub(i, np.float32(2), alpha=1.5)
torch.add(i, np.int64(2), alpha=1.5)
n ** 1e300, i ** -1e300, n.double() ** 1e300
n.half() ** 1e300
n ** 10**39
torch.sub(2, True)
torch.mul(np.float32(1.5), 2)
torch.mul(input=2, other=3)
torch.div(7, 2, rounding_mode="floor")
torch.true_divide(True, 4)
torch.floor_divide(7, -2)
n.squeeze(0, 1)
n[:1, None].squeeze(0, -2)
torch.rsub(n, 2, 3)
n.split(split_size=1, dim=1)
torch.tensor_split(n, sections=3)
torch.tensor_split(n, indices=(1,), dim=1)
torch.tensor_split(n, tensor_indices_or_sections=torch.tensor(2))
n.hsplit(sections=3)
torch.vsplit(n, indices=(1,))
n.copy_(other=i[0])
torch.result_type(tensor=n, other=i)
torch.sort(n, stable=True, dim=0)
torch.argsort(n, stable=True, descending=True)
torch.sort(n, 0, stable=True)
torch.sort(n, 0, True, stable=False)
torch.argsort(n, 0, stable=True)
torch.trapezoid(torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(2, 2, 3) ** 2, dim=0)
torch.trapezoid(n[0], n)
torch.cumulative_trapezoid(n[0, :1], n[:, :1])
torch.set_num_threads(np.int64(1))
torch.set_num_threads(True)
torch.finfo(torch.int32)
torch.finfo(3)
torch.iinfo(torch.float32)
torch.iinfo(torch.bool)
torch.iinfo("int8")
~n
reversed(x)
reversed(n[0, 0])
setattr(x, "grad", torch.ones(3).double())
setattr(n.half().requires_grad_(), "grad", n)
setattr(i, "grad", n)
torch.pinverse(3)
torch.linalg.vander(3)
torch.linalg.tensorsolve(3, n)
torch.linalg.tensorsolve(n, 3)
torch.tensor_split(n, torch.tensor([1.0]))
torch.tensor_split(n, torch.tensor([[1]]))
torch.nn.functional.cosine_similarity(n, True)
torch.nn.functional.hardtanh(i, max_val=nan)
torch.nn.functional.hardtanh(i, -0.5, 1.5)
torch.nn.functional.hardtanh(i.to(torch.uint8), -0.5, 1.5)
torch.nn.functional.hardtanh(i.to(torch.uint8), -1.5, 1.5)
torch.nn.functional.hardtanh(i.to(torch.int8), 0, 300.5)
torch.nn.functional.hardtanh_(i.clone(), 1, 0)
torch.nn.functional.hardtanh_(i.to(torch.uint8), 0, -1)
torch.nn.functional.max_pool2d(n[None], [])
torch.nn.functional.max_pool3d(torch.ones(1, 3, 4, 4).to(memory_format=torch.channels_last), 2)
torch.nn.functional.adaptive_max_pool3d(torch.ones(1, 3, 4, 4).bool().to(memory_format=torch.channels_last), 2)
torch.broadcast_shapes((2, 1), 1.5)
torch.unflatten(n, 1, 6)
torch.cumsum(n, 0, dtype=torch.tensor(1))
torch.igamma(torch.ones(2, 3).T, torch.ones(2, 3).T).stride(), torch.igammac(torch.ones(2, 3).T, torch.tensor(2.0)).stride()
n[:0].stride(), torch.zeros(2, 0, 3).stride(), torch.zeros(0).stride(), torch.zeros(0, 3)[:, 1:].add(1).stride()
""")
def test_read_as_torch_reads_them(expression):
    check(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "n.sum(0, 1)",
        "n.scatter(0, torch.zeros(1, 3, dtype=torch.int64), n, value=1.0)",
        "n.tensor_split([1.0])",
        "n.sum(dtype=1)",
        "n.mean(dtype='a')",
        "n.prod(dtype=torch.tensor(1))",
        "n.nansum(dtype=1)",
        "n.softmax(0, dtype=1)",
        "n.mean(0, 1)",
        "n.amax(0, None)",
        "n.var(0, keepdim=1)",
        'n.nan_to_num("a")',
        "n.sort(0, 1)",
        "n.argsort(0, 1)",
        "n.sort(stable=1)",
        "n.unique(sorted=1)",
        "n.unique_consecutive(return_counts=1)",
        "torch.searchsorted(n[0], n, right=1)",
        "torch.bucketize(n, n[0], out_int32=1)",
        "torch.isin(n, n, invert=1)",
        "n.histogram(3, density=1)",
        "n.put_(torch.tensor([1]), torch.ones(1), 1)",
        "torch.norm(n, keepdim=1)",
        "torch.linalg.matrix_norm(n, keepdim=1)",
        "torch.linalg.pinv(n, hermitian=1)",
        "torch.linalg.matrix_rank(n, hermitian=1)",
        "torch.nn.functional.interpolate(n[None], 2, mode='linear', align_corners=1)",
        "torch.nn.functional.max_pool2d(n[None], 2, ceil_mode=1)",
        "torch.nn.functional.batch_norm(n, n[0], n[0], training=1)",
        "torch.batch_norm(n, None, None, None, None, True, 0.1, 1e-5, 1)",
        "torch.nn.functional.embedding(torch.tensor([1]), n, sparse=1)",
    ],
)
def test_refused_as_torch_does_in_other_words(expression):
    for library in (minigrad, torch):  # torch counts positions from 1 in methods, or lists all ways to call
        with pytest.raises(
            TypeError,
            match=r"must be (bool|float|torch.dtype|tuple of ints), (not|but)|received an invalid combination",
        ):
            eval(expression, {"n": library.ones(2, 3), "torch": library})


TORCH_ALONE = {
    *[(name, "out_dtype") for name in ("addmm", "baddbmm", "bmm", "mm")],
    ("copy_", "src"),  # which is `other` in Python
    ("isin", "test_element"),  # for a number
}


def test_all_names_of_arguments_are_taken():
    """Those of all forms that a function or a method, written in C++, has in torch."""
    import_all()
    offered = [(name, f, getattr(torch, name, None)) for name, f in FUNCTIONS.items()]
    offered += [(name, f, getattr(torch.Tensor, name, None)) for name, f in vars(minigrad.Tensor).items()]
    missing = set()
    for name, f, theirs in offered:
        if name.startswith("_") or not inspect.isroutine(theirs) or inspect.isfunction(theirs):
            continue
        parameters = inspect.signature(f).parameters
        if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            continue
        for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
            first, *rest = schema.arguments
            if str(first.type) == "Tensor" and "Dimname" not in str(schema):
                missing |= {
                    (name, a.name) for a in rest if not a.is_out and a.name not in {*parameters, *OF_ALL, "self"}
                }
    assert missing == TORCH_ALONE


@pytest.mark.parametrize("expression", ["n.view(minigrad.int32)", "n.view(dtype=minigrad.int32)", "n.view(float)"])
def test_views_of_the_bits_are_not_there(expression):
    with pytest.raises(NotImplementedError, match=r"no views of memory as another dtype\n.*x\.to\(dtype\)"):
        eval(expression, {"n": minigrad.ones(2, 3), "minigrad": minigrad})
