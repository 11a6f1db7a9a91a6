"""Modes: nesting, exceptions, decorators, generators, threads, tasks; what inference mode keeps out of graphs."""

import asyncio
import threading

import pytest

pytest.importorskip("torch")

from parity import assert_same

import minigrad

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


def enabled(torch):
    """Whether operations are recorded, asked in both ways."""
    x = torch.ones(2, requires_grad=True)
    return torch.is_grad_enabled(), (x * 2).requires_grad


@program
def nesting(torch):
    seen = [enabled(torch)]
    with torch.no_grad():
        seen.append(enabled(torch))
        with torch.enable_grad():
            seen.append(enabled(torch))
            with torch.no_grad():
                seen.append(enabled(torch))
            seen.append(enabled(torch))
        seen.append(enabled(torch))
    return [*seen, enabled(torch)]


@program
def exceptions(torch):
    try:
        with torch.no_grad():
            1 / 0
    except ZeroDivisionError:
        return enabled(torch)


@program
def as_a_function(torch):
    seen = []
    torch.set_grad_enabled(False)
    seen.append(enabled(torch))
    torch.set_grad_enabled(True)
    return [*seen, enabled(torch)]


@program
def as_a_context(torch):
    seen = []
    with torch.set_grad_enabled(False):
        seen.append(enabled(torch))
        with torch.set_grad_enabled(True):
            seen.append(enabled(torch))
        seen.append(enabled(torch))
    return [*seen, enabled(torch)]


@program
def made_before_it_is_entered(torch):
    seen = []
    off = torch.set_grad_enabled(False)
    seen.append(enabled(torch))
    with off:
        seen.append(enabled(torch))
    seen.append(enabled(torch))
    with off:
        seen.append(enabled(torch))
    return [*seen, enabled(torch)]


@program
def decorators(torch):
    @torch.no_grad()
    def off(x, *, k):
        """What it does."""
        return enabled(torch), k

    @torch.no_grad
    def bare(x, k):
        return enabled(torch), k

    @torch.enable_grad()
    def on(x):
        return enabled(torch)

    @torch.set_grad_enabled(False)
    def with_argument():
        return enabled(torch)

    @torch.inference_mode()
    def inferring():
        return enabled(torch), torch.is_inference_mode_enabled()

    @torch.inference_mode
    def bare_inferring():
        return enabled(torch), torch.is_inference_mode_enabled()

    seen = [enabled(torch), off(1, k=2), bare(1, 2), with_argument(), inferring(), bare_inferring(), enabled(torch)]
    with torch.no_grad():
        seen.append((on(1), enabled(torch)))
    return seen, off.__name__, off.__doc__


@program
def decorated_functions_call_themselves(torch):
    @torch.no_grad()
    def count(n):
        return [enabled(torch), *(count(n - 1) if n else [])]

    return count(3), enabled(torch)


@program
def generators(torch):
    @torch.no_grad()
    def numbers(n):
        for i in range(n):
            got = yield i, enabled(torch)
            if got == "stop":
                return "stopped", enabled(torch)
        return "done"

    seen = []
    for item in numbers(2):
        seen += [item, enabled(torch)]
    g = numbers(5)
    seen += [next(g), g.send("more")]
    try:
        g.send("stop")
    except StopIteration as stop:
        seen.append(stop.value)
    return [*seen, enabled(torch)]


@program
def generators_that_are_thrown_at_and_closed(torch):
    log = []

    @torch.no_grad()
    def careful():
        try:
            while True:
                try:
                    yield enabled(torch)
                except ValueError:
                    log.append(("caught", enabled(torch)))
        finally:
            log.append(("closed", enabled(torch)))

    g = careful()
    seen = [next(g), g.throw(ValueError), enabled(torch)]
    g.close()
    g = careful()
    next(g)
    try:
        g.throw(KeyError)
    except KeyError:
        seen.append("raised")
    return seen, log, enabled(torch)


@program
def a_no_grad_within_a_generator(torch):
    def numbers():
        with torch.no_grad():
            yield enabled(torch)
        yield enabled(torch)

    return [(item, enabled(torch)) for item in numbers()], enabled(torch)


@program
def classes(torch):
    @torch.no_grad()
    class Model:
        def __init__(self):
            self.seen = enabled(torch)

    return Model().seen


@program
def not_a_bool(torch):
    torch.set_grad_enabled(1)


@program
def printed(torch):
    return torch.set_grad_enabled(True)


