// Who is signed in. The tokens are in cookies that no script reads; kept here is only when they end.

const KEY = "session";
const EARLY_MS = 30_000;
let renewing = null;
let onEnd = () => {};
let onLeave = () => {};

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? null;
  } catch {
    return null;
  }
}

function keep(answer) {
  const now = Date.now();
  localStorage.setItem(KEY, JSON.stringify({
    until: now + answer.expires_in * 1000,
    renewable: now + answer.refresh_expires_in * 1000,
  }));
}

export const whenEnded = (then) => { onEnd = then; };
export const whenLeaving = (then) => { onLeave = then; };
export const isSignedIn = () => (kept()?.renewable ?? 0) > Date.now();
export const soonOver = () => isSignedIn() && kept().until - EARLY_MS < Date.now();

export async function signIn(username, password) {
  const answer = await fetch("/auth/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password, transport: "cookie" }),
  });
  const body = await answer.json();
  if (answer.ok) keep(body);
  return { ok: answer.ok, status: answer.status, body, wait: answer.headers.get("Retry-After") };
}

// Exchanges the refresh cookie once, however many calls ask for it at the same time.
export function renew() {
  renewing ??= exchange().finally(() => { renewing = null; });
  return renewing;
}

async function exchange() {
  const answer = await fetch("/auth/refresh", { method: "POST" });
  if (!answer.ok) return false;
  keep(await answer.json());
  return true;
}

// Takes over the session that the way back from the OpenID provider has put into cookies.
export async function arrived() {
  await renew().catch(() => false);
  history.replaceState(null, "", "#/experiments");
}

// Returns what kept the password from being changed; nothing when it is, and every session has ended.
// A wrong current password is a 401 that says nothing about the session, so this does not go through call().
export async function changePassword(current, chosen) {
  if (soonOver()) await renew();
  const answer = await fetch("/auth/password", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ current_password: current, new_password: chosen }),
  }).catch(() => null);
  if (answer?.ok) return ended("Your password is changed. Sign in with the new one.");
  const body = answer ? await answer.json() : { detail: "The server cannot be reached." };
  const wait = answer?.headers.get("Retry-After");
  return { status: answer?.status ?? 0, message: `${body.detail}${wait ? ` Try again in ${wait} s.` : ""}`, errors: body.errors };
}

export const refreshed = async () => isSignedIn() && renew();

// `why` is what the page for signing in says about it.
export function ended(why = null) {
  localStorage.removeItem(KEY);
  onEnd(why);
}

// Returns whether it worked: the cookies are not this page's to delete, so a failure leaves somebody signed in.
export async function signOut() {
  const answer = await fetch("/auth/revoke", { method: "POST" }).catch(() => null);
  if (!answer || (!answer.ok && answer.status !== 401)) return false;
  onLeave();
  ended();
  return true;
}
