// The current step in full, and everything about one node or edge.

// A line of a description: its kind, what is said, and its name where that is not the word for the kind.
const row = (kind, content, label = t(kind)) => el("div", { class: "field", "data-kind": kind }, el("dt", {}, label), el("dd", {}, content));
const named = (id) => el("button", { type: "button", class: "name", onclick: () => pinBox(id) }, el("bdi", {}, nodeName(id)));
const stranger = () => el("span", { class: "quiet" }, t("notShown"));
const nameOf = (id) => (now.nodes.has(id) ? named(id) : stranger());

function pinBox(id) {
  state.pinned = String(id);
  updateGraph();
  showDetails();
}

function showStory() {
  const current = moment();
  byId("step-heading").textContent = stepTitle();
  byId("step").dataset.phase = current.phase;
  const tell = { forward: forwardStory, backward: backwardStory, end: endStory }[current.phase];
  const said = state.practice && message ? el("p", { class: "good" }, message) : null;
  byId("story").replaceChildren(...tell(current).concat(said ?? []));
  const question = byId("answer")?.closest(".question");
  if (question) scrollWithin(byId("story"), question);
}

// What the step is about: the operation, and the expression that made it.
function about(node) {
  return el("p", { class: "about" }, named(node.id), " ", el("span", { class: "quiet" }, torchName(node)));
}

// torch's name for an operation, and the layer that ran it.
const torchName = (node) => [node.name, visible(node.module)].filter(Boolean).join(" · ") + (node.call ? t("call", { at: node.call[0], all: node.call[1] }) : "");

function expressionOf(node) {
  const text = node.place?.text;
  if (!text) return el("span", { class: "quiet" }, t("noExpression"));
  return code(cutText(text, 200), "expression");
}

function forwardStory({ node }) {
  const assigned = node.place?.target;
  const parts = { expression: expressionOf(node), name: assigned ? code(assigned) : null };
  const known = node.inputs.filter((input) => input.node !== null);
  const unknown = () => el("span", { class: "quiet small" }, t("noValue"));
  const inputs = node.inputs.map((input) => row("inputs",
    input.node === null ? unknown() : now.nodes.has(input.node) ? tensorView(now.nodes.get(input.node).value) : "",
    input.node === null ? code(input.name) : joined([code(input.name), nameOf(input.node)], " · ")));
  const options = Object.entries(node.options).map(([name, text]) => row("options", code(text), code(name)));
  const wanted = [...new Set(known.filter((input) => input.wanted).map((input) => input.node))].map(nameOf);
  const backTo = wanted.length ? sentence("keepsFor", { names: joined(wanted, t("listed")) }) : t("keepsForNone");
  return [
    about(node),
    el("p", {}, sentence(assigned ? "isAssigned" : node.place?.text && !node.place.whole ? "isPart" : "isComputed", parts)),
    el("dl", {}, ...inputs, ...options),
    el("dl", { class: "outcome" }, row("result", valueOrQuestion(node.value, t("result")))),
    el("p", { class: "quiet" }, backTo),
  ];
}

function backwardStory({ node, step }) {
  const waiting = step.waiting.map(nameOf);
  const begins = now.back.root === node.id && step.users === 0;
  const early = step.delivered < step.users;
  const why = begins ? t("whyFirst") : t(early ? "whyEarly" : "whyReady", step);
  return [
    about(node),
    el("p", {}, expressionOf(node)),
    wrongBlock(step),
    el("dl", {}, row("incoming", tensorView(step.incoming))),
    el("p", { class: early ? "bad" : "quiet" }, why),
    waiting.length ? el("p", { class: "quiet" }, sentence("waiting", { names: joined(waiting, t("listed")) })) : null,
    ...(step.flows.length ? step.flows.map(flowCard) : [el("p", { class: "quiet" }, t("noFlows"))]),
    savedTable(step.saved),
  ].filter(Boolean);
}

function wrongBlock(step) {
  const wrong = now.wrong.get(step);
  return wrong ? comparison(t("wrongShort"), wrong.naive, wrong.right) : null;
}

