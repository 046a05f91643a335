// The curves of several runs: a line a run, or a mean with a band where runs differ by their seed alone. What is drawn stands in the
// address; one request brings the points of all runs that are drawn, and after it only new points come, by the runs' own streams.

import { SharedAxis } from "./charts/axis.js";
import { ChartPage } from "./charts.js";
import { lineMarker, paintMarker } from "./charts/legend.js";
import { spread } from "./charts/seeds.js";
import { append, between, fetchSeriesOfRuns } from "./charts/series.js";
import { toggle } from "./charts/view.js";
import { followRun } from "./points.js";

/** Lines that are drawn at first; more are a tangle until somebody asks for them. */
const DRAWN = 8;
/** Points that one request brings, of all runs and series together. */
const BUDGET = 60_000;
/** Runs that are heard live: a browser allows six connections to a server. */
const HEARD = 3;
const DRAW_EVERY_MS = 500;

class ComparePage extends ChartPage {
  // What is drawn.

  define(definition) {
    if (!this.runs) this.readRuns();
    const [source] = definition.lines;
    this.sources.push(source);
    return { ...definition, lines: this.linesOf(source) };
  }

  readRuns() {
    const runs = JSON.parse(this.section.dataset.compare);
    this.runs = new Map(runs.map(run => [run.run, { ...run, points: null, clock: null }]));
    this.groups = JSON.parse(this.section.dataset.seeds);
    this.sources = [];
    this.stepsPerEpoch = Math.max(0, ...runs.map(run => run.steps_per_epoch));
    this.makeEntries();
  }

  /** A line a run, but one for those that differ by their seed alone. */
  makeEntries() {
    this.areSeedsApart = this.view.eachSeed;
    const groups = this.areSeedsApart ? [] : this.groups;
    const grouped = new Set(groups.flatMap(group => group.slice(1)));
    const heads = [...this.runs.values()].filter(({ run }) => !grouped.has(run));
    this.entries = heads.map(({ run, name, style }, at) => {
      const members = groups.find(([first]) => first === run) ?? [run];
      const label = members.length > 1
        ? `mean of ${members.length} seeds (runs ${members.join(", ")}), band: lowest to highest`
        : `#${run} ${name.length > 28 ? `${name.slice(0, 27)}…` : name}`;
      return { name: members.join("."), members, label, style, shown: at < DRAWN };
    });
  }

  linesOf(source) {
    return this.entries.map(({ name, members, label, style, shown }) => {
      const key = `${name}:${source.key}`;
      const band = members.length > 1 ? { low: `${key}:low`, high: `${key}:high` } : undefined;
      return { ...source, key, label, style, shown, toggle: name, band };
    });
  }

  isShown(entry) { return entry.shown !== this.view.lines.has(entry.name); }

  get fileName() { return this.runs.size > 6 ? "comparison" : `runs-${[...this.runs.keys()].join("-")}`; }

  /** The points of the lines that are drawn, as they were measured. */
  csv() {
    const shown = this.entries.filter(entry => this.isShown(entry)).flatMap(({ members }) => members);
    const rows = shown.flatMap(run => this.sources.flatMap(({ key }) =>
      (this.runs.get(run).points?.[key] ?? []).map(([step, value]) => `${run},${key},${step},${value ?? ""}`)));
    return `${["run,key,step,value", ...rows].join("\r\n")}\r\n`;
  }

  // Points.

  async load() {
    await this.fetchDrawn();
    await this.setAxis();
    this.listen();
    this.makeChooser();
    this.showBar();
    this.showFullNow();
    this.charts.forEach(chart => chart.draw());
    this.hear();
    return this;
  }

  /** Brings what is drawn and not here yet; says whether anything came. */
  async fetchDrawn() {
    const drawn = this.entries.filter(entry => this.isShown(entry)).flatMap(({ members }) => members);
    const wanted = drawn.filter(run => this.runs.get(run).points === null);
    if (wanted.length === 0) return false;
    const keys = this.sources.map(({ key }) => key);
    const points = Math.min(Math.max(Math.floor(BUDGET / (wanted.length * keys.length)), 100), 2000);
    for (const run of wanted) this.runs.get(run).points = {};
    const clock = this.axis?.kind === "time";
    for (const found of await fetchSeriesOfRuns(wanted, keys, { points, clock })) {
      const run = this.runs.get(found.run);
      run.points = found.series;
      run.steps_per_epoch = found.steps_per_epoch ?? 0;
      if (found.clock) run.clock = found.clock;
    }
    return true;
  }

  async fetchClocks() {
    const wanted = [...this.runs.values()].filter(run => run.points && !run.clock).map(({ run }) => run);
    if (wanted.length === 0) return;
    for (const { run, clock } of await fetchSeriesOfRuns(wanted, [], { clock: true })) this.runs.get(run).clock = clock;
  }

  /** Where a step of a run stands on the axis. */
  placeOf(run, step) {
    if (this.axis.kind === "epoch") return (step + 1) / run.steps_per_epoch;
    if (this.axis.kind === "time") return between(run.clock?.points ?? [], step) / 1000;
    return step;
  }

