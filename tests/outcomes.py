"""Runs on arrays, for the tests of what is said and drawn of them."""

from types import SimpleNamespace

import numpy as np

from linreg.backends import backend
from linreg.examples import InMemory
from linreg.jobs import Manner, fit
from linreg.outcome import sampled
from linreg.scaling import Scaling
from linreg.settings import Settings
from linreg.triangle import Triangle

CHOSEN = {
    "lr": 0.1,
    "num_epochs": 2,
    "batch_size": 8,
    "init_std": 0.01,
    "seed": 0,
    "dtype": "float64",
    "backend": "minigrad",
    "device": "cpu",
}


def outcome_of(X, y, names=None, target="y", *, held=False, scaled=True, **settings):
    """The outcome of training on the rows X (n, d) and y (n,), standardised where they are `scaled`."""
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    settings = Settings(**(CHOSEN | settings))
    if settings.optimizer in ("newton", "lstsq"):
        settings = settings.for_rows(len(y), 1)
    columns, scaling = np.column_stack([X, y]), Scaling.none(X.shape[1])
    if scaled:
        means = columns.mean(axis=0) * settings.fit_intercept
        scaling = Scaling(means, np.sqrt(((columns - means) ** 2).mean(axis=0)))
    standard = scaling.apply(columns)
    with backend(settings) as torch:
        tensors = [
            torch.from_numpy(part.astype(settings.dtype)) for part in (standard[:, :-1].copy(), standard[:, -1:].copy())
        ]
        examples = InMemory(*tensors, torch)
        problem = SimpleNamespace(
            examples=examples,
            held_out=examples if held else None,
            names=names or tuple(f"x{i}" for i in range(X.shape[1])),
            target=target,
            scaling=scaling,
            triangle=Triangle(X.shape[1]).fold(standard[:, :-1], standard[:, -1]),
            sample=sampled(X, y, range(len(y))),
            loaded=None,
        )
        return fit(torch, settings, problem, Manner(quiet=True, traced=True))[2]


def drawn_rows(rows, features, seed=0, noise=1.0):
    """Rows of correlated columns far from 0, of unequal scales, and targets that depend on them."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, features)) @ random.normal(size=(features, features))
    X = X * 10.0 ** random.integers(-3, 4, features) + random.normal(size=features)
    weights = random.normal(size=features) / np.maximum(X.std(axis=0), 1e-9)
    return X, X @ weights + 3 + noise * random.normal(size=rows)
