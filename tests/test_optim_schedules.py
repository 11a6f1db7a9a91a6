"""Schedules of learning rates beside torch's: the rates to the last digit, what is saved, warnings and errors."""

import warnings

import pytest

real_torch = pytest.importorskip("torch")

from parity import assert_same

import minigrad


class Halving:
    def __init__(self):
        self.calls = 0

    def __call__(self, epoch):
        self.calls += 1
        return 0.5**epoch


def sequential(torch, optimizer):
    s = torch.optim.lr_scheduler
    parts = [s.ConstantLR(optimizer, 0.1, 3), s.CosineAnnealingLR(optimizer, 4), s.ExponentialLR(optimizer, 0.9)]
    return s.SequentialLR(optimizer, parts, [2, 9])


def nested(torch, optimizer):
    s = torch.optim.lr_scheduler
    inner = s.SequentialLR(optimizer, [s.LinearLR(optimizer), s.StepLR(optimizer, 2)], [3])
    return s.SequentialLR(optimizer, [inner, s.PolynomialLR(optimizer, 7)], [6])


def chained(torch, optimizer):
    s = torch.optim.lr_scheduler
    return s.ChainedScheduler([s.ConstantLR(optimizer, 0.5, 4), s.ExponentialLR(optimizer, 0.9)], optimizer)


def plain(name, *args, **options):
    return lambda torch, optimizer: getattr(torch.optim.lr_scheduler, name)(optimizer, *args, **options)


SCHEDULES = {
    "averaging": lambda torch, o: torch.optim.swa_utils.SWALR(o, swa_lr=0.05, anneal_epochs=3),
    "averaging, linear": lambda torch, o: torch.optim.swa_utils.SWALR(o, 0.05, 4, "linear"),
    "averaging at once": lambda torch, o: torch.optim.swa_utils.SWALR(o, 0.05, 0),
    "lambda": plain("LambdaLR", lambda epoch: 0.95**epoch),
    "lambdas": lambda torch, o: plain("LambdaLR", [lambda epoch: 1 / (1 + epoch), Halving()])(torch, o),
    "multiplicative": plain("MultiplicativeLR", lambda epoch: 0.9),
    "step": plain("StepLR", 3),
    "step, int": plain("StepLR", 3, gamma=2),
    "milestones": plain("MultiStepLR", [2, 5, 5], gamma=0.3),
    "constant": plain("ConstantLR", total_iters=4),
    "linear": plain("LinearLR", start_factor=0.3, end_factor=0.7, total_iters=6),
    "exponential": plain("ExponentialLR", 0.9),
    "polynomial": plain("PolynomialLR", 8, power=2.0),
    "cosine": plain("CosineAnnealingLR", 5, eta_min=0.01),
    "restarts": plain("CosineAnnealingWarmRestarts", 3, T_mult=2, eta_min=0.01),
    "even restarts": plain("CosineAnnealingWarmRestarts", 4),
    "triangular": plain("CyclicLR", 0.1, 1.0, step_size_up=3),
    "triangular2": plain("CyclicLR", [0.1, 0.2], [1.0, 2.0], step_size_up=2, step_size_down=3, mode="triangular2"),
    "exp_range": plain("CyclicLR", 0.1, 1.0, step_size_up=3, mode="exp_range", gamma=0.9, cycle_momentum=False),
    "own cycle": lambda torch, o: plain("CyclicLR", 0.1, 1.0, 3, scale_fn=Halving(), scale_mode="iterations")(torch, o),
    "one cycle": plain("OneCycleLR", 1.0, total_steps=20),
    "one cycle, three phases": plain("OneCycleLR", [1.0, 2.0], epochs=4, steps_per_epoch=5, three_phase=True),
    "one cycle, linear": plain("OneCycleLR", 1.0, 20, anneal_strategy="linear", cycle_momentum=False, pct_start=0.5),
    "sequential": sequential,
    "nested": nested,
    "chained": chained,
}


def optimizer_of(torch, kind="SGD", lr=0.5):
    a, b = torch.ones(2, requires_grad=True), torch.ones(1, requires_grad=True)
    momentum = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(torch.optim, kind)([{"params": [a]}, {"params": [b], "lr": 1}], lr=lr, **momentum)


