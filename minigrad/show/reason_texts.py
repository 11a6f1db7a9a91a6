"""What `why` says: what is the case, and how to mend it. `{x}` is the tensor, `{short}` its name in code."""

from __future__ import annotations

INTERNAL = True
UNNAMED = {"en": "this tensor", "zh": "这个张量"}
LOSSES = {"en": "the loss", "zh": "损失"}

SAY = {
    # It does not require grad.
    "lost: no_grad": {
        "en": (
            "{x} does not require grad: it was computed while gradients were turned off (no_grad), at",
            "Compute what needs a gradient outside of the no_grad block. To update a parameter within it, change the\n"
            "parameter itself: w -= lr * w.grad.",
        ),
        "zh": (
            "{x} 不需要梯度：它是在梯度关闭（no_grad）时算出的，位于",
            "需要梯度的值要在 no_grad 块之外计算。在块内更新参数，要改参数本身：w -= lr * w.grad。",
        ),
    },
    "lost: detach": {
        "en": (
            "{x} does not require grad: detach() took its value out of the graph, at",
            "Leave the detach() out where a gradient is needed.",
        ),
        "zh": ("{x} 不需要梯度：detach() 把它的值取出了计算图，位于", "需要梯度的地方不要用 detach()。"),
    },
    "lost: data": {
        "en": (
            "{x} does not require grad: .data took its value out of the graph, at",
            "Use the tensor itself where a gradient is needed.",
        ),
        "zh": ("{x} 不需要梯度：.data 把它的值取出了计算图，位于", "需要梯度的地方直接用张量本身。"),
    },
    "lost: integer": {
        "en": (
            "{x} does not require grad: it was made integers (or bools), and no gradient flows through those, at",
            "Keep the values floating.",
        ),
        "zh": ("{x} 不需要梯度：它被变成了整数（或布尔值），梯度流不过去，位于", "让值保持浮点类型。"),
    },
    "lost: gradient": {
        "en": (
            "{x} does not require grad: it is a gradient, computed without create_graph=True, at",
            "To differentiate it in turn, pass create_graph=True there.",
        ),
        "zh": (
            "{x} 不需要梯度：它是一个梯度，计算时没有 create_graph=True，位于",
            "要再对它求导，就在那里传 create_graph=True。",
        ),
    },
    "a .grad": {
        "en": (
            "{x} does not require grad: it is a gradient, the .grad of a tensor, computed without create_graph=True.",
            "To differentiate it in turn, compute it by g, = torch.autograd.grad(l, w, create_graph=True).",
        ),
        "zh": (
            "{x} 不需要梯度：它是一个梯度（某个张量的 .grad），计算时没有 create_graph=True。",
            "要再对它求导，就用 g, = torch.autograd.grad(l, w, create_graph=True) 来算。",
        ),
    },
    "lost: non_differentiable": {
        "en": (
            "{x} does not require grad: a Function marked this output with mark_non_differentiable, at",
            "Use another output of it where a gradient is needed.",
        ),
        "zh": (
            "{x} 不需要梯度：一个 Function 用 mark_non_differentiable 标记了这个输出，位于",
            "需要梯度时用它的其他输出。",
        ),
    },
    "lost": {
        "en": (
            "{x} does not require grad: {why}. It fell out of the graph at",
            "Use another operation there.",
        ),
        "zh": ("{x} 不需要梯度，它在这一行离开了计算图（{why}）：", "在那里改用可微的运算。"),
    },
    "integer": {
        "en": (
            "{x} does not require grad: it is of {dtype}, and only floating tensors can.",
            "Make it floating: {short} = torch.tensor([1.0, 2.0], requires_grad=True), or {short}.float().",
        ),
        "zh": (
            "{x} 不需要梯度：它的类型是 {dtype}，只有浮点张量才能需要梯度。",
            "先变成浮点：{short} = torch.tensor([1.0, 2.0], requires_grad=True)，或 {short}.float()。",
        ),
    },
    "a buffer": {
        "en": (
            "{x} does not require grad: it is a buffer, a value that a module keeps, and that no optimizer trains.",
            "If it is to be trained, make it a parameter where the module makes it: nn.Parameter(...).",
        ),
        "zh": (
            "{x} 不需要梯度：它是缓冲区（buffer），由模块保存，不由优化器训练。",
            "如果要训练它，就在模块创建它的地方把它写成参数：nn.Parameter(...)。",
        ),
    },
    "never asked for": {
        "en": (
            "{x} does not require grad: nobody asked for it, and nothing that it was computed from requires grad.",
            "Ask before it is used: requires_grad=True where it is made, or {short}.requires_grad_(). Numbers that\n"
            "went through item(), numpy() or torch.tensor() on the way have left the graph too.",
        ),
        "zh": (
            "{x} 不需要梯度：没有人要求过，用来算出它的那些值也都不需要梯度。",
            "在使用之前要求：创建时写 requires_grad=True，或 {short}.requires_grad_()。途中经过 item()、numpy() 或 "
            "torch.tensor() 的数也离开了计算图。",
        ),
    },
    "a copy": {
        "en": (
            "{x} does not require grad: it holds the same values as `{of}`, which does, but it is another tensor.",
            "Use `{of}` itself; {of}.clone() if it must be a copy.",
        ),
        "zh": (
            "{x} 不需要梯度：它的值与需要梯度的 `{of}` 相同，但它是另一个张量。",
            "直接用 `{of}`；一定要拷贝就用 {of}.clone()。",
        ),
    },
    "turned off": {
        "en": (
            "{x} does not require grad any more: it was turned off after {loss} was computed.",
            "Turn it on again before the forward pass: {short}.requires_grad_().",
        ),
        "zh": (
            "{x} 不再需要梯度：算出 {loss} 之后它被关掉了。",
            "在前向计算之前重新打开：{short}.requires_grad_()。",
        ),
    },
    # It is no leaf.
    "severed": {
        "en": (
            "{x} is a view that was made under no_grad of a tensor that requires grad: no gradient flows back from it.",
            "Make the view outside of the no_grad block.",
        ),
        "zh": (
            "{x} 是在 no_grad 下为需要梯度的张量创建的视图：梯度不会从它流回去。",
            "在 no_grad 块之外创建视图。",
        ),
    },
    "not a leaf": {
        "en": (
            "`{short}.grad` is None because {x} is no leaf: an operation made it ({made}), and only leaves keep their "
            "gradient. It was made at",
            "Ask for it before the backward pass: {short}.retain_grad().",
        ),
        "zh": (
            "`{short}.grad` 是 None，因为 {x} 不是叶子：它由运算（{made}）得到，而只有叶子保留梯度。它产生于",
            "在反向传播之前要求保留它的梯度：{short}.retain_grad()。",
        ),
    },
    "stepped": {
        "en": (
            "`{short}.grad` is None because {x} is no leaf: it is a new tensor, made from a leaf ({made}) that none of "
            "your variables holds any more. It was made at",
            "Change the parameter itself, under no_grad: w -= lr * w.grad, where w = w - lr * w.grad makes a new one.",
        ),
        "zh": (
            "`{short}.grad` 是 None，因为 {x} 不是叶子：它是由一个叶子算出的新张量（{made}），"
            "而你的变量里已经没有那个叶子了。它产生于",
            "在 no_grad 下改参数本身：写 w -= lr * w.grad；w = w - lr * w.grad 会造出新张量。",
        ),
    },
    "made from a leaf": {
        "en": (
            "`{short}.grad` is None because {x} is no leaf: an operation made it ({made}) from one that none of your "
            "variables holds any more. It was made at",
            "Compute, or convert, first, and ask for gradients then: {short} = x.to(torch.float64).requires_grad_(),\n"
            "for example. If it is to stay as it is, {short}.retain_grad() before the backward pass keeps its "
            "gradient.",
        ),
        "zh": (
            "`{short}.grad` 是 None，因为 {x} 不是叶子：它由运算（{made}）从一个叶子得到，"
            "而你的变量里已经没有那个叶子了。它产生于",
            "先计算（或转换类型），再要求梯度，例如 {short} = x.to(torch.float64).requires_grad_()。\n"
            "如果就要这样，在反向传播之前用 {short}.retain_grad() 保留它的梯度。",
        ),
    },
    "retained, no backward yet": {
        "en": (
            "`{short}.grad` is None though retain_grad() was called: no backward pass has come through it since. "
            "It was made at",
            "Call backward() on what was computed from it.",
        ),
        "zh": (
            "已调用过 retain_grad()，但 `{short}.grad` 仍是 None：此后还没有反向传播经过它。它产生于",
            "对由它算出的结果调用 backward()。",
        ),
    },
    "has gradient of its own": {
        "en": ("{x} is no leaf, and kept its gradient because retain_grad() was called. It was made at", ""),
        "zh": ("{x} 不是叶子，因为调用过 retain_grad() 才保留了梯度。它产生于", ""),
    },
    # It is a leaf.
    "is the loss": {
        "en": (
            "{x} is a leaf, made by no operation: as a loss, it leads to no parameter but itself.",
            "Compute the loss from the parameters by operations on tensors, not by way of numbers.",
        ),
        "zh": (
            "{x} 是叶子，不是运算得到的：作为损失，它除了自己不通向任何参数。",
            "用张量运算从参数算出损失，中途不要变成 Python 的数。",
        ),
    },
    "no backward yet": {
        "en": (
            "`{short}.grad` is None: no backward pass from {loss} has left a gradient there; none was run, or it was "
            "dropped since. {x} is used at",
            "Call backward() on {loss}, after .sum() or .mean() if it has several elements.",
        ),
        "zh": (
            "`{short}.grad` 是 None：还没有从 {loss} 出发的反向传播在那里留下梯度，或梯度后来被丢掉了。{x} 用在这里：",
            "对 {loss} 调用 backward()；若它有多个元素，先用 .sum() 或 .mean()。",
        ),
    },
    "freed": {
        "en": (
            "`{short}.grad` is None although a backward pass has gone through the graph of {loss}: it was set to None "
            "after that, or the pass was autograd.grad(), or backward(inputs=...) for others, which leave it alone. "
            "{x} is used at",
            "Compute the loss again and call backward(), and read .grad before it is dropped.",
        ),
        "zh": (
            "`{short}.grad` 是 None，尽管已有反向传播经过 {loss} 的计算图：之后 .grad 被设成了 None，或那次用的是 "
            "autograd.grad()，或是只为别的张量做的 backward(inputs=...)，它们不写 .grad。{x} 用在这里：",
            "重新计算损失并调用 backward()，在丢掉 .grad 之前读它。",
        ),
    },
    "not used": {
        "en": (
            "`{short}.grad` is None: no recorded operation that your variables lead to uses {x}.",
            "If there is a loss, why({short}, loss=loss) looks at its graph. A gradient belongs to the very tensor\n"
            "that was used.",
        ),
        "zh": (
            "`{short}.grad` 是 None：从你的变量能找到的计算图里，没有运算用到 {x}。",
            "如果有损失，why({short}, loss=loss) 会检查它的计算图。梯度属于真正被用到的那个张量。",
        ),
    },
    "not in loss": {
        "en": (
            "No gradient flows from {loss} to {x}: no recorded operation leads from {x} to it.",
            "Use {x} itself in the computation of the loss, with tensors' operations all the way.",
        ),
        "zh": (
            "梯度不会从 {loss} 流到 {x}：被记录的运算中，没有一条路从 {x} 通向它。",
            "计算损失时要用 {x} 本身，而且一路都用张量运算。",
        ),
    },
    "loss lost": {
        "en": (
            "{loss} itself has no graph that leads to {x}: it fell out of the graph at",
            "Compute it with gradients on, from tensors that are in the graph.",
        ),
        "zh": (
            "{loss} 本身没有通向 {x} 的计算图：它在这里离开了计算图：",
            "在梯度开启时，由计算图中的张量算出它。",
        ),
    },
    "loss without history": {
        "en": (
            "{loss} has no graph: nothing that it was computed from required grad at the time.",
            "Ask for gradients before the forward pass, and make no new tensors of numbers on the way.",
        ),
        "zh": (
            "{loss} 没有计算图：算出它时，用到的值都不需要梯度。",
            "在前向计算之前要求梯度，途中不要用数值新建张量。",
        ),
    },
    "used as constant": {
        "en": (
            "It, or its memory by way of detach(), .data or NumPy, was used as a constant at",
            "For a gradient from there, use {x} itself, and ask for gradients before.",
        ),
        "zh": (
            "它本身，或经 detach()、.data、NumPy 得到的同一块内存，在这里被当作常量使用：",
            "要从那里得到梯度，就用 {x} 本身，并在此之前要求梯度。",
        ),
    },
    "cut behind": {
        "en": (
            "`{of}` was computed from {x}, but it, or its memory by way of detach(), .data or NumPy, was used as a "
            "constant at",
            "For a gradient from there, use `{of}` itself.",
        ),
        "zh": (
            "`{of}` 由 {x} 算出，但它，或经 detach()、.data、NumPy 得到的同一块内存，在这里被当作常量使用：",
            "要从那里得到梯度，就用 `{of}` 本身。",
        ),
    },
    "rebound": {
        "en": (
            "Gradients flow to another leaf of shape {shape}, which none of your variables holds any more: if {x} was "
            "made from it, the name was given to a new tensor. It is used at",
            "Change the parameter itself, under no_grad: w -= lr * w.grad, where w = w - lr * w.grad makes a new one.",
        ),
        "zh": (
            "梯度流向另一个形状为 {shape} 的叶子，而你的变量里已经没有它了：如果 {x} 是由它得到的，"
            "这个名字就给了一个新张量。它用在这里：",
            "在 no_grad 下改参数本身：写 w -= lr * w.grad；w = w - lr * w.grad 会造出新张量。",
        ),
    },
    "a copy was used": {
        "en": (
            "`{of}`, another tensor with the same values, was used in its place, at",
            "Use {x} there, or look at {of}.grad.",
        ),
        "zh": ("被用到的是值相同的另一个张量 `{of}`，位于", "在那里用 {x}，或去看 {of}.grad。"),
    },
    "fell out": {
        "en": ("Values that your variables still hold fell out of the graph at", "Look whether {x} was on that way."),
        "zh": ("你的变量里有值在这些行离开了计算图：", "看看 {x} 是不是走了这条路。"),
    },
    # It has a gradient.
    "has gradient": {
        "en": ("{x} has a gradient, from one backward pass, or as it was assigned; it was not changed since.", ""),
        "zh": ("{x} 有梯度，来自一次反向传播，或被直接赋值；此后没有改变。", ""),
    },
    "has gradient, changed": {
        "en": (
            "{x} has a gradient. It was added to, or changed in place, since it was made (times: {times}), lastly at",
            "Where passes should not add up, zero it between them: {short}.grad.zero_(), or {short}.grad = None.",
        ),
        "zh": (
            "{x} 有梯度。它产生之后又被累加或原地修改了 {times} 次，最后一次在这里：",
            "若不想让多次反向传播累加，就在其间清零：{short}.grad.zero_()，或 {short}.grad = None。",
        ),
    },
    "not finite": {
        "en": (
            "Elements of it are {value}.",
            "show.explain(loss) shows the step that gave the first one: often log or sqrt at 0, a division by 0, or "
            "numbers too large.",
        ),
        "zh": (
            "其中有元素是 {value}。",
            "show.explain(loss) 会显示第一个出自哪一步：常见的是在 0 处取 log 或 sqrt、除以 0，或数值太大。",
        ),
    },
    "all zero": {
        "en": (
            "All of it is 0.",
            "It was zeroed, or something between {x} and the loss lets nothing through, such as relu of negative "
            "numbers: show.explain(loss) shows the step.",
        ),
        "zh": (
            "它全是 0。",
            "要么被清零了，要么 {x} 与损失之间有一步把梯度全挡住了，例如输入为负的 relu："
            "show.explain(loss) 会显示是哪一步。",
        ),
    },
    "contributions": {
        "en": ("In the graphs that your variables lead to, gradients flow to {x} from", ""),
        "zh": ("在你的变量通向的计算图里，流到 {x} 的梯度来自：", ""),
    },
    # Who holds its value.
    "held": {
        "en": (
            "Its value is saved, at version {now}, for the backward pass by",
            "A change in place before that pass would make it raise. Change a copy, {short}.clone(), or wait.",
        ),
        "zh": (
            "它的值（版本 {now}）被这些运算保存着，供反向传播使用：",
            "在那之前原地修改会使反向传播报错。改一个副本 {short}.clone()，或之后再改。",
        ),
    },
    "broken": {
        "en": (
            "Its value was saved at version {versions} and is at version {now} now: the backward pass will raise at",
            "Compute these again before the backward pass.",
        ),
        "zh": (
            "它的值保存时版本是 {versions}，现在是 {now}：反向传播会在这里报错：",
            "在反向传播之前重新计算它们。",
        ),
    },
    "changed in place": {
        "en": ("It was last changed in place at", "Change a copy instead: x = x + 1 rather than x += 1."),
        "zh": ("它最后一次被原地修改是在这里：", "改副本：写 x = x + 1，不要写 x += 1。"),
    },
}
