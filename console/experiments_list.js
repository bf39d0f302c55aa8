// All experiments at a glance: status, recommendation, the first primary metric's change, users, days. The address
// keeps what is looked for.

import { all, get } from "./api.js";
import { badge, fill, h, table } from "./dom.js";
import { firstExperiment } from "./first_experiment.js";
import { count, day, daysBetween, range, signedPercent } from "./format.js";
import { variantTitle } from "./naming.js";
import { actionBadge, conclusionBadge, finding, splitBadge, statusBadge } from "./wording.js";

const AT_ONCE = 20; // the most that one call answers
const STATUSES = ["draft", "running", "paused", "completed"];
const ARCHIVED = "archived"; // not a status of its own: the list leaves these out unless asked
const ORDERS = {
  newest: ["Newest first", (one, other) => other.created_at.localeCompare(one.created_at)],
  oldest: ["Oldest first", (one, other) => one.created_at.localeCompare(other.created_at)],
  name: ["By name", (one, other) => one.name.localeCompare(other.name)],
  changed: ["Last changed", (one, other) => other.updated_at.localeCompare(one.updated_at)],
};

export async function view(_, me, __, query) {
  const shelved = query.get("status") === ARCHIVED;
  const { items, more } = await all(`/experiments?archived=${shelved}`, "experiments");
  const title = "Experiments";
  const head = h("div", { class: "row apart" }, h("h1", { tabindex: -1 }, title),
    items.length ? h("a", { class: "button primary", href: "#/experiments/new" }, "New experiment") : null);
  if (!items.length && !shelved) return { title, element: h("div", { class: "stack" }, head, firstExperiment(me)) };
  const glances = new Map(items.map((each) => [each.id, cells(each)]));
  const search = h("input", { id: "search", type: "search", placeholder: "Name, id, owner or tag",
      value: query.get("q") ?? "", oninput: () => list() });
  const status = chosen("status", [["", "Any status"], ...STATUSES.map((each) => [each, each]), [ARCHIVED, "archived"]],
    query.get("status"), () => (shelved || status.value === ARCHIVED ? other() : list()));
  const order = chosen("order", Object.entries(ORDERS).map(([key, [name]]) => [key, name]),
    query.get("order") ?? "newest", () => list());
  const place = h("div");
  const other = () => { location.hash = `#/experiments?${new URLSearchParams({ status: status.value })}`; };
  const list = () => {
    remember({ q: search.value.trim(), status: status.value, order: order.value === "newest" ? "" : order.value });
    fill(place, listed(items, glances, search.value, status.value, order.value));
  };
  list();
  const stopped = { now: false };
  const unread = h("div", { role: "status" });
  if (me.scopes.includes("results:read")) glanceAt(items.filter((each) => each.status !== "draft"), glances, unread,
    stopped);
  const element = h("div", { class: "stack" }, head,
    h("div", { class: "row bottom filters", role: "search" },
      h("div", { class: "grow" }, h("label", { for: "search" }, "Search"), search),
      h("div", {}, h("label", { for: "status" }, "Status"), status),
      h("div", {}, h("label", { for: "order" }, "Order"), order)),
    unread,
    place,
    more ? h("p", { class: "soft" }, `Only the newest ${items.length} are listed.`) : null);
  return { title, element, leave: () => { stopped.now = true; } };
}

function chosen(id, options, value, onchange) {
  const select = h("select", { id, onchange }, options.map(([key, name]) => h("option", { value: key }, name)));
  select.value = options.some(([key]) => key === value) ? value : options[0][0];
  return select;
}

// The address without an entry in the history for every letter; going back from an experiment finds it again.
function remember(kept) {
  const asked = new URLSearchParams(Object.entries(kept).filter(([, value]) => value));
  history.replaceState(null, "", `#/experiments${asked.size ? `?${asked}` : ""}`);
}

const cells = (experiment) => ({ enrolled: h("span", { class: "soft" },
      experiment.status === "draft" ? "–" : h("span", { class: "skeleton short" })), change: h("span"),
    advice: h("span") });

function listed(items, glances, text, status, order) {
  const wanted = text.trim().toLowerCase();
  const found = items.filter((each) => (!status || status === ARCHIVED || each.status === status)
    && [each.id, each.name, each.owner, ...each.tags].join(" ").toLowerCase().includes(wanted)).sort(ORDERS[order][1]);
  if (found.length === 0) return h("p", { class: "card soft" }, "No experiment matches.");
  return h("div", { class: "card" }, table("Experiments", [
    { title: "Experiment", cell: (each) => [h("a",
          { class: "named", href: `#/experiments/${encodeURIComponent(each.id)}` }, each.name),
        h("div", { class: "row close small soft" }, h("code", {}, each.id),
          h("span", { class: "unbroken", title: "Created" }, day(each.created_at)),
          h("span", { class: "unbroken", title: "Owner" }, each.owner), each.tags.map((tag) => badge(tag)))] },
    { title: "Status", cell: (each) => statusBadge(each.status) },
    { title: "Recommendation", cell: (each) => [each.conclusion ? conclusionBadge(each) : null,
        glances.get(each.id).advice] },
    { title: "Change", cell: (each) => glances.get(each.id).change },
    { title: "Users", number: true, cell: (each) => glances.get(each.id).enrolled },
    { title: "Days", number: true, cell: (each) => count(daysBetween(each.started_at, each.ended_at)) },
  ], found, { hideCaption: true, cards: true }));
}

// Fills in what the results say, twenty experiments a call, until the person goes elsewhere.
async function glanceAt(items, glances, unread, stopped) {
  for (let start = 0; start < items.length && !stopped.now; start += AT_ONCE) {
    const some = items.slice(start, start + AT_ONCE);
    const { results } = await get(`/results?experiment_ids=${some.map((each) => each.id).join()}`).catch((problem) => {
      if (!stopped.now) fill(unread, h("p", { class: "alert warn" },
          `Some results could not be read: ${problem.message}`));
      return { results: [] };
    });
    const found = new Map(results.map((each) => [each.experiment_id, each]));
    for (const experiment of some) glance(experiment, found.get(experiment.id), glances.get(experiment.id));
  }
}

function glance(experiment, summary, shown) {
  shown.enrolled.className = "";
  if (!summary) return fill(shown.enrolled, "–");
  const { recommendation, srm, variants } = summary;
  const isOff = srm.status === "mismatch";
  if (experiment.conclusion) fill(shown.advice, isOff ? splitBadge(srm) : null);
  else fill(shown.advice, actionBadge(recommendation,
      recommendation?.variant && variantTitle(experiment, recommendation.variant)));
  if (!isOff) fill(shown.change, changeOf(experiment, summary));
  return fill(shown.enrolled, count(Object.values(variants).reduce((sum, each) => sum + each.enrolled, 0)));
}

// How far the first primary metric is from the control's: with the variant that is recommended, or the only one.
function changeOf(experiment, { recommendation, variants }) {
  const others = Object.keys(variants).filter((key) => key !== experiment.control);
  const figures = variants[recommendation?.variant ?? (others.length === 1 ? others[0] : null)];
  if (!figures?.lift_interval) return null;
  return h("span", { class: "change" },
    h("span", {}, h("span", { class: `lift ${finding({ ...figures, certainty: null })[1]}` },
        signedPercent(figures.lift)), h("span", { class: "small soft" }, ` ${figures.metric_name ?? figures.metric}`)),
    h("span", { class: "small soft" }, range(figures.lift_interval, signedPercent)));
}