function comparison(title, naive, right) {
  return el("div", { class: "wrong-block" },
    el("p", {}, el("strong", {}, t("wrongStep")), " · ", title),
    el("dl", {}, row("wrongHere", tensorView(naive)), row("rightHere", tensorView(right))));
}

function flowCard(flow) {
  const hidden = isHidden(flow.outgoing);
  const plain = !flow.undone;
  const what = t("to", { name: nodeName(flow.node) });
  const entry = now.back.ledgers[flow.node]?.entries[flow.entry];
  return el("article", { class: "flow" },
    el("h3", {}, sentence("to", { name: nameOf(flow.node) }), " ", el("span", { class: "quiet" }, sentence("operand", { name: code(flow.input) }))),
    el("dl", {},
      row("rule", code(flow.rule, "rule")),
      flow.numbers && flow.numbers !== flow.rule ? row("numbers", code(flow.numbers, "rule")) : null,
      plain || hidden ? null : row("gives", tensorView(flow.computed)),
      plain ? null : row("undone", el("span", { class: "undone" }, undoneText(flow.undone)), ""),
      row("outgoing", valueOrQuestion(flow.outgoing, what), t(plain ? "gives" : "outgoing")),
      hidden || !entry || flow.entry === 0 ? null : row("sum", tensorView(entry.total), sentence("sum", { name: nameOf(flow.node) }))));
}

function undoneText(undone) {
  const fill = { from: shapeOf(undone), to: shapeOf({ shape: undone.to_shape }) };
  const said = [];
  if (undone.axes.length) said.push(t("undone", { axes: t(undone.axes.length === 1 ? "axis" : "axes", { axes: undone.axes.join(", ") }), ...fill }));
  else if (fill.from !== fill.to) said.push(t("reshaped", fill));
  if (undone.dtype !== undone.to_dtype) said.push(t("cast", { from: undone.dtype, to: undone.to_dtype }));
  return said.join(" · ");
}

function savedTable(saved) {
  if (!saved.length) return null;
  const version = (one) => {
    if (one.version === null) return t("versionNone");
    const changed = one.current_version !== null && one.current_version !== one.version;
    return t(changed ? "versionChanged" : "versionSame", { version: one.version, current: one.current_version });
  };
  const lines = saved.map((one) => [code(one.name), one.value ? tensorView(one.value) : code(one.text), version(one), t(one.freed ? "freed" : "kept")]);
  const heads = ["savedName", "savedValue", "savedVersion", "savedFreed"].map((key) => t(key));
  return el("details", {}, el("summary", {}, `${t("saved")} (${saved.length})`), sheet(heads, lines));
}

function sheet(heads, lines) {
  return el("div", { class: "scroll" }, el("table", { class: "sheet" },
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...lines.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell)))))));
}

function endStory() {
  const leaves = [...now.nodes.values()].filter((node) => node.kind === "leaf" && now.back.ledgers[node.id]);
  const outcome = (node) => {
    const ledger = now.back.ledgers[node.id];
    const right = rightInstead(node.id);
    return el("article", { class: "flow" }, el("h3", {}, named(node.id)),
      ledger.entries.length && right ? comparison(t("wrongShort"), ledger.entries.at(-1).total, right) : null,
      el("dl", {}, ...gradFields(ledger, Boolean(right))));
  };
  return [el("p", {}, t("endText")), ...leaves.map(outcome)];
}

// The sum, what `.grad` held and holds, and the checks.
function gradFields(ledger, apart = false) {
  const total = ledger.entries.at(-1)?.total;
  const hooked = ledger.hooked && total && !same(ledger.hooked, total);
  const check = ([name, value]) => row("check", tensorView(value), t("check", { name: name in words[lang] ? t(name) : name }));
  return [
    total && !apart && !(ledger.after && !ledger.before) ? row("ledgerTotal", tensorView(total)) : null,
    hooked ? row("hooked", tensorView(ledger.hooked)) : null,
    ledger.before ? row("before", tensorView(ledger.before)) : null,
    ledger.after && !apart ? row("after", tensorView(ledger.after)) : null,
    ...Object.entries(ledger.checks).map(check),
  ];
}

