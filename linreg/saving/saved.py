"""What a run's folder says of it, checked: nothing in it is taken on trust."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from linreg.errors import BadInput
from linreg.outcome import MOST_TRACED
from linreg.saving.checkpoints import RUN, Folder
from linreg.saving.forms import FLAG, LINE, LOSS, NUMBER, TEXT, WHOLE, Either, Maybe, Shaped, Some, check, readable
from linreg.scaling import Scaling
from linreg.settings import HELD_OUT, MISSING, OPTIMIZERS, Settings
from linreg.tables.encoding import Encoding
from linreg.triangle import Array, Triangle

SETTINGS: dict[str, Any] = {
    "lr": Either(None, form=NUMBER),
    "num_epochs": WHOLE,
    "batch_size": WHOLE,
    "optimizer": Either(*OPTIMIZERS),
    "weight_decay": NUMBER,
    "patience": Either(None, form=WHOLE),
    "until": Either(None, form=NUMBER),
    "init_std": NUMBER,
    "seed": NUMBER,  # up to 2**64 - 1
    "dtype": Either("float32", "float64"),
    "backend": Either("minigrad", "torch"),
    "device": TEXT,
    "validation": NUMBER,
    "validation_rows": Maybe(Either(*HELD_OUT)),
    "fit_intercept": FLAG,
}
RUN_FORM: dict[str, Any] = {
    "options": dict,
    "settings": SETTINGS,
    "names": Some(TEXT),
    "encoding": {
        "choice": {
            "features": Some(TEXT),
            "categories": Some(TEXT),
            "target": TEXT,
            "weights": Maybe(Either(None, form=TEXT)),
        },
        "levels": Some(Some(TEXT)),
        "missing": Either(*MISSING),
        "fit_intercept": FLAG,
        "fills": Some(NUMBER),
        "shares": Some(Some(NUMBER)),
        "means": Some(NUMBER),
        "stds": Some(NUMBER),
        "header": Maybe(FLAG),
        "na": Maybe(Some(TEXT)),
    },
    "data": {"rows": WHOLE, "fingerprint": TEXT},
    "position": {"epoch": WHOLE, "step": WHOLE, "steps": WHOLE, "rows_seen": WHOLE},
    "losses": Some(LOSS),
    "validation_losses": Some(LOSS),
    "stopped": Either(None, form=LINE),
    "diverged": Either(None, form=LINE),
}
MOST_KEPT = 1000  # coefficients of a run that keeps its rows' triangle, which then has 8 MB
# What an optimizer of torch.optim keeps for each parameter once it has made a step.
KEPT = {"momentum": ("momentum_buffer",), "adam": ("step", "exp_avg", "exp_avg_sq")}


@dataclass(frozen=True)
class Saved:
    """A run as its folder has it.

    `run` is the checked content of run.json, and `training` and `trace` what `Training.restore` and `Trace.restore`
    take, with minigrad's tensors; `fixed` are those that stay the same throughout the run. `names` are the d
    coefficients', in whose own units `exact` (d + 1,) is the answer of least squares, the intercept last. `w` (d,) and
    `b`, in the units trained in, are what the run would end with, were it to end now.
    """

    folder: Folder
    run: dict[str, Any]
    training: dict[str, Any]
    fixed: dict[str, Any]
    trace: dict[str, Any] | None
    settings: Settings
    names: tuple[str, ...]
    encoding: Encoding
    exact: Array
    w: Array
    b: float

    @property
    def ended(self) -> str | None:
        """Why nothing is left to train, if so."""
        if self.run["diverged"] is not None:
            return str(self.run["diverged"])
        if self.run["stopped"] is not None:
            return f"it stopped {self.run['stopped']}"
        epochs = self.settings.num_epochs
        return f"its last epoch, {epochs}, is done" if self.run["position"]["epoch"] >= epochs else None

    @property
    def scaling(self) -> Scaling:
        """The way back to the columns' own units."""
        return self.encoding.scaling

    @property
    def scores(self) -> Array | None:
        """What `linreg.robust` finds in the rows, where standard errors are to be robust."""
        return self.fixed["scores"].numpy() if "scores" in self.fixed else None

    @property
    def weights(self) -> str | None:
        """The column of the weights of the rows trained on, if they have any."""
        return self.encoding.choice.weights

    @property
    def triangle(self) -> Triangle:
        """All rows trained on, in the units trained in; BadInput where they are not kept."""
        if "triangle" not in self.fixed:
            if len(self.names) > MOST_KEPT:
                raise BadInput(f"{self.folder.path} keeps only coefficients: there are more than {MOST_KEPT} of them")
            raise BadInput(
                f"{self.folder.path} was saved by an older linreg, which kept only coefficients: "
                f"linreg --resume {self.folder.path} adds what is missing, where its data still are"
            )
        triangle = Triangle(len(self.names))
        triangle.rows, triangle.R = self.run["data"]["rows"], self.fixed["triangle"].numpy()
        if not (triangle.rows and np.isfinite(triangle.R).all()):
            raise BadInput(f"{self.folder.path}: what it keeps of its rows is not made of numbers")
        return triangle

    def estimates(self) -> Array:
        """The slopes in the columns' own units, then the intercept (d + 1,)."""
        return np.append(*self.encoding.scaling.in_own_units(self.w, self.b))


