// A run's series: fetched, put side by side, smoothed, looked up.

const POINTS = 2000;

async function ask(run, query) {
  const answer = await fetch(`/api/v1/runs/${run}/series?${new URLSearchParams(query)}`);
  if (!answer.ok) throw new Error(`the series could not be read: ${answer.status}`);
  return answer.json();
}

/** Series as {key: [[step, value|null], …]}. */
export async function fetchSeries(run, keys, points = POINTS) {
  const { series } = await ask(run, { points, keys: keys.join(",") });
  return Object.fromEntries(series.map(({ key, points }) => [key, points]));
}

/** The same series of several runs, in one request: [{run, steps_per_epoch, offset, series: {key: points}, clock}]. */
export async function fetchSeriesOfRuns(runs, keys, { points = POINTS, clock = false } = {}) {
  const query = new URLSearchParams({ runs: runs.join(","), keys: keys.join(","), points, clock });
  const answer = await fetch(`/api/v1/series?${query}`);
  if (!answer.ok) throw new Error(`the series could not be read: ${answer.status}`);
  const found = (await answer.json()).runs;
  return found.map(run => ({ ...run, series: Object.fromEntries(run.series.map(({ key, points }) => [key, points])) }));
}

/** When steps were taken: {points: [[step, milliseconds of work], …], at_ms: when the last of them was}. */
export async function fetchClock(run) {
  return (await ask(run, { keys: "", clock: true })).clock;
}

/** Columns: all steps, then a column a series; undefined where a series has no point, null where it is not finite. */
export function table(series, keys) {
  const steps = [...new Set(keys.flatMap(key => series[key].map(([step]) => step)))].sort((a, b) => a - b);
  const place = new Map(steps.map((step, at) => [step, at]));
  const columns = keys.map(key => {
    const column = new Array(steps.length).fill(undefined);
    for (const [step, value] of series[key]) column[place.get(step)] = value;
    return column;
  });
  return [steps, ...columns];
}

/** Adds a point. A resumed run says its last steps again: the later word counts. */
export function append(points, step, value) {
  while (points.length > 0 && points.at(-1)[0] >= step) points.pop();
  points.push([step, value]);
}

/** Exponential moving average that doesn't lean to its first value; gaps stay gaps. */
export function smooth(column, weight) {
  let [mean, sum] = [0, 0];
  return column.map(value => {
    if (value === null || value === undefined) return value;
    mean = weight * mean + (1 - weight) * value;
    sum = weight * sum + (1 - weight);
    return mean / sum;
  });
}

/** How strongly a curve of so many points is smoothed at first: over about a fiftieth of it. */
export function defaultSmoothing(points) {
  const window = Math.min(points, POINTS) / 50;
  return window < 1.5 ? 0 : Math.min(Math.round((1 - 1 / window) * 20) / 20, 0.95);
}

/** Where `step` is, or would stand behind, in ascending `steps`; −1 before the first. */
export function placeOf(steps, step) {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The last value of a column at `place` or before it. */
export function valueAt(column, place) {
  for (let at = Math.min(place, column.length - 1); at >= 0; at -= 1) if (column[at] !== undefined) return column[at];
  return undefined;
}

/** `to` at `x` on the line through pairs that ascend; beyond them, on as the last two lead. */
export function between(pairs, x, from = 0, to = 1) {
  if (pairs.length === 0) return x;
  if (pairs.length === 1) return pairs[0][to];
  let [low, high] = [1, pairs.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pairs[middle][from] >= x) high = middle;
    else low = middle + 1;
  }
  const [left, right] = [pairs[low - 1], pairs[low]];
  const run = right[from] - left[from];
  return run === 0 ? right[to] : left[to] + ((x - left[from]) / run) * (right[to] - left[to]);
}
