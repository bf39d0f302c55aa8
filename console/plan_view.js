// What a draft's own numbers promise, over the baselines that metrics usually have.

import { badge, h, table } from "./dom.js";
import { count, percent, words } from "./format.js";
import { metricTitle } from "./naming.js";

export function planView(experiment, plan) {
  const named = (key) => metricTitle(experiment.metrics.find((each) => each.key === key) ?? { key });
  const rows = plan.by_baseline;
  if (!rows.length) return h("p", { class: "soft" },
    "Declare a metric, a minimum effect or planned users to see what the plan promises.");
  const baseline = ([name, value]) => (name === "rate" ? percent(value, 0) : `${words(name)} ${value}`);
  const { planned_users: planned, minimum_effect: least } = experiment;
  return h("div", { class: "stack tight" },
    h("h3", {}, "What the plan promises"),
    h("p", { class: "small soft" },
      "By what the metric is today. Each figure finds the change, if it is there, four times out of five."),
    table("What the plan promises", [
      { title: "If today it is",
        cell: (row) => `${named(row.metric)} ${Object.entries(row.baseline).map(baseline).join(", ")}` },
      least ? { title: `Users to find a change of ${percent(least, 0)}`, number: true,
        cell: (row) => count(row.required_users) } : null,
      planned ? { title: `Change that ${count(planned)} users show`, number: true,
        cell: (row) => percent(row.detectable_effect) } : null,
      planned && least ? { title: "Is the plan enough?",
        cell: (row) => (row.required_users !== null && row.required_users <= planned ? badge("enough", "good")
          : badge("too few users", "warn")) } : null,
    ].filter(Boolean), rows, { hideCaption: true, cards: true }));
}
