"""Layers, losses and the models that are built of them, as in `torch.nn`.

Source: https://docs.pytorch.org/docs/stable/nn.html
"""

from . import functional as functional, init as init, modules as modules, parameter as parameter, utils as utils
from .modules import *
from .parameter import (
    Buffer as Buffer,
    Parameter as Parameter,
    UninitializedParameter as UninitializedParameter,
)

INTERNAL = True
