"""Datasets, samplers, collating and loading beside torch's: the same batches, the same order, the same stream after."""

import collections
import multiprocessing
import warnings

import numpy as np
import pytest

real_torch = pytest.importorskip("torch")

from parity import assert_same

import minigrad
from minigrad.utils import data


@pytest.fixture(scope="module", autouse=True)
def forked_workers():
    """torch's workers are forks, which Python 3.14 no longer makes unasked: others are not sent a class in a function."""
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("fork", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


PROGRAMS = []
Point = collections.namedtuple("Point", "x y")


def program(function):
    PROGRAMS.append(function)
    return function


def dataset(torch, rows=10):
    return torch.utils.data.TensorDataset(torch.arange(2.0 * rows).reshape(rows, 2), torch.arange(rows))


def squares(torch, n=7):
    class Squares(torch.utils.data.Dataset[int]):
        def __getitem__(self, i):
            return i * i

        def __len__(self):
            return n

    return Squares()


def stream(torch, n=7, start=0, said=None):
    class Stream(torch.utils.data.IterableDataset):
        def __init__(self):
            self.start, self.end = start, start + n

        def __iter__(self):
            return iter(range(self.start, self.end))

        def __len__(self):
            return n if said is None else said

    return Stream()


def passes(torch, loader, generator=None, count=2):
    """The batches of some passes, and a few numbers of the streams after each."""
    rows = []
    for _ in range(count):
        rows.append(list(loader))
        rows.append(torch.rand(2))
        if generator is not None:
            rows.append(torch.rand(2, generator=generator))
    return rows


def loaded(text, **options):
    """A program that loads with these options, with and without a generator, from several kinds of datasets."""

    def run(torch):
        rows = []
        d = torch.utils.data
        for make in (dataset, squares, lambda torch: d.Subset(d.Subset(dataset(torch), [5, 1, 3, 8, 9]), [4, 0, 1])):
            for seed in (None, 3):
                generator = None if seed is None else torch.Generator().manual_seed(seed)
                loader = d.DataLoader(make(torch), generator=generator, **options)
                rows += [len(loader), *passes(torch, loader, generator)]
        return rows

    run.__name__ = text
    PROGRAMS.append(run)


loaded("one by one")
loaded("in batches", batch_size=3)
loaded("in whole batches", batch_size=3, drop_last=True)
loaded("shuffled", batch_size=4, shuffle=True)
loaded("shuffled, in whole batches", batch_size=5, shuffle=True, drop_last=True)
loaded("without batches", batch_size=None)
loaded("shuffled without batches", batch_size=None, shuffle=True)
loaded("collated by hand", batch_size=3, collate_fn=lambda batch: ("batch", batch))
loaded("in an order of ones own", batch_size=2, sampler=[2, 0, 1])
loaded("in batches of ones own", batch_sampler=[[2, 0], [1], [-1, 0, 0]])
loaded("with workers", batch_size=3, shuffle=True, num_workers=2)
loaded("with workers, without batches", batch_size=None, num_workers=2)


@program
def batches_of_a_tensor_dataset(torch):
    X = torch.arange(12.0).reshape(3, 4).t()
    y = torch.arange(4, dtype=torch.int32)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y, y.double() > 1), batch_size=3)
    return [(type(batch).__name__, batch, [(t.stride(), t.dtype, t._version) for t in batch]) for batch in loader]


@program
def batches_that_want_gradients(torch):
    X = torch.arange(4.0, requires_grad=True)
    (batch,) = next(iter(torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X), batch_size=2)))
    (batch**2).sum().backward()
    return batch, X.grad


@program
def changing_a_batch_leaves_the_data(torch):
    d = dataset(torch, 3)
    for X, y in torch.utils.data.DataLoader(d, batch_size=2):
        X.zero_()
        y += 1
    return d.tensors


@program
def random_splits(torch):
    d = torch.utils.data
    kinds = []
    for lengths in ([7, 3], [0.5, 0.25, 0.25], [0.75, 0.25], [10], [1.0]):
        kinds.append([list(part.indices) for part in d.random_split(range(10), lengths)])
        kinds.append([list(part) for part in d.random_split(range(11), [11], torch.Generator().manual_seed(1))])
    (part, _) = d.random_split(dataset(torch), [6, 4])
    return kinds, len(part), part[0], part[[1, 2]], list(d.DataLoader(part, 4)), torch.rand(1)


