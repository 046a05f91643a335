// Gradient norms: a map of layer × step, and lines of the layers that were chosen.

import { drawCharts } from "./charts.js";
import { table } from "./charts/series.js";
import { number } from "./charts/values.js";
import { toggle } from "./charts/view.js";
import { HeatMap } from "./heatmap.js";
import { follow, onRecord } from "./live.js";

const DRAW_EVERY_MS = 500;
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

  const map = new HeatMap(section.querySelector(".heat"), chart.lines.map(line => line.label), (row, step) => {
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
      if (finite.length > 0) cells[cell].textContent = number(+value.toPrecision(3));
    });
    cells[4].textContent = points.length - finite.length;
  });

  draw();
  tick();
  let due = null;
  onRecord(record => {
    charts.take(record);
    if (record.event === "gradients") {
      charts.add(record.step, Object.fromEntries(record.norms.map((norm, at) => [chart.keys[at], norm])));
      due ??= setTimeout(() => { due = null; draw(); count(); }, DRAW_EVERY_MS);
    }
  });
}
follow();
