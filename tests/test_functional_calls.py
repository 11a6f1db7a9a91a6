"""Calls of `nn.functional` that torch refuses, or warns of: the same words here; and what rows do not reach."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import minigrad
from minigrad import nn
from minigrad.nn import functional

torch.set_warn_always(True)
CALLS = [
    "F.mse_loss(y, tt[:2])",
    "F.mse_loss(y, tt[:1])",
    "F.mse_loss(y, i3)",
    "F.mse_loss(y, 2.)",
    "F.mse_loss(y, tt, reduction='foo')",
    "F.mse_loss(y, tt, size_average=False)",
    "F.mse_loss(y, tt, reduce=False)",
    "F.mse_loss(y.long(), i3[:, None])",
    "F.mse_loss(y, tt, weight=tt[:2])",
    "F.l1_loss(y, tt[:1])",
    "F.smooth_l1_loss(y, tt[:1])",
    "F.smooth_l1_loss(y, tt, beta=-1)",
    "F.smooth_l1_loss(y.long(), tt.long())",
    "F.huber_loss(y, tt, delta=0)",
    "F.huber_loss(y, tt[:1])",
    "F.huber_loss(y, tt, weight=tt[0])",
    "F.mse_loss(y, tt, weight=tt[0])",
    "F.cross_entropy(y, i3[:2])",
    "F.cross_entropy(y, torch.tensor([1, 7, 2]))",
    "F.cross_entropy(y, torch.tensor([1, -1, 2]))",
    "F.cross_entropy(y, tt[:2])",
    "F.cross_entropy(y, i3.float())",
    "F.cross_entropy(y, i3.int())",
    "F.cross_entropy(y, i3, weight=torch.ones(4))",
    "F.cross_entropy(y, tt, weight=torch.ones(4))",
    "F.cross_entropy(y, i3, label_smoothing=2.)",
    "F.cross_entropy(y, tt, ignore_index=2)",
    "F.cross_entropy(y, i3.unsqueeze(1))",
    "F.cross_entropy(y[0], i3)",
    "F.cross_entropy(y, i3[0])",
    "F.cross_entropy(x4, torch.zeros(2, 4, 3, dtype=torch.int64))",
    "F.cross_entropy(x4, torch.zeros(2, 4, dtype=torch.int64))",
    "F.cross_entropy(y.long(), i3)",
    "F.cross_entropy(y, 'a')",
    "F.cross_entropy(y, i3, weight=torch.ones(5).double())",
    "F.cross_entropy(y[:, :0], i3)",
    "F.nll_loss(y, i3[:2])",
    "F.nll_loss(y, i3.float())",
    "F.nll_loss(y, torch.tensor([1, 7, 2]))",
    "F.nll_loss(y, i3.unsqueeze(1))",
    "F.nll_loss(y.sum(), i3)",
    "F.nll_loss(x4, i3)",
    "F.instance_norm(x4, eps=None)",
    "F.layer_norm(y, (5,), eps='a')",
    "F.group_norm(x4, 3, eps=None)",
    "F.batch_norm(y, None, None, training=True, eps=0.0)",
    "F.batch_norm(y, tt[0], tt[1], eps=-1.0)",
    "F.poisson_nll_loss(y, tt, eps=None)",
    "F.cross_entropy(y, i3, label_smoothing=None)",
    "F.dropout(y, float('nan'))",
    "F.nll_loss(x4, torch.zeros(2, 3, 3, dtype=torch.int64))",
    "F.nll_loss(x4, torch.zeros(3, 4, 4, dtype=torch.int64))",
    "F.nll_loss(x4, torch.full((2, 4, 4), 7))",
    "F.nll_loss(r(2, 3, 5), torch.zeros(2, 4, dtype=torch.int64)).shape",
    "F.nll_loss(r(2, 3, 5, 2, 2), torch.zeros(2, 5, 2, 1, dtype=torch.int64), reduction='none').shape",
    "F.nll_loss(y, i3.int())",
    "F.nll_loss(y, i3, weight=torch.ones(4))",
    "F.nll_loss(y, i3, weight=torch.ones(5, requires_grad=True))",
    "F.binary_cross_entropy(y, tt)",
    "F.binary_cross_entropy(tt, tt[:1])",
    "F.binary_cross_entropy(tt, tt.double())",
    "F.binary_cross_entropy(tt, tt*2)",
    "F.binary_cross_entropy(tt, i3)",
    "F.binary_cross_entropy_with_logits(y, tt[:1])",
    "F.binary_cross_entropy_with_logits(y, tt, weight=r(4))",
    "F.binary_cross_entropy_with_logits(y, tt, pos_weight=r(4))",
    "F.binary_cross_entropy_with_logits(y, (tt>.5))",
    "F.binary_cross_entropy_with_logits(y, (tt>.5).long())",
    "F.kl_div(y, tt)",
    "F.kl_div(y, tt[:1])",
    "F.kl_div(y, tt, reduction='foo')",
    "F.kl_div(y, i3[:, None])",
    "F.kl_div(i3, i3, reduction='sum', log_target=True)",
    "F.huber_loss(y.requires_grad_(), tt.double()).backward()",
    "F.huber_loss(y.half(), tt.requires_grad_()).backward()",
    "F.poisson_nll_loss(y.half(), i3[:, None], full=True)",
    "F.poisson_nll_loss(y, tt, reduction='foo')",
    "F.poisson_nll_loss(y, tt[:2])",
    "F.gaussian_nll_loss(y, tt, -tt)",
    "F.gaussian_nll_loss(y, tt, r(4))",
    "F.gaussian_nll_loss(y, tt, -1.5)",
    "F.gaussian_nll_loss(y, tt, tt, reduction='foo')",
    "F.margin_ranking_loss(y, tt, i3)",
    "F.margin_ranking_loss(y, tt, tt[0])",
    "F.cosine_embedding_loss(y, tt, i3[:2])",
    "F.cosine_embedding_loss(y, tt[:2], i3)",
    "F.cosine_embedding_loss(y, tt, tt)",
    "F.triplet_margin_loss(y, tt, tt[0])",
    "F.triplet_margin_loss(y, tt, tt, margin=-1)",
    "F.soft_margin_loss(y, tt[:2])",
    "F.multi_margin_loss(y, i3[:2])",
    "F.multi_margin_loss(y, i3, p=3)",
    "F.multi_margin_loss(y, torch.tensor([1, 7, 2]))",
    "F.multi_margin_loss(y, i3, weight=torch.ones(4))",
    "F.embedding(i3.float(), y)",
    "F.embedding(torch.tensor([9]), y)",
    "F.embedding(torch.tensor([-1]), y)",
    "F.embedding(i3, y[0])",
    "F.embedding(i3, y, padding_idx=7)",
    "F.embedding(i3, y, padding_idx=-7)",
    "F.embedding('a', y)",
    "F.embedding(i3, [1.0])",
    "F.embedding_bag(i3, y, torch.tensor([1, 2]))",
    "F.embedding_bag(i3, y, torch.tensor([0, 4]))",
    "F.embedding_bag(i3, y, torch.tensor([]).long(), include_last_offset=True)",
    "F.embedding_bag(i3, y, torch.tensor([0]), include_last_offset=True)",
    "F.embedding_bag(i3[:0], y, torch.tensor([0, 0]))",
    "F.embedding_bag(i3[:0], y, torch.tensor([0, 0]), mode='max')",
    "F.embedding_bag(torch.zeros(2, 0).long(), y)",
    "F.embedding_bag(torch.tensor([1, 9]), y, torch.tensor([0]))",
    "F.embedding_bag(torch.tensor([1, -1]), y, torch.tensor([0]), padding_idx=1)",
    "F.embedding_bag(torch.tensor([1, 9]), y, torch.tensor([0]), mode='max')",
    "F.embedding_bag(i3.float(), y, torch.tensor([0]))",
    "F.embedding_bag(i3.short(), y, torch.tensor([0]))",
    "F.embedding_bag(i3.int(), y, torch.tensor([0]).int())",
    "F.embedding_bag(i3.short(), y, torch.tensor([0]).short())",
    "F.embedding_bag(i3, y, torch.tensor([0.]))",
    "F.embedding_bag(i3, y.long(), torch.tensor([0]))",
    "F.embedding_bag(i3, y, torch.tensor([0]), mode='sum', per_sample_weights=tt[:, 0].double())",
    "F.embedding_bag(i3, y, torch.tensor([0]), per_sample_weights=tt[:, 0])",
    "F.embedding_bag(i3, y, torch.tensor([0]), mode='sum', per_sample_weights=tt[0])",
    "F.embedding_bag(i3, y, torch.tensor([0]), padding_idx=3)",
    "F.embedding_bag(i3, y, torch.tensor([0]), padding_idx=-4)",
    "F.embedding_bag(i3, y, torch.tensor([0]), mode='max', scale_grad_by_freq=True)",
    "F.embedding_bag(i3, y, torch.tensor([0]), mode='max', sparse=True)",
    "F.embedding_bag(i3, y, torch.tensor([0]), mode='min')",
    "F.embedding_bag(i3, y[0], torch.tensor([0]))",
    "F.embedding_bag(i3[None, None], y)",
    "F.embedding_bag(i3[None], y, torch.tensor([0]))",
    "F.embedding_bag(i3, y)",
    "F.embedding_bag(i3, y, torch.tensor([[0]]))",
    "F.embedding_bag(torch.ones(5, 2), i3, torch.tensor([0]))",
    "F.layer_norm(y, (4, ))",
    "F.layer_norm(y, 5)",
    "F.layer_norm(y, [])",
    "F.layer_norm(y, (5, ), torch.ones(4))",
    "F.layer_norm(y, (5, ), torch.ones(5), torch.ones(4))",
    "F.layer_norm(y, (5, ), torch.ones(5).double())",
    "F.layer_norm(y.long(), (5, ))",
    "F.batch_norm(y, None, None)",
    "F.batch_norm(y, torch.zeros(5), None)",
    "F.batch_norm(y, torch.zeros(4), torch.ones(5))",
    "F.batch_norm(y, torch.zeros(5), torch.ones(5), torch.ones(4))",
    "F.batch_norm(y[:1], None, None, training=True)",
    "F.batch_norm(y[0], None, None, training=True)",
    "F.batch_norm(y, torch.zeros(5), None, training=True)",
    "F.batch_norm(y, torch.zeros(5).double(), torch.ones(5).double())",
    "F.batch_norm(y.long(), torch.zeros(5), torch.ones(5))",
    "F.instance_norm(y)",
    "F.instance_norm(x4[0, 0])",
    "F.instance_norm(x4[:, :, :1, :1])",
    "F.instance_norm(x4, use_input_stats=False)",
    "F.group_norm(x4, 2)",
    "F.group_norm(x4, 3, torch.ones(4))",
    "F.group_norm(x4, 3, torch.ones(3), torch.ones(2))",
    "F.group_norm(y[0], 1)",
    "F.group_norm(y[:1, :1], 1)",
    "F.group_norm(x4, 0)",
    "F.rms_norm(y, (4, ))",
    "F.rms_norm(y, (5, ), torch.ones(4))",
    "F.rms_norm(y.long(), (5, ))",
    "F.rms_norm(y, 5)",
    "F.local_response_norm(y, 2)",
    "F.local_response_norm(x4, 0)",
    "F.softmax(y)",
    "F.softmax(y[0])",
    "F.softmax(x4)",
    "F.log_softmax(r(2, 2, 2))",
    "F.softmin(y)",
    "F.gumbel_softmax(y.long())",
    "F.gumbel_softmax(y, eps=1e-3)",
    "F.dropout(y, 1.5)",
    "F.dropout(y, -.1)",
    "F.dropout(y, 'a')",
    "F.leaky_relu(y, None)",
    "F.elu(-y, torch.tensor(0.5))",
    "F.dropout(y.long())",
    "F.dropout1d(y[0], .5)",
    "F.dropout2d(y, .5).shape",
    "F.dropout2d(x4[0], .5).shape",
    "F.dropout2d(x4[0], 2)",
    "F.dropout3d(y, .5)",
    "F.triplet_margin_with_distance_loss(y, tt, tt[0])",
    "F.triplet_margin_with_distance_loss(y, tt, tt, reduction='foo')",
    "F.multilabel_soft_margin_loss(y, tt, reduction='foo')",
    "nn.TripletMarginWithDistanceLoss(margin=0)",
    "nn.MultiMarginLoss(3)",
    "nn.MultiMarginLoss(weight=tt)",
    "nn.TripletMarginWithDistanceLoss(), nn.MultiMarginLoss(2), nn.MultiLabelSoftMarginLoss(tt[0])",
    "F.alpha_dropout(y, 1.5)",
    "F.feature_alpha_dropout(y[0], .5, True)",
    "torch.dropout(y, 1.5, True)",
    "torch.dropout_(y, .5, True)",
    "torch.dropout(3, .5, True)",
    "torch.dropout(y, 'a', True)",
    "torch.dropout(y, .5, 1)",
    "torch.adaptive_max_pool1d(y, 2, True)",
    "torch.channel_shuffle(y[None], 1.)",
    "F.rrelu(y, 'a')",
    "F.rrelu(y, -float('inf'), .3, True)",
    "F.rrelu(y, 0.1, float('nan'))",
    "torch.feature_dropout(y[0], .5, True)",
    "torch.hinge_embedding_loss(y, tt, 1., 'mean')",
    "torch.kl_div(i3, i3, 1)",
    "torch.margin_ranking_loss(y, tt, i3)",
    "F.bilinear(y, tt, r(4, 5, 5), r(3))",
    "F.bilinear(y, tt[:2], r(4, 5, 5))",
    "F.bilinear(y, tt, r(4, 5, 4))",
    "F.cosine_similarity(y, r(4))",
    "F.cosine_similarity(y.long(), tt.long())",
    "F.pairwise_distance(y, r(4))",
    "F.scaled_dot_product_attention(y, tt, r(4, 5))",
    "F.scaled_dot_product_attention(y, tt, tt, torch.ones(3, 3).bool(), is_causal=True)",
    "F.scaled_dot_product_attention(y, tt, tt, torch.ones(3, 3).long())",
    "F.scaled_dot_product_attention(y[0], tt, tt)",
    "F.scaled_dot_product_attention(y, tt, tt.double())",
    "F.normalize(y, dim=2)",
    "F.one_hot(i3, 2)",
    "F.one_hot(i3.float())",
    "F.one_hot(-i3)",
    "F.one_hot(i3[:0])",
    "F.one_hot(i3.int())",
    "F.one_hot(i3, 0)",
]


def names(t):
    t.manual_seed(0)
    found = {"F": t.nn.functional, "nn": t.nn, "torch": t, "r": t.randn, "y": t.randn(3, 5).requires_grad_()}
    found |= {"tt": t.rand(3, 5), "i3": t.tensor([1, 0, 2]), "x4": t.randn(2, 3, 4, 4).requires_grad_()}
    return found


def outcome(t, call):
    """What a call gives or raises, and what it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            made = eval(call, names(t))
            result = (tuple(made.shape), str(made.dtype)) if isinstance(made, t.Tensor) else repr(made)
        except Exception as error:
            result = type(error).__name__, str(error).strip().splitlines()[0]
    return result, {str(w.message).partition(" (Triggered")[0] for w in caught}


