// Wires the controls of the page. What it says stands in its elements; its charts are Plotly's.

const root = document.documentElement;
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const one = (selector, from = document) => from.querySelector(selector);
const isOn = (button) => button.getAttribute("aria-pressed") === "true";
const press = (button, on) => button.setAttribute("aria-pressed", String(on));
const choose = (button) => [...button.parentElement.children].forEach((each) => press(each, each === button));

const themes = JSON.parse(one("#themes").textContent);
const preference = matchMedia("(prefers-color-scheme: dark)");
// Which groups are hidden, the one that is pinned or pointed at, and the iterations that the charts show.
const state = { hidden: new Set(), pinned: null, pointed: null, range: null, resets: 0 };
let printing = false;

const isDark = () => !printing && (root.dataset.theme ? root.dataset.theme === "dark" : preference.matches);
const focused = () => state.pointed ?? state.pinned;

// Charts: what is off the screen waits, and what changes within a frame is drawn once.

const BUTTONS = { modeBarButtons: [["zoom2d", "pan2d", "toImage"]], toImageButtonOptions: { format: "svg" } };
const CONFIG = { ...BUTTONS, displaylogo: false, responsive: true, doubleClick: false };
const plots = all(".plot");
const brushes = new Map(plots.map((plot) => [plot, new Map()]));
const seen = new Set();
const dirty = new Set();
let frame = null;

function redraw(which = plots) {
  for (const plot of which) {
    dirty.add(plot);
    plot.ariaBusy = "true";
  }
  frame ??= requestAnimationFrame(paint);
}

function paint() {
  frame = null;
  for (const plot of dirty) if ((printing || seen.has(plot)) && plot.offsetParent) draw(plot);
}

function draw(plot) {
  dirty.delete(plot);
  const colours = themes[isDark() ? "dark" : "light"];
  const coloured = (match, name) => (name in colours ? `"${colours[name]}"` : match);
  const { data, layout } = JSON.parse(plot.nextElementSibling.textContent.replace(/"@(\w+)"/g, coloured));
  const isParallel = plot.matches(".parallel-plot");
  if (plot.closest(".chart")) arrange(plot, data, layout);
  if (isParallel) layout.shapes.push(...brushed(plot, colours.accent));
  for (const trace of data) {
    const recedes = focused() !== null && trace.meta && trace.meta.group !== focused();
    if (recedes && trace.meta.kind === "band") trace.visible = false;
    if (recedes) trace.opacity = (trace.opacity ?? 1) * 0.2;
    if (!passes(plot, trace)) trace.opacity = 0.06;
  }
  if (printing) layout.width = Number(plot.dataset.paper);
  const isNew = !plot.on;
  Plotly.react(plot, data, layout, { ...CONFIG, displayModeBar: isParallel ? false : "hover" });
  if (isNew) {
    plot.on("plotly_doubleclick", () => zoom(null));
    plot.on("plotly_relayout", ({ "xaxis.range[0]": from, "xaxis.range[1]": to }) => from !== undefined && zoom([from, to]));
    plot.on("plotly_selected", (event) => event?.range && brush(plot, event.range));
  }
  plot.ariaBusy = "false";
}

/** An exponential moving average that is not drawn towards 0 at its beginning; missing values stay missing. */
function smooth(values, weight) {
  let [sum, total] = [0, 0];
  return values.map((value) => {
    if (!weight || value === null) return value;
    [sum, total] = [weight * sum + (1 - weight) * value, weight * total + (1 - weight)];
    return sum / total;
  });
}

/** Show curves as the controls say. */
function arrange(plot, data, layout) {
  const [seeds, mean, clip] = ["seeds", "mean", "clip"].map((name) => isOn(one(`[name=${name}]`)));
  const type = isOn(one("[name=log]", plot.parentElement)) ? "log" : "linear";
  const ends = clip && layout.meta.clip[type];
  layout.yaxis.type = type;
  if (ends) layout.yaxis.range = type === "log" ? ends.map(Math.log10) : ends;
  if (state.range) layout.xaxis.range = state.range;
  layout.uirevision = [type, clip, state.resets].join();
  data.forEach((trace, i) => {
    const { kind, group } = trace.meta;
    trace.x = layout.meta.x[trace.x];
    trace.y = smooth(trace.y, Number(one("[name=smoothing]").value));
    trace.visible = !state.hidden.has(group) && (kind === "seed" ? seeds : mean);
    if (kind === "seed" && mean) [trace.opacity, trace.hoverinfo, trace.line.dash] = [0.35, "skip", "solid"];
    const [low, high] = data.slice(Math.max(0, i - 2), i);
    const range = (ends) => ends.map((end) => Number(end?.toPrecision(4))).join(" – ");
    if (kind === "mean" && trace.text) trace.customdata = low.y.map((y, j) => range([y, high.y[j]]) + (trace.text[j] ?? ""));
  });
}

