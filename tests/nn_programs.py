"""Programs on modules, to be run with both libraries, and the module that many of them are about."""

from typing import Any


class Programs:
    """Collects programs, each a function of the library, under their names."""

    def __init__(self) -> None:
        self.all: dict[str, Any] = {}

    def __call__(self, program: Any) -> Any:
        self.all[program.__name__] = program
        return program


def affine(torch: Any, **more: Any) -> Any:
    """A module with a parameter, a buffer, a buffer that is not saved, and a module inside."""
    nn = torch.nn

    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor([2.0, 3.0]))

        def forward(self, x: Any) -> Any:
            return x * self.scale

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.arange(6.0).reshape(3, 2))
            self.register_buffer("mean", torch.ones(2))
            self.register_buffer("hidden", torch.zeros(1), persistent=False)
            self.register_parameter("bias", None)
            self.inner = Scale()

        def forward(self, x: Any, shift: float = 0.0) -> Any:
            return self.inner(x @ self.weight - self.mean) + shift

    for name, value in more.items():
        setattr(Net, name, value)
    return Net()
