// Points with their intervals on one line each: what lifts and forest plots are drawn as.

import { axis, colour, faded, legend } from "./chart_library.js";
import { signedPercent } from "./format.js";

const FARTHEST = 2; // a lift beyond 200 % leaves the drawing; the table has it
const MARGIN = 0.05;

// `rows` are { label, lift, wide, narrow }: the always-valid interval (or null) and the fixed one.
export function intervalChart(rows, { wideName, narrowName }) {
  const accent = colour("--plot-1");
  const bars = (label, member, thickness, fill) => ({ label, data: rows.map((row) => row[member]), backgroundColor: fill, barThickness: thickness, grouped: false, pointStyle: "rect", borderSkipped: false, borderRadius: 2, order: thickness });
  const datasets = [
    { label: "Estimate", type: "line", data: rows.map((row) => row.lift), showLine: false, pointRadius: 5, pointHoverRadius: 6, pointStyle: "rectRot", pointBackgroundColor: colour("--surface"), pointBorderColor: colour("--ink"), pointBorderWidth: 2, order: 0 },
    bars(narrowName, "narrow", 7, accent),
  ];
  if (rows.some((row) => row.wide)) datasets.push(bars(wideName, "wide", 18, faded(accent, 0.28)));
  return {
    type: "bar",
    data: { labels: rows.map((row) => row.label), datasets },
    options: {
      indexAxis: "y",
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
  const ends = [0, ...rows.flatMap((row) => [row.lift, ...(row.wide ?? []), ...(row.narrow ?? [])])];
  return { min: Math.max(-FARTHEST, Math.min(...ends) - MARGIN), max: Math.min(FARTHEST, Math.max(...ends) + MARGIN) };
}
