"""`explain(loss)`: a backward pass told in the terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import printing
from ..tensor import Tensor
from .labels import is_number, layer, printable, variable
from .languages import of_language
from .model import Backward, Flow, GraphNode, Ledger, Place, Saved, Step, Value
from .stepping import steps
from .story_texts import WORDS
from .symbols import shape_text

INTERNAL = True
WIDTH = 100  # where the output is no terminal
LARGE = 24  # a tensor of more elements is cut
PARTS = 4  # of a sum: of more, all but the last are told as one, or a story would be as long as its square


def explain(
    loss: Tensor | Callable[[], Tensor] | Backward,
    gradient: Tensor | None = None,
    *,
    lang: str = "en",
    file: Any = None,
    check: tuple[str, ...] | str = (),
    width: int | None = None,
) -> None:
    """Tell the backward pass of `loss` as a story: what was computed, then every step back to the leaves.

    loss      a tensor, a function of no arguments that computes one, or what `show.steps` gave
    gradient  of the shape of `loss`, as `backward` takes it
    lang      "en" or "zh"
    file      where to print, instead of the standard output; colours only where that is a terminal and NO_COLOR unset
    check     "differences", "torch" or both: the leaves' gradients computed in these ways too
    width     of the output, in characters, instead of the terminal's
    Raises what `show.steps` raises, ValueError for another language or for a pass with a gradient or a check, and
    ImportError without rich.
    """
    of_language(WORDS, lang)  # or raise, before anything runs
    try:
        from rich.console import Console
    except ImportError as error:
        raise ImportError('show.explain needs rich: in the checkout, pip install ".[show]"') from error
    if isinstance(loss, Backward) and (gradient is not None or check):
        raise ValueError(
            "gradient and check are not for explain, of a pass that is there already: give them to show.steps"
        )
    found = loss if isinstance(loss, Backward) else steps(loss, gradient, check=check)
    console = Console(file=file, width=width, highlight=False, force_jupyter=False)  # else each line is a display
    if width is None and not console.is_terminal:
        console.width = WIDTH
    _Story(found, lang, console).tell()


class _Story:
    def __init__(self, found: Backward, lang: str, console: Any) -> None:
        self.found, self.lang, self.words, self.console = found, lang, WORDS[lang], console
        self.nodes = {node.id: node for node in found.nodes}
        self.called = {n.id: self.words[n.kind] if not n.name and n.label == n.kind else n.label for n in found.nodes}
        often = Counter(self.called.values())
        self.labels = {id: label if often[label] == 1 else f"{label} #{id}" for id, label in self.called.items()}

    def tell(self) -> None:
        """All of it."""
        self._head("forward")
        self._line(self.words["forward_intro"], "dim")
        for node in self.found.nodes:
            self._computed(node)
        self._head("backward")
        one = "one_step" if len(self.found.steps) == 1 else "backward_intro"
        intro = "naive_intro" if self.found.order == "naive" else one
        self._line(self._say(intro, count=len(self.found.steps)), "dim")
        for step in self.found.steps:
            self._step(step)
        self._head("leaves")
        self._leaves()

    # The forward pass

    def _computed(self, node: GraphNode) -> None:
        """One line of the forward pass: what it is, and its value under it."""
        if node.kind == "operation":
            expression = node.place.text if node.place is not None and node.place.text else node.name
            held = variable(node) if node.place is not None and node.place.text else None
            target = f"{held} = " if node.place is not None and node.place.target else f"{held}: " if held else ""
            self._line(f"{node.id:>3}  {target}{' '.join(expression.split())}", "bold", f"  {self._of_torch(node)}")
        else:
            called, kind = node.name or self.called[node.id], self.words[node.kind]
            self._line(f"{node.id:>3}  {called}", "bold", f"  {kind}" if called != kind else "")
            if is_number(node):
                return  # it is called by its value
        self._value(node.value, 5)

    # The backward pass

    def _step(self, step: Step) -> None:
        node = self.nodes[step.node]
        self.console.print()
        title = self._say("step", number=step.index + 1, count=len(self.found.steps), label=self.labels[node.id])
        self._line(title, "bold cyan", f"  {self._of_torch(node)}")
        if node.place is not None:
            self._place(node.place)
        else:
            self._line(f"  {self.words['no_line']}", "dim")
        self._why(step)
        is_hooked = self.found.ledgers[step.node].hooked is not None
        self._named("incoming", step.incoming, 2, f"{self.words['comma']}{self.words['hooked']}" if is_hooked else "")
        for saved in step.saved:
            self._saved(saved)
        for flow in step.flows:
            self._flow(flow)
        if not step.flows:
            self._line(f"  {self.words['nothing_flows']}", "dim")
        if step.waiting:
            more = ["…"] if len(step.waiting) > 8 else []
            labels = self.words["listed"].join([*[self.labels[n] for n in step.waiting[:8]], *more])
            self._line(f"  {self._say('waiting', labels=labels)}", "dim")

    def _place(self, place: Place) -> None:
        """The user's lines, the expression underlined."""
        from rich.cells import cell_len

        self._line(f'  File "{place.file}", line {place.line}, in {place.function}', "dim")
        lines = place.source.split("\n") if place.source else []
        common = min((len(text) - len(text.lstrip()) for text in lines if text.strip()), default=0)
        for i, line in enumerate(lines):
            blank = len(line) - len(line.lstrip())
            start = place.column if i == 0 else blank
            end = place.end_column if i == len(lines) - 1 else len(line)
            shown, before = printable(line[common:]), printable(line[common:start])
            self._line(f"    {shown}")
            marks = "^" * cell_len(printable(line[start:end]))
            if marks:
                self._line(f"    {' ' * cell_len(before)}{marks}", "green")

    def _why(self, step: Step) -> None:
        if step.delivered < step.users:
            self._line(f"  {self._say('too_early', delivered=step.delivered, users=step.users)}", "bold red")
            return
        key = "begins" if step.users == 0 else "only_user" if step.users == 1 else "all_users"
        self._line(f"  {self._say(key, users=step.users)}")

    def _saved(self, saved: Saved) -> None:
        notes = []
        if saved.version is not None:
            notes.append(self._say("saved_at", version=saved.version))
            if saved.current_version != saved.version:
                notes.append(self._say("changed_since", version=saved.current_version))
        if saved.freed:
            notes.append(self.words["freed"])
        text = f" = {saved.text}" if saved.value is None else ""
        self._line(
            f"  {self.words['saved']} {saved.name}{text}", "", f"  {self.words['comma'].join(notes)}" if notes else ""
        )
        if saved.value is not None:
            self._value(saved.value, 4)

    def _flow(self, flow: Flow) -> None:
        label = self.labels[flow.node]
        self._line(f"  → {self._say('flow', label=label, input=flow.input)}", "bold")
        self._line(f"      {self.words['rule']}{self.words['colon']}{flow.rule}", "magenta")
        self._line(f"      {self.words['numbers']}{self.words['colon']}{flow.numbers}")
        self._named("gives", flow.computed, 6)
        undone = flow.undone
        if undone is not None and undone.shape != undone.to_shape:
            text = self._say("undone_axes", axes=undone.axes, shape=undone.shape, to_shape=undone.to_shape)
            self._line(f"      {text}", "yellow")
        if undone is not None and undone.dtype != undone.to_dtype:
            self._line(f"      {self._say('undone_dtype', dtype=undone.dtype, to_dtype=undone.to_dtype)}", "yellow")
        if flow.outgoing is not flow.computed:
            self._named("outgoing", flow.outgoing, 6)
        self._ledger(self.found.ledgers[flow.node], flow.entry)

    def _ledger(self, ledger: Ledger, entry: int) -> None:
        """The account of a node up to an entry, if there is anything to add up."""
        if entry == 0:
            return
        self._line(f"      {self._say('ledger', label=self.labels[ledger.node])}{self.words['colon'].rstrip()}", "blue")
        told = 0 if entry < PARTS else entry
        if told:
            self._line(f"          {self._say('earlier', count=told)}", "blue")
            self._value(ledger.entries[told - 1].total, 10)
        for i, made in enumerate(ledger.entries[told : entry + 1], told):
            where = self.words["began_with"]
            if made.step is not None and made.source is not None:
                where = self._say("from_step", step=made.step + 1, label=self.labels[made.source])
            self._line(f"        {'+' if i else ' '} {where}", "blue")
            self._value(made.value, 10)
        self._named("sum", ledger.entries[entry].total, 8)

    # The end

    def _leaves(self) -> None:
        """The gradients in a table; below each other where one beside the other would have to be broken anywhere."""
        from rich.cells import cell_len
        from rich.table import Table
        from rich.text import Text

        ledgers = [
            self.found.ledgers[n.id] for n in self.found.nodes if n.kind == "leaf" and n.id in self.found.ledgers
        ]
        if not ledgers:
            self._line(self.words["no_leaves"])
            return
        checks = list(dict.fromkeys(name for ledger in ledgers for name in ledger.checks))
        heads = [self.words[key] for key in ("name", "before", "this_pass", "after", *checks)]
        rows = [heads, *[self._of_leaf(ledger, checks, self.console.width) for ledger in ledgers]]
        widths = [
            max(cell_len(line) for cell in cells for line in cell.split("\n")) for cells in zip(*rows, strict=True)
        ]
        if sum(widths) + 3 * len(widths) + 1 <= self.console.width:
            table = Table(*heads, show_lines=True)
            for row in rows[1:]:
                table.add_row(*map(Text, row))
            self.console.print(table)
        else:
            width = max(map(cell_len, heads[1:]))
            for ledger in ledgers:
                name, *cells = self._of_leaf(ledger, checks, self.console.width - width - 6)
                self._line(f"  {name}", "bold")
                for head, cell in zip(heads[1:], cells, strict=True):
                    first, *rest = cell.split("\n")
                    self._line(f"    {head}{' ' * (width - cell_len(head))}  {first}")
                    for line in rest:
                        self._line(f"    {' ' * width}  {line}")
        self._line(self.words["untouched"], "dim")

    def _of_leaf(self, ledger: Ledger, checks: list[str], width: int) -> list[str]:
        """A leaf's name, its gradients as text of a width, and those that check them."""
        made = ledger.hooked or ledger.entries[-1].total
        found = [self._cell(value, width) for value in (ledger.before, made, ledger.after)]
        found[1] += f"\n{self.words['hooked']}" if ledger.hooked else ""
        found += [self._checked(ledger.checks.get(name), made, width) for name in checks]
        return [printable(self.labels[ledger.node]), *found]

    def _checked(self, value: Value | None, made: Value, width: int) -> str:
        if value is None or value.array is None or made.array is None:
            return self.words["none"]
        alike = Value(value.shape, made.dtype, value.array.astype(made.array.dtype))
        off = np.abs(value.array.astype(np.float64) - made.array.astype(np.float64))
        return f"{self._cell(alike, width)}\n{self._say('off', number=f'{off.max(initial=0.0):.2g}')}"

    def _cell(self, value: Value | None, width: int) -> str:
        """The numbers alone."""
        text = self._text(value, width + len("tensor("))
        found = re.fullmatch(r"tensor\((.*?)(,\s*dtype=[^)]*)?\)", text, re.DOTALL)
        return found[1].replace("\n       ", "\n") if found else text

    # Ways to print

    def _of_torch(self, node: GraphNode) -> str:
        """torch's name for an operation, and the layer that ran it."""
        return " · ".join(filter(None, (node.name, layer(node, self.lang))))

    def _say(self, key: str, **what: Any) -> str:
        return self.words[key].format(**what)

    def _head(self, key: str) -> None:
        self.console.print()
        self.console.rule(self.words[key], characters="─")

    def _line(self, text: str, style: str = "", after: str = "") -> None:
        """A line as it is: nothing in it is read as markup, and it is not wrapped."""
        from rich.text import Text

        made = Text(printable(text), style)
        self.console.print(Text.assemble(made, (printable(after), "dim")), soft_wrap=True)

    def _named(self, key: str, value: Value, indent: int, note: str = "") -> None:
        name = f"{self.words[key]}{note}{self.words['colon'].rstrip()}"
        self._line(f"{' ' * indent}{name}", "bold" if key == "incoming" else "")
        self._value(value, indent + 2)

    def _value(self, value: Value, indent: int) -> None:
        for line in self._text(value, self.console.width - indent).split("\n"):
            self._line(f"{' ' * indent}{line}", "cyan" if value.array is not None else "dim")

    def _text(self, value: Value | None, width: int) -> str:
        if value is None:
            return self.words["none"]
        if value.array is None:
            return self._say("not_kept", shape=value.shape, dtype=value.dtype)
        with _printoptions(width):
            text = repr(Tensor._of(value.array))
        return (
            text if value.array.size <= LARGE else f"{_first_rows(text, value.array.ndim)}  {shape_text(value.shape)}"
        )


def _first_rows(text: str, ndim: int) -> str:
    """What a large tensor prints as; of one with more dimensions than a matrix, only the first two rows."""
    lines = text.split("\n")
    if ndim <= 2 or len(lines) <= 3:
        return text
    end = text[text.rindex("]") + 1 :]
    return "\n".join([*lines[:2], f"{' ' * (len('tensor(') + ndim - 1)}...{']' * ndim}{end}"])


@contextmanager
def _printoptions(width: int) -> Iterator[None]:
    """The user's options for printing, but that large tensors are cut sooner."""
    before = printing.get_printoptions()
    printing.set_printoptions(threshold=LARGE, edgeitems=2, linewidth=max(width, 30), sci_mode=before["sci_mode"])
    try:
        yield
    finally:
        printing.set_printoptions(**before)
