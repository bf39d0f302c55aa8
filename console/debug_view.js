// Why a user has a variant, why an event counts or not, and what is counted each day.

import { at, get } from "./api.js";
import { fill, h, table } from "./dom.js";
import { count, decimal, time, utcDay } from "./format.js";
import { explanation, userForm } from "./lookup.js";
import { metricTitle } from "./naming.js";
import { eventCommand, snippet } from "./teach.js";

const DAYS = 14;

export async function debugView(experiment, may) {
  const running = experiment.status !== "draft";
  return h("div", { class: "stack" },
    may("assignments:read") ? h("section", { class: "card" }, h("h2", {}, "Why is this user counted, or not?"), userQuestion(experiment, may)) : null,
    running && may("results:read") ? h("section", { class: "card" }, h("h2", {}, "Counted events per day"), await perDay(experiment)) : null);
}

function userQuestion(experiment, may) {
  return userForm("Look up", async (user, place) => {
    const asked = encodeURIComponent(user);
    const [found, events] = await Promise.all([
      get(at(experiment.id, `/assignments?user_id=${asked}&explain=true`)),
      may("events:read") ? get(`/events?limit=100&user_id=${asked}`) : { events: null },
    ]);
    fill(place, h("div", { class: "stack" }, explanation(experiment, found), events.events ? judged(experiment, found, events.events) : null));
  });
}

function judged(experiment, found, events) {
  if (!events.length) return h("div", { class: "stack tight" }, h("p", {}, "No event of this user is stored: none was accepted, or it is not counted yet, which takes seconds."), snippet(eventCommand(experiment.metrics[0]?.event_type ?? "purchase", found.user_id), "Command that records an event"));
  return table(`Events of ${found.user_id}`, [
    { title: "Happened", cell: (each) => time(each.timestamp) },
    { title: "Type", cell: (each) => h("code", {}, each.type) },
    { title: "Value", number: true, cell: (each) => decimal(each.value) },
    { title: "Counted here?", cell: (each) => verdict(experiment, found, each) },
  ], events);
}

// By the rule of the counters: from the assignment on, before the end, of a type that a metric looks at.
export function verdict(experiment, found, event) {
  const metrics = experiment.metrics.filter((each) => each.event_type === event.type);
  const moment = Date.parse(event.timestamp);
  if (!found.variant) return "No: the user has no assignment here.";
  if (!found.assigned_at) return "No: users with an override are never counted.";
  if (!metrics.length) return `No: no metric looks at ${event.type}.`;
  if (moment < Date.parse(found.assigned_at)) return `No: it happened before the assignment (${time(found.assigned_at)}).`;
  if (experiment.ended_at && moment >= Date.parse(experiment.ended_at)) return "No: it happened after the end.";
  return `Yes, in ${metrics.map(metricTitle).join(" and ")}.`;
}

async function perDay(experiment) {
  const { time_series: steps } = await get(at(experiment.id, "/results?format=metrics_only&include_time_series=true"));
  const types = [...new Set(experiment.metrics.map((each) => each.event_type))];
  const first = types.map((type) => experiment.metrics.find((each) => each.event_type === type).key); // metrics of a type count the same events
  const days = new Map();
  for (const step of steps) {
    const place = first.indexOf(step.metric);
    if (place < 0) continue;
    const row = days.get(step.start) ?? types.map(() => 0);
    row[place] += step.count;
    days.set(step.start, row);
  }
  if (!days.size) return h("p", { class: "soft" }, "Nothing is counted yet.");
  const rows = [...days].sort(([one], [other]) => (one < other ? 1 : -1)).slice(0, DAYS);
  return table("Counted events per day, newest first", [
    { title: "Day (UTC)", cell: ([start]) => utcDay(start) },
    ...types.map((type, index) => ({ title: type, number: true, cell: ([, row]) => count(row[index]) })),
  ], rows, { hideCaption: true });
}
