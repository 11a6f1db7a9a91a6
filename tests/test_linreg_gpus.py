"""GPUs: the estimator on one; several processes, by NCCL where each has its own, by gloo where all share one."""

import json
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from group_programs import numbers
from test_linreg_processes import LINREG, forked

import linreg
from linreg.errors import BadInput

__all__ = ["forked"]


@pytest.mark.gpu
def test_a_gpu_of_its_own_is_reached_over_nccl(forked):
    run = forked(1, "group_programs:over_nccl")
    assert run.wait() == [0], run.err()
    assert run.out() == f"nccl {[numbers(0).tolist(), 2.5]} [{1 / 3}]\n"


@pytest.mark.gpu
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_gpus_share_a_run(forked, device):
    size = torch.cuda.device_count() if device == "cuda" else 2
    if size < 2:
        pytest.skip("NCCL needs a GPU for each process, and here is one")
    words = ["--backend", "torch", "--dtype", "float64", "--optimizer", "adam", "--seed", 3, "--json"]
    alone = forked(1, LINREG, *words)
    several = forked(size, LINREG, *words, "--device", device)
    assert alone.wait() == [0], alone.err()
    assert several.wait() == [0] * size, several.err()
    one, other = (json.loads(run.out()) for run in (alone, several))
    assert other["losses"] == pytest.approx(one["losses"], rel=1e-6)
    assert other["w"]["estimate"] == pytest.approx(one["w"]["estimate"], rel=1e-6)


def examples():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3)) * [1, 100, 0.01] + [0, 5, 7]
    return X, X @ [2.0, -0.03, 400.0] + 4.2 + 0.01 * rng.normal(size=120), rng.uniform(0.5, 2, 120)


@pytest.mark.gpu
@pytest.mark.parametrize(
    "options", [*({"optimizer": name} for name in linreg.settings.OPTIMIZERS), {"early_stopping": True}]
)
def test_the_estimator_fits_on_a_gpu_what_it_fits_on_the_cpu(options):
    X, y, weights = examples()
    cpu, gpu = (linreg.LinearRegression(backend="torch", device=device, **options) for device in ("cpu", "cuda"))
    for model in cpu, gpu:
        model.fit(X, y, sample_weight=weights)
        if hasattr(model, "partial_fit"):
            model.partial_fit(X[:50], y[:50])
    assert gpu.coef_ == pytest.approx(cpu.coef_, rel=1e-9)
    assert gpu.intercept_ == pytest.approx(cpu.intercept_, rel=1e-9)
    assert pickle.loads(pickle.dumps(gpu)).predict(X) == pytest.approx(cpu.predict(X), rel=1e-9)


@pytest.mark.parametrize(("backend", "device"), [("minigrad", "cpu"), ("torch", "cpu"), ("torch", torch.device("cpu"))])
def test_the_estimator_takes_a_device(backend, device):
    X, y, _ = examples()
    fitted = linreg.LinearRegression(backend=backend, device=device).fit(X, y)
    assert fitted.coef_ == pytest.approx(linreg.LinearRegression().fit(X, y).coef_, rel=1e-12)


@pytest.mark.parametrize(
    ("backend", "device", "said"),
    [
        ("minigrad", "cuda", "device='cuda': minigrad runs on the cpu only; for other devices use the backend torch"),
        ("torch", "teapot", "device='teapot' cannot hold float64 on torch: "),
        ("torch", None, "device=None cannot hold float64 on torch: "),
    ],
)
def test_a_device_that_is_not_there_is_refused_and_leaves_a_fit_as_it_was(backend, device, said):
    X, y, _ = examples()
    model = linreg.LinearRegression(backend=backend).fit(X, y)
    before = model.coef_.copy()
    with pytest.raises(BadInput) as refused:
        model.set_params(device=device).fit(X, -y)
    assert str(refused.value).startswith(said)
    assert model.coef_.tolist() == before.tolist()
