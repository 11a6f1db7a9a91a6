"""Rows for what layers are made of: normalization, embeddings, dropout, attention, and activations of `nn.functional`."""

from __future__ import annotations

from typing import Any

from op_cases import INFINITE, Draw, Shape
from op_rows import program
from rows_losses import doubles
from rows_windows import function

# Normalization. Where all values are equal there is nothing but rounding to normalize; and torch reads a weight for
# channels, when it computes gradients, as if it had no gaps

varied: dict[str, Any] = {**doubles, "special": (), "expanded": False}


def channels(draw: Draw) -> list[Shape]:
    wrong = draw.sometimes_wrong()
    return [(3, 4, *draw.choice((), (2,), (2, 2))), (4 + wrong,), (4,)]


function("batch_norm(a, None, None, b.contiguous(), c, True)", lambda draw: [(4, 2), (2,), (2,)], **varied)
function("batch_norm(a, None, None, b.contiguous(), c, True)", channels, folded=True, **varied)
function(
    "batch_norm(a, b.detach().contiguous(), c.detach().contiguous())",
    lambda draw: [(4, 2), (2,), (2,)],
    domain="positive",
    **varied,
)
function(
    "batch_norm(a, c.detach() * 0, b.detach() * 0 + 2, b.contiguous(), c)",
    lambda draw: [(4, 2), (2,), (2,)],
    **varied | {"smooth": True},
)
function("batch_norm(a, t.zeros_like(b), t.ones_like(c), b.contiguous(), c)", channels, folded=True, **varied)
program(
    "m, v = t.zeros_like(b), t.ones_like(b); y = t.nn.functional.batch_norm(a, m, v, b.contiguous(), c, True, 0.3); (y, m, v)",
    channels,
    folded=True,
    smooth=False,
    **varied,
)
function("instance_norm(a, None, None, b, c)", lambda draw: [(2, 3, 4), (3,), (3,)], folded=True, **varied)
function("layer_norm(a, a.shape[-1:], b)", lambda draw: [(3, 4), (4 + draw.sometimes_wrong(),)], **varied)
function("layer_norm(a, a.shape[1:], b, c)", lambda draw: [(3, 4, 2), (4, 2), (4, 2)], folded=True, **varied)
# Channels that lie last end the program, in torch's backward.
function("group_norm(a.contiguous(), 2, b, c)", channels, folded=True, **varied)
function("rms_norm(a, a.shape[-1:], b)", lambda draw: [(3, 4), (4,)], folded=True, **varied)
function("normalize(a, number)", lambda draw: [(3, 4)], lambda draw, s: {"number": draw.choice(2.0, 1, 3.0)}, **varied)
function(
    "local_response_norm(a, number, 0.5)",
    lambda draw: [(2, 3, 4)],
    lambda draw, s: {"number": draw.choice(1, 2, 3)},
    folded=True,
    **varied,
)

# Embeddings: indices of int64 are 1 to 4

table: dict[str, Any] = {"fixed": {"a": "float64", "b": "int64"}, "always_fixed": True, "domain": "positive"}


def rows(draw: Draw) -> list[Shape]:
    return [(5 - 2 * draw.sometimes_wrong(), draw.choice(2, 5)), draw.choice((3,), (2, 2), ())]


function(
    "embedding(b, a, padding)", rows, lambda draw, *s: {"padding": draw.choice(None, 1, -2)}, **table, smooth=False
)


def bags(draw: Draw) -> list[Shape]:
    return [(5 - 2 * draw.sometimes_wrong(), 2), (4,), draw.choice((4,), (4,), (3,) if draw.wild else (4,))]


