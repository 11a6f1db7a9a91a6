"""torch.utils: of it, `data`, which reads examples in batches, and `checkpoint`, which saves memory."""

from . import checkpoint as checkpoint, data as data

INTERNAL = True
