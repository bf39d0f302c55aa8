// The results of one experiment: the decision, then its figures, plots and segments; and how to begin.

import { cumulativePlot } from "./cumulative_plot.js";
import { fill, h } from "./dom.js";
import { enrolmentPlot } from "./enrolment_plot.js";
import { count, day, daysBetween, effect, hour, percent, printed, utcDay } from "./format.js";
import { metricsTable } from "./metrics_table.js";
import { metricTitle, variantTitle } from "./naming.js";
import { planView } from "./plan_view.js";
import { segmentView } from "./segment_view.js";
import { splitView } from "./split_view.js";
import { firstSteps } from "./teach.js";
import { actionBadge, splitBadge } from "./wording.js";
import { ACTION } from "./words.js";

const ROLES = ["primary", "secondary", "guardrail"];
const rank = ({ role }) => (ROLES.includes(role) ? ROLES.indexOf(role) : ROLES.length);

export function resultsView(experiment, answer, segments) {
  const results = { ...answer, metrics: answer.metrics.toSorted((one, other) => rank(one) - rank(other)) }; // what decides comes first
  if (experiment.status === "draft") return { element: draft(experiment, results), leave: () => {} };
  const enrolled = Object.values(results.enrolled).reduce((sum, each) => sum + each, 0);
  const plots = [];
  const shown = (made) => { plots.push(made); return h("section", { class: "card" }, made.element); };
  const figures = () => {
    const parts = [
      h("section", { class: "card" }, metricsTable(experiment, results)),
      enrolled ? chosen(experiment, results, segments, plots) : null,
    ];
    return results.srm.status === "mismatch" ? untrusted(parts) : parts;
  };
  const element = h("div", { class: "stack" },
    decision(experiment, results, enrolled),
    enrolled === 0 ? h("section", { class: "card" }, h("h2", {}, "Waiting for users"),
      firstSteps(experiment.id, experiment.metrics[0]?.event_type ?? "purchase")) : null,
    results.metrics.length ? figures() : noMetrics(experiment),
    enrolled ? h("div", { class: "pair" },
      results.time_series.length ? shown(enrolmentPlot(results, experiment)) : null,
      h("section", { class: "card" }, splitView(experiment, results))) : null);
  return { element, leave: () => plots.forEach((made) => made.leave()) };
}

// Where users are not split as planned no effect can be read: the figures are folded away, and grey.
function untrusted(parts) {
  return h("details", { class: "card untrusted" }, h("summary", {}, "Show the figures, which cannot be trusted"),
    h("div", { class: "stack" }, parts));
}

function decision(experiment, results, enrolled) {
  const advice = results.recommendation;
  const reasons = advice?.reasons ?? [];
  return h("section", { class: "card decision", "aria-labelledby": "decision" },
    h("div", { class: "row close" }, h("h2", { id: "decision", class: "hidden" }, "Decision"),
      actionBadge(advice, advice?.variant && variantTitle(experiment, advice.variant)), splitBadge(results.srm)),
    h("p", { class: "sentence" }, printed(results.summary)),
    results.warnings.map((warning) => h("p", { class: "alert warn" }, warning)),
    (advice?.verdicts ?? []).map((verdict) => kept(experiment, results, verdict)),
    reasons.length ? h("ul", {}, reasons.map((reason) => h("li", {}, printed(reason)))) : null,
    facts(experiment, results, enrolled));
}

// What an earlier look decided, on which figures, beside what they are today.
function kept(experiment, results, verdict) {
  const metric = results.metrics.find((each) => each.key === verdict.metric);
  const today = metric?.comparisons[verdict.variant]?.quoted;
  const shown = (figures) => { const { estimate, interval } = effect(figures,
      metric.kind); return `${estimate} (${interval})`; };
  const figures = metric && verdict.interval ? `: ${metricTitle(metric)} ${shown(verdict)}${today && today.interval?.join() !== verdict.interval.join() ? `; today ${shown(today)}` : ""}` : "";
  return h("p", { class: "small verdict" },
    h("strong", {}, `${ACTION[verdict.action][0]} ${variantTitle(experiment, verdict.variant)}`),
      `, decided on ${utcDay(verdict.decided_on)}${figures}. `,
    verdict.fallen ? h("strong", {}, `It no longer stands: ${verdict.fallen}.`) : "It stands.");
}

// How far the experiment is, under what it says.
function facts(experiment, results, enrolled) {
  const planned = experiment.planned_users;
  const days = daysBetween(experiment.started_at, experiment.ended_at);
  const fact = (name, value, below, more) => h("div", {}, h("dt", {}, name),
    h("dd", {}, h("span", { class: "figure-number" }, value), below ? h("span", { class: "small soft" }, below) : null,
      more));
  return h("dl", { class: "measures" },
    fact("Users", count(enrolled), planned ? `${percent(enrolled / planned, 0)} of ${count(planned)} planned`
      : "no number planned",
      planned ? h("progress", { max: planned, value: Math.min(enrolled, planned),
          "aria-label": "Share of the planned users" }) : null),
    fact("Days", count(days), daysLeft(experiment, results.recommendation, days)),
    fact("Traffic", `${experiment.traffic_allocation}%`, "of all users"),
    fact("Counted until", hour(results.as_of), results.as_of ? day(results.as_of) : "nothing yet"));
}

function daysLeft(experiment, advice, days) {
  if (experiment.status === "completed") return "completed";
  if (advice?.days_left) return `about ${advice.days_left} more`;
  if (days < experiment.min_days) return `at least ${experiment.min_days}`;
  return advice?.action === "keep_running" && experiment.planned_users ? "too early to say how many more"
    : `since ${day(experiment.started_at)}`;
}

// What is shown of one metric, with a choice when there are several.
function chosen(experiment, results, segments, plots) {
  const place = h("div", { class: "stack" });
  let mine = null;
  const draw = (key) => {
    if (mine) { mine.leave(); plots.splice(plots.indexOf(mine), 1); }
    const metric = results.metrics.find((each) => each.key === key);
    mine = cumulativePlot(experiment, results, metric);
    plots.push(mine);
    fill(place, mine.element, segments.filter((each) => each.answer.segments.length)
      .map((each) => [h("hr"), segmentView(experiment, results, each.key, each.answer, metric)]));
  };
  draw(results.metrics[0].key);
  const select = h("select", { id: "metric", onchange: () => draw(select.value) },
    results.metrics.map((each) => h("option", { value: each.key }, metricTitle(each))));
  const choice = results.metrics.length > 1
    ? h("div", { class: "row close no-print" }, h("label", { for: "metric", class: "inline" }, "Metric"),
    h("div", {}, select)) : null;
  return h("section", { class: "card stack" },
    h("div", { class: "row apart" }, h("h2", {}, segments.length ? "Over time and by segment" : "Over time"), choice),
    segments.length ? h("p", { class: "small soft" }, "Segments are exploratory: of many, one looks special by chance.")
      : null, place);
}

function draft(experiment, results) {
  return h("section", { class: "card empty" },
    h("h2", {}, "This is a draft"),
    h("p", {}, "Nobody is assigned until it starts. Check the ",
      h("a", { href: `#/experiments/${encodeURIComponent(experiment.id)}/setup` }, "setup"),
      " and the plan, then start it."),
    results.plan ? planView(experiment, results.plan) : null);
}

function noMetrics(experiment) {
  return h("section", { class: "card empty" }, h("h2", {}, "No metric is declared"),
    h("p", {}, "Without a metric there is nothing to compare. ",
      h("a", { href: `#/experiments/${encodeURIComponent(experiment.id)}/edit` }, "Add one.")));
}
