// A dial of the layers: a map of layer × step, lines of the layers that were chosen, and below the sizes of one layer's numbers.

import { drawCharts } from "./charts.js";
import { table } from "./charts/series.js";
import { number } from "./charts/values.js";
import { toggle } from "./charts/view.js";
import { HeatMap } from "./heatmap.js";
import { drawHistograms } from "./histograms.js";
import { follow, onRecord } from "./live.js";

const DRAW_EVERY_MS = 500;
/** What the colours of each dial say. */
const percent = share => `${+(share * 100).toPrecision(3)} %`;
const SHOWN = {
  gradient: { title: "Gradient norm by layer and step", legend: "L2 norm, logarithmic", zero: "0: this layer doesn't learn" },
  weight: { title: "Weight norm by layer and step", legend: "L2 norm, logarithmic", zero: "0: all weights are 0" },
  update: { title: "Update ratio by layer and step", legend: "change of a step ÷ weights, logarithmic", zero: "0: this layer doesn't learn" },
  dead: { title: "Share of dead channels by layer and step", legend: "dead channels", linear: true, write: percent },
};
const section = document.querySelector("[data-charts]");

if (section) {
  const charts = await drawCharts(section);
  const [chart] = charts.charts;
  const boxes = [...document.querySelectorAll("[data-layer]")];
  const show = key => {
    const line = chart.lines.find(line => line.key === key);
    charts.change(view => toggle(view.lines, key));
    return line;
  };
  const tick = () => boxes.forEach((box, at) => { box.checked = chart.isShown(chart.lines[at]); });

  const { dial } = section.dataset;
  const shown = SHOWN[dial];
  const written = value => (shown.write ?? (of => number(+of.toPrecision(3))))(value);
  const map = new HeatMap(section.querySelector(".heat"), chart.lines.map(line => line.label), shown, (row, step) => {
    if (!chart.isShown(chart.lines[row])) show(chart.keys[row]);
    charts.moveCursor(step);
    tick();
  });
  boxes.forEach(box => box.addEventListener("change", () => show(box.value)));
  section.addEventListener("click", event => { if (event.target.closest(".chart-legend")) tick(); });
  addEventListener("popstate", tick);

  const draw = () => {
    const [steps, ...columns] = table(charts.series, chart.keys);
    if (steps.length > 1) map.draw(steps, columns);
  };
  /** The table's figures; the newest points are in no page that was loaded before. */
  const count = () => boxes.forEach((box, at) => {
    const points = charts.series[chart.keys[at]];
    const finite = points.map(point => point[1]).filter(value => value !== null);
    const least = finite.reduce((low, value) => Math.min(low, value), Infinity);
    const most = finite.reduce((high, value) => Math.max(high, value), -Infinity);
    const cells = box.closest("tr").querySelectorAll("td");
    [finite[0], finite.at(-1), least, most].forEach((value, cell) => {
      if (finite.length > 0) cells[cell].textContent = written(value);
    });
    cells[4].textContent = points.length - finite.length;
  });

  draw();
  tick();
  let due = null;
  onRecord(record => {
    charts.take(record);
    const numbers = record.event === "gradients" && dial === "gradient" ? record.norms : record.layers?.[dial];
    if (numbers) {
      charts.add(record.step, Object.fromEntries(boxes.map(box => [box.value, numbers[box.dataset.layer]])));
      due ??= setTimeout(() => { due = null; draw(); count(); }, DRAW_EVERY_MS);
    }
  });
}
drawHistograms(document.querySelector("[data-histograms]"));
follow();
