// Means with their intervals and the seeds behind them, all rows of a table on one axis.

const PLOT = { height: 26, side: 9 };

/** The axis of a table's ranking value, which draws a row's values on it. */
function intervalAxis(table, width) {
  const stats = table.groups.map((group) => rankingValue(group, table)).filter(Boolean);
  const floor = table.real?.[table.by];
  const measured = [...stats.flatMap((stat) => stat.values ?? []), ...stats.map((stat) => stat.mean)].filter(isNumber);
  const log = spansDecades(measured, 8) && !(floor <= 0);
  const values = isNumber(floor) ? [...measured, floor] : measured;
  // Two seeds make intervals many times as wide as all that was measured: these go on beyond the axis.
  const [low, high] = extent(values, log, 0);
  const margin = log ? (high / low) ** 0.12 : (high - low) * 0.5;
  const ends = stats.flatMap((stat) => [stat.low, stat.high]).filter(isNumber);
  const [least, most] = log ? [low / margin, high * margin] : [low - margin, high + margin];
  const domain = extent([low, high, ...ends.map((end) => Math.min(Math.max(end, least), most))], log, 0.04);
  const place = scale(domain, [PLOT.side, width - PLOT.side], log);
  const clamp = (value) => (log && value <= 0 ? PLOT.side : Math.min(Math.max(place(value), PLOT.side), width - PLOT.side));
  const beyond = (value) => value < domain[0] || value > domain[1] || (log && value <= 0);

  function ground(height) {
    const picture = svg("svg", { class: "interval", width, height, viewBox: `0 0 ${width} ${height}` });
    for (const tick of ticks) picture.append(line("tick", place(tick), 0, place(tick), height));
    if (isNumber(floor)) picture.append(line("floor", place(floor), 0, place(floor), height));
    return picture;
  }

  const ticks = place.ticks(Math.max(3, Math.floor(width / 60)));

  return {
    log,
    /** The axis itself, for the head of the column. */
    head() {
      const picture = svg("svg", { class: "interval", width, height: 16, "aria-hidden": "true" });
      let last = -Infinity;
      for (const tick of ticks) {
        if (place(tick) - last < 30) continue;
        last = place(tick);
        picture.append(svg("text", { x: last, y: 12, "text-anchor": "middle" }, tickText(tick)));
      }
      return picture;
    },
    /** A group's seeds as dots, its mean as a stroke and its interval as a bar, with arrows where it goes on. */
    row(label, stat) {
      const middle = PLOT.height / 2;
      const picture = ground(PLOT.height);
      if (!stat || !isNumber(stat.mean)) return picture;
      picture.style.setProperty("--c", cssColour(label));
      if (isNumber(stat.low)) {
        picture.append(line("bar", clamp(stat.low), middle, clamp(stat.high), middle));
        for (const [end, way] of [[stat.low, -1], [stat.high, 1]]) {
          const x = clamp(end);
          const path = beyond(end)
            ? `M${x - 4 * way},${middle - 4}l${5 * way},4l${-5 * way},4`
            : `M${x},${middle - 4}v8`;
          picture.append(svg("path", { class: "end", d: path }));
        }
      }
      for (const value of (stat.values ?? []).filter(isNumber)) {
        picture.append(svg("circle", { class: "seed", cx: clamp(value), cy: middle, r: 3.5 }, svg("title", {}, number(value))));
      }
      picture.append(line("mean", clamp(stat.mean), middle - 8, clamp(stat.mean), middle + 8));
      picture.setAttribute("role", "img");
      const seeds = (stat.values ?? []).map(number).join(", ");
      picture.setAttribute("aria-label", `${label}: ${intervalText(stat)}, seeds ${seeds}`);
      return picture;
    },
    real() {
      const picture = ground(PLOT.height);
      picture.append(svg("circle", { class: "floor-dot", cx: place(floor), cy: PLOT.height / 2, r: 3.5 }));
      return picture;
    },
  };
}

/** A mean with its interval in words. */
function intervalText(stat) {
  if (!stat || !isNumber(stat.mean)) return "–";
  return isNumber(stat.low) ? `${number(stat.mean)} [${number(stat.low)}, ${number(stat.high)}]` : number(stat.mean);
}
