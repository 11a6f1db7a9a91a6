// Which moment is shown, and what is known at it. The moments are the operations, the backward steps, and the end.

const state = { graph: 0, naive: false, at: 0, practice: false, answered: new Map(), pinned: null, shown: null };
let now; // what follows from the graph and the order that are chosen

function choose() {
  const pass = data.passes[state.graph];
  const back = (state.naive && pass.naive) || pass.backward;
  const nodes = new Map(pass.backward.nodes.map((node) => [node.id, node]));
  const forward = pass.backward.nodes.filter((node) => node.kind === "operation");
  const right = new Map(pass.backward.steps.map((step) => [step.node, step]));
  const moments = [
    ...forward.map((node) => ({ phase: "forward", node })),
    ...back.steps.map((step) => ({ phase: "backward", node: nodes.get(step.node), step })),
    { phase: "end", node: null },
  ];
  const order = new Map(forward.map((node, i) => [node.id, i]));
  now = { pass, back, nodes, moments, order, forward: forward.length, backward: back.steps.length };
  now.wrong = state.naive ? new Map(back.steps.map((step) => [step, wrongness(step, right.get(step.node))])) : new Map();
  state.answered.clear();
  state.pinned = state.shown = null;
  state.at = Math.min(state.at, moments.length - 1);
}

// What is wrong with a step of the naive pass: null, or what came in and what should have.
function wrongness(step, right) {
  if (!right || same(step.incoming, right.incoming)) return null;
  return { naive: step.incoming, right: right.incoming, early: step.delivered < step.users };
}

const moment = () => now.moments[state.at];
const labelOf = (node) => (!node.name && node.label === node.kind ? t(node.kind) : visible(node.label)); // one without a name is what it is
const isNumber = (node) => node.kind === "constant" && !node.name && isScalar(node.value); // it is called by its value
const nodeName = (id) => (now.nodes.has(id) ? labelOf(now.nodes.get(id)) : t("notShown"));

function stepTitle(of = moment()) {
  if (of.phase === "end") return t("end");
  const at = now.moments.indexOf(of) + 1 - (of.phase === "backward" ? now.forward : 0);
  return t("stepTitle", { phase: t(of.phase), at, all: now[of.phase] });
}

// The numbers that a reader can be asked for at a moment, in their order.
function questions(of = moment()) {
  const values = of.phase === "forward" ? [of.node.value] : of.phase === "backward" ? of.step.flows.map((f) => f.outgoing) : [];
  return values.filter((value) => value.data !== null && elements(value.data).length);
}

const answered = () => state.answered.get(state.at) ?? 0;
const asking = () => state.practice && answered() < questions().length;

// Whether a value of the current moment is still for the reader to find.
function isHidden(value) {
  const place = questions().indexOf(value);
  return state.practice && place >= answered();
}

function isComputed(node) {
  const place = now.order.get(node.id) ?? -1;
  return place < state.at || (place === state.at && !isHidden(node.value));
}

// The part of a node's ledger that is written by now.
function entriesOf(id) {
  const ledger = now.back.ledgers[id];
  if (!ledger || state.at < now.forward) return [];
  const current = moment().step;
  const last = current ? current.index : Infinity;
  const hidden = (entry) =>
    current && entry.step === last && current.flows.some((flow) => flow.node === id && ledger.entries[flow.entry] === entry && isHidden(flow.outgoing));
  return ledger.entries.filter((entry) => entry.step === null || (entry.step <= last && !hidden(entry)));
}

// In naive order, the right gradient of a node where another one was found; null where all is well.
function rightInstead(id) {
  const [found, right] = [now.back.ledgers[id], now.pass.backward.ledgers[id]].map((ledger) => ledger?.entries.at(-1)?.total);
  return state.naive && found && right && !same(found, right) ? right : null;
}
