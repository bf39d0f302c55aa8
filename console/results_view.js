// The results of one experiment: decision, tiles, table, plots; and how to begin when there is nothing yet.

import { cumulativePlot } from "./cumulative_plot.js";
import { fill, h } from "./dom.js";
import { enrolmentPlot } from "./enrolment_plot.js";
import { count, daysBetween, effect, percent, time } from "./format.js";
import { liftPlot } from "./lift_plot.js";
import { metricsTable } from "./metrics_table.js";
import { metricTitle, variantTitle } from "./naming.js";
import { planView } from "./plan_view.js";
import { segmentPlot } from "./segment_plot.js";
import { splitPlot } from "./split_plot.js";
import { firstSteps } from "./teach.js";
import { actionBadge, actionKind, splitBadge } from "./wording.js";
import { ACTION } from "./words.js";

export function resultsView(experiment, results, segments) {
  if (experiment.status === "draft") return { element: draft(results), leave: () => {} };
  const enrolled = Object.values(results.enrolled).reduce((sum, each) => sum + each, 0);
  const plots = [];
  const shown = (made) => { plots.push(made); return h("section", { class: "card" }, made.element); };
  const figures = () => {
    const parts = [
      h("section", { class: "card" }, h("h2", {}, "Metrics"), metricsTable(experiment, results)),
      enrolled ? shown(liftPlot(experiment, results)) : null,
      enrolled ? chosen(experiment, results, segments, plots) : null,
    ];
    return results.srm.status === "mismatch" ? untrusted(parts) : parts;
  };
  const element = h("div", { class: "stack" },
    decision(experiment, results),
    tiles(experiment, results, enrolled),
    enrolled === 0 ? h("section", { class: "card" }, h("h2", {}, "Waiting for users"), firstSteps(experiment.id, experiment.metrics[0]?.event_type ?? "purchase")) : null,
    results.metrics.length ? figures() : noMetrics(experiment),
    enrolled ? h("div", { class: "pair" }, results.time_series.length ? shown(enrolmentPlot(results, experiment)) : null, shown(splitPlot(experiment, results))) : null);
  return { element, leave: () => plots.forEach((made) => made.leave()) };
}

// Where users are not split as planned no effect can be read: the figures are folded away, and grey.
function untrusted(parts) {
  return h("details", { class: "card untrusted" }, h("summary", {}, "Show the figures, which cannot be trusted"), h("div", { class: "stack" }, parts));
}

function decision(experiment, results) {
  const advice = results.recommendation;
  const reasons = advice?.reasons ?? [];
  return h("section", { class: `card decision ${actionKind(advice)}`, "aria-labelledby": "decision" },
    h("div", { class: "row" }, h("h2", { id: "decision", class: "hidden" }, "Decision"), actionBadge(advice, advice?.variant && variantTitle(experiment, advice.variant)), splitBadge(results.srm)),
    h("p", { class: "sentence" }, results.summary),
    (advice?.verdicts ?? []).map((verdict) => kept(experiment, results, verdict)),
    reasons.length ? h("ul", {}, reasons.map((reason) => h("li", {}, reason))) : null);
}

// What an earlier look decided, on which figures, beside what they are today.
function kept(experiment, results, verdict) {
  const metric = results.metrics.find((each) => each.key === verdict.metric);
  const today = metric?.comparisons[verdict.variant]?.quoted;
  const shown = (figures) => { const { estimate, interval } = effect(figures, metric.kind); return `${estimate} (${interval})`; };
  const figures = metric && verdict.interval ? `: ${metricTitle(metric)} ${shown(verdict)}${today && today.interval?.join() !== verdict.interval.join() ? `; today ${shown(today)}` : ""}` : "";
  return h("p", { class: "small verdict" },
    h("strong", {}, `${ACTION[verdict.action][0]} ${variantTitle(experiment, verdict.variant)}`), `, decided on ${verdict.decided_on}${figures}. `,
    verdict.fallen ? h("strong", {}, `It no longer stands: ${verdict.fallen}.`) : "It stands.");
}

function tiles(experiment, results, enrolled) {
  const tile = (label, value, below) => h("div", { class: "card tile" }, h("p", { class: "label" }, label), h("p", { class: "figure-number" }, value), below);
  const planned = experiment.planned_users;
  const days = daysBetween(experiment.started_at, experiment.ended_at);
  return h("div", { class: "thirds" },
    tile("Enrolled users", count(enrolled), planned
      ? [h("progress", { max: planned, value: Math.min(enrolled, planned), "aria-label": "Share of the planned users" }), h("p", { class: "small soft" }, `${percent(enrolled / planned, 0)} of ${count(planned)} planned`)]
      : h("p", { class: "small soft" }, "no planned number")),
    tile("Days", count(days), h("p", { class: "small soft" }, daysLeft(experiment, results.recommendation, days))),
    tile("Traffic", `${experiment.traffic_allocation}%`, h("p", { class: "small soft" }, "of users may take part")),
    tile("Counted until", results.as_of ? results.as_of.slice(11, 16) : "–", h("p", { class: "small soft" }, results.as_of ? time(results.as_of).slice(0, 10) : "nothing yet")));
}

function daysLeft(experiment, advice, days) {
  if (experiment.status === "completed") return "completed";
  if (advice?.days_left) return `about ${advice.days_left} more`;
  if (days < experiment.min_days) return `at least ${experiment.min_days}`;
  return advice?.action === "keep_running" ? "too early to say how many more" : "";
}

// What is shown of one metric, with a choice when there are several.
function chosen(experiment, results, segments, plots) {
  const place = h("div", { class: "pair" });
  let mine = [];
  const draw = (key) => {
    mine.forEach((made) => { made.leave(); plots.splice(plots.indexOf(made), 1); });
    const metric = results.metrics.find((each) => each.key === key);
    mine = [cumulativePlot(experiment, results, metric), ...segments.filter((each) => each.segments.length).map((each) => segmentPlot(experiment, results, each.key, each.segments, metric))];
    plots.push(...mine);
    fill(place, mine.map((made) => h("section", { class: "card" }, made.element)));
  };
  draw(results.metrics[0].key);
  if (results.metrics.length === 1) return place;
  const select = h("select", { id: "metric", onchange: () => draw(select.value) }, results.metrics.map((each) => h("option", { value: each.key }, metricTitle(each))));
  return h("div", { class: "stack" }, h("div", { class: "no-print choose" }, h("label", { for: "metric" }, "Metric of the next plots"), select), place);
}

function draft(results) {
  return h("section", { class: "card empty" },
    h("h2", {}, "This is a draft"),
    h("p", {}, "Nobody is assigned until it starts. Check the definition and the plan below, then start it."),
    results.plan ? planView(results.plan) : null);
}

function noMetrics(experiment) {
  return h("section", { class: "card empty" }, h("h2", {}, "No metric is declared"), h("p", {}, "Without a metric there is nothing to compare. ", h("a", { href: `#/experiments/${experiment.id}/edit` }, "Add one.")));
}
