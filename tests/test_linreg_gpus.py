"""Several processes on GPUs: NCCL where each has its own, gloo where all share one."""

import json

import pytest

torch = pytest.importorskip("torch")

from group_programs import numbers
from test_linreg_processes import LINREG, forked

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
