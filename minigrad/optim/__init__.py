"""torch.optim: optimizers, each its formula, and the schedules of their learning rates (`lr_scheduler`).

Source: https://docs.pytorch.org/docs/stable/optim.html
"""

from . import lr_scheduler as lr_scheduler
from .adagrad import Adadelta as Adadelta, Adagrad as Adagrad, RMSprop as RMSprop
from .adam import Adam as Adam, Adamax as Adamax, AdamW as AdamW, NAdam as NAdam, RAdam as RAdam
from .lbfgs import LBFGS as LBFGS
from .optimizer import Optimizer as Optimizer
from .rprop import Rprop as Rprop
from .sgd import ASGD as ASGD, SGD as SGD

INTERNAL = True


def __getattr__(name: str) -> object:
    """`swa_utils`, imported when it is first asked for: it needs modules, which optimizers do not."""
    if name != "swa_utils":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"{__name__}.{name}")
