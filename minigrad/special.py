"""torch.special: functions of mathematics, most of them other names for what stands in torch itself.

Source: https://docs.pytorch.org/docs/stable/special.html
"""

from . import ops

INTERNAL = True
_SAME = (
    *("digamma", "erf", "erfc", "erfinv", "exp2", "expm1", "i0", "log1p", "log_softmax", "logit", "logsumexp"),
    *("polygamma", "round", "sinc", "softmax", "xlogy"),
)
_OTHERS = {"expit": "sigmoid", "gammaln": "lgamma", "multigammaln": "mvlgamma", "psi": "digamma"}
_OTHERS |= {"gammainc": "igamma", "gammaincc": "igammac"}
globals().update({name: ops.function(_OTHERS.get(name, name)) for name in (*_SAME, *_OTHERS)})
