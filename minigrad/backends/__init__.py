"""torch.backends: which of the libraries that programs ask for are there.

Source: https://docs.pytorch.org/docs/stable/backends.html
"""

from . import cuda as cuda, cudnn as cudnn, mps as mps

INTERNAL = True
