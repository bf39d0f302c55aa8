// An invented experiment of the last fortnight, made through the API like any other.

import { at, post } from "./api.js";
import { say } from "./feedback.js";

const USERS = 1200;
const BATCH = 400;
const DAYS = 14;
const DAY_MS = 86_400_000;
const REMEMBERED_MS = 5_500; // functions remember an experiment's status for five seconds
const RATES = { control: 0.2, treatment: 0.29 };

const DEFINITION = {
  id: "sample-checkout", name: "Sample: a shorter checkout",
    hypothesis: "One page instead of three loses fewer buyers on the way.",
  variants: [{ key: "control", name: "Three pages", weight: 50 }, { key: "treatment", name: "One page", weight: 50 }],
  metrics: [
    { key: "purchase_rate", name: "Purchase rate", event_type: "sample_purchase", kind: "conversion", role: "primary" },
    { key: "revenue", name: "Revenue per user", event_type: "sample_purchase", kind: "value", role: "secondary" },
    { key: "tickets", name: "Support tickets", event_type: "sample_ticket", kind: "count", role: "guardrail",
      direction: "decrease" },
  ],
  segments: [{ key: "country", values: ["DE", "FR", "US"] }], planned_users: USERS, min_days: 0, adjustment: "none",
};

// `progress(share, text)` is told how far it is; ends on the experiment's page.
export async function loadSample(progress) {
  progress(0, "Creating the experiment …");
  const { id } = await post("/experiments", DEFINITION);
  await post(at(id, "/status"), { status: "running" });
  await new Promise((done) => { setTimeout(done, REMEMBERED_MS); });
  const chance = draws(7);
  const now = Date.now();
  const people = Array.from({ length: USERS }, (_, index) => person(index, now, chance));
  const events = people.flatMap((each) => deeds(each, now, chance));
  const parts = [
    ...batches(people).map((rows) => ["Assigning users …", at(id, "/assignments/import"), { assignments: rows }]),
    ...batches(events).map((rows) => ["Recording events …", "/events/batch", { events: rows }]),
  ];
  for (const [index, [text, path, body]] of parts.entries()) {
    progress((index + 1) / (parts.length + 1), text);
    await post(path, body);
  }
  say("The sample is there; its figures fill within seconds.");
  location.hash = `#/experiments/${id}`;
}

// Mulberry32: the same invented people on every machine.
function draws(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function person(index, now, chance) {
  const at = now - 120_000 - chance() * DAYS * DAY_MS;
  return { user_id: `sample-${index}`, variant: index % 2 ? "treatment" : "control",
    assigned_at: new Date(at).toISOString(),
    context: { country: ["DE", "DE", "FR", "US", "JP"][Math.floor(5 * chance())] } };
}

function deeds({ user_id, variant, assigned_at }, now, chance) {
  const found = [];
  const later = () => new Date(Math.min(now - 1000, Date.parse(assigned_at) + 30_000 + chance() * 7_200_000))
    .toISOString();
  if (chance() < RATES[variant]) found.push({ user_id, type: "sample_purchase",
      value: Math.round(100 * Math.exp(3.2 + chance() + chance() - 1)) / 100, timestamp: later() });
  if (chance() < 0.05) found.push({ user_id, type: "sample_ticket", value: 1, timestamp: later() });
  return found;
}

function batches(rows) {
  return Array.from({ length: Math.ceil(rows.length / BATCH) },
    (_, index) => rows.slice(index * BATCH, (index + 1) * BATCH));
}
