// The effect of each parameter: the value of all runs by the parameter's value, whatever the other parameters were.

const EFFECT = { height: 250, left: 52, right: 14, top: 12, bottom: 40 };

function parametersSection() {
  const tables = data.tables.filter((table) => measuredRuns(table).length);
  if (!data.parameters.length || !tables.length) return null;
  const place = el("div");
  const node = section("parameters", "Parameters",
    "What each parameter does to the value, over all runs that rank: dots are runs, bars the mean with its 95 % interval.");
  const show = (table) => {
    const parallel = data.parameters.length > 1 && measuredRuns(table).length > 1 ? parallelChart(table) : null;
    place.replaceChildren(...(parallel ? [parallel] : []),
      el("div", { class: "effects" }, data.parameters.map((parameter) => effectChart(parameter, table))));
  };
  if (tables.length > 1) {
    const options = tables.map((table) => [table, table.differs || table.by]);
    node.append(el("div", { class: "tools" }, choice("Measured by", options, tables[0], show)));
  }
  node.append(place);
  show(tables[0]);
  return node;
}

function effectChart(parameter, table) {
  const members = measuredRuns(table);
  const place = el("div", { class: "effect-plot" });
  const log = spansDecades(members.map((run) => rankingValue(run, table)));
  const draw = () => place.replaceChildren(effectPicture(parameter, table, members, log, Math.max(place.clientWidth, 200)));
  new ResizeObserver(draw).observe(place);
  return el("figure", { class: "effect", "data-parameter": parameter.key },
    el("figcaption", {}, el("span", { class: "tag" }, `${rankingName(table)} by ${parameter.label}`),
      el("span", { class: "note" }, [GOALS[table.goal], log ? "log axis" : null].filter(Boolean).join(" · "))), place);
}

function effectPicture(parameter, table, members, log, width) {
  const { height, left, right, top, bottom } = EFFECT;
  const value = (run) => run.parameters[parameter.key] ?? null;
  const levels = new Map();
  for (const run of members) {
    const level = value(run) === null ? "–" : value(run);
    if (!levels.has(level)) levels.set(level, []);
    levels.get(level).push(run);
  }
  const numeric = isNumeric(parameter, members);
  const known = [...levels.keys()];
  const sorted = numeric ? known.sort((a, b) => (a === "–") - (b === "–") || a - b)
    : [...parameter.values.filter((level) => levels.has(level)), ...known.filter((level) => !parameter.values.includes(level))];
  const stats = new Map(sorted.map((level) => [level, meanInterval(valuesBySeed(levels.get(level), table))]));
  const values = members.map((run) => rankingValue(run, table));
  const [least, most] = extent(values, false, 0.5);
  const ends = [...stats.values()].flatMap((stat) => [stat.low, stat.high]).filter(isNumber);
  const near = ends.map((end) => Math.min(Math.max(end, least), most));
  const domain = extent(log ? values : [...values, ...near], log);
  const y = scale(domain, [height - bottom, top], log);
  const clamp = (end) => (log && end <= 0 ? height - bottom : Math.min(Math.max(y(end), top), height - bottom));
  const x = levelPlaces(parameter, sorted, numeric, [left + 24, width - right - 24]);

  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": sorted.map((level) => `${parameter.label} ${level}: ${intervalText(stats.get(level))}`).join("; ") });
  for (const tick of y.ticks(5)) {
    picture.append(line("grid", left, y(tick), width - right, y(tick)),
      svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, tickText(tick)));
  }
  const room = Math.max(4, Math.floor((width - left - right - 48) / Math.max(1, sorted.length) / 7));
  const below = { y: height - bottom + 18, "text-anchor": "middle" };
  const label = (at, short, text) => picture.append(svg("text", { x: at, ...below }, short, svg("title", {}, text)));
  for (const tick of x.ticks?.(Math.max(2, Math.floor(width / 110))) ?? []) label(x(tick), tickText(tick), number(tick));
  for (const level of sorted) {
    const text = isNumber(level) ? tickText(level) : String(level);
    const spread = Math.min(14, (width - left - right) / sorted.length / 5);
    const stat = stats.get(level);
    if (level === "–" || !x.ticks) label(x(level), text.length > room && !numeric ? `${text.slice(0, room - 1)}…` : text, text);
    levels.get(level).forEach((run, i, all) => {
      // Evenly scattered beside the mean, wherever the values lie.
      const shift = all.length > 1 ? spread * (0.3 + ((i * 0.618) % 1) * 1.2) : 0;
      const place = { cx: x(level) + shift, cy: y(rankingValue(run, table)), r: 3.5 };
      const title = svg("title", {}, `${run.name}: ${number(rankingValue(run, table))}`);
      const dot = svg("circle", { class: "dot", "data-group": run.group, ...place }, title);
      dot.style.setProperty("--c", cssColour(run.group));
      picture.append(dot);
    });
    const beside = x(level) - spread;
    if (isNumber(stat.low)) picture.append(line("bar", beside, clamp(stat.low), beside, clamp(stat.high)));
    if (levels.get(level).length > 1) picture.append(line("mean", beside - 7, clamp(stat.mean), beside + 7, clamp(stat.mean)));
  }
  picture.append(line("base", left, height - bottom, width - right, height - bottom),
    svg("text", { class: "name", x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, parameter.label));
  return picture;
}

/** Where the levels of a parameter stand: numbers on an axis, words at equal distances. */
function levelPlaces(parameter, levels, numeric, [from, to]) {
  const numbers = levels.filter(isNumber);
  if (!numeric || numbers.length < 2) return (level) => from + ((levels.indexOf(level) + 0.5) / levels.length) * (to - from);
  const absent = numbers.length < levels.length;
  const log = parameter.log && numbers[0] > 0;
  const place = scale([numbers[0], numbers[numbers.length - 1]], [from, absent ? to - 50 : to], log);
  const at = (level) => (isNumber(level) ? place(level) : to);
  // As many numbers as a search tries are not written each: the axis has round ones.
  return numbers.length > 8 ? Object.assign(at, { ticks: place.ticks }) : at;
}
