// One line chart: a tag's curves over the iterations, a colour for each group.

const MARGIN = { left: 52, right: 12, top: 10, bottom: 24 };

class LineChart {
  constructor(tag, domain, options) {
    Object.assign(this, { tag, domain, options, dirty: true, seen: false });
    const name = tag.startsWith("metrics/") ? tag.slice("metrics/".length) : null;
    this.goal = name ? goalOf(name) : null;
    // Of samples that are drawn in training; an evaluation measures others.
    const floors = new Set(data.tables.map((table) => table.real?.[name]).filter(isNumber));
    this.floor = data.numbers === "training" && floors.size === 1 ? [...floors][0] : null;
    this.lines = Object.entries(data.curves[tag]).map(([id, curve]) => ({ run: runs.get(Number(id)), ...curve }));
    // A metric that falls by such a factor would end in a flat line.
    this.log = this.goal === "min" && this.lines.every(({ y }) => spansDecades(y, 1) || !y.some(isNumber))
      && spansDecades(this.lines.flatMap(({ y }) => y), 100);
    this.grid = commonGrid(this.lines.map(({ x }) => x));
    this.canvas = el("canvas");
    this.plot = el("div", { class: "plot", tabindex: 0, role: "img", "aria-label": this.description() }, this.canvas);
    this.note = el("span", { class: "note" });
    const logButton = toggle("log y", this.log, (on) => {
      this.log = on;
      this.touch();
    });
    this.figure = el("figure", { class: "chart", "data-tag": tag },
      el("figcaption", {}, el("span", { class: "tag", title: tag }, tag), this.note, logButton), this.plot);
    new ResizeObserver(() => this.touch()).observe(this.plot);
    new IntersectionObserver(([entry]) => {
      this.seen = entry.isIntersecting;
      if (this.dirty) this.touch();
    }, { rootMargin: "200px" }).observe(this.plot);
  }

  description() {
    const said = [`${this.tag} over the iterations, ${count(this.lines.length, "run")}`];
    return `${said.join()}. Arrow keys move the crosshair, dragging zooms, a double click or Escape shows all.`;
  }

  /** Draw anew, once it is on the screen. */
  touch() {
    this.dirty = true;
    this.plot.setAttribute("aria-busy", "true");
    if (!this.seen) return;
    if (!waiting.size) requestAnimationFrame(drawSome);
    waiting.add(this);
  }

  /** Compute smoothed curves and what groups have in common, where the smoothing changed. */
  prepare() {
    if (this.smoothing === this.options.smoothing) return;
    this.smoothing = this.options.smoothing;
    const members = new Map();
    for (const line of this.lines) {
      line.shown = smooth(line.y, this.smoothing);
      const label = line.run.group;
      if (!members.has(label)) members.set(label, []);
      members.get(label).push(line);
    }
    this.members = [...groups.keys()].filter((label) => members.has(label)).map((label) => {
      const lines = members.get(label);
      const curves = lines.map((line) => resample(line.x, line.shown, this.grid));
      return { label, lines, size: lines.length, ...summarise(curves, this.grid.length) };
    });
  }

  visible() {
    return this.members.filter(({ label }) => !state.hidden.has(label));
  }

  /** The values between which the y axis reaches, without the few that would flatten all others. */
  reach(from, to) {
    const asked = JSON.stringify([from, to, this.log, this.options, [...state.hidden]]);
    if (asked !== this.asked) this.reached = this.findReach(from, to);
    this.asked = asked;
    return this.reached;
  }

  findReach(from, to) {
    const values = [];
    this.dropped = false;
    const take = (x, y) => {
      if (x < from || x > to || y === null) return;
      if (this.log && y <= 0) this.dropped = true;
      else values.push(y);
    };
    for (const group of this.visible()) {
      if (this.options.seeds) for (const line of group.lines) line.x.forEach((x, i) => take(x, line.shown[i]));
      if (this.options.mean) {
        this.grid.forEach((x, i) => {
          take(x, group.low[i]);
          take(x, group.high[i]);
        });
      }
    }
    const sorted = Float64Array.from(values).sort();
    let ends = [sorted[0], sorted[sorted.length - 1]];
    this.clipped = false;
    if (this.options.clip && sorted.length > 20) {
      const at = (part) => sorted[Math.round(part * (sorted.length - 1))];
      const usual = this.log ? [Math.log(at(0.02)), Math.log(at(0.98))] : [at(0.02), at(0.98)];
      const whole = this.log ? ends.map(Math.log) : ends;
      if (whole[1] - whole[0] > 3 * (usual[1] - usual[0]) && usual[1] > usual[0]) {
        ends = [at(0.02), at(0.98)];
        this.clipped = true;
      }
    }
    if (this.floor !== null && (!this.log || this.floor > 0)) ends.push(this.floor);
    return extent(ends, this.log);
  }

