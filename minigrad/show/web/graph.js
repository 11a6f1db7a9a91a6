// The graph: boxes for tensors, lines for what flows between them. It is drawn once; steps change classes and texts.

let picture; // its svg, boxes, edges, and all of them in the order in which the keys walk through them

const edgeKey = (edge) => `${edge.from}>${edge.to}:${edge.input}`;
const cutText = (text, length) => (Array.from(text).length > length ? Array.from(text).slice(0, length - 1).join("") + "…" : text);

function drawGraph() {
  const { drawing } = now.pass;
  const arrows = ["plain", "forward", "backward"].map((name) =>
    svg("marker", { id: `arrow-${name}`, class: name, viewBox: "0 0 8 8", refX: name === "backward" ? 1 : 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" },
      svg("path", { d: name === "backward" ? "M8 0 0 4l8 4z" : "M0 0 8 4 0 8z" })));
  const edges = drawing.edges.map((edge) => ({ edge, key: edgeKey(edge), group: svg("g", { class: "edge", "data-item": edgeKey(edge), role: "button", tabindex: -1 },
    svg("path", { class: "reach", d: edge.path }), svg("path", { class: "line", d: edge.path })) }));
  const stubs = drawing.stubs.map(({ at: [x, y], path }) => svg("g", { class: "stub" }, svg("path", { d: path }), svg("text", { x, y: y + 4 }, t("notKept"))));
  const boxes = new Map(now.pass.backward.nodes.map((node) => [node.id, box(node, drawing.boxes[node.id])]));
  const root = svg("svg", { viewBox: `-8 -8 ${drawing.width + 16} ${drawing.height + 16}`, role: "group" },
    svg("defs", {}, ...arrows), ...stubs, ...edges.map((one) => one.group), ...[...boxes.values()].map((one) => one.group));
  const into = (id) => edges.filter((one) => one.edge.to === id);
  const grouped = new Map([...boxes.keys()].map((id) => [id, []]));
  for (const one of edges) grouped.get(one.edge.to).push(one.group);
  const items = [...boxes].flatMap(([id, one]) => [one.group, ...grouped.get(id)]);
  picture = { root, boxes, edges, into, items, zoom: 1 };
  if (items.length) items[0].setAttribute("tabindex", 0);
  for (const [name, listener] of Object.entries(graphListeners)) root.addEventListener(name, listener);
  byId("canvas").replaceChildren(root);
  byId("cut").hidden = now.pass.total === boxes.size;
  zoomTo(Math.min(1, Math.max(0.6, (byId("canvas").clientWidth - 8) / (drawing.width + 16))));
}

function box(node, { x, y, width, height, kind: does }) {
  const line = (kind, dy) => svg("text", { class: kind, x: width / 2, y: dy });
  const title = line("title", 20);
  title.append(svg("tspan", { class: "name" }, cutText(labelOf(node), 24)));
  const kind = node.kind === "operation" ? visible(does) : t(node.kind);
  if (kind && kind !== cutText(labelOf(node), 24)) title.append(svg("tspan", { class: "kind", dx: 6 }, kind));
  const [value, gradient] = [line("value", 36), line("gradient", 51)];
  const group = svg("g", { class: `box ${node.kind}`, "data-item": node.id, role: "button", tabindex: -1, transform: `translate(${x - width / 2} ${y - height / 2})` },
    svg("rect", { width, height, rx: node.kind === "operation" ? 6 : 18 }), title, value, gradient);
  return { group, value, gradient, room: (width - 14) / 7 };
}

function updateGraph() {
  const { phase, node, step } = moment();
  picture.root.setAttribute("aria-label", t("graph"));
  byId("cut").textContent = t("cut", { total: now.pass.total, shown: picture.boxes.size });
  for (const [id, { group, value, gradient, room }] of picture.boxes) {
    const of = now.nodes.get(id);
    const total = entriesOf(id).at(-1)?.total ?? null;
    value.textContent = isComputed(of) && !isNumber(of) ? shortText(of.value, room) : "";
    const wrong = state.naive && wrongBy(id);
    gradient.textContent = total ? `${wrong ? "✗ " : ""}g ${shortText(total, room - 4)}` : "";
    const current = node?.id === id;
    group.classList.toggle("current", current);
    group.classList.toggle("pending", !isComputed(of));
    group.classList.toggle("waiting", Boolean(step?.waiting.includes(id)));
    group.classList.toggle("wrong", wrong);
    group.classList.toggle("pinned", state.pinned === String(id));
    group.setAttribute("aria-pressed", String(state.pinned === String(id)));
    group.setAttribute("aria-label", [nodeName(id), value.textContent, gradient.textContent, current ? stepTitle() : ""].filter(Boolean).join(", "));
    if (current) group.setAttribute("aria-current", "step");
    else group.removeAttribute("aria-current");
  }
  const flows = new Set((step?.flows ?? []).map((flow) => edgeKey({ from: flow.node, to: step.node, input: flow.input })));
  for (const { edge, key, group } of picture.edges) {
    const forward = phase === "forward" && edge.to === node.id;
    group.setAttribute("class", `edge ${edge.wanted ? "" : "unwanted"} ${forward ? "forward" : flows.has(key) ? "backward" : ""}`);
    group.classList.toggle("pinned", state.pinned === key);
    group.setAttribute("aria-pressed", String(state.pinned === key));
    group.setAttribute("aria-label", t("edge", { from: nodeName(edge.from), to: nodeName(edge.to) }));
  }
  picture.root.dataset.phase = phase;
  if (node) scrollWithin(byId("canvas"), picture.boxes.get(node.id).group);
}

// Whether, by now, a step of the naive pass has taken a wrong sum for this node, or its own gradient came out wrong.
function wrongBy(id) {
  const passed = now.moments.slice(now.forward, state.at + 1);
  if (passed.some((one) => one.step?.node === id && now.wrong.get(one.step))) return true;
  return moment().phase === "end" && rightInstead(id) !== null;
}

function zoomTo(zoom) {
  const { width, height } = now.pass.drawing;
  picture.zoom = Math.min(3, Math.max(0.05, zoom));
  picture.root.setAttribute("width", (width + 16) * picture.zoom);
  picture.root.setAttribute("height", (height + 16) * picture.zoom);
}

function zoomToFit() {
  const { width, height } = now.pass.drawing;
  const canvas = byId("canvas");
  zoomTo(Math.min(1.5, (canvas.clientWidth - 8) / (width + 16), (canvas.clientHeight - 8) / (height + 16)));
}

const itemOf = (event) => event.target.closest?.("[data-item]")?.dataset.item ?? null;

const graphListeners = {
  pointerover: (event) => look(itemOf(event)),
  pointerleave: () => look(null),
  focusin: (event) => look(itemOf(event)),
  focusout: () => look(null),
  click: (event) => pin(itemOf(event)),
  keydown: (event) => {
    const place = picture.items.findIndex((item) => item.dataset.item === itemOf(event));
    if (event.key === "Enter" || event.key === " ") pin(itemOf(event));
    else if (event.key === "ArrowDown") walkTo(place + 1);
    else if (event.key === "ArrowUp") walkTo(place - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  },
};

function walkTo(place) {
  const item = picture.items[place];
  if (!item) return;
  for (const other of picture.items) other.setAttribute("tabindex", other === item ? 0 : -1);
  item.focus({ preventScroll: true });
  scrollWithin(byId("canvas"), item);
}

function look(item) {
  if (item === state.shown) return;
  state.shown = item;
  showDetails();
}

function pin(item) {
  state.pinned = state.pinned === item ? null : item;
  updateGraph();
  showDetails();
}
