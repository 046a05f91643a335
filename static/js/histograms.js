// How large a layer's numbers are, step by step: a map of sizes × steps for its gradient, one for its activations.

import { HeatMap } from "./heatmap.js";
import { onRecord } from "./live.js";

const DRAW_EVERY_MS = 500;
const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const power = exponent => `10${[...String(exponent)].map(sign => RAISED[sign]).join("")}`;

/** What each bin holds, from the largest size to the smallest. */
function names(edges) {
  const between = edges.slice(1).map((edge, at) => `${power(edges[at])} to ${power(edge)}`);
  return [`below ${power(edges[0])}, or 0`, ...between, `${power(edges.at(-1))} or more`].reverse();
}

/** A table with a row a bin: large sizes at the top. */
function columns(reports) {
  const bins = reports[0]?.[1].length ?? 0;
  return Array.from({ length: bins }, (_, bin) => reports.map(([, shares]) => shares[bins - 1 - bin]));
}

/** Draws the figures of a section for the layer that is chosen, and goes on with what comes. */
export function drawHistograms(section) {
  if (!section) return;
  const run = section.dataset.histograms;
  const select = section.querySelector("select");
  const figures = [...section.querySelectorAll("[data-histogram]")].map(figure => ({ figure, dial: figure.dataset.histogram, reports: [], map: null }));

  const draw = one => {
    if (one.reports.length > 1) one.map.draw(one.reports.map(([step]) => step), columns(one.reports));
    one.figure.hidden = one.reports.length === 0;
    section.hidden = figures.every(({ reports }) => reports.length === 0) && !section.dataset.wasShown;
    if (!section.hidden) section.dataset.wasShown = "yes";
  };
  const show = async () => {
    const layer = select.selectedOptions[0]?.textContent;
    await Promise.all(figures.map(async one => {
      const answer = await fetch(`/api/v1/runs/${run}/histograms?${new URLSearchParams({ dial: one.dial, layer })}`);
      if (!answer.ok || layer !== select.selectedOptions[0].textContent) return;
      const { edges, reports } = await answer.json();
      one.reports = reports;
      one.map ??= new HeatMap(one.figure, names(edges), {
        title: `${one.figure.querySelector("strong").textContent}: share of numbers by size and step`,
        legend: "share of numbers",
        linear: true,
        write: share => `${+(share * 100).toPrecision(3)} %`,
      });
      draw(one);
    }));
  };
  select.addEventListener("change", show);
  show();

  let due = null;
  onRecord(record => {
    if (record.event !== "dials" || !record.histograms) return;
    for (const one of figures) {
      const bins = record.histograms[one.dial]?.[Number(select.value)];
      if (!bins?.length || !one.map) continue;
      // A resumed run says its last steps again.
      one.reports = [...one.reports.filter(([step]) => step < record.step), [record.step, bins]];
    }
    due ??= setTimeout(() => { due = null; figures.filter(({ map }) => map).forEach(draw); }, DRAW_EVERY_MS);
  });
}
