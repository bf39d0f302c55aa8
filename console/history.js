// Who changed what, when; newest first; and why an experiment is paused.

import { all, at, get } from "./api.js";
import { h } from "./dom.js";
import { capital, printed, time, words } from "./format.js";
import { byWhom } from "./wording.js";

const NEWEST = 100;
const STEPS = { running: "Started", paused: "Paused", completed: "Completed" };
const SAID = ["status", "started_at", "ended_at"]; // by the step's name and its time

export async function history(id) {
  const { items } = await all(at(id, "/history"), "history", NEWEST);
  return h("ol", { class: "log" }, items.map((entry) => {
    const step = stepOf(entry);
    return h("li", {},
      h("div", { class: "row apart" }, h("strong", {}, step ?? capital(words(entry.action))),
        h("span", { class: "small soft" }, `${time(entry.at)}, ${byWhom(entry.actor)}`)),
      entry.reason && h("div", { class: "small" }, printed(entry.reason)),
      entry.changes.filter((change) => !(step && SAID.includes(change.field)))
        .map((change) => h("div", { class: "small" }, `${capital(words(change.field))}: `,
          h("span", { class: "soft" }, brief(change, "from")), " → ", brief(change, "to"))));
  }));
}

// Who paused an experiment, and why; null when that was before what the history's first page holds.
export async function pausedBy(id) {
  const entry = (await get(at(id, "/history"))).history.find((each) => statusOf(each)?.to === "paused");
  if (!entry) return null;
  return h("p", { class: "alert warn" }, h("strong", {}, `Paused on ${time(entry.at)}, ${byWhom(entry.actor)}.`),
    entry.reason ? ` ${printed(entry.reason)}` : "",
    " Nobody new takes part; who does keeps the variant and still counts.");
}

const statusOf = (entry) => entry.changes.find((change) => change.field === "status");

function stepOf(entry) {
  const change = statusOf(entry);
  if (!change) return null;
  return change.from === "paused" && change.to === "running" ? "Resumed" : STEPS[change.to];
}

const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

// Members by their names, where that tells the two sides of a change apart; else all that is stored.
function brief(change, side) {
  const [from, to] = [named(change.from), named(change.to)];
  return shown(from !== to && from !== null && to !== null ? { from, to }[side] : change[side]);
}

const named = (value) => (Array.isArray(value) ? value.map((each) => each?.name ?? each?.key ?? String(each)).join(", ")
  || "none" : null);

function shown(value) {
  if (value === null) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (MOMENT.test(value)) return time(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text || "none";
}
