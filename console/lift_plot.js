// The lift of every metric and treatment with the interval that may be quoted; one look's beside it, thin.

import { pValue, signedPercent } from "./format.js";
import { intervalChart, intervalHeight } from "./interval_plot.js";
import { metricTitle, variantTitle } from "./naming.js";
import { plot } from "./plot.js";
import { QUOTED } from "./words.js";

const ends = (title, member) => ["from", "to"].map((word, index) => ({ title: `${title} ${word}`, number: true, cell: (row) => signedPercent(row[member]?.[index]), plain: (row) => row[member]?.[index] }));

export function liftPlot(experiment, results) {
  const keys = Object.keys(results.enrolled);
  const rows = results.metrics.flatMap((metric) => Object.entries(metric.comparisons).map(([variant, each]) => ({
    label: Object.keys(metric.comparisons).length > 1 ? `${metricTitle(metric)} · ${variantTitle(experiment, variant)}` : metricTitle(metric),
    metric: metricTitle(metric), variant: variantTitle(experiment, variant), place: placeOf(keys, results.control, variant),
    lift: each.quoted.lift, thick: each.quoted.lift_interval, kind: each.quoted.kind, p: each.quoted.p_value,
    thin: each.quoted.kind === "shown" || each.small_sample ? null : each.lift_interval,
  })));
  const drawn = rows.filter((row) => row.lift !== null);
  return plot({
    title: "Lift over the control",
    note: "The thick bar is the interval to go by; the thin line is what a single look shows. Left of zero is a decrease.",
    name: `${results.experiment_id}-lift`,
    height: intervalHeight(drawn),
    configure: () => intervalChart(drawn, { thickName: "Interval to go by", thinName: `One look, ${Math.round(100 * results.confidence_level)}%` }),
    rows,
    columns: [
      { title: "Metric", cell: (row) => row.metric },
      { title: "Variant", cell: (row) => row.variant },
      { title: "Lift", number: true, cell: (row) => signedPercent(row.lift), plain: (row) => row.lift },
      ...ends("Interval", "thick"),
      { title: "p", number: true, cell: (row) => pValue(row.p), plain: (row) => row.p },
      { title: "How to read it", cell: (row) => QUOTED[row.kind][0] },
      ...ends("One look", "thin"),
    ],
  });
}

// The variant's place in the colours: the control has the first, as in every other plot.
export function placeOf(keys, control, variant) {
  return [control, ...keys.filter((key) => key !== control)].indexOf(variant);
}