@program
def detection_of_anomalies(torch):
    seen = [torch.is_anomaly_enabled()]
    with torch.autograd.set_detect_anomaly(True):
        seen.append((torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()))
        with torch.autograd.set_detect_anomaly(False):
            seen.append(torch.is_anomaly_enabled())
        seen.append(torch.is_anomaly_enabled())
    with torch.autograd.detect_anomaly(check_nan=False):  # warns
        seen.append((torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()))
    return [*seen, torch.is_anomaly_enabled()]


@program
def inference(torch):
    w = torch.ones(2, requires_grad=True)
    seen = []
    with torch.inference_mode():
        seen.append((torch.is_inference_mode_enabled(), torch.is_grad_enabled(), (w * 2).requires_grad))
        with torch.enable_grad():
            seen.append((w * 2).requires_grad)
        with torch.inference_mode(False):
            seen.append((torch.is_inference_mode_enabled(), torch.is_grad_enabled(), (w * 2).requires_grad))
        with torch.no_grad(), torch.inference_mode(mode=False):
            seen.append((torch.is_grad_enabled(), (w * 2).requires_grad))
        seen.append(torch.ones(2, requires_grad=True).requires_grad)
    return seen, torch.is_inference_mode_enabled(), enabled(torch)


@program
def inference_then_backward(torch):
    w = torch.ones(2, requires_grad=True)
    with torch.inference_mode():
        y = (w * 2).sum()
    y.backward()


@program
def the_same_names_in_autograd(torch):
    names = ("no_grad", "enable_grad", "set_grad_enabled", "inference_mode")
    return [getattr(torch, name) is getattr(torch.autograd, name) for name in names]


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__)
def test_same_as_torch(run):
    assert_same(run)


def test_one_mode_may_be_entered_twice():
    # In torch the inner block overwrites what the outer one remembers, and gradients stay off for good.
    off = minigrad.no_grad()
    with off, off:
        assert not minigrad.is_grad_enabled()
    assert minigrad.is_grad_enabled()


def test_modes_belong_to_their_thread():
    inside, done = threading.Event(), threading.Event()
    failures = []

    def hold_no_grad():
        with minigrad.no_grad():
            inside.set()
            if not done.wait(60):
                failures.append("never done")
            if minigrad.is_grad_enabled():
                failures.append("no_grad was lost")

    def train(seed):
        try:
            if not inside.wait(60):
                raise TimeoutError
            x = minigrad.full((50,), float(seed), requires_grad=True)
            for n in range(1, 51):
                (x * x).sum().backward()
                if x.grad.tolist() != [2.0 * seed * n] * 50:
                    failures.append((seed, n, x.grad))
        except Exception as error:
            failures.append(error)

    holder = threading.Thread(target=hold_no_grad)
    workers = [threading.Thread(target=train, args=(seed,)) for seed in range(1, 8)]
    for thread in (holder, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    done.set()
    holder.join()
    assert not failures
    assert minigrad.is_grad_enabled()


def test_eight_threads_share_a_leaf_and_keep_their_graphs():
    shared = minigrad.arange(4, dtype=minigrad.float64).requires_grad_()
    results = [None] * 8

    def work(i):
        for _ in range(20):
            y = shared * (i + 1)
            with minigrad.set_grad_enabled(i % 2 == 0):
                z = y * shared
            results[i] = minigrad.autograd.grad((z + y).sum(), shared)[0].tolist()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, found in enumerate(results):
        slope = [(2 * x + 1 if i % 2 == 0 else 1) * (i + 1) for x in range(4)]
        assert found == slope


def test_eight_threads_accumulate_into_one_leaf():
    shared = minigrad.zeros(200_000, requires_grad=True)

    def work():
        for _ in range(25):
            (shared * 1.0).backward(minigrad.ones(200_000))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (shared.grad == 200).all()


def test_a_new_thread_starts_with_gradients_on():
    seen = []
    with minigrad.no_grad():
        thread = threading.Thread(target=lambda: seen.append(minigrad.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_modes_belong_to_their_task():
    async def off(turns):
        with minigrad.no_grad():
            for _ in range(turns):
                await asyncio.sleep(0)
                assert not minigrad.is_grad_enabled()

    async def on(turns):
        for _ in range(turns):
            await asyncio.sleep(0)
            assert minigrad.is_grad_enabled()

    async def both():
        await asyncio.gather(off(5), on(5), off(3), on(3))

    asyncio.run(both())
    assert minigrad.is_grad_enabled()
