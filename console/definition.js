// An experiment's definition as it stands.

import { inWords } from "./audience.js";
import { badge, h, table } from "./dom.js";
import { count, percent, time } from "./format.js";
import { metricTitle } from "./naming.js";
import { variantMark } from "./variant_mark.js";
import { REACTION } from "./words.js";

export const ANALYSIS = {
  sequential: "Sequential: may be read on any day",
  group_sequential: "Group sequential: decided at daily looks, needs planned users",
  fixed: "Fixed: decided once, at the planned end",
};

export function definition(experiment) {
  const listed = (rows) => h("dl", { class: "facts" },
    rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  const overrides = Object.entries(experiment.overrides);
  return h("div", { class: "stack" },
    experiment.description ? h("section", { class: "card" }, h("h2", {}, "Description"),
      h("p", {}, experiment.description)) : null,
    h("section", { class: "card" }, h("h2", {}, "Variants"), table("Variants", [
      { title: "Variant", cell: (each) => [variantMark(experiment, each.key),
          each.name ? h("div", { class: "small soft mono" }, each.key) : null] },
      { title: "Weight", number: true, cell: (each) => `${each.weight}%` },
      { title: "Config", cell: (each) => h("code", {}, each.config === null ? "–" : JSON.stringify(each.config)) },
    ], experiment.variants, { hideCaption: true })),
    experiment.metrics.length ? h("section", { class: "card" }, h("h2", {}, "Metrics"), table("Metrics", [
      { title: "Metric", cell: (each) => [metricTitle(each),
          each.name ? h("div", { class: "small soft mono" }, each.key) : null] },
      { title: "Role", cell: (each) => [badge(each.role, each.role === "primary" ? "accent" : ""),
          each.margin === null ? null : h("div", { class: "small soft" }, `may be ${percent(each.margin)} worse`)] },
      { title: "What counts", cell: (each) => [`${each.kind} of `, h("code", {}, each.event_type)] },
      { title: "Better when", cell: (each) => (each.direction === "decrease" ? "lower" : "higher") },
    ], experiment.metrics, { hideCaption: true, cards: true })) : null,
    h("div", { class: "pair" },
      h("section", { class: "card" }, h("h2", {}, "Who takes part"), listed([
        ["Traffic", `${experiment.traffic_allocation}% of users`],
        ["Segments", experiment.segments.map((each) => `${each.key} (${each.values.join(", ")})`).join("; ") || "none"],
        ["Overrides", overrides.length ? overrides.map(([user, variant]) => h("div", {}, h("code", {}, user), " gets ",
              h("code", {}, variant))) : "none"],
        ["Audience", experiment.audience ? inWords(experiment.audience)
          ?? h("code", {}, JSON.stringify(experiment.audience)) : "everybody"],
        ["Layer", experiment.layer ? [h("a", { href: "#/layers" }, experiment.layer.key),
            `, ${experiment.layer.from}% to ${experiment.layer.to}%`] : "none"],
        ["Prerequisite", experiment.prerequisite
          ? [h("a", { href: `#/experiments/${encodeURIComponent(experiment.prerequisite.experiment_id)}` },
              experiment.prerequisite.experiment_id), `: ${experiment.prerequisite.variants.join(" or ")}`] : "none"],
        ["Salt", h("code", {}, experiment.salt)],
        ["Version", experiment.version],
        ["Owner", experiment.owner],
        ["Tags", experiment.tags.join(", ") || "none"],
      ])),
      h("section", { class: "card" }, h("h2", {}, "Plan"), listed([
        ["Analysis", ANALYSIS[experiment.analysis]],
        ["Planned users", count(experiment.planned_users)],
        ["Minimum effect", percent(experiment.minimum_effect)],
        ["Before a verdict", `${count(experiment.min_users)} users per variant, ${experiment.min_days} days`],
        ["Schedule", scheduled(experiment.schedule)],
        ["When a guardrail is harmed", REACTION[experiment.guard.harm][0].toLowerCase()],
        ["When the split is off", REACTION[experiment.guard.mismatch][0].toLowerCase()],
        ["Adjustment", experiment.adjustment === "cuped"
          ? `CUPED, by what users did in the ${experiment.cuped_days} days before their assignment` : "none"],
        ["Users count from", `their ${experiment.count_from}`],
      ]))));
}

function scheduled(schedule) {
  if (!schedule) return "started and ended by hand";
  return [
    schedule.start_at ? h("div", {}, `starts ${time(schedule.start_at)}`) : null,
    schedule.ramp.map((step) => h("div", {}, `${step.percent}% of users from ${time(step.at)}`)),
    schedule.end_at ? h("div", {}, `ends ${time(schedule.end_at)}`) : null,
  ];
}
