"""The operations: importing this module gives Tensor its methods and operators."""

from importlib import import_module

for _family in (
    "inplace",
    "shape",
    "pointwise",
    "reduction",
    "logic",
    "extremes",
    "sorting",
    "linear",
    "products",
    "functions",
    "rounding",
    "pairs",
    "operators",
    "reshaping",
    "convert",
    "creation",
    "factories",
    "types",
    "indexing",
    "assigning",
    "picking",
    "running",
    "scattering",
    "placing",
    "special",
    "activations",
    "rearranging",
    "diagonals",
    "einsum",
    "positions",
    "repeating",
    "statistics",
    "counting",
):
    import_module(f"{__name__}.{_family}")
import_module(f"{__name__}.outs")  # after all others, for it adds to their functions