  draw() {
    this.dirty = false;
    this.plot.setAttribute("aria-busy", "false");
    this.prepare();
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    const [from, to] = state.range ?? this.domain;
    const inner = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
    this.x = scale([from, to], [inner[0], inner[1]]);
    this.y = scale(this.reach(from, to), [inner[3], inner[2]], this.log);
    this.drawAxes(context, inner);
    context.save();
    context.beginPath();
    context.rect(inner[0], inner[2] - 2, inner[1] - inner[0], inner[3] - inner[2] + 4);
    context.clip();
    const focus = focused();
    // What stands out is drawn last.
    for (const group of [...this.visible()].sort((a, b) => (a.label === focus) - (b.label === focus))) {
      this.drawGroup(context, group, focus !== null && focus !== group.label);
    }
    context.restore();
    const left = [this.clipped && "outliers lie outside", this.dropped && "values of 0 or less are not shown"];
    this.note.textContent = [GOALS[this.goal], ...left].filter(Boolean).join(" · ");
  }

  drawAxes(context, [left, right, top, bottom]) {
    context.font = "11px system-ui, sans-serif";
    context.lineWidth = 1;
    context.fillStyle = themeColour("--quiet");
    context.strokeStyle = themeColour("--grid");
    context.textBaseline = "middle";
    context.textAlign = "right";
    const snap = (value) => Math.round(value) + 0.5;
    for (const tick of this.y.ticks(Math.max(3, Math.floor((bottom - top) / 38)))) {
      const place = snap(this.y(tick));
      context.beginPath();
      context.moveTo(left, place);
      context.lineTo(right, place);
      context.stroke();
      context.fillText(tickText(tick), left - 6, place);
    }
    context.textBaseline = "top";
    context.textAlign = "center";
    for (const tick of this.x.ticks(Math.max(2, Math.floor((right - left) / 60)))) {
      const text = tickText(tick);
      const half = context.measureText(text).width / 2;
      context.fillText(text, Math.min(this.x(tick), right + MARGIN.right - half), bottom + 7);
    }
    context.strokeStyle = themeColour("--line");
    context.beginPath();
    context.moveTo(left, snap(bottom));
    context.lineTo(right, snap(bottom));
    context.stroke();
    if (this.floor === null || (this.log && this.floor <= 0)) return;
    const place = snap(this.y(this.floor));
    context.strokeStyle = themeColour("--quiet");
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(left, place);
    context.lineTo(right, place);
    context.stroke();
    context.setLineDash([]);
    // Curves begin far from real data: there is room on the left.
    context.textAlign = "left";
    context.textBaseline = "bottom";
    context.fillText("real data", left + 3, place - 2);
  }

  drawGroup(context, group, dimmed) {
    const { seeds, mean } = this.options;
    context.strokeStyle = context.fillStyle = colour(group.label);
    context.lineJoin = "bevel";
    const dash = groups.get(group.label).dash;
    if (mean && group.size > 1 && !(seeds && dimmed)) {
      context.globalAlpha = dimmed ? 0.04 : 0.13;
      this.area(context, group);
    }
    if (seeds) {
      context.globalAlpha = dimmed ? 0.1 : mean ? 0.35 : 0.9;
      context.lineWidth = 1;
      context.setLineDash(mean ? [] : dash);
      for (const line of group.lines) this.stroke(context, line.x, line.shown);
    }
    if (mean) {
      context.globalAlpha = dimmed ? 0.2 : 1;
      context.lineWidth = 2.2;
      context.setLineDash(dash);
      this.stroke(context, this.grid, group.mean);
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  /** A line with gaps where values are missing; a value between two gaps is a dot. */
  stroke(context, xs, ys) {
    const missing = (i) => !isNumber(ys[i]) || (this.log && ys[i] <= 0);
    context.beginPath();
    xs.forEach((x, i) => {
      if (missing(i)) return;
      const [px, py] = [this.x(x), this.y(ys[i])];
      if (i === 0 || missing(i - 1)) {
        context.moveTo(px, py);
        if (i === xs.length - 1 || missing(i + 1)) context.arc(px, py, 1.5, 0, 7);
      } else context.lineTo(px, py);
    });
    context.stroke();
  }

  /** The band from the lowest to the highest seed. */
  area(context, group) {
    const bottom = this.y.invert(this.plot.clientHeight);
    const low = group.low.map((value) => (this.log && value !== null && value <= 0 ? bottom : value));
    let start = 0;
    while (start < low.length) {
      while (start < low.length && (group.high[start] === null || (this.log && group.high[start] <= 0))) start++;
      let end = start;
      while (end < low.length && group.high[end] !== null && !(this.log && group.high[end] <= 0)) end++;
      context.beginPath();
      for (let i = start; i < end; i++) context.lineTo(this.x(this.grid[i]), this.y(group.high[i]));
      for (let i = end - 1; i >= start; i--) context.lineTo(this.x(this.grid[i]), this.y(low[i]));
      context.fill();
      start = end;
    }
  }
}