@pytest.mark.parametrize("call", CALLS)
def test_refusals_and_warnings_are_torchs(call):
    assert outcome(minigrad, call) == outcome(torch, call)


# What has no second derivative in torch, or a wrong one, or changes its arguments

FIRST_ONLY = [
    "F.embedding(i3, y, scale_grad_by_freq=True)",
    "F.embedding(torch.tensor([1, 0, 1, 1]), y, padding_idx=0, scale_grad_by_freq=True)",
    "F.multi_margin_loss(y, i3)",
    "F.multi_margin_loss(y, i3, p=2, margin=0.5, weight=tt[0])",
    "F.multi_margin_loss(y[0], i3[1], reduction='none')",
    "F.scaled_dot_product_attention(x4, x4[:, :1], x4[:, :1], enable_gqa=True)",
    "F.scaled_dot_product_attention(x4, x4, x4, torch.zeros(4, 4).masked_fill(tt[:1, :4] > 0.5, -float('inf')))",
    "F.poisson_nll_loss(y, tt * 5, full=True)",
    "F.interpolate(x4, scale_factor=1.5, mode='bicubic', align_corners=True)",
    "F.interpolate(x4, scale_factor=1.2, mode='bilinear')",  # to the same size: a copy
    "F.layer_norm(x4.transpose(0, 1), (4,)).view(-1, 3) * tt[0, :3]",  # whatever it is made of lies in one piece
    "F.group_norm(x4.mT, 3).view(-1, 3) * tt[0, :3]",
    "F.interpolate(x4[..., :3, :3], scale_factor=2.3, mode='nearest')",  # twice as large
    "F.gumbel_softmax(y, 0.5, hard=True)",
    "F.instance_norm(x4, torch.zeros(3), torch.ones(3), momentum=0.3)",
    # What torch calls in another way outside of nn.functional
    "torch.dropout(y, 0.5, True) + torch.dropout(y, 0.5, False)",
    "torch.dropout_(y * 1, 0.5, True)",
    "torch.alpha_dropout(y, 0.5, True)",
    "torch.alpha_dropout_(y * 1, 0.5, True)",
    "torch.feature_dropout(x4, 0.5, True)",
    "torch.feature_dropout_(x4 * 1, 0.5, True)",
    "torch.feature_alpha_dropout(x4, 0.5, True)",
    "torch.feature_alpha_dropout_(x4 * 1, 0.5, True)",
    "F.feature_alpha_dropout(x4, 0.5, True)",
    "F.dropout3d(x4, 0.5) + F.dropout3d(x4 * 1, 0.5, inplace=True)",
    "F.dropout3d(x4[None], 0.5)",
    "torch.embedding(y, i3) + torch.embedding(y, i3, 0)",
    "torch.batch_norm(y, tt[0], tt[1], None, None, True, 0.1, 1e-5, False)",
    "torch.batch_norm(y, tt[0], tt[1], torch.zeros(5), torch.ones(5), False, 0.1, 1e-5, False)",
    "torch.instance_norm(x4, tt[0, :3], tt[1, :3], None, None, True, 0.1, 1e-5, False)",
    "torch.instance_norm(y * 0, None, None, None, None, True, 0.1, 1e-5, False)",
    "torch.binary_cross_entropy_with_logits(y, tt)",
    "torch.binary_cross_entropy_with_logits(y, tt, tt[1], tt[2], 1)",
    "torch.cosine_embedding_loss(y, tt, i3, 0.2, 1)",
    "torch.hinge_embedding_loss(y, (tt > 0.5) * 2 - 1) + torch.hinge_embedding_loss(y, -tt.ceil(), 2.0, 1)",
    "torch.kl_div(y, tt) + torch.kl_div(y, y.exp(), 1) + torch.kl_div(y, tt, 2, log_target=True)",
    "torch.margin_ranking_loss(y, tt[0], tt[:, :1].round() * 2 - 1, 0.5, 2)",
    "torch.poisson_nll_loss(y, tt * 5, True, False, 1e-8, 1)",
    "torch.triplet_margin_loss(y, tt, tt + 1, 2.0, reduction=2)",
    "torch.adaptive_max_pool1d(y, 2)[0]",
    "torch.max_pool1d(y, 2) + torch.max_pool1d_with_indices(y, 2)[1]",
    "torch.max_pool1d_with_indices(y, 2, 4, 0, 1, True)[1] * y[0, 0]",
    "torch.max_pool2d(x4, 2) + F.max_pool2d_with_indices(x4, 2)[1] + F.adaptive_max_pool2d_with_indices(x4, 2)[1]",
    "torch.celu_(y * 1, 0.5) + F.celu_(y * 1)",
    "torch.selu_(y * 1) + torch.threshold_(y * 1, 0.5, 2.0)",
    "torch.rrelu_(y * 1, 0.1, 0.5, True) + F.rrelu_(y * 1)",
    "F.rrelu(y, 0.1, 0.5, True) + F.rrelu(y * 1, inplace=True)",
    "F.lp_pool2d(x4, 2, (2, 1)) + F.lp_pool2d(x4.abs(), 3, 2, (2, 1), True).sum()",
    "F.lp_pool2d(x4, float('inf'), 2) + F.lp_pool2d(x4, -float('inf'), 2)",
    "F.multilabel_soft_margin_loss(y, tt.round()) + F.multilabel_soft_margin_loss(y, tt, tt[1], reduction='none')",
    "nn.MultiMarginLoss(2, 0.5, tt[0])(y, i3) + nn.MultiMarginLoss()(y, i3)",
    "F.triplet_margin_with_distance_loss(y, tt, tt + 1, margin=2.0, swap=True)",
    "nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().sum(1))(y, tt, tt + 1)",
    "F.elu_(y * 1, 0.5) + F.relu_(y * 1) + F.leaky_relu_(y * 1, 0.1)",
    "F.hardtanh_(y * 1, -0.5, 0.25) + F.selu_(y * 1) + F.threshold_(y * 1, 0.5, 2.0)",
]


