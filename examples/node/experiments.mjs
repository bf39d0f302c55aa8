// A small client for servers, to copy: which variant does a user get, and what did the user do.
// When the platform does not answer in time, users get the default and are not enrolled.
import { randomUUID } from "node:crypto";

const { EXPERIMENTS_URL, EXPERIMENTS_KEY, EXPERIMENTS_TIMEOUT_MS = "500" } = process.env;
const CACHE_MS = 300_000;
const BATCH = 500; // events of one request, at most
const ATTEMPTS = 5;
const known = new Map();
const events = [];
let sending = null;

// Returns { variant, config }; variant is null for a user who takes no part, who gets the fallback.
export async function assignment(experiment, userId, { context = {}, fallback = null } = {}) {
  const key = `${experiment} ${userId}`;
  const cached = known.get(key);
  if (cached && cached.until > Date.now()) return cached.found;
  try {
    const answer = await post(`/experiments/${experiment}/assignments`, { user_id: userId, context }, Number(EXPERIMENTS_TIMEOUT_MS));
    const found = { variant: answer.variant, config: answer.variant ? answer.config : fallback };
    if (known.size >= 100_000) known.clear();
    known.set(key, { found, until: Date.now() + CACHE_MS });
    return found;
  } catch {
    return cached?.found ?? { variant: null, config: fallback };
  }
}

// Notes an event and sends it in the background; with an id of your own, such as the order's, it never counts twice.
export function track(userId, type, { value = 1, eventId = randomUUID() } = {}) {
  if (events.length >= 10_000) return; // rather an event lost than a server that fills up
  events.push({ user_id: userId, type, value, event_id: eventId, timestamp: new Date().toISOString() });
  flush();
}

// Resolves when what waits has been sent.
export function flush() {
  sending ??= send().finally(() => { sending = null; });
  return sending;
}

async function send() {
  while (events.length) {
    const batch = events.splice(0, BATCH);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      try {
        await post("/events/batch", { events: batch }, 10_000);
        break;
      } catch (error) {
        if (error.status >= 400 && error.status < 500 && error.status !== 429) break; // no attempt cures it
        await new Promise((done) => setTimeout(done, 200 * 2 ** attempt)); // each has its id: it counts once
      }
    }
  }
}

async function post(path, body, timeout) {
  const answer = await fetch(EXPERIMENTS_URL + path, {
    method: "POST",
    headers: { "X-API-Key": EXPERIMENTS_KEY, "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeout),
  });
  if (!answer.ok) throw Object.assign(new Error(`${path}: ${answer.status}`), { status: answer.status });
  return answer.json();
}
