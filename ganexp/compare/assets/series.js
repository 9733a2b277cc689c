// What is computed from curves: smoothed ones, and the mean over the seeds of a group.

/** An exponential moving average that is not drawn towards 0 at its beginning; missing values stay missing. */
function smooth(ys, weight) {
  if (!weight) return ys;
  let sum = 0;
  let total = 0;
  return ys.map((y) => {
    if (!isNumber(y)) return null;
    sum = weight * sum + (1 - weight) * y;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}

/** All x of several curves in order, or evenly spread ones where they are too many. */
function commonGrid(lists, most = 400) {
  const all = [...new Set(lists.flat())].filter(isNumber).sort((a, b) => a - b);
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, i) => all[Math.round((i * (all.length - 1)) / (most - 1))]);
}

/** A curve at other x, by straight lines between its points; null outside and where a neighbour is missing. */
function resample(xs, ys, grid) {
  let i = 0;
  return grid.map((x) => {
    while (i < xs.length && xs[i] < x) i++;
    if (i === xs.length) return null;
    if (xs[i] === x) return isNumber(ys[i]) ? ys[i] : null;
    if (i === 0 || !isNumber(ys[i - 1]) || !isNumber(ys[i])) return null;
    return ys[i - 1] + ((ys[i] - ys[i - 1]) * (x - xs[i - 1])) / (xs[i] - xs[i - 1]);
  });
}

/** At each place the mean, the least and the greatest of several curves, and how many have a value there. */
function summarise(curves, length) {
  const result = { mean: [], low: [], high: [], n: [] };
  for (let i = 0; i < length; i++) {
    let sum = 0;
    let low = Infinity;
    let high = -Infinity;
    let n = 0;
    for (const curve of curves) {
      const y = curve[i];
      if (y === null) continue;
      sum += y;
      low = Math.min(low, y);
      high = Math.max(high, y);
      n++;
    }
    result.mean.push(n ? sum / n : null);
    result.low.push(n ? low : null);
    result.high.push(n ? high : null);
    result.n.push(n);
  }
  return result;
}

// 97.5 % quantiles of Student's t for 1, 2, ... degrees of freedom.
const STUDENT = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** The ranking values of runs; those of a group that have the same seed count as one, by their mean, as in the ranking. */
function valuesBySeed(members, table) {
  const seeds = new Map();
  for (const run of members) {
    const seed = JSON.stringify([run.group, run.seed]);
    if (!seeds.has(seed)) seeds.set(seed, []);
    seeds.get(seed).push(rankingValue(run, table));
  }
  return [...seeds.values()].map((values) => meanInterval(values).mean);
}

/** The mean of values with its 95 % interval, which one value does not have. */
function meanInterval(values) {
  const n = values.length;
  if (!n) return { mean: null, low: null, high: null };
  const mean = values.reduce((a, b) => a + b, 0) / n;
  if (n === 1) return { mean, low: null, high: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = (STUDENT[n - 2] ?? 1.96 + 2.5 / (n - 1)) * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half };
}
