// As examples/node/experiments.mjs, for server components and route handlers; never import it in a client component.
import { randomUUID } from "node:crypto";

const { EXPERIMENTS_URL, EXPERIMENTS_KEY, EXPERIMENTS_TIMEOUT_MS = "500" } = process.env;

// Returns { variant, config }; the fallback for a user who takes no part, or without an answer in time.
export async function assignment(experiment, userId, { context = {}, fallback = null } = {}) {
  try {
    const answer = await post(`/experiments/${experiment}/assignments`, { user_id: userId, context }, Number(EXPERIMENTS_TIMEOUT_MS));
    return { variant: answer.variant, config: answer.variant ? answer.config : fallback };
  } catch {
    return { variant: null, config: fallback };
  }
}

// Resolves once the platform has the event: what runs after the response may never run on a serverless host.
export async function track(userId, type, { value = 1, eventId = randomUUID() } = {}) {
  await post("/events", { user_id: userId, type, value, event_id: eventId }, 5_000);
}

async function post(path, body, timeout) {
  const answer = await fetch(EXPERIMENTS_URL + path, {
    method: "POST",
    headers: { "X-API-Key": EXPERIMENTS_KEY, "Content-Type": "application/json" },
    body: JSON.stringify(body),
    cache: "no-store", // Next.js would share one user's answer with the next
    signal: AbortSignal.timeout(timeout),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}
