"""Devices: their names as in torch, and no place for tensors but the CPU."""

import pickle
import warnings

import pytest

torch = pytest.importorskip("torch")

import minigrad

NAMES = ["cpu", "cuda", "cuda:1", "mps", "meta", "cpu:0", "xpu", "foo", "CPU", "cuda:x", "cuda:-1", "cuda:", "cuda:01"]
BARE = pytest.mark.skipif(torch.accelerator.is_available(), reason="torch has found an accelerator")


def outcome(lib, source):
    """What a line gives or raises, and what it warns of, which is no error here: else that alone would be compared."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            found = repr(eval(source, {"torch": lib}))
        except Exception as error:
            found = type(error).__name__, str(error).splitlines()[0]
    return found, [(warning.category, str(warning.message)) for warning in told]


@pytest.mark.parametrize(
    "source",
    [
        *[f"torch.device({name!r})" for name in [*NAMES, ""]],
        "str(torch.device('cuda:2'))",
        "torch.device('cuda', 1)",
        "torch.device(type='cuda', index=0).index",
        "torch.device('cpu').index",
        "torch.device('cuda:1', 1)",
        "torch.device('cpu', -1)",
        "torch.device(torch.device('cuda:3'))",
        "torch.device('cpu') == torch.device('cpu:0')",
        "torch.device('cuda', 1) == torch.device('cuda:1')",
        "len({torch.device('cpu'), torch.device('cpu')})",
        "torch.get_default_device()",
        "torch.set_default_device('foo')",
        "torch.set_default_device(None)",
    ],
)
def test_names_are_torchs(source):
    assert outcome(minigrad, source) == outcome(torch, source)


@BARE
@pytest.mark.skipif(
    torch.version.cuda is not None or torch.backends.mps.is_built(),
    reason="minigrad answers as a build for the CPU alone does, and this is one for GPUs too",
)
@pytest.mark.parametrize(
    "source",
    [
        *[f"torch.zeros(2, device={name!r}).device" for name in ("cpu", "cuda", "cuda:1", "xpu", "foo")],
        *[f"torch.tensor([1.5], device={name!r}).device" for name in ("cpu", "cuda")],
        *[f"torch.ones(2).to({name!r})" for name in ("cpu", "cuda", "xpu", "mps")],
        "torch.ones(2).to(device='cuda', dtype=torch.float64)",
        "torch.ones(2).to(torch.device('cuda'))",
        "torch.ones(2).to(0)",
        "torch.ones(2).cuda()",
        "torch.nn.Linear(2, 1).to('cuda')",
        "torch.nn.Linear(2, 1).cuda()",
        "torch.device(0)",
        "torch.cuda.is_available(), torch.cuda.device_count(), torch.cuda.is_initialized()",
        "torch.cuda.manual_seed(3), torch.cuda.manual_seed_all(3), torch.cuda.empty_cache()",
        "torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated()",
        "torch.cuda.get_device_name(0)",
        "torch.cuda.current_device()",
        "torch.cuda.synchronize()",
        "torch.accelerator.is_available(), torch.accelerator.current_accelerator(), torch.accelerator.device_count()",
        "torch.backends.cudnn.is_available(), torch.backends.mps.is_available(), torch.backends.mps.is_built()",
        "torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic",
        "torch.backends.cudnn.version()",
        "torch.backends.cuda.is_built(), torch.backends.cuda.matmul.allow_tf32, torch.ones(1).is_cuda, torch.ones(1).is_cpu",
        "torch.amp.autocast('cuda')(lambda: torch.ones(2) * 2)()",
        "torch.autocast('cpu', enabled=False).__enter__().device",
        "torch.autocast(3)",
        "torch.autocast('foo')",
        "torch.cuda.amp.autocast()(lambda: torch.ones(2) * 2)()",
        "torch.cuda.amp.GradScaler().scale(torch.ones(2))",
        "[torch.amp.GradScaler(enabled=False).is_enabled(), torch.GradScaler('cuda').get_scale()]",
        *[f"torch.amp.GradScaler('cpu', enabled=False).{call}" for call in ("state_dict()", "update()", "unscale_(3)")],
        "torch.amp.GradScaler('cpu', enabled=False).load_state_dict({})",
        "torch.amp.GradScaler('cpu', enabled=False).step(torch.optim.SGD([torch.ones(1)], lr=0.1), lambda: 3)",
    ],
)
def test_there_is_no_gpu_as_in_torch_without_one(source):
    assert outcome(minigrad, source) == outcome(torch, source)


@pytest.mark.parametrize("made", [lambda: minigrad.autocast("cpu"), lambda: minigrad.GradScaler("cpu")])
def test_mixed_precision_that_would_be_on_is_refused(made):
    with pytest.raises(NotImplementedError, match="pass enabled=False"):
        made()


@pytest.mark.parametrize("name", ["cuda", "meta", "xla"])
def test_tensors_are_on_no_other_device(name):
    for make in (
        lambda: minigrad.zeros(2, device=name),
        lambda: minigrad.ones(2).to(name),
        lambda: minigrad.FloatTensor([1.0], device=name),
        lambda: minigrad.Generator(name),
        lambda: minigrad.set_default_device(name),
    ):
        with pytest.raises((AssertionError, RuntimeError), match="minigrad computes with NumPy, on the CPU"):
            make()
    with pytest.raises((AssertionError, RuntimeError)), minigrad.device(name):
        pass


def test_a_device_can_be_entered_and_kept():
    with minigrad.device("cpu") as device:
        assert minigrad.zeros(2).device == device
    assert pickle.loads(pickle.dumps(minigrad.device("cuda:1"))) == minigrad.device("cuda:1")


@BARE
def test_the_version_tells_of_no_gpu():
    assert (minigrad.version.cuda, minigrad.version.hip, minigrad.version.debug) == (None, None, False)
    assert minigrad.version.__version__ == minigrad.__version__
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"), minigrad.random.fork_rng([0]):
        pass
