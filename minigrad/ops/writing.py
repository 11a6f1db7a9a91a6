"""The text of an operation's functions.

What happens when an operation is called does not depend on the operands: which inputs there are, which of them the
rules need, and so what is saved. So it is written out once per operation, when that is first used, as the standard
library does for named tuples and dataclasses. `print(mul_.source)` shows the text for `mul_`. In it, for an input or a
saved value n: x_n is its array, o_n its origin, e_n the edge that its gradient takes, s_n what is saved of it, g_n what
guards that (its storage, whose version is how often it has changed since), d_n the gradient that its rule gives, and
t_n the shape and dtype to bring that to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .table import Op

INTERNAL = True


def write(o: Op) -> str:
    """The source of `call`, `record` and of the methods of the operation's node."""
    arguments = _listed(*o.inputs, *o.options)
    arrays, origins = _listed(*[f"x_{i}" for i in o.inputs]), _listed(*[f"o_{i}" for i in o.differentiable])
    lines = [
        f"# {o.node_name}; of n: x_n is the array, o_n origin, e_n edge, s_n saved value, g_n its guard",
        f"def call({arguments}):",
        *_arrays(o),
        *_computed(o),
        "    if out.__class__ is not ndarray: out = asarray(out)",
        "    r = new(Tensor)",
        "    r._array = out",
        "    r._storage = r._view = r._grad = None",
        *[f"    o_{i} = {i}._origin if {i}._view is None else current_origin({i})" for i in o.differentiable],
        f"    if {' is o_'.join(['', *o.differentiable])[4:]} is None: r._origin = None",
        "    elif not grad_enabled(): r._origin = Lost('no_grad')",
        "    else:",
        *[f"    {line}" for line in _record(o, 1 if o.is_operator else 2)],
        "    return r",
        "",
        f"def record(r, out, {arguments}, {arrays}, {origins}, kind=None):",
        *_record(o),
        "",
        *_node_methods(o),
    ]
    return "\n".join(lines) + "\n"


def _listed(*names: str) -> str:
    return ", ".join(names)


def _tuple(*names: str) -> str:
    return f"({''.join(f'{name}, ' for name in names)})"


def _arrays(o: Op) -> list[str]:
    """Get at the operands' arrays, in one dtype if the operation wants that."""
    if not o.numbers:
        lines = [f"    x_{i} = {i}._array" for i in o.inputs]
        if o.floating:
            lines += [f"    if x_{i}.dtype.kind != 'f': x_{i} = as_floating(x_{i})" for i in o.inputs]
        return lines
    a, b = o.differentiable
    floating = o.numbers == "floating"
    return [
        f"    kind = {b}.__class__ if {a}.__class__ is Tensor else None",
        f"    if kind is Tensor and (x_{a} := {a}._array).dtype is (x_{b} := {b}._array).dtype"
        + (f" and x_{a}.dtype.kind == 'f':" if floating else ":"),
        "        pass  # most often there is nothing to convert",
        f"    elif (kind is float or kind is int) and (known := constants.get({a}._array.dtype)) is not None:",
        f"        number = known.get({b})",
        f"        {b} = as_operand({b}, {a}._array.dtype) if number is None else number",
        f"        x_{a}, x_{b} = {a}._array, {b}._array",
        "    else:",
        f"        found = operands({a}, {b}, {o.numbers!r}, by_number)",
        "        if found.__class__ is not tuple: return found",
        f"        {a}, {b}, x_{a}, x_{b} = found",
        "        kind = None  # both are tensors, and the arrays may be in another dtype",
        *[f"    x_{i} = {i}._array" for i in o.inputs if i not in o.differentiable],
    ]


def _computed(o: Op) -> list[str]:
    forward = f"forward({_listed(*[f'x_{i}' for i in o.inputs], *o.options)})"
    if not o.numbers:
        return [f"    out = {forward}"]
    pair = _listed(*[f"x_{i}" for i in o.differentiable])
    return [
        f"    try: out = {forward}",
        f"    except (ValueError, TypeError) as error: raise misfit(error, {pair}) from None",
    ]


