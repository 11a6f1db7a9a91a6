"""A run's report: one HTML page that needs no other file, no network and no script."""

import math
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape
from importlib.resources import files
from string import Template

import numpy as np

from linreg.looking import panels, plots
from linreg.looking.panels import Drawing
from linreg.looking.report_words import REPORT_WORDS
from linreg.looking.residuals import Check
from linreg.looking.statistics import FAR_OFF, Coefficient, Summary
from linreg.looking.words import Words, number, shown
from linreg.outcome import Outcome
from linreg.settings import AT_ONCE
from minigrad import __version__
from minigrad.saving import write_whole

HTML_LANGUAGES = {"en": "en", "zh": "zh-CN"}
MOST_NAMES, MOST_GROUPS = 8, 3  # of features that nearly depend, named
# The pictures' colours follow the page's, light or dark.
COLOURS = {
    panels.TEXT: "var(--text)",
    panels.QUIET: "var(--quiet)",
    panels.LINE: "var(--line)",
    panels.DATA: "var(--data)",
    panels.FIT: "var(--fit)",
    plots.PAPER: "var(--panel)",
}


def write(
    outcome: Outcome, path: str | os.PathLike[str], lang: str = "en", command: Sequence[str] | None = None
) -> None:
    """Write the report of a run to a file, whole or not at all.

    lang     "en" or "zh"
    command  the words of the command that made it, where it was one
    Raises BadInput where matplotlib is not installed, OSError where the file cannot be written.
    """
    write_whole(path, page(outcome, lang, command).encode("utf-8", "replace"))


def page(outcome: Outcome, lang: str = "en", command: Sequence[str] | None = None) -> str:
    """The report of a run as HTML; arguments are as in `write`."""
    drawing, words = plots.drawing_of(outcome, lang), REPORT_WORDS[lang]
    title = words["title"].format(target=shown(outcome.target, 80))
    parts = [
        *_verdict(drawing, words),
        *_coefficients(drawing, words),
        *_goodness(drawing, words),
        *_data(drawing, words),
        *_residuals(drawing, words),
        *_training(drawing, words),
        *_configuration(outcome, words, command),
    ]
    text = (files(__package__) / "report.html").read_text(encoding="utf-8")
    return Template(text).substitute(lang=HTML_LANGUAGES[lang], title=escape(title), parts="\n".join(parts))


def _verdict(drawing: Drawing, words: Words) -> list[str]:
    outcome, summary = drawing.outcome, drawing.summary
    size, r2, lines = len(outcome.names), summary.trained_r2, []
    if outcome.diverged:
        why = outcome.diverged[0].upper() + outcome.diverged[1:]
        lines.append(_paragraph(words["diverged"].format(why=why), "verdict bad"))
    kind = "unexplained" if r2 < 0 else "explained"
    told = words[kind if outcome.settings.fit_intercept else f"{kind}_0"].format(
        target=shown(outcome.target),
        share="—" if math.isnan(r2) else f"{_short_of_all(100 * r2)} %",
        r2=_short_of_all(r2),
        rows=f"{summary.rows:,}",
        features=words["feature"] if size == 1 else words["features"].format(count=f"{size:,}"),
    )
    told = f"{told} {words['error_is'].format(rmse=number(summary.trained_rmse))}"
    if summary.proves_nothing:
        vain = words["vain_dependent" if summary.without == "dependent" else "vain"]
        told += vain.format(count=f"{len(summary.coefficients):,}")
    lines.append(_paragraph(told, "verdict bad" if summary.proves_nothing else "verdict"))
    far = summary.off >= FAR_OFF
    if far or not (math.isnan(summary.off) or outcome.diverged):
        told = words["unconverged" if far else "converged"].format(off=number(summary.off, 2))
        lines.append(_paragraph(told, "verdict bad" if far else "verdict"))
    return lines


def _coefficients(drawing: Drawing, words: Words) -> list[str]:
    summary, weights = drawing.summary, drawing.outcome.weights
    heads = ["name", "trained", "exact"]
    if summary.without is None:
        heads += ["error_robust" if summary.errors else "error", "interval"]
    kind = "robust" if summary.errors else "weighted_errors" if weights is not None else None
    texts = [*(words[head] for head in heads), *(["t", "p"] if summary.without is None else [])]
    return [
        _heading(words["coefficients"]),
        _paragraph(words[summary.without or "belongs"], "note"),
        *([_paragraph(words["weighted"].format(weights=shown(weights, 80)), "note")] if weights is not None else []),
        *([_paragraph(words[kind], "note")] if kind and summary.without is None else []),
        *([_paragraph(words["saturated"], "note")] if summary.without == "dependent" and summary.freedom <= 0 else []),
        *_reference(drawing.outcome, words),
        *_nearly_dependent(drawing, words),
        _table(words["coefficients"], texts, [_coefficient(row, summary, words) for row in summary.coefficients]),
    ]


