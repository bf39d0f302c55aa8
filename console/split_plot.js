// The sample-ratio check: users per variant as they are, and as the weights say.

import { axis, colour, faded, legend, variantColour } from "./chart_library.js";
import { count, decimal, pValue } from "./format.js";
import { variantTitle } from "./naming.js";
import { plot } from "./plot.js";

export function splitPlot(experiment, results) {
  const rows = Object.entries(results.enrolled).map(([variant, users]) => ({ variant: variantTitle(experiment, variant), users, expected: results.srm.expected[variant] ?? 0 }));
  return plot({
    title: "Sample-ratio check",
    note: `p = ${pValue(results.srm.p_value)}, safe on any day: ${pValue(results.srm.sequential_p_value)}. Below 0.001 the split is broken, and so are all other figures.`,
    name: `${results.experiment_id}-split`,
    height: 220,
    configure: () => ({
      type: "bar",
      data: {
        labels: rows.map((row) => row.variant),
        datasets: [
          { label: "Users", data: rows.map((row) => row.users), backgroundColor: rows.map((_, index) => variantColour(index)), maxBarThickness: 44 },
          { label: "Expected", data: rows.map((row) => row.expected), backgroundColor: faded(colour("--ink-soft"), 0.25), borderColor: colour("--ink-soft"), borderWidth: 1, maxBarThickness: 44 },
        ],
      },
      options: {
        scales: { x: axis("", { grid: { display: false } }), y: axis("Users", { beginAtZero: true, ticks: { precision: 0 } }) },
        plugins: { legend: legend() },
      },
    }),
    rows,
    columns: [
      { title: "Variant", cell: (row) => row.variant },
      { title: "Users", number: true, cell: (row) => count(row.users), plain: (row) => row.users },
      { title: "Expected", number: true, cell: (row) => decimal(row.expected), plain: (row) => row.expected },
    ],
  });
}
