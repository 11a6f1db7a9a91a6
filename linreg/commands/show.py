"""`linreg show DIR`: what the run is that was saved there, how far it is, and what it has found."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from linreg.arguments import Parser
from linreg.errors import DONE
from linreg.settings import AT_ONCE

if TYPE_CHECKING:
    from linreg.looking.statistics import Summary
    from linreg.saving.saved import Saved


def run(argv: Sequence[str]) -> int:
    """Show the run in the folder that `argv` names; the exit status."""
    parser = Parser(prog="linreg show", description="Show a run that linreg --save DIR keeps.", allow_abbrev=False)
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")
    options = parser.parse_args(argv)

    from linreg.saving.checkpoints import Folder
    from linreg.saving.intervals import judged
    from linreg.saving.saved import read

    saved = read(Folder(options.folder))
    summary = judged(saved) if "triangle" in saved.fixed else None
    print(json.dumps(_result(saved, summary)) if options.json else "\n".join(_lines(saved, summary)))
    return DONE


def _result(saved: "Saved", summary: "Summary | None") -> dict[str, Any]:
    """The run as one object; losses that are no numbers are null."""
    from linreg.lines import beside

    *slopes, constant = (beside(*pair) for pair in zip(saved.estimates(), saved.exact, strict=True))
    good = {}
    if summary is not None:
        rows = [*([constant] if saved.settings.fit_intercept else []), *slopes]
        for row, coefficient in zip(rows, summary.coefficients, strict=True):
            row.update(coefficient.as_json())
        r2, rmse = (value if math.isfinite(value) else None for value in (summary.trained_r2, summary.trained_rmse))
        good = {"r2": r2, "rmse": rmse, "standard_errors": summary.as_json()["standard_errors"]}
    run = saved.run
    losses, held_losses = (saved.training[name] for name in ("losses", "held_losses"))
    return {
        **asdict(saved.settings),
        "options": run["options"],
        "target": run["encoding"]["choice"]["target"],
        "weights": saved.weights,
        "rows": run["data"]["rows"],
        **run["position"],
        "ended": saved.ended,
        "losses": [loss if math.isfinite(loss) else None for loss in losses],
        "validation_losses": [loss if math.isfinite(loss) else None for loss in held_losses],
        "stopped": run["stopped"],
        "diverged": run["diverged"],
        "intercept": constant if saved.settings.fit_intercept else None,
        "coefficients": dict(zip(saved.names, slopes, strict=True)),
        **good,
    }


def _lines(saved: "Saved", summary: "Summary | None") -> list[str]:
    from linreg.lines import closing_lines, coefficient_lines, shown
    from linreg.outcome import Goodness

    result = _result(saved, summary)
    settings = {name: value for name, value in asdict(saved.settings).items() if value is not None}
    lines = [
        f"{shown(result['options'].get('data', 'synthetic data'))}: {result['rows']} rows to train on"
        + (f", weighted by {shown(result['weights'])}" if result["weights"] is not None else ""),
        ", ".join(f"{name} {shown(str(value))}" for name, value in settings.items()),
        f"{_place(saved)}: {shown(saved.ended or 'more to train')}",
    ]
    for kind in ("loss", "validation loss"):
        losses = [loss for loss in result[f"{kind.replace(' ', '_')}es"] if loss is not None]
        if losses:
            lines.append(f"{kind}: {losses[0]:f} after the first epoch, {losses[-1]:f} now, {min(losses):f} at best")
    table = result["target"], result["coefficients"], result["intercept"], saved.encoding.reference_levels
    if summary is None:
        return [*lines, *coefficient_lines(*table)]
    good = Goodness(summary.rows, result["r2"], summary.trained_rmse)
    return [
        *lines,
        *coefficient_lines(*table, f"{summary.errors or 'std.'} error"),
        *closing_lines(summary, [good], saved.settings, saved.weights, saved.run["diverged"]),
    ]


def _place(saved: "Saved") -> str:
    """How far the run is."""
    epoch, step, steps = (saved.run["position"][name] for name in ("epoch", "step", "steps"))
    of, counted = saved.settings.num_epochs, f"{steps:,} step{'s' * (steps != 1)}"
    if step:
        return f"in epoch {epoch + 1} of {of}, after {counted}"
    return f"epoch {epoch} of {of}" + ("" if saved.settings.optimizer in AT_ONCE else f", {counted} in all")