@program
def a_split_that_is_empty(torch):
    return [len(part) for part in torch.utils.data.random_split(range(1), [0.5, 0.5])]


@program
def samplers(torch):
    d = torch.utils.data
    made = [
        d.SequentialSampler(range(4)),
        d.RandomSampler(range(5)),
        d.RandomSampler(range(5), num_samples=13),
        d.RandomSampler(range(5), replacement=True, num_samples=70),
        d.RandomSampler(range(5), replacement=True, generator=torch.Generator().manual_seed(2)),
        d.SubsetRandomSampler([3, 5, 7]),
        d.WeightedRandomSampler([0.1, 0.7, 0.2], 5),
        d.WeightedRandomSampler(torch.tensor([1.0, 2.0, 3.0]), 3, False, torch.Generator().manual_seed(2)),
        d.BatchSampler(d.RandomSampler(range(7)), 3, False),
        d.BatchSampler(d.SequentialSampler(range(7)), 3, True),
        d.BatchSampler([1, 2], 3, True),
    ]
    return [(len(sampler), list(sampler), list(sampler)) for sampler in made], torch.rand(1)


@program
def a_generator_after_an_order(torch):
    generator = torch.Generator().manual_seed(2)
    order = iter(torch.utils.data.RandomSampler(range(3), generator=generator))
    first = [next(order), next(order), next(order)], torch.rand(1, generator=generator)
    return first, list(order), torch.rand(1, generator=generator)


@program
def datasets_of_datasets(torch):
    d = torch.utils.data
    joined = dataset(torch, 2) + dataset(torch, 3)
    stacked, named = d.StackDataset(range(3), squares(torch, 3)), d.StackDataset(a=range(3), b=dataset(torch, 3))
    return (
        [joined[i] for i in (0, 2, 4, -1, -5)],
        (len(joined), joined.cumulative_sizes),
        [stacked[i] for i in range(len(stacked))],
        (named[1], list(d.DataLoader(named, 2)), list(d.DataLoader(d.Subset(stacked, [2, 0]), 2))),
        list(stream(torch, 2) + stream(torch, 2, 5)),
        (
            len(d.ChainDataset([stream(torch), stream(torch)])),
            list(d.DataLoader(d.ChainDataset([stream(torch, 5)]), 2)),
        ),
        d.TensorDataset(torch.ones(3, 2))[1:],
    )


@program
def streams(torch):
    d = torch.utils.data
    made = [
        d.DataLoader(stream(torch), batch_size=3),
        d.DataLoader(stream(torch), batch_size=3, drop_last=True),
        d.DataLoader(stream(torch), batch_size=None),
        d.DataLoader(stream(torch, 6), batch_size=3),
        d.DataLoader(stream(torch, 0), batch_size=3),
    ]
    return [(len(loader), passes(torch, loader)) for loader in made]


@program
def a_stream_that_is_longer_than_it_said(torch):
    loader = torch.utils.data.DataLoader(stream(torch, 3, said=1))
    return len(loader), list(loader)


@program
def examples_fetched_all_at_once(torch):
    class Fetching(torch.utils.data.Dataset):
        def __getitems__(self, indices):
            return [i * 10 for i in indices]

        def __len__(self):
            return 5

    return list(torch.utils.data.DataLoader(Fetching(), 2))


