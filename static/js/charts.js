// The charts of a page: what they share is an axis, the zoom along it, the cursor, smoothing and the address.

import { Axis } from "./charts/axis.js";
import { Chart } from "./charts/chart.js";
import { append, defaultSmoothing, fetchClock, fetchSeries } from "./charts/series.js";
import { View } from "./charts/view.js";

/** However fast the news comes, two drawings a second are enough for eyes. */
const DRAW_EVERY_MS = 500;

/** What the charts of a page share; a page of several runs overrides where its series come from and what an axis is. */
export class ChartPage {
  constructor(section) {
    this.section = section;
    this.run = section.dataset.charts;
    this.stepsPerEpoch = Number(section.dataset.stepsPerEpoch);
    this.bestEpoch = Number(section.dataset.bestEpoch);
    this.series = {};
    /** The step under the cursor, if there is one. */
    this.cursor = null;
    const figures = [...section.querySelectorAll(".chart[data-chart]")];
    const definitions = figures.map(figure => JSON.parse(figure.dataset.chart));
    this.view = new View(definitions.map(({ id }) => id));
    this.charts = figures.map((figure, at) => new Chart(figure, this, this.define(definitions[at])));
  }

  /** A chart as it is drawn here. */
  define(definition) { return definition; }

  /** What saved files are called after. */
  get fileName() { return `run-${this.run}`; }

  /** The points of a chart as a table. */
  csv(chart) {
    const rows = chart.keys.flatMap(key => (this.series[key] ?? []).map(([step, value]) => `${key},${step},${value ?? ""}`));
    return `${["key,step,value", ...rows].join("\r\n")}\r\n`;
  }

  async load() {
    const keys = this.charts.flatMap(chart => chart.keys);
    this.series = await fetchSeries(this.run, keys);
    await this.setAxis();
    this.listen();
    this.showBar();
    this.showFullNow();
    this.charts.forEach(chart => chart.draw());
    return this;
  }

  // What the charts ask for.

  /** Unless it was chosen, by the points that there are now, so that a page that stays open shows what a new one would. */
  get smoothing() {
    if (this.view.smoothing !== null) return this.view.smoothing;
    const smoothed = this.charts.flatMap(chart => chart.lines).filter(line => line.smoothed);
    return defaultSmoothing(Math.max(0, ...smoothed.map(line => this.series[line.key].length)));
  }

  /** First and last step there is. */
  extent() {
    const known = Object.values(this.series).filter(points => points.length > 0);
    if (known.length === 0) return [0, 1];
    return [Math.min(...known.map(points => points[0][0])), Math.max(...known.map(points => points.at(-1)[0]))];
  }

  /** From and to along the axis. */
  range() {
    let [from, to] = this.view.steps ?? this.extent();
    if (from === to) [from, to] = [from - 0.5, to + 0.5];
    // The first epoch begins before its first step.
    if (!this.view.steps && this.axis.kind === "epoch" && from === 0) from = -1;
    return [this.axis.of(from), this.axis.of(to)];
  }

  /** The last step of the epoch whose checkpoint is kept. */
  bestStep() {
    return this.bestEpoch > 0 && this.stepsPerEpoch > 0 ? this.bestEpoch * this.stepsPerEpoch - 1 : null;
  }

  async setAxis() {
    const passed = this.stepsPerEpoch > 0 && this.extent()[1] + 1 >= this.stepsPerEpoch;
    let kind = this.view.axis ?? (passed ? "epoch" : "step");
    if (kind === "epoch" && !this.stepsPerEpoch) kind = "step";
    if (kind === "time") this.clock ??= await fetchClock(this.run);
    this.axis = new Axis(kind, this.stepsPerEpoch, this.clock?.points ?? []);
  }

  // What people do.

  /** Another view: into the address, and drawn. */
  change(alter, { anew = false } = {}) {
    alter(this.view);
    this.view.write({ anew });
    this.redraw();
  }

  redraw() {
    // Nothing is drawn before the points are there; then all of it is.
    if (!this.axis) return;
    this.showBar();
    this.charts.forEach(chart => chart.refresh());
  }

  resetZoom() {
    this.change(view => { view.steps = null; view.values.clear(); });
  }

