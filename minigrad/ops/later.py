"""Which names are in the families that are imported when one of them is first asked for: functions, and methods.

Made by tests/api_stub.py from the operations; a test compares.
"""

LATER = {
    "activations": (
        "celu hardshrink prelu selu threshold",
        "hardshrink prelu",
    ),
    "counting": (
        "bincount bucketize count_nonzero histc histogram isin searchsorted unique unique_consecutive",
        "bincount count_nonzero histc histogram unique unique_consecutive",
    ),
    "diagonals": (
        "block_diag diag diag_embed diagflat diagonal trace tril triu vander",
        "diag diag_embed diagflat diagonal fill_diagonal_ trace tril tril_ triu triu_",
    ),
    "einsum": (
        "einsum",
        "",
    ),
    "extremes": (
        "amax amin aminmax argmax argmin max min",
        "amax amin aminmax argmax argmin max min",
    ),
    "functions": (
        "acos acos_ acosh acosh_ arccos arccos_ arccosh arccosh_ arcsin arcsin_ arcsinh arcsinh_ arctan arctan_ "
        "arctanh arctanh_ asin asin_ asinh asinh_ atan atan_ atanh atanh_ cosh cosh_ deg2rad deg2rad_ exp2 exp2_ "
        "expm1 expm1_ frexp log10 log10_ log1p log1p_ log2 log2_ logit logit_ nan_to_num nan_to_num_ rad2deg rad2deg_ "
        "rsqrt rsqrt_ sgn sinc sinc_ sinh sinh_ tan tan_",
        "acos acos_ acosh acosh_ arccos arccos_ arccosh arccosh_ arcsin arcsin_ arcsinh arcsinh_ arctan arctan_ "
        "arctanh arctanh_ asin asin_ asinh asinh_ atan atan_ atanh atanh_ cosh cosh_ deg2rad deg2rad_ exp2 exp2_ "
        "expm1 expm1_ frexp log10 log10_ log1p log1p_ log2 log2_ logit logit_ nan_to_num nan_to_num_ rad2deg rad2deg_ "
        "rsqrt rsqrt_ sgn sgn_ sinc sinc_ sinh sinh_ tan tan_",
    ),
    "incomplete": (
        "igamma igammac",
        "igamma igamma_ igammac igammac_",
    ),
    "matrices": (
        "cholesky cholesky_inverse cholesky_solve det inverse logdet matrix_exp matrix_power pinverse qr slogdet svd",
        "cholesky cholesky_inverse cholesky_solve det inverse logdet matrix_exp matrix_power pinverse qr slogdet svd",
    ),
    "measures": (
        "cdist corrcoef cov cross cumulative_trapezoid pdist trapezoid trapz",
        "corrcoef cov cross",
    ),
    "norms": (
        "dist norm",
        "dist norm",
    ),
    "other_names": (
        "constant_pad_nd empty_strided fill fill_ frobenius_norm frombuffer is_same_size is_signed nuclear_norm range "
        "scalar_tensor set_default_tensor_type split_with_sizes typename",
        "apply_ is_same_size new_empty_strided split split_with_sizes sum_to_size",
    ),
    "pairs": (
        "addcdiv addcmul arctan2 atan2 bitwise_left_shift bitwise_right_shift copysign float_power fmax fmin gcd gcd_ "
        "heaviside hypot lcm lcm_ ldexp ldexp_ lerp logaddexp logaddexp2 nextafter xlogy xlogy_",
        "addcdiv addcdiv_ addcmul addcmul_ arctan2 arctan2_ atan2 atan2_ bitwise_left_shift bitwise_left_shift_ "
        "bitwise_right_shift bitwise_right_shift_ copysign copysign_ float_power float_power_ fmax fmin gcd gcd_ "
        "heaviside heaviside_ hypot hypot_ lcm lcm_ ldexp ldexp_ lerp lerp_ logaddexp logaddexp2 nextafter nextafter_ "
        "xlogy xlogy_",
    ),
    "picking": (
        "gather index_select masked_fill masked_select narrow nonzero select take take_along_dim",
        "gather index_select masked_fill masked_fill_ masked_select narrow nonzero select take take_along_dim",
    ),
    "placing": (
        "diagonal_scatter index_add index_copy index_fill index_put index_put_ masked_scatter put select_scatter "
        "slice_scatter",
        "diagonal_scatter index_add index_add_ index_copy index_copy_ index_fill index_fill_ index_put index_put_ "
        "masked_scatter masked_scatter_ put put_ select_scatter slice_scatter",
    ),
    "positions": (
        "argwhere nonzero_static tril_indices triu_indices unravel_index",
        "argwhere nonzero_static",
    ),
    "products": (
        "addbmm addmm addmv addmv_ addr baddbmm chain_matmul ger inner kron outer tensordot vdot",
        "addbmm addbmm_ addmm addmm_ addmv addmv_ addr addr_ baddbmm baddbmm_ ger inner kron outer vdot",
    ),
    "rearranging": (
        "adjoint atleast_1d atleast_2d atleast_3d broadcast_tensors broadcast_to cartesian_prod column_stack "
        "combinations dsplit dstack flip fliplr flipud hsplit hstack meshgrid moveaxis movedim roll rot90 row_stack "
        "swapaxes tensor_split tile unflatten vsplit vstack",
        "H adjoint broadcast_to dsplit flip fliplr flipud hsplit mH moveaxis movedim roll rot90 swapaxes tensor_split "
        "tile unflatten vsplit",
    ),
    "repeating": (
        "repeat_interleave",
        "repeat_interleave unfold",
    ),
    "rounding": (
        "ceil ceil_ div divide fix fix_ floor floor_ floor_divide fmod frac frac_ remainder round round_ true_divide "
        "trunc trunc_",
        "ceil ceil_ div div_ divide divide_ fix fix_ floor floor_ floor_divide floor_divide_ fmod fmod_ frac frac_ "
        "remainder remainder_ round round_ true_divide true_divide_ trunc trunc_",
    ),
    "running": (
        "cummax cummin cumprod cumsum diff logcumsumexp",
        "cummax cummin cumprod cumprod_ cumsum cumsum_ diff logcumsumexp",
    ),
    "scattering": (
        "scatter scatter_add scatter_reduce",
        "scatter scatter_ scatter_add scatter_add_ scatter_reduce scatter_reduce_",
    ),
    "slopes": (
        "gradient",
        "",
    ),
    "sorting": (
        "argsort kthvalue median mode msort nanmedian sort topk",
        "argsort kthvalue median mode msort nanmedian sort topk",
    ),
    "special": (
        "digamma erf erf_ erfc erfc_ erfinv i0 i0_ lgamma mvlgamma polygamma",
        "digamma digamma_ erf erf_ erfc erfc_ erfinv erfinv_ i0 i0_ lgamma lgamma_ mvlgamma mvlgamma_ polygamma "
        "polygamma_",
    ),
    "statistics": (
        "nanmean nanquantile nansum quantile renorm std_mean var_mean",
        "nanmean nanquantile nansum quantile renorm renorm_",
    ),
    "striding": (
        "as_strided",
        "as_strided as_strided_",
    ),
    "tapers": (
        "bartlett_window blackman_window hamming_window hann_window kaiser_window logspace",
        "",
    ),
}
