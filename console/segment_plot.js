// One metric's lift in each segment: a forest plot, to find questions and not to answer them.

import { count, signedPercent } from "./format.js";
import { intervalChart, intervalHeight } from "./interval_plot.js";
import { placeOf } from "./lift_plot.js";
import { metricTitle, variantTitle } from "./naming.js";
import { plot } from "./plot.js";

export function segmentPlot(experiment, results, key, segments, metric) {
  const named = (label) => label.slice(label.indexOf("=") + 1);
  const keys = Object.keys(results.enrolled);
  const rows = segments.flatMap((segment) => {
    const found = segment.metrics.find((each) => each.key === metric.key);
    const users = Object.values(segment.enrolled).reduce((sum, each) => sum + each, 0);
    return Object.entries(found?.comparisons ?? {}).map(([variant, each]) => {
      const title = variantTitle(experiment, variant);
      return { label: `${named(segment.segment)}${keys.length > 2 ? ` · ${title}` : ""} (${count(users)})`, users, variant: title, segment: named(segment.segment), place: placeOf(keys, results.control, variant), lift: each.quoted.lift, thick: each.quoted.lift_interval, thin: null };
    });
  });
  const drawn = rows.filter((row) => row.lift !== null);
  return plot({
    title: `${metricTitle(metric)} by ${key}`,
    note: "Exploratory: of many segments, one looks special by chance. Users in brackets.",
    name: `${results.experiment_id}-${metric.key}-by-${key}`,
    height: intervalHeight(drawn),
    configure: () => intervalChart(drawn, { thickName: `One look, ${Math.round(100 * results.confidence_level)}%` }),
    rows,
    columns: [
      { title: key, cell: (row) => row.segment },
      { title: "Variant", cell: (row) => row.variant },
      { title: "Users", number: true, cell: (row) => count(row.users), plain: (row) => row.users },
      { title: "Lift", number: true, cell: (row) => signedPercent(row.lift), plain: (row) => row.lift },
      { title: "Interval from", number: true, cell: (row) => signedPercent(row.thick?.[0]), plain: (row) => row.thick?.[0] },
      { title: "Interval to", number: true, cell: (row) => signedPercent(row.thick?.[1]), plain: (row) => row.thick?.[1] },
    ],
  });
}
