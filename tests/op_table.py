"""The table of tests: a row of sample shapes and arguments for every operation of `minigrad.ops`, family by family."""

import rows_activations  # noqa: F401
import rows_core  # noqa: F401
import rows_elementwise  # noqa: F401
import rows_layers  # noqa: F401
import rows_losses  # noqa: F401
import rows_matrices  # noqa: F401
import rows_ordering  # noqa: F401
import rows_positions  # noqa: F401
import rows_products  # noqa: F401
import rows_scattering  # noqa: F401
import rows_statistics  # noqa: F401
import rows_windows  # noqa: F401
from op_rows import ROWS as ROWS, evaluate as evaluate