function zoom(range) {
  state.range = range;
  if (!range) state.resets += 1;
  one("[name=reset]").hidden = !range;
  redraw();
}

// Parallel coordinates: a part of each axis that lines have to go through.

function passes(plot, { y }) {
  const at = (axis) => y[axis * plot.layout.meta.steps];
  return [...brushes.get(plot)].every(([axis, [low, high]]) => at(axis) >= low && at(axis) <= high);
}

function brushed(plot, fillcolor) {
  const box = { type: "rect", xsizemode: "pixel", x0: -9, x1: 9, fillcolor, opacity: 0.3, line: { width: 0 } };
  return [...brushes.get(plot)].map(([xanchor, [y0, y1]]) => ({ ...box, xanchor, y0, y1 }));
}

function brush(plot, range) {
  if (range) brushes.get(plot).set(Math.round((range.x[0] + range.x[1]) / 2), range.y.sort((a, b) => a - b));
  else brushes.get(plot).clear();
  const readout = one(".readout", plot.parentElement);
  const kept = plot.data.filter((trace) => passes(plot, trace)).length;
  readout.textContent = range ? `${kept} of ${plot.data.length} runs pass through the brushed parts.` : readout.dataset.whole;
  one("[name=clear]", plot.parentElement).hidden = !range;
  redraw([plot]);
}

// Groups: one stands out everywhere while it is pointed at or pinned.

function focus(changes) {
  Object.assign(state, changes);
  root.classList.toggle("focusing", focused() !== null);
  for (const node of all("[data-group]")) {
    node.classList.toggle("focused", node.dataset.group === focused());
    if (node.name === "group") press(node, node.dataset.group === state.pinned);
  }
  redraw();
}

const entries = all(".legend .entry");

function hide(labels) {
  state.hidden = new Set(labels);
  for (const entry of entries) press(entry, !state.hidden.has(entry.dataset.group));
  one(".legend [name=all]").hidden = !state.hidden.size;
  redraw();
}

for (const entry of entries) {
  const label = entry.dataset.group;
  const others = entries.map((other) => other.dataset.group).filter((other) => other !== label);
  entry.addEventListener("dblclick", () => hide(others.every((other) => state.hidden.has(other)) && isOn(entry) ? [] : others));
  entry.addEventListener("pointerenter", () => focus({ pointed: label }));
  entry.addEventListener("pointerleave", () => focus({ pointed: null }));
}

// Samples: small pictures at whole multiples with sharp pixels, larger ones shrunk smoothly.

const [samples, viewer] = [all("[name=picture]"), one(".viewer")];
let enlarged = 0;

function fit(image, width, rounded = Math.round) {
  const multiple = rounded(width / image.naturalWidth);
  image.classList.toggle("whole", multiple >= 1);
  image.style.width = `${multiple >= 1 ? image.naturalWidth * multiple : width}px`;
}

/** As wide as the slider says, and at most about twice as high: a tall picture would fill the page. */
function resize() {
  const width = one("[name=size]")?.value;
  for (const image of all("[name=picture] img")) {
    if (image.naturalWidth) fit(image, Math.min(width, (2 * width * image.naturalWidth) / image.naturalHeight));
  }
}

function enlarge(at) {
  enlarged = (at + samples.length) % samples.length;
  const button = samples[enlarged];
  const copies = (selector, from) => all(selector, from).map((node) => node.cloneNode(true));
  const [image] = copies("img", button);
  one("h3", viewer).replaceChildren(...copies(".swatch", button.closest(".card")), button.ariaLabel.replace("Enlarge ", ""));
  one("p", viewer).replaceChildren(button.dataset.said, ...copies(".badge", button.parentElement));
  one(".frame", viewer).replaceChildren(image);
  if (!viewer.open) viewer.showModal();
  const widest = () => Math.min(innerWidth * 0.92, (innerHeight * 0.82 * image.naturalWidth) / image.naturalHeight);
  image.decode().then(() => fit(image, widest(), Math.floor));
}

viewer.addEventListener("keydown", ({ key }) => key.startsWith("Arrow") && enlarge(enlarged + (key === "ArrowLeft" ? -1 : 1)));

