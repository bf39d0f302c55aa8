// What a draft's own numbers promise, over the baselines that metrics usually have.

import { h, table } from "./dom.js";
import { count, percent, words } from "./format.js";
import { metricTitle } from "./naming.js";

export function planView(experiment, plan) {
  const named = (key) => metricTitle(experiment.metrics.find((each) => each.key === key) ?? { key });
  if (!plan.by_baseline.length) return h("p", { class: "soft" }, "Declare a metric, a minimum effect or planned users to see what the plan promises.");
  const baseline = ([name, value]) => (name === "rate" ? `a rate of ${percent(value, 0)}` : `${words(name)} ${value}`);
  return table("What the plan promises", [
    { title: "If the metric is today", cell: (row) => `${named(row.metric)}: ${Object.entries(row.baseline).map(baseline).join(", ")}` },
    { title: "Users for the minimum effect", number: true, cell: (row) => count(row.required_users) },
    { title: "Effect that the planned users show", number: true, cell: (row) => percent(row.detectable_effect) },
  ], plan.by_baseline, { hideCaption: true, cards: true });
}
