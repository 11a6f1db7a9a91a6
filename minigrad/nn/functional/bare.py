"""What torch also offers outside of `nn.functional`, but calls in another way: `torch.dropout`, `torch.kl_div`.

These are the forms that torch's own `nn.functional` calls: other orders of arguments, a number for the reduction (0 for
none, 1 for the mean, 2 for the sum), which is 0 where it is left out, and no look at the arguments before.
Source: ATen/native/native_functions.yaml of https://github.com/pytorch/pytorch
"""

from __future__ import annotations

from typing import Any

from ...flags import check_flags
from ...ops.names import named, tensor_argument
from ...ops.options import integer, number, wrong_type
from ...tensor import Tensor
from . import classes, distances, embeddings, normalization, regression, sequences
from .dropout import channels, dropped, scaled_noise
from .pooling import adaptive_max_pool1d_with_indices
from .reduction import reduced

INTERNAL = True


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> Any:
    """`nn.functional.adaptive_max_pool1d`, always with the places of the maxima."""
    return adaptive_max_pool1d_with_indices(input, output_size)


# Dropout


def _dropout(name: str, of_channels: bool, alpha: bool, inplace: bool) -> Any:
    def drop(input: Tensor, p: float, train: bool) -> Tensor:
        tensor_argument(input, name)
        p = number(name, "p", 2, p, "float")
        if not isinstance(train, bool):
            raise wrong_type(name, "train", 3, "bool", train)
        if not 0 <= p <= 1:
            raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
        shape = input._array.shape
        if of_channels and train and p and input._array.size:
            shape = channels(input)
        return (scaled_noise if alpha else dropped)(input, shape, p, train, inplace)

    return named(drop, name, f"`nn.functional`'s dropout of this kind, called as torch.{name} is.")


dropout, dropout_ = (_dropout(f"dropout{end}", False, False, bool(end)) for end in ("", "_"))
alpha_dropout, alpha_dropout_ = (_dropout(f"alpha_dropout{end}", False, True, bool(end)) for end in ("", "_"))
feature_dropout, feature_dropout_ = (_dropout(f"feature_dropout{end}", True, False, bool(end)) for end in ("", "_"))
feature_alpha_dropout, feature_alpha_dropout_ = (
    _dropout(f"feature_alpha_dropout{end}", True, True, bool(end)) for end in ("", "_")
)

# Normalization, and classes as vectors


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`nn.functional.batch_norm`, also of one value only for a channel."""
    check_flags("batch_norm", cudnn_enabled=cudnn_enabled)
    return normalization.batch_normalized(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`nn.functional.instance_norm`, with its arguments in another order, and also of channels of one element."""
    check_flags("instance_norm", cudnn_enabled=cudnn_enabled)
    return normalization.instance_normalized(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """`nn.functional.embedding`, the weight first; a `padding_idx` that is no row's number stands for none."""
    padding = padding_idx if 0 <= padding_idx < len(weight) else None
    return embeddings.embedding(indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


# Losses


def _how(name: str, position: int, reduction: int) -> str:
    """The word that `nn.functional` has for the number of a reduction."""
    return {1: "mean", 2: "sum"}.get(integer(name, "reduction", position, reduction), "none")


def _reduced(name: str, position: int, each: Tensor, reduction: int) -> Tensor:
    return reduced(each, _how(name, position, reduction))


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: int = 0
) -> Tensor:
    """`nn.functional.binary_cross_entropy_with_logits`, with a number for the reduction, 0 if it is not given."""
    how = _how("binary_cross_entropy_with_logits", 5, reduction)
    return classes.binary_cross_entropy_with_logits(input, target, weight, reduction=how, pos_weight=pos_weight)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """`nn.functional.cosine_embedding_loss`, with a number for the reduction, 0 if it is not given."""
    each = distances.cosine_embedding_loss(input1, input2, target, margin, reduction="none")
    return _reduced("cosine_embedding_loss", 5, each, reduction)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """`nn.functional.ctc_loss`, with a number for the reduction, 0 if it is not given."""
    how = _how("ctc_loss", 6, reduction)
    return sequences.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, how, zero_infinity)


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0) -> Tensor:
    """`nn.functional.hinge_embedding_loss`, with a number for the reduction, 0 if it is not given."""
    each = regression.hinge_embedding_loss(input, target, margin, reduction="none")
    return _reduced("hinge_embedding_loss", 4, each, reduction)


def kl_div(input: Tensor, target: Tensor, reduction: int = 0, *, log_target: bool = False) -> Tensor:
    """`nn.functional.kl_div`, with a number for the reduction, 0 if it is not given."""
    return _reduced("kl_div", 3, regression.kl_div(input, target, reduction="none", log_target=log_target), reduction)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """`nn.functional.margin_ranking_loss`, also of tensors that are broadcast."""
    each = (-target * (input1 - input2) + margin).clamp_min(0)
    return _reduced("margin_ranking_loss", 5, each, reduction)


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Tensor:
    """`nn.functional.poisson_nll_loss`, with a number for the reduction."""
    each = regression.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction="none")
    return _reduced("poisson_nll_loss", 6, each, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 0,
) -> Tensor:
    """`nn.functional.triplet_margin_loss`, with a number for the reduction, 0 if it is not given."""
    each = distances.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction="none")
    return _reduced("triplet_margin_loss", 8, each, reduction)
