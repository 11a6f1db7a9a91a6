// The page as a whole: its words, its buttons and keys, and going from one moment to another.

let timer = null; // of playing
const PACE = 1600; // milliseconds that each step is shown for

// Show the current moment everywhere; `quietly` where something else is to be said aloud.
function show({ quietly = false } = {}) {
  const { node, phase } = moment();
  markSource(node?.place ?? null, phase);
  updateGraph();
  showStory();
  showDetails();
  const [at, all] = [state.at + 1, now.moments.length];
  byId("slider").value = at;
  byId("slider").setAttribute("aria-valuetext", stepTitle());
  byId("where").textContent = t("where", { at, all });
  byId("back").disabled = state.at === 0;
  byId("next").disabled = at === all;
  if (!quietly) byId("live").textContent = liveText();
}

function go(at) {
  const to = Math.max(0, Math.min(now.moments.length - 1, at));
  if (to === state.at) return;
  state.at = to;
  state.pinned = state.shown = null;
  message = "";
  byId("story").scrollTop = byId("details").scrollTop = 0;
  show();
}

function play(on) {
  clearInterval(timer);
  timer = null;
  if (on) {
    if (state.at === now.moments.length - 1) go(0);
    timer = setInterval(() => (asking() || state.at === now.moments.length - 1 ? play(false) : go(state.at + 1)), PACE);
  }
  byId("play").textContent = t(on ? "pause" : "play");
}

// A graph or an order was chosen: everything is built anew.
function build() {
  choose();
  message = "";
  byId("slider").max = now.moments.length;
  byId("phase-forward").style.flexGrow = now.forward;
  byId("phase-backward").style.flexGrow = now.backward + 1;
  byId("naive-switch").hidden = !data.passes[state.graph].naive;
  showSource(now.pass.backward.nodes.find((node) => node.place)?.place.file);
  drawGraph();
  label();
}

// All words of the page, in its language.
function label() {
  document.documentElement.lang = { en: "en", zh: "zh-CN" }[lang];
  for (const one of document.querySelectorAll("[data-word]")) one.textContent = t(one.dataset.word);
  for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", t(one.dataset.label));
  for (const one of document.querySelectorAll("[data-hint]")) one.title = t(one.dataset.hint);
  document.title = visible(data.title ?? t("title"));
  byId("title").textContent = document.title;
  byId("about").textContent = t("about", now);
  byId("choice").hidden = data.passes.length < 2;
  byId("graphs").replaceChildren(...data.passes.map((pass, i) => el("option", { value: i, dir: "auto" }, wayText(pass.way))));
  byId("graphs").value = state.graph;
  byId("play").textContent = t(timer ? "pause" : "play");
  showVerdict();
  show();
}

// A pass by the leaves whose gradients it goes through: the gradient of the gradient of w.
function wayText(way) {
  return way.reduce((name, leaf) => (name === null ? t("gradientOf", { name: visible(leaf) }) : t("gradientOf", { name: `${name} · ${visible(leaf)}` })), null) ?? t("theLoss");
}

// In naive order: where the first wrong sum is, and a button that leads there.
function showVerdict() {
  byId("verdict").hidden = !state.naive;
  if (!state.naive) return;
  const first = now.moments.findIndex((one) => one.step && now.wrong.get(one.step));
  byId("verdict").classList.toggle("bad", first >= 0);
  if (first < 0) return byId("verdict").replaceChildren(t("neverWrong"));
  const { node, step } = now.moments[first];
  const fill = { at: first + 1 - now.forward, name: nodeName(node.id), delivered: step.delivered, users: step.users };
  const text = t(now.wrong.get(step).early ? "firstWrong" : "firstWrongCarried", fill);
  byId("verdict").replaceChildren(el("span", {}, text), " ", el("button", { type: "button", onclick: () => go(first) }, t("goThere")));
}

// The keys of the whole page; where a key has a meaning of its own, it keeps that.
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), select, #code")) return;
  const last = now.moments.length - 1;
  const to = { ArrowRight: state.at + 1, ArrowLeft: state.at - 1, Home: 0, End: last }[event.key];
  if (to !== undefined) {
    play(false);
    go(to);
  } else if (event.key === " " && !event.target.closest("button, summary, a, input")) play(!timer);
  else return;
  event.preventDefault();
}

const byHand = (change) => () => {
  play(false);
  change();
};

byId("next").addEventListener("click", byHand(() => go(state.at + 1)));
byId("back").addEventListener("click", byHand(() => go(state.at - 1)));
byId("play").addEventListener("click", () => play(!timer));
byId("slider").addEventListener("input", byHand(() => go(byId("slider").valueAsNumber - 1)));
byId("larger").addEventListener("click", () => zoomTo(picture.zoom * 1.25));
byId("smaller").addEventListener("click", () => zoomTo(picture.zoom / 1.25));
byId("fit").addEventListener("click", zoomToFit);
byId("graphs").addEventListener("change", byHand(() => {
  state.graph = Number(byId("graphs").value);
  state.at = 0;
  build();
}));
byId("naive").addEventListener("change", byHand(() => {
  state.naive = byId("naive").checked;
  build();
}));
byId("practice").addEventListener("change", byHand(() => {
  state.practice = byId("practice").checked;
  state.answered.clear();
  message = "";
  show();
}));
byId("language").addEventListener("change", () => {
  lang = byId("language").value;
  drawGraph(); // the kinds of its boxes are words too
  label();
});
byId("theme").addEventListener("change", () => {
  document.documentElement.dataset.theme = byId("theme").value;
});
document.addEventListener("keydown", onKey);

byId("language").value = lang;
build();