// What controls do, by their names.
function toggle(button, other) {
  press(button, !isOn(button));
  // Without seeds and means a chart would be empty: who takes one away gets the other.
  if (other && !isOn(button)) press(one(`[name=${other}]`), true);
  redraw();
}

/** Sort a table by a column of what it shows; a second time the other way around. Missing values come last. */
function sort(button) {
  const [head, table] = [button.closest("th"), button.closest("table")];
  const before = head.getAttribute("aria-sort");
  const sign = (before ? before === "ascending" : "down" in head.dataset) ? -1 : 1;
  const value = ({ dataset }) => dataset[table.dataset.state] ?? dataset.sort;
  const compare = (a, b) => (head.dataset.key === "label" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
  const pairs = [...table.tBodies[0].rows].map((row) => [value(row.cells[head.cellIndex]), row]);
  table.tBodies[0].append(...pairs.sort(([a], [b]) => (a && b ? sign * compare(a, b) : !a - !b)).map(([, row]) => row));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
}

async function copy(button) {
  const code = button.previousElementSibling;
  // Some browsers keep the clipboard from files; a selection that can be copied by hand remains.
  getSelection().selectAllChildren(code);
  button.textContent = await navigator.clipboard.writeText(code.textContent).then(() => "Copied", () => "Press Ctrl+C");
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

const actions = {
  copy, sort, clip: toggle, log: toggle,
  all: () => hide([]),
  clear: (button) => brush(one(".plot", button.closest(".parallel")), null),
  close: () => viewer.close(),
  entry: ({ dataset: { group } }) => hide(state.hidden.delete(group) ? state.hidden : state.hidden.add(group)),
  filter: (field) => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const text of all(field.dataset.texts, field.closest("details"))) {
      text.closest(field.dataset.items).hidden = !words.every((word) => text.textContent.toLowerCase().includes(word));
    }
  },
  group: ({ dataset: { group } }) => focus({ pinned: state.pinned === group ? null : group, pointed: null }),
  mean: (button) => toggle(button, "seeds"),
  pick: (box) => {
    const menu = box.closest(".menu");
    one("summary span", menu).textContent = `${all(":checked", menu).length} of ${all("[name=pick]", menu).length}`;
    const picked = all("[data-pick]", menu.closest(".protocol, section")).filter((node) => node.dataset.pick === box.value);
    for (const node of picked) node.hidden = !box.checked;
  },
  picture: (button) => enlarge(samples.indexOf(button)),
  reset: () => zoom(null),
  seeds: (button) => toggle(button, "mean"),
  size: resize,
  smoothing: (slider) => {
    slider.nextElementSibling.textContent = slider.value;
    redraw();
  },
  state: (button) => {
    choose(button);
    one(".ranked", button.closest(".protocol")).dataset.state = button.value;
  },
  step: (button) => enlarge(enlarged + Number(button.value)),
  table: (button) => {
    choose(button);
    all(".measured").forEach((node, i) => { node.hidden = i !== Number(button.value); });
  },
  theme: () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    recolour();
  },
};

addEventListener("click", ({ target }) => {
  for (const menu of all(".menu[open]")) menu.open = menu.contains(target);
  const control = target.closest("button[name], .ranked tbody tr");
  if (control) actions[control.name ?? "group"](control);
});
addEventListener("keydown", ({ key }) => key === "Escape" && all(".menu[open]").forEach((menu) => { menu.open = false; }));
addEventListener("input", ({ target }) => actions[target.name](target));

// Theme, paper and place. A browser prints at once: everything is drawn before these return.

function recolour() {
  press(one("[name=theme]"), isDark());
  redraw();
}

function print({ type, matches }) {
  printing = matches ?? type === "beforeprint";
  root.classList.toggle("printing", printing);
  recolour();
  paint();
}

preference.addEventListener("change", recolour);
for (const moment of ["beforeprint", "afterprint"]) addEventListener(moment, print);
matchMedia("print").addEventListener("change", print);
addEventListener("load", resize);
const places = new IntersectionObserver((changes) => {
  const here = changes.find((change) => change.isIntersecting)?.target.id;
  if (here) for (const link of all("#bar a")) link.classList.toggle("here", link.hash === `#${here}`);
}, { rootMargin: "-25% 0px -70% 0px" });
all("section").forEach((section) => places.observe(section));
const screen = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting } of changes) seen[isIntersecting ? "add" : "delete"](target);
  redraw([...dirty]);
}, { rootMargin: "200px" });
plots.forEach((plot) => screen.observe(plot));
recolour();
