"""What data from a file must look like, said as data of the same shape, and a check of it."""

import math
from collections.abc import Mapping
from typing import Any

from linreg.errors import BadInput
from minigrad import Tensor

WHOLE, NUMBER, LOSS, FLAG = "a whole number", "a number", "a loss", "true or false"
TEXT, LINE = "a text", "a line of text"
NOT_NUMBERS = ("inf", "-inf", "nan")  # as texts: JSON has no other way to write them


class Shaped:
    """A form: a tensor of this shape, and of this dtype by name."""

    def __init__(self, *shape: int, dtype: str) -> None:
        self.shape, self.dtype = shape, dtype

    def __str__(self) -> str:
        return f"a {self.dtype} tensor of shape {self.shape}"


class Some:
    """A form: a list of values of one form, of `length` if that is given."""

    def __init__(self, form: Any, length: int | None = None) -> None:
        self.form, self.length = form, length


class Either:
    """A form: one of these values, or of the form `form` if that is given."""

    def __init__(self, *values: Any, form: Any = None) -> None:
        self.values, self.form = values, form


class Maybe:
    """A form of a dictionary's value: of the form `form`, or not there, as in what was written before there was one."""

    def __init__(self, form: Any) -> None:
        self.form = form


def check(value: Any, form: Any, where: str, file: str) -> None:
    """BadInput, saying `where` in the `file`, for a value that is not of the form.

    A form is one of the words above, a type, `Shaped`, `Some`, `Either`, a tuple of the forms of a list's parts, or a
    mapping of the forms of a dictionary's values, all of which but those that are `Maybe` must be there, and no others.
    Whole numbers are at least 0.
    """

    def need(holds: bool, what: object) -> None:
        if not holds:
            raise BadInput(f"{file}: {where} is not {what}")

    if isinstance(form, Mapping):
        must = {name for name, part in form.items() if not isinstance(part, Maybe)}
        fits = isinstance(value, dict) and must <= set(value) <= set(form)
        need(fits, f"made of {', '.join(map(str, form)) or 'nothing'}")
        for name, entry in value.items():
            part = form[name].form if isinstance(form[name], Maybe) else form[name]
            check(entry, part, f"{where}.{name}" if where else f"{name}", file)
    elif isinstance(form, (tuple, Some)):
        length = form.length if isinstance(form, Some) else len(form)
        need(isinstance(value, list) and length in (None, len(value)), f"a list of {length}" if length else "a list")
        parts = [form.form] * len(value) if isinstance(form, Some) else form
        for place, (entry, part) in enumerate(zip(value, parts, strict=True)):
            check(entry, part, f"{where}[{place}]", file)
    elif isinstance(form, Either):
        if not any(type(value) is type(one) and value == one for one in form.values):
            need(form.form is not None, "one of " + ", ".join(map(str, form.values)))
            check(value, form.form, where, file)
    elif isinstance(form, Shaped):
        fits = isinstance(value, Tensor) and tuple(value.shape) == form.shape
        need(fits and str(value.dtype) == f"torch.{form.dtype}", form)
    elif form == WHOLE:
        need(type(value) is int and 0 <= value < 2**63, form)
    elif form == NUMBER:
        need(type(value) is float or (type(value) is int and abs(value) < 2**64), form)
    elif form == LOSS:
        need(type(value) is float or (isinstance(value, str) and value in NOT_NUMBERS), form)
    elif form == TEXT:
        need(isinstance(value, str), form)
    elif form == LINE:
        need(isinstance(value, str) and value.isprintable(), form)
    elif form == FLAG:
        need(isinstance(value, bool), form)
    else:
        need(isinstance(value, form), f"a {form.__name__}")


def writable(number: float) -> float | str:
    """A number as JSON can hold it."""
    return number if math.isfinite(number) else repr(number)


def readable(number: float | str) -> float:
    """The number that `writable` gave that for."""
    return float(number)
