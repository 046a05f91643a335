// Gradient norms: a map of layer × step, and lines of the layers that were chosen.

import uPlot from "/static/vendor/uPlot.esm.js";
import { fetchSeries, table } from "./charts.js";
import { follow, onRecord } from "./live.js";

const ROW = 14;
const MOST_COLUMNS = 400;
/** Dark to light through blue-green, of steadily rising lightness, so that it reads in grey too. */
const RAMP = [[12, 10, 40], [48, 35, 105], [42, 85, 140], [30, 130, 140], [60, 170, 120], [150, 205, 80], [250, 235, 60]];
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const words = value => (value === null || value === undefined ? "not finite" : value.toExponential(2));

function colour(share) {
  const at = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1);
  const [low, high] = [RAMP[Math.floor(at)], RAMP[Math.ceil(at)]];
  return low.map((value, channel) => Math.round(value + (high[channel] - value) * (at - Math.floor(at))));
}

class Map2D {
  constructor(place, onRow) {
    this.place = place;
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "Gradient norms by layer and step; the same figures are in the table below");
    this.caption = Object.assign(document.createElement("p"), { className: "quiet figure" });
    place.replaceChildren(this.canvas, this.caption);
    this.canvas.addEventListener("mousemove", event => this.tell(event));
    this.canvas.addEventListener("mouseleave", () => this.legend());
    this.canvas.addEventListener("click", event => onRow(this.keys[this.at(event).row]));
  }

  draw(keys, steps, columns) {
    this.keys = keys;
    // More columns than the eye tells apart are merged, the greatest norm of each kept.
    const width = Math.min(steps.length, MOST_COLUMNS);
    this.bins = Array.from({ length: width }, (_, bin) => [Math.floor(bin * steps.length / width), Math.floor((bin + 1) * steps.length / width)]);
    this.steps = steps;
    this.rows = columns.map(column => this.bins.map(([from, to]) => {
      const part = column.slice(from, to);
      if (part.includes(null)) return null;
      const known = part.filter(value => value !== undefined);
      return known.length ? Math.max(...known) : undefined;
    }));
    const finite = this.rows.flat().filter(value => value > 0);
    this.least = Math.min(...finite);
    this.most = Math.max(...finite);
    this.canvas.width = width;
    this.canvas.height = keys.length;
    this.canvas.style.height = `${Math.max(keys.length * ROW, 80)}px`;
    this.canvas.style.imageRendering = "pixelated";
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(width, keys.length);
    const spread = Math.log(this.most / this.least) || 1;
    this.rows.forEach((row, y) => row.forEach((value, x) => {
      // Not finite is red, the one colour that the ramp has not; nothing measured stays clear.
      const rgb = value === null ? [220, 40, 40] : value > 0 ? colour(Math.log(value / this.least) / spread) : [0, 0, 0];
      image.data.set([...rgb, value === undefined ? 0 : 255], (y * width + x) * 4);
    }));
    context.putImageData(image, 0, 0);
    this.legend();
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const clamp = (value, count) => Math.min(Math.max(Math.floor(value * count), 0), count - 1);
    return { row: clamp((event.clientY - box.top) / box.height, this.keys.length), bin: clamp((event.clientX - box.left) / box.width, this.bins.length) };
  }

  tell(event) {
    const { row, bin } = this.at(event);
    const [from, to] = this.bins[bin];
    const steps = to - from > 1 ? `steps ${this.steps[from]} to ${this.steps[to - 1]}, greatest` : `step ${this.steps[from]}`;
    this.caption.textContent = `${this.keys[row].slice(9)}, ${steps}: ${words(this.rows[row][bin])}. A click draws its line.`;
  }

  legend() {
    const ramp = document.createElement("span");
    ramp.className = "ramp";
    ramp.style.background = `linear-gradient(to right, ${RAMP.map(rgb => `rgb(${rgb})`).join(", ")})`;
    this.caption.replaceChildren(words(this.least), ramp, words(this.most), ` · steps ${this.steps[0]} to ${this.steps.at(-1)} from left to right`);
  }
}

const section = document.querySelector("[data-gradients]");
if (section) {
  const keys = section.dataset.series.split(",");
  const series = await fetchSeries(section.dataset.gradients, keys, 1000);
  const boxes = [...document.querySelectorAll("[data-layer]")];
  // Whoever comes first sees the ends and the middle; the choice is theirs then.
  const first = new Set([0, Math.floor(keys.length / 3), Math.floor(keys.length * 2 / 3), keys.length - 1].map(at => keys[at]));
  boxes.forEach(box => { box.checked = first.has(box.value); });
  const map = new Map2D(section.querySelector(".heatmap"), key => {
    const box = boxes.find(box => box.value === key);
    box.checked = !box.checked;
    lines();
  });
  let plot = null;
  const colourOf = key => `hsl(${(keys.indexOf(key) / keys.length) * 300} 65% ${css("--ground").startsWith("#1") ? 65 : 42}%)`;

  function lines() {
    const chosen = boxes.filter(box => box.checked).map(box => box.value);
    const place = section.querySelector(".lines .plot");
    plot?.destroy();
    plot = null;
    place.replaceChildren();
    if (chosen.length === 0) { place.textContent = "No layer is chosen: tick one in the table."; return; }
    const [steps, ...columns] = table(series, chosen);
    const ink = css("--quiet");
    const grid = { stroke: css("--line"), width: 1 };
    plot = new uPlot({
      width: place.clientWidth,
      height: 260,
      scales: { x: { time: false }, y: { distr: 3 } },
      axes: [
        { label: "step", stroke: ink, grid, ticks: grid, labelSize: 18, size: 34, font: "11px system-ui", labelFont: "11px system-ui" },
        { label: "gradient norm (L2)", stroke: ink, grid, ticks: grid, size: 62, labelSize: 18, font: "11px system-ui", labelFont: "11px system-ui", values: (_, ticks) => ticks.map(tick => (tick === null ? "" : tick.toExponential(0))) },
      ],
      series: [{ label: "step" }, ...chosen.map(key => ({ label: key.slice(9), stroke: colourOf(key), width: 1.5, value: (_, value) => (value == null ? "–" : words(value)) }))],
      // A logarithm has no place for 0 and below.
    }, [steps, ...columns.map(column => column.map(value => (value === 0 ? null : value)))], place);
  }

  function draw() {
    const [steps, ...columns] = table(series, keys);
    if (steps.length > 1) map.draw(keys, steps, columns);
    lines();
  }

  draw();
  boxes.forEach(box => box.addEventListener("change", lines));
  document.addEventListener("theme", draw);
  addEventListener("resize", lines);
  let due = null;
  onRecord(record => {
    if (record.event !== "gradients") return;
    record.norms.forEach((norm, at) => {
      const points = series[keys[at]];
      while (points.length > 0 && points.at(-1)[0] >= record.step) points.pop();
      points.push([record.step, norm]);
    });
    due ??= setTimeout(() => { due = null; draw(); }, 500);
  });
}
follow();
