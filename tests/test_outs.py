"""`out=`, on samples of torch's database of operations: what is written to it, and which tensors are refused."""

import inspect
import warnings
from itertools import islice

import pytest

torch = pytest.importorskip("torch")
from op_db import difference, each_seeded, infos
from op_db_samples import Conversion, forms

import minigrad
from minigrad.ops import import_all
from minigrad.ops.names import FUNCTIONS

import_all()

SAMPLES = 2
OUTS = {
    "as it should be": lambda t, r: t.zeros_like(r),
    "without elements": lambda t, r: t.zeros(0, dtype=r.dtype),
    "of another shape": lambda t, r: t.zeros(3, 7, dtype=r.dtype),
    "with gaps": lambda t, r: t.zeros(*r.shape, 2, dtype=r.dtype)[..., 0],
    "float64": lambda t, r: t.zeros(r.shape, dtype=t.float64),
    "int32": lambda t, r: t.zeros(r.shape, dtype=t.int32),
    "that requires grad": lambda t, r: t.zeros(r.shape, dtype=t.float32, requires_grad=r.is_floating_point()),
    "no tensor": lambda t, r: "a",
}
# Those whose results torch computes, rather than converts, in the dtype of `out`, if another is what they are to be
# tried with; addbmm does not warn; histc has no gradient.
OWN_WAY = {"cumsum", "cumprod", "column_stack", "stack", "hstack", "cat", "vstack", "dstack", "float_power", "nansum"}
OWN_WAY |= {"logsumexp", "nanmean", "ldexp", "diag", "sum", "prod", "inner", "erf", "addbmm", "histc", "polygamma"}
OTHER_KINDS = ("of another shape", "float64", "int32", "that requires grad")


def takes_out(f):
    return hasattr(f, "takes_out") or {"out", "options", "sizes"} & set(inspect.signature(f).parameters)


CHOSEN = {info.name: info for info in infos() if hasattr(FUNCTIONS.get(info.name), "takes_out")}


def given(t, info, sample, make):
    """What a call with `out` gives: the values and whether they are those of `out`, or the error's type."""
    convert = Conversion(t)
    form = forms(info)[0][0]
    f = form.theirs if t is torch else form.ours
    args, kwargs = [convert(sample.input), *convert(sample.args)], convert(sample.kwargs)
    plain = f(*args, **kwargs)
    out = tuple(make(t, r) for r in plain) if isinstance(plain, tuple) else make(t, plain)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            result = f(*args, out=out, **kwargs)
        except Exception as error:
            return [type(error).__name__]
    told = [str(w.message).partition(" (Triggered")[0] for w in caught if "resized" in str(w.message)]
    outs = zip(result, out, strict=True) if isinstance(out, tuple) else [(result, out)]
    return [isinstance(result, tuple), bool(told), *[(r is o, r) for r, o in outs]]


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.filterwarnings("ignore")
def test_out_is_written_to_as_in_torch(name):
    info = CHOSEN[name]
    dtype = torch.float32 if torch.float32 in info.dtypes else torch.int64
    for sample in islice(each_seeded(info.sample_inputs_func(info, "cpu", dtype, False)), SAMPLES):
        for kind, make in OUTS.items():
            if name in OWN_WAY and kind in OTHER_KINDS:
                continue
            theirs = given(torch, info, sample, make)
            if theirs == ["TypeError"] and kind != "no tensor":
                break  # torch takes no `out` in this form
            ours = given(minigrad, info, sample, make)
            assert not difference(ours, theirs), (kind, sample.summary(), difference(ours, theirs))


