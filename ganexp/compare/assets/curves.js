// The section of the curves: which are shown, how, and the legend that all charts share.

// Charts that wait to be drawn: as many in a frame as leave the page fluid.
const waiting = new Set();
const FRAME = 12;

function drawSome() {
  const start = performance.now();
  for (const chart of waiting) {
    waiting.delete(chart);
    if (chart.seen && chart.dirty) chart.draw();
    if (performance.now() - start > FRAME) break;
  }
  if (waiting.size) requestAnimationFrame(drawSome);
}

function curvesSection() {
  const tags = Object.keys(data.curves).filter((tag) => Object.keys(data.curves[tag]).length);
  if (!tags.length) return null;
  const ranking = new Set(data.tables.map((table) => `metrics/${table.by}`));
  const first = [...ranking, "loss/d", "loss/g"].filter((tag) => tags.includes(tag));
  const ordered = [...first, ...tags.filter((tag) => !first.includes(tag))];
  const shown = new Set(first.length ? first : ordered.slice(0, 3));
  const domain = xDomain(tags);
  const options = { seeds: data.runs.length <= 40, mean: true, smoothing: 0, clip: true };
  const charts = new Map();
  const place = el("div", { class: "charts" });

  function arrange() {
    place.replaceChildren(...ordered.filter((tag) => shown.has(tag)).map((tag) => {
      if (!charts.has(tag)) {
        const chart = new LineChart(tag, domain, options);
        listen(chart);
        charts.set(tag, chart);
      }
      return charts.get(tag).figure;
    }));
  }

  const touch = () => charts.forEach((chart) => chart.touch());
  const set = (name) => (value) => {
    options[name] = value;
    touch();
  };
  // Without both a chart would be empty: who takes one away gets the other.
  const either = (name, other) => (value) => {
    set(name)(value);
    if (!value && !options[other]) lines[other].click();
  };
  const lines = {
    seeds: toggle("Seeds", options.seeds, either("seeds", "mean"), "a thin line for each run"),
    mean: toggle("Mean", options.mean, either("mean", "seeds"),
      "the mean over the seeds, with a band from the lowest to the highest"),
  };
  const slider = el("input", { type: "range", min: 0, max: 0.98, step: 0.02, value: 0, "aria-label": "Smoothing" });
  const amount = el("output", {}, "0");
  slider.addEventListener("input", () => {
    amount.textContent = slider.value;
    set("smoothing")(Number(slider.value));
  });
  const reset = el("button", { type: "button", class: "plainbutton", hidden: true, onclick: () => zoom(null) }, "Reset zoom");
  onChange((changed) => {
    if (["hidden", "focus", "range", "theme"].some((name) => changed.has(name))) touch();
    reset.hidden = state.range === null;
    if (printing) for (const tag of shown) charts.get(tag).draw();
  });

  arrange();
  const labels = new Set(tags.flatMap((tag) => Object.keys(data.curves[tag])).map((id) => runs.get(Number(id)).group));
  return section("curves", "Curves",
    "Over the iterations. Drag over a chart to zoom, double-click to reset. Bands reach from the lowest to the highest seed.",
    el("div", { class: "tools" },
      lines.seeds,
      lines.mean,
      toggle("Ignore outliers", options.clip, set("clip"), "leave out the few values that would flatten all others"),
      el("label", { class: "slider" }, "Smoothing", slider, amount),
      reset,
      el("span", { class: "space" }),
      picker("Charts", ordered, shown, arrange)),
    legend(labels),
    place);
}

/** The iterations that any curve reaches over: all charts share their x axis. */
function xDomain(tags) {
  let low = Infinity;
  let high = -Infinity;
  for (const tag of tags) {
    for (const { x } of Object.values(data.curves[tag])) {
      if (!x.length) continue;
      low = Math.min(low, x[0]);
      high = Math.max(high, x[x.length - 1]);
    }
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 1, high + 1] : [low, high];
}

/** The groups that have curves: a click hides or shows one, a double click shows it alone. */
function legend(labels) {
  const buttons = [...groups.keys()].filter((label) => labels.has(label)).map((label) => {
    const button = el("button", { type: "button", class: "entry", "data-group": label, "aria-pressed": "true", title: label },
      swatch(label), el("span", {}, label));
    button.addEventListener("click", () => {
      if (!state.hidden.delete(label)) state.hidden.add(label);
      change("hidden");
    });
    button.addEventListener("dblclick", () => {
      const others = [...labels].filter((other) => other !== label);
      const alone = !state.hidden.has(label) && others.every((other) => state.hidden.has(other));
      state.hidden = new Set(alone ? [] : others);
      change("hidden");
    });
    button.addEventListener("pointerenter", () => point(label));
    button.addEventListener("pointerleave", () => point(null));
    return button;
  });
  const all = el("button", {
    type: "button", class: "plainbutton", hidden: true,
    onclick: () => {
      state.hidden.clear();
      change("hidden");
    },
  }, "Show all");
  onChange((changed) => {
    if (!changed.has("hidden")) return;
    for (const button of buttons) button.setAttribute("aria-pressed", String(!state.hidden.has(button.dataset.group)));
    all.hidden = !state.hidden.size;
  });
  const help = "Groups: click hides or shows one, double click shows it alone";
  return el("div", { class: "legend", role: "group", "aria-label": help }, buttons, all);
}
