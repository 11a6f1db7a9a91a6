// Working it out: the next number is hidden, and the reader types it.

let message = ""; // what was said to the last answer

// Which element of a value to ask for: one that is not zero, from the middle, as corners are the easiest.
function asked(value) {
  const all = elements(value.data);
  const telling = all.filter((one) => asNumber(one.item) !== 0);
  const from = telling.length ? telling : all;
  return from[Math.floor(from.length / 2)];
}

// What the reader wrote as a number: decimal, in powers of ten, a fraction, inf or nan; null for anything else.
function typed(text) {
  const clean = text.trim().toLowerCase().replace(/[−–]/g, "-").replace(/^\+/, "");
  if (clean === "nan") return NaN;
  if (/^-?inf(inity)?$/.test(clean)) return clean[0] === "-" ? -Infinity : Infinity;
  const parts = clean.split("/").map((part) => part.trim());
  if (parts.length > 2 || !parts.every((part) => /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/.test(part))) return null;
  return parts.map(Number).reduce((a, b) => a / b);
}

// Right within 1 percent; where it should be zero, within a millionth of the largest element.
function isRight(answer, value) {
  const right = asNumber(asked(value).item);
  if (!Number.isFinite(right)) return Object.is(answer, right);
  const largest = Math.max(0, ...elements(value.data).map((one) => Math.abs(asNumber(one.item))).filter(Number.isFinite));
  return Math.abs(answer - right) <= Math.max(0.01 * Math.abs(right), 1e-6 * largest);
}

// The value, or, while it is hidden, the question for it, or a sign that its turn comes later.
function valueOrQuestion(value, what) {
  if (!isHidden(value)) return tensorView(value);
  const cover = el("span", { class: "hidden-value", role: "img", "aria-label": t("hidden") }, "?");
  if (questions().indexOf(value) !== answered()) return el("div", { class: "tensor" }, cover, caption(value));
  return el("div", { class: "tensor" }, cover, caption(value), question(value, what));
}

function question(value, what) {
  const place = asked(value).index;
  const text = place.length ? t("ask", { what, where: `[${place.join(", ")}]` }) : t("askScalar", { what });
  const answer = el("input", { id: "answer", type: "text", autocomplete: "off", spellcheck: "false", "aria-describedby": "tolerance" });
  const check = () => {
    const number = typed(answer.value);
    if (number === null) return say(t("isNoNumber"), "bad");
    if (!isRight(number, value)) return say(t("isWrong"), "bad");
    settle(t("isRight"));
  };
  answer.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // or the button that has the focus afterwards would be pressed
    check();
  });
  const reveal = () => settle(t("wasRevealed", { number: numberText(asked(value).item) }));
  return el("div", { class: "question" },
    el("label", { for: "answer" }, text),
    el("div", { class: "row" }, answer,
      el("button", { type: "button", id: "check", class: "main", onclick: check }, t("checkAnswer")),
      el("button", { type: "button", id: "reveal", onclick: reveal }, t("reveal"))),
    el("p", { id: "said", role: "status" }, ""),
    el("p", { id: "tolerance", class: "quiet small" }, t("tolerance")));
}

function say(text, kind) {
  byId("said").textContent = text;
  byId("said").className = kind;
}

// The current question is done with: show its number, and go on to the next question or button.
function settle(text) {
  state.answered.set(state.at, answered() + 1);
  message = text;
  show({ quietly: true });
  byId("live").textContent = text;
  (byId("answer") ?? byId("next")).focus({ preventScroll: true });
}
