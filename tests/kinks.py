"""Where a function has no slope, or has one but no finite value: the data, and the pages in docs/ that print it.

`python tests/kinks.py` writes docs/subgradients.md and docs/subgradients.zh-CN.md anew.
"""

from __future__ import annotations

import warnings
from math import inf, nan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of variances of too few numbers
        result = eval(kink.call, {"t": t, **dict(zip("abc", leaves, strict=False))})
    return result, list(t.autograd.grad(result.sum(), leaves, allow_unused=True))


def text_of(values: Any) -> str:
    if values is None:
        return "None"
    array = np.asarray(values.detach().numpy())
    texts = [f"{float(x):.4g}" for x in array.reshape(-1)]
    return f"[{', '.join(texts)}]" if array.ndim else texts[0]


def page(name: str) -> str:
    """The text of a page, as minigrad has it."""
    import minigrad

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
