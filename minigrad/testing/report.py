"""What a run of gradient tests covered, operations by checks by dtypes, as a table of text and as a page of HTML."""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from minigrad.testing.record import Entry, Key

INTERNAL = True

ROWS = 40
"""Operations in the table of text, unless it is asked for whole."""

_HOW_TO_READ = "Worst error seen, in percent of what the check allows: over 100% it failed."


class _Operation:
    """The entries of one operation."""

    def __init__(self, name: str, entries: dict[tuple[str, str], Entry]) -> None:
        self.name = name
        self.entries = entries
        self.examples = sum(entry.count for entry in entries.values())
        self.worst = max(entry.worst for entry in entries.values())
        self.dtypes = sorted({dtype for _, dtype in entries}, key=_natural)

    def worst_of(self, check: str) -> float | None:
        """The worst error of one check over all dtypes, None where it did not run."""
        return max((entry.worst for (c, _), entry in self.entries.items() if c == check), default=None)


def summary(record: Mapping[Key, Entry]) -> str:
    """One line: how many operations, checks and examples, and the worst error among them."""
    (operation, check, dtype), worst = max(record.items(), key=lambda item: item[1].worst)
    examples = sum(entry.count for entry in record.values())
    where = ", ".join(part for part in (operation, check, dtype) if part)
    return (
        f"{_count(len({key[0] for key in record}), 'operation')}, {_count(len(_checks(record)), 'check')}, "
        f"{_count(examples, 'example')}, worst error {_percent(worst.worst)} of what is allowed ({where})"
    )


def table(record: Mapping[Key, Entry], width: int, rows: int = ROWS) -> Iterator[tuple[str, bool]]:
    """Lines of text, at most `width` columns wide where that is possible, each with whether it tells of a failure.

    There is one row per operation, the worst first, at most `rows` of them, and one column per check.
    """
    operations, checks = _by_operation(record), _checks(record)
    body = [
        [o.name, f"{o.examples:,}", _together(o.dtypes), *(_percent(o.worst_of(check)) for check in checks)]
        for o in operations[:rows]
    ]
    words, letters = [_words(check) for check in checks], [chr(ord("a") + i) for i in range(len(checks))]
    lines = _columns(words, body)
    yield _HOW_TO_READ, False
    if max(map(len, lines)) > width:
        lines = _columns([[letter] for letter in letters], body, width)
        legend = ", ".join(f"{letter}={check}" for letter, check in zip(letters, checks, strict=True))
        yield from ((line, False) for line in textwrap.wrap(legend, width))
    heads = len(lines) - len(body)
    yield from ((line, False) for line in lines[:heads])
    yield from ((line, o.worst > 1) for line, o in zip(lines[heads:], operations, strict=False))
    if left_out := operations[rows:]:
        yield f"and {_count(len(left_out), 'operation')} more, the worst at {_percent(left_out[0].worst)}", False


