// What went wrong, and every run with what it takes to make it again.

function failuresSection() {
  const failures = data.failures.map(({ run }) => runs.get(run)).filter(Boolean);
  if (!failures.length) {
    const done = data.runs.filter((run) => run.status === "finished").length;
    const all = data.runs.length === 1 ? "The run" : `All ${count(data.runs.length, "run")}`;
    const some = `None so far: ${done} of ${count(data.runs.length, "run")} finished.`;
    return section("failures", "Failures", done === data.runs.length ? `${all} finished.` : some);
  }
  const note = `${failures.length} of ${count(data.runs.length, "run")} did not come to their end, or left files that are damaged.`;
  return section("failures", "Failures", note, el("div", { class: "failures" }, failures.map(failure)));
}

function failure(run) {
  const again = run.resume ? command(run.resume, "continue") : run.command ? command(run.command, "try again") : null;
  return el("article", { class: "failure", "data-group": run.group, "data-run": run.id },
    el("header", {}, badge(run.status), el("h3", {}, run.name),
      isNumber(run.iteration) ? el("span", { class: "quiet" }, progress(run)) : null),
    el("p", {}, run.reason ?? run.health?.reason ?? "No reason was recorded."),
    run.log ? el("details", {}, el("summary", {}, "Last lines of the log"), el("pre", { tabindex: 0 }, run.log)) : null,
    again);
}

function progress(run) {
  return `iteration ${number(run.iteration)}${isNumber(run.total_iterations) ? ` of ${number(run.total_iterations)}` : ""}`;
}

function runsSection() {
  const list = el("div", { class: "runs" }, data.runs.map(runEntry));
  const filter = el("input", { type: "search", placeholder: "filter by name, status or health", "aria-label": "Filter runs" });
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const item of list.children) {
      const text = item.querySelector("summary").textContent.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    }
  });
  const title = el("summary", {}, `Show ${count(data.runs.length, "run")}`);
  const tools = el("div", { class: "tools" }, filter);
  return section("runs", "Every run", null, el("details", { class: "all" }, title, tools, list));
}

function runEntry(run) {
  const entry = el("details", { class: "entry", "data-group": run.group },
    el("summary", {}, swatch(run.group), el("span", { class: "name" }, run.name),
      el("span", { class: "quiet" }, valueLine(run)), el("span", { class: "badges" }, badge(run.status), healthBadge(run))));
  // What is inside is made when it is looked at.
  entry.addEventListener("toggle", () => {
    if (entry.open && entry.children.length === 1) entry.append(runDetails(run));
  });
  return entry;
}

/** The health of a run, where it is another word than its status. */
function healthBadge(run) {
  return run.health && run.health.verdict !== run.status ? badge(run.health.verdict) : null;
}

function runDetails(run) {
  const facts = [
    ["group", run.group], ["seed", run.seed ?? "–"], ["progress", isNumber(run.iteration) ? progress(run) : "–"],
    ["best at", number(run.best_iteration)], ["time", duration(run.seconds)],
    ["images per second", number(run.images_per_second)],
    ["device", run.device ?? "–"], ["directory", el("code", {}, run.directory ?? "–")],
    ...Object.entries(run.parameters).map(([name, value]) => [name, String(value ?? "–")]),
  ];
  const reason = run.reason ?? run.health?.reason;
  if (reason) facts.unshift(["reason", reason]);
  const all = [...data.metrics.map((metric) => metric.name), ...Object.keys(run.final ?? {}), ...Object.keys(run.best ?? {})];
  const names = [...new Set(all)].filter((name) => isNumber(run.final?.[name]) || isNumber(run.best?.[name]));
  const head = el("tr", {}, el("th", { scope: "col" }, "value"), el("th", { scope: "col", class: "number" }, "last"),
    el("th", { scope: "col", class: "number" }, "best"));
  const rows = names.map((name) => el("tr", {}, el("th", { scope: "row" }, name),
    [run.final, run.best].map((values) => el("td", { class: "number" }, number(values?.[name])))));
  return el("div", { class: "inside" },
    el("dl", { class: "facts" }, facts.map(([name, what]) => [el("dt", {}, name), el("dd", {}, what)])),
    names.length ? el("div", { class: "scroll" }, el("table", {}, el("thead", {}, head), el("tbody", {}, rows))) : null,
    run.command ? command(run.command) : null);
}
