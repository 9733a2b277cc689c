// Parameters: a line for each run through its parameters to its value, on axes that can be brushed.

const PARALLEL = { height: 320, top: 34, bottom: 24, left: 112, right: 70 };

/** Runs of a table that count and have its value. */
function measuredRuns(table) {
  const at = data.tables.indexOf(table);
  return data.runs.filter((run) => run.table === at && run.counts && isNumber(rankingValue(run, table)));
}

function isNumeric(parameter, members) {
  const values = members.map((run) => run.parameters[parameter.key]).filter((value) => value !== null && value !== undefined);
  return parameter.numeric && values.length > 0 && values.every(isNumber);
}

/** From best to worst: blue over grey to orange, which the colour-blind tell apart, light or dark enough on either ground. */
function valueColour(part) {
  const stops = isDark() ? [[90, 178, 245], [130, 138, 148], [245, 140, 60]] : [[0, 100, 180], [150, 156, 164], [213, 94, 0]];
  const [a, b, t] = part < 0.5 ? [stops[0], stops[1], part * 2] : [stops[1], stops[2], part * 2 - 1];
  return `rgb(${a.map((channel, i) => Math.round(channel + (b[i] - channel) * t)).join(", ")})`;
}

function parallelAxis(parameter, members, table) {
  const [top, bottom] = [PARALLEL.top, PARALLEL.height - PARALLEL.bottom];
  if (!parameter) {
    const values = members.map((run) => rankingValue(run, table));
    const log = spansDecades(values);
    const place = scale(extent(values, log, 0.02), table.goal === "max" ? [bottom, top] : [top, bottom], log);
    const ticks = place.ticks(6).map((tick) => [place(tick), tickText(tick)]);
    return { label: rankingName(table), at: (run) => place(rankingValue(run, table)), ticks };
  }
  const value = (run) => run.parameters[parameter.key] ?? null;
  if (isNumeric(parameter, members)) {
    const values = members.map(value).filter(isNumber);
    const log = parameter.log && Math.min(...values) > 0;
    const absent = values.length < members.length;
    const place = scale(extent(values, log, 0.02), [bottom - (absent ? 26 : 0), top], log);
    const levels = [...new Set(values)];
    const ticks = (levels.length > 8 ? place.ticks(6) : levels).map((tick) => [place(tick), tickText(tick)]);
    if (absent) ticks.push([bottom, "–"]);
    return { label: parameter.label, at: (run) => (isNumber(value(run)) ? place(value(run)) : bottom), ticks };
  }
  const words = [...new Set(members.map((run) => String(value(run) ?? "–")))];
  const listed = parameter.values.map(String).filter((word) => words.includes(word));
  const all = [...listed, ...words.filter((word) => !listed.includes(word))];
  const place = (word) => top + 8 + (all.length === 1 ? 0.5 : all.indexOf(word) / (all.length - 1)) * (bottom - top - 16);
  const ticks = all.map((word) => [place(word), word]);
  return { label: parameter.label, at: (run) => place(String(value(run) ?? "–")), ticks };
}

