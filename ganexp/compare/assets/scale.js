// From values to places on an axis.

/** A function from values to places, which can be turned around and knows round values. */
function scale([low, high], [from, to], log = false) {
  const forward = log ? Math.log10 : (value) => value;
  const backward = log ? (value) => 10 ** value : (value) => value;
  const start = forward(low);
  const width = forward(high) - start || 1;
  const place = (value) => from + ((forward(value) - start) / width) * (to - from);
  place.invert = (position) => backward(start + ((position - from) / (to - from)) * width);
  place.ticks = (most) => (log ? logTicks(low, high, most) : linearTicks(low, high, most));
  return place;
}

function linearTicks(low, high, most) {
  if (!(high > low)) return [low];
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i <= high / step + 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

function logTicks(low, high, most) {
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearTicks(low, high, most).filter((tick) => tick > 0);
  const factors = decades > 3 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
  const every = decades > 3 ? Math.ceil(decades / (most + 1)) : 1;
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += every) {
    for (const factor of factors) {
      const tick = Number(`${factor}e${power}`);
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks;
}

/** The least and the greatest of numbers, with room at both ends; missing ones are passed over. */
function extent(values, log = false, room = 0.06) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!isNumber(value) || (log && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return log ? [0.1, 1] : [0, 1];
  if (log) {
    const margin = high > low ? (high / low) ** room : 1.5;
    return [low / margin, high * margin];
  }
  const margin = high > low ? (high - low) * room : Math.abs(high) * 0.1 || 1;
  return [low - margin, high + margin];
}

/** Whether values differ by such a factor that only a logarithmic axis shows all. */
function spansDecades(values, factor = 30) {
  const numbers = values.filter(isNumber);
  return numbers.length > 1 && Math.min(...numbers) > 0 && Math.max(...numbers) / Math.min(...numbers) > factor;
}

/** A tick's number, shorter than a value. */
function tickText(value) {
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 1e-3)) return Number(value.toPrecision(3)).toExponential().replace("e+", "e");
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  return String(Number(value.toPrecision(6)));
}
