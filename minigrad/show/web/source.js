// The user's source, with the current expression marked. Columns count characters, so lines are split into those.

const codeLines = new Map(); // what is shown, by file and line: the element and its text

function showSource(file) {
  codeLines.clear();
  const rows = [];
  let last = null;
  for (const [number, text] of data.sources[file] ?? []) {
    if (last !== null && number > last + 1) rows.push(el("div", { class: "jump", "aria-hidden": "true" }, "⋯"));
    const content = el("span", { class: "text", dir: "ltr" }, visible(text));
    rows.push(el("div", { class: "line" }, el("span", { class: "count", "aria-hidden": "true" }, String(number)), content));
    codeLines.set(number, { content, text });
    last = number;
  }
  if (!rows.length) rows.push(el("p", { class: "quiet" }, t("noSource")));
  byId("file").textContent = file === undefined ? "" : visible(file);
  byId("code").replaceChildren(...rows);
  byId("code").dataset.file = file ?? "";
  byId("code").dataset.lang = lang;
}

// Underline the expression at `place`; the line that was marked before is put back.
function markSource(place, phase) {
  for (const row of byId("code").querySelectorAll(".current")) {
    row.classList.remove("current");
    const text = row.querySelector(".text");
    text.replaceChildren(text.textContent);
  }
  if (!place) return;
  if (byId("code").dataset.file !== place.file || byId("code").dataset.lang !== lang) showSource(place.file);
  for (let number = place.line; number <= place.end_line; number++) {
    const found = codeLines.get(number);
    if (!found) continue;
    const letters = Array.from(found.text);
    const from = number === place.line ? place.column : letters.findIndex((c) => c.trim());
    const to = number === place.end_line ? place.end_column : letters.length;
    const part = (start, end) => visible(letters.slice(start, end).join(""));
    found.content.replaceChildren(part(0, from), el("mark", { class: phase }, part(from, to)), part(to));
    found.content.parentElement.classList.add("current");
  }
  const row = byId("code").querySelector(".current");
  if (row) scrollWithin(byId("code"), row);
}

// Bring `inner` into sight by scrolling `outer` alone, never the page.
function scrollWithin(outer, inner) {
  const [box, target] = [outer.getBoundingClientRect(), inner.getBoundingClientRect()];
  const move = (low, high, start, end) => (start < low || end > high ? (start + end - low - high) / 2 : 0);
  outer.scrollBy(inner instanceof SVGElement ? move(box.left, box.right, target.left, target.right) : 0,
    move(box.top, box.bottom, target.top, target.bottom));
}
