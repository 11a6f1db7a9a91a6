"""linreg with scikit-learn's estimator interface, for pipelines and searches; scikit-learn itself is not needed.

Source: https://scikit-learn.org/stable/developers/develop.html
"""

import inspect
import math
import random
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partialmethod
from importlib import import_module
from numbers import Integral, Real
from typing import Any, Self

import numpy as np

from linreg.backends import load_backend, try_device
from linreg.checks import checked_features, checked_targets, checked_weights, in_unit, not_fitted
from linreg.data import split
from linreg.dependence import hidden, not_unique, outweighed
from linreg.exact import least_squares
from linreg.moments import Moments
from linreg.scaling import Scaling
from linreg.settings import (
    AT_ONCE,
    DOCUMENT_EPOCHS,
    DOCUMENT_STEPS,
    HELD_OUT,
    LEARNING_RATES,
    MOST_DECAY,
    MOST_EPOCHS,
    OPTIMIZERS,
    PATIENCE,
)
from linreg.train import train
from linreg.triangle import Array, Triangle, parted, together

_BLOCK = 1 << 14  # rows that are folded at once
_Rows = tuple[Array, Array, Array | None]  # their features, targets and, if there are any, weights


class LinearRegression:
    """Linear regression, trained by the document's loop on standardised columns, in scikit-learn's interface.

    `optimizer` is one of sgd, momentum, adam, newton and lstsq; `lr` None its usual learning rate; `epochs` None as
    many as make 300 steps, at least 3; `weight_decay` λ adds λ/2 |w|² to the mean loss, w in standard units; `seed`
    None another order of the rows in each fit; `backend` minigrad or torch, with which `device` may be cuda. All is
    computed in float64.

    With `early_stopping` a part `validation_fraction` of the rows is held out, and `fit` stops when their loss has not
    fallen for `n_iter_no_change` epochs, by `epochs` None after 10,000 at the latest; the coefficients are those with
    which it was lowest. These rows are drawn at random, or with `validation_rows` "last" the last ones, as where rows
    follow each other in time.

    Fitted, it has `coef_` (d,), `intercept_`, `n_iter_`, the epochs that were trained, `n_features_in_` and, where the
    columns had names, `feature_names_in_`.
    Training that diverges raises linreg.errors.Diverged and leaves the last good coefficients.
    """

    coef_: Array
    intercept_: float
    n_iter_: int
    n_features_in_: int
    _unit: float | None  # what weights are divided by, so that their sum is finite; None where there are none

    def __init__(
        self,
        *,
        optimizer: str = "sgd",
        lr: float | None = None,
        epochs: int | None = None,
        batch_size: int = 10,
        weight_decay: float = 0.0,
        fit_intercept: bool = True,
        seed: int | None = 0,
        backend: str = "minigrad",
        device: str = "cpu",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        validation_rows: str = "random",
        n_iter_no_change: int = PATIENCE,
    ) -> None:
        self.optimizer = optimizer
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.fit_intercept = fit_intercept
        self.seed = seed
        self.backend = backend
        self.device = device
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.validation_rows = validation_rows
        self.n_iter_no_change = n_iter_no_change

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on the features X (n, d) and the targets y (n,), from nothing.

        Each row's loss is multiplied by its `sample_weight`, one of (n,) numbers from 0, over their mean; with the
        weight 0 it is as if the row were not there.
        """
        self._check_parameters()
        features = checked_features(self, X, fitting=True)
        targets = checked_targets(self, y, features)
        weights = checked_weights(sample_weight, targets)
        unit = None if weights is None else float(weights.max())
        rows = features, targets, _ = _weighted(features, targets, weights, unit)
        if self.early_stopping and len(targets) < 2:
            raise ValueError("early_stopping takes at least 2 samples, one to train on and one to hold out: 1 sample")
        self._begin(features)
        self._unit = unit
        held = None
        if self.early_stopping:
            with _shuffling(self.seed, "held out"):
                places, apart = split(
                    len(targets), float(self.validation_fraction), last=self.validation_rows == "last"
                )
            rows, held, epochs = _picked(rows, places), _picked(rows, apart), self.epochs or MOST_EPOCHS
        elif self.optimizer in AT_ONCE:
            epochs = 1
        else:
            steps = math.ceil(len(targets) / min(self.batch_size, len(targets)))
            epochs = self.epochs or max(DOCUMENT_EPOCHS, math.ceil(DOCUMENT_STEPS / steps))
        self._train(rows, epochs, held)
        if (weights := rows[2]) is not None:
            size = features.shape[1] + self._scale.centred
            if (text := outweighed(weights, weights.sum(), len(weights), size, "the sample weights")) is not None:
                warnings.warn(text, UserWarning, stacklevel=2)
        if not self.weight_decay:  # which chooses one of all the answers
            self._warn_if_not_unique(rows)
        return self

    @property
    def partial_fit(self) -> Callable[..., Self]:
        """Go on training with one pass over more rows, `partial_fit(X, y, sample_weight=None)`; the first call begins.

        The columns are standardised by all the rows seen so far, and each row's loss is multiplied by its weight over
        the mean of all weights so far; a row without one has the weight 1. Momentum and Adam start afresh in each call.
        There is no such method with newton and lstsq, which would forget the rows before, nor with early stopping,
        which takes a whole fit.
        """
        if self.optimizer in AT_ONCE:
            raise AttributeError(
                f"partial_fit goes on by small steps, but optimizer={self.optimizer!r} goes to the minimum for the "
                "rows at hand and would forget those before; use fit, or one of sgd, momentum, adam"
            )
        if self.early_stopping:
            raise AttributeError("partial_fit trains one epoch at a time, and early_stopping=True takes a whole fit")
        return self._partial_fit

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self._check_parameters()
        begins = not self.__sklearn_is_fitted__()
        features = checked_features(self, X, fitting=begins)
        targets = checked_targets(self, y, features)
        weights = checked_weights(sample_weight, targets)
        unit = None if begins else self._unit
        if weights is not None and unit is None:
            unit = float(weights.max()) if begins else 1.0  # which rows before count as
        rows = _weighted(features, targets, weights, unit)
        if begins:
            self._begin(features)
        self._unit = unit
        return self._train(rows, 1)

    def predict(self, X: Any) -> Array:
        """The predictions (n,) for the features X (n, d)."""
        if not self.__sklearn_is_fitted__():
            raise not_fitted(self)
        return checked_features(self, X, fitting=False) @ self.coef_ + self.intercept_

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R², the part of the targets' variance that the predictions explain; NaN for fewer than 2 rows.

        For targets that are all alike it is 1 where the predictions are right and 0 where they are not.
        """
        predictions = self.predict(X)
        targets = checked_targets(self, y, predictions)
        weights = checked_weights(sample_weight, targets)
        weights = np.ones(len(targets)) if weights is None else weights / weights.max()
        if len(targets) < 2:
            return math.nan
        unexplained = float(weights @ (targets - predictions) ** 2)
        total = float(weights @ (targets - np.average(targets, weights=weights)) ** 2)
        if total == 0:
            return float(unexplained == 0)
        return 1 - unexplained / total

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; `deep` changes nothing, as none of them has parameters of its own."""
        return {name: getattr(self, name) for name in _defaults()}

    def set_params(self, **params: Any) -> Self:
        """Change parameters by name; ValueError for a name that is none."""
        for name, value in params.items():
            if name not in _defaults():
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self!r}. Valid parameters are: {list(_defaults())}."
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        changed = (
            f"{name}={value!r}" for name, value in self.get_params().items() if repr(value) != repr(_defaults()[name])
        )
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coef_")

    def __sklearn_tags__(self) -> Any:
        # Only scikit-learn asks, so it is there.
        utils = import_module("sklearn.utils")
        return utils.Tags(
            estimator_type="regressor",
            target_tags=utils.TargetTags(required=True),
            regressor_tags=utils.RegressorTags(),
        )

    def _requesting(self, method: str, /, *, sample_weight: bool | str | None) -> Self:
        """Say whether scikit-learn is to pass `sample_weight`, or metadata of another name, on to the method."""
        if not import_module("sklearn").get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                "This method is only available when metadata routing is enabled. You can enable it using "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        requests = self.get_metadata_routing()
        getattr(requests, method).add_request(param="sample_weight", alias=sample_weight)
        self._metadata_request = requests  # the name that scikit-learn's clone copies
        return self

    set_fit_request = partialmethod(_requesting, "fit")
    set_partial_fit_request = partialmethod(_requesting, "partial_fit")
    set_score_request = partialmethod(_requesting, "score")

    def get_metadata_routing(self) -> Any:
        """What may be passed on to this estimator beside X and y, for scikit-learn where it routes such things."""
        routing = import_module("sklearn.utils.metadata_routing")
        if hasattr(self, "_metadata_request"):
            return routing.get_routing_for_object(self._metadata_request)
        request = routing.MetadataRequest(owner=self)
        for method in (request.fit, request.partial_fit, request.score):
            method.add_request(param="sample_weight", alias=None)
        return request

    def _check_parameters(self) -> None:
        def need(holds: bool, name: str, what: str) -> None:
            if not holds:
                raise ValueError(f"{name} must be {what}, not {getattr(self, name)!r}")

        need(self.optimizer in OPTIMIZERS, "optimizer", f"one of {', '.join(OPTIMIZERS)}")
        need(
            self.lr is None or (isinstance(self.lr, Real) and 0 < self.lr < math.inf),
            "lr",
            "None or a finite number above 0",
        )
        need(_is_count(self.epochs) or self.epochs is None, "epochs", "None or a whole number from 1")
        need(_is_count(self.batch_size), "batch_size", "a whole number from 1")
        decay = self.weight_decay
        need(isinstance(decay, Real) and 0 <= decay <= MOST_DECAY, "weight_decay", f"a number from 0 to {MOST_DECAY:g}")
        early, part = self.early_stopping, self.validation_fraction
        need(isinstance(early, (bool, np.bool_)), "early_stopping", "True or False")
        at_once = self.optimizer in AT_ONCE
        need(
            not (early and at_once), "early_stopping", f"False with optimizer={self.optimizer!r}, which makes one step"
        )
        need(isinstance(part, Real) and 0 < part < 1, "validation_fraction", "a number between 0 and 1")
        need(self.validation_rows in HELD_OUT, "validation_rows", f"one of {', '.join(HELD_OUT)}")
        need(_is_count(self.n_iter_no_change), "n_iter_no_change", "a whole number from 1")
        need(self.backend in ("minigrad", "torch"), "backend", "'minigrad' or 'torch'")
        try_device(load_backend(self.backend), self.device, "float64", f"device={self.device!r}")

    def _begin(self, features: Array) -> None:
        self.coef_, self.intercept_ = np.zeros(features.shape[1]), 0.0
        self._scale = Moments(features.shape[1] + 1, bool(self.fit_intercept))
        self._calls = self._seen = 0

    def _warn_if_not_unique(self, rows: _Rows) -> None:
        """Warn where columns that vary depend on each other; a constant one always has the coefficient 0."""
        varied = np.append(self._scale.varies()[:-1], True)
        scaling = Scaling(*(part[varied] for part in self._scale.means_and_stds()))
        features, targets, weights = rows
        names = getattr(self, "feature_names_in_", [f"x{place}" for place in range(features.shape[1])])
        names = [str(name) for name, varies in zip(names, varied[:-1], strict=True) if varies]
        triangle = Triangle(len(names))
        for start in range(0, len(targets), _BLOCK):
            part = slice(start, start + _BLOCK)
            X, y = self._standard(features[part], targets[part], None if weights is None else weights[part])
            X, ones = parted(X, features.shape[1])
            triangle.fold(X[:, varied[:-1]], y, ones)
        rank = least_squares(triangle, intercept=self._scale.centred)[2]
        text = hidden(triangle, scaling, names) if self._scale.centred else None
        if rank < len(names):
            text = not_unique(triangle, scaling, names, rank=rank, intercept=self._scale.centred)
        if text is not None:
            warnings.warn(text, UserWarning, stacklevel=3)

    def _standard(self, features: Array, targets: Array, weights: Array | None) -> tuple[Array, Array]:
        """The features, with a last column if there are weights, and targets (n, 1), as `parted` tells of."""
        means, stds = self._scale.means_and_stds()
        # A constant column is 0 to the last bit, that nothing is fitted to its rounding.
        columns = np.column_stack([features, targets])
        columns = np.where(self._scale.varies(), (columns - means) / stds, 0.0)
        X, y = columns[:, :-1], columns[:, -1:]
        return (X, y) if weights is None else together(X, y, np.sqrt(weights)[:, None])

    def _train(self, rows: _Rows, epochs: int, held: _Rows | None = None) -> Self:
        torch = load_backend(self.backend)
        features, targets, weights = rows
        self._scale.see(np.column_stack([features, targets]), weights)
        self._seen += len(targets)
        if (beyond := self._scale.beyond_floats()).any():
            place = int(np.argmax(beyond))
            which = "y" if place == features.shape[1] else f"column {place} of X"
            weighted = "" if weights is None else ", with these sample weights"
            raise ValueError(f"{which} {self._scale.problem(place)}{weighted}")
        means, stds = self._scale.means_and_stds()

        def examples(rows: _Rows, mean: float) -> tuple[Any, Any]:
            features, targets, weights = rows
            X, y = self._standard(features, targets, None if weights is None else weights / mean)
            return torch.from_numpy(X).to(self.device), torch.from_numpy(y).to(self.device)

        # The coefficients so far, in the units of the columns as they are standardised now; at first, all 0 in these.
        w, b = self.coef_ * stds[:-1] / stds[-1], 0.0
        if self._scale.centred and self._calls:
            b = (self.intercept_ + self.coef_ @ means[:-1] - means[-1]) / stds[-1]

        slopes = torch.from_numpy(w.reshape(-1, 1)).to(self.device).requires_grad_()
        bias = torch.from_numpy(np.array([b])).to(self.device).requires_grad_(self._scale.centred)
        lr = LEARNING_RATES[self.optimizer] if self.lr is None or self.optimizer in AT_ONCE else float(self.lr)
        self.n_iter_ = 0

        def report(epoch: int, loss: float, held_loss: float | None) -> None:
            self.n_iter_ = epoch + 1

        try:
            with _shuffling(self.seed, self._calls):
                train(
                    *examples(rows, self._scale.rows / self._seen),
                    slopes,
                    bias,
                    lr=lr,
                    num_epochs=epochs,
                    batch_size=min(int(self.batch_size), len(targets)),
                    report=report,
                    held_out=None if held is None else examples(held, 1.0 if held[2] is None else held[2].mean()),
                    weighted=weights is not None,
                    patience=None if held is None else int(self.n_iter_no_change),
                    torch=torch,
                    optimizer=self.optimizer,
                    weight_decay=float(self.weight_decay),
                )
        finally:
            self._calls += 1
            self.coef_ = slopes.detach().cpu().numpy().ravel() * stds[-1] / stds[:-1]
            constant = means[-1] + stds[-1] * bias.item() - self.coef_ @ means[:-1]
            self.intercept_ = float(constant) if self._scale.centred else 0.0
        return self


def _picked(rows: _Rows, places: Any) -> _Rows:
    features, targets, weights = rows
    return features[places], targets[places], None if weights is None else weights[places]


def _weighted(features: Array, targets: Array, weights: Array | None, unit: float | None) -> _Rows:
    """The rows of a weight above 0, with their weights in a unit, or without any where that is None."""
    if unit is None:
        return features, targets, None
    weights = np.ones(len(targets)) if weights is None else weights
    features, targets, _ = _picked((features, targets, weights), weights > 0)
    return features, targets, in_unit(weights[weights > 0], unit)


_random_module = threading.Lock()


@contextmanager
def _shuffling(seed: int | None, call: int | str) -> Iterator[None]:
    """The order that the document's `data_iter` takes from the module `random` is the seed's; then all is as before."""
    with _random_module:
        state = random.getstate()
        random.seed(None if seed is None else f"{seed} {call}")
        try:
            yield
        finally:
            random.setstate(state)


def _is_count(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def _defaults() -> dict[str, Any]:
    parameters = inspect.signature(LinearRegression).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters}