def test_every_function_that_torch_gives_an_out_has_one():
    known = [i.name for i in infos() if i.supports_out and i.name in FUNCTIONS and i.name != "equal"]
    assert [name for name in known if not takes_out(FUNCTIONS[name])] == []


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod", "mean", "nansum", "nanmean"])
@pytest.mark.parametrize("d", ["float64", "float16", "int64"])
def test_sums_are_computed_in_the_dtype_of_out(name, d):
    found = []
    for t in (minigrad, torch):
        x, out = t.tensor([[1.0, 1e-9, 3e-9]]), t.empty(0, dtype=getattr(t, d))
        try:
            found.append(getattr(t, name)(x, 1, out=out).tolist())
        except RuntimeError as error:
            found.append(isinstance(error, RuntimeError))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "source", ["nansum(i, 0, out=b)", "any(i, 0, out=u)", "all(x, 0, out=u)", "all(u, 0, out=b)", "all(x[:1], out=u)"]
)
def test_what_is_computed_in_the_dtype_of_out(source):
    found = []
    for t in (minigrad, torch):
        names = {"i": t.tensor([2, 3]), "x": t.tensor([0.5, 2.0]), "u": t.tensor(2).byte(), "b": t.tensor(False)}
        found.append(repr(eval(f"torch.{source}", names | {"torch": t})))
    assert found[0] == found[1]


@pytest.mark.parametrize(("name", "x"), [("logsumexp", [0.0, 0.0, 0.0]), ("std", [0.1, 0.2, 0.5]), ("var", [0.1, 0.5])])
def test_what_is_as_precise_as_out(name, x):
    found = []
    for t in (minigrad, torch):
        f, out = getattr(t, name), t.zeros(2, dtype=t.float64)
        found.append(f(t.tensor([x, x]).half(), 1, out=out)[0].item())
    assert found[0] == pytest.approx(found[1], rel=1e-14)


@pytest.mark.parametrize(
    "source",
    [
        "torch.add(x, 1, out=x)",
        "torch.mul(x[1:], 2, out=x[:-1])",
        "torch.add(x, y, out=z)",
        "torch.matmul(a, a, out=torch.zeros(2, 2, dtype=torch.float64))",
        "torch.mul(x, 2, out=torch.zeros(3, dtype=torch.int64))",
        "torch.abs(x, out=torch.zeros(3, dtype=torch.int64))",
        "torch.gather(x, 0, i, out=x)",
        "torch.cat([x, x], out=x)",
        "torch.take(x, i, out=torch.zeros(1).expand(3))",
        "torch.mul(x, w, out=z)",
        "torch.mul(x, x, out=w)",
        "torch.argmax(a, out=torch.zeros(2))",
        "torch.max(a, 0, out=z)",
        "x.exp(out=z)",
        "torch.prod(x, out=z)",
        "torch.exp(x, out=[z])",
        "torch.linalg.det(a, out=(torch.zeros(()),))",
        "torch.multiply(x, x, out=z)",
        "torch.concat([x, x], out=z)",
        "torch.float_power(x, 2, out=z)",
        "torch.inner(x, x, out=torch.zeros((), dtype=torch.float64))",
        "torch.inner(x, x[0], out=torch.zeros(3, dtype=torch.float64))",
        "torch.diff(x, out=torch.zeros(2, dtype=torch.float64))",
        "torch.diff(x, 0, out=torch.zeros(3, dtype=torch.float64))",
        "torch.isin(x > 1, x > 1)",
        "torch.bucketize(x > 1, x > 1)",
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_is_refused(source):
    found = []
    for t in (minigrad, torch):
        x, a, i = t.tensor([1.0, 2.0, 3.0]), t.tensor([[1.0, 2.0], [3.0, 4.0]]), t.tensor([2, 0, 1])
        names = {"torch": t, "x": x, "y": x + 1, "z": t.zeros(3), "a": a, "i": i, "w": t.ones(3, requires_grad=True)}
        try:
            found.append(repr(eval(source, names)))
        except Exception as error:
            found.append((type(error).__name__, str(error).splitlines()[0].partition(" - got")[0]))
    if "argument 'out'" in str(found) or "matmul" in source or "x.exp" in source:
        found = [f[0] for f in found]  # the texts list what was given in other words
    assert found[0] == found[1]
