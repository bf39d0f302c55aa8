// An experiment's definition as it stands.

import { h, table } from "./dom.js";
import { count, percent } from "./format.js";
import { metricTitle } from "./naming.js";

export const ANALYSIS = {
  sequential: "Sequential: may be read on any day",
  group_sequential: "Group sequential: decided at daily looks, needs planned users",
  fixed: "Fixed: decided once, at the planned end",
};

export function definition(experiment) {
  const facts = [
    ["Traffic", `${experiment.traffic_allocation}% of users`],
    ["Salt", h("code", {}, experiment.salt)],
    ["Analysis", ANALYSIS[experiment.analysis]],
    ["Adjustment", experiment.adjustment === "cuped" ? `CUPED, by the ${experiment.cuped_days} days before the assignment` : "none"],
    ["Planned users", count(experiment.planned_users)],
    ["Before a verdict", `${count(experiment.min_users)} users per variant, ${experiment.min_days} days`],
    ["Minimum effect", percent(experiment.minimum_effect)],
    ["Segments", experiment.segments.map((each) => `${each.key} (${each.values.join(", ")})`).join("; ") || "none"],
    ["Overrides", Object.entries(experiment.overrides).map(([user, variant]) => `${user} → ${variant}`).join(", ") || "none"],
    ["Version", experiment.version],
  ];
  return h("div", { class: "stack" },
    experiment.description ? h("p", {}, experiment.description) : null,
    table("Variants", [
      { title: "Variant", cell: (each) => [each.name ?? each.key, each.key === experiment.control && (each.name ?? each.key) !== "control" ? " (control)" : "", each.name ? h("div", { class: "small soft mono" }, each.key) : null] },
      { title: "Weight", number: true, cell: (each) => `${each.weight}%` },
      { title: "Config", cell: (each) => h("code", {}, each.config === null ? "–" : JSON.stringify(each.config)) },
    ], experiment.variants),
    experiment.metrics.length ? table("Metrics", [
      { title: "Metric", cell: (each) => [metricTitle(each), each.name ? h("div", { class: "small soft mono" }, each.key) : null] },
      { title: "Role", cell: (each) => (each.margin === null ? each.role : `${each.role}, may be ${percent(each.margin)} worse`) },
      { title: "What counts", cell: (each) => `${each.kind} of ${each.event_type}, ${each.direction === "decrease" ? "lower" : "higher"} is better` },
    ], experiment.metrics) : null,
    h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}