// The panel of details: of what is pointed at or pinned, else of the current step's node.
function showDetails() {
  const item = state.shown ?? state.pinned ?? (moment().node ? String(moment().node.id) : null);
  const edge = picture.edges.find((one) => one.key === item)?.edge;
  const node = edge ? null : now.nodes.get(Number(item ?? now.back.root));
  byId("ledger-heading").textContent = edge
    ? t("edge", { from: nodeName(edge.from), to: nodeName(edge.to) })
    : t("node", { name: nodeName(node.id) });
  byId("details").replaceChildren(...(edge ? edgeDetails(edge) : nodeDetails(node)).filter(Boolean));
}

function nodeDetails(node) {
  const kind = node.kind === "operation" ? torchName(node) : t(node.kind);
  return [
    el("p", { class: "quiet" }, kind, node.place?.text ? " · " : "", node.place?.text ? code(cutText(node.place.text, 120)) : ""),
    el("dl", {}, row("value", isComputed(node) ? tensorView(node.value) : el("span", { class: "quiet" }, t("notYet")))),
    el("h3", {}, t("ledger")),
    ...ledgerDetails(node.id),
  ];
}

function ledgerDetails(id) {
  const ledger = now.back.ledgers[id];
  if (!ledger) return [el("p", { class: "quiet" }, t("ledgerNone"))];
  const known = entriesOf(id);
  if (!known.length) return [el("p", { class: "quiet" }, t("ledgerEmpty"))];
  const position = (step) => now.back.steps.findIndex((one) => one.index === step) + 1;
  const lines = known.map((entry) => [
    entry.step === null ? t("start") : String(position(entry.step) || entry.step + 1),
    entry.source === null ? "" : nameOf(entry.source),
    tensorView(entry.value),
    tensorView(entry.total),
  ]);
  const complete = known.length === ledger.entries.length;
  return [
    sheet(["ledgerStep", "ledgerFrom", "ledgerValue", "ledgerTotal"].map((key) => t(key)), lines),
    complete && (ledger.after || ledger.before || ledger.hooked || Object.keys(ledger.checks).length) ? el("dl", {}, ...gradFields(ledger).filter(Boolean)) : null,
  ];
}

function edgeDetails(edge) {
  const from = now.nodes.get(edge.from);
  const entries = entriesOf(edge.from);
  const flows = now.back.steps.filter((step) => step.node === edge.to).flatMap((step) => step.flows)
    .filter((flow) => flow.node === edge.from && flow.input === edge.input);
  const arrived = flows.filter((flow) => entries.includes(now.back.ledgers[edge.from]?.entries[flow.entry]));
  const gradient = arrived.flatMap((flow) => [row("rule", code(flow.rule, "rule")), row("carriesGradient", tensorView(flow.outgoing))]);
  const nothing = edge.wanted ? (arrived.length ? null : t("ledgerEmpty")) : t("carriesNothing");
  return [
    el("dl", {},
      row("carriesValue", isComputed(from) ? tensorView(from.value) : el("span", { class: "quiet" }, t("notYet"))), ...gradient),
    nothing ? el("p", { class: "quiet" }, nothing) : null,
  ];
}

// What a screen reader says when the step changes.
function liveText() {
  const { phase, node, step } = moment();
  const title = stepTitle();
  if (phase === "end") return `${title}. ${t("endText")}`;
  const secret = (value) => (isHidden(value) ? t("hidden") : spoken(value));
  const expression = node.place?.text ? visible(cutText(node.place.text, 120)) : node.name;
  if (phase === "forward") return t("liveForward", { title, expression, result: secret(node.value) });
  const flows = step.flows.map((flow) => t("liveFlow", { name: nodeName(flow.node), rule: flow.rule, value: secret(flow.outgoing) })).join(" ");
  const wrong = now.wrong.get(step) ? t("wrongSum", { wrong: spoken(step.incoming), right: spoken(now.wrong.get(step).right) }) : "";
  return t("liveBackward", { title, name: nodeName(node.id), incoming: spoken(step.incoming), flows: `${flows} ${wrong}`.trim() });
}
