"""torch.utils: of it, `data`, which reads examples in batches."""

from . import data as data

INTERNAL = True