@program
def what_is_collated(torch):
    collate = torch.utils.data.default_collate
    batches = [
        [1, 2],
        [1.5, 2.5],
        [True, False],
        ["a", "b"],
        [b"a", b"b"],
        [torch.ones(2), torch.zeros(2)],
        [(1, torch.ones(1)), (2, torch.zeros(1))],
        [[1, "a"], [2, "b"]],
        [{"x": 1, "y": [1.0, 2.0]}, {"x": 2, "y": [3.0, 4.0]}],
        [Point(1, 2.0), Point(3, 4.0)],
        [np.ones(2, np.float32), np.zeros(2, np.float32)],
        [np.float32(1), np.float32(2)],
        [np.int64(1), np.int64(2)],
        [np.bool_(True)],
        [np.array(1.0), np.array(2.0)],
        [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
        [range(2), range(2, 4)],
    ]
    return [(type(collate(batch)).__name__, collate(batch)) for batch in batches]


@program
def what_is_converted(torch):
    convert = torch.utils.data.default_convert
    values = [
        *(1, "a", b"a", None, 1.5),
        *(np.ones(2), np.float32(1), np.array(["a"]), np.str_("a")),
        *((1, np.ones(1)), [np.ones(1), "a"], {"a": np.ones(1)}, Point(np.ones(1), 2), torch.ones(2)),
    ]
    return [(type(convert(value)).__name__, convert(value)) for value in values]


@program
def workers_have_streams_of_their_own(torch):
    class Noise(torch.utils.data.Dataset):
        def __getitem__(self, i):
            info = torch.utils.data.get_worker_info()
            where = (-1, 0, 0) if info is None else (info.id, info.num_workers, info.seed)
            return torch.rand(1), torch.randn(1), *where, torch.initial_seed()

        def __len__(self):
            return 5

    loader = torch.utils.data.DataLoader(Noise(), batch_size=2, num_workers=2)
    return passes(torch, loader), torch.utils.data.get_worker_info()


@program
def workers_share_out_a_stream(torch):
    def take_part(number):
        info = torch.utils.data.get_worker_info()
        size = info.dataset.end - info.dataset.start
        parts = [info.dataset.start + size * i // info.num_workers for i in (number, number + 1)]
        info.dataset.start, info.dataset.end = parts

    d, whole = torch.utils.data, stream(torch, 9)
    shared = d.DataLoader(whole, batch_size=2, num_workers=3, worker_init_fn=take_part)
    return list(shared), list(shared), (whole.start, whole.end), list(d.DataLoader(stream(torch, 3), num_workers=2))


@program
def pinned(torch):
    return list(torch.utils.data.DataLoader(range(2), pin_memory=True))


@program
def attributes(torch):
    loader = torch.utils.data.DataLoader(range(5), 2, True)
    return (
        *(loader.batch_size, loader.drop_last, loader.num_workers, type(loader.sampler), type(loader.batch_sampler)),
        *(len(iter(loader)), loader.collate_fn.__name__, loader.batch_sampler.batch_size, loader.sampler.num_samples),
    )


def error(text, make):
    make.__name__ = text
    PROGRAMS.append(make)


for text, options in {
    "a negative number of workers": {"num_workers": -1},
    "a negative timeout": {"timeout": -1},
    "a timeout for nobody": {"timeout": 1},
    "prefetching alone": {"prefetch_factor": 2},
    "negative prefetching": {"prefetch_factor": -2, "num_workers": 1},
    "persistent nobody": {"persistent_workers": True},
    "a context for nobody": {"multiprocessing_context": "fork"},
    "a sampler and shuffling": {"sampler": [1], "shuffle": True},
    "batches and their size": {"batch_sampler": [[1]], "batch_size": 2},
    "no batches and dropping": {"batch_size": None, "drop_last": True},
    "batches of zero": {"batch_size": 0},
    "dropping as int": {"drop_last": 1},
    "an index too far": {"sampler": [10]},
    "one index too far": {"sampler": [0, 10], "batch_size": 2},
}.items():
    error(text, lambda torch, options=options: list(torch.utils.data.DataLoader(dataset(torch), **options)))
for option in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}):
    text = f"a stream with {next(iter(option))}"
    error(text, lambda torch, option=option: torch.utils.data.DataLoader(iterable(torch), **option))
