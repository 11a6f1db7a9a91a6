// Numbers and tensors. A tensor is a value as Value.to_dict writes it; null stands for what was cut out.

const shapeOf = (value) => `(${value.shape.join(", ")}${value.shape.length === 1 ? "," : ""})`;
const isScalar = (value) => value.shape.length === 0;
const asNumber = (item) => ({ nan: NaN, inf: Infinity, "-inf": -Infinity })[item] ?? Number(item);

// A number in five digits, or all of them where it is whole and short.
function numberText(item) {
  if (typeof item !== "number") return String(item);
  if (Object.is(item, -0)) return "-0";
  if (Number.isInteger(item) && Math.abs(item) < 1e7) return String(item);
  return String(Number(item.toPrecision(5)));
}

function numberView(item, tag = "span") {
  if (item === null) return el(tag, { class: "gap" }, "⋯");
  return el(tag, { class: "number", title: String(item), "data-exact": JSON.stringify(item) }, numberText(item));
}

// All numbers of nested lists, each with its index.
function elements(nested, index = []) {
  if (nested === null) return [];
  if (!Array.isArray(nested)) return [{ index, item: nested }];
  return nested.flatMap((inner, i) => elements(inner, [...index, i]));
}

// In one line: the number of a scalar, or few numbers if there is room for so many letters, else the shape.
function shortText(value, room = Infinity) {
  if (value === null || value.dtype === "") return t("unknown");
  if (value.data === null) return shapeOf(value);
  const all = elements(value.data);
  if (isScalar(value)) return numberText(value.data);
  const few = value.shape.length === 1 && all.length > 0 && all.length <= 3;
  const text = few ? `[${all.map((one) => numberText(one.item)).join(", ")}]` : "";
  return few && text.length <= room ? text : shapeOf(value);
}

// The same as words to be read aloud.
function spoken(value) {
  const text = shortText(value);
  return value && text === shapeOf(value) ? t("tensorOf", { shape: text }) : text;
}

// A tensor in full: the number, or rows and columns, or several tables of them, with shape and dtype.
function tensorView(value) {
  if (value === null || value.data === null) {
    const note = el("p", { class: "quiet small" }, t("noValue"));
    return el("div", { class: "tensor" }, note, value && caption(value));
  }
  const body = isScalar(value) ? numberView(value.data) : tables(value, value.data, value.shape.length, []);
  const fill = Object.fromEntries(["min", "max", "mean"].map((name) => [name, numberText(value[name] ?? null)]));
  const summary = value.cut ? el("span", { class: "quiet small" }, t("summary", fill)) : null;
  return el("div", { class: "tensor" }, el("div", { class: "numbers" }, body), caption(value), summary);
}

function caption(value) {
  if (value.dtype === "") return null; // nothing at all is known of it
  return el("span", { class: "quiet small shape" }, `${isScalar(value) ? "" : shapeOf(value)} ${value.dtype.replace("torch.", "")}`);
}

function tables(value, nested, dims, index) {
  if (value.shape.includes(0)) return el("span", { class: "quiet" }, t("emptyTensor"));
  if (nested === null) return el("span", { class: "gap" }, "⋯");
  if (dims > 2)
    return el("div", { class: "slices" }, ...nested.map((inner, i) => tables(value, inner, dims - 1, [...index, i])));
  const rows = dims === 1 ? [nested] : nested;
  const width = Math.max(...rows.map((row) => row?.length ?? 0));
  const cells = (row) => (row ?? Array(width).fill(null)).map((item) => numberView(item, "td"));
  const table = el("table", { class: "matrix" }, el("tbody", {}, ...rows.map((row) => el("tr", {}, ...cells(row)))));
  return index.length ? el("div", {}, el("span", { class: "quiet small" }, `[${index.join(", ")}]`), table) : table;
}

// Whether two values are the same, but for rounding.
function same(a, b) {
  const of = (value) => [...elements(value.data).map((one) => asNumber(one.item)), ...(value.cut ? [asNumber(value.mean)] : [])];
  const [xs, ys] = [of(a), of(b)];
  const scale = Math.max(0, ...ys.filter(Number.isFinite).map(Math.abs));
  const near = (x, y) => Object.is(x, y) || x === y || Math.abs(x - y) <= 1e-5 * scale;
  return xs.length === ys.length && xs.every((x, i) => near(x, ys[i]));
}
