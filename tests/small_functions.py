"""Small random functions of two tensors, for properties of what takes functions: the same text runs on both libraries."""

from typing import Any

from hypothesis import strategies as st

LINES = (
    "c = a * b",
    "c = a * p + b",
    "c = (a * k).sin()",
    "c = a.exp() / (b * b + 1)",
    "c = torch.tanh(a) ** 3",
    "c = torch.relu(a - 0.1)",
    "c = a @ b.T @ a",
    "c = torch.softmax(a, 1)",
    "c = torch.cat([a, b])[::2] * 2",
    "c = torch.where(a > b, a * a, b)",
    "c = a.sum(0, keepdim=True) * b",
    "c = a.max(dim=0).values + b",
    "c = a.detach() * b",
    "c = a - torch.tensor(2.0)",
    "c = a.T.contiguous().view(2, 2)",
    "c = a.clone(); c.mul_(b)",
    "c = a * 1; c[0] = b[1]",
    "c = a.exp(); c += 1",  # which overwrites what exp has saved
    "c = (a * b).view(4); c[1:3].sin_(); c = c.view(2, 2)",
)
UNRECORDED = ("with torch.no_grad(): c = a * 3",)


def functions(*more: str) -> st.SearchStrategy[list[str]]:
    """The lines of a function of `x` and `y`, of shape (2, 2), which is to return `c`, and which captures `p` and `k`."""

    def lines(choices: list[tuple[str, int, int]]) -> list[str]:
        known, text = ["x", "y"], []
        for i, (line, a, b) in enumerate(choices):
            text += [f"a, b = {known[a % len(known)]}, {known[b % len(known)]}", line, f"v{i} = c"]
            known.append(f"v{i}")
        return text

    index = st.integers(0, 20)
    return st.lists(st.tuples(st.sampled_from(LINES + more), index, index), min_size=1, max_size=6).map(lines)


def defined(lines: list[str], torch: Any, p: Any, result: str = "c") -> Any:
    """The function on a library; `result` is what it returns."""
    text = "\n    ".join(["def function(x, y):", *lines, f"return {result}"])
    scope = {"torch": torch, "p": p, "k": torch.tensor([[0.5, -1.0], [2.0, 0.0]])}
    exec(text, scope)
    return scope["function"]


def operands(torch: Any, requires_grad: bool) -> list[Any]:
    """`x`, `y` and `p`, in double precision."""
    values = [[[0.4, -0.7], [1.1, 0.3]], [[0.9, 0.2], [-0.5, 0.8]], [[1.5, 0.5], [-0.25, 0.75]]]
    return [torch.tensor(v, dtype=torch.float64, requires_grad=requires_grad) for v in values]