def _reference(outcome: Outcome, words: Words) -> list[str]:
    """What the coefficients of categories are differences from."""
    levels = ", ".join(shown(level, 80) for level in outcome.reference_levels)
    return [_paragraph(words["reference"].format(levels=levels), "note")] if levels else []


def _nearly_dependent(drawing: Drawing, words: Words) -> list[str]:
    """That features come near to following from others, where they do."""
    if drawing.summary.without is not None:
        return []
    condition, groups = drawing.residuals.design.condition
    if not groups:
        return []

    def told(places: Sequence[int]) -> str:
        names = [shown(drawing.outcome.names[place]) for place in places]
        return ", ".join([*names[:MOST_NAMES], *(["…"] if len(names) > MOST_NAMES else [])])

    also = "".join(words["nearly_also"].format(names=told(group)) for group in groups[1:MOST_GROUPS])
    also += "…" if len(groups) > MOST_GROUPS else ""
    return [
        _paragraph(words["nearly"].format(names=told(groups[0]), also=also, condition=number(condition)), "note"),
    ]


def _coefficient(row: Coefficient, summary: Summary, words: Words) -> list[str]:
    name = words["intercept"] if row.name is None else shown(row.name, 80)
    cells = [name, number(row.estimate, 9), number(row.exact, 9)]
    if summary.without is None:
        interval = f"{number(row.low, 6)} … {number(row.high, 6)}"
        cells += [number(row.error, 5), interval, number(row.t), _probability(row.p)]
    return cells


def _goodness(drawing: Drawing, words: Words) -> list[str]:
    summary = drawing.summary
    r2_name = words["r2" if drawing.outcome.settings.fit_intercept else "r2_0"]
    facts = [
        (words["exact_r2"].format(r2=r2_name), _short_of_all(summary.r2, 6)),
        (words["trained_r2"].format(r2=r2_name), _short_of_all(summary.trained_r2, 6)),
    ]
    if summary.without is None:
        criteria = {"aic": summary.aic, "bic": summary.bic}
        facts += [
            (words["adjusted"].format(r2=r2_name), _short_of_all(summary.adjusted_r2, 6)),
            (words["deviation"], number(summary.deviation, 6)),
            (words["freedom"], f"{summary.freedom:,}"),
            (words["f"], f"{number(summary.f, 6)}, p {_probability(summary.f_p)}"),
            *((words[name], "—" if math.isnan(value) else number(value, 9)) for name, value in criteria.items()),
        ]
    facts.append((words["rmse"], number(summary.trained_rmse, 6)))
    outcome = drawing.outcome
    if outcome.validation_losses and not outcome.diverged:
        # The parameters kept are those with the lowest of these losses, which are half a mean square in standard units.
        held = float(outcome.scaling.stds[-1]) * math.sqrt(2 * min(outcome.validation_losses))
        if outcome.held_triangle and (r2 := outcome.goodness(outcome.held_triangle).r2) is not None:
            facts.append((words["held_r2"].format(r2=r2_name), _short_of_all(r2, 6)))
        facts.append((words["held_rmse"], number(held, 6)))
    return [_heading(words["whole"]), _facts(words["whole"], facts)]


def _data(drawing: Drawing, words: Words) -> list[str]:
    outcome = drawing.outcome
    names, target, drawn = outcome.names, shown(outcome.target), len(outcome.sample[1])
    features, rows = (drawing.strongest() if len(names) > 1 else []), f"{drawn:,}"
    if len(names) == 1:
        slope = number(drawing.slopes[0].estimate)
        alt = words["alt_fit"].format(rows=rows, target=target, name=shown(names[0]), slope=slope)
        note = ""
    elif features:
        slopes = ", ".join(f"{shown(names[i])} {number(drawing.slopes[i].estimate)}" for i in features)
        alt, note = words["alt_partial"].format(target=target, slopes=slopes), words["data_partial"]
    else:
        alt, note = words["alt_observed"].format(rows=rows, target=target), words["data_dependent"]
    if features:
        rows = f"{len(range(0, drawn, panels.thinning(drawn, len(features)))):,}"
    notes = [
        note.format(target=target),
        plots.feature_note(drawing),
        words["data_note"].format(rows=_of_all(rows, outcome, words)),
    ]
    return [
        _heading(words["data"]),
        *(_paragraph(text, "note") for text in notes if text),
        _figure(drawing, "data", words, alt),
        *_missing(outcome, words),
    ]


