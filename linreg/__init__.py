"""Linear regression from scratch, as the document writes it, on minigrad or on torch.

`linreg.model` and `linreg.data` hold its functions, `linreg.train` its loop; `python -m linreg` is
the command, and `LinearRegression` the same for scikit-learn's pipelines and searches. Importing the
package itself loads neither NumPy nor a backend.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from linreg.estimator import LinearRegression as LinearRegression

__all__ = ["LinearRegression"]


def __getattr__(name: str) -> object:
    if name == "LinearRegression":
        from linreg.estimator import LinearRegression

        return LinearRegression
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
