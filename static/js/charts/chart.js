// One chart: lines drawn by uPlot, a legend of buttons, tools. What all charts of a page share (axis, zoom along it,
// cursor, smoothing) is the page's: see ../charts.js.

import uPlot from "/static/vendor/uPlot.esm.js";
import { css, faint, lineColor, styleColor } from "./colors.js";
import { paintMarker, lineMarker } from "./legend.js";
import { axisWidth, markEpochs, markLost } from "./marks.js";
import { save, saveImage } from "./save.js";
import { append, placeOf, smooth, table, valueAt } from "./series.js";
import { drawing } from "./svg.js";
import { evenTicks, number, powerTicks, readable, valueRange } from "./values.js";
import { toggle } from "./view.js";

const HEIGHT = 220;
/** Points of a line that are marked at most. */
const MARKED = 200;
const FONT = "11px system-ui, sans-serif";
/** Pixels that a drag needs before it is a zoom, and beyond which it is one along both axes. */
const DRAG = { dist: 4, uni: 40 };

/** How many columns of the drawing belong to a line. */
const columnsOf = line => 1 + (line.smoothed ? 1 : 0) + (line.band ? 2 : 0);

function button(label, title, act) {
  const element = Object.assign(document.createElement("button"), { type: "button", textContent: label, title });
  element.addEventListener("click", act);
  return element;
}

export class Chart {
  constructor(figure, page, definition) {
    this.figure = figure;
    this.page = page;
    this.definition = definition;
    this.id = definition.id;
    this.setLines(definition.lines);
    this.place = figure.querySelector(".plot");
    this.makeTools();
    this.makeLegend();
    this.place.addEventListener("keydown", event => this.byKey(event));
    this.place.addEventListener("mouseleave", () => this.page.moveCursor(null));
    new ResizeObserver(() => this.resize()).observe(this.place);
  }

  /** What is drawn. A line may have a `style` of its own (colour and strokes), a `toggle`, by which several charts hide it at once, and
   * a `band` between two more series. */
  setLines(lines) {
    this.lines = lines.map((line, at) => ({ ...line, at }));
    this.keys = lines.map(line => line.key);
    this.bandKeys = lines.flatMap(line => (line.band ? [line.band.low, line.band.high] : []));
  }

  get series() { return this.page.series; }
  get view() { return this.page.view; }
  get axis() { return this.page.axis; }
  get isLogarithmic() { return this.definition.logarithmic !== this.view.scaled.has(this.id); }
  get isFull() { return this.view.full === this.id; }
  get height() { return this.isFull ? Math.max(300, innerHeight - 240) : HEIGHT; }

  isShown(line) { return line.shown !== this.view.lines.has(line.toggle ?? line.key); }
  color(line, dark) { return line.style ? styleColor(line.style, dark) : lineColor(line.at, this.lines.length, dark); }
  /** So many points that their marks would hide each other are none. */
  isMarked(line) { return this.now.steps.length < 4 || (line.marked && this.series[line.key].length <= MARKED); }
  smoothing(line) { return line.smoothed ? this.page.smoothing : 0; }

  // Tools and legend.

  makeTools() {
    const tools = this.figure.querySelector(".chart-tools");
    const title = this.definition.title.toLowerCase();
    this.logButton = button("log", `Logarithmic axis of ${title}`, () => this.page.change(view => {
      toggle(view.scaled, this.id);
      view.values.delete(this.id);
    }));
    this.fullButton = button("Full size", `Show ${title} alone, in full size`, () => this.page.showFull(this.isFull ? null : this.id));
    const file = ending => `${this.id}-${this.page.fileName}.${ending}`;
    tools.replaceChildren(
      this.logButton,
      this.fullButton,
      button("CSV", "Download the points", () => save(file("csv"), this.page.csv(this), "text/csv")),
      button("PNG", "Download the chart as an image", () => saveImage(file("png"), drawing(this))),
      button("SVG", "Download the chart as a drawing", () => save(file("svg"), drawing(this), "image/svg+xml")),
    );
    tools.hidden = false;
  }