def course(schedule, optimizer, steps=18):
    """The rates (and momenta) from the start and after each step."""
    rows = []
    for _ in range(steps):
        rows.append([(g["lr"], g.get("momentum"), g.get("betas")) for g in optimizer.param_groups])
        rows.append(schedule.get_last_lr())
        optimizer.step()
        schedule.step()
    return rows


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_torchs_to_the_last_digit(name, kind):
    def program(torch):
        optimizer = optimizer_of(torch, kind)
        schedule = SCHEDULES[name](torch, optimizer)
        rows = course(schedule, optimizer)
        return rows, optimizer.param_groups[0]["initial_lr"], sorted(schedule.state_dict())

    assert_same(program)


@pytest.mark.parametrize("name", SCHEDULES)
def test_going_on_from_what_was_saved(name):
    def program(torch):
        optimizer = optimizer_of(torch)
        schedule = SCHEDULES[name](torch, optimizer)
        course(schedule, optimizer, 7)
        other = optimizer_of(torch)
        resumed = SCHEDULES[name](torch, other)
        resumed.load_state_dict(schedule.state_dict())
        other.load_state_dict(optimizer.state_dict())
        rows = course(resumed, other, 5)
        if torch is minigrad:
            assert rows == course(schedule, optimizer, 5), "as if it had never stopped"
        return rows

    assert_same(program)


@pytest.mark.parametrize(
    "name", ["step", "milestones", "constant", "linear", "exponential", "polynomial", "cosine", "lambda"]
)
def test_going_to_an_epoch(name):
    def program(torch):
        optimizer = optimizer_of(torch)
        schedule = SCHEDULES[name](torch, optimizer)
        optimizer.step()
        rows = []
        for epoch in (3, 0, 7, 20):
            schedule.step(epoch)
            rows.append(schedule.get_last_lr())
        return rows

    assert_same(program)


@pytest.mark.parametrize("name", ["step", "cosine", "exponential", "linear", "constant"])
def test_going_on_in_a_later_epoch(name):
    arguments = {"step": ("StepLR", 3), "cosine": ("CosineAnnealingLR", 5), "exponential": ("ExponentialLR", 0.9)}
    kind, *rest = arguments.get(name, ("LinearLR",) if name == "linear" else ("ConstantLR",))

    def program(torch):
        optimizer = optimizer_of(torch)
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        schedule = getattr(torch.optim.lr_scheduler, kind)(optimizer, *rest, last_epoch=3)
        return course(schedule, optimizer, 8)

    assert_same(program)


PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


@program
def parts_of_an_epoch(torch):
    optimizer = optimizer_of(torch)
    rows = []
    for mult in (1, 2):
        schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, mult)
        optimizer.step()
        for epoch in (0.5, 1, 2.9, 3.1, 10, 11.25):
            schedule.step(epoch)
            rows.append((schedule.get_last_lr(), schedule.T_cur, schedule.T_i))
    return rows


@program
def a_plateau(torch):
    rows = []
    for options in (
        {"patience": 1},
        {"mode": "max", "patience": 0, "cooldown": 2},
        {"threshold_mode": "abs", "threshold": 0.2, "patience": 1, "min_lr": 0.04},
        {"mode": "max", "threshold_mode": "abs", "factor": 0.5, "patience": 0, "min_lr": [0.1, 0.3]},
        {"eps": 0.2, "patience": 0},
    ):
        optimizer = optimizer_of(torch)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        for measure in (1.0, 0.9, 0.9, 0.89, 2.0, float("nan"), 0.1, 0.3, 0.3, 0.3, 0.3, 0.3):
            schedule.step(torch.tensor(measure))
            rows.append((schedule.get_last_lr(), schedule.num_bad_epochs, schedule.best, schedule.in_cooldown))
        other = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
        other.load_state_dict(schedule.state_dict())
        rows.append(other.state_dict())
    return rows


@program
def a_plateau_and_a_new_group(torch):
    optimizer = optimizer_of(torch)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    optimizer.add_param_group({"params": torch.ones(1, requires_grad=True)})
    for _ in range(3):
        schedule.step(1.0)
    return schedule.get_last_lr()


@program
def a_rate_that_is_a_tensor(torch):
    rate = torch.tensor(0.5)
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    rows = []
    for _ in range(5):
        optimizer.step()
        schedule.step()
        rows.append((optimizer.param_groups[0]["lr"] is rate, rate.clone(), schedule.get_last_lr()))
    return rows, schedule.base_lrs


