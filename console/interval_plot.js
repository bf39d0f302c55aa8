// Points with their intervals on one line each: what lifts and forest plots are drawn as.

import { axis, colour, legend, variantColour } from "./chart_library.js";
import { signedPercent } from "./format.js";

const FARTHEST = 2; // a lift beyond 200 % leaves the drawing; the table has it
const MARGIN = 0.05;

// `rows` are { label, place, lift, thick, thin }: the interval that is quoted and another one (or null);
// `place` is the variant's among all variants, which gives the colour that it has in every plot.
export function intervalChart(rows, { thickName, thinName }) {
  const inks = rows.map((row) => variantColour(row.place));
  const bars = (label, member, thickness, fill) => ({ label, data: rows.map((row) => row[member]), backgroundColor: fill, barThickness: thickness, grouped: false, pointStyle: "rect", borderSkipped: false, borderRadius: 2, order: thickness });
  const datasets = [
    { label: "Estimate", type: "line", data: rows.map((row) => row.lift), showLine: false, pointRadius: 5, pointHoverRadius: 6, pointStyle: "rectRot", pointBackgroundColor: colour("--surface"), pointBorderColor: colour("--ink"), pointBorderWidth: 2, order: 0 },
    bars(thickName, "thick", 14, inks),
  ];
  if (rows.some((row) => row.thin)) datasets.push(bars(thinName, "thin", 2, colour("--ink")));
  return {
    type: "bar",
    data: { labels: rows.map((row) => row.label), datasets },
    options: {
      indexAxis: "y",
      interaction: { mode: "y", intersect: false },
      scales: {
        x: axis("Difference from the control, relative", { ticks: { includeBounds: false, callback: (value) => signedPercent(value, 0) }, grid: { color: (line) => (line.tick.value === 0 ? colour("--ink") : colour("--line")), lineWidth: (line) => (line.tick.value === 0 ? 1.5 : 1) }, ...limits(rows) }),
        y: axis("", { grid: { display: false }, ticks: { color: colour("--ink") } }),
      },
      plugins: {
        legend: legend({ usePointStyle: true }),
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${Array.isArray(item.raw) ? item.raw.map((value) => signedPercent(value)).join(" to ") : signedPercent(item.raw)}` } },
      },
    },
  };
}

export const intervalHeight = (rows) => 110 + rows.length * 44;

function limits(rows) {
  const ends = [0, ...rows.flatMap((row) => [row.lift, ...(row.thick ?? []), ...(row.thin ?? [])])];
  return { min: Math.max(-FARTHEST, Math.min(...ends) - MARGIN), max: Math.min(FARTHEST, Math.max(...ends) + MARGIN) };
}
