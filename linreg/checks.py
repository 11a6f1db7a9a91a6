"""What an estimator may be given, and what scikit-learn's own estimators say of anything else.

Its exception and warning types are used where it is loaded: no code that does not have it can ask for them.
"""

import sys
import warnings
from typing import Any

import numpy as np

from linreg.errors import NotFitted
from linreg.triangle import Array


def checked_features(estimator: Any, X: Any, *, fitting: bool) -> Array:
    """X as a float64 array (n, d) of finite numbers; its width and its columns' names kept, or held to those kept."""
    names = _names_of(X)
    if not fitting:
        _check_names(estimator, names)
    array = _numbers(X, "X")
    if array.ndim < 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead:\narray={array}.\nReshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it contains a single "
            "sample."
        )
    if array.ndim > 2:
        raise ValueError(f"Found array with dim {array.ndim}. {type(estimator).__name__} expected <= 2.")
    for size, what in zip(array.shape, ("sample", "feature"), strict=True):
        if size == 0:
            raise ValueError(f"Found array with 0 {what}(s) (shape={array.shape}) while a minimum of 1 is required.")
    _check_finite(array, "X")
    if fitting:
        estimator.n_features_in_ = array.shape[1]
        if names is not None:
            estimator.feature_names_in_ = names
        elif hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
        return array
    if array.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {array.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"
        )
    return array


def checked_targets(estimator: Any, y: Any, rows: Array) -> Array:
    """Y as a float64 array (n,) of finite numbers, one for each of the `rows`."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    array = _numbers(y, "y")
    if array.ndim == 2 and array.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
            "(n_samples,), for example using ravel().",
            _of_sklearn("DataConversionWarning", UserWarning),
            stacklevel=3,
        )
        array = array.ravel()
    if array.ndim != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {array.shape} instead.")
    _check_finite(array, "y")
    if len(array) != len(rows):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {[len(rows), len(array)]}")
    return array


def checked_weights(sample_weight: Any, targets: Array) -> Array | None:
    """Weights (n,) of the targets' rows; None where there are none."""
    if sample_weight is None:
        return None
    array = _numbers(sample_weight, "sample_weight")
    if array.ndim == 0:
        array = np.full(len(targets), array)
    if array.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {array.ndim}D array. Expected either a scalar value or a "
            f"1D array of length {len(targets)}."
        )
    _check_finite(array, "sample_weight")
    if array.shape != targets.shape:
        raise ValueError(f"sample_weight.shape == {array.shape}, expected {targets.shape}!")
    if not array.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    if array.min() < 0:
        raise ValueError("Negative values in data passed to `sample_weight`.")
    return array


def in_unit(weights: Array, unit: float) -> Array:
    """Weights (n,) above 0 over a unit, ValueError where float64 has no such numbers, or none for their sum."""
    with np.errstate(over="ignore"):
        parts: Array = weights / unit
        if not (parts > 0).all() or not np.isfinite(parts.sum()):
            raise ValueError("sample_weight has numbers too far apart: float64 has no number for one over the other")
    return parts


def not_fitted(estimator: Any) -> Exception:
    """The exception for an estimator that is used before it is fitted."""
    error: Exception = _of_sklearn("NotFittedError", NotFitted)(
        f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
        "using this estimator."
    )
    return error


def _of_sklearn(name: str, otherwise: type) -> type:
    return getattr(sys.modules.get("sklearn.exceptions"), name, otherwise)


def _numbers(values: Any, name: str) -> Array:
    if hasattr(values, "toarray"):
        raise TypeError(
            f"Sparse data was passed for {name}, but dense data is required. Use '.toarray()' to convert to a dense "
            "numpy array."
        )
    array = np.asarray(values)
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{array}\n")
    try:
        return array.astype(np.float64)
    except TypeError as error:
        if any(type(cell).__name__ == "NAType" for cell in array.flat):  # pandas' own, which makes no float
            raise _nan(name) from error
        raise


def _nan(name: str) -> ValueError:
    return ValueError(f"Input {name} contains NaN.")


def _check_finite(array: Array, name: str) -> None:
    if np.isnan(array).any():
        raise _nan(name)
    if np.isinf(array).any():
        raise ValueError(f"Input {name} contains infinity or a value too large for dtype('float64').")


def _names_of(X: Any) -> Any:
    """The names of a data frame's columns, as an array of objects, or None where they are no strings."""
    columns = list(getattr(X, "columns", []))
    kinds = sorted({type(column).__qualname__ for column in columns})
    if "str" not in kinds:
        return None
    if kinds != ["str"]:
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your input has "
            f"{kinds} as feature name / column name types. If you want feature names to be stored and validated, you "
            "must convert them all to strings, by using X.columns = X.columns.astype(str) for example. Otherwise you "
            "can remove feature / column names from your input data, or convert them all to a non-string data type."
        )
    return np.array(columns, dtype=object)


def _check_names(estimator: Any, names: Any) -> None:
    fitted, kind = getattr(estimator, "feature_names_in_", None), type(estimator).__name__
    if fitted is None and names is None:
        return
    if fitted is None:
        warnings.warn(f"X has feature names, but {kind} was fitted without feature names", stacklevel=4)
    elif names is None:
        warnings.warn(f"X does not have valid feature names, but {kind} was fitted with feature names", stacklevel=4)
    elif list(names) != list(fitted):
        lines = ["The feature names should match those that were passed during fit."]
        unseen, missing = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))
        for title, some in (("unseen at fit time", unseen), ("seen at fit time, yet now missing", missing)):
            if some:
                lines += [
                    f"Feature names {title}:",
                    *(f"- {name}" for name in some[:5]),
                    *(["- ..."] * (len(some) > 5)),
                ]
        if not (unseen or missing):
            lines.append("Feature names must be in the same order as they were in fit.")
        raise ValueError("\n".join(lines) + "\n")
