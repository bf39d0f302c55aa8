// Calls the API of this host with its cookies; a failure is a Problem with a pointer for each field at fault.

import { passwordGiven } from "./password_again.js";
import { ended, refreshed, renew, soonOver, whenLeaving } from "./session.js";

class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? (status >= 500 ? "The server could not answer." : body.message)
      ?? `The server answered ${status}.`);
    this.status = status;
    this.errors = body.errors ?? [];
  }
}

let open = new AbortController();

// What is on its way when somebody signs out is given up: its answer would be a refusal.
whenLeaving(() => {
  open.abort();
  open = new AbortController();
});

async function send(method, path, body, headers) {
  const sent = { ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  try {
    return await fetch(path, {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: method === "GET" ? "no-cache" : "no-store",
      credentials: "same-origin",
      signal: open.signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw new Problem(401, { detail: "Signed out." });
    throw new Problem(0, { detail: "The server cannot be reached. Check the connection, then try again." });
  }
}

// Returns { data, etag, headers }.
export async function call(method, path, body, headers = {}) {
  const { text, answer } = await textOf(method, path, body, headers);
  return { data: parsed(text), etag: answer.headers.get("ETag"), headers: answer.headers };
}

// Returns { text, answer }; renews the session before it is over, and once more when it was refused.
export async function textOf(method, path, body, headers = {}) {
  if (soonOver()) await renew();
  let answer = await send(method, path, body, headers);
  if (isStale(answer)) {
    if (!(await passwordGiven((await get("/auth/me")).id))) throw new Problem(403,
      { detail: "Nothing was changed: the password was not given." });
    answer = await send(method, path, body, headers);
  }
  if (answer.status === 401 && (await refreshed())) answer = await send(method, path, body, headers);
  if (answer.status === 401) ended("Your session has ended. Sign in to go on where you were.");
  const text = await answer.text();
  if (!answer.ok) throw new Problem(answer.status, parsed(text));
  return { text, answer };
}

const isStale = (answer) => answer.status === 401 && (answer.headers.get("WWW-Authenticate") ?? "")
  .includes("insufficient_user_authentication");

function parsed(text) {
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    return { detail: text.slice(0, 200) };
  }
}

export const get = async (path) => (await call("GET", path)).data;
export const post = async (path, body) => (await call("POST", path, body)).data;

// Every page of a list, up to `most` of its members.
export async function all(path, member, most = 500) {
  const found = [];
  let cursor = null;
  do {
    const joined = `${path}${path.includes("?") ? "&" : "?"}limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;
    const page = await get(joined);
    found.push(...page[member]);
    cursor = page.next_cursor;
  } while (cursor && found.length < most);
  return { items: found, more: Boolean(cursor) };
}

export const at = (id, rest = "") => `/experiments/${encodeURIComponent(id)}${rest}`;
