// The metrics table as a picture and as a sheet: every lift with the interval that may be quoted.

import { QUOTED_COLUMNS, intervalChart, intervalHeight } from "./interval_plot.js";
import { metricTitle, variantTitle } from "./naming.js";
import { saving } from "./plot.js";
import { placeOf } from "./variant_mark.js";

export function liftPicture(experiment, results) {
  const rows = results.metrics.flatMap((metric) => Object.entries(metric.comparisons).map(([variant, each]) => ({
    label: Object.keys(metric.comparisons).length > 1 ? `${metricTitle(metric)} · ${variantTitle(experiment, variant)}`
      : metricTitle(metric),
    metric, variant, place: placeOf(experiment, variant), quoted: each.quoted, figures: metric.variants[variant],
    estimate: each.quoted.lift, interval: each.quoted.lift_interval,
  })));
  const drawn = rows.filter((row) => row.estimate !== null);
  return saving({
    title: "the metrics", name: `${results.experiment_id}-metrics`, height: intervalHeight(drawn),
    configure: () => intervalChart(drawn), rows,
      columns: COLUMNS.map(([title, plain]) => ({ title, plain: (row) => plain(row, experiment) })),
  });
}

const COLUMNS = [
  ["metric", ({ metric }) => metric.key],
  ["metric_name", ({ metric }) => metricTitle(metric)],
  ["variant", ({ variant }) => variant],
  ["variant_name", ({ variant }, experiment) => variantTitle(experiment, variant)],
  ["users", ({ figures }) => figures.users],
  ["mean", ({ figures }) => figures.mean],
  ...QUOTED_COLUMNS,
  ["p_value", ({ quoted }) => quoted.p_value],
  ["interval_kind", ({ quoted }) => quoted.kind],
];