@program
def a_schedule_of_ones_own(torch):
    class Root(torch.optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            return [rate / (1 + self.last_epoch) ** 0.5 for rate in self.base_lrs]

    optimizer = optimizer_of(torch)
    return course(Root(optimizer), optimizer)


@program
def averaging_goes_on_as_it_began(torch):
    first, other = optimizer_of(torch), optimizer_of(torch)
    linear, schedule = (torch.optim.swa_utils.SWALR(o, 0.05, 4, how) for o, how in ((first, "linear"), (other, "cos")))
    schedule.load_state_dict(linear.state_dict())
    return course(schedule, other, 5)


@program
def the_state_of_a_schedule(torch):
    optimizer = optimizer_of(torch)
    schedules = [SCHEDULES[name](torch, optimizer) for name in ("step", "linear", "lambdas", "exp_range", "sequential")]
    return [schedule.state_dict() for schedule in schedules]


def error(text, make):
    make.__name__ = text
    PROGRAMS.append(make)


error("no optimizer", lambda torch: torch.optim.lr_scheduler.StepLR(3, 1))
error("no optimizer for a plateau", lambda torch: torch.optim.lr_scheduler.ReduceLROnPlateau(3))
error("no optimizer for a cycle", lambda torch: torch.optim.lr_scheduler.OneCycleLR(3, 1.0, 3))
error("no initial rate", lambda torch: plain("StepLR", 3, last_epoch=2)(torch, optimizer_of(torch)))
for text, kind, args, options in (
    ("a wrong number of functions", "LambdaLR", ([len],), {}),
    ("no function", "MultiplicativeLR", (3,), {}),
    ("a constant above one", "ConstantLR", (2.0,), {}),
    ("a start of zero", "LinearLR", (0.0,), {}),
    ("an end above one", "LinearLR", (0.5, 2.0), {}),
    ("T_0", "CosineAnnealingWarmRestarts", (0,), {}),
    ("T_mult", "CosineAnnealingWarmRestarts", (1, 0), {}),
    ("eta_min", "CosineAnnealingWarmRestarts", (1, 1, "a"), {}),
    ("a mode of cycles", "CyclicLR", (0.1, 1.0), {"mode": "round"}),
    ("rates of cycles", "CyclicLR", ([0.1], 1.0), {}),
    ("steps", "OneCycleLR", (1.0,), {}),
    ("no steps", "OneCycleLR", (1.0, 0), {}),
    ("no epochs", "OneCycleLR", (1.0,), {"epochs": 0, "steps_per_epoch": 2}),
    ("no steps per epoch", "OneCycleLR", (1.0,), {"epochs": 3, "steps_per_epoch": 0.5}),
    ("a start as int", "OneCycleLR", (1.0, 5), {"pct_start": 1}),
    ("a strategy", "OneCycleLR", (1.0, 5), {"anneal_strategy": "up"}),
    ("a plateau's factor", "ReduceLROnPlateau", (), {"factor": 1.0}),
    ("a plateau's mode", "ReduceLROnPlateau", ("up",), {}),
    ("a plateau's threshold", "ReduceLROnPlateau", (), {"threshold_mode": "up"}),
    ("a plateau's least rates", "ReduceLROnPlateau", (), {"min_lr": [1]}),
    ("no schedules", "SequentialLR", ([], []), {}),
    ("what is no schedule", "SequentialLR", ([3], []), {}),
):
    error(
        text,
        lambda torch, kind=kind, args=args, options=options: plain(kind, *args, **options)(torch, optimizer_of(torch)),
    )
error("no momentum", lambda torch: plain("CyclicLR", 0.1, 1.0)(torch, optimizer_of(torch, "Adagrad")))
error("a chain of nothing", lambda torch: torch.optim.lr_scheduler.ChainedScheduler([]))
error("milestones", lambda torch: sequence_of(torch, [optimizer_of(torch)] * 2, []))
error("two optimizers", lambda torch: sequence_of(torch, [optimizer_of(torch), optimizer_of(torch, "Adam")], [1]))
error("a plateau in a sequence", lambda torch: with_plateau(torch, "SequentialLR"))
error("a plateau in a chain", lambda torch: with_plateau(torch, "ChainedScheduler"))


@program
def more_steps_than_one_cycle_has(torch):
    optimizer = optimizer_of(torch)
    course(torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, 4), optimizer, 6)


@program
def a_plateau_that_does_not_know_the_rate_of_a_new_group(torch):
    optimizer = optimizer_of(torch)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.1, 0.1])
    optimizer.add_param_group({"params": torch.ones(1, requires_grad=True)})
    for _ in range(3):
        schedule.step(1.0)


@program
def an_epoch_before_the_first(torch):
    torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer_of(torch), 3).step(-1)


def sequence_of(torch, optimizers, milestones):
    s = torch.optim.lr_scheduler
    return s.SequentialLR(optimizers[0], [s.StepLR(o, 1) for o in optimizers], milestones)