function parallelChart(table) {
  const members = measuredRuns(table);
  const readout = el("p", { class: "readout", role: "status" });
  const clear = el("button", { type: "button", class: "plainbutton", hidden: true }, "Clear filters");
  const place = el("div", { class: "parallel-plot" });
  const brushes = new Map();
  let axes = [];
  let lines = [];
  let pointedAt = null;
  clear.addEventListener("click", () => {
    brushes.clear();
    draw();
  });

  // By their places from best to worst, so that one bad run does not make all others look alike.
  const sign = table.goal === "max" ? -1 : 1;
  const best = [...members].sort((a, b) => sign * (rankingValue(a, table) - rankingValue(b, table)));
  const worth = new Map(best.map((run, i) => [run, i / Math.max(1, best.length - 1)]));
  const passes = (run) => [...brushes].every(([i, [top, bottom]]) => axes[i].at(run) >= top && axes[i].at(run) <= bottom);

  function mark() {
    const passing = members.filter(passes);
    const focus = focused();
    for (const { run, path } of lines) {
      path.classList.toggle("out", !passes(run));
      path.classList.toggle("focused", run === pointedAt || run.group === focus);
    }
    clear.hidden = !brushes.size;
    const rest = brushes.size ? `${passing.length} of ${count(members.length, "run")} within the brushed parts.`
      : `${count(members.length, "run")}, blue the best. Drag along an axis to filter.`;
    readout.replaceChildren(pointedAt ? el("b", {}, pointedAt.name) : rest, pointedAt ? `  ${valueLine(pointedAt)}` : "");
  }

  function draw() {
    const width = Math.max(place.clientWidth, 200);
    const shown = [...data.parameters, null];
    axes = shown.map((parameter, i) => ({
      ...parallelAxis(parameter, members, table),
      x: PARALLEL.left + (i * (width - PARALLEL.left - PARALLEL.right)) / (shown.length - 1),
    }));
    const picture = svg("svg", { width, height: PARALLEL.height, viewBox: `0 0 ${width} ${PARALLEL.height}`, role: "img",
      "aria-label": `Parallel coordinates of ${count(members.length, "run")}: ${axes.map((axis) => axis.label).join(", ")}` });
    // The best are drawn last.
    lines = [...best].reverse().map((run) => {
      const places = axes.map((axis) => `${axis.x},${axis.at(run)}`);
      const path = svg("path", { class: "run", "data-run": run.id, d: `M${places.join("L")}` });
      path.style.stroke = valueColour(worth.get(run));
      picture.append(path);
      return { run, path };
    });
    axes.forEach((axis, i) => picture.append(axisGroup(axis, i)));
    place.replaceChildren(picture);
    picture.addEventListener("pointermove", (event) => hover(event, picture));
    picture.addEventListener("pointerleave", () => {
      pointedAt = null;
      mark();
    });
    mark();
  }

  function axisGroup(axis, i) {
    const [top, bottom] = [PARALLEL.top - 6, PARALLEL.height - PARALLEL.bottom + 6];
    const box = svg("rect", { class: "brushed", x: axis.x - 9, width: 18 });
    const size = { x: axis.x - 20, y: top, width: 40, height: bottom - top };
    const handle = svg("rect", { class: "handle", "data-axis": axis.label, ...size });
    const left = i === axes.length - 1 ? { x: axis.x + 8, "text-anchor": "start" } : { x: axis.x - 8, "text-anchor": "end" };
    const show = () => {
      const [from, to] = brushes.get(i) ?? [0, 0];
      box.setAttribute("y", from);
      box.setAttribute("height", to - from);
    };
    show();
    let start = null;
    const y = (event) => Math.min(Math.max(event.clientY - handle.ownerSVGElement.getBoundingClientRect().top, top), bottom);
    handle.addEventListener("pointerdown", (event) => {
      start = y(event);
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (start === null) return;
      const ends = [start, y(event)].sort((a, b) => a - b);
      brushes.set(i, ends);
      show();
      mark();
    });
    handle.addEventListener("pointerup", (event) => {
      // A click without a way takes the filter off.
      if (Math.abs(y(event) - start) < 3) brushes.delete(i);
      start = null;
      show();
      mark();
    });
    return svg("g", { class: "axis" },
      svg("line", { x1: axis.x, x2: axis.x, y1: top, y2: bottom }),
      svg("text", { class: "name", x: axis.x, y: 14, "text-anchor": "middle" }, axis.label),
      axis.ticks.map(([at, text]) => svg("text", { ...left, y: at + 4 }, text.length > 14 ? `${text.slice(0, 13)}…` : text,
        svg("title", {}, text))), box, handle);
  }

  function hover(event, picture) {
    const box = picture.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const next = axes.findIndex((axis) => axis.x >= px);
    pointedAt = null;
    if (next > 0) {
      const [a, b] = [axes[next - 1], axes[next]];
      const part = (px - a.x) / (b.x - a.x);
      let least = 8;
      for (const run of members.filter(passes)) {
        const distance = Math.abs(a.at(run) + part * (b.at(run) - a.at(run)) - py);
        if (distance < least) [least, pointedAt] = [distance, run];
      }
    }
    mark();
  }

  new ResizeObserver(draw).observe(place);
  onChange((changed) => {
    if (changed.has("theme")) draw();
    else if (changed.has("focus")) mark();
  });
  const direction = GOALS[table.goal] ? ", the best at the top" : "";
  return el("div", { class: "parallel" },
    el("h3", {}, "All parameters", el("small", {}, `each line is a run${direction}`)),
    place, el("div", { class: "tools" }, readout, clear));
}
