"""The table of layers and losses: how each is made, and what it is called with."""


def randn(*shapes: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"torch.randn({shape})" for shape in shapes)


VALUES = randn((3, 4))
LAYERS = {
    **{f"nn.{layer}": VALUES for layer in ("Identity()", "Identity(3, a=4)", "Flatten()", "Flatten(0)")},
    **{f"nn.{layer}": VALUES for layer in ("Linear(4, 3)", "Linear(4, 3, bias=False)")},
    "nn.Linear(4, 3, dtype=torch.float64)": ("torch.randn(2, 4).double()",),
    "nn.Linear(3, 2, device='cpu')": randn((3,)),
}
EVERY = LAYERS

# Programs of one line, many of which raise.
LINES = ["nn.Linear(4, 3)(torch.ones(2, 5))", "nn.Linear('a', 3)", "nn.Linear()", "nn.Linear(0, 3)"]
