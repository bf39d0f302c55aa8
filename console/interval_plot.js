// Estimates with their intervals, one to a line, as a picture to keep.

import { axis, colour, faded, variantColour } from "./chart_library.js";
import { signedPercent } from "./format.js";
import { sharedAxis } from "./interval_mark.js";

// `rows` are { label, place, estimate, interval }; `place` is the variant's, which gives the colour it has everywhere.
export function intervalChart(rows) {
  const inks = rows.map((row) => variantColour(row.place));
  const { from, to } = sharedAxis(rows);
  return {
    type: "bar",
    data: {
      labels: rows.map((row) => row.label),
      datasets: [
        { type: "line", data: rows.map((row) => row.estimate), showLine: false, pointRadius: 5,
          pointBackgroundColor: inks, pointBorderColor: inks, order: 0 },
        { data: rows.map((row) => row.interval), backgroundColor: inks.map((ink) => faded(ink, 0.3)), barThickness: 12,
          borderSkipped: false, borderRadius: 3, order: 1 },
      ],
    },
    options: {
      indexAxis: "y",
      scales: {
        x: axis("Difference from the control",
          { min: from, max: to, ticks: { includeBounds: false, callback: (value) => signedPercent(value, 0) },
            grid: { color: (line) => (line.tick.value === 0 ? colour("--ink") : colour("--line")) } }),
        y: axis("", { grid: { display: false }, ticks: { color: colour("--ink") } }),
      },
      plugins: { legend: { display: false }, tooltip: { enabled: false } },
    },
  };
}

export const intervalHeight = (rows) => 80 + rows.length * 44;

// The figures of such a line in a sheet: the names they have in every file that one may save.
export const QUOTED_COLUMNS = [
  ["lift", ({ quoted }) => quoted.lift],
  ["lift_low", ({ quoted }) => quoted.lift_interval?.[0]],
  ["lift_high", ({ quoted }) => quoted.lift_interval?.[1]],
  ["difference", ({ quoted }) => quoted.difference],
  ["difference_low", ({ quoted }) => quoted.interval?.[0]],
  ["difference_high", ({ quoted }) => quoted.interval?.[1]],
];
