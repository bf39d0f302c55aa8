// Every metric and variant in one table: what may be quoted, drawn on one axis, and the verdict by direction.
// All other figures stand behind a row's disclosure.

import { badge, freshId, h } from "./dom.js";
import { NONE, chance, count, day, decimal, effect, pValue, percent, range, signedAmount, signedPercent, words } from "./format.js";
import { axisMark, intervalMark, sharedAxis } from "./interval_mark.js";
import { liftPicture } from "./lift_plot.js";
import { metricTitle, variantTitle } from "./naming.js";
import { inkOf, variantMark } from "./variant_mark.js";
import { finding, findingBadge } from "./wording.js";
import { QUOTED } from "./words.js";

// By analysis: the kind of interval that decides, and how to read it.
const DECIDING = {
  sequential: { kind: "sequence", foot: "The intervals hold on any day, however often one looks." },
  group_sequential: { kind: "group_sequential",
    foot: "This experiment is decided at its daily looks; until one can decide, the intervals hold on any day." },
  fixed: { kind: "fixed",
    foot: "This experiment is decided once, at its planned end; until then, the intervals hold on any day." },
};
const COLUMNS = ["Variant", "Users", "Value", "Change", "Interval", "Verdict"];

export function metricsTable(experiment, results) {
  const quotes = results.metrics.flatMap((metric) => Object.values(metric.comparisons)
    .map(({ quoted }) => marked(quoted, metric)));
  const axis = sharedAxis(quotes);
  const declared = DECIDING[results.analysis];
  const decided = results.metrics.some((metric) => Object.values(metric.comparisons)
    .some(({ quoted }) => quoted.kind === declared.kind));
  const usual = decided ? declared.kind : "sequence";
  const caption = "Figures of every metric and variant";
  return h("div", { class: "stack tight" },
    h("div", { class: "row apart" }, h("h2", {}, "Metrics"), liftPicture(experiment, results)),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      h("table", { class: "metrics", role: "table" }, h("caption", { class: "hidden" }, caption),
        h("thead", { role: "rowgroup" },
          h("tr", { role: "row" }, COLUMNS.map((title, index) => h("th",
                { scope: "col", role: "columnheader",
                  class: index === 1 || index === 2 ? "number" : title === "Interval" ? "col-interval drawn" : null },
          title === "Interval" ? [h("span", { class: "hidden" }, title), axisMark(axis)] : title)))),
        results.metrics.map((metric) => group(experiment, results, metric, axis, usual)))),
    h("p", { class: "small soft" }, `${declared.foot} p-values are corrected for the number of tests.`));
}

// A quoted effect as it is drawn: only where it can be said relative to the control.
function marked(quoted, metric) {
  return effect(quoted, metric.kind).relative ? { estimate: quoted.lift, interval: quoted.lift_interval }
    : { estimate: null, interval: null };
}

function group(experiment, results, metric, axis, usual) {
  return h("tbody", { role: "rowgroup" },
    h("tr", { class: "metric", role: "row" },
      h("th", { colspan: COLUMNS.length, scope: "rowgroup", role: "rowheader" }, named(experiment, metric))),
    Object.keys(metric.variants).map((key) => {
      if (!metric.comparisons[key]) return row(experiment, metric, key, axis, usual, null);
      const under = disclosure(results, metric, key);
      return [row(experiment, metric, key, axis, usual,
          opener(under, `${metricTitle(metric)}, ${variantTitle(experiment, key)}`)), under];
    }));
}

// The button that shows the row below.
function opener(under, title) {
  const button = h("button", { type: "button", class: "plain little no-print", "aria-expanded": "false",
      "aria-controls": under.id, "aria-label": `More figures of ${title}`, onclick: () => {
    under.hidden = !under.hidden;
    button.setAttribute("aria-expanded", String(!under.hidden));
  } }, "Details");
  return button;
}

