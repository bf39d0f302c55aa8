// A metric over time: each variant's mean since the start, and the band in which a treatment's truth lies.

import { axis, faded, legend, variantColour } from "./chart_library.js";
import { count, day, decimal, percent } from "./format.js";
import { metricTitle, variantTitle } from "./naming.js";
import { plot } from "./plot.js";

const PER_USER = { conversion: "converters", count: "count", value: "sum" };

export function cumulativePlot(experiment, results, metric) {
  const steps = results.time_series.filter((row) => row.metric === metric.key);
  const days = [...new Set(steps.map((row) => row.start))];
  const variants = Object.keys(results.enrolled);
  const ordered = [results.control, ...variants.filter((key) => key !== results.control)];
  const shown = metric.kind === "conversion" ? percent : decimal;
  const mean = (row) => (row?.cumulative.enrolled ? row.cumulative[PER_USER[metric.kind]] / row.cumulative.enrolled : null);
  const found = new Map(steps.map((row) => [`${row.start} ${row.variant}`, row]));
  const series = ordered.map((key) => days.map((start) => {
    const row = found.get(`${start} ${key}`);
    const base = mean(found.get(`${start} ${results.control}`));
    const valid = row?.cumulative.always_valid?.interval;
    return { start, variant: key, row, mean: mean(row), band: valid && base !== null ? [base + valid[0], base + valid[1]] : null };
  }));
  return plot({
    title: `${metricTitle(metric)} since the start`,
    note: `The band is safe to read on any day: when it leaves the control's line, the treatment differs.${results.analysis === "sequential" ? "" : " This experiment is decided at its planned looks, not by the band."}`,
    name: `${results.experiment_id}-${metric.key}-over-time`,
    configure: () => configured(days, ordered.map((key) => variantTitle(experiment, key)), series, shown),
    rows: series.flat(),
    columns: [
      { title: "Until", cell: (point) => day(point.start) },
      { title: "Variant", cell: (point) => variantTitle(experiment, point.variant) },
      { title: "Users", number: true, cell: (point) => count(point.row?.cumulative.enrolled), plain: (point) => point.row?.cumulative.enrolled },
      { title: metric.kind === "conversion" ? "Rate" : "Per user", number: true, cell: (point) => shown(point.mean), plain: (point) => point.mean },
      { title: "Band from", number: true, cell: (point) => shown(point.band?.[0]), plain: (point) => point.band?.[0] },
      { title: "Band to", number: true, cell: (point) => shown(point.band?.[1]), plain: (point) => point.band?.[1] },
    ],
  });
}

function configured(days, ordered, series, shown) {
  const values = series.flat().map((point) => point.mean).filter((value) => value !== null);
  const highest = Math.max(...values, 0);
  const datasets = series.flatMap((points, index) => {
    const ink = variantColour(index);
    const line = { label: ordered[index], data: points.map((point) => point.mean), borderColor: ink, backgroundColor: ink, borderWidth: 2, borderDash: index ? [] : [5, 4], pointRadius: days.length > 20 ? 0 : 3 };
    if (index === 0) return [line];
    const edge = (place, fill) => ({ label: `${ordered[index]} band`, data: points.map((point) => point.band?.[place] ?? null), borderColor: "transparent", backgroundColor: faded(ink, 0.16), pointRadius: days.length === 1 ? 2 : 0, pointBackgroundColor: ink, fill });
    return [line, edge(0, false), edge(1, "-1")];
  });
  return {
    type: "line",
    data: { labels: days.map(day), datasets },
    options: {
      interaction: { mode: "index", intersect: false },
      scales: {
        x: axis("", { grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 } }),
        y: axis("", { min: 0, max: shown === percent ? Math.min(1, ceiling(highest * 2 || 1)) : ceiling(highest * 2 || 1), ticks: { callback: (value) => shown(value) } }),
      },
      plugins: {
        legend: legend({ filter: (item) => !item.text.endsWith(" band") }),
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${shown(item.raw)}` } },
      },
    },
  };
}

// The next round number: the band is cut there, so that the lines stay readable.
function ceiling(value) {
  const step = 10 ** Math.floor(Math.log10(value));
  return Math.ceil(value / step) * step;
}
