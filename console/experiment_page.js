// One experiment: the decision on top, then figures, plots, its definition, its history.

import { at, call, get } from "./api.js";
import { fill, h } from "./dom.js";
import { explained, say } from "./feedback.js";
import { time } from "./format.js";
import { definition } from "./definition.js";
import { history } from "./history.js";
import { lifecycle } from "./lifecycle.js";
import { lookup } from "./lookup.js";
import { rowsExport } from "./rows_export.js";
import { resultsView } from "./results_view.js";
import { statusBadge } from "./wording.js";

const LOOK_AGAIN_MS = 30_000;
const FIRST_LOOKS_MS = 5_000; // while nothing is counted yet
const TICK_MS = 1_000;

export async function view(id, me) {
  const state = { tag: null, counted: false, lookedAt: 0, leaveResults: () => {} };
  let { data: experiment, etag } = await call("GET", at(id));
  const results = h("div", { class: "stack", "aria-live": "off" });
  const head = h("div", { class: "stack" });
  const past = h("div");
  const setup = h("div");
  const raw = h("div");
  const updated = h("span", { class: "small soft" });
  const may = (scope) => me.scopes.includes(scope);

  const drawHead = () => {
    fill(setup, definition(experiment));
    if (experiment.status !== "draft" && may("results:read") && !raw.hasChildNodes()) fill(raw, rowsExport(id));
    fill(head, heading(experiment, may, refresh, async (changed) => {
    ({ data: experiment, etag } = changed);
    drawHead();
    await look(true);
  }, () => etag, updated));
  };
  const refresh = async () => {
    ({ data: experiment, etag } = await call("GET", at(id)));
    drawHead();
    await look(true);
    say("Up to date.");
  };

  const look = async (force = false) => {
    try {
      const answer = await call("GET", at(id, "/results?include_time_series=true"));
      state.lookedAt = Date.now();
      state.counted = answer.data.as_of !== null;
      if (!force && answer.etag === state.tag) return;
      const segments = await Promise.all(experiment.segments.map(async ({ key }) => ({ key, segments: (await get(at(id, `/results?format=metrics_only&segment=${encodeURIComponent(key)}`))).segments })));
      if (state.left) return;
      state.tag = answer.etag;
      state.leaveResults();
      const made = resultsView(experiment, answer.data, segments);
      state.leaveResults = made.leave;
      fill(results, made.element);
      fill(past, await history(id));
    } catch (problem) {
      if (!state.left) fill(results, explained(problem));
    }
  };

  drawHead();
  if (may("results:read")) await look();
  const tick = async () => {
    if (experiment.status === "draft" || !state.lookedAt) return;
    const passed = Date.now() - state.lookedAt;
    if (document.visibilityState === "visible" && passed >= (state.counted ? LOOK_AGAIN_MS : FIRST_LOOKS_MS)) await look();
    fill(updated, `Updated ${Math.round((Date.now() - state.lookedAt) / 1000)} s ago`);
  };
  const again = setInterval(tick, TICK_MS);
  const element = h("div", { class: "stack" }, head,
    results,
    raw,
    h("div", { class: "pair" },
      h("section", { class: "card" }, h("h2", {}, "Definition"), setup),
      h("section", { class: "card" }, h("h2", {}, "History"), past)),
    may("assignments:read") ? h("section", { class: "card no-print" }, h("h2", {}, "Look up a user"), lookup(id)) : null);
  return { title: experiment.name, element, leave: () => { state.left = true; clearInterval(again); state.leaveResults(); } };
}

function heading(experiment, may, refresh, changed, tag, updated) {
  const dates = experiment.started_at ? `Started ${time(experiment.started_at)}${experiment.ended_at ? `, ended ${time(experiment.ended_at)}` : ""}` : `Created ${time(experiment.created_at)} by ${experiment.created_by}`;
  return [
    h("div", { class: "row apart no-print" },
      h("nav", { "aria-label": "Breadcrumb", class: "small" }, h("a", { href: "#/experiments" }, "Experiments")),
      h("div", { class: "row" }, updated, h("button", { type: "button", class: "little", onclick: refresh }, "Refresh"), h("button", { type: "button", class: "little", onclick: () => window.print() }, "Print"))),
    h("div", { class: "row apart" },
      h("div", { class: "stack tight" },
        h("div", { class: "row" }, h("h1", { tabindex: -1 }, experiment.name), statusBadge(experiment.status)),
        h("p", { class: "small soft" }, h("code", {}, experiment.id), ` · ${dates}`)),
      may("experiments:write") ? lifecycle(experiment, changed, tag) : null),
    experiment.hypothesis ? h("p", { class: "soft" }, experiment.hypothesis) : null,
  ];
}
