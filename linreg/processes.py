"""The processes that train together."""

from typing import Protocol

from linreg.model import Tensor


class Group(Protocol):
    """Processes that each compute on a share of every batch."""

    rank: int
    size: int

    def share(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """This process's rows of a batch."""
        ...

    def sum_(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its sum over the processes."""
        ...


class Alone:
    """One process, which has every row."""

    rank, size = 0, 1

    def share(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The whole batch."""
        return X, y

    def sum_(self, tensors: list[Tensor]) -> None:
        """Leave them as they are."""


ALONE = Alone()
