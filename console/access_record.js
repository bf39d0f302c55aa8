// Who did what to accounts, keys and sessions, newest first.

import { get } from "./api.js";
import { fill, h, table } from "./dom.js";
import { working } from "./feedback.js";
import { time } from "./format.js";

const NAMES = {
  login: "signed in",
  login_refused: "was refused at signing in",
  session_ended: "ended a session",
  session_reused: "used a refresh token again",
  password_changed: "changed their password",
  password_refused: "gave a wrong password",
  account_created: "added a person",
  account_changed: "changed a person",
  account_deleted: "removed a person",
  key_created: "created an API key",
  key_ended: "revoked an API key",
  key_handed_over: "handed an API key over",
  access_refused: "had no right to",
  user_erased: "erased a user",
  rows_exported: "exported rows of",
};

export async function view() {
  const place = h("div", { class: "stack" });
  const entries = [];
  const more = async (cursor) => {
    const page = await get(`/audit?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    entries.push(...page.entries);
    fill(place, listed(entries), page.next_cursor ? earlier(() => more(page.next_cursor)) : null);
  };
  await more(null);
  const element = h("div", { class: "stack" }, h("h1", { tabindex: -1 }, "Audit"),
    h("p", { class: "soft" }, "What was done to people, API keys and sessions; kept for 400 days."),
      h("section", { class: "card" }, place));
  return { title: "Audit", element };
}

function listed(entries) {
  return table("Audit", [
    { title: "When", cell: (each) => time(each.at) },
    { title: "Who", cell: (each) => each.actor ?? "somebody" },
    { title: "What", cell: (each) => NAMES[each.action] ?? each.action },
    { title: "Whom or what", cell: (each) => each.target ?? "" },
    { title: "Details", cell: (each) => h("span", { class: "small" }, each.detail) },
    { title: "Address", cell: (each) => h("span", { class: "small" }, each.address) },
  ], entries, { hideCaption: true, cards: true });
}

function earlier(then) {
  const fault = h("div");
  const button = h("button", { type: "button" }, "Earlier");
  button.addEventListener("click", () => working(button, fault, then));
  return h("div", {}, button, fault);
}
