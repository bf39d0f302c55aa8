// Every metric and variant in one table: the figures, and of every comparison what may be quoted. All other
// figures stand behind a row's disclosure.

import { badge, h, table } from "./dom.js";
import { chance, count, day, decimal, effect, pValue, percent, range, signedAmount, signedPercent } from "./format.js";
import { metricTitle, variantTitle } from "./naming.js";
import { finding, findingBadge } from "./wording.js";
import { QUOTED } from "./words.js";

// By analysis: the kind of interval that decides, what its column is called, and how to read it.
const DECIDING = {
  sequential: { kind: "sequence", title: "safe on any day", foot: "The intervals and p-values hold on any day, however often one looks." },
  group_sequential: { kind: "group_sequential", title: "at the planned looks", foot: "This experiment is decided at its daily looks; until one can decide, what is shown holds on any day." },
  fixed: { kind: "fixed", title: "at the planned end", foot: "This experiment is decided once, at its planned end; until then, what is shown holds on any day." },
};

export function metricsTable(experiment, results) {
  const rows = results.metrics.flatMap((metric) => Object.keys(metric.variants).map((variant, index) => ({
    metric, variant, first: index === 0, figures: metric.variants[variant], comparison: metric.comparisons[variant],
  })));
  const compared = (cell) => (row) => (row.comparison ? cell(row.comparison, row.metric) : "");
  const declared = DECIDING[results.analysis];
  const decided = rows.some(({ comparison }) => comparison?.quoted.kind === declared.kind);
  const shown = decided ? declared : DECIDING.sequential;
  return h("div", { class: "stack tight" },
    table("Figures of every metric and variant", [
      { title: "Metric", cell: ({ metric }) => named(experiment, metric), span: ({ metric, first }) => (first ? Object.keys(metric.variants).length + Object.keys(metric.comparisons).length : 0) },
      { title: "Variant", cell: ({ variant }) => variantCell(experiment, variant, results.control) },
      { title: "Users", number: true, cell: ({ figures }) => count(figures.users) },
      { title: "Rate or mean", number: true, cell: mean },
      { title: "Lift", number: true, cell: compared((comparison, metric) => h("span", { class: `lift ${finding(comparison)[1]}` }, effect(comparison.quoted, metric.kind).estimate)) },
      { title: `Interval, ${shown.title}`, number: true, cell: compared((comparison, metric) => [effect(comparison.quoted, metric.kind).interval, caution(comparison.quoted.kind, shown.kind)]) },
      { title: `p, ${shown.title}`, number: true, cell: compared(({ quoted }) => pValue(quoted.p_value)) },
      { title: "Finding", cell: compared((comparison) => findingBadge(comparison)) },
    ], rows, { hideCaption: true, dense: true, below: ({ comparison, metric, variant }) => comparison && others(experiment, results, metric, variant, comparison) }),
    h("p", { class: "small soft" }, `${declared.foot} p-values are corrected for the number of tests.`));
}

function mean({ metric, figures }) {
  if (metric.kind !== "conversion") return decimal(figures.mean);
  return [percent(figures.rate), h("div", { class: "small soft" }, `${count(figures.converters)} users`)];
}

function caution(kind, usual) {
  return kind === usual ? null : h("div", { class: "small soft" }, QUOTED[kind][0]);
}

function variantCell(experiment, key, control) {
  const title = variantTitle(experiment, key);
  return key === control && title !== "control" ? `${title} (control)` : title;
}

function named(experiment, metric) {
  const wish = metric.direction === "decrease" ? "lower is better" : "higher is better";
  const declared = experiment.metrics.find((each) => each.key === metric.key);
  return [
    h("div", { class: "row" }, metricTitle(metric), badge(metric.role ?? "exploratory", metric.role === "primary" && !metric.late ? "accent" : "")),
    metric.name ? h("div", { class: "small soft mono" }, metric.key) : null,
    h("div", { class: "small soft" }, `${metric.kind} of ${metric.event_type}, ${wish}`),
    metric.late ? h("div", { class: "small" }, badge(`added on ${day(declared?.declared_at)}: never decides`, "warn")) : null,
  ];
}

function others(experiment, results, metric, variant, comparison) {
  const title = `${metricTitle(metric)}, ${variantTitle(experiment, variant)}`;
  const estimate = (figures) => `${effect(figures, metric.kind).estimate} (${effect(figures, metric.kind).interval})`;
  const valid = comparison.always_valid;
  const { cuped, quoted, guard } = comparison;
  const facts = [
    ["Quoted above", QUOTED[quoted.kind][0]],
    ["Difference", `${signedAmount(quoted.difference, metric.kind)} (${range(quoted.interval, (value) => signedAmount(value, metric.kind))})`],
    ["Safe on any day", valid ? `${range(valid.lift_interval, signedPercent)}, p ${pValue(valid.p_value)}` : "–"],
    [`One look, ${percent(results.confidence_level, 0)}`, comparison.small_sample ? QUOTED.small[0] : `${estimate(comparison)}, p ${pValue(comparison.adjusted_p_value)}; do not act on it before the planned end`],
    ["With CUPED", cuped.adjusted ? `${estimate(cuped.adjusted)}, variance ${signedPercent(-cuped.variance_reduction, 0)}${cuped.decides ? "; this is what decides" : ""}` : `none: ${cuped.reason}`],
    ["Beats the control", `${chance(comparison.probability_to_beat_control)}; not protected against frequent looks`],
    ["Expected loss if shipped", comparison.expected_loss === null ? "–" : signedAmount(comparison.expected_loss, metric.kind).slice(comparison.expected_loss > 0 ? 1 : 0)],
    guard && metric.margin !== null ? ["Guardrail", `may be ${percent(metric.margin)} worse; ${guard.safe ? "shown to be safe" : "not shown to be safe"}`] : null,
    comparison.reason ? ["Not computed", comparison.reason] : null,
  ].filter(Boolean);
  return h("details", {}, h("summary", { "aria-label": `More figures of ${title}` }, "More figures"),
    h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}
