"""How large a learning rate the data allow."""

import numpy as np

from linreg.triangle import Array


def largest_stable_rate(
    X: Array,
    batch_size: int,
    *,
    ones: Array | None = None,
    rows: int | None = None,
    intercept: bool = True,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
) -> float:
    """The learning rate above which minibatch SGD on the features X (n, d) is expected to diverge.

    X may be a sample of `rows` in all; `ones` (n, 1) is the column that the intercept weighs, if that is not of ones.

    With all rows in one batch it is 2 / λ, λ the largest eigenvalue of XᵀX / n (2 (1 + momentum) / λ with momentum):
    beyond it a step overshoots by more than it came from. A smaller batch has an XᵀX / batch of its own, now larger,
    now smaller. The limit is then where the squared distance to the solution no longer shrinks on average: with the
    second moment of those matrices in place of λ.
    """
    rows = rows or len(X)
    A = np.column_stack([X, np.ones(len(X)) if ones is None else ones]) if intercept else X
    mean = A.T @ A / len(A)
    hessian = mean + weight_decay * np.diag(np.arange(A.shape[1]) < X.shape[1])
    # The variance of a batch's matrix, in terms of the rows': a batch is drawn without replacement.
    variance = (A * (A * A).sum(axis=1, keepdims=True)).T @ A / len(A) - mean @ mean
    variance *= (rows - batch_size) / (batch_size * (rows - 1)) if rows > batch_size else 0.0

    values, vectors = np.linalg.eigh(hessian)
    seen = values > values[-1] * len(values) * np.finfo(np.float64).eps
    if not seen.any():
        return np.inf
    whitening = vectors[:, seen] / np.sqrt(values[seen])
    noise = np.linalg.eigvalsh(whitening.T @ variance @ whitening)[-1]
    return float(2 / (values[-1] / (1 + momentum) + max(noise, 0.0) / (1 - momentum)))
