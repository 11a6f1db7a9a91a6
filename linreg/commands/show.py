"""`linreg show DIR`: what the run is that was saved there, how far it is, and what it has found."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from linreg.arguments import Parser
from linreg.errors import DONE

if TYPE_CHECKING:
    from linreg.saving.saved import Saved


def run(argv: Sequence[str]) -> int:
    """Show the run in the folder that `argv` names; the exit status."""
    parser = Parser(prog="linreg show", description="Show a run that linreg --save DIR keeps.", allow_abbrev=False)
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")
    options = parser.parse_args(argv)

    from linreg.saving.checkpoints import Folder
    from linreg.saving.saved import read

    saved = read(Folder(options.folder))
    print(json.dumps(_result(saved)) if options.json else "\n".join(_lines(saved)))
    return DONE


def _result(saved: "Saved") -> dict[str, Any]:
    """The run as one object; losses that are no numbers are null."""
    from linreg.lines import beside

    *slopes, constant = (beside(*pair) for pair in zip(saved.estimates(), saved.exact, strict=True))
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
    }


def _lines(saved: "Saved") -> list[str]:
    from linreg.lines import coefficient_lines, shown

    result = _result(saved)
    settings = {name: value for name, value in asdict(saved.settings).items() if value is not None}
    lines = [
        f"{shown(result['options'].get('data', 'synthetic data'))}: {result['rows']} rows to train on"
        + (f", weighted by {shown(result['weights'])}" if result["weights"] else ""),
        ", ".join(f"{name} {shown(str(value))}" for name, value in settings.items()),
        f"epoch {result['epoch']} of {saved.settings.num_epochs}"
        + (f" and step {result['step']} of the next" if result["step"] else "")
        + f", {result['steps']} steps in all: "
        + shown(saved.ended or "more to train"),
    ]
    for kind in ("loss", "validation loss"):
        losses = [loss for loss in result[f"{kind.replace(' ', '_')}es"] if loss is not None]
        if losses:
            lines.append(f"{kind}: {losses[0]:f} after the first epoch, {losses[-1]:f} now, {min(losses):f} at best")
    table = result["target"], result["coefficients"], result["intercept"]
    return [*lines, *coefficient_lines(*table, saved.encoding.reference_levels)]
