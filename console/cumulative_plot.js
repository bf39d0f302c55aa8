// How a treatment's difference from the control went since the start, and the band in which the truth lies.

import { axis, colour, faded, legend, variantColour } from "./chart_library.js";
import { h } from "./dom.js";
import { count, range, shortDay, signedAmount, utcDay } from "./format.js";
import { metricTitle, variantTitle } from "./naming.js";
import { plot } from "./plot.js";
import { placeOf } from "./variant_mark.js";

const SETTLED = 1 / 3; // of the days: the first ones' bands are so wide that they would flatten all others

export function cumulativePlot(experiment, results, metric) {
  const steps = results.time_series.filter((row) => row.metric === metric.key && row.cumulative);
  const treatments = Object.keys(metric.comparisons);
  const enrolled = new Map();
  for (const row of steps) enrolled.set(row.start,
    Math.min(enrolled.get(row.start) ?? Infinity, row.cumulative.enrolled));
  const days = [...enrolled.keys()].filter((start) => enrolled.get(start) >= Math.max(2, experiment.min_users));
  const title = `${metricTitle(metric)}: difference since the start`;
  if (days.length < 2) {
    return { element: h("figure", { "aria-label": title }, h("h3", {}, title),
        h("p", { class: "soft" },
          `Too early for a line: it begins when every variant has ${count(Math.max(2, experiment.min_users))} users, and takes two days.`)), leave: () => {} };
  }
  const found = new Map(steps.map((row) => [`${row.start} ${row.variant}`, row]));
  const series = treatments.map((key) => days.map((start) => {
    const row = found.get(`${start} ${key}`);
    return { start, variant: key, users: row?.cumulative.enrolled, difference: row?.cumulative.difference ?? null,
      band: row?.cumulative.always_valid?.interval ?? null };
  }));
  const shown = (value) => signedAmount(value, metric.kind);
  const tick = (value) => signedAmount(metric.kind === "conversion" ? 100 * value : value, "value");
  return plot({
    title,
    note: `${metric.kind === "conversion" ? "In points of the rate" : "Per user"}, all days together. Where the band leaves zero, the variant differs; it may be read on any day.${results.analysis === "sequential" ? "" : " This experiment is decided at its planned looks, not by the band."}${Object.values(metric.comparisons).some((each) => each.cuped.decides) ? " What decides is adjusted for what users did before; the line and the band are not." : ""}`,
    name: `${results.experiment_id}-${metric.key}-difference`,
    configure: () => configured(experiment, days, treatments, series, { shown, tick }),
    rows: series.flat(),
    columns: [
      { title: "Until", cell: (point) => utcDay(point.start), plain: (point) => point.start.slice(0, 10) },
      { title: "Variant", cell: (point) => variantTitle(experiment, point.variant), plain: (point) => point.variant },
      { title: "Users", number: true, cell: (point) => count(point.users), plain: (point) => point.users },
      { title: "Difference", number: true, cell: (point) => shown(point.difference),
        plain: (point) => point.difference },
      { title: "Low", number: true, cell: (point) => shown(point.band?.[0]), plain: (point) => point.band?.[0] },
      { title: "High", number: true, cell: (point) => shown(point.band?.[1]), plain: (point) => point.band?.[1] },
    ],
  });
}

function configured(experiment, days, treatments, series, { shown, tick }) {
  const settled = series.flatMap((points) => points.slice(Math.floor(points.length * SETTLED)));
  const reached = [0, ...settled.flatMap((point) => point.band ?? []),
    ...series.flat().map((point) => point.difference ?? 0)];
  const [lowest, highest] = [Math.min(...reached), Math.max(...reached)];
  const room = 0.12 * (highest - lowest || 1e-9);
  const datasets = series.flatMap((points, index) => {
    const ink = variantColour(placeOf(experiment, treatments[index]));
    const edge = (place, fill) => ({ band: true, data: points.map((point) => point.band?.[place] ?? null),
        borderColor: "transparent", backgroundColor: faded(ink, 0.14), pointRadius: 0, pointHoverRadius: 0, fill });
    return [
      { label: variantTitle(experiment, treatments[index]), points, data: points.map((point) => point.difference),
        borderColor: ink, backgroundColor: ink, borderWidth: 2.5, pointRadius: days.length > 20 ? 0 : 2.5,
        tension: 0.2 },
      edge(0, false), edge(1, "-1"),
    ];
  });
  return {
    type: "line",
    data: { labels: days.map(shortDay), datasets },
    options: {
      interaction: { mode: "index", intersect: false },
      scales: {
        x: axis("", { grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 24 } }),
        y: axis("", { min: lowest - room, max: highest + room,
            grid: { color: (line) => (line.tick.value === 0 ? colour("--ink-soft") : colour("--line")) },
            ticks: { includeBounds: false, maxTicksLimit: 7, callback: tick } }),
      },
      plugins: {
        legend: legend({ filter: (item) => Boolean(item.text) }),
        tooltip: {
          filter: (item) => !item.dataset.band,
          callbacks: { label: ({ dataset, dataIndex }) => said(dataset, dataset.points[dataIndex], shown) },
        },
      },
    },
  };
}

function said(dataset, point, shown) {
  return ` ${dataset.label} ${shown(point.difference)}${point.band ? ` (${range(point.band, shown)})` : ""}`;
}
