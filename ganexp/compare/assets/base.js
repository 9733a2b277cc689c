// Elements, numbers and what the sections of the page share. Text of the data reaches the page by text nodes alone.

const data = JSON.parse(document.getElementById("data").textContent);
const runs = new Map(data.runs.map((run) => [run.id, run]));

// Which groups are hidden, the one that is pinned or pointed at, and the part of the x axis that the charts show.
const state = { hidden: new Set(), pinned: null, pointed: null, range: null };
const listeners = new Set();

/** Have a function called after each change of the state, at most once per frame, with the names of what changed. */
function onChange(listener) {
  listeners.add(listener);
}

const pending = new Set();

function change(...names) {
  if (!pending.size) requestAnimationFrame(tell);
  for (const name of names) pending.add(name);
}

function tell() {
  const changed = new Set(pending);
  pending.clear();
  for (const listener of listeners) listener(changed);
}

// While it is printed the page is light, and drawn as a whole: what is off the screen is on the paper.
let printing = false;

/** A browser takes the picture of the page at once: listeners are told before this returns. */
function setPrinting(on) {
  printing = on;
  document.documentElement.classList.toggle("printing", on);
  change("theme", "print");
  tell();
}

addEventListener("beforeprint", () => setPrinting(true));
addEventListener("afterprint", () => setPrinting(false));
matchMedia("print").addEventListener("change", ({ matches }) => setPrinting(matches));

/** The group that stands out, null if none does. */
function focused() {
  return state.pointed ?? state.pinned;
}

function pin(label) {
  state.pinned = state.pinned === label ? null : label;
  state.pointed = null;
  change("focus");
}

function point(label) {
  if (state.pointed === label) return;
  state.pointed = label;
  change("focus");
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "style") for (const [name, text] of Object.entries(value)) node.style.setProperty(name, text);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** A number with four significant digits; a dash for one that is missing. */
function number(value) {
  if (!isNumber(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e7 || (size > 0 && size < 1e-4)) return String(Number(value.toPrecision(4)).toExponential());
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  return value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

function duration(seconds) {
  if (!isNumber(seconds)) return "–";
  if (seconds < 100) return `${number(Number(seconds.toPrecision(3)))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function moment(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text ?? "–";
  return date.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
}

function count(n, one, many = `${one}s`) {
  return `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`;
}

function goalOf(name) {
  return data.metrics.find((metric) => metric.name === name)?.goal ?? null;
}

/** The value that ranks, of a group its statistics and of a run a number: that of the state which counts. */
function rankingValue(item, table) {
  return item[data.on]?.[table.by];
}

/** What that value is called. */
function rankingName(table) {
  return data.on === "best" ? `best ${table.by}` : table.by;
}

const GOALS = { min: "lower is better", max: "higher is better" };

/** A section with a heading and a note beside it. */
function section(id, title, note, ...children) {
  const heading = el("div", { class: "heading" }, el("h2", {}, title), note ? el("p", {}, note) : null);
  return el("section", { id, "aria-label": title }, heading, children);
}

function line(kind, x1, y1, x2, y2) {
  return svg("line", { class: kind, x1, y1, x2, y2 });
}
