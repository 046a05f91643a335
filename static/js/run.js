// A run's page: charts that grow while it learns.

import { drawCharts } from "./charts.js";
import { follow, onRecord } from "./live.js";

const section = document.querySelector("[data-charts]");
if (section) {
  const charts = await drawCharts(section);
  onRecord(record => {
    if (record.event === "step" || record.event === "epoch") charts.add(record.step, record.values);
  });
}
follow();
