"""What `lint` says of each trap: what is the case, and how to mend it."""

from __future__ import annotations

from .languages import filled

INTERNAL = True

TEXTS = {
    "both expanded": {
        "en": (
            "Both inputs of this operation were expanded: {a} with {b} gave {out}. Every element met every other.",
            "Bring one to the other's shape first: y.reshape(y_hat.shape).",
        ),
        "zh": (
            "这个运算的两个输入都被广播了：{a} 与 {b} 得到 {out}，每个元素都和所有元素配了对。",
            "先把其中一个变成另一个的形状：y.reshape(y_hat.shape)。",
        ),
    },
    "softmax twice": {
        "en": (
            "Softmax is taken twice: this takes scores, does it itself, and was given what a softmax made at {other}",
            "Leave that softmax out of the model while it trains; take it where you show probabilities.",
        ),
        "zh": (
            "softmax 做了两次：这里接受的是未归一化的得分（logits），自己会做 softmax，"
            "得到的却已是 softmax 的结果，它产生于 {other}",
            "训练时模型里不要这个 softmax；要显示概率时再做。",
        ),
    },
    "dropped before step": {
        "en": (
            "This step uses no gradient: a backward pass brought some, and they were dropped before it.",
            "Call zero_grad() before backward(), or after step(), not between the two; to pass over a batch, leave out "
            "its step().",
        ),
        "zh": (
            "这一步没有用到任何梯度：反向传播带来过梯度，但在这一步之前它们已被清除。",
            "zero_grad() 要在 backward() 之前或 step() 之后调用，不要放在两者之间；要跳过一批数据，就不要调用 step()。",
        ),
    },
    "in no optimizer": {
        "en": (
            "Gradients are computed in vain: neither an optimizer nor other code changes {leaf}{more}.",
            "If that was forgotten, give the optimizer all of them: optim.SGD(net.parameters(), ...). If it is meant, "
            "{leaf}.requires_grad_(False), or module.requires_grad_(False) for all in a module, says so and saves the "
            "work.",
        ),
        "zh": (
            "有些梯度白算了：没有任何优化器或其他代码更新 {leaf}{more}。",
            "如果是忘了，就全部交给优化器：optim.SGD(net.parameters(), ...)。如果有意如此，"
            "{leaf}.requires_grad_(False)（或对整个模块用 module.requires_grad_(False)）会表明这一点，也省去这些计算。",
        ),
    },
    "growing graph": {
        "en": (
            "The graph grows from step to step: this operation carries the graphs of {passes} earlier backward passes "
            "on into the next.",
            "Cut the value off from the steps before: state = state.detach(); for a running total, "
            "total += loss.item().",
        ),
        "zh": (
            "计算图一步比一步大：这个运算把前面 {passes} 次反向传播的计算图带进了下一步。",
            "把它与前面的步骤断开：state = state.detach()；累计总和则写 total += loss.item()。",
        ),
    },
    "put back": {
        "en": (
            "A value that left the graph by {how} is used here as a constant: no gradient flows back to where it was "
            "computed. It left at {other}",
            "Use the tensor itself where a gradient is needed; where none is, say so: x.detach().",
        ),
        "zh": (
            "经 {how} 离开计算图的值在这里又作为常量使用：梯度不会流回它被算出的地方。它离开计算图的地方是 {other}",
            "需要梯度就直接用张量本身；不需要就明说：x.detach()。",
        ),
    },
    "used twice": {
        "en": (
            "This update of {leaf} uses old gradients again: the last update had used what .grad held, and the "
            "backward pass then added to it at {other}",
            "Zero it after each update, {leaf}.grad.zero_(), or drop it, {leaf}.grad = None.",
        ),
        "zh": (
            "{leaf} 的这次更新又用了旧梯度：上次更新已用过 .grad 里的值，之后反向传播又累加了上去，位于 {other}",
            "每次更新后清零：{leaf}.grad.zero_()，或丢掉它：{leaf}.grad = None。",
        ),
    },
    "no gradient": {
        "en": (
            "{leaf} requires grad and was used here, but no backward pass brought it a gradient.",
            "No graph led from the loss back to it: show.why({leaf}, loss=loss) says where it was cut.",
        ),
        "zh": (
            "{leaf} 需要梯度，也在这里用到了，但没有哪次反向传播给它带来梯度。",
            "从损失没有通往它的计算图：show.why({leaf}, loss=loss) 会说明断在哪里。",
        ),
    },
    "no gradient for update": {
        "en": (
            "{leaf} is updated here, but no backward pass since its last update brought it a gradient, though it was "
            "used at {other}",
            "No graph led from the loss back to it: show.why({leaf}, loss=loss) says where it was cut.",
        ),
        "zh": (
            "这里更新了 {leaf}，但自上次更新以来没有哪次反向传播给它带来梯度，尽管它在这里用到过：{other}",
            "从损失没有通往它的计算图：show.why({leaf}, loss=loss) 会说明断在哪里。",
        ),
    },
    "vanishes": {
        "en": (
            "The gradient of {leaf} vanishes: it is zero, or too small to change {leaf}, though the loss is not zero.",
            "Look for what is saturated (sigmoid, tanh), dead (relu) or zero on the way; start from other values.",
        ),
        "zh": (
            "{leaf} 的梯度消失了：它是零，或小得改变不了 {leaf}，而损失并不为零。",
            "找找途中饱和的（sigmoid、tanh）、失活的（relu）或为零的地方；换一组初始值。",
        ),
    },
    "explodes": {
        "en": (
            "The gradient of {leaf} explodes: its norm was {first:.3g} at first and is {norm:.3g} now.",
            "Take smaller steps (lr), scale the inputs, or limit the gradient's norm before the update.",
        ),
        "zh": (
            "{leaf} 的梯度爆炸了：它的范数起初是 {first:.3g}，现在是 {norm:.3g}。",
            "减小学习率，缩放输入，或在更新前按范数裁剪梯度。",
        ),
    },
    "not finite": {
        "en": (
            "The gradient of {leaf} has elements that are {value}.",
            "torch.autograd.set_detect_anomaly(True) names the operation that gave the first nan. Often it is a step "
            "too large, log or sqrt at 0, or a division by 0.",
        ),
        "zh": (
            "{leaf} 的梯度里有 {value}。",
            "torch.autograd.set_detect_anomaly(True) 会指出第一个 nan 来自哪个运算。常见原因：学习率太大、在 0 处取 "
            "log 或 sqrt、除以 0。",
        ),
    },
}
A_PARAMETER = {"en": "a parameter", "zh": "某个参数"}
MORE = {"en": " and {} more", "zh": " 和另外 {} 个参数"}  # parameters of which the same is to be said
KINDS = {"no gradient for update": "no gradient"}  # what a finding is called, where there are two texts for it


def text_of(kind: str, lang: str, about: dict[str, object]) -> tuple[str, str]:
    """What is the case, and how to mend it, of a trap."""
    what, mend = TEXTS[kind][lang]
    others = about.get("others")
    about["more"] = MORE[lang].format(others) if others else ""
    return filled(what, lang, about), filled(mend, lang, about)
