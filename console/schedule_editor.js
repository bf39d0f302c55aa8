// What happens by itself: the start, more traffic step by step, the end; and what proven harm does.

import { h } from "./dom.js";
import { asNumber, choice, field, lines, number } from "./form.js";
import { asMoment, moment } from "./moment_field.js";
import { REACTION } from "./words.js";

export function scheduleEditor(schedule) {
  const start = moment(schedule?.start_at);
  const end = moment(schedule?.end_at);
  const ramp = lines({ values: schedule?.ramp ?? [], most: 20, add: "Step", empty: () => ({ at: null, percent: null }),
      line: step });
  const element = h("fieldset", { "data-field": "/schedule", "data-name": "Schedule" }, h("legend", {}, "Schedule"),
    h("p", { class: "hint" }, "What happens by itself, in your own time. Leave it empty to start and end by hand."),
      h("p", { class: "fault" }),
    h("div", { class: "thirds" }, field("Starts", start, { pointer: "/schedule/start_at" }),
      field("Ends", end, { pointer: "/schedule/end_at" })),
    h("p", { class: "label" }, "More traffic, step by step"), ramp.element);
  const value = () => {
    const chosen = { start_at: asMoment(start), end_at: asMoment(end), ramp: ramp.values() };
    return chosen.start_at || chosen.end_at || chosen.ramp.length ? chosen : null;
  };
  return { element, value };
}

function step({ at, percent }, index) {
  const when = moment(at, { required: true });
  const share = number(percent, { min: 0, max: 100, required: true });
  return {
    element: h("div", { class: "line timed" }, field("From", when, { pointer: `/schedule/ramp/${index}/at` }),
      field("Percent of users", share, { pointer: `/schedule/ramp/${index}/percent` })),
    value: () => ({ at: asMoment(when), percent: asNumber(share) }),
  };
}

export function guardEditor(guard) {
  const options = Object.entries(REACTION).map(([key, [name]]) => [key, name]);
  const harm = choice(options, guard.harm);
  const mismatch = choice(options, guard.mismatch);
  const element = h("fieldset", {}, h("legend", {}, "Guard"),
    h("p", { class: "hint" }, "What happens while it runs, once it is proven."),
    h("div", { class: "thirds" }, field("A guardrail is harmed", harm, { pointer: "/guard/harm" }),
      field("Users are not split as planned", mismatch, { pointer: "/guard/mismatch" })));
  return { element, value: () => ({ harm: harm.value, mismatch: mismatch.value }) };
}
