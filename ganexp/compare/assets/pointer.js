// What a pointer or the arrow keys do to a chart: the crosshair with the values there, and the part of the x axis in view.

// With more groups than this, those nearest to the pointer are named.
const MOST_ROWS = 14;

function listen(chart) {
  const crosshair = el("div", { class: "crosshair", hidden: true });
  const brush = el("div", { class: "brush", hidden: true });
  const tooltip = el("div", { class: "tooltip", role: "status", hidden: true });
  chart.plot.append(crosshair, brush, tooltip);
  let start = null;
  let index = null;

  const inside = (px) => Math.min(Math.max(px, MARGIN.left), chart.plot.clientWidth - MARGIN.right);
  const position = (event) => {
    const box = chart.plot.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  function hide() {
    index = null;
    crosshair.hidden = tooltip.hidden = true;
  }

  /** Show the values at the place of the grid that is nearest to a position. */
  function show(at, py = null) {
    index = at;
    const x = chart.grid[at];
    const rows = chart.visible().map((group) => ({ group, value: group.mean[at] })).filter(({ value }) => value !== null);
    const sign = chart.goal === "max" ? -1 : 1;
    rows.sort((a, b) => sign * (a.value - b.value));
    const distance = ({ value }) => Math.abs(chart.y(value) - py);
    const nearest = py === null || !rows.length ? null : rows.reduce((a, b) => (distance(b) < distance(a) ? b : a));
    const begin = Math.max(0, Math.min(rows.indexOf(nearest) - MOST_ROWS / 2, rows.length - MOST_ROWS));
    tooltip.replaceChildren(
      el("div", { class: "at" }, `iteration ${number(x)}`),
      el("table", {}, rows.slice(begin, begin + MOST_ROWS).map((row) => tooltipRow(row, at, row === nearest))),
      ...(rows.length > MOST_ROWS ? [el("div", { class: "more" }, `and ${rows.length - MOST_ROWS} more`)] : []),
      ...(rows.length ? [] : [el("div", { class: "more" }, "no values here")]));
    crosshair.hidden = tooltip.hidden = false;
    const px = chart.x(x);
    crosshair.style.setProperty("left", `${px}px`);
    // Beside the crosshair, on the side where the window has room.
    const edge = chart.plot.getBoundingClientRect().left;
    const width = tooltip.offsetWidth;
    const most = document.documentElement.clientWidth - width - 8;
    const left = edge + px + 14 <= most ? px + 14 : Math.max(px - 14 - width, 8 - edge);
    tooltip.style.setProperty("left", `${left}px`);
  }

  function nearestIndex(px) {
    const x = chart.x.invert(px);
    let best = null;
    chart.grid.forEach((other, i) => {
      if (px >= 0 && isShown(other) && (best === null || Math.abs(other - x) < Math.abs(chart.grid[best] - x))) best = i;
    });
    return best;
  }

  const isShown = (x) => !state.range || (x >= state.range[0] && x <= state.range[1]);

  chart.plot.addEventListener("pointermove", (event) => {
    if (!chart.x) return;
    const [px, py] = position(event);
    if (start !== null) {
      const [left, right] = [start, inside(px)].sort((a, b) => a - b);
      brush.hidden = right - left < 4;
      brush.style.setProperty("left", `${left}px`);
      brush.style.setProperty("width", `${right - left}px`);
    }
    const at = nearestIndex(inside(px));
    if (at === null) hide();
    else show(at, py);
  });
  chart.plot.addEventListener("pointerleave", hide);
  chart.plot.addEventListener("blur", hide);
  chart.plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !chart.x) return;
    start = inside(position(event)[0]);
    chart.plot.setPointerCapture(event.pointerId);
  });
  chart.plot.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const ends = [start, inside(position(event)[0])].sort((a, b) => a - b);
    start = null;
    brush.hidden = true;
    if (ends[1] - ends[0] >= 4) zoom(ends.map(chart.x.invert));
  });
  chart.plot.addEventListener("pointercancel", () => {
    start = null;
    brush.hidden = true;
  });
  chart.plot.addEventListener("dblclick", () => zoom(null));
  chart.plot.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      zoom(null);
      hide();
    }
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !chart.x) return;
    event.preventDefault();
    const at = index === null ? nearestIndex(MARGIN.left) : index + step;
    if (at !== null && at >= 0 && at < chart.grid.length && isShown(chart.grid[at])) show(at);
  });
}

function zoom(range) {
  state.range = range;
  change("range");
}

function tooltipRow({ group, value }, at, isNearest) {
  const { label, size } = group;
  const parts = [];
  if (group.n[at] > 1) parts.push(`${number(group.low[at])} – ${number(group.high[at])}`);
  if (group.n[at] < size) parts.push(`${group.n[at]} of ${size}`);
  return el("tr", { class: isNearest ? "nearest" : null, "data-row": label },
    el("td", {}, swatch(label)), el("th", { scope: "row" }, label), el("td", { class: "number" }, number(value)),
    el("td", { class: "number quiet" }, parts.join(", ")));
}