  /** Every line's points, by their places on the axis. */
  arrange() {
    this.series = {};
    for (const { name, members } of this.entries) {
      for (const { key } of this.sources) {
        const lists = members.map(id => {
          const run = this.runs.get(id);
          // A run that has not begun has no epochs yet.
          const fits = this.axis.kind !== "epoch" || run.steps_per_epoch > 0;
          return fits ? (run.points?.[key] ?? []).map(([step, value]) => [this.placeOf(run, step), value]) : [];
        });
        const { mean, low, high } = lists.length > 1 ? spread(lists) : { mean: lists[0], low: [], high: [] };
        this.series[`${name}:${key}`] = mean;
        if (lists.length > 1) Object.assign(this.series, { [`${name}:${key}:low`]: low, [`${name}:${key}:high`]: high });
      }
    }
  }

  async setAxis() {
    if (this.areSeedsApart !== this.view.eachSeed) this.makeLines();
    const begun = [...this.runs.values()].filter(run => Object.keys(run.points ?? {}).length > 0);
    this.stepsPerEpoch = Math.max(0, ...begun.map(run => run.steps_per_epoch));
    const last = run => Math.max(...Object.values(run.points).map(points => points.at(-1)[0]));
    const passed = begun.some(run => run.steps_per_epoch > 0 && last(run) + 1 >= run.steps_per_epoch);
    // What another tool wrote knows steps alone; it would be missing by epochs.
    const haveEpochs = begun.every(run => run.steps_per_epoch > 0);
    let kind = this.view.axis ?? (passed && haveEpochs ? "epoch" : "step");
    if (kind === "epoch" && !this.stepsPerEpoch) kind = "step";
    if (kind === "time") await this.fetchClocks();
    this.axis = new SharedAxis(kind);
    this.arrange();
  }

  async chooseAxis(kind) {
    // A stretch of one axis is none of another.
    this.view.steps = null;
    await super.chooseAxis(kind);
  }

  // What people choose.

  /** Another view may show a run whose points are not here yet. */
  async change(alter, options) {
    super.change(alter, options);
    if (await this.fetchDrawn()) {
      await this.setAxis();
      this.redraw();
    }
  }

  /** Other lines: a mean, or each seed by itself. */
  makeLines() {
    this.makeEntries();
    this.charts.forEach((chart, at) => {
      chart.setLines(this.linesOf(this.sources[at]));
      chart.makeLegend();
    });
    this.makeChooser();
  }

  makeChooser() {
    const place = this.section.querySelector(".lines-to-choose");
    const all = (label, shown) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
      button.addEventListener("click", () => this.change(view => {
        for (const entry of this.entries) if (this.isShown(entry) !== shown) toggle(view.lines, entry.name);
      }));
      return button;
    };
    this.boxes = this.entries.map(entry => {
      const [label, box] = [document.createElement("label"), Object.assign(document.createElement("input"), { type: "checkbox" })];
      const marker = lineMarker(entry);
      box.addEventListener("change", () => this.change(view => toggle(view.lines, entry.name)));
      label.append(box, marker, ` ${entry.label}`);
      return { entry, label, box, marker };
    });
    place.replaceChildren(all("All", true), all("None", false), ...this.boxes.map(({ label }) => label));
  }

  showBar() {
    super.showBar();
    const shown = this.entries.filter(entry => this.isShown(entry)).length;
    this.section.querySelector(".choose-lines summary").textContent = `Lines drawn: ${shown} of ${this.entries.length}`;
    for (const { entry, box, marker } of this.boxes) {
      box.checked = this.isShown(entry);
      paintMarker(marker, this.charts[0].color(entry), true);
    }
    const seeds = this.section.querySelector("[name=seeds]");
    if (seeds) seeds.checked = !this.view.eachSeed;
  }

  listen() {
    super.listen();
    this.section.querySelector("[name=seeds]")?.addEventListener("change", async event => {
      this.view.eachSeed = !event.target.checked;
      // The lines have other names now.
      this.view.lines.clear();
      this.view.write();
      this.makeLines();
      await this.fetchDrawn();
      await this.setAxis();
      this.charts.forEach(chart => chart.draw());
      this.showBar();
    });
  }

  // What happens meanwhile.

  hear() {
    const live = [...this.runs.values()].filter(run => run.live).slice(0, HEARD);
    for (const run of live) followRun(run.run, run.offset, "charts", record => this.hearRecord(run, record));
  }

  hearRecord(run, record) {
    if (record.event === "started") run.steps_per_epoch = record.steps_per_epoch;
    if (run.clock && record.event === "hello") run.clock.at_ms = record.at_ms;
    if (!record.values || !run.points) return;
    if (run.clock) {
      append(run.clock.points, record.step, (run.clock.points.at(-1)?.[1] ?? 0) + record.at_ms - run.clock.at_ms);
      run.clock.at_ms = record.at_ms;
    }
    for (const { key } of this.sources) if (key in record.values) append(run.points[key] ??= [], record.step, record.values[key]);
    this.due ??= setTimeout(() => this.drawNews(), DRAW_EVERY_MS);
  }

  async drawNews() {
    this.due = null;
    const before = this.axis.kind;
    await this.setAxis();
    if (this.axis.kind === before) this.redraw();
    else {
      this.charts.forEach(chart => chart.draw());
      this.showBar();
    }
  }
}

const section = document.querySelector("[data-compare]");
if (section) await new ComparePage(section).load();