def _of_all(rows: str, outcome: Outcome, words: Words) -> str:
    """So many of the rows trained on, or all of them."""
    every = f"{outcome.triangle.rows:,}"
    return words["all_rows" if rows == every else "some_rows"].format(rows=rows, all=every)


def _missing(outcome: Outcome, words: Words) -> list[str]:
    """How many values a table lacked, by column, and what became of their rows."""
    counts = outcome.counts
    if counts is None or not counts.missing:
        return []
    kind = "missing_filled" if counts.policy == "mean" else "missing_dropped"
    note = words[kind].format(dropped=f"{counts.dropped:,}", read=f"{counts.read:,}")
    rows = [[shown(name, 80), f"{count:,}"] for name, count in counts.missing.items()]
    return [
        f"<h3>{escape(words['missing'])}</h3>",
        _paragraph(note, "note"),
        _table(words["missing"], [words["column"], words["missing_values"]], rows),
    ]


def _residuals(drawing: Drawing, words: Words) -> list[str]:
    residuals = drawing.residuals
    if drawing.summary.errors:
        words = {**words, "spread_doubtful": words["spread_allowed"]}
    bounds = [
        (values.min(initial=math.inf), values.max(initial=-math.inf))
        for values in (residuals.errors, residuals.studentised)
    ]
    (low, high), (least, most) = ([number(float(value), 3) for value in pair] for pair in bounds)
    alt = words["alt_residuals"].format(low=low, high=high, least=least, most=most)
    note = words["residuals_note"].format(rows=_of_all(f"{len(residuals.errors):,}", drawing.outcome, words))
    if drawing.summary.off >= FAR_OFF:
        note += words["residuals_early"]
    made = [
        _heading(words["residuals"]),
        _paragraph(note, "note"),
        _figure(drawing, "residuals", words, alt),
        _table(
            words["residuals"],
            [words["check"], words["statistic"], "p", words["answer"]],
            [_check(check, words) for check in residuals.checks()],
            numbers=(1, 2),
        ),
    ]
    if influential := residuals.influential():
        heads = [words["row"], words["observed"], words["fitted"], words["leverage"], words["cook"]]
        rows = [
            [
                f"{row.row + 1:,}",
                *(number(value, 9) for value in (row.observed, row.fitted)),
                number(row.leverage),
                number(row.cook),
            ]
            for row in influential
        ]
        title = words["influential" if residuals.in_order else "influential_sampled"]
        made += [f"<h3>{escape(title)}</h3>", _table(title, heads, rows)]
    return made


def _check(check: Check, words: Words) -> list[str]:
    silent = {"exact": "exact_fit"}.get(check.verdict, check.verdict)
    answer = words.get(f"{check.kind}_{check.verdict}", words.get(silent, ""))
    if check.row is not None:
        answer = answer.format(row=f"{check.row + 1:,}")
    return [
        words[check.kind],
        "" if math.isnan(check.statistic) else number(check.statistic),
        "" if math.isnan(check.p) else _probability(check.p),
        answer,
    ]


