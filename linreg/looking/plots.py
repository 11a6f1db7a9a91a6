"""Pictures of a run: the data with the fit, what the fit leaves, the loss of each step, and the path to the fit."""

import io
import math
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from linreg.errors import BadInput, required
from linreg.looking import panels
from linreg.looking.panels import Drawing
from linreg.looking.statistics import summarise
from linreg.looking.words import PLOT_WORDS
from linreg.outcome import Outcome
from minigrad.saving import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel = Callable[["Axes"], None]
SUFFIXES = (".png", ".svg", ".pdf")
WIDTH, HEIGHT = 9.6, 3.3  # inches, of the figure and of a row of panels
PER_ROW = 3  # panels of features
PAPER = "#ffffff"

STYLE: dict[str, Any] = {
    "axes.edgecolor": panels.QUIET,
    "axes.formatter.limits": (-4, 5),
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelcolor": panels.TEXT,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": panels.TEXT,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.dpi": 100,
    "font.sans-serif": ["DejaVu Sans"],
    "grid.color": panels.LINE,
    "grid.linewidth": 0.6,
    "figure.constrained_layout.h_pad": 0.1,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "path.simplify_threshold": 0.2,
    "pdf.fonttype": 42,
    "savefig.dpi": 150,
    "svg.fonttype": "none",  # texts stay texts, to be searched, read aloud and drawn in the reader's own fonts
    "svg.hashsalt": "linreg",
    "text.color": panels.TEXT,
    "xtick.color": panels.QUIET,
    "xtick.labelsize": 8,
    "ytick.color": panels.QUIET,
    "ytick.labelsize": 8,
}
# Nothing of when and by which version a file was made: the same run makes the same bytes.
METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
# Those that have letters beyond the Latin, Greek and Cyrillic of matplotlib's own.
WIDER_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "Arial Unicode MS",
)


def figure(outcome: Outcome, lang: str = "en") -> "Figure":
    """All panels of a run as one matplotlib figure.

    lang  "en" or "zh"
    Raises BadInput where matplotlib is not installed.
    """
    drawing = drawing_of(outcome, lang)
    rows = [row for part in PARTS.values() for row in part(drawing)]
    return _drawn(rows, note=feature_note(drawing))


def figure_of(part: str, drawing: Drawing) -> "Figure":
    """The panels alone of one of `PARTS`."""
    return _drawn(PARTS[part](drawing))


def drawing_of(outcome: Outcome, lang: str) -> Drawing:
    """What the panels of a run are drawn from, with texts in a language."""
    return Drawing(outcome, summarise(outcome), PLOT_WORDS[lang])


def feature_note(drawing: Drawing) -> str | None:
    """What to say of features that have no panel, if there are any."""
    shown, size = drawing.strongest(), len(drawing.outcome.names)
    if not shown or len(shown) == size:
        return None
    return drawing.words["left_out"].format(shown=len(shown), all=size)


def save(outcome: Outcome, path: str | os.PathLike[str], lang: str = "en") -> str:
    """Write the picture of a run to a file, PNG, SVG or PDF by its suffix, whole or not at all.

    Returns the letters that no installed font has, drawn as boxes; of an SVG none, as its reader's fonts are used.
    Raises BadInput for another suffix or where matplotlib is not installed, OSError where the file cannot be written.
    """
    suffix = checked_suffix(path)
    drawn = figure(outcome, lang)
    data, missing = rendered(drawn, suffix)
    write_whole(path, data)
    return missing


def checked_suffix(path: str | os.PathLike[str]) -> str:
    """The suffix of a picture's file, by which its format is chosen; BadInput where there is none such."""
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in SUFFIXES:
        raise BadInput(f"--plot writes FILE.png, FILE.svg or FILE.pdf, and {os.fspath(path)!r} ends with none of these")
    return suffix


def rendered(drawn: "Figure", suffix: str) -> tuple[bytes, str]:
    """A figure's bytes in a format, and the letters that no installed font has."""
    file = io.BytesIO()
    with _styled(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drawn.savefig(file, format=suffix[1:], metadata=METADATA[suffix])
    lacking = set[str]()
    for warning in caught:
        if (found := re.match(r"Glyph (\d+) ", str(warning.message))) is None:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        else:
            lacking.add(chr(int(found[1])))
    if suffix == ".svg":
        return _lighter(file.getvalue().decode()).encode(), ""
    return file.getvalue(), "".join(sorted(lacking))


def _lighter(svg: str) -> str:
    """The same drawing in half the bytes: points of one look have it in common, places have as many digits as show."""
    names: dict[str, str] = {}
    svg = re.sub(
        r'( id="|href="#|url\(#)([mp][0-9a-f]{10})(?=["\)])',
        lambda found: found[1] + names.setdefault(found[2], f"{found[2][0]}{len(names)}"),
        svg,
    )
    svg = re.sub(r' (?:d|x|y)="[^"]*"', lambda places: re.sub(r"\d+\.\d{3,}", _rounded, places[0]), svg)
    alike = r'<g([^>]*)>((?:\s*<use [^>]*? style="([^"]*)"/>)(?:\s*<use [^>]*? style="\3"/>)+)\s*</g>'
    return re.sub(alike, lambda found: f'<g{found[1]} style="{found[3]}">{_without_style(found[2])}</g>', svg)


def _rounded(places: re.Match[str]) -> str:
    return f"{float(places[0]):.2f}".rstrip("0").rstrip(".")


def _without_style(uses: str) -> str:
    return re.sub(r'\s*(<use [^>]*?) style="[^"]*"', r"\n\1", uses)


def require() -> None:
    """BadInput that says how to install matplotlib, where it cannot be imported."""
    with _styled():
        pass


@contextmanager
def _styled() -> Iterator[type["Figure"]]:
    """matplotlib's figures, under its own defaults and our style, whatever the reader's settings are."""
    required("matplotlib", "pictures need matplotlib", "plot")
    from matplotlib import style
    from matplotlib.figure import Figure
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    fonts = ["DejaVu Sans", *(name for name in WIDER_FONTS if name in installed), "sans-serif"]
    with style.context(["default", STYLE | {"font.family": fonts}]):
        yield Figure


def _feature_rows(drawing: Drawing) -> list[list[Panel]]:
    if len(drawing.outcome.names) == 1:
        return [[drawing.fit]]
    features = drawing.strongest()
    if not features:
        return [[drawing.against_fitted]]
    rows = np.array_split(features, -(-len(features) // PER_ROW))
    return [[partial(drawing.partial, feature=int(i), panels=len(features)) for i in row] for row in rows]


# What a run's picture is made of, from above.
PARTS: dict[str, Callable[[Drawing], list[list[Panel]]]] = {
    "data": _feature_rows,
    "residuals": lambda drawing: [[drawing.spread, drawing.normality]],
    "training": lambda drawing: [[drawing.losses, drawing.path]],
}


def _drawn(rows: list[list[Panel]], note: str | None = None) -> "Figure":
    with _styled() as Figure:
        drawn = Figure(figsize=(WIDTH, HEIGHT * len(rows)), layout="constrained", facecolor=PAPER)
        places = drawn.add_gridspec(len(rows), math.lcm(*map(len, rows)))
        for i, row in enumerate(rows):
            width = places.ncols // len(row)
            for j, draw in enumerate(row):
                draw(drawn.add_subplot(places[i, j * width : (j + 1) * width]))
        if note:
            drawn.suptitle(note, fontsize=9, color=panels.QUIET, x=0.01, horizontalalignment="left")
    return drawn
