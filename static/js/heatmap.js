// A map of rows × steps, such as gradient norms by layer. Names, axis and the meaning of its colours stand around it as text.

import { evenTicks, number } from "./charts/values.js";

const ROW = 14;
const MOST_COLUMNS = 400;
/** Dark to light through blue-green, of steadily rising lightness, so that it reads in grey too. */
const RAMP = [[48, 35, 105], [45, 60, 125], [42, 85, 140], [30, 130, 140], [60, 170, 120], [150, 205, 80], [250, 235, 60]];
/** Colours that the ramp has not. */
const [ZERO, LOST] = [[0, 0, 0], [220, 40, 40]];

const rgb = color => `rgb(${color})`;

function ramp(share) {
  const at = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1);
  const [low, high] = [RAMP[Math.floor(at)], RAMP[Math.ceil(at)]];
  return low.map((value, channel) => Math.round(value + (high[channel] - value) * (at - Math.floor(at))));
}

function element(tag, className, ...children) {
  const made = Object.assign(document.createElement(tag), { className });
  made.append(...children);
  return made;
}

/** Of a column's part the greatest; null where it has a value that is not finite, undefined where nothing was measured. */
function merged(column, from, to) {
  let most;
  for (let at = from; at < to; at += 1) {
    const value = column[at];
    if (value === null) return null;
    if (value !== undefined && !(value <= most)) most = value;
  }
  return most;
}