def read(folder: Folder) -> Saved:
    """What a folder holds; BadInput for what a run would not have written there."""
    run, state = folder.load()
    file = str(folder.path / RUN)
    check(run, RUN_FORM, "", file)
    settings, position = Settings(**run["settings"]), run["position"]
    size, held_out = len(run["names"]), settings.validation > 0
    encoding = _encoding(run, file)
    for name, length in (("losses", position["epoch"]), ("validation_losses", position["epoch"] * held_out)):
        check(run[name], Some(LOSS, length), name, file)

    form = _state_form(settings, size, position["steps"]) | {"trace": _trace_form(state, size)}
    check(state, form, "", f"{folder.path}: the state that {RUN} names")
    fixed, training = state["fixed"], dict(state["training"])
    training |= position | {"stopped": run["stopped"]}
    training["losses"], training["held_losses"] = ([*map(readable, run[of])] for of in ("losses", "validation_losses"))
    early_stop, ran_out = training["early_stop"], run["diverged"] is not None
    params = training["params"] if ran_out or early_stop["best_epoch"] < 0 else early_stop["copies"]
    w = params[0].numpy().reshape(-1).astype(np.float64)
    b = params[1].item() if settings.fit_intercept else 0.0
    return Saved(
        folder,
        run,
        training,
        fixed,
        state["trace"],
        settings,
        tuple(run["names"]),
        encoding,
        fixed["exact"].numpy(),
        w,
        b,
    )


def _encoding(run: dict[str, Any], file: str) -> Encoding:
    """What makes a table's rows what was trained on, if its parts fit each other and the run's."""
    try:
        encoding = Encoding.from_json(json.dumps(run["encoding"]))
        choice, numbers = encoding.choice, (*encoding.fills, *encoding.means, *encoding.stds, *sum(encoding.shares, ()))
        if not (
            len(encoding.names) == len(run["names"])
            and encoding.fit_intercept == run["settings"]["fit_intercept"]
            and len({*choice.features, choice.target}) == len(choice.features) + 1
            and choice.categories == tuple(name for name in choice.features if name in choice.categories)
            and len(choice.categories) == len(encoding.levels)
            and np.isfinite(numbers).all()
            and min(encoding.stds) > 0
        ):
            raise BadInput("its parts do not fit each other")
    except BadInput as error:
        raise BadInput(f"{file}: encoding: {error}") from error
    return encoding


def _state_form(settings: Settings, size: int, steps: int) -> dict[str, Any]:
    params = [Shaped(size, 1, dtype=settings.dtype), Shaped(1, dtype=settings.dtype)][: 1 + settings.fit_intercept]
    optimizer: Any = Either(None)
    columns = size + settings.fit_intercept
    if settings.optimizer in KEPT:
        # One number counts the steps; all else has its parameter's shape.
        kept = [
            {name: Shaped(dtype=settings.dtype) if name == "step" else param for name in KEPT[settings.optimizer]}
            for param in params
        ]
        optimizer = {"state": dict(enumerate(kept)) if steps else {}, "param_groups": list}
    return {
        "fixed": {
            "exact": Shaped(size + 1, dtype="float64"),
            "triangle": Maybe(Shaped(size + 2, size + 2, dtype="float64")),
            "scores": Maybe(Shaped(columns, columns, dtype="float64")),
        },
        "training": {
            "random": (Either(3), (*[WHOLE] * 624, Either(*range(625))), Either(None, form=NUMBER)),
            "params": tuple(params),
            "optimizer": optimizer,
            "watch": {"mean": NUMBER, "bound": NUMBER, "copies": tuple(params)},
            "early_stop": {"best": NUMBER, "best_epoch": Either(-1, form=WHOLE), "copies": tuple(params)},
            "objective": NUMBER,
        },
    }


def _trace_form(state: Any, size: int) -> Either:
    trace = state.get("trace") if isinstance(state, dict) else None
    steps = trace.get("steps") if isinstance(trace, dict) else None
    length = min(len(steps), MOST_TRACED) if isinstance(steps, list) else 0
    numbers = Shaped(length, size + 2, dtype="float64") if length else Either(None)
    # It doubles each time that there would be too many.
    every = Either(*(1 << doublings for doublings in range(63)))
    return Either(None, form={"every": every, "steps": Some(WHOLE, length), "numbers": numbers})
