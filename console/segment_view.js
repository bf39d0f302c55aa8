// One metric in each part of a segment, on one axis, and what all parts say together: questions, not answers.

import { h } from "./dom.js";
import { capital, count, effect, pValue } from "./format.js";
import { axisMark, intervalMark, sharedAxis } from "./interval_mark.js";
import { QUOTED_COLUMNS, intervalChart, intervalHeight } from "./interval_plot.js";
import { metricTitle, variantTitle } from "./naming.js";
import { saving } from "./plot.js";
import { inkOf, placeOf, variantMark } from "./variant_mark.js";

const named = (label) => decodeURIComponent(label.slice(label.indexOf("=") + 1));

// `answer` is that of `format=metrics_only&segment=key`.
export function segmentView(experiment, results, key, answer, metric) {
  const rows = answer.segments.flatMap((segment) => {
    const found = segment.metrics.find((each) => each.key === metric.key);
    return Object.entries(found?.comparisons ?? {}).map(([variant, { quoted }]) => {
      const whole = answer.breakdown.find((each) => each.metric === metric.key && each.variant === variant);
      return { segment: segment.segment, variant, users: segment.enrolled[variant] + segment.enrolled[results.control],
        quoted, p: whole?.adjusted_p_values[segment.segment], shown: effect(quoted, metric.kind), estimate: quoted.lift,
        interval: effect(quoted, metric.kind).relative ? quoted.lift_interval : null };
    });
  });
  const axis = sharedAxis(rows);
  const several = experiment.variants.length > 2;
  const title = `${metricTitle(metric)} by ${key}`;
  const drawn = rows.filter((row) => row.interval).map((row) => ({ ...row, label: `${named(row.segment)}${several ? ` · ${variantTitle(experiment, row.variant)}` : ""}`, place: placeOf(experiment, row.variant) }));
  return h("section", { class: "stack tight", "aria-label": title },
    h("div", { class: "row apart keep" }, h("h3", {}, title),
      saving({ title, name: `${results.experiment_id}-${metric.key}-by-${key}`, height: intervalHeight(drawn),
          configure: () => intervalChart(drawn), rows, columns: SHEET })),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Figures of ${title}` },
      h("table", { class: "segments", role: "table" }, h("caption", { class: "hidden" }, title),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, capital(key)),
          several ? h("th", { scope: "col" }, "Variant") : null, h("th", { scope: "col", class: "number" }, "Users"),
          h("th", { scope: "col" }, "Change"),
          h("th", { scope: "col", class: "col-interval drawn" }, h("span", { class: "hidden" }, "Drawn"),
            axisMark(axis)), h("th", { scope: "col", class: "number" }, "p, corrected"))),
      h("tbody", {}, rows.map((row) => h("tr", {},
        h("th", { scope: "row" }, named(row.segment)),
        several ? h("td", { class: "who-of" }, variantMark(experiment, row.variant)) : null,
        h("td", { class: "number users" }, count(row.users)),
        h("td", { class: "change" }, h("span", { class: "lift" }, row.shown.estimate),
          h("span", { class: "small soft" }, row.shown.interval)),
        h("td", { class: "drawn" }, intervalMark(axis, { ...row, ink: inkOf(experiment, row.variant) })),
        h("td", { class: "number holm" }, pValue(row.p))))))),
    answer.breakdown.filter((each) => each.metric === metric.key)
      .map((each) => together(experiment, metric, each, several)));
}

const SHEET = [
  ["segment", (row) => named(row.segment)],
  ["variant", (row) => row.variant],
  ["users", (row) => row.users],
  ...QUOTED_COLUMNS,
  ["p_value_holm", (row) => row.p],
].map(([title, plain]) => ({ title, plain }));

function together(experiment, metric, { variant, post_stratified: pooled, heterogeneity }, several) {
  const whose = several ? `${variantTitle(experiment, variant)}: ` : "";
  const differ = heterogeneity === null ? "Too few outcomes to say whether the effect differs between these groups."
    : heterogeneity.p_value < 0.05
      ? `The effect may differ between these groups by more than chance (p ${pValue(heterogeneity.p_value)}): a question for the next experiment.`
      : `No sign that the effect differs between these groups (p ${pValue(heterogeneity.p_value)}).`;
  const shown = pooled && effect({ ...pooled, lift: null, lift_interval: null }, metric.kind);
  return h("p", { class: "small soft" }, `${whose}${differ} `,
    pooled ? `All groups together, weighted by their users: ${shown.estimate} (${shown.interval}), p ${pValue(pooled.p_value)}.` : "");
}
