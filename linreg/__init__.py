"""Linear regression from scratch, as the document writes it, on minigrad or on torch.

A map, for who reads it from the top:

- `model`, `data`: the document's functions; `train`: its loop (`Training._steps`), as a run that can be stopped and
  gone on with; `watching` ends it where it diverges or no longer gets better, by `stability` it says why
- `settings`: what a run is told; `jobs`: what `linreg fit` does with it, on a `problems.Problem`: data made ready;
  `outcome`: what came of it; `lines`, `progress`: what is printed meanwhile
- `examples`: what training asks of its data; `triangle`: all rows, for least squares; `exact`: the answer in one step;
  `scaling`, `moments`: columns in standard units, and back
- `tables`: files, pipes and iterables of any size, as examples; `saving`: runs in folders, and predictions by them;
  `looking`: statistics, pictures, the report; `comparing`: minigrad beside torch; `commands`: the command line, which
  `__main__` starts, by `options` and their `arguments`
- `backends`: minigrad or torch, made ready; `processes`, `endings`: a run that several share, and how all of them end;
  `errors`: what can go wrong, told in one line
- `estimator`, `checks`: `LinearRegression`, the same for scikit-learn's pipelines and searches

Importing the package itself loads neither NumPy nor a backend.
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
