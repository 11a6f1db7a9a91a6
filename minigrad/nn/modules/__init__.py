"""The modules: layers, losses, and what holds them."""

from .container import (
    ModuleDict as ModuleDict,
    ModuleList as ModuleList,
    ParameterDict as ParameterDict,
    ParameterList as ParameterList,
    Sequential as Sequential,
)
from .flatten import Flatten as Flatten
from .linear import Identity as Identity, Linear as Linear
from .module import Module as Module

INTERNAL = True
