// Runs that differ by their seed alone, as one line: their mean, and a band from the lowest to the highest of them.

import { between } from "./series.js";

/** `{mean, low, high}` of several lists of points, where all of them have something to say: between the latest first point and the
 * earliest last one. A value that is not finite in one is none of the mean. */
export function spread(lists) {
  const known = lists.map(points => points.filter(([, value]) => value !== null));
  if (known.some(points => points.length === 0)) return { mean: [], low: [], high: [] };
  const from = Math.max(...known.map(points => points[0][0]));
  const to = Math.min(...known.map(points => points.at(-1)[0]));
  const places = [...new Set(lists.flatMap(points => points.map(([place]) => place)))].sort((a, b) => a - b);
  const lost = new Set(lists.flatMap(points => points.filter(([, value]) => value === null).map(([place]) => place)));
  const [mean, low, high] = [[], [], []];
  for (const place of places.filter(place => place >= from && place <= to)) {
    const values = lost.has(place) ? null : known.map(points => (points.length === 1 ? points[0][1] : between(points, place)));
    mean.push([place, values && values.reduce((sum, value) => sum + value, 0) / values.length]);
    low.push([place, values && Math.min(...values)]);
    high.push([place, values && Math.max(...values)]);
  }
  return { mean, low, high };
}