export class HeatMap {
  /**
   * `choose(row, step)` is called for the cell that was clicked, where a click does something. What is `shown`: its `title`, what the
   * `legend` says, whether colours are `linear` from 0 on, what 0 is in words (`zero`), and how a value is written (`write`).
   */
  constructor(figure, names, shown, choose = null) {
    this.names = names;
    this.shown = { write: number, ...shown };
    this.choose = choose;
    this.caption = figure.querySelector(".heat-caption");
    this.legend = figure.querySelector(".heat-legend");
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${shown.title}. Arrow keys move from cell to cell${choose ? ", Enter draws a layer's line. The table below has the same figures" : ""}.`);
    this.canvas.style.height = `${names.length * ROW}px`;
    this.frame = element("i", "");
    this.frame.hidden = true;
    this.rowNames = names.map(name => Object.assign(element("span", "", name), { title: name }));
    this.axis = element("div", "heat-axis");
    this.axis.setAttribute("aria-hidden", "true");
    const layers = element("div", "heat-layers", ...this.rowNames);
    layers.setAttribute("aria-hidden", "true");
    figure.querySelector(".heatmap").replaceChildren(layers, element("div", "heat-cells", this.canvas, this.frame), this.axis);
    this.canvas.addEventListener("mousemove", event => this.point(this.cellAt(event)));
    this.canvas.addEventListener("mouseleave", () => this.point(null));
    this.canvas.addEventListener("blur", () => this.point(null));
    this.canvas.addEventListener("click", event => { this.point(this.cellAt(event)); this.pick(); });
    this.canvas.addEventListener("keydown", event => this.byKey(event));
    new ResizeObserver(() => this.drawAxis()).observe(this.canvas);
  }

  /** Draws the cells; whoever points at one keeps it. */
  draw(steps, columns) {
    // More columns than the eye tells apart are merged, the greatest norm of each kept.
    const width = Math.min(steps.length, MOST_COLUMNS);
    this.bins = Array.from({ length: width }, (_, bin) => [Math.floor(bin * steps.length / width), Math.floor((bin + 1) * steps.length / width)]);
    this.steps = steps;
    this.rows = columns.map(column => this.bins.map(([from, to]) => merged(column, from, to)));
    let [least, most] = [Infinity, 0];
    for (const value of this.rows.flat()) if (value > 0) { least = Math.min(least, value); most = Math.max(most, value); }
    if (most === 0) [least, most] = [1, 1];
    if (this.shown.linear) least = 0;
    const spread = Math.log(most / least) || 1;
    const share = value => (this.shown.linear ? value / most : Math.log(value / least) / spread);
    [this.canvas.width, this.canvas.height] = [width, this.rows.length];
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(width, this.rows.length);
    this.rows.forEach((row, y) => row.forEach((value, x) => {
      if (value === undefined) return;
      const color = value === null ? LOST : value > 0 ? ramp(share(value)) : this.shown.linear ? RAMP[0] : ZERO;
      image.data.set([...color, 255], (y * width + x) * 4);
    }));
    context.putImageData(image, 0, 0);
    this.explain(least, most);
    this.drawAxis();
    if (this.cell) this.point(this.cell);
  }

  /** What the colours mean. */
  explain(least, most) {
    const strip = element("span", "ramp");
    strip.style.background = `linear-gradient(to right, ${RAMP.map(rgb).join(", ")})`;
    const swatch = color => { const made = element("i", ""); made.style.background = rgb(color); return made; };
    this.legend.replaceChildren(
      element("span", "", `${this.shown.legend}: `, this.shown.write(least), strip, this.shown.write(most)),
      ...(this.shown.zero ? [element("span", "", swatch(ZERO), this.shown.zero)] : []),
      ...(this.shown.linear ? [] : [element("span", "", swatch(LOST), "not finite (NaN or infinity)")]),
    );
    this.legend.hidden = false;
  }

  drawAxis() {
    const width = this.canvas.clientWidth;
    if (!this.steps || width === 0) return;
    const [first, last] = [this.steps[0], this.steps.at(-1)];
    const ticks = evenTicks(first, last, Math.max(Math.floor(width / 80), 2), true);
    const marks = ticks.map(tick => {
      const mark = element("span", "", tick.toLocaleString("en-GB"));
      // The middle of the column that the step is in.
      const at = this.steps.findIndex(step => step >= tick);
      mark.style.left = `${((at + 0.5) / this.steps.length) * 100}%`;
      return mark;
    });
    this.axis.replaceChildren(...marks, element("b", "", "step"));
  }

  /** Where the pointer is; nowhere before anything is drawn. */
  cellAt(event) {
    if (!this.rows) return null;
    const box = this.canvas.getBoundingClientRect();
    const clamp = (value, count) => Math.min(Math.max(Math.floor(value * count), 0), count - 1);
    return {
      row: clamp((event.clientY - box.top) / box.height, this.rows.length),
      bin: clamp((event.clientX - box.left) / box.width, this.bins.length),
    };
  }

  /** Says what a cell is, and frames it. */
  point(cell) {
    this.cell = cell;
    this.frame.hidden = cell === null;
    this.rowNames.forEach((name, row) => name.classList.toggle("at", row === cell?.row));
    if (cell === null) { this.caption.textContent = ""; return; }
    cell.bin = Math.min(cell.bin, this.bins.length - 1);
    const [from, to] = this.bins[cell.bin];
    const where = to - from > 1 ? `steps ${this.steps[from]} to ${this.steps[to - 1]}, max` : `step ${this.steps[from]}`;
    const value = this.rows[cell.row][cell.bin];
    const words = value === null ? "not finite" : value === undefined ? "not measured" : this.shown.write(value);
    this.caption.textContent = `${this.names[cell.row]}, ${where}: ${words}.${this.choose ? " Click to draw its line." : ""}`;
    const wide = this.canvas.clientWidth / this.bins.length;
    Object.assign(this.frame.style, { left: `${cell.bin * wide - 2}px`, top: `${cell.row * ROW - 2}px`, width: `${wide + 4}px`, height: `${ROW + 4}px` });
  }

  pick() {
    if (this.cell) this.choose?.(this.cell.row, this.steps[this.bins[this.cell.bin][0]]);
  }

  byKey(event) {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (event.key === "Enter") this.pick();
    else if (by && this.rows) {
      const clamp = (value, count) => Math.min(Math.max(value, 0), count - 1);
      const { row, bin } = this.cell ?? { row: 0, bin: 0 };
      this.point({ row: clamp(row + by[0], this.rows.length), bin: clamp(bin + by[1], this.bins.length) });
    } else return;
    event.preventDefault();
  }
}
