// All experiments at a glance, newest first: status, enrolled users, days, health, recommendation.

import { all, at, get } from "./api.js";
import { fill, h, table } from "./dom.js";
import { count, day, daysBetween } from "./format.js";
import { variantTitle } from "./naming.js";
import { snippet } from "./teach.js";
import { actionBadge, splitBadge, statusBadge } from "./wording.js";

const AT_ONCE = 4;
const STATUSES = ["draft", "running", "paused", "completed"];

export async function view() {
  const { items, more } = await all("/experiments", "experiments");
  const glances = new Map(items.map((each) => [each.id, cells()]));
  const search = h("input", { id: "search", type: "search", placeholder: "Name or id", oninput: () => list() });
  const status = h("select", { id: "status", onchange: () => list() },
    h("option", { value: "" }, "Any status"), STATUSES.map((each) => h("option", { value: each }, each)));
  const place = h("div");
  const list = () => fill(place, listed(items, glances, search.value, status.value));
  list();
  const stopped = { now: false };
  glanceAt(items.filter((each) => each.status !== "draft"), glances, stopped);
  const element = h("div", { class: "stack" },
    h("div", { class: "row apart" }, h("h1", { tabindex: -1 }, "Experiments"), h("a", { class: "button primary", href: "#/experiments/new" }, "New experiment")),
    items.length === 0 ? first() : h("div", { class: "stack" },
      h("div", { class: "row bottom", role: "search" },
        h("div", { class: "grow" }, h("label", { for: "search" }, "Search"), search),
        h("div", {}, h("label", { for: "status" }, "Status"), status)),
      place,
      more ? h("p", { class: "soft" }, `Only the newest ${items.length} are listed.`) : null));
  return { title: "Experiments", element, leave: () => { stopped.now = true; } };
}

const cells = () => ({ enrolled: h("span", { class: "soft" }, "–"), health: h("span"), advice: h("span") });

function listed(items, glances, text, status) {
  const wanted = text.trim().toLowerCase();
  const found = items.filter((each) => (!status || each.status === status) && `${each.id} ${each.name}`.toLowerCase().includes(wanted));
  if (found.length === 0) return h("p", { class: "card soft" }, "No experiment matches.");
  return h("div", { class: "card" }, table("Experiments", [
    { title: "Experiment", cell: (each) => [h("a", { href: `#/experiments/${encodeURIComponent(each.id)}` }, each.name), h("div", { class: "small soft mono" }, each.id)] },
    { title: "Status", cell: (each) => statusBadge(each.status) },
    { title: "Enrolled", number: true, cell: (each) => glances.get(each.id).enrolled },
    { title: "Days", number: true, cell: (each) => count(daysBetween(each.started_at, each.ended_at)) },
    { title: "Health", cell: (each) => glances.get(each.id).health },
    { title: "Recommendation", cell: (each) => glances.get(each.id).advice },
    { title: "Created", cell: (each) => h("span", { class: "small soft" }, `${day(each.created_at)} by ${each.created_by}`) },
  ], found, { hideCaption: true }));
}

// Fills in what costs a call per experiment, a few at a time, until the person goes elsewhere.
async function glanceAt(items, glances, stopped) {
  const waiting = [...items];
  const work = async () => {
    while (waiting.length && !stopped.now) {
      const experiment = waiting.shift();
      const { id } = experiment;
      const shown = glances.get(id);
      const summary = await get(at(id, "/results?format=summary")).catch(() => null);
      if (!summary) continue;
      fill(shown.enrolled, count(Object.values(summary.variants).reduce((sum, each) => sum + each.enrolled, 0)));
      shown.enrolled.className = "";
      fill(shown.health, splitBadge(summary.srm));
      const { recommendation } = summary;
      fill(shown.advice, actionBadge(recommendation, recommendation?.variant && variantTitle(experiment, recommendation.variant)),
        recommendation?.decided_on ? h("div", { class: "small soft" }, `decided ${recommendation.decided_on}`) : null);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function first() {
  const definition = { id: "checkout-button", name: "Checkout button", variants: [{ key: "control", weight: 50 }, { key: "treatment", weight: 50 }], metrics: [{ key: "purchase_rate", event_type: "purchase", kind: "conversion", role: "primary" }] };
  return h("div", { class: "card empty" },
    h("h2", {}, "There is no experiment yet"),
    h("p", {}, "An experiment splits users between variants, counts what they do, and tells which variant is better."),
    h("p", {}, "Make one with ", h("a", { href: "#/experiments/new" }, "New experiment"), ", or from a program:"),
    snippet(`curl -s ${location.origin}/experiments \\\n  -H "X-API-Key: $API_KEY" -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(definition)}'`, "Command that creates an experiment"));
}
