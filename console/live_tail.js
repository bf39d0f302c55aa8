// The newest events and exposures, as they reach the archive; looked at again for as long as somebody looks.

import { get } from "./api.js";
import { badge, fill, h, table } from "./dom.js";
import { explained } from "./feedback.js";
import { decimal, second } from "./format.js";
import { pairs } from "./pairs.js";

const SHOWN = 50;
const AGAIN_MS = 10_000;

// `form` asks about a user (lookup.js); a user of the tail is looked up there. Returns { element, leave }.
export function liveTail(form, experimentId = null) {
  const place = h("div", { class: "stack tight" }, h("p", { class: "soft" }, "Looking …"));
  const state = { paused: false, left: false, seen: null };
  const look = async () => {
    try {
      const answer = await get(`/events/recent?limit=${SHOWN}${experimentId ? `&experiment_id=${encodeURIComponent(experimentId)}` : ""}`);
      const seen = JSON.stringify(answer);
      if (state.left || seen === state.seen || place.contains(document.activeElement)) return; // nobody loses the row that has the focus
      state.seen = seen;
      fill(place, rows(answer, form, experimentId));
    } catch (problem) {
      state.seen = null;
      if (!state.left) fill(place, explained(problem));
    }
  };
  const pause = h("button", { type: "button", class: "little", "aria-pressed": "false", onclick: () => {
    state.paused = !state.paused;
    pause.setAttribute("aria-pressed", String(state.paused));
    if (!state.paused) look();
  } }, "Pause");
  const again = setInterval(() => { if (!state.paused && document.visibilityState === "visible") look(); }, AGAIN_MS);
  look();
  const element = h("section", { class: "card" },
    h("div", { class: "row apart headed" }, h("h2", {}, "Live tail"), pause),
    h("p", { class: "small soft headed" },
      `The last ${SHOWN} ${experimentId ? "exposures, and events that a metric looks at," : "events and exposures"} since yesterday, counted or not; up to a minute behind.`),
    h("div", { class: "tail" }, place));
  return { element, leave: () => { state.left = true; clearInterval(again); } };
}

function rows({ events, exposures, sampled }, form, experimentId) {
  const newest = [...events, ...exposures].sort((one, other) => (one.received_at < other.received_at ? 1 : -1))
    .slice(0, SHOWN);
  if (!newest.length) return h("p", { class: "soft" }, "Nothing was received since yesterday.");
  const ask = (user) => {
    form.elements.user.value = user;
    form.elements.user.focus();
    form.requestSubmit();
  };
  const told = (each) => Object.keys(each.properties ?? each.context).length > 0;
  return [
    sampled ? h("p", { class: "alert warn" },
      "More arrives than is looked through, so others of the same time are left out.") : null,
    table("Last events and exposures", [
      { title: "Received", cell: (each) => second(each.received_at) },
      { title: "What", cell: (each) => (each.type ? h("code", {}, each.type)
          : [badge("exposure", "accent"),
            experimentId ? null : h("span", { class: "small soft" }, ` ${each.experiment_id}`)]) },
      { title: "User", cell: (each) => h("button",
          { type: "button", class: "link", title: "Look up", onclick: () => ask(each.user_id) }, each.user_id) },
      { title: "Value or variant", cell: (each) => (each.type ? decimal(each.value) : h("code", {}, each.variant)) },
      newest.some(told) ? { title: "Properties or context", cell: (each) => pairs(each.properties ?? each.context) }
        : null,
    ].filter(Boolean), newest, { hideCaption: true, cards: true }),
  ];
}