def _record(o: Op, depth: int = 2) -> list[str]:
    """Make the node: its edges, what the rules name, and the user's line.

    The user is at least `depth` calls up: 1 for an operator, which the user's own code calls, else 2, past a function
    of minigrad's. Python makes an object of each frame that is looked at, so the frame between is not.
    """
    flows = o.differentiable
    nowhere = {i: f"None if o_{i}.__class__ is Lost or o_{i} is SEVERED" for i in flows}
    lines = [f"    e_{i} = {i} if o_{i} is LEAF else {nowhere[i]} else o_{i}" for i in flows]
    lines += [
        f"    if {' is e_'.join(['', *flows])[4:]} is None and SEVERED not in {_tuple(*[f'o_{i}' for i in flows])}:",
        f"        r._origin = {' or '.join(f'o_{i}' for i in flows)}",
        "        return r",
        "    r._origin = node = Node()",
        *[f"    node.e_{i} = e_{i}" for i in flows],
    ]
    for name in o.slots:
        if name not in o.guarded:
            shape_of = name.removesuffix("_shape")
            lines.append(f"    node.s_{name} = " + (f"x_{shape_of}.shape" if shape_of != name else name))
            continue
        users = [f"e_{i} is not None" for i in flows if name in o.names[i]]
        owner, value = ("r", "out") if name == "out" else (name, f"x_{name}")
        always = name == "out" or len(users) == len(flows)  # torch too saves a result for any of the rules
        saving = [
            f"node.s_{name} = {value}",
            f"storage = {owner}._storage",
            f"if storage is None: node.g_{name} = {owner}._storage = Storage()",
            # Whether there is an edge is asked first: it is a local variable, and mostly there is one.
            f"elif e_{name} is None and o_{name} is SEVERED: node.g_{name} = SinceSevered(storage, storage.version)"
            * (name in flows),
            f"else: node.g_{name} = storage if not storage.version else Since(storage, storage.version)",
        ]
        indent = "    " if always else "        "
        saved = [indent + line for line in saving if line]
        if not always:
            saved = [f"    if {' or '.join(users)}:", *saved, f"    else: node.s_{name} = node.g_{name} = None"]
        lines += saved
    lines.append("    node.targets = node.hooks = None")
    if o.numbers:
        a, b = flows
        fitting = [
            "    shape = out.shape",
            *[
                f"    t_{i} = None if e_{i} is None or x_{i}.shape == shape and x_{i} is {i}._array"
                f" else (x_{i}.shape, {i}._array.dtype)"
                for i in flows
            ],
            f"    if t_{a} is not t_{b}: node.targets = {_tuple(*[f't_{i}' for i in flows])}",
        ]
        if len(flows) == len(o.inputs):  # a number neither stretches nor widens the tensor that it meets;
            lines.append(f"    if kind is None or kind is Tensor and x_{a}.shape != x_{b}.shape:")
            fitting = [f"    {line}" for line in fitting]
        lines += fitting  # a condition beside them may
    return [
        *lines,
        "    node.rank = next(ranks)",
        f"    try: frame = user_frame({depth})",
        "    except ValueError: frame = OUTSIDE",
        "    code = frame.f_code",
        "    if code is not last_user[0]:",
        "        while 'INTERNAL' in frame.f_globals: frame = frame.f_back or OUTSIDE",
        "        code = last_user[0] = frame.f_code",
        "    node.code = code",
        "    node.lasti = frame.f_lasti",
    ]


def _node_methods(o: Op) -> list[str]:
    """How the operation's node gives its edges and saved values, lets them go, and pulls a gradient back."""
    edges, saved = [f"node.e_{i}" for i in o.differentiable], [f"node.s_{name}" for name in o.slots]
    checks = [f"    if node.g_{n} is not None and node.g_{n}.version: stale(node, node.g_{n})" for n in o.guarded]
    checks += [f"    if node.s_{n} is RELEASED: stale(node, RELEASED)" for n in o.freed]
    frees = [f"if node.g_{n} is not None: node.s_{n} = node.g_{n} = RELEASED" for n in o.guarded]
    frees += [f"node.s_{n} = RELEASED" for n in o.freed]
    unpacking = [f"    {_tuple(*[f's_{name}' for name in o.slots])[1:-1]} = saved"] if o.slots else []
    if len(edges) > 1:
        unpacking.append(f"    {_tuple(*[f'e_{i}' for i in o.differentiable])[1:-1]} = edges")
    flows = [f"d_{i}" for i in o.differentiable]
    brought = f"{_tuple(*flows)[1:-1]} = brought({_tuple(*flows)}, node.targets, tape)"
    return [
        "def flow(node, g, keep, tape):",
        "    if node.hooks is not None: return None",
        *checks,
        *[f"    {d} = {pulled}" for d, pulled in zip(flows, _pulled(o, "array_rule", "node."), strict=True)],
        *([] if not frees else ["    if not keep:", *[f"        {line}" for line in frees]]),
        f"    if node.targets is not None: {brought}",
        f"    return {_tuple(*[f'({e}, {d})' for e, d in zip(edges, flows, strict=True)])}",
        "",
        "def edges(node):",
        f"    return {_tuple(*edges)}",
        "",
        "def unpack(node):",
        *checks,
        f"    return {_tuple(*saved)}",
        "",
        "def release(node):",
        *[f"    {line}" for line in frees or ["pass"]],
        "",
        "def pull(node, g, edges, saved):",
        *unpacking,
        f"    return {_tuple(*_pulled(o, 'rule', ''))}",
    ]


def _pulled(o: Op, rule: str, of: str) -> list[str]:
    """The gradient for each input by its rule; where there are several, None for one that none is wanted of."""
    pulled = {i: f"{rule}_{i}({_listed('g', *[f'{of}s_{n}' for n in o.names[i]])})" for i in o.differentiable}
    return [p if len(pulled) == 1 else f"None if {of}e_{i} is None else {p}" for i, p in pulled.items()]