def _training(drawing: Drawing, words: Words) -> list[str]:
    outcome, design = drawing.outcome, drawing.residuals.design
    lowest = design.squares(design.exact) / 2 / design.rows
    facts = [(words["optimizer"], outcome.settings.optimizer), (words["rows"], f"{design.rows:,}")]
    facts.append((words["epochs"], f"{len(outcome.losses):,}"))
    if outcome.settings.optimizer not in AT_ONCE:
        facts.append((words["steps"], f"{outcome.steps:,}"))
    facts.append((words["seconds"], f"{number(outcome.seconds, 3)} s"))
    if outcome.rows_seen and outcome.seconds:
        facts.append((words["speed"], f"{outcome.rows_seen / outcome.seconds:,.0f}"))
    if outcome.losses:
        facts.append((words["last_loss"], number(outcome.losses[-1], 6)))
    facts.append((words["lowest_loss"], number(lowest, 6)))
    if outcome.validation_losses:
        lowest_held = min(outcome.validation_losses)
        facts.append((words["held_loss"], number(outcome.validation_losses[-1], 6)))
        facts.append((words["best_loss"], number(lowest_held, 6)))
        facts.append((words["best_epoch"], f"{outcome.validation_losses.index(lowest_held) + 1:,}"))
    if outcome.stopped:
        facts.append((words["stopped"], outcome.stopped))
    first, last = (number(outcome.losses[i]) if outcome.losses else "—" for i in (0, -1))
    return [
        _heading(words["training"]),
        _paragraph(words["training_note"], "note"),
        _figure(drawing, "training", words, words["alt_training"].format(first=first, last=last)),
        _facts(words["training"], facts),
    ]


def _configuration(outcome: Outcome, words: Words, command: Sequence[str] | None) -> list[str]:
    def told(value: object) -> str:
        return words["none"] if value is None else f"{value:g}" if isinstance(value, float) else str(value)

    made = [_heading(words["configuration"])]
    made.append(
        _facts(words["configuration"], ((name, told(value)) for name, value in asdict(outcome.settings).items()))
    )
    if command:
        made += [f"<h3>{escape(words['command'])}</h3>", f"<pre>{escape(shlex.join(command))}</pre>"]
    return [*made, _paragraph(words["made_by"].format(version=__version__), "note")]


def _figure(drawing: Drawing, part: str, words: Words, alt: str) -> str:
    """One of the picture's parts inside the page, with a text for those who do not see it."""
    data, _ = plots.rendered(plots.figure_of(part, drawing), ".svg")
    text = data.decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'style="([^"]*)"', lambda found: f'style="{_restyled(found[1])}"', text)
    # Names of parts are unique in a page, not only in a picture.
    text = re.sub(r'\bid="', f'id="{part}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{part}-", text)
    text = re.sub(r'<svg ([^>]*?)width="[^"]*" height="[^"]*"', r"<svg \1", text, count=1)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    return f"<figure>{_scrolled(words[part], text)}</figure>"


def _restyled(style: str) -> str:
    for colour, variable in COLOURS.items():
        style = style.replace(colour, variable)
    return re.sub(r"('[^;']*'(, )?)+(sans-serif)?", "system-ui, sans-serif", style)


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _paragraph(text: str, kind: str) -> str:
    return f'<p class="{kind}">{escape(text)}</p>'


def _table(name: str, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] | None = None) -> str:
    """A table whose rows are named by their first cells; the columns `numbers`, or all others, are numbers."""
    numeric = range(1, len(heads)) if numbers is None else numbers

    def kind(place: int) -> str:
        return ' class="number"' if place in numeric else ""

    head = "".join(f'<th scope="col"{kind(i)}>{escape(text)}</th>' for i, text in enumerate(heads))
    body = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td{kind(i)}>{escape(text)}</td>" for i, text in enumerate(rest, start=1))
        + "</tr>"
        for first, *rest in rows
    )
    return _scrolled(name, f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>")


def _facts(name: str, pairs: Iterable[tuple[str, str]]) -> str:
    rows = "\n".join(f'<tr><th scope="row">{escape(fact)}</th><td>{escape(value)}</td></tr>' for fact, value in pairs)
    return _scrolled(name, f'<table class="facts"><tbody>{rows}</tbody></table>')


def _scrolled(name: str, text: str) -> str:
    """What may be wider than the window: a region with a name, that the keyboard reaches."""
    return f'<div class="scroll" role="region" aria-label="{escape(name)}" tabindex="0">{text}</div>'


def _probability(p: float) -> str:
    return "—" if math.isnan(p) else "< 1e−300" if p < 1e-300 else number(p, 3)


def _short_of_all(value: float, digits: int = 4) -> str:
    """A number of so many digits, rounded down where it would else become 1, or 100: nearly all is not told as all."""
    if math.isnan(value) or value <= 0:
        return "—" if math.isnan(value) else number(value, digits)
    size = math.floor(math.log10(value))
    if float(f"{value:.{digits}g}") < 10.0 ** (size + 1):
        return number(value, digits)
    scale = 10.0 ** (digits - 1 - size)
    return number(float(np.floor(value * scale) / scale), digits)
