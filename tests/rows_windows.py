"""Rows for what slides windows over images and sequences: convolutions, pools, borders, other resolutions."""

from __future__ import annotations

from typing import Any

import torch.nn.functional  # noqa: F401 - the rows call it by its name
from op_cases import Draw, Row, Shape
from op_rows import ROWS, Options, program

import minigrad.nn.functional  # noqa: F401 - so that its operations are in the table


def function(arguments: str, shapes: Any, options: Options = lambda draw, *shapes: {}, **more: Any) -> None:
    """Enter a function of `nn.functional`. torch lays results out as inputs lie, which `folded` leaves uncompared."""
    more.setdefault("smooth", "detach" not in arguments)  # gradients are kept from flowing
    ROWS.append(Row(f"t.nn.functional.{arguments}", (), (), shapes, options, **more))


# Convolutions

doubles: dict[str, Any] = {"fixed": dict.fromkeys("abc", "float64"), "always_fixed": True}


def operands(draw: Draw, n: int, transposed: bool = False) -> list[Shape]:
    """Input, weight and bias for up to two groups, of `n` dimensions; sometimes they do not fit, or there is no batch."""
    channels, outputs = (draw.choice(4, 2) for _ in range(2))
    kernel = tuple([draw.choice(1, 2, *([3] if n < 3 else [])) for _ in range(n)])
    least = 3 if transposed or n == 3 else 5  # what is transposed fits any kernel; few numbers are quick to check
    sizes = tuple([draw.choice(least, least + 1, *([2] if draw.wild else [])) for _ in range(n)])
    weight = (channels + draw.sometimes_wrong(), outputs // 2) if transposed else (outputs, channels // 2)
    batch = draw.choice((), (2,), (1,))
    return [(*batch, channels, *sizes), (*weight, *kernel), (outputs + draw.sometimes_wrong(),)]


def sliding(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    several = [draw.choice(1, 2) for _ in range(len(shapes[1]) - 2)]
    wrong = draw.sometimes_wrong()
    return {
        "stride": draw.choice(1, 2, several),
        "padding": draw.choice(0, 1, 1, *([-1, (1, 1, 1)] if wrong else [])),
        "dilation": draw.choice(1, 1, 2, *([0] if wrong else [])),
        "groups": 2 if not wrong else draw.choice(1, 3, 0),
    }


for n in (1, 2, 3):
    function(
        f"conv{n}d(a, b, c, stride, padding, dilation, groups)",
        lambda draw, n=n: operands(draw, n),
        sliding,
        special=(),
        ordered=False,
        **doubles,
    )
    function(
        f"conv_transpose{n}d(a, b, c, stride, padding, 0, groups, dilation)",
        lambda draw, n=n: operands(draw, n, transposed=True),
        sliding,
        special=(),
        ordered=False,
        **doubles,
    )
function(
    "conv2d(a, b, padding=padding)",
    lambda draw: [(2, 2, 4, 3), (3, 2, draw.choice(1, 2, 3), draw.choice(2, 3))],
    lambda draw, *shapes: {"padding": draw.choice("same", "valid", *(["full"] if draw.wild else []))},
    special=(),
    **doubles,
)
function(
    "conv_transpose2d(a, b, stride=2, padding=1, output_padding=extra, dilation=(1, 3))",
    lambda draw: [(2, 2, 3, 3), (2, 1, 3, 2)],
    lambda draw, *shapes: {"extra": draw.choice(0, 1, (0, 2), (1, 2), *([2] if draw.wild else []))},
    special=(),
    **doubles,
)

# Pools


def images(draw: Draw) -> list[Shape]:
    if draw.sometimes_wrong():
        return [draw.shape()]
    return [(*draw.choice((), (2,)), 2, draw.choice(5, 6), draw.choice(5, 7))]


def of_one_kind(draw: Draw) -> list[Shape]:
    """Images, whatever is drawn besides: of others torch names now one error, now another."""
    return [(*draw.choice((), (2,)), 2, draw.choice(5, 6), draw.choice(5, 7))]


def sequences(draw: Draw) -> list[Shape]:
    """Without a batch: torch may lay out batches otherwise, and then strides and what is saved are not compared."""
    return [(2, draw.choice(5, 7))]


def pool(draw: Draw, shape: Shape) -> dict[str, Any]:
    wrong = draw.sometimes_wrong()
    return {
        "kernel": draw.choice(2, 3, 3, *([0, 9] if wrong else [])),
        "stride": draw.choice(None, 1, 2, *([0, -1] if wrong else [])),
        "padding": draw.choice(0, 1, *([2, -1] if wrong else [])),
        "dilation": draw.choice(1, 1, 2, *([0] if wrong else [])),
        "ceil": draw.flag(),
        "flag": draw.flag(),
    }


for name, shapes in (("max_pool1d", sequences), ("max_pool2d", images)):
    folded = shapes is images
    function(f"{name}(a, kernel, stride, padding, dilation, ceil)", shapes, pool, folded=folded, expanded=False)
    function(f"{name}(a, kernel, stride, padding, dilation, ceil, True)", shapes, pool, folded=folded, expanded=False)
for name, shapes in (("avg_pool1d", sequences), ("avg_pool2d", images)):
    function(f"{name}(a, kernel, stride, padding, ceil, flag)", shapes, pool, folded=shapes is images)
function(
    "avg_pool2d(a, (2, 1), divisor_override=divisor)",
    images,
    lambda draw, s: {"divisor": draw.choice(3, -2, 1)},
    folded=True,
)


def volumes(draw: Draw) -> list[Shape]:
    return [(*draw.choice((), (2,)), 1, draw.choice(3, 2), 3, draw.choice(4, 3))]


def pool_of_volumes(draw: Draw, shape: Shape) -> dict[str, Any]:
    wrong = draw.sometimes_wrong()
    return {
        "kernel": draw.choice(2, (2, 1, 2), (1, 3, 2), *([0, 9, (1, 2)] if wrong else [])),
        "stride": draw.choice(None, 1, (2, 1, 1), *([0, -1] if wrong else [])),
        "padding": draw.choice(0, (1, 0, 1) if not wrong else 1, 0, *([2, -1] if wrong else [])),
        "ceil": draw.flag(),
        "flag": draw.flag(),
    }


function("max_pool3d(a, kernel, stride, 0, (1, 1, 2), ceil)", volumes, pool_of_volumes, folded=True, expanded=False)
function("max_pool3d(a, 2, stride, 1, 1, ceil, True)", volumes, pool_of_volumes, folded=True, expanded=False)
function("avg_pool3d(a, kernel, stride, 0, ceil)", volumes, pool_of_volumes, folded=True)
function("avg_pool3d(a, 2, stride, 1, ceil, flag, 3)", volumes, pool_of_volumes, folded=True)
for name in ("adaptive_avg_pool3d", "adaptive_max_pool3d"):
    function(
        f"{name}(a, sizes)",
        volumes,
        lambda draw, shape: {"sizes": draw.choice(2, (2, 3, 1), (None, 2, 3), 1)},
        folded=True,
        expanded=False,
    )
for n, shapes in ((1, sequences), (2, images), (3, volumes)):
    program(
        f"v, i = t.nn.functional.max_pool{n}d(a.contiguous(), 2, stride, return_indices=True); "
        f"t.nn.functional.max_unpool{n}d(v * 2, i, 2, stride, output_size=a.shape[-{n}:])",
        shapes,
        lambda draw, shape: {"stride": draw.choice(None, 2, *([3, 0] if draw.wild else []))},
        folded=True,
        expanded=False,
    )


def outputs(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"one": draw.choice(1, 2, 3, 4, 7), "two": draw.choice(2, (3, 2), (None, 2), 1, (4, 3), (7, 2))}


for name in ("adaptive_avg_pool", "adaptive_max_pool"):
    function(f"{name}1d(a, one)", sequences, outputs, expanded=False)
    function(f"{name}2d(a, two)", images, outputs, folded=True, expanded=False)

# Windows as columns


def square(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    wrong = draw.sometimes_wrong()
    return {
        "kernel": draw.choice(2, (1, 2), *([0, 7] if wrong else [])),
        "dilation": draw.choice(1, 2, *([0] if wrong else [])),
        "padding": draw.choice(0, 1, *([-1] if wrong else [])),
        "stride": draw.choice(1, 2, *([0] if wrong else [])),
    }


function("unfold(a, kernel, dilation, padding, stride)", of_one_kind, square)
program(
    "F = t.nn.functional; F.fold(F.unfold(a, kernel, dilation, padding, stride), a.shape[-2:], kernel, dilation, padding, stride)",
    of_one_kind,
    square,
    folded=True,
)
function("fold(a, (3, 3), 2)", lambda draw: [(*draw.choice((), (2,)), draw.choice(4, 8), 4 + draw.sometimes_wrong())])

# Borders and resolutions


def widths(draw: Draw, shape: Shape) -> dict[str, Any]:
    last = (draw.choice(1, 0, 2, -1), draw.choice(1, 2, 0, -1))
    both = (*last, draw.choice(1, 0, -1), draw.choice(0, 2))
    more = [(1,), (9, 9), (-9, 0), (1,) * 8] if draw.wild else []
    number = draw.choice(0, 1.5, *([True, 2] if draw.wild else []))
    return {"last": draw.choice(last, *more), "both": draw.choice(both, *more), "value": number}


function("pad(a, last, value=value)", lambda draw: [(*draw.shape(0, 2), draw.choice(2, 3, 1))], widths, folded=True)
function("pad(a, both, value=value)", images, widths, folded=True)
for mode in ("reflect", "replicate", "circular"):
    function(f"pad(a, last, {mode!r})", sequences, widths, folded=mode == "circular")
    function(f"pad(a, both, {mode!r})", images, widths, folded=True)


def resolution(draw: Draw, shape: Shape) -> dict[str, Any]:
    more = [{"size": 3, "scale_factor": 2}, {}, {"size": 0}, {"size": (1, 2, 3)}] if draw.wild else []
    how = draw.choice(
        {"size": 3}, {"size": 7}, {"scale_factor": 2}, {"scale_factor": 1.4}, {"scale_factor": 0.6}, *more
    )
    return {"how": how, "corners": draw.choice(None, True, False)}


def batches(draw: Draw, *sizes: int) -> list[Shape]:
    return [(2, 1, *sizes)] if not draw.sometimes_wrong() else [draw.shape(1)]


floats = {"fixed": {}, "folded": True, "special": ()}
for mode, shapes in (
    ("nearest", lambda draw: batches(draw, 4, 3)),
    ("nearest-exact", lambda draw: batches(draw, 4)),
    ("area", lambda draw: batches(draw, 4, 3)),
):
    function(f"interpolate(a, mode={mode!r}, **how)", shapes, resolution, **floats)
for mode, shapes in (
    ("linear", lambda draw: batches(draw, 4)),
    ("bilinear", lambda draw: batches(draw, 4, 3)),
    ("bicubic", lambda draw: batches(draw, 4, 3)),
):
    function(f"interpolate(a, mode={mode!r}, align_corners=corners, **how)", shapes, resolution, **floats)


def one_or_two(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"by": draw.choice(2, 1)}  # of which 1 changes nothing, and is a copy


function(
    "channel_shuffle(a, by)", lambda draw: [(2, 4 + draw.sometimes_wrong(), *draw.choice((3, 2), (3,)))], one_or_two
)
function("pixel_shuffle(a, by)", lambda draw: [(*draw.choice((), (2,)), 4 + draw.sometimes_wrong(), 3, 2)], one_or_two)
function(
    "pixel_unshuffle(a, by)", lambda draw: [(*draw.choice((), (2,)), 2, 4, 2 + draw.sometimes_wrong())], one_or_two
)


# Any places, and where affine maps lead


def places(draw: Draw) -> list[Shape]:
    volumes = draw.choice(False, False, True)
    sizes, rows = ((2, 3, 1), (2, 1, 2)) if volumes else ((4, draw.choice(3, 1)), (3, 2))
    batch = draw.choice(2, 1)
    return [(batch, 2, *sizes), (batch + draw.sometimes_wrong(), *rows, len(sizes) + draw.sometimes_wrong())]


def outside(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return {"padding": draw.choice("zeros", "border", "reflection"), "corners": draw.flag()}


for mode, shapes in (("bilinear", places), ("bicubic", lambda draw: [(2, 1, 4, 3), (2, 1, 2, 2)])):
    function(f"grid_sample(a, b, {mode!r}, padding, corners)", shapes, outside, special=(), **doubles)
function(  # without the gradient of the grid, which is 0
    "grid_sample(a, b.detach(), 'nearest', padding, corners)", places, outside, smooth=True, special=(), **doubles
)
function(
    "affine_grid(a, size, corners)",
    lambda draw: [draw.choice((2, 2, 3), (1, 3, 4), *([draw.shape()] if draw.wild else []))],
    lambda draw, shape: {
        "size": (2, 1, 3, 2) if shape == (2, 2, 3) else (1, 1, 2, 2, 3),
        "corners": draw.flag(),
    },
)