error("shuffling nothing", lambda torch: torch.utils.data.DataLoader([], shuffle=True))
error("a batch size set later", lambda torch: setattr(torch.utils.data.DataLoader([1]), "batch_size", 2))
error("sizes of tensors", lambda torch: torch.utils.data.TensorDataset(torch.ones(2), torch.ones(3)))
error("sizes of datasets", lambda torch: torch.utils.data.StackDataset(range(2), range(3)))
error("two kinds of stacks", lambda torch: torch.utils.data.StackDataset(range(2), a=range(2)))
error("an empty stack", lambda torch: torch.utils.data.StackDataset())
error("no datasets", lambda torch: torch.utils.data.ConcatDataset([]))
error("a stream among datasets", lambda torch: torch.utils.data.ConcatDataset([stream(torch)]))
error("a dataset among streams", lambda torch: list(torch.utils.data.ChainDataset([range(2)])))
error("an index before the first", lambda torch: torch.utils.data.ConcatDataset([range(2)])[-3])
error("half a subset", lambda torch: half_a_subset(torch)([1], [0]))
error("lengths that do not sum up", lambda torch: torch.utils.data.random_split(range(3), [1, 1]))
error("a part above one", lambda torch: torch.utils.data.random_split(range(3), [1.5, -0.5]))
error("replacement", lambda torch: torch.utils.data.RandomSampler([1], replacement=1))
error("no samples", lambda torch: torch.utils.data.RandomSampler([1], num_samples=0))
error("no weighted samples", lambda torch: torch.utils.data.WeightedRandomSampler([1.0], True))
error("weights of two dimensions", lambda torch: torch.utils.data.WeightedRandomSampler([[1.0]], 1))
error("weights and replacement", lambda torch: torch.utils.data.WeightedRandomSampler([1.0], 1, 1))
error("a batch of a half", lambda torch: torch.utils.data.BatchSampler([1], 0.5, False))
error("collating nothing known", lambda torch: torch.utils.data.default_collate([None]))
error("collating text of NumPy", lambda torch: torch.utils.data.default_collate([np.array(["a"])]))
error("collating unequal lists", lambda torch: torch.utils.data.default_collate([[1], [1, 2]]))
error("collating unequal tensors", lambda torch: torch.utils.data.default_collate([torch.ones(1), torch.ones(2)]))
error("the length of a stream that has none", lambda torch: len(torch.utils.data.DataLoader(iterable(torch))))
error("the length of an order that has none", lambda torch: len(torch.utils.data.DataLoader([1], sampler=iter([0]))))


def half_a_subset(torch):
    return type("Half", (torch.utils.data.Subset,), {"__getitem__": lambda self, i: 0})


def iterable(torch):
    return type("Iterable", (torch.utils.data.IterableDataset,), {"__iter__": lambda self: iter("ab")})()


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__.replace(" ", "_"))
def test_as_in_torch(run):
    assert_same(run)


def test_datasets_say_what_they_hold_and_what_they_lack():
    class Digits(data.Dataset[int]):
        pass

    with pytest.raises(NotImplementedError, match="should implement __getitem__"):
        Digits()[0]
    with pytest.raises(NotImplementedError):
        iter(data.Sampler())


@pytest.mark.parametrize("rows", [range(6), [4, 2, 2, 0], np.array([5, 1])])
def test_rows_gathered_at_once_are_those_one_by_one(rows):
    whole = data.TensorDataset(minigrad.randn(6, 3, 2), minigrad.arange(6), minigrad.randn(3, 6).t())
    subset = data.Subset(whole, rows)
    at_once = list(data.DataLoader(subset, 4))
    one_by_one = list(data.DataLoader(subset, 4, collate_fn=lambda batch: data.default_collate(batch)))
    assert len(at_once) == len(one_by_one)
    for a, b in zip(at_once, one_by_one, strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.dtype == y.dtype
            assert x.stride() == y.stride()
            assert minigrad.equal(x, y) if hasattr(minigrad, "equal") else np.array_equal(x.numpy(), y.numpy())


def test_a_dataset_with_rows_of_its_own_is_asked_for_them():
    class Doubled(data.TensorDataset):
        def __getitem__(self, i):
            return (super().__getitem__(i)[0] * 2,)

    class Moved(data.Subset):
        def __getitem__(self, i):
            return (super().__getitem__(i)[0] + 100,)

        def __getitems__(self, indices):
            return [self[i] for i in indices]

    doubled = Doubled(minigrad.arange(3))
    assert [batch[0].tolist() for batch in data.DataLoader(doubled, 2)] == [[0, 2], [4]]
    moved = Moved(data.TensorDataset(minigrad.arange(3)), [2, 0])
    assert [batch[0].tolist() for batch in data.DataLoader(moved, 2)] == [[102, 100]]


def test_warnings_name_the_users_line():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data.random_split(range(1), [0.5, 0.5])
        list(data.DataLoader(range(2), pin_memory=True))
    assert [w.filename for w in caught] == [__file__] * 2
