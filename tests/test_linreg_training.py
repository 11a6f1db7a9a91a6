"""The ways to train: optimizers, one step to the minimum, weight decay, early stopping, and learning rates too large."""

import contextlib
import io
import itertools
import json
import random
import re
from functools import partial

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from linreg_command import linreg
from test_linreg_cli import NORRIS, assert_refused

from linreg import data, model
from linreg.errors import Diverged
from linreg.exact import lstsq_step, newton_step
from linreg.settings import AT_ONCE, MOMENTUM, OPTIMIZERS
from linreg.stability import largest_stable_rate
from linreg.tables.split import Split
from linreg.train import train

# minigrad keeps NumPy's warnings of overflow quiet, as torch does; pytest's filters undo that.
pytestmark = pytest.mark.filterwarnings(r"ignore::RuntimeWarning:minigrad\.|<")

TABLE = ["--data", NORRIS, "--target", "y"]
STEPWISE = [name for name in OPTIMIZERS if name not in AT_ONCE]


@pytest.fixture(params=["minigrad", "torch"])
def torch(request):
    module = pytest.importorskip(request.param)
    default = module.get_default_dtype()
    module.set_default_dtype(module.float64)
    yield module
    module.set_default_dtype(default)


def problem(torch, rows=60, size=3, seed=0):
    """Features of unequal scales, labels with noise, and parameters to start from."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, size)) * [1, 2, 0.5][:size] + 0.3
    y = X @ rng.normal(size=(size, 1)) + 4.2 + 0.1 * rng.normal(size=(rows, 1))
    torch.manual_seed(seed)
    random.seed(seed)
    return torch.from_numpy(X), torch.from_numpy(y), *model.init_params(size, torch=torch)


def fit(torch, X, y, w, b, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        stopped = train(X, y, w, b, torch=torch, **options)
    return np.array([*w.reshape(-1).tolist(), b.item()]), stopped


def minimum(X, y, weight_decay=0.0, intercept=True):
    """The parameters with the smallest mean loss and penalty, from the normal equations."""
    A = np.column_stack([X.numpy(), np.ones(len(X))]) if intercept else X.numpy()
    penalty = len(X) * weight_decay * np.diag(np.arange(A.shape[1]) < X.shape[1])
    answer = np.linalg.solve(A.T @ A + penalty, A.T @ y.numpy()).ravel()
    return answer if intercept else np.append(answer, 0.0)


def table_result(*options):
    code, out, err = linreg(*TABLE, *options, "--seed", 0, "--dtype", "float64", "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


# Small steps


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("job", [[], TABLE, [*TABLE, "--no-intercept"]])
def test_both_backends_print_the_same_text(optimizer, job):
    pytest.importorskip("torch")
    options = [*job, "--optimizer", optimizer, "--dtype", "float64", "--seed", 1, "--weight-decay", 0.01]
    options += [] if optimizer in AT_ONCE else ["--num-epochs", 4, "--validation", 0.25]
    ours, theirs = (linreg(*options, "--backend", backend) for backend in ("minigrad", "torch"))
    # What differs in the last bits differs in how far the exact answer is away.
    assert [re.sub(r"\S+$", "", line) for line in ours[1].splitlines()] == [
        re.sub(r"\S+$", "", line) for line in theirs[1].splitlines()
    ]
    assert ours[0] == theirs[0] == 0


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_momentum_and_adam_are_torch_optims(torch, optimizer):
    X, y, w, b = problem(torch)
    v, c = w.detach().clone().requires_grad_(), b.detach().clone().requires_grad_()
    steps = {"momentum": partial(torch.optim.SGD, momentum=MOMENTUM), "adam": torch.optim.Adam}
    theirs = steps[optimizer]([v, c], lr=0.01)
    for _ in range(3):
        for features, labels in data.data_iter(10, X, y, torch=torch):
            theirs.zero_grad()
            model.squared_loss(model.linreg(features, v, c, torch=torch), labels).mean().backward()
            theirs.step()
    random.seed(0)
    ours, _ = fit(torch, X, y, w, b, optimizer=optimizer, lr=0.01)
    assert ours == pytest.approx([*v.reshape(-1).tolist(), c.item()], rel=1e-12)


@pytest.mark.parametrize("optimizer", STEPWISE)
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("intercept", [True, False])
def test_every_optimizer_ends_at_the_minimum(torch, optimizer, weight_decay, intercept):
    X, y, w, b = problem(torch)
    rate, epochs = {"sgd": (0.3, 300), "momentum": (0.1, 300), "adam": (0.05, 600)}[optimizer]
    options = {"optimizer": optimizer, "weight_decay": weight_decay, "lr": rate, "batch_size": 60, "num_epochs": epochs}
    found, _ = fit(torch, X, y, w, b.requires_grad_(intercept), **options)
    assert found == pytest.approx(minimum(X, y, weight_decay, intercept), rel=1e-4, abs=1e-6)


def test_weight_decay_weighs_alike_in_batches_of_all_sizes(torch):
    """60 rows are four batches of 13 and one of 8: their steps, so small, add up to that of all rows."""
    X, y, w, b = problem(torch)
    start = np.append(w.detach().numpy(), b.item())
    gradient = X.numpy().T @ (X.numpy() @ start[:-1, None] - y.numpy()) + 60 * 0.7 * start[:-1, None]
    moved, _ = fit(torch, X, y, w, b, lr=1e-6, weight_decay=0.7, batch_size=13, num_epochs=1)
    assert moved[:-1] - start[:-1] == pytest.approx(-1e-6 / 13 * gradient.ravel(), rel=1e-4)


# One step


@pytest.mark.parametrize("step", [newton_step, lstsq_step])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("intercept", [True, False])
def test_one_step_is_at_the_minimum(torch, step, weight_decay, intercept):
    X, y, w, b = problem(torch)
    with torch.no_grad():
        w += 100.0
        b += 7.0 if intercept else 0.0
    step(X, y, w, b.requires_grad_(intercept), weight_decay=weight_decay, torch=torch)
    found = np.array([*w.reshape(-1).tolist(), b.item()])
    assert found == pytest.approx(minimum(X, y, weight_decay, intercept), rel=1e-11)
    assert w.requires_grad


@pytest.mark.parametrize("columns", ["twice", "sum", "zero", "few rows"])
def test_newton_where_the_rows_do_not_determine_every_direction(torch, columns):
    X, y, _, _ = problem(torch, size=2)
    more = {"twice": X[:, :1], "sum": X.sum(1, keepdim=True), "zero": 0 * X[:, :1], "few rows": X[:, :1] ** 2}[columns]
    X = torch.cat([X, more], dim=1)
    if columns == "few rows":
        X, y = X[:3], y[:3]
    w, b = model.init_params(3, torch=torch)
    start = np.append(w.detach().numpy(), b.item())
    newton_step(X, y, w, b, torch=torch)
    found = np.append(w.detach().numpy(), b.item())
    A = np.column_stack([X.numpy(), np.ones(len(X))])
    shortest = np.linalg.lstsq(A, y.numpy().ravel() - A @ start)[0]
    assert found - start == pytest.approx(shortest, rel=1e-6, abs=1e-8)


def test_newton_on_features_that_are_all_zero_moves_nothing(torch):
    w, b = model.init_params(2, torch=torch)
    start = w.tolist()
    newton_step(torch.zeros(4, 2), torch.ones(4, 1), w, b.requires_grad_(False), torch=torch)
    assert w.tolist() == start
    assert b.item() == 0


def test_newton_on_columns_nearly_alike_is_as_exact_as_lstsq(torch):
    """Of a condition of 1e9, whose square is beyond float64: without new coordinates no digit would be right."""
    X, y, w, b = problem(torch, size=2)
    X = torch.cat([X, X[:, :1] + 1e-9 * X[:, 1:] ** 2], dim=1)
    w = torch.zeros(3, 1, requires_grad=True)
    v, c = w.detach().clone(), b.detach().clone().requires_grad_()
    newton_step(X, y, w, b, torch=torch)
    lstsq_step(X, y, v, c, torch=torch)
    assert w.reshape(-1).tolist() == pytest.approx(v.reshape(-1).tolist(), rel=1e-5)


def test_newton_in_float32(torch):
    X, y, w, b = (part.detach().to(torch.float32).requires_grad_(part.requires_grad) for part in problem(torch))
    found, _ = fit(torch, X, y, w, b, optimizer="newton", num_epochs=1, lr=None)
    assert found == pytest.approx(minimum(X, y), rel=1e-5)


@pytest.mark.parametrize("optimizer", AT_ONCE)
def test_the_command_takes_one_step(optimizer):
    result = table_result("--optimizer", optimizer, "--weight-decay", 0.2)
    assert (result["lr"], result["num_epochs"], result["batch_size"]) == (None, 1, 36)
    assert len(result["losses"]) == 1
    for row in (result["intercept"], result["coefficients"]["x"]):
        assert row["estimate"] == pytest.approx(row["exact"], rel=1e-11)
    # Ridge on one standardised column divides its slope by 1 + λ.
    assert result["coefficients"]["x"]["exact"] == pytest.approx(1.00211681802045 / 1.2, rel=1e-12)


# The end of training


def test_until_ends_with_the_first_epoch_that_gains_too_little():
    result = table_result("--batch-size", 36, "--lr", 0.3, "--until", 0.1)
    losses = result["losses"]
    gains = [1 - after / before for before, after in itertools.pairwise(losses)]
    assert gains[-1] <= 0.1 < min(gains[:-1])
    assert result["stopped"] == f"after epoch {len(losses)}, which lowered the loss by no more than 0.1 of itself"
    assert result["num_epochs"] == 10_000
    shown = linreg(*TABLE, "--batch-size", 36, "--lr", 0.3, "--until", 0.1, "--seed", 0)[1].splitlines()
    assert shown[1:3] == [f"epoch {len(losses)}, loss {losses[-1]:f}", f"stopped {result['stopped']}"]


@pytest.mark.parametrize("backend", ["minigrad", "torch"])
def test_training_stops_early_and_keeps_the_best_epoch(backend):
    pytest.importorskip(backend)
    job = ["--true-w", *[1] * 20, "--num-examples", 40, "--noise", 2, "--seed", 3, "--backend", backend]
    options = [*job, "--validation", 0.4, "--patience", 4, "--json", "--lr", 0.05]
    result = json.loads(linreg(*options, "--num-epochs", 500)[1])
    held = result["validation_losses"]
    best = int(np.argmin(held))
    assert len(held) == len(result["losses"]) == best + 5 < 500
    assert result["stopped"] == (
        f"after epoch {best + 5}: the validation loss has not fallen since epoch {best + 1}, whose parameters are kept"
    )
    as_long_as_the_best = json.loads(linreg(*options, "--num-epochs", best + 1)[1])
    assert as_long_as_the_best["stopped"] is None
    assert as_long_as_the_best["w"]["estimate"] == result["w"]["estimate"]
    too_long = json.loads(linreg(*options, "--num-epochs", best + 3)[1])
    assert too_long["w"]["estimate"] == result["w"]["estimate"]
    options.remove("--json")
    told = f"the parameters after epoch {best + 1} are kept: the validation loss was lowest there"
    assert told in linreg(*options, "--num-epochs", best + 3)[1]
    for epochs in (best + 1, best + 5):  # where the best is the last, and where what stopped it says the same
        assert "are kept: " not in linreg(*options, "--num-epochs", epochs)[1]


def test_rows_held_out_are_seen_by_nothing_else(tmp_path):
    """Neither by training nor by the standardisation: changed, they change the validation loss alone."""
    text = ["y,x", *(f"{2 * x + 1 + (x * 7) % 5},{x}" for x in range(20))]
    path = tmp_path / "t.csv"
    held = np.flatnonzero(Split(0, 0.25, "refuse", 0).held(0, 20))
    assert len(held) in range(1, 10)
    results = []
    for change in (0, 100):
        rows = [f"{row}{change:03}" if place - 1 in held and change else row for place, row in enumerate(text)]
        path.write_text("\n".join(rows))
        options = ["--validation", 0.25, "--seed", 0, "--num-epochs", 3, "--json"]
        results.append(json.loads(linreg("--data", path, "--target", "y", *options)[1]))
    before, after = results
    assert before.pop("validation_losses") != after.pop("validation_losses")
    assert before["losses"] == after["losses"]
    assert before["coefficients"]["x"]["exact"] == after["coefficients"]["x"]["exact"]
    assert before["rows"] == 20 - len(held)
    assert before["rows_held_out"] == len(held)


def test_a_split_has_rows_on_both_sides_and_draws_nothing_for_none():
    state = random.getstate()
    assert data.split(5, 0.0) == ([0, 1, 2, 3, 4], [])
    assert random.getstate() == state
    for fraction, sizes in ((0.01, (4, 1)), (0.4, (3, 2)), (0.99, (1, 4))):
        trained, held = data.split(5, fraction)
        assert (len(trained), len(held)) == sizes
        assert sorted(trained + held) == [0, 1, 2, 3, 4]


# Learning rates too large


@pytest.mark.parametrize("momentum", [0.0, MOMENTUM])
@pytest.mark.parametrize("weight_decay", [0.0, 3.0])
@pytest.mark.parametrize("intercept", [True, False])
def test_the_largest_stable_rate_divides_what_converges_from_what_does_not(torch, momentum, weight_decay, intercept):
    limit = largest_stable_rate(
        problem(torch)[0].numpy(), 60, intercept=intercept, weight_decay=weight_decay, momentum=momentum
    )
    options = {"optimizer": "momentum" if momentum else "sgd", "weight_decay": weight_decay, "batch_size": 60}
    X, y, w, b = problem(torch)
    found, _ = fit(torch, X, y, w, b.requires_grad_(intercept), lr=0.98 * limit, num_epochs=500, **options)
    assert found == pytest.approx(minimum(X, y, weight_decay, intercept), rel=1e-2)
    X, y, w, b = problem(torch)
    with pytest.raises(Diverged, match=rf"is too large: the largest stable one for these data is about {limit:.2g};"):
        fit(torch, X, y, w, b.requires_grad_(intercept), lr=1.02 * limit, num_epochs=500, **options)


def test_the_largest_stable_rate_is_two_over_the_largest_eigenvalue():
    X = np.random.default_rng(0).normal(size=(50, 3)) * [1, 2, 3]
    assert largest_stable_rate(X, 50, intercept=False) == pytest.approx(2 / np.linalg.eigvalsh(X.T @ X / 50)[-1])
    assert largest_stable_rate(np.zeros((5, 2)), 5, intercept=False) == np.inf


@pytest.mark.parametrize("batch_size", [1, 10])
def test_smaller_batches_allow_less_and_train_at_the_limit(torch, batch_size):
    X, y, w, b = problem(torch)
    limit = largest_stable_rate(X.numpy(), batch_size)
    assert limit < 0.9 * largest_stable_rate(X.numpy(), 60)
    fit(torch, X, y, w, b, lr=limit, batch_size=batch_size, num_epochs=100)
    with pytest.raises(Diverged, match="too large: the largest stable"):
        fit(torch, *problem(torch), lr=4 * limit, batch_size=batch_size, num_epochs=100)


def test_parameters_are_those_that_were_last_good(torch):
    """At an lr just above the limit training improves before it diverges, and what it found then is kept."""
    X, y, w, b = problem(torch)
    limit = largest_stable_rate(X.numpy(), 60)

    def loss():
        return float(model.squared_loss(model.linreg(X, w, b, torch=torch).detach(), y).mean())

    start = loss()
    with pytest.raises(Diverged, match=r"; the last good parameters are kept$"):
        fit(torch, X, y, w, b, lr=1.05 * limit, batch_size=60, num_epochs=500)
    assert b.item() != 0
    assert loss() <= start


def test_adam_names_its_own_cause(torch):
    with pytest.raises(Diverged, match="; Adam moves a parameter by about lr in each step, and lr 100 is too large;"):
        fit(torch, *problem(torch), optimizer="adam", lr=100.0)


def test_training_that_goes_on_from_a_perfect_fit_does_not_diverge(torch):
    X, y, w, b = problem(torch)
    newton_step(X, y, w, b, torch=torch)
    y = model.linreg(X, w, b, torch=torch).detach()
    fit(torch, X, y, w, b, lr=0.05)


def test_a_table_that_diverges_shows_the_last_good_coefficients():
    code, out, err = linreg(*TABLE, "--lr", 2.5, "--seed", 0, "--json")
    result = json.loads(out)
    assert code == 1
    assert err == f"linreg: error: {result['diverged']}\n"
    assert np.isfinite(result["coefficients"]["x"]["estimate"])


# Options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--optimizer", "lbfgs"], "--optimizer: invalid choice: 'lbfgs'"),
        (["--optimizer", "newton", "--lr", "1"], "--lr cannot go with --optimizer newton, which takes all rows"),
        (["--optimizer", "newton", "--batch-size", "5"], "--batch-size cannot go with --optimizer newton"),
        (["--optimizer", "lstsq", "--num-epochs", "5"], "--num-epochs cannot go with --optimizer lstsq"),
        (["--optimizer", "lstsq", "--until", "0.1"], "--until cannot go with --optimizer lstsq"),
        (["--optimizer", "newton", "--explain"], "--explain shows a step on a minibatch and cannot go with"),
        (["--weight-decay", "-1"], "--weight-decay: '-1' is not a number from 0 to 1e+20"),
        (["--weight-decay", "1e21"], "--weight-decay: '1e21' is not a number from 0 to 1e+20"),
        (["--validation", "1"], "--validation: '1' is not a fraction between 0 and 1"),
        (["--validation", "0.5", "--num-examples", "1"], "--validation 0.5 cannot split 1 examples"),
        (["--patience", "3"], "--patience needs --validation"),
        (["--until", "no"], "--until: 'no' is not a finite number"),
        (["--no-intercept"], "--no-intercept needs --data"),
        ([*TABLE, "--validation", "0.999999"], "column 'x' is constant"),
    ],
)
def test_impossible_options_are_refused_in_one_line(options, said):
    assert said in assert_refused(*options)


def test_a_column_of_zeros_is_refused_without_intercept_and_a_constant_one_is_not(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y,x,one,zero\n1,2,1,0\n3,5,1,0\n4,4,1,0\n")
    options = ["--data", path, "--target", "y", "--no-intercept", "--optimizer", "newton", "--dtype", "float64"]
    assert "column 'zero' is constant: every value is 0" in assert_refused(*options)
    result = json.loads(linreg(*options, "--features", "x,one", "--json")[1])
    with_intercept = json.loads(linreg(*options[:4], *options[5:], "--features", "x", "--json")[1])
    assert result["intercept"] is None
    assert result["coefficients"]["one"]["estimate"] == pytest.approx(with_intercept["intercept"]["exact"])


def test_explain_shows_the_step_with_weight_decay(tmp_path):
    file = tmp_path / "step.svg"
    assert linreg(*TABLE, "--weight-decay", 0.1, "--no-intercept", "--explain", file)[0] == 0
    plain = tmp_path / "plain.svg"
    assert linreg(*TABLE, "--explain", plain)[0] == 0
    assert file.read_text() != plain.read_text()


def near_the_limit(lr, tmp_path):
    """Status, stdout and stderr of a run with momentum on data whose largest stable rate is 2.2."""
    X, noise = (np.random.default_rng(seed).normal(size=200) for seed in (0, 1))
    table = tmp_path / "t.csv"
    table.write_text("x,y\n" + "".join(f"{x},{3 * x + e}\n" for x, e in zip(X, noise, strict=True)))
    how = ["--optimizer", "momentum", "--lr", lr, "--batch-size", 50, "--num-epochs", 30, "--seed", 0, "--quiet"]
    return linreg("--data", table, "--target", "y", *how)


def test_a_loss_of_all_rows_that_has_grown_is_no_bad_luck(tmp_path):
    """Just above the limit the loss grows slowly: no batch's is a hundred times that of the start."""
    status, _, err = near_the_limit(2.8, tmp_path)
    assert status == 1
    assert re.search(r"last step: mean loss .* lr 2.8 is too large: the largest stable one for these data is", err), err


def test_a_loss_that_has_risen_again_is_told(tmp_path):
    found = {lr: near_the_limit(lr, tmp_path) for lr in (0.3, 1.6)}
    assert [status for status, *_ in found.values()] == [0, 0]
    assert found[0.3][2] == ""
    assert re.match(
        r"linreg: warning: the loss has risen to \S+, from \S+: lr 1.6 is too large for some", found[1.6][2]
    )
