"""What a cell that is no number may have been meant to say, and how to write that."""

import re
from decimal import Decimal

WRITTEN = re.compile(r"([-+]?)\s*([$€£¥]?)\s*(\d[\d.,]*)\s*([%$€£¥]?)", re.ASCII)
THOUSANDS, DECIMALS = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?"), re.compile(r"\d+,\d*")
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
    digits = digits.translate(SWAPPED) if decimal == "," else digits
    meant = [digits] if re.fullmatch(r"\d+(\.\d*)?", digits) else []
    if THOUSANDS.fullmatch(digits):
        meant.append(digits.replace(",", ""))
    if DECIMALS.fullmatch(digits):
        meant.append(digits.replace(",", "."))
    marked = before or after
    if not meant or not (marked or THOUSANDS.fullmatch(digits)):
        return None
    if after == "%":
        meant = [f"{Decimal(number) / 100:f}" for number in meant]
    said = [f"{sign}{number}".translate(SWAPPED) if decimal == "," else f"{sign}{number}" for number in meant]
    mark = "." if decimal == "," else ","
    kind = "a percentage" if after == "%" else "an amount of money" if marked else f"a number with {mark!r} in it"
    # Nobody but who wrote 8,755 knows whether it is one thousand times 8.755.
    other = "".join(f", or {number} if {mark!r} is its decimal mark" for number in said[1:])
    return f"it looks like {kind}: write {said[0]}{other}"
