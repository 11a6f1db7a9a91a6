"""Rows for losses: between numbers, of classes, of distributions, and of what should be near or far."""

from __future__ import annotations

from typing import Any

from op_cases import Draw, Shape
from rows_windows import function


def reduction(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return {"how": draw.choice("mean", "sum", "none")}


def beta(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return reduction(draw) | {"beta": draw.choice(1.0, 0.5)}


# Between numbers

doubles: dict[str, Any] = {"fixed": dict.fromkeys("abc", "float64"), "always_fixed": True}
function("mse_loss(a, b, reduction=how)", Draw.two_of_one_shape, reduction, **doubles)
function("mse_loss(a, b, reduction=how)", Draw.pair, reduction, folded=True, **doubles)
function(
    "mse_loss(a, b, reduction=how, weight=a.detach())", Draw.two_of_one_shape, reduction, domain="positive", **doubles
)
function("l1_loss(a, b, reduction=how)", Draw.two_of_one_shape, reduction, **doubles)
function("smooth_l1_loss(a, b, reduction=how, beta=beta)", Draw.two_of_one_shape, beta, special=(), **doubles)
function(
    "huber_loss(a, b, reduction=how, delta=beta)", Draw.two_of_one_shape, beta, special=(), ordered=False, **doubles
)
function("soft_margin_loss(a, b.detach(), reduction=how)", Draw.two_of_one_shape, reduction, special=(), **doubles)

# Of classes: targets of int64 are 1 to 4, so that five classes are enough


def classes(draw: Draw) -> list[Shape]:
    batch = draw.choice(3, 1, 2)
    places = draw.choice((), (), (2,), (2, 1))
    many = 5 if not draw.sometimes_wrong() else 3
    return [(batch, many, *places), (batch + draw.sometimes_wrong(), *places), (many,)]


def ignoring(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    smoothing = draw.choice(0.0, 0.2, *([2.0] if draw.wild else []))
    return reduction(draw) | {"ignored": draw.choice(-100, 2, 3), "smoothing": smoothing}


labels: dict[str, Any] = {"fixed": {"a": "float64", "b": "int64", "c": "float64"}, "always_fixed": True}
labels |= {"domain": "positive", "special": (), "expanded": False}
function(
    "nll_loss(a, b, c.detach(), ignore_index=ignored, reduction=how)",
    lambda draw: [(3, 5 - 2 * draw.sometimes_wrong()), (3,), (5,)],
    ignoring,
    **labels,
)
function("nll_loss(a, b, reduction=how)", lambda draw: classes(draw)[:2], reduction, folded=True, **labels)
function(
    "cross_entropy(a, b, c.detach(), ignore_index=ignored, reduction=how, label_smoothing=smoothing)",
    classes,
    ignoring,
    folded=True,
    **labels,
)
function(
    "cross_entropy(a, b, c.detach(), reduction=how, label_smoothing=smoothing)",
    lambda draw: [(3, 4), (3, 4 + draw.sometimes_wrong()), (4,)],
    ignoring,
    special=(),
    **doubles,
)
function("cross_entropy(a[0], b[0])", lambda draw: [(3, 5), (3,)], **labels)

# Of two classes

function(
    "binary_cross_entropy(a, b, c.detach(), reduction=how)",
    lambda draw: [(3, 2), (3, 2), draw.choice((3, 2), (2,))],
    reduction,
    domain="unit",
    special=(),
    **doubles,
)
function("binary_cross_entropy(a, b)", Draw.two_of_one_shape, domain="unit", special=(), folded=True, **doubles)
function("binary_cross_entropy_with_logits(a, b)", Draw.two_of_one_shape, special=(), folded=True, **doubles)
for operands in ("a, b.detach(), weight=c.detach()", "a, b, pos_weight=c.detach()"):
    function(
        f"binary_cross_entropy_with_logits({operands}, reduction=how)",
        lambda draw: [(3, 2), (3, 2), draw.choice((3, 2), (2,))],
        reduction,
        special=(),
        **doubles,
    )

# Of distributions


def log_target(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return {"how": draw.choice("mean", "sum", "none", "batchmean"), "flag": draw.flag()}


function(
    "kl_div(a, b, reduction=how, log_target=flag)",
    lambda draw: [(3, 2)] * 2,
    log_target,
    domain="positive",
    special=(),
    **doubles,
)
function(
    "poisson_nll_loss(a, b, flag, reduction='sum', full=flag)",
    lambda draw: [(3, 2)] * 2,
    log_target,
    domain="positive",
    special=(),
    **doubles,
)
function(
    "gaussian_nll_loss(a, b, c, flag)",
    lambda draw: [(3, 2), (3, 2), draw.choice((3, 2), (3, 1), (3,))],
    log_target,
    domain="positive",
    special=(),
    **doubles,
)

# Of what should be near or far

function(
    "hinge_embedding_loss(a, b, 0.7, reduction=how)",
    lambda draw: [(3, 5), (3, 5)],
    reduction,
    fixed={"a": "float64", "b": "int64"},
    always_fixed=True,
    special=(),
)
function(
    "margin_ranking_loss(a, b, c.detach(), 0.3, reduction=how)",
    lambda draw: [(3, 2)] * 3,
    reduction,
    special=(),
    **doubles,
)
function(
    "cosine_embedding_loss(a, b, t.tensor([1, -1, 1]), 0.1, reduction=how)",
    lambda draw: [(3, 2)] * 2,
    reduction,
    special=(),
    expanded=False,
    **doubles,
)
function("triplet_margin_loss(a, b, c, swap=flag)", lambda draw: [(3, 2)] * 3, log_target, special=(), **doubles)
function(
    "cosine_similarity(a, b, 0)",
    lambda draw: [(3, 2), draw.choice((3, 2), (3, 1))],
    special=(),
    expanded=False,
    **doubles,
)
function("pairwise_distance(a, b)", lambda draw: [(3, 2), draw.choice((3, 2), (2,))], special=(), **doubles)


# Of labels without places in time


def labels(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    counts = [draw.choice(2, 1, 0, 3) for _ in range(2)]
    several = [[draw.choice(1, 2, 2, 3) for _ in range(3)] for _ in range(2)]
    together = [label for row, n in zip(several, counts, strict=True) for label in row[:n]]
    wrong = draw.sometimes_wrong()
    return reduction(draw) | {
        "targets": draw.choice(several, together),
        "lengths": [draw.choice(5, 4, 2, *([6, -1] if wrong else [])) for _ in range(2 if not wrong else 3)],
        "counts": counts,
        "flag": draw.flag(),
    }


function(
    "ctc_loss(a.log_softmax(-1), t.tensor(targets, dtype=t.int64), t.tensor(lengths), t.tensor(counts), 0, how, flag)",
    lambda draw: [(5, 2, 4)],
    labels,
    special=(),
    smooth=False,  # it has no second derivative; test_alignment.py has the first
    **doubles,
)
