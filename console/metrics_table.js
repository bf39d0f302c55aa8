// Every metric and variant in one table: figures, lift, certainty.

import { badge, h, table } from "./dom.js";
import { count, decimal, pValue, percent, range, signedPercent } from "./format.js";
import { confidenceBadge } from "./wording.js";

export function metricsTable(results) {
  const rows = results.metrics.flatMap((metric) => Object.keys(metric.variants).map((variant, index) => ({
    metric, variant, first: index === 0, figures: metric.variants[variant], comparison: metric.comparisons[variant],
  })));
  const mean = ({ metric, figures }) => (metric.kind === "conversion" ? percent(figures.rate) : decimal(figures.mean));
  return h("div", { class: "stack tight" },
    table("Figures of every metric and variant", [
      { title: "Metric", cell: ({ metric }) => named(metric), span: ({ metric, first }) => (first ? Object.keys(metric.variants).length : 0) },
      { title: "Variant", cell: ({ variant }) => (variant === results.control && variant !== "control" ? `${variant} (control)` : variant) },
      { title: "Users", number: true, cell: ({ figures }) => count(figures.users) },
      { title: "Converted", number: true, cell: ({ figures }) => count(figures.converters) },
      { title: "Rate or mean", number: true, cell: mean },
      { title: "Lift", number: true, cell: ({ comparison }) => (comparison ? signedPercent(comparison.lift) : "") },
      { title: "Always-valid interval", number: true, cell: ({ comparison }) => (comparison ? range(comparison.always_valid?.lift_interval, signedPercent) : "") },
      { title: "p (always valid)", number: true, cell: ({ comparison }) => (comparison ? `${pValue(comparison.adjusted_p_value)} (${pValue(comparison.always_valid?.p_value)})` : "") },
      { title: "Beats control", number: true, cell: ({ comparison }) => (comparison ? percent(comparison.probability_to_beat_control, 0) : "") },
      { title: "Confidence", cell: ({ comparison }) => (comparison ? [confidenceBadge(comparison.confidence), comparison.small_sample ? h("div", { class: "small soft" }, "few outcomes") : null] : "") },
    ], rows, { hideCaption: true, dense: true }),
    h("p", { class: "small soft" }, "p-values are corrected for the number of tests. Act on the always-valid figures: they hold however often one looks."));
}

function named(metric) {
  const wish = metric.direction === "decrease" ? "lower is better" : "higher is better";
  return [h("div", { class: "row" }, metric.key, badge(metric.role ?? "exploratory", metric.role === "primary" ? "accent" : "")), h("div", { class: "small soft" }, `${metric.kind} of ${metric.event_type}, ${wish}`)];
}