def starts(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    given = draw.choice([0, 1, 1], [0], [0, 4, 4], [0, 3], *([[1, 2]] if draw.wild else []))
    return {"starts": given, "padding": draw.choice(None, 1, -2), "last": draw.choice(False, True, False)}


function(
    "embedding_bag(b.contiguous(), a, t.tensor([*starts, *([4] if last else [])]), mode='sum', per_sample_weights=c, "
    "include_last_offset=last, padding_idx=padding)",
    bags,
    starts,
    **{**table, "fixed": {"a": "float64", "b": "int64", "c": "float64"}},
)
function(
    "embedding_bag(b.contiguous(), a, t.tensor([*starts]).long(), padding_idx=padding)",
    lambda draw: bags(draw)[:2],
    starts,
    **table,
)
function(
    "embedding_bag(b.contiguous(), a, t.tensor([*starts]).long(), mode='max', padding_idx=padding)",
    lambda draw: bags(draw)[:2],
    starts,
    folded=True,  # torch needs the indices for the gradient; here it is known which rows were the largest
    **table,
)
function(
    "embedding_bag(b.contiguous(), a, mode=mode)",
    lambda draw: [(5, 2), draw.choice((2, 3), (3, 1), (0, 2))],
    lambda draw, *s: {"mode": draw.choice("mean", "sum")},
    **table,
)

# Dropout, from one seed


def probability(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return {
        "p": draw.choice(0.3, 0.5, 0.0, 1.0, *([1.5] if draw.wild else [])),
        "training": draw.choice(True, True, False),
    }


for name, shape in (
    ("dropout", (3, 4)),
    ("dropout1d", (3, 4, 2)),
    ("dropout2d", (2, 3, 2, 2)),
    ("alpha_dropout", (4, 5)),
):
    program(
        f"t.manual_seed(7); t.nn.functional.{name}(a, p, training)",
        lambda draw, shape=shape: [shape],
        probability,
        folded=True,
        smooth=False,
        **varied,
    )
program(
    "t.manual_seed(7); t.nn.functional.gumbel_softmax(a, 0.7, hard)",
    lambda draw: [(3, 4)],
    lambda draw, s: {"hard": draw.flag()},
    smooth=False,
    **varied,
)

# Products


def attention(draw: Draw) -> list[Shape]:
    batch = draw.choice((), (2,), (2, 2))
    return [(*batch, 3, 2), (*batch, 4, 2 + draw.sometimes_wrong()), (*batch, 4, 3)]


function(
    "scaled_dot_product_attention(a, b, c, is_causal=causal, scale=scale)",
    attention,
    lambda draw, *s: {"causal": draw.flag(), "scale": draw.choice(None, 0.3)},
    folded=True,
    **varied,
)
function(
    "scaled_dot_product_attention(a, b, c, (a @ b.mT).detach() > 0)", attention, folded=True, smooth=False, **varied
)
function("linear(a, b, c)", lambda draw: [(3, 2), (4, 2), (4,)], **varied)
function("bilinear(a, b, c)", lambda draw: [(3, 2), (3, 4), (5, 2, 4 + draw.sometimes_wrong())], folded=True, **varied)

# Activations


def along(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"dim": draw.choice(None, 0, -1, *([3] if draw.wild else []))}


for name in ("softmax", "softmin", "log_softmax"):
    function(f"{name}(a, dim)", lambda draw: [draw.shape(1)], along)
for name in ("relu", "leaky_relu", "silu", "mish"):
    function(f"{name}(a * 1, inplace=flag)", Draw.one, lambda draw, s: {"flag": draw.flag()}, folded=True)
for name in ("relu6", "elu", "selu", "celu", "hardswish", "hardtanh"):
    function(
        f"{name}(a * 1, inplace=flag)",
        Draw.one,
        lambda draw, s: {"flag": draw.flag()},
        special=INFINITE,
        folded=True,
    )
for call in ("threshold(a, 0.1, 20)", "softplus(a, 2)", "tanhshrink(a)", "softsign(a)"):
    function(call, Draw.one, folded=True)
for call in ("softshrink(a)", "hardshrink(a)"):
    function(call, Draw.one, special=INFINITE, folded=True)
function("gelu(a)", Draw.one, special=(), folded=True)
for call in ("logsigmoid(a)", "tanh(a)", "sigmoid(a)"):
    function(call, Draw.one, folded=True)
