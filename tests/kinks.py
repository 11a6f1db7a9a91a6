"""Where a function has no slope, or has one but no finite value: the data, and the pages in docs/ that print it.

`python tests/kinks.py` writes docs/subgradients.md and docs/subgradients.zh-CN.md anew.
"""

from __future__ import annotations

import warnings
from math import inf, nan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import minigrad
from minigrad.ops import activations

DOCS = Path(__file__).parents[1] / "docs"


class Kink(NamedTuple):
    """An expression of a (and b, c), the values to take it at, and what to notice in both languages."""

    call: str
    inputs: tuple[list[float], ...]
    english: str
    chinese: str


class Section(NamedTuple):
    """Kinks of one sort, and what they have in common."""

    english: str
    chinese: str
    kinks: list[Kink]


SECTIONS = [
    Section(
        "Corners: from the slopes on both sides torch takes 0, or the mean",
        "尖点：torch 在两侧斜率之间取 0 或平均值",
        [
            Kink("t.relu(a)", ([-1, 0, 2, nan],), "0 at 0; NaN passes on", "在 0 处为 0；NaN 处照样传递"),
            Kink("t.abs(a)", ([-2, 0, 3, nan],), "0 at 0 and at NaN", "在 0 和 NaN 处为 0"),
            Kink("t.sign(a)", ([-2, 0, 3, nan],), "0 everywhere; sign(NaN) is 0", "处处为 0；sign(NaN) 是 0"),
            Kink("F.leaky_relu(a)", ([-2, 0, 3, nan],), "the slope of the left side at 0", "在 0 处取左侧斜率"),
            Kink("F.elu(a)", ([-2, 0, 3, nan],), "1 at 0 and at NaN", "在 0 和 NaN 处为 1"),
            Kink(
                "t.hardshrink(a)",
                ([-0.5, 0, 0.5, nan],),
                "0 at both edges; NaN passes on",
                "两边缘处为 0；NaN 处照样传递",
            ),
            Kink(
                "F.softshrink(a)",
                ([-0.5, 0, 0.5, nan],),
                "0 at both edges; NaN passes on",
                "两边缘处为 0；NaN 处照样传递",
            ),
            Kink("F.hardsigmoid(a)", ([-3, 0, 3, nan],), "0 at both edges and at NaN", "两边缘和 NaN 处为 0"),
            Kink(
                "F.hardswish(a)",
                ([-3, 0, 3, nan],),
                "0 and 1 at the edges; 1 at NaN",
                "两边缘处分别为 0 和 1；NaN 处为 1",
            ),
            Kink("t.prelu(a, b)", ([-2, 0, 3], [0.25]), "the weight at 0", "在 0 处为权重"),
            Kink("t.copysign(a, b)", ([-2, 0, 3], [1, -1, -1]), "0 at 0", "在 0 处为 0"),
            Kink("t.floor(a)", ([-0.5, 0, 1, nan],), "0 everywhere, also at the steps", "处处为 0，包括跳跃处"),
            Kink("t.frac(a)", ([-0.5, 0, 1, nan],), "1 everywhere, also at the steps", "处处为 1，包括跳跃处"),
            Kink("t.norm(a)", ([0, 0],), "0 where the norm is 0", "范数为 0 处为 0"),
            Kink("t.norm(a, 1)", ([-2, 0, 3],), "as abs at 0", "在 0 处与 abs 相同"),
            Kink("t.norm(a, 3)", ([0, 0],), "0 where the norm is 0", "范数为 0 处为 0"),
            Kink("t.norm(a, 1.5)", ([0, 2],), "0 at the zero element", "零元素处为 0"),
            Kink("t.norm(a, 0.5)", ([0, 4],), "0, not infinite, at the zero element", "零元素处为 0，而非无穷"),
            Kink("t.norm(a, 0)", ([0, 4],), "counts elements: no gradient at all", "只计个数：完全没有梯度"),
            Kink("t.std(a)", ([2, 2, 2],), "0 where all values are equal", "各值相等时为 0"),
        ],
    ),
    Section(
        "Ties: the gradient is shared, but over a dimension the first one gets it",
        "并列：梯度平分；但沿某一维时归第一个",
        [
            Kink("t.maximum(a, b)", ([1, 2, 3, inf], [1, 3, 2, inf]), "half each at a tie", "并列时各得一半"),
            Kink("t.minimum(a, b)", ([1, 2, 3, inf], [1, 3, 2, inf]), "half each at a tie", "并列时各得一半"),
            Kink("t.maximum(a, b)", ([nan, 1], [1, nan]), "both get it where one is NaN", "有 NaN 时两者都得到"),
            Kink(
                "t.fmax(a, b)",
                ([1, 2, nan, 1], [1, 3, 2, nan]),
                "the first at a tie; the number beside NaN",
                "并列时归前者；有 NaN 时归另一数",
            ),
            Kink(
                "t.fmin(a, b)",
                ([1, 2, nan, 1], [1, 3, 2, nan]),
                "the first at a tie; the number beside NaN",
                "并列时归前者；有 NaN 时归另一数",
            ),
            Kink("t.max(a)", ([1, 3, 3, 2],), "shared among the largest", "由并列最大者平分"),
            Kink("t.min(a)", ([1, 1, 2],), "shared among the smallest", "由并列最小者平分"),
            Kink("t.max(a)", ([nan, 3, nan],), "shared among the NaN", "由各 NaN 平分"),
            Kink("t.max(a, 0).values", ([1, 3, 3, 2],), "all to the first", "全归第一个"),
            Kink("t.min(a, 0).values", ([1, 1, 2],), "all to the first", "全归第一个"),
            Kink("t.max(a, 0).values", ([1, nan, nan],), "all to the first NaN", "全归第一个 NaN"),
            Kink("t.norm(a, t.inf)", ([-3, 3, 1, 0],), "shared among the largest", "由并列最大者平分"),
        ],
    ),
    Section(
        "Bounds: at a bound the value itself counts as inside",
        "边界：恰在边界上的值算作在界内",
        [
            Kink(
                "t.clamp(a, -1, 1)",
                ([-2, -1, 0, 1, 2, nan],),
                "1 at both bounds, 0 at NaN",
                "两个边界处为 1，NaN 处为 0",
            ),
            Kink(
                "F.hardtanh(a)",
                ([-2, -1, 0, 1, nan],),
                "unlike clamp: 0 at both bounds, 1 at NaN",
                "与 clamp 不同：两个边界处为 0，NaN 处为 1",
            ),
            Kink("t.threshold(a, 1, 5)", ([0, 1, 2, nan],), "0 at the threshold, 1 at NaN", "阈值处为 0，NaN 处为 1"),
            Kink("t.nan_to_num(a)", ([nan, inf, 2, -inf],), "0 for what is replaced", "被替换处为 0"),
            Kink("t.logit(a)", ([0, 1, -1, 2],), "infinite at 0 and 1, NaN outside", "0 和 1 处为无穷，其外为 NaN"),
            Kink("t.clamp(a, 1, -1)", ([-2, 0, 2],), "crossed bounds: the upper one wins", "边界颠倒：以上界为准"),
            Kink(
                "t.clamp(a, b, c)",
                ([0, 1, 2, 3], [1, 1, 1, 2], [2, 2, 1, 1]),
                "bounds get the gradient of what they cut off",
                "边界得到被其截断者的梯度",
            ),
            Kink("t.clamp_min(a, b)", ([1, 2, 3], [2, 2, 2]), "at the bound the value gets it", "在边界上归该值本身"),
        ],
    ),
    Section(
        "Powers, roots and logarithms at 0",
        "幂、根与对数在 0 处",
        [
            Kink("t.sqrt(a)", ([0, 4, -1, inf],), "infinite at 0", "在 0 处为无穷"),
            Kink("t.log(a)", ([0, 1, -1, inf],), "1 / a, also where the value is NaN", "1 / a，值为 NaN 处也是"),
            Kink("t.rsqrt(a)", ([0, 4, -1, inf],), "-infinite at 0", "在 0 处为负无穷"),
            Kink(
                "t.log1p(a)",
                ([-1, 0, -2, inf],),
                "1 / (a + 1), also where the value is NaN",
                "1 / (a + 1)，值为 NaN 处也是",
            ),
            Kink("t.xlogy(a, b)", ([0, 0, 0, 1], [0, 2, -1, 0]), "0 for a where both are 0", "两者皆为 0 时 a 得 0"),
            Kink("t.asin(a)", ([-1, 0, 1, 2],), "infinite at both ends", "两端为无穷"),
            Kink("t.acosh(a)", ([1, 2, 0],), "infinite at 1", "在 1 处为无穷"),
            Kink("t.atan2(a, b)", ([0, 0, 1], [0, -1, 0]), "0 at the origin", "原点处为 0"),
            Kink(
                "t.hypot(a, b)",
                ([0, 3], [0, 4]),
                "NaN at the origin, where norm has 0",
                "原点处为 NaN，而范数在该处为 0",
            ),
            Kink("t.sinc(a)", ([0, 1],), "0 at 0", "在 0 处为 0"),
            Kink("t.reciprocal(a)", ([0, -0.0, 2, inf],), "-infinite on both sides of 0", "在 0 的两侧均为负无穷"),
            Kink("a / b", ([1, 0, inf], [0, 0, inf]), "as computed: 0 / 0 is NaN", "照算：0 / 0 是 NaN"),
            Kink("a ** 0", ([0, inf, nan],), "0 everywhere", "处处为 0"),
            Kink("a ** 2", ([0, inf, nan],), "2 a", "2 a"),
            Kink("a ** 0.5", ([0, -1, inf],), "as sqrt", "与 sqrt 相同"),
            Kink(
                "a ** b",
                ([0, 0, 0, 2, -2], [0, 2, -1, 0, 2]),
                "0 for a where b is 0; 0 for b where a is 0 and b is not negative",
                "b 为 0 时 a 得 0；a 为 0 且 b 非负时 b 得 0",
            ),
            Kink("0 ** a", ([0, 1, -1],), "0, but -infinite at negative exponents", "为 0；负指数处为负无穷"),
        ],
    ),
    Section(
        "Zeros among factors",
        "因子中有零",
        [
            Kink("t.prod(a)", ([2, 0, 4],), "the product of the others", "其余各数之积"),
            Kink("t.prod(a)", ([0, 0, 4],), "the product of the others", "其余各数之积"),
            Kink(
                "a * b",
                ([0, inf], [inf, 0]),
                "each other's value, though the product is NaN",
                "对方的值，尽管乘积是 NaN",
            ),
        ],
    ),
    Section(
        "Infinities and sums of exponentials",
        "无穷与指数和",
        [
            Kink("t.exp(a)", ([-inf, 0, 1000],), "the value itself", "即函数值本身"),
            Kink("t.sigmoid(a)", ([-inf, -1000, 0, 1000, inf],), "0 at both ends", "两端为 0"),
            Kink("t.tanh(a)", ([-inf, 0, inf],), "0 at both ends", "两端为 0"),
            Kink("F.gelu(a)", ([-inf, 0],), "NaN at -inf", "-inf 处为 NaN"),
            Kink("F.silu(a)", ([-inf, 0, inf],), "NaN at both ends", "两端为 NaN"),
            Kink("F.softplus(a)", ([-inf, 0, 30, inf],), "1 above the threshold of 20", "超过阈值 20 处为 1"),
            Kink("F.logsigmoid(a)", ([-inf, 0, inf],), "1 and 0 at the ends", "两端分别为 1 和 0"),
            Kink(
                "t.logaddexp(a, b)",
                ([0, -inf, -inf], [inf, -inf, 0]),
                "all to the larger; NaN for two of -inf",
                "全归较大者；两者皆为 -inf 时为 NaN",
            ),
            Kink("t.logsumexp(a, 0)", ([-inf, 0],), "0 for -inf", "-inf 处为 0"),
            Kink("t.logsumexp(a, 0)", ([-inf, -inf],), "NaN if there is nothing else", "别无他值时为 NaN"),
            Kink("t.logsumexp(a, 0)", ([inf, 0],), "NaN for inf", "inf 处为 NaN"),
            Kink("t.softmax(a, 0)", ([-inf, -inf],), "NaN: 0 / 0", "NaN：0 / 0"),
            Kink("t.log_softmax(a, 0)", ([-inf, 0, 0],), "finite though the value is not", "值无穷而梯度有限"),
            Kink("t.sum(a)", ([inf, -inf],), "1, though the sum is NaN", "为 1，尽管和是 NaN"),
        ],
    ),
    Section(
        "Too few numbers",
        "数太少",
        [
            Kink("t.std(a)", ([2],), "NaN", "NaN"),
            Kink("t.var(a)", ([2],), "NaN", "NaN"),
            Kink("t.var(a)", ([2, 2],), "0 where all values are equal", "各值相等时为 0"),
        ],
    ),
    Section(
        "A branch that was not taken",
        "未被选中的分支",
        [
            Kink(
                "t.where(a > 0, a, b * t.nan)",
                ([1, 1], [1, 2]),
                "0 flows into it; times NaN that is NaN",
                "流入的是 0，乘以 NaN 即为 NaN",
            ),
            Kink(
                "t.where(a > 0, t.sqrt(a), 0 * a)",
                ([4, 0],),
                "0 times the infinite slope of sqrt at 0 is NaN",
                "0 乘以 sqrt 在 0 处的无穷斜率是 NaN",
            ),
            Kink(
                "t.where(a > 0, t.sqrt(t.where(a > 0, a, 1)), 0 * a)",
                ([4, 0],),
                "the way out: choose before the function too",
                "对策：在函数之前也做选择",
            ),
        ],
    ),
]