def page(record: Mapping[Key, Entry], options: str) -> str:
    """One self-contained page of HTML: a group of rows per operation, in it a row per dtype, a column per check.

    `options` are those of pytest that repeat the run.
    """
    checks = _checks(record)
    heads = "".join(f'<th scope="col">{escape(" ".join(_words(check)))}</th>' for check in checks)
    groups = "\n".join(_group(operation, checks) for operation in _by_operation(record))
    facts = "".join(
        f"<div><dt>{name}</dt><dd>{value}</dd></div>"
        for name, value in {
            "operations": f"{len({key[0] for key in record}):,}",
            "examples": f"{sum(entry.count for entry in record.values()):,}",
            "elements compared": f"{sum(entry.elements for entry in record.values()):,}",
            "worst error": _percent(max(entry.worst for entry in record.values())),
        }.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gradient tests</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>Gradient tests</h1>
<dl>{facts}</dl>
<p>Repeat with <code>pytest {escape(options)}</code></p>
<p>{_HOW_TO_READ} Under it, the number of examples. The worst operations come first.</p>
<p class="legend">{_LEGEND}</p>
</header>
<div class="scroll" role="region" aria-label="Results by operation, dtype and check" tabindex="0">
<table>
<thead><tr><th scope="col">operation</th><th scope="col">dtype</th>{heads}</tr></thead>
{groups}
</table>
</div>
</body>
</html>
"""


def _group(operation: _Operation, checks: list[str]) -> str:
    rows = []
    for i, dtype in enumerate(operation.dtypes):
        name = f'<th scope="rowgroup" rowspan="{len(operation.dtypes)}">{escape(operation.name)}</th>' if i == 0 else ""
        cells = "".join(_cell(operation.entries.get((check, dtype))) for check in checks)
        rows.append(f'<tr>{name}<th scope="row">{escape(dtype)}</th>{cells}</tr>')
    return f"<tbody>{''.join(rows)}</tbody>"


def _cell(entry: Entry | None) -> str:
    if entry is None:
        return '<td class="none">–</td>'
    worst = ("✗ " if entry.worst > 1 else "") + escape(_percent(entry.worst))
    return f'<td class="{_band(entry.worst)}"><b>{worst}</b><small>{entry.count:,}</small></td>'


def _band(worst: float) -> str:
    return "failed" if worst > 1 else "near" if worst > 0.5 else "some" if worst > 0.1 else "little"


def _by_operation(record: Mapping[Key, Entry]) -> list[_Operation]:
    """The operations, the worst first."""
    entries: defaultdict[str, dict[tuple[str, str], Entry]] = defaultdict(dict)
    for (operation, check, dtype), entry in record.items():
        entries[operation][check, dtype] = entry
    return sorted((_Operation(*item) for item in entries.items()), key=lambda o: (-o.worst, o.name))


def _checks(record: Mapping[Key, Entry]) -> list[str]:
    return sorted({check for _, check, _ in record})


def _words(check: str) -> list[str]:
    return check.replace("_", " ").split()


def _percent(worst: float | None) -> str:
    if worst is None:
        return "-"
    percent = 100 * worst
    if 0 < percent < 1:
        return "<1%"
    if percent > 999:
        return ">999%"
    # A failure never looks like 100%, which is still allowed.
    return f"{max(percent, 101) if worst > 1 else percent:.0f}%"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' if number != 1 else ''}"


def _natural(name: str) -> list[str | int]:
    """Sorts float8 before float64."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _together(dtypes: Iterable[str]) -> str:
    """Names of dtypes, those of one kind in one word: bool float32/64."""
    widths: defaultdict[str, list[str]] = defaultdict(list)
    for dtype in dtypes:
        kind = dtype.rstrip("0123456789")
        widths[kind].append(dtype.removeprefix(kind))
    return " ".join(kind + "/".join(sizes) for kind, sizes in widths.items())


def _columns(checks: list[list[str]], body: list[list[str]], width: int | None = None) -> list[str]:
    """Lines of the table, whose heads may be several words high; names are cut where it would be wider than `width`."""
    words = [["operation"], ["examples"], ["dtypes"], *checks]
    height = max(map(len, words))
    stacked = ([""] * (height - len(column)) + column for column in words)
    lines = [*zip(*stacked, strict=True), *body]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if width is not None:
        left = width - sum(widths[1:]) - 2 * len(widths[1:])
        widths[0] = min(widths[0], max(left, 20))  # a shorter name says too little
    return ["  ".join(_aligned(line, widths)).rstrip() for line in lines]


def _aligned(line: Sequence[str], widths: list[int]) -> Iterator[str]:
    for i, (cell, width) in enumerate(zip(line, widths, strict=True)):
        fitting = cell if len(cell) <= width else cell[: width - 2] + ".."
        yield fitting.ljust(width) if i in (0, 2) else fitting.rjust(width)


_LEGEND = "".join(
    f'<span class="{_band(worst)}">{text}</span>'
    for worst, text in {0.0: "up to 10%", 0.2: "up to 50%", 0.6: "up to 100%", 2.0: "✗ failed"}.items()
)

_STYLE = """
:root {
  color-scheme: light dark;
  --page: #fff; --text: #1b1f24; --faint: #5b6570; --line: #d5dae0;
  --little: #e3f4e6; --some: #fdf3c7; --near: #fde0bd; --failed: #b3261e; --failed-text: #fff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --text: #e4e7ea; --faint: #a0a9b2; --line: #363c43;
    --little: #16311d; --some: #3d3510; --near: #55330f; --failed: #f2b8b5; --failed-text: #601410;
  }
}
body { margin: 2rem; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; }
p { max-width: 70ch; margin: .5rem 0; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1rem 0; }
dl div { display: flex; flex-direction: column-reverse; }
dt { color: var(--faint); }
dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.legend span { display: inline-block; margin: 0 .5rem .25rem 0; padding: 0 .6rem; border-radius: .25rem; }
.scroll { margin-top: 1.5rem; }
table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line); }
td { white-space: nowrap; }
th { font-weight: 600; text-align: left; background: var(--page); }
thead th { position: sticky; top: 0; z-index: 1; vertical-align: bottom; text-align: right; border-bottom-width: 2px; }
thead th:nth-child(-n+2) { text-align: left; }
th[scope=rowgroup] { position: sticky; left: 0; overflow-wrap: anywhere; min-width: 9rem; max-width: 16rem; }
th[scope=row] { font-weight: 400; color: var(--faint); }
td small { display: block; color: var(--faint); }
.none { color: var(--faint); }
.little { background: var(--little); } .some { background: var(--some); } .near { background: var(--near); }
.failed { background: var(--failed); color: var(--failed-text); }
.failed small { color: inherit; }
@media (max-width: 60rem) { body { margin: 1rem; } .scroll { overflow-x: auto; } }
"""
