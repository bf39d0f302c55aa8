// The lift of every metric and treatment, with the fixed and the always-valid interval.

import { pValue, range, signedPercent } from "./format.js";
import { intervalChart, intervalHeight } from "./interval_plot.js";
import { plot } from "./plot.js";

export function liftPlot(results) {
  const rows = results.metrics.flatMap((metric) => Object.entries(metric.comparisons).map(([variant, each]) => ({
    label: Object.keys(metric.comparisons).length > 1 ? `${metric.key} · ${variant}` : metric.key,
    lift: each.lift, narrow: each.lift_interval, wide: each.always_valid?.lift_interval, p: each.p_value, always: each.always_valid?.p_value,
  })));
  const drawn = rows.filter((row) => row.lift !== null && row.lift !== undefined);
  return plot({
    title: "Lift over the control",
    note: "The wide band is safe to read on any day; the narrow one only at the planned end. Left of zero is a decrease.",
    name: `${results.experiment_id}-lift`,
    height: intervalHeight(drawn),
    configure: () => intervalChart(drawn, { wideName: "Always valid", narrowName: `Fixed, ${Math.round(100 * results.confidence_level)} %` }),
    rows,
    columns: [
      { title: "Metric", cell: (row) => row.label },
      { title: "Lift", number: true, cell: (row) => signedPercent(row.lift), plain: (row) => row.lift },
      { title: "Fixed interval", number: true, cell: (row) => range(row.narrow, signedPercent), plain: (row) => row.narrow?.join(" ") },
      { title: "p", number: true, cell: (row) => pValue(row.p), plain: (row) => row.p },
      { title: "Always-valid interval", number: true, cell: (row) => range(row.wide, signedPercent), plain: (row) => row.wide?.join(" ") },
      { title: "Always-valid p", number: true, cell: (row) => pValue(row.always), plain: (row) => row.always },
    ],
  });
}