PAGES = {
    "subgradients.md": (
        "# Gradients at kinks, ties, zeros and infinities\n\n"
        "What minigrad gives there is what torch 2.13 gives; the tests compare every line. `gradient` is that of the sum "
        "of the results. This page is written by `python tests/kinks.py`.\n\n"
        "中文版：[subgradients.zh-CN.md](subgradients.zh-CN.md)\n",
        ("expression", "at", "result", "gradient", "to notice"),
    ),
    "subgradients.zh-CN.md": (
        "# 尖点、并列、零与无穷处的梯度\n\n"
        "在这些地方，minigrad 给出的与 torch 2.13 相同；测试逐行比较。“梯度”是对结果之和求得的。"
        "本页由 `python tests/kinks.py` 生成。\n\n"
        "English: [subgradients.md](subgradients.md)\n",
        ("表达式", "取值", "结果", "梯度", "要点"),
    ),
}


def at(kink: Kink, t: Any, dtype: str) -> tuple[Any, list[Any]]:
    """The result of a kink's expression on module `t`, and the gradients of its sum."""
    leaves = [t.tensor([float(x) for x in values], dtype=getattr(t, dtype)) for values in kink.inputs]
    for leaf in leaves:
        leaf.requires_grad_()
    functional = activations if t is minigrad else t.nn.functional
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of variances of too few numbers
        result = eval(kink.call, {"t": t, "F": functional, **dict(zip("abc", leaves, strict=False))})
    return result, list(t.autograd.grad(result.sum(), leaves, allow_unused=True))


def text_of(values: Any) -> str:
    if values is None:
        return "None"
    array = np.asarray(values.detach().numpy())
    texts = [f"{float(x):.4g}" for x in array.reshape(-1)]
    return f"[{', '.join(texts)}]" if array.ndim else texts[0]


def page(name: str) -> str:
    """The text of a page, as minigrad has it."""
    chinese = "zh" in name
    introduction, columns = PAGES[name]
    lines = [introduction]
    for section in SECTIONS:
        lines += [f"\n## {section.chinese if chinese else section.english}\n"]
        lines += [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
        for kink in section.kinks:
            result, gradients = at(kink, minigrad, "float64")
            places = [f"{n} = [{', '.join(f'{x:g}' for x in v)}]" for n, v in zip("abc", kink.inputs, strict=False)]
            cells = [
                f"`{kink.call.replace('t.', 'torch.')}`",
                "<br>".join(places),
                text_of(result),
                "<br>".join(map(text_of, gradients)),
                kink.chinese if chinese else kink.english,
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    DOCS.mkdir(exist_ok=True)
    for name in PAGES:
        (DOCS / name).write_text(page(name), encoding="utf-8")