  makeLegend() {
    const legend = this.figure.querySelector(".chart-legend");
    this.where = Object.assign(document.createElement("span"), { className: "where" });
    this.entries = this.lines.map(line => {
      const entry = button("", `Show or hide ${line.label}`, () => this.page.change(view => toggle(view.lines, line.toggle ?? line.key)));
      const marker = lineMarker(line);
      const value = document.createElement("output");
      entry.append(marker, ` ${line.label} `, value);
      return { line, entry, marker, value };
    });
    legend.replaceChildren(this.where, ...this.entries.map(({ entry }) => entry));
  }

  /** Values where the cursor is, as they were measured, whatever is drawn over them; without it, the last ones. */
  showValues(step = null) {
    if (!this.plot) return;
    const { steps, drawn } = this.now;
    if (steps.length === 0) return;
    const place = step === null ? steps.length - 1 : placeOf(steps, step + this.axis.slack);
    this.where.textContent = (step === null ? "Last: " : "") + this.axis.describe(step === null ? steps.at(-1) : step);
    for (const { line, value } of this.entries) {
      value.textContent = readable(valueAt(drawn[line.at].raw, place), this.definition.suffix);
    }
  }

  showState() {
    this.logButton.setAttribute("aria-pressed", this.isLogarithmic);
    this.fullButton.setAttribute("aria-pressed", this.isFull);
    this.fullButton.textContent = this.isFull ? "All charts" : "Full size";
    for (const { line, entry, marker } of this.entries) {
      const shown = this.isShown(line);
      entry.setAttribute("aria-pressed", shown);
      paintMarker(marker, this.color(line), shown);
      // A few lines can all be named; of many, those that are drawn.
      const had_focus = entry === document.activeElement;
      entry.hidden = this.lines.length > 8 && !shown;
      if (entry.hidden && had_focus) (this.entries.find(other => this.isShown(other.line))?.entry ?? this.fullButton).focus();
    }
  }

  // Data.

  /** Takes the steps and columns that are drawn: each line as it is and, where it is smoothed, its mean; behind it its band. */
  prepare() {
    const keys = [...this.keys, ...this.bandKeys];
    const [steps, ...columns] = table(this.series, keys);
    const { factor } = this.definition;
    const scaled = key => columns[keys.indexOf(key)].map(value => (value == null ? value : value * factor));
    const drawn = this.lines.map(line => {
      const raw = scaled(line.key);
      const weight = this.smoothing(line);
      const even = column => (weight > 0 ? smooth(column, weight) : column);
      const band = line.band ? [even(scaled(line.band.low)), even(scaled(line.band.high))] : null;
      return { raw, mean: weight > 0 ? smooth(raw, weight) : null, band };
    });
    this.now = { steps, drawn };
    // A logarithm has no place for 0 and below.
    const fit = column => (this.isLogarithmic ? column.map(value => (value <= 0 && value !== null ? undefined : value)) : column);
    const nothing = new Array(steps.length).fill(undefined);
    const data = [steps.map(step => this.axis.of(step))];
    for (const line of this.lines) {
      const { raw, mean, band } = drawn[line.at];
      data.push(fit(raw));
      if (line.smoothed) data.push(mean ? fit(mean) : nothing);
      if (band) data.push(...band.map(fit));
    }
    return data;
  }

  /** What is drawn now, for the SVG and for words: of each line that is shown. */
  shownLines() {
    return this.lines.filter(line => this.isShown(line)).map(line => ({ ...line, ...this.now.drawn[line.at] }));
  }

  add(step, values) {
    const mine = this.keys.filter(key => key in values);
    mine.forEach(key => append(this.series[key], step, values[key]));
    return mine.length > 0;
  }

  // Drawing.

