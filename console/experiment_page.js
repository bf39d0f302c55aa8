// One experiment: what it is called and how it stands, and below it one of its tabs.

import { at, call, get } from "./api.js";
import { debugView } from "./debug_view.js";
import { definition } from "./definition.js";
import { badge, fill, h } from "./dom.js";
import { concluded } from "./ending.js";
import { explained, say } from "./feedback.js";
import { ago, time } from "./format.js";
import { history, pausedBy } from "./history.js";
import { lifecycle } from "./lifecycle.js";
import { resultsView } from "./results_view.js";
import { rowsExport } from "./rows_export.js";
import { statusBadge } from "./wording.js";

const TABS = [["", "Results"], ["setup", "Setup"], ["debug", "Debug"], ["history", "History"]];
const LOOK_AGAIN_MS = 30_000;
const FIRST_LOOKS_MS = 5_000; // while nothing is counted yet
const TICK_MS = 1_000;

export async function view(id, me, tab = "") {
  let { data: experiment, etag } = await call("GET", at(id));
  const may = (scope) => me.scopes.includes(scope);
  const head = h("div", { class: "stack tight" });
  const place = h("div", { class: "stack", "aria-live": "off" });
  const updated = h("span", { class: "small soft" });
  const state = { tag: null, counted: false, lookedAt: 0, leave: () => {}, rows: null, left: false, action: null };
  const shown = tab === "" && may("results:read");

  const changed = async (answer) => {
    ({ data: experiment, etag } = answer);
    await draw(true);
  };
  const refresh = async () => {
    await changed(await call("GET", at(id)));
    say("Up to date.");
  };

  const look = async (force = false) => {
    const answer = await call("GET", at(id, "/results?include_time_series=true"));
    state.lookedAt = Date.now();
    state.counted = answer.data.as_of !== null;
    if (!force && answer.etag === state.tag) return;
    const paused = experiment.status === "paused" ? await pausedBy(id) : null;
    const segments = await Promise.all(experiment.segments.map(async ({ key }) => ({ key,
            answer: await get(at(id, `/results?format=metrics_only&segment=${encodeURIComponent(key)}`)) })));
    if (state.left) return;
    state.tag = answer.etag;
    const action = answer.data.recommendation?.action ?? null;
    if (action !== state.action && !head.contains(document.activeElement)) {
      state.action = action;
      fill(head, heading(experiment, may, refresh, changed, () => etag, action));
    }
    state.leave();
    const made = resultsView(experiment, answer.data, segments);
    state.leave = made.leave;
    fill(place, concluded(experiment), paused, made.element, experiment.status === "draft" ? null : (state.rows ??= rowsExport(id))); // one for good: it may be reading
  };
  const debug = async () => {
    const made = await debugView(experiment, may);
    if (state.left) return made.leave();
    state.leave();
    state.leave = made.leave;
    return fill(place, made.element);
  };
  const draw = async (force) => {
    fill(head, heading(experiment, may, refresh, changed, () => etag, state.action));
    try {
      if (shown) await look(force);
      else if (tab === "setup") fill(place, definition(experiment));
      else if (tab === "history") fill(place,
        h("section", { class: "card" }, h("h2", { class: "hidden" }, "History"), await history(id)));
      else if (tab === "debug") await debug();
    } catch (problem) {
      if (!state.left) fill(place, explained(problem));
    }
  };

  await draw(true);
  const tick = async () => {
    if (!shown || experiment.status === "draft" || !state.lookedAt) return;
    const passed = Date.now() - state.lookedAt;
    if (document.visibilityState === "visible" && passed >= (state.counted ? LOOK_AGAIN_MS : FIRST_LOOKS_MS)) {
      state.lookedAt = Date.now();
      await look().catch((problem) => {
        state.tag = null; // the same figures take the place of this text again
        if (!state.left) fill(place, explained(problem));
      });
    }
    fill(updated, `Updated ${ago(new Date(state.lookedAt).toISOString())}`);
  };
  const again = setInterval(tick, TICK_MS);
  const element = h("div", { class: "stack" }, head,
    h("div", { class: "tabs row apart" }, parts(experiment, tab), updated), place);
  return { title: experiment.name, element, leave: () => { state.left = true; clearInterval(again); state.leave(); } };
}

function heading(experiment, may, refresh, changed, tag, action) {
  const dates = experiment.started_at ? `started ${time(experiment.started_at)}${experiment.ended_at ? `, ended ${time(experiment.ended_at)}` : ""}` : `created ${time(experiment.created_at)} by ${experiment.created_by}`;
  return [
    h("nav", { "aria-label": "Breadcrumb", class: "small no-print" },
      h("a", { href: "#/experiments", class: "quiet" }, "Experiments")),
    h("div", { class: "row apart start" },
      h("div", { class: "stack tight grow" },
        h("div", { class: "row" }, h("h1", { tabindex: -1 }, experiment.name), statusBadge(experiment.status),
          experiment.archived ? badge("archived", "warn") : null),
        experiment.hypothesis ? h("p", { class: "soft" }, experiment.hypothesis) : null,
        h("p", { class: "small soft" }, h("code", {}, experiment.id), ` · ${dates}`)),
      lifecycle(experiment, { may, changed, tag, refresh, action })),
  ];
}

function parts(experiment, tab) {
  const to = (place) => `#/experiments/${encodeURIComponent(experiment.id)}${place ? `/${place}` : ""}`;
  return h("nav", { "aria-label": "Parts of the experiment" },
    TABS.map(([place, name]) => h("a", { href: to(place), "aria-current": place === tab ? "page" : null }, name)));
}
