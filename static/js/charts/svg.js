// A chart as a drawing of its own, from its data: title, axes with names, lines, legend. On white, whatever the theme.

import { faint } from "./colors.js";
import { number } from "./values.js";

const [WIDTH, HEIGHT] = [800, 440];
const ROW = 18;

const escaped = text => String(text).replace(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`);
const place = value => +value.toFixed(1);

/** Text at a place; `more` is further attributes. */
const text = (x, y, words, more = "") => `<text x="${place(x)}" y="${place(y)}" ${more}>${escaped(words)}</text>`;
const line = (x1, y1, x2, y2, color, more = "") =>
  `<line x1="${place(x1)}" y1="${place(y1)}" x2="${place(x2)}" y2="${place(y2)}" stroke="${color}" ${more}/>`;

/** One path a line; a value that is not finite breaks it, a step without a value does not. */
function path(xs, column, toX, toY) {
  let pen = "M";
  let drawn = "";
  column.forEach((value, at) => {
    if (value === undefined) return;
    const y = value === null ? NaN : toY(value);
    if (!Number.isFinite(y)) { pen = "M"; return; }
    drawn += `${pen}${place(toX(xs[at]))} ${place(y)}`;
    pen = "L";
  });
  return drawn;
}

/** The chart as it is looked at: range, scale, lines that are shown. */
export function drawing(chart) {
  const { definition, axis, page, now } = chart;
  const shown = chart.shownLines();
  const xs = now.steps.map(step => axis.of(step));
  const [left, top] = [72, 40];
  const longest = Math.max(0, ...shown.map(({ label }) => label.length));
  const columns = [[24, 4], [48, 2]].find(([letters]) => longest <= letters)?.[1] ?? 1;
  const legend = ROW * Math.ceil(shown.length / columns);
  // A long legend makes the drawing higher, and the lines no flatter.
  const height = HEIGHT + Math.max(legend - 4 * ROW, 0);
  const [right, bottom] = [WIDTH - 20, height - 60 - legend];
  const [from, to] = page.range();
  const { min: least, max: most } = chart.plot.scales.y;
  const scaled = chart.isLogarithmic ? Math.log10 : value => value;
  const toX = x => left + ((x - from) / (to - from)) * (right - left);
  const toY = y => bottom - ((scaled(y) - scaled(least)) / (scaled(most) - scaled(least))) * (bottom - top);
  const color = each => chart.color(each, false);
  const dash = each => (each.style?.dash.length ? ` stroke-dasharray="${each.style.dash.join(" ")}"` : "");
  const parts = [];

  parts.push(text(left, 22, definition.title, 'font-size="15" font-weight="600"'));
  for (const tick of chart.valueTicks(least, most, bottom - top)) {
    parts.push(line(left, toY(tick), right, toY(tick), "#dddddd"));
    parts.push(text(left - 6, toY(tick) + 4, number(tick), 'text-anchor="end"'));
  }
  for (const step of axis.epochEnds(axis.step(from), axis.step(to), 60)) {
    parts.push(line(toX(axis.of(step)), top, toX(axis.of(step)), bottom, "#e8e8e8"));
  }
  const best = page.bestStep();
  if (best !== null && axis.of(best) >= from && axis.of(best) <= to) {
    const at = toX(axis.of(best));
    const anchor = at > (left + right) / 2 ? "end" : "start";
    parts.push(line(at, top, at, bottom, "#606060", 'stroke-dasharray="4 3"'));
    parts.push(text(at, top - 5, `best checkpoint, epoch ${page.bestEpoch}`, `text-anchor="${anchor}" font-size="11"`));
  }
  for (const tick of axis.ticks(from, to, right - left)) {
    parts.push(line(toX(tick), bottom, toX(tick), bottom + 4, "#606060"));
    parts.push(text(toX(tick), bottom + 17, axis.words(tick), 'text-anchor="middle"'));
  }
  parts.push(line(left, bottom, right, bottom, "#606060"), line(left, top, left, bottom, "#606060"));
  parts.push(text((left + right) / 2, bottom + 36, axis.label, 'text-anchor="middle"'));
  const middle = (top + bottom) / 2;
  parts.push(text(16, middle, definition.axis, `text-anchor="middle" transform="rotate(-90 16 ${place(middle)})"`));

  parts.push(`<clipPath id="plot"><rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/></clipPath>`);
  parts.push('<g clip-path="url(#plot)" fill="none" stroke-linejoin="round">');
  for (const each of shown.filter(({ band }) => band)) {
    const edges = [path(xs, each.band[1], toX, toY), path([...xs].reverse(), [...each.band[0]].reverse(), toX, toY).replace("M", "L")];
    parts.push(`<path d="${edges.join("")}Z" stroke="none" fill="${color(each)}" fill-opacity="0.2"/>`);
  }
  for (const each of shown) {
    if (each.mean) parts.push(`<path d="${path(xs, each.raw, toX, toY)}" stroke="${faint(color(each))}"/>`);
    parts.push(`<path d="${path(xs, each.mean ?? each.raw, toX, toY)}" stroke="${color(each)}" stroke-width="2"${dash(each)}/>`);
  }
  parts.push("</g>");
  const inside = chart.lostSteps().map(step => axis.of(step)).filter(x => x >= from && x <= to);
  for (const at of inside.map(toX)) {
    parts.push(line(at - 4, bottom - 4, at + 4, bottom + 4, "#a4262c", 'stroke-width="2"'));
    parts.push(line(at - 4, bottom + 4, at + 4, bottom - 4, "#a4262c", 'stroke-width="2"'));
  }

  shown.forEach((each, at) => {
    const [x, y] = [left + (at % columns) * (700 / columns), bottom + 58 + ROW * Math.floor(at / columns)];
    parts.push(line(x, y - 4, x + 18, y - 4, color(each), `stroke-width="3"${dash(each)}`));
    parts.push(text(x + 24, y, each.mean ? `${each.label}, smoothed ${page.smoothing}` : each.label));
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ` +
    'font-family="system-ui, sans-serif" font-size="12" fill="#1c1c1c">' +
    `<title>${escaped(definition.title)}</title><rect width="100%" height="100%" fill="#ffffff"/>${parts.join("\n")}</svg>`;
}