  draw() {
    const data = this.prepare();
    this.showState();
    if (data[0].length === 0) return;
    this.figure.querySelector(".chart-legend").hidden = false;
    this.plot?.destroy();
    this.place.replaceChildren();
    this.drawnLogarithmic = this.isLogarithmic;
    this.plot = new uPlot(this.options(), data, this.place);
    this.place.tabIndex = 0;
    this.place.setAttribute("role", "group");
    this.place.setAttribute("aria-label", `${this.definition.title}: arrow keys move the cursor, + and − zoom, 0 shows all`);
    this.describe();
  }

  /** New points or another view of the same: zoom, cursor and legend stay. */
  refresh() {
    if (!this.plot || this.drawnLogarithmic !== this.isLogarithmic) { this.draw(); return; }
    const data = this.prepare();
    this.showState();
    let at = 1;
    for (const line of this.lines) {
      const shown = this.isShown(line);
      const smoothed = line.smoothed && this.smoothing(line) > 0;
      this.plot.series[at].width = smoothed ? 1 : 2;
      for (let more = columnsOf(line); more > 0; more -= 1, at += 1) {
        if (this.plot.series[at].show !== shown) this.plot.setSeries(at, { show: shown });
      }
    }
    this.plot.setData(data);
    this.describe();
  }

