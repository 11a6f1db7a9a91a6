"""What a cell that is no number may have been meant to say, and how to write that."""

import re
from decimal import Decimal

WRITTEN = re.compile(r"([-+]?)\s*([$€£¥]?)\s*(\d[\d.,]*)\s*([%$€£¥]?)", re.ASCII)
THOUSANDS, DECIMALS = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?"), re.compile(r"\d+,\d*")
TURNED = re.compile(r"[1-9]\d{0,2}(\.\d{3})+(,\d*)?")  # thousands as in the countries of the decimal comma
LONGEST = 24  # letters of a cell, that Decimal keeps all its digits
SWAPPED = str.maketrans(".,", ",.")


def mended(cell: str, decimal: str = ".") -> str | None:
    """What a number with commas between thousands, or a sign of percent or money, looks like, and what to write.

    None for anything else. `decimal` is what the table has before its decimals: with a comma, points part thousands.
    """
    found = WRITTEN.fullmatch(cell.strip())
    if found is None or len(cell) > LONGEST:
        return None
    sign, before, digits, after = found.groups()
    point, mark = (",", ".") if decimal == "," else (".", ",")
    digits = digits.translate(SWAPPED) if decimal == "," else digits
    # Nobody but who wrote 8,755, or $8.755, knows whether it is one thousand times the other.
    meant = [(digits, "")] if re.fullmatch(r"\d+(\.\d*)?", digits) else []
    parted = THOUSANDS.fullmatch(digits) or (TURNED.fullmatch(digits) and not meant)
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
