"""What a cell that is no number may have been meant to say, and how to write that."""

import re
from decimal import Decimal

WRITTEN = re.compile(r"([-+]?)\s*([$€£¥]?)\s*(\d[\d.,]*)\s*([%$€£¥]?)", re.ASCII)
THOUSANDS, DECIMALS = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?"), re.compile(r"\d+,\d*")
TURNED = re.compile(r"[1-9]\d{0,2}(\.\d{3})+(,\d*)?")  # thousands as in the countries of the decimal comma
CLOCK = r"\d{1,2}:\d{2}(:\d{2}(\.\d*)?)?( ?[AaPp][Mm]|Z| ?[-+]\d{2}:?\d{2})?"
DATE = re.compile(
    rf"(\d{{4}}([-/.])\d{{1,2}}\2\d{{1,2}}|\d{{1,2}}([-/.])\d{{1,2}}\3\d{{4}})([T ]+{CLOCK})?|{CLOCK}", re.ASCII
)
# Numbers as they are printed: 1 234,5 and 1'234.5, −3 with a printer's minus, (3) for -3.
PRINTED = re.compile(r"([-+]?)([1-9]\d{0,2}([ \u00a0\u2009\u202f'’]\d{3})+([.,]\d*)?)", re.ASCII)
MINUS = re.compile(r"−([\d.,]+)|\(([\d.,]+)\)", re.ASCII)
UNIT = r" [^\W\d_]{1,4}[²³]?| ?°[CF]?"  # 5 kg, 21.5 °C
LONGEST = 24  # letters of a cell, that Decimal keeps all its digits
SWAPPED = str.maketrans(".,", ",.")


def mended(cell: str, decimal: str = ".") -> str | None:
    """What a cell looks like that holds a date, or a number written for people, and what to write instead.

    None for anything else. `decimal` is what the table has before its decimals: with a comma, points part thousands.
    """
    if DATE.fullmatch(cell.strip()):
        return "it looks like a date or a time: write a number for it, as the days or hours since one of them"
    if len(cell) > LONGEST:
        return None
    printed = _without_marks(cell.strip(), decimal)
    if re.fullmatch(rf"[-+]?\d+(\{decimal}\d*)?", printed) and printed != cell.strip():
        return f"it looks like a number as it is printed: write {printed}"
    if (measured := re.fullmatch(rf"([-+]?\d+(?:\{decimal}\d+)?)(?:{UNIT})", printed)) is not None:
        return f"it looks like a number with its unit: write {measured[1]}, or take it as a word by --categories"
    found = WRITTEN.fullmatch(printed)
    if found is None:
        return None
    sign, before, digits, after = found.groups()
    point, mark = (",", ".") if decimal == "," else (".", ",")
    digits = digits.translate(SWAPPED) if decimal == "," else digits
    # Nobody but who wrote 8,755, or $8.755, knows whether it is one thousand times the other.
    meant = [(digits, "")] if re.fullmatch(r"\d+(\.\d*)?", digits) else []
    parted = THOUSANDS.fullmatch(digits) or TURNED.fullmatch(digits)
    if THOUSANDS.fullmatch(digits):
        meant.append((digits.replace(",", ""), ""))
    if DECIMALS.fullmatch(digits):
        meant.append((digits.replace(",", "."), f" if {mark!r} is its decimal mark"))
    if TURNED.fullmatch(digits):
        meant.append((digits.replace(".", "").replace(",", "."), f" if {point!r} stands between thousands"))
    marked = before or after
    if not meant or not (marked or parted):
        return None
    said = list[str]()
    for number, where in meant:
        number = f"{sign}{Decimal(number) / 100:f}" if after == "%" else f"{sign}{number}"
        said.append((number.translate(SWAPPED) if decimal == "," else number) + (where if said else ""))
    kind = (
        "a percentage"
        if after == "%"
        else "an amount of money"
        if marked
        else f"a number with {mark if mark in cell else point!r} in it"
    )
    return f"it looks like {kind}: write {', or '.join(said)}"


def _without_marks(cell: str, decimal: str) -> str:
    """A cell without a printer's spaces between thousands, and with a minus that programs read."""
    if (found := PRINTED.fullmatch(cell)) is not None:
        return found[1] + re.sub("[.,]", decimal, re.sub(r"[^\d.,]", "", found[2]))
    if (found := MINUS.fullmatch(cell)) is not None:
        return f"-{found[1] or found[2]}"
    return cell
