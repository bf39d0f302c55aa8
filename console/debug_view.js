// Why a user has a variant, why an event counts or not, what arrives, and what is counted each day.

import { at, get } from "./api.js";
import { fill, h, table } from "./dom.js";
import { count, decimal, time, utcDay } from "./format.js";
import { liveTail } from "./live_tail.js";
import { explanation, userForm } from "./lookup.js";
import { metricTitle } from "./naming.js";
import { eventCommand, snippet } from "./teach.js";
import { variantMark } from "./variant_mark.js";

const DAYS = 14;

// Returns { element, leave }.
export async function debugView(experiment, may) {
  const results = experiment.status !== "draft" && may("results:read")
    ? await get(at(experiment.id, "/results?include_time_series=true")) : null;
  const form = may("assignments:read") ? userQuestion(experiment, may) : null;
  const tail = form && may("events:read") ? liveTail(form, experiment.id) : null;
  const card = (title, ...inside) => h("section", { class: "card" }, h("h2", {}, title), inside);
  const element = h("div", { class: "stack" },
    form ? card("Why is this user counted, or not?", form) : null,
    results ? card("How users were counted", counted(experiment, results)) : null,
    results ? card("Counted events per day", perDay(experiment, results.time_series)) : null,
    tail?.element);
  return { element, leave: () => tail?.leave() };
}

// A crossover met another variant than its own; who is late was enrolled after it had met its own.
function counted(experiment, { enrolled, crossovers, late, warnings }) {
  return h("div", { class: "stack tight" },
    warnings.map((warning) => h("p", { class: "alert warn" }, warning)),
    table("Users, crossovers and late enrolments", [
      { title: "Variant", cell: ([key]) => variantMark(experiment, key) },
      { title: "Users", number: true, cell: ([, users]) => count(users) },
      { title: "Crossovers", number: true, cell: ([key]) => count(crossovers[key] ?? 0) },
      { title: "Late", number: true, cell: ([key]) => count(late[key] ?? 0) },
    ], Object.entries(enrolled), { hideCaption: true }),
    h("p", { class: "small soft" },
      "Crossovers are users who met this variant though another is theirs. Late users were enrolled after they had met theirs; what they did in between does not count. More than 1% of either is a reason to doubt the figures."));
}

function userQuestion(experiment, may) {
  return userForm("Look up", async (user, place) => {
    const asked = encodeURIComponent(user);
    const [found, events] = await Promise.all([
      get(at(experiment.id, `/assignments?user_id=${asked}&explain=true`)),
      may("events:read") ? get(`/events?limit=100&user_id=${asked}`) : { events: null },
    ]);
    fill(place, h("div", { class: "stack" }, explanation(experiment, found),
        events.events ? judged(experiment, found, events.events) : null));
  });
}

function judged(experiment, found, events) {
  if (!events.length) return h("div", { class: "stack tight" },
    h("p", {}, "No event of this user is stored: none was accepted, or it is not counted yet, which takes seconds."),
    snippet(eventCommand(experiment.metrics[0]?.event_type ?? "purchase", found.user_id),
      "Command that records an event"));
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

function perDay(experiment, steps) {
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