  /** Closer or further around the cursor, else the middle. */
  zoomBy(factor) {
    const [first, last] = this.extent();
    const [from, to] = this.view.steps ?? [first, last];
    const middle = this.cursor ?? (from + to) / 2;
    const zoomed = [middle - (middle - from) * factor, middle + (to - middle) * factor];
    const all = zoomed[0] <= first && zoomed[1] >= last;
    this.change(view => { view.steps = all ? null : [Math.max(zoomed[0], first), Math.min(zoomed[1], last)]; });
  }

  /** One cursor for all charts; `origin` has drawn its own. */
  moveCursor(step, origin = null) {
    const [first, last] = this.extent();
    this.cursor = step === null ? null : Math.min(Math.max(step, first), last);
    for (const chart of this.charts) {
      if (chart === origin) chart.showValues(this.cursor);
      else chart.showCursor(this.cursor);
    }
  }

  /** One chart alone, or all of them; *Back* takes it back. */
  showFull(id) {
    this.change(view => { view.full = id; }, { anew: true });
    this.showFullNow();
    this.section.scrollIntoView({ block: "nearest" });
  }

  showFullNow() {
    this.section.classList.toggle("one-chart", this.view.full !== null);
    for (const chart of this.charts) {
      chart.figure.hidden = this.view.full !== null && !chart.isFull;
      chart.showState();
      chart.resize();
    }
  }

  async chooseAxis(kind) {
    this.view.axis = kind;
    this.view.write();
    await this.setAxis();
    // Another axis has other labels and lines.
    this.charts.forEach(chart => chart.draw());
    this.showBar();
  }

  showBar() {
    const bar = this.section.querySelector(".chart-bar");
    if (!bar) return;
    bar.hidden = false;
    for (const choice of bar.querySelectorAll("[name=axis]")) {
      choice.checked = choice.value === this.axis.kind;
      choice.disabled = choice.value === "epoch" && !this.stepsPerEpoch;
    }
    const slider = bar.querySelector(".smoothing");
    if (slider) {
      slider.querySelector("input").value = this.smoothing;
      slider.querySelector("output").textContent = this.smoothing === 0 ? "off" : this.smoothing.toFixed(2);
    }
    bar.querySelector(".reset-zoom").disabled = !this.view.isZoomed;
  }

  listen() {
    const bar = this.section.querySelector(".chart-bar");
    bar?.addEventListener("change", event => { if (event.target.name === "axis") this.chooseAxis(event.target.value); });
    bar?.querySelector(".smoothing")?.addEventListener("input", event => {
      this.change(view => { view.smoothing = Number(event.target.value); });
    });
    bar?.querySelector(".reset-zoom").addEventListener("click", () => this.resetZoom());
    document.addEventListener("theme", () => this.charts.forEach(chart => { chart.showState(); chart.plot?.redraw(); }));
    // A row of the table by epoch, or a cell of the heat map.
    document.addEventListener("epoch", event => this.moveCursor(event.detail.step));
    addEventListener("resize", () => this.charts.forEach(chart => chart.resize()));
    addEventListener("popstate", async () => {
      this.view.read();
      await this.setAxis();
      this.showFullNow();
      this.charts.forEach(chart => chart.draw());
      this.showBar();
    });
  }

  // What happens meanwhile.

  /** A record of the run's journal. */
  take(record) {
    if (this.clock) this.tick(record);
    if (record.event === "started" && !this.stepsPerEpoch) this.begin(record);
    if (record.event === "epoch" && record.best) this.bestEpoch = record.epoch;
    if (record.values) this.add(record.step, record.values);
  }

  /** The page was made before the run knew how long its epochs are. */
  async begin({ steps_per_epoch: steps }) {
    this.stepsPerEpoch = steps;
    await this.setAxis();
    this.charts.forEach(chart => chart.draw());
    this.showBar();
  }

  add(step, values) {
    if (!this.charts.map(chart => chart.add(step, values)).some(Boolean)) return;
    this.due ??= setTimeout(() => { this.due = null; this.redraw(); }, DRAW_EVERY_MS);
  }

  /** Time goes on with the trainer's own; what passes between two of its starts is nobody's work. */
  tick(record) {
    if (record.event === "hello") this.clock.at_ms = record.at_ms;
    if (!["step", "epoch", "gradients", "dials"].includes(record.event)) return;
    const before = this.clock.points.at(-1)?.[1] ?? 0;
    append(this.clock.points, record.step, before + record.at_ms - this.clock.at_ms);
    this.clock.at_ms = record.at_ms;
  }
}

/** Draws every chart of a section; `take` follows the live run. */
export const drawCharts = section => new ChartPage(section).load();