function row(experiment, metric, key, axis, usual, more) {
  const comparison = metric.comparisons[key];
  const figures = metric.variants[key];
  const cell = (props, ...children) => h("td", { role: "cell", ...props }, children);
  const shown = comparison && effect(comparison.quoted, metric.kind);
  return h("tr", { role: "row", class: comparison ? "arm" : "arm baseline" },
    h("th", { scope: "row", role: "rowheader" }, variantMark(experiment, key)),
    cell({ class: "number users" }, count(figures.users)),
    cell({ class: "number value" }, metric.kind === "conversion" ? percent(figures.rate) : decimal(figures.mean)),
    cell({ class: "change" }, comparison
      ? [h("span", { class: `lift ${finding(comparison)[1]}` }, shown.estimate),
        h("span", { class: "small soft" }, shown.interval), caution(comparison.quoted.kind, usual)]
      : h("span", { class: "soft small" }, "baseline")),
    cell({ class: "drawn" }, isTooWide(comparison, shown, usual)
      ? h("span", { class: "small soft" }, "too wide to draw")
      : intervalMark(axis, { ...(comparison ? marked(comparison.quoted, metric) : { interval: null }),
          ink: inkOf(experiment, key) })),
    cell({ class: "found" }, comparison ? h("div", { class: "row close apart" }, findingBadge(comparison), more) : ""));
}

// A change that is said in units has no place on the axis; where a caution says why, that is enough.
function isTooWide(comparison, shown, usual) {
  return comparison && !shown.relative && shown.interval !== NONE && comparison.quoted.kind === usual;
}

function caution(kind, usual) {
  return kind === usual ? null : h("span", { class: "small soft" }, QUOTED[kind][0]);
}

function named(experiment, metric) {
  const wish = metric.direction === "decrease" ? "lower is better" : "higher is better";
  const declared = experiment.metrics.find((each) => each.key === metric.key);
  return h("div", { class: "row close" },
    h("span", { class: "metric-name" }, metricTitle(metric)),
      badge(metric.role ?? "exploratory", metric.role === "primary" && !metric.late ? "accent" : ""),
    metric.late ? badge(`added on ${day(declared?.declared_at)}: never decides`, "warn") : null,
    metric.partial ? badge("not all events are counted", "warn") : null,
    h("span", { class: "small soft" }, `${metric.kind} of `, h("code", {}, metric.event_type), `, ${wish}`));
}

function disclosure(results, metric, key) {
  return h("tr", { class: "under", role: "row", id: freshId("figures"), hidden: true },
    h("td", { colspan: COLUMNS.length, role: "cell" }, others(results, metric, metric.comparisons[key])));
}

function others(results, metric, comparison) {
  const estimate = (figures) => `${effect(figures, metric.kind).estimate} (${effect(figures, metric.kind).interval})`;
  const valid = comparison.always_valid;
  const { cuped, quoted, guard } = comparison;
  const facts = [
    ["Shown above", `${QUOTED[quoted.kind][0]}, p ${pValue(quoted.p_value)}`],
    ["Difference",
      `${signedAmount(quoted.difference, metric.kind)} (${range(quoted.interval, (value) => signedAmount(value, metric.kind))})`],
    ["Safe on any day", valid ? `${range(valid.lift_interval, signedPercent)}, p ${pValue(valid.p_value)}` : "–"],
    [`One look, ${percent(results.confidence_level, 0)}`,
      comparison.small_sample ? QUOTED.small[0]
      : `${estimate(comparison)}, p ${pValue(comparison.adjusted_p_value)}; do not act on it before the planned end`],
    ["With CUPED",
      cuped.adjusted
      ? `${estimate(cuped.adjusted)}, variance ${signedPercent(-cuped.variance_reduction, 0)}${cuped.decides ? "; this is what decides" : ""}` : `none: ${words(cuped.reason)}`],
    ["Unadjusted", estimate(cuped.unadjusted)],
    ["Beats the control", `${chance(comparison.probability_to_beat_control)}; not protected against frequent looks`],
    ["Expected loss if shipped", comparison.expected_loss === null ? "–"
      : signedAmount(comparison.expected_loss, metric.kind).slice(comparison.expected_loss > 0 ? 1 : 0)],
    guard && metric.margin !== null
      ? ["Guardrail",
      `may be ${percent(metric.margin)} worse; ${guard.safe ? "shown to be safe" : "not shown to be safe"}`] : null,
    comparison.reason ? ["Not computed", comparison.reason] : null,
  ].filter(Boolean);
  return h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
