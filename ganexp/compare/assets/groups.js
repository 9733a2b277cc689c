// Groups of runs that differ in their seed alone, and how each looks everywhere.

// Okabe and Ito's colours, which the colour-blind tell apart, darkened or lightened until lines stand out from the ground.
const PALETTE = [
  ["#0072b2", "#4c9fe6"], ["#d55e00", "#f0743a"], ["#00875f", "#16b98b"], ["#b3518a", "#e08abf"],
  ["#a87400", "#e9a820"], ["#3f4650", "#c3cad4"], ["#3a93c8", "#8cd3f7"], ["#7d7a00", "#efe46a"],
];
// With more groups than colours, those of equal colour differ in their dashes.
const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3]];

const groups = new Map();
const ranked = data.tables.flatMap((table) => table.groups.map((group) => group.label));
for (const label of [...ranked, ...data.runs.map((run) => run.group)]) {
  if (!groups.has(label)) {
    const index = groups.size;
    groups.set(label, {
      label,
      colours: PALETTE[index % PALETTE.length],
      dash: DASHES[Math.floor(index / PALETTE.length) % DASHES.length],
      runs: [],
    });
  }
}
for (const run of data.runs) groups.get(run.group).runs.push(run);

const preference = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  if (printing) return false;
  return document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : preference.matches;
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  change("theme");
}

/** A group's colour in the present scheme, for canvases. */
function colour(label) {
  return groups.get(label).colours[isDark() ? 1 : 0];
}

/** A group's colour in either scheme, for the style of elements. */
function cssColour(label) {
  const [light, dark] = groups.get(label).colours;
  return `light-dark(${light}, ${dark})`;
}

/** The colour that a custom property of the style stands for in the present scheme. */
function themeColour(name) {
  const probe = el("span", { style: { color: `var(${name})`, display: "none" } });
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** A short piece of a group's line. */
function swatch(label) {
  const dash = groups.get(label).dash.join(" ");
  const line = svg("line", { x1: 1, x2: 23, y1: 5, y2: 5, "stroke-width": 3, "stroke-dasharray": dash || null });
  line.style.stroke = cssColour(label);
  return svg("svg", { class: "swatch", width: 24, height: 10, "aria-hidden": "true" }, line);
}

/** A group's name with its line; pressing it makes the group stand out everywhere. */
function groupButton(label) {
  const button = el("button", {
    type: "button", class: "group", "data-group": label, "aria-pressed": "false", title: settings(label),
    onclick: (event) => { event.stopPropagation(); pin(label); },
  }, swatch(label), el("span", {}, label));
  return button;
}

/** All that a group was given, a line for each parameter: its label may leave some out. */
function settings(label) {
  const { parameters } = groups.get(label).runs[0];
  return data.parameters.map(({ key }) => `${key}: ${parameters[key] ?? "–"}`).join("\n") || label;
}

/** Show by classes, on everything that belongs to a group, which one stands out. */
function markFocus() {
  const label = focused();
  document.documentElement.classList.toggle("focusing", label !== null);
  for (const node of document.querySelectorAll("[data-group]")) {
    node.classList.toggle("focused", node.dataset.group === label);
    if (node.matches("button.group")) node.setAttribute("aria-pressed", String(node.dataset.group === state.pinned));
  }
}

const LEVELS = {
  healthy: "good", finished: "good", running: "calm", waiting: "calm", pruned: "calm", unfinished: "calm", stopped: "fair",
  declining: "fair", saturated: "bad", collapsed: "bad", diverged: "bad", refused: "bad", failed: "bad", killed: "bad",
};
const MARKS = { good: "✓", calm: "•", fair: "!", bad: "✕" };

/** A word about a run or several, with a mark so that the colour is not all that tells. */
function badge(word, n = null) {
  const level = LEVELS[word] ?? "calm";
  const mark = el("span", { class: "mark", "aria-hidden": "true" }, MARKS[level]);
  return el("span", { class: `badge ${level}` }, mark, n === null ? word : `${n} ${word}`);
}

function badges(counts) {
  return el("span", { class: "badges" }, Object.entries(counts ?? {}).filter(([, n]) => n).map(([word, n]) => badge(word, n)));
}
