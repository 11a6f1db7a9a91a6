"""What pictures and reports say, in English and Chinese."""

from collections.abc import Mapping

Words = Mapping[str, str]
LONGEST_NAME = 28

PLOT_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "given_others": "{name} given the others",
        "observed_title": "Observed over fitted values",
        "fitted": "fitted",
        "residual": "residual",
        "weighted_residual": "residual × √weight",
        "residuals_title": "Residuals over fitted values",
        "rounding_title": "Residuals: rounding only, the fit is exact",
        "qq_title": "Are the residuals normal?",
        "normal": "normal quantiles",
        "studentised": "studentised residuals",
        "per_step": "each step's minibatch",
        "per_epoch": "all rows, after each epoch",
        "validation": "rows held out",
        "lowest": "exact solution",
        "losses_title": "Loss by step",
        "diverged_title": "Loss by step: training diverged",
        "step": "step",
        "epoch": "epoch",
        "mean_loss": "mean loss",
        "path_title": "The path over the loss surface",
        "plane_title": "The path over the loss surface ({share:.0%} of it lies in this plane)",
        "intercept": "intercept",
        "direction": "the path's main direction {number}",
        "start": "start",
        "end": "end",
        "exact": "exact solution",
        "left_out": "{shown} of {all} features: those that explain most given the others",
    },
    "zh": {
        "given_others": "{name}（扣除其余特征）",
        "observed_title": "观测值与拟合值",
        "fitted": "拟合值",
        "residual": "残差",
        "weighted_residual": "残差 × √权重",
        "residuals_title": "残差与拟合值",
        "rounding_title": "残差：仅为舍入误差，拟合精确",
        "qq_title": "残差是否正态？",
        "normal": "正态分位数",
        "studentised": "学生化残差",
        "per_step": "每步的小批量",
        "per_epoch": "全部数据，每轮之后",
        "validation": "留出行",
        "lowest": "精确解",
        "losses_title": "每步的损失",
        "diverged_title": "每步的损失：训练发散",
        "step": "步",
        "epoch": "轮",
        "mean_loss": "平均损失",
        "path_title": "损失曲面上的路径",
        "plane_title": "损失曲面上的路径（路径的 {share:.0%} 在此平面内）",
        "intercept": "截距",
        "direction": "路径主方向 {number}",
        "start": "起点",
        "end": "终点",
        "exact": "精确解",
        "left_out": "{all} 个特征中的 {shown} 个：扣除其余特征后解释最多者",
    },
}


def shown(name: str, longest: int = LONGEST_NAME) -> str:
    """A column's name as it can stand in a picture or on a page: printable, and short."""
    if not name:
        return "(—)"
    printable = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)
    return printable if len(printable) <= longest else printable[: longest - 1] + "…"


def number(value: float, digits: int = 4) -> str:
    """A number of so many digits, with a real minus sign."""
    return f"{value:.{digits}g}".replace("-", "−")
