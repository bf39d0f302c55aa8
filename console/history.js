// Who changed what, when; newest first.

import { all, at } from "./api.js";
import { h } from "./dom.js";
import { capital, time, words } from "./format.js";

const NEWEST = 100;

export async function history(id) {
  const { items } = await all(at(id, "/history"), "history", NEWEST);
  return h("ol", { class: "log" }, items.map((entry) => h("li", {},
    h("div", { class: "row apart" }, h("strong", {}, capital(words(entry.action))), h("span", { class: "small soft" }, `${time(entry.at)} · ${entry.actor}`)),
    entry.reason && h("div", { class: "small" }, entry.reason),
    entry.changes.map((change) => h("div", { class: "small" }, `${words(change.field)}: `, h("span", { class: "soft" }, shown(change.from)), " → ", shown(change.to))))));
}

const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

function shown(value) {
  if (value === null) return "none";
  if (MOMENT.test(value)) return time(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