@pytest.mark.parametrize("call", FIRST_ONLY)
def test_values_and_first_gradients(call):
    found = []
    for t in (minigrad, torch):
        scope = names(t)
        made = eval(call, scope)
        (made * made).sum().backward()
        grads = [scope[name].grad for name in ("y", "x4")]
        found.append([made.detach().numpy(), *[None if g is None else g.numpy() for g in grads]])
    for mine, yours in zip(*found, strict=True):
        assert (mine is None) == (yours is None)
        assert mine is None or np.allclose(mine, yours, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_of_nothing_reaches_its_scale_and_shift(training):
    found = []
    for t in (minigrad, torch):
        x, weight, bias = (t.ones(*shape, requires_grad=True) for shape in ((0, 4), (4,), (4,)))
        made = t.nn.functional.batch_norm(x, t.zeros(4), t.ones(4), weight, bias, training)
        made.sum().backward()
        found.append((made.grad_fn.name(), made.tolist(), x.grad.tolist(), weight.grad.tolist(), bias.grad.tolist()))
    assert found[0] == found[1]


@pytest.mark.parametrize("call", ["dropout(x, 0.4)", "alpha_dropout(x, 0.4, True)", "dropout2d(x, 0.4)"])
@pytest.mark.parametrize("shape", [(1, 3, 4, 2), (3, 1, 4, 2), (3, 3, 1, 1)])
def test_expanded_tensors_are_dropped_in_torchs_order(call, shape):
    found = []
    for t in (minigrad, torch):
        t.manual_seed(0)
        made = eval(f"F.{call}", {"F": t.nn.functional, "x": t.ones(shape).expand(3, 3, 4, 2)})
        found.append((made.stride(), made.numpy()))
    assert found[0][0] == found[1][0]
    assert np.allclose(found[0][1], found[1][1])


def test_rows_that_are_too_long_are_shortened_in_place():
    weights = []
    for t in (minigrad, torch):
        weight = (t.arange(12.0).reshape(4, 3)).requires_grad_()
        t.nn.functional.embedding(t.tensor([1, 3]), weight.detach(), max_norm=2.0)
        weights.append(weight.detach().numpy())
    assert np.allclose(*weights)
    assert np.linalg.norm(weights[0][3]) == pytest.approx(2.0, rel=1e-5)


def test_a_rows_gradient_is_divided_by_how_often_it_was_looked_up():
    F = minigrad.nn.functional
    weight = minigrad.ones(3, 2, dtype=minigrad.float64, requires_grad=True)
    index = minigrad.tensor([0, 2, 0, 0])
    g = minigrad.arange(8.0, dtype=minigrad.float64).reshape(4, 2).requires_grad_()
    (grad,) = minigrad.autograd.grad(F.embedding(index, weight, scale_grad_by_freq=True), weight, g, create_graph=True)
    assert grad.tolist() == [[(0 + 4 + 6) / 3, (1 + 5 + 7) / 3], [0, 0], [2, 3]]
    (again,) = minigrad.autograd.grad(grad, g, minigrad.ones(3, 2, dtype=minigrad.float64))
    assert again.tolist() == [[1 / 3] * 2, [1, 1], [1 / 3] * 2, [1 / 3] * 2]


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_a_bags_rows_count_as_often_as_they_are_looked_up(mode):
    """As `embedding` has it; torch divides by how often another row was looked up."""
    F = minigrad.nn.functional
    index, bags = minigrad.tensor([1, 2, 4, 1, 1]), minigrad.tensor([0, 2])
    weight = minigrad.randn(5, 2, dtype=minigrad.float64, requires_grad=True)
    whole = F.embedding_bag(index, weight, bags, mode=mode, scale_grad_by_freq=True, padding_idx=2)
    each = F.embedding(index, weight, scale_grad_by_freq=True)
    parts = [each[:1], each[2:]]  # without the padding
    expected = minigrad.stack([getattr(part, mode)(0) for part in parts])
    assert minigrad.allclose(whole, expected)
    found = [minigrad.autograd.grad((r**2).sum(), weight)[0] for r in (whole, expected)]
    assert minigrad.allclose(*found)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_what_comes_after_the_last_bag_does_not_count(mode):
    """In torch it counts for the last mean."""
    F, weight = minigrad.nn.functional, minigrad.randn(5, 2, requires_grad=True)
    index, ends = minigrad.tensor([1, 2, 4, 1]), minigrad.tensor([0, 2, 3])
    found = F.embedding_bag(index, weight, ends, mode=mode, include_last_offset=True)
    expected = F.embedding_bag(index[:3], weight, ends[:2], mode=mode)
    gradients = [minigrad.autograd.grad(result.sum(), weight)[0].tolist() for result in (found, expected)]
    assert found.tolist() == expected.tolist()
    assert gradients[0] == gradients[1]


def test_offsets_that_fall_are_refused():
    weight = minigrad.ones(5, 2)
    with pytest.raises(RuntimeError, match="offsets must not fall, but 2 comes after 3"):
        minigrad.nn.functional.embedding_bag(minigrad.tensor([1, 2, 4, 1]), weight, minigrad.tensor([0, 3, 2]))


def test_the_largest_of_a_bag_is_the_first_and_nan_only_if_it_is_the_first():
    found = []
    for t in (minigrad, torch):
        nan, inf = float("nan"), float("inf")
        weight = t.tensor([[nan, 1.0, -inf], [0.0, nan, -inf], [inf, 1.0, -inf]], requires_grad=True)
        y = t.nn.functional.embedding_bag(t.tensor([0, 1, 2, 2, 1]), weight, t.tensor([0, 3]), mode="max")
        y.backward(t.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
        found.append((y.tolist(), weight.grad.tolist()))
    assert repr(found[0]) == repr(found[1])


def test_bags_of_half_precision_are_rounded_once():
    found = []
    for t in (minigrad, torch):
        t.manual_seed(0)
        weight = t.randn(9, 3).half()
        index = t.randint(0, 9, (4, 20))
        sums = t.nn.functional.embedding_bag(index, weight, mode="sum", per_sample_weights=t.rand(4, 20).half())
        found.append([sums.tolist(), t.nn.functional.embedding_bag(index, weight, mode="max").tolist()])
    np.testing.assert_allclose(found[0], found[1], rtol=2e-3)


def test_what_torch_offers_without_a_package_too_is_the_same_function():
    for name in ("conv2d", "conv_transpose1d", "layer_norm", "cosine_similarity", "pixel_shuffle"):
        assert getattr(minigrad, name) is getattr(minigrad.nn.functional, name)
        assert hasattr(torch, name)


@pytest.mark.parametrize(
    "warn",
    [
        lambda a, b: functional.mse_loss(a, b),
        lambda a, b: nn.MSELoss()(a, b),
        lambda a, b: nn.L1Loss(size_average=True),
        lambda a, b: nn.KLDivLoss()(a, a),
        lambda a, b: functional.softmax(a),
        lambda a, b: nn.Softmax()(a),
        lambda a, b: nn.Dropout2d()(a),
        lambda a, b: a[0].std(),
        lambda a, b: a[[[0], [0]]],
        lambda a, b: a[minigrad.ones(3, dtype=minigrad.uint8)],
        lambda a, b: a.__setitem__([[0], [0]], 1.0),
        lambda a, b: minigrad.where(minigrad.ones(3, dtype=minigrad.uint8), b, b),
        lambda a, b: minigrad.utils.checkpoint.checkpoint(minigrad.exp, a, use_reentrant=True),
        lambda a, b: minigrad.utils.checkpoint.checkpoint(minigrad.exp, a, use_reentrant=None),
        lambda a, b: nn.LSTM(1, 1, dropout=0.5),
    ],
)
def test_warnings_name_the_users_line(warn):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn(minigrad.ones(3, 1), minigrad.ones(3))
    places = {(w.filename, w.lineno) for w in caught if w.category is UserWarning}
    assert places == {(__file__, warn.__code__.co_firstlineno)}


def test_soft_margin_loss_has_its_slope_far_out_where_torchs_overflows():
    x = minigrad.tensor([-1000.0, 1000.0], requires_grad=True)
    minigrad.nn.functional.soft_margin_loss(x, minigrad.ones(2), reduction="sum").backward()
    assert x.grad.tolist() == [-1, 0]
