// Line charts of a run's series, drawn by uPlot: cursors in step, zoom by dragging, back by double click, logarithmic
// axis, smoothing with the raw line kept behind, downloads.

import uPlot from "/static/vendor/uPlot.esm.js";

const POINTS = 2000;
const NAMES = {
  "train/loss": "training", "val/loss": "validation", "train/accuracy": "training", "val/accuracy": "validation",
  learning_rate: "learning rate", images_per_second: "images/s",
};

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Series as {key: [[step, value|null], …]}. */
export async function fetchSeries(run, keys, points = POINTS) {
  const answer = await fetch(`/api/v1/runs/${run}/series?points=${points}&keys=${encodeURIComponent(keys.join(","))}`);
  if (!answer.ok) throw new Error(`the series could not be read: ${answer.status}`);
  const { series } = await answer.json();
  return Object.fromEntries(series.map(({ key, points }) => [key, points]));
}

/** Columns for uPlot: all steps, then a column a series; undefined where a series has no point, null where it is not finite. */
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

/** Exponential moving average; gaps stay gaps. */
function smooth(column, weight) {
  let mean = null;
  return column.map(value => {
    if (value === null || value === undefined) return value;
    mean = mean === null ? value : weight * mean + (1 - weight) * value;
    return mean;
  });
}

class Chart {
  constructor(figure, series) {
    this.figure = figure;
    this.keys = figure.dataset.series.split(",");
    this.scale = figure.dataset.unit.endsWith("%") ? 100 : 1;
    this.series = series;
    this.log = false;
    this.smoothing = this.keys[0] === "train/loss" || this.keys[0] === "train/accuracy" ? 0.9 : 0;
    this.tools();
    this.draw();
    new ResizeObserver(() => this.resize()).observe(figure.querySelector(".plot"));
  }

  tools() {
    const tools = this.figure.querySelector(".chart-tools");
    tools.hidden = false;
    const button = (label, title, act) => {
      const element = Object.assign(document.createElement("button"), { type: "button", textContent: label, title });
      element.addEventListener("click", () => act(element));
      tools.append(element);
      return element;
    };
    button("log", "Logarithmic axis", element => {
      this.log = !this.log;
      element.setAttribute("aria-pressed", this.log);
      this.draw();
    });
    if (this.smoothing > 0) {
      button("raw", "Without smoothing", element => {
        this.smoothing = this.smoothing ? 0 : 0.9;
        element.setAttribute("aria-pressed", !this.smoothing);
        this.draw();
      });
    }
    button("CSV", "Download the points", () => this.save("csv", new Blob([this.csv()], { type: "text/csv" })));
    button("PNG", "Download the chart", () => this.plot?.ctx.canvas.toBlob(blob => this.save("png", blob)));
  }

  csv() {
    const lines = this.keys.flatMap(key => this.series[key].map(([step, value]) => `${key},${step},${value ?? ""}`));
    return ["key,step,value", ...lines].join("\r\n") + "\r\n";
  }

  save(ending, blob) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${this.figure.dataset.title.toLowerCase().replaceAll(" ", "-")}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  /** The plotted columns: of a dense series its smooth line too, behind which the raw one stays faintly. */
  columns() {
    const [steps, ...raw] = table(this.series, this.keys);
    const scaled = raw.map(column => column.map(value => (value === null || value === undefined ? value : value * this.scale)));
    const lines = [];
    this.keys.forEach((key, at) => {
      const dense = key.startsWith("train/") && this.smoothing > 0;
      if (dense) lines.push({ key, column: scaled[at], faint: true, at });
      lines.push({ key, column: dense ? smooth(scaled[at], this.smoothing) : scaled[at], faint: false, at });
    });
    return { steps, lines };
  }

  draw() {
    const { steps, lines } = this.columns();
    const place = this.figure.querySelector(".plot");
    if (steps.length === 0) return;
    const colours = [css("--first"), css("--second")];
    const ink = css("--quiet");
    const grid = { stroke: css("--line"), width: 1 };
    const number = value => (value === null || value === undefined ? "–" : value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 1e5) ? value.toExponential(1) : +value.toPrecision(4) + "");
    this.plot?.destroy();
    place.replaceChildren();
    this.plot = new uPlot({
      width: place.clientWidth,
      height: 220,
      cursor: { sync: { key: "run", scales: ["x", null] }, drag: { x: true, y: false } },
      scales: { x: { time: false }, y: { distr: this.log ? 3 : 1 } },
      axes: [
        { label: "step", stroke: ink, grid, ticks: grid, labelSize: 18, size: 34, font: "11px system-ui", labelFont: "11px system-ui" },
        { stroke: ink, grid, ticks: grid, size: 58, font: "11px system-ui", values: (_, ticks) => ticks.map(tick => (tick === null ? "" : number(tick))) },
      ],
      series: [
        { label: "step" },
        ...lines.map(({ key, faint, at }) => ({
          label: faint ? `${NAMES[key] ?? key}, raw` : NAMES[key] ?? key,
          stroke: faint ? `${colours[at]}55` : colours[at],
          width: faint ? 1 : 2,
          // Validation has a point an epoch; an undefined value between two is no gap, a null is one.
          spanGaps: false,
          points: { show: key.startsWith("val/"), size: 5 },
          value: (_, value) => number(value),
        })),
      ],
    }, [steps, ...lines.map(line => line.column)], place);
    this.mark(lines);
  }

  /** Says in words how many values were not finite; a line can't show them. */
  mark(lines) {
    const lost = lines.filter(line => !line.faint).reduce((sum, line) => sum + line.column.filter(value => value === null).length, 0);
    if (lost === 0) return;
    const words = document.createElement("p");
    words.className = "note warning";
    words.textContent = `Not finite (NaN or infinity) at ${lost} ${lost === 1 ? "step" : "steps"}: the line has a gap there.`;
    this.figure.querySelector(".plot").append(words);
  }

  resize() {
    const width = this.figure.querySelector(".plot").clientWidth;
    if (this.plot && Math.abs(this.plot.width - width) > 1) this.plot.setSize({ width, height: 220 });
  }

  add(step, values) {
    let grown = false;
    for (const key of this.keys) {
      if (!(key in values)) continue;
      const points = this.series[key];
      // A resumed run says its last steps again: the later word counts.
      while (points.length > 0 && points.at(-1)[0] >= step) points.pop();
      points.push([step, values[key]]);
      grown = true;
    }
    return grown;
  }

  refresh() {
    if (!this.plot) { this.draw(); return; }
    const { steps, lines } = this.columns();
    // Somebody who looks at a part keeps it.
    const [all] = this.plot.data;
    const zoomed = this.plot.scales.x.min > all[0] || this.plot.scales.x.max < all.at(-1);
    this.plot.setData([steps, ...lines.map(line => line.column)], !zoomed);
  }
}

/** Draws every chart of a section; `add` appends a point of the live run. */
export async function drawCharts(section) {
  const figures = [...section.querySelectorAll(".chart")];
  const keys = figures.flatMap(figure => figure.dataset.series.split(","));
  const series = await fetchSeries(section.dataset.charts, keys);
  const charts = figures.map(figure => new Chart(figure, series));
  document.addEventListener("theme", () => charts.forEach(chart => chart.draw()));
  let due = null;
  return {
    add(step, values) {
      if (!charts.map(chart => chart.add(step, values)).some(Boolean)) return;
      // However fast the news comes, four drawings a second are enough for eyes.
      due ??= setTimeout(() => { due = null; charts.forEach(chart => chart.refresh()); }, 250);
    },
  };
}
