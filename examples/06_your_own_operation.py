"""An operation of your own is a forward and a backward; gradcheck says whether they belong together.

自定义运算：写出前向与反向，再用 gradcheck 检验二者是否相符。
"""

import minigrad as torch


class Softplus(torch.autograd.Function):
    """log(1 + exp(x)), written so that nothing overflows."""

    @staticmethod
    def forward(ctx, x):
        """The value; `ctx` keeps for backward what it will need."""
        ctx.save_for_backward(x)
        return x.clamp(min=0) + torch.log(1 + torch.exp(-x.abs()))

    @staticmethod
    def backward(ctx, g):
        """The incoming gradient times the derivative."""
        (x,) = ctx.saved_tensors
        return g * torch.sigmoid(x)


class WrongSoftplus(Softplus):
    """The same, but for a sign in the derivative."""

    @staticmethod
    def backward(ctx, g):
        """The incoming gradient times something else."""
        (x,) = ctx.saved_tensors
        return g * torch.sigmoid(-x)


# What for: put together from built-in operations, it overflows for large x, and the gradient is lost.
for name, softplus in [("built-in operations", lambda x: torch.log(1 + torch.exp(x))), ("Softplus", Softplus.apply)]:
    x = torch.tensor([-1.0, 0.0, 1000.0], requires_grad=True)
    softplus(x).sum().backward()
    print(f"gradient by {name}: {x.grad}")

# gradcheck compares backward with differences of forward, in double precision.
points = torch.tensor([-3.0, -0.5, 0.5, 3.0], dtype=torch.float64, requires_grad=True)
print("gradcheck of Softplus:", torch.autograd.gradcheck(Softplus.apply, points))
print("gradgradcheck of Softplus:", torch.autograd.gradgradcheck(Softplus.apply, points))
try:
    torch.autograd.gradcheck(WrongSoftplus.apply, points)
except RuntimeError as error:
    print("gradcheck of WrongSoftplus:", str(error).splitlines()[0].strip(","))
