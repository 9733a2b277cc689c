// The ranked tables, one for each way of measuring.

function rankingSection() {
  const several = data.tables.length > 1;
  const node = section("ranking", "Ranking", several
    ? "These runs were not measured in the same way: do not compare numbers of different tables." : null);
  if (several) node.querySelector(".heading p").classList.add("warning");
  if (!data.tables.some((table) => table.groups.length)) {
    node.append(el("p", { class: "empty" }, "No run has been measured yet: there is nothing to rank."));
  }
  for (const table of data.tables) if (table.groups.length) node.append(rankedTable(table));
  return node;
}

// The widths between which intervals are drawn, in pixels.
const NARROWEST = 160;
const WIDEST = 900;
// What is more than this goes first to names that would be cut.
const COMFORTABLE = 400;

function rankedTable(table) {
  const names = data.metrics.map((metric) => metric.name).filter((name) => name !== table.by
    && table.groups.some((group) => isNumber(group.final?.[name]?.mean) || isNumber(group.best?.[name]?.mean)));
  const ranked = names.filter((name) => goalOf(name));
  const shown = new Set((ranked.length ? ranked : names).slice(0, 3));
  const view = { which: data.on, sort: "rank", down: false };
  const body = el("tbody");
  const head = el("thead");
  const foot = el("tfoot");
  const grid = el("table", { class: "ranked" }, head, body, foot);
  let axis;

  function columns() {
    const stat = (group, name, which) => group[which]?.[name];
    const value = (group) => rankingValue(group, table);
    const otherState = data.on === "best" ? "final" : "best";
    const otherValue = (group) => stat(group, table.by, otherState)?.mean;
    const measured = (name) => ({
      key: name, name, goal: goalOf(name), value: (group) => stat(group, name, view.which)?.mean,
      cell: (group) => stack(number(stat(group, name, view.which)?.mean), half(stat(group, name, view.which))),
      real: () => number(table.real?.[name]),
    });
    const all = [
      { key: "rank", name: "#", hint: "rank", value: (group) => group.rank, cell: (group) => group.rank ?? "–" },
      { key: "label", name: "group", text: true, row: true, value: (group) => group.label,
        cell: (group) => groupButton(group.label), real: () => "real data" },
      { key: "plot", name: rankingName(table), text: true, plain: true, cell: (group) => axis.row(group.label, value(group)),
        real: () => (isNumber(table.real?.[table.by]) ? axis.real() : "") },
      { key: "mean", name: "mean [95 %]", goal: table.goal, value: (group) => value(group)?.mean,
        cell: (group) => stack(el("b", {}, number(value(group)?.mean)), range(value(group))),
        real: () => number(table.real?.[table.by]) },
      { key: "other", name: `${otherState} ${table.by}`, goal: table.goal, value: otherValue,
        cell: (group) => stack(number(otherValue(group)), otherState === "best" ? iterations(group) : null) },
      { key: "health", name: "health", text: true, goal: "max", value: sound, cell: outcome },
      ...names.filter((name) => shown.has(name)).map(measured),
      { key: "seeds", name: "seeds", goal: "max", value: (group) => group.n, cell: (group) => group.n },
      { key: "seconds", name: "time", value: (group) => group.seconds?.mean, cell: (group) => duration(group.seconds?.mean) },
      { key: "rate", name: "images/s", goal: "max", value: (group) => group.images_per_second?.mean,
        cell: (group) => number(group.images_per_second?.mean) },
    ];
    return table.by ? all : all.filter((column) => !["plot", "mean", "other"].includes(column.key));
  }

  function cell(column, content) {
    const kind = column.text ? "text" : "number";
    return column.row ? el("th", { class: kind, scope: "row" }, content) : el("td", { class: kind }, content);
  }

  function sorted(all) {
    const column = all.find(({ key }) => key === view.sort) ?? all[0];
    const sign = view.down ? -1 : 1;
    const missing = (value) => value === null || value === undefined;
    return [...table.groups].sort((one, two) => {
      const [a, b] = [column.value(one), column.value(two)];
      if (missing(a) || missing(b)) return missing(a) - missing(b);
      return sign * (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
    });
  }

  function sortBy(column) {
    view.down = view.sort === column.key ? !view.down : column.goal === "max";
    view.sort = column.key;
    draw();
    head.querySelector(`[data-key="${CSS.escape(column.key)}"] button`).focus();
  }

  function draw() {
    const spare = (px) => grid.style.setProperty("--spare", `${px}px`);
    // The other columns are as narrow as they can be: the intervals have what is left.
    const room = () => (head.querySelector('[data-key="plot"]')?.clientWidth ?? 0) - 20;
    spare(0);
    drawWith(NARROWEST);
    if (printing) return;
    spare(Math.max(0, room() - COMFORTABLE));
    if (room() > NARROWEST) drawWith(Math.min(room(), WIDEST));
  }

  function drawWith(width) {
    axis = intervalAxis(table, width);
    const all = columns();
    head.replaceChildren(el("tr", {}, all.map((column) => {
      const direction = view.sort !== column.key ? null : view.down ? "descending" : "ascending";
      const kind = { class: column.text ? "text" : "number", scope: "col", "data-key": column.key, "aria-sort": direction };
      if (column.plain) {
        const note = axis.log ? el("small", {}, " log axis") : null;
        return el("th", kind, el("span", { class: "plain" }, column.name, note), axis.head());
      }
      const title = names.includes(column.key) ? GOALS[column.goal] : column.hint;
      return el("th", kind, el("button", { type: "button", title, onclick: () => sortBy(column) }, column.name));
    })));
    body.replaceChildren(...sorted(all).map((group) => el("tr", { "data-group": group.label, onclick: () => pin(group.label) },
      all.map((column) => cell(column, column.cell(group))))));
    const known = Object.keys(table.real ?? {}).length;
    foot.replaceChildren(...(known ? [el("tr", { class: "real" }, all.map((column) => cell(column, column.real?.())))] : []));
    markFocus();
  }

  const scroll = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Ranking by ${table.by}` }, grid);
  let drawn = 0;
  drawWith(NARROWEST);
  new ResizeObserver(() => {
    if (scroll.clientWidth === drawn) return;
    drawn = scroll.clientWidth;
    draw();
  }).observe(scroll);
  onChange((changed) => {
    if (changed.has("print")) draw();
  });
  const menu = names.length ? picker("Metrics", names, shown, draw) : null;
  const states = [["final", "last state"], ["best", "best state"]];
  const which = names.length ? choice("State of the other metrics", states, view.which, (value) => {
    view.which = value;
    draw();
  }) : null;
  const goal = [data.on === "best" ? " of the best state" : "", table.goal && `, ${GOALS[table.goal]}`, ". "];
  return el("div", { class: "protocol" },
    el("div", { class: "tools" },
      el("div", { class: "words" },
        table.differs ? el("h3", {}, table.differs) : null,
        el("p", {}, table.by ? el("span", {}, "By ", el("b", {}, table.by), goal) : "Not ranked: ", table.protocol)),
      which, menu),
    scroll);
}

function stack(above, below) {
  return el("div", { class: "stack" }, el("span", {}, above), below ? el("small", {}, below) : null);
}

function range(stat) {
  return stat && isNumber(stat.low) ? `[${number(stat.low)}, ${number(stat.high)}]` : null;
}

function half(stat) {
  if (!stat || !isNumber(stat.low)) return null;
  return `± ${((stat.high - stat.low) / 2).toLocaleString("en-US", { maximumSignificantDigits: 2 })}`;
}

function iterations(group) {
  const all = (group.best_iterations ?? []).filter(isNumber);
  if (!all.length) return null;
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return `at ${low === high ? number(low) : `${number(low)} – ${number(high)}`}`;
}

/** The part of a group's runs that ended well. */
function sound(group) {
  return ((group.health?.healthy ?? 0) + (group.status?.finished ?? 0)) / (2 * group.runs.length || 1);
}

/** Health, and status where it says more than that all runs finished. */
function outcome(group) {
  const others = Object.entries(group.status ?? {}).filter(([word]) => word !== "finished" && !group.health?.[word]);
  return badges({ ...group.health, ...Object.fromEntries(others) });
}
