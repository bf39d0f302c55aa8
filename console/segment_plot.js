// One metric's lift in each segment: a forest plot, to find questions and not to answer them.

import { count, range, signedPercent } from "./format.js";
import { intervalChart, intervalHeight } from "./interval_plot.js";
import { plot } from "./plot.js";

export function segmentPlot(results, key, segments, metricKey) {
  const named = (label) => label.slice(label.indexOf("=") + 1);
  const many = Object.keys(results.enrolled).length > 2;
  const rows = segments.flatMap((segment) => {
    const metric = segment.metrics.find((each) => each.key === metricKey);
    const users = Object.values(segment.enrolled).reduce((sum, each) => sum + each, 0);
    return Object.entries(metric?.comparisons ?? {}).map(([variant, each]) => ({
      label: `${named(segment.segment)}${many ? ` · ${variant}` : ""} (${count(users)})`, users, variant, segment: named(segment.segment), lift: each.lift, narrow: each.lift_interval, wide: null,
    }));
  });
  const drawn = rows.filter((row) => row.lift !== null);
  return plot({
    title: `${metricKey} by ${key}`,
    note: "Exploratory: of many segments, one looks special by chance. Users in brackets.",
    name: `${results.experiment_id}-${metricKey}-by-${key}`,
    height: intervalHeight(drawn),
    configure: () => intervalChart(drawn, { narrowName: `Interval, ${Math.round(100 * results.confidence_level)} %` }),
    rows,
    columns: [
      { title: key, cell: (row) => row.segment },
      { title: "Variant", cell: (row) => row.variant },
      { title: "Users", number: true, cell: (row) => count(row.users), plain: (row) => row.users },
      { title: "Lift", number: true, cell: (row) => signedPercent(row.lift), plain: (row) => row.lift },
      { title: "Interval", number: true, cell: (row) => range(row.narrow, signedPercent), plain: (row) => row.narrow?.join(" ") },
    ],
  });
}
