// An experiment's definition as it stands.

import { h, table } from "./dom.js";
import { count, percent } from "./format.js";

export function definition(experiment) {
  const facts = [
    ["Traffic", `${experiment.traffic_allocation} % of users`],
    ["Salt", h("code", {}, experiment.salt)],
    ["Analysis", experiment.analysis === "sequential" ? "sequential: may be read on any day" : "fixed: read once, at the planned end"],
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
      { title: "Variant", cell: (each) => (each.key === experiment.control && each.key !== "control" ? `${each.key} (control)` : each.key) },
      { title: "Weight", number: true, cell: (each) => `${each.weight} %` },
      { title: "Config", cell: (each) => h("code", {}, each.config === null ? "–" : JSON.stringify(each.config)) },
    ], experiment.variants),
    h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}
