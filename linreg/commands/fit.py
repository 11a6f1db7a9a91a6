"""`linreg fit`, which `linreg` alone is too: train, and show the coefficients."""

import argparse
import json
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from linreg.errors import BAD_INPUT, DIVERGED, DONE, BadInput, fail, spare, writing
from linreg.options import data_of, settings_of
from linreg.processes import TIMEOUT, Group, joined, must_be_shareable, several, told_by_first
from linreg.saving.resuming import kept_options, options_of
from linreg.settings import Synthetic

if TYPE_CHECKING:
    from linreg.saving.saved import Saved


def run(argv: Sequence[str]) -> int:
    """Train as the words in `argv` say; the exit status."""
    with told_by_first():
        options, saved = options_of(argv)
        if several():
            must_be_shareable(options.optimizer, options.data, options.explain)
        elif options.timeout is not None:
            raise BadInput("--timeout needs several processes: start them with torchrun")
        for option, path in (("--plot", options.plot), ("--report", options.report), ("--explain", options.explain)):
            spare(option, path or None, {"the table that is read": options.data})
        if options.plot is not None or options.report is not None:
            from linreg.looking import files

            files.prepare(options.plot, options.report)

    # Imported here, so that Ctrl-C while NumPy loads ends quietly too.
    if options.version:
        from minigrad import __version__

        print(f"linreg {__version__}")
        return DONE
    folder = options.resume or options.save
    resume = f"--resume {folder} goes on from where it was saved last" if folder else "start it again, with --save DIR"
    with joined(options.device, timeout=options.timeout or TIMEOUT, resume=resume) as group:
        return _fit(argv, options, saved, group)


def _fit(argv: Sequence[str], options: argparse.Namespace, saved: "Saved | None", group: Group) -> int:
    from linreg import jobs
    from linreg.saving.saver import saving

    seed = options.seed
    if seed is None:
        seed = int(group.from_first([random.SystemRandom().getrandbits(32)])[0])
    settings, data = settings_of(options, seed), data_of(options)
    if options.explain is not None:
        return _explain(jobs.first_step(settings, data), options)
    looked_at = options.plot is not None or options.report is not None
    with saving(options, kept_options(options, seed), saved, writes=group.rank == 0) as saver:
        manner = jobs.Manner(
            quiet=options.quiet or options.json,
            results=not options.json,
            traced=looked_at,
            saver=saver,
            group=group,
        )
        if isinstance(data, Synthetic):
            result, outcome = jobs.fit_synthetic(settings, data, manner)
        else:
            result, outcome = jobs.fit_table(settings, data, manner)
    if options.json:
        print(json.dumps(result))
    if looked_at and group.rank == 0:
        from linreg.looking import files

        command = ["linreg", *argv, *([] if options.seed is not None else ["--seed", str(seed)])]
        files.write(outcome, options.plot, options.report, options.lang or "en", command, quiet=options.json)
    if result["diverged"]:
        return fail(DIVERGED, result["diverged"])
    return BAD_INPUT if saver and saver.failed else DONE


def _explain(loss: Any, options: argparse.Namespace) -> int:
    from minigrad import show

    lang, file = options.lang or "en", options.explain
    with writing(file):
        if file.endswith(".html"):
            show.page(loss, file, lang=lang)
        elif file:
            show.graph(loss, values=True, gradients=True, lang=lang).save(file)
    if options.json:
        print(show.steps(loss).to_json())
    elif file:
        print(f"wrote {file}")
    else:
        _tell(loss, lang)
    return DONE


def _tell(loss: Any, lang: str) -> None:
    from minigrad import show

    try:
        show.explain(loss, lang=lang)
    except ImportError as error:
        raise BadInput(
            'to print the step, --explain needs rich: in the checkout, pip install ".[show]"; '
            "--explain FILE.html and --explain FILE.svg need nothing more"
        ) from error
    except SystemExit as error:  # so rich answers a closed pipe
        raise BrokenPipeError from error
