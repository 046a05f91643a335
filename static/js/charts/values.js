// Numbers as they stand at an axis and in a legend, and where an axis has its ticks.

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const raised = exponent => [...String(exponent)].map(sign => RAISED[sign]).join("");
/** Steps of a time axis: seconds, minutes, hours, days. */
const SECONDS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 604800];

/** Four digits; powers of ten where there would be a row of zeros. */
export function number(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e5) return String(+value.toPrecision(4)).replace("-", "−");
  const [digits, exponent] = value.toExponential(2).split("e");
  const power = `10${raised(Number(exponent))}`;
  return +digits === 1 ? power : `${+digits} · ${power}`.replace(/^-/, "−");
}

/** A value in a legend: with its unit, or in words where there is none. */
export function readable(value, suffix = "") {
  if (value === undefined) return "–";
  if (value === null) return "not finite";
  return number(value) + (suffix && `\u00a0${suffix}`);
}

/** `7 s`, `3:05`, `2:03:05`. */
export function clock(seconds) {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = part => String(part).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** The least of 1, 2, 5, 10, 20 … times a power of ten that is not below `size`. */
function round(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return [1, 2, 5, 10].map(digit => digit * power).find(step => step >= size * 0.9999) ?? 10 * power;
}

function multiples(min, max, step) {
  const first = Math.ceil(min / step - 1e-9);
  const count = Math.floor(max / step + 1e-9) - first + 1;
  // Multiplied rather than summed, so that errors don't add up to 0.30000000000000004.
  return Array.from({ length: Math.max(count, 0) }, (_, at) => +((first + at) * step).toPrecision(12));
}

/** Evenly spaced ticks, about `count` of them; `whole` ones never stand between two whole numbers. */
export function evenTicks(min, max, count, whole = false) {
  const step = round((max - min) / Math.max(count, 1));
  return multiples(min, max, whole ? Math.max(step, 1) : step);
}

export function timeTicks(min, max, count) {
  const wanted = (max - min) / Math.max(count, 1);
  const step = SECONDS.find(step => step >= wanted) ?? 604800 * Math.ceil(wanted / 604800);
  return multiples(min, max, step);
}

/** Powers of ten and nothing between; every second, third … of them where there are many. Within one decade: as on an even axis. */
export function powerTicks(min, max, count) {
  const [first, last] = [Math.ceil(Math.log10(min) - 1e-9), Math.floor(Math.log10(max) + 1e-9)];
  if (last - first < 1) return evenTicks(min, max, count).filter(tick => tick > 0);
  const every = Math.ceil((last - first + 1) / Math.max(count, 2));
  const ticks = [];
  for (let exponent = Math.ceil(first / every) * every; exponent <= last; exponent += every) ticks.push(10 ** exponent);
  return ticks.map(tick => +tick.toPrecision(1));
}

/** From and to of a vertical axis that shows values from `min` to `max` with a little room. */
export function valueRange(min, max, logarithmic) {
  if (min == null || max == null) return logarithmic ? [0.1, 10] : [0, 1];
  if (logarithmic) {
    const [low, high] = [Math.log10(min), Math.log10(max)];
    const room = Math.max((high - low) * 0.06, 0.1);
    return [10 ** (low - room), 10 ** (high + room)];
  }
  const room = (max - min) * 0.06 || Math.abs(max) * 0.1 || 0.5;
  // Nothing here is below 0 but by its room.
  return [min >= 0 ? Math.max(min - room, 0) : min - room, max + room];
}
