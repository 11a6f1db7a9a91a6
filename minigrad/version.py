"""torch.version: which version this is, and that it was built for no GPU.

Source: https://docs.pytorch.org/docs/stable/torch.html
"""

from __future__ import annotations

from . import __version__ as __version__

INTERNAL = True
cuda = hip = rocm = xpu = None
debug = False
