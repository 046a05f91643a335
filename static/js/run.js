// A run's page: charts that grow while it trains.

import { follow, onRecord } from "./live.js";

const section = document.querySelector("[data-charts]");
if (section) {
  // Other pages of a run follow it too, without charts.
  const { drawCharts } = await import("./charts.js");
  const charts = await drawCharts(section);
  onRecord(record => charts.take(record));
}
follow();