def with_plateau(torch, kind):
    s, optimizer = torch.optim.lr_scheduler, optimizer_of(torch)
    parts = [s.StepLR(optimizer, 1), s.ReduceLROnPlateau(optimizer)]
    return s.SequentialLR(optimizer, parts, [1]) if kind == "SequentialLR" else s.ChainedScheduler(parts)


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__.replace(" ", "_"))
def test_as_in_torch(run):
    assert_same(run)


def warned(torch, act):
    """What `act(optimizer, schedule)` warns of, as text; of minigrad, with the file that it names."""
    optimizer = optimizer_of(torch)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act(optimizer, schedule)
    files = {w.filename for w in caught if torch is minigrad}
    return [(w.category, str(w.message)) for w in caught], files


@pytest.mark.parametrize(
    "act",
    [
        lambda optimizer, schedule: schedule.step(),
        lambda optimizer, schedule: (optimizer.step(), schedule.step()),
        lambda optimizer, schedule: (schedule.step(), schedule.step(), optimizer.step()),
        lambda optimizer, schedule: (setattr(optimizer, "step", len), schedule.step()),
        lambda optimizer, schedule: (optimizer.step(), schedule.step(3)),
        lambda optimizer, schedule: schedule.get_lr(),
        lambda optimizer, schedule: (optimizer.step(), type(schedule)(optimizer, 1).step()),
    ],
)
def test_warnings_are_torchs_and_name_the_users_line(act):
    found, files = warned(minigrad, act)
    assert found == warned(real_torch, act)[0]
    assert files <= {__file__}


def averaged(torch, way):
    utils, calls = torch.optim.swa_utils, []
    ways = {
        "all alike": {},
        "with buffers": {"use_buffers": True},
        "ema": {"avg_fn": utils.get_ema_avg_fn(0.75)},
        "ema of lists": {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.75), "use_buffers": True},
        "by hand, lists": {"multi_avg_fn": lambda *lists: calls.append(list(map(len, lists[:2]))), "use_buffers": True},
        "by hand": {"avg_fn": lambda average, current, count: average + count + current, "device": "cpu"},
    }
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    mean, x = utils.AveragedModel(net, **ways[way]), torch.arange(16.0).reshape(8, 2) / 8
    for rate in (0.5, 0.25, 1.0):
        net(x * rate).pow(2).mean().backward()
        with torch.no_grad():
            for p in net.parameters():
                p += rate
        mean.update_parameters(net)
    before = [p.detach().double().sum().item().__round__(3) for p in mean.state_dict().values()]
    mean.eval()
    utils.update_bn([(x, None), (x + 1, None)], mean)
    after = [b.double().sum().item().__round__(3) for b in mean.buffers()]
    return (
        sorted(calls),
        mean,
        mean.n_averaged,
        before,
        after,
        list(mean.state_dict()),
        mean.module[1].momentum,
        mean.training,
    )


@pytest.mark.parametrize("way", ["all alike", "with buffers", "ema", "ema of lists", "by hand, lists", "by hand"])
def test_averages_of_models(way):
    assert_same(lambda torch: averaged(torch, way))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda torch, u, o: u.SWALR(o, 0.1, anneal_strategy="sin"),
        lambda torch, u, o: u.SWALR(o, 0.1, -1),
        lambda torch, u, o: u.SWALR(o, [0.1, 0.2]),
        lambda torch, u, o: u.get_ema_avg_fn(2.0),
        lambda torch, u, o: u.get_ema_multi_avg_fn(-1.0),
        lambda torch, u, o: u.AveragedModel(torch.nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max),
        lambda torch, u, o: u.update_bn(None, torch.nn.Linear(1, 1)),
    ],
)
def test_averaging_that_is_refused(wrong):
    assert_same(lambda torch: wrong(torch, torch.optim.swa_utils, torch.optim.SGD([torch.zeros(1)], lr=0.1)))


def test_a_schedule_of_ones_own_by_the_base_of_older_courses():
    def rates(torch):
        class Warm(torch.optim.lr_scheduler._LRScheduler):
            def __init__(self, optimizer, steps, last_epoch=-1):
                self.steps = steps
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                return [rate * min(1, (self.last_epoch + 1) / self.steps) for rate in self.base_lrs]

        optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.3)
        schedule, found = Warm(optimizer, 4), []
        for _ in range(6):
            optimizer.step()
            found.append(schedule.get_last_lr())
            schedule.step()
        return found, schedule.state_dict(), [c.__name__ for c in Warm.__mro__[1:3]]

    assert rates(minigrad) == rates(real_torch)
