"""minigrad: a reverse-mode autograd tensor on NumPy that behaves as torch does. `import minigrad as torch`."""

import warnings as _warnings
from math import e as e, inf as inf, nan as nan, pi as pi

# Where NumPy would warn of an overflow or a division by zero, torch silently gives inf or NaN, and so does minigrad.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"minigrad(\.|$)")

from typing import TYPE_CHECKING as _TYPE_CHECKING

# From here, not from deep within the imports below, where it can take a third longer: Python 3.11 gives memory for the
# frames of calls in chunks, and at some depths every call takes one and gives it back.
import numpy as _numpy

from . import autograd as autograd, ops as ops, random as random
from .devices import (
    are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled,
    device as device,
    get_default_device as get_default_device,
    get_float32_matmul_precision as get_float32_matmul_precision,
    get_num_threads as get_num_threads,
    set_default_device as set_default_device,
    set_float32_matmul_precision as set_float32_matmul_precision,
    set_num_threads as set_num_threads,
    use_deterministic_algorithms as use_deterministic_algorithms,
)
from .dtypes import (
    Size as Size,
    bool_ as bool,
    dtype as dtype,
    finfo as finfo,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    get_default_dtype as get_default_dtype,
    iinfo as iinfo,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    set_default_dtype as set_default_dtype,
    uint8 as uint8,
)
from .generator import Generator as Generator, default_generator as default_generator
from .modes import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled,
    is_anomaly_enabled as is_anomaly_enabled,
    is_grad_enabled as is_grad_enabled,
    is_inference_mode_enabled as is_inference_mode_enabled,
    no_grad as no_grad,
    set_anomaly_enabled as set_anomaly_enabled,
    set_grad_enabled as set_grad_enabled,
)
from .tensor import Tensor as Tensor

__version__ = "0.1.0"
INTERNAL = True

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
strided, contiguous_format, preserve_format = "torch.strided", "torch.contiguous_format", "torch.preserve_format"
newaxis = None
channels_last, channels_last_3d = "torch.channels_last", "torch.channels_last_3d"

if _TYPE_CHECKING:
    from ._api import *
    from .printing import set_printoptions as set_printoptions
else:
    tensor = ops.function("tensor")  # in the place of the module, which has the name from its import

_PACKAGES = (
    *("accelerator", "amp", "backends", "cuda", "distributions", "func", "linalg", "nn", "optim", "show", "special"),
    *("testing", "utils", "version"),
)
_ELSEWHERE = {
    "autocast": ("amp", "autocast"),
    "GradScaler": ("amp", "GradScaler"),
    "compile": ("show.compiling", "compile_function"),
    "load": ("saving", "load"),
    "pca_lowrank": ("lowrank", "pca_lowrank"),
    "save": ("saving", "save"),
    "set_printoptions": ("printing", "set_printoptions"),
    "svd_lowrank": ("lowrank", "svd_lowrank"),
    "vmap": ("func", "vmap"),
}
# Functions of `nn.functional` that torch offers here too, called in the same way.
_ELSEWHERE |= {
    name: ("nn.functional", name)
    for name in (
        *("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        *("avg_pool1d", "adaptive_avg_pool1d", "bilinear"),
        *("layer_norm", "group_norm", "rms_norm", "cosine_similarity", "pairwise_distance"),
        *("pixel_shuffle", "pixel_unshuffle", "channel_shuffle"),
        *("celu_", "rrelu_", "selu_", "threshold_"),
        *("max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool3d"),
    )
}
_ELSEWHERE |= {  # and those that it calls in another way
    name: ("nn.functional.bare", name)
    for name in (
        *("dropout", "dropout_", "alpha_dropout", "alpha_dropout_", "feature_dropout", "feature_dropout_"),
        *("feature_alpha_dropout", "feature_alpha_dropout_"),
        *("adaptive_max_pool1d", "batch_norm", "embedding", "instance_norm"),
        *("binary_cross_entropy_with_logits", "cosine_embedding_loss", "ctc_loss"),
        *("hinge_embedding_loss", "kl_div"),
        *("margin_ranking_loss", "poisson_nll_loss", "triplet_margin_loss"),
    )
}

_LEFT_OUT = dict.fromkeys(
    ("complex", "complex32", "complex64", "complex128", "cfloat", "cdouble"),
    "minigrad has no complex numbers, the rules are for real ones.",
)
_LEFT_OUT |= {
    "bfloat16": "NumPy has no such dtype; use float32.",
    "fft": "its results are complex, and minigrad has real numbers only; numpy.fft takes x.detach().numpy().",
    "jit": "leave @torch.jit.script away, the function does the same; torch.compile makes a NumPy program of it.",
    "profiler": "time a line with time.perf_counter, or run the script under python -m cProfile.",
    "distributed": "minigrad computes in one process.",
    "multiprocessing": "minigrad computes in one process; Python's own multiprocessing starts others.",
    "sparse": "minigrad's tensors are NumPy arrays, which are dense.",
    "hub": "minigrad loads no models from the network.",
    "onnx": "minigrad writes no ONNX files; torch.save keeps a state_dict.",
}


def __getattr__(name: str) -> object:
    """A function, made ready when it is first asked for; what stands on top of the engine, imported then."""
    from importlib import import_module

    if name == "__all__":  # that is `from minigrad import *`
        return [known for known in (*globals(), *ops.function_names()) if not known.startswith("_")]
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    if name in _ELSEWHERE:
        module, function = _ELSEWHERE[name]
        return getattr(import_module(f"{__name__}.{module}"), function)
    try:
        found = globals()[name] = ops.function(name)
    except KeyError:
        text = f"module {__name__!r} has no attribute {name!r}"
        if name not in _LEFT_OUT:
            raise AttributeError(text) from None
        # Said to be of nothing, for which Python has no other name to propose.
        raise AttributeError(f"{text}\n  Left out on purpose: {_LEFT_OUT[name]}", name=name, obj=None) from None
    return found


def __dir__() -> list[str]:
    """All names, those of what is not imported yet too."""
    return sorted({*globals(), *_PACKAGES, *_ELSEWHERE, *ops.function_names()})