  options() {
    const bands = [];
    let column = 1;
    const series = this.lines.flatMap(line => {
      const show = this.isShown(line);
      const dash = line.style?.dash;
      const mean = line.smoothed ? [{ stroke: () => this.color(line), width: 2, dash, show, points: { show: false } }] : [];
      const edge = { width: 0, show, points: { show: false } };
      const band = line.band ? [edge, { ...edge }] : [];
      column += columnsOf(line);
      if (line.band) bands.push({ series: [column - 1, column - 2], fill: () => faint(this.color(line)) });
      const raw = {
        stroke: () => (this.smoothing(line) > 0 ? faint(this.color(line)) : this.color(line)),
        width: this.smoothing(line) > 0 ? 1 : 2,
        dash,
        show,
        // Between two points an undefined value is no gap; a null, which is not finite, is one.
        spanGaps: false,
        points: { show: this.isMarked(line), size: 6, fill: () => this.color(line) },
      };
      return [raw, ...mean, ...band];
    });
    const ink = () => css("--quiet");
    const grid = { stroke: () => css("--line"), width: 1 };
    const both = { stroke: ink, ticks: { ...grid, size: 4 }, font: FONT, labelFont: FONT, labelSize: 16, gap: 3 };
    return {
      width: this.place.clientWidth,
      height: this.height,
      padding: [14, 10, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: true, y: true, ...DRAG, setScale: false },
        bind: { dblclick: () => () => { this.page.resetZoom(); return null; } },
        points: { size: 7 },
      },
      scales: {
        x: { time: false, range: () => this.page.range() },
        y: { distr: this.isLogarithmic ? 3 : 1, range: (_, min, max) => this.valueRange(min, max) },
      },
      axes: [
        {
          ...both, label: this.axis.label, size: 26,
          // Where epochs are known, they are the vertical lines.
          grid: { ...grid, show: !this.axis.stepsPerEpoch },
          splits: (plot, _, min, max) => this.axis.ticks(min, max, plot.width),
          values: (_, ticks) => ticks.map(tick => this.axis.words(tick)),
        },
        {
          ...both, label: this.definition.axis, grid,
          size: (plot, words) => axisWidth(plot, words, FONT),
          splits: (plot, _, min, max) => this.valueTicks(min, max, plot.height),
          // uPlot would thin a logarithmic axis by its own rule.
          filter: (_, ticks) => ticks,
          values: (_, ticks) => ticks.map(number),
        },
      ],
      series: [{}, ...series],
      bands,
      hooks: {
        drawClear: [plot => markEpochs(plot, this)],
        draw: [plot => markLost(plot, this)],
        setCursor: [plot => this.tellCursor(plot)],
        setSelect: [plot => this.select(plot)],
      },
    };
  }

  valueTicks(min, max, height) {
    const count = Math.max(Math.floor(height / 34), 2);
    return this.isLogarithmic ? powerTicks(min, max, count) : evenTicks(min, max, count);
  }

  valueRange(min, max) {
    return this.view.values.get(this.id) ?? valueRange(min, max, this.isLogarithmic);
  }

  /** Steps at which a line that is shown was not finite. */
  lostSteps() {
    const columns = this.shownLines().map(({ raw }) => raw);
    return this.now.steps.filter((_, at) => columns.some(column => column[at] === null));
  }

  /** The chart in words: for those who don't see it, and what no line shows. */
  describe() {
    const shown = this.shownLines();
    const last = shown.map(({ label, raw }) => `${label} ${readable(valueAt(raw, raw.length - 1), this.definition.suffix)}`);
    const { canvas } = this.plot.ctx;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${this.definition.axis} by ${this.axis.kind}. Last values: ${last.slice(0, 8).join(", ")}.`);
    const lost = this.lostSteps();
    const note = this.figure.querySelector(".chart-note");
    note.hidden = lost.length === 0;
    if (lost.length > 0) {
      const count = lost.length === 1 ? "one step" : `${lost.length} steps`;
      note.textContent = `Not finite (NaN or infinity) at ${count}, first at ${this.axis.name(lost[0])}: marked × on the axis.`;
    }
    // uPlot lays out what it was told behind this; only then a step has its place.
    queueMicrotask(() => this.keepCursor());
  }

  keepCursor() {
    if (this.isPointedAt) this.showValues(this.page.cursor);
    else this.showCursor(this.page.cursor);
  }

  resize() {
    const width = this.place.clientWidth;
    if (!this.plot || width === 0) return;
    if (Math.abs(this.plot.width - width) > 1 || this.plot.height !== this.height) this.plot.setSize({ width, height: this.height });
  }

  // Cursor and zoom.

  get isPointedAt() { return this.plot.over.matches(":hover"); }

  /** uPlot says this of every drawing too; what counts is a pointer over this chart. */
  tellCursor(plot) {
    const { left } = plot.cursor;
    if (!this.plot || !this.isPointedAt || left == null || left < 0) return;
    this.page.moveCursor(this.axis.stepAt(plot.posToVal(left, "x")), this);
  }

  /** The cursor that another chart, a table's row or a key has moved. */
  showCursor(step) {
    this.showValues(step);
    if (!this.plot) return;
    const left = step === null ? -10 : this.plot.valToPos(this.axis.of(step), "x");
    this.plot.setCursor({ left, top: -10 }, false);
  }

  select(plot) {
    const { left, top, width, height } = plot.select;
    if (width <= 0 && height <= 0) return;
    // A drag along one axis selects the other one whole.
    const across = height < plot.over.clientHeight - 1;
    const along = width < plot.over.clientWidth - 1 || !across;
    const steps = along ? [left, left + width].map(at => this.axis.step(plot.posToVal(at, "x"))) : null;
    const values = across ? [top + height, top].map(at => plot.posToVal(at, "y")) : null;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.page.change(view => {
      if (steps) view.steps = steps;
      if (values) view.values.set(this.id, values);
    });
  }

  byKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.plot) return;
    const { steps } = this.now;
    const from = this.page.cursor === null ? steps.length : placeOf(steps, this.page.cursor);
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: steps.length - 1 }[event.key];
    if (to !== undefined) this.page.moveCursor(steps[Math.min(Math.max(to, 0), steps.length - 1)]);
    else if (event.key === "+" || event.key === "=") this.page.zoomBy(0.5);
    else if (event.key === "-") this.page.zoomBy(2);
    else if (event.key === "0") this.page.resetZoom();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
